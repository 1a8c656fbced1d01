//! Fetches libwine as plain data: Debian's package, by apt with a configuration of its own, unpacked and never installed.
//!
//! apt checks the archive's signature against Debian's keyring, and the package against the archive's lists. On top of that
//! the versions known to work are pinned by their SHA-256.

use super::Progress;
use super::apt::{Apt, Kind, output};
use super::source::Source;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The file that says which package a folder of the cache was unpacked from; written last.
const MARKER: &str = "package";

/// A package and what of it is unpacked.
struct Wanted {
    name: &'static str,
    needed: bool,
    /// Version and SHA-256 of the file known to work.
    pinned: (&'static str, &'static str),
    /// Paths in the package that are unpacked.
    parts: &'static [&'static str],
}

const WANTED: &[Wanted] = &[
    Wanted {
        name: "libwine",
        needed: true,
        pinned: ("10.0~repack-6", "702c99d2fbaef2a4966667e0cdabd477ed1754c1b3b5d4476606eaf5fd6e1444"),
        parts: &["./usr/lib/x86_64-linux-gnu/wine/x86_64-windows", "./usr/share/wine"],
    },
    Wanted {
        name: "fonts-wine",
        needed: false,
        pinned: ("10.0~repack-6", "23ea26a992ed7b4577334441c14b2e4b0d95966fbcf87167adfb57f73b29d8d4"),
        parts: &["./usr/share/wine/fonts"],
    },
    Wanted {
        name: "libz-mingw-w64",
        needed: false,
        pinned: ("1.3.1+dfsg-2", "c4e6d6bfabe8b6d12c797736a3d762d83513b49f488d1aaf61d4526387a2dd3e"),
        parts: &["./usr/x86_64-w64-mingw32/lib/zlib1.dll"],
    },
];

/// The folder where fetched trees are kept.
fn cache() -> Result<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
    Ok(folder.context("neither XDG_CACHE_HOME nor HOME is set")?.join("portcullis"))
}

/// libwine from the cache, else fetched into it.
///
/// # Errors
/// No apt, no network, no archive, a package that is not what it should be.
pub fn libwine(progress: &dyn Progress) -> Result<Source> {
    let cache = cache()?;
    if let Some(source) = cached(&cache) {
        return Ok(source);
    }
    let failed = "no libwine 10 or later is installed, and Debian's can't be fetched";
    fs::create_dir_all(&cache).with_context(|| format!("{} can't be made", cache.display())).context(failed)?;
    let work = cache.join(format!(".fetch.{}", std::process::id()));
    let result = fetch(&cache, &work, progress);
    let _ = fs::remove_dir_all(&work);
    result.context(failed)
}

/// The newest whole tree of the cache.
fn cached(cache: &Path) -> Option<Source> {
    let mut trees: Vec<PathBuf> = fs::read_dir(cache).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    trees.retain(|tree| {
        let named = tree.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("libwine-"));
        named && tree.join(MARKER).is_file()
    });
    trees.sort();
    trees.iter().rev().find_map(|tree| Source::below(tree).ok())
}

fn fetch(cache: &Path, work: &Path, progress: &dyn Progress) -> Result<Source> {
    let _ = fs::remove_dir_all(work);
    let apt = Apt::prepare(&work.join("apt"), Kind::Binary)?;
    progress.stretch("Reading Debian's package lists", 0);
    apt.run(&["update"])?;
    let tree = work.join("tree");
    fs::create_dir_all(&tree)?;
    let mut version = String::new();
    for wanted in WANTED {
        progress.stretch(&format!("Fetching {}", wanted.name), 0);
        match get(&apt, wanted, &tree) {
            Ok(found) if wanted.needed => version = found,
            Ok(_) => {}
            Err(error) if wanted.needed => return Err(error),
            Err(error) => progress.note(&format!("doing without {}: {error:#}", wanted.name)),
        }
    }
    fs::write(tree.join(MARKER), format!("libwine {version}\n"))?;
    Source::below(&tree)?;
    let place = cache.join(format!("libwine-{version}"));
    if place.exists() {
        // Without its marker, or it would have been taken: left by a fetch that was cut off.
        fs::remove_dir_all(&place)?;
    }
    fs::rename(&tree, &place)?;
    Source::below(&place)
}

/// Fetches one package and unpacks what is wanted of it; gives its version.
fn get(apt: &Apt, wanted: &Wanted, tree: &Path) -> Result<String> {
    apt.run(&["download", wanted.name])?;
    let file = fs::read_dir(apt.downloads())?
        .filter_map(|entry| entry.ok())
        .find(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{}_", wanted.name)))
        .with_context(|| format!("apt brought no {}", wanted.name))?
        .path();
    let shown = output(Command::new("dpkg-deb").arg("--field").arg(&file).arg("Version"))?;
    let version = shown.trim().to_string();
    let (pinned, sum) = wanted.pinned;
    if version == pinned && sha256(&file)? != sum {
        bail!("{} {version} is not the file it should be", wanted.name);
    }
    let mut unpack = Command::new("dpkg-deb").arg("--fsys-tarfile").arg(&file).stdout(Stdio::piped()).spawn()?;
    let stream = unpack.stdout.take().context("dpkg-deb gives no data")?;
    let mut tar = Command::new("tar");
    tar.args(["-x", "--no-same-owner", "-C"]).arg(tree).args(wanted.parts).stdin(stream);
    let unpacked = output(&mut tar);
    if !unpack.wait()?.success() {
        bail!("{} can't be unpacked", file.display());
    }
    unpacked?;
    fs::remove_file(&file)?;
    Ok(version)
}

fn sha256(path: &Path) -> Result<String> {
    let mut sum = Sha256::new();
    io::copy(&mut fs::File::open(path)?, &mut sum)?;
    Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
