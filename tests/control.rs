//! A sandbox that is managed from outside while it runs: [`shim_abi::control`] as a client of the monitor's socket meets it.

use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, sendmsg, socket,
};
use portcullis::command::Run;
use portcullis::{guest, product};
use portcullis_manage::client::{self, Client, ClientError};
use shim_abi::control::*;
use shim_abi::error::Error;
use std::fs::{self, File};
use std::io::{IoSlice, Read, Write, pipe};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A monitor with a control socket, killed when dropped.
struct Sandbox {
    folder: tempfile::TempDir,
    monitor: Child,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}

impl Sandbox {
    /// With these arguments of `secmon run`.
    fn start(arguments: &[&str]) -> Self {
        product::image();
        let folder = tempfile::tempdir().unwrap();
        let listener = client::listen(folder.path(), "control").unwrap();
        // The shell gives the socket, which it has as its input, another number.
        let monitor = Command::new("sh")
            .args(["-c", "exec \"$0\" run --control-fd 9 --id an-id --name a-name \"$@\" 9<&0 </dev/null"])
            .arg(product::secmon())
            .args(arguments)
            .stdin(Stdio::from(listener))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Sandbox { folder, monitor }
    }

    /// Without a program.
    fn init() -> Self {
        Self::start(&["--init"])
    }

    fn client(&self) -> Client {
        Client::connect(self.folder.path(), "control").unwrap()
    }

