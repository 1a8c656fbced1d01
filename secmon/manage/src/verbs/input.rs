//! `secmon input`.

use super::desktop::{Patience, attach};
use super::{Common, Which};
use crate::desktop::Desktop;
use anyhow::{Context as _, bail};
use shim_abi::display::{Button, Input, Key};

/// What is done.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The sandbox: its id, the beginning of it, or its name
    #[arg(value_name = "ID")]
    id: String,
    #[command(subcommand)]
    action: Action,
}

/// A mouse button.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Which3 {
    /// The left one
    Left,
    /// The right one
    Right,
    /// The middle one
    Middle,
}

impl From<Which3> for Button {
    fn from(which: Which3) -> Button {
        match which {
            Which3::Left => Button::Left,
            Which3::Right => Button::Right,
            Which3::Middle => Button::Middle,
        }
    }
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Type a text
    Type {
        /// The text; a line's end is the Enter key
        #[arg(value_name = "TEXT")]
        text: String,
        #[command(flatten)]
        patience: Patience,
    },
    /// Press keys together, one after the other: `ctrl+s`, `alt+f4`, `enter`
    Key {
        /// The keys
        #[arg(value_name = "KEYS", required = true)]
        keys: Vec<String>,
        #[command(flatten)]
        patience: Patience,
    },
    /// Click
    Click {
        /// Column
        x: i32,
        /// Row
        y: i32,
        /// With which button
        #[arg(long, value_name = "BUTTON", default_value = "left")]
        button: Which3,
        /// Twice
        #[arg(long)]
        double: bool,
        #[command(flatten)]
        patience: Patience,
    },
    /// Move the mouse
    Move {
        /// Column
        x: i32,
        /// Row
        y: i32,
        #[command(flatten)]
        patience: Patience,
    },
    /// Turn the wheel
    Scroll {
        /// Column
        x: i32,
        /// Row
        y: i32,
        /// Notches: towards the user below 0
        #[arg(allow_negative_numbers = true)]
        notches: i32,
        /// The horizontal one: to the left below 0
        #[arg(long)]
        horizontal: bool,
        #[command(flatten)]
        patience: Patience,
    },
    /// Drag from one place to another
    Drag {
        /// Column where the button goes down
        x1: i32,
        /// Row
        y1: i32,
        /// Column where it goes up
        x2: i32,
        /// Row
        y2: i32,
        /// With which button
        #[arg(long, value_name = "BUTTON", default_value = "left")]
        button: Which3,
        #[command(flatten)]
        patience: Patience,
    },
}

/// Keys by their names, with their scan codes of set 1 on a US keyboard; the second is whether it has the prefix 0xe0.
const KEYS: [(&str, u16, bool); 55] = [
    ("esc", 0x01, false),
    ("backspace", 0x0e, false),
    ("tab", 0x0f, false),
    ("enter", 0x1c, false),
    ("return", 0x1c, false),
    ("ctrl", 0x1d, false),
    ("shift", 0x2a, false),
    ("alt", 0x38, false),
    ("space", 0x39, false),
    ("capslock", 0x3a, false),
    ("f1", 0x3b, false),
    ("f2", 0x3c, false),
    ("f3", 0x3d, false),
    ("f4", 0x3e, false),
    ("f5", 0x3f, false),
    ("f6", 0x40, false),
    ("f7", 0x41, false),
    ("f8", 0x42, false),
    ("f9", 0x43, false),
    ("f10", 0x44, false),
    ("f11", 0x57, false),
    ("f12", 0x58, false),
    ("home", 0x47, true),
    ("up", 0x48, true),
    ("pageup", 0x49, true),
    ("left", 0x4b, true),
    ("right", 0x4d, true),
    ("end", 0x4f, true),
    ("down", 0x50, true),
    ("pagedown", 0x51, true),
    ("insert", 0x52, true),
    ("delete", 0x53, true),
    ("win", 0x5b, true),
    ("apps", 0x5d, true),
    ("rctrl", 0x1d, true),
    ("altgr", 0x38, true),
    ("rshift", 0x36, false),
    ("numlock", 0x45, true),
    ("scrolllock", 0x46, false),
    ("printscreen", 0x37, true),
    ("plus", 0x0d, false),
    ("kp0", 0x52, false),
    ("kp1", 0x4f, false),
    ("kp2", 0x50, false),
    ("kp3", 0x51, false),
    ("kp4", 0x4b, false),
    ("kp5", 0x4c, false),
    ("kp6", 0x4d, false),
    ("kp7", 0x47, false),
    ("kp8", 0x48, false),
    ("kp9", 0x49, false),
    ("kpplus", 0x4e, false),
    ("kpminus", 0x4a, false),
    ("kpmultiply", 0x37, false),
    ("kpdivide", 0x35, true),
];

