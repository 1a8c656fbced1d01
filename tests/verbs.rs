//! The verbs by which sandboxes are managed, end to end: each test has a state folder of its own, and ends what it started.

use portcullis::command::{Outcome, Run};
use portcullis::place::{Place, Small, documented, json};
use portcullis::schema::Schema;
use portcullis::{guest, product};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CMD: &str = "C:\\windows\\system32\\cmd.exe";

#[test]
fn a_sandbox_is_started_listed_and_stopped_as_with_wsb() {
    let place = Place::new();
    let id = "12345678-1234-4234-9234-1234567890ab";
    let started = place.secmon(&["StartSandbox", "--id", &id.to_uppercase(), "--name", "first"]).run().success();
    assert_eq!(started.text(), format!("Windows Sandbox environment started successfully:\nId: {id}\n"));
    let second = place.start(&[]);
    let listed = place.secmon(&["list"]).run().success().text();
    assert_eq!(listed.lines().collect::<Vec<_>>(), [id, &second]);
    let raw = place.raw(&["list"]);
    let ids: Vec<_> =
        raw["WindowsSandboxEnvironments"].as_array().unwrap().iter().map(|one| one["Id"].clone()).collect();
    assert_eq!(ids, [id, &second]);

    place.refused(&["start", "--id", id], "there is a sandbox 12345678");
    place.refused(&["start", "--name", "first"], "has the name `first`");
    place.refused(&["start", "--name", "../x"], "is no name for a sandbox");
    place.refused(&["start", "--id", "7"], "is no id");
    assert_eq!(place.raw(&["list"])["WindowsSandboxEnvironments"].as_array().unwrap().len(), 2);

    place.secmon(&["stop", "--id", "first"]).run().success();
    assert_eq!(place.secmon(&["list"]).run().success().text().trim(), second);
    let all = place.secmon(&["list", "--all"]).run().success().text();
    assert!(all.contains("first  ended 0"), "{all}");
    place.refused(&["stop", "first"], "does not run any more");
    place.refused(&["exec", "first", "--", CMD], "does not run any more");
    for verb in [
        &["stop", "no-such"][..],
        &["inspect", "no-such"],
        &["logs", "no-such"],
        &["wait", "no-such"],
        &["ip", "no-such"],
    ] {
        place.refused(verb, "there is no sandbox `no-such`");
    }
    // The name is free again.
    place.start(&["--name", "first"]);
}

#[test]
fn exec_has_input_output_and_the_full_status() {
    let place = Place::new();
    let tools = place.path("tools");
    fs::create_dir(&tools).unwrap();
    for name in ["stdio", "process"] {
        fs::copy(guest::program(name), tools.join(format!("{name}.exe"))).unwrap();
    }
    let id = place.start(&["--name", "work", "--mount", "tools=C:\\tools"]);
    let exec = |args: &[&str]| place.secmon(&[&["exec", "work"], args].concat());

    let echo = exec(&["--", "C:\\tools\\stdio.exe", "cat"]).input(b"a\r\nb\n".to_vec()).run();
    assert_eq!((echo.status, echo.text().as_str()), (0, "a\r\nb\n"), "{echo:?}");
    let both = exec(&["--", CMD, "/c", "echo out& echo err>&2& exit 9"]).run();
    assert_eq!((both.status, both.lines().trim(), both.errors().trim()), (9, "out", "err"), "{both:?}");
    let command = "cmd.exe /c \"echo %CD% %ADDED%\"";
    let as_wsb = place.secmon(&[
        "exec",
        "--id",
        &id,
        "-c",
        command,
        "-r",
        "ExistingLogin",
        "-d",
        "C:\\tools",
        "-e",
        "ADDED=x y",
    ]);
    assert_eq!(as_wsb.run().success().lines().trim(), "C:\\tools x y");
    let raw = place.raw(&["exec", &id[..8], "--", CMD, "/c", "echo out& exit 0"]);
    assert_eq!((raw["ExitCode"].clone(), raw["Output"].as_str().unwrap().trim()), (0.into(), "out"), "{raw}");

    // What does not fit into an exit code is said.
    let crash = exec(&["--", "C:\\tools\\process.exe", "return", "3221225477"]).run();
    assert!(crash.status == 139 && crash.errors().contains("0xc0000005: access violation"), "{crash:?}");
    let missing = exec(&["--", "C:\\no\\such.exe"]).run();
    assert!(missing.status == 127 && missing.errors().contains("no such program in the sandbox"), "{missing:?}");
    place.refused(&["exec", "work", "--command", " "], "the command is empty");

    // Several at once, and what one leaves the next finds.
    exec(&["--", CMD, "/c", "echo kept> C:\\left.txt"]).run().success();
    let runs: Vec<Run> =
        (0..4).map(|number| exec(&["--", CMD, "/c", &format!("type C:\\left.txt& exit {number}")])).collect();
    let threads: Vec<_> = runs.into_iter().map(|run| std::thread::spawn(|| run.run())).collect();
    let outcomes: Vec<Outcome> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!((outcome.status, outcome.lines().trim()), (number as i32, "kept"), "{outcome:?}");
    }
}

