//! The policy file: TOML.

use super::{Mount, Policy, units};
use crate::guest::GuestPath;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
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
    trace: Option<bool>,
}

/// A number, or text with a unit.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or a text with a unit")]
enum Quantity {
    Number(u64),
    Text(String),
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
        trace: table.trace.unwrap_or(default.trace),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        parse(text, Path::new("/base")).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_file() {
        let text = r#"
            workdir = 'C:\data'
            memory = "512MiB"
            timeout = 30
            scratch = 1048576
            threads = 10
            files = 100
            user = "ann"
            [[mount]]
            host = "data"
            guest = 'c:\data'
            writable = true
            [[mount]]
            host = "/srv"
            guest = "D:/"
            [env]
            LANG = "x"
        "#;
        let policy = parse(text, Path::new("/base")).unwrap();
        policy.check().unwrap();
        assert_eq!(policy.mounts[0].host, Path::new("/base/data"));
        assert!(policy.mounts[0].writable && !policy.mounts[1].writable);
        assert_eq!(policy.mounts[1].host, Path::new("/srv"));
        assert_eq!((policy.memory, policy.timeout), (Some(512 << 20), Some(Duration::from_secs(30))));
        assert_eq!(policy.environment, [("LANG".to_string(), "x".to_string())]);
        assert_eq!((policy.scratch, policy.threads, policy.files, policy.user.as_str()), (1 << 20, 10, 100, "ann"));
    }

    #[test]
    fn errors_name_line_and_key() {
        for (text, parts) in [
            ("mounts = []", &["line 1", "unknown field `mounts`"][..]),
            ("[[mount]]\nhost = '/a'\nguest = 'C:\\x'\nrw = true", &["line 4", "unknown field `rw`"]),
            ("[[mount]]\nguest = 'C:\\x'", &["missing field `host`"]),
            ("[[mount]]\nhost = '/a'\nguest = 'data'", &["line 3", "must begin with a drive letter"]),
            ("memory = true", &["line 1", "memory", "expected a number or a text with a unit"]),
            ("memory = '5 parsecs'", &["line 1", "is no size"]),
            ("timeout = 'soon'", &["line 1", "is no time"]),
            ("threads = 'many'", &["line 1", "threads", "invalid type"]),
            ("[env]\nA = 1", &["line 2", "invalid type"]),
            ("mount = ", &["line 1"]),
        ] {
            let error = said(text);
            assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
        }
    }
}
