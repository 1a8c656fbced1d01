//! A screen buffer: cells, cursor, window, and what writing text does to them. Every change is shown on a [`Terminal`] as it
//! is made; a buffer that is not shown is given one whose bytes nobody sends.

use super::terminal::{DEFAULT_ATTRIBUTE, Terminal};
use super::vt::Parser;
use super::width::columns;

/// ENABLE_PROCESSED_OUTPUT: control characters act.
pub const PROCESSED_OUTPUT: u32 = 1;
/// ENABLE_WRAP_AT_EOL_OUTPUT.
pub const WRAP_AT_EOL: u32 = 2;
/// ENABLE_VIRTUAL_TERMINAL_PROCESSING.
pub const VIRTUAL_TERMINAL: u32 = 4;
/// DISABLE_NEWLINE_AUTO_RETURN.
pub const NO_AUTO_RETURN: u32 = 8;
/// COMMON_LVB_LEADING_BYTE: first cell of a character that takes two.
const LEADING: u16 = 0x100;
/// COMMON_LVB_TRAILING_BYTE: the second.
const TRAILING: u16 = 0x200;
/// Most columns and most rows of a buffer.
pub const MAX_SIDE: i32 = 9999;
/// Most cells of a buffer.
pub const MAX_CELLS: i32 = 4_000_000;

/// A cell: CHAR_INFO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// UTF-16 unit.
    pub unit: u16,
    /// Colours and COMMON_LVB_*.
    pub attribute: u16,
}

impl Cell {
    /// A space.
    pub const fn blank(attribute: u16) -> Cell {
        Cell { unit: b' ' as u16, attribute }
    }
}

/// A rectangle, both corners in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Rect {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

impl Rect {
    /// What it has in common with another.
    pub fn common(self, other: Rect) -> Option<Rect> {
        let r = Rect {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        };
        (r.left <= r.right && r.top <= r.bottom).then_some(r)
    }

    /// Columns.
    pub fn width(self) -> i32 {
        self.right - self.left + 1
    }

    /// Rows.
    pub fn height(self) -> i32 {
        self.bottom - self.top + 1
    }
}

/// What a program believes of the font.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Font {
    pub width: i16,
    pub height: i16,
    pub weight: i16,
    pub pitch_family: i16,
    pub face: Vec<u16>,
}

impl Default for Font {
    fn default() -> Font {
        // FW_NORMAL; TMPF_TRUETYPE | FF_MODERN.
        Font { width: 8, height: 16, weight: 400, pitch_family: 0x36, face: crate::types::wide("Consolas") }
    }
}

/// The colours that Windows' console has at first, as COLORREF.
pub const COLOURS: [u32; 16] = [
    0x0c0c0c, 0xda3700, 0x0ea113, 0xdd963a, 0x1f0fc5, 0x981788, 0x009cc1, 0xcccccc, 0x767676, 0xff783b, 0x0cc616,
    0xd6d661, 0x5648e7, 0x9e00b4, 0xa5f1f9, 0xf2f2f2,
];

/// What a buffer keeps of itself while the alternate one is shown.
pub(super) struct Hidden {
    pub(super) cells: Vec<Cell>,
    pub(super) x: i32,
    pub(super) y: i32,
}

/// A screen buffer.
pub struct Screen {
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    pub(super) cells: Vec<Cell>,
    /// Cursor: `x` equals `width` while the next character is to wrap.
    pub x: i32,
    /// Likewise.
    pub y: i32,
    /// Colours of text.
    pub attribute: u16,
    /// Colours of pop-ups.
    pub popup: u16,
    /// ENABLE_*.
    pub mode: u32,
    /// Percent of the cell that the cursor fills.
    pub cursor_size: i16,
    /// Whether the cursor shows.
    pub cursor_shown: bool,
    /// The part that is shown.
    pub window: Rect,
    /// Most that the window can be.
    pub max_window: (i32, i32),
    /// The font.
    pub font: Font,
    /// The colour table.
    pub colours: [u32; 16],
    pub(super) parser: Parser,
    /// The guest's sequences determine the look of text, not `attribute`.
    pub(super) guest_look: bool,
    /// Scroll region of the guest's sequences: first and last row.
    pub(super) margins: Option<(i32, i32)>,
    pub(super) saved: (i32, i32, u16),
    pub(super) hidden: Option<Hidden>,
    /// The line drawing characters are in use.
    pub(super) drawing: bool,
    pub(super) last: Option<char>,
    /// First half of a surrogate pair whose second comes with the next write.
    high: Option<u16>,
    run: Run,
}

/// Text that was put into cells and is to be shown at once.
#[derive(Default)]
struct Run {
    x: i32,
    y: i32,
    columns: i32,
    text: String,
}

