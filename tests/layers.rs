//! Drive C kept in layers: what one run leaves and the next finds, layers below, and what is refused.

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use portcullis::command::{Outcome, Run};
use portcullis::guest;
use portcullis::place::Small;
use portcullis::product::{self, Sandbox};
use shim_abi::registry::{Delta, folded, read};
use std::fs;
use std::io::{BufRead, BufReader};
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

    fn tool(&self, args: &[&str]) -> Outcome {
        Run::new(product::secmon()).args(args).env("PORTCULLIS_STATE", self.0.path()).run()
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
fn names_are_the_same_wherever_a_file_lies() {
    let state = State::new();
    let work = tempfile::tempdir_in(product::folder()).unwrap();
    let program = guest::program("names");
    let kept = || state.sandbox().option("--persist", "kept");
    let mounted = || state.sandbox().mount_rw(work.path(), "C:\\mount");
    let good = |sandbox: Sandbox, args: &[&str]| {
        let outcome = state.run(sandbox, program.to_str().unwrap(), args);
        assert!(outcome.lines().contains(" 0 failures"), "{args:?}: {}\n{}", outcome.lines(), outcome.errors());
        outcome.lines().lines().filter(|line| line.starts_with("short ")).map(str::to_owned).collect::<Vec<_>>()
    };
    good(state.sandbox(), &["C:\\memory"]);
    good(kept(), &["C:\\windows\\all"]);
    // What the host's disk holds has the short names that it had, from wherever it is seen.
    good(kept(), &["leave", "C:\\left"]);
    good(mounted(), &["leave", "C:\\mount\\left"]);
    state.tool(&["commit", "kept", "sealed"]).success();
    let seen = [
        good(kept(), &["look", "C:\\left"]),
        good(mounted(), &["look", "C:\\mount\\left"]),
        good(state.sandbox().option("--layer", "sealed"), &["look", "C:\\left"]),
        good(state.sandbox().mount(&state.layer("kept").join("drive/left"), "D:\\x"), &["look", "D:\\x"]),
    ];
    assert!(seen[0].len() == 7 && seen.iter().all(|names| *names == seen[0]), "{seen:?}");
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

#[test]
fn the_log_of_the_registry_is_made_shorter_while_programs_run() {
    const COUNT: usize = 3000;
    let state = State::new();
    let keeper = guest::program("keeper");
    let mut run = state.sandbox().option("--persist", "long").program(&keeper).args(["again", &COUNT.to_string()]);
    let command = run.command().env("PORTCULLIS_STATE", state.0.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref().map(str::trim), Some("done"));
    // Both processes still could add to it. What they wrote is 3 MB; of that, ten values count.
    let log = state.layer("long").join("registry");
    let size = fs::metadata(&log).unwrap().len();
    assert!((1000..700 << 10).contains(&size), "{size}");
    child.kill().unwrap();
    child.wait().unwrap();
    let query = "reg query HKCU\\Software\\Keeper & reg query HKCU\\Software\\Keeper\\Child";
    let found = state.cmd("long", query);
    for last in COUNT - 5..COUNT {
        assert_eq!(found.matches(&format!("value {}    REG_SZ    {last} xxx", last % 5)).count(), 2, "{last}: {found}");
    }
}

#[test]
fn layers_are_compared_sealed_stacked_and_copied_out_of() {
    let state = State::new();
    state.cmd(
        "one",
        "echo hi> C:\\windows\\x.txt & del C:\\windows\\win.ini & mkdir C:\\foo\\bar & echo z> C:\\foo\\bar\\Z.txt & echo y>> \
         C:\\windows\\system.ini & reg add HKCU\\Software\\Mine /v a /d first >nul & reg delete HKCU\\Environment /v TEMP /f >nul",
    );
    let diff = state.tool(&["diff", "one"]).success().lines();
    for line in [
        "added    C:\\foo\\bar\\Z.txt  ",
        "changed  C:\\windows\\system.ini  ",
        "deleted  C:\\windows\\win.ini",
        "added    C:\\windows\\x.txt",
        "added    HKEY_CURRENT_USER\\Software\\Mine",
        "changed  HKEY_CURRENT_USER\\Software\\Mine  a = first",
        "deleted  HKEY_CURRENT_USER\\Environment  TEMP",
    ] {
        assert!(diff.contains(line), "{line}: {diff}");
    }
    assert!(!diff.contains("Desktop") && !diff.contains("C:\\windows\\\n"), "{diff}");
    let raw: serde_json::Value = serde_json::from_slice(&state.tool(&["diff", "one", "--raw"]).success().out).unwrap();
    let files = raw["files"].as_array().unwrap();
    assert!(
        raw["version"] == 1
            && files.iter().any(|file| file["path"] == "C:\\windows\\win.ini" && file["change"] == "deleted")
    );
    state.tool(&["commit", "one", "base1"]).success();
    assert!(state.tool(&["commit", "one", "base1"]).errors().contains("there is a layer base1 already"));
    assert!(state.cmd("base1", "echo ran").contains("an image layer"));
    // Over it, in a layer that is thrown away: everything can be changed, nothing of it stays.
    let over = |layers: &[&str], command: &str| {
        let sandbox = layers.iter().fold(state.sandbox(), |sandbox, layer| sandbox.option("--layer", layer));
        state.run(sandbox, "cmd.exe", &["/c", command]).lines()
    };
    let changed = over(
        &["base1"],
        "type C:\\windows\\X.TXT & del C:\\foo\\bar\\z.txt & dir /s /b C:\\foo & echo more>> C:\\windows\\x.txt & type C:\\windows\\x.txt & \
         ren C:\\windows\\x.txt y.txt & dir /b C:\\windows & rmdir C:\\foo\\bar & dir /b C:\\foo",
    );
    assert!(changed.contains("hi") && changed.contains("more") && changed.contains("y.txt"), "{changed}");
    assert!(!changed.to_lowercase().contains("z.txt") && !changed.contains("win.ini"), "{changed}");
    assert!(over(&["base1"], "type C:\\foo\\bar\\z.txt & dir /b C:\\windows").contains('z'));
    // A layer over it, sealed and stacked.
    let sandbox = state.sandbox().option("--layer", "base1").option("--persist", "two");
    state.run(
        sandbox,
        "cmd.exe",
        &["/c", "echo more>> C:\\windows\\x.txt & del C:\\foo\\bar\\z.txt & reg add HKCU\\Software\\Mine /v b /d second >nul"],
    );
    state.tool(&["commit", "two", "base2"]).success();
    let both = over(
        &["base1", "base2"],
        "type C:\\windows\\x.txt & dir /s /b C:\\foo & reg query HKCU\\Software\\Mine & dir /b C:\\windows",
    );
    for there in ["hi", "more", "first", "second"] {
        assert!(both.contains(there), "{there}: {both}");
    }
    assert!(!both.to_lowercase().contains("z.txt") && !both.contains("win.ini"), "{both}");
    // Files come out, nothing through links, and nothing is overwritten unasked.
    let out = state.0.path().join("out");
    fs::create_dir(&out).unwrap();
    symlink("/etc", state.layer("one").join("drive/foo/bar/etc")).unwrap();
    let export = |args: &[&str]| state.tool(&[&["export", "one"], args, &[out.to_str().unwrap()]].concat());
    export(&["C:\\FOO\\bar", "C:\\windows\\SYSTEM.ini"]).success();
    assert_eq!(fs::read_to_string(out.join("bar/Z.txt")).unwrap().trim(), "z");
    assert!(out.join("system.ini").is_file() && fs::symlink_metadata(out.join("bar/etc")).is_err());
    assert!(export(&["C:\\foo\\bar"]).errors().contains("--force"));
    export(&["--force", "C:\\foo\\bar"]).success();
    assert!(export(&["C:\\foo\\bar\\etc\\passwd"]).errors().contains("not followed"));
    assert!(export(&["C:\\windows\\explorer.exe"]).errors().contains("nothing of the image"));
    assert!(state.tool(&["diff", "none"]).errors().contains("there is no layer none"));
    // Removal, of a damaged one too.
    fs::remove_file(state.layer("two").join("format")).unwrap();
    assert!(state.tool(&["layers", "list"]).success().lines().contains("damaged"));
    state.tool(&["layers", "remove", "two", "base2"]).success();
    let left = state.tool(&["layers", "list"]).success().lines();
    assert!(
        left.contains("one") && left.contains("base1") && !left.contains("two") && !left.contains("base2"),
        "{left}"
    );
}

#[test]
fn folders_of_layers_are_renamed_with_all_that_lies_in_them() {
    let state = State::new();
    state.cmd(
        "low",
        "mkdir C:\\a\\b\\c & echo one> C:\\a\\one.txt & echo two> C:\\a\\b\\Two.txt & echo s> C:\\a\\b\\Two.txt:side & echo x> C:\\a\\x.txt & \
         attrib +h C:\\a\\one.txt & mkdir C:\\empty",
    );
    state.tool(&["commit", "low", "base"]).success();
    let over = |command: &str| {
        let sandbox = state.sandbox().option("--layer", "base").option("--persist", "high");
        let outcome = state.run(sandbox, "cmd.exe", &["/c", command]);
        outcome.lines() + &outcome.errors()
    };
    // In one that is thrown away too.
    let thrown = "ren C:\\a z & dir /s /b C:\\z & type C:\\z\\b\\two.txt & dir /b C:\\";
    let thrown = state.run(state.sandbox().option("--layer", "base"), "cmd.exe", &["/c", thrown]).lines();
    assert!(thrown.contains("z\\b\\c") && thrown.contains("two") && !thrown.contains("\na\n"), "{thrown}");
    let said = over(
        "del C:\\a\\x.txt & echo new> C:\\a\\b\\new.txt & ren C:\\a moved & move C:\\empty C:\\moved\\b & ren C:\\windows\\inf fni",
    );
    assert!(!said.to_lowercase().contains("denied"), "{said}");
    let found = over(
        "dir /s /b C:\\moved & type C:\\moved\\b\\two.txt & more < C:\\moved\\b\\two.txt:side & attrib C:\\moved\\one.txt & dir /b C:\\ C:\\windows C:\\windows\\fni",
    );
    for there in
        ["moved\\b\\c", "moved\\b\\new.txt", "moved\\b\\empty", "two \n", "\ns \n", "  H", "winebus.inf", "fni"]
    {
        assert!(found.contains(there), "{there}: {found}");
    }
    for gone in ["x.txt", "\na\n", "\nempty\n", "\ninf\n"] {
        assert!(!found.contains(gone), "{gone}: {found}");
    }
    let diff = state.tool(&["diff", "high"]).success().lines();
    assert!(diff.contains("C:\\moved\\b\\Two.txt") && diff.contains("C:\\windows\\fni\\winebus.inf"), "{diff}");
    // Sealed, it is what it was, and the one below has not changed.
    state.tool(&["commit", "high", "two"]).success();
    let sandbox = state.sandbox().option("--layer", "base").option("--layer", "two");
    let stacked = state.run(sandbox, "cmd.exe", &["/c", "dir /s /b C:\\moved & dir /b C:\\a"]).lines();
    assert!(stacked.contains("moved\\b\\Two.txt") && !stacked.contains("one.txt\none.txt"), "{stacked}");
    let below =
        state.run(state.sandbox().option("--layer", "base"), "cmd.exe", &["/c", "type C:\\a\\b\\two.txt"]).lines();
    assert_eq!(below.trim(), "two");
}

#[test]
fn a_rename_that_is_killed_has_happened_or_has_not() {
    let state = State::new();
    let list = |layer: &str, folder: &str| {
        let found = state.cmd(layer, &format!("dir /b C:\\windows\\{folder}"));
        found.lines().filter(|line| line.contains(".inf")).map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let all = list("none", "inf");
    assert!(all.len() > 3, "{all:?}");
    let (mut before, mut after) = (0, 0);
    for round in 0..14 {
        let layer = format!("killed{round}");
        let program = "ren C:\\windows\\inf moved & echo done & pause";
        let mut run = state.sandbox().option("--persist", &layer).program("cmd.exe").args(["/c", program]);
        let mut child = run
            .command()
            .env("PORTCULLIS_STATE", state.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // The last rounds certainly come to the end of it.
        std::thread::sleep(std::time::Duration::from_millis(if round > 11 { 2000 } else { 10 + round * 12 }));
        child.kill().unwrap();
        child.wait().unwrap();
        let (here, there) = (list(&layer, "inf"), list(&layer, "moved"));
        assert!(here == all && there.is_empty() || here.is_empty() && there == all, "{round}: {here:?} {there:?}");
        *if there.is_empty() { &mut before } else { &mut after } += 1;
    }
    println!("killed before it was done {before} times, after it {after}");
    assert!(after > 0);
}

#[test]
fn alternate_streams_lie_in_the_layer() {
    let state = State::new();
    let work = tempfile::tempdir_in(product::folder()).unwrap();
    let program = guest::program("streams");
    let good = |sandbox: Sandbox, args: &[&str]| {
        let outcome = state.run(sandbox, program.to_str().unwrap(), args);
        assert!(outcome.lines().contains(" 0 failures"), "{args:?}: {}\n{}", outcome.lines(), outcome.errors());
    };
    // On a folder of the host, in a layer in memory, and in one that is kept.
    good(state.sandbox().mount_rw(work.path(), "C:\\work"), &["C:\\work"]);
    assert!(
        fs::read_dir(work.path()).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().contains(':'))
    );
    good(state.sandbox(), &["C:\\"]);
    good(state.sandbox().option("--persist", "kept"), &["C:\\users\\user"]);
    good(state.sandbox().option("--persist", "kept"), &["C:\\users\\user", "left"]);
    // Nothing is left of streams that were deleted: of two files, one each.
    assert_eq!(fs::read_dir(state.layer("kept").join("streams")).unwrap().count(), 2);
    state.tool(&["commit", "kept", "sealed"]).success();
    good(state.sandbox().option("--layer", "sealed"), &["C:\\users\\user", "left"]);
    let refused =
        state.run(state.sandbox().mount(work.path(), "C:\\ro"), "cmd.exe", &["/c", "echo x> C:\\ro\\left.txt:s"]);
    assert!((refused.lines() + &refused.errors()).contains("denied"), "{refused:?}");
}

#[test]
fn a_layer_with_paths_longer_than_linux_takes_is_compared_sealed_and_removed() {
    let state = State::new();
    let program = guest::program("names");
    let kept = state.sandbox().option("--persist", "deep");
    let outcome = state.run(kept, program.to_str().unwrap(), &["deep", "C:\\deep"]);
    assert!(outcome.lines().contains(" 0 failures"), "{outcome:?}");
    let diff = state.tool(&["diff", "deep"]).success().lines();
    assert!(diff.lines().any(|line| line.len() > 31_000 && line.contains("file.txt")), "the deepest is told");
    state.tool(&["commit", "deep", "sealed"]).success();
    let out = state.0.path().join("out");
    fs::create_dir(&out).unwrap();
    state.tool(&["export", "deep", "C:\\deep", out.to_str().unwrap()]).success();
    let over = state.sandbox().option("--layer", "sealed");
    let found = state.run(over, program.to_str().unwrap(), &["deeper", "C:\\deep"]);
    assert!(found.lines().contains(" 0 failures"), "{found:?}");
    state.tool(&["layers", "remove", "deep", "sealed"]).success();
    assert_eq!(fs::read_dir(state.0.path().join("layers")).unwrap().count(), 0);
}

#[test]
fn trees_deeper_than_a_stack_are_compared_sealed_copied_and_removed() {
    const DEPTH: usize = 1200;
    let state = State::new();
    state.cmd("deep", "mkdir C:\\deep");
    let top = state.layer("deep").join("drive/deep");
    let below = |from: &std::path::Path| {
        let mut at = std::os::fd::OwnedFd::from(fs::File::open(from).unwrap());
        let mut depth = 0;
        while let Ok(next) = openat(&at, "d", OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty()) {
            at = next;
            depth += 1;
        }
        (at, depth)
    };
    let mut at = below(&top).0;
    for _ in 0..DEPTH {
        mkdirat(&at, "d", Mode::S_IRWXU).unwrap();
        at = openat(&at, "d", OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty()).unwrap();
    }
    drop(openat(&at, "f.txt", OFlag::O_CREAT | OFlag::O_WRONLY, Mode::S_IRWXU).unwrap());
    // As little as a shell gives.
    let tool = |args: &[&str]| {
        let script = "ulimit -n 256; ulimit -s 1024; exec \"$0\" \"$@\"";
        Run::new("sh")
            .arg("-c")
            .arg(script)
            .arg(product::secmon())
            .args(args)
            .env("PORTCULLIS_STATE", state.0.path())
            .run()
            .success()
    };
    assert!(tool(&["diff", "deep"]).lines().lines().any(|line| line.len() > 2 * DEPTH && line.contains("f.txt")));
    tool(&["commit", "deep", "sealed"]);
    let out = state.0.path().join("out");
    fs::create_dir(&out).unwrap();
    tool(&["export", "deep", "C:\\deep", out.to_str().unwrap()]);
    for copy in [state.layer("sealed").join("drive/deep"), out.join("deep")] {
        let (last, depth) = below(&copy);
        assert_eq!(depth, DEPTH);
        openat(&last, "f.txt", OFlag::O_RDONLY, Mode::empty()).unwrap();
    }
    tool(&["layers", "remove", "deep", "sealed"]);
    assert_eq!(fs::read_dir(state.0.path().join("layers")).unwrap().count(), 0);
    // No path of it is short enough for who would remove it.
    Run::new("rm").arg("-r").arg(&out).run().success();
}

#[test]
fn each_drive_tells_of_its_own_volume() {
    let state = State::new();
    let program = guest::program("volumes");
    let (one, two) =
        (tempfile::tempdir_in(product::folder()).unwrap(), tempfile::tempdir_in(product::folder()).unwrap());
    let about = |scratch: &str, kept: bool| -> Vec<Vec<String>> {
        let sandbox =
            state.sandbox().option("--scratch", scratch).mount_rw(one.path(), "D:\\").mount(two.path(), "E:\\");
        let sandbox = if kept { sandbox.option("--persist", "volume") } else { sandbox };
        let outcome = state.run(sandbox, program.to_str().unwrap(), &["C:\\", "D:\\", "E:\\", "F:\\"]);
        assert!(outcome.lines().contains(" 0 failures"), "{outcome:?}");
        let lines = outcome.lines();
        let lines = lines.lines().filter(|line| line.starts_with("before ") || line.starts_with("after "));
        lines.map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    };
    // before|after ROOT label TEXT serial NUMBER system NAME flags NUMBER available BYTES total BYTES type NUMBER
    let number = |line: &[String], at: usize| line[at].parse::<u64>().unwrap();
    for kept in [false, true] {
        let (lines, others) = (about("48M", kept), about("96M", kept));
        assert_eq!(lines.len(), 8, "{lines:?}");
        let of = |root: &str, when: &str| lines.iter().find(|line| line[1] == root && line[0] == when).unwrap().clone();
        let (c, d, e) = (of("C:\\", "before"), of("D:\\", "before"), of("E:\\", "before"));
        assert!(of("F:\\", "before").contains(&"error".to_owned()), "there is no such drive: {lines:?}");
        // Another drive is another volume, and a drive is the same one each time.
        assert!(c[5] != d[5] && [&c, &d, &e].iter().all(|line| line[7] == "NTFS"), "{lines:?}");
        assert_eq!(c[5], others[0][5]);
        // Drive C has what --scratch says, and what is written is taken from it.
        for (lines, most) in [(&lines, 48 << 20), (&others, 96 << 20)] {
            let c = &lines[0];
            assert!((most / 2..=most).contains(&number(c, 11)) && number(c, 13) <= most, "{most}: {c:?}");
        }
        if !kept {
            let (before, after) = (number(&c, 11), number(&of("C:\\", "after"), 11));
            assert!((8 << 20..10 << 20).contains(&(before - after)), "{before} {after}");
        }
        // A folder of the host has what the host's file system has.
        assert!(number(&d, 13) > 96 << 20, "{d:?}");
    }
}

#[test]
fn names_that_differ_only_in_letter_case_on_the_host_are_one_at_a_time() {
    let state = State::new();
    let work = tempfile::tempdir_in(product::folder()).unwrap();
    let put = |name: &str, text: &str| fs::write(work.path().join(name), text).unwrap();
    put("Same.txt", "mixed");
    put("SAME.TXT", "upper");
    put("same.txt", "lower");
    fs::create_dir(work.path().join("Dir")).unwrap();
    fs::create_dir(work.path().join("DIR")).unwrap();
    put("Dir/in.txt", "in Dir");
    put("DIR/in.txt", "in DIR");
    if fs::read_dir(work.path()).unwrap().count() != 5 {
        println!("not done: this host's names have no letter case");
        return;
    }
    let sees = |command: &str| {
        let outcome = state.run(state.sandbox().mount_rw(work.path(), "C:\\w"), "cmd.exe", &["/c", command]);
        outcome.lines() + &outcome.errors()
    };
    // A name as it is written is the one that is meant; another spelling means one of them, always the same.
    assert_eq!(
        sees(
            "type C:\\w\\Same.txt & type C:\\w\\SAME.TXT & type C:\\w\\same.txt & type C:\\w\\Dir\\IN.TXT & type C:\\w\\DIR\\in.txt"
        ),
        "mixedupperlowerin Dirin DIR"
    );
    let other = sees("type C:\\w\\sAME.txt");
    assert!(["mixed", "upper", "lower"].contains(&other.as_str()), "{other}");
    assert_eq!(sees("type C:\\W\\sAME.txt"), other);
    // What is changed is the one that was named, the others stay.
    sees("echo more>> C:\\w\\SAME.TXT & del C:\\w\\same.txt & ren C:\\w\\Same.txt other.txt");
    let read = |name: &str| fs::read_to_string(work.path().join(name)).ok();
    assert_eq!(
        (read("SAME.TXT").as_deref(), read("same.txt"), read("other.txt").as_deref()),
        (Some("uppermore \r\n"), None, Some("mixed"))
    );
    // A new name that is there in another letter case is that one.
    sees("echo new> C:\\w\\saMe.tXt & mkdir C:\\w\\OTHER.TXT");
    let mut names: Vec<_> =
        fs::read_dir(work.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["DIR", "Dir", "SAME.TXT", "other.txt"]);
    assert_eq!(read("SAME.TXT").as_deref(), Some("new \r\n"));
}

#[test]
fn reparse_points_are_kept_with_the_layer() {
    let state = State::new();
    let program = guest::program("links");
    let good = |sandbox: Sandbox, what: &str| {
        let outcome = state.run(sandbox, program.to_str().unwrap(), &[what, "C:\\links"]);
        assert!(outcome.lines().contains(" 0 failures"), "{what}: {}\n{}", outcome.lines(), outcome.errors());
    };
    let kept = || state.sandbox().option("--persist", "kept");
    good(kept(), "leave");
    good(kept(), "look");
    let diff = state.tool(&["diff", "kept"]).success().lines();
    assert!(["\\links\\j ", "\\links\\s ", "\\links\\real\\a.txt "].iter().all(|name| diff.contains(name)), "{diff}");
    state.tool(&["commit", "kept", "sealed"]).success();
    good(state.sandbox().option("--layer", "sealed"), "look");
    // They are the sandbox's: on the host nothing leads where they say.
    let out = state.0.path().join("out");
    fs::create_dir(&out).unwrap();
    state.tool(&["export", "kept", "C:\\links", out.to_str().unwrap()]).success();
    assert_eq!(fs::read_to_string(out.join("links/real/a.txt")).unwrap(), "one");
    for link in ["j", "s", "out"] {
        assert!(fs::symlink_metadata(out.join("links").join(link)).is_ok_and(|meta| meta.is_file()), "{link}");
    }
}

#[test]
fn no_way_leads_out_of_a_layer() {
    let state = State::new();
    let program = guest::program("escape_layers");
    let outside = state.0.path().join("outside");
    fs::create_dir(&outside).unwrap();
    state.cmd("attacked", "echo SECRET> C:\\control");
    let layer = state.layer("attacked");
    // Beside the layer, above it, and behind links that somebody put on its drive on the host.
    for place in [layer.parent().unwrap().join("secret"), state.0.path().join("secret"), outside.join("secret")] {
        fs::write(place, "SECRET").unwrap();
    }
    symlink(&outside, layer.join("drive/link")).unwrap();
    symlink(outside.join("secret"), layer.join("drive/file-link")).unwrap();
    symlink("../..", layer.join("drive/up")).unwrap();
    let run = |args: &[&str]| {
        let sandbox = state.sandbox().option("--persist", "attacked").mount(&outside, "C:\\mounted");
        state.run(sandbox, program.to_str().unwrap(), args)
    };
    assert!(run(&["C:\\control"]).lines().contains("FOUND"), "what is found is said");
    let kept = |name: &str| fs::read(layer.join(name)).unwrap();
    let (format, names) = (kept("format"), |folder: &std::path::Path| {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    });
    let before = (names(&outside), names(state.0.path()), names(layer.parent().unwrap()), names(&layer));
    let outcome = run(&[]);
    assert!(outcome.lines().contains(" 0 failures") && !outcome.lines().contains("FOUND"), "{outcome:?}");
    assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "SECRET");
    assert_eq!(before, (names(&outside), names(state.0.path()), names(layer.parent().unwrap()), names(&layer)));
    assert_eq!(format, kept("format"));
    assert_eq!(state.cmd("attacked", "echo ran").trim(), "ran");
}

#[test]
fn a_disk_that_is_full_loses_nothing() {
    let state = State::new();
    let Some(small) = Small::new(state.0.path().join("layers"), "6m") else { return };
    let first = state.cmd("full", "echo kept> C:\\kept.txt & reg add HKCU\\Software\\Mine /v a /d first >nul");
    if first.contains("cannot hold a layer") {
        println!("not done: {first}");
        return;
    }
    let fill = "for /l %i in (1,1,60) do @copy C:\\windows\\system32\\ntdll.dll C:\\copy%i.dll >nul || (echo stopped & exit 7)";
    assert!(state.cmd("full", fill).contains("stopped"));
    while fs::write(small.0.join("rest"), vec![0; 1 << 20]).is_ok() {
        fs::rename(small.0.join("rest"), small.0.join(format!("rest{}", fs::read_dir(&small.0).unwrap().count())))
            .unwrap();
    }
    // Files and registry say so, and what was there stays.
    let said = state.cmd(
        "full",
        "(echo more> C:\\more.txt || echo refused) & reg add HKCU\\Software\\Mine /v b /d second & type C:\\kept.txt & reg query \
         HKCU\\Software\\Mine",
    );
    assert!(said.contains("kept") && said.contains("first"), "{said}");
    let new = state.cmd("new", "echo ran");
    assert!(new.contains("No space left on device") || new.trim() == "ran", "{new}");
    for entry in fs::read_dir(&small.0).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        fs::remove_file(entry.path()).unwrap();
    }
    let after =
        state.cmd("full", "del C:\\copy*.dll & echo again> C:\\again.txt & type C:\\kept.txt & type C:\\again.txt");
    assert!(after.contains("kept") && after.contains("again"), "{after}");
}

#[test]
fn mounts_that_lie_in_each_other_or_are_links_mean_what_is_written() {
    let state = State::new();
    let top = state.0.path();
    for folder in ["a", "b", "a/inner", "far"] {
        fs::create_dir(top.join(folder)).unwrap();
        fs::write(top.join(folder).join("which"), folder).unwrap();
    }
    symlink(top.join("far"), top.join("link")).unwrap();
    let sees = |sandbox: Sandbox, command: &str| {
        let outcome = state.run(sandbox, "cmd.exe", &["/c", command]);
        outcome.lines() + &outcome.errors()
    };
    // One in another, in whatever order they are given; the inner one covers what the outer has there.
    let (outer, inner) = ((top.join("a"), "C:\\m"), (top.join("b"), "C:\\m\\inner"));
    for pair in [[&outer, &inner], [&inner, &outer]] {
        let sandbox = pair.iter().fold(state.sandbox(), |sandbox, (host, guest)| sandbox.mount(host, guest));
        let seen = sees(sandbox, "type C:\\m\\which & echo. & type C:\\M\\INNER\\which & echo. & dir /b C:\\m");
        let lines: Vec<_> = seen.split_whitespace().collect();
        assert_eq!(lines, ["a", "b", "inner", "which"], "{seen}");
    }
    // The same folder twice, once to be written.
    let twice = state.sandbox().mount(&top.join("a"), "C:\\ro").mount_rw(&top.join("a"), "C:\\rw");
    let seen = sees(twice, "(echo x> C:\\ro\\new || echo refused) & echo y> C:\\rw\\new & type C:\\ro\\new");
    assert!(seen.contains("denied") || seen.contains("refused"), "{seen}");
    assert_eq!(fs::read_to_string(top.join("a/new")).unwrap().trim(), "y");
    // A link on the host is what it leads to, and what it does not lead to is told.
    assert!(sees(state.sandbox().mount(&top.join("link"), "C:\\m"), "type C:\\m\\which").contains("far"));
    fs::remove_dir_all(top.join("far")).unwrap();
    let missing = sees(state.sandbox().mount(&top.join("link"), "C:\\m"), "echo ran");
    assert!(missing.contains("link") && !missing.contains("ran\r"), "{missing}");
    // The installed Windows is covered by nothing.
    for place in ["C:\\windows", "C:\\windows\\web"] {
        let over = sees(state.sandbox().mount(&top.join("b"), place), "echo ran");
        assert!(over.contains(&format!("{place}: the guest's own system lies there")), "{over}");
    }
    // Two that want the same place.
    let both = sees(state.sandbox().mount(&top.join("a"), "C:\\m").mount(&top.join("b"), "c:\\M"), "type C:\\m\\which");
    assert!(both.contains("two mounts at C:\\M"), "{both}");
}

/// What is left of a folder of state when half of it was deleted: each piece is told of, and the others go on.
#[test]
fn a_state_folder_of_which_half_is_gone_loses_nothing_more() {
    let state = State::new();
    state.cmd("whole", "echo kept> C:\\kept.txt");
    for (name, piece) in [
        ("no-drive", "drive"),
        ("no-gone", "gone"),
        ("no-streams", "streams"),
        ("no-registry", "registry"),
        ("no-lock", "lock"),
    ] {
        state.cmd(name, "echo kept> C:\\kept.txt & reg add HKCU\\Software\\Mine /v a /d first >nul");
        let path = state.layer(name).join(piece);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
        let said = state.cmd(name, "echo ran & type C:\\kept.txt");
        assert!(said.contains("ran") || said.contains("damaged"), "{name}: {said}");
        assert!(piece == "drive" || said.contains("kept"), "{name}: {said}");
    }
    assert!(state.cmd("whole", "type C:\\kept.txt").contains("kept"));
    assert_eq!(
        state.tool(&["layers", "list"]).success().lines().lines().filter(|line| line.contains("no-")).count(),
        5
    );
}

#[test]
fn a_layer_that_is_kept_holds_no_more_than_it_may() {
    let state = State::new();
    let limited = || state.sandbox().option("--persist", "full").option("--scratch", "2M");
    let fill = "for /l %i in (1,1,400) do @copy C:\\windows\\system32\\ntdll.dll C:\\copy%i.dll >nul || (echo stopped & exit 7)";
    let outcome = state.run(limited(), "cmd.exe", &["/c", fill]);
    assert!(outcome.lines().contains("stopped"), "{outcome:?}");
    // It opens, and what is taken away makes room again.
    let after = state.run(limited(), "cmd.exe", &["/c", "del C:\\copy*.dll & dir C:\\"]);
    let again = state.run(limited(), "cmd.exe", &["/c", "echo x> C:\\x.txt & type C:\\x.txt"]);
    assert!(again.lines().contains('x'), "{after:?} {again:?}");
}

/// Kills the monitor in the middle of a program that changes files and registry: each time the layer opens, all that the program
/// was told is done is there, and nothing is half there. `PORTCULLIS_ROUNDS` has it done more often.
#[test]
fn what_is_killed_leaves_a_layer_that_opens() {
    let state = State::new();
    let rounds = std::env::var("PORTCULLIS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6);
    let mut dice = std::hash::Hasher::finish(&std::hash::BuildHasher::build_hasher(&std::hash::RandomState::new()));
    println!("dice {dice}");
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (dice >> 33) % sides
    };
    let (mut done, mut perhaps) = (Vec::<String>::new(), Vec::<String>::new());
    let keeper = guest::program("keeper");
    for round in 0..rounds {
        let mut run = state.sandbox().option("--persist", "killed").program(&keeper).arg((round * 20).to_string());
        let command = run.command().env("PORTCULLIS_STATE", state.0.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (enough, wait) = (roll(70) as usize, roll(3000));
        let before = done.len();
        done.extend(lines.by_ref().take(enough).map(|line| line.trim().to_owned()));
        std::thread::sleep(std::time::Duration::from_micros(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        // It went on while nobody listened, and perhaps for a moment after its monitor was gone.
        perhaps.extend(lines.map(|line| line.trim().to_owned()));
        assert!(done.len() >= before + enough, "round {round}: it ended by itself: {:?}", done.last());
        check_what_was_done(&state, &done, &perhaps);
    }
    let found = state.run(state.sandbox().option("--persist", "killed"), keeper.to_str().unwrap(), &["look"]).lines();
    for line in &done {
        if let Some(name) = line.strip_prefix("set ") {
            assert!(found.lines().any(|found| found.trim() == format!("value {name}")), "{name}");
        }
    }
}

fn check_what_was_done(state: &State, done: &[String], perhaps: &[String]) {
    let layer = state.layer("killed");
    let drive = layer.join("drive");
    let gone = |name: &str| {
        let folded = format!("WINDOWS/SYSTEM32/{}", name.to_uppercase());
        fs::read_dir(layer.join("gone")).unwrap().any(|link| fs::read_link(link.unwrap().path()).unwrap() == *folded)
    };
    let delta = Delta::of(read(&fs::read(layer.join("registry")).unwrap_or_default()));
    let wide = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    let find = |delta: &Delta, name: &str| delta.keys.get(&folded(&wide(name))).cloned();
    let user = find(&delta, "User").and_then(|user| user.keys.values().find_map(|user| find(user, "Software")));
    let keeper = user.and_then(|software| find(&software, "Keeper")).unwrap_or_default();
    for line in done {
        let Some((what, name)) = line.split_once(' ') else { continue };
        let there = |end: &str| fs::read_to_string(drive.join(format!("keeper/{name}.{end}"))).ok();
        let text = format!("what {name} is\n");
        let later = |what: &str| [done, perhaps].concat().contains(&format!("{what} {name}"));
        match what {
            // The next change may be made and not yet told of.
            "written" if !later("renamed") => {
                let any = ["new", "old", "gone"].iter().filter(|end| there(end).is_some()).count();
                assert!(any == 1, "{line}: {any} names");
            }
            "renamed" => {
                assert!(there("new").is_none(), "{line}");
                let index: usize = name.rsplit('-').next().unwrap().parse().unwrap();
                assert!(index.is_multiple_of(3) || there("old") == Some(text), "{line}");
            }
            "deleted" => assert!(there("new").or(there("gone")).is_none(), "{line}"),
            "set" => {
                let set = keeper.values.get(&folded(&wide(name)));
                let data: Vec<u8> = wide(&text).into_iter().chain([0]).flat_map(u16::to_le_bytes).collect();
                assert_eq!(set.and_then(|set| set.to.clone()), Some((1, data)), "{line}");
            }
            "copied" if !later("hidden") => {
                if let Ok(copy) = fs::read(drive.join("windows/system32").join(name)) {
                    let original = fs::read(product::system_dll(name)).unwrap();
                    // Late runs find no others, and add to the last one again.
                    let added = copy.strip_prefix(&*original).unwrap_or_default();
                    assert!(!added.is_empty() && added.chunks(4).all(|added| added == b"kept"), "{line}");
                } else {
                    assert!(gone(name), "{line}");
                }
            }
            "hidden" => assert!(gone(name) && !drive.join("windows/system32").join(name).exists(), "{line}"),
            _ => assert!(what != "failed", "{line}"),
        }
    }
    // What was not told of is whole too, or not there at all.
    for entry in fs::read_dir(drive.join("windows/system32")).into_iter().flatten().flatten() {
        let original = fs::read(product::system_dll(entry.file_name().to_str().unwrap())).unwrap();
        assert!(fs::read(entry.path()).unwrap().starts_with(&original), "{:?}", entry.path());
    }
}
