//! `secmon oci`.

use super::Common;
pub use crate::oci::Arguments;

/// Carries out one of the runtime's commands.
pub fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    Ok(crate::oci::run(&arguments))
}
