//! Calls of functions that the guest has: of a control's procedure, and of gdi32.

use super::super::super::User;
use super::super::procedure::{Letter, Mapping};
use super::{code, failed};
use crate::call::Cx;
use crate::mm::allocate::Request;
use crate::mm::patch;
use crate::um::{Plain, UserPtr};
use core::cell::RefCell;
use core::sync::atomic::Ordering;
use zerocopy::IntoBytes;

/// The code page that is UTF-16.
const UNICODE: u32 = 1200;
/// Bytes of the guest's memory for arguments and answers.
const ROOM: u64 = 0x1_0000;
/// Where there the arguments of a call lie, small structures, and what has no fixed size.
const ARGUMENTS: u64 = 0;
const SMALL: u64 = 0x100;
const LARGE: u64 = 0x1000;
/// UTF-16 units that one call takes.
pub const MOST_UNITS: usize = 0x1000;
/// Where the widths of so many units lie.
const WIDTHS: u64 = LARGE + MOST_UNITS as u64 * 2;

/// What is needed for calls, as long as one message lasts.
pub struct Guest<'a> {
    cx: &'a Cx<'a>,
    window: u64,
    procedure: u64,
    room: u64,
    stream: u64,
    caller: u64,
    gdi: u64,
    found: RefCell<Vec<(&'static str, u64)>>,
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        // The program may have released it itself.
        let _ = self.cx.k.mm.release(self.cx.k, self.room);
    }
}

