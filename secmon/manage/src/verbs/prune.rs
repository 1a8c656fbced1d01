//! `secmon prune`.

use super::Common;
use crate::state::Store;
use secmon::policy::units::parse_duration;
use serde::Serialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Those that ended longer ago than this only
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    older_than: Option<Duration>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Removed {
    ids: Vec<String>,
    leftovers: usize,
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let before = arguments.older_than.map(|time| now.saturating_sub(time).as_secs());
    let pruned = Store::open()?.prune(before)?;
    let text: String = pruned.ids.iter().map(|id| format!("{id}\n")).collect();
    common.show(&Removed { ids: pruned.ids, leftovers: pruned.leftovers }, text)?;
    Ok(0)
}
