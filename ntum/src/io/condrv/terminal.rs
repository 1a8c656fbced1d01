//! The host's terminal: where its cursor stands, what colours are in force, and the bytes that make it show a screen.
//!
//! Rows are rows of the window. A program starts somewhere on the terminal, and where is not asked: the row it starts in is
//! row 0, the cursor moves relative to that, and a row that was never reached is reached by line feeds, so that what was
//! on the terminal before scrolls away as it would under any other program. As soon as the last row was reached, row 0 is
//! the terminal's first row.

/// COMMON_LVB_REVERSE_VIDEO.
const REVERSE_VIDEO: u16 = 0x4000;
/// COMMON_LVB_UNDERSCORE.
const UNDERSCORE: u16 = 0x8000;
/// Attribute bits that show: colours, reverse video, underscore.
const SHOWN: u16 = 0xc0ff;
/// White on black: a console's colours unless somebody sets others, and the terminal's own.
pub const DEFAULT_ATTRIBUTE: u16 = 0x07;

/// What the terminal's text looks like now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// As a console attribute says.
    Attribute(u16),
    /// As the guest's own sequences say.
    Guest,
}

/// The terminal.
pub struct Terminal {
    out: Vec<u8>,
    /// Size of the window in characters.
    pub width: i32,
    /// Likewise.
    pub height: i32,
    x: i32,
    y: i32,
    /// The last column was written: the next character goes to the next row.
    wrapping: bool,
    /// Last row that exists on the terminal.
    reached: i32,
    /// Row 0 is the terminal's first row.
    aligned: bool,
    look: Look,
    /// The guest's SGR sequences since the last that resets all.
    guest_look: Vec<u8>,
    cursor_shown: bool,
    /// What the alternate screen hides.
    main: Option<(i32, i32, i32, bool)>,
    /// Private modes that were set: keys' form, mouse, paste marks and the like.
    modes: Vec<u32>,
}

/// Most bytes of SGR sequences that are kept to be repeated.
const MAX_LOOK: usize = 256;

impl Terminal {
    /// A terminal of that size, its cursor at the start of a row.
    pub fn new(width: i32, height: i32) -> Terminal {
        Terminal {
            out: Vec::new(),
            width: width.max(1),
            height: height.max(1),
            x: 0,
            y: 0,
            wrapping: false,
            reached: 0,
            aligned: false,
            look: Look::Attribute(DEFAULT_ATTRIBUTE),
            guest_look: Vec::new(),
            cursor_shown: true,
            main: None,
            modes: Vec::new(),
        }
    }

