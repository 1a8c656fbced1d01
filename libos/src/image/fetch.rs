//! Fetches libwine as plain data: Debian's package, by apt with a configuration of its own, unpacked and never installed.
//!
//! apt checks the archive's signature against Debian's keyring, and the package against the archive's lists. On top of that
//! the versions known to work are pinned by their SHA-256.

use super::Progress;
use super::source::Source;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The release whose libwine is taken.
const SUITE: &str = "trixie";
/// Debian's keys, as the package debian-archive-keyring installs them.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
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
    let apt = Apt::prepare(&work.join("apt"))?;
    progress.stretch("Reading Debian's package lists", 0);
    apt.run("update", &[])?;
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
    apt.run("download", &[wanted.name])?;
    let file = fs::read_dir(&apt.downloads)?
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

/// Runs a command; gives what it printed, or fails with the last line of its complaint.
fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.output().with_context(|| format!("{name} can't be run"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("{name} failed: {}", said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("without a word"));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// apt with lists, cache and sources of its own.
struct Apt {
    options: Vec<String>,
    downloads: PathBuf,
}

impl Apt {
    fn prepare(folder: &Path) -> Result<Apt> {
        if !Path::new(KEYRING).is_file() {
            bail!("{KEYRING} is missing: install debian-archive-keyring");
        }
        let folders = ["lists/partial", "cache/archives/partial", "empty", "downloads"];
        folders.iter().try_for_each(|name| fs::create_dir_all(folder.join(name)))?;
        let sources = folder.join("sources.list");
        fs::write(&sources, format!("deb [arch=amd64 signed-by={KEYRING}] {} {SUITE} main\n", mirror()?))?;
        fs::write(folder.join("status"), "")?;
        let path = |name: &str| folder.join(name).display().to_string();
        let options = [
            ("Dir::Etc::SourceList", path("sources.list")),
            ("Dir::Etc::SourceParts", path("empty")),
            ("Dir::Etc::Preferences", path("empty/none")),
            ("Dir::Etc::PreferencesParts", path("empty")),
            ("Dir::State", folder.display().to_string()),
            ("Dir::State::Lists", path("lists")),
            ("Dir::State::Status", path("status")),
            ("Dir::Cache", path("cache")),
            ("APT::Architecture", "amd64".into()),
            ("APT::Architectures", "amd64".into()),
            ("APT::Sandbox::User", String::new()),
            ("Acquire::Languages", "none".into()),
            ("Acquire::IndexTargets::deb::DEP-11::DefaultEnabled", "false".into()),
            ("APT::Update::Post-Invoke", String::new()),
            ("APT::Update::Post-Invoke-Success", String::new()),
        ];
        let options = options.iter().map(|(name, value)| format!("-o{name}={value}")).collect();
        Ok(Apt { options, downloads: folder.join("downloads") })
    }

    fn run(&self, verb: &str, names: &[&str]) -> Result<String> {
        let mut command = Command::new("apt-get");
        command.args(&self.options).args(["-q", verb]).args(names).current_dir(&self.downloads);
        output(command.env("LC_ALL", "C").stdin(Stdio::null()))
    }
}

/// The archive's address: that of the machine's own apt sources.
fn mirror() -> Result<String> {
    let format = "$(ORIGIN) $(RELEASE) $(CREATED_BY) $(REPO_URI)";
    let known = output(Command::new("apt-get").args(["indextargets", "--format", format]))?;
    pick_mirror(&known).context("apt has no source for Debian packages on this machine")
}

/// The address of the main archive among lines of origin, release, kind and address.
fn pick_mirror(known: &str) -> Option<String> {
    known.lines().find_map(|line| {
        let [origin, release, kind, address] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        let main = origin == "Debian" && kind == "Packages" && !release.contains('-') && !address.contains("security");
        main.then(|| address.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_archive_is_picked() {
        let known = "Other bookworm Packages http://a/\nDebian bookworm-updates Packages http://b/\n\
                     Debian bookworm DEP-11 http://c/\nDebian bookworm Packages http://d/x\n";
        assert_eq!(pick_mirror(known).as_deref(), Some("http://d/x"));
        assert_eq!(pick_mirror("$(ORIGIN) x"), None);
    }

    #[test]
    fn a_command_that_fails_says_why() {
        let error = output(Command::new("sh").args(["-c", "echo one >&2; echo two >&2; exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "sh failed: two");
    }
}
