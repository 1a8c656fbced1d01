//! ICU's converters, which Windows has in `icuuc.dll` and no Wine has: programs of Qt 6.11 and later name them. The DLL ([`dll`]) is ours, and its functions are
//! calls of the kernel; what is called from them are functions of the program's for what can't be converted.
//!
//! A `UConverter *` is a number here, never an address. Names are IANA's also where ICU has some of its own (`ibm-5348_P100-1997`); encodings are those of
//! [`names::ALL`], as pages of the web have them. Functions are not called for reasons beyond characters (UCNV_RESET, UCNV_CLOSE, UCNV_CLONE).

mod codec;
mod converter;
pub mod dll;
mod names;

use crate::call::Cx;
use crate::io::condrv::codepage;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;
use converter::{Callback, Converter, error, is_ignorable, reason};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zerocopy::IntoBytes;

/// UErrorCode: beside those of a text.
const ILLEGAL_ARGUMENT: i32 = 1;
const FILE_ACCESS: i32 = 4;
const MEMORY_ALLOCATION: i32 = 7;

/// Converters of a process at most.
const MOST: usize = 0x1_0000;
/// What is read and converted at a time.
const STRETCH: u64 = 0x1000;
/// Longest name.
const LONGEST: u64 = 128;

/// Where the block of a call that comes back ([`dll::Body::Loop`]) has what, in bytes: the function to be called with its seven arguments, the
/// structure that most of those lead to, what can't be converted; then what is to be known when it comes back: where what was given begins, where offsets
/// were written last, and what they are to be counted from.
mod block {
    pub const ARGUMENTS: u64 = 64;
    pub const WHAT: u64 = 128;
    pub const BEGIN: u64 = 136;
    pub const OFFSETS: u64 = 144;
    pub const INDEX: u64 = 152;
}
/// UConverterToUnicodeArgs and UConverterFromUnicodeArgs.
mod arguments {
    pub const SIZE: u16 = 56;
    pub const CONVERTER: u64 = 8;
    pub const SOURCE: u64 = 16;
    pub const TARGET: u64 = 32;
    pub const LIMIT: u64 = 40;
    pub const OFFSETS: u64 = 48;
}

/// The converters of a process, by their numbers.
#[derive(Default)]
pub struct Converters {
    last: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Mutex<Converter>>>>,
}

impl Converters {
    fn add(&self, converter: Converter) -> Option<u64> {
        let mut open = self.open.lock();
        if open.len() >= MOST {
            return None;
        }
        let number = self.last.fetch_add(16, Ordering::Relaxed) + 16;
        open.insert(number, Arc::new(Mutex::new(converter)));
        Some(number)
    }

    fn find(&self, number: u64) -> Option<Arc<Mutex<Converter>>> {
        self.open.lock().get(&number).cloned()
    }
}

fn word(k: &Kernel, at: u64) -> Nt<u64> {
    UserPtr::new(at).read(k)
}

fn store(k: &Kernel, at: u64, value: u64) -> Nt<()> {
    UserPtr::new(at).write(k, value)
}

/// A text that ends with a zero.
fn text(k: &Kernel, at: u64) -> Nt<String> {
    let mut text = String::new();
    for place in 0..LONGEST {
        match UserPtr::<u8>::new(at.wrapping_add(place)).read(k)? {
            0 => return Ok(text),
            byte => text.push(byte.into()),
        }
    }
    Ok(String::new())
}

/// What a function was called with.
struct Asked {
    k: &'static Kernel,
    arguments: [u64; 8],
    /// The DLL, or for those that come back the block.
    second: u64,
}

/// Carries a function of the DLL's out, if the number is one's: what it leaves in the register of a result.
#[cold]
pub fn call(cx: &Cx<'_>, number: u32, registers: [u64; 4]) -> Option<u64> {
    let (name, _) = dll::FUNCTIONS.get(number.checked_sub(dll::FIRST)? as usize)?;
    let [at, second, ..] = registers;
    let arguments = UserPtr::<[u64; 8]>::new(at).read(cx.k).ok()?;
    if cx.k.boot.trace {
        let shown = arguments.map(|argument| format!("0x{argument:x}")).join(", ");
        cx.k.host.trace(&format!("{:04x} icuuc.{name}({shown})", cx.t.id));
    }
    // Addresses that are wrong leave things as they are: there is no instruction of the program's to blame.
    Some(Asked { k: cx.k, arguments, second }.run(name).unwrap_or(0))
}

