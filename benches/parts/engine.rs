//! A container engine with our runtime, beside the same engine with runc and a static Linux program.

use super::{Row, in_turn, native};
use portcullis::{guest, product, target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Limits that a session without CAP_SYS_RESOURCE can set.
const LIMITS: [&str; 4] = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"];

fn podman(store: &Path, runtime: &Path) -> Command {
    let mut command = Command::new("podman");
    command.arg("--root").arg(store.join("root")).arg("--runroot").arg(store.join("run"));
    command.arg("--tmpdir").arg(store.join("tmp")).args(["--cgroup-manager", "cgroupfs", "--events-backend", "none"]);
    command.arg("--runtime").arg(runtime);
    command
}

/// Makes an image of one program; whether the engine took it.
fn import(store: &Path, name: &str, program: &Path) -> bool {
    let folder = store.join(name);
    let file = program.file_name().unwrap_or_default();
    let tar = store.join("image.tar");
    let copied = fs::create_dir_all(&folder).and_then(|()| fs::copy(program, folder.join(file)));
    let packed = Command::new("tar").arg("-C").arg(&folder).arg("-cf").arg(&tar).arg(file).status();
    let mut import = podman(store, Path::new("runc"));
    import.args(["import", "--quiet"]).arg(&tar).arg(format!("localhost/{name}"));
    copied.is_ok()
        && packed.is_ok_and(|done| done.success())
        && import.stdout(Stdio::null()).status().is_ok_and(|done| done.success())
}

/// The rows; none where there is no podman, or it runs nothing.
///
/// # Panics
/// If the programs cannot be built.
pub fn rows() -> Vec<Row> {
    product::image();
    let store = tempfile::tempdir().expect("a folder");
    let source = target("bench").join("hello.c");
    fs::write(&source, "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n").expect("written");
    let linux = native(&source, "hello");
    let oci: PathBuf = store.path().join("portcullis-oci");
    std::os::unix::fs::symlink(product::folder().join("portcullis-manage"), &oci).expect("a link");
    if !import(store.path(), "windows", &guest::program("hello")) || !import(store.path(), "linux", &linux) {
        eprintln!("no podman: that figure is left out");
        return Vec::new();
    }
    let run = |runtime: &Path, image: &str, program: &str| {
        let mut command = podman(store.path(), runtime);
        command.args(["run", "--rm", "--network", "none"]).args(LIMITS).arg(format!("localhost/{image}")).arg(program);
        command
    };
    let ours = || run(&oci, "windows", "/hello.exe");
    let runc = || run(Path::new("runc"), "linux", "/hello");
    let times = in_turn(11, &[Some(&ours), Some(&runc)]);
    let _ = Command::new("umount").arg("--quiet").arg(store.path().join("root/overlay")).status();
    vec![Row { name: "podman run of hello".into(), unit: "ms", ours: times[0], wine: None, linux: times[1] }]
}