impl Screen {
    /// An empty buffer, all of it shown.
    pub fn new(width: i32, height: i32) -> Screen {
        let (width, height) = (width.clamp(1, MAX_SIDE), height.clamp(1, MAX_SIDE));
        Screen {
            width,
            height,
            cells: vec![Cell::blank(DEFAULT_ATTRIBUTE); (width * height) as usize],
            x: 0,
            y: 0,
            attribute: DEFAULT_ATTRIBUTE,
            popup: 0xf5,
            mode: PROCESSED_OUTPUT | WRAP_AT_EOL,
            cursor_size: 25,
            cursor_shown: true,
            window: Rect { left: 0, top: 0, right: width - 1, bottom: height - 1 },
            max_window: (width, height),
            font: Font::default(),
            colours: COLOURS,
            parser: Parser::default(),
            guest_look: false,
            margins: None,
            saved: (0, 0, DEFAULT_ATTRIBUTE),
            hidden: None,
            drawing: false,
            last: None,
            high: None,
            run: Run::default(),
        }
    }

    /// A buffer like this one, empty.
    pub fn like(&self) -> Screen {
        let mut made = Screen::new(self.width, self.height);
        made.max_window = self.max_window;
        made.window = self.window;
        made.attribute = self.attribute;
        made.popup = self.popup;
        made.font = self.font.clone();
        made.colours = self.colours;
        made
    }

    /// Text looks as `attribute` says, until a sequence of the guest's says otherwise.
    pub fn set_own_look(&mut self) {
        self.guest_look = false;
    }

    /// Gives the buffer and its window the terminal's new size.
    pub fn fit(&mut self, width: i32, height: i32, columns: i32, rows: i32) {
        self.resize(width, height);
        let (w, h) = (columns.clamp(1, self.width), rows.clamp(1, self.height));
        let (left, top) = (self.window.left.min(self.width - w), self.window.top.min(self.height - h));
        self.window = Rect { left, top, right: left + w - 1, bottom: top + h - 1 };
        self.max_window = (columns.max(1), rows.max(1));
    }

    /// The whole of it.
    pub fn all(&self) -> Rect {
        Rect { left: 0, top: 0, right: self.width - 1, bottom: self.height - 1 }
    }

    /// The cursor's column, within the buffer.
    pub fn bounded_x(&self) -> i32 {
        self.x.min(self.width - 1)
    }

    /// A cell's place in the array.
    pub(super) fn index(&self, x: i32, y: i32) -> usize {
        (y.clamp(0, self.height - 1) * self.width + x.clamp(0, self.width - 1)) as usize
    }

    pub(super) fn virtual_terminal(&self) -> bool {
        self.mode & VIRTUAL_TERMINAL != 0
    }

    /// Whether the cursor stays behind the last column until more text comes.
    fn delays_wrap(&self) -> bool {
        self.mode & (VIRTUAL_TERMINAL | NO_AUTO_RETURN) != 0
    }

    /// Writes text. What the guest's sequences ask for is answered into `replies`; a new title goes to `title`.
    pub fn write(&mut self, t: &mut Terminal, text: &[u16], effects: &mut Effects) {
        let units = self.high.take().into_iter().chain(text.iter().copied());
        for decoded in char::decode_utf16(units) {
            let c = match decoded {
                Ok(c) => c,
                Err(error) => match error.unpaired_surrogate() {
                    // Its second half may come with the next write.
                    unit @ 0xd800..=0xdbff if text.last() == Some(&unit) => {
                        self.high = Some(unit);
                        continue;
                    }
                    _ => char::REPLACEMENT_CHARACTER,
                },
            };
            if self.mode & PROCESSED_OUTPUT == 0 {
                self.put(t, glyph(c));
            } else if self.virtual_terminal() {
                if let Some(action) = self.parser.feed(c) {
                    self.act(t, action, effects);
                }
            } else {
                self.legacy(t, c);
            }
        }
        self.show(t);
    }

    fn legacy(&mut self, t: &mut Terminal, c: char) {
        match c {
            '\t' => {
                let end = (self.bounded_x() / 8 + 1) * 8;
                let spaces = if self.x >= self.width { 8 } else { end.min(self.width) - self.x };
                (0..spaces).for_each(|_| self.put(t, ' '));
            }
            '\n' | '\r' | '\x08' | '\x07' => self.control(t, c),
            _ => self.put(t, glyph(c)),
        }
    }

    /// Carries a control character out.
    pub(super) fn control(&mut self, t: &mut Terminal, c: char) {
        match c {
            '\n' | '\x0b' | '\x0c' => {
                if !(self.virtual_terminal() && self.mode & NO_AUTO_RETURN != 0) {
                    self.flush(t);
                    self.x = 0;
                }
                self.line_feed(t);
            }
            '\r' => {
                self.flush(t);
                self.x = 0;
            }
            '\x08' => {
                self.flush(t);
                self.x = (self.bounded_x() - 1).max(0);
            }
            '\x07' => t.raw(b"\x07"),
            '\t' => {
                self.flush(t);
                self.x = ((self.bounded_x() / 8 + 1) * 8).min(self.width - 1);
            }
            _ => {}
        }
    }

