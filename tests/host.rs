//! What a sandbox and its host share, as the host sees it: limits, processors, memory that is given back, power.

use portcullis::command::Run;
use portcullis::product::{self, Sandbox};
use portcullis::{guest, repository};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

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
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
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
        let found = nice(process);
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