impl Asked {
    fn run(&self, name: &str) -> Nt<u64> {
        let [first, second, third, ..] = self.arguments;
        match name {
            "ucnv_open" => self.open(),
            "ucnv_close" => {
                self.k.nls.converters.open.lock().remove(&first);
                Ok(0)
            }
            "ucnv_reset" | "ucnv_resetToUnicode" | "ucnv_resetFromUnicode" => {
                if let Some(converter) = self.k.nls.converters.find(first) {
                    let mut converter = converter.lock();
                    if name != "ucnv_resetFromUnicode" {
                        converter.reset_reader();
                    }
                    if name != "ucnv_resetToUnicode" {
                        converter.reset_writer();
                    }
                }
                Ok(0)
            }
            "ucnv_getMaxCharSize" => Ok(self.converter(first).map_or(0, |found| found.lock().sizes().0 as u64)),
            "ucnv_getMinCharSize" => Ok(self.converter(first).map_or(0, |found| found.lock().sizes().1 as u64)),
            "ucnv_getName" => self.telling(second, |found| found.which as u64, u64::MAX),
            "ucnv_getStandardName" => self.standard_name(first, second, third),
            "ucnv_getAvailableName" => Ok(if first < names::ALL.len() as u64 { first } else { u64::MAX }),
            "ucnv_countAvailable" => Ok(names::ALL.len() as u64),
            "ucnv_compareNames" => {
                let (one, other) = (text(self.k, first)?, text(self.k, second)?);
                Ok(names::compare(&one, &other) as i64 as u64)
            }
            "ucnv_getToUCallBack" => self.tell_callback(second, third, |found| found.reads, dll::TO_SUBSTITUTE),
            "ucnv_getFromUCallBack" => self.tell_callback(second, third, |found| found.writes, dll::FROM_SUBSTITUTE),
            "ucnv_setToUCallBack" => self.set_callback(|found| &mut found.reads, dll::TO_SUBSTITUTE),
            "ucnv_setFromUCallBack" => self.set_callback(|found| &mut found.writes, dll::FROM_SUBSTITUTE),
            "ucnv_toUCountPending" => self.telling(second, |found| found.unread() as u64, u64::MAX),
            "ucnv_fromUCountPending" => self.telling(second, |found| found.unwritten() as u64, u64::MAX),
            "ucnv_toUnicode" => self.convert::<ToUnicode>(),
            "ucnv_fromUnicode" => self.convert::<FromUnicode>(),
            "ucnv_cbToUWriteUChars" => self.write_units(),
            "ucnv_cbFromUWriteUChars" => self.write_text(),
            "ucnv_cbToUWriteSub" => self.write_more::<ToUnicode>(first, &[0xfffd], second, third),
            "ucnv_cbFromUWriteSub" => self.write_substitute(first, second, third),
            "UCNV_TO_U_CALLBACK_SUBSTITUTE" => self.substitute_read(first, second, self.arguments[4] as u32),
            "UCNV_FROM_U_CALLBACK_SUBSTITUTE" => self.substitute_written(first, second),
            "UCNV_TO_U_CALLBACK_SKIP" => self.skip(first, self.arguments[4] as u32, self.arguments[5]),
            "UCNV_FROM_U_CALLBACK_SKIP" => self.skip(first, self.arguments[5] as u32, self.arguments[6]),
            "UCNV_FROM_U_CALLBACK_STOP" => {
                if self.leaves_out() {
                    UserPtr::new(self.arguments[6]).write(self.k, 0i32)?;
                }
                Ok(0)
            }
            // UCNV_TO_U_CALLBACK_STOP: the error stays.
            _ => Ok(0),
        }
    }

    fn converter(&self, number: u64) -> Option<Arc<Mutex<Converter>>> {
        self.k.nls.converters.find(number)
    }

    /// Whether what is at `at` says that something failed before; so does the lack of it.
    fn failed(&self, at: u64) -> Nt<bool> {
        Ok(UserPtr::<i32>::new(at).read_opt(self.k)?.is_none_or(|error| error > 0))
    }

