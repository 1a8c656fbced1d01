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
#[serde(rename_all = "PascalCase")]
struct Viewed<'a> {
    link: &'a str,
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let (kept, mut client) = arguments.which.connect()?;
    let link = display::page(&kept, &mut client)?;
    common.show(&Viewed { link: &link }, format!("{link}\n"))?;
    Ok(0)
}
