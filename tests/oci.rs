//! The OCI runtime: by itself, and under podman as Debian installs it.

use portcullis::command::{Outcome, Run};
use portcullis::tree;
use portcullis::twin::here;
use portcullis::{guest, product, programs};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Waits until something holds.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A container's root: the guest program in a folder, 7-Zip at the top, and a text.
fn root(at: &Path) {
    fs::create_dir_all(at.join("app")).unwrap();
    fs::copy(guest::program("container"), at.join("app/container.exe")).unwrap();
    fs::copy(programs::windows("7za"), at.join("7za.exe")).unwrap();
    fs::write(at.join("app/text.txt"), "from the image\n").unwrap();
}

/// The executable that an engine is given.
fn runtime(folder: &Path) -> PathBuf {
    let link = folder.join("portcullis-oci");
    std::os::unix::fs::symlink(product::folder().join("portcullis-manage"), &link).unwrap();
    link
}

// --- by itself

struct Bundle {
    folder: tempfile::TempDir,
    runtime: PathBuf,
}

impl Bundle {
    fn new(change: impl FnOnce(&mut Value)) -> Bundle {
        product::image();
        let folder = tempfile::tempdir().unwrap();
        root(&folder.path().join("rootfs"));
        let mut config = json!({
            "ociVersion": "1.0.2",
            "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/app", "env": ["LEVEL=3"],
                        "args": ["/app/container.exe", "about", "x y"]},
            "root": {"path": "rootfs"}, "hostname": "crate",
            "linux": {"namespaces": [{"type": "mount"}]},
        });
        change(&mut config);
        fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let runtime = runtime(folder.path());
        Bundle { folder, runtime }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn oci(&self, arguments: &[&str]) -> Outcome {
        // What the container writes goes to files: it lives on when the command is over.
        let script = "exec \"$0\" \"$@\" </dev/null >>\"$OUT\" 2>>\"$OUT.err\"";
        let mut run = Run::new("sh").arg("-c").arg(script).arg(&self.runtime).arg("--root").arg(self.path("state"));
        run = run.arg("--log").arg(self.path("log")).arg("--log-format").arg("json").args(arguments);
        run.env("OUT", self.path("out")).run()
    }

    fn create(&self) -> Outcome {
        let (folder, pid) = (self.folder.path().to_str().unwrap(), self.path("pid"));
        self.oci(&["create", "--bundle", folder, "--pid-file", pid.to_str().unwrap(), "one"])
    }

    fn out(&self) -> String {
        fs::read_to_string(self.path("out")).unwrap_or_default().replace('\r', "")
    }

    fn state(&self) -> Value {
        let done = Run::new(&self.runtime).arg("--root").arg(self.path("state")).args(["state", "one"]).run().success();
        serde_json::from_slice(&done.out).unwrap()
    }

    fn status(&self) -> String {
        self.state()["status"].as_str().unwrap().to_owned()
    }

    /// What the engine reads when a command failed.
    fn said(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let last: Value = serde_json::from_str(log.lines().last().unwrap_or("null")).unwrap();
        assert_eq!(last["level"], "error");
        last["msg"].as_str().unwrap().to_owned()
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        self.oci(&["delete", "--force", "one"]);
    }
}

/// Namespaces and mounts need rights that whoever runs these tests may lack.
fn privileged() -> bool {
    let done = Run::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "x", "/mnt"]).run();
    if done.status != 0 {
        eprintln!("skipped: this user may not mount: {}", done.errors().trim());
    }
    done.status == 0
}

#[test]
fn a_container_is_made_started_and_removed() {
    if !privileged() {
        return;
    }
    let bundle = Bundle::new(|_| {});
    bundle.create().success();
    let state = bundle.state();
    assert_eq!(state["status"], "created");
    assert_eq!(state["pid"].to_string(), fs::read_to_string(bundle.path("pid")).unwrap());
    assert_eq!(state["bundle"], bundle.folder.path().to_str().unwrap());
    assert_eq!(bundle.out(), "", "nothing runs before it is started");
    assert_ne!(bundle.create().status, 0);
    assert!(bundle.said().contains("exists already"), "{}", bundle.said());

    bundle.oci(&["start", "one"]).success();
    until("the end", || bundle.status() == "stopped");
    assert_eq!(bundle.out(), "computer CRATE\nfolder C:\\app\nargument x y\nLEVEL=3 PATH=ours\n");
    assert_ne!(bundle.oci(&["start", "one"]).status, 0);
    assert_ne!(bundle.oci(&["kill", "one", "TERM"]).status, 0);
    bundle.oci(&["delete", "one"]).success();
    assert_ne!(bundle.oci(&["state", "one"]).status, 0);
    assert!(bundle.said().contains("does not exist"));
    assert_eq!(fs::read_dir(bundle.path("state")).unwrap().count(), 0);
}