#[test]
fn folders_are_shared_while_it_runs() {
    let place = Place::new();
    place.start(&["--name", "s"]);
    let folder = place.path("data");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.txt"), "from the host\r\n").unwrap();
    std::os::unix::fs::symlink(&folder, place.path("link")).unwrap();
    let host = folder.to_str().unwrap();
    let cmd = |text: &str| place.secmon(&["exec", "s", "--", CMD, "/c", text]).run();
    assert_ne!(cmd("type C:\\data\\a.txt").status, 0);
    place.secmon(&["share", "--id", "s", "--host-path", host, "--sandbox-path", "C:\\data"]).run().success();
    assert_eq!(cmd("type C:\\data\\a.txt").lines(), "from the host\n");
    assert!(cmd("echo x> C:\\data\\b.txt").errors().contains("Access denied"), "it is read-only");
    assert!(!folder.join("b.txt").exists());
    place.secmon(&["share", "s", "-f", host, "-s", "D:\\out", "-w"]).run().success();
    assert_eq!(cmd("echo x> D:\\out\\b.txt").status, 0);
    assert_eq!(fs::read_to_string(folder.join("b.txt")).unwrap(), "x\r\n");
    let shares = place.raw(&["inspect", "s"])["Folders"].clone();
    assert_eq!(shares.as_array().unwrap().len(), 2, "{shares}");
    place.secmon(&["share", "s", "--sandbox-path", "C:\\data", "--remove"]).run().success();
    assert_ne!(cmd("type C:\\data\\a.txt").status, 0);

    let share = |path: &str, at: &str, want: &str| place.refused(&["share", "s", "-f", path, "-s", at], want);
    share("/no/such", "C:\\x", "the folder /no/such is not there");
    share(place.path("link").to_str().unwrap(), "C:\\x", "is a symbolic link to");
    share(host, "C:\\Windows\\x", "the guest's own system lies there");
    share(host, "nowhere", "--sandbox-path nowhere");
    share(host, "D:\\out", "D:\\out");
}

