//! `secmon share`.

use super::{Common, Which};
use crate::wsb::check_folder;
use anyhow::{Context as _, bail};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use secmon::guest::GuestPath;
use secmon::policy::{Mount, Policy};
use serde::Serialize;
use shim_abi::control::{Share, Unshare};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

/// What is shared.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The folder of this host
    #[arg(short = 'f', long, value_name = "FOLDER", required_unless_present = "remove")]
    host_path: Option<PathBuf>,
    /// Where the sandbox sees it, as C:\data
    #[arg(short, long, value_name = "FOLDER")]
    sandbox_path: String,
    /// Let it write there
    #[arg(short = 'w', long)]
    allow_write: bool,
    /// Share it no more; what is open stays open
    #[arg(long, conflicts_with_all = ["host_path", "allow_write"])]
    remove: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Shared<'a> {
    host_path: Option<&'a str>,
    sandbox_path: &'a str,
    allow_write: bool,
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let place = &arguments.sandbox_path;
    let guest = GuestPath::parse(place).with_context(|| format!("--sandbox-path {place}"))?;
    let shown = guest.to_string();
    let Some(path) = arguments.host_path else {
        let (_, mut client) = arguments.which.connect()?;
        client.ask(&Unshare { guest: shown.clone() })?;
        common.show(&Shared { host_path: None, sandbox_path: &shown, allow_write: false }, "")?;
        return Ok(0);
    };
    if let Err(why) = check_folder(&path) {
        bail!("--host-path: {why}");
    }
    let host = path.canonicalize().with_context(|| path.display().to_string())?;
    let mount = Mount { host: host.clone(), guest, writable: arguments.allow_write };
    Policy { mounts: vec![mount], ..Policy::default() }.check()?;
    let (_, mut client) = arguments.which.connect()?;
    let folder = open(&host, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        .with_context(|| host.display().to_string())?;
    let host = host.display().to_string();
    let share = Share { guest: shown.clone(), host: host.clone(), writable: arguments.allow_write };
    client.ask_with(&share, &[folder.as_fd()])?;
    common.show(&Shared { host_path: Some(&host), sandbox_path: &shown, allow_write: arguments.allow_write }, "")?;
    Ok(0)
}
