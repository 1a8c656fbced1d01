//! Bytes in a code page and text: UTF-8, and what the image has an NLS file for.
//!
//! Layout of `c_*.nls`, in 16-bit words: size of the header; code page; bytes of a character at most; default character
//! (as bytes); the same as text; the same the other way; default when a best fit fails; 12 lead byte ranges (6 words).
//! Then, at the header's size: words to the table of text to bytes, counted from the next word; 256 words for single
//! bytes; a word that is 256 if 256 glyph words follow; a count of lead byte ranges; if not 0, 256 words, each the place
//! of a lead byte's table counted from their start. The last table has bytes (one-byte pages) or words for each unit.

use crate::kernel::Kernel;
use crate::status::*;
use parking_lot::Mutex;
use std::collections::HashMap;

/// CP_UTF8.
pub const UTF8: u32 = 65001;
/// CP_UTF7, CP_UTF16: no code pages for a console.
const REFUSED: [u32; 5] = [65000, 1200, 1201, 12000, 12001];

/// A code page's tables.
#[derive(Clone, Copy)]
pub struct Page {
    table: &'static [u8],
    /// Place of the table for single bytes, in bytes.
    single: usize,
    /// Place of the lead bytes' tables, 0 for a one-byte page.
    lead: usize,
    /// Place of the table of text to bytes.
    text: usize,
    default: u16,
}

/// Pages that were opened.
#[derive(Default)]
pub struct Pages {
    open: Mutex<HashMap<u32, Option<Page>>>,
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|raw| u16::from_le_bytes(*raw))
}

impl Page {
    /// Takes the bytes of an NLS file; `None` if they are something else.
    pub fn open(table: &'static [u8]) -> Option<Page> {
        let header = usize::from(word(table, 0)?) * 2;
        let double = word(table, 4)? == 2;
        let default = word(table, 6)?;
        let text = header + 2 + usize::from(word(table, header)?) * 2;
        let single = header + 2;
        let glyphs = single + 512;
        let ranges = glyphs + 2 + if word(table, glyphs)? != 0 { 512 } else { 0 };
        let lead = if word(table, ranges)? != 0 { ranges + 2 } else { 0 };
        let size = if double { 2 * 0x1_0000 } else { 0x1_0000 };
        table.get(text..text + size)?;
        if double != (lead != 0) {
            return None;
        }
        Some(Page { table, single, lead, text, default })
    }

    /// Text of bytes; answers how many bytes were used: a lead byte at the end waits for its trail.
    fn decode(&self, bytes: &[u8], out: &mut Vec<u16>) -> usize {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let place =
                if self.lead == 0 { 0 } else { word(self.table, self.lead + usize::from(*byte) * 2).unwrap_or(0) };
            if place == 0 {
                out.push(word(self.table, self.single + usize::from(*byte) * 2).unwrap_or(0xfffd));
                at += 1;
                continue;
            }
            let Some(trail) = bytes.get(at + 1) else { break };
            let entry = self.lead + (usize::from(place) + usize::from(*trail)) * 2;
            out.push(word(self.table, entry).unwrap_or(0xfffd));
            at += 2;
        }
        at
    }

    fn encode(&self, unit: u16, out: &mut Vec<u8>) {
        if self.lead == 0 {
            out.push(self.table.get(self.text + usize::from(unit)).copied().unwrap_or(self.default as u8));
            return;
        }
        let value = word(self.table, self.text + usize::from(unit) * 2).unwrap_or(self.default);
        if value >= 0x100 {
            out.push((value >> 8) as u8);
        }
        out.push(value as u8);
    }
}

impl Pages {
    fn page(&self, k: &'static Kernel, number: u32) -> Option<Page> {
        let mut open = self.open.lock();
        *open.entry(number).or_insert_with(|| {
            let stream = k.host.open_image(&format!("nls/c_{number:03}.nls")).ok()?;
            Page::open(k.host.map_forever(&stream).ok()?)
        })
    }

    /// Whether a console can use it.
    pub fn is_valid(&self, k: &'static Kernel, number: u32) -> bool {
        number == UTF8 || (!REFUSED.contains(&number) && self.page(k, number).is_some())
    }

