//! The console on a real terminal: modes, colours, lines, keys, Ctrl-C, resize, and what a person sees.

use portcullis::product::Sandbox;
use portcullis::pty::Terminal;
use portcullis::{command, guest};
use std::fs;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn console_calls_on_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = Sandbox::new().work(dir.path()).program(guest::program("console"));
    let mut terminal = Terminal::start(run.command(), 90, 30);
    terminal.expect("TYPE LINE>", SOON);
    terminal.type_in("help\x7flo\r");
    terminal.expect("TYPE FILE>", SOON);
    terminal.type_in("world\r");
    terminal.expect("TYPE KEY>", SOON);
    terminal.type_in("k");
    terminal.expect("TYPE ARROW>", SOON);
    terminal.type_in("\x1b[A");
    terminal.expect("TYPE CTRL-C>", SOON);
    terminal.type_in("\x03");
    terminal.expect("RESIZE>", SOON);
    terminal.resize(60, 20);
    terminal.expect("DONE", SOON);
    let (status, late) = command::wait(&mut terminal.child, SOON);
    let log = fs::read_to_string(dir.path().join("console.log")).unwrap_or_default();
    let failed: Vec<&str> = log.lines().filter(|line| line.starts_with("FAIL")).collect();
    assert!(!late && failed.is_empty() && log.contains(" 0 failures"), "{failed:#?}\n{log}\n{}", terminal.seen());
    assert_eq!(command::number(status), 0);
    let seen = terminal.seen();
    assert!(seen.contains("red text") && seen.contains("\x1b[") && seen.contains("wä世"), "{seen}");
}

#[test]
fn cmd_is_interactive() {
    let mut run = Sandbox::new().program("C:\\windows\\system32\\cmd.exe");
    let mut terminal = Terminal::start(run.command(), 80, 25);
    terminal.expect(">", SOON);
    terminal.type_in("set /a 6*7\r");
    terminal.expect("42", SOON);
    terminal.type_in("echo typed %OS%\r");
    terminal.expect("typed Windows_NT", SOON);
    terminal.type_in("exit 5\r");
    let (status, late) = command::wait(&mut terminal.child, SOON);
    assert!(!late, "{}", terminal.seen());
    assert_eq!(command::number(status), 5);
}

#[test]
fn ctrl_c_ends_a_program_that_does_not_handle_it() {
    let mut run = Sandbox::new().program(guest::program("process")).args(["sleep", "60000"]);
    let mut terminal = Terminal::start(run.command(), 80, 25);
    std::thread::sleep(Duration::from_millis(700));
    terminal.type_in("\x03");
    let (status, late) = command::wait(&mut terminal.child, SOON);
    assert!(!late, "{}", terminal.seen());
    assert_eq!(command::number(status), 130);
}
