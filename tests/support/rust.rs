//! A Rust compiler for Windows programs: Debian's, whose package of the standard library for Windows no registry has. It is
//! fetched by apt, unpacked into the user's cache and never installed: it comes in nobody's way.

use crate::{cache, once};
use anyhow::{Context, Result, ensure};
use libos::image::{Apt, PackageKind};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The release with the oldest libraries that all hosts have: the compiler runs on later ones too.
const SUITE: &str = "bookworm";

/// The compiler's packages, with version and SHA-256.
const COMPILER: &[(&str, &str, &str)] = &[
    ("rustc", "1.63.0+dfsg1-2", "26dd439266153e38d3e6fbe0fe2dbbb41f20994afa688faa71f38427348589ed"),
    ("libstd-rust-1.63", "1.63.0+dfsg1-2", "3970c02845cd407e2389623f138e2e96443702c46a789d394ec63b58a482448e"),
    ("libstd-rust-dev-windows", "1.63.0+dfsg1-2", "099ed353e81df021478389999eb1176730717c3c6c5755b1b8f7bc0380a079bf"),
    ("libllvm14", "1:14.0.6-12", "cd986403cfe53f47c41b80667f6b344c40fe35de4c5081dad9358b4c77cf64a8"),
];

/// Libraries that LLVM asks for; Debian mends their faults, so they have no versions here.
const LIBRARIES: &[&str] =
    &["libz3-4", "libedit2", "libbsd0", "libmd0", "libffi8", "libtinfo6", "libxml2", "libicu72", "liblzma5", "zlib1g"];

/// What of the packages is unpacked: not the 32-bit library.
const PARTS: &[&str] = &[
    "./usr/bin/rustc",
    "./usr/lib/x86_64-linux-gnu/*",
    "./lib/x86_64-linux-gnu/*",
    "./usr/lib/rustlib/x86_64-pc-windows-gnu/*",
];

/// Has a program built by the compiler.
///
/// # Errors
/// No apt, no network, another package than the pinned one; the compiler's messages.
pub fn build(source: &Path, program: &Path) -> Result<()> {
    let home = home()?;
    let libraries = [home.join("usr/lib/x86_64-linux-gnu"), home.join("lib/x86_64-linux-gnu")];
    let mut command = Command::new(home.join("usr/bin/rustc"));
    command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?).arg("--sysroot").arg(home.join("usr"));
    command.args(["--edition", "2021", "--target", "x86_64-pc-windows-gnu", "-Dwarnings", "-Cstrip=symbols"]);
    command.arg("-Clinker=x86_64-w64-mingw32-gcc").arg("-o").arg(program).arg(source);
    run(&mut command)
}

fn run(command: &mut Command) -> Result<()> {
    let done = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// The compiler's folder, fetched if it is not in the cache.
fn home() -> Result<PathBuf> {
    let key = once::hash(format!("{SUITE} {COMPILER:?} {LIBRARIES:?} {PARTS:?}").as_bytes());
    let home = cache("rust").join(&key[..16]);
    once::make(&home, |half| {
        let work = half.with_extension("apt");
        let _ = fs::remove_dir_all(&work);
        let fetched = fetch(&work, half);
        let _ = fs::remove_dir_all(&work);
        fetched.context("fetching Debian's Rust")
    })?;
    Ok(home)
}

fn fetch(work: &Path, to: &Path) -> Result<()> {
    let apt = Apt::of(SUITE, work, PackageKind::Binary)?;
    apt.run(&["update"])?;
    let compiler = COMPILER.iter().map(|(name, version, _)| format!("{name}={version}"));
    let names: Vec<String> = compiler.chain(LIBRARIES.iter().map(|name| (*name).to_owned())).collect();
    apt.run(&[&["download"], &names.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat())?;
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(apt.downloads())? {
        let file = entry?.path();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some((name, version, sum)) = COMPILER.iter().find(|(known, ..)| name.starts_with(&format!("{known}_"))) {
            let hash = once::hash(&fs::read(&file)?);
            ensure!(hash == *sum, "{name} {version} has hash {hash}, and {sum} was pinned");
        }
        unpack(&file, to)?;
    }
    Ok(())
}

fn unpack(package: &Path, to: &Path) -> Result<()> {
    let mut data = Command::new("dpkg-deb").arg("--fsys-tarfile").arg(package).stdout(Stdio::piped()).spawn()?;
    let stream = data.stdout.take().context("dpkg-deb gives no data")?;
    let mut tar = Command::new("tar");
    // No package has all of the parts, and tar says so: what is missing shows when the compiler is used.
    tar.args(["-x", "--no-same-owner", "--wildcards", "-C"]).arg(to).args(PARTS).stdin(stream);
    tar.output().context("tar")?;
    ensure!(data.wait()?.success(), "{} can't be unpacked", package.display());
    Ok(())
}
