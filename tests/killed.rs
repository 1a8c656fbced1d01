//! Sandboxes that stay, of which a process is killed: each in turn, whatever it is.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use portcullis::guest;
use portcullis::place::Place;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const CMD: &str = "C:\\windows\\system32\\cmd.exe";

/// The processes that one made, and those that they made.
fn all_below(pid: i64) -> Vec<i64> {
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(pid) = found.get(at) {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        let children: Vec<i64> = children
            .flat_map(|text| text.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<_>>())
            .collect();
        found.extend(children);
        at += 1;
    }
    found
}

fn runs(pid: i64) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
}

/// Whether a process sleeps and has a socket: it has asked, and waits for the answer.
fn asks(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let held = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut links = held.filter_map(|one| fs::read_link(one.path()).ok());
    status.contains("State:\tS") && links.any(|link| link.to_string_lossy().starts_with("socket:"))
}

/// A sandbox with a program from outside that has a child, and a folder.
fn begin(place: &Place, name: &str) -> Vec<i64> {
    let tools = guest::program("children").parent().unwrap().to_owned();
    let mount = format!("{}=C:\\tools", tools.display());
    place.start(&["--name", name, "--mount", &mount]);
    place.raw(&["exec", name, "--detach", "--", CMD, "/c", "C:\\tools\\children.exe stay"]);
    let processes = || place.raw(&["inspect", name])["Processes"].as_array().unwrap().len();
    place.until("the program's child is there", || processes() == 3);
    all_below(place.raw(&["inspect", name])["Pid"].as_i64().unwrap())
}

/// Each process of a sandbox's in turn, in the order in which they were made: the monitor, the first, those that make others, programs.
#[test]
fn whichever_process_is_killed_a_sandbox_goes_on_or_has_ended_and_is_told_so() {
    let place = Place::new();
    place.start(&["--name", "other"]);
    let count = begin(&place, "all").len();
    place.secmon(&["stop", "all", "--time", "0"]).run().success();
    assert!(count >= 4, "a monitor, a first process, a program and its child: {count}");
    let mut ends = BTreeSet::new();
    for number in 0..count {
        let all = begin(&place, "one");
        // There may be one more or less of those that stand ready.
        let Some(pid) = all.get(number) else { continue };
        kill(Pid::from_raw(i32::try_from(*pid).unwrap()), Signal::SIGKILL).unwrap();
        place.until("it is gone", || !runs(*pid));
        let word = || {
            let said = place.raw(&["inspect", "one"]);
            said["Status"].as_str().unwrap().to_owned()
        };
        // It may take a moment until a sandbox that ends has ended; one that goes on runs programs.
        let mut served = None;
        place.until("it goes on, or has ended", || {
            let exec = place.secmon(&["exec", "one", "--", CMD, "/c", "exit 4"]).run();
            let ended = exec.status == 125 && word() != "running";
            assert!(exec.status == 4 || exec.status == 125 || exec.status > 128, "{number}: {exec:?}");
            served = Some(exec.status == 4);
            ended || exec.status == 4
        });
        let how = if served == Some(true) { "running".to_owned() } else { word() };
        println!("process {number} of {}: {how}", all.len());
        if how == "running" {
            place.secmon(&["stop", "one", "--time", "0"]).run().success();
        } else {
            place.refused(&["stop", "one"], "");
            let waited = place.secmon(&["wait", "one"]).run();
            assert_ne!(waited.status, 0, "{number}: {waited:?}");
        }
        ends.insert(how);
        for pid in all {
            place.until("nothing of it runs on", || !runs(pid));
        }
        place.raw(&["prune"]);
    }
    // The monitor's end is a loss, the first process's an end, a program's nothing but its own.
    assert!(ends.contains("lost") && ends.contains("running"), "{ends:?}");
    assert_eq!(place.secmon(&["exec", "other", "--", CMD, "/c", "exit 5"]).run().status, 5, "the other one goes on");
    let left: Vec<_> =
        fs::read_dir(place.path("state/sandboxes")).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "a lock and the other one: {left:?}");
}