    fn fail(&self, at: u64, error: i32) -> Nt<()> {
        UserPtr::new(at).write(self.k, error)
    }

    /// What is known of the converter, where the error is at `at`.
    fn telling(&self, at: u64, tell: impl FnOnce(&Converter) -> u64, otherwise: u64) -> Nt<u64> {
        if self.failed(at)? {
            return Ok(otherwise);
        }
        match self.converter(self.arguments[0]) {
            Some(found) => Ok(tell(&found.lock())),
            None => self.fail(at, ILLEGAL_ARGUMENT).map(|()| otherwise),
        }
    }

    fn open(&self) -> Nt<u64> {
        let [name, at, ..] = self.arguments;
        if self.failed(at)? {
            return Ok(0);
        }
        let which = match name {
            0 => names::find(&format!("cp{}", codepage::ansi(self.k))),
            name => names::find(&text(self.k, name)?),
        };
        let Some(made) = which.and_then(Converter::new) else { return self.fail(at, FILE_ACCESS).map(|()| 0) };
        match self.k.nls.converters.add(made) {
            Some(number) => Ok(number),
            None => self.fail(at, MEMORY_ALLOCATION).map(|()| 0),
        }
    }

    fn standard_name(&self, name: u64, standard: u64, at: u64) -> Nt<u64> {
        if self.failed(at)? {
            return Ok(u64::MAX);
        }
        if name == 0 || standard == 0 {
            return self.fail(at, ILLEGAL_ARGUMENT).map(|()| u64::MAX);
        }
        let (name, standard) = (text(self.k, name)?, text(self.k, standard)?);
        let found = names::find(&name).and_then(|which| names::standard(which, &standard));
        Ok(found.map_or(u64::MAX, |place| place as u64))
    }

    /// The address that a callback of the program's has, or the DLL's own.
    fn address(&self, callback: Callback, own: &str) -> u64 {
        match callback.function {
            0 => self.second.wrapping_add(dll::place(own).unwrap_or(0).into()),
            function => function,
        }
    }

    fn tell_callback(&self, function: u64, context: u64, which: fn(&Converter) -> Callback, own: &str) -> Nt<u64> {
        if let Some(found) = self.converter(self.arguments[0]) {
            let callback = which(&found.lock());
            UserPtr::new(function).write_opt(self.k, self.address(callback, own))?;
            UserPtr::new(context).write_opt(self.k, callback.context)?;
        }
        Ok(0)
    }

    fn set_callback(&self, which: fn(&mut Converter) -> &mut Callback, own: &str) -> Nt<u64> {
        let [number, function, context, old, old_context, at, ..] = self.arguments;
        if self.failed(at)? {
            return Ok(0);
        }
        let Some(found) = self.converter(number) else { return self.fail(at, ILLEGAL_ARGUMENT).map(|()| 0) };
        let mut new = Callback { function, context };
        // With a context it has its own mind.
        if context == 0 && function == self.address(Callback::default(), own) {
            new.function = 0;
        }
        let before = std::mem::replace(which(&mut found.lock()), new);
        UserPtr::new(old).write_opt(self.k, self.address(before, own))?;
        UserPtr::new(old_context).write_opt(self.k, before.context)?;
        Ok(0)
    }

    /// ucnv_cbToUWriteUChars.
    fn write_units(&self) -> Nt<u64> {
        let [structure, source, length, offset, at, ..] = self.arguments;
        if self.failed(at)? {
            return Ok(0);
        }
        let units = UserPtr::<u16>::new(source).read_vec(self.k, (length as i32).clamp(0, 0x1000) as usize)?;
        self.write_more::<ToUnicode>(structure, &units, offset, at)
    }

    /// ucnv_cbFromUWriteUChars.
    fn write_text(&self) -> Nt<u64> {
        let [structure, source_at, limit, offset, at, ..] = self.arguments;
        if self.failed(at)? {
            return Ok(0);
        }
        let source = word(self.k, source_at)?;
        let count = (limit.saturating_sub(source) / 2).min(STRETCH);
        let units = UserPtr::<u16>::new(source).read_vec(self.k, count as usize)?;
        let Some(found) = self.converter(word(self.k, structure.wrapping_add(arguments::CONVERTER))?) else {
            return Ok(0);
        };
        let encoded = found.lock().encode(&units);
        match encoded {
            Some(bytes) => {
                store(self.k, source_at, source.wrapping_add(count * 2))?;
                self.write_more::<FromUnicode>(structure, &bytes, offset, at)
            }
            None => self.fail(at, error::INVALID_CHAR_FOUND).map(|()| 0),
        }
    }

