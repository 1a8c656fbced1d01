//! What a program's escape sequences do to a screen buffer. Cursor movements are the buffer's and reach the terminal as
//! every movement does; what changes text or colours goes on to the terminal as it came, if it is known. Questions are
//! answered here: a terminal's own answers would come in among the keys.

use super::screen::{Cell, Effects, Hidden, Rect, Screen};
use super::terminal::{DEFAULT_ATTRIBUTE, Terminal};
use super::vt::{Action, Csi};

impl Screen {
    /// Carries out what the parser found.
    pub(super) fn act(&mut self, t: &mut Terminal, action: Action, effects: &mut Effects) {
        match action {
            Action::Print(c) if self.drawing => self.put(t, line_drawing(c)),
            Action::Print(c) => self.put(t, c),
            Action::Control(c) => self.control(t, c),
            Action::Escape(intermediates, last) => {
                self.flush(t);
                self.escape(t, &intermediates, last);
            }
            Action::Csi(csi) => {
                self.flush(t);
                self.csi(t, &csi, effects);
            }
            Action::Osc(command) => {
                self.flush(t);
                osc(t, &command, effects);
            }
        }
    }

    fn escape(&mut self, t: &mut Terminal, intermediates: &str, last: char) {
        match (intermediates, last) {
            ("", '7') => self.saved = (self.bounded_x(), self.y, self.attribute),
            ("", '8') => (self.x, self.y, self.attribute) = self.saved,
            ("", 'D') => self.line_feed(t),
            ("", 'E') => {
                self.x = 0;
                self.line_feed(t);
            }
            ("", 'M') => {
                let top = self.margins.map_or(self.window.top, |(top, _)| top);
                if self.y == top {
                    let bottom = self.margins.map_or(self.window.bottom, |(_, bottom)| bottom);
                    self.scroll_region(t, top, bottom, -1);
                } else {
                    self.y = (self.y - 1).max(0);
                }
            }
            ("", 'c') => {
                self.reset(t);
                let attribute = self.attribute;
                self.cells.fill(Cell::blank(attribute));
                (self.x, self.y) = (0, 0);
                t.clear(attribute);
            }
            ("(", set) => self.drawing = set == '0',
            ("", '=' | '>') => t.raw(if last == '=' { b"\x1b=" } else { b"\x1b>" }),
            _ => {}
        }
    }

    /// Soft reset.
    fn reset(&mut self, t: &mut Terminal) {
        if self.margins.take().is_some() {
            t.align();
            t.raw(b"\x1b[r");
            t.homed();
        }
        self.drawing = false;
        self.cursor_shown = true;
        self.attribute = DEFAULT_ATTRIBUTE;
        self.saved = (0, 0, DEFAULT_ATTRIBUTE);
        self.guest_look = true;
        t.guest_sgr(b"\x1b[m", true);
    }

    fn csi(&mut self, t: &mut Terminal, csi: &Csi, effects: &mut Effects) {
        match (csi.private, csi.intermediates.as_str()) {
            (None, "") => self.plain_csi(t, csi, effects),
            (Some('?'), "") if matches!(csi.last, 'h' | 'l') => {
                for parameter in csi.parameters.iter().flatten() {
                    self.private_mode(t, *parameter, csi.last == 'h');
                }
            }
            (Some('?'), "") if csi.last == 'n' && csi.get(0, 0) == 6 => self.report_cursor(effects, "?"),
            // A VT100 with advanced video; for the second question version 10 of nothing in particular.
            (Some('>'), "") if csi.last == 'c' => effects.replies += "\x1b[>0;10;1c",
            // "Not recognised" is the answer for any mode.
            (Some('?'), "$") if csi.last == 'p' => effects.replies += &format!("\x1b[?{};0$y", csi.get(0, 0)),
            (None, " ") if csi.last == 'q' => t.raw(csi.raw.as_bytes()),
            (None, "!") if csi.last == 'p' => self.reset(t),
            _ => {}
        }
    }

    fn report_cursor(&self, effects: &mut Effects, mark: &str) {
        let (x, y) = (self.bounded_x() - self.window.left + 1, self.y - self.window.top + 1);
        effects.replies += &format!("\x1b[{mark}{y};{x}R");
    }

    fn move_to(&mut self, x: i32, y: i32) {
        self.x = x.clamp(0, self.width - 1);
        self.y = y.clamp(self.window.top, self.window.bottom);
    }

