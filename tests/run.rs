//! `secmon run` from outside: exit statuses, crashes, standard streams byte for byte, arguments, limits, signals, bad input.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use portcullis::command::{self, Outcome, Run};
use portcullis::guest;
use portcullis::product::{self, Sandbox};
use portcullis::tree::Numbers;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

fn process(args: &[&str]) -> Outcome {
    Sandbox::new().program(guest::program("process")).args(args).run()
}

fn stdio(way: &str) -> Run {
    Sandbox::new().program(guest::program("stdio")).arg(way)
}

#[test]
fn exit_statuses_pass_through() {
    for status in [0, 1, 5, 127, 255] {
        assert_eq!(process(&["return", &status.to_string()]).status, status);
    }
    assert_eq!(process(&["ExitProcess", "7"]).status, 7);
    assert_eq!(process(&["terminate", "8"]).status, 8);
    assert_eq!(process(&["native", "9"]).status, 9);
    assert_eq!(process(&["thread", "3"]).status, 3, "from another thread");
    assert_eq!(process(&["main-leaves", "4"]).status, 4, "after the first thread is gone");
    let outcome = process(&["exit", "6"]);
    assert_eq!((outcome.status, outcome.lines().as_str()), (6, "atexit ran\n"));
    assert_eq!(process(&["abort"]).status, 3, "the C library's");
}

#[test]
fn statuses_above_255_never_look_like_success() {
    assert_eq!(process(&["return", "300"]).status, 44);
    assert_eq!(process(&["return", "256"]).status, 1);
    assert_eq!(process(&["return", "-1"]).status, 255);
    assert_eq!(process(&["ExitProcess", "0x10000"]).status, 1);
    assert_eq!(process(&["ExitProcess", "0xc0000005"]).status, 139);
}

#[test]
fn crashes_are_reported() {
    for (args, status, words) in [
        (&["av", "0x1234"][..], 139, &["access violation", "0x1234", "process.exe"][..]),
        (&["av-thread"], 139, &["access violation", "process.exe"]),
        (&["divide"], 136, &["divide by zero"]),
        (&["illegal"], 132, &["illegal instruction"]),
        (&["overflow"], 139, &["stack overflow"]),
        (&["jump", "0x10"], 139, &["access violation", "0x10"]),
    ] {
        let outcome = process(args);
        assert_eq!(outcome.status, status, "{args:?} {outcome:?}");
        let report = outcome.errors().to_lowercase().replace('_', " ");
        for word in words {
            assert!(report.contains(word), "{args:?}: no `{word}` in {outcome:?}");
        }
        assert!(report.contains("rip") && report.contains("rsp"), "registers: {outcome:?}");
    }
    // Raised by the program itself: no registers, but the status.
    let outcome = process(&["raise", "0xe1234567"]);
    assert_eq!(outcome.status, 103);
    assert!(outcome.errors().contains("e1234567"), "{outcome:?}");
    let outcome = process(&["filter"]);
    assert_eq!(outcome.lines(), "unhandled filter saw c0000005\n");
    assert_eq!(outcome.status, 139);
}

#[test]
fn standard_streams_byte_for_byte() {
    let mut numbers = Numbers::new(9);
    let mut bytes: Vec<u8> = (0..700_000).map(|_| (numbers.draw() >> 20) as u8).collect();
    bytes.extend(b"\r\n\n\r\x1a\0 end");
    for way in ["cat", "crt-binary"] {
        let outcome = stdio(way).input(bytes.clone()).run();
        assert_eq!(outcome.status, 0, "{way}");
        assert!(outcome.out == bytes, "{way}: {} of {} bytes", outcome.out.len(), bytes.len());
    }
    assert_eq!(stdio("cat").run().success().out, b"");
    assert_eq!(stdio("crt-text").input("a\r\nbc\r\nd").run().success().out, b"2:a\r\n3:bc\r\n1:d");
    let outcome = stdio("both").run().success();
    assert_eq!((outcome.text().as_str(), outcome.errors().as_str()), ("to out\n", "to err\n"));
    assert_eq!(stdio("wait").input("hello").run().success().lines(), "1 0 0\n1 5\n");
    // ERROR_BROKEN_PIPE.
    assert_eq!(stdio("wait").run().success().lines(), "0 0 109\n0 0\n");
    let outcome = stdio("peek").input("hello").run().success();
    assert_eq!(outcome.lines(), "5\n5\n");
}

