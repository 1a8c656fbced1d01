//! The image that `run` needs.

use super::{complain, parts};
use crate::image::{Image, ImageError};
use anyhow::{Context as _, bail};
use std::path::Path;
use std::process::{Command, Stdio};

/// Opens the image, making it first if there is none or it is broken.
///
/// # Errors
/// Why there is none.
pub fn open_or_build(user: &str) -> anyhow::Result<Image> {
    let folder = Image::default_folder();
    match Image::open(&folder, user) {
        Err(error @ (ImageError::Missing(_) | ImageError::Damaged(..))) => {
            let why = if matches!(error, ImageError::Missing(_)) { "for the first time" } else { "anew" };
            complain(format!("making the base image in {} {why}", folder.display()));
            build(&folder, None, false).with_context(|| error.to_string())?;
            Ok(Image::open(&folder, user)?)
        }
        other => Ok(other?),
    }
}

/// Makes an image in a folder.
///
/// # Errors
/// What failed; the builder itself said why.
pub fn build(folder: &Path, source: Option<&Path>, quiet: bool) -> anyhow::Result<()> {
    let tool = parts::find(parts::MKIMAGE).map_err(anyhow::Error::msg)?;
    let mut command = Command::new(&tool);
    command.arg("--output").arg(folder);
    if let Some(source) = source {
        command.arg("--source").arg(source);
    }
    if quiet {
        command.arg("--quiet");
    }
    // The program's own input and output are not the image's.
    command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr()));
    let status = command.status().with_context(|| tool.display().to_string())?;
    if status.success() { Ok(()) } else { bail!("{} failed: {status}", tool.display()) }
}