    /// Text of bytes; what is left of a character at their end stays in `bytes`.
    pub fn decode(&self, k: &'static Kernel, number: u32, bytes: &mut Vec<u8>) -> Vec<u16> {
        let mut out = Vec::with_capacity(bytes.len());
        let used = match self.page_unless_utf8(k, number) {
            Some(page) => page.decode(bytes, &mut out),
            None => decode_utf8(bytes, &mut out),
        };
        bytes.drain(..used);
        out
    }

    /// Bytes of text.
    pub fn encode(&self, k: &'static Kernel, number: u32, text: &[u16]) -> Vec<u8> {
        match self.page_unless_utf8(k, number) {
            Some(page) => {
                let mut out = Vec::with_capacity(text.len());
                text.iter().for_each(|unit| page.encode(*unit, &mut out));
                out
            }
            None => String::from_utf16_lossy(text).into_bytes(),
        }
    }

    fn page_unless_utf8(&self, k: &'static Kernel, number: u32) -> Option<Page> {
        if number == UTF8 { None } else { self.page(k, number) }
    }
}

fn decode_utf8(bytes: &[u8], out: &mut Vec<u16>) -> usize {
    let mut at = 0;
    loop {
        match std::str::from_utf8(&bytes[at..]) {
            Ok(text) => {
                out.extend(text.encode_utf16());
                return bytes.len();
            }
            Err(error) => {
                let good = at + error.valid_up_to();
                out.extend(String::from_utf8_lossy(&bytes[at..good]).encode_utf16());
                match error.error_len() {
                    Some(length) => {
                        out.push(0xfffd);
                        at = good + length;
                    }
                    None => return good,
                }
            }
        }
    }
}

/// The OEM code page of the user's locale; 437 if the image does not say.
pub fn oem(k: &'static Kernel) -> u32 {
    let locale = |file| crate::nls::locale::Locales::open(file)?.find(&k.boot.locale).map(|l| l.oem_code_page());
    // Locales without an OEM code page say 1: there it is UTF-8.
    match k.nls.file(k.host).and_then(locale) {
        Some(1) => UTF8,
        Some(number) if number != 0 => number,
        _ => 437,
    }
}

/// The ANSI code page of the user's locale; 1252 if the image does not say.
pub fn ansi(k: &'static Kernel) -> u32 {
    let locale = |file| crate::nls::locale::Locales::open(file)?.find(&k.boot.locale).map(|l| l.ansi_code_page());
    // As for the other one.
    match k.nls.file(k.host).and_then(locale) {
        Some(0) => UTF8,
        Some(number) => number,
        None => 1252,
    }
}

/// A code page that a program sets.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` if there is no such code page.
pub fn check(k: &'static Kernel, number: u32) -> Nt<u32> {
    if k.io.console.pages.is_valid(k, number) { Ok(number) } else { Err(STATUS_INVALID_PARAMETER) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_waits_for_the_rest_of_a_character() {
        let (mut out, mut bytes) = (Vec::new(), b"a\xc3".to_vec());
        let used = decode_utf8(&bytes, &mut out);
        bytes.drain(..used);
        bytes.extend(b"\xa9\xffb");
        decode_utf8(&bytes, &mut out);
        assert_eq!(String::from_utf16_lossy(&out), "aé\u{fffd}b");
    }

    #[test]
    fn a_one_byte_page_in_its_file_layout() {
        let mut words: Vec<u16> = vec![13, 437, 1, 0x3f, 0x3f, 0x3f, 0x3f, 0, 0, 0, 0, 0, 0];
        words.push(256 + 1 + 1 + 1);
        words.extend((0..256u16).map(|byte| if byte == 0x82 { 0xe9 } else { byte }));
        words.extend([0, 0, 0]);
        let mut file: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        let mut back = vec![0x3f; 0x1_0000];
        (0..0x80).for_each(|c| back[c] = c as u8);
        back[0xe9] = 0x82;
        file.extend(back);
        let page = Page::open(Box::leak(file.into_boxed_slice())).unwrap();
        let (mut text, mut bytes) = (Vec::new(), Vec::new());
        assert_eq!(page.decode(b"x\x82", &mut text), 2);
        assert_eq!(text, [0x78, 0xe9]);
        text.push(0x4e00);
        text.iter().for_each(|unit| page.encode(*unit, &mut bytes));
        assert_eq!(bytes, b"x\x82?");
    }
}