#[test]
fn a_running_container_is_killed_before_it_is_removed() {
    if !privileged() {
        return;
    }
    let bundle = Bundle::new(|config| config["process"]["args"] = json!(["C:\\app\\container.exe", "sleep"]));
    bundle.create().success();
    bundle.oci(&["start", "one"]).success();
    until("the program", || bundle.out().contains("asleep"));
    assert_eq!(bundle.status(), "running");
    assert_ne!(bundle.oci(&["delete", "one"]).status, 0);
    assert!(bundle.said().contains("running"));
    assert_ne!(bundle.oci(&["kill", "one", "USR1"]).status, 0);
    assert_eq!(bundle.status(), "running", "a signal that Windows does not have ends nothing");
    let pid = fs::read_to_string(bundle.path("pid")).unwrap();
    bundle.oci(&["kill", "one", "KILL"]).success();
    until("the end", || bundle.status() == "stopped");
    bundle.oci(&["kill", "--all", "one", "KILL"]).success();
    bundle.oci(&["delete", "one"]).success();
    let process = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(process.is_empty() || process.contains(") Z "), "{process}");
}

#[test]
fn a_container_is_asked_to_end_before_it_is_killed() {
    if !privileged() {
        return;
    }
    // CTRL_CLOSE_EVENT is 2, CTRL_C_EVENT 0, CTRL_BREAK_EVENT 1.
    for (signal, event) in [("TERM", 2), ("INT", 0), ("QUIT", 1), ("HUP", 2)] {
        let bundle = Bundle::new(|config| config["process"]["args"] = json!(["C:\\app\\container.exe", "closing"]));
        bundle.create().success();
        bundle.oci(&["start", "one"]).success();
        until("the program", || bundle.out().contains("asleep"));
        bundle.oci(&["kill", "one", signal]).success();
        until("the end", || bundle.status() == "stopped");
        assert_eq!(bundle.out(), format!("asleep\nasked {event}\n"), "{signal}");
    }
    let bundle = Bundle::new(|config| config["process"]["args"] = json!(["C:\\app\\container.exe", "stubborn"]));
    bundle.create().success();
    bundle.oci(&["start", "one"]).success();
    until("the program", || bundle.out().contains("asleep"));
    bundle.oci(&["kill", "one", "TERM"]).success();
    until("the question", || bundle.out().contains("asked 2"));
    assert_eq!(bundle.status(), "running", "it has time");
    bundle.oci(&["kill", "one", "KILL"]).success();
    until("the end", || bundle.status() == "stopped");
    // One that was made and not started has no program to ask.
    let bundle = Bundle::new(|_| {});
    bundle.create().success();
    bundle.oci(&["kill", "one", "TERM"]).success();
    until("the end", || bundle.status() == "stopped");
}

#[test]
fn what_is_refused_in_a_container_is_granted_by_its_engine() {
    if !privileged() {
        return;
    }
    let bundle = Bundle::new(|config| {
        config["process"]["args"] = json!(["cmd.exe", "/c", "type C:\\data\\deep\\x.txt & exit 1"]);
    });
    bundle.create().success();
    bundle.oci(&["start", "one"]).success();
    until("the end", || bundle.status() == "stopped");
    let said = fs::read_to_string(bundle.path("out.err")).unwrap();
    assert!(said.contains("C:\\data is not visible: add -v HOSTFOLDER:/data"), "{said}");
    assert!(!said.contains("--mount"), "{said}");
}

