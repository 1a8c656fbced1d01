//! Drive C kept in layers: what one run leaves and the next finds, layers below, and what is refused.

use portcullis::command::Outcome;
use portcullis::guest;
use portcullis::product::{self, Sandbox};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Stdio;
use tempfile::TempDir;

/// A folder of state, on a disk's file system as the build's is: one in memory might lack what layers need.
struct State(TempDir);

impl State {
    fn new() -> Self {
        State(tempfile::tempdir_in(product::folder()).unwrap())
    }

    fn layer(&self, name: &str) -> PathBuf {
        self.0.path().join("layers").join(name)
    }

    fn sandbox(&self) -> Sandbox {
        Sandbox::new()
    }

    fn run(&self, sandbox: Sandbox, program: &str, args: &[&str]) -> Outcome {
        sandbox.program(program).args(args).env("PORTCULLIS_STATE", self.0.path()).run()
    }

    /// What a command of cmd.exe prints with a layer.
    fn cmd(&self, layer: &str, command: &str) -> String {
        let outcome = self.run(self.sandbox().option("--persist", layer), "cmd.exe", &["/c", command]);
        outcome.lines() + &outcome.errors()
    }
}

#[test]
fn what_one_run_leaves_the_next_finds() {
    let state = State::new();
    let made = "echo one> C:\\made.txt & mkdir C:\\folder\\deep & echo two> C:\\folder\\deep\\Two.txt & del C:\\windows\\win.ini \
                & echo more>> C:\\windows\\system.ini & echo mine> %USERPROFILE%\\mine.txt & rmdir %USERPROFILE%\\Music \
                & ren C:\\windows\\notepad.exe kept.exe & attrib +h C:\\made.txt & mkdir C:\\windows\\web";
    let said = state.cmd("one", made);
    assert!(!said.to_lowercase().contains("error"), "{said}");
    let found = state.cmd(
        "one",
        "type C:\\MADE.TXT & type C:\\folder\\deep\\two.txt & type %USERPROFILE%\\mine.txt & attrib C:\\made.txt & dir /b \
         C:\\windows & dir /b %USERPROFILE% & find /c \"more\" C:\\windows\\system.ini",
    );
    for there in ["one", "two", "mine", "H", "kept.exe", "system.ini", "explorer.exe", "Desktop"] {
        assert!(found.contains(there), "{there}: {found}");
    }
    for gone in ["win.ini", "notepad.exe", "Music"] {
        assert!(!found.contains(gone), "{gone}: {found}");
    }
    // Another layer, and a run without one, have nothing of it.
    assert!(!state.cmd("other", "dir /b C:\\ C:\\windows").contains("made.txt"));
    let none = state.run(state.sandbox(), "cmd.exe", &["/c", "dir /b C:\\ C:\\windows"]).lines();
    assert!(none.contains("win.ini") && !none.contains("made.txt"), "{none}");
    // What was deleted stays so when a folder of its name is made anew.
    state.cmd("one", "rmdir /s /q C:\\folder & mkdir C:\\folder");
    assert!(!state.cmd("one", "dir /s /b C:\\folder").to_lowercase().contains("two.txt"));
}

#[test]
fn the_checks_of_drive_c_hold_in_a_layer() {
    let state = State::new();
    let program = guest::program("drive");
    let sandbox = state.sandbox().option("--persist", "drive");
    let outcome = sandbox.program(&program).env("PORTCULLIS_STATE", state.0.path()).run();
    assert!(outcome.lines().contains(" 0 failures"), "{outcome:?}");
}

