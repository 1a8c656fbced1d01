//! Escape tests: what a hostile guest tries must fail, and each test shows that it would notice success.

use portcullis::command::{Outcome, Run};
use portcullis::product::Sandbox;
use portcullis::{guest, oracle};
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SECRET: &str = "the host's secret, 4f1c";

/// A folder with a secret beside the part that the guest is granted.
struct Host {
    top: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("work")).unwrap();
        fs::write(top.path().join("work/allowed.txt"), "allowed").unwrap();
        fs::write(top.path().join("secret.txt"), SECRET).unwrap();
        Host { top }
    }

    fn work(&self) -> PathBuf {
        self.top.path().join("work")
    }

    fn secret(&self) -> PathBuf {
        self.top.path().join("secret.txt")
    }
}

fn tried(outcome: &Outcome) -> usize {
    let last = outcome.lines();
    let line = last.lines().rev().find(|line| line.ends_with(" paths tried"));
    line.and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// The probe reads what it is granted, and of the paths that lead out, none.
#[track_caller]
fn nothing_leaks(host: &Host, paths: &[String]) {
    let program = guest::program("escape_files");
    let mut all = vec!["C:\\work\\allowed.txt".to_owned()];
    all.extend_from_slice(paths);
    let outcome = Sandbox::new().work(&host.work()).program(&program).args(&all).run();
    assert_eq!(tried(&outcome), all.len(), "{outcome:?}");
    let text = outcome.lines();
    assert!(text.contains("READ win32 C:\\work\\allowed.txt: allowed"), "the probe works: {text}");
    for line in text.lines().skip(1).filter(|line| !line.contains("allowed")) {
        let leaked = ["READ", "OPENED", "LINKED", "FOUND", "RACED"].iter().any(|word| line.starts_with(word));
        assert!(!leaked, "{line}\nin {text}");
    }
    assert!(!text.contains(SECRET), "{text}");
    for stolen in ["stolen", "copied"] {
        let bytes = fs::read(host.work().join(stolen)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "{stolen}");
    }
}

#[test]
fn a_grant_would_be_noticed() {
    let host = Host::new();
    let program = guest::program("escape_files");
    let run =
        Sandbox::new().work(&host.work()).mount(host.top.path(), "D:\\").program(program).arg("D:\\secret.txt").run();
    assert!(run.text().contains(SECRET), "with the grant the probe reads it: {run:?}");
}

#[test]
fn stock_wine_would_be_noticed() {
    let host = Host::new();
    let program = guest::program("escape_files");
    let path = format!("Z:{}", host.secret().display()).replace('/', "\\");
    let native = format!("!\\??\\Z:{}", host.secret().display()).replace('/', "\\");
    let Some(wine) = oracle::command(&program) else { return };
    let outcome = wine.args([&path, &native]).dir(&host.work()).run();
    assert!(outcome.text().contains(&format!("READ win32 {path}: {SECRET}")), "{outcome:?}");
    assert!(outcome.text().contains("READ native"), "{outcome:?}");
}

#[test]
fn no_form_of_path_leads_out() {
    let host = Host::new();
    let plain = host.secret().display().to_string();
    let back = plain.replace('/', "\\");
    let up = "..\\".repeat(12);
    let mut paths: Vec<String> = [
        "Z:",
        "\\\\?\\Z:",
        "\\\\.\\Z:",
        "\\\\?\\unix",
        "\\\\.\\unix",
        "\\\\?\\UNC\\localhost",
        "\\\\localhost",
        "C:",
        "\\\\?\\C:",
        "\\\\?\\GLOBALROOT\\??\\Z:",
        "\\\\?\\GLOBALROOT\\Device\\HarddiskVolume1",
        "C:\\work\\..\\..",
        "C:\\work",
        "D:",
        "A:",
        "\\\\.\\PhysicalDrive0",
        "\\\\.\\pipe\\..\\..",
        "\\\\?\\C:\\work\\..",
        "\\\\?\\C:\\work\\..\\..",
        "C:\\windows\\..\\..",
    ]
    .iter()
    .map(|start| format!("{start}{back}"))
    .collect();
    paths.extend(
        [
            "\\??\\Z:",
            "\\??\\unix",
            "\\DosDevices\\Z:",
            "\\Device\\HarddiskVolume1",
            "\\Device\\HarddiskVolume2",
            "\\??\\C:",
            "\\??\\C:\\work\\..\\..",
            "\\??\\UNC\\localhost\\c$",
            "\\GLOBAL??\\Z:",
            "",
            "\\Device\\Mup",
            "\\??\\C:\\work\\allowed.txt\\..\\..",
        ]
        .iter()
        .map(|start| format!("!{start}{back}")),
    );
    paths.push(format!("!{plain}"));
    paths.push(plain.clone());
    paths.push(format!("\\\\?\\{plain}"));
    paths.push(format!("file://{plain}"));
    paths.push(format!("C:\\work\\{up}{}", back.trim_start_matches('\\')));
    paths.push(format!("C:\\work/{}{}", "../".repeat(12), plain.trim_start_matches('/')));
    paths.push("..\\secret.txt".to_owned());
    paths.push("@..\\secret.txt".to_owned());
    paths.push("@../secret.txt".to_owned());
    paths.push("C:\\work\\..\\secret.txt".to_owned());
    paths.push("\\\\?\\C:\\work\\../secret.txt".to_owned());
    paths.push("!\\??\\C:\\work\\..\\secret.txt".to_owned());
    paths.push("!\\??\\C:\\work\\../secret.txt".to_owned());
    paths.push("!\\??\\C:/WORK/../secret.txt".to_owned());
    for device in [
        "\\\\.\\CdRom0",
        "\\\\.\\mem",
        "\\\\.\\kmem",
        "\\\\.\\COM1",
        "\\\\.\\Z:",
        "\\\\?\\Z:\\",
        "!\\Device\\PhysicalMemory",
        "!\\Device\\KsecDD\\x",
    ] {
        paths.push(device.to_owned());
    }
    nothing_leaks(&host, &paths);
}

#[test]
fn proc_dev_and_sys_are_not_there() {
    let host = Host::new();
    let mut paths = Vec::new();
    for file in [
        "/proc/self/environ",
        "/proc/1/cmdline",
        "/proc/self/root/etc/passwd",
        "/proc/self/fd/3",
        "/proc/self/exe",
        "/dev/zero",
        "/dev/tty",
        "/sys/kernel/uevent_seqnum",
        "/etc/passwd",
        "/etc/hostname",
        "/self/environ",
        "/dev/shm",
        "/",
    ] {
        let back = file.replace('/', "\\");
        paths.extend([
            format!("Z:{back}"),
            format!("\\\\?\\unix{file}"),
            format!("!\\??\\unix{back}"),
            format!("!\\??\\unix{file}"),
            format!("\\\\.\\{}", &back[1..]),
        ]);
        if file != "/" {
            paths.push(format!("C:{back}"));
        }
    }
    nothing_leaks(&host, &paths);
}

#[test]
fn links_in_a_mount_do_not_lead_out() {
    let host = Host::new();
    let work = host.work();
    let mut paths = Vec::new();
    let links: &[(&str, PathBuf)] = &[
        ("relative", "../secret.txt".into()),
        ("absolute", host.secret()),
        ("folder", "..".into()),
        ("top", "/".into()),
        ("magic", "/proc/self/root".into()),
        ("descriptor", "/proc/self/fd/0".into()),
        ("cwd", format!("/proc/self/cwd/{}", host.secret().display()).into()),
        ("twice", "relative".into()),
        ("Mixed", "../secret.txt".into()),
    ];
    for (name, to) in links {
        symlink(to, work.join(name)).unwrap();
        let below = match *name {
            "folder" => "\\secret.txt".to_owned(),
            "top" | "magic" => host.secret().display().to_string().replace('/', "\\"),
            _ => String::new(),
        };
        for form in ["C:\\work\\", "\\\\?\\C:\\work\\", "C:\\WORK\\", "!\\??\\C:\\work\\", "@"] {
            paths.push(format!("{form}{name}{below}"));
            paths.push(format!("{form}{}{below}", name.to_uppercase()));
        }
    }
    nothing_leaks(&host, &paths);
    // Nor is anything written through them.
    let before = fs::read(host.secret()).unwrap();
    let cmd = Sandbox::new().work(&work).program("C:\\windows\\system32\\cmd.exe");
    cmd.args([
        "/c",
        "echo overwritten> relative & echo overwritten> absolute & del folder\\secret.txt & echo x> folder\\new.txt",
    ])
    .run();
    assert_eq!(before, fs::read(host.secret()).unwrap());
    assert!(!host.top.path().join("new.txt").exists());
}

#[test]
fn a_race_of_renames_does_not_lead_out() {
    let host = Host::new();
    let work = host.work();
    for folder in ["work/a", "out"] {
        fs::create_dir(host.top.path().join(folder)).unwrap();
    }
    fs::write(work.join("a/file"), "inside").unwrap();
    fs::write(host.top.path().join("out/file"), "outside").unwrap();
    symlink("../out", work.join("b")).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (work, stop) = (work.clone(), stop.clone());
        move || {
            while !stop.load(Ordering::Relaxed) {
                for (from, to) in [("a", "c"), ("b", "a"), ("a", "b"), ("c", "a")] {
                    let _ = fs::rename(work.join(from), work.join(to));
                }
            }
        }
    });
    let run = Sandbox::new().work(&work).program(guest::program("escape_files"));
    let outcome = run.args(["race", "C:\\work\\a\\file", "inside", "3000"]).run();
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    let text = outcome.lines();
    assert!(text.contains(" 0 outside"), "{outcome:?}");
    let count = |word: &str| -> usize {
        let at = text.split(' ').position(|w| w.starts_with(word)).unwrap();
        text.split(' ').nth(at - 1).unwrap().trim().parse().unwrap()
    };
    assert!(count("good") > 0 && count("refused") > 0, "the race took place: {text}");
}