    fn plain_csi(&mut self, t: &mut Terminal, csi: &Csi, effects: &mut Effects) {
        let count = csi.count();
        let (x, y) = (self.bounded_x(), self.y);
        // Coordinates of sequences count from 1, within the window.
        let column = |value: u32| self.window.left + value.clamp(1, 0x7fff) as i32 - 1;
        let row = |value: u32| self.window.top + value.clamp(1, 0x7fff) as i32 - 1;
        match csi.last {
            'A' => self.move_to(x, self.upward(count)),
            'B' | 'e' => self.move_to(x, self.downward(count)),
            'C' | 'a' => self.move_to(x + count, y),
            'D' => self.move_to(x - count, y),
            'E' => self.move_to(0, self.downward(count)),
            'F' => self.move_to(0, self.upward(count)),
            'G' | '`' => self.move_to(column(csi.get(0, 1)), y),
            'd' => self.move_to(x, row(csi.get(0, 1))),
            'H' | 'f' => self.move_to(column(csi.get(1, 1)), row(csi.get(0, 1))),
            'I' => self.move_to((x / 8 + count) * 8, y),
            'Z' => self.move_to(((x + 7) / 8 - count) * 8, y),
            's' => self.saved = (x, y, self.attribute),
            'u' => (self.x, self.y, _) = self.saved,
            'J' => self.erase_display(t, csi),
            'K' => {
                let (from, to) = match csi.get(0, 0) {
                    0 => (x, self.width - 1),
                    1 => (0, x),
                    _ => (0, self.width - 1),
                };
                self.erase(Rect { left: from, top: y, right: to, bottom: y });
                self.at_cursor(t, csi);
            }
            'X' => {
                self.erase(Rect { left: x, top: y, right: (x + count - 1).min(self.width - 1), bottom: y });
                self.at_cursor(t, csi);
            }
            '@' | 'P' => {
                let row = self.index(0, y);
                let from = self.index(x, y);
                let end = row + self.width as usize;
                let count = (count as usize).min(end - from);
                let blank = Cell::blank(self.attribute);
                let part = &mut self.cells[from..end];
                if csi.last == '@' {
                    part.rotate_right(count);
                    part[..count].fill(blank);
                } else {
                    part.rotate_left(count);
                    let keep = part.len() - count;
                    part[keep..].fill(blank);
                }
                self.at_cursor(t, csi);
            }
            'L' | 'M' => {
                let bottom = self.margins.map_or(self.window.bottom, |(_, bottom)| bottom);
                if y <= bottom {
                    self.move_rows(y, bottom, if csi.last == 'L' { -count } else { count });
                    t.align();
                    self.at_cursor(t, csi);
                    self.x = 0;
                }
            }
            'S' | 'T' => {
                let (top, bottom) = self.margins.unwrap_or((self.window.top, self.window.bottom));
                self.scroll_region(t, top, bottom, if csi.last == 'S' { count } else { -count });
            }
            'b' => {
                if let Some(c) = self.last {
                    (0..count.min(self.width * self.height)).for_each(|_| self.put(t, c));
                }
            }
            'm' => self.select_look(t, csi),
            'r' => {
                let last = self.window.height() as u32;
                let (top, bottom) = (csi.get(0, 1).max(1), csi.get(1, last).clamp(1, last));
                if top < bottom {
                    t.align();
                    t.raw(format!("\x1b[{top};{bottom}r").as_bytes());
                    t.homed();
                    let whole = top == 1 && bottom == last;
                    self.margins = if whole { None } else { Some((row(top), row(bottom))) };
                    self.move_to(self.window.left, self.window.top);
                }
            }
            'n' if csi.get(0, 0) == 5 => effects.replies += "\x1b[0n",
            'n' if csi.get(0, 0) == 6 => self.report_cursor(effects, ""),
            'c' => effects.replies += "\x1b[?1;0c",
            't' if csi.get(0, 0) == 18 => {
                effects.replies += &format!("\x1b[8;{};{}t", self.window.height(), self.window.width());
            }
            _ => {}
        }
    }

    /// The row that a movement up comes to: it stops at the scroll region's edge if it starts within.
    fn upward(&self, count: i32) -> i32 {
        let edge = self.margins.map_or(self.window.top, |(top, _)| if self.y >= top { top } else { self.window.top });
        (self.y - count).max(edge)
    }

