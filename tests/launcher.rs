//! `libos` as another program links it: what it says, grants, ends, and answers when it cannot.

use libos::{Environment, LaunchError, Launcher, Stdio};
use portcullis::{guest, product};
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Output;
use std::time::{Duration, Instant};

fn launch(program: &str, arguments: &[&str]) -> Launcher {
    product::image();
    Launcher::new(guest::program(program))
        .monitor(product::secmon())
        .args(arguments)
        .timeout(Duration::from_secs(60))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
}

fn run(launcher: Launcher) -> Output {
    launcher.spawn().and_then(|sandbox| sandbox.wait_with_output()).expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n")
}

#[test]
fn what_a_program_is_given_and_answers() {
    let output = run(launch("process", &["return", "7"]));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(7), 0), "{output:?}");
    let output = run(launch("process", &["echo", "two words", "a\"b", ""]));
    assert_eq!(text(&output.stdout), "[echo]\n[two words]\n[a\"b]\n[]\n", "{output:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let env = launch("process", &["env", "COLOUR"]).env("COLOUR", "sea green").mount(folder.path(), r"Z:\here");
    let output = run(env.workdir(r"Z:\here"));
    assert_eq!(text(&output.stdout), "sea green\nZ:\\here\n", "{output:?}");
    // A command of the guest's own, its standard input, and what it wrote on the host.
    product::image();
    let more = Launcher::new("cmd.exe").monitor(product::secmon()).args(["/c", "sort > out.txt"]);
    let more = more.mount_writable(folder.path(), r"C:\work").workdir(r"C:\work").stdin(Stdio::piped());
    let mut sandbox = more.spawn().expect("it starts");
    sandbox.child().stdin.take().expect("a pipe").write_all(b"b\r\na\r\n").expect("it reads");
    let status = sandbox.wait().expect("it ends");
    assert!(status.success(), "{status}");
    assert!(sandbox.try_wait().is_ok_and(|again| again == Some(status)));
    assert!(folder.path().join("out.txt").exists());
}

#[test]
fn nothing_is_granted_but_what_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("secret.txt"), "mine").expect("written");
    let at = |guest: &str| format!("type {guest}\\secret.txt & echo x> {guest}\\new.txt");
    let cmd = |line: &str| {
        product::image();
        let cmd = Launcher::new("cmd.exe").monitor(product::secmon()).args(["/c", line]).stdin(Stdio::null());
        cmd.stdout(Stdio::piped()).stderr(Stdio::piped())
    };
    let output = run(cmd(&at(&format!("Z:{}", folder.path().display()).replace('/', "\\"))));
    assert!(!text(&output.stdout).contains("mine"), "{output:?}");
    let output = run(cmd(&at(r"Z:\here")).mount(folder.path(), r"Z:\here"));
    assert!(text(&output.stdout).contains("mine"), "{output:?}");
    assert!(!folder.path().join("new.txt").exists(), "a mount is only read unless it is said otherwise");
    // As a policy file says it.
    let policy = tempfile::NamedTempFile::new().expect("a file");
    let grant = format!("[[mount]]\nhost = {:?}\nguest = 'Z:\\here'\nwritable = true\n", folder.path());
    fs::write(policy.path(), grant).expect("written");
    let output = run(cmd(&at(r"Z:\here")).policy(policy.path()));
    assert!(text(&output.stdout).contains("mine") && folder.path().join("new.txt").exists(), "{output:?}");

    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = server.local_addr().expect("an address").port().to_string();
    let reach = ["tcp", "127.0.0.1", port.as_str()];
    let output = run(launch("reach", &reach));
    assert!(!text(&output.stdout).contains("REACHED"), "{output:?}");
    std::thread::spawn(move || {
        let (mut client, _) = server.accept().expect("a client");
        let mut hello = [0; 5];
        client.read_exact(&mut hello).expect("what it says");
        client.write_all(&hello).expect("it listens");
    });
    let output = run(launch("reach", &reach).net("loopback".parse().expect("a grant")));
    assert!(text(&output.stdout).contains("REACHED hello"), "{output:?}");
    let output = run(launch("exhaust", &["memory"]).memory(64 << 20));
    let got = text(&output.stdout);
    let megabytes = got.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    assert!(megabytes.is_some_and(|number| (8..64).contains(&number)), "{output:?}");
}

