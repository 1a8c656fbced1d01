//! What `secmon run` does first if it is to have layers: they are opened, checked and locked here, and the monitor is given their
//! folders as descriptors.

use super::Common;
use crate::layer::Layer;
use crate::parts;
use anyhow::Context as _;
use rustix::io::{FdFlags, fcntl_setfd};
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Which layers, and what the monitor is told besides.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The layer that is written
    #[arg(long)]
    persist: Option<String>,
    /// Those below it, from above
    #[arg(long)]
    layer: Vec<String>,
    /// `run` and what follows it
    #[arg(last = true)]
    run: Vec<OsString>,
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    let written = arguments.persist.iter().map(|name| Layer::open(name, false));
    let read = arguments.layer.iter().map(|name| Layer::open(name, true));
    let layers = written.chain(read).collect::<Result<Vec<_>, _>>()?;
    let mut folders = Vec::new();
    let mut command = Command::new(parts::monitor()?);
    command.arg0("secmon").args(arguments.run.first());
    for layer in &layers {
        let folder = File::open(&layer.path).with_context(|| layer.path.display().to_string())?;
        for fd in [folder.as_fd(), layer.lock.as_fd()] {
            fcntl_setfd(fd, FdFlags::empty())?;
        }
        command.arg(format!("--layer-fd={}", folder.as_raw_fd()));
        folders.push(folder);
    }
    Err(command.args(arguments.run.iter().skip(1)).exec().into())
}
