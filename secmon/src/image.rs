//! The base image: the guest's own system files, found by name in the index and opened where they lie.
//!
//! The index is read at every start, so it is searched as it lies: nothing is copied out of it but where each file begins.

use crate::names::fold;
use shim_abi::error::Error;
pub use shim_abi::image::Found as File;
use shim_abi::image::{INDEX_FILE, Read, USER};
use std::path::{Path, PathBuf};
use std::{fs, io};

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

/// An image.
pub struct Image {
    folder: PathBuf,
    index: Read,
    /// Folders in the letter case to show, with the user's name put in.
    folders: Vec<String>,
    user: String,
}

impl Image {
    /// Opens the image in a folder; `user` is the name of the user that the guest sees.
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
        let index = Read::open(bytes).map_err(|error| match error {
            Error::Unsupported => damaged("of another version"),
            _ => damaged("damaged"),
        })?;
        let folders = index.folders().iter().map(|folder| folder.replace(USER, user)).collect();
        Ok(Image { folder: folder.into(), index, folders, user: user.to_lowercase() })
    }

    /// Its index.
    pub fn index(&self) -> &Read {
        &self.index
    }

    /// Folders, in the letter case to show.
    pub fn folders(&self) -> &[String] {
        &self.folders
    }

    /// The file of this number in the index.
    pub fn file(&self, number: usize) -> Option<File<'_>> {
        self.index.file(number)
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
        self.file(self.index.place(0, &key)).filter(|file| file.guest == key)
    }

    /// Whether a path below `C:` is a folder of the image; its name in the letter case to show.
    pub fn folder(&self, path: &str) -> Option<String> {
        if let Some(folder) = self.folders.iter().find(|folder| fold::same(folder, path)) {
            return Some(folder.clone());
        }
        let prefix = self.key(path) + "/";
        let below = self.file(self.index.place(0, &prefix)).is_some_and(|file| file.guest.starts_with(&prefix));
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
        let mut at = self.index.place(0, &prefix);
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
                    at = self.index.place(at + 1, &format!("{prefix}{name}0"));
                }
            }
        }
        (files, folders)
    }

    /// The host's path of a file.
    pub fn host_path(&self, file: &File<'_>) -> PathBuf {
        self.folder.join(file.host)
    }
}

#[cfg(test)]
#[path = "../tests/unit/image.rs"]
pub(crate) mod tests;
