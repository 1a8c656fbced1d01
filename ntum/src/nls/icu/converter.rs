//! A converter: what it is in the middle of, in either direction, and one stretch of work at a time on copies of what programs have in their memory.

use super::codec::{Kind, Read, Reader, Writer};
use super::names;

/// UErrorCode: what goes wrong with a text.
pub mod error {
    pub const INVALID_CHAR_FOUND: i32 = 10;
    pub const TRUNCATED_CHAR_FOUND: i32 = 11;
    pub const ILLEGAL_CHAR_FOUND: i32 = 12;
    pub const BUFFER_OVERFLOW: i32 = 15;
}
/// UConverterCallbackReason: no character of the other side's, none at all; those up to IRREGULAR are about characters.
pub mod reason {
    pub const UNASSIGNED: u64 = 0;
    pub const ILLEGAL: u64 = 1;
    pub const IRREGULAR: u64 = 2;
}

/// What a program has called for what can't be converted; 0: the substitute is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Callback {
    /// Address.
    pub function: u64,
    /// Its first argument.
    pub context: u64,
}

/// What can't be converted: whoever asked is to be called.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong<T> {
    /// What it is.
    pub what: Vec<T>,
    /// [`error`].
    pub error: i32,
}

/// What a stretch came to.
#[derive(Debug)]
pub struct Stretch<From, To> {
    /// How much of what was given it took.
    pub taken: usize,
    /// What is written, each with the place in what was given that it comes from: -1 for what was given before.
    pub out: Vec<(To, i32)>,
    /// What it stopped at.
    pub wrong: Option<Wrong<From>>,
}

/// A converter.
pub struct Converter {
    /// Its encoding's place in [`names::ALL`].
    pub which: usize,
    kind: Kind,
    reader: Reader,
    writer: Writer,
    /// What was read and had no room.
    pub units: Vec<u16>,
    /// What was written and had no room.
    pub bytes: Vec<u8>,
    /// The first half of a pair.
    high: Option<u16>,
    /// Called while bytes are read.
    pub reads: Callback,
    /// Called while characters are written.
    pub writes: Callback,
}

impl Converter {
    /// One for an encoding; `None` if there is no such.
    pub fn new(which: usize) -> Option<Converter> {
        let kind = names::ALL.get(which)?.kind;
        let (reader, writer) = (Reader::new(kind), Writer::new(kind));
        let (reads, writes) = (Callback::default(), Callback::default());
        Some(Converter { which, kind, reader, writer, units: Vec::new(), bytes: Vec::new(), high: None, reads, writes })
    }

    /// Bytes at most and at least for each UTF-16 unit.
    pub fn sizes(&self) -> (i8, i8) {
        let least = match self.kind {
            Kind::Wide { long: true, .. } => 4,
            Kind::Wide { .. } => 2,
            _ => 1,
        };
        (self.kind.most(), least)
    }

    /// Reading begins anew.
    pub fn reset_reader(&mut self) {
        self.reader = Reader::new(self.kind);
        self.units.clear();
    }

    /// Writing begins anew.
    pub fn reset_writer(&mut self) {
        self.writer = Writer::new(self.kind);
        self.bytes.clear();
        self.high = None;
    }

    /// Bytes that are no character yet.
    pub fn unread(&self) -> usize {
        self.reader.pending()
    }

    /// UTF-16 units that are no character yet.
    pub fn unwritten(&self) -> usize {
        usize::from(self.high.is_some())
    }

    /// Bytes that stand for what has none.
    pub fn substitute(&mut self) -> Vec<u8> {
        let best = self.writer.character('\u{fffd}').filter(|_| !matches!(self.kind, Kind::Plain(_)));
        best.or_else(|| self.writer.character('?')).unwrap_or_default()
    }

    /// Reads `bytes`, which lie at `place` in what was given, until there are `room` units; with `last` the text ends behind them.
    pub fn read(&mut self, bytes: &[u8], place: i32, room: usize, last: bool) -> Stretch<u8, u16> {
        let mut stretch = Stretch { taken: 0, out: Vec::new(), wrong: None };
        let mut begin = if self.reader.pending() == 0 { place } else { -1 };
        while let Some(byte) = bytes.get(stretch.taken) {
            if stretch.out.len() >= room {
                return stretch;
            }
            match self.reader.byte(*byte) {
                Read::Units(units) => {
                    stretch.taken += 1;
                    stretch.out.extend(units.into_iter().map(|unit| (unit, begin)));
                }
                Read::Wrong { bytes, again } => {
                    stretch.taken += usize::from(!again);
                    if !self.takes_substitute(bytes, error::ILLEGAL_CHAR_FOUND, begin, &mut stretch) {
                        return stretch;
                    }
                }
            }
            if self.reader.pending() == 0 {
                begin = place.saturating_add(stretch.taken as i32);
            }
        }
        if last && stretch.out.len() < room {
            let left = self.reader.end();
            if !left.is_empty() {
                self.takes_substitute(left, error::TRUNCATED_CHAR_FOUND, begin, &mut stretch);
            }
        }
        stretch
    }

    /// Puts a substitute where bytes mean nothing, unless the program wants to be called.
    fn takes_substitute(&self, what: Vec<u8>, error: i32, begin: i32, stretch: &mut Stretch<u8, u16>) -> bool {
        let own = self.reads.function == 0;
        if own {
            stretch.out.push((0xfffd, begin));
        } else {
            stretch.wrong = Some(Wrong { what, error });
        }
        own
    }

