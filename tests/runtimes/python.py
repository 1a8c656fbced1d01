# What CPython says alike on every system: run by the test under the host's Python and under Windows' one.
import asyncio, bz2, concurrent.futures, csv, ctypes, datetime, decimal, gc, hashlib, hmac, http.client, http.server, importlib, io, json
import locale, logging, lzma, mmap, multiprocessing, multiprocessing.shared_memory, os, pathlib, pickle, queue, re, select, selectors, shutil
import signal, socket, socketserver, sqlite3, struct, subprocess, sys, tempfile, threading, time, traceback, unicodedata, urllib.request
import weakref, zipfile, zlib


def square(n):
    return n * n


def producer(pipe, items, lock, total):
    for n in items:
        with lock:
            total.value += n
    pipe.send([os.getpid() != os.getppid(), sum(items)])
    pipe.close()


def echo(reader_end, writer_end):
    for item in iter(reader_end.get, None):
        writer_end.put(item[::-1])


def fails():
    raise ValueError("in a child")


def files():
    root = pathlib.Path(tempfile.mkdtemp(dir="."))
    deep = root / "a" / "größe ж" / "c"
    deep.mkdir(parents=True)
    (deep / "x.txt").write_text("line\nзавтра\n", encoding="utf-8", newline="\n")
    (deep / "x.txt").replace(deep / "y.txt")
    print("files", sorted(p.name for p in root.rglob("*")), (deep / "y.txt").stat().st_size, (deep / "x.txt").exists())
    with open(root / "m.bin", "w+b") as file:
        file.truncate(1 << 20)
        with mmap.mmap(file.fileno(), 0) as view:
            view[5:10] = b"hello"
            view.flush()
            print("mmap", view.find(b"llo"), len(view))
        file.seek(5)
        print("read back", file.read(5))
    os.utime(root / "m.bin", (1_000_000_000, 1_234_567_890))
    print("time", int(os.stat(root / "m.bin").st_mtime), datetime.datetime.fromtimestamp(1e9, datetime.timezone.utc).isoformat())
    with zipfile.ZipFile(root / "z.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.write(deep / "y.txt", "y.txt")
        archive.writestr("b.txt", "b" * 1000, zipfile.ZIP_BZIP2)
    with zipfile.ZipFile(root / "z.zip") as archive:
        print("zip", archive.testzip(), archive.namelist(), archive.read("y.txt").decode())
    print("packers", [len(m.decompress(m.compress(b"abc" * 9999))) for m in (zlib, bz2, lzma)])
    for error in (lambda: open(root / "none"), lambda: os.rmdir(root), lambda: os.mkdir(root / "a"), lambda: (root / "m.bin").open("x")):
        try:
            error()
        except OSError as e:
            print(type(e).__name__, e.errno != 0)
    shutil.rmtree(root)
    print(root.exists())


def database():
    base = sqlite3.connect("base.sqlite")
    base.execute("pragma journal_mode=wal")
    base.execute("create table t(k integer primary key, v text)")
    with base:
        base.executemany("insert into t(v) values (?)", ((f"größe {n}",) for n in range(5000)))
    other = sqlite3.connect("base.sqlite", timeout=0)
    base.execute("begin immediate")
    try:
        other.execute("insert into t(v) values ('x')")
    except sqlite3.OperationalError as e:
        print("sqlite", e)
    base.rollback()
    print(other.execute("select count(*), sum(k), max(v) from t where v like '%9'").fetchall())
    base.close(), other.close()
    os.remove("base.sqlite")


def children():
    me = sys.executable
    done = subprocess.run([me, "-c", "import sys; d = sys.stdin.read(); print(d.upper(), end=''); print(sys.argv[1:], file=sys.stderr); sys.exit(7)", "a b", 'c"d', "größe"],
                          input="text ж\n" * 3, capture_output=True, text=True, encoding="utf-8", env={**os.environ, "PYTHONUTF8": "1"})
    print("child", done.returncode, done.stdout.split(), done.stderr.strip())
    first = subprocess.Popen([me, "-c", "print('\\n'.join(map(str, range(20000))))"], stdout=subprocess.PIPE)
    second = subprocess.Popen([me, "-c", "import sys; print(sum(map(int, sys.stdin)))"], stdin=first.stdout, stdout=subprocess.PIPE, text=True)
    first.stdout.close()
    print("piped", second.communicate()[0].strip(), first.wait())
    try:
        subprocess.run([me, "-c", "import time; time.sleep(60)"], timeout=0.3)
    except subprocess.TimeoutExpired as e:
        print("timeout", e.cmd[1])
    try:
        subprocess.Popen(["no such program"])
    except FileNotFoundError as e:
        print(type(e).__name__)
    sleeper = subprocess.Popen([me, "-c", "import time; time.sleep(60)"])
    print(sleeper.poll())
    sleeper.kill()
    print("killed", sleeper.wait() != 0)
    print("shell", subprocess.run("echo one&& echo two", shell=True, capture_output=True, text=True).stdout.split())
    many = [subprocess.Popen([me, "-S", "-E", "-c", f"raise SystemExit({n})"]) for n in range(8)]
    print("many", [child.wait() for child in many])


def several():
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    lock, total = context.Lock(), context.Value("q", 0, lock=False)
    workers = [context.Process(target=producer, args=(its, range(n, 3000, 3), lock, total)) for n in range(3)]
    for worker in workers:
        worker.start()
    said = sorted(mine.recv() for _ in workers)
    for worker in workers:
        worker.join()
    print("processes", said, total.value, [worker.exitcode for worker in workers])
    there, back = context.Queue(), context.Queue()
    worker = context.Process(target=echo, args=(there, back), daemon=True)
    worker.start()
    for item in ("abc", [1, 2, 3], "x" * 100000, None):
        there.put(item)
    print("queues", back.get(), back.get(), len(back.get()))
    worker.join()
    with context.Pool(2) as pool:
        print("pool", pool.map(square, range(10)), pool.apply_async(square, (12,)).get(60))
        try:
            pool.apply(fails)
        except ValueError as e:
            print("raised", e)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        print("futures", sum(pool.map(square, range(100), chunksize=25)))
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
    other = multiprocessing.shared_memory.SharedMemory(memory.name)
    memory.buf[:4] = b"seen"
    print("shared", bytes(other.buf[:4]))
    other.close(), memory.close(), memory.unlink()


def threads():
    jobs, out = queue.Queue(), []
    barrier, ready, once = threading.Barrier(4), threading.Event(), threading.Lock()
    local = threading.local()

    def work(n):
        local.n = n
        barrier.wait()
        ready.wait()
        while (job := jobs.get()) is not None:
            with once:
                out.append((job * local.n) // local.n)
        jobs.put(None)

    running = [threading.Thread(target=work, args=(n + 1,)) for n in range(4)]
    for thread in running:
        thread.start()
    for job in [*range(1000), None]:
        jobs.put(job)
    ready.set()
    for thread in running:
        thread.join()
    print("threads", sum(out), len(out), ready.wait(0), threading.Condition().acquire(), once.acquire(timeout=0.01), once.acquire(timeout=0.01))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        print(sum(pool.map(lambda n: int(hashlib.sha256(str(n).encode()).hexdigest(), 16) % 1000, range(500))))
    before = time.monotonic()
    time.sleep(0.05)
    print("slept", 0.04 < time.monotonic() - before < 20, time.perf_counter() > 0)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(201)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_message(self, *_):
        pass


def network():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for size in (5, 3_000_000):
            asked = urllib.request.Request(f"http://localhost:{server.server_port}/x", data=b"ab" * size)
            with urllib.request.urlopen(asked) as answer:
                body = answer.read()
                print("http", answer.status, len(body), body[:4])
        server.shutdown()
    one, two = socket.socketpair()
    one.setblocking(False)
    try:
        one.recv(1)
    except BlockingIOError as e:
        print(type(e).__name__)
    two.sendall(b"x")
    chooser = selectors.DefaultSelector()
    chooser.register(one, selectors.EVENT_READ, "one")
    print("select", [key.data for key, _ in chooser.select(10)], select.select([one], [two], [], 10)[0] == [one])
    two.shutdown(socket.SHUT_WR)
    print(one.recv(9), one.recv(9))
    one.close(), two.close(), chooser.close()
    box = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2)]
    box[0].bind(("::1", 0))
    box[1].sendto(b"datagram", box[0].getsockname())
    print("udp", box[0].recvfrom(99)[0], socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0][4])
    for s in box:
        s.close()
    try:
        socket.create_connection(("127.0.0.1", 1), 30)
    except ConnectionRefusedError as e:
        print(type(e).__name__)


