//! Reads and writes one encoding, a byte or a character at a time: what a step brings about is told before the next is made, so that whoever has no room
//! for more can stop after any of them.

use encoding_rs::{Decoder, DecoderResult, Encoder, EncoderResult, Encoding};

/// How an encoding is read and written.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Bytes below that number are characters.
    Plain(u32),
    /// UTF-16 or UTF-32 (`long`), with the byte that counts most first (`big`) or last.
    Wide {
        /// Big-endian.
        big: bool,
        /// Four bytes each.
        long: bool,
    },
    /// As pages of the web have it.
    Web(&'static Encoding),
}

impl Kind {
    /// Bytes at most for each UTF-16 unit, as `ucnv_getMaxCharSize` tells it.
    pub fn most(self) -> i8 {
        match self {
            Kind::Plain(_) => 1,
            Kind::Wide { long, .. } => {
                if long {
                    4
                } else {
                    2
                }
            }
            Kind::Web(encoding) if encoding.is_single_byte() => 1,
            Kind::Web(encoding) => match encoding.name() {
                "UTF-8" | "EUC-JP" => 3,
                "gb18030" => 4,
                "ISO-2022-JP" => 6,
                _ => 2,
            },
        }
    }
}

/// What a byte brought about.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// UTF-16 units, maybe none yet.
    Units(Vec<u16>),
    /// These bytes mean nothing. The last one given is to be given again if `again`.
    Wrong {
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether the last byte given is none of them.
        again: bool,
    },
}

/// A reader of one text.
pub struct Reader {
    kind: Kind,
    decoder: Option<Decoder>,
    /// Bytes that are no character yet.
    pending: Vec<u8>,
}

impl Reader {
    /// One that has read nothing.
    pub fn new(kind: Kind) -> Reader {
        let decoder = match kind {
            Kind::Web(encoding) => Some(encoding.new_decoder_without_bom_handling()),
            _ => None,
        };
        Reader { kind, decoder, pending: Vec::new() }
    }

    /// How many bytes it has that are no character yet.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The next byte.
    pub fn byte(&mut self, byte: u8) -> Read {
        match self.kind {
            Kind::Plain(end) if u32::from(byte) < end => Read::Units(vec![byte.into()]),
            Kind::Plain(_) => Read::Wrong { bytes: vec![byte], again: false },
            Kind::Wide { big, long } => {
                self.pending.push(byte);
                self.wide(big, long)
            }
            Kind::Web(_) => self.web(byte),
        }
    }

    fn wide(&mut self, big: bool, long: bool) -> Read {
        let number = |bytes: &[u8]| {
            let shift = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
            if big { bytes.iter().fold(0, shift) } else { bytes.iter().rev().fold(0, shift) }
        };
        let size = if long { 4 } else { 2 };
        if self.pending.len() < size {
            return Read::Units(Vec::new());
        }
        let first = number(self.pending.get(..size).unwrap_or_default());
        let second = self.pending.get(size..size + 2).map(number);
        let mut units = [0; 2];
        let found = match (first, second) {
            (0xd800..=0xdbff, None) if !long => return Read::Units(Vec::new()),
            (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) if !long => Some(vec![first as u16, low as u16]),
            _ => char::from_u32(first).map(|character| character.encode_utf16(&mut units).to_vec()),
        };
        match found {
            Some(units) => {
                self.pending.clear();
                Read::Units(units)
            }
            None => {
                // Half a pair is wrong alone; what comes behind it is looked at again, all but the last byte by itself.
                let wrong = self.pending.drain(..size).collect();
                let again = self.pending.pop().is_some();
                Read::Wrong { bytes: wrong, again }
            }
        }
    }

    fn web(&mut self, byte: u8) -> Read {
        let Some(decoder) = &mut self.decoder else { return Read::Units(Vec::new()) };
        let mut units = [0; 8];
        let (result, read, written) = decoder.decode_to_utf16_without_replacement(&[byte], &mut units, false);
        if read != 0 {
            self.pending.push(byte);
        }
        if let DecoderResult::Malformed(_, behind) = result {
            let kept = self.pending.len().saturating_sub(behind.into());
            let rest = self.pending.split_off(kept);
            return Read::Wrong { bytes: std::mem::replace(&mut self.pending, rest), again: read == 0 };
        }
        // What changes the character set for what follows is whole, and no character.
        let shift = self.pending.len() == 3 && self.pending.first() == Some(&0x1b);
        if written != 0 || shift {
            self.pending.clear();
        }
        Read::Units(units.get(..written).unwrap_or_default().to_vec())
    }

    /// The text ends: bytes that are no character, if there are some. It begins anew then.
    pub fn end(&mut self) -> Vec<u8> {
        let left = std::mem::take(&mut self.pending);
        *self = Reader::new(self.kind);
        left
    }
}

/// A writer of one text.
pub struct Writer {
    kind: Kind,
    encoder: Option<Encoder>,
}

impl Writer {
    /// One that has written nothing.
    pub fn new(kind: Kind) -> Writer {
        let encoder = match kind {
            Kind::Web(encoding) => Some(encoding.new_encoder()),
            _ => None,
        };
        Writer { kind, encoder }
    }

