//! Many sandboxes at once: how long the first and the hundredth take to start, and what five hundred of them cost.

use super::Row;
use super::memory::{family, private};
use portcullis::{guest, product};
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Sandboxes at once.
const COUNT: usize = 500;

/// Starts one of an idle program; it, and the milliseconds until the program says that it runs.
fn start() -> (Child, f64) {
    let begun = Instant::now();
    let mut command = Command::new(product::secmon());
    command.arg("run").arg(guest::program("idle")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("started");
    let said = child.stdout.as_mut().map(|out| out.read(&mut [0; 64]));
    assert!(matches!(said, Some(Ok(count)) if count > 0), "the program runs");
    (child, begun.elapsed().as_secs_f64() * 1000.0)
}

/// The rows.
///
/// # Panics
/// If a sandbox cannot be started.
pub fn rows() -> Vec<Row> {
    product::image();
    let (mut children, mut times) = (Vec::new(), Vec::new());
    for _ in 0..COUNT {
        let (child, time) = start();
        children.push(child);
        times.push(time);
    }
    let alive = children.iter_mut().filter_map(|child| child.try_wait().ok()).filter(Option::is_none).count();
    let of = |part: usize| {
        let all = children.iter().filter_map(|child| family(child.id()).get(part).copied().map(private)).collect();
        super::median(all)
    };
    let (monitor, picoprocess) = (of(0), of(1));
    for mut child in children {
        drop(child.stdin.take());
        let _ = child.wait();
    }
    let row = |name: &str, unit, ours| Row { name: name.into(), unit, ours, wine: None, linux: None };
    // What is around one is as much a matter of chance as for any other: the median of ten.
    let around = |at: usize| super::median(times[at..at + 10].to_vec());
    vec![
        row("start of the 1st to 10th sandbox", "ms", around(0)),
        row("start of the 91st to 100th sandbox", "ms", around(90)),
        row("start of the 491st to 500th sandbox", "ms", around(490)),
        row("idle sandboxes alive, of 500", "", Some(alive as f64)),
        row("one of 500, private, picoprocess", "KB", picoprocess),
        row("one of 500, private, monitor", "KB", monitor),
    ]
}
