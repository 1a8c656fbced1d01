//! `secmon logs`.

use super::{Common, Which};
use crate::state::{Kept, Life, Store, file};
use anyhow::Context as _;
use serde::Serialize;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::time::Duration;

/// Which, and how much.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Go on with what is written from now on, until the sandbox ends
    #[arg(short, long)]
    follow: bool,
    /// The last lines of each stream only
    #[arg(short = 'n', long, value_name = "LINES")]
    tail: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Logs {
    output: String,
    errors: String,
}

/// The last lines of a text.
fn tail(bytes: &[u8], lines: usize) -> &[u8] {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut ends = whole.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    match lines {
        0 => &[],
        _ => ends.nth(lines - 1).and_then(|(at, _)| bytes.get(at + 1..)).unwrap_or(bytes),
    }
}

/// A log that is read as it grows.
struct Log {
    file: File,
}

impl Log {
    fn open(kept: &Kept, name: &str) -> anyhow::Result<Self> {
        let path = kept.file(name);
        Ok(Log { file: File::open(&path).with_context(|| path.display().to_string())? })
    }

    /// What came since the last time.
    fn read(&mut self) -> anyhow::Result<Vec<u8>> {
        let at = self.file.stream_position()?;
        if self.file.metadata()?.len() < at {
            // It was cut.
            self.file.seek(SeekFrom::Start(0))?;
        }
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Hands on what a log holds; whether there is anybody left to read it.
fn hand_on(bytes: &[u8], mut to: impl Write) -> bool {
    to.write_all(bytes).and_then(|()| to.flush()).is_ok()
}

/// How long to wait before a file is looked at again.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let store = Store::open()?;
    let kept = arguments.which.find()?;
    let (mut output, mut errors) = (Log::open(&kept, file::STDOUT)?, Log::open(&kept, file::STDERR)?);
    let cut = |bytes: Vec<u8>| arguments.tail.map_or(bytes.clone(), |lines| tail(&bytes, lines).to_vec());
    let (first, second) = (cut(output.read()?), cut(errors.read()?));
    if common.raw {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        common.show(&Logs { output: text(first), errors: text(second) }, "")?;
        return Ok(0);
    }
    let mut read = hand_on(&first, std::io::stdout()) && hand_on(&second, std::io::stderr());
    let mut runs = kept.life == Life::Running;
    while arguments.follow && runs && read {
        std::thread::sleep(PAUSE);
        // Looked at before the files: what was written up to the end is shown.
        runs = store.find(&kept.record.id).is_ok_and(|kept| kept.life == Life::Running);
        read = hand_on(&output.read()?, std::io::stdout()) && hand_on(&errors.read()?, std::io::stderr());
    }
    Ok(0)
}

#[cfg(test)]
#[path = "../../tests/unit/logs.rs"]
mod tests;