#[test]
fn a_published_port_is_the_hosts() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address").port();
    let serve = launch("reach", &["serve", "7"]).publish(format!("{free}:7").parse().expect("a port"));
    let sandbox = serve.spawn().expect("it starts");
    let end = Instant::now() + Duration::from_secs(30);
    let mut answer = String::new();
    while answer.is_empty() && Instant::now() < end {
        if let Ok(mut client) = TcpStream::connect((Ipv4Addr::LOCALHOST, free)) {
            let _ = client.write_all(b"hello").and_then(|()| client.read_to_string(&mut answer));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = sandbox.wait_with_output().expect("it ends");
    assert_eq!(answer, "hello", "{output:?}");
}

#[test]
fn ends_that_the_caller_makes() {
    let output = run(launch("process", &["sleep", "60000"]).timeout(Duration::from_millis(300)));
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    let mut sandbox = launch("process", &["sleep", "60000"]).spawn().expect("it starts");
    assert!(sandbox.try_wait().is_ok_and(|end| end.is_none()));
    sandbox.kill().expect("it is there");
    assert_eq!(sandbox.wait().expect("it ends").code(), None, "by a signal");
}

#[test]
fn what_is_not_there_is_said() {
    let error = Launcher::new("x.exe").monitor("/nowhere/secmon").spawn().expect_err("no such file");
    assert!(matches!(&error, LaunchError::Io(error) if error.kind() == std::io::ErrorKind::NotFound), "{error}");
    product::image();
    let output = run(Launcher::new("/nowhere/x.exe").monitor(product::secmon()).stderr(Stdio::piped()));
    assert!(!output.status.success() && text(&output.stderr).contains("no such program"), "{output:?}");
}

/// A monitor whose state lies in a folder of its own.
fn monitor_of(folder: &std::path::Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    product::image();
    let script = folder.join("secmon");
    let (state, secmon) = (folder.join("state"), product::secmon());
    let text = format!("#!/bin/sh\nPORTCULLIS_STATE={} exec {} \"$@\"\n", state.display(), secmon.display());
    fs::write(&script, text).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("executable");
    script
}

#[test]
fn an_environment_lives_on_and_is_used_by_whoever_finds_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let monitor = monitor_of(folder.path());
    let program = guest::program("process");
    let mounted = program.parent().expect("its folder");
    let launcher = Launcher::new("").monitor(&monitor).mount(mounted, r"C:\tools").with("name", "one");
    let environment = launcher.start().expect("it starts");
    let listed = Environment::list(Some(monitor.clone())).expect("a list");
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((listed[0].id.as_str(), listed[0].name.as_deref()), (environment.id(), Some("one")));
    assert_eq!(Environment::find("one", Some(monitor.clone())).expect("found"), environment);
    let unknown = Environment::find("two", Some(monitor.clone()));
    assert!(matches!(&unknown, Err(LaunchError::Refused(why)) if why.contains("two")), "{unknown:?}");

    let run = |arguments: &[&str]| {
        let exec = environment.exec(r"C:\tools\process.exe").args(arguments).stdin(Stdio::null());
        exec.stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .and_then(libos::Sandbox::wait_with_output)
            .expect("it runs")
    };
    assert_eq!(run(&["return", "7"]).status.code(), Some(7));
    assert_eq!(text(&run(&["echo", "two words", ""]).stdout), "[echo]\n[two words]\n[]\n");
    let folder_of_host = tempfile::tempdir().expect("a folder");
    fs::write(folder_of_host.path().join("text.txt"), "shared later").expect("written");
    let show = || {
        let exec = environment.exec("cmd.exe").args(["/c", r"type C:\later\text.txt"]).stdin(Stdio::null());
        let output =
            exec.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().and_then(libos::Sandbox::wait_with_output);
        text(&output.expect("it runs").stdout)
    };
    assert!(!show().contains("shared later"));
    environment.share(folder_of_host.path(), r"C:\later", false).expect("shared");
    assert_eq!(show(), "shared later");
    environment.unshare(r"C:\later").expect("no more");
    assert!(!show().contains("shared later"));
    let sleeper = environment.exec(r"C:\tools\process.exe").args(["sleep", "60000"]).detach().expect("it begins");
    assert!(sleeper > 1);
    let end = Instant::now() + Duration::from_secs(30);
    let mut usage = environment.usage().expect("it runs");
    while usage.nt_calls <= 100 && Instant::now() < end {
        usage = environment.usage().expect("it runs");
    }
    assert_eq!(usage.processes, 2, "{usage:?}");
    assert!(usage.nt_calls > 100 && usage.private_bytes > 0 && usage.cpu_seconds > 0.0, "{usage:?}");
    environment.trim().expect("it runs");

    environment.stop().expect("stopped");
    assert_eq!(Environment::list(Some(monitor.clone())).expect("a list"), []);
    environment.wait().expect("how it ended is known");
    assert!(matches!(environment.usage(), Err(LaunchError::Refused(_))));
}

