//! Where the PE files come from: an installed libwine, or a folder with the same tree.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Oldest major version whose DLLs reach the kernel by system calls alone.
pub const OLDEST: u32 = 10;

/// Where distributions put the folder of PE files, and the folder of data, below a root.
const PLACES: &[(&str, &str)] = &[
    ("usr/lib/x86_64-linux-gnu/wine/x86_64-windows", "usr/share/wine"),
    ("usr/lib/wine/x86_64-windows", "usr/share/wine"),
    ("usr/lib64/wine/x86_64-windows", "usr/share/wine"),
    ("usr/local/lib/wine/x86_64-windows", "usr/local/share/wine"),
    ("opt/wine-stable/lib64/wine/x86_64-windows", "opt/wine-stable/share/wine"),
    ("opt/wine-stable/lib/wine/x86_64-windows", "opt/wine-stable/share/wine"),
    ("opt/wine-devel/lib64/wine/x86_64-windows", "opt/wine-devel/share/wine"),
    ("opt/wine-devel/lib/wine/x86_64-windows", "opt/wine-devel/share/wine"),
];
/// Where Debian's libz-mingw-w64 puts the one DLL that Debian's libwine leaves to it.
const ZLIB: &str = "usr/x86_64-w64-mingw32/lib/zlib1.dll";

/// An installation of Wine's PE files.
#[derive(Debug, Clone)]
pub struct Source {
    /// The root below which it lies.
    pub root: PathBuf,
    /// The folder of PE files.
    pub programs: PathBuf,
    /// The folder of wine.inf, `nls` and `fonts`.
    pub data: PathBuf,
    /// Its version, as wine.inf tells it: `10.0`.
    pub version: String,
}

/// The version in the front matter of wine.inf: `;; Version: Wine 10.0`.
fn version_of(inf: &str) -> Option<&str> {
    inf.lines().take(10).find_map(|line| line.split_once("Version: Wine ")).map(|(_, version)| version.trim())
}

/// The part of a version before its first '.' as a number.
fn major(version: &str) -> u32 {
    version.split(|c: char| !c.is_ascii_digit()).next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl Source {
    /// The installation below `root`.
    ///
    /// # Errors
    /// None there, or one too old, or one with parts missing.
    pub fn below(root: &Path) -> Result<Source> {
        let there = |place: &&(&str, &str)| root.join(place.0).join("ntdll.dll").is_file();
        let (programs, data) = PLACES
            .iter()
            .find(there)
            .map(|(programs, data)| (root.join(programs), root.join(data)))
            .with_context(|| format!("no 64-bit PE files of Wine below {}", root.display()))?;
        let inf = data.join("wine.inf");
        let text = fs::read_to_string(&inf).with_context(|| format!("{} can't be read", inf.display()))?;
        let version = version_of(&text).with_context(|| format!("{} names no version", inf.display()))?.to_string();
        if major(&version) < OLDEST {
            bail!("the Wine below {} is {version}; {OLDEST}.0 or later is needed", root.display());
        }
        for needed in ["nls/locale.nls", "nls/l_intl.nls", "nls/sortdefault.nls"] {
            if !data.join(needed).is_file() {
                bail!("{} is missing", data.join(needed).display());
            }
        }
        Ok(Source { root: root.into(), programs, data, version })
    }

    /// The names of all PE files, sorted.
    ///
    /// # Errors
    /// A folder that can't be read.
    pub fn program_names(&self) -> Result<Vec<String>> {
        let folder =
            fs::read_dir(&self.programs).with_context(|| format!("{} can't be read", self.programs.display()))?;
        let mut names: Vec<String> = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.retain(|name| name.contains('.'));
        names.sort_unstable();
        Ok(names)
    }

    /// Debian's zlib1.dll, if it is there.
    pub fn zlib(&self) -> Option<PathBuf> {
        let roots = [self.root.as_path(), Path::new("/")];
        roots.into_iter().map(|root| root.join(ZLIB)).find(|path| path.is_file())
    }

    /// Folders that may hold Wine's fonts.
    pub fn fonts(&self) -> Option<PathBuf> {
        let folder = self.data.join("fonts");
        fs::read_dir(&folder).ok()?.next().map(|_| folder)
    }

    /// What it is, for a person: package and version if the package manager knows them.
    pub fn describe(&self) -> String {
        let marker = fs::read_to_string(self.root.join("package")).ok();
        let known = marker.or_else(|| {
            let file = self.programs.join("ntdll.dll");
            let owner =
                Command::new("dpkg-query").arg("-S").arg(file).output().ok().filter(|out| out.status.success())?;
            let owner = String::from_utf8_lossy(&owner.stdout).split(": ").next()?.to_string();
            let format = ["-W", "-f", "${Package} ${Version}"];
            let out =
                Command::new("dpkg-query").args(format).arg(owner).output().ok().filter(|out| out.status.success())?;
            String::from_utf8(out.stdout).ok()
        });
        match known {
            Some(package) => format!("{} (Wine {})", package.trim(), self.version),
            None => format!("Wine {} below {}", self.version, self.root.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(version_of(";; x\n;; Version: Wine 10.0\r\n"), Some("10.0"));
        assert_eq!(version_of("[version]"), None);
        assert_eq!(major("10.0-rc3"), 10);
        assert_eq!(major("9.22"), 9);
        assert_eq!(major("x"), 0);
    }

    #[test]
    fn nothing_there() {
        assert!(Source::below(Path::new("/nonexistent")).is_err());
    }
}
