//! What a sandbox and its host share, as the host sees it: limits, processors, memory that is given back, power.

use portcullis::command::Run;
use portcullis::guest;
use portcullis::product::{self, Sandbox};
use portcullis_manage::client::{self, Client};
use shim_abi::control::Trim;
use shim_abi::share::{hierarchies, lists};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// `secmon run` with a guest program that goes on when it is told to.
struct Steps {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Steps {
    fn new(options: &[&str], program: &str, arguments: &[&str]) -> Steps {
        product::image();
        let mut command = Command::new(product::secmon());
        command.arg("run").args(options).arg("--").arg(guest::program(program)).args(arguments);
        Steps::of(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// With a control socket, which comes as the shell's standard error and gets another number.
    fn managed(listener: OwnedFd, program: &str) -> Steps {
        product::image();
        let script = "exec \"$0\" run --control-fd 9 --id an-id --name a-name \"$@\" 9>&2 2>/dev/null";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(product::secmon()).arg("--").arg(guest::program(program));
        Steps::of(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(listener).spawn().unwrap())
    }

    fn of(mut child: Child) -> Steps {
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Steps { child, input, output }
    }

    /// The next line, without its end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn go(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }

    /// The picoprocesses' numbers.
    fn members(&self) -> Vec<u32> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().flatten();
        let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        let all: Vec<u32> = children.flat_map(|text| numbers(&text)).collect();
        all.into_iter().filter(|number| name_of(*number) == "portcullis-runtime"[..15]).collect()
    }

    fn end(mut self) -> i32 {
        drop(self.input);
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

fn numbers(text: &str) -> Vec<u32> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn name_of(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim().to_owned()
}

/// One value of each thread of a process.
fn of_threads<T: Ord>(process: u32, value: impl Fn(u32, &str) -> T) -> BTreeSet<T> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    let ids = tasks.filter_map(|task| task.file_name().to_str()?.parse().ok());
    ids.map(|id: u32| value(id, &format!("/proc/{process}/task/{id}"))).collect()
}

/// Nice values, the nineteenth field of `stat`.
fn nice(process: u32) -> BTreeSet<i32> {
    of_threads(process, |_, folder| {
        let stat = fs::read_to_string(format!("{folder}/stat")).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').nth(16).unwrap().parse().unwrap()
    })
}

fn field(folder: &str, name: &str) -> String {
    let status = fs::read_to_string(format!("{folder}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim_start_matches(':').trim().to_owned()
}

fn processors(process: u32) -> BTreeSet<String> {
    of_threads(process, |_, folder| field(folder, "Cpus_allowed_list"))
}

fn slack(process: u32) -> BTreeSet<u64> {
    of_threads(process, |id, _| {
        let text = fs::read_to_string(format!("/proc/{id}/timerslack_ns"));
        text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    })
}

/// Whether this host lets nice values fall.
fn may_raise() -> bool {
    nix::unistd::geteuid().is_root()
}

#[test]
fn what_threads_are_given_is_what_the_host_gives_them() {
    let mut steps = Steps::new(&[], "schedule", &["steps"]);
    let own = field("/proc/self", "Cpus_allowed_list");
    let first: String = own.chars().take_while(char::is_ascii_digit).collect();
    let last: String =
        own.chars().rev().take_while(char::is_ascii_digit).collect::<Vec<_>>().into_iter().rev().collect();
    assert_eq!(steps.line(), "normal");
    let process = steps.members()[0];
    assert_eq!((nice(process), processors(process)), ([0].into(), [own.clone()].into()));
    let mut next = |what: &str| {
        steps.go();
        assert_eq!(steps.line(), what);
    };
    // Without root no nice value falls again: what is checked is that none is below what it is to be.
    let expect = |what: &str, wanted: &[i32]| {
        // A thread that has just been made takes its value when it begins.
        let end = Instant::now() + Duration::from_secs(10);
        let mut found = nice(process);
        while !wanted.iter().all(|value| found.contains(value)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
            found = nice(process);
        }
        assert!(wanted.iter().all(|value| found.contains(value)), "{what}: {found:?}");
        assert!(!may_raise() || found.iter().all(|value| wanted.contains(value)), "{what}: {found:?}");
    };
    next("lowest");
    expect("lowest", &[0, 5]);
    next("idle thread");
    expect("idle thread", &[0, 19]);
    if !may_raise() {
        return;
    }
    next("below normal process");
    expect("below normal", &[0, 5]);
    next("idle process");
    expect("idle", &[0, 10]);
    next("high process");
    expect("high", &[0, -7]);
    next("economical");
    expect("economical", &[0, 10]);
    assert!(slack(process).contains(&15_625_000), "{:?}", slack(process));
    next("thread on the first");
    expect("normal again", &[0]);
    assert!(!slack(process).contains(&15_625_000), "{:?}", slack(process));
    assert_eq!(processors(process), [first.clone(), own.clone()].into());
    next("thread prefers the first");
    assert_eq!(processors(process), [first, own.clone()].into());
    next("process on the last");
    assert!(processors(process).contains(&last), "{:?}", processors(process));
    next("process on all");
    assert_eq!(processors(process), [own].into());
    steps.go();
    assert_eq!(steps.end(), 0);
}

/// A `power_supply` folder of this test's own.
fn supplies(folder: &Path, all: &[(&str, &[(&str, &str)])]) {
    for (supply, attributes) in all {
        fs::create_dir_all(folder.join(supply)).unwrap();
        for (name, value) in *attributes {
            fs::write(folder.join(supply).join(name), format!("{value}\n")).unwrap();
        }
    }
}

const OFF: (&str, &[(&str, &str)]) = ("AC", &[("type", "Mains"), ("online", "0")]);
const ON: (&str, &[(&str, &str)]) = ("AC", &[("type", "Mains"), ("online", "1")]);
const HALF: (&str, &[(&str, &str)]) = (
    "BAT0",
    &[
        ("type", "Battery"),
        ("status", "Discharging"),
        ("energy_full", "50000000"),
        ("energy_now", "25000000"),
        ("power_now", "10000000"),
    ],
);

#[test]
fn a_program_is_told_what_feeds_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let option = folder.path().to_str().unwrap();
    let mut steps = Steps::new(&["--power-supplies", option], "power", &[]);
    let said = |steps: &mut Steps| loop {
        let line = steps.line();
        assert!(!line.is_empty() && !line.starts_with("FAIL"), "{line}");
        if line.starts_with("line ") {
            return line;
        }
    };
    let none = "line 1 flags 128 percent 255 seconds -1 of 0 rate 0 batteries 0";
    assert_eq!(said(&mut steps), none);
    // What it was told counts for a second.
    let then = |steps: &mut Steps, expected: &str| {
        let mut line = String::new();
        for _ in 0..200 {
            steps.go();
            line = said(steps);
            if line == expected {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{line}, not {expected}");
    };
    supplies(folder.path(), &[OFF, HALF]);
    then(&mut steps, "line 0 flags 0 percent 50 seconds 9000 of 50000 rate -10000 batteries 1");
    // Its threads' timers may be late, as it is in the background: no stream of its is a terminal.
    supplies(folder.path(), &[ON, ("BAT0", &[("status", "Charging"), ("energy_now", "45000000")])]);
    then(&mut steps, "line 1 flags 9 percent 90 seconds -1 of 50000 rate 10000 batteries 1");
    supplies(folder.path(), &[("BAT0", &[("present", "0")])]);
    then(&mut steps, none);
    assert_eq!(steps.end(), 0);
}

#[test]
fn windows_are_told_when_the_battery_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    supplies(folder.path(), &[ON, HALF]);
    let mut steps = Steps::new(&["--power-supplies", folder.path().to_str().unwrap()], "power", &["told"]);
    assert_eq!(steps.line(), "waits");
    supplies(folder.path(), &[OFF]);
    // PBT_APMPOWERSTATUSCHANGE.
    assert_eq!(steps.line(), "told 10 line 0");
    assert_eq!(steps.line(), "0 checks, 0 failures");
    assert_eq!(steps.end(), 0);
}

/// Waits until something holds.
#[track_caller]
fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within 30 s: {what}");
}

#[test]
fn on_battery_timers_of_the_background_are_late_together() {
    let folder = tempfile::tempdir().unwrap();
    supplies(folder.path(), &[OFF, HALF]);
    let mut steps = Steps::new(&["--power-supplies", folder.path().to_str().unwrap()], "schedule", &["steps"]);
    assert_eq!(steps.line(), "normal");
    let process = steps.members()[0];
    if fs::write(format!("/proc/{process}/timerslack_ns"), "0").is_err() {
        // This host's user may not set it.
        return;
    }
    eventually("timers may be 50 ms late", || slack(process) == [50_000_000].into());
}

/// Kilobytes of a process that are its alone, and dirty.
fn private(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Private_Dirty:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn limits_are_kept_and_said() {
    // Of the sandbox, not of the host: over all its processes.
    let outcome = Sandbox::new().option("--memory", "256M").program(guest::program("commit")).run().success();
    assert!(outcome.lines().ends_with(" 0 failures\n"), "{outcome:?}");
    let last = processors_here().pop().unwrap();
    let outcome = Sandbox::new()
        .option("--cpuset", &last.to_string())
        .program("cmd.exe")
        .args(["/c", "echo %NUMBER_OF_PROCESSORS%"])
        .run();
    assert_eq!(outcome.success().lines(), "1\n");
    let explained = Run::new(product::secmon())
        .args(["run", "--explain", "--cpuset", "0", "--cpus", "0.5", "--pids", "50"])
        .arg("x")
        .run();
    let text = explained.success().lines();
    for limit in ["cpuset 0: by the affinity", "cpus: ", "pids: ", "It may use the time of 0.5 processors."] {
        assert!(text.contains(limit), "{limit}: {text}");
    }
}

fn processors_here() -> Vec<u32> {
    let list = field("/proc/self", "Cpus_allowed_list");
    list.parse::<shim_abi::share::CpuList>().unwrap().numbers().iter().map(|number| u32::from(*number)).collect()
}

#[test]
fn limits_that_are_nonsense_are_named() {
    for (options, said) in [
        (&["--cpuset", "1000"][..], "processor 1000 is not among"),
        (&["--cpuset", "3-1"], "is no list of processors"),
        (&["--cpus", "0"], "is no number of processors"),
        (&["--cpu-weight", "0"], "cpu-weight must be between 1 and 10000"),
        (&["--pids", "1"], "pids must be between 16"),
        (&["--memory-soft", "1"], "memory-soft must be between 1 MiB"),
        (&["--cgroup", "/portcullis-none"], "no hierarchy has a control group of that name"),
        (&["--cgroup", "../x"], "no hierarchy has a control group of that name"),
    ] {
        let outcome = Run::new(product::secmon()).arg("run").args(options).arg("cmd.exe").run();
        assert!(outcome.status != 0 && outcome.errors().contains(said), "{options:?}: {outcome:?}");
    }
}

/// Executable pages of a file in a process: offset in the file and number of the physical page, of those that are in memory.
fn pages(process: u32, file: &fs::Metadata) -> BTreeMap<u64, u64> {
    const PRESENT: u64 = 1 << 63;
    const NUMBER: u64 = (1 << 55) - 1;
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let pagemap = fs::File::open(format!("/proc/{process}/pagemap")).unwrap();
    let mut found = BTreeMap::new();
    for line in maps.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [range, rights, offset, _, inode, ..] = fields[..] else { continue };
        if !rights.contains('x') || inode.parse() != Ok(file.ino()) {
            continue;
        }
        let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
        let (start, end) = range.split_once('-').map(|(start, end)| (hex(start), hex(end))).unwrap();
        for page in 0..(end - start) / 4096 {
            let mut entry = [0; 8];
            pagemap.read_exact_at(&mut entry, (start / 4096 + page) * 8).unwrap();
            let entry = u64::from_le_bytes(entry);
            if entry & PRESENT != 0 {
                found.insert(hex(offset) + page * 4096, entry & NUMBER);
            }
        }
    }
    found
}

/// Pages of kernelbase's code that the kernel changes.
const CHANGED: u64 = 2;

#[test]
fn code_of_a_dll_is_in_memory_once() {
    let dll = product::system_dll("kernelbase.dll");
    let file = fs::metadata(&dll).unwrap();
    let mut all: Vec<Steps> = (0..10).map(|_| Steps::new(&[], "schedule", &["steps"])).collect();
    all.iter_mut().for_each(|steps| assert_eq!(steps.line(), "normal"));
    let members: Vec<u32> = all.iter().map(|steps| steps.members()[0]).collect();
    // What the kernel counts: none of that code is a process's own but two pages that are changed there (`ntum::mm::kernelbase`).
    for member in &members {
        let smaps = fs::read_to_string(format!("/proc/{member}/smaps")).unwrap();
        let (mut code, mut shared, mut own) = (false, 0, 0);
        for line in smaps.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            match fields[..] {
                [_, rights, _, _, inode, ..] if rights.len() == 4 => {
                    code = rights.contains('x') && inode == file.ino().to_string();
                }
                ["Private_Clean:" | "Shared_Dirty:", count, _] if code => assert_eq!(count, "0", "{line}"),
                ["Private_Dirty:", count, _] if code => own += count.parse::<u64>().unwrap(),
                ["Shared_Clean:", count, _] if code => shared += count.parse::<u64>().unwrap(),
                _ => {}
            }
        }
        assert!(shared >= 100 && own == 4 * CHANGED, "{shared} KB of code are shared, {own} KB are not");
    }
    // And the very pages, which root alone is told.
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let pages: Vec<BTreeMap<u64, u64>> = members.iter().map(|member| pages(*member, &file)).collect();
    let (first, others) = pages.split_first().unwrap();
    assert!(first.values().all(|number| *number != 0) && first.len() > 25);
    for other in others {
        let same = first.iter().filter(|(offset, number)| other.get(offset) == Some(number)).count();
        let differ =
            first.iter().filter(|(offset, number)| other.get(offset).is_some_and(|other| other != *number)).count();
        assert!(same > 25 && differ as u64 == CHANGED, "{same} pages are the same, {differ} are not");
    }
    // The host's own: a program that has the file mapped.
    let host =
        Command::new("python3").args(["-c", MAPPED]).arg(&dll).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut host) = host else { return };
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let on_host = self::pages(host.id(), &file);
    let same = first.iter().filter(|(offset, number)| on_host.get(offset) == Some(number)).count();
    drop(host.stdin.take());
    host.wait().unwrap();
    assert_eq!(same as u64, first.len() as u64 - CHANGED);
}

/// Maps a file to be executed, looks at each page, and waits.
const MAPPED: &str = "import mmap, sys
file = open(sys.argv[1], 'rb')
data = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ | mmap.PROT_EXEC)
sum(data[at] for at in range(0, len(data), 4096))
print('mapped', flush=True)
sys.stdin.read()
";

#[test]
fn what_a_heap_keeps_of_freed_memory_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let listener = client::listen(folder.path(), "control").unwrap();
    let mut steps = Steps::managed(listener, "shrink");
    let until = |steps: &mut Steps, what: &str| loop {
        let line = steps.line();
        assert!(!line.is_empty() && !line.starts_with("FAIL"), "{line}, before {what}");
        if line == what {
            return;
        }
    };
    until(&mut steps, "full");
    let process = steps.members()[0];
    let full = private(process);
    assert!(full > 70_000, "{full} KB");
    steps.go();
    until(&mut steps, "freed");
    let freed = private(process);
    // The heap keeps it: nothing else takes it back. Trimming does, while other threads use the heaps.
    assert!(freed > full * 9 / 10, "{freed} KB of {full}");
    let mut client = Client::connect(folder.path(), "control").unwrap();
    client.ask(&Trim {}).unwrap();
    eventually("a third of it is given back at least", || private(process) < full * 2 / 3);
    println!("private memory: {full} KB, freed {freed}, trimmed {}", private(process));
    steps.go();
    until(&mut steps, "low");
    // And again, which finds nothing more and does no harm.
    client.ask(&Trim {}).unwrap();
    steps.go();
    until(&mut steps, "12 checks, 0 failures");
    assert_eq!(steps.end(), 0);
}