#[test]
fn examples_are_short_and_do_what_they_say() {
    let folder = portcullis::repository().join("examples");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 30, "{}: {lines} lines", path.display());
        names.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["convert_folder", "job_pool", "policy_in_code", "run_and_capture"]);
    // Cargo builds them with the tests, and anew only if that was not so.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = std::process::Command::new(cargo);
    build.args(["build", "--quiet", "--locked", "--examples"]).current_dir(portcullis::repository());
    assert!(build.status().unwrap().success());
    let built = std::env::current_exe().unwrap();
    let built = built.ancestors().nth(2).unwrap().join("examples");
    let (state, bin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    product::image();
    let path = format!("{}:{}", product::folder().display(), std::env::var("PATH").unwrap());
    let example = |name: &str, args: &[&str], input: &str| {
        // Away from what Cargo puts beside the examples: a monitor for its tests, without a runtime. It is looked for one folder up too.
        let own = bin.path().join("examples").join(name);
        std::fs::create_dir_all(own.parent().unwrap()).unwrap();
        std::fs::copy(built.join(name), &own).unwrap();
        let run = portcullis::command::Run::new(own).args(args).input(input.to_owned());
        run.env("PATH", &path).env("PORTCULLIS_STATE", state.path()).run().success().lines()
    };
    let captured = example("run_and_capture", &["cmd.exe", "/c", "echo captured"], "");
    assert!(captured.contains("10 bytes\ncaptured\n"), "{captured}");
    let jobs = example("job_pool", &["2"], "echo one\necho two\nexit 3\necho four\n");
    for said in
        ["echo one: exit status: 0\none\n", "echo two: exit status: 0\ntwo\n", "exit 3: exit status: 3\n", "four\n"]
    {
        assert!(jobs.contains(said), "{said}: {jobs}");
    }
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(from.path().join("a.txt"), "in").unwrap();
    let paths = [from.path().to_str().unwrap(), to.path().to_str().unwrap()];
    example("policy_in_code", &[&paths[..], &["cmd.exe", "/c", "copy C:\\in\\a.txt b.txt"]].concat(), "");
    assert_eq!(std::fs::read_to_string(to.path().join("b.txt")).unwrap(), "in");
    let program = portcullis::programs::windows("7za");
    example("convert_folder", &[program.to_str().unwrap(), from.path().to_str().unwrap()], "");
    assert!(from.path().join("a.txt.7z").is_file());
}