#[test]
fn files_as_standard_streams() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in"), "abcdefgh").unwrap();
    let mut run = stdio("seek");
    let out = File::create(dir.path().join("out")).unwrap();
    let status = run.command().stdin(File::open(dir.path().join("in")).unwrap()).stdout(out).status().unwrap();
    assert!(status.success());
    assert_eq!(fs::read(dir.path().join("out")).unwrap(), b"abcdabcd");
    let mut run = stdio("kinds");
    let out = File::create(dir.path().join("kinds")).unwrap();
    run.command().stdin(File::open(dir.path().join("in")).unwrap()).stdout(out).stderr(Stdio::null()).status().unwrap();
    let kinds = fs::read_to_string(dir.path().join("kinds")).unwrap();
    assert!(kinds.starts_with("in 1 out 1 err 2\r\n") || kinds.starts_with("in 1 out 1 err 2\n"), "{kinds}");
    assert!(kinds.contains("console: 0 0 0"), "{kinds}");
    let kinds = stdio("kinds").run().success().lines();
    assert!(kinds.contains("in 3 out 3 err 3") && kinds.contains("isatty: 0 0 0"), "{kinds}");
    // Appending, as a shell's >> does.
    let log = dir.path().join("log");
    fs::write(&log, "before\n").unwrap();
    let mut run = stdio("both");
    run.command()
        .stdin(Stdio::null())
        .stdout(File::options().append(true).open(&log).unwrap())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "before\nto out\n");
}

#[test]
fn a_full_disk_is_told_to_the_program_and_nothing_else_breaks() {
    // A disk of its own, which goes with the process that mounts it.
    let disk = tempfile::tempdir().unwrap();
    let disk = disk.path();
    product::image();
    let mut run = Run::new("unshare").args(["--mount", "--propagation", "private"]);
    if !nix::unistd::Uid::effective().is_root() {
        run = run.arg("--map-root-user");
    }
    let script = "mount -t tmpfs -o size=1m,mode=777 none \"$1\" && shift && exec \"$@\"";
    let outcome = run
        .args(["sh", "-c", script, "sh"])
        .arg(disk)
        .arg(product::secmon())
        .args(["run", "--workdir", "C:\\disk", "--mount"])
        .arg(format!("{}=C:\\disk:rw", disk.display()))
        .arg("--")
        .arg(guest::program("full"))
        .run();
    assert!(outcome.status == 0 && outcome.lines().ends_with(" 0 failures\n"), "{outcome:?}");
    assert_eq!(outcome.errors(), "");
    assert_eq!(fs::read_dir(disk).unwrap().count(), 0);
}

#[test]
fn a_closed_standard_output_ends_the_program_not_the_monitor() {
    let mut run = stdio("until-closed");
    let mut child = run.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut block = [0; 1000];
    stdout.read_exact(&mut block).unwrap();
    drop(stdout);
    let (status, late) = command::wait(&mut child, Duration::from_secs(20));
    assert!(!late, "it ends by itself");
    assert_eq!(command::number(status), 7, "the program saw that nobody reads");
}

#[test]
fn a_read_that_waits_can_be_stopped() {
    let mut run = stdio("cancel");
    let mut child = run.command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), "200 200");
    child.stdin.take().unwrap().write_all(b"hello").unwrap();
    line.clear();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), "1 5");
    assert!(!command::wait(&mut child, Duration::from_secs(20)).1);
}

#[test]
fn arguments_and_environment() {
    let all =
        ["", "two words", "quo\"te", "back\\slash\\", "tail\\\"", "ünï 世界", "*.txt", "%PATH%", "a\tb", "-x=\"y z\""];
    let outcome = Sandbox::new().program(guest::program("process")).arg("echo").args(all).run().success();
    let want: String = std::iter::once("echo").chain(all).map(|arg| format!("[{arg}]\n")).collect();
    // The program reads its arguments in the guest's code page; UTF-8 arguments are compared where it is UTF-8.
    let got = outcome.lines();
    let ascii = |text: &str| text.lines().filter(|line| line.is_ascii()).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(ascii(&got).len().max(1), ascii(&got).len());
    for line in ascii(&want) {
        assert!(got.contains(&line), "`{line}` in {got}");
    }
    let work = tempfile::tempdir().unwrap();
    let run = Sandbox::new()
        .work(work.path())
        .env("PORTCULLIS_X", "y = z")
        .program(guest::program("process"))
        .args(["env", "PORTCULLIS_X"]);
    assert_eq!(run.run().success().lines(), "y = z\nC:\\work\n");
    // Nothing of the host's environment.
    let run = Sandbox::new().program(guest::program("process")).args(["env", "HOST_SECRET"]).env("HOST_SECRET", "x");
    assert!(run.run().lines().starts_with("(none)\n"));
}

