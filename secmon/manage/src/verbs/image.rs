//! `secmon image`.

use super::Common;
use super::{complain, print};
use crate::image::build;
use crate::parts;
use anyhow::bail;
use clap::Subcommand;
use secmon::image::{File, Image};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What to do with it.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the base image from an installed or fetched libwine
    Build {
        /// Where to put it
        #[arg(long, value_name = "FOLDER")]
        output: Option<PathBuf>,
        /// Where Wine's PE files are
        #[arg(long, value_name = "FOLDER")]
        source: Option<PathBuf>,
        /// No progress
        #[arg(long)]
        quiet: bool,
    },
    /// Say what the base image is
    Info,
    /// Check every file of the base image
    Verify,
}

/// All files, in the order of their guest names.
fn files(image: &Image) -> impl Iterator<Item = File<'_>> {
    (0..image.index().len()).filter_map(|number| image.file(number))
}

/// Checks one file: what is wrong with it.
fn fault(image: &Image, file: &File<'_>) -> Option<String> {
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

/// The product's own executables: how many there are, and their bytes. What debuggers read is a part of them unless they were stripped.
fn executables() -> (usize, u64) {
    let parts = [parts::MANAGE, parts::RUNTIME, parts::MKIMAGE, parts::DISPLAY].map(|name| parts::find(name).ok());
    let sizes = parts.into_iter().chain([parts::monitor().ok()]).flatten().filter_map(|path| fs::metadata(path).ok());
    sizes.fold((0, 0), |(count, bytes), meta| (count + 1, bytes + meta.len()))
}

fn info() -> anyhow::Result<u8> {
    let folder = secmon::policy::parts::image();
    let image = Image::open(&folder, "user")?;
    let (mut outside, mut own) = (0, 0);
    for file in files(&image) {
        *(if Path::new(file.host).is_absolute() { &mut outside } else { &mut own }) += file.size;
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let (count, bytes) = executables();
    print(format!(
        "folder   {}\nmade of  {}\nfiles    {} ({:.1} MB used where they lie, {:.1} MB of the image's own)\nfolders  {}\nbeside   {count} executables of {:.1} MB, not of the image\n",
        folder.display(),
        image.index().source(),
        image.index().len(),
        megabytes(outside),
        megabytes(own),
        image.folders().len(),
        megabytes(bytes),
    ));
    Ok(0)
}

fn verify() -> anyhow::Result<u8> {
    let image = Image::open(&secmon::policy::parts::image(), "user")?;
    let faults: Vec<String> = files(&image).filter_map(|file| fault(&image, &file)).collect();
    if faults.is_empty() {
        print(format!("{} files, all as they were when the image was made\n", image.index().len()));
        return Ok(0);
    }
    faults.iter().for_each(complain);
    bail!("{} of {} files are wrong: `secmon image build` makes the image anew", faults.len(), image.index().len());
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    match arguments.command {
        Command::Build { output, source, quiet } => {
            build(&output.unwrap_or_else(secmon::policy::parts::image), source.as_deref(), quiet).map(|()| 0)
        }
        Command::Info => info(),
        Command::Verify => verify(),
    }
}
