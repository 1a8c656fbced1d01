//! Large programs under load, beside the same versions for Linux: node as a web server, PostgreSQL, Go's compiler.

use super::{Make, Row, in_turn, median, native};
use portcullis::{product, programs, repository};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Rounds of a server's load, after one that does not count.
const ROUNDS: usize = 3;
/// Connections to a web server, and requests in all.
const LOAD: [&str; 2] = ["16", "30000"];
/// Sessions with a database, and seconds of it.
const SESSIONS: [&str; 2] = ["2", "4"];

/// A server, which ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // A database keeps its memory if it is killed.
        if let Ok(number) = i32::try_from(self.0.id()) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(number), nix::sys::signal::Signal::SIGTERM);
        }
        let _ = portcullis::command::wait(&mut self.0, std::time::Duration::from_secs(20));
    }
}

impl Server {
    /// Starts one, and waits for a line of what it says.
    fn start(mut command: Command, ready: &str) -> Server {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let pipes = child.stdout.take().zip(child.stderr.take()).expect("piped");
        let (said, hears) = std::sync::mpsc::channel();
        let from: [Box<dyn std::io::Read + Send>; 2] = [Box::new(pipes.0), Box::new(pipes.1)];
        for pipe in from {
            let said = said.clone();
            // Reads on, so that the server never waits for a reader.
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let _ = said.send(line);
                }
            });
        }
        drop(said);
        assert!(hears.iter().any(|line| line.contains(ready)), "a server did not start");
        Server(child)
    }
}

/// A port that was free a moment ago.
fn port() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port().to_string()
}

/// Measures two in turn; medians.
fn alternate(ours: &dyn Fn() -> Option<f64>, linux: &dyn Fn() -> Option<f64>) -> [Option<f64>; 2] {
    let mut values = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (values, measure) in values.iter_mut().zip([ours, linux]) {
            if let Some(value) = measure()
                && round > 0
            {
                values.push(value);
            }
        }
    }
    values.map(median)
}

fn said(command: &mut Command) -> Option<String> {
    let done = command.output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).into_owned())
}

fn secmon() -> Command {
    let mut command = Command::new(product::secmon());
    command.arg("run");
    command
}

fn mount(command: &mut Command, host: &Path, guest: &str) {
    command.arg("--mount").arg(format!("{}={guest}", host.display()));
}

const SCRIPT: &str = "require('http').createServer((ask, answer) => answer.end('x'.repeat(100)))\
    .listen(+process.argv[2], '127.0.0.1', () => console.log('ready'));\n";

fn node(folder: &Path) -> Row {
    fs::write(folder.join("server.js"), SCRIPT).expect("written");
    let load = native(&repository().join("benches/load.c"), "load");
    let [own, its] = [port(), port()];
    let mut command = secmon();
    mount(&mut command, folder, "C:\\work");
    command.args(["--workdir", "C:\\work", "--net", "sandbox", "--publish", &own, "--"]);
    command.arg(programs::windows("node22")).args(["server.js", &own]);
    let _ours = Server::start(command, "ready");
    let mut command = Command::new(programs::linux("node22"));
    command.arg(folder.join("server.js")).arg(&its);
    let _linux = Server::start(command, "ready");
    let ask = |port: &str| said(Command::new(&load).arg(port).args(LOAD))?.trim().parse().ok();
    let [ours, linux] = alternate(&|| ask(&own), &|| ask(&its));
    Row { name: "node, http requests".into(), unit: "1/s", ours, wine: None, linux }
}

/// PostgreSQL for Linux as its package's own installer leaves it, where a user who is not root can use it: it refuses root.
fn postgres_for_linux(folder: &Path) -> PathBuf {
    let package = programs::linux("postgres").ancestors().nth(3).expect("native/bin/postgres").to_owned();
    let status = Command::new("cp").arg("-r").arg(package.join("native")).arg(folder).status();
    assert!(status.is_ok_and(|status| status.success()), "cp");
    let links = fs::read_to_string(folder.join("native/pg-symlinks.json")).unwrap_or_default();
    let links: Vec<std::collections::BTreeMap<String, String>> = serde_json::from_str(&links).unwrap_or_default();
    for link in links {
        if let (Some(to), Some(at)) = (link.get("source"), link.get("target")) {
            let _ = std::os::unix::fs::symlink(Path::new(to).file_name().unwrap_or_default(), folder.join(at));
        }
    }
    let status = Command::new("chmod").args(["-R", "a+rX,u+x"]).arg(folder.join("native")).status();
    assert!(status.is_ok_and(|status| status.success()), "chmod");
    let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode;
    fs::set_permissions(folder, open(0o777)).expect("permissions");
    folder.join("native/bin")
}

/// A command as a user who is not root.
fn as_user(program: &Path) -> Command {
    if !nix::unistd::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command
}

const INIT: [&str; 6] = ["-U", "postgres", "-A", "trust", "-E", "UTF8"];

/// The server's own tool takes an administrator's rights from it, and the sandbox ends with its program.
const SERVE: &str =
    "@P:\\pg\\bin\\pg_ctl.exe -D C:\\work\\data -o \"-h 0.0.0.0\" -l C:\\work\\log -w start\r\n@set /p line=\r\n";