impl<'a> Guest<'a> {
    /// For a control with that procedure.
    pub fn new(cx: &'a Cx<'a>, (window, procedure): (u64, u64)) -> User<Guest<'a>> {
        let gdi = cx.k.user.rich_edits.gdi.load(Ordering::Acquire);
        let (stream, caller) = code::functions(cx).filter(|_| gdi != 0).ok_or(failed())?;
        let room = cx.k.mm.allocate(cx.k, &Request::commit(ROOM))?.start;
        Ok(Guest { cx, window, procedure, room, stream, caller, gdi, found: RefCell::default() })
    }

    /// Sends the control a message.
    pub fn send(&self, message: u32, wparam: u64, lparam: u64) -> User {
        let letter = Letter { message, wparam, lparam, ansi: false };
        let all = self.cx.parameters_for(self.procedure, self.window, &letter, Mapping::Call)?;
        Ok(self.cx.call_procedure(&all, None)?.result)
    }

    /// Calls a function of gdi32 with up to eight arguments.
    pub fn gdi(&self, name: &'static str, arguments: &[u64]) -> User {
        let known = self.found.borrow().iter().find(|(known, _)| *known == name).map(|(_, at)| *at);
        let function = match known {
            Some(at) => at,
            None => {
                let at = patch::export(self.cx.k, self.gdi, name.as_bytes()).ok_or(failed())?;
                self.found.borrow_mut().push((name, at));
                at
            }
        };
        let mut all = [0; 8];
        for (to, from) in all.iter_mut().zip(arguments) {
            *to = *from;
        }
        let at = self.room + ARGUMENTS;
        UserPtr::new(at).write(self.cx.k, all)?;
        let letter = Letter { message: 0, wparam: at, lparam: 0, ansi: false };
        let mut all = self.cx.parameters_for(self.caller, self.window, &letter, Mapping::Call)?;
        all.window = function;
        Ok(self.cx.call_procedure(&all, None)?.result)
    }

    /// Puts a structure where a call may be told of it.
    pub fn put(&self, value: &[u8]) -> User {
        let at = self.room + SMALL;
        self.cx.k.write_user(at, value.get(..(LARGE - SMALL) as usize).unwrap_or(value))?;
        Ok(at)
    }

    /// Reads what a call left there.
    pub fn taken<T: Plain>(&self) -> User<T> {
        Ok(UserPtr::new(self.room + SMALL).read(self.cx.k)?)
    }

    /// Puts units where a call may be told of them, and their widths if there are some; where both lie.
    pub fn put_text(&self, units: &[u16], widths: &[i32]) -> User<(u64, u64)> {
        let (text, at) = (self.room + LARGE, self.room + WIDTHS);
        self.cx.k.write_user(text, units.get(..MOST_UNITS).unwrap_or(units).as_bytes())?;
        self.cx.k.write_user(at, widths.get(..MOST_UNITS).unwrap_or(widths).as_bytes())?;
        Ok((text, at))
    }

    /// The place of each unit's end that a call left.
    pub fn widths(&self, count: usize) -> User<Vec<i32>> {
        Ok(UserPtr::new(self.room + WIDTHS).read_vec(self.cx.k, count.min(MOST_UNITS))?)
    }

    /// Has `with` use memory that holds these bytes.
    pub fn with_bytes<R>(&self, bytes: &[u8], with: impl FnOnce(u64) -> User<R>) -> User<R> {
        let at = self.cx.k.mm.allocate(self.cx.k, &Request::commit(bytes.len().max(1) as u64))?.start;
        let done = match self.cx.k.write_user(at, bytes) {
            Ok(()) => with(at),
            Err(status) => Err(status.into()),
        };
        let _ = self.cx.k.mm.release(self.cx.k, at);
        done
    }

    /// How long the control's text is, in UTF-16.
    pub fn length(&self) -> User {
        /// EM_GETTEXTLENGTHEX; GTL_PRECISE | GTL_NUMCHARS.
        const LENGTH: u32 = 0x45f;
        const PRECISE: u32 = 0x2 | 0x8;
        let at = self.put([PRECISE, UNICODE].as_bytes())?;
        Ok(u64::from(self.send(LENGTH, at, 0)? as u32))
    }

    /// The control's text in UTF-16, as its positions count it.
    pub fn text(&self) -> User<Vec<u16>> {
        /// EM_GETTEXTEX.
        const TEXT: u32 = 0x45e;
        /// A control's text is no longer than this.
        const LONGEST: u64 = 64 << 20;
        // Ends of lines may count double.
        let room = (self.length()? * 2 + 16).min(LONGEST);
        let at = self.cx.k.mm.allocate(self.cx.k, &Request::commit(room * 2))?.start;
        let read = || {
            // GETTEXTEX, packed by 4: cb, flags, codepage, two addresses.
            let how = [room as u32 * 2, 0, UNICODE, 0, 0, 0, 0];
            let count = self.send(TEXT, self.put(how.as_bytes())?, at)? as u32;
            Ok(UserPtr::<u16>::new(at).read_vec(self.cx.k, u64::from(count).min(room) as usize)?)
        };
        let text = read();
        let _ = self.cx.k.mm.release(self.cx.k, at);
        text
    }

    /// The control's text as RTF, in UTF-8.
    pub fn rtf(&self) -> User<Vec<u8>> {
        /// EM_STREAMOUT; SF_RTF, SF_USECODEPAGE with UTF-8.
        const STREAM_OUT: u32 = 0x44a;
        const HOW: u64 = 0x2 | 0x20 | 65001 << 16;
        let edits = &self.cx.k.user.rich_edits;
        let cookie = edits.last_stream.fetch_add(1, Ordering::Relaxed);
        edits.streams.lock().push((cookie, Vec::new()));
        // EDITSTREAM, packed by 4: a cookie, an error, a function.
        let mut stream = [0; 20];
        for (to, from) in [(0, cookie), (12, self.stream)] {
            stream[to..to + 8].copy_from_slice(&from.to_le_bytes());
        }
        let sent = self.put(&stream).and_then(|at| self.send(STREAM_OUT, HOW, at));
        let mut streams = edits.streams.lock();
        let index = streams.iter().position(|(known, _)| *known == cookie);
        let bytes = index.map(|index| streams.swap_remove(index).1);
        sent.and(bytes.ok_or(failed()))
    }
}