#[test]
fn single_files_are_bound() {
    if !privileged() {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    let (one, two) = (outside.path().join("one.txt"), outside.path().join("two.txt"));
    fs::write(&one, "bound\n").unwrap();
    fs::write(&two, "writable\n").unwrap();
    let bundle = Bundle::new(|config| {
        let script = "type C:\\app\\text.txt & type C:\\etc\\new\\hosts.txt & (echo no> C:\\app\\text.txt) & echo more>> C:\\etc\\new\\hosts.txt & dir /b C:\\etc\\new";
        config["process"]["args"] = json!(["cmd.exe", "/c", script]);
        // Over a file of the image, for reading; and where the image has nothing, not even the folder.
        config["mounts"] = json!([
            {"destination": "/app/text.txt", "type": "bind", "source": one, "options": ["rbind", "ro"]},
            {"destination": "/etc/new/hosts.txt", "type": "bind", "source": two, "options": ["rbind", "rw"]},
        ]);
    });
    bundle.create().success();
    bundle.oci(&["start", "one"]).success();
    until("the end", || bundle.status() == "stopped");
    let said = fs::read_to_string(bundle.path("out.err")).unwrap_or_default();
    assert_eq!(bundle.out(), "bound\nwritable\nhosts.txt\n", "{said}");
    assert_eq!(fs::read_to_string(&one).unwrap(), "bound\n", "it is for reading alone");
    assert_eq!(fs::read_to_string(&two).unwrap(), "writable\nmore \r\n");
    assert_eq!(
        fs::read_to_string(bundle.path("rootfs/app/text.txt")).unwrap(),
        "from the image\n",
        "the image's own is as it was"
    );
}

#[test]
fn what_cannot_be_made_leaves_nothing_behind() {
    if !privileged() {
        return;
    }
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 7] = [
        (|config| config["ociVersion"] = json!("3.0"), "ociVersion 3.0"),
        (|config| config["root"]["path"] = json!("nowhere"), "nowhere"),
        (|config| config["process"]["args"] = json!([]), "process.args"),
        (|config| config["process"]["terminal"] = json!(true), "--console-socket"),
        (|config| config["mounts"] = json!([{"destination": "/a", "type": "bind", "source": "/no/such"}]), "/no/such"),
        (|config| config["mounts"] = json!([{"destination": "/a", "type": "nfs", "source": "x"}]), "type `nfs`"),
        (|config| config["linux"]["namespaces"] = json!([{"type": "network", "path": "/no/such/net"}]), "/no/such/net"),
    ];
    for (change, expected) in cases {
        let bundle = Bundle::new(change);
        assert_ne!(bundle.create().status, 0, "{expected}");
        assert!(bundle.said().contains(expected), "{expected}: {}", bundle.said());
        assert!(!bundle.path("state/one").exists(), "{expected}");
    }
    let bundle = Bundle::new(|_| {});
    for id in ["../one", "", "a/b"] {
        assert_ne!(bundle.oci(&["create", "--bundle", bundle.folder.path().to_str().unwrap(), id]).status, 0);
    }
}

#[test]
fn hooks_run_at_their_points() {
    if !privileged() {
        return;
    }
    let points = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
    let bundle = Bundle::new(|config| {
        for point in points {
            let script = format!("read -r state; echo {point} \"$state\" >> \"$TO\"");
            config["hooks"][point] = json!([{"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["TO=@"]}]);
        }
    });
    let config = fs::read_to_string(bundle.path("config.json")).unwrap();
    let to = bundle.path("hooks");
    fs::write(bundle.path("config.json"), config.replace("TO=@", &format!("TO={}", to.display()))).unwrap();
    bundle.create().success();
    bundle.oci(&["start", "one"]).success();
    until("the end", || bundle.status() == "stopped");
    bundle.oci(&["delete", "one"]).success();
    let said = fs::read_to_string(to).unwrap();
    let order: Vec<&str> = said.lines().filter_map(|line| line.split(' ').next()).collect();
    // The program starts with the start, and what comes after that may come before it is there.
    let mut sorted = order.clone();
    sorted.sort_by_key(|point| points.iter().position(|known| known == point));
    assert_eq!(sorted, points);
    assert_eq!((order[0], order[1], order[2], order[5]), (points[0], points[1], points[2], points[5]));
    for line in said.lines() {
        let state: Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
        assert_eq!(state["id"], "one", "{line}");
    }

    let bundle = Bundle::new(|config| config["hooks"]["createRuntime"] = json!([{"path": "/bin/false"}]));
    assert_ne!(bundle.create().status, 0);
    assert!(bundle.said().contains("createRuntime hook /bin/false"), "{}", bundle.said());
}

#[test]
fn links_of_the_image_do_not_lead_a_mount_out_of_it() {
    if !privileged() {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("in")).unwrap();
    let source = outside.path().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("text"), "mounted\n").unwrap();
    let bundle = Bundle::new(|config| {
        config["process"]["args"] = json!(["/app/container.exe", "show", "C:\\app\\deep\\text"]);
        config["mounts"] = json!([{"destination": "/link/deep", "type": "bind", "source": source}]);
    });
    // Within the image it leads to /app; outside it would be another folder.
    std::os::unix::fs::symlink("/../../app", bundle.path("rootfs/link")).unwrap();
    bundle.create().success();
    bundle.oci(&["start", "one"]).success();
    until("the end", || bundle.status() == "stopped");
    assert_eq!(bundle.out(), "mounted\n");
    assert!(!Path::new("/app/deep").exists());
}

/// What Kubernetes has a runtime make first of each pod: a container whose image is a program for Linux that waits.
#[test]
fn a_container_that_keeps_a_pod_together_waits_until_it_is_told() {
    if !privileged() {
        return;
    }
    let bundle = Bundle::new(|config| {
        config["process"]["args"] = json!(["/waits-for-linux"]);
        config["process"]["user"] = json!({"uid": 65535, "gid": 65535});
        config["annotations"] = json!({"io.kubernetes.cri.container-type": "sandbox"});
        config["linux"]["namespaces"] = json!([{"type": "mount"}, {"type": "pid"}, {"type": "network"}]);
    });
    bundle.create().success();
    assert_eq!(bundle.status(), "created");
    bundle.oci(&["start", "one"]).success();
    assert_eq!(bundle.status(), "running");
    let pid = bundle.state()["pid"].to_string();
    until("it is nobody", || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        status.lines().any(|line| line == "Uid:\t65535\t65535\t65535\t65535")
    });
    // Its namespaces are there to be entered, and its root is as it was.
    assert_ne!(fs::read_link(format!("/proc/{pid}/ns/net")).unwrap(), fs::read_link("/proc/self/ns/net").unwrap());
    assert!(!bundle.path("rootfs/System Volume Information").exists());
    bundle.oci(&["kill", "one", "TERM"]).success();
    until("the end", || bundle.status() == "stopped");
    bundle.oci(&["delete", "one"]).success();
    assert_eq!(bundle.out(), "");
}

#[test]
fn features_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime(folder.path());
    let done = Run::new(&runtime).arg("features").run().success();
    let features: Value = serde_json::from_slice(&done.out).unwrap();
    assert_eq!(features["ociVersionMin"], "1.0.0");
    assert!(features["linux"]["namespaces"].as_array().unwrap().contains(&json!("network")));
    let version = Run::new(&runtime).arg("--version").run().success();
    assert!(version.text().contains("spec: 1."), "{version:?}");
}

