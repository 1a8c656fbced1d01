//! The monitor's side: runs `secmon` on a scenario and checks what it says and leaves.

use shim_abi::image::{self, Index};
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder with everything that a run needs.
struct Stage {
    root: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let root = std::env::temp_dir().join(format!("secmon-sandbox-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for folder in ["bin", "app", "image/files", "granted/sub", "granted/nested", "work", "many", "deep"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let put = |from: &Path, to: &str| {
            let to = root.join(to);
            fs::hard_link(from, &to).or_else(|_| fs::copy(from, &to).map(drop)).unwrap();
        };
        // Another user may run the tests on a copy: SECMON names it.
        let secmon = std::env::var_os("SECMON").unwrap_or(env!("CARGO_BIN_EXE_secmon").into());
        put(Path::new(&secmon), "bin/secmon");
        put(&std::env::current_exe().unwrap(), "bin/portcullis-runtime");
        fs::write(root.join("app/program.exe"), "MZ").unwrap();
        let granted = root.join("granted");
        fs::write(root.join("outside.txt"), "outside").unwrap();
        fs::write(granted.join("inside.txt"), "inside").unwrap();
        fs::write(granted.join("not: for Windows"), "").unwrap();
        for (link, target) in [
            ("good-link", "inside.txt"),
            ("link-up", "../outside.txt"),
            ("link-absolute", "/etc/passwd"),
            ("link-magic", "/proc/self/root/etc/passwd"),
            ("link-folder", ".."),
            ("link-nowhere", "nowhere"),
        ] {
            symlink(target, granted.join(link)).unwrap();
        }
        nix::unistd::mkfifo(&granted.join("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        drop(std::os::unix::net::UnixListener::bind(granted.join("socket")).unwrap());
        for number in 0..3000 {
            fs::write(root.join("many").join(format!("a rather long name of a file {number:04}.txt")), "abc").unwrap();
        }
        let stage = Stage { root };
        stage.make_image();
        stage
    }

    fn make_image(&self) {
        let folder = self.root.join("image");
        fs::write(self.root.join("sample.dll"), "sample").unwrap();
        fs::write(folder.join("hive"), "the hive").unwrap();
        let file = |guest: &str, host: &str| {
            let meta = fs::metadata(folder.join(host)).unwrap();
            let shown = guest.rsplit('/').next().unwrap().into();
            let written = meta.mtime() * 1_000_000_000 + meta.mtime_nsec();
            image::File { guest: guest.into(), shown, host: host.into(), size: meta.len(), written }
        };
        let sample = self.root.join("sample.dll");
        let index = Index {
            version: image::INDEX_VERSION,
            source: "a test".into(),
            files: vec![file("@hive", "hive"), file("windows/system32/sample.dll", sample.to_str().unwrap())],
            folders: vec![
                "users/@user/Documents".into(),
                "users/Public/Documents".into(),
                "windows".into(),
                "windows/System32".into(),
            ],
        };
        fs::write(folder.join(image::INDEX_FILE), index.to_file()).unwrap();
    }

    fn secmon(&self) -> Command {
        let mut command = Command::new(self.root.join("bin/secmon"));
        command.env("PORTCULLIS_IMAGE", self.root.join("image")).current_dir(self.root.join("app"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `secmon run` with every mount that the scenarios know.
    fn command(&self, options: &[&str], scenario: &[&str]) -> Command {
        let mut command = self.secmon();
        command.args(["run", "--scratch", "32MiB"]);
        for (host, guest) in [("granted", "D:\\"), ("work", "W:\\:rw"), ("many", "M:\\"), ("deep", "D:\\nested\\deep")]
        {
            command.arg("--mount").arg(format!("{}={guest}", self.root.join(host).display()));
        }
        command.args(options).arg("program.exe").args(scenario);
        command
    }

    fn run(&self, options: &[&str], scenario: &[&str]) -> Seen {
        Seen::of(self.command(options, scenario).output().unwrap())
    }

    fn start(&self, scenario: &[&str]) -> Child {
        let mut child = self.command(&[], scenario).spawn().unwrap();
        let mut word = [0; 8];
        child.stdout.as_mut().unwrap().read_exact(&mut word).unwrap();
        assert_eq!(&word, b"started\n");
        child
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// What a run showed.
#[derive(Debug)]
struct Seen {
    code: i32,
    out: String,
    err: String,
}

impl Seen {
    fn of(output: Output) -> Self {
        Seen {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The picoprocess that a monitor has.
fn child_of(monitor: u32) -> u32 {
    let tasks = fs::read_dir(format!("/proc/{monitor}/task")).unwrap();
    let children = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    children.collect::<String>().split_ascii_whitespace().next().unwrap().parse().unwrap()
}

fn is_gone(process: u32) -> bool {
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        // A zombie whose parent died waits for whoever adopts it.
        match fs::read_to_string(format!("/proc/{process}/stat")) {
            Ok(stat) if !stat.contains(") Z ") && !stat.contains(") X ") => {
                std::thread::sleep(Duration::from_millis(5))
            }
            _ => return true,
        }
    }
    false
}

fn statuses(stage: &Stage) {
    for (status, code) in [("0", 0), ("7", 7), ("255", 255), ("256", 1), ("3221225477", 139), ("3221226505", 134)] {
        let seen = stage.run(&[], &["status", status]);
        assert_eq!(seen.code, code, "{status}: {seen:?}");
    }
    let crash = stage.run(&[], &["crash"]);
    assert_eq!((crash.code, crash.err.as_str()), (139, "secmon: access violation[31m at 0\n"));
    let abort = stage.run(&[], &["abort"]);
    assert_eq!((abort.code, abort.err.as_str()), (139, "secmon: the picoprocess was ended by signal 11\n"));
}

fn inside(stage: &Stage) {
    for scenario in ["walls", "files", "scratch", "lists", "fill"] {
        for entry in fs::read_dir(stage.root.join("work")).unwrap().flatten() {
            let _ = fs::remove_file(entry.path());
        }
        let seen = stage.run(&[], &[scenario]);
        assert_eq!(seen.code, 0, "{scenario}: {seen:?}");
    }
    let seen = stage.run(&[], &["absent"]);
    assert_eq!((seen.code, seen.err.as_str()), (0, "a line of the trace\n"), "{seen:?}");
    let mut command = stage.secmon();
    command.args(["run", "--env", "NAME=value=1", "./program.exe", "boot", "ä b", ""]);
    // A folder as standard input is replaced by nothing.
    command.stdin(fs::File::open("/").unwrap());
    let seen = Seen::of(command.env("SECRET", "1").output().unwrap());
    assert_eq!(seen.code, 0, "{seen:?}");
}

fn confinement(stage: &Stage) {
    let seen = stage.run(&[], &["names"]);
    assert_eq!(seen.code, 3, "{seen:?}");
    // What the sandbox wrote over the image is gone, and the next one sees the image.
    assert_eq!(stage.run(&[], &["names"]).code, 3);
    let granted = stage.root.join("granted");
    for advice in [
        format!("D:\\inside.txt is read-only: add --mount {}=D:\\:rw", granted.display()),
        "C:\\data is not visible: add --mount HOSTFOLDER=C:\\data".into(),
        "E:\\x is not visible: add --mount HOSTFOLDER=E:\\x".into(),
    ] {
        assert!(seen.err.lines().any(|line| line == format!("secmon: {advice}")), "{advice}\n{}", seen.err);
    }
    assert!(!stage.root.join("work/stolen.txt").exists());
}

fn hostility(stage: &Stage) {
    for (scenario, why) in [
        ("garbage", "no request of version 1"),
        ("short", "no request of version 1"),
        ("version", "no request of version 1"),
        ("number", "no request of version 1"),
        ("direct", "memory_allocate request"),
        ("cut", "stream_query_name request"),
        ("longer", "stream_query_name request"),
        ("huge", "longer than 65536 bytes"),
        ("descriptors", "it sent descriptors"),
    ] {
        let seen = stage.run(&[], &[scenario]);
        assert_eq!(seen.code, 159, "{scenario}: {seen:?}");
        assert!(seen.err.contains(why) && seen.err.lines().count() == 1, "{scenario}: {seen:?}");
    }
    // The monitor looks at a page only while it has a processor to spare: 3 says that it never did.
    let seen = stage.run(&[], &["page"]);
    let told = seen.code == 159 && seen.err.contains("into a page beside its lanes");
    assert!(told || seen.code == 3, "{seen:?}");
    // A picoprocess that does not read its replies holds up itself alone.
    let mut child = stage.start(&["flood"]);
    let memory = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let resident = memory.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap().trim().to_owned();
    let kilobytes: u64 = resident.split(' ').next().unwrap().parse().unwrap();
    assert!(kilobytes < 16 * 1024, "{resident}");
    signal(&child, nix::sys::signal::Signal::SIGTERM);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

fn signal(child: &Child, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), signal).unwrap();
}

fn endings(stage: &Stage) {
    use nix::sys::signal::Signal::{SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM};
    for (which, code) in [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129), (SIGQUIT, 131)] {
        let mut child = stage.start(&["started"]);
        let process = child_of(child.id());
        signal(&child, which);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{which}");
        assert!(is_gone(process));
    }
    let mut child = stage.start(&["started"]);
    let process = child_of(child.id());
    signal(&child, SIGKILL);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert!(is_gone(process), "the picoprocess dies with its monitor");
    let began = Instant::now();
    let seen = stage.run(&["--timeout", "300ms"], &["sleep"]);
    assert_eq!((seen.code, seen.err.as_str()), (124, "secmon: the program was ended because its time ran out\n"));
    assert!(began.elapsed() >= Duration::from_millis(300) && began.elapsed() < Duration::from_secs(20));
    let seen = stage.run(&["--prepared", "--memory", "64MiB"], &["memory"]);
    assert!(matches!(seen.code, 42 | 134 | 137), "{seen:?}");
}

/// What passes between a program and the terminal it runs in.
fn terminal(stage: &Stage) {
    use nix::sys::termios::{LocalFlags, tcgetattr};
    let size = nix::pty::Winsize { ws_row: 25, ws_col: 81, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = nix::pty::openpty(Some(&size), None).unwrap();
    let flags = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC);
    nix::fcntl::fcntl(&pty.master, flags).unwrap();
    let stream = || Stdio::from(pty.slave.try_clone().unwrap());
    let run = stage.command(&[], &["terminal"]);
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(run.get_program()).args(run.get_args());
    command.env("PORTCULLIS_IMAGE", stage.root.join("image")).current_dir(stage.root.join("app"));
    let mut child = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
    let canonical = || tcgetattr(&pty.slave).unwrap().local_flags.contains(LocalFlags::ICANON);
    let mut screen = fs::File::from(pty.master.try_clone().unwrap());
    let mut seen = String::new();
    let mut until = |word: &str| {
        while !seen.contains(word) {
            let mut buffer = [0; 256];
            let count = screen.read(&mut buffer).unwrap();
            assert!(count > 0, "{word} after {seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        seen = seen.split_once(word).map_or(String::new(), |(_, rest)| rest.to_owned());
    };
    let press = |keys: &[u8]| assert_eq!(nix::unistd::write(&pty.master, keys), Ok(keys.len()));
    until("size 81 25");
    press(b"\x03");
    until("event 2");
    press(b"\x1c");
    until("event 3");
    signal(&child, nix::sys::signal::Signal::SIGWINCH);
    until("event 1");
    until("raw");
    assert!(!canonical());
    press(b"\x03");
    until("key 3");
    // It ends in raw mode, and leaves the terminal as it was.
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert!(canonical());
}

fn refusals(stage: &Stage) {
    let root = stage.root.display();
    for (arguments, code, said) in [
        (vec!["run", "none.exe"], 127, "none.exe: no such program".to_string()),
        (vec!["run", "C:\\none\\none.exe"], 127, "C:\\none\\none.exe: No grant covers the name.".into()),
        (vec!["run", "../work"], 126, "is a folder".into()),
        (vec!["run", "--mount", "/none=C:\\x", "program.exe"], 125, "cannot mount /none: No such file".into()),
        (vec!["run", "--mount", "/proc=C:\\x", "program.exe"], 125, "window into the kernel".into()),
        (vec!["run", "--mount", "/tmp=x", "program.exe"], 125, "must begin with a drive letter".into()),
        (vec!["run", "--policy", "none.toml", "program.exe"], 125, "policy none.toml: No such file".into()),
        (vec!["run", "--policy", "bad.toml", "program.exe"], 125, "unknown field `memroy`".into()),
        (vec!["run", "--memory", "lots", "program.exe"], 125, "is no size".into()),
        (vec!["run", "--workdir", "/", "program.exe"], 125, "no mount covers it".into()),
        (vec!["run"], 125, "PROGRAM".into()),
        (vec!["frobnicate"], 125, "portcullis-manage is missing".into()),
    ] {
        fs::write(stage.root.join("app/bad.toml"), "memroy = '1G'\n").unwrap();
        let seen = Seen::of(stage.secmon().args(&arguments).output().unwrap());
        assert!(seen.code == code && seen.err.contains(&said), "{arguments:?}: {seen:?}");
    }
    let missing = |name: &str| {
        let mut command = stage.secmon();
        command.env("PORTCULLIS_IMAGE", format!("{root}/{name}")).args(["run", "--prepared", "program.exe"]);
        Seen::of(command.output().unwrap())
    };
    let seen = missing("no-image");
    assert!(seen.code == 125 && seen.err.contains("there is no base image in"), "{seen:?}");
    // An image whose files changed since it was made.
    let sample = stage.root.join("sample.dll");
    fs::write(&sample, "changed!").unwrap();
    let seen = stage.run(&[], &["names"]);
    assert!(seen.err.contains("the base image is out of date"), "{seen:?}");
    stage.make_image();
    let seen = stage.run(&[], &["names"]);
    assert!(!seen.err.contains("out of date"), "{seen:?}");
}

fn words(stage: &Stage) {
    for (arguments, said) in
        [(&["run", "--help"][..], "--mount <HOST=GUEST[:rw]>"), (&["run", "--help"], "Exit codes:")]
    {
        let seen = Seen::of(stage.secmon().args(arguments).output().unwrap());
        assert!(seen.code == 0 && seen.out.contains(said), "{arguments:?}: {seen:?}");
    }
}

type Test = (&'static str, fn(&Stage));

pub fn main(only: Option<String>) {
    // Whatever hangs is a failure.
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(300));
        eprintln!("the tests take too long");
        std::process::exit(1);
    });
    let stage = Stage::new();
    if only.as_deref() == Some("bench") {
        print!("{}", stage.run(&[], &["bench"]).out);
        return;
    }
    let all: [Test; 8] = [
        ("terminal", terminal),
        ("statuses", statuses),
        ("inside", inside),
        ("confinement", confinement),
        ("hostility", hostility),
        ("endings", endings),
        ("refusals", refusals),
        ("words", words),
    ];
    for (name, test) in
        all.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|only| name.contains(only.as_str())))
    {
        test(&stage);
        println!("test sandbox::{name} ... ok");
    }
}
