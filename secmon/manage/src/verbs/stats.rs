//! `secmon stats`.

use super::list::table;
use super::{Common, complain, print};
use crate::state::{Kept, Life, Store};
use crate::usage::Usage;
use secmon::exit;
use secmon::policy::units::parse_duration;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// Which, and how often.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The sandboxes: ids, beginnings of them, or names [default: all that run]
    #[arg(value_name = "ID")]
    which: Vec<String>,
    /// The same as an option
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
    /// Once, not again and again
    #[arg(long)]
    no_stream: bool,
    /// How often
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    interval: Duration,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statistics<'a> {
    statistics: &'a [Usage],
}

/// A number of bytes, to three digits.
fn bytes(count: u64) -> String {
    let units = ["B", "K", "M", "G", "T"];
    let (mut value, mut unit) = (count as f64, 0);
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = if unit == 0 || value >= 99.95 { 0 } else { 1 };
    format!("{value:.digits$}{}", units[unit])
}

/// The table; the load since the last one where there is one.
fn rows(all: &[Usage], before: &BTreeMap<String, f64>, passed: Duration) -> String {
    let head =
        ["ID", "NAME", "CPU", "LOAD", "PRIVATE", "SHARED", "READ", "WRITTEN", "SCRATCH", "NT CALLS", "PROCESSES"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for one in all {
        let load = before.get(&one.id).map(|before| (one.cpu_seconds - before) / passed.as_secs_f64().max(1e-3));
        let or_none = |count: Option<u64>| count.map_or_else(|| "-".into(), bytes);
        rows.push(vec![
            one.id.chars().take(8).collect(),
            one.name.clone().unwrap_or_else(|| "-".into()),
            format!("{:.2}s", one.cpu_seconds),
            load.map_or_else(|| "-".into(), |load| format!("{:.0}%", (load * 100.0).max(0.0))),
            bytes(one.private_bytes),
            bytes(one.shared_bytes),
            or_none(one.read_bytes),
            or_none(one.written_bytes),
            bytes(one.scratch_bytes),
            one.nt_calls.to_string(),
            one.processes.to_string(),
        ]);
    }
    table(&rows)
}

fn meant(store: &Store, named: &[&String]) -> anyhow::Result<Vec<Kept>> {
    Ok(match named {
        [] => store.all()?.into_iter().filter(|kept| kept.life == Life::Running).collect(),
        _ => named.iter().map(|what| store.find(what)?.running()).collect::<Result<_, _>>()?,
    })
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let store = Store::open()?;
    let named: Vec<&String> = arguments.id.iter().chain(&arguments.which).collect();
    let (mut before, mut at) = (BTreeMap::new(), Instant::now());
    let clear = std::io::stdout().is_terminal() && !common.raw && !arguments.no_stream;
    loop {
        let (mut all, mut code) = (Vec::new(), 0);
        let meant = meant(&store, &named)?;
        for (kept, usage) in Usage::of_all(&meant) {
            match usage {
                Ok(usage) => all.push(usage),
                // One that ended just now.
                Err(_) if store.find(&kept.record.id).is_ok_and(|kept| kept.life != Life::Running) => {}
                Err(error) => {
                    complain(format!("{}: {error}", kept.record.id));
                    code = exit::FAILURE;
                }
            }
        }
        if clear {
            print("\x1b[H\x1b[2J");
        }
        common.show(&Statistics { statistics: &all }, rows(&all, &before, at.elapsed()))?;
        if arguments.no_stream {
            return Ok(code);
        }
        (before, at) = (all.into_iter().map(|one| (one.id, one.cpu_seconds)).collect(), Instant::now());
        std::thread::sleep(arguments.interval);
    }
}

#[cfg(test)]
#[path = "../../tests/unit/stats.rs"]
mod tests;
