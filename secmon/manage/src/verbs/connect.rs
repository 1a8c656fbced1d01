//! `secmon connect`.

use super::{Common, Which};
use anyhow::bail;

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    let id = arguments.which.find()?.running()?.record.id;
    bail!(
        "{id} has no display to connect to: programs with windows are not supported yet. `secmon exec {id} -- cmd.exe` \
         brings a command prompt, `secmon logs {id}` shows what programs wrote"
    );
}