#[test]
fn the_network_is_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let program = guest::program("escape_net");
    // The probe works where nothing holds it.
    if let Some(wine) = oracle::command(&program) {
        let outcome = wine.arg(&port).run();
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = [0; 12];
        stream.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"REACHED tcp\n", "{outcome:?}");
    }
    listener.set_nonblocking(true).unwrap();
    let outcome = Sandbox::new().program(&program).arg(&port).run();
    let text = outcome.lines();
    assert!(!text.contains("REACHED") && !text.contains("SENT"), "{outcome:?}");
    assert!(
        text.contains("done") || text.contains("no sockets") || text.contains("no ws2_32"),
        "the probe came to its end: {outcome:?}"
    );
    assert!(listener.accept().is_err(), "nobody connected");
}

/// Names of the probes, each of which shows its effect where nothing holds it.
fn probes() -> Vec<String> {
    let outcome = Run::new(guest::native("escape_syscalls")).run();
    let text = outcome.lines();
    assert!(!text.contains("held"), "natively every probe must succeed: {text}");
    let names: Vec<String> = text.lines().filter_map(|line| line.strip_prefix("ESCAPED ")).map(str::to_owned).collect();
    assert!(names.len() > 30, "{text}");
    names
}

/// Probes of calls that the filter grants to the runtime's own text: through it they work and are no escape.
fn granted(probe: &str) -> bool {
    shim_abi::seccomp::GRANTS.iter().any(|grant| grant.name == probe)
}

