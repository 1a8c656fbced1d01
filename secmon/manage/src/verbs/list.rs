//! `secmon list`.

use super::{Common, complain};
use crate::state::{Kept, Life, Store};
use serde::Serialize;

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Those that ended too, with what became of each
    #[arg(short, long)]
    all: bool,
    /// A table with names, times and commands instead of ids alone
    #[arg(short, long)]
    long: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed<'a> {
    id: &'a str,
    name: Option<&'a str>,
    status: &'static str,
    created: &'a str,
    command: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct List<'a> {
    windows_sandbox_environments: Vec<Listed<'a>>,
}

/// A table with its columns below each other.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<0$}", width(column).unwrap_or(0)));
        out += cells.collect::<Vec<_>>().join("  ").trim_end();
        out.push('\n');
    }
    out
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let (all, faults) = Store::open()?.all_and_faults()?;
    let shown: Vec<&Kept> = all.iter().filter(|kept| arguments.all || kept.life == Life::Running).collect();
    let mut text: String = shown.iter().map(|kept| format!("{}\n", kept.record.id)).collect();
    if arguments.long || arguments.all {
        let mut rows = vec![["ID", "NAME", "STATUS", "CREATED", "COMMAND"].map(str::to_owned).to_vec()];
        for kept in &shown {
            let record = &kept.record;
            let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
            let status = match &kept.life {
                Life::Ended(end) => format!("ended {}", end.code()),
                life => life.word().to_owned(),
            };
            let (name, command) = (or_none(&record.name), or_none(&record.command));
            rows.push(vec![record.id.clone(), name, status, record.created.clone(), command]);
        }
        text = table(&rows);
    }
    let listed = shown.iter().map(|kept| Listed {
        id: &kept.record.id,
        name: kept.record.name.as_deref(),
        status: kept.life.word(),
        created: &kept.record.created,
        command: kept.record.command.as_deref(),
    });
    let list = List { windows_sandbox_environments: listed.collect() };
    common.show(&list, text)?;
    faults.iter().for_each(complain);
    Ok(0)
}
