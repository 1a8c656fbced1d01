//! `secmon layers`.

use super::Common;
use super::print;
use crate::layer::{self, Layer, LayerError, copy, folder};
use clap::Subcommand;
use serde_json::json;
use std::fs;

/// What to do with them.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say which there are
    List {
        /// As JSON
        #[arg(long)]
        raw: bool,
    },
    /// Take layers away, with all that they hold
    Remove {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    copy::sweep();
    match arguments.command {
        Command::Remove { names } => names.iter().try_for_each(|name| copy::remove(name))?,
        Command::List { raw } => {
            let entries = fs::read_dir(folder()).into_iter().flatten().flatten();
            let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
            names.retain(|name| layer::place(name).is_ok());
            names.sort_unstable();
            let state = |name: &String| match layer::format(name, &folder().join(name)) {
                Ok(Some(true)) => ("image", String::new()),
                Ok(Some(false)) => match Layer::open(name, false) {
                    Err(LayerError::Busy(_, who)) => ("writable", format!("in use by {who}")),
                    _ => ("writable", String::new()),
                },
                Ok(None) => ("damaged", "its `format` is gone".into()),
                Err(error) => ("damaged", error.to_string()),
            };
            let all: Vec<_> = names.iter().map(|name| (name, state(name))).collect();
            if raw {
                let one = |(name, (kind, note)): &(&String, (&str, String))| json!({ "name": name, "kind": kind, "note": note });
                let all: Vec<_> = all.iter().map(one).collect();
                print(format!("{:#}\n", json!({ "version": 1, "layers": all })));
            } else {
                all.iter().for_each(|(name, (kind, note))| print(format!("{name:<24} {kind:<9} {note}\n")));
            }
        }
    }
    Ok(0)
}
