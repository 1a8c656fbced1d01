//! What a busy sandbox costs its host, and what sandboxes share with it.

use super::Row;
use super::memory::family;
use portcullis::{guest, product};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Sandboxes that run at once.
const COUNT: usize = 10;
/// Rounds of the host's task.
const ROUNDS: usize = 5;

/// A program with an open input that said that it is ready.
fn ready(mut command: Command) -> Option<Child> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut line = String::new();
    // Read byte by byte by `lines`, so that nothing of what follows is lost to it.
    BufReader::with_capacity(1, child.stdout.as_mut()?).read_line(&mut line).ok()?;
    (line.trim() == "ready").then_some(child)
}

fn end(mut child: Child) {
    drop(child.stdin.take());
    let _ = child.wait_with_output();
}

/// Milliseconds of a task of the host's, which keeps one processor busy.
fn task() -> Option<f64> {
    let start = Instant::now();
    let script = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done";
    let done = Command::new("sh").args(["-c", script]).stdin(Stdio::null()).status().ok()?;
    done.success().then(|| start.elapsed().as_secs_f64() * 1000.0)
}

fn beside(load: Option<Command>) -> Option<f64> {
    let load = match load {
        Some(command) => Some(ready(command)?),
        None => None,
    };
    let times = (0..ROUNDS).filter_map(|_| task()).collect();
    load.into_iter().for_each(end);
    super::median(times)
}

/// The rows.
///
/// # Panics
/// If the sandboxes cannot be started.
pub fn rows() -> Vec<Row> {
    product::image();
    let threads = (2 * std::thread::available_parallelism().map_or(1, usize::from)).to_string();
    let spin = guest::program("spin");
    let ours = |options: &[&str]| {
        let mut command = Command::new(product::secmon());
        command.arg("run").args(options).arg("--").arg(&spin).arg(&threads);
        command
    };
    let wine = super::wine(&spin).map(|wine| {
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(wine.get_program()).args(wine.get_args()).arg(&threads);
        wine.get_envs().for_each(|(name, value)| {
            command.env(name, value.unwrap_or_default());
        });
        command
    });
    let alone = beside(None);
    let row = |name: &str, ours, wine| Row { name: name.into(), unit: "ms", ours, wine, linux: alone };
    let mut rows = vec![
        row(
            "host task beside a sandbox, weight 1",
            beside(Some(ours(&["--cpu-weight", "1"]))),
            wine.and_then(|wine| beside(Some(wine))),
        ),
        row(
            "host task beside one, weight 100",
            beside(Some(ours(&[]))),
            super::wine(&spin).and_then(|mut wine| {
                wine.arg(&threads);
                beside(Some(wine))
            }),
        ),
    ];
    rows.extend(shared());
    rows
}

/// Code of one DLL in ten sandboxes: kilobytes that each has in memory, and its part of them.
fn shared() -> Vec<Row> {
    let program = guest::program("idle");
    let file = fs::metadata(product::system_dll("kernelbase.dll")).map_or(0, |file| file.ino());
    let start = |_| {
        let mut command = Command::new(product::secmon());
        command.arg("run").arg(&program);
        ready(command)
    };
    let all: Vec<Child> = (0..COUNT).filter_map(start).collect();
    let (mut whole, mut part, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for child in &all {
        let Some(process) = family(child.id()).last().copied() else { continue };
        let smaps = fs::read_to_string(format!("/proc/{process}/smaps")).unwrap_or_default();
        let (mut code, mut sums) = (false, [0.0; 3]);
        for line in smaps.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            match fields[..] {
                [_, rights, _, _, inode, ..] if rights.len() == 4 => {
                    code = rights.contains('x') && inode.parse() == Ok(file);
                }
                [what, count, "kB"] if code => {
                    let count: f64 = count.parse().unwrap_or(0.0);
                    match what {
                        "Rss:" => sums[0] += count,
                        "Pss:" => sums[1] += count,
                        "Private_Clean:" | "Private_Dirty:" => sums[2] += count,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        whole.push(sums[0]);
        part.push(sums[1]);
        own.push(sums[2]);
    }
    all.into_iter().for_each(end);
    vec![
        Row::kilobytes("code of kernelbase.dll in each of 10", whole),
        Row::kilobytes("its share of that (PSS)", part),
        Row::kilobytes("of it private", own),
    ]
}