#[test]
fn what_cannot_be_used_is_said_and_not_touched() {
    let state = State::new();
    let refused = |name: &str, words: &[&str]| {
        let outcome = state.run(state.sandbox().option("--persist", name), "cmd.exe", &["/c", "echo ran"]);
        let said = outcome.errors();
        assert!(outcome.status != 0 && !outcome.lines().contains("ran"), "{name}: {outcome:?}");
        assert!(words.iter().all(|word| said.contains(word)), "{name}: {said}");
    };
    for name in ["../x", "", ".x", "a/b", "a b"] {
        refused(name, &["is no name of a layer"]);
    }
    state.cmd("newer", "echo x> C:\\x.txt");
    fs::write(state.layer("newer").join("format"), "portcullis-layer 7 writable\n").unwrap();
    fs::remove_file(state.layer("newer").join("lock")).unwrap();
    refused("newer", &["layer newer is of version 7", "up to 1"]);
    assert!(!state.layer("newer").join("lock").exists(), "it was touched");
    state.cmd("half", "echo x> C:\\x.txt");
    fs::remove_file(state.layer("half").join("format")).unwrap();
    refused("half", &["layer half is damaged", "secmon layers remove half"]);
    fs::write(state.layer("half").join("format"), "nonsense").unwrap();
    refused("half", &["layer half is damaged"]);
    // What a crash left before the layer was one is no hindrance.
    fs::create_dir_all(state.layer("begun")).unwrap();
    fs::write(state.layer("begun").join("format.new"), "portc").unwrap();
    assert_eq!(state.cmd("begun", "echo ran").trim(), "ran");
    let missing = state.run(state.sandbox().option("--layer", "none"), "cmd.exe", &["/c", "echo ran"]);
    assert!(missing.errors().contains("there is no layer none") && missing.status != 0, "{missing:?}");
    // A link out of the layer leads nowhere.
    symlink("/etc", state.layer("begun").join("drive/out")).unwrap();
    let out = state.cmd("begun", "type C:\\out\\passwd & dir /b C:\\");
    assert!(!out.contains("root:") && !out.contains("out\r"), "{out}");
}

#[test]
fn one_sandbox_at_a_time_writes_a_layer() {
    let state = State::new();
    let mut run = state.sandbox().option("--persist", "one").program("cmd.exe").args(["/c", "pause"]);
    let command = run.command().env("PORTCULLIS_STATE", state.0.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut byte = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
    let outcome = state.run(state.sandbox().option("--persist", "one"), "cmd.exe", &["/c", "echo ran"]);
    let words = format!("layer one is in use by secmon, process {}", child.id());
    assert!(outcome.errors().contains(&words) && outcome.status != 0, "{outcome:?}");
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(state.cmd("one", "echo ran").trim(), "ran");
}

#[test]
fn the_registry_is_kept_with_the_layer() {
    let state = State::new();
    let made = state.cmd(
        "reg",
        "reg add HKCU\\Software\\Mine /v a /d first & reg add HKCU\\Software\\Mine /v a /d second /f & reg add HKLM\\Software\\Mine\\Deep /v n /t \
         REG_DWORD /d 7 & reg delete HKCU\\Environment /v TEMP /f & reg add HKCU\\Software\\Gone\\x & reg delete HKCU\\Software\\Gone /f",
    );
    assert_eq!(made.matches("successfully").count(), 6, "{made}");
    // What a writer that was killed left of its last change, in the middle and at the end, is passed over.
    let log = state.layer("reg").join("registry");
    let bytes = fs::read(&log).unwrap();
    let torn = &bytes[..bytes.len() / 3];
    fs::write(&log, [torn, &bytes, torn].concat()).unwrap();
    let query = "reg query HKCU\\Software\\Mine & reg query HKLM\\Software\\Mine\\Deep & reg query HKCU\\Environment & reg query \
                 HKCU\\Software\\Gone";
    let found = state.cmd("reg", query);
    for there in ["second", "0x7", "TMP"] {
        assert!(found.contains(there), "{there}: {found}");
    }
    for gone in ["first", " TEMP ", "Gone"] {
        assert!(!found.contains(gone), "{gone}: {found}");
    }
    assert!(!state.cmd("other", query).contains("second"));
    // A log that has grown long, mostly with what was changed again, is written anew.
    let many = state.cmd("long", "for /l %i in (1,1,6) do @reg add HKCU\\Software\\Mine /v a /d value%i /f >nul");
    assert_eq!(many.trim(), "");
    let log = state.layer("long").join("registry");
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, bytes.repeat((300 << 10) / bytes.len() + 1)).unwrap();
    assert!(state.cmd("long", "reg query HKCU\\Software\\Mine").contains("value6"));
    assert!(fs::metadata(&log).unwrap().len() < 16 << 10);
    assert!(state.cmd("long", "reg query HKCU\\Software\\Mine").contains("value6"));
}