    /// Puts a character where the cursor is.
    pub(super) fn put(&mut self, t: &mut Terminal, c: char) {
        let columns = columns(c);
        self.last = Some(c);
        if columns == 0 {
            if !self.run.text.is_empty() {
                self.run.text.push(c);
            }
            return;
        }
        if self.x + columns > self.width {
            if self.mode & WRAP_AT_EOL != 0 {
                self.flush(t);
                self.x = 0;
                self.line_feed(t);
            } else {
                self.flush(t);
                self.x = (self.width - columns).max(0);
            }
        }
        if self.run.text.is_empty() {
            (self.run.x, self.run.y) = (self.x, self.y);
        }
        let mut units = [0; 2];
        let encoded = c.encode_utf16(&mut units).len();
        let at = self.index(self.x, self.y);
        let attribute = self.attribute & !(LEADING | TRAILING);
        match (encoded, columns) {
            (1, 1) => self.cells[at] = Cell { unit: units[0], attribute },
            (_, 1) => self.cells[at] = Cell { unit: 0xfffd, attribute },
            _ => {
                let second = if encoded == 2 { units[1] } else { units[0] };
                self.cells[at] = Cell { unit: units[0], attribute: attribute | LEADING };
                let next = self.index(self.x + 1, self.y);
                if next != at {
                    self.cells[next] = Cell { unit: second, attribute: attribute | TRAILING };
                }
            }
        }
        self.run.text.push(c);
        self.run.columns += columns;
        self.x += columns;
        if self.x >= self.width {
            self.x = self.width;
            self.flush(t);
            if self.mode & WRAP_AT_EOL != 0 && !self.delays_wrap() {
                self.x = 0;
                self.line_feed(t);
            }
        }
    }

    /// Shows the text that was put so far.
    pub(super) fn flush(&mut self, t: &mut Terminal) {
        let run = std::mem::take(&mut self.run);
        if run.text.is_empty() {
            return;
        }
        let attribute = if self.guest_look { None } else { Some(self.attribute) };
        let w = self.window;
        if run.y >= w.top && run.y <= w.bottom && run.x >= w.left && run.x + run.columns - 1 <= w.right {
            t.print(run.x - w.left, run.y - w.top, &run.text, run.columns, attribute);
        } else {
            // Partly or not at all in the window: the window follows the cursor, then the cells are shown.
            let (y, right) = (run.y, run.x + run.columns - 1);
            self.follow(t, run.x + run.columns, y);
            self.paint(t, Rect { left: run.x, top: y, right, bottom: y });
        }
    }

    /// Moves the cursor a row down; the last row scrolls.
    pub(super) fn line_feed(&mut self, t: &mut Terminal) {
        self.flush(t);
        if let Some((top, bottom)) = self.margins
            && self.y == bottom
        {
            self.scroll_region(t, top, bottom, 1);
            return;
        }
        if self.y + 1 < self.height {
            self.y += 1;
            if self.y > self.window.bottom {
                self.follow(t, self.bounded_x(), self.y);
            }
            return;
        }
        let whole = self.window == self.all();
        self.cells.rotate_left(self.width as usize);
        let start = self.index(0, self.height - 1);
        self.cells[start..].fill(Cell::blank(self.attribute & 0xff));
        if whole {
            t.scrolled(1);
            if self.attribute & 0xf0 != 0 {
                self.paint(t, Rect { top: self.height - 1, ..self.all() });
            }
        } else {
            self.paint(t, self.window);
        }
    }

    /// Moves the window so that it holds a cell.
    fn follow(&mut self, t: &mut Terminal, x: i32, y: i32) {
        let (old, w, h) = (self.window, self.window.width(), self.window.height());
        let x = x.clamp(0, self.width - 1);
        let top = if y < old.top { y } else { old.top.max(y - h + 1) };
        let left = if x < old.left { x } else { old.left.max(x - w + 1) };
        self.window = Rect { left, top, right: left + w - 1, bottom: top + h - 1 };
        if self.window == old {
            return;
        }
        if left == old.left && top > old.top && top - old.top < h {
            t.scrolled(top - old.top);
            self.paint(t, Rect { top: old.bottom + 1, ..self.window });
        } else {
            self.paint(t, self.window);
        }
    }

