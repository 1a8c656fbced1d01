//! `secmon windows`.

use super::desktop::{Place, Shown, attach};
use super::{Common, Which};
use serde::Serialize;
use shim_abi::display::Window;

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Hidden ones too
    #[arg(short, long)]
    all: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Windows<'a> {
    windows: Vec<Shown<'a>>,
}

/// The tree as text, one window on a line.
fn tree(windows: &[Window]) -> String {
    let mut out = String::new();
    // Who is inside which others, the innermost last: parents come before their children.
    let mut inside: Vec<u32> = Vec::new();
    for window in windows {
        while inside.last().is_some_and(|last| *last != window.parent) {
            inside.pop();
        }
        let mut words = vec![format!("{:#x}", window.handle), format!("{:?}", window.class)];
        words.push(format!("{:?} {}", window.title, Place::of(&window.place)));
        if window.owner != 0 {
            words.push(format!("owner {:#x}", window.owner));
        }
        let marks = [(!window.visible, "hidden"), (window.active, "active"), (window.focus, "focus")];
        words.extend(marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark.to_owned()));
        words.push(format!("process {}", window.process));
        out += &format!("{}{}\n", "  ".repeat(inside.len()), words.join(" "));
        inside.push(window.handle);
    }
    out
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let mut windows = attach(&arguments.which)?.windows()?;
    windows.retain(|window| arguments.all || window.visible);
    let shown = Windows { windows: windows.iter().map(Shown::of).collect() };
    common.show(&shown, tree(&windows))?;
    Ok(0)
}
