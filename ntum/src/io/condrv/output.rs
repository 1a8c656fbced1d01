//! Control requests to screen buffers. Structures as `condrv.h` of Wine's kernelbase has them.

use super::codepage;
use super::console::{Console, State};
use super::ioctl::*;
use super::screen::{Cell, Effects, MAX_CELLS, MAX_SIDE, Rect, Screen};
use super::terminal::Terminal;
use crate::answer::{Fields, units};
use crate::kernel::Kernel;
use crate::status::*;

/// Size of struct condrv_output_info without the font's name.
const INFO: usize = 100;
/// Bits of the mask that says what is set.
mod set {
    pub const CURSOR: u32 = 0x01;
    pub const POSITION: u32 = 0x02;
    pub const SIZE: u32 = 0x04;
    pub const ATTRIBUTE: u32 = 0x08;
    pub const WINDOW: u32 = 0x10;
    pub const MAX_SIZE: u32 = 0x20;
    pub const POPUP: u32 = 0x40;
    pub const FONT: u32 = 0x80;
}

/// What requests to a screen are made of.
trait Cells: Copy {
    /// A SHORT.
    fn short(self, at: usize) -> i32;
    /// A SMALL_RECT.
    fn rect(self, at: usize) -> Rect;
    /// A coordinate: what cannot be one is beyond every buffer.
    fn place(self, at: usize) -> i32;
}

impl Cells for Fields<'_> {
    fn short(self, at: usize) -> i32 {
        i32::from(self.u16(at) as i16)
    }

    fn rect(self, at: usize) -> Rect {
        let field = |index: usize| self.short(at + 2 * index);
        Rect { left: field(0), top: field(1), right: field(2), bottom: field(3) }
    }

    fn place(self, at: usize) -> i32 {
        i32::try_from(self.u32(at)).unwrap_or(i32::MAX).min(MAX_CELLS)
    }
}

/// Bytes of UTF-16 units.
pub fn bytes_of(units: &[u16]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.to_le_bytes()).collect()
}

/// Carries out a request; answers what goes to the caller's buffer of `room` bytes.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_HANDLE` for a request that is none of a screen buffer's.
pub fn ioctl(k: &'static Kernel, console: &Console, id: u32, code: u32, input: &[u8], room: usize) -> Nt<Vec<u8>> {
    let fields = Fields(input);
    let exactly = |in_size: usize, out_size: usize| {
        if input.len() == in_size && room == out_size { Ok(()) } else { Err(STATUS_INVALID_PARAMETER) }
    };
    match code {
        GET_MODE => {
            exactly(0, 4)?;
            console.with_screen(k, id, |s, _| Ok(s.mode.to_le_bytes().to_vec()))
        }
        SET_MODE => {
            exactly(4, 0)?;
            console.with_screen(k, id, |s, _| {
                s.mode = fields.u32(0);
                Ok(Vec::new())
            })
        }
        // The host's console is ours: programs need not know that it is no Windows.
        IS_UNIX => Err(STATUS_NOT_SUPPORTED),
        WRITE_CONSOLE => {
            if !input.len().is_multiple_of(2) || room != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            write(k, console, id, &units(input))
        }
        WRITE_FILE => {
            let text = {
                let mut state = console.locked();
                let page = state.output_page;
                state.partial.extend_from_slice(input);
                k.io.console.pages.decode(k, page, &mut state.partial)
            };
            write(k, console, id, &text)
        }
        GET_OUTPUT_INFO => {
            if !input.is_empty() || room < INFO {
                return Err(STATUS_INVALID_PARAMETER);
            }
            console.with_screen(k, id, |s, _| {
                let mut out = info(s);
                out.truncate(room);
                Ok(out)
            })
        }
        SET_OUTPUT_INFO => {
            if input.len() < 4 + INFO || room != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            let size = console.with_screen(k, id, |s, t| {
                let before = (s.width, s.height);
                set_info(s, t, fields, &input[4 + INFO..])?;
                Ok(((s.width, s.height) != before).then_some((s.width, s.height)))
            })?;
            if let Some(size) = size {
                console.size_changed(k, id, size);
            }
            Ok(Vec::new())
        }
        WRITE_OUTPUT => {
            if input.len() < 16 || (room != 4 && room != 8) {
                return Err(STATUS_INVALID_PARAMETER);
            }
            console.with_screen(k, id, |s, t| write_cells(s, t, fields, &input[16..], room == 8))
        }
        READ_OUTPUT => {
            if input.len() != 16 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            console.with_screen(k, id, |s, _| read_cells(s, fields, room))
        }
        FILL_OUTPUT => {
            exactly(24, 4)?;
            console.with_screen(k, id, |s, t| fill(s, t, fields))
        }
        SCROLL => {
            exactly(24, 0)?;
            console.with_screen(k, id, |s, t| scroll(s, t, fields).map(|()| Vec::new()))
        }
        ACTIVATE => {
            exactly(0, 0)?;
            console.activate(k, id)?;
            Ok(Vec::new())
        }
        _ => Err(STATUS_INVALID_HANDLE),
    }
}

