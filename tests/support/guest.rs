//! Guest programs: C and C++ sources in `tests/guest`, built with mingw-w64, and Rust ones, built with Debian's compiler.

use crate::{once, repository, rust, target};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Flags for every guest program.
const FLAGS: &[&str] = &["-O1", "-Wall", "-Wextra", "-Werror", "-static", "-static-libgcc"];
/// Libraries for every guest program.
const LIBRARIES: &[&str] =
    &["-lntdll", "-ladvapi32", "-lsynchronization", "-lws2_32", "-lbcrypt", "-lcrypt32", "-lsecur32"];

/// Further libraries of some.
const FURTHER: &[(&str, &[&str])] = &[
    ("com", &["-lole32", "-loleaut32", "-luuid"]),
    ("dragging", &["-lole32", "-luuid"]),
    ("across", &["-lgdi32", "-lshell32"]),
    ("keyboards", &["-limm32"]),
    ("mirrored", &["-lgdi32"]),
    ("messagelog", &["-lgdi32"]),
    ("rpc", &["-lrpcrt4"]),
    ("drawing", &["-lgdi32"]),
    ("clip", &["-lgdi32", "-lshell32", "-lole32", "-luuid"]),
    ("dialogs", &["-lcomdlg32", "-lole32"]),
    ("drawspeed", &["-lgdi32"]),
    ("gdi", &["-lgdi32"]),
    ("hostile", &["-lgdi32"]),
    ("nonclient", &["-lgdi32"]),
    ("painting", &["-lgdi32"]),
    ("pages", &["-lgdi32"]),
    ("paper", &["-lgdi32", "-lwinspool"]),
    ("paths", &["-lgdi32"]),
    ("printing", &["-lgdi32", "-lwinspool"]),
    ("text", &["-lgdi32"]),
    ("screen", &["-lgdi32", "-lcomctl32"]),
    ("orphans", &["-lgdi32"]),
    ("showcase", &["-lgdi32", "-lshell32", "-lole32", "-luuid"]),
    ("shell", &["-lshell32"]),
    ("tray", &["-lshell32"]),
    ("shown", &["-lgdi32"]),
    ("sound", &["-lwinmm", "-lole32", "-luuid", "-ldsound", "-lksguid"]),
    ("sysparams", &["-lgdi32"]),
];

/// The program of this name, built if it or its header changed.
///
/// # Panics
/// If it cannot be built: the compiler's messages are in the panic's.
#[track_caller]
pub fn program(name: &str) -> PathBuf {
    match build(name) {
        Ok(path) => path,
        Err(error) => panic!("guest program {name}: {error:#}"),
    }
}

/// A C program of that name built for Linux, which can do what the guest must not.
///
/// # Panics
/// If it cannot be built.
pub fn native(name: &str) -> PathBuf {
    let source = repository().join(format!("tests/guest/{name}.c"));
    let header = fs::read(repository().join("tests/guest/rawcall.h")).unwrap_or_default();
    let key = once::hash(&[fs::read(&source).unwrap_or_default(), header].concat());
    let program = target("guest").join(format!("native-{name}-{}", &key[..16]));
    let made = once::make(&program, |half| {
        let status = Command::new("gcc").args(["-O1", "-o"]).arg(half).arg(&source).status()?;
        anyhow::ensure!(status.success(), "gcc: {status}");
        Ok(())
    });
    if let Err(error) = made {
        panic!("{name} for Linux: {error:#}");
    }
    program
}

fn build(name: &str) -> Result<PathBuf> {
    let folder = repository().join("tests/guest");
    let source = folder.join(format!("{name}.rs"));
    if source.exists() {
        return made(name, &fs::read(&source)?, |program| rust::build(&source, program));
    }
    let cxx = folder.join(format!("{name}.cpp"));
    let (source, compiler, standard) = if cxx.exists() {
        (cxx, "x86_64-w64-mingw32-g++", "-std=gnu++17")
    } else {
        (folder.join(format!("{name}.c")), "x86_64-w64-mingw32-gcc", "-std=gnu11")
    };
    let mut inputs = fs::read(&source).with_context(|| source.display().to_string())?;
    for header in ["check.h", "family.h", "rawcall.h", "showcase_shell.h"] {
        inputs.extend(fs::read(folder.join(header))?);
    }
    inputs.extend(format!("{FLAGS:?}{LIBRARIES:?}").bytes());
    let further = FURTHER.iter().find(|(program, _)| *program == name).map_or(&[][..], |(_, libraries)| *libraries);
    inputs.extend(further.iter().flat_map(|library| library.bytes()));
    made(name, &inputs, |program| {
        let mut command = Command::new(compiler);
        command.arg(standard).args(FLAGS).arg("-o").arg(program).arg(&source).args(LIBRARIES).args(further);
        let done = command.output().with_context(|| format!("{compiler} (`make setup` installs it)"))?;
        if !done.status.success() {
            bail!("{}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    })
}

/// The program in a folder of its own for each version, because a sandbox sees the program's folder; made if it is not there.
fn made(name: &str, inputs: &[u8], make: impl Fn(&Path) -> Result<()>) -> Result<PathBuf> {
    let key = once::hash(inputs);
    let home = target("guest").join(format!("{name}-{}", &key[..16]));
    let file = format!("{name}.exe");
    once::make(&home, |half| {
        fs::create_dir_all(half)?;
        make(&half.join(&file))
    })?;
    Ok(home.join(file))
}
