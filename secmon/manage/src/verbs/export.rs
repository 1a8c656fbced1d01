//! `secmon export`.

use super::Common;
use crate::layer::{copy, named};
use std::path::PathBuf;

/// What, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A layer's name, or the id or name of a sandbox that has one
    layer: String,
    /// Files and folders of drive C
    #[arg(required = true, value_name = "C:\\PATH")]
    paths: Vec<String>,
    /// The host's folder that they are copied into
    #[arg(value_name = "FOLDER")]
    target: PathBuf,
    /// Overwrite what is there
    #[arg(long)]
    force: bool,
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    copy::export(&named(&arguments.layer)?, &arguments.paths, &arguments.target, arguments.force).map(|()| 0)
}
