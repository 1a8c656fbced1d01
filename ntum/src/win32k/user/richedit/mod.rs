//! EM_FORMATRANGE and EM_DISPLAYBAND of rich edits, which Wine 10's riched20 has not: its text on a printer's pages, or on any
//! other device.
//!
//! Before riched20's window procedures goes code of the kernel's ([`code`]), which hands these two messages to [`call`] and leaves
//! all else to them. The text with its formats comes from the control itself, by EM_STREAMOUT ([`rtf`], [`document`]). It is laid
//! out by the measures of the device that it is for ([`line`], [`layout`]) and drawn by gdi32 ([`page`]), because that is who
//! records what is printed. Nothing of the control changes.

mod code;
mod document;
mod guest;
mod layout;
mod line;
mod page;
mod rtf;

use super::super::{Failed, User, error};
use crate::call::Cx;
use crate::status::*;
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;
use core::mem::offset_of;
use core::sync::atomic::AtomicU64;
use parking_lot::Mutex;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub use code::before;

/// EM_FORMATRANGE.
const FORMAT_RANGE: u32 = 0x439;
/// EM_DISPLAYBAND.
const DISPLAY_BAND: u32 = 0x433;

/// Bytes of a control's text as RTF, at most.
const MOST: usize = 256 << 20;
/// Ranges that are remembered for EM_DISPLAYBAND.
const MOST_RANGES: usize = 64;

/// What a process has for its rich edits.
#[derive(Default)]
pub struct RichEdits {
    /// Where gdi32 lies; 0 until it is mapped.
    pub gdi: AtomicU64,
    code: Mutex<Option<code::Code>>,
    /// Texts that are being streamed out, by cookie.
    streams: Mutex<Vec<(u64, Vec<u8>)>>,
    last_stream: AtomicU64,
    /// What each window was asked to format last.
    ranges: Mutex<Vec<Last>>,
}

/// FORMATRANGE of Wine 10's `include/richedit.h`. Rectangles are in twips.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct FormatRange {
    /// The device context that is drawn on.
    dc: u64,
    /// That of the device whose measures lines are broken by.
    target: u64,
    /// Where the text goes.
    rect: Rect,
    /// The page.
    page: Rect,
    /// First character.
    first: i32,
    /// First one beyond; -1: all.
    end: i32,
}

/// What is to become of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    /// How much of it fits.
    Measure,
    /// It is drawn.
    Draw,
    /// It is drawn within a rectangle, in twips.
    Band(Rect),
}

/// What the code before riched20's procedures, and its function for streams, call: `number` says for which procedure.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_THREAD_IS_TERMINATING`.
pub fn call(cx: &Cx<'_>, number: u32, arguments: u64) -> Nt {
    let arguments = UserPtr::<[u64; 4]>::new(arguments).read(cx.k)?;
    if number == code::STREAM {
        return received(cx, arguments);
    }
    let [window, message, wparam, lparam] = arguments;
    let Some(procedure) = code::procedure(cx, number) else { return Ok(Status(0)) };
    let answer = match message as u32 {
        FORMAT_RANGE => format(cx, (window, procedure), wparam != 0, lparam),
        DISPLAY_BAND => band(cx, (window, procedure), lparam),
        _ => Ok(0),
    };
    Ok(Status(answer.unwrap_or(0) as u32))
}

/// EDITSTREAMCALLBACK(cookie, buffer, count, &done): answers 0, or what ends the stream.
fn received(cx: &Cx<'_>, [cookie, buffer, count, done]: [u64; 4]) -> Nt {
    let count = count as u32;
    let bytes = crate::um::UserSlice::new(buffer, count.into()).read_all(cx.k)?;
    let mut streams = cx.k.user.rich_edits.streams.lock();
    let Some((_, all)) = streams.iter_mut().find(|(known, _)| *known == cookie) else { return Ok(Status(1)) };
    if all.len() + bytes.len() > MOST {
        return Ok(Status(1));
    }
    all.extend_from_slice(&bytes);
    drop(streams);
    UserPtr::new(done).write(cx.k, count)?;
    Ok(Status(0))
}

/// What a control was asked to format last.
#[derive(Debug, Clone, Copy)]
struct Last {
    window: u64,
    range: FormatRange,
    /// What was answered, and where the text ended.
    next: i32,
    bottom: i32,
}

impl Last {
    /// The range that is meant by one that goes on behind this one. Where the rectangle is still the one that was answered, which ends
    /// with the text, it is the page's all the same: there are programs that set it once.
    fn continued(&self, range: FormatRange) -> FormatRange {
        let answered = Rect { bottom: self.bottom, ..self.range.rect };
        if range.rect != answered || range.first != self.next || range.dc != self.range.dc {
            return range;
        }
        FormatRange { rect: self.range.rect, ..range }
    }
}

/// EM_FORMATRANGE: the first character that has no room, or the one behind the text. Without a range what is kept of one goes, and
/// the text's length is answered.
fn format(cx: &Cx<'_>, control: (u64, u64), draws: bool, at: u64) -> User {
    let last = {
        let mut ranges = cx.k.user.rich_edits.ranges.lock();
        let index = ranges.iter().position(|last| last.window == control.0);
        index.map(|index| ranges.remove(index))
    };
    if at == 0 {
        return guest::Guest::new(cx, control)?.length();
    }
    let range: FormatRange = UserPtr::new(at).read(cx.k)?;
    let range = last.map_or(range, |last| last.continued(range));
    let (next, bottom) = page::print(cx, control, &range, if draws { Task::Draw } else { Task::Measure })?;
    UserPtr::new(at + (offset_of!(FormatRange, rect) + offset_of!(Rect, bottom)) as u64).write(cx.k, bottom)?;
    let mut ranges = cx.k.user.rich_edits.ranges.lock();
    if ranges.len() >= MOST_RANGES {
        ranges.remove(0);
    }
    let next = i32::try_from(next).unwrap_or(i32::MAX);
    ranges.push(Last { window: control.0, range, next, bottom });
    Ok(next as u64)
}

/// EM_DISPLAYBAND: draws a part of what was formatted last; whether there is such.
fn band(cx: &Cx<'_>, control: (u64, u64), at: u64) -> User {
    let last = cx.k.user.rich_edits.ranges.lock().iter().find(|last| last.window == control.0).copied();
    let Some(last) = last else { return Ok(0) };
    let band: Rect = UserPtr::new(at).read(cx.k)?;
    page::print(cx, control, &last.range, Task::Band(band))?;
    Ok(1)
}

/// What a failure within the guest's own functions is.
fn failed() -> Failed {
    Failed::with(error::INVALID_PARAMETER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_lies_as_programs_have_it() {
        assert_eq!(size_of::<FormatRange>(), 56);
        assert_eq!((offset_of!(FormatRange, rect), offset_of!(FormatRange, first)), (16, 48));
    }

    #[test]
    fn a_rectangle_that_was_answered_is_the_pages() {
        let range = FormatRange { dc: 7, rect: Rect::new(0, 0, 100, 100), ..FormatRange::default() };
        let last = Last { window: 1, range, next: 20, bottom: 80 };
        let next = FormatRange { rect: Rect::new(0, 0, 100, 80), first: 20, ..range };
        assert_eq!(last.continued(next).rect, range.rect);
        assert_eq!(last.continued(FormatRange { first: 0, ..next }).rect.bottom, 80);
        assert_eq!(last.continued(FormatRange { rect: Rect::new(0, 0, 100, 60), ..next }).rect.bottom, 60);
    }
}