    /// ucnv_cbFromUWriteSub.
    fn write_substitute(&self, structure: u64, offset: u64, at: u64) -> Nt<u64> {
        let Some(found) = self.converter(word(self.k, structure.wrapping_add(arguments::CONVERTER))?) else {
            return Ok(0);
        };
        let bytes = found.lock().substitute();
        self.write_more::<FromUnicode>(structure, &bytes, offset, at)
    }

    /// Whether the DLL's own functions see to what is told for that reason; their context may say that they stop at what is no character.
    fn sees_to(&self, context: u64, why: u32) -> Nt<bool> {
        let stops = context != 0 && UserPtr::<u8>::new(context).read(self.k)? == b'i';
        Ok(u64::from(why) <= reason::IRREGULAR && (!stops || u64::from(why) == reason::UNASSIGNED))
    }

    fn substitute_read(&self, context: u64, structure: u64, why: u32) -> Nt<u64> {
        let at = self.arguments[5];
        if !self.sees_to(context, why)? {
            return Ok(0);
        }
        self.fail(at, 0)?;
        self.write_more::<ToUnicode>(structure, &[0xfffd], 0, at)
    }

    fn substitute_written(&self, context: u64, structure: u64) -> Nt<u64> {
        let (why, at) = (self.arguments[5] as u32, self.arguments[6]);
        if !self.sees_to(context, why)? {
            return Ok(0);
        }
        self.fail(at, 0)?;
        if self.leaves_out() { Ok(0) } else { self.write_substitute(structure, 0, at) }
    }

    fn skip(&self, context: u64, why: u32, at: u64) -> Nt<u64> {
        if self.sees_to(context, why)? {
            self.fail(at, 0)?;
        }
        Ok(0)
    }

    /// Whether what a UConverterFromUCallback is told of is to be left out.
    fn leaves_out(&self) -> bool {
        let [_, _, _, _, code, why, ..] = self.arguments;
        u64::from(why as u32) == reason::UNASSIGNED && char::from_u32(code as u32).is_some_and(is_ignorable)
    }

    /// Writes what a function of the program's has instead, where the structure says; what has no room waits in the converter.
    fn write_more<W: Way>(&self, structure: u64, out: &[W::To], offset: u64, at: u64) -> Nt<u64> {
        let field = |place: u64| structure.wrapping_add(place);
        let Some(found) = self.converter(word(self.k, field(arguments::CONVERTER))?) else { return Ok(0) };
        let out: Vec<(W::To, i32)> = out.iter().map(|one| (*one, offset as i32)).collect();
        let mut place = Place {
            target: word(self.k, field(arguments::TARGET))?,
            limit: word(self.k, field(arguments::LIMIT))?,
            offsets: word(self.k, field(arguments::OFFSETS))?,
        };
        let whole = self.put::<W>(&found, &out, &mut place)?;
        store(self.k, field(arguments::TARGET), place.target)?;
        store(self.k, field(arguments::OFFSETS), place.offsets)?;
        if !whole {
            self.fail(at, error::BUFFER_OVERFLOW)?;
        }
        Ok(0)
    }

    /// Stores as much as there is room for; the rest waits in the converter. Answers whether that was all.
    fn put<W: Way>(&self, converter: &Mutex<Converter>, out: &[(W::To, i32)], place: &mut Place) -> Nt<bool> {
        let size = size_of::<W::To>() as u64;
        let room = (place.limit.saturating_sub(place.target) / size) as usize;
        let (now, later) = out.split_at(room.min(out.len()));
        let values: Vec<W::To> = now.iter().map(|(value, _)| *value).collect();
        self.k.write_user(place.target, values.as_bytes())?;
        place.target = place.target.wrapping_add(values.len() as u64 * size);
        if place.offsets != 0 {
            let offsets: Vec<i32> = now.iter().map(|(_, offset)| *offset).collect();
            self.k.write_user(place.offsets, offsets.as_bytes())?;
            place.offsets = place.offsets.wrapping_add(offsets.len() as u64 * 4);
        }
        W::kept(&mut converter.lock()).extend(later.iter().map(|(value, _)| *value));
        Ok(later.is_empty())
    }

