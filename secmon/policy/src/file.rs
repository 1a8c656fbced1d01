//! The policy file: TOML.

use super::{Policy, units};
use serde::{Deserialize, Deserializer, de::Error as _};
use shim_abi::guest::GuestPath;
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

/// A number, or text with a unit.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or a text with a unit")]
enum Quantity {
    Number(u64),
    Text(String),
}

pub(super) fn texts<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<Vec<T>, D::Error> {
    Vec::<String>::deserialize(from)?.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

/// A number or a text, of which the text is read.
pub(super) fn text<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a number or a text")]
    enum Written {
        Number(f64),
        Text(String),
    }
    let text = match Written::deserialize(from)? {
        Written::Number(number) => number.to_string(),
        Written::Text(text) => text,
    };
    text.parse().map(Some).map_err(D::Error::custom)
}

pub(super) fn guest<'de, D: Deserializer<'de>>(from: D) -> Result<GuestPath, D::Error> {
    GuestPath::parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

pub(super) fn variables<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, String)>, D::Error> {
    Ok(BTreeMap::deserialize(from)?.into_iter().collect())
}

pub(super) fn size<'de, D: Deserializer<'de>, T: From<u64>>(from: D) -> Result<T, D::Error> {
    match Quantity::deserialize(from)? {
        Quantity::Number(bytes) => Ok(bytes.into()),
        Quantity::Text(text) => units::parse_bytes(&text).map(T::from).map_err(D::Error::custom),
    }
}

pub(super) fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
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
    let mut policy: Policy = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let number = before.matches('\n').count();
        let line = text.lines().nth(number).unwrap_or_default().trim();
        FileError::Text(PathBuf::from("-"), number + 1, format!("{}: `{line}`", error.message().replace('\n', ", ")))
    })?;
    policy.mounts.iter_mut().for_each(|mount| mount.host = base.join(&mount.host));
    Ok(policy)
}

#[cfg(test)]
#[path = "../tests/unit/file.rs"]
mod tests;
