//! `secmon image`, and the image that `run` needs.

use super::{ImageCommand, complain, parts, print};
use crate::exit;
use crate::image::{Image, ImageError};
use anyhow::{Context as _, bail};
use std::fs;
use std::os::unix::fs::MetadataExt;
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

fn build(folder: &Path, source: Option<&Path>, quiet: bool) -> anyhow::Result<()> {
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

/// Checks one file: what is wrong with it.
fn fault(image: &Image, file: &crate::image::File<'_>) -> Option<String> {
    let path = image.host_path(file);
    let meta = match fs::metadata(&path) {
        Ok(meta) => meta,
        Err(error) => return Some(format!("{}: {error}", path.display())),
    };
    let written = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
    if !meta.is_file() || !file.is_still(meta.len(), written) {
        return Some(format!("{}: it changed since the image was made", path.display()));
    }
    fs::File::open(&path).err().map(|error| format!("{}: {error}", path.display()))
}

fn info() -> anyhow::Result<u8> {
    let folder = Image::default_folder();
    let image = Image::open(&folder, "user")?;
    let (mut outside, mut own) = (0, 0);
    for file in image.files() {
        *(if Path::new(file.host).is_absolute() { &mut outside } else { &mut own }) += file.size;
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    print(format!(
        "folder   {}\nmade of  {}\nfiles    {} ({:.1} MB used where they lie, {:.1} MB of the image's own)\nfolders  {}\n",
        folder.display(),
        image.source(),
        image.len(),
        megabytes(outside),
        megabytes(own),
        image.folders().len(),
    ));
    Ok(0)
}

fn verify() -> anyhow::Result<u8> {
    let image = Image::open(&Image::default_folder(), "user")?;
    let faults: Vec<String> = image.files().filter_map(|file| fault(&image, &file)).collect();
    if faults.is_empty() {
        print(format!("{} files, all as they were when the image was made\n", image.len()));
        return Ok(0);
    }
    faults.iter().for_each(complain);
    bail!("{} of {} files are wrong: `secmon image build` makes the image anew", faults.len(), image.len());
}

pub(super) fn image(command: ImageCommand) -> u8 {
    let done = match command {
        ImageCommand::Build { output, source, quiet } => {
            build(&output.unwrap_or_else(Image::default_folder), source.as_deref(), quiet).map(|()| 0)
        }
        ImageCommand::Info => info(),
        ImageCommand::Verify => verify(),
    };
    done.unwrap_or_else(|error| {
        complain(format!("{error:#}"));
        exit::FAILURE
    })
}
