//! `secmon abi`.

use super::Common;
use super::print;
use serde_json::json;
use shim_abi::calls::{CALLS, How};
use shim_abi::render::rule;
use shim_abi::seccomp::{Action, GRANTS, allowed};

fn how(how: How) -> String {
    match how {
        How::Direct(names) => names.join(", "),
        How::Monitor => "monitor".into(),
        How::Upcall => "runtime".into(),
    }
}

fn as_json() -> serde_json::Value {
    let calls: Vec<_> = CALLS
        .iter()
        .map(|call| json!({ "name": call.name, "number": call.number, "group": call.group, "by": how(call.how), "doc": call.doc }))
        .collect();
    let rows = |granted: bool| -> Vec<_> {
        let rows = GRANTS.iter().filter(|grant| matches!(grant.action, Action::Allow(_)) == granted);
        rows.map(|grant| json!({ "name": grant.name, "number": grant.number, "rule": rule(grant.action), "reason": grant.reason }))
            .collect()
    };
    json!({ "version": shim_abi::VERSION, "calls": calls, "grants": rows(true), "absent": rows(false) })
}

fn as_text() -> String {
    let mut out = format!("ABI version {}: {} calls\n", shim_abi::VERSION, CALLS.len());
    for call in CALLS {
        out += &format!("  {:2}  {:<22} {:<10} {}\n", call.number, call.name, call.group, call.doc);
    }
    out += &format!("\nThe filter grants {} Linux system calls, from the runtime's own text only\n", allowed());
    for grant in GRANTS {
        out += &format!("  {:<16} {}: {}\n", grant.name, rule(grant.action), grant.reason);
    }
    out
}

/// In which form.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    print(if arguments.json { serde_json::to_string_pretty(&as_json())? + "\n" } else { as_text() });
    Ok(0)
}

#[cfg(test)]
#[path = "../../tests/unit/abi.rs"]
mod tests;
