//! `secmon wait`.

use super::{Common, Which, complain};
use crate::client::{Client, ClientError};
use crate::record::End;
use crate::state::{Kept, Life, Store, file, settle};
use secmon::exit;
use serde::Serialize;
use shim_abi::control::Wait;

/// For what.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// For the end of one of its processes, by the number that `exec --detach` printed
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    process: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Waited<'a> {
    id: &'a str,
    exit_code: u8,
    #[serde(flatten)]
    end: Option<&'a End>,
}

fn wait(store: &Store, kept: &Kept, process: u32) -> anyhow::Result<Option<End>> {
    let asked = Client::connect(&kept.folder, file::CONTROL)
        .and_then(|mut client| client.ask(&Wait { process }).map(End::from));
    match asked {
        Ok(end) => Ok(Some(end)),
        // It ended just now: what it wrote down counts.
        Err(ClientError::Gone | ClientError::Connect(_)) => {
            settle(store, &kept.record.id)?;
            match store.find(&kept.record.id)?.life {
                Life::Ended(end) => Ok(Some(end)),
                _ => Ok(None),
            }
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let store = Store::open()?;
    let kept = arguments.which.find()?;
    let end = match &kept.life {
        Life::Running => wait(&store, &kept, arguments.process)?,
        Life::Ended(end) if arguments.process == 0 => Some(end.clone()),
        life => {
            complain(life.told());
            None
        }
    };
    let code = end.as_ref().map_or(exit::FAILURE, End::code);
    common.show(&Waited { id: &kept.record.id, exit_code: code, end: end.as_ref() }, "")?;
    Ok(code)
}