async def together():
    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()

    async def ask(n):
        reader, writer = await asyncio.open_connection(*address)
        got = []
        for turn in range(20):
            writer.write(f"ask {n} {turn}\n".encode())
            got.append(await reader.readline())
        writer.close()
        return len(got), got[-1]

    print("asyncio", (await asyncio.gather(*(ask(n) for n in range(30))))[::10])
    server.close()
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(input()[::-1])", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate(b"abc\n")
    print("subprocess", out.split(), child.returncode)
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.05)
    except TimeoutError:
        print("timeout")
    print(await asyncio.to_thread(square, 9), await asyncio.get_running_loop().run_in_executor(None, square, 11))


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]


def natives():
    runtime = ctypes.CDLL("ucrtbase.dll" if os.name == "nt" else None)
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    array = (ctypes.c_int * 6)(5, 1, 4, 2, 3, 0)
    runtime.qsort(array, ctypes.c_size_t(6), ctypes.c_size_t(4), compare(lambda a, b: a[0] - b[0]))
    runtime.strtod.restype = ctypes.c_double
    print("ctypes", list(array), runtime.strtod(b"2.5e3", None), ctypes.sizeof(Point), Point(3, 4.5).y, runtime.abs(-9))


def language():
    def deep(n):
        return 0 if n == 0 else 1 + deep(n - 1)

    print("language", deep(900), decimal.Decimal(2).sqrt(), 3**200 % 1000007, f"{1e22:.3f}", struct.pack("<dq", 1.5, -2).hex())
    try:
        {}["none"]
    except KeyError:
        print(traceback.format_exc().splitlines()[-1])
    print(re.findall(r"(?i)\b(\w)\w*é", "Café olé"), unicodedata.name("ß"), "ǅ".casefold() == "ǆ", sorted(["é", "e", "z"]))
    print(json.dumps(json.loads('{"a": [1, 2.5, null, "\\u00e9"]}')), pickle.loads(pickle.dumps({1: (2, {3})})), hmac.new(b"k", b"m", "sha3_256").hexdigest()[:16])
    with open("module_made.py", "w") as made:
        made.write("VALUE = [n for n in range(5)]\n")
    sys.path.insert(0, os.getcwd())
    importlib.invalidate_caches()
    print(importlib.import_module("module_made").VALUE, gc.collect() >= 0, weakref.ref(Point)() is Point)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", 'b "c"'], [1, None]])
    print(repr(text.getvalue()))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n", line_buffering=True)
    for part in (files, database, threads, natives, language, network, lambda: asyncio.run(together()), children, several):
        part()
    print("arguments", sys.argv[1:])
    signal.signal(signal.SIGINT, lambda *_: print("interrupted"))
    signal.raise_signal(signal.SIGINT)
    sys.exit(5)
