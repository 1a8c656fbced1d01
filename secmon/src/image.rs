//! The base image: the guest's own system files, found by name in the index and opened where they lie.
//!
//! The index is read at every start, so it is searched as it lies: nothing is copied out of it but where each file begins.

use crate::names::fold;
use shim_abi::image::{INDEX_FILE, INDEX_VERSION, USER, unseal};
use shim_abi::wire::{Wire, decode};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// There is none.
    #[error("there is no base image in {0}: `secmon image build` makes it")]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("base image {0}: {1}")]
    Read(PathBuf, io::Error),
    /// It is damaged or of another version.
    #[error("the base image in {0} is {1}: `secmon image build` makes it anew")]
    Damaged(PathBuf, &'static str),
}

/// One file of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// Its number in the index.
    pub number: usize,
    /// The guest's name for it, in lower case.
    pub guest: &'a str,
    /// Its last component in the letter case to show.
    pub shown: &'a str,
    /// Host path, absolute or relative to the image's folder.
    pub host: &'a str,
    /// Bytes it holds.
    pub size: u64,
    /// Its last write, in nanoseconds since 1970.
    pub written: i64,
}

impl File<'_> {
    /// Whether what lies on the host is what the image was made of. Files of the image's own have the times of their making.
    pub fn is_still(&self, size: u64, written: i64) -> bool {
        size == self.size && (written == self.written || !Path::new(self.host).is_absolute())
    }
}

/// An image.
pub struct Image {
    folder: PathBuf,
    bytes: Vec<u8>,
    /// Where each file's record begins in `bytes`.
    files: Vec<u32>,
    /// Folders in the letter case to show, with the user's name put in.
    folders: Vec<String>,
    source: String,
    user: String,
}

/// Takes a text of the wire layout from the front, in place.
fn text<'a>(from: &mut &'a [u8]) -> Option<&'a str> {
    let length = u32::take(from).ok()? as usize;
    let (raw, rest) = from.split_at_checked(length)?;
    *from = rest;
    std::str::from_utf8(raw).ok()
}

/// Takes a file's record from the front, in place.
fn record<'a>(number: usize, from: &mut &'a [u8]) -> Option<File<'a>> {
    Some(File {
        number,
        guest: text(from)?,
        shown: text(from)?,
        host: text(from)?,
        size: u64::take(from).ok()?,
        written: i64::take(from).ok()?,
    })
}

/// Skips a file's record.
fn skip(from: &mut &[u8]) -> Option<()> {
    for _ in 0..3 {
        let length = u32::take(from).ok()? as usize;
        *from = from.split_at_checked(length)?.1;
    }
    *from = from.split_at_checked(16)?.1;
    Some(())
}