    /// Writes `units`, which lie at `place` in what was given, until there are `room` bytes; with `last` the text ends behind them.
    pub fn write(&mut self, units: &[u16], place: i32, room: usize, last: bool) -> Stretch<u16, u8> {
        let mut stretch = Stretch { taken: 0, out: Vec::new(), wrong: None };
        while let Some(unit) = units.get(stretch.taken).copied() {
            if stretch.out.len() >= room {
                return stretch;
            }
            let at = if self.high.is_some() { stretch.taken as i32 - 1 } else { stretch.taken as i32 };
            let at = if at < 0 && place == 0 { -1 } else { place.saturating_add(at) };
            let (what, found) = match (self.high.take(), unit) {
                (Some(high), 0xdc00..=0xdfff) => {
                    stretch.taken += 1;
                    let character = char::decode_utf16([high, unit]).next().and_then(Result::ok);
                    (vec![high, unit], character)
                }
                (Some(high), _) => (vec![high], None),
                (None, 0xd800..=0xdbff) => {
                    stretch.taken += 1;
                    self.high = Some(unit);
                    continue;
                }
                (None, _) => {
                    stretch.taken += 1;
                    (vec![unit], char::from_u32(unit.into()))
                }
            };
            let wrong = match found.map(|character| (character, self.writer.character(character))) {
                Some((_, Some(bytes))) => {
                    stretch.out.extend(bytes.into_iter().map(|byte| (byte, at)));
                    continue;
                }
                Some((character, None)) if self.writes.function == 0 && is_ignorable(character) => continue,
                Some(_) => error::INVALID_CHAR_FOUND,
                None => error::ILLEGAL_CHAR_FOUND,
            };
            if !self.writes_substitute(what, wrong, at, &mut stretch) {
                return stretch;
            }
        }
        if last && stretch.out.len() < room {
            if let Some(high) = self.high.take()
                && !self.writes_substitute(vec![high], error::TRUNCATED_CHAR_FOUND, -1, &mut stretch)
            {
                return stretch;
            }
            stretch.out.extend(self.writer.end().into_iter().map(|byte| (byte, -1)));
        }
        stretch
    }

    fn writes_substitute(&mut self, what: Vec<u16>, error: i32, at: i32, stretch: &mut Stretch<u16, u8>) -> bool {
        let own = self.writes.function == 0;
        if own {
            stretch.out.extend(self.substitute().into_iter().map(|byte| (byte, at)));
        } else {
            stretch.wrong = Some(Wrong { what, error });
        }
        own
    }

    /// The bytes of a text that a program writes for something else; `None` if it can't be written.
    pub fn encode(&mut self, units: &[u16]) -> Option<Vec<u8>> {
        let text: Option<Vec<Vec<u8>>> =
            char::decode_utf16(units.iter().copied()).map(|found| self.writer.character(found.ok()?)).collect();
        text.map(|text| text.concat())
    }
}

/// What is left out where an encoding has nothing for it (Default_Ignorable_Code_Point).
pub fn is_ignorable(character: char) -> bool {
    matches!(u32::from(character),
        0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e
        | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfff8 | 0x1bca0..=0x1bca3
        | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Converter {
        Converter::new(names::find(name).unwrap()).unwrap()
    }

    #[test]
    fn a_text_is_read_in_pieces() {
        let mut jis = named("Shift_JIS");
        let first = jis.read(b"a\x93", 0, 10, false);
        assert_eq!((first.taken, first.out, jis.unread()), (2, vec![(0x61, 0)], 1));
        let second = jis.read(b"\xfab", 0, 1, false);
        assert_eq!((second.taken, second.out), (1, vec![(0x65e5, -1)]));
        let third = jis.read(b"b\x93", 1, 9, true);
        assert_eq!((third.taken, third.out), (2, vec![(0x62, 1), (0xfffd, 2)]));
        jis.reads.function = 1;
        let wrong = jis.read(b"\x93", 0, 9, true).wrong.unwrap();
        assert_eq!(wrong, Wrong { what: vec![0x93], error: error::TRUNCATED_CHAR_FOUND });
        assert_eq!(jis.unread(), 0);
    }

    #[test]
    fn what_has_no_bytes_is_told_or_substituted() {
        let mut latin = named("latin1");
        let text: Vec<u16> = "a\u{200b}日é".encode_utf16().collect();
        assert_eq!(latin.write(&text, 0, 10, true).out, [(b'a', 0), (b'?', 2), (0xe9, 3)]);
        latin.writes.function = 1;
        let stopped = latin.write(&text[2..], 2, 10, true);
        assert_eq!((stopped.taken, stopped.wrong), (1, Some(Wrong { what: vec![0x65e5], error: 10 })));
        let stopped = latin.write(&[0xd83d, 0x61], 0, 10, true);
        assert_eq!((stopped.taken, stopped.wrong), (1, Some(Wrong { what: vec![0xd83d], error: 12 })));
        let stopped = latin.write(&[0xd83d], 0, 10, true);
        assert_eq!((stopped.taken, stopped.wrong), (1, Some(Wrong { what: vec![0xd83d], error: 11 })));
        let mut wide = named("utf-16le");
        assert_eq!(wide.write(&[0xd83d], 0, 10, false).taken, 1);
        assert_eq!(wide.unwritten(), 1);
        assert_eq!(wide.write(&[0xde00], 0, 10, true).out.len(), 4);
    }
}
