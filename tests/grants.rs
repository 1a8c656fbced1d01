//! No grant of the filter is more than the runtime uses: every Linux system call it lets pass, and every alternative of its rule,
//! is seen in one of these programs.

use portcullis::command::Run;
use portcullis::{guest, product};
use shim_abi::seccomp::{Action, GRANTS};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Programs that between them use all there is, their arguments and what they read.
const PROGRAMS: &[(&str, &[&str], &str)] = &[
    ("threads", &[], ""),
    ("memory", &[], ""),
    ("fileio", &[], ""),
    ("locks", &[], ""),
    ("dirs", &[], ""),
    ("sections", &[], ""),
    ("sockets", &[], ""),
    ("stdio", &["cat"], "something"),
    ("stdio", &["wait"], "something"),
];

/// The calls of the runtime's threads under the filter, as strace writes them: a file for each thread.
fn calls(traces: &Path) -> Vec<String> {
    let mut calls = Vec::new();
    for entry in fs::read_dir(traces).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        // The first thread is under the filter from this call on; its others begin by being refused a call. The monitor's
        // threads do neither.
        let installed = lines.iter().position(|line| line.starts_with("seccomp(SECCOMP_SET_MODE_FILTER"));
        let refused = |line: &&str| line.starts_with("set_robust_list(") && line.contains("ENOSYS");
        let later = lines.iter().take(6).any(refused).then_some(0);
        let Some(from) = installed.map(|at| at + 1).or(later) else { continue };
        calls.extend(lines[from..].iter().map(|line| (*line).to_owned()));
    }
    calls
}

#[test]
fn every_grant_is_used() {
    product::image();
    let traces = tempfile::tempdir().unwrap();
    for (index, (name, arguments, input)) in PROGRAMS.iter().enumerate() {
        let work = tempfile::tempdir().unwrap();
        let trace = traces.path().join(format!("{index}"));
        let run = Run::new("strace").args(["-ff", "-qq", "-o"]).arg(&trace).arg(product::secmon()).arg("run");
        let run = run.arg("--mount").arg(format!("{}=C:\\work:rw", work.path().display())).args([
            "--workdir",
            "C:\\work",
            "--net",
            "sandbox",
        ]);
        let run = run.arg(guest::program(name)).args(arguments.iter().copied()).input(*input);
        run.limit(Duration::from_secs(120)).run().success();
    }
    let calls = calls(traces.path());
    let names: BTreeSet<&str> = calls.iter().filter_map(|call| Some(call.split_once('(')?.0)).collect();
    let mut unused = Vec::new();
    for grant in GRANTS {
        let Action::Allow(alternatives) = grant.action else { continue };
        if !names.contains(grant.name) {
            unused.push(grant.name.to_owned());
        }
        // Texts that name a constant: strace writes it too.
        for rule in alternatives
            .iter()
            .copied()
            .flatten()
            .filter(|rule| rule.text.bytes().all(|b| b == b'_' || b.is_ascii_uppercase()))
        {
            let seen =
                calls.iter().any(|call| call.starts_with(&format!("{}(", grant.name)) && call.contains(rule.text));
            if !seen {
                unused.push(format!("{} {}", grant.name, rule.text));
            }
        }
    }
    println!("{} calls of the runtime seen", calls.len());
    assert!(unused.is_empty(), "granted and not used: {unused:?}");
}
