//! `secmon wait-window`.

use super::desktop::{Patience, Shown, attach};
use super::{Common, Which};
use anyhow::bail;
use shim_abi::display::Window;
use std::time::{Duration, Instant};

/// How long it is waited between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// What is waited for.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The window's class
    #[arg(long, value_name = "NAME", required_unless_present = "title")]
    class: Option<String>,
    /// Its title; with an asterisk at the beginning or the end, a part of it
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Hidden ones count too
    #[arg(short, long)]
    all: bool,
    /// Wait until there is no such window
    #[arg(long)]
    gone: bool,
    #[command(flatten)]
    patience: Patience,
}

/// Whether a title is the one that is meant.
fn is_like(pattern: &str, title: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) => title.contains(pattern.trim_matches('*')),
        (Some(end), None) => title.ends_with(end),
        (None, Some(begin)) => title.starts_with(begin),
        (None, None) => title == pattern,
    }
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let meant = |window: &Window| {
        (arguments.all || window.visible)
            && arguments.class.as_ref().is_none_or(|class| class.eq_ignore_ascii_case(&window.class))
            && arguments.title.as_ref().is_none_or(|title| is_like(title, &window.title))
    };
    let end = Instant::now() + arguments.patience.time();
    let mut desktop = attach(&arguments.which)?;
    let found = loop {
        let found = desktop.windows()?.into_iter().find(&meant);
        if found.is_none() == arguments.gone {
            break found;
        }
        if Instant::now() >= end {
            let what = if arguments.gone { "the window is still there" } else { "there is no such window" };
            bail!("{what} after {} s", arguments.patience.time().as_secs_f64());
        }
        std::thread::sleep(LOOK);
    };
    arguments.patience.idle(&mut desktop)?;
    if let Some(window) = found {
        common.show(&Shown::of(&window), format!("{:#x}\n", window.handle))?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn titles_are_matched_whole_or_in_part() {
        for (pattern, title, is) in [
            ("Untitled", "Untitled", true),
            ("Untitled", "Untitled - Notepad", false),
            ("Untitled*", "Untitled - Notepad", true),
            ("*Notepad", "Untitled - Notepad", true),
            ("*led - N*", "Untitled - Notepad", true),
            ("*x*", "Untitled", false),
        ] {
            assert_eq!(is_like(pattern, title), is, "{pattern} {title}");
        }
    }
}
