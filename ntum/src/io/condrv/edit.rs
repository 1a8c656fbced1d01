//! The line that is typed while a program reads: editing, echo, history.

use super::console::{State, Want, mode};
use super::input::{ALT, CTRL, Key, RIGHT_CTRL, Record, SHIFT, vk};
use super::screen::{Effects, Screen};
use super::terminal::Terminal;
use crate::kernel::Kernel;

/// Most lines that are remembered.
const HISTORY: usize = 50;
/// Longest line in units.
const MAX_LINE: usize = 0x4000;

/// Lines that were typed.
#[derive(Debug, Default)]
pub struct History {
    lines: Vec<Vec<u16>>,
}

impl History {
    fn add(&mut self, line: &[u16]) {
        if line.is_empty() || self.lines.last().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() >= HISTORY {
            self.lines.remove(0);
        }
        self.lines.push(line.to_vec());
    }
}

/// A line while it is typed.
#[derive(Debug, Default)]
pub struct Line {
    text: Vec<u16>,
    cursor: usize,
    /// The line of the history that is shown; its count when none is.
    recalled: usize,
    /// What was typed before a line was recalled.
    own: Vec<u16>,
    overwrite: bool,
    /// Where it starts on the screen.
    home: (i32, i32),
    /// Columns it took when it was last shown.
    shown: i32,
    finished: bool,
    /// Key state when a control character ended the line.
    key_state: u32,
}

fn is_word(unit: u16) -> bool {
    char::from_u32(u32::from(unit)).is_some_and(char::is_alphanumeric)
}

impl Line {
    /// A line that starts where the cursor is; text that a program puts into it is on the screen already.
    pub fn new(screen: &Screen, history: &History, initial: &[u16], insert: bool) -> Line {
        let columns = width_of(initial);
        let place = screen.y * screen.width + screen.bounded_x() - columns;
        let place = place.max(0);
        Line {
            text: initial.to_vec(),
            cursor: initial.len(),
            recalled: history.lines.len(),
            overwrite: !insert,
            home: (place % screen.width, place / screen.width),
            shown: columns,
            ..Line::default()
        }
    }

    fn insert(&mut self, units: &[u16]) {
        for unit in units {
            if self.overwrite && self.cursor < self.text.len() {
                self.text[self.cursor] = *unit;
            } else if self.text.len() < MAX_LINE {
                self.text.insert(self.cursor, *unit);
            } else {
                return;
            }
            self.cursor += 1;
        }
    }

    fn replace(&mut self, text: Vec<u16>) {
        self.cursor = text.len();
        self.text = text;
    }

    /// The place one character to the left: a surrogate pair is one.
    fn left(&self) -> usize {
        let pair = self.cursor >= 2 && (0xdc00..0xe000).contains(&self.text[self.cursor - 1]);
        self.cursor.saturating_sub(if pair { 2 } else { 1 })
    }

    fn right(&self) -> usize {
        let pair = self.text.get(self.cursor).is_some_and(|unit| (0xd800..0xdc00).contains(unit));
        (self.cursor + if pair { 2 } else { 1 }).min(self.text.len())
    }

    fn word_left(&self) -> usize {
        let mut at = self.cursor;
        while at > 0 && !is_word(self.text[at - 1]) {
            at -= 1;
        }
        while at > 0 && is_word(self.text[at - 1]) {
            at -= 1;
        }
        at
    }

    fn word_right(&self) -> usize {
        let mut at = self.cursor;
        while at < self.text.len() && is_word(self.text[at]) {
            at += 1;
        }
        while at < self.text.len() && !is_word(self.text[at]) {
            at += 1;
        }
        at
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.drain(from..to);
        self.cursor = from;
    }

    fn recall(&mut self, history: &History, index: usize) {
        if self.recalled == history.lines.len() {
            self.own.clone_from(&self.text);
        }
        self.recalled = index;
        let text = history.lines.get(index).unwrap_or(&self.own).clone();
        self.replace(text);
    }