    fn downward(&self, count: i32) -> i32 {
        let last = self.window.bottom;
        let edge = self.margins.map_or(last, |(_, bottom)| if self.y <= bottom { bottom } else { last });
        (self.y + count).min(edge)
    }

    /// Sends a sequence on that works at the cursor.
    fn at_cursor(&mut self, t: &mut Terminal, csi: &Csi) {
        self.own_look(t);
        t.guest_sequence(self.bounded_x() - self.window.left, self.y - self.window.top, csi.raw.as_bytes());
    }

    /// From now on the guest's sequences determine the look of text.
    fn own_look(&mut self, t: &mut Terminal) {
        if !self.guest_look {
            self.guest_look = true;
            t.guest_starts_with(self.attribute);
        }
    }

    fn erase(&mut self, area: Rect) {
        let blank = Cell::blank(self.attribute);
        for y in area.top..=area.bottom {
            let (from, to) = (self.index(area.left, y), self.index(area.right, y));
            self.cells[from..=to].fill(blank);
        }
    }

    fn erase_display(&mut self, t: &mut Terminal, csi: &Csi) {
        let (x, y, w) = (self.bounded_x(), self.y, self.window);
        match csi.get(0, 0) {
            0 => {
                self.erase(Rect { left: x, top: y, right: self.width - 1, bottom: y });
                if y < w.bottom {
                    self.erase(Rect { top: y + 1, ..w });
                }
            }
            1 => {
                self.erase(Rect { left: 0, top: y, right: x, bottom: y });
                if y > w.top {
                    self.erase(Rect { bottom: y - 1, ..w });
                }
            }
            2 => self.erase(w),
            // Lines that scrolled away: the terminal's.
            3 => {}
            _ => return,
        }
        self.at_cursor(t, csi);
    }

    /// Moves rows `top` to `bottom` up by `rows` (down if negative); blank rows come in.
    fn move_rows(&mut self, top: i32, bottom: i32, rows: i32) {
        let (from, to) = (self.index(0, top), self.index(self.width - 1, bottom));
        let blank = Cell::blank(self.attribute);
        let part = &mut self.cells[from..=to];
        let count = (rows.unsigned_abs() as usize).saturating_mul(self.width as usize).min(part.len());
        if rows > 0 {
            part.rotate_left(count);
            let keep = part.len() - count;
            part[keep..].fill(blank);
        } else {
            part.rotate_right(count);
            part[..count].fill(blank);
        }
    }

    /// Scrolls rows of the window.
    pub(super) fn scroll_region(&mut self, t: &mut Terminal, top: i32, bottom: i32, rows: i32) {
        if rows == 0 || top >= bottom {
            return;
        }
        self.move_rows(top, bottom, rows);
        self.own_look(t);
        t.align();
        let last = if rows > 0 { 'S' } else { 'T' };
        let count = rows.unsigned_abs();
        // The terminal has the same scroll region, if there is one.
        let whole = (top, bottom) == (self.window.top, self.window.bottom) && self.margins.is_none();
        if whole || self.margins == Some((top, bottom)) {
            let (x, y) = (self.bounded_x() - self.window.left, self.y - self.window.top);
            t.guest_sequence(x, y, format!("\x1b[{count}{last}").as_bytes());
        } else {
            self.paint(t, Rect { top, bottom, ..self.window });
        }
    }

    fn private_mode(&mut self, t: &mut Terminal, mode: u32, on: bool) {
        match mode {
            25 => self.cursor_shown = on,
            47 | 1047 | 1049 => self.alternate(t, on),
            // Column mode changes the window's size, which is not the program's to change.
            3 => {}
            // Keys' form, blinking, mouse, focus, paste marks, synchronised output.
            1 | 12 | 1000 | 1002 | 1003 | 1004 | 1005 | 1006 | 1015 | 2004 | 2026 => {
                t.private_mode(mode, on);
            }
            7 => {
                use super::screen::WRAP_AT_EOL;
                self.mode = if on { self.mode | WRAP_AT_EOL } else { self.mode & !WRAP_AT_EOL };
            }
            _ => {}
        }
    }

