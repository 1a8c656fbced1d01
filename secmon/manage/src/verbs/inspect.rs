//! `secmon inspect`.

use super::{Common, RAW_VERSION, Which, print};
use crate::client::Client;
use crate::record::{self, Folder};
use crate::state::{Kept, Life, file};
use serde_json::{Value, json};
use shim_abi::control::{Describe, Description, Member, SharedFolder};

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
}

fn member(member: &Member) -> Value {
    json!({
        "Process": member.process, "Pid": member.pid, "Maker": member.maker, "Program": member.program,
        "Started": record::time(member.started), "GuestId": member.guest_id, "NtCalls": member.calls,
    })
}

fn folder(folder: &SharedFolder) -> Folder {
    let (host_path, sandbox_path) = (folder.host.clone(), folder.guest.clone());
    Folder { host_path, sandbox_path, allow_write: folder.writable }
}

/// All that is known of a sandbox: what was written down, and what its monitor says if it runs.
fn described(kept: &Kept, said: Option<Description>) -> anyhow::Result<Value> {
    let mut all = json!({ "Version": RAW_VERSION });
    let mut put = |key: &str, value: Value| all[key] = value;
    if let Value::Object(record) = serde_json::to_value(&kept.record)? {
        record.into_iter().filter(|(key, _)| key != "Version").for_each(|(key, value)| put(&key, value));
    }
    put("Status", kept.life.word().into());
    put("StateFolder", kept.folder.display().to_string().into());
    if let Life::Ended(end) = &kept.life {
        put("End", serde_json::to_value(end)?);
        put("ExitCode", end.code().into());
    }
    if let Some(said) = said {
        put("Pid", said.pid.into());
        put("Started", record::time(said.started).into());
        put("Init", said.init.into());
        put("Processes", said.members.iter().map(member).collect());
        put("Folders", serde_json::to_value(said.shares.iter().map(folder).collect::<Vec<_>>())?);
    }
    Ok(all)
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let kept = arguments.which.find()?;
    let said = match kept.life {
        Life::Running => Some(Client::connect(&kept.folder, file::CONTROL)?.ask(&Describe {})?),
        _ => None,
    };
    let all = described(&kept, said)?;
    print(if common.raw { serde_json::to_string(&all)? } else { serde_json::to_string_pretty(&all)? } + "\n");
    Ok(0)
}
