//! `secmon policy`.

mod learn;

use super::{Common, complain, print};
use crate::config::Config;
use crate::native::{self, Fault};
use crate::wsb::{Map, Wrong};
use anyhow::Context as _;
use clap::Subcommand;
use secmon::exit;
use secmon::policy::{Clipboard, Policy};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What to do.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say everything that is wrong with a file, with its line
    Check {
        /// A policy file, or a .wsb file of Windows Sandbox
        file: PathBuf,
        /// What a Windows path in a .wsb file is on this host
        #[arg(long, value_name = "WINDOWS=FOLDER")]
        map: Vec<Map>,
    },
    /// Say in plain words what a file grants, and what it does not
    Explain {
        /// A policy file, or a .wsb file of Windows Sandbox
        file: PathBuf,
        /// What a Windows path in a .wsb file is on this host
        #[arg(long, value_name = "WINDOWS=FOLDER")]
        map: Vec<Map>,
    },
    /// Run a program once, and propose the least grants that it asks for
    Learn(Box<learn::Arguments>),
    /// Print the JSON schema of policy files
    Schema,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Checked {
    valid: bool,
    faults: Vec<Found>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Found {
    line: usize,
    text: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Explained {
    granted: Vec<String>,
    not_granted: Vec<String>,
    warnings: Vec<String>,
}

fn is_xml(file: &Path, text: &[u8]) -> bool {
    secmon::policy::options::is_wsb(&file.to_string_lossy()) || text.trim_ascii_start().starts_with(b"<")
}

/// What is wrong with a file, by line; if nothing is, what is to be warned about.
fn faults(file: &Path, maps: &[Map]) -> anyhow::Result<(Vec<Fault>, Vec<String>)> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    if is_xml(file, &bytes) {
        return Ok(match crate::wsb::read(file, maps) {
            Ok(read) => (Vec::new(), read.warnings),
            Err(crate::wsb::WsbError::Text(_, wrong)) => {
                let fault = |Wrong { line, column, what }| Fault {
                    line: line as usize,
                    what: format!("column {column}: {what}"),
                };
                (wrong.into_iter().map(fault).collect(), Vec::new())
            }
            Err(error) => return Err(error.into()),
        });
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok((vec![Fault { line: 0, what: "it is not UTF-8".into() }], Vec::new()));
    };
    let mut all = native::faults(&text);
    if all.is_empty() {
        let folder = |mount: &secmon::policy::Mount| {
            (!mount.host.is_dir())
                .then(|| Fault { line: 0, what: format!("{} is no folder of this host", mount.host.display()) })
        };
        all.extend(Policy::from_file(file)?.mounts.iter().filter_map(folder));
    }
    Ok((all, Vec::new()))
}

fn check(file: &Path, maps: &[Map], common: &Common) -> anyhow::Result<u8> {
    let (faults, warnings) = faults(file, maps)?;
    let valid = faults.is_empty();
    if !common.raw {
        warnings.iter().for_each(complain);
        for Fault { line, what } in &faults {
            let place = if *line > 0 { format!(", line {line}") } else { String::new() };
            complain(format!("{}{place}: {what}", file.display()));
        }
    }
    let found = |Fault { line, what }| Found { line, text: what };
    let checked = Checked { valid, faults: faults.into_iter().map(found).collect(), warnings };
    common.show(&checked, if valid { "ok\n" } else { "" })?;
    Ok(if valid { 0 } else { exit::FAILURE })
}

/// What a policy does not grant: a sentence each.
fn not_granted(policy: &Policy) -> Vec<String> {
    let network = policy.network();
    let sentences = [
        (policy.mounts.is_empty(), "No folder of the host but the program's own."),
        (!policy.mounts.is_empty(), "No folder of the host but the program's own and those above."),
        (!policy.mounts.iter().any(|mount| mount.writable), "Nothing of the host can be changed."),
        (policy.environment.is_empty(), "No environment variable of the host."),
        (!network.any(), "No network: neither this host's servers nor others."),
        (network.any() && !network.all(), "No place of the network but those above."),
        (policy.published.is_empty(), "No port of the host is opened."),
        (policy.persist.is_none(), "Nothing outlives the sandbox but what is written to writable folders."),
        (matches!(policy.clipboard, Clipboard::None | Clipboard::Out), "No clipboard of who looks at its display."),
        (!policy.sound, "No sound: who looks at its display hears nothing of it."),
        (true, "No other process, no device, no display, no microphone and no printer of the host."),
    ];
    sentences.into_iter().filter(|(so, _)| *so).map(|(_, text)| text.to_owned()).collect()
}

fn explain(file: &Path, maps: &[Map], common: &Common) -> anyhow::Result<u8> {
    let config = Config::read(file, maps)?;
    let said = config.policy.to_string();
    let mut granted: Vec<String> =
        said.lines().filter(|line| !line.starts_with("It cannot reach other processes")).map(str::to_owned).collect();
    if let Some(command) = &config.command {
        granted.push(format!("It begins with the command `{command}`."));
    }
    let not_granted = not_granted(&config.policy);
    let text = format!("{}\n\nNot granted:\n{}\n", granted.join("\n"), not_granted.join("\n"));
    if !common.raw {
        config.warnings.iter().for_each(complain);
    }
    common.show(&Explained { granted, not_granted, warnings: config.warnings }, text)?;
    Ok(0)
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    match arguments.command {
        Command::Check { file, map } => check(&file, &map, common),
        Command::Explain { file, map } => explain(&file, &map, common),
        Command::Learn(arguments) => learn::run(*arguments, common),
        Command::Schema => {
            print(native::schema());
            Ok(0)
        }
    }
}