fn postgres() -> Row {
    let [ours_at, linux_at] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let home = programs::windows("postgres").ancestors().nth(2).expect("native/bin/postgres.exe").to_owned();
    let [own, its] = [port(), port()];
    let there = |program: &str| {
        let mut command = secmon();
        mount(&mut command, &home, "P:\\pg");
        mount(&mut command, ours_at.path(), "C:\\work:rw");
        command.args([
            "--workdir",
            "C:\\work",
            "--env",
            "TZ=UTC",
            "--net",
            "sandbox",
            "--publish",
            &format!("{own}:5432"),
        ]);
        command.arg("--").arg(program);
        command
    };
    said(there("P:\\pg\\bin\\initdb.exe").args(["--no-locale", "-D", "C:\\work\\data"]).args(INIT)).expect("initdb");
    fs::write(ours_at.path().join("serve.bat"), SERVE).expect("written");
    let mut command = there("C:\\windows\\system32\\cmd.exe");
    command.args(["/c", "serve.bat"]);
    let _ours = Server::start(command, "server started");
    let programs = postgres_for_linux(linux_at.path());
    let data = linux_at.path().join("data");
    let mut command = as_user(&programs.join("initdb"));
    said(command.args(["--no-locale", "-D"]).arg(&data).args(INIT)).expect("initdb for Linux");
    let mut command = as_user(&programs.join("postgres"));
    command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &its, "-k"]).arg(linux_at.path());
    let _linux = Server::start(command, "ready to accept connections");
    let bench = |port: &str, args: &[&str]| {
        let mut command = Command::new("pgbench");
        said(command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", port]).args(args).arg("postgres"))
    };
    for port in [&own, &its] {
        bench(port, &["-i", "-q", "-s", "5"]).expect("pgbench -i (Debian has it in postgresql)");
    }
    let [sessions, seconds] = SESSIONS;
    let select = |port: &str| {
        let all = bench(port, &["-S", "-c", sessions, "-T", seconds])?;
        all.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
    };
    let [ours, linux] = alternate(&|| select(&own), &|| select(&its));
    Row { name: "PostgreSQL, pgbench -S".into(), unit: "1/s", ours, wine: None, linux }
}

const MAIN: &str = "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/sums/inner\"\n)\n\nfunc main() { fmt.Println(inner.Sum(1000)) }\n";
const INNER: &str =
    "package inner\n\nfunc Sum(n int) (sum int) {\n\tfor i := range n {\n\t\tsum += i\n\t}\n\treturn\n}\n";

/// A module and the standard library with an empty cache, and the module alone.
fn go() -> Vec<Row> {
    let homes =
        [programs::windows("go"), programs::linux("go")].map(|go| go.ancestors().nth(2).expect("go/bin/go").to_owned());
    // Not every unpacker keeps the mode.
    let status = Command::new("chmod").args(["-R", "u+x"]).arg(homes[1].join("pkg/tool")).status();
    assert!(status.is_ok_and(|status| status.success()), "chmod");
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let fresh = |at: &Path, cold: bool, mark: u32| {
        fs::create_dir_all(at.join("inner")).expect("a folder");
        fs::write(at.join("go.mod"), "module example.com/sums\n\ngo 1.24\n").expect("written");
        fs::write(at.join("main.go"), MAIN).expect("written");
        fs::write(at.join("inner/inner.go"), format!("{INNER}\nconst Mark = {mark}\n")).expect("written");
        if cold {
            let _ = fs::remove_dir_all(at.join("cache"));
        }
    };
    let marks = std::cell::Cell::new(0);
    let next = || {
        marks.set(marks.get() + 1);
        marks.get()
    };
    let ours = |cold: bool| {
        fresh(folders[0].path(), cold, next());
        let mut command = secmon();
        mount(&mut command, &homes[0], "G:\\go");
        mount(&mut command, folders[0].path(), "C:\\work:rw");
        command.args(["--workdir", "C:\\work", "--env", "GOTOOLCHAIN=local", "--env", "GOCACHE=C:\\work\\cache", "--"]);
        command.args(["G:\\go\\bin\\go.exe", "build", "-o", "sums.exe", "."]);
        command
    };
    let linux = |cold: bool| {
        fresh(folders[1].path(), cold, next());
        let mut command = Command::new(homes[1].join("bin/go"));
        command.args(["build", "-o", "sums", "."]).current_dir(folders[1].path()).env("CGO_ENABLED", "0");
        command.env("GOROOT", &homes[1]).env("GOTOOLCHAIN", "local").env("GOCACHE", folders[1].path().join("cache"));
        command
    };
    let row = |name: &str, rounds: usize, cold: bool| {
        let (there, here) = (|| ours(cold), || linux(cold));
        let times = in_turn(rounds, &[Some(&there as Make<'_>), Some(&here)]);
        Row { name: name.into(), unit: "ms", ours: times[0], wine: None, linux: times[1] }
    };
    vec![row("go build, empty cache", 3, true), row("go build, one package changed", 5, false)]
}

/// The rows.
///
/// # Panics
/// If a server does not start.
pub fn rows() -> Vec<Row> {
    product::image();
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = vec![node(folder.path()), postgres()];
    rows.extend(go());
    rows
}