#[test]
fn raw_system_calls_are_not_linux_ones() {
    let names = probes();
    let program = guest::program("escape_syscalls");
    let (mut held, mut ended) = (0, 0);
    // As an NT call a number may end the process, so each has a sandbox of its own.
    for name in &names {
        let outcome = Sandbox::new().program(&program).args(["raw", name]).run();
        let text = outcome.lines();
        assert!(!text.contains("ESCAPED"), "{outcome:?}");
        if text.contains(&format!("held {name}")) { held += 1 } else { ended += 1 }
    }
    println!("{} raw system calls: {held} held, {ended} ended the process as NT calls", names.len());
    assert!(held > ended * 4, "{held} held, {ended} ended");
}

#[test]
fn every_number_is_an_nt_call() {
    let run = Sandbox::new().program(guest::program("escape_syscalls")).arg("sweep").limit(Duration::from_secs(200));
    let outcome = run.run();
    let text = outcome.lines();
    assert!(text.contains("swept 0 to 600, 0 as Linux") && !text.contains("ESCAPED"), "{outcome:?}");
}

#[test]
fn code_copied_from_the_runtime_is_confined() {
    let names = probes();
    let program = guest::program("escape_syscalls");
    let (mut worked, mut escaped) = (0, Vec::new());
    // A refused call may end the process, so each has a sandbox of its own.
    for name in &names {
        let outcome = Sandbox::new().program(&program).args(["gadget", name]).run();
        let text = outcome.lines();
        if text.contains(&format!("ESCAPED {name}")) && !granted(name) {
            escaped.push(name.clone());
        }
        worked += usize::from(text.contains("gadget works"));
    }
    println!("{worked} of {} probes through a gadget, {} escaped", names.len(), escaped.len());
    assert_eq!(escaped, Vec::<String>::new());
    assert_eq!(worked, names.len(), "the gadget was found and used each time");
}

