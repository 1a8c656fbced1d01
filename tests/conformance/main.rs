//! The ABI's conformance suite: a case for each call that the monitor serves, and for each error it can answer with.
//!
//! This executable is the picoprocess as well: laid beside an implementation of the host side as `portcullis-runtime`, it is
//! executed in the runtime's place and speaks on the lanes. `CONFORMANCE_HOST` names another implementation than this build's.
//! Its command line must take `run --mount HOST=GUEST[:rw] --net sandbox --publish PORT:PORT -- PROGRAM`.

mod cases;
mod sockets;

use portcullis::command::Run;
use portcullis::product;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().next().as_deref() == Some("portcullis-runtime") {
        cases::main();
    }
    host()
}

fn host() -> ExitCode {
    product::image();
    let stage = tempfile::tempdir().unwrap();
    let root = stage.path();
    for folder in ["bin", "app", "ro/folder", "rw/full/below", "rw/empty", "other"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let host = std::env::var_os("CONFORMANCE_HOST").map_or_else(product::secmon, PathBuf::from);
    fs::copy(host, root.join("bin/secmon")).unwrap();
    fs::copy(std::env::current_exe().unwrap(), root.join("bin/portcullis-runtime")).unwrap();
    fs::copy(product::folder().join("portcullis-mkimage"), root.join("bin/portcullis-mkimage")).unwrap();
    fs::write(root.join("app/program.exe"), "MZ").unwrap();
    fs::write(root.join("ro/Read Me.txt"), "read only").unwrap();
    fs::write(root.join("rw/file.txt"), "content").unwrap();
    fs::write(root.join("outside.txt"), "outside").unwrap();
    symlink("../outside.txt", root.join("rw/leads-out")).unwrap();
    let mount = |name: &str, guest: &str| format!("{}={guest}", root.join(name).display());
    let run = Run::new(root.join("bin/secmon")).arg("run").args(["--mount", &mount("ro", "C:\\ro")]);
    let run = run.args(["--mount", &mount("rw", "C:\\rw:rw")]).args(["--mount", &mount("other", "D:\\:rw")]);
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap().port();
    let run = run.args(["--net", "sandbox", "--publish", &format!("{free}:{}", sockets::PUBLISHED)]);
    let outcome = run.arg("--").arg(root.join("app/program.exe")).run();
    let text = outcome.text();
    print!("{text}");
    let passed = text.lines().filter(|line| line.ends_with(" ... ok")).count();
    let mut failed = text.lines().filter(|line| line.ends_with(" ... FAILED")).count();
    if outcome.status != 0 || !text.contains("\nend of the cases\n") {
        eprintln!("it did not come to its end: {outcome:?}");
        failed += 1;
    }
    // What must have happened on the host.
    let seen = [
        ("written through a descriptor", fs::read(root.join("rw/made.txt")).is_ok_and(|bytes| bytes == b"made here")),
        ("nothing written where only reading is granted", fs::read_dir(root.join("ro")).unwrap().count() == 2),
        ("nothing outside changed", fs::read(root.join("outside.txt")).is_ok_and(|bytes| bytes == b"outside")),
    ];
    for (name, good) in seen {
        println!("test conformance::{name} ... {}", if good { "ok" } else { "FAILED" });
        failed += usize::from(!good);
    }
    let passed = passed + seen.iter().filter(|(_, good)| *good).count();
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