// --- under podman

/// Limits that a machine without CAP_SYS_RESOURCE can set: podman's own defaults are higher than what a session may have.
const LIMITS: [&str; 4] = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"];

struct Engine {
    folder: tempfile::TempDir,
    runtime: PathBuf,
}

impl Engine {
    /// Podman with a store of its own and an image in it; none where podman cannot even run a Linux program.
    fn new() -> Option<Engine> {
        static WORKS: OnceLock<bool> = OnceLock::new();
        product::image();
        let folder = tempfile::tempdir().unwrap();
        // What podman does when a container ended knows nothing of flags of its runtime: a script says them.
        let script = folder.path().join("runtime");
        let (oci, state) = (runtime(folder.path()), folder.path().join("oci"));
        fs::write(&script, format!("#!/bin/sh\nexec {} --root {} \"$@\"\n", oci.display(), state.display())).unwrap();
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let engine = Engine { folder, runtime: script };
        if !*WORKS.get_or_init(|| engine.works()) {
            return None;
        }
        root(&engine.path("image"));
        engine.import("image", "windows");
        Some(engine)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn import(&self, folder: &str, name: &str) {
        let tar = self.path(&format!("{name}.tar"));
        Run::new("tar").arg("-C").arg(self.path(folder)).arg("-cf").arg(&tar).arg(".").run().success();
        self.podman(&["import", "--quiet", tar.to_str().unwrap(), &format!("localhost/{name}")]).success();
    }

    /// Whether podman runs a static Linux program with Debian's own runtime here.
    fn works(&self) -> bool {
        let program = self.path("linux/true");
        fs::create_dir(self.path("linux")).unwrap();
        let source = self.path("true.c");
        fs::write(&source, "int main(void) { return 0; }").unwrap();
        Run::new("gcc").args(["-static", "-o"]).arg(&program).arg(&source).run().success();
        self.import("linux", "linux");
        let done = self.command("runc", &["run", "--rm", "--network", "none"]).args(LIMITS);
        let done = done.args(["localhost/linux", "/true"]).run();
        if done.status != 0 {
            eprintln!("skipped: podman with runc does not run a Linux program here: {}", done.errors().trim());
        }
        done.status == 0
    }

    fn command(&self, runtime: &str, arguments: &[&str]) -> Run {
        let place = |name: &str| self.path(name).to_str().unwrap().to_owned();
        Run::new("podman")
            .args(["--root", &place("store"), "--runroot", &place("run"), "--tmpdir", &place("tmp")])
            .args(["--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", runtime])
            .args(arguments)
            .limit(Duration::from_secs(120))
    }

    fn podman(&self, arguments: &[&str]) -> Outcome {
        self.command(self.runtime.to_str().unwrap(), arguments).run()
    }

    /// `podman run` with options, then the image, then the program.
    fn run(&self, options: &[&str], program: &[&str]) -> Outcome {
        let mut all = vec!["run"];
        all.extend(LIMITS);
        all.extend(options);
        all.push("localhost/windows");
        all.extend(program);
        self.podman(&all)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.podman(&["rm", "--all", "--force", "--time", "0"]);
        self.podman(&["rmi", "--all", "--force"]);
        // Storage drivers leave mounts of their own.
        let _ = Run::new("umount").arg("--quiet").arg(self.path("store/overlay")).run();
    }
}

#[test]
fn podman_runs_seven_zip_over_a_volume() {
    let Some(engine) = Engine::new() else { return };
    let work = engine.path("work");
    tree::make(&work.join("tree"), 60, 5);
    let before = tree::hashes(&work.join("tree"));
    let volume = format!("{}:/work", work.display());
    let done = engine.run(
        &["--rm", "--network", "none", "-v", &volume, "-w", "/work", "--memory", "512m"],
        &["/7za.exe", "a", "out.7z", "tree"],
    );
    assert!(done.success().text().contains("Everything is Ok"));
    here("7z", &work).args(["x", "-ounpacked", "out.7z"]).run().success();
    assert_eq!(before, tree::hashes(&work.join("unpacked/tree")));
    // It is gone, and nothing of it is left.
    assert_eq!(engine.podman(&["ps", "-aq"]).success().text(), "");
    assert_eq!(fs::read_dir(engine.path("oci")).unwrap().count(), 0);
}

#[test]
fn podman_sees_status_logs_and_limits() {
    let Some(engine) = Engine::new() else { return };
    let done =
        engine.run(&["--name", "a", "-e", "LEVEL=9", "-h", "crate", "-w", "/app"], &["/app/container.exe", "about"]);
    assert_eq!(done.status, 7, "{done:?}");
    assert_eq!(engine.podman(&["logs", "a"]).success().lines(), "computer CRATE\nfolder C:\\app\nLEVEL=9 PATH=ours\n");
    assert_eq!(engine.podman(&["inspect", "a", "--format", "{{.State.ExitCode}}"]).success().text().trim(), "7");
    engine.podman(&["rm", "a"]).success();

    let taken = engine.run(&["--rm", "--memory", "96m"], &["/app/container.exe", "memory"]).success().text();
    let amount: u32 = taken.split(' ').next().unwrap().parse().unwrap();
    assert!((20..96).contains(&amount), "{taken}");

    let missing = engine.run(&["--rm"], &["/app/nothing.exe"]);
    assert_eq!(missing.status, 127, "{missing:?}");
    let through =
        engine.podman(&["run", "--rm", "-i", LIMITS[0], LIMITS[1], LIMITS[2], LIMITS[3], "localhost/windows"]);
    assert_ne!(through.status, 0, "an image without a program needs one");
}

#[test]
fn podman_publishes_a_port_stops_and_starts_again() {
    let Some(engine) = Engine::new() else { return };
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let publish = format!("127.0.0.1:{port}:80");
    let made = engine.run(&["-d", "--name", "s", "-p", &publish], &["/app/container.exe", "serve", "80"]);
    if made.status != 0 && made.errors().contains("netavark") {
        eprintln!("skipped: podman makes no networks here: {}", made.errors().trim());
        return;
    }
    made.success();
    let ask = || {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        let mut text = [0; 4];
        stream.write_all(b"ping").is_ok() && stream.read_exact(&mut text).is_ok() && &text == b"ping"
    };
    until("the server", ask);
    assert!(engine.podman(&["logs", "s"]).success().text().contains("listening"));
    let top = engine.podman(&["top", "s", "comm"]).success().text();
    assert!(top.contains("secmon") && !top.contains("cargo"), "{top}");
    engine.podman(&["pause", "s"]).success();
    assert!(engine.podman(&["ps", "-a"]).success().text().contains("aused"));
    engine.podman(&["unpause", "s"]).success();
    until("the server after a pause", ask);
    engine.podman(&["stop", "s"]).success();
    assert!(engine.podman(&["ps", "-a"]).success().text().contains("Exited"));
    assert!(!ask(), "it was stopped");
    engine.podman(&["start", "s"]).success();
    until("the server once more", ask);
    engine.podman(&["kill", "s"]).success();
    engine.podman(&["rm", "-f", "s"]).success();
    assert_eq!(fs::read_dir(engine.path("oci")).unwrap().count(), 0);
}

#[test]
fn containers_of_a_pod_share_what_it_keeps() {
    let Some(engine) = Engine::new() else { return };
    fs::create_dir(engine.path("nothing")).unwrap();
    engine.import("nothing", "pause");
    let pod = ["pod", "create", "--name", "p", "--infra-image", "localhost/pause", "--infra-command", "/pause"];
    engine.podman(&pod).success();
    let first = engine.run(&["-d", "--pod", "p", "--name", "first"], &["/app/container.exe", "serve", "80"]);
    if first.status != 0 && first.errors().contains("netavark") {
        eprintln!("skipped: podman makes no networks here: {}", first.errors().trim());
        engine.podman(&["pod", "rm", "-f", "p"]).success();
        return;
    }
    first.success();
    until("the server", || engine.podman(&["logs", "first"]).text().contains("listening"));
    let other = ["/app/container.exe", "reach", "127.0.0.1", "80"];
    assert_eq!(engine.run(&["--rm", "--pod", "p"], &other).success().text().trim(), "reached");
    // Nobody else has that address.
    assert_ne!(engine.run(&["--rm"], &other).text().trim(), "reached");
    let listed = engine.podman(&["pod", "ps", "--format", "{{.Name}} {{.Status}} {{.NumberOfContainers}}"]);
    assert_eq!(listed.success().text().trim(), "p Running 2");
    engine.podman(&["pod", "stop", "p"]).success();
    let all = engine.podman(&["ps", "-a", "--format", "{{.Status}}"]).success().text();
    assert!(all.lines().count() == 2 && all.lines().all(|line| line.starts_with("Exited")), "{all}");
    engine.podman(&["pod", "start", "p"]).success();
    engine.podman(&["pod", "rm", "-f", "p"]).success();
    assert_eq!(fs::read_dir(engine.path("oci")).unwrap().count(), 0);
}

#[test]
fn podman_decides_what_a_container_reaches_and_writes() {
    let Some(engine) = Engine::new() else { return };
    let server = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    let program = ["/app/container.exe", "reach", "127.0.0.1", &port];
    // This host's servers are reached from its own network, and from no other.
    assert_eq!(engine.run(&["--rm", "--network", "host"], &program).success().text().trim(), "reached");
    assert_eq!(engine.run(&["--rm", "--network", "none"], &program).success().text().trim(), "refused");

    let folder = engine.path("data");
    fs::create_dir(&folder).unwrap();
    let put = ["/app/container.exe", "put", "C:\\data\\new.txt", "text"];
    let (writable, read_only) = (format!("{}:/data", folder.display()), format!("{}:/data:ro", folder.display()));
    let refused = engine.run(&["--rm", "-v", &read_only], &put);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    engine.run(&["--rm", "-v", &writable], &put).success();
    assert_eq!(fs::read_to_string(folder.join("new.txt")).unwrap(), "text");
    engine.run(&["--rm", "--tmpfs", "/data"], &put).success();
}

#[test]
fn what_a_container_wrote_stays_until_it_is_removed_and_can_be_committed() {
    let Some(engine) = Engine::new() else { return };
    let script = "if exist C:\\kept.txt (type C:\\kept.txt) else (echo kept>C:\\kept.txt& del C:\\windows\\system32\\winemine.exe)";
    let program = ["cmd.exe", "/c", script];
    engine.run(&["--name", "k", "--network", "none"], &program).success();
    assert_eq!(engine.podman(&["start", "-a", "k"]).success().text().trim(), "kept");
    engine.podman(&["commit", "--quiet", "k", "localhost/kept"]).success();
    let mut again = vec!["run", "--rm", "--network", "none"];
    again.extend(LIMITS);
    again.extend(["localhost/kept", "cmd.exe", "/c"]);
    let shown = engine.podman(&[&again[..], &["type C:\\kept.txt"]].concat()).success();
    assert_eq!(shown.text().trim(), "kept");
    // A program of the base image that was deleted is deleted in what was made of it, and nowhere else.
    assert_ne!(engine.podman(&[&again[..], &["dir C:\\windows\\system32\\winemine.exe"]].concat()).status, 0);
    engine.run(&["--rm"], &["cmd.exe", "/c", "dir C:\\windows\\system32\\winemine.exe"]).success();
    // What is noted of that is none of a program's business.
    let notes = ["cmd.exe", "/c", "dir /b /a \"C:\\System Volume Information\""];
    assert_eq!(engine.run(&["--rm"], &notes).text(), "");
}

#[test]
fn a_container_whose_root_is_read_only_keeps_nothing() {
    let Some(engine) = Engine::new() else { return };
    let script = "echo new>C:\\app\\new.txt& type C:\\app\\new.txt& type C:\\app\\text.txt& dir /b %USERPROFILE%";
    let done = engine.run(&["--name", "r", "--read-only"], &["cmd.exe", "/c", script]).success();
    let lines = done.lines();
    assert!(lines.starts_with("new\nfrom the image\n") && lines.contains("Desktop"), "{done:?}");
    let again = engine.podman(&["start", "-a", "r"]).success();
    assert_eq!(again.lines(), lines);
    let diff = engine.podman(&["diff", "r"]).success().text();
    assert!(!diff.contains("new.txt"), "{diff}");
}

#[test]
fn podman_runs_more_programs_in_a_container() {
    let Some(engine) = Engine::new() else { return };
    engine.run(&["-d", "--name", "e", "--network", "none"], &["/app/container.exe", "sleep"]).success();
    until("the program", || engine.podman(&["logs", "e"]).text().contains("asleep"));
    let done = engine.podman(&["exec", "-e", "LEVEL=4", "-w", "/app", "e", "/app/container.exe", "about", "x y"]);
    assert_eq!(done.status, 7, "{done:?}");
    assert!(done.lines().contains("folder C:\\app\nargument x y\nLEVEL=4 PATH=ours\n"), "{done:?}");
    // All of them see what one wrote.
    engine.podman(&["exec", "e", "/app/container.exe", "put", "C:\\one.txt", "text"]).success();
    assert_eq!(engine.podman(&["exec", "e", "cmd.exe", "/c", "type C:\\one.txt"]).success().text(), "text");
    let mut echo = engine.command(engine.runtime.to_str().unwrap(), &["exec", "-i", "e", "/app/container.exe", "echo"]);
    echo = echo.input("a line\n");
    assert_eq!(echo.run().success().lines(), "a line\n");
    let missing = engine.podman(&["exec", "e", "/app/nothing.exe"]);
    assert!(missing.status != 0 && missing.errors().contains("nothing.exe"), "{missing:?}");
    engine.podman(&["kill", "e"]).success();
    assert_ne!(engine.podman(&["exec", "e", "/app/container.exe", "about"]).status, 0);
    engine.podman(&["rm", "e"]).success();
}

// --- under containerd

/// A containerd of the test's own, ended when dropped.
struct Containerd {
    folder: tempfile::TempDir,
    daemon: std::process::Child,
    runtime: PathBuf,
}

impl Containerd {
    /// None where it is not installed, or does not come up.
    fn new() -> Option<Containerd> {
        Containerd::with("disabled_plugins = ['io.containerd.grpc.v1.cri']", |_| String::new())
    }

