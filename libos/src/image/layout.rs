//! Which file lies where in the guest: what the set-up file installs, and what the DLLs bring along.

use super::folders;
use super::inf::Inf;
use super::manifest;
use super::resources::{Name, Resources};
use super::source::Source;
use anyhow::{Context, Result};
use shim_abi::image::File;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Resource type of files that the DLLs bring.
const DATA_FILE: &str = "WINE_DATA_FILE";

/// The files of an image while they are being collected.
#[derive(Default)]
pub struct Layout {
    files: BTreeMap<String, File>,
    folders: BTreeMap<String, String>,
    /// Small files that the image itself holds, by guest name.
    pub own: BTreeMap<String, Vec<u8>>,
    handled: HashSet<String>,
}

/// When a file was last written, in nanoseconds since 1970.
pub fn written(known: &fs::Metadata) -> i64 {
    let time = known.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    time.and_then(|time| i64::try_from(time.as_nanos()).ok()).unwrap_or(0)
}

/// `C:\windows\x` as a name below C: with '/' between components.
fn below_drive(path: &str) -> String {
    let path = path.get(..2).filter(|drive| drive.eq_ignore_ascii_case("C:")).map_or(path, |_| &path[2..]);
    path.split('\\').filter(|name| !name.is_empty()).collect::<Vec<_>>().join("/")
}