#[test]
fn logs_events_and_stats_tell_what_goes_on() {
    let place = Place::new();
    let tools = guest::program("children").parent().unwrap().to_owned();
    let mount = format!("{}=C:\\tools", tools.display());
    place.start(&[
        "--name",
        "l",
        "--mount",
        &mount,
        "--command",
        "cmd.exe /c \"echo one& echo two& echo three& echo bad>&2\"",
    ]);
    let logs = |args: &[&str]| place.secmon(&[&["logs", "l"], args].concat()).run().success();
    place.until("the command writes", || logs(&[]).lines().contains("three") && logs(&[]).errors().contains("bad"));
    assert_eq!(logs(&[]).lines(), "one\ntwo\nthree\n");
    assert_eq!(logs(&["--tail", "1"]).lines(), "three\n");
    place.secmon(&["exec", "l", "--detach", "--", CMD, "/c", "echo four"]).run().success();
    place.until("what is detached writes there too", || logs(&[]).lines().ends_with("four\n"));
    let mut follow = place.secmon(&["logs", "l", "--follow"]);
    let mut follow = follow.command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();

    place.secmon(&["exec", "l", "--detach", "--", "C:\\tools\\children.exe", "stay"]).run().success();
    let stats = || place.raw(&["stats", "--no-stream"])["Statistics"][0].clone();
    place.until("NT calls are counted", || stats()["NtCalls"].as_u64().unwrap() > 100);
    let stats = stats();
    assert_eq!(stats["Name"], "l", "{stats}");
    // The host counts processor time in ticks, of which there may have been none.
    assert!(stats["CpuSeconds"].as_f64().is_some_and(|seconds| seconds >= 0.0), "{stats}");
    for figure in ["Processes", "PrivateBytes", "SharedBytes", "ScratchLimit"] {
        assert!(stats[figure].as_f64().unwrap() > 0.0, "{figure}: {stats}");
    }
    let table = place.secmon(&["stats", "l", "--no-stream"]).run().success().text();
    assert!(table.starts_with("ID ") && table.lines().count() == 2, "{table}");
    let metrics = place.secmon(&["metrics"]).run().success().text();
    assert!(metrics.contains("portcullis_sandboxes{state=\"running\"} 1\n"), "{metrics}");
    place.secmon(&["trim", "l"]).run().success();
    place.secmon(&["stop", "l"]).run().success();
    assert!(follow.wait().unwrap().success(), "it ends with the sandbox");

    let events = place.secmon(&["events", "l", "--raw"]).run().success().text();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|event| event["Event"].as_str().unwrap()).collect();
    assert!(names.first() == Some(&"started") && names.last() == Some(&"stopped"), "{names:?}");
    assert!(names.iter().filter(|name| **name == "began").count() >= 2, "{names:?}");
    assert!(events.iter().any(|event| event["Event"] == "ended" && event["How"] == "status"), "{events:?}");
    let told = place.secmon(&["events"]).run().success().text();
    assert!(told.lines().last().unwrap().contains(" stopped How="), "{told}");
    let waited = place.secmon(&["wait", "l", "--raw"]).run();
    assert_eq!((waited.status, json(&waited)["How"].as_str().unwrap()), (0, "stopped"), "{waited:?}");
}