/// Writes text to a buffer.
///
/// # Errors
/// `STATUS_INVALID_HANDLE` if the buffer is gone.
pub fn write(k: &'static Kernel, console: &Console, id: u32, text: &[u16]) -> Nt<Vec<u8>> {
    let mut effects = Effects::default();
    console.with_screen(k, id, |s, t| {
        s.write(t, text, &mut effects);
        if let Some(title) = &effects.title {
            t.raw(&title_sequence(title));
        }
        Ok(())
    })?;
    if let Some(title) = effects.title {
        let mut state = console.locked();
        state.set_title(crate::types::wide(&title));
        console.tell(&mut state);
    }
    if !effects.replies.is_empty() {
        console.reply(k, &effects.replies);
    }
    Ok(Vec::new())
}

/// The sequence that sets a terminal's title.
pub fn title_sequence(title: &str) -> Vec<u8> {
    let shown: String = title.chars().filter(|c| !c.is_control()).collect();
    format!("\x1b]0;{shown}\x07").into_bytes()
}

fn info(s: &Screen) -> Vec<u8> {
    let w = s.window;
    let numbers = [
        i32::from(s.cursor_size),
        i32::from(s.cursor_shown),
        s.bounded_x(),
        s.y,
        s.width,
        s.height,
        i32::from(s.attribute),
        i32::from(s.popup),
        w.left,
        w.top,
        w.right,
        w.bottom,
        s.max_window.0,
        s.max_window.1,
        i32::from(s.font.width),
        i32::from(s.font.height),
        i32::from(s.font.weight),
        i32::from(s.font.pitch_family),
    ];
    let mut out: Vec<u8> = numbers.iter().flat_map(|n| (*n as u16).to_le_bytes()).collect();
    out.extend(s.colours.iter().flat_map(|colour| colour.to_le_bytes()));
    out.extend(bytes_of(&s.font.face));
    out
}

fn set_info(s: &mut Screen, t: &mut Terminal, fields: Fields<'_>, face: &[u8]) -> Nt<()> {
    let mask = fields.u32(0);
    let field = |index: usize| fields.short(4 + 2 * index);
    if mask & set::CURSOR != 0 {
        if !(1..=100).contains(&field(0)) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        s.cursor_size = field(0) as i16;
        s.cursor_shown = field(1) != 0;
    }
    if mask & set::POSITION != 0 {
        let (x, y) = (field(2), field(3));
        if x < 0 || x >= s.width || y < 0 || y >= s.height {
            return Err(STATUS_INVALID_PARAMETER);
        }
        (s.x, s.y) = (x, y);
    }
    if mask & set::SIZE != 0 {
        let (width, height) = (field(4), field(5));
        let fits = width >= s.window.width() && height >= s.window.height();
        if !fits || width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_CELLS {
            return Err(STATUS_INVALID_PARAMETER);
        }
        s.resize(width, height);
    }
    if mask & set::ATTRIBUTE != 0 {
        s.attribute = field(6) as u16;
        s.set_own_look();
    }
    if mask & set::POPUP != 0 {
        s.popup = field(7) as u16;
    }
    if mask & set::WINDOW != 0 {
        let w = fields.rect(4 + 16);
        if w.left < 0 || w.left > w.right || w.right >= s.width || w.top < 0 || w.top > w.bottom || w.bottom >= s.height
        {
            return Err(STATUS_INVALID_PARAMETER);
        }
        if w != s.window {
            s.window = w;
            s.paint(t, w);
        }
    }
    if mask & set::MAX_SIZE != 0 {
        s.max_window = (field(12), field(13));
    }
    if mask & set::FONT != 0 {
        if field(15) > 0 {
            s.font.height = field(15) as i16;
            s.font.width = if field(14) > 0 { field(14) as i16 } else { (field(15) / 2).max(1) as i16 };
        }
        // FW_SEMIBOLD and above are shown bold.
        s.font.weight = if field(16) >= 600 { 700 } else { 400 };
        if !face.is_empty() {
            s.font.face = units(face);
            s.font.face.truncate(31);
        }
    }
    s.show(t);
    Ok(())
}

