//! Stock Wine, as the machine has it: what a guest program should do, and the peer in benches.

use crate::command::{Outcome, Run};
use crate::{once, target};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Wine's loader for 64-bit programs, if Wine is installed.
pub fn wine() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            // Debian's script for PATH complains about missing 32-bit parts; the loaders behind it do not.
            let known =
                ["/usr/lib/wine/wine64", "/usr/lib/x86_64-linux-gnu/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"];
            known.iter().map(PathBuf::from).find(|path| path.exists())
        })
        .as_deref()
}

/// Whether it is the release whose looks and order of messages the tests expect: Debian 12's, Wine 8. Debian 13's has other measures of windows, and
/// there this product is tested without comparing it with that one in those things.
pub fn is_reference() -> bool {
    static IS: OnceLock<bool> = OnceLock::new();
    *IS.get_or_init(|| {
        let version = wine().map(|wine| Run::new(wine).arg("--version").run().text());
        let is = version.as_ref().is_some_and(|version| version.starts_with("wine-8."));
        if !is {
            eprintln!(
                "nothing is compared with {}: Wine 8 is what tests expect",
                version.as_deref().unwrap_or("Wine").trim()
            );
        }
        is
    })
}

/// Wine's state for the tests, made once.
///
/// # Panics
/// If it cannot be made.
pub fn prefix() -> PathBuf {
    let home = target("oracle").join("prefix");
    let made = once::make(&home, |half| {
        let Some(wine) = wine() else { anyhow::bail!("Wine is not installed") };
        let run = Run::new(wine).args(["wineboot", "--init"]).env("WINEPREFIX", half);
        let outcome = quiet(run).run();
        // Its server keeps the folder's path: end it before the folder is renamed.
        end_server(half);
        anyhow::ensure!(half.join("system.reg").exists(), "wineboot: {outcome:?}");
        Ok(())
    });
    if let Err(error) = made {
        panic!("Wine's prefix: {error:#}");
    }
    home
}

/// Ends what runs in a state of Wine's, and its server.
pub fn end_server(prefix: &Path) {
    let Some(wine) = wine() else { return };
    for what in ["-k", "-w"] {
        quiet(Run::new(server(wine)).arg(what).env("WINEPREFIX", prefix)).run();
    }
}

fn server(wine: &Path) -> PathBuf {
    let near = wine.with_file_name("wineserver");
    if near.exists() { near } else { PathBuf::from("wineserver") }
}

fn quiet(run: Run) -> Run {
    run.env("WINEDEBUG", "-all").env("DISPLAY", "").env("WINEDLLOVERRIDES", "mscoree=;mshtml=;winedbg.exe=")
}

/// A command that runs a Windows program under stock Wine; `None` if it is not installed.
pub fn command(program: &Path) -> Option<Run> {
    let wine = wine()?;
    Some(quiet(Run::new(wine).arg(program)).env("WINEPREFIX", prefix()).env("CHECK_ORACLE", "wine"))
}

/// What stock Wine makes of a guest program that takes no input; kept by the program's hash. `None` without Wine.
///
/// # Panics
/// If the program cannot be read.
pub fn answer(program: &Path, args: &[&str]) -> Option<Outcome> {
    answer_like(program, args, |_| true)
}

/// The same, of a program that may trip over a busy machine: asked up to three times until `expected` agrees.
///
/// # Panics
/// If the program cannot be read.
pub fn answer_like(program: &Path, args: &[&str], expected: impl Fn(&Outcome) -> bool) -> Option<Outcome> {
    wine()?;
    let bytes = fs::read(program).unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    let key = once::hash(format!("{}{args:?}", once::hash(&bytes)).as_bytes());
    let kept = target("oracle/answers").join(key);
    let made = once::make(&kept, |half| {
        let ask = || {
            let scratch = tempfile::tempdir()?;
            let Some(run) = command(program) else { anyhow::bail!("Wine is not installed") };
            Ok(run.args(args).dir(scratch.path()).run())
        };
        let mut outcome = ask()?;
        for _ in 0..2 {
            if !expected(&outcome) {
                outcome = ask()?;
            }
        }
        fs::create_dir_all(half)?;
        fs::write(half.join("status"), outcome.status.to_string())?;
        fs::write(half.join("out"), &outcome.out)?;
        fs::write(half.join("err"), &outcome.err)?;
        Ok(())
    });
    if let Err(error) = made {
        panic!("Wine's answer: {error:#}");
    }
    let read = |name: &str| fs::read(kept.join(name)).unwrap_or_default();
    let status = String::from_utf8_lossy(&read("status")).parse().unwrap_or(-1);
    Some(Outcome { status, out: read("out"), err: read("err"), late: false })
}
