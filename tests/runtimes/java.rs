//! HotSpot, 17 and 21.

use super::{LIMIT, script};
use portcullis::command::{Outcome, Run, wait};
use portcullis::product::Sandbox;
use portcullis::programs::{linux, windows};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Java lies in more folders than the program's own.
fn java(work: &Path, args: &[&str]) -> Outcome {
    let home = windows("java").parent().and_then(Path::parent).unwrap().to_owned();
    let jar = windows("closure").parent().unwrap().to_owned();
    Sandbox::new()
        .work(work)
        .mount(&home, "J:\\java")
        .mount(&jar, "J:\\jar")
        .program("J:\\java\\bin\\java.exe")
        .args(args)
        .limit(LIMIT)
        .run()
}

#[test]
fn java_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = java(dir.path(), &["-XshowSettings:properties", "-version"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let text = outcome.errors();
    for line in ["os.arch = amd64", "java.vm.name = OpenJDK 64-Bit Server VM", "user.dir = C:\\work", "17.0.9"] {
        assert!(text.contains(line), "no `{line}` in {outcome:?}");
    }
}

/// A compiler of some 10,000 classes, several threads and a large heap, against the same program as a native executable.
#[test]
fn java_runs_a_compiler() {
    let dir = tempfile::tempdir().unwrap();
    let source = fs::read_to_string(script("node.js")).unwrap();
    // Its names stand in the way of the language's own, unless they are a function's.
    fs::write(dir.path().join("in.js"), format!("(function () {{\n{source}}})();\n")).unwrap();
    let options = ["--language_out", "ECMASCRIPT5", "--js", "in.js", "--warning_level", "QUIET"];
    let theirs = Run::new(linux("closure")).args(options).dir(dir.path()).limit(LIMIT).run();
    assert_eq!(theirs.status, 0, "{theirs:?}");
    let ours = java(dir.path(), &[&["-Xshare:auto", "-jar", "J:\\jar\\compiler.jar"][..], &options].concat());
    assert_eq!((ours.status, ours.text()), (0, theirs.text()), "{ours:?}");
    assert!(theirs.text().len() > 2000, "{theirs:?}");
}

#[test]
fn a_java_error_is_java_s_own() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = java(dir.path(), &["-cp", ".", "Missing"]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.errors().contains("java.lang.ClassNotFoundException: Missing"), "{outcome:?}");
}

/// The folder of Java 21, which has a web server and threads that are no threads of the system's.
fn java_21(work: &Path) -> Sandbox {
    let home = windows("java21").parent().and_then(Path::parent).unwrap().to_owned();
    Sandbox::new().work(work).mount(&home, "J:\\java")
}

/// A class of ours that uses what the platform has, under Java for Windows and for Linux.
#[test]
fn java_21_runs_a_class() {
    let classes = tempfile::tempdir().unwrap();
    let folder = classes.path().to_str().unwrap();
    Run::new("javac").args(["--release", "17", "-d", folder]).arg(script("Everything.java")).run().success();
    fs::write(classes.path().join("input.txt"), "from a file\n").unwrap();
    let args = ["-XX:-PrintWarnings", "-Xmx256m", "-cp", ".", "Everything", "größe", "a b"];
    let twin = linux("java21");
    // The launcher that Java has for children is not executable as wheels are unpacked.
    let their = Run::new(&twin).arg("-Djdk.lang.Process.launchMechanism=VFORK").args(args).env("LC_ALL", "C.UTF-8");
    let their = their.dir(classes.path()).limit(LIMIT).run();
    assert_eq!(their.status, 6, "{their:?}");
    let sandbox = java_21(classes.path()).option("--net", "sandbox");
    let our = sandbox.program("J:\\java\\bin\\java.exe").args(args).limit(LIMIT).run();
    assert_eq!((our.status, our.lines()), (6, their.lines()), "{our:?}");
    assert!(our.lines().lines().count() > 40, "{our:?}");
}

/// One request of a client on this host.
pub fn ask(port: u16, path: &str) -> Option<String> {
    let mut to = TcpStream::connect(("127.0.0.1", port)).ok()?;
    to.set_read_timeout(Some(LIMIT)).ok()?;
    write!(to, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    to.read_to_string(&mut answer).ok()?;
    Some(answer).filter(|answer| !answer.is_empty())
}

/// Starts a server that listens at port 8000 of its own, asks it through a published port once it is there, and ends it.
#[track_caller]
pub fn served(sandbox: Sandbox, program: impl AsRef<Path>, args: &[&str], questions: &[&str]) -> Vec<String> {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut run = sandbox.option("--publish", &format!("{port}:8000")).program(program).args(args);
    let mut server = run.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let since = Instant::now();
    while ask(port, "/").is_none() && since.elapsed() < LIMIT && server.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let answers = questions.iter().map(|path| ask(port, path).unwrap_or_default()).collect();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(server.id() as i32), nix::sys::signal::Signal::SIGTERM).unwrap();
    let (_, late) = wait(&mut server, LIMIT);
    assert!(!late, "it did not end");
    answers
}

#[test]
fn jwebserver_serves_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let text = "line\n".repeat(20_000);
    fs::write(dir.path().join("text.txt"), &text).unwrap();
    fs::create_dir(dir.path().join("below")).unwrap();
    let sandbox = java_21(dir.path()).option("--net", "sandbox");
    let answers = served(
        sandbox,
        "J:\\java\\bin\\jwebserver.exe",
        &["-p", "8000", "-d", "C:\\work"],
        &["/", "/text.txt", "/missing"],
    );
    let [listing, answers @ ..] = answers.as_slice() else { unreachable!("one answer for each question") };
    assert!(listing.starts_with("HTTP/1.1 200") && listing.contains("below/"), "{listing}");
    assert!(
        answers[0].starts_with("HTTP/1.1 200") && answers[0].ends_with(&format!("\r\n\r\n{text}")),
        "{:.300}",
        answers[0]
    );
    assert!(answers[1].starts_with("HTTP/1.1 404"), "{}", answers[1]);
}
