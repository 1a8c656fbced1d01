//! Links the runtime to a fixed address, where the tools at hand can do that.
//!
//! Linked so, its tables of addresses (a quarter of a megabyte) are pages of its file, which all picoprocesses of the host share. Where
//! it has to be relocated as it starts they are each picoprocess's own. What is given up is an address that cannot be foretold, which
//! would hide the runtime from nobody: the guest lies in the same address space, and calls it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Far above what `ntum` gives to a guest, and below all that Linux places by itself.
const BASE: &str = "--image-base=0x7e0000000000";
/// What the C library and the compiler's start files call only where it is linked in. A call that is never made must be in reach of
/// nothing at all, which address 0 is not from there. The last one of them, which today's C libraries lack, the runtime has.
const PRESENT: &str = "-u,__call_tls_dtors,-u,__cxa_finalize,-u,__glibc_tls_internal_free";
/// Uses what the runtime uses of the standard library and the C library.
const TRIAL: &str = r#"
#[unsafe(no_mangle)]
extern "C" fn __pthread_initialize_minimal() {}
struct Last;
impl Drop for Last { fn drop(&mut self) { println!("{:?}", std::time::Instant::now()); } }
thread_local!(static LAST: Last = const { Last });
static TABLE: [&str; 2] = ["no", "yes"];
fn main() {
    let told = std::thread::spawn(|| { LAST.with(|_| ()); std::env::args().count() }).join().unwrap();
    let _ = std::fs::read(TABLE[told]);
    assert!(main as fn() as usize >> 40 == 0x7e);
}
"#;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let arguments = arguments();
    if let Some(arguments) = arguments.filter(|arguments| can_link(arguments).is_some_and(|linked| linked)) {
        for argument in arguments {
            println!("cargo::rustc-link-arg-bin=portcullis-runtime={argument}");
        }
    }
}

/// What the linker is to be told; `None` if the executable is not a static one of Linux's C library.
fn arguments() -> Option<Vec<String>> {
    let is = |name: &str, wanted: &str| env::var(name).is_ok_and(|value| value.split(',').any(|one| one == wanted));
    if !is("CARGO_CFG_TARGET_FEATURE", "crt-static") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return None;
    }
    // The compiler's start file for static executables counts on a low address; the one for those that can be moved does as well.
    let files = folder()?.join("start");
    let _ = fs::remove_dir_all(&files);
    fs::create_dir(&files).ok()?;
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let found = Command::new(linker).arg("-print-file-name=crtbeginS.o").output().ok()?;
    let found = PathBuf::from(String::from_utf8(found.stdout).ok()?.trim());
    symlink(found.is_absolute().then_some(found)?, files.join("crtbeginT.o")).ok()?;
    let linked = |argument: &str| format!("-Wl,{argument}");
    Some(vec!["-static".into(), "-no-pie".into(), format!("-B{}", files.display()), linked(BASE), linked(PRESENT)])
}

/// Whether a program that is linked so comes about, and runs.
fn can_link(arguments: &[String]) -> Option<bool> {
    let folder = folder()?;
    let (source, program) = (folder.join("trial.rs"), folder.join("trial"));
    fs::write(&source, TRIAL).ok()?;
    let mut compiler = Command::new(env::var_os("RUSTC")?);
    compiler.args(["--edition=2024", "--crate-name=trial", "--target"]).arg(env::var_os("TARGET")?);
    compiler.args(env::var("CARGO_ENCODED_RUSTFLAGS").ok()?.split('\x1f').filter(|flag| !flag.is_empty()));
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        compiler.arg([OsString::from("-Clinker="), linker].into_iter().collect::<OsString>());
    }
    for argument in arguments {
        compiler.arg(format!("-Clink-arg={argument}"));
    }
    let runs =
        |command: &mut Command| Some(command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?.success());
    let made = runs(compiler.arg("-o").arg(&program).arg(&source))?;
    Some(made && runs(&mut Command::new(Path::new(&program)))?)
}

fn folder() -> Option<PathBuf> {
    env::var_os("OUT_DIR").map(PathBuf::from)
}
