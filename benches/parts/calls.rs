//! Single operations: the guest's probes, under us and under Wine, and the Linux operation behind each.

use super::{Row, native, wine};
use portcullis::{guest, product, repository};
use std::collections::HashMap;
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
    compared("probe", "benches/native.c", &[])
}

/// The rows of what processes do with each other.
pub fn between() -> Vec<Row> {
    compared("relations", "benches/relations.c", &[])
}

/// The rows of TCP over loopback, in a network of the sandbox's own.
pub fn sockets() -> Vec<Row> {
    compared("tcpspeed", "tests/guest/tcpspeed.c", &["--net", "sandbox"])
}

/// The figures that a guest program prints, beside those of its native twin.
///
/// # Panics
/// If the programs cannot be built.
fn compared(name: &str, twin: &str, options: &[&str]) -> Vec<Row> {
    product::image();
    let program = guest::program(name);
    let plain = native(&repository().join(twin), &format!("{name}-native"));
    let folder = tempfile::tempdir().expect("a folder");
    let scratch = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).expect("a folder");
        path
    };
    let mut command = Command::new(product::secmon());
    command.arg("run").arg("--mount").arg(format!("{}=Z:\\:rw", scratch("ours").display()));
    command.args(options).args(["--workdir", "Z:\\", "--"]).arg(&program);
    let ours = figures(command);
    let peer = wine(&program).map(|mut command| {
        command.current_dir(scratch("wine"));
        figures(command)
    });
    let mut command = Command::new(plain);
    command.arg(scratch("linux"));
    let linux = figures(command);
    let mut names: Vec<_> = ours.keys().cloned().collect();
    names.sort();
    let row = |name: String| Row {
        unit: "ns",
        ours: ours.get(&name).copied(),
        wine: peer.as_ref().and_then(|peer| peer.get(&name).copied()),
        linux: linux.get(&name).copied(),
        name,
    };
    names.into_iter().map(row).collect()
}