    /// F8: the line before that starts as this one does up to the cursor.
    fn find(&mut self, history: &History) {
        let count = history.lines.len();
        let start = self.text[..self.cursor].to_vec();
        let found = (1..=count).map(|back| (self.recalled + 2 * count - back) % count.max(1));
        if let Some(index) = found.into_iter().find(|index| history.lines[*index].starts_with(&start)) {
            let cursor = self.cursor;
            self.recall(history, index);
            self.cursor = cursor;
        }
    }

    /// Takes a key.
    fn key(&mut self, key: &Key, history: &mut History, mask: u32) {
        let ctrl = key.modifiers & (CTRL | RIGHT_CTRL) != 0;
        let plain = key.modifiers & (CTRL | RIGHT_CTRL | ALT) == 0;
        if mask != 0 && key.unit != 0 && key.unit < 0x20 && mask & (1 << key.unit) != 0 {
            self.insert(&[key.unit]);
            self.finished = true;
            self.key_state = key.modifiers;
            return;
        }
        match key.vk {
            vk::RETURN => {
                history.add(&self.text);
                self.finished = true;
                self.text.extend([13, 10]);
            }
            _ if ctrl && key.unit == 10 => {}
            vk::BACK if ctrl => self.remove(self.word_left(), self.cursor),
            vk::BACK => self.remove(self.left(), self.cursor),
            vk::DELETE => {
                let (from, to) = (self.cursor, self.right());
                self.remove(from, to);
            }
            vk::LEFT => self.cursor = if ctrl { self.word_left() } else { self.left() },
            vk::RIGHT if ctrl => self.cursor = self.word_right(),
            vk::RIGHT if self.cursor == self.text.len() => self.take_last(history, 1),
            vk::RIGHT => self.cursor = self.right(),
            vk::HOME if ctrl => self.remove(0, self.cursor),
            vk::HOME => self.cursor = 0,
            vk::END if ctrl => self.text.truncate(self.cursor),
            vk::END => self.cursor = self.text.len(),
            vk::UP | F5 if plain && self.recalled > 0 => self.recall(history, self.recalled - 1),
            vk::DOWN if plain && self.recalled < history.lines.len() => self.recall(history, self.recalled + 1),
            vk::PRIOR if plain && !history.lines.is_empty() => self.recall(history, 0),
            vk::NEXT if plain && !history.lines.is_empty() => self.recall(history, history.lines.len() - 1),
            vk::UP | vk::DOWN | vk::PRIOR | vk::NEXT | F5 => {}
            vk::INSERT => self.overwrite = !self.overwrite,
            vk::ESCAPE => self.replace(Vec::new()),
            vk::F1 => self.take_last(history, 1),
            F3 => self.take_last(history, usize::MAX),
            F6 => self.insert(&[0x1a]),
            F8 => self.find(history),
            _ if key.unit == 0 || key.unit == 0x1b => {}
            _ if plain || key.unit >= 0x20 || key.modifiers & SHIFT != 0 || ctrl => self.insert(&[key.unit]),
            _ => {}
        }
    }

    /// F1 and F3: characters of the last line from the cursor's column on.
    fn take_last(&mut self, history: &History, count: usize) {
        let last = history.lines.last().and_then(|last| last.get(self.cursor..)).unwrap_or_default();
        let part: Vec<u16> = last.iter().take(count).copied().collect();
        self.insert(&part);
    }

    /// Shows the line and puts the cursor into it.
    fn show(&mut self, s: &mut Screen, t: &mut Terminal) {
        let total = width_of(&self.text);
        self.place(s, t, 0);
        let mut shown = visible(&self.text);
        shown.extend(std::iter::repeat_n(u16::from(b' '), (self.shown - total).max(0) as usize));
        self.echo(s, t, &shown);
        // What scrolled took the line's start with it.
        let end = self.home.1 * s.width + self.home.0 + total.max(self.shown);
        self.home.1 -= (end / s.width - s.y).max(0);
        self.shown = total;
        let columns = width_of(&self.text[..self.cursor]);
        self.place(s, t, columns);
    }