/// A control group for memory that the test makes and takes away, if this user may.
struct MemoryGroup(std::path::PathBuf);

impl MemoryGroup {
    fn new(bytes: u64) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        for (root, options, unified) in hierarchies(&mounts) {
            let controllers = fs::read_to_string(Path::new(root).join("cgroup.subtree_control")).unwrap_or_default();
            if !(lists(options, "memory") || unified && lists(&controllers, "memory")) {
                continue;
            }
            let folder = Path::new(root).join(format!("portcullis-test-{}", std::process::id()));
            let limit = if unified { "memory.max" } else { "memory.limit_in_bytes" };
            if fs::create_dir(&folder).is_ok() && fs::write(folder.join(limit), bytes.to_string()).is_ok() {
                return Some(MemoryGroup(folder));
            }
        }
        eprintln!("skipped: no control group for memory can be made here");
        None
    }

    /// How many processes the kernel ended for want of memory.
    fn killed(&self) -> u64 {
        let read = |name: &str| fs::read_to_string(self.0.join(name)).unwrap_or_default();
        let text = read("memory.oom_control") + &read("memory.events");
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
        count.expect("the kernel counts")
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Ended when dropped.
struct Hog(Child);

impl Drop for Hog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_guest_shrinks_under_pressure_and_lives() {
    const LIMIT: u64 = 256 << 20;
    let Some(group) = MemoryGroup::new(LIMIT) else { return };
    let hog = guest::native("hog");
    let mut steps = Steps::new(&["--cgroup", group.0.to_str().unwrap()], "shrink", &[]);
    let anonymous = |process: u32| numbers(&field(&format!("/proc/{process}"), "RssAnon"))[0];
    let said = |steps: &mut Steps| loop {
        let line = steps.line();
        // What holds is said too.
        if !line.starts_with("ok ") {
            break line;
        }
    };
    assert_eq!(said(&mut steps), "full");
    let process = steps.members()[0];
    let full = anonymous(process);
    assert!(full > 70_000, "{full} kB");
    steps.go();
    assert_eq!(said(&mut steps), "freed");
    let kept = anonymous(process);
    assert!(kept > 70_000, "the heap keeps what was freed: {kept} kB");
    // Somebody else in the group wants more than there is: files that are used again and again, which the kernel has to take back and read
    // anew as long as the heap is not given back.
    let data = tempfile::NamedTempFile::new_in(product::folder()).unwrap();
    data.as_file().set_len(160 << 20).unwrap();
    std::io::copy(&mut std::io::repeat(1).take(160 << 20), &mut data.as_file()).unwrap();
    let mut command = Command::new(&hog);
    command.arg("60").arg(data.path()).arg("150").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    fs::write(group.0.join("cgroup.procs"), child.id().to_string()).unwrap();
    child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    let hog = Hog(child);
    steps.go();
    assert_eq!(said(&mut steps), "low", "it is told, within 30 seconds");
    let end = Instant::now() + Duration::from_secs(30);
    while anonymous(process) > kept / 2 {
        assert!(Instant::now() < end, "{} kB of {kept} are left", anonymous(process));
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(hog);
    steps.go();
    assert_eq!(steps.end(), 0, "the heaps are whole");
    assert_eq!(group.killed(), 0);
}