impl Layout {
    /// Makes a folder and those above it.
    pub fn folder(&mut self, path: &str) {
        let mut whole = String::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if !whole.is_empty() {
                whole.push('/');
            }
            whole.push_str(name);
            let folded = whole.to_lowercase();
            if let Some(shown) = self.folders.get(&folded) {
                whole.clone_from(shown);
            } else {
                self.folders.insert(folded, whole.clone());
            }
        }
    }

    fn parent(&mut self, guest: &str) -> String {
        match guest.rsplit_once('/') {
            Some((folder, name)) => {
                self.folder(folder);
                name.to_string()
            }
            None => guest.to_string(),
        }
    }

    /// Shows the host's file at `guest`, a name with '/' between components, below C: or beginning with '@'.
    ///
    /// # Errors
    /// A file that is not there.
    pub fn host(&mut self, guest: &str, host: &Path) -> Result<()> {
        let known = fs::metadata(host).with_context(|| format!("{} can't be read", host.display()))?;
        let shown =
            if guest.starts_with('@') { guest.rsplit('/').next().unwrap_or(guest).into() } else { self.parent(guest) };
        let host = host.to_str().with_context(|| format!("{} is not named in UTF-8", host.display()))?;
        self.files.insert(
            guest.to_lowercase(),
            File { guest: guest.to_lowercase(), shown, host: host.into(), size: known.len(), written: written(&known) },
        );
        Ok(())
    }

    /// Adds a small file that the image holds itself. `written` is in nanoseconds since 1970.
    pub fn own(&mut self, guest: &str, bytes: Vec<u8>, written: i64) {
        let shown = self.parent(guest);
        let guest = guest.to_lowercase();
        let size = bytes.len() as u64;
        self.files
            .insert(guest.clone(), File { host: format!("files/{guest}"), guest: guest.clone(), shown, size, written });
        self.own.insert(guest, bytes);
    }

    /// Every installed PE file: where the guest sees it, as a path on C:, and where it lies.
    pub fn programs<'a>(&'a self, source: &'a Source) -> impl Iterator<Item = (String, PathBuf)> {
        let folder = source.programs.to_str().unwrap_or_default();
        self.files
            .values()
            .filter(move |file| Path::new(&file.host).parent() == Some(Path::new(folder)))
            .map(|file| (self.shown(file), PathBuf::from(&file.host)))
    }

    /// A file's path as the guest shows it.
    fn shown(&self, file: &File) -> String {
        let folder = file.guest.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = self.folders.get(folder).map_or(folder, String::as_str);
        format!("C:\\{}\\{}", folder.replace('/', "\\"), file.shown)
    }

    /// Installs what the sections named by `WineFakeDlls=` of `install` list: `folder number, subfolder, file[, source]`.
    ///
    /// # Errors
    /// Files that can't be read.
    pub fn programs_of(&mut self, inf: &Inf, install: &str, source: &Source) -> Result<()> {
        for section in inf.list(install, "WineFakeDlls") {
            for line in inf.section(&section) {
                let Some(folder) = inf.field(line, 1).parse().ok().and_then(folders::by_number) else { continue };
                let folder = below_drive(&format!("{folder}\\{}", inf.field(line, 2)));
                let (name, from) = (inf.field(line, 3), inf.field(line, 4));
                self.folder(&folder);
                if name.is_empty() {
                    continue;
                }
                if name.contains('*') {
                    self.wildcard(&folder, &name, source, from == "-")?;
                    continue;
                }
                self.handled.insert(name.to_lowercase());
                let file = source.programs.join(if from.is_empty() { &name } else { &from });
                if from != "-" && file.is_file() {
                    self.host(&format!("{folder}/{name}"), &file)?;
                }
            }
        }
        Ok(())
    }

    fn wildcard(&mut self, folder: &str, pattern: &str, source: &Source, leave_out: bool) -> Result<()> {
        let (start, end) = pattern.split_once('*').unwrap_or((pattern, ""));
        for name in source.program_names()? {
            let matches = name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end);
            if matches && self.handled.insert(name.to_lowercase()) && !leave_out {
                self.host(&format!("{folder}/{name}"), &source.programs.join(&name))?;
            }
        }
        Ok(())
    }

    /// Installs what the sections named by `CopyFiles=` of `install` list: files of the data folder, and resources of DLLs.
    ///
    /// # Errors
    /// Files that can't be read.
    pub fn copies_of(&mut self, inf: &Inf, install: &str, source: &Source, written: i64) -> Result<()> {
        for section in inf.list(install, "CopyFiles") {
            let Some(to) = inf.lines("DestinationDirs", &section).next() else { continue };
            let Some(folder) = inf.field(to, 1).parse().ok().and_then(folders::by_number) else { continue };
            let folder = below_drive(&format!("{folder}\\{}", inf.field(to, 2)));
            let subfolder =
                inf.lines("WineSourceDirs", &section).next().map(|line| inf.field(line, 1)).unwrap_or_default();
            for line in inf.section(&section) {
                let (name, from) = (inf.field(line, 1), inf.field(line, 2));
                let guest = format!("{folder}/{name}");
                if let Some((module, number)) = from.strip_prefix('@').and_then(|from| from.split_once(',')) {
                    let module = source.programs.join(module.rsplit('\\').next().unwrap_or(module));
                    let number = number.trim_start_matches('-').parse().unwrap_or(0);
                    if let Some(bytes) = data_file(&module, number)? {
                        self.own(&guest, bytes, written);
                    }
                } else {
                    let host = source.data.join(&subfolder).join(if from.is_empty() { &name } else { &from });
                    if host.is_file() {
                        self.host(&guest, &host)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Installs the side-by-side assemblies of a DLL.
    ///
    /// # Errors
    /// Files that can't be read.
    pub fn assemblies(&mut self, resources: &Resources, source: &Source, written: i64) -> Result<()> {
        for assembly in manifest::assemblies(resources) {
            self.own(&format!("windows/winsxs/manifests/{}.manifest", assembly.name), assembly.manifest, written);
            for file in assembly.files {
                let host = source.programs.join(&file);
                if host.is_file() {
                    self.host(&format!("windows/winsxs/{}/{file}", assembly.name), &host)?;
                }
            }
        }
        Ok(())
    }

    /// Files below `guest` that lie in the host's folder, not deeper.
    ///
    /// # Errors
    /// A folder that can't be read.
    pub fn whole_folder(&mut self, guest: &str, host: &Path) -> Result<()> {
        for entry in fs::read_dir(host).with_context(|| format!("{} can't be read", host.display()))? {
            let entry = entry?;
            if let (true, Some(name)) = (entry.path().is_file(), entry.file_name().to_str()) {
                self.host(&format!("{guest}/{name}"), &entry.path())?;
            }
        }
        Ok(())
    }

    /// Writes the lines that `UpdateInis=` of `install` adds: `file, section, , "line"`.
    pub fn inis_of(&mut self, inf: &Inf, install: &str, written: i64) {
        let mut inis: BTreeMap<String, Vec<(String, Vec<String>)>> = BTreeMap::new();
        for section in inf.list(install, "UpdateInis") {
            for line in inf.section(&section) {
                let sections = inis.entry(inf.field(line, 1).to_lowercase()).or_default();
                let name = inf.field(line, 2);
                let text = inf.field(line, 4);
                match sections.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, lines)) => lines.push(text),
                    None => sections.push((name, vec![text])),
                }
            }
        }
        for (file, sections) in inis {
            let text: String = sections
                .iter()
                .map(|(name, lines)| {
                    format!("[{name}]\r\n{}\r\n", lines.iter().map(|l| format!("{l}\r\n")).collect::<String>())
                })
                .collect();
            self.own(&format!("windows/{file}"), text.into_bytes(), written);
        }
    }

    /// Files and folders as the index lists them.
    pub fn lists(&self) -> (Vec<File>, Vec<String>) {
        let folders: BTreeSet<String> = self.folders.values().cloned().collect();
        (self.files.values().cloned().collect(), folders.into_iter().collect())
    }
}

fn data_file(module: &Path, number: u32) -> Result<Option<Vec<u8>>> {
    if !module.is_file() {
        return Ok(None);
    }
    let Some(resources) = Resources::read(module)? else { return Ok(None) };
    let found =
        resources.of_type(&Name::Text(DATA_FILE.into())).into_iter().find(|(name, _)| *name == Name::Number(number));
    Ok(found.map(|(_, bytes)| bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_keep_the_letter_case_they_were_first_given() {
        let mut layout = Layout::default();
        layout.folder("windows/Fonts");
        layout.own("Windows/fonts/A.ini", vec![1], 7);
        let (files, folders) = layout.lists();
        assert_eq!(folders, ["windows", "windows/Fonts"]);
        assert_eq!((files[0].guest.as_str(), files[0].shown.as_str()), ("windows/fonts/a.ini", "A.ini"));
    }

    #[test]
    fn ini_files() {
        let inf = Inf::parse(
            "[I]\nUpdateInis=U\n[U]\nSystem.ini, mci,,\"A=b\"\nsystem.ini, x,,\"C=d\"\nsystem.ini, mci,,\"E=f\"\n",
        );
        let mut layout = Layout::default();
        layout.inis_of(&inf, "I", 0);
        assert_eq!(layout.own["windows/system.ini"], b"[mci]\r\nA=b\r\nE=f\r\n\r\n[x]\r\nC=d\r\n\r\n");
    }

    #[test]
    fn drive_paths() {
        assert_eq!(below_drive("C:\\windows\\\\system32\\"), "windows/system32");
    }
}
