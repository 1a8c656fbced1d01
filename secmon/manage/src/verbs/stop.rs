//! `secmon stop`.

use super::{Common, complain, connect_to};
use crate::client::ClientError;
use crate::state::{Kept, Life, Store};
use secmon::exit;
use secmon::policy::units::parse_duration;
use serde::Serialize;
use shim_abi::control::{Stop, Wait};
use std::time::Duration;

/// Which, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The sandbox: its id, the beginning of it, or its name
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
    /// The same without `--id`
    #[arg(value_name = "ID", id = "which", required_unless_present_any = ["id", "all"])]
    which: Vec<String>,
    /// All that run
    #[arg(long, conflicts_with_all = ["id", "which"])]
    all: bool,
    /// How long programs have to see to it; they are told as if their console were closed
    #[arg(short, long, value_name = "TIME", default_value = "5s", value_parser = patience)]
    time: Duration,
    /// Remove what is left of it as well: logs, events, audit
    #[arg(long)]
    rm: bool,
}

fn patience(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" { Ok(Duration::ZERO) } else { parse_duration(text) }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Stopped {
    ids: Vec<String>,
}

fn stop(kept: Kept, time: Duration) -> anyhow::Result<()> {
    let (_, mut client) = connect_to(kept)?;
    let patience = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    let asked = client.ask(&Stop { patience }).and_then(|()| client.ask(&Wait { process: 0 }).map(drop));
    match asked {
        Ok(()) | Err(ClientError::Gone) => {}
        Err(error) => return Err(error.into()),
    }
    // The lock goes with the monitor itself, as the connection does.
    while client.notice().is_ok() {}
    Ok(())
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let store = Store::open()?;
    let mut code = 0;
    let mut all = Vec::new();
    if arguments.all {
        all = store.all()?.into_iter().filter(|kept| kept.life == Life::Running).collect();
    }
    let mut fail = |error: anyhow::Error| {
        complain(format!("{error:#}"));
        code = exit::FAILURE;
    };
    for what in arguments.id.iter().chain(&arguments.which) {
        match store.find(what) {
            Ok(kept) => all.push(kept),
            Err(error) => fail(error.into()),
        }
    }
    let mut ids = Vec::new();
    for kept in all {
        let id = kept.record.id.clone();
        let done = stop(kept, arguments.time).and_then(|()| {
            crate::state::settle(&store, &id)?;
            if arguments.rm { Ok(store.remove(&id)?) } else { Ok(()) }
        });
        match done {
            Ok(()) => ids.push(id),
            Err(error) => fail(error),
        }
    }
    common.show(&Stopped { ids }, "")?;
    Ok(code)
}