#[test]
fn grants_and_refusals_are_in_the_audit_log() {
    let place = Place::new();
    fs::create_dir(place.path("in")).unwrap();
    place.start(&["--name", "a", "--mount", "in=C:\\in", "--net", "sandbox"]);
    place.secmon(&["exec", "a", "--", CMD, "/c", "echo x> C:\\in\\x.txt"]).run();
    let lines = || {
        let text = place.secmon(&["events", "a", "--audit", "--raw"]).run().success().text();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let has = |event: &str, what: &str, rule: &str| {
        lines()
            .iter()
            .any(|line| line["Event"] == event && line["What"] == what && line["Rule"].as_str().unwrap().contains(rule))
    };
    assert!(has("granted", "C:\\in", "=C:\\in"), "{:?}", lines());
    assert!(has("granted", "network", "--net sandbox"), "{:?}", lines());
    assert!(has("refused", "C:\\in", "read-only: add --mount"), "{:?}", lines());
    let refusal = lines().into_iter().find(|line| line["Event"] == "refused").unwrap();
    assert!(refusal["Who"].as_u64().unwrap() > 1, "{refusal}");
}

#[test]
fn state_survives_a_crash_and_is_cleaned_up() {
    let place = Place::new();
    let (lost, other) = (place.start(&["--name", "lost"]), place.start(&["--name", "other"]));
    let pid = place.raw(&["inspect", "lost"])["Pid"].as_i64().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    place.until("the lock goes with the monitor", || !place.secmon(&["list"]).run().success().text().contains(&lost));
    let all = place.secmon(&["list", "--all"]).run().success().text();
    let row = all.lines().find(|line| line.contains(&lost)).unwrap();
    assert_eq!(row.split_ascii_whitespace().nth(2), Some("lost"), "{all}");
    place.refused(&["exec", "lost", "--", CMD], "its monitor was killed");
    assert_eq!(place.raw(&["inspect", "lost"])["Status"], "lost");
    assert_eq!(place.secmon(&["exec", "other", "--", CMD, "/c", "exit 4"]).run().status, 4, "the other one goes on");

    // Left by commands that were killed on their way, and by a newer version.
    let sandboxes = place.path("state/sandboxes");
    fs::create_dir(sandboxes.join(".new-x")).unwrap();
    fs::create_dir_all(sandboxes.join(".old-y/half")).unwrap();
    let half = "aaaaaaaa-1234-4234-9234-1234567890ab";
    fs::create_dir(sandboxes.join(half)).unwrap();
    let newer = "bbbbbbbb-1234-4234-9234-1234567890ab";
    fs::create_dir(sandboxes.join(newer)).unwrap();
    fs::write(sandboxes.join(newer).join("sandbox.json"), "{\"Version\": 99}").unwrap();
    let listed = place.secmon(&["list"]).run().success();
    assert!(
        listed.text().contains(&other) && listed.errors().contains("of version 99, of a newer secmon"),
        "{listed:?}"
    );
    let pruned = place.raw(&["prune"]);
    let mut ids: Vec<_> = pruned["Ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    ids.sort();
    let mut want = [half.to_owned(), lost];
    want.sort();
    assert_eq!((ids, pruned["Leftovers"].as_u64()), (want.to_vec(), Some(2)), "{pruned}");
    let mut left: Vec<_> = fs::read_dir(&sandboxes).unwrap().map(|one| one.unwrap().file_name()).collect();
    left.retain(|name| name != ".lock");
    assert_eq!(left.len(), 2, "what runs and what is newer stays: {left:?}");
}

#[test]
fn what_cannot_start_leaves_nothing() {
    let place = Place::new();
    place.refused(&["start", "--mount", "/no/such=C:\\x"], "cannot mount /no/such");
    place.refused(&["start", "--config", "missing.wsb"], "there is no such file");
    place.refused(&["start", "--config", "nonsense = 1"], "unknown field `nonsense`");
    place.refused(&["start", "--command", " "], "the command is empty");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    place.refused(&["start", "--net", "sandbox", "--publish", &port], "cannot publish");
    let left: Vec<_> =
        fs::read_dir(place.path("state/sandboxes")).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"], "{left:?}");
}

#[test]
fn a_disk_that_is_full_hinders_what_is_new_and_nothing_else() {
    let place = Place::new();
    let Some(small) = Small::new(place.path("state"), "512k") else { return };
    let id = place.start(&["--name", "there"]);
    let folders = || fs::read_dir(place.path("state/sandboxes")).unwrap().count();
    let before = folders();
    let _ = fs::write(small.0.join("rest"), vec![0; 1 << 20]);
    place.refused(&["start", "--name", "new"], "No space left on device");
    assert_eq!(folders(), before, "nothing of it is left");
    // What runs goes on: its own output is its reader's, its log is cut short.
    let exec = |line: &str| place.secmon(&["exec", "there", "--", CMD, "/c", line]).run();
    assert_eq!((exec("echo said& exit 4").status, exec("echo said").lines().as_str()), (4, "said\n"));
    place.raw(&[
        "exec",
        "there",
        "--detach",
        "--",
        CMD,
        "/c",
        "for /l %i in (1,1,500) do @echo more than there is room for",
    ]);
    place.until("that ends", || place.raw(&["inspect", "there"])["Processes"].as_array().unwrap().len() == 1);
    place.secmon(&["stop", "there"]).run().success();
    fs::remove_file(small.0.join("rest")).unwrap();
    let ids = place.raw(&["prune"])["Ids"].clone();
    assert_eq!(ids, serde_json::json!([id]));
    place.start(&["--name", "new"]);
    place.secmon(&["stop", "new", "--time", "0"]).run().success();
}

#[test]
fn a_first_command_that_cannot_begin_fails() {
    let place = Place::new();
    let start = |command: &str, want: &str| place.refused(&["start", "--name", "c", "--command", command], want);
    start("C:\\no\\such.exe /x", "C:\\no\\such.exe: no such program in the sandbox");
    start("nosuch", "nosuch: no such program in the sandbox");
    start("C:\\windows\\win.ini", "no Windows program");
    start("C:\\windows\\system32\\ntdll.dll", "a DLL, not a program");
    let left: Vec<_> =
        fs::read_dir(place.path("state/sandboxes")).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"], "{left:?}");
    // One that fails at once of its own accord has begun.
    place.start(&["--name", "c", "--command", "cmd.exe /c exit 3"]);
    // Windows starts a sandbox whose LogonCommand fails: it is told, and stays.
    let config = "<Configuration><Networking>Disable</Networking><LogonCommand><Command>C:\\no\\such.exe</Command></LogonCommand></Configuration>";
    let started = place.secmon(&["start", "--name", "w", "--config", config]).run().success();
    assert!(
        started.errors().contains("LogonCommand `C:\\no\\such.exe`") && started.errors().contains("no such program"),
        "{started:?}"
    );
    assert_eq!(place.secmon(&["exec", "w", "--", CMD, "/c", "exit 4"]).run().status, 4);
}

#[test]
fn programs_are_asked_before_they_are_stopped() {
    let place = Place::new();
    let tools = guest::program("container").parent().unwrap().to_owned();
    let mount = format!("{}=C:\\tools", tools.display());
    let name = guest::program("container").file_name().unwrap().to_str().unwrap().to_owned();
    for (part, time) in [("closing", "60s"), ("stubborn", "1s")] {
        place.start(&["--name", part, "--mount", &mount, "--command", &format!("C:\\tools\\{name} {part}")]);
        let logs = || place.secmon(&["logs", part]).run().success().lines();
        place.until("the program runs", || logs().contains("asleep"));
        let began = Instant::now();
        place.secmon(&["stop", part, "--time", time]).run().success();
        assert_eq!(logs(), "asleep\nasked 2\n");
        // One that sees to it is not waited for to the end of the time, one that does not is ended then.
        assert!(began.elapsed() < Duration::from_secs(50), "{part}");
        let events = place.secmon(&["events", part, "--raw"]).run().success().text();
        let status = |line: &str| {
            serde_json::from_str::<Value>(line)
                .ok()
                .filter(|line| line["Event"] == "ended" && line["Process"] == 2)
                .map(|line| line["Status"].clone())
        };
        let ended: Vec<_> = events.lines().filter_map(status).collect();
        assert_eq!(ended == [Value::from(5)], part == "closing", "{events}");
    }
}

#[test]
fn all_that_raw_writes_is_in_the_schema() {
    let place = Place::new();
    fs::create_dir(place.path("in")).unwrap();
    let id = place.start(&[
        "--name",
        "r",
        "--mount",
        "in=C:\\in",
        "--net",
        "sandbox",
        "--persist",
        "kept",
        "--memory",
        "512M",
    ]);
    let write = "echo x> C:\\x.txt & del C:\\windows\\win.ini & reg add HKCU\\Software\\X /v v /d 17 /f & echo y> C:\\in\\y.txt & exit 3";
    // The exit code is the program's.
    let exec = place.secmon(&["exec", "r", "--raw", "--", CMD, "/c", write]).run();
    documented("exec", &json(&exec));
    let begun = place.raw(&["exec", "r", "--detach", "--", CMD, "/c", "ping -n 600 127.0.0.1 >nul"]);
    place.raw(&["share", "r", "-f", place.path("in").to_str().unwrap(), "-s", "D:\\x", "-w"]);
    place.raw(&["share", "r", "-s", "D:\\x", "--remove"]);
    let inspected = place.raw(&["inspect", "r"]);
    assert!(inspected["Processes"].as_array().unwrap().len() > 1, "{inspected}");
    for verb in [&["list", "--all"][..], &["stats", "--no-stream"], &["trim", "r"]] {
        place.raw(verb);
    }
    let ended = place.secmon(&["stop", "r", "--raw"]).run().success();
    documented("stop", &json(&ended));
    assert!(begun["Process"].as_u64().is_some_and(|process| process > 1), "{begun}");
    let waited = place.secmon(&["wait", &id, "--raw"]).run();
    documented("wait", &json(&waited));
    assert!(place.raw(&["inspect", "r"])["End"].is_object());
    for (verb, args) in
        [("events", &["events", "r", "--raw"][..]), ("events --audit", &["events", "r", "--audit", "--raw"])]
    {
        let lines = place.secmon(args).run().success().text();
        assert!(lines.lines().count() > 1, "{verb}: {lines}");
        lines.lines().for_each(|line| documented(verb, &serde_json::from_str(line).unwrap()));
    }
    for (verb, args) in [("diff", &["diff", "kept", "--raw"][..]), ("layers list", &["layers", "list", "--raw"])] {
        documented(verb, &serde_json::from_slice(&place.secmon(args).run().success().out).unwrap());
    }
    place.raw(&["prune"]);
    fs::write(place.path("bad.toml"), "memory = 'much'\n").unwrap();
    let checked = place.secmon(&["policy", "check", "bad.toml", "--raw"]).run();
    documented("policy check", &json(&checked));
    // It would notice.
    let schema = Schema::of("secmon/manage/raw.schema.json", true);
    for wrong in [
        r#"{"Version":1,"Ids":[1]}"#,
        r#"{"Version":2,"Ids":[]}"#,
        r#"{"Version":1}"#,
        r#"{"Version":1,"Ids":[],"More":1}"#,
    ] {
        assert!(!schema.faults(&serde_json::from_str(wrong).unwrap(), Some("stop")).is_empty(), "{wrong}");
    }
}

#[test]
fn documented_policies_are_what_the_schema_says() {
    let schema = Schema::of("secmon/manage/policy.schema.json", false);
    let mut examples = 0;
    for page in ["README.md", "secmon/manage/POLICY.md"] {
        let text = fs::read_to_string(portcullis::repository().join(page)).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            let table: toml::Table = block.parse().unwrap_or_else(|error| panic!("{page}: {error}\n{block}"));
            let faults = schema.faults(&serde_json::to_value(&table).unwrap(), None);
            assert!(faults.is_empty(), "{page}: {faults:#?}\n{block}");
            // And the reader agrees.
            let read = secmon::policy::Policy::from_text(block, "/".as_ref());
            assert!(read.is_ok(), "{page}: {read:?}\n{block}");
            examples += 1;
        }
    }
    assert!(examples > 0, "no example is documented");
    for wrong in ["memory = true", "mount = 1", "[[mount]]\nhost = 'x'", "unheard = 1", "net = [1]", "cpu-weight = 'x'"]
    {
        let table: toml::Table = wrong.parse().unwrap();
        assert!(!schema.faults(&serde_json::to_value(&table).unwrap(), None).is_empty(), "{wrong}");
    }
}

#[test]
fn calls_of_processes_that_ended_count() {
    let place = Place::new();
    place.start(&["--name", "n"]);
    let calls = || place.raw(&["stats", "n", "--no-stream"])["Statistics"][0]["NtCalls"].as_u64().unwrap();
    let before = calls();
    place.secmon(&["exec", "n", "--", CMD, "/c", "dir /b C:\\windows"]).run().success();
    place.until("its calls count", || calls() > before + 200);
    let between = calls();
    place.secmon(&["exec", "n", "--", CMD, "/c", "dir /b C:\\windows"]).run().success();
    place.until("those of the next are added", || calls() > between + 200);
}

#[test]
fn ip_says_what_there_is() {
    let place = Place::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    place.start(&["--name", "open", "--net", "sandbox", "--publish", &free]);
    place.start(&["--name", "closed"]);
    assert_eq!(place.secmon(&["ip", "--id", "open"]).run().success().text(), "127.0.0.1\n");
    let raw = place.raw(&["ip", "open"]);
    assert_eq!(raw["Networks"][0]["IpV4Address"], "127.0.0.1", "{raw}");
    assert_eq!(raw["Networks"][0]["Ports"][0], format!("{free}/tcp"), "{raw}");
    place.refused(&["ip", "closed"], "has no address");
}

#[test]
fn a_wsb_file_starts_a_sandbox_that_stays() {
    let place = Place::new();
    let folder = place.path("shared");
    fs::create_dir(&folder).unwrap();
    let text = format!(
        "<Configuration><Networking>Disable</Networking><MappedFolders><MappedFolder><HostFolder>{}</HostFolder></MappedFolder>\
         </MappedFolders><LogonCommand><Command>cmd.exe /c \"echo ready> C:\\Users\\WDAGUtilityAccount\\Desktop\\shared\\ready.txt\"\
         </Command></LogonCommand></Configuration>",
        folder.display()
    );
    fs::write(place.path("a.wsb"), &text).unwrap();
    let id = place.start(&["--config", "a.wsb"]);
    place.until("its command runs", || folder.join("ready.txt").exists());
    let who = place.secmon(&["exec", &id, "--", CMD, "/c", "echo %USERNAME%"]).run().success();
    assert_eq!(who.lines(), "WDAGUtilityAccount\n");
    assert!(place.raw(&["inspect", &id])["Command"].as_str().unwrap().starts_with("cmd.exe /c"));
    // The text itself, as wsb takes it.
    let bare = "<Configuration><Networking>Disable</Networking></Configuration>";
    let started = place.secmon(&["start", "--config", bare]).run().success();
    assert!(started.errors().is_empty(), "{started:?}");
}

#[test]
fn policies_are_checked_explained_and_learnt() {
    let place = Place::new();
    fs::write(place.path("bad.toml"), "memory = 'much'\n\n[[mount]]\nhost = 'x'\n").unwrap();
    let checked = place.secmon(&["policy", "check", "bad.toml"]).run();
    assert_eq!(checked.status, 125);
    let lines: Vec<String> = checked.errors().lines().map(str::to_owned).collect();
    assert!(lines.len() == 2, "{checked:?}");
    assert!(
        lines[0].contains("bad.toml, line 1: `much` is no size") && lines[1].contains("line 3: missing field `guest`"),
        "{lines:?}"
    );
    fs::create_dir(place.path("x")).unwrap();
    fs::write(place.path("good.toml"), "[[mount]]\nhost = 'x'\nguest = 'C:\\x'\n").unwrap();
    assert_eq!(place.secmon(&["policy", "check", "good.toml"]).run().success().text(), "ok\n");
    let said = place.raw(&["policy", "explain", "good.toml"]);
    let has =
        |key: &str, part: &str| said[key].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains(part));
    assert!(has("Granted", "as C:\\x, for reading") && has("NotGranted", "No network"), "{said}");
    assert!(has("NotGranted", "No clipboard"), "{said}");
    fs::write(place.path("clip.toml"), "clipboard = 'both'\n").unwrap();
    let shared = place.raw(&["policy", "explain", "clip.toml"]);
    assert!(!shared["NotGranted"].to_string().contains("clipboard"), "{shared}");
    assert!(shared["Granted"].to_string().contains("clipboard"), "{shared}");
    let schema: Value = serde_json::from_str(&place.secmon(&["policy", "schema"]).run().success().text()).unwrap();
    assert!(schema["properties"]["mount"].is_object());

    // What a run was refused is proposed, and with that granted the run does what it is to do.
    let write = ["--", CMD, "/c", "echo learnt> C:\\x\\y.txt"];
    let learn = [&["policy", "learn", "--policy", "good.toml", "--output", "new.toml"], &write[..]].concat();
    assert!(place.secmon(&learn).run().errors().contains("Access denied"));
    let proposed = fs::read_to_string(place.path("new.toml")).unwrap();
    assert!(proposed.contains("guest = 'C:\\x'\nwritable = true\n"), "{proposed}");
    place.secmon(&[&["run", "--policy", "new.toml"], &write[..]].concat()).run().success();
    assert_eq!(fs::read_to_string(place.path("x/y.txt")).unwrap(), "learnt\r\n");

    // Folders that only a person knows, on drives that there are not too; the drives alone are what any program looks through.
    let look = ["--", CMD, "/c", "type D:\\in\\a.txt & type C:\\more\\b.txt & dir E:\\"];
    place.secmon(&[&["policy", "learn", "--output", "new.toml"], &look[..]].concat()).run();
    let proposed = fs::read_to_string(place.path("new.toml")).unwrap();
    assert!(proposed.contains("# guest = 'D:\\in'\n") && proposed.contains("# guest = 'C:\\more'\n"), "{proposed}");
    assert!(!proposed.contains("'E:") && !proposed.contains("#   "), "{proposed}");
    // And a server, which is reached then.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let program = guest::program("reach");
    let reach = [program.to_str().unwrap(), "tcp", "127.0.0.1", &address.port().to_string()].map(str::to_owned);
    let reach: Vec<&str> = reach.iter().map(String::as_str).collect();
    let learnt = place.secmon(&[&["policy", "learn", "--output", "net.toml", "--"], &reach[..]].concat()).run();
    assert!(!learnt.text().contains("REACHED"), "{learnt:?}");
    let proposed = fs::read_to_string(place.path("net.toml")).unwrap();
    assert!(proposed.contains(&format!("net = [\"{address}\"]")), "{proposed}");
    std::thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        let mut hello = [0; 5];
        client.read_exact(&mut hello).unwrap();
        client.write_all(&hello).unwrap();
    });
    let reached = place.secmon(&[&["run", "--policy", "net.toml", "--"], &reach[..]].concat()).run();
    assert!(reached.text().contains("REACHED hello"), "{reached:?}");
}

