//! `secmon completions`.

use super::print;
use super::{Common, command};

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    let mut out = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "secmon", &mut out);
    print(String::from_utf8_lossy(&out));
    Ok(0)
}