    fn echo(&self, s: &mut Screen, t: &mut Terminal, text: &[u16]) {
        // The program's own modes for output do not matter here.
        let mode = std::mem::replace(&mut s.mode, super::screen::PROCESSED_OUTPUT | super::screen::WRAP_AT_EOL);
        s.write(t, text, &mut Effects::default());
        s.mode = mode;
    }

    fn place(&self, s: &mut Screen, t: &mut Terminal, columns: i32) {
        let at = self.home.1 * s.width + self.home.0 + columns;
        (s.x, s.y) = ((at % s.width).max(0), (at / s.width).clamp(0, s.height - 1));
        s.show(t);
    }

    /// Ends the line on the screen.
    pub fn leave(&mut self, s: &mut Screen, t: &mut Terminal) {
        self.place(s, t, self.shown);
        self.echo(s, t, &[13, 10]);
    }
}

const F3: u16 = vk::F1 + 2;
const F5: u16 = vk::F1 + 4;
const F6: u16 = vk::F1 + 5;
const F8: u16 = vk::F1 + 7;

/// Text as it is echoed: control characters as `^X`.
fn visible(text: &[u16]) -> Vec<u16> {
    let mut out = Vec::with_capacity(text.len());
    for unit in text.iter().filter(|unit| !matches!(unit, 13 | 10)) {
        if *unit < 0x20 {
            out.extend([u16::from(b'^'), unit + 0x40]);
        } else {
            out.push(*unit);
        }
    }
    out
}

/// Columns of text as it is echoed.
fn width_of(text: &[u16]) -> i32 {
    let shown = visible(text);
    char::decode_utf16(shown).map(|c| super::width::columns(c.unwrap_or(char::REPLACEMENT_CHARACTER))).sum()
}

impl State {
    /// Takes what is typed for a read of text; answers the key state when there is something to hand out.
    pub(super) fn typed(&mut self, _k: &'static Kernel, want: &Want, room: usize) -> Option<u32> {
        if self.mode & mode::LINE == 0 {
            return self.characters(room);
        }
        let (mask, initial) = match want {
            Want::Control { mask, initial } => (*mask, &initial[..]),
            _ => (0, &[][..]),
        };
        let active = self.active;
        let insert = self.mode & (mode::INSERT | mode::EXTENDED) != mode::EXTENDED;
        let mut line = match self.line.take() {
            Some(line) => line,
            None => {
                let history = std::mem::take(&mut self.history);
                let made = self.on_screen(active, |s, _| Ok(Line::new(s, &history, initial, insert)));
                self.history = history;
                made.ok()?
            }
        };
        let mut changed = false;
        while !line.finished
            && let Some(record) = self.records.pop_front()
        {
            if let Record::Key(key) = record
                && key.down
                && !(vk::SHIFT..=vk::MENU).contains(&key.vk)
            {
                (0..key.repeat.clamp(1, 256)).for_each(|_| line.key(&key, &mut self.history, mask));
                changed = true;
            }
        }
        let echo = self.mode & mode::ECHO != 0;
        if changed && echo {
            let by_control = mask != 0 && line.text.last() != Some(&10);
            let _ = self.on_screen(active, |s, t| {
                line.show(s, t);
                if line.finished && !by_control {
                    line.leave(s, t);
                }
                Ok(())
            });
        }
        if !line.finished {
            self.line = Some(line);
            return None;
        }
        self.left = line.text;
        Some(line.key_state)
    }

    /// Without lines: the characters that were typed so far.
    fn characters(&mut self, room: usize) -> Option<u32> {
        while self.left.len() < room
            && let Some(record) = self.records.pop_front()
        {
            if let Record::Key(key) = record
                && key.down
                && (key.unit != 0 || key.vk == vk::SPACE)
            {
                (0..key.repeat.clamp(1, 256)).for_each(|_| self.left.push(key.unit));
            }
        }
        if self.left.is_empty() {
            return None;
        }
        if self.mode & mode::ECHO != 0 {
            let (text, active) = (self.left.clone(), self.active);
            let _ = self.on_screen(active, |s, t| {
                s.write(t, &text, &mut Effects::default());
                Ok(())
            });
        }
        Some(0)
    }
}
