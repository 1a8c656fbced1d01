/* Remote procedure calls between processes, by every way that Windows has on one machine: pipes, local calls, TCP; with an endpoint
   that both know, and with one that the endpoint mapper is asked for. Marshalling is left out: calls carry bytes. */
#include "family.h"
#include <rpc.h>
#include <rpcndr.h>

/* 8 bytes in, 8 out: the sum, and the server's process. */
#define SUM 0
/* Any bytes: they come back turned round. */
#define TURN 1
/* Raises an exception. */
#define RAISE 2
/* The server is to end. */
#define END 3

static HANDLE finished;

static void __RPC_STUB sum(PRPC_MESSAGE message);
static void __RPC_STUB turn(PRPC_MESSAGE message);
static void __RPC_STUB raise_(PRPC_MESSAGE message);
static void __RPC_STUB end(PRPC_MESSAGE message);

static RPC_DISPATCH_FUNCTION functions[] = {sum, turn, raise_, end, NULL};
static RPC_DISPATCH_TABLE table = {4, functions, 0};
#define OURS {{0x7b0d2f3a, 0x5c1e, 0x4b7e, {0x9a, 0x11, 0x3d, 0x5f, 0x70, 0x11, 0x00, 0x03}}, {1, 0}}
#define NDR {{0x8a885d04, 0x1ceb, 0x11c9, {0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60}}, {2, 0}}
static RPC_SERVER_INTERFACE server_side = {sizeof server_side, OURS, NDR, &table, 0, NULL, NULL, NULL, 0};
static RPC_CLIENT_INTERFACE client_side = {sizeof client_side, OURS, NDR, NULL, 0, NULL, 0, NULL, 0};

static void __RPC_STUB sum(PRPC_MESSAGE message) {
    DWORD in[2] = {0}, out[2];
    if (message->BufferLength == sizeof in) memcpy(in, message->Buffer, sizeof in);
    out[0] = in[0] + in[1];
    out[1] = GetCurrentProcessId();
    message->BufferLength = sizeof out;
    if (I_RpcGetBuffer(message) == RPC_S_OK) memcpy(message->Buffer, out, sizeof out);
}

static void __RPC_STUB turn(PRPC_MESSAGE message) {
    unsigned length = message->BufferLength;
    char *copy = malloc(length ? length : 1);
    for (unsigned i = 0; i < length; i++) copy[i] = ((char *)message->Buffer)[length - 1 - i];
    if (I_RpcGetBuffer(message) == RPC_S_OK) memcpy(message->Buffer, copy, length);
    free(copy);
}

static void __RPC_STUB raise_(PRPC_MESSAGE message) {
    (void)message;
    RpcRaiseException(ERROR_FILE_NOT_FOUND);
}

static void __RPC_STUB end(PRPC_MESSAGE message) {
    message->BufferLength = 0;
    I_RpcGetBuffer(message);
    SetEvent(finished);
}

static int serve(const char *protocol, const char *endpoint, HANDLE ready) {
    RPC_STATUS status;
    RPC_BINDING_VECTOR *bindings;
    finished = CreateEventA(NULL, TRUE, FALSE, NULL);
    if (*endpoint != '-') status = RpcServerUseProtseqEpA((RPC_CSTR)protocol, RPC_C_PROTSEQ_MAX_REQS_DEFAULT, (RPC_CSTR)endpoint, NULL);
    else status = RpcServerUseProtseqA((RPC_CSTR)protocol, RPC_C_PROTSEQ_MAX_REQS_DEFAULT, NULL);
    if (status) return 1;
    if (RpcServerRegisterIf(&server_side, NULL, NULL)) return 2;
    if (*endpoint == '-') {
        if (RpcServerInqBindings(&bindings)) return 3;
        if (RpcEpRegisterA(&server_side, bindings, NULL, (RPC_CSTR) "a test")) return 4;
    }
    if (RpcServerListen(1, RPC_C_LISTEN_MAX_CALLS_DEFAULT, TRUE)) return 5;
    SetEvent(ready);
    if (WaitForSingleObject(finished, 60000) != WAIT_OBJECT_0) return 8;
    status = RpcMgmtStopServerListening(NULL);
    if (*endpoint == '-' && RpcEpUnregister(&server_side, bindings, NULL)) return 6;
    return status ? 7 : 0;
}

/* One call with these bytes: its status, and what it answers in place of them. */
static RPC_STATUS call(RPC_BINDING_HANDLE binding, unsigned number, void *bytes, unsigned length, unsigned *answered) {
    RPC_MESSAGE message = {.Handle = binding, .ProcNum = number, .BufferLength = length, .RpcInterfaceInformation = &client_side,
                           .DataRepresentation = NDR_LOCAL_DATA_REPRESENTATION};
    RPC_STATUS status = I_RpcGetBuffer(&message);
    if (status) return status;
    memcpy(message.Buffer, bytes, length);
    status = I_RpcSendReceive(&message);
    if (status) return status;
    *answered = message.BufferLength;
    memcpy(bytes, message.Buffer, message.BufferLength < length ? message.BufferLength : length);
    return I_RpcFreeBuffer(&message);
}