    /// Shows what is pending and puts the terminal's cursor where it belongs.
    pub fn show(&mut self, t: &mut Terminal) {
        self.flush(t);
        self.follow(t, self.bounded_x(), self.y);
        if self.cursor_shown && self.x < self.width {
            t.go(self.x - self.window.left, self.y - self.window.top);
        }
        t.show_cursor(self.cursor_shown);
    }

    /// Shows cells anew.
    pub fn paint(&mut self, t: &mut Terminal, area: Rect) {
        let Some(area) = area.common(self.window) else { return };
        let blank = |cell: &Cell| matches!(cell.unit, 0 | 0x20);
        if area == self.window {
            let first = self.cells[self.index(area.left, area.top)];
            let same = |cell: &Cell| blank(cell) && cell.attribute == first.attribute;
            if (area.top..=area.bottom).all(|y| self.row(area, y).iter().all(same)) {
                t.clear(first.attribute);
                return;
            }
        }
        for y in area.top..=area.bottom {
            let row = self.row(area, y).to_vec();
            let last = row.last().copied().unwrap_or(Cell::blank(DEFAULT_ATTRIBUTE));
            let same = |cell: &&Cell| blank(cell) && cell.attribute == last.attribute;
            let tail = if blank(&last) && area.right == self.window.right && last.attribute & 0xc000 == 0 {
                row.iter().rev().take_while(same).count()
            } else {
                0
            };
            let (left, down) = (area.left - self.window.left, y - self.window.top);
            let text = row.len() - tail;
            if text == 0 && last.attribute == DEFAULT_ATTRIBUTE && t.is_untouched(down) {
                continue;
            }
            let mut x = 0;
            for piece in row[..text].chunk_by(|a, b| a.attribute & 0xc0ff == b.attribute & 0xc0ff) {
                let shown = text_of(piece);
                t.print(left + x, down, &shown, piece.len() as i32, Some(piece[0].attribute));
                x += piece.len() as i32;
            }
            if tail > 0 {
                t.erase_right(left + x, down, last.attribute);
            }
        }
    }

    fn row(&self, area: Rect, y: i32) -> &[Cell] {
        let from = self.index(area.left, y);
        let to = self.index(area.right, y);
        &self.cells[from..=to]
    }

    /// Gives the buffer another size. Rows at the top are lost if the cursor would be.
    pub fn resize(&mut self, width: i32, height: i32) {
        let (width, height) = (width.clamp(1, MAX_SIDE), height.clamp(1, MAX_SIDE));
        if width.saturating_mul(height) > MAX_CELLS {
            return;
        }
        let dropped = (self.y - height + 1).max(0);
        let mut cells = vec![Cell::blank(DEFAULT_ATTRIBUTE); (width * height) as usize];
        for (to, from) in (dropped..self.height).take(height as usize).enumerate() {
            let count = width.min(self.width) as usize;
            let (to, from) = (to * width as usize, (from * self.width) as usize);
            cells[to..to + count].copy_from_slice(&self.cells[from..from + count]);
        }
        (self.cells, self.width, self.height) = (cells, width, height);
        self.x = self.x.min(width - 1);
        self.y = (self.y - dropped).clamp(0, height - 1);
        self.margins = None;
        let (w, h) = (self.window.width().min(width), self.window.height().min(height));
        let (left, top) = (self.window.left.min(width - w), (self.window.top - dropped).clamp(0, height - h));
        self.window = Rect { left, top, right: left + w - 1, bottom: top + h - 1 };
    }
}

/// What writing text brings about besides what is shown.
#[derive(Debug, Default)]
pub struct Effects {
    /// Answers to the guest's questions, to be read from the input.
    pub replies: String,
    /// A new title.
    pub title: Option<String>,
}

/// What a console shows for a control character that does not act: the glyphs of code page 437.
fn glyph(c: char) -> char {
    const GLYPHS: [char; 32] = [
        ' ', '☺', '☻', '♥', '♦', '♣', '♠', '•', '◘', '○', '◙', '♂', '♀', '♪', '♫', '☼', '►', '◄', '↕', '‼', '¶', '§',
        '▬', '↨', '↑', '↓', '→', '←', '∟', '↔', '▲', '▼',
    ];
    match c {
        '\x7f' => '⌂',
        '\u{80}'..='\u{9f}' => ' ',
        c => GLYPHS.get(c as usize).copied().unwrap_or(c),
    }
}

/// The text of cells, one column each; second halves of wide characters show with the first.
fn text_of(cells: &[Cell]) -> String {
    let units = cells.iter().enumerate().filter_map(|(index, cell)| {
        let low = (0xdc00..0xe000).contains(&cell.unit);
        let doubled = cell.attribute & TRAILING != 0 && !low && index > 0;
        (!doubled).then_some(if cell.unit < 0x20 && cell.unit != 0 { 0xfffd } else { cell.unit.max(0x20) })
    });
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).map(glyph).collect()
}