    fn alternate(&mut self, t: &mut Terminal, on: bool) {
        if on && self.hidden.is_none() {
            let blank = vec![Cell::blank(self.attribute); self.cells.len()];
            let cells = std::mem::replace(&mut self.cells, blank);
            self.hidden = Some(Hidden { cells, x: self.x, y: self.y });
            t.alternate(true);
        } else if !on && let Some(hidden) = self.hidden.take() {
            // The buffer may have got another size meanwhile.
            if hidden.cells.len() == self.cells.len() {
                self.cells = hidden.cells;
            }
            self.x = hidden.x.min(self.width - 1);
            self.y = hidden.y.min(self.height - 1);
            t.alternate(false);
        }
    }

    fn select_look(&mut self, t: &mut Terminal, csi: &Csi) {
        self.own_look(t);
        if self.x < self.width {
            t.go(self.x - self.window.left, self.y - self.window.top);
        }
        let resets = csi.parameters.is_empty() || csi.get(0, 0) == 0;
        t.guest_sgr(csi.raw.as_bytes(), resets);
        let none = [None];
        let parameters = if csi.parameters.is_empty() { &none[..] } else { &csi.parameters[..] };
        let mut values = parameters.iter().map(|value| value.unwrap_or(0));
        while let Some(value) = values.next() {
            let a = self.attribute;
            // Terminal: red 1, green 2, blue 4. Console: blue 1, green 2, red 4.
            let swap = |n: u32| ((n & 2) | ((n & 1) << 2) | ((n & 4) >> 2)) as u16;
            self.attribute = match value {
                0 => DEFAULT_ATTRIBUTE,
                1 => a | 8,
                22 => a & !8,
                4 => a | 0x8000,
                24 => a & !0x8000,
                7 => a | 0x4000,
                27 => a & !0x4000,
                30..=37 => a & !7 | swap(value - 30),
                39 => a & !0xf | (DEFAULT_ATTRIBUTE & 0xf),
                40..=47 => a & !0x70 | swap(value - 40) << 4,
                49 => a & !0xf0,
                90..=97 => a & !0xf | 8 | swap(value - 90),
                100..=107 => a & !0xf0 | 0x80 | swap(value - 100) << 4,
                38 | 48 => {
                    let colour = match values.next() {
                        Some(5) => nearest_of_palette(values.next().unwrap_or(0)),
                        Some(2) => {
                            let mut part = || values.next().unwrap_or(0).min(255);
                            nearest(part(), part(), part())
                        }
                        _ => continue,
                    };
                    if value == 38 { a & !0xf | colour } else { a & !0xf0 | colour << 4 }
                }
                _ => a,
            };
        }
    }
}

/// The console colour next to one of the 256.
fn nearest_of_palette(index: u32) -> u16 {
    match index {
        0..=15 => ((index & 8) | (index & 2) | ((index & 1) << 2) | ((index & 4) >> 2)) as u16,
        16..=231 => {
            let level = |n: u32| if n == 0 { 0 } else { 55 + 40 * n };
            let n = index - 16;
            nearest(level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        _ => {
            let grey = 8 + 10 * (index.min(255) - 232);
            nearest(grey, grey, grey)
        }
    }
}

/// The console colour next to red, green and blue.
fn nearest(red: u32, green: u32, blue: u32) -> u16 {
    let distance = |colour: u32| {
        let part = |value: u32, shift: u32| value.abs_diff((colour >> shift) & 0xff).pow(2);
        part(red, 0) + part(green, 8) + part(blue, 16)
    };
    let all = super::screen::COLOURS.iter().enumerate();
    all.min_by_key(|(_, colour)| distance(**colour)).map_or(7, |(index, _)| index as u16)
}

/// Operating system commands that reach the terminal: title, colours that are set, links. Questions and the clipboard do
/// not.
fn osc(t: &mut Terminal, command: &str, effects: &mut Effects) {
    let (number, rest) = command.split_once(';').unwrap_or((command, ""));
    match number {
        "0" | "1" | "2" => effects.title = Some(rest.to_owned()),
        "4" | "8" | "10" | "11" | "12" | "104" | "110" | "111" | "112" | "133"
            if number == "8" || !rest.contains('?') =>
        {
            t.raw(format!("\x1b]{command}\x1b\\").as_bytes());
        }
        _ => {}
    }
}

/// DEC's special graphics.
fn line_drawing(c: char) -> char {
    const GLYPHS: &str = "\u{a0}◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";
    match c {
        '_'..='~' => GLYPHS.chars().nth(c as usize - '_' as usize).unwrap_or(c),
        c => c,
    }
}