    /// With more in its configuration: at the top, and, with the runtime's path, below all.
    fn with(top: &str, below: impl FnOnce(&Path) -> String) -> Option<Containerd> {
        if !privileged() {
            return None;
        }
        product::image();
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "version = 2\nroot = '{}'\nstate = '{}'\n{top}\n[grpc]\naddress = '{}'\n{}",
            place("root"),
            place("state"),
            place("socket"),
            below(&folder.path().join("portcullis-oci"))
        );
        fs::write(folder.path().join("config.toml"), config).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = std::process::Command::new("containerd");
        command.arg("--config").arg(folder.path().join("config.toml")).stdout(log.try_clone().unwrap()).stderr(log);
        let Ok(daemon) = command.spawn() else {
            eprintln!("skipped: containerd is not installed");
            return None;
        };
        root(&folder.path().join("rootfs"));
        let runtime = runtime(folder.path());
        let one = Containerd { folder, daemon, runtime };
        let deadline = Instant::now() + Duration::from_secs(20);
        while one.ctr(&["version"]).run().status != 0 {
            if Instant::now() > deadline {
                eprintln!("skipped: containerd does not come up here: {}", one.path("log"));
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(one)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn ctr(&self, arguments: &[&str]) -> Run {
        Run::new("ctr").arg("--address").arg(self.path("socket")).args(arguments).limit(Duration::from_secs(60))
    }

    /// `ctr run` of a program in a container of that name.
    fn run(&self, options: &[&str], name: &str, program: &[&str]) -> Run {
        let (runtime, rootfs) = (self.runtime.display().to_string(), self.path("rootfs"));
        let fixed = ["run", "--rootfs", "--runc-binary", &runtime];
        self.ctr(&[&fixed[..], options, &[&rootfs, name], program].concat())
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.daemon.id() as i32), nix::sys::signal::SIGTERM);
        let _ = self.daemon.wait();
    }
}

#[test]
fn containerd_runs_programs_and_asks_them_to_end() {
    let Some(engine) = Containerd::new() else { return };
    let about =
        engine.run(&["--rm", "--env", "LEVEL=4", "--cwd", "/app"], "about", &["/app/container.exe", "about", "x y"]);
    let done = about.run();
    assert_eq!(
        (done.status, done.lines().as_str()),
        (7, "computer PORTCULLIS\nfolder C:\\app\nargument x y\nLEVEL=4 PATH=ours\n"),
        "{done:?}"
    );
    let out = engine.path("out");
    // Its output goes to a file: the task lives on when the command is over.
    let detached = ["--detach", "--log-uri", &format!("file://{out}")];
    engine.run(&detached, "waits", &["/app/container.exe", "closing"]).run().success();
    let said = || fs::read_to_string(&out).unwrap_or_default().replace('\r', "");
    until("the program", || said().contains("asleep"));
    let exec =
        engine.ctr(&["task", "exec", "--exec-id", "more", "waits", "cmd.exe", "/c", "echo inside& exit 6"]).run();
    assert_eq!((exec.status, exec.lines().trim()), (6, "inside"), "{exec:?}");
    assert!(engine.ctr(&["task", "ls"]).run().success().text().contains("RUNNING"));
    engine.ctr(&["task", "kill", "--signal", "SIGTERM", "waits"]).run().success();
    until("the end", || engine.ctr(&["task", "ls"]).run().success().text().contains("STOPPED"));
    assert!(said().contains("asked 2"), "{}", said());
    engine.ctr(&["task", "delete", "waits"]).run().success();
    engine.ctr(&["container", "delete", "waits"]).run().success();
    assert_eq!(engine.ctr(&["container", "ls", "--quiet"]).run().success().text(), "");
}

/// The way that Kubernetes takes: its Container Runtime Interface, as containerd has it. The pod's own container runs a program for Linux.
#[test]
fn containerd_makes_a_pod_as_kubernetes_asks_for_it() {
    let Some(podman) = Engine::new() else { return };
    // Debian's own, which has Debian's packages.
    let python = "/usr/bin/python3";
    if !Path::new(python).exists() || Run::new(python).args(["-c", "import grpc"]).run().status != 0 {
        eprintln!("skipped: Debian's Python has no gRPC here");
        return;
    }
    let engine = Containerd::with("", |runtime| {
        format!(
            "[plugins.'io.containerd.grpc.v1.cri']\nsandbox_image = 'localhost/pause:latest'\nrestrict_oom_score_adj = true\n\
             [plugins.'io.containerd.grpc.v1.cri'.containerd]\nsnapshotter = 'native'\ndefault_runtime_name = 'portcullis'\n\
             [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.portcullis]\nruntime_type = 'io.containerd.runc.v2'\n\
             [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.portcullis.options]\nBinaryName = '{}'\n",
            runtime.display()
        )
    });
    let Some(engine) = engine else { return };
    fs::create_dir(podman.path("nothing")).unwrap();
    podman.import("nothing", "none");
    let pause = podman.path("none.tar");
    let pause =
        ["import", "--quiet", "--change", "ENTRYPOINT [\"/pause\"]", pause.to_str().unwrap(), "localhost/pause"];
    podman.podman(&pause).success();
    for name in ["pause", "windows"] {
        let file = engine.path(name);
        let image = format!("localhost/{name}:latest");
        podman.podman(&["save", "--quiet", "--format", "docker-archive", "--output", &file, &image]).success();
        engine.ctr(&["--namespace", "k8s.io", "images", "import", "--snapshotter", "native", &file]).run().success();
    }
    let logs = engine.path("logs");
    fs::create_dir(&logs).unwrap();
    let script = portcullis::repository().join("tests/support/cri.py");
    let asked = Run::new(python).arg(script).args([&engine.path("socket"), &logs, "portcullis"]);
    let program = "/app/container.exe";
    let asked =
        asked.arg("localhost/windows:latest").args([format!("{program}|about|x y"), format!("{program}|closing")]);
    let done = asked.run().success();
    let found: Value = serde_json::from_str(&done.text()).unwrap();
    let expected = json!({
        "first": [7, "computer PORTCULLIS\nfolder C:\\app\nargument x y\nLEVEL=4 PATH=ours\n"],
        "inside": [6, "inside"],
        "second": [5, "asleep\nasked 2\n"],
        "stopped": 1,
        "left": 0,
    });
    assert_eq!(found, expected);
}