impl Image {
    /// The folder where images are looked for: `$PORTCULLIS_IMAGE`, else `portcullis/image` in the user's cache folder.
    pub fn default_folder() -> PathBuf {
        if let Some(folder) = std::env::var_os("PORTCULLIS_IMAGE").filter(|value| !value.is_empty()) {
            return folder.into();
        }
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or("/".into())).join(".cache");
        cache.unwrap_or_else(home).join("portcullis/image")
    }

    /// Opens the image in a folder; `user` is the name of the user that the guest sees.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn open(folder: &Path, user: &str) -> Result<Self, ImageError> {
        let path = folder.join(INDEX_FILE);
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ImageError::Missing(folder.into()),
            _ => ImageError::Read(path, error),
        })?;
        Self::from_bytes(folder, bytes, user)
    }

    fn from_bytes(folder: &Path, bytes: Vec<u8>, user: &str) -> Result<Self, ImageError> {
        let damaged = |why| ImageError::Damaged(folder.into(), why);
        let body = unseal(&bytes).map_err(|_| damaged("damaged"))?;
        let start = bytes.len() - body.len();
        let mut from = body;
        if u32::take(&mut from) != Ok(INDEX_VERSION) {
            return Err(damaged("of another version"));
        }
        let parsed = (|| {
            let source = text(&mut from)?.to_owned();
            let count = u32::take(&mut from).ok()? as usize;
            let mut files = Vec::with_capacity(count.min(from.len() / 28));
            for _ in 0..count {
                files.push(u32::try_from(start + body.len() - from.len()).ok()?);
                skip(&mut from)?;
            }
            let folders: Vec<String> = decode(from).ok()?;
            Some((source, files, folders))
        })();
        let (source, files, mut folders) = parsed.ok_or_else(|| damaged("damaged"))?;
        for folder in &mut folders {
            if folder.contains(USER) {
                *folder = folder.replace(USER, user);
            }
        }
        Ok(Image { folder: folder.into(), bytes, files, folders, source, user: user.to_lowercase() })
    }

    /// What it was made of.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many files it has.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether it has no files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Folders, in the letter case to show.
    pub fn folders(&self) -> &[String] {
        &self.folders
    }

    /// The file of this number in the index.
    pub fn file(&self, number: usize) -> Option<File<'_>> {
        let mut from = self.bytes.get(*self.files.get(number)? as usize..)?;
        record(number, &mut from)
    }

    /// All files, in the order of their guest names.
    pub fn files(&self) -> impl Iterator<Item = File<'_>> {
        (0..self.files.len()).filter_map(|number| self.file(number))
    }

    fn guest(&self, at: u32) -> &str {
        self.bytes.get(at as usize..).and_then(|mut from| text(&mut from)).unwrap_or("")
    }

    /// The key of a guest path: lower case, with the user's name made the placeholder.
    fn key(&self, path: &str) -> String {
        let key = path.to_lowercase();
        match key.strip_prefix("users/").and_then(|rest| rest.strip_prefix(&self.user)) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("users/{USER}{rest}"),
            _ => key,
        }
    }

    /// The file at a path below `C:`, or of a name that only `image:` has (with `@` in front).
    pub fn find(&self, path: &str) -> Option<File<'_>> {
        let key = self.key(path);
        let at = self.files.binary_search_by(|at| self.guest(*at).cmp(&key)).ok()?;
        self.file(at)
    }

    /// Whether a path below `C:` is a folder of the image; its name in the letter case to show.
    pub fn folder(&self, path: &str) -> Option<String> {
        if let Some(folder) = self.folders.iter().find(|folder| fold::same(folder, path)) {
            return Some(folder.clone());
        }
        let prefix = self.key(path) + "/";
        let at = self.files.partition_point(|at| self.guest(*at) < prefix.as_str());
        let below = self.files.get(at).is_some_and(|at| self.guest(*at).starts_with(&prefix));
        below.then(|| path.to_owned())
    }

    /// What lies directly in a folder: files, and the names of folders.
    pub fn list(&self, path: &str) -> (Vec<File<'_>>, Vec<String>) {
        let mut prefix = self.key(path);
        if !prefix.is_empty() {
            prefix.push('/');
        }
        let mut files = Vec::new();
        let mut folders: Vec<String> = Vec::new();
        let known = |name: &str, folders: &[String]| folders.iter().any(|other| fold::same(other, name));
        for folder in &self.folders {
            let (parent, name) = folder.rsplit_once('/').unwrap_or(("", folder));
            if fold::same(parent, path) && !known(name, &folders) {
                folders.push(name.to_owned());
            }
        }
        let mut at = self.files.partition_point(|at| self.guest(*at) < prefix.as_str());
        while let Some(file) = self.file(at) {
            let Some(rest) = file.guest.strip_prefix(prefix.as_str()) else { break };
            match rest.split_once('/') {
                _ if rest.starts_with('@') => at += 1,
                None => {
                    files.push(file);
                    at += 1;
                }
                Some((name, _)) => {
                    if !known(name, &folders) {
                        folders.push(name.to_owned());
                    }
                    // On to what follows everything below that folder: '0' is the character after '/'.
                    let after = format!("{prefix}{name}0");
                    at += self.files[at..].partition_point(|at| self.guest(*at) < after.as_str()).max(1);
                }
            }
        }
        (files, folders)
    }

    /// The host's path of a file.
    pub fn host_path(&self, file: &File<'_>) -> PathBuf {
        self.folder.join(file.host)
    }

    /// The folder it lies in.
    pub fn place(&self) -> &Path {
        &self.folder
    }
}

#[cfg(test)]
#[path = "../tests/unit/image.rs"]
pub(crate) mod tests;
