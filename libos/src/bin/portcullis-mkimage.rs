//! Makes, checks and mends the base image.

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use libos::image::{self, Installed, Options, Progress};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
Makes the base image: an index of an installed libwine (10 or later) and a registry made from its set-up file.
Without an installed one, Debian's package is fetched with apt and kept in $XDG_CACHE_HOME/portcullis.

Usage: portcullis-mkimage --output DIR [--source ROOT] [--quiet] [--force]
       portcullis-mkimage --output DIR --verify | --info

  --output DIR   the image's folder
  --source ROOT  take libwine from below this folder: ROOT/usr/lib/…, ROOT/usr/share/wine
  --force        make it anew even if it is whole
  --verify       only check it, every file; exit status 1 if it is damaged
  --info         only say what it is
  --quiet        no progress bar, no summary
";

/// A bar on the terminal.
struct Bar(ProgressBar);

impl Progress for Bar {
    fn stretch(&self, what: &str, steps: u64) {
        self.0.set_message(what.to_string());
        self.0.set_position(0);
        if steps == 0 {
            self.0.set_style(style("{spinner} {msg} {elapsed}"));
            self.0.enable_steady_tick(Duration::from_millis(120));
        } else {
            self.0.disable_steady_tick();
            self.0.set_style(style("{msg} [{bar:30}] {pos}/{len}"));
            self.0.set_length(steps);
        }
    }

    fn step(&self) {
        self.0.inc(1);
    }

    fn note(&self, note: &str) {
        self.0.suspend(|| eprintln!("portcullis-mkimage: {note}"));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[derive(Default)]
struct Arguments {
    output: Option<PathBuf>,
    source: Option<PathBuf>,
    quiet: bool,
    force: bool,
    verify: bool,
    info: bool,
}

fn arguments() -> Result<Option<Arguments>> {
    let mut found = Arguments::default();
    let mut given = std::env::args_os().skip(1);
    while let Some(argument) = given.next() {
        let mut folder = || given.next().map(PathBuf::from).with_context(|| format!("{argument:?} needs a folder"));
        match argument.to_str() {
            Some("--output") => found.output = Some(folder()?),
            Some("--source") => found.source = Some(folder()?),
            Some("--quiet") => found.quiet = true,
            Some("--force") => found.force = true,
            Some("--verify") => found.verify = true,
            Some("--info") => found.info = true,
            Some("--help" | "-h") => return Ok(None),
            _ => bail!("unknown argument {argument:?}; see --help"),
        }
    }
    Ok(Some(found))
}

fn tell(place: &Path, image: &Installed) {
    println!("image     {}", place.display());
    println!("made of   {}", image.index.source);
    println!("files     {} indexed, {} folders", image.index.files.len(), image.index.folders.len());
    println!("registry  {} keys, {} values", image.registry.0, image.registry.1);
    println!("package   {:.2} MB", image.package as f64 / 1e6);
    println!("state     {:.2} MB on disk", image.state as f64 / 1e6);
}

fn run() -> Result<()> {
    let Some(arguments) = arguments()? else {
        print!("{HELP}");
        return Ok(());
    };
    let output = arguments.output.context("--output DIR is needed; see --help")?;
    if arguments.verify || arguments.info {
        let image = image::look_over(&output, arguments.verify)?;
        if !arguments.quiet {
            tell(&output, &image);
        }
        return Ok(());
    }
    let bar = Bar(ProgressBar::new(0));
    if arguments.quiet {
        bar.0.set_draw_target(ProgressDrawTarget::hidden());
    }
    let whole = if arguments.force { None } else { image::whole(&output, arguments.source.as_deref()) };
    let image = match whole {
        Some(image) => image,
        None => image::build(&Options { output: output.clone(), source: arguments.source }, &bar)?,
    };
    bar.0.finish_and_clear();
    if !arguments.quiet {
        tell(&output, &image);
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portcullis-mkimage: {error:#}");
            ExitCode::FAILURE
        }
    }
}