    /// Waits for the monitor's end; its exit code.
    fn ended(&mut self) -> i32 {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            match self.monitor.try_wait().unwrap() {
                Some(status) => return status.code().unwrap_or(-1),
                None if Instant::now() > end => panic!("the monitor does not end"),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

/// A program that is run, and what the test has of it.
struct Running {
    process: u32,
    pid: u32,
    tag: u32,
    input: Option<File>,
    output: File,
    errors: File,
}

fn exec(line: &[&str]) -> Exec {
    Exec {
        program: line[0].into(),
        arguments: line.iter().map(|&part| part.into()).collect(),
        environment: Vec::new(),
        workdir: String::new(),
        user: RunAs::User,
        detached: false,
        tree: false,
    }
}

fn file(end: impl Into<OwnedFd>) -> File {
    File::from(end.into())
}

/// Runs with pipes. Its tag is that of the request, which requests of this client count up.
fn begin(client: &mut Client, tag: u32, exec: &Exec) -> Running {
    let ((their_input, input), (output, their_output), (errors, their_errors)) =
        (pipe().unwrap(), pipe().unwrap(), pipe().unwrap());
    let streams = [their_input.as_fd(), their_output.as_fd(), their_errors.as_fd()];
    let Executed { process, pid } = client.ask_with(exec, &streams).unwrap();
    Running { process, pid, tag, input: Some(file(input)), output: file(output), errors: file(errors) }
}

impl Running {
    /// Everything that it writes, after it was given this.
    fn talk(&mut self, input: &str) -> (String, String) {
        // Its end of the pipe closes with this one.
        self.input.take().unwrap().write_all(input.as_bytes()).unwrap();
        let whole = |file: &mut File| {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        (whole(&mut self.output), whole(&mut self.errors))
    }

    /// Its end.
    fn end(&self, client: &mut Client) -> (How, u32, String) {
        loop {
            let (tag, notice) = client.notice().unwrap();
            if notice.what == What::Ended && notice.process == self.process {
                assert_eq!((tag, notice.pid), (self.tag, self.pid));
                return (notice.how, notice.status, notice.text);
            }
        }
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> Error {
    match answer {
        Err(ClientError::Refused(error, why)) if !why.is_empty() => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn programs_run_in_a_sandbox_without_a_program() {
    let mut sandbox = Sandbox::init();
    let mut client = sandbox.client();
    let is = client.ask(&Describe {}).unwrap();
    assert_eq!((is.id.as_str(), is.name.as_str(), is.init, is.members.len()), ("an-id", "a-name", true, 1));

    let mut sort = begin(&mut client, 2, &exec(&["sort"]));
    assert_eq!(sort.talk("b\r\na\r\n").0.replace('\r', ""), "a\nb\n");
    assert_eq!(sort.end(&mut client), (How::Status, 0, String::new()));

    let line = ["cmd.exe", "/c", "if %GREETING%==grüße cd& echo wrong 1>&2& exit -1073741819"];
    let mut greets = exec(&line);
    greets.environment.push(("GREETING".into(), "grüße".into()));
    let mut greets = begin(&mut client, 3, &Exec { workdir: "C:\\windows".into(), ..greets });
    let (output, errors) = greets.talk("");
    assert_eq!((output.as_str(), errors.trim()), ("C:\\windows\r\n", "wrong"));
    assert_eq!(greets.end(&mut client), (How::Status, 0xc000_0005, String::new()), "all 32 bits");

    let mut home = begin(&mut client, 4, &exec(&["cmd.exe", "/c", "cd"]));
    assert_eq!(home.talk("").0, "C:\\users\\user\r\n");
    let mut system = begin(&mut client, 5, &Exec { user: RunAs::System, ..exec(&["whoami.exe"]) });
    assert!(system.talk("").0.trim().ends_with("\\SYSTEM"));
    let mut user = begin(&mut client, 6, &exec(&["C:\\windows\\system32\\whoami.exe"]));
    assert!(user.talk("").0.trim().ends_with("\\user"));

    // A child has the pipes too, and what one leaves in the registry the next one finds.
    let mut leaves =
        begin(&mut client, 7, &exec(&["cmd", "/c", "cmd /c echo inner& reg add HKCU\\Software\\X /v v /d 17 /f"]));
    assert!(leaves.talk("").0.starts_with("inner\r\n"));
    let mut finds = begin(&mut client, 8, &exec(&["reg", "query", "HKCU\\Software\\X"]));
    assert!(finds.talk("").0.contains("17"));

    let none = begin(&mut client, 9, &exec(&["nosuch"]));
    let (how, status, why) = none.end(&mut client);
    assert_eq!((how, status), (How::Status, 0xc000_0034));
    assert!(why.contains("nosuch"), "{why}");

    let waits = begin(&mut client, 10, &exec(&["sort"]));
    client.ask(&Stop { patience: 30_000 }).unwrap();
    assert_eq!(waits.end(&mut client).0, How::Status, "its console was closed, which it does not survive");
    assert_eq!(sandbox.ended(), 0);
}

#[test]
fn twenty_at_once() {
    let sandbox = Sandbox::init();
    let mut client = sandbox.client();
    let mut all: Vec<Running> = (0..20)
        .map(|number: u32| {
            let line = format!("echo {number}& exit {number}");
            begin(&mut client, number + 1, &exec(&["cmd.exe", "/c", &line]))
        })
        .collect();
    let mut statuses = [u32::MAX; 20];
    for _ in 0..20 {
        let (tag, notice) = client.notice().unwrap();
        statuses[tag as usize - 1] = notice.status;
    }
    assert_eq!(statuses.to_vec(), (0..20).collect::<Vec<_>>());
    for (number, running) in all.iter_mut().enumerate() {
        assert_eq!(running.talk("").0.trim(), number.to_string());
    }
    let stats = client.ask(&Stats {}).unwrap();
    assert_eq!((stats.begun, stats.members.len()), (21, 1));
    assert!(stats.shared > 0 && stats.scratch.1 > 0);
}

#[test]
fn signals_reach_a_program_and_what_it_made() {
    let sandbox = Sandbox::init();
    let mut client = sandbox.client();
    let mut watcher = sandbox.client();
    watcher.ask(&Subscribe {}).unwrap();
    let waits = begin(&mut client, 1, &exec(&["cmd.exe", "/c", "sort"]));
    let child = loop {
        let told = watcher.notice().unwrap().1;
        if told.what == What::Began && told.maker == waits.process {
            break told;
        }
    };
    assert!(child.text.to_lowercase().ends_with("sort.exe"), "{child:?}");
    client.ask(&Signal { process: waits.process, kind: SignalKind::Interrupt, status: 0 }).unwrap();
    assert_eq!(waits.end(&mut client), (How::Status, 0xc000_013a, String::new()));
    let killed = begin(&mut client, 3, &exec(&["sort"]));
    client.ask(&Signal { process: killed.process, kind: SignalKind::Kill, status: 77 }).unwrap();
    assert_eq!(killed.end(&mut client), (How::Stopped, 77, String::new()));
    let gone = Signal { process: killed.process, kind: SignalKind::Kill, status: 77 };
    assert_eq!(refused(client.ask(&gone)), Error::NotFound);

    // What it made stays, or ends with it, as was asked for.
    for tree in [false, true] {
        let mut other = sandbox.client();
        let started = Exec { tree, ..exec(&["cmd.exe", "/c", "start /b sort"]) };
        let running = begin(&mut other, 1, &started);
        assert_eq!(running.end(&mut other).0, How::Status);
        let members = || sandbox.client().ask(&Describe {}).unwrap().members;
        // Those before it may take a moment to end.
        let end = Instant::now() + Duration::from_secs(20);
        let sorts = || members().iter().filter(|member| member.program.ends_with("sort.exe")).count();
        while members().len() > 2 || !tree && sorts() != 1 {
            assert!(Instant::now() < end, "{:?}", members());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_client_that_goes_takes_along_what_it_ran() {
    let sandbox = Sandbox::init();
    let mut watcher = sandbox.client();
    let mut client = sandbox.client();
    let goes = begin(&mut client, 1, &exec(&["sort"]));
    let stays = begin(&mut client, 2, &Exec { detached: true, ..exec(&["sort"]) });
    drop(client);
    let end = watcher.ask(&Wait { process: goes.process });
    // It may have ended before it was asked about.
    assert!(end.map_or_else(|error| refused::<()>(Err(error)) == Error::NotFound, |end| end.how == How::Stopped));
    let members = watcher.ask(&Describe {}).unwrap().members;
    assert_eq!(members.iter().map(|member| member.process).collect::<Vec<_>>(), [1, stays.process]);
}

fn folder(path: &Path) -> File {
    File::open(path).unwrap()
}

#[test]
fn folders_are_shared_with_programs_that_run() {
    let sandbox = Sandbox::init();
    let mut client = sandbox.client();
    let shared = tempfile::tempdir().unwrap();
    fs::write(shared.path().join("a.txt"), "from outside").unwrap();
    // It runs from before the folder is there, and looks for it now and then.
    let look = "for /l %i in (1,1,300) do @if exist Z:\\data\\a.txt \
                (type Z:\\data\\a.txt& echo new>Z:\\data\\new.txt& exit) else (ping -n 2 127.0.0.1 >nul)";
    let mut watcher = sandbox.client();
    watcher.ask(&Subscribe {}).unwrap();
    let mut early = begin(&mut client, 1, &exec(&["cmd.exe", "/c", look]));
    while watcher.notice().unwrap().1.maker != early.process {}
    let at = |guest: &str, writable| Share { guest: guest.into(), host: String::new(), writable };
    let of = folder(shared.path());
    for (guest, writable) in [("Z:\\data", true), ("C:\\shared", false)] {
        client.ask_with(&at(guest, writable), &[of.as_fd()]).unwrap();
    }
    let mut twin = begin(&mut client, 4, &exec(&["cmd.exe", "/c", "dir /b Z:\\data& type C:\\shared\\a.txt"]));
    let (output, errors) = twin.talk("");
    assert_eq!((output.as_str(), errors.as_str()), ("a.txt\r\nfrom outside", ""));
    assert_eq!(early.talk(""), ("from outside".into(), String::new()));
    let mut refused_to = begin(&mut client, 5, &exec(&["cmd.exe", "/c", "echo no>C:\\shared\\no.txt"]));
    refused_to.talk("");
    assert_eq!(fs::read_to_string(shared.path().join("new.txt")).unwrap(), "new\r\n");
    assert!(!shared.path().join("no.txt").exists());

    let shares = client.ask(&Describe {}).unwrap().shares;
    let told: Vec<_> =
        shares.iter().map(|share| (share.guest.as_str(), Path::new(&share.host), share.writable)).collect();
    let host = shared.path().canonicalize().unwrap();
    assert_eq!(told, [("Z:\\data", host.as_path(), true), ("C:\\shared", &host, false)]);
    assert_eq!(refused(client.ask_with(&at("z:\\DATA", true), &[of.as_fd()])), Error::Exists);
    assert_eq!(refused(client.ask_with(&at("C:\\windows\\x", true), &[of.as_fd()])), Error::Invalid);
    assert_eq!(refused(client.ask_with(&at("nowhere", true), &[of.as_fd()])), Error::NameInvalid);
    assert_eq!(
        refused(client.ask_with(&at("C:\\x", true), &[folder(Path::new("/proc/self")).as_fd()])),
        Error::AccessDenied
    );
    let no_folder = folder(&shared.path().join("a.txt"));
    assert_eq!(refused(client.ask_with(&at("C:\\x", true), &[no_folder.as_fd()])), Error::AccessDenied);
    assert_eq!(refused(client.ask(&at("C:\\x", true))), Error::Invalid);

    client.ask(&Unshare { guest: "Z:\\data".into() }).unwrap();
    assert_eq!(refused(client.ask(&Unshare { guest: "Z:\\data".into() })), Error::NotFound);
    let mut gone = begin(&mut client, 14, &exec(&["cmd.exe", "/c", "type Z:\\data\\a.txt& type C:\\shared\\a.txt"]));
    let (output, errors) = gone.talk("");
    assert_eq!(output, "from outside");
    assert!(!errors.is_empty());
}

#[test]
fn a_program_of_run_has_company() {
    let idle = guest::program("idle");
    let mount = format!("{}=C:\\guest", idle.parent().unwrap().display());
    // It waits for its input, which ends at once; so it is one that waits for something else.
    let mut sandbox = Sandbox::start(&["--mount", &mount, "cmd.exe", "/c", "ping -n 600 127.0.0.1 >nul"]);
    let mut client = sandbox.client();
    let mut beside = begin(&mut client, 1, &exec(&["C:\\guest\\idle.exe"]));
    assert_eq!(beside.talk("x").0, "ready\r\n");
    assert_eq!(beside.end(&mut client), (How::Status, 0, String::new()));
    // Both counted what they called.
    let end = Instant::now() + Duration::from_secs(20);
    let mut asked = 1;
    loop {
        asked += 1;
        let said = client.ask(&Stats {}).unwrap();
        if said.members[0].calls > 0 && said.calls > 0 {
            assert_eq!(said.members[0].guest_id, 0x20, "{said:?}");
            break;
        }
        assert!(Instant::now() < end, "{said:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    let refusal = begin(&mut client, asked + 1, &exec(&["cmd.exe", "/c", "type C:\\secret\\x"]));
    let mut watcher = sandbox.client();
    watcher.ask(&Subscribe {}).unwrap();
    let _ = refusal.end(&mut client);
    client.ask(&Stop { patience: 0 }).unwrap();
    assert_eq!(sandbox.ended(), 143);
    let mut last = What::Started;
    while let Ok((_, told)) = watcher.notice() {
        last = told.what;
    }
    assert_eq!(last, What::Stopped);
}

#[test]
fn nonsense_and_deaf_clients_harm_nobody_else() {
    let sandbox = Sandbox::init();
    let mut good = sandbox.client();
    let whole = request(1, &Describe {}).unwrap();
    let long = vec![1; MAX_MESSAGE + 1];
    let lies = [&request(1, &exec(&["x"])).unwrap()[..HEADER], &u32::MAX.to_le_bytes()].concat();
    let changed = |at: usize, value: u8| {
        let mut frame = whole.clone();
        frame[at] = value;
        frame
    };
    // Of another version, of no kind, with numbers of requests that there are none of.
    let versions = [changed(0, VERSION + 1), changed(0, VERSION - 1), changed(0, 0), changed(1, 1)];
    let numbers = [changed(2, 0), changed(2, 99), changed(3, 0xff)];
    let more: Vec<&[u8]> = versions.iter().chain(&numbers).map(Vec::as_slice).collect();
    for frame in [&b"x"[..], &whole[..HEADER - 1], &[&whole[..], b"x"].concat(), &long, &lies].into_iter().chain(more) {
        let mut bad = sandbox.client();
        let _ = send(bad.as_fd().as_raw_fd(), frame, MsgFlags::MSG_NOSIGNAL);
        assert!(matches!(bad.notice(), Err(ClientError::Gone)), "{:?}", &frame[..8.min(frame.len())]);
    }
    let null = File::open("/dev/null").unwrap();
    let two: [BorrowedFd<'_>; 2] = [null.as_fd(), null.as_fd()];
    assert_eq!(refused(good.ask_with(&exec(&["sort"]), &two)), Error::Invalid);
    let top = folder(Path::new("/"));
    assert_eq!(refused(good.ask_with(&exec(&["sort"]), &[top.as_fd(), null.as_fd(), null.as_fd()])), Error::Invalid);
    // One that asks and does not read is closed sooner or later; the other is served all the while.
    let deaf = sandbox.client();
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    let end = Instant::now() + Duration::from_secs(30);
    while send(deaf.as_fd().as_raw_fd(), &whole, flags) != Err(nix::errno::Errno::EPIPE) {
        assert!(Instant::now() < end, "it is served for ever");
        good.ask(&Describe {}).unwrap();
    }
    assert_eq!(good.ask(&Describe {}).unwrap().members.len(), 1);
}

/// How many descriptors the monitor has.
fn held(sandbox: &Sandbox) -> Option<usize> {
    fs::read_dir(format!("/proc/{}/fd", sandbox.monitor.id())).ok().map(Iterator::count)
}

#[test]
fn floods_of_descriptors_and_clients_are_refused() {
    let sandbox = Sandbox::init();
    let mut good = sandbox.client();
    let whole = request(1, &Describe {}).unwrap();
    good.ask(&Describe {}).unwrap();
    let before = held(&sandbox);
    let null = File::open("/dev/null").unwrap();
    let flood = |count: usize, frame: &[u8]| {
        let bad = sandbox.client();
        let descriptors = vec![null.as_raw_fd(); count];
        let rights = [ControlMessage::ScmRights(&descriptors)];
        for _ in 0..20 {
            // Once it was closed, what is sent goes nowhere.
            let _ =
                sendmsg::<()>(bad.as_fd().as_raw_fd(), &[IoSlice::new(frame)], &rights, MsgFlags::MSG_NOSIGNAL, None);
        }
        bad
    };
    // As many as the kernel lets through, a few more than are taken, and with a message that means nothing.
    let mut left: Vec<Client> = Vec::new();
    for (count, frame) in [(253, &whole[..]), (16, &whole), (253, b"nonsense")] {
        let mut bad = flood(count, frame);
        assert!(matches!(bad.notice(), Err(ClientError::Gone)), "{count} descriptors");
    }
    // Three that a request has no use for are let go of with it.
    left.push(flood(3, &whole));
    good.ask(&Describe {}).unwrap();
    left.clear();
    let end = Instant::now() + Duration::from_secs(20);
    while held(&sandbox) > before {
        assert!(Instant::now() < end, "{:?} descriptors are left of {before:?}", held(&sandbox));
        good.ask(&Describe {}).unwrap();
    }
    // More clients than are served: those that are have lost nothing, and when the others go there is room again.
    let many: Vec<Client> = (0..200).map(|_| sandbox.client()).collect();
    assert_eq!(good.ask(&Describe {}).unwrap().members.len(), 1);
    assert!(before.is_none() || held(&sandbox) < before.map(|count| count + 100), "{:?}", held(&sandbox));
    drop(many);
    while sandbox.client().ask(&Describe {}).is_err() {
        assert!(Instant::now() < end, "there is no room for new clients");
    }
}

#[test]
fn another_user_is_no_client() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can be another user");
        return;
    }
    let mut sandbox = Sandbox::init();
    let open = std::os::unix::fs::PermissionsExt::from_mode;
    fs::set_permissions(sandbox.folder.path(), open(0o755)).unwrap();
    fs::set_permissions(sandbox.folder.path().join("control"), open(0o777)).unwrap();
    let folder = sandbox.folder.path().to_owned();
    let stopped = |user: u32| {
        let folder = folder.clone();
        // Of this thread alone: the kernel has users by threads.
        let body = move || {
            let user = rustix::process::Uid::from_raw(user);
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
            // By its plain path: /proc/self is the first thread's.
            let socket = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).unwrap();
            connect(socket.as_raw_fd(), &UnixAddr::new(&folder.join("control")).unwrap()).unwrap();
            Client::over(socket).ask(&Describe {}).map(drop)
        };
        std::thread::spawn(body).join().unwrap()
    };
    assert!(matches!(stopped(65534), Err(ClientError::Gone)));
    assert!(stopped(0).is_ok(), "the way is open to who may");
    sandbox.client().ask(&Stop { patience: 0 }).unwrap();
    assert_eq!(sandbox.ended(), 0);
}

#[test]
fn no_program_inside_reaches_the_control_socket() {
    // Natively the probe reaches it, so it would notice.
    let sandbox = Sandbox::init();
    let at = sandbox.folder.path().join("control");
    let native = Run::new(guest::native("control")).arg(&at).run();
    assert!(native.text().contains("REACHED raw") && native.text().contains("done"), "{native:?}");

    // Inside, even where the folder that it lies in is granted for writing.
    let program = guest::program("control");
    let mut client = sandbox.client();
    let share = |guest: &str, path: &Path, writable| {
        (Share { guest: guest.into(), host: String::new(), writable }, folder(path))
    };
    for (share, of) in
        [share("C:\\ctl", sandbox.folder.path(), true), share("C:\\guest", program.parent().unwrap(), false)]
    {
        client.ask_with(&share, &[of.as_fd()]).unwrap();
    }
    let path = at.display().to_string();
    let mut asked = 2;
    for way in ["win32", "raw", "gadget", "descriptors"] {
        asked += 1;
        let name = format!("C:\\guest\\{}", program.file_name().unwrap().to_str().unwrap());
        let mut probe = begin(&mut client, asked, &exec(&[&name, &path, way]));
        let (output, errors) = probe.talk("");
        assert!(!output.contains("REACHED"), "{way}: {output}{errors}");
        // A call that the filter refuses ends the process. What writes nonsense to its own lanes may be ended for it, and the sandbox with
        // it: that is tried last.
        let works = if matches!(way, "win32" | "raw") { "done" } else { "gadget works" };
        assert!(output.contains(works), "{way}: {output}{errors}");
        if way != "descriptors" {
            assert_eq!(client.ask(&Describe {}).unwrap().id, "an-id");
            asked += 1;
        }
    }
}

#[test]
fn picoprocesses_have_nothing_of_the_socket() {
    let sandbox = Sandbox::init();
    let mut client = sandbox.client();
    let running = begin(&mut client, 1, &exec(&["sort"]));
    let first = client.ask(&Describe {}).unwrap().members[0].pid;
    // Of unix sockets of this kind the host's kernel lists those with a name.
    let listed = fs::read_to_string("/proc/net/unix").unwrap();
    let path = sandbox.folder.path().join("control").display().to_string();
    let of = listed.lines().filter(|line| line.contains(&path) || line.contains("/control"));
    let known: Vec<String> =
        of.filter_map(|line| Some(format!("socket:[{}]", line.split_whitespace().nth(6)?))).collect();
    assert!(!known.is_empty(), "{listed}");
    for pid in [first, running.pid] {
        // Who may not look has another user's test to rely on.
        let Ok(held) = fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        let held: Vec<_> = held.flatten().filter_map(|one| fs::read_link(one.path()).ok()).collect();
        let leads_out = held.iter().filter(|link| known.iter().any(|one| Path::new(one) == link.as_path()));
        assert_eq!(leads_out.count(), 0, "{held:?}");
    }
}

#[test]
fn all_end_with_a_monitor_that_is_killed() {
    let mut sandbox = Sandbox::init();
    let mut client = sandbox.client();
    let running = begin(&mut client, 1, &exec(&["sort"]));
    let first = client.ask(&Describe {}).unwrap().members[0].pid;
    sandbox.monitor.kill().unwrap();
    let runs = |pid: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
    };
    let end = Instant::now() + Duration::from_secs(20);
    while runs(running.pid) || runs(first) {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(matches!(client.notice(), Err(ClientError::Gone)));
}
