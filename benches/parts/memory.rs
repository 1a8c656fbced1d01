//! Memory of idle sandboxes: what each costs beyond the first.

use super::Row;
use portcullis::{guest, product};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Sandboxes that run at once.
const COUNT: usize = 10;

/// Children of one sandbox that run at once.
const CHILDREN: usize = 200;

/// Private kilobytes of a process (Private_Clean + Private_Dirty).
pub fn private(process: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with("Private_Clean:") || line.starts_with("Private_Dirty:"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok())
        .sum()
}

/// Processes below one, it first.
pub fn family(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut next = 0;
    while let Some(parent) = all.get(next).copied() {
        next += 1;
        let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(text.split_whitespace().filter_map(|number| number.parse::<u32>().ok()));
        }
    }
    all
}

/// The rows.
///
/// # Panics
/// If the sandboxes cannot be started.
pub fn rows() -> Vec<Row> {
    product::image();
    let program = guest::program("idle");
    let mut children: Vec<Child> = Vec::new();
    for _ in 0..COUNT {
        let mut command = Command::new(product::secmon());
        command.arg("run").arg(&program).stdin(Stdio::piped()).stdout(Stdio::piped());
        children.push(command.spawn().expect("started"));
    }
    std::thread::sleep(Duration::from_secs(3));
    let mut monitors = Vec::new();
    let mut picoprocesses = Vec::new();
    for child in &children {
        let all = family(child.id());
        monitors.push(private(all[0]));
        picoprocesses.extend(all.last().copied().map(private));
    }
    for mut child in children {
        drop(child.stdin.take());
        let _ = child.wait();
    }
    vec![
        Row::kilobytes("idle picoprocess, private, of 10", picoprocesses),
        Row::kilobytes("its monitor, private", monitors),
    ]
}

/// Children of one sandbox: the time until all of them run, and what each costs.
///
/// # Panics
/// If the sandbox cannot be started.
pub fn children() -> Vec<Row> {
    product::image();
    let mut command = Command::new(product::secmon());
    command.arg("run").arg("--").arg(guest::program("relations")).args(["many", &CHILDREN.to_string()]);
    let mut parent = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    let mut line = String::new();
    let _ = parent.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
    let taken = line.trim().strip_prefix("many ").and_then(|text| text.parse::<f64>().ok());
    let all = family(parent.id());
    let picoprocesses = all.iter().skip(1).copied().map(private).filter(|&size| size > 0.0).collect();
    let monitor = vec![private(parent.id())];
    drop(parent.stdin.take());
    let _ = parent.wait();
    let row = |name: &str, unit, ours| Row { name: name.into(), unit, ours, wine: None, linux: None };
    vec![
        row("200 children, until all run", "ms", taken.map(|ns| ns / 1e6)),
        row("a child of 200, private", "KB", super::median(picoprocesses)),
        row("the monitor of 200 children, private", "KB", super::median(monitor)),
    ]
}
