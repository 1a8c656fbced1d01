//! What is made once and kept: by one process at a time, complete or not at all.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::Path;

/// Calls `make` with a path beside `to` unless `to` exists, and renames what it made to `to`.
///
/// # Errors
/// What `make` says, or that files cannot be written.
pub fn make(to: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if to.exists() {
        return Ok(());
    }
    let folder = to.parent().context("a path with a folder")?;
    let name = to.file_name().context("a path with a name")?.to_string_lossy().into_owned();
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join(format!(".{name}.lock")))?;
    lock.lock()?;
    if to.exists() {
        return Ok(());
    }
    let half = folder.join(format!(".{name}.half"));
    let _ = fs::remove_dir_all(&half);
    let _ = fs::remove_file(&half);
    make(&half)?;
    fs::rename(&half, to).with_context(|| format!("renaming to {}", to.display()))
}

/// SHA-256 of bytes, in hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