#[test]
fn verbs_that_look_on_are_told_of_what_is_killed_and_end_with_the_sandbox() {
    let place = Place::new();
    begin(&place, "one");
    let watch = |words: &[&str]| {
        let mut command = place.secmon(words);
        let command = command.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        (child, lines)
    };
    let (mut events, mut told) = watch(&["--raw", "events", "one", "--follow"]);
    let (mut stats, mut figures) = watch(&["--raw", "stats", "one", "--interval", "50ms"]);
    let next = |lines: &mut dyn Iterator<Item = String>| -> Value {
        serde_json::from_str(&lines.next().expect("a line")).unwrap()
    };
    for _ in 0..3 {
        assert_eq!(next(&mut figures)["Statistics"][0]["Processes"], 3);
    }
    let member = |part: &str| {
        let said = place.raw(&["inspect", "one"]);
        let all = said["Processes"].as_array().unwrap().clone();
        let found = all.into_iter().find(|one| one["Program"].as_str().is_some_and(|name| name.contains(part)));
        found.unwrap_or_else(|| panic!("{part}: {said}"))
    };
    let child = member("children.exe");
    let (process, pid) = (child["Process"].to_string(), child["Pid"].as_i64().unwrap());
    let (mut wait, _) = watch(&["wait", "one", "--process", &process]);
    place.until("it waits for an answer", || asks(wait.id()));
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
    let waited = wait.wait().unwrap();
    assert_eq!(waited.code(), Some(137), "as a shell tells a signal");
    let ended = loop {
        let event = next(&mut told);
        if event["Event"] == "ended" && event["Process"] == child["Process"] {
            break event;
        }
    };
    assert_eq!((ended["How"].as_str(), ended["Status"].as_u64()), (Some("killed"), Some(9)), "{ended}");
    // Its parent had waited for it, and ends with its status.
    place.until("its parent ends", || place.raw(&["inspect", "one"])["Processes"].as_array().unwrap().len() == 1);
    assert_eq!(place.secmon(&["exec", "one", "--", CMD, "/c", "exit 4"]).run().status, 4);
    place.secmon(&["stop", "one"]).run().success();
    assert!(events.wait().unwrap().success());
    assert!(told.any(|line| line.contains("\"stopped\"")));
    // One that is asked for by its name is not there any more, which is no success.
    assert_eq!(stats.wait().unwrap().code(), Some(125));
}

/// Junctions in a layer that is kept: whoever makes them is killed in the middle of it.
#[test]
fn who_is_killed_while_it_makes_a_link_leaves_no_half_of_one() {
    let place = Place::new();
    let program = guest::program("links");
    let mut made = BTreeSet::new();
    for round in 0..12_u64 {
        let at = format!("C:\\links{}", round % 2);
        let mut run = place.secmon(&["run", "--persist", "links", program.to_str().unwrap(), "many", &at]);
        let command = run.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let enough = 5 + usize::try_from(round).unwrap() * 3;
        let mut told: Vec<String> = lines.by_ref().take(enough).collect();
        std::thread::sleep(std::time::Duration::from_micros(round * 137));
        child.kill().unwrap();
        child.wait().unwrap();
        told.extend(lines);
        let names = told.iter().filter_map(|line| line.trim().strip_prefix("made "));
        made.extend(names.map(|name| format!("{} {name}", round % 2)));
        assert!(told.len() >= enough, "round {round}: {told:?}");
    }
    for half in 0..2 {
        let at = format!("C:\\links{half}");
        let found = place.secmon(&["run", "--persist", "links", program.to_str().unwrap(), "whole", &at]).run();
        assert!(found.lines().contains(" 0 failures"), "{found:?}");
        for name in made.iter().filter_map(|one| one.strip_prefix(&format!("{half} "))) {
            assert!(found.lines().contains(&format!("link {name}\n")), "{name}: {found:?}");
        }
    }
}
