//! `secmon view`.

use super::{Common, Which};
use crate::display;
use serde::Serialize;

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Viewed<'a> {
    /// The page's address, which can be used once.
    link: &'a str,
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let (kept, mut client) = arguments.which.connect()?;
    let link = display::page(&kept, &mut client)?;
    common.show(&Viewed { link: &link }, format!("{link}\n"))?;
    Ok(0)
}
