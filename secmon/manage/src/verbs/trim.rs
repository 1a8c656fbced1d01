//! `secmon trim`.

use super::{Common, complain, connect_to};
use crate::state::{Life, Store};
use secmon::exit;
use serde::Serialize;
use shim_abi::control::Trim;

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The sandboxes: ids, beginnings of them, or names [default: all that run]
    #[arg(value_name = "ID")]
    which: Vec<String>,
    /// The same as an option
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Trimmed {
    ids: Vec<String>,
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let store = Store::open()?;
    let named: Vec<&String> = arguments.id.iter().chain(&arguments.which).collect();
    let all = match named[..] {
        [] => store.all()?.into_iter().filter(|kept| kept.life == Life::Running).collect(),
        _ => named.into_iter().map(|what| store.find(what)).collect::<Result<Vec<_>, _>>()?,
    };
    let (mut ids, mut code) = (Vec::new(), 0);
    for kept in all {
        let id = kept.record.id.clone();
        match connect_to(kept).and_then(|(_, mut client)| Ok(client.ask(&Trim {})?)) {
            Ok(()) => ids.push(id),
            Err(error) => {
                complain(format!("{error:#}"));
                code = exit::FAILURE;
            }
        }
    }
    common.show(&Trimmed { ids }, "")?;
    Ok(code)
}
