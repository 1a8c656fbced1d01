//! The parts of the table.

pub mod calls;
pub mod desktop;
pub mod engine;
pub mod host;
pub mod layers;
pub mod many;
pub mod memory;
pub mod programs;
pub mod servers;
pub mod start;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// One figure and its peers'.
pub struct Row {
    /// What is measured.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// Ours.
    pub ours: Option<f64>,
    /// Stock Wine's.
    pub wine: Option<f64>,
    /// The Linux operation's.
    pub linux: Option<f64>,
}

impl Row {
    /// The median of sizes in kilobytes, which has no peer.
    pub fn kilobytes(name: &str, values: Vec<f64>) -> Row {
        Row { name: name.into(), unit: "KB", ours: median(values), wine: None, linux: None }
    }

    /// Ours in parts of Wine's.
    pub fn to_wine(&self) -> Option<f64> {
        Some(self.ours? / self.wine?)
    }

    /// Ours in parts of Linux's.
    pub fn to_linux(&self) -> Option<f64> {
        Some(self.ours? / self.linux?)
    }

    /// The row as JSON.
    pub fn json(&self) -> String {
        let number = |value: Option<f64>| value.map_or_else(|| "null".to_owned(), |value| format!("{value:.3}"));
        format!(
            "  {{\"name\": \"{}\", \"unit\": \"{}\", \"portcullis\": {}, \"wine\": {}, \"linux\": {}, \"to_wine\": {}, \"to_linux\": {}}}",
            self.name,
            self.unit,
            number(self.ours),
            number(self.wine),
            number(self.linux),
            number(self.to_wine()),
            number(self.to_linux())
        )
    }
}

/// Median of some values.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Milliseconds that a command takes; `None` if it fails.
pub fn time(make: &dyn Fn() -> Command) -> Option<f64> {
    let mut command = make();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().ok()?;
    status.success().then(|| start.elapsed().as_secs_f64() * 1000.0)
}

/// A maker of commands that can be timed.
pub type Make<'a> = &'a dyn Fn() -> Command;

/// Times commands in turn, `rounds` times after one round that does not count; medians in milliseconds.
pub fn in_turn(rounds: usize, commands: &[Option<Make<'_>>]) -> Vec<Option<f64>> {
    let mut times = vec![Vec::new(); commands.len()];
    for round in 0..=rounds {
        for (times, make) in times.iter_mut().zip(commands) {
            if let Some(taken) = make.and_then(time)
                && round > 0
            {
                times.push(taken);
            }
        }
    }
    times.into_iter().map(median).collect()
}

/// Builds a native program from C, statically, into the target folder.
///
/// # Panics
/// If the compiler fails.
pub fn native(source: &Path, name: &str) -> std::path::PathBuf {
    let to = portcullis::target("bench").join(name);
    let status = Command::new("gcc").args(["-O2", "-static", "-pthread", "-o"]).arg(&to).arg(source).status();
    assert!(status.is_ok_and(|status| status.success()), "gcc {}", source.display());
    to
}

/// A Wine command for a program, without its debug output.
pub fn wine(program: &Path) -> Option<Command> {
    let wine = portcullis::oracle::wine()?;
    let mut command = Command::new(wine);
    command.arg(program).env("WINEPREFIX", portcullis::oracle::prefix()).env("WINEDEBUG", "-all");
    Some(command)
}
