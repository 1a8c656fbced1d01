//! Guest programs, one for each family of NT calls: every check in them must hold, here as under stock Wine.

use portcullis::command::Outcome;
use portcullis::product::Sandbox;
use portcullis::{guest, oracle};
use std::time::Duration;

/// The program's own count of its checks, if it came to its end.
fn counted(outcome: &Outcome) -> Option<(usize, usize)> {
    let text = outcome.lines();
    let last = text.lines().rev().find(|line| line.ends_with(" failures"))?;
    let mut words = last.split_whitespace();
    let checks = words.next()?.parse().ok()?;
    let failures = words.nth(1)?.parse().ok()?;
    Some((checks, failures))
}

fn failed(outcome: &Outcome) -> Vec<String> {
    outcome.lines().lines().filter(|line| line.starts_with("FAIL")).map(str::to_owned).collect()
}

fn is_good(outcome: &Outcome) -> bool {
    matches!(counted(outcome), Some((checks, 0)) if checks > 0) && outcome.status == 0 && failed(outcome).is_empty()
}

#[track_caller]
fn judge(name: &str, outcome: &Outcome) {
    let counted = counted(outcome);
    println!("{name}: {counted:?}");
    assert!(is_good(outcome), "{name}: {counted:?}, failed: {:#?}\n{outcome:?}", failed(outcome));
}

/// Runs a guest program under stock Wine, if there is one, and in a sandbox.
#[track_caller]
fn check(name: &str) {
    let program = guest::program(name);
    if let Some(outcome) = oracle::answer_like(&program, &[], is_good) {
        judge(&format!("{name} under Wine"), &outcome);
    }
    let scratch = tempfile::tempdir().unwrap();
    let outcome = Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(120)).run();
    judge(name, &outcome);
}

macro_rules! programs {
    ($($name:ident)+) => {$(
        #[test]
        fn $name() {
            check(stringify!($name));
        }
    )+};
}

programs! {
    objects sync locks threads memory sections exceptions cxx files fileio dirs drive registry registry_children hives system process children
    together jobs others common soak pipes consoles bcrypt tls
}

/// What `certificates` counted in the root store.
fn roots(outcome: &Outcome) -> usize {
    let text = outcome.lines();
    let count = text.lines().find_map(|line| line.strip_suffix(" roots")).and_then(|count| count.parse().ok());
    count.unwrap_or_else(|| panic!("{outcome:?}"))
}

/// The host's root certificates are the guest's, unless the policy withholds them: then there are Microsoft's in the DLL.
#[test]
fn certificates() {
    check("certificates");
    let bundle = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    let host = bundle.matches("BEGIN CERTIFICATE").count();
    let program = guest::program("certificates");
    let scratch = tempfile::tempdir().unwrap();
    let policy = scratch.path().join("policy.toml");
    let run = |text: &str| {
        std::fs::write(&policy, text).unwrap();
        roots(&Sandbox::new().option("--policy", policy.to_str().unwrap()).program(&program).run())
    };
    let (given, withheld) = (run("roots = true"), run("roots = false"));
    assert!(
        given >= host / 2 && (host == 0 || given > withheld),
        "{given} given, {withheld} withheld, {host} of the host"
    );
}

#[test]
fn hello() {
    let program = guest::program("hello");
    let outcome = Sandbox::new().program(&program).run().success();
    assert_eq!(outcome.text(), "Hello from Windows\r\n");
    assert_eq!(outcome.errors(), "");
}
