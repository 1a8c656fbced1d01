//! `secmon policy learn`: runs a program once, and proposes what to grant it after what it was refused.

use super::{Common, complain};
use crate::config::grant_words;
use crate::parts;
use crate::state;
use anyhow::Context as _;
use secmon::exit;
use secmon::policy::options::GrantArgs;
use secmon::policy::{Mount, Policy};
use serde::Deserialize;
use shim_abi::net::rules::Grant;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What is run, and what it is granted already.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the proposal goes [default: standard output, where the program's own then goes to standard error]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    grants: GrantArgs,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM ARGS")]
    command: Vec<String>,
}

/// A line of the audit log, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    event: String,
    #[serde(default)]
    what: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    in_passing: bool,
}

/// What is proposed.
#[derive(Debug, Default, PartialEq)]
struct Proposal {
    /// Folders of the host that are granted or to be granted, by the place where they are seen; a host that nobody knows is empty.
    folders: BTreeMap<String, (String, bool)>,
    net: BTreeSet<String>,
    publish: BTreeSet<String>,
    /// What was looked for in passing, and is hardly needed.
    passing: BTreeSet<String>,
    /// What no grant is known for.
    others: BTreeSet<String>,
}

/// The words of an option in advice: its name and its value without quotes.
fn option(rule: &str) -> Option<(&str, String)> {
    let words = rule.rsplit_once("add --")?.1;
    let (name, value) = words.split_once(' ')?;
    Some((name, value.trim_matches('\'').replace("'\\''", "'")))
}

/// The one of several ways to grant something of the network that is proposed. A name that leads to the address is worth more than it,
/// which may be another tomorrow; of loopback addresses it is the server of this host's that is there, else the sandbox's own.
fn grant(what: &str, advice: &str, is_served: impl Fn(SocketAddr) -> bool) -> String {
    if let Some((_, name)) = advice.split_once(" (or ") {
        return name.trim_end_matches(')').to_owned();
    }
    let served = || what.parse().is_ok_and(is_served);
    match advice.parse::<Grant>() {
        Ok(_) => advice.to_owned(),
        Err(_) if served() => what.to_owned(),
        Err(_) => Grant::Sandbox.to_string(),
    }
}

/// Whether a server of this host's listens at an address.
fn is_served(at: SocketAddr) -> bool {
    TcpListener::bind(at).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

impl Proposal {
    fn of(policy: &Policy) -> Self {
        let folder = |mount: &Mount| (mount.guest.to_string(), (mount.host.display().to_string(), mount.writable));
        Proposal {
            folders: policy.mounts.iter().map(folder).collect(),
            net: policy.grants.iter().map(ToString::to_string).collect(),
            publish: policy.published.iter().map(ToString::to_string).collect(),
            ..Proposal::default()
        }
    }

    fn learn(&mut self, line: &Line) {
        if line.event != "refused" {
            return;
        }
        if line.in_passing {
            self.passing.insert(line.what.clone());
            return;
        }
        match option(&line.rule) {
            Some(("net", value)) => {
                self.net.insert(grant(&line.what, &value, is_served));
            }
            Some(("publish", value)) => {
                self.publish.insert(value);
            }
            Some(("mount", value)) => {
                let mut policy = Policy::default();
                let Ok(()) = policy.mount(&value) else { return };
                for Mount { host, guest, writable } in policy.mounts {
                    let host = host.display().to_string();
                    let host = if host == "HOSTFOLDER" { String::new() } else { host };
                    let known = self.folders.entry(guest.to_string()).or_insert((host, false));
                    known.1 |= writable;
                }
            }
            _ => {
                self.others.insert(format!("{}: {}", line.what, line.rule));
            }
        }
    }

    /// As a policy file. What nobody but a person knows stands there as a comment.
    fn text(&self, command: &[String]) -> String {
        let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut out = format!("# Learnt from one run of: {}\n", command.join(" ").replace(char::is_control, " "));
        out += "# It is granted what it was refused in that run, and no more. Look through it before you use it.\n";
        for (key, all) in [("net", &self.net), ("publish", &self.publish)] {
            if !all.is_empty() {
                let all: Vec<String> = all.iter().map(|text| quote(text)).collect();
                out += &format!("\n{key} = [{}]\n", all.join(", "));
            }
        }
        for (guest, (host, writable)) in &self.folders {
            let table = |host: &str| {
                let writable = if *writable { "writable = true\n" } else { "" };
                format!("[[mount]]\nhost = {}\nguest = {}\n{writable}", quote(host), quote(guest))
            };
            if host.is_empty() {
                out += "\n# It looked for this folder, and only you know which one of the host that is to be:\n";
                table("/which/folder").lines().for_each(|line| out += &format!("# {line}\n"));
            } else {
                out += &format!("\n{}", table(host));
            }
        }
        let mut comment = |title: &str, all: &BTreeSet<String>| {
            if !all.is_empty() {
                out += &format!("\n# {title}\n");
                all.iter().for_each(|text| out += &format!("#   {}\n", text.replace(char::is_control, " ")));
            }
        };
        let passing = self.passing.iter().filter(|name| !self.folders.contains_key(*name)).cloned().collect();
        comment("Looked for in passing, as programs do with their settings; it is hardly needed:", &passing);
        comment("Refused for good:", &self.others);
        out
    }
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    let policy = arguments.grants.policy()?;
    let mut template = std::env::temp_dir().join("portcullis-learn-").into_os_string();
    template.push(state::new_id()?);
    let audit = PathBuf::from(template);
    state::log_file(&audit)?;
    let mut command = Command::new(parts::monitor()?);
    command.arg("run").arg("--audit").arg(&audit).args(grant_words(&arguments.grants));
    if let Some(file) = &arguments.grants.policy {
        command.arg("--policy").arg(file);
    }
    command.arg("--").args(&arguments.command);
    if arguments.output.is_none() {
        command.stdout(Stdio::from(std::io::stderr()));
    }
    let status = command.status().context("the monitor");
    let text = fs::read_to_string(&audit);
    let _ = fs::remove_file(&audit);
    let (status, text) = (status?, text?);
    let mut proposal = Proposal::of(&policy);
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).for_each(|line| proposal.learn(&line));
    let proposed = proposal.text(&arguments.command);
    match &arguments.output {
        Some(path) => {
            fs::write(path, proposed).with_context(|| path.display().to_string())?;
            complain(format!("the proposal is in {}", path.display()));
        }
        None => crate::verbs::print(proposed),
    }
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::FAILURE))
}

#[cfg(test)]
#[path = "../../../tests/unit/learn.rs"]
mod tests;