    /// The bytes of a character; `None` if the encoding has none for it.
    pub fn character(&mut self, character: char) -> Option<Vec<u8>> {
        let code = u32::from(character);
        match self.kind {
            Kind::Plain(end) => u8::try_from(code).ok().filter(|_| code < end).map(|byte| vec![byte]),
            Kind::Wide { big, long: true } => Some(if big { code.to_be_bytes() } else { code.to_le_bytes() }.to_vec()),
            Kind::Wide { big, long: false } => {
                let mut units = [0; 2];
                let units = character.encode_utf16(&mut units).iter();
                Some(units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect())
            }
            Kind::Web(_) => {
                let mut text = [0; 4];
                self.web(character.encode_utf8(&mut text), false)
            }
        }
    }

    fn web(&mut self, text: &str, last: bool) -> Option<Vec<u8>> {
        let mut bytes = [0; 32];
        let (result, _, written) = self.encoder.as_mut()?.encode_from_utf8_without_replacement(text, &mut bytes, last);
        let written = bytes.get(..written).unwrap_or_default().to_vec();
        match result {
            EncoderResult::Unmappable(_) => None,
            EncoderResult::InputEmpty | EncoderResult::OutputFull => Some(written),
        }
    }

    /// The text ends: what is written behind it. It begins anew then.
    pub fn end(&mut self) -> Vec<u8> {
        let behind = self.web("", true).unwrap_or_default();
        *self = Writer::new(self.kind);
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, bytes: &[u8]) -> (String, Vec<Vec<u8>>, usize) {
        let mut reader = Reader::new(kind);
        let (mut units, mut wrong) = (Vec::new(), Vec::new());
        for byte in bytes {
            loop {
                match reader.byte(*byte) {
                    Read::Units(new) => units.extend(new),
                    Read::Wrong { bytes, again } => {
                        wrong.push(bytes);
                        if again {
                            continue;
                        }
                    }
                }
                break;
            }
        }
        (String::from_utf16_lossy(&units), wrong, reader.pending())
    }

    static JIS: Kind = Kind::Web(encoding_rs::SHIFT_JIS);
    static JP: Kind = Kind::Web(encoding_rs::ISO_2022_JP);
    static UTF8: Kind = Kind::Web(encoding_rs::UTF_8);
    const WIDE: Kind = Kind::Wide { big: false, long: false };
    const LONG: Kind = Kind::Wide { big: true, long: true };

    #[test]
    fn bytes_are_read_one_by_one() {
        assert_eq!(read(JIS, b"a\x93\xfa"), ("a日".into(), vec![], 0));
        assert_eq!(read(JIS, b"\x93"), (String::new(), vec![], 1));
        assert_eq!(read(JIS, b"\x81 b"), (" b".into(), vec![vec![0x81]], 0));
        assert_eq!(read(JP, b"\x1b$BF|\x1b(Bx"), ("日x".into(), vec![], 0));
        assert_eq!(read(UTF8, "a😀".as_bytes()), ("a😀".into(), vec![], 0));
        assert_eq!(read(UTF8, b"\xf0\x9f\x98x"), ("x".into(), vec![vec![0xf0, 0x9f, 0x98]], 0));
        assert_eq!(read(Kind::Plain(0x80), b"a\x80b"), ("ab".into(), vec![vec![0x80]], 0));
        assert_eq!(read(Kind::Plain(0x100), b"\xe9"), ("é".into(), vec![], 0));
        assert_eq!(read(WIDE, b"a\0\x3d\xd8\0\xde"), ("a😀".into(), vec![], 0));
        assert_eq!(read(WIDE, b"\x3d\xd8"), (String::new(), vec![], 2));
        assert_eq!(read(LONG, b"\0\x01\xf6\0\0\x11\0\0"), ("😀".into(), vec![vec![0, 0x11, 0, 0]], 0));
    }

    #[test]
    fn half_a_pair_is_wrong_and_what_follows_is_not() {
        assert_eq!(read(WIDE, b"\x3d\xd8a\0b\0"), ("ab".into(), vec![vec![0x3d, 0xd8]], 0));
        assert_eq!(read(WIDE, b"\0\xdea\0"), ("a".into(), vec![vec![0, 0xde]], 0));
    }

    #[test]
    fn characters_are_written_if_there_are_bytes_for_them() {
        let written = |kind, text: &str| {
            let mut writer = Writer::new(kind);
            let mut bytes: Vec<Option<Vec<u8>>> = text.chars().map(|character| writer.character(character)).collect();
            bytes.push(Some(writer.end()));
            bytes.into_iter().collect::<Option<Vec<_>>>().map(|bytes| bytes.concat())
        };
        assert_eq!(written(JIS, "a日"), Some(b"a\x93\xfa".to_vec()));
        assert_eq!(written(JIS, "€"), None);
        assert_eq!(written(JP, "日"), Some(b"\x1b$BF|\x1b(B".to_vec()));
        assert_eq!(written(WIDE, "😀"), Some(b"\x3d\xd8\0\xde".to_vec()));
        assert_eq!(written(LONG, "a"), Some(b"\0\0\0a".to_vec()));
        assert_eq!(written(Kind::Plain(0x80), "é"), None);
    }
}