    /// ucnv_toUnicode and ucnv_fromUnicode: 1 if a function of the program's is to be called before this is called again, as the block says.
    fn convert<W: Way>(&self) -> Nt<u64> {
        let [number, target_at, limit, source_at, end, offsets, flush, at] = self.arguments;
        let (block, flush) = (self.second, flush as u8 != 0);
        let told = |place: u64| block.wrapping_add(block::ARGUMENTS + place);
        let comes_back = word(self.k, block)? != 0;
        let Some(found) = self.converter(number) else {
            return if self.failed(at)? { Ok(0) } else { self.fail(at, ILLEGAL_ARGUMENT).map(|()| 0) };
        };
        let (begin, mut source, mut place) = if comes_back {
            let place = Place {
                target: word(self.k, told(arguments::TARGET))?,
                limit,
                offsets: word(self.k, told(arguments::OFFSETS))?,
            };
            (word(self.k, block.wrapping_add(block::BEGIN))?, word(self.k, told(arguments::SOURCE))?, place)
        } else {
            if self.failed(at)? {
                return Ok(0);
            }
            let source = if source_at == 0 { u64::MAX } else { word(self.k, source_at)? };
            let target = if target_at == 0 { u64::MAX } else { word(self.k, target_at)? };
            if source > end || target > limit {
                return self.fail(at, ILLEGAL_ARGUMENT).map(|()| 0);
            }
            (source, source, Place { target, limit, offsets })
        };
        let finish = |place: &Place, source: u64| -> Nt<u64> {
            store(self.k, source_at, source)?;
            store(self.k, target_at, place.target)?;
            Ok(0)
        };
        if comes_back {
            self.count_offsets(place.offsets)?;
            if self.failed(at)? {
                return finish(&place, source);
            }
        } else {
            let kept = std::mem::take(W::kept(&mut found.lock()));
            let kept: Vec<(W::To, i32)> = kept.into_iter().map(|value| (value, -1)).collect();
            if !self.put::<W>(&found, &kept, &mut place)? {
                self.fail(at, error::BUFFER_OVERFLOW)?;
                return finish(&place, source);
            }
        }
        let size = size_of::<W::From>() as u64;
        loop {
            let left = end.saturating_sub(source) / size;
            let count = left.min(STRETCH);
            let given = UserPtr::<W::From>::new(source).read_vec(self.k, count as usize)?;
            let room = (place.limit.saturating_sub(place.target) / size_of::<W::To>() as u64) as usize;
            if room == 0 && left != 0 {
                self.fail(at, error::BUFFER_OVERFLOW)?;
                return finish(&place, source);
            }
            let index = i32::try_from(source.wrapping_sub(begin) / size).unwrap_or(i32::MAX);
            // At the end there may be more to write than there is room for: that waits.
            let last = flush && count == left;
            let enough = if left == 0 { room.max(1) } else { room };
            let done = W::stretch(&mut found.lock(), &given, index, enough, last);
            let ended = done.taken as u64 == left;
            source = source.wrapping_add(done.taken as u64 * size);
            if !self.put::<W>(&found, &done.out, &mut place)? {
                self.fail(at, error::BUFFER_OVERFLOW)?;
                return finish(&place, source);
            }
            if let Some(wrong) = done.wrong {
                let callback = W::callback(&found.lock());
                self.ask::<W>(block, callback, (source, &place, begin), &wrong)?;
                return Ok(1);
            }
            if ended && (!last || done.out.len() < enough) {
                return finish(&place, source);
            }
        }
    }

    /// Offsets that a function of the program's wrote are counted from what it was called for.
    fn count_offsets(&self, end: u64) -> Nt<()> {
        let [begin, index] = [block::OFFSETS, block::INDEX].map(|place| word(self.k, self.second.wrapping_add(place)));
        let (begin, index) = (begin?, index?);
        if begin == 0 || end <= begin {
            return Ok(());
        }
        let count = ((end - begin) / 4).min(STRETCH);
        let mut offsets = UserPtr::<i32>::new(begin).read_vec(self.k, count as usize)?;
        for offset in offsets.iter_mut().filter(|offset| **offset >= 0) {
            *offset = offset.saturating_add(index as i32);
        }
        self.k.write_user(begin, offsets.as_bytes())
    }

