//! `secmon commit`.

use super::Common;
use crate::layer::{copy, named};

/// From what to what.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A layer's name, or the id or name of a sandbox that has one
    layer: String,
    /// Name of the image layer: `run --layer` takes it
    image_layer: String,
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    copy::seal(&named(&arguments.layer)?, &arguments.image_layer).map(|()| 0)
}