/// The rows of a US keyboard: the first key's scan code, and what the keys bring.
const ROWS: [(u16, &str); 4] =
    [(0x02, "1234567890-="), (0x10, "qwertyuiop[]"), (0x1e, "asdfghjkl;'`"), (0x2b, "\\zxcvbnm,./")];

fn key(name: &str) -> anyhow::Result<(u16, bool)> {
    let name = name.trim().to_ascii_lowercase();
    if let Some((_, scan, extended)) = KEYS.iter().find(|(known, ..)| *known == name) {
        return Ok((*scan, *extended));
    }
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        for (first, row) in ROWS {
            if let Some(at) = row.chars().position(|known| known == letter) {
                return Ok((first + at as u16, false));
            }
        }
    }
    bail!(
        "{name}: no key has this name (letters, digits, f1 to f12, enter, esc, tab, space, up, home, ctrl, shift, alt, win, ...)"
    )
}

fn chord(text: &str) -> anyhow::Result<Vec<Input>> {
    let keys = text.split('+').map(key).collect::<anyhow::Result<Vec<_>>>().with_context(|| text.to_owned())?;
    let event = |(scan, extended): &(u16, bool), up| Input::Key(Key { scan: *scan, extended: *extended, up });
    let down = keys.iter().map(|key| event(key, false));
    Ok(down.chain(keys.iter().rev().map(|key| event(key, true))).collect())
}

fn typed(text: &str) -> Vec<Input> {
    let mut all = Vec::new();
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => all.extend(chord(if letter == '\n' { "enter" } else { "tab" }).unwrap_or_default()),
            '\r' => {}
            letter => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    all.extend([false, true].map(|up| Input::Unicode((*unit, up))));
                }
            }
        }
    }
    all
}

impl Action {
    fn inputs(&self) -> anyhow::Result<(Vec<Input>, &Patience)> {
        let press = |button: Which3| [false, true].map(|up| Input::Button((button.into(), up)));
        Ok(match self {
            Action::Type { text, patience } => (typed(text), patience),
            Action::Key { keys, patience } => {
                let all = keys.iter().map(|keys| chord(keys)).collect::<anyhow::Result<Vec<_>>>()?;
                (all.concat(), patience)
            }
            Action::Click { x, y, button, double, patience } => {
                let mut all = vec![Input::Move((*x, *y))];
                (0..if *double { 2 } else { 1 }).for_each(|_| all.extend(press(*button)));
                (all, patience)
            }
            Action::Move { x, y, patience } => (vec![Input::Move((*x, *y))], patience),
            Action::Scroll { x, y, notches, horizontal, patience } => {
                (vec![Input::Move((*x, *y)), Input::Wheel((notches.saturating_mul(120), *horizontal))], patience)
            }
            Action::Drag { x1, y1, x2, y2, button, patience } => {
                let [down, up] = press(*button);
                let middle = (x1.midpoint(*x2), y1.midpoint(*y2));
                (vec![Input::Move((*x1, *y1)), down, Input::Move(middle), Input::Move((*x2, *y2)), up], patience)
            }
        })
    }
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    let (inputs, patience) = arguments.action.inputs()?;
    let mut desktop: Desktop = attach(&Which::of(&arguments.id))?;
    inputs.iter().try_for_each(|input| desktop.tell(input))?;
    // What was told is handed on before the desktop sees that nobody is there any more: it answers.
    desktop.windows()?;
    patience.idle(&mut desktop)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_down_in_order_and_up_the_other_way_round() {
        let event = |scan, extended, up| Input::Key(Key { scan, extended, up });
        let want =
            [event(0x1d, false, false), event(0x1f, false, false), event(0x1f, false, true), event(0x1d, false, true)];
        assert_eq!(chord("Ctrl+S").unwrap(), want);
        assert_eq!(chord("delete").unwrap(), [event(0x53, true, false), event(0x53, true, true)]);
        assert!(chord("ctrl+nothing").is_err() && chord("").is_err());
        for (name, scan) in
            [("1", 2), ("=", 0x0d), ("q", 0x10), ("]", 0x1b), ("a", 0x1e), ("`", 0x29), ("\\", 0x2b), ("/", 0x35)]
        {
            assert_eq!(key(name).unwrap(), (scan, false), "{name}");
        }
    }

    #[test]
    fn text_is_typed_as_utf_16_and_lines_end_with_a_key() {
        assert_eq!(typed("a").len(), 2);
        assert_eq!(typed("\u{1f600}").len(), 4);
        assert_eq!(typed("\r\n"), chord("enter").unwrap());
    }
}
