//! Real programs, fetched from their registries by the registries' own clients, pinned by version and hash.

use crate::{cache, once};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a program comes from for one system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its package's name.
    pub package: String,
    /// Hash of the package as downloaded.
    pub sha256: String,
    /// The program's path inside the package.
    pub path: String,
    /// Of a source package: the archive inside that holds the program; it is unpacked too.
    pub archive: Option<String>,
    /// Of a package for one version of Python: that version.
    pub python: Option<String>,
}

/// The clients there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registry {
    /// `npm pack`.
    Npm,
    /// `pip download`.
    Pypi,
}

/// One row of `tests/programs.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// What the tests call it.
    pub name: String,
    /// 1: promised, 2: tried.
    pub tier: u8,
    /// Who has it.
    pub registry: Registry,
    /// The packages' version.
    pub version: String,
    /// For Windows.
    pub windows: Package,
    /// Its twin for Linux, if its output is the oracle.
    pub linux: Option<Package>,
}

/// Which of a program's two packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// For Windows.
    Windows,
    /// For Linux.
    Linux,
}

#[derive(Deserialize)]
struct Table {
    program: Vec<Program>,
}

/// All rows.
///
/// # Errors
/// If the table is not well-formed.
pub fn table() -> Result<Vec<Program>> {
    let table: Table = toml::from_str(include_str!("../programs.toml")).context("tests/programs.toml")?;
    Ok(table.program)
}

/// The Windows program of this name, fetched if it is not in the cache.
///
/// # Panics
/// If it is unknown or cannot be fetched.
#[track_caller]
pub fn windows(name: &str) -> PathBuf {
    get(name, System::Windows)
}

/// Its Linux twin.
///
/// # Panics
/// If it is unknown or cannot be fetched.
#[track_caller]
pub fn linux(name: &str) -> PathBuf {
    get(name, System::Linux)
}

#[track_caller]
fn get(name: &str, system: System) -> PathBuf {
    let found = table().and_then(|table| {
        let program = table.into_iter().find(|program| program.name == name).context("no such program in the table")?;
        program.fetch(system)
    });
    match found {
        Ok(path) => path,
        Err(error) => panic!("program {name}: {error:#}"),
    }
}

impl Program {
    /// Path of the program, after fetching and unpacking its package if it is not in the cache.
    ///
    /// # Errors
    /// If the registry's client fails, or what it brings has another hash.
    pub fn fetch(&self, system: System) -> Result<PathBuf> {
        let package = match system {
            System::Windows => &self.windows,
            System::Linux => self.linux.as_ref().with_context(|| format!("{} has no twin in the table", self.name))?,
        };
        let home = cache("programs").join(&package.sha256);
        once::make(&home, |half| {
            fs::create_dir_all(half)?;
            let archive = download(self.registry, package, &self.version, system, half)?;
            let hash = once::hash(&fs::read(&archive)?);
            let what = format!("{} {}", package.package, self.version);
            ensure!(hash == package.sha256, "{what} has hash {hash}, and {} was pinned", package.sha256);
            unpack(&archive, half)?;
            fs::remove_file(&archive)?;
            if let Some(inner) = &package.archive {
                unpack(&half.join(inner), half)?;
                fs::remove_file(half.join(inner))?;
            }
            Ok(())
        })?;
        // Two programs may lie in one package, and not every unpacker keeps the mode.
        let program = home.join(&package.path);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("{} {} holds no {}", package.package, self.version, package.path))?;
        Ok(program)
    }
}

fn run(command: &mut Command) -> Result<()> {
    let done = command.output().with_context(|| format!("{command:?} (`make setup` installs what is missing)"))?;
    if !done.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(())
}

fn download(registry: Registry, which: &Package, version: &str, system: System, to: &Path) -> Result<PathBuf> {
    let package = &which.package;
    match registry {
        Registry::Npm => {
            let mut command = Command::new("npm");
            command.args(["pack", "--silent", &format!("{package}@{version}")]).current_dir(to);
            run(&mut command)?;
        }
        Registry::Pypi if which.archive.is_some() => {
            // pip asks a source package's own code for its name: it runs nothing whose hash is not the pinned one.
            let wanted = to.join("wanted.txt");
            fs::write(&wanted, format!("{package}=={version} --hash=sha256:{}\n", which.sha256))?;
            let mut command = Command::new("python3");
            command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
            command.args(["--no-binary=:all:", "--require-hashes", "--dest", ".", "--requirement"]).arg(&wanted);
            run(command.current_dir(to))?;
            fs::remove_file(&wanted)?;
        }
        Registry::Pypi => {
            let platforms: &[&str] = match system {
                System::Windows => &["win_amd64"],
                System::Linux => &["manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"],
            };
            let mut command = Command::new("python3");
            command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
            command.args(["--only-binary=:all:", "--dest", "."]).current_dir(to);
            for platform in platforms {
                command.args(["--platform", platform]);
            }
            if let Some(python) = &which.python {
                command.args(["--implementation", "cp", "--python-version", python]);
            }
            command.arg(format!("{package}=={version}"));
            run(&mut command)?;
        }
    }
    let mut files = fs::read_dir(to)?.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(file),
        _ => bail!("{package} {version}: the registry's client did not bring one file"),
    }
}

fn unpack(archive: &Path, to: &Path) -> Result<()> {
    if archive.extension().is_some_and(|extension| extension == "whl" || extension == "zip") {
        run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(archive).arg(to))
    } else {
        run(Command::new("tar").args(["--strip-components=1", "-C"]).arg(to).arg("-xzf").arg(archive))
    }
}
