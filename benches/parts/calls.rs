//! Single operations: the guest's probes, under us and under Wine, and the Linux operation behind each.

use super::{Row, median, native, wine};
use portcullis::screen::WineDesktop;
use portcullis::{guest, product, repository};
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

fn figures(mut command: Command) -> HashMap<String, f64> {
    let Ok(output) = command.output() else { return HashMap::new() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.trim().split_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        })
        .collect()
}

/// The rows of what one thread or process does by itself.
pub fn rows() -> Vec<Row> {
    compared("probe", Some("benches/native.c"), &[], least, &wine)
}

/// The rows of what processes do with each other.
pub fn between() -> Vec<Row> {
    compared("relations", Some("benches/relations.c"), &[], median, &wine)
}

/// The rows of TCP over loopback, in a network of the sandbox's own.
pub fn sockets() -> Vec<Row> {
    compared("tcpspeed", Some("tests/guest/tcpspeed.c"), &["--net", "sandbox"], median, &wine)
}

/// The rows of messages between windows. Linux has nothing like it.
pub fn messages() -> Vec<Row> {
    compared("messagespeed", None, &[], median, &wine)
}

/// The rows of drawing on bitmaps, beside Wine's own engine for them, which has the same fonts.
pub fn drawing() -> Vec<Row> {
    let desktop = WineDesktop::start();
    let peer = |program: &Path| {
        let mut run = desktop.as_ref()?.command(program);
        let made = run.command();
        let mut command = Command::new(made.get_program());
        command.args(made.get_args()).envs(made.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Some(command)
    };
    compared("drawspeed", None, &[], least, &peer)
}

/// How often each side runs, in turn: where the scheduler puts the two threads of a figure is settled anew each time, and what else
/// the host has to do changes from second to second.
const ROUNDS: usize = 5;

/// What one of several runs counts.
type Pick = fn(Vec<f64>) -> Option<f64>;

fn least(values: Vec<f64>) -> Option<f64> {
    values.into_iter().min_by(f64::total_cmp)
}

/// The figures that a guest program prints, beside those of its native twin if it has one: of each what `pick` takes of several runs, in turn.
///
/// # Panics
/// If the programs cannot be built.
fn compared(
    name: &str,
    twin: Option<&str>,
    options: &[&str],
    pick: Pick,
    wine: &dyn Fn(&Path) -> Option<Command>,
) -> Vec<Row> {
    product::image();
    let program = guest::program(name);
    let plain = twin.map(|twin| native(&repository().join(twin), &format!("{name}-native")));
    let folder = tempfile::tempdir().expect("a folder");
    let scratch = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        path
    };
    let ours = || {
        let mut command = Command::new(product::secmon());
        command.arg("run").arg("--mount").arg(format!("{}=Z:\\:rw", scratch("ours").display()));
        command.args(options).args(["--workdir", "Z:\\", "--"]).arg(&program);
        Some(command)
    };
    let peer = || {
        let mut command = wine(&program)?;
        command.current_dir(scratch("wine"));
        Some(command)
    };
    let linux = || {
        let mut command = Command::new(plain.as_ref()?);
        command.arg(scratch("linux"));
        Some(command)
    };
    let sides: [&dyn Fn() -> Option<Command>; 3] = [&ours, &peer, &linux];
    let mut found: [HashMap<String, Vec<f64>>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (found, command) in found.iter_mut().zip(sides) {
            for (name, value) in command().map(figures).unwrap_or_default() {
                found.entry(name).or_default().push(value);
            }
        }
    }
    let [ours, peer, linux] = found.map(|side| -> HashMap<String, f64> {
        side.into_iter().filter_map(|(name, runs)| Some((name, pick(runs)?))).collect()
    });
    let mut names: Vec<_> = ours.keys().cloned().collect();
    names.sort();
    let row = |name: String| Row {
        unit: "ns",
        ours: ours.get(&name).copied(),
        wine: peer.get(&name).copied(),
        linux: linux.get(&name).copied(),
        name,
    };
    names.into_iter().map(row).collect()
}
