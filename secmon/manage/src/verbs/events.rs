//! `secmon events`.

use super::logs::PAUSE;
use super::{Common, print};
use crate::state::{Kept, Life, Store, file};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};

/// Whose, and which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The sandbox: its id, the beginning of it, or its name
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The same without `--id` [default: all]
    #[arg(value_name = "ID", id = "which", conflicts_with = "id")]
    which: Option<String>,
    /// Go on with what happens from now on; of one sandbox, until it ends
    #[arg(short, long)]
    follow: bool,
    /// What was granted and refused instead: the audit log
    #[arg(long)]
    audit: bool,
}

/// A line as a person reads it: the time, the sandbox, what, and the rest as NAME=VALUE.
fn told(id: &str, line: &str) -> String {
    let Ok(Value::Object(event)) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let of = |key: &str| event.get(key).map(text).unwrap_or_default();
    let short: String = id.chars().take(8).collect();
    let mut out = format!("{} {short} {}", of("Time"), of("Event"));
    for (key, value) in event.iter().filter(|(key, _)| !["Time", "Event", "Version", "Id"].contains(&key.as_str())) {
        out += &format!(" {key}={}", text(value));
    }
    out
}

/// A file of lines that is read as it grows; only whole lines are taken.
struct Lines {
    reader: BufReader<File>,
    half: String,
}

impl Lines {
    fn open(kept: &Kept, name: &str) -> Option<Self> {
        Some(Lines { reader: BufReader::new(File::open(kept.file(name)).ok()?), half: String::new() })
    }

    fn next(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        self.reader.read_until(b'\n', &mut bytes).ok()?;
        self.half += &String::from_utf8_lossy(&bytes);
        self.half.ends_with('\n').then(|| std::mem::take(&mut self.half))
    }
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let store = Store::open()?;
    let name = if arguments.audit { file::AUDIT } else { file::EVENTS };
    let which = arguments.id.as_ref().or(arguments.which.as_ref());
    let mut open: BTreeMap<String, Lines> = BTreeMap::new();
    loop {
        let kept = which.map_or_else(|| store.all(), |which| store.find(which).map(|kept| vec![kept]))?;
        let runs = kept.iter().any(|kept| kept.life == Life::Running);
        let mut lines = Vec::new();
        for kept in &kept {
            let id = &kept.record.id;
            if !open.contains_key(id)
                && let Some(file) = Lines::open(kept, name)
            {
                open.insert(id.clone(), file);
            }
            while let Some(line) = open.get_mut(id).and_then(Lines::next) {
                let line = line.trim_end();
                lines.push(if common.raw { line.to_owned() } else { told(id, line) });
            }
        }
        if !common.raw {
            // They begin with the time; of one sandbox they stay in their order.
            lines.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
        }
        lines.iter().for_each(|line| print(format!("{line}\n")));
        if !arguments.follow || which.is_some() && !runs {
            return Ok(0);
        }
        open.retain(|id, _| kept.iter().any(|kept| kept.record.id == *id));
        std::thread::sleep(PAUSE);
    }
}