    /// The bytes to send.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Bytes that neither move the cursor nor change colours.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn sequence(&mut self, count: i32, last: char) {
        match count {
            1 => self.out.extend_from_slice(format!("\x1b[{last}").as_bytes()),
            _ => self.out.extend_from_slice(format!("\x1b[{count}{last}").as_bytes()),
        }
    }

    fn aligned_fully(&self) -> bool {
        self.aligned && self.reached == self.height - 1
    }

    /// Moves the cursor.
    pub fn go(&mut self, x: i32, y: i32) {
        let (x, y) = (x.clamp(0, self.width - 1), y.clamp(0, self.height - 1));
        if (x, y) == (self.x, self.y) && !self.wrapping {
            return;
        }
        if y > self.reached {
            if self.reached > self.y {
                self.sequence(self.reached - self.y, 'B');
            }
            self.plain();
            self.out.push(b'\r');
            for _ in self.reached..y {
                self.out.push(b'\n');
            }
            (self.x, self.y, self.reached) = (0, y, y);
            if y == self.height - 1 {
                self.aligned = true;
            }
        } else if self.aligned_fully() && y != self.y && !(y == self.y + 1 && x == 0) {
            self.out.extend_from_slice(format!("\x1b[{};{}H", y + 1, x + 1).as_bytes());
            (self.x, self.y, self.wrapping) = (x, y, false);
            return;
        } else if y > self.y {
            if y == self.y + 1 && x == 0 {
                self.out.extend_from_slice(b"\r\n");
                self.x = 0;
            } else {
                self.sequence(y - self.y, 'B');
            }
            self.y = y;
        } else if y < self.y {
            self.sequence(self.y - y, 'A');
            self.y = y;
        }
        if x != self.x || self.wrapping {
            if x == 0 || self.wrapping {
                // Where a terminal counts the cursor to be while it wraps differs: from the first column it is certain.
                self.out.push(b'\r');
                self.x = 0;
            }
            if x + 1 == self.x {
                self.out.push(8);
            } else if x > self.x {
                self.sequence(x - self.x, 'C');
            } else if x < self.x {
                self.sequence(self.x - x, 'D');
            }
        }
        self.x = x;
        self.wrapping = false;
    }

    /// Makes the terminal's first row row 0.
    pub fn align(&mut self) {
        if !self.aligned_fully() {
            let (x, y) = (self.x, self.y);
            self.go(0, self.height - 1);
            self.aligned = true;
            self.go(x, y);
        }
    }

    /// Prints a text of `columns` columns that fits its row, at a place; `attribute` is `None` for the guest's own look.
    pub fn print(&mut self, x: i32, y: i32, text: &str, columns: i32, attribute: Option<u16>) {
        // After its last column a terminal goes on in the next row by itself, and knows the line as one.
        let goes_on = self.wrapping && x == 0 && y == self.y + 1 && y <= self.reached + 1;
        if !goes_on {
            self.go(x, y);
        } else if y > self.reached {
            self.plain();
            self.reached = y;
            self.aligned |= y == self.height - 1;
        }
        match attribute {
            Some(attribute) => self.set_look(attribute),
            None => self.guest(),
        }
        self.out.extend_from_slice(text.as_bytes());
        self.y = y;
        self.x = x + columns;
        self.wrapping = self.x >= self.width;
        if self.wrapping {
            self.x = self.width - 1;
        }
    }

    /// The window's rows moved up by `rows`; the rows that come in at its foot are not there yet.
    pub fn scrolled(&mut self, rows: i32) {
        if self.reached < self.height - 1 {
            self.go(0, self.height - 1);
        }
        if self.y != self.height - 1 {
            self.go(0, self.height - 1);
        }
        // The line feeds are sent when the cursor goes there.
        self.y -= rows;
        self.reached -= rows;
        if self.y < 0 {
            let missing = -self.y;
            self.plain();
            self.out.push(b'\r');
            self.out.extend(std::iter::repeat_n(b'\n', missing as usize));
            self.x = 0;
            self.wrapping = false;
            self.y = 0;
            self.reached += missing;
        }
    }

    /// Clears the whole screen; row 0 is its first row from now on.
    pub fn clear(&mut self, attribute: u16) {
        self.set_look(attribute);
        self.out.extend_from_slice(b"\x1b[H\x1b[2J");
        (self.x, self.y, self.wrapping) = (0, 0, false);
        (self.reached, self.aligned) = (self.height - 1, true);
    }

    /// Erases from the cursor to the end of the row, in the colours of an attribute.
    pub fn erase_right(&mut self, x: i32, y: i32, attribute: u16) {
        self.go(x, y);
        self.set_look(attribute);
        self.out.extend_from_slice(b"\x1b[K");
    }

    /// Before rows come in: erased cells take the background in force.
    fn plain(&mut self) {
        let coloured = match self.look {
            Look::Attribute(attribute) => attribute & (0xf0 | REVERSE_VIDEO) != 0,
            Look::Guest => !self.guest_look.is_empty(),
        };
        if coloured {
            self.out.extend_from_slice(b"\x1b[m");
            self.look = Look::Attribute(DEFAULT_ATTRIBUTE);
        }
    }

    /// Puts the colours of an attribute in force.
    pub fn set_look(&mut self, attribute: u16) {
        let attribute = attribute & SHOWN;
        if self.look == Look::Attribute(attribute) {
            return;
        }
        self.out.extend_from_slice(sgr(attribute).as_bytes());
        self.look = Look::Attribute(attribute);
    }

    /// Puts the guest's own look in force.
    fn guest(&mut self) {
        if self.look == Look::Guest {
            return;
        }
        if self.look != Look::Attribute(DEFAULT_ATTRIBUTE) && !self.guest_look.starts_with(b"\x1b[0;") {
            self.out.extend_from_slice(b"\x1b[m");
        }
        self.out.extend_from_slice(&self.guest_look);
        self.look = Look::Guest;
    }

    /// Takes over an SGR sequence of the guest's; `resets` says that it starts from nothing.
    pub fn guest_sgr(&mut self, sequence: &[u8], resets: bool) {
        self.guest();
        if resets || self.guest_look.len() + sequence.len() > MAX_LOOK {
            self.guest_look.clear();
        }
        if !matches!(sequence, b"\x1b[m" | b"\x1b[0m") {
            self.guest_look.extend_from_slice(sequence);
        }
        self.out.extend_from_slice(sequence);
    }

    /// The guest's look starts as an attribute.
    pub fn guest_starts_with(&mut self, attribute: u16) {
        self.guest_look = if attribute & SHOWN == DEFAULT_ATTRIBUTE { Vec::new() } else { sgr(attribute).into_bytes() };
        if self.look == Look::Guest {
            self.look = Look::Attribute(!0);
        }
    }

    /// Sends a sequence of the guest's that works where the cursor is and leaves it there, in the guest's look.
    pub fn guest_sequence(&mut self, x: i32, y: i32, sequence: &[u8]) {
        self.go(x, y);
        self.guest();
        self.out.extend_from_slice(sequence);
    }

    /// Whether nothing was ever shown in that row by this program, nor anything be there.
    pub fn is_untouched(&self, y: i32) -> bool {
        y > self.reached
    }

    /// A sequence put the cursor into the first column of the first row.
    pub fn homed(&mut self) {
        (self.x, self.y, self.wrapping) = (0, 0, false);
    }

    /// Shows or hides the cursor.
    pub fn show_cursor(&mut self, shown: bool) {
        if self.cursor_shown != shown {
            self.cursor_shown = shown;
            self.out.extend_from_slice(if shown { b"\x1b[?25h" } else { b"\x1b[?25l" });
        }
    }

    /// Sets or resets a private mode that neither moves the cursor nor changes what is shown.
    pub fn private_mode(&mut self, mode: u32, on: bool) {
        self.modes.retain(|held| *held != mode);
        if on {
            self.modes.push(mode);
        }
        let last = if on { 'h' } else { 'l' };
        self.out.extend_from_slice(format!("\x1b[?{mode}{last}").as_bytes());
    }

    /// Changes to the alternate screen and back.
    pub fn alternate(&mut self, on: bool) {
        if on && self.main.is_none() {
            self.main = Some((self.x, self.y, self.reached, self.aligned));
            self.out.extend_from_slice(b"\x1b[?1049h\x1b[H");
            (self.x, self.y, self.wrapping) = (0, 0, false);
            (self.reached, self.aligned) = (self.height - 1, true);
        } else if !on && let Some((x, y, reached, aligned)) = self.main.take() {
            self.out.extend_from_slice(b"\x1b[?1049l");
            (self.x, self.y, self.wrapping) = (x, y, false);
            (self.reached, self.aligned) = (reached, aligned);
        }
    }

    /// The terminal has another size now. Where its cursor is, and what rows are left of ours, is taken to be as before.
    pub fn resize(&mut self, width: i32, height: i32) {
        (self.width, self.height) = (width.max(1), height.max(1));
        self.x = self.x.min(self.width - 1);
        self.y = self.y.min(self.height - 1);
        self.reached = self.reached.min(self.height - 1).max(self.y);
        self.aligned &= self.reached == self.height - 1;
        self.wrapping = false;
    }

    /// Leaves the terminal as it was found: main screen, visible cursor, its own colours and modes.
    pub fn leave(&mut self) {
        for mode in self.modes.clone() {
            self.private_mode(mode, false);
        }
        self.alternate(false);
        self.show_cursor(true);
        self.set_look(DEFAULT_ATTRIBUTE);
    }
}