    /// Has a function of the program's called for what can't be converted.
    fn ask<W: Way>(
        &self,
        block: u64,
        callback: Callback,
        now: (u64, &Place, u64),
        wrong: &converter::Wrong<W::From>,
    ) -> Nt<()> {
        let [number, _, _, _, end, _, flush, at] = self.arguments;
        let (source, place, begin) = now;
        let (structure, what) = (block.wrapping_add(block::ARGUMENTS), block.wrapping_add(block::WHAT));
        let mut units = wrong.what.as_bytes().to_vec();
        units.resize(8, 0);
        self.k.write_user(what, &units)?;
        let taken = source.wrapping_sub(begin) / size_of::<W::From>() as u64;
        let index = taken.saturating_sub(wrong.what.len() as u64);
        let kept = [begin, place.offsets, index];
        self.k.write_user(block.wrapping_add(block::BEGIN), kept.as_bytes())?;
        let head = u64::from(arguments::SIZE) | u64::from(flush as u8) << 16;
        let told = [head, number, source, end, place.target, place.limit, place.offsets];
        self.k.write_user(structure, told.as_bytes())?;
        let why = if wrong.error == error::INVALID_CHAR_FOUND { reason::UNASSIGNED } else { reason::ILLEGAL };
        let first = [callback.function, callback.context, structure, what, wrong.what.len() as u64];
        self.k.write_user(block, first.as_bytes())?;
        let rest = match W::code(&wrong.what) {
            Some(code) => [code.into(), why, at],
            None => [why, at, 0],
        };
        self.k.write_user(block.wrapping_add(40), rest.as_bytes())?;
        self.fail(at, wrong.error)
    }
}

/// Where what is converted goes.
struct Place {
    target: u64,
    limit: u64,
    /// 0 for none.
    offsets: u64,
}

/// One of the two ways to convert.
trait Way {
    /// What is given.
    type From: crate::um::Plain + Copy;
    /// What is made of it.
    type To: crate::um::Plain + Copy;
    /// What had no room.
    fn kept(converter: &mut Converter) -> &mut Vec<Self::To>;
    /// What is called for what can't be converted.
    fn callback(converter: &Converter) -> Callback;
    /// A stretch of work.
    fn stretch(
        converter: &mut Converter,
        given: &[Self::From],
        at: i32,
        room: usize,
        last: bool,
    ) -> converter::Stretch<Self::From, Self::To>;
    /// The character that can't be converted, where a function is told it.
    fn code(what: &[Self::From]) -> Option<u32>;
}

/// Bytes are read.
struct ToUnicode;
/// UTF-16 is written.
struct FromUnicode;

impl Way for ToUnicode {
    type From = u8;
    type To = u16;

    fn kept(converter: &mut Converter) -> &mut Vec<u16> {
        &mut converter.units
    }

    fn callback(converter: &Converter) -> Callback {
        converter.reads
    }

    fn stretch(
        converter: &mut Converter,
        given: &[u8],
        at: i32,
        room: usize,
        last: bool,
    ) -> converter::Stretch<u8, u16> {
        converter.read(given, at, room, last)
    }

    fn code(_: &[u8]) -> Option<u32> {
        None
    }
}

impl Way for FromUnicode {
    type From = u16;
    type To = u8;

    fn kept(converter: &mut Converter) -> &mut Vec<u8> {
        &mut converter.bytes
    }

    fn callback(converter: &Converter) -> Callback {
        converter.writes
    }

    fn stretch(
        converter: &mut Converter,
        given: &[u16],
        at: i32,
        room: usize,
        last: bool,
    ) -> converter::Stretch<u16, u8> {
        converter.write(given, at, room, last)
    }

    fn code(what: &[u16]) -> Option<u32> {
        let found = char::decode_utf16(what.iter().copied()).next()?;
        Some(found.map_or_else(|half| half.unpaired_surrogate().into(), u32::from))
    }
}