struct caller {
    RPC_BINDING_HANDLE binding;
    DWORD first;
    LONG good;
};

static DWORD WINAPI many_calls(void *argument) {
    struct caller *caller = argument;
    for (DWORD i = 0; i < 50; i++) {
        DWORD bytes[2] = {caller->first, i};
        unsigned answered = 0;
        if (call(caller->binding, SUM, bytes, sizeof bytes, &answered)) break;
        if (answered == 8 && bytes[0] == caller->first + i) InterlockedIncrement(&caller->good);
    }
    return 0;
}

static void calls(const char *protocol, const char *endpoint) {
    PROCESS_INFORMATION made;
    RPC_CSTR text;
    RPC_BINDING_HANDLE binding = NULL;
    HANDLE ready = CreateEventA(NULL, TRUE, FALSE, NULL);
    BOOL mapped = *endpoint == '-';
    unsigned answered = 0, length = 300000;
    DWORD bytes[2] = {40, 2};
    say("%s %s", protocol, endpoint);
    inheritable(ready);
    const char *address = !strcmp(protocol, "ncacn_ip_tcp") ? "127.0.0.1" : NULL;
    CHECK_EQ("composed", RpcStringBindingComposeA(NULL, (RPC_CSTR)protocol, (RPC_CSTR)address, (RPC_CSTR)(mapped ? NULL : endpoint), NULL, &text), RPC_S_OK);
    CHECK_EQ("bound", RpcBindingFromStringBindingA(text, &binding), RPC_S_OK);
    RpcStringFreeA(&text);
    if (!mapped) CHECK_EQ("nobody is there", call(binding, SUM, bytes, sizeof bytes, &answered), RPC_S_SERVER_UNAVAILABLE);
    CHECK("a server", start(&made, 0, TRUE, "serve %s %s %llu", protocol, endpoint, number(ready)));
    HANDLE either[2] = {ready, made.hProcess};
    CHECK_EQ("is ready", WaitForMultipleObjects(2, either, FALSE, 60000), WAIT_OBJECT_0);
    CloseHandle(ready);
    if (mapped) CHECK_EQ("where it is", RpcEpResolveBinding(binding, &client_side), RPC_S_OK);
    CHECK_EQ("called", call(binding, SUM, bytes, sizeof bytes, &answered), RPC_S_OK);
    CHECK("it answers", answered == sizeof bytes && bytes[0] == 42);
    CHECK_EQ("out of its process", bytes[1], made.dwProcessId);
    char *much = malloc(length), *same = malloc(length);
    for (unsigned i = 0; i < length; i++) same[i] = much[i] = (char)(i * 31 >> 3);
    CHECK_EQ("with much", call(binding, TURN, much, length, &answered), RPC_S_OK);
    CHECK_EQ("that comes back", answered, length);
    unsigned wrong = 0;
    for (unsigned i = 0; i < length; i++) wrong += much[i] != same[length - 1 - i];
    CHECK_EQ("turned round", wrong, 0);
    free(much);
    free(same);
    CHECK_EQ("an exception there", call(binding, RAISE, bytes, sizeof bytes, &answered), ERROR_FILE_NOT_FOUND);
    CHECK_EQ("no such procedure", call(binding, 9, bytes, sizeof bytes, &answered), RPC_S_PROCNUM_OUT_OF_RANGE);
    struct caller callers[4];
    HANDLE threads[4];
    LONG good = 0;
    for (DWORD i = 0; i < 4; i++) {
        callers[i] = (struct caller){binding, i * 1000, 0};
        threads[i] = CreateThread(NULL, 0, many_calls, &callers[i], 0, NULL);
    }
    CHECK_EQ("many at once", WaitForMultipleObjects(4, threads, TRUE, 60000), WAIT_OBJECT_0);
    for (int i = 0; i < 4; i++) {
        good += callers[i].good;
        CloseHandle(threads[i]);
    }
    CHECK_EQ("all answered", good, 200);
    /* Wine's rpcrt4 does not wait for the answer to be out before its process may end. */
    RPC_STATUS told = call(binding, END, bytes, 0, &answered);
    CHECK("told to end", told == RPC_S_OK || told == RPC_S_CALL_FAILED);
    CHECK_EQ("it ends", ended(&made), 0);
    CHECK_EQ("freed", RpcBindingFree(&binding), RPC_S_OK);
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 4 && !strcmp(argv[1], "serve")) return serve(argv[2], argv[3], handle_of(argv[4]));
    calls("ncacn_np", "\\pipe\\portcullis-rpc");
    calls("ncalrpc", "portcullis-rpc");
    calls("ncacn_ip_tcp", "23456");
    calls("ncalrpc", "-");
    calls("ncacn_np", "-");
    return finish();
}