#[test]
fn memory_is_limited() {
    let program = guest::program("exhaust");
    for what in ["memory", "sections"] {
        let run = Sandbox::new()
            .option("--memory", "256M")
            .program(&program)
            .args([what, "2000"])
            .limit(Duration::from_secs(60))
            .run();
        let text = run.lines();
        let got = text.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok());
        assert!(matches!(got, Some(50..=256)), "{what}: {run:?}");
        // Without the limit the same program gets more.
        let run = Sandbox::new().program(&program).args([what, "300"]).run().success();
        assert!(run.text().starts_with(&format!("{what}: 300 MB")), "{run:?}");
    }
}

#[test]
fn threads_files_handles_and_requests_are_survived() {
    let program = guest::program("exhaust");
    let host = Host::new();
    for (what, most, word) in [
        ("threads", "100000", "threads work again"),
        ("files", "200000", "files work again"),
        ("handles", "300000", "handles: "),
        ("requests", "30000", "requests: 30000"),
    ] {
        let run = Sandbox::new()
            .work(&host.work())
            .program(&program)
            .args([what, most])
            .limit(Duration::from_secs(110))
            .run();
        assert!(run.text().contains(word) && run.status == 0, "{what}: {run:?}");
        println!("{}", run.lines().lines().next().unwrap_or_default());
    }
    // The host and other sandboxes are as before.
    Sandbox::new().program(guest::program("hello")).run().success();
}

#[test]
fn throw_away_folders_are_limited() {
    let run = Sandbox::new()
        .program(guest::program("exhaust"))
        .args(["disk", "20000", "C:\\users\\Public\\big"])
        .limit(Duration::from_secs(100))
        .run();
    let got = run.lines().split(' ').nth(1).and_then(|n| n.parse::<u64>().ok());
    assert!(matches!(got, Some(0..=8192)), "{run:?}");
}

fn readable(path: &Path) -> bool {
    fs::metadata(path).is_ok()
}

#[test]
fn the_runtime_has_no_segment_that_is_writable_and_executable() {
    let runtime = portcullis::product::runtime();
    assert!(readable(&runtime));
    let bytes = fs::read(runtime).unwrap();
    let elf = goblin::elf::Elf::parse(&bytes).unwrap();
    assert!(elf.program_headers.iter().any(|header| header.is_executable()));
    for header in &elf.program_headers {
        assert!(!(header.is_executable() && header.is_write()), "{header:?}");
    }
    let stack = elf.program_headers.iter().find(|header| header.p_type == goblin::elf::program_header::PT_GNU_STACK);
    assert!(stack.is_some_and(|stack| !stack.is_executable()), "its stack is not executable");
    assert!(elf.interpreter.is_none() && elf.libraries.is_empty(), "it is static");
}