/// What the page of figures has, by name.
const METRICS: [&str; 11] = [
    "portcullis_sandboxes",
    "portcullis_processes",
    "portcullis_processes_begun_total",
    "portcullis_cpu_seconds_total",
    "portcullis_private_memory_bytes",
    "portcullis_shared_memory_bytes",
    "portcullis_read_bytes_total",
    "portcullis_written_bytes_total",
    "portcullis_scratch_bytes",
    "portcullis_scratch_limit_bytes",
    "portcullis_nt_calls_total",
];

#[test]
fn prometheus_reads_every_figure_by_its_name() {
    let place = Place::new();
    let id = place.start(&["--name", "m"]);
    place.secmon(&["exec", "m", "--", CMD, "/c", "exit 0"]).run().success();
    let mut server = place.secmon(&["metrics", "--listen", "127.0.0.1:0"]);
    let mut server = server.command().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().rsplit_once("http://").unwrap().1.trim_end_matches("/metrics").to_owned();
    let ask = |request: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream.write_all(format!("{request}\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let page = ask("GET /metrics HTTP/1.1");
    let (other, post) = (ask("GET / HTTP/1.1"), ask("POST /metrics HTTP/1.1"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("text/plain; version=0.0.4"), "{page}");
    assert!(other.starts_with("HTTP/1.1 404 ") && post.starts_with("HTTP/1.1 405 "), "{other}{post}");
    let documented = fs::read_to_string(portcullis::repository().join("README.md")).unwrap();
    for name in METRICS {
        assert!(page.contains(&format!("# TYPE {name} ")), "{name}: {page}");
        assert!(documented.contains(&format!("`{name}`")), "README.md does not name {name}");
        if name != "portcullis_sandboxes" {
            let line = page.lines().find(|line| line.starts_with(&format!("{name}{{id=\"{id}\",name=\"m\"}} ")));
            assert!(line.is_some_and(|line| line.rsplit(' ').next().unwrap().parse::<f64>().is_ok()), "{name}: {page}");
        }
    }
    assert_eq!(page.matches("# TYPE ").count(), METRICS.len(), "all of them are named here: {page}");
}

#[test]
fn spans_have_the_names_that_are_documented() {
    let place = Place::new();
    let outcome = place.secmon(&["-vvv", "--log-format", "json", "run", CMD, "/c", "exit 0"]).run();
    let run = place.secmon(&["run", "-vvv", "--log-format", "json", CMD, "/c", "exit 0"]).run().success();
    let mut names = std::collections::BTreeSet::new();
    for line in outcome.errors().lines().chain(run.errors().lines()).filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line).unwrap();
        let spans = line["spans"].as_array().into_iter().flatten().chain([&line["span"]]);
        for span in spans.filter(|span| span.is_object()) {
            let fields = match span["name"].as_str().unwrap() {
                // One that has a field of that name shows it in place of its own.
                "prepare" => &["name"][..],
                "start" => &["name", "program"],
                _ => &["name", "process"],
            };
            assert!(fields.iter().all(|field| !span[*field].is_null()), "{span}");
            names.insert(if fields.contains(&"process") {
                "call"
            } else if fields.contains(&"program") {
                "start"
            } else {
                "prepare"
            });
        }
    }
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["call", "prepare", "start"], "{run:?}");
}