#[test]
fn mounts_are_as_granted() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("f.txt"), "data").unwrap();
    let cmd = || "C:\\windows\\system32\\cmd.exe";
    let read = Sandbox::new().mount(dir.path(), "Z:\\data").program(cmd()).args(["/c", "type Z:\\data\\F.TXT"]).run();
    assert_eq!(read.lines(), "data", "{read:?}");
    let write =
        Sandbox::new().mount(dir.path(), "Z:\\data").program(cmd()).args(["/c", "echo x> Z:\\data\\new.txt"]).run();
    assert!(!dir.path().join("new.txt").exists(), "{write:?}");
    let write = Sandbox::new().mount(dir.path(), "Z:\\data").program(cmd()).args(["/c", "del Z:\\data\\f.txt"]).run();
    assert!(dir.path().join("f.txt").exists(), "{write:?}");
    Sandbox::new().mount_rw(dir.path(), "Q:\\").program(cmd()).args(["/c", "echo x> Q:\\new.txt"]).run().success();
    assert!(dir.path().join("new.txt").exists());
    let several = Sandbox::new()
        .mount(dir.path(), "C:\\a")
        .mount(dir.path(), "E:\\b\\c")
        .program(cmd())
        .args(["/c", "type C:\\a\\f.txt E:\\b\\c\\f.txt"])
        .run();
    assert_eq!(several.text().matches("data").count(), 2, "{several:?}");
}

