import com.sun.net.httpserver.HttpServer;
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.nio.file.attribute.*;
import java.security.*;
import java.time.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;
import java.util.zip.*;
import javax.crypto.Cipher;
import javax.crypto.spec.*;

/** What Java says alike on every system: the test runs the same class under Linux. */
public class Everything {
    static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

    static void say(Object... words) {
        System.out.println(Stream.of(words).map(String::valueOf).collect(Collectors.joining(" ")));
    }

    interface Step { void run() throws Exception; }

    static void fails(String what, Step step) {
        try {
            step.run();
            say(what, "did not fail");
        } catch (Throwable error) {
            say(what, error.getClass().getSimpleName());
        }
    }

    static void threads() throws Exception {
        var pool = Executors.newFixedThreadPool(8);
        var tasks = IntStream.range(0, 200).mapToObj(n -> (Callable<Long>) () -> LongStream.range(0, n * 100).sum()).toList();
        long sum = 0;
        for (var task : pool.invokeAll(tasks)) sum += task.get();
        say("pool", sum, IntStream.range(0, 1_000_000).parallel().filter(n -> n % 7 == 3).count());
        var lock = new Object();
        int[] turn = {0};
        var order = new StringBuffer();
        var players = IntStream.range(0, 3).mapToObj(me -> new Thread(() -> {
            for (int round = 0; round < 50; round++) synchronized (lock) {
                while (turn[0] % 3 != me) try { lock.wait(); } catch (InterruptedException e) { return; }
                order.append(me);
                turn[0]++;
                lock.notifyAll();
            }
        })).toList();
        players.forEach(Thread::start);
        for (var player : players) player.join();
        say("turns", order.length(), order.substring(0, 9));
        var counter = new LongAdder();
        try (var many = (AutoCloseable) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null)) {
            for (int n = 0; n < 2000; n++) ((ExecutorService) many).submit(() -> { Thread.sleep(5); counter.increment(); return 0; });
        }
        say("virtual", counter.sum());
        var sleeper = new Thread(() -> { try { Thread.sleep(60_000); } catch (InterruptedException e) { counter.reset(); } });
        sleeper.start();
        sleeper.interrupt();
        sleeper.join();
        say("interrupted", counter.sum(), CompletableFuture.supplyAsync(() -> 20).thenCombine(CompletableFuture.supplyAsync(() -> 22), Integer::sum).get());
        pool.shutdown();
        say(pool.awaitTermination(60, TimeUnit.SECONDS), new Exchanger<Integer>() != null, ThreadLocalRandom.current().nextInt(1, 2));
    }

    static int deep(int n) { return n + deep(n + 1); }

    static int length(String[] of, int at) { return of[at].length(); }

    static void machine() throws Exception {
        fails("stack", () -> deep(0));
        // Compiled code finds these by a fault, not by a look.
        int found = 0;
        var words = new String[] {"a", "bc", null};
        for (int n = 0; n < 200_000; n++) try { found += length(words, n % 1000 == 0 ? 2 : n & 1); } catch (NullPointerException e) { found += 100; }
        say("null", found);
        fails("zero", () -> say(1 / (found(0))));
        fails("memory", () -> { var all = new ArrayList<long[]>(); while (true) all.add(new long[1 << 24]); });
        fails("cast", () -> say((Integer) (Object) "x"));
        var kept = new ArrayList<WeakReferenceTo>();
        for (int n = 0; n < 300; n++) kept.add(new WeakReferenceTo(new byte[1 << 16]));
        for (int n = 0; n < 50 && kept.stream().anyMatch(one -> one.get() != null); n++) { System.gc(); Thread.sleep(10); }
        say("collected", kept.stream().allMatch(one -> one.get() == null));
        double area = 0;
        for (int n = 0; n < 5_000_000; n++) area += Math.sqrt(n) * Math.sin(n);
        say("numbers", String.format("%.6f", area), Math.fma(1e10, 1e10, -1e20), StrictMath.pow(1.1, 100), Long.toHexString(Double.doubleToLongBits(0.1 + 0.2)));
    }

    static int found(int n) { return n; }

    static class WeakReferenceTo extends java.lang.ref.WeakReference<byte[]> {
        WeakReferenceTo(byte[] bytes) { super(bytes); }
    }

    static void files() throws Exception {
        var root = Files.createTempDirectory(Path.of("."), "files");
        var deep = Files.createDirectories(root.resolve("a/größe ж"));
        var text = Files.writeString(deep.resolve("x.txt"), "line\nзавтра\n");
        Files.copy(text, deep.resolve("y.txt"));
        Files.move(text, deep.resolve("z.txt"), StandardCopyOption.ATOMIC_MOVE);
        Files.setLastModifiedTime(deep.resolve("z.txt"), FileTime.from(Instant.ofEpochSecond(1_234_567_890)));
        try (var walk = Files.walk(root)) { say("files", walk.map(p -> p.getFileName().toString()).filter(n -> !n.startsWith("files")).sorted().toList()); }
        say(Files.readAllLines(deep.resolve("y.txt")), Files.size(deep.resolve("z.txt")), Files.getLastModifiedTime(deep.resolve("z.txt")), Files.mismatch(deep.resolve("y.txt"), deep.resolve("z.txt")));
        try (var channel = FileChannel.open(root.resolve("m.bin"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            var view = channel.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
            view.putLong(4096, 42);
            view.force();
            var one = ByteBuffer.allocate(8);
            channel.read(one, 4096);
            say("mapped", one.flip().getLong(), channel.size());
            try (var lock = channel.lock(0, 100, false)) {
                fails("locked", () -> channel.tryLock(50, 10, false));
                say(lock.isValid());
            }
            channel.transferTo(4096, 8, Channels.newChannel(new FileOutputStream(root.resolve("t.bin").toFile())));
        }
        try (var later = AsynchronousFileChannel.open(root.resolve("later.bin"), StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.READ)) {
            var sent = IntStream.range(0, 20).mapToObj(n -> later.write(ByteBuffer.wrap(new byte[1000]), n * 1000L)).toList();
            int total = 0;
            for (var part : sent) total += part.get();
            say("asynchronous", total, later.read(ByteBuffer.allocate(500), 19_900).get());
        }
        try (var watch = FileSystems.getDefault().newWatchService()) {
            deep.register(watch, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_DELETE);
            Files.writeString(deep.resolve("new.txt"), "");
            var key = watch.poll(60, TimeUnit.SECONDS);
            say("watched", key.pollEvents().get(0).kind(), key.reset());
        }
        fails("exists", () -> Files.createDirectory(root.resolve("a")));
        fails("missing", () -> Files.delete(root.resolve("none")));
        fails("not empty", () -> Files.delete(root));
        try (var zip = new ZipOutputStream(Files.newOutputStream(root.resolve("z.zip")))) {
            zip.putNextEntry(new ZipEntry("größe.txt"));
            zip.write("text".repeat(1000).getBytes());
        }
        try (var inside = FileSystems.newFileSystem(root.resolve("z.zip"))) { say("zip", Files.size(inside.getPath("größe.txt"))); }
        // A mapping goes with its buffer, and a file that is mapped is not deleted everywhere.
        try (var walk = Files.walk(root)) { for (var path : walk.sorted(Comparator.reverseOrder()).toList()) try { Files.delete(path); } catch (IOException e) { } }
    }

    static ProcessBuilder me(String... args) {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var all = new ArrayList<>(List.of(java, "-XX:-PrintWarnings", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), "Everything"));
        all.addAll(List.of(args));
        return new ProcessBuilder(all);
    }

    static void processes() throws Exception {
        var builder = me("child", "a b", "q q", "");
        builder.environment().put("GIVEN", "größe");
        var child = builder.redirectErrorStream(true).start();
        try (var to = child.outputWriter(StandardCharsets.UTF_8)) { to.write("one\ntwo\n"); }
        say("child", new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList(), child.waitFor());
        var out = new File("said.txt");
        say(me("child").redirectOutput(out).redirectInput(ProcessBuilder.Redirect.from(new File("input.txt"))).start().waitFor(), Files.readAllLines(out.toPath()));
        var sleeper = me("sleep").start();
        say("alive", sleeper.isAlive(), sleeper.waitFor(50, TimeUnit.MILLISECONDS), sleeper.toHandle().pid() == sleeper.pid());
        sleeper.destroyForcibly();
        say("ended", sleeper.waitFor() != 0, sleeper.onExit().get().isAlive());
        var line = ProcessBuilder.startPipeline(List.of(me("count"), me("child"))).get(1);
        say("pipeline", line.inputReader().lines().count(), line.waitFor());
        fails("no program", () -> new ProcessBuilder("no such program").start());
    }

    static void sockets() throws Exception {
        try (var server = new ServerSocket(0, 50, LOOPBACK)) {
            var ends = Executors.newCachedThreadPool();
            var served = ends.submit(() -> {
                try (var client = server.accept()) { return client.getInputStream().transferTo(client.getOutputStream()); }
            });
            try (var client = new Socket(LOOPBACK, server.getLocalPort())) {
                client.setTcpNoDelay(true);
                ends.submit(() -> { client.getOutputStream().write(new byte[2_000_000]); client.shutdownOutput(); return 0; });
                say("socket", client.getInputStream().readAllBytes().length, served.get());
                client.setSoTimeout(50);
            }
            server.setSoTimeout(50);
            fails("nobody", server::accept);
            ends.shutdown();
        }
        try (var selector = Selector.open(); var server = ServerSocketChannel.open().bind(new InetSocketAddress(LOOPBACK, 0))) {
            server.configureBlocking(false).register(selector, SelectionKey.OP_ACCEPT);
            var address = server.getLocalAddress();
            for (int n = 0; n < 20; n++) {
                var client = SocketChannel.open();
                client.configureBlocking(false);
                client.connect(address);
                client.register(selector, SelectionKey.OP_CONNECT, n);
            }
            int answers = 0, total = 0;
            while (answers < 20 && selector.select(60_000) > 0) {
                for (var key : Set.copyOf(selector.selectedKeys())) {
                    selector.selectedKeys().remove(key);
                    var buffer = ByteBuffer.allocate(64);
                    if (key.isAcceptable()) {
                        for (var one = server.accept(); one != null; one = server.accept()) one.configureBlocking(false).register(selector, SelectionKey.OP_READ, -1);
                    } else if (key.isConnectable()) {
                        ((SocketChannel) key.channel()).finishConnect();
                        ((SocketChannel) key.channel()).write(ByteBuffer.wrap(("ask " + key.attachment()).getBytes()));
                        key.interestOps(SelectionKey.OP_READ);
                    } else if ((Integer) key.attachment() < 0) {
                        int count = ((SocketChannel) key.channel()).read(buffer);
                        if (count < 0) key.channel().close(); else ((SocketChannel) key.channel()).write(buffer.flip());
                    } else {
                        total += ((SocketChannel) key.channel()).read(buffer);
                        answers++;
                        key.channel().close();
                    }
                }
            }
            say("selector", answers, total);
        }
        try (var server = AsynchronousServerSocketChannel.open().bind(new InetSocketAddress(LOOPBACK, 0)); var client = AsynchronousSocketChannel.open()) {
            var accepted = server.accept();
            client.connect(server.getLocalAddress()).get();
            try (var other = accepted.get()) {
                var buffer = ByteBuffer.allocate(100);
                var read = other.read(buffer);
                client.write(ByteBuffer.wrap("later".getBytes())).get();
                say("asynchronous", read.get(), new String(buffer.array(), 0, 5));
            }
        }
        try (var one = DatagramChannel.open().bind(new InetSocketAddress(LOOPBACK, 0)); var two = new DatagramSocket(0, LOOPBACK)) {
            two.send(new DatagramPacket("datagram".getBytes(), 8, one.getLocalAddress()));
            var buffer = ByteBuffer.allocate(99);
            say("datagram", one.receive(buffer).equals(two.getLocalSocketAddress()), buffer.position());
        }
        fails("refused", () -> new Socket(LOOPBACK, 1));
        var web = HttpServer.create(new InetSocketAddress(LOOPBACK, 0), 0);
        web.createContext("/", exchange -> {
            var body = exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(200, body.length);
            try (var to = exchange.getResponseBody()) { to.write(body); }
        });
        web.start();
        var client = HttpClient.newHttpClient();
        var to = URI.create("http://127.0.0.1:" + web.getAddress().getPort() + "/");
        var asked = IntStream.range(0, 10).mapToObj(n -> client.sendAsync(HttpRequest.newBuilder(to).POST(HttpRequest.BodyPublishers.ofByteArray(new byte[n * 10_000])).build(), HttpResponse.BodyHandlers.ofByteArray())).toList();
        int total = 0;
        for (var answer : asked) total += answer.get().body().length;
        say("http", total, asked.get(3).get().statusCode(), client.send(HttpRequest.newBuilder(to).build(), HttpResponse.BodyHandlers.ofString()).version());
        web.stop(0);
    }

    static void library() throws Exception {
        say("hash", HexFormat.of().formatHex(MessageDigest.getInstance("SHA3-256").digest("abc".getBytes())).substring(0, 16));
        var cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(new byte[16], "AES"), new GCMParameterSpec(128, new byte[12]));
        say("cipher", HexFormat.of().formatHex(cipher.doFinal("text".getBytes())));
        var keys = KeyPairGenerator.getInstance("EC").generateKeyPair();
        var signature = Signature.getInstance("SHA256withECDSA");
        signature.initSign(keys.getPrivate(), SecureRandom.getInstanceStrong());
        signature.update(new byte[100]);
        var signed = signature.sign();
        signature.initVerify(keys.getPublic());
        signature.update(new byte[100]);
        say("signed", signature.verify(signed));
        say("time", ZonedDateTime.ofInstant(Instant.EPOCH, ZoneId.of("Asia/Kolkata")), String.format(Locale.GERMANY, "%,.2f", 1234567.891), "Straße".toUpperCase(Locale.ROOT));
        say("text", "a1b22".replaceAll("(\\d+)", "<$1>"), Charset("windows-1252"), new Scanner("1 2,5 x").useLocale(Locale.GERMANY).nextInt());
        var bytes = new ByteArrayOutputStream();
        try (var to = new ObjectOutputStream(bytes)) { to.writeObject(new TreeMap<>(Map.of("k", List.of(1, 2)))); }
        say("object", new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject());
    }

    static String Charset(String name) throws Exception { return HexFormat.of().formatHex("€ß".getBytes(name)); }

    public static void main(String[] args) throws Exception {
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8) {
            @Override public void println(String text) { print(text + "\n"); }
        });
        switch (args.length == 0 ? "" : args[0]) {
            case "child" -> {
                say((Object[]) args);
                say(System.getenv("GIVEN"));
                var in = new BufferedReader(new InputStreamReader(System.in));
                for (var line = in.readLine(); line != null; line = in.readLine()) say(line.toUpperCase());
                System.exit(args.length + 3);
            }
            case "sleep" -> Thread.sleep(60_000);
            case "count" -> IntStream.range(0, 5000).forEach(Everything::say);
            default -> {
                say("arguments", List.of(args));
                for (Step part : List.<Step>of(Everything::threads, Everything::machine, Everything::files, Everything::processes, Everything::sockets, Everything::library)) part.run();
                Runtime.getRuntime().addShutdownHook(new Thread(() -> say("hook")));
                System.exit(6);
            }
        }
    }
}