/// What a cell request is about: CHAR_INFO_MODE_*.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Text,
    Attribute,
    Both,
}

impl Part {
    fn of(number: u32) -> Nt<Part> {
        match number {
            0 => Ok(Part::Text),
            1 => Ok(Part::Attribute),
            2 => Ok(Part::Both),
            _ => Err(STATUS_INVALID_PARAMETER),
        }
    }

    fn size(self) -> usize {
        if self == Part::Both { 4 } else { 2 }
    }

    fn store(self, cell: &mut Cell, unit: u16, attribute: u16) {
        if self != Part::Attribute {
            cell.unit = unit;
        }
        if self != Part::Text {
            cell.attribute = attribute;
        }
    }
}

fn region(r: Rect) -> Vec<u8> {
    [r.left, r.top, r.right, r.bottom].iter().flat_map(|n| (*n as u16).to_le_bytes()).collect()
}

/// IOCTL_CONDRV_WRITE_OUTPUT: x, y, mode, width (0: wrap at the buffer's width), then cells.
fn write_cells(s: &mut Screen, t: &mut Terminal, fields: Fields<'_>, data: &[u8], rectangle: bool) -> Nt<Vec<u8>> {
    let (left, top, part, width) = (fields.place(0), fields.place(4), Part::of(fields.u32(8))?, fields.place(12));
    if rectangle && width == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if left >= s.width || top >= s.height {
        return Ok(Vec::new());
    }
    let entries = data.chunks_exact(part.size());
    let total = entries.len() as i32;
    let mut written = 0;
    for (index, entry) in entries.enumerate() {
        let index = index as i32;
        let (x, y) = match width {
            0 => ((left + index) % s.width, top + (left + index) / s.width),
            width => (left + index % width, top + index / width),
        };
        if y >= s.height {
            break;
        }
        written += 1;
        if x >= s.width {
            continue;
        }
        let cell = Fields(entry);
        let at = s.index(x, y);
        let (unit, attribute) = (cell.u16(0), if part == Part::Both { cell.u16(2) } else { cell.u16(0) });
        part.store(&mut s.cells[at], unit, attribute);
    }
    let area = match width {
        0 if written == 0 => return Ok(0u32.to_le_bytes().to_vec()),
        0 => {
            let last = left + written - 1;
            let bottom = top + last / s.width;
            if bottom > top { Rect { top, bottom, ..s.all() } } else { Rect { left, top, right: last, bottom } }
        }
        width => {
            Rect { left, top, right: (left + width).min(s.width) - 1, bottom: (top + total / width).min(s.height) - 1 }
        }
    };
    s.paint(t, area);
    s.show(t);
    Ok(if rectangle { region(area) } else { (written as u32).to_le_bytes().to_vec() })
}

/// IOCTL_CONDRV_READ_OUTPUT: as many cells as there is room for; with both parts, the rectangle first.
fn read_cells(s: &Screen, fields: Fields<'_>, room: usize) -> Nt<Vec<u8>> {
    let (left, top, part, width) = (fields.place(0), fields.place(4), Part::of(fields.u32(8))?, fields.place(12));
    let outside = left >= s.width || top >= s.height;
    if part != Part::Both {
        if outside {
            return Ok(Vec::new());
        }
        let cells = s.cells[s.index(left, top)..].iter().take(room / 2);
        let value = |cell: &Cell| if part == Part::Text { cell.unit } else { cell.attribute };
        return Ok(cells.flat_map(|cell| value(cell).to_le_bytes()).collect());
    }
    if outside || width == 0 || room < 8 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let rows = ((room - 8) / (width as usize * 4)).min((s.height - top) as usize) as i32;
    let right = (left + width).min(s.width) - 1;
    let area = Rect { left, top, right, bottom: top + rows - 1 };
    let mut out = region(area);
    for y in area.top..=area.bottom {
        for x in area.left..=area.right {
            let cell = s.cells[s.index(x, y)];
            out.extend_from_slice(&cell.unit.to_le_bytes());
            out.extend_from_slice(&cell.attribute.to_le_bytes());
        }
    }
    Ok(out)
}

