"""Asks containerd for a pod as Kubernetes' kubelet does: the messages of its Container Runtime Interface (api.proto, runtime.v1), by the
numbers of their fields. Arguments: containerd's socket, a folder for logs, a runtime, an image, commands of a program that answers and one that
waits. What it finds it prints as JSON."""
import grpc
import json
import sys
import time

SOCKET, LOGS, HANDLER, IMAGE = sys.argv[1:5]
ANSWERS, WAITS = (text.split('|') for text in sys.argv[5:7])
# NamespaceMode NODE: the network is the host's, and nobody has to make one. ContainerState CONTAINER_EXITED.
NODE, EXITED = 2, 2


def number(value):
    out = b''
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(at, value):
    if isinstance(value, int):
        return number(at << 3) + number(value)
    value = value.encode() if isinstance(value, str) else value
    return number(at << 3 | 2) + number(len(value)) + value


def fields(data):
    """Values by the number of their field; those that stand there once, and 0 for what is left out."""
    found, at = {}, 0

    def read():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = read()
        value = read()
        if tag & 7 == 2:
            at += value
            value = data[at - value:at]
        found[tag >> 3] = value
    return found


channel = grpc.insecure_channel('unix:' + SOCKET)


def ask(name, request):
    return fields(channel.unary_unary('/runtime.v1.RuntimeService/' + name)(request, timeout=60))


namespaces = field(1, NODE)
pod = field(1, field(1, 'pod') + field(2, 'uid') + field(3, 'default')) + field(3, LOGS) + field(8, field(2, field(1, namespaces)))
sandbox = ask('RunPodSandbox', field(1, pod) + field(2, HANDLER))[1]


def run(name, command):
    config = field(1, field(1, name)) + field(2, field(1, IMAGE)) + field(3, command[0])
    config += b''.join(field(4, argument) for argument in command[1:])
    config += field(5, '/app') + field(6, field(1, 'LEVEL') + field(2, '4')) + field(11, name)
    # 256 MiB of memory.
    config += field(15, field(1, field(4, 256 << 20)) + field(2, field(3, namespaces)))
    made = ask('CreateContainer', field(1, sandbox) + field(2, config) + field(3, pod))[1]
    ask('StartContainer', field(1, made))
    return made


def status(container):
    return fields(ask('ContainerStatus', field(1, container))[1])


def logged(name):
    with open(LOGS + '/' + name) as log:
        return ''.join(line.split(' ', 3)[3].replace('\r', '') for line in log)


def until(so):
    for _ in range(600):
        if so():
            return
        time.sleep(0.1)
    sys.exit('not within a minute')


first = run('first', ANSWERS)
until(lambda: status(first).get(3, 0) == EXITED)
second = run('second', WAITS)
until(lambda: 'asleep' in logged('second'))
inside = b''.join(field(2, word) for word in ['cmd.exe', '/c', 'echo inside& exit 6'])
inside = ask('ExecSync', field(1, second) + inside + field(3, 30))
ask('StopContainer', field(1, second) + field(2, 30))
found = {
    'first': [status(first).get(7, 0), logged('first')],
    'inside': [inside.get(3, 0), inside.get(1, b'').decode().strip()],
    'second': [status(second).get(7, 0), logged('second')],
}
for container in first, second:
    ask('RemoveContainer', field(1, container))
ask('StopPodSandbox', field(1, sandbox))
# PodSandboxState SANDBOX_NOTREADY is 1.
found['stopped'] = fields(ask('PodSandboxStatus', field(1, sandbox))[1]).get(3, 0)
ask('RemovePodSandbox', field(1, sandbox))
found['left'] = len(ask('ListPodSandbox', b'')) + len(ask('ListContainers', b''))
print(json.dumps(found))