/// The sequence that puts a console attribute's colours in force, whatever was before.
fn sgr(attribute: u16) -> String {
    // Console: blue 1, green 2, red 4. Terminal: red 1, green 2, blue 4.
    let colour = |bits: u16| (bits & 2) | ((bits & 1) << 2) | ((bits & 4) >> 2);
    let mut sequence = String::from("\x1b[0");
    let (front, back) = (attribute & 0xf, (attribute >> 4) & 0xf);
    // White on black is the terminal's own pair of colours.
    if front != 7 {
        sequence += &format!(";{}", if front & 8 != 0 { 90 } else { 30 } + colour(front));
    }
    if back != 0 {
        sequence += &format!(";{}", if back & 8 != 0 { 100 } else { 40 } + colour(back));
    }
    if attribute & REVERSE_VIDEO != 0 {
        sequence += ";7";
    }
    if attribute & UNDERSCORE != 0 {
        sequence += ";4";
    }
    if sequence == "\x1b[0" { "\x1b[m".into() } else { sequence + "m" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(terminal: &mut Terminal) -> String {
        String::from_utf8(terminal.take()).unwrap()
    }

    #[test]
    fn lines_come_out_as_lines() {
        let mut t = Terminal::new(10, 5);
        t.print(0, 0, "one", 3, Some(7));
        t.print(0, 1, "two", 3, Some(7));
        t.go(0, 2);
        assert_eq!(sent(&mut t), "one\r\ntwo\r\n");
        t.go(2, 0);
        assert_eq!(sent(&mut t), "\x1b[2A\x1b[2C");
        t.go(0, 1);
        assert_eq!(sent(&mut t), "\r\n");
    }

    #[test]
    fn a_long_line_wraps_by_itself_and_scrolls_by_itself() {
        let mut t = Terminal::new(4, 2);
        t.print(0, 0, "abcd", 4, Some(7));
        t.print(0, 1, "efgh", 4, Some(7));
        t.scrolled(1);
        t.print(0, 1, "i", 1, Some(7));
        assert_eq!(sent(&mut t), "abcdefghi");
        t.go(0, 0);
        assert_eq!(sent(&mut t), "\x1b[1;1H", "the last row was reached: rows are the terminal's");
    }

    #[test]
    fn scrolling_sends_a_line_feed_when_it_is_needed() {
        let mut t = Terminal::new(4, 2);
        t.print(0, 1, "x", 1, Some(7));
        t.scrolled(1);
        t.scrolled(1);
        t.print(0, 1, "y", 1, Some(7));
        assert_eq!(sent(&mut t), "\r\nx\r\n\r\ny");
    }

    #[test]
    fn colours() {
        assert_eq!(
            (sgr(0x07), sgr(0x1e), sgr(0xc004)),
            ("\x1b[m".into(), "\x1b[0;93;44m".into(), "\x1b[0;31;7;4m".into())
        );
        let mut t = Terminal::new(9, 2);
        t.print(0, 0, "r", 1, Some(4));
        t.print(1, 0, "g", 1, None);
        t.guest_sgr(b"\x1b[32m", false);
        t.print(2, 0, "g", 1, None);
        t.print(3, 0, "r", 1, Some(4));
        t.print(4, 0, "g", 1, None);
        assert_eq!(sent(&mut t), "\x1b[0;31mr\x1b[mg\x1b[32mg\x1b[0;31mr\x1b[m\x1b[32mg");
        t.leave();
        assert_eq!(sent(&mut t), "\x1b[m");
    }
}
