//! `secmon man`.

use super::print;
use super::{Common, command};

/// None.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

/// The manual page: the command, and each command below it.
pub(super) fn run(_: Arguments, _: &Common) -> anyhow::Result<u8> {
    let mut out = Vec::new();
    let command = command();
    clap_mangen::Man::new(command.clone()).render(&mut out)?;
    for below in command.get_subcommands() {
        let name = format!("secmon-{}", below.get_name());
        clap_mangen::Man::new(below.clone().name(name)).render(&mut out)?;
    }
    print(String::from_utf8_lossy(&out));
    Ok(0)
}