#[test]
fn doctor_tells_of_groups_pressure_and_power() {
    let place = Place::new();
    let said = place.secmon(&["doctor"]).run().text();
    for part in ["control group", "short of memory", "battery", "the mains"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn verbs_that_need_no_sandbox_say_what_they_are_for() {
    let place = Place::new();
    for (arguments, said) in [
        (&["--help"][..], "Exit codes:"),
        (&["abi"], "Linux system calls, from the runtime's own text only"),
        (&["abi", "--json"], "\"grants\""),
        (&["image", "info"], "executables of"),
        (&["image", "verify"], ""),
        (&["completions", "bash"], "complete"),
        (&["man"], ".TH"),
    ] {
        let seen = place.secmon(arguments).run().success();
        assert!(seen.text().contains(said), "{arguments:?}: {seen:?}");
    }
    let seen = place.secmon(&["frobnicate"]).run();
    assert!(seen.status == 125 && seen.errors().contains("unrecognized subcommand"), "{seen:?}");
}

#[test]
fn an_image_whose_files_changed_is_found_out() {
    product::image();
    let copy = tempfile::tempdir().unwrap();
    let status = Command::new("cp").arg("-a").arg(product::image_folder()).arg(copy.path().join("image")).status();
    assert!(status.unwrap().success());
    let verify = || {
        let mut command = Command::new(product::secmon());
        command.args(["image", "verify"]).env("PORTCULLIS_IMAGE", copy.path().join("image"));
        command.output().unwrap()
    };
    assert!(verify().status.success());
    fs::write(copy.path().join("image/hive"), "changed").unwrap();
    let seen = verify();
    assert!(!seen.status.success() && !seen.stderr.is_empty(), "{seen:?}");
}
