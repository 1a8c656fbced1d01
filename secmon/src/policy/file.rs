//! The policy file: TOML.

use super::{Mount, Policy, units};
use crate::guest::GuestPath;
use serde::{Deserialize, Deserializer, de::Error as _};
use shim_abi::net::rules::{Grant, Network, Published};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Why a policy file is refused. Errors in the text name the line, the key, and what is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("policy {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// It is no TOML, or a key is unknown or has a value it must not have.
    #[error("policy {0}, line {1}: {2}")]
    Text(PathBuf, usize, String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MountTable {
    host: PathBuf,
    #[serde(deserialize_with = "guest")]
    guest: GuestPath,
    #[serde(default)]
    writable: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyTable {
    #[serde(default)]
    mount: Vec<MountTable>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    workdir: Option<String>,
    #[serde(default, deserialize_with = "size")]
    memory: Option<u64>,
    #[serde(default, deserialize_with = "time")]
    timeout: Option<Duration>,
    #[serde(default, deserialize_with = "size")]
    scratch: Option<u64>,
    threads: Option<u64>,
    files: Option<u64>,
    user: Option<String>,
    computer: Option<String>,
    roots: Option<bool>,
    #[serde(default, deserialize_with = "texts")]
    net: Vec<Grant>,
    #[serde(default, deserialize_with = "texts")]
    publish: Vec<Published>,
    trace: Option<bool>,
}

/// A number, or text with a unit.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or a text with a unit")]
enum Quantity {
    Number(u64),
    Text(String),
}

fn texts<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<Vec<T>, D::Error> {
    Vec::<String>::deserialize(from)?.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

fn guest<'de, D: Deserializer<'de>>(from: D) -> Result<GuestPath, D::Error> {
    GuestPath::parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    match Quantity::deserialize(from)? {
        Quantity::Number(bytes) => Ok(Some(bytes)),
        Quantity::Text(text) => units::parse_bytes(&text).map(Some).map_err(D::Error::custom),
    }
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = match Quantity::deserialize(from)? {
        Quantity::Number(seconds) => seconds.to_string(),
        Quantity::Text(text) => text,
    };
    units::parse_duration(&text).map(Some).map_err(D::Error::custom)
}

pub(super) fn read(path: &Path) -> Result<Policy, FileError> {
    let text = std::fs::read_to_string(path).map_err(|error| FileError::Read(path.into(), error))?;
    let base = path.parent().unwrap_or(Path::new("."));
    parse(&text, base).map_err(|error| match error {
        FileError::Text(_, line, text) => FileError::Text(path.into(), line, text),
        error => error,
    })
}

pub(super) fn parse(text: &str, base: &Path) -> Result<Policy, FileError> {
    let table: PolicyTable = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let number = before.matches('\n').count();
        let line = text.lines().nth(number).unwrap_or_default().trim();
        FileError::Text(PathBuf::from("-"), number + 1, format!("{}: `{line}`", error.message().replace('\n', ", ")))
    })?;
    let default = Policy::default();
    let mounts = table
        .mount
        .into_iter()
        .map(|mount| Mount { host: base.join(mount.host), guest: mount.guest, writable: mount.writable })
        .collect();
    Ok(Policy {
        mounts,
        environment: table.env.into_iter().collect(),
        workdir: table.workdir,
        memory: table.memory,
        timeout: table.timeout,
        scratch: table.scratch.unwrap_or(default.scratch),
        threads: table.threads.unwrap_or(default.threads),
        files: table.files.unwrap_or(default.files),
        user: table.user.unwrap_or(default.user),
        computer: table.computer.unwrap_or(default.computer),
        roots: table.roots,
        network: Network { grants: table.net, published: table.publish },
        trace: table.trace.unwrap_or(default.trace),
    })
}

#[cfg(test)]
#[path = "../../tests/unit/policy_file.rs"]
mod tests;
