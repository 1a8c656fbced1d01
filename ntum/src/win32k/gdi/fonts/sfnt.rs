//! What a TrueType or OpenType file says of its faces: names, style, and which characters it is for.

use super::Wide;
use super::face::{Signature, ntm};
use skrifa::raw::tables::name::Name;
use skrifa::raw::types::NameId;
use skrifa::raw::{FileRef, FontRef, TableProvider};

/// What is known of a face.
#[derive(Debug, Clone, Default)]
pub struct Properties {
    /// Family, in the language of the system.
    pub family: Wide,
    /// Family in another language; empty if there is none.
    pub second: Wide,
    /// Style: `Bold`.
    pub style: Wide,
    /// Full name.
    pub full: Wide,
    /// Ranges of Unicode and code pages.
    pub signature: Signature,
    /// NTM_*.
    pub flags: u32,
    /// FW_*.
    pub weight: u32,
    /// The file's own version.
    pub version: u32,
}

/// English (United States).
const ENGLISH: u16 = 0x409;
/// Units of a name at most.
const LONGEST: usize = 511;

/// How many faces a file has.
pub fn count(file: &[u8]) -> u32 {
    match FileRef::new(file) {
        Ok(FileRef::Font(_)) => 1,
        Ok(FileRef::Collection(collection)) => collection.len().min(256),
        Err(_) => 0,
    }
}

/// Looks at a table of a face; `None` if there is none.
pub fn table<R>(file: &[u8], index: u32, tag: &[u8; 4], look: impl FnOnce(&[u8]) -> Option<R>) -> Option<R> {
    let font = FontRef::from_index(file, index).ok()?;
    look(font.table_data(skrifa::Tag::new(tag))?.as_bytes())
}

/// A face of a file; `None` if it is none that GDI takes.
pub fn properties(file: &[u8], index: u32, language: u16) -> Option<Properties> {
    let font = FontRef::from_index(file, index).ok()?;
    let (head, os2) = (font.head().ok()?, font.os2().ok()?);
    font.hhea().ok()?;
    // Wine's build has such files for its bitmap fonts' sake.
    if os2.ach_vend_id() == *b"Wine" && font.table_data(skrifa::Tag::new(b"EBSC")).is_some() {
        return None;
    }
    let name = font.name().ok()?;
    let (family, second) = families(&name, language)?;
    let style = text(&name, NameId::SUBFAMILY_NAME, language).unwrap_or_default();
    let full = text(&name, NameId::FULL_NAME, language);
    let full = full.unwrap_or_else(|| [&family[..], &[u16::from(b' ')], &style[..]].concat());
    let unicode =
        [os2.ul_unicode_range_1(), os2.ul_unicode_range_2(), os2.ul_unicode_range_3(), os2.ul_unicode_range_4()];
    let code_pages = if os2.version() == 0 {
        [if is_symbol(os2.us_first_char_index()) { 1 << 31 } else { 1 }, 0]
    } else {
        [os2.ul_code_page_range_1().unwrap_or(0), os2.ul_code_page_range_2().unwrap_or(0)]
    };
    let signature = Signature { unicode, code_pages };
    let selection = os2.fs_selection().bits();
    let mut flags = 0;
    for (bit, flag) in [(1, ntm::ITALIC), (1 << 5, ntm::BOLD), (1 << 6, ntm::REGULAR)] {
        if selection & bit != 0 {
            flags |= flag;
        }
    }
    if flags == 0 {
        flags = ntm::REGULAR;
    }
    if font.table_data(skrifa::Tag::new(b"CFF ")).is_some() {
        flags |= ntm::POSTSCRIPT;
    }
    let version = head.font_revision().to_bits() as u32;
    Some(Properties { family, second, style, full, signature, flags, weight: os2.us_weight_class().into(), version })
}

/// Whether a font's first character says that it has symbols.
pub fn is_symbol(first: u16) -> bool {
    (0xf000..0xf100).contains(&first)
}

/// All texts of a kind, with their languages, those for Windows before the others.
fn texts(name: &Name<'_>, id: NameId) -> Vec<(u16, Wide)> {
    let mut found = Vec::new();
    for platform in [3, 1, 0] {
        for record in name.name_record().iter().take(4096) {
            if record.platform_id() != platform || record.name_id() != id {
                continue;
            }
            // Of other platforms English alone is looked at, whose number is 0 there.
            let language = match (platform, record.language_id()) {
                (3, language) => language,
                (_, 0) => ENGLISH,
                _ => continue,
            };
            let Ok(text) = record.string(name.string_data()) else { continue };
            let mut buffer = [0; 2];
            let units =
                text.chars().flat_map(|letter| letter.encode_utf16(&mut buffer).to_vec()).take(LONGEST).collect();
            found.push((language, units));
        }
        if found.iter().any(|(language, _)| *language == ENGLISH) {
            break;
        }
    }
    found
}

/// The family's name and another one.
fn families(name: &Name<'_>, language: u16) -> Option<(Wide, Wide)> {
    let all = texts(name, NameId::FAMILY_NAME);
    let own = all.iter().find(|(of, _)| *of == language);
    let english = all.iter().find(|(of, _)| *of == ENGLISH);
    let first = own.or(english).or(all.first())?;
    let second = all.iter().find(|(of, text)| *of != first.0 && *text != first.1);
    Some((first.1.clone(), second.map(|(_, text)| text.clone()).unwrap_or_default()))
}

/// A text in the language, else in English.
pub fn text(name: &Name<'_>, id: NameId, language: u16) -> Option<Wide> {
    let all = texts(name, id);
    let of = |wanted: u16| all.iter().find(|(language, _)| *language == wanted).map(|(_, text)| text.clone());
    of(language).or_else(|| of(ENGLISH)).or_else(|| all.first().map(|(_, text)| text.clone()))
}
