//! The table of figures: each beside its peers (stock Wine, the Linux operation) in the same run, as ratios; printed, and
//! kept as `target/bench/figures.json`. Never a test: machines are noisy, and a ratio is for people to read.
//!
//! `cargo bench` runs all of it; `cargo bench -- calls`, `start`, `memory`, `windows`, `gdi`, `desktop`, `layers`, `many`, `programs`, `servers`, `engine`, `host` a part.

mod parts;

use parts::Row;
use std::fmt::Write;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let mut rows = Vec::new();
    if wants("start") {
        rows.extend(parts::start::rows());
    }
    if wants("memory") {
        rows.extend(parts::memory::rows());
    }
    if wants("calls") {
        rows.extend(parts::calls::rows());
    }
    if wants("processes") {
        rows.extend(parts::calls::between());
        rows.extend(parts::calls::sockets());
        rows.extend(parts::memory::children());
    }
    if wants("windows") {
        rows.extend(parts::calls::messages());
    }
    if wants("gdi") {
        rows.extend(parts::calls::drawing());
    }
    if wants("desktop") {
        rows.extend(parts::desktop::rows());
    }
    if wants("programs") {
        rows.extend(parts::programs::rows());
    }
    if wants("servers") {
        rows.extend(parts::servers::rows());
    }
    if wants("layers") {
        rows.extend(parts::layers::rows());
    }
    if wants("many") {
        rows.extend(parts::many::rows());
    }
    if wants("engine") {
        rows.extend(parts::engine::rows());
    }
    if wants("host") {
        rows.extend(parts::host::rows());
    }
    print!("{}", table(&rows));
    let path = portcullis::target("bench").join("figures.json");
    let rows: Vec<_> = rows.iter().map(Row::json).collect();
    if let Err(error) = std::fs::write(&path, format!("[\n{}\n]\n", rows.join(",\n"))) {
        eprintln!("{}: {error}", path.display());
    }
}

fn table(rows: &[Row]) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let ratio = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2} x"));
    let mut out = format!(
        "{:<34} {:>6} {:>12} {:>12} {:>12} {:>10} {:>10}\n",
        "figure", "unit", "portcullis", "wine", "linux", "/ wine", "/ linux"
    );
    for row in rows {
        let _ = writeln!(
            out,
            "{:<34} {:>6} {:>12} {:>12} {:>12} {:>10} {:>10}",
            row.name,
            row.unit,
            number(row.ours),
            number(row.wine),
            number(row.linux),
            ratio(row.to_wine()),
            ratio(row.to_linux())
        );
    }
    out
}
