//! The whole way without root: an image made and programs run by a user that has no privilege.
//!
//! Root (CI) becomes such a user first, in a mount namespace of its own, where the image's source and the binaries lie in folders that
//! everybody may enter; a run that is without root already takes itself.

use nix::unistd::{Gid, Uid, geteuid};
use portcullis::command::{Outcome, Run};
use portcullis::{guest, product};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Nobody on every Linux: owns nothing, may do nothing.
const NOBODY: u32 = 65534;

/// Where a plain user finds everything.
struct Place {
    top: tempfile::TempDir,
    user: u32,
    source: PathBuf,
}

impl Place {
    /// Made once: binaries, guest programs, a home folder, and an image that the user made.
    fn get() -> &'static Place {
        static PLACE: OnceLock<Place> = OnceLock::new();
        PLACE.get_or_init(|| {
            let top = tempfile::tempdir().unwrap();
            let user = if geteuid().is_root() { NOBODY } else { geteuid().as_raw() };
            fs::set_permissions(top.path(), Permissions::from_mode(0o755)).unwrap();
            let bin = top.path().join("bin");
            fs::create_dir(&bin).unwrap();
            for name in ["secmon", "portcullis-manage", "portcullis-runtime", "portcullis-mkimage"] {
                fs::copy(product::folder().join(name), bin.join(name)).unwrap();
            }
            for name in ["process", "children", "stdio"] {
                fs::copy(guest::program(name), bin.join(format!("{name}.exe"))).unwrap();
            }
            fs::create_dir(top.path().join("libwine")).unwrap();
            for name in ["home", "home/data"] {
                let home = top.path().join(name);
                fs::create_dir(&home).unwrap();
                if geteuid().is_root() {
                    chown(&home, Some(Uid::from_raw(user).as_raw()), Some(Gid::from_raw(user).as_raw())).unwrap();
                }
            }
            let dll = product::system_dll("ntdll.dll");
            let text = dll.to_str().unwrap();
            let source = PathBuf::from(&text[..text.find("/usr/lib/").expect("an installed libwine")]);
            let place = Place { top, user, source };
            place.tool("image").args(["build", "--quiet", "--source", "libwine"]).run().success();
            place
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    /// `secmon` as the plain user, in the place's folder.
    fn tool(&self, verb: &str) -> Run {
        let run = if geteuid().is_root() {
            let script = "mount --make-rprivate / && mount --bind \"$1\" libwine && shift && exec setpriv --reuid $1 --regid $1 \
                          --clear-groups --inh-caps -all --bounding-set -all --no-new-privs \"${@:2}\"";
            Run::new("unshare")
                .args(["-m", "bash", "-c", script, "bash"])
                .arg(if self.source.as_os_str().is_empty() { Path::new("/") } else { &self.source })
                .arg(self.user.to_string())
                .arg(self.path("bin/secmon"))
        } else {
            let link = self.path("libwine/usr");
            if !link.exists() {
                std::os::unix::fs::symlink(self.source.join("usr"), link).unwrap();
            }
            Run::new(self.path("bin/secmon"))
        };
        run.arg(verb)
            .dir(self.top.path())
            .env("HOME", self.path("home"))
            .env("XDG_CACHE_HOME", self.path("home/cache"))
            .env("PORTCULLIS_IMAGE", self.path("home/image"))
    }

    fn run(&self, args: &[&str]) -> Outcome {
        self.tool("run").args(args).run()
    }
}

#[test]
fn programs_run_without_root() {
    let place = Place::get();
    assert_eq!(place.run(&["--", "bin/process.exe", "return", "7"]).status, 7);
    let echo = place.tool("run").args(["--", "bin/stdio.exe", "cat"]).input(b"a\r\nb\n".to_vec()).run();
    assert_eq!((echo.status, echo.text().as_str()), (0, "a\r\nb\n"), "{echo:?}");
}

#[test]
fn limits_without_root_are_kept_or_said_not_to_be() {
    let place = Place::get();
    let limits = ["--memory", "128M", "--cpus", "0.5", "--cpu-weight", "20", "--cpuset", "0", "--pids", "500"];
    let explained = place.tool("run").args(limits).args(["--explain", "--", "bin/process.exe"]).run().success().lines();
    for limit in ["cpuset 0: by the affinity", "memory: by ", "cpus: ", "cpu-weight: by ", "pids: "] {
        assert!(explained.contains(limit), "{limit}: {explained}");
    }
    let outcome = place.tool("run").args(limits).args(["--", "bin/process.exe", "return", "7"]).run();
    assert_eq!(outcome.status, 7, "{outcome:?}");
}

#[test]
fn children_run_without_root() {
    let place = Place::get();
    let outcome = place.run(&["--mount", "home/data=C:\\work:rw", "--workdir", "C:\\work", "--", "bin/children.exe"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.lines().contains(" 0 failures"), "{outcome:?}");
}

#[test]
fn files_belong_to_the_user_and_others_stay_closed() {
    let place = Place::get();
    let cmd = "C:\\windows\\system32\\cmd.exe";
    let work = ["--mount", "home/data=C:\\work:rw", "--workdir", "C:\\work", "--", cmd, "/c"];
    let command = |text: &str| place.run(&[&work[..], &[text]].concat());
    let outcome = command("echo hello>mine.txt");
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let made = fs::metadata(place.path("home/data/mine.txt")).unwrap();
    assert_eq!(
        (made.uid(), fs::read(place.path("home/data/mine.txt")).unwrap().as_slice()),
        (place.user, &b"hello\r\n"[..])
    );

    // What the host's permissions close is closed, whatever was granted.
    let secret = place.path("home/data/secret.txt");
    fs::write(&secret, "hidden treasure").unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o000)).unwrap();
    let outcome = command("type secret.txt");
    assert!(!outcome.text().contains("treasure") && outcome.status != 0, "{outcome:?}");
    let readable = command("type mine.txt");
    assert_eq!(readable.text(), "hello\r\n", "the same way reads what is open: {readable:?}");
}

#[test]
fn a_layer_is_kept_without_root() {
    let place = Place::get();
    let tool = |verb: &str| place.tool(verb).env("PORTCULLIS_STATE", place.path("home/layers-state"));
    let cmd = |command: &str| {
        let outcome = tool("run").args(["--persist=mine", "--", "C:\\windows\\system32\\cmd.exe", "/c", command]).run();
        outcome.lines() + &outcome.errors()
    };
    let made = cmd(
        "echo kept> C:\\kept.txt & echo more>> C:\\windows\\system.ini & del C:\\windows\\win.ini & echo s> C:\\kept.txt:side \
                    & mkdir C:\\windows\\new & reg add HKCU\\Software\\Mine /v a /d first >nul",
    );
    assert_eq!(made.trim(), "");
    let found =
        cmd("type C:\\kept.txt & more < C:\\kept.txt:side & dir /b C:\\windows & reg query HKCU\\Software\\Mine");
    assert!(["kept", "s", "system.ini", "new", "first"].iter().all(|there| found.contains(there)), "{found}");
    assert!(!found.contains("win.ini"), "{found}");
    let layer = fs::metadata(place.path("home/layers-state/layers/mine/drive/kept.txt")).unwrap();
    assert_eq!(layer.uid(), place.user);
    assert!(tool("diff").arg("mine").run().success().lines().contains("C:\\kept.txt"));
    tool("commit").args(["mine", "sealed"]).run().success();
    tool("layers").args(["remove", "mine", "sealed"]).run().success();
}

#[test]
fn sandboxes_are_managed_without_root() {
    let place = Place::get();
    let state =
        |verb: &str| place.tool(verb).env("PORTCULLIS_STATE", "").env("XDG_STATE_HOME", place.path("home/state"));
    let share = ["--mount", "home/data=C:\\work", "--memory", "512M"];
    state("start").args(["--name", "mine"]).args(share).run().success();
    let exec =
        state("exec").args(["mine", "--", "C:\\windows\\system32\\cmd.exe", "/c", "more& exit 3"]).input("in\r\n");
    let outcome = exec.run();
    assert_eq!((outcome.status, outcome.lines().trim()), (3, "in"), "{outcome:?}");
    let stats = state("stats").args(["--no-stream", "--raw"]).run().success().text();
    assert!(stats.contains("\"Name\":\"mine\""), "{stats}");
    let folder = fs::metadata(place.path("home/state/portcullis/sandboxes")).unwrap();
    assert_eq!((folder.uid(), folder.mode() & 0o777), (place.user, 0o700));
    state("stop").args(["mine", "--rm"]).run().success();
    assert_eq!(
        state("list").arg("--all").run().success().text().lines().count(),
        1,
        "only the head of the table is left"
    );
}

#[test]
fn the_doctor_finds_nothing_missing_but_what_needs_root() {
    let outcome = Place::get().tool("doctor").run();
    let text = outcome.lines();
    for line in ["a process in namespaces of its own can be made", "seccomp filters", "openat2 confines names"] {
        assert!(text.lines().any(|l| l.starts_with("ok") && l.contains(line)), "{text}");
    }
}