#[test]
fn a_time_limit_ends_it() {
    let start = Instant::now();
    for way in ["sleep", "spin"] {
        let outcome =
            Sandbox::new().option("--timeout", "1s").program(guest::program("process")).args([way, "60000"]).run();
        assert_eq!(outcome.status, 124, "{outcome:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// Processes that run a program of this name for this test's secmon, as the kernel lists them.
fn processes_below(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        if fields.get(1).and_then(|field| field.parse().ok()) == Some(parent) {
            found.push(id);
            found.extend(processes_below(id));
        }
    }
    found
}

/// Stopped and continued, as by Ctrl-Z and `fg` or a host that sleeps: the kernel interrupts every wait, those with a deadline too.
#[test]
fn stopped_and_continued() {
    let mut run = Sandbox::new().program(guest::program("process")).args(["sleep", "2000"]);
    let mut child = run.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    for _ in 0..5 {
        let all: Vec<u32> = [child.id()].into_iter().chain(processes_below(child.id())).collect();
        assert!(all.len() > 1, "the picoprocess is a child of the monitor");
        for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
            all.iter().for_each(|id| kill(Pid::from_raw(*id as i32), signal).unwrap());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let (status, late) = command::wait(&mut child, Duration::from_secs(20));
    let mut said = String::new();
    let _ = child.stderr.take().unwrap().read_to_string(&mut said);
    assert_eq!((command::number(status), late, said.as_str()), (0, false, ""));
}

#[test]
fn signals_leave_nothing_behind() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGKILL] {
        let mut run = Sandbox::new().program(guest::program("process")).args(["sleep", "60000"]);
        let mut child = run.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut below = Vec::new();
        for _ in 0..200 {
            below = processes_below(child.id());
            if !below.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(!below.is_empty(), "the picoprocess is a child of the monitor");
        std::thread::sleep(Duration::from_millis(300));
        below = processes_below(child.id());
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        let (status, late) = command::wait(&mut child, Duration::from_secs(10));
        assert!(!late, "{signal}");
        assert_eq!(command::number(status), 128 + signal as i32, "{signal}");
        let end = Instant::now() + Duration::from_secs(5);
        for id in below {
            while Path::new(&format!("/proc/{id}")).exists() {
                assert!(Instant::now() < end, "{signal} left process {id}");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// A refusal: one clear line that holds the words, this exit code, and nothing on standard output.
#[track_caller]
fn refused(outcome: &Outcome, status: i32, words: &[&str]) {
    assert_eq!(outcome.status, status, "{outcome:?}");
    assert!(outcome.out.is_empty(), "{outcome:?}");
    let text = outcome.errors();
    for word in words {
        assert!(text.to_lowercase().contains(&word.to_lowercase()), "no `{word}` in {outcome:?}");
    }
    assert!(text.lines().count() <= 4 && !text.contains("panicked"), "{outcome:?}");
}

#[test]
fn programs_that_cannot_run_are_refused_in_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let good = fs::read(guest::program("hello")).unwrap();
    let run = |name: &str| Sandbox::new().program(path(name)).run();
    refused(&run("missing.exe"), 127, &["missing.exe"]);
    fs::write(path("text.exe"), "this is text").unwrap();
    refused(&run("text.exe"), 126, &["text.exe"]);
    fs::write(path("empty.exe"), "").unwrap();
    refused(&run("empty.exe"), 126, &["empty.exe"]);
    for length in [1, 64, 200, 512, 1024, 4096, good.len() / 2] {
        fs::write(path("cut.exe"), &good[..length]).unwrap();
        let outcome = run("cut.exe");
        assert_eq!(outcome.status, 126, "cut to {length}: {outcome:?}");
    }
    let mut machine = good.clone();
    let at = u32::from_le_bytes(machine[60..64].try_into().unwrap()) as usize;
    machine[at + 4..at + 6].copy_from_slice(&0x14c_u16.to_le_bytes());
    fs::write(path("i386.exe"), &machine).unwrap();
    refused(&run("i386.exe"), 126, &["64-bit"]);
    // Damaged anywhere: refused or run, but never more than that.
    let mut numbers = Numbers::new(77);
    for _ in 0..25 {
        let mut damaged = good.clone();
        for _ in 0..6 {
            let at = numbers.below(1024);
            damaged[at] = numbers.draw() as u8;
        }
        fs::write(path("damaged.exe"), &damaged).unwrap();
        let outcome = Sandbox::new().program(path("damaged.exe")).limit(Duration::from_secs(20)).run();
        assert!(!outcome.late && !outcome.errors().contains("panicked"), "{outcome:?}");
    }
}

#[test]
fn a_missing_dll_is_named_with_who_imports_it() {
    let dir = tempfile::tempdir().unwrap();
    let good = fs::read(guest::program("hello")).unwrap();
    let name = b"KERNEL32.dll";
    let mut missing = good.clone();
    let at = missing.windows(name.len()).position(|window| window == name).unwrap();
    missing[at..at + name.len()].copy_from_slice(b"NOSUCHDL.dll");
    fs::write(dir.path().join("missing-dll.exe"), &missing).unwrap();
    refused(
        &Sandbox::new().program(dir.path().join("missing-dll.exe")).run(),
        126,
        &["NOSUCHDL.dll", "missing-dll.exe"],
    );
}

#[test]
fn bad_mounts_and_policies_are_refused_in_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let hello = guest::program("hello");
    let mount = |pair: &str| Sandbox::new().option("--mount", pair).program(&hello).run();
    refused(&mount("/no/such/folder=C:\\data"), 125, &["/no/such/folder"]);
    refused(&mount("nonsense"), 125, &["--mount"]);
    refused(&mount(&format!("{}=/unix/path", dir.path().display())), 125, &["/unix/path"]);
    refused(&mount(&format!("{}=C:\\windows\\system32", dir.path().display())), 125, &["C:\\windows"]);
    let policy = |text: &str| {
        fs::write(dir.path().join("p.toml"), text).unwrap();
        Sandbox::new().option("--policy", &dir.path().join("p.toml").display().to_string()).program(&hello).run()
    };
    refused(&policy("no_such_key = 1\n"), 125, &["p.toml", "no_such_key"]);
    refused(&policy("memory = true\n"), 125, &["p.toml", "memory"]);
    refused(&policy("memory = [\n"), 125, &["p.toml"]);
    let outcome = Sandbox::new().option("--policy", "/no/such/policy.toml").program(&hello).run();
    refused(&outcome, 125, &["/no/such/policy.toml"]);
    let outcome = Sandbox::new().option("--memory", "much").program(&hello).run();
    assert_eq!(outcome.status, 125, "{outcome:?}");
    let outcome = Run::new(product::secmon()).arg("run").run();
    assert!(outcome.status == 125 && !outcome.err.is_empty(), "{outcome:?}");
}

#[test]
fn a_refusal_names_what_to_grant() {
    let outcome = Sandbox::new().program("C:\\windows\\system32\\cmd.exe").args(["/c", "type C:\\data\\x.txt"]).run();
    assert!(outcome.errors().contains("C:\\data") && outcome.errors().contains("--mount"), "{outcome:?}");
}

#[test]
fn an_image_that_cannot_be_made_is_refused_in_a_line() {
    let run = Run::new(product::secmon()).args(["run", "--"]).arg(guest::program("hello"));
    refused(&run.env("PORTCULLIS_IMAGE", "/dev/null/image").run(), 125, &["/dev/null/image"]);
}
