//! Makes the base image.

use crate::parts;
use anyhow::{Context as _, bail};
use secmon::cli::complain;
use secmon::image::{Image, ImageError};
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes the image that sandboxes run with if there is none or it is broken.
///
/// # Errors
/// Why there is none.
pub fn make_sure(user: &str) -> anyhow::Result<()> {
    let folder = secmon::policy::parts::image();
    match Image::open(&folder, user) {
        Err(error @ (ImageError::Missing(_) | ImageError::Damaged(..))) => {
            let why = if matches!(error, ImageError::Missing(_)) { "for the first time" } else { "anew" };
            complain(format!("making the base image in {} {why}", folder.display()));
            build(&folder, None, false).with_context(|| error.to_string())?;
            Ok(Image::open(&folder, user).map(drop)?)
        }
        opened => Ok(opened.map(drop)?),
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