/// IOCTL_CONDRV_FILL_OUTPUT: x, y, mode, count, wrap, character, attribute.
fn fill(s: &mut Screen, t: &mut Terminal, fields: Fields<'_>) -> Nt<Vec<u8>> {
    let (x, y, part, count) = (fields.place(0), fields.place(4), Part::of(fields.u32(8))?, fields.place(12));
    if y >= s.height || x >= s.width {
        return Ok(0u32.to_le_bytes().to_vec());
    }
    let from = s.index(x, y);
    let to = (from + count as usize).min(s.cells.len());
    for cell in &mut s.cells[from..to] {
        part.store(cell, fields.u16(20), fields.u16(22));
    }
    let filled = (to - from) as i32;
    if filled > 0 {
        let last = to as i32 - 1;
        let bottom = last / s.width;
        let area = if bottom > y {
            Rect { top: y, bottom, ..s.all() }
        } else {
            Rect { left: x, top: y, right: last % s.width, bottom }
        };
        s.paint(t, area);
        s.show(t);
    }
    Ok((filled as u32).to_le_bytes().to_vec())
}

/// IOCTL_CONDRV_SCROLL: source, destination's corner, clip, what fills the place left.
fn scroll(s: &mut Screen, t: &mut Terminal, fields: Fields<'_>) -> Nt<()> {
    let (source, clip) = (fields.rect(0), fields.rect(12));
    let (to_x, to_y) = (fields.short(8), fields.short(10));
    let blank = Cell { unit: fields.u16(20), attribute: fields.u16(22) };
    let all = s.all();
    let clip = clip.common(all).ok_or(STATUS_INVALID_PARAMETER)?;
    if source.common(all) != Some(source) || to_x < 0 || to_x > all.right || to_y < 0 || to_y > all.bottom {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let (dx, dy) = (to_x - source.left, to_y - source.top);
    let before = s.cells.clone();
    // The place left is filled, as far as the clip lets it be, then the cells come to their new place.
    let left = source.common(clip);
    if let Some(left) = left {
        for y in left.top..=left.bottom {
            for x in left.left..=left.right {
                let at = s.index(x, y);
                s.cells[at] = blank;
            }
        }
    }
    let moved = Rect { left: to_x, top: to_y, right: source.right + dx, bottom: source.bottom + dy }.common(clip);
    if let Some(moved) = moved {
        for y in moved.top..=moved.bottom {
            for x in moved.left..=moved.right {
                let (at, from) = (s.index(x, y), s.index(x - dx, y - dy));
                s.cells[at] = before[from];
            }
        }
    }
    for area in [left, moved].into_iter().flatten() {
        s.paint(t, area);
    }
    s.show(t);
    Ok(())
}

/// Console-wide requests that neither read keys nor write text: code pages and title.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_HANDLE` for a request that is none of these.
pub fn common(k: &'static Kernel, state: &mut State, code: u32, input: &[u8], room: usize) -> Nt<Vec<u8>> {
    let fields = Fields(input);
    let bad = STATUS_INVALID_PARAMETER;
    match code {
        GET_INPUT_INFO if input.is_empty() && room == 8 => {
            Ok([state.input_page, state.output_page].iter().flat_map(|page| page.to_le_bytes()).collect())
        }
        SET_INPUT_INFO if input.len() == 12 && room == 0 => {
            let mask = fields.u32(0);
            if mask & 1 != 0 {
                state.input_page = codepage::check(k, fields.u32(4))?;
            }
            if mask & 2 != 0 {
                state.output_page = codepage::check(k, fields.u32(8))?;
                state.partial.clear();
            }
            Ok(Vec::new())
        }
        // struct condrv_title_params: length, then one unit or more: 8 bytes at least.
        GET_TITLE if input.len() == 4 && room >= 8 => {
            let title = if fields.u32(0) != 0 { &state.title } else { &state.original_title };
            let mut out = (title.len() as u32).to_le_bytes().to_vec();
            let shown = bytes_of(title);
            let shown = &shown[..shown.len().min((room - 8) & !1)];
            out.extend_from_slice(shown);
            out.resize(8 + shown.len(), 0);
            Ok(out)
        }
        SET_TITLE if input.len().is_multiple_of(2) && room == 0 => {
            let title = units(input);
            state.terminal.raw(&title_sequence(&String::from_utf16_lossy(&title)));
            state.set_title(title);
            Ok(Vec::new())
        }
        BEEP if input.is_empty() && room == 0 => {
            state.terminal.raw(b"\x07");
            Ok(Vec::new())
        }
        // No window stands for the console.
        GET_WINDOW if input.is_empty() && room == 4 => Ok(vec![0; 4]),
        GET_INPUT_INFO | SET_INPUT_INFO | GET_TITLE | SET_TITLE | BEEP | GET_WINDOW => Err(bad),
        _ => Err(STATUS_INVALID_HANDLE),
    }
}
