//! apt as a plain client of Debian's archive: a configuration of its own, no root, nothing installed.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The release that packages are taken from.
const SUITE: &str = "trixie";
/// Debian's keys, as the package debian-archive-keyring installs them.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Runs a command; gives what it printed, or fails with the last line of its complaint.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.output().with_context(|| format!("{name} can't be run"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("{name} failed: {}", said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("without a word"));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// What is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Packages as they are installed.
    Binary,
    /// Packages as they are built from.
    Source,
}

/// apt with lists, cache and sources of its own.
pub struct Apt {
    options: Vec<String>,
    downloads: PathBuf,
}

impl Apt {
    /// With its lists and what it brings below a folder that is its own.
    ///
    /// # Errors
    /// No keys of Debian's, no source of Debian packages on this machine, a folder that can't be written.
    pub fn prepare(folder: &Path, kind: Kind) -> Result<Apt> {
        Apt::of(SUITE, folder, kind)
    }

    /// The same for another release of Debian's.
    ///
    /// # Errors
    /// As `prepare`.
    pub fn of(suite: &str, folder: &Path, kind: Kind) -> Result<Apt> {
        if !Path::new(KEYRING).is_file() {
            bail!("{KEYRING} is missing: install debian-archive-keyring");
        }
        let folders = ["lists/partial", "cache/archives/partial", "empty", "downloads"];
        folders.iter().try_for_each(|name| fs::create_dir_all(folder.join(name)))?;
        let sources = folder.join("sources.list");
        let kind = match kind {
            Kind::Binary => "deb [arch=amd64 ",
            Kind::Source => "deb-src [",
        };
        fs::write(&sources, format!("{kind}signed-by={KEYRING}] {} {suite} main\n", mirror()?))?;
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

    /// The folder that packages are brought to.
    pub fn downloads(&self) -> &Path {
        &self.downloads
    }

    /// Runs `apt-get` with these arguments; gives what it printed.
    ///
    /// # Errors
    /// The last line of its complaint.
    pub fn run(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new("apt-get");
        command.args(&self.options).arg("-q").args(args).current_dir(&self.downloads);
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
