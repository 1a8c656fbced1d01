//! Runs Wine's own conformance tests and prints a table: `portcullis-winetests [--bless] [DLL [TEST]]`.
//!
//! A test file that does worse than `tests/winetests.toml` knows is named as a regression, and the exit status is 1. What each
//! wrote is under `target/winetests`, the table as JSON beside it.

use anyhow::{Context, Result};
use portcullis::winetests::{self, End, Known, Verdict};
use portcullis::{repository, target};
use serde::Serialize;
use std::fmt::Write;
use std::fs;
use std::process::ExitCode;

#[derive(Serialize)]
struct Row {
    dll: String,
    test: String,
    here: Verdict,
    wine: Option<Verdict>,
    regression: Option<String>,
}

fn main() -> ExitCode {
    let (options, names): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let bless = options.iter().any(|option| option == "--bless");
    if names.len() > 2 || options.iter().any(|option| option != "--bless") {
        eprintln!("usage: portcullis-winetests [--bless] [DLL [TEST]]");
        return ExitCode::FAILURE;
    }
    match all(names.first().map(String::as_str), names.get(1).map(String::as_str), bless) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("winetests: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what is asked for; whether nothing is worse than known.
fn all(dll: Option<&str>, test: Option<&str>, bless: bool) -> Result<bool> {
    let table = winetests::table()?;
    let dll = dll.map(|name| name.strip_suffix(".dll").unwrap_or(name));
    let dlls: Vec<&str> =
        table.dll.keys().map(String::as_str).filter(|name| dll.is_none_or(|dll| dll == *name)).collect();
    anyhow::ensure!(!dlls.is_empty(), "tests/winetests.toml names no tests of {}", dll.unwrap_or_default());
    println!(
        "{:<12} {:<14} {:>9} {:>8} {:>6} {:>5} {:>4} end       under stock Wine",
        "DLL", "test", "checks", "failures", "beyond", "todo", "skip"
    );
    let mut rows = Vec::new();
    for &dll in &dlls {
        let program = match winetests::build(&table, dll) {
            Err(error) if dlls.len() > 1 && !rows.is_empty() => {
                println!("{dll:<12} skipped: {error:#}");
                continue;
            }
            program => program?,
        };
        let net = table.dll.get(dll).and_then(|entry| entry.net.as_deref());
        let mut names = winetests::names(&program)?;
        names.retain(|name| test.is_none_or(|test| test == name));
        anyhow::ensure!(!names.is_empty(), "{dll}.dll has no test file {}", test.unwrap_or_default());
        for name in names {
            let (outcome, here) = winetests::run(&program, &name, net)?;
            let kept = target(&format!("winetests/{dll}")).join(format!("{name}.txt"));
            fs::write(&kept, [outcome.out, outcome.err].concat()).with_context(|| kept.display().to_string())?;
            let wine = winetests::peer(&program, &name);
            let regression = table.dll.get(dll).and_then(|entry| worse(entry.known.get(&name), &here));
            let row = Row { dll: dll.to_owned(), test: name, here, wine, regression };
            show(&row);
            rows.push(row);
        }
    }
    let json = target("winetests").join("results.json");
    fs::write(&json, serde_json::to_vec_pretty(&rows)?).with_context(|| json.display().to_string())?;
    if bless {
        fs::write(repository().join("tests/winetests.toml"), blessed(&rows)?)?;
        return Ok(true);
    }
    let worse: Vec<&Row> = rows.iter().filter(|row| row.regression.is_some()).collect();
    for row in &worse {
        println!("regression: {} {}: {}", row.dll, row.test, row.regression.as_deref().unwrap_or_default());
    }
    Ok(worse.is_empty())
}

fn show(row: &Row) {
    let Verdict { checks, failures, beyond, todo, skipped, end } = &row.here;
    let wine = match &row.wine {
        None => "not installed".to_owned(),
        Some(wine) => format!("{} checks, {} failures, {}", wine.checks, wine.failures, ended(&wine.end)),
    };
    println!(
        "{:<12} {:<14} {checks:>9} {failures:>8} {beyond:>6} {todo:>5} {skipped:>4} {:<9} {wine}",
        row.dll,
        row.test,
        ended(end)
    );
}

fn ended(end: &End) -> String {
    match end {
        End::Whole => "whole".to_owned(),
        End::Crash(status) => format!("crash {status}"),
        End::Late => "late".to_owned(),
    }
}

/// In what a run is worse than what is known.
fn worse(known: Option<&Known>, here: &Verdict) -> Option<String> {
    match (known?, &here.end) {
        (Known::Failures(known), End::Whole) if here.failures <= *known => None,
        (Known::Failures(known), End::Whole) => Some(format!("{} failures, {known} known", here.failures)),
        (Known::Failures(_), end) => Some(format!("known to come to its end: {}", ended(end))),
        (Known::Cut(_), _) => None,
    }
}

/// The table with what was measured now; a reason given by hand is kept.
fn blessed(rows: &[Row]) -> Result<String> {
    let table = winetests::table()?;
    let key = |dll: &str| if dll.contains('.') { format!("{dll:?}") } else { dll.to_owned() };
    let mut text = winetests::text()?.split("\n[dll.").next().unwrap_or_default().trim_end().to_owned();
    for (dll, entry) in &table.dll {
        let mut known = entry.known.clone();
        for row in rows.iter().filter(|row| row.dll == *dll) {
            let new = match (&row.here.end, known.get(&row.test)) {
                (End::Whole, _) => Known::Failures(row.here.failures),
                (_, Some(Known::Cut(why))) => Known::Cut(why.clone()),
                (end, _) => Known::Cut(ended(end)),
            };
            known.insert(row.test.clone(), new);
        }
        let _ = writeln!(text, "\n\n[dll.{}]\ndefault = {:?}", key(dll), entry.default);
        if let Some(net) = &entry.net {
            let _ = writeln!(text, "net = {net:?}");
        }
        let _ = writeln!(text, "\n[dll.{}.known]", key(dll));
        for (test, known) in known {
            let _ = match known {
                Known::Failures(count) => writeln!(text, "{test} = {count}"),
                Known::Cut(why) => writeln!(text, "{test} = {why:?}"),
            };
        }
        text.truncate(text.trim_end().len());
    }
    Ok(text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_more_failures_or_no_end() {
        let mut here = Verdict { checks: 9, failures: 2, beyond: 1, todo: 0, skipped: 0, end: End::Whole };
        assert_eq!(worse(None, &here), None);
        assert_eq!(worse(Some(&Known::Failures(2)), &here), None);
        assert!(worse(Some(&Known::Failures(1)), &here).is_some());
        here.end = End::Late;
        assert!(worse(Some(&Known::Failures(2)), &here).is_some());
        assert_eq!(worse(Some(&Known::Cut("child processes".into())), &here), None);
    }
}
