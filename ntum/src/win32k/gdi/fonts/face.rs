//! Faces of fonts, families that they belong to, and the catalog of all of them.

use super::fnt::{self, Fnt};
use super::{Wide, sfnt};
use crate::nls::fold;
use parking_lot::Mutex;
use skrifa::Font;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

/// NTM_*: styles of a face.
pub mod ntm {
    /// Slanted.
    pub const ITALIC: u32 = 1;
    /// Bold.
    pub const BOLD: u32 = 1 << 5;
    /// Neither.
    pub const REGULAR: u32 = 1 << 6;
    /// An OpenType font with PostScript outlines.
    pub const POSTSCRIPT: u32 = 1 << 17;
}

/// Bits of a face's `flags`: where it came from.
pub mod origin {
    /// Asked for by a program (AddFontResource).
    pub const RESOURCE: u32 = 1;
    /// By one, for itself.
    pub const PRIVATE: u32 = 2;
    /// Of the program's memory.
    pub const MEMORY: u32 = 4;
}

/// FONTSIGNATURE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signature {
    /// fsUsb.
    pub unicode: [u32; 4],
    /// fsCsb.
    pub code_pages: [u32; 2],
}

/// FS_JISJAPAN, FS_CHINESESIMP, FS_WANSUNG, FS_CHINESETRAD, FS_JOHAB.
const DOUBLE_BYTE: u32 = 0x3e_0000;

/// The size of a bitmap font.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BitmapSize {
    /// Rows.
    pub height: i32,
    /// Pixels of an em, across and down, in 64ths.
    pub ppem: (i32, i32),
    /// Rows for accents.
    pub internal_leading: i32,
}

/// Where a face's bytes are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file, by its URI.
    File(String),
    /// Memory that a program gave, with the number of the gift.
    Memory(Arc<Vec<u8>>, u32),
}

/// A face.
pub struct Face {
    /// Its family's name.
    pub family: Wide,
    /// Another name of the family; empty if there is none.
    pub second: Wide,
    /// Style.
    pub style: Wide,
    /// Full name.
    pub full: Wide,
    /// Where it is.
    pub source: Source,
    /// Which one of the file's.
    pub index: u32,
    /// Which characters it is for.
    pub signature: Signature,
    /// NTM_*.
    pub ntm: u32,
    /// FW_*.
    pub weight: u32,
    /// The file's own version.
    pub version: u32,
    /// Where it came from ([`origin`]).
    pub flags: u32,
    /// Of bitmap fonts.
    pub size: Option<BitmapSize>,
    /// How often it was added.
    pub added: AtomicU32,
    loaded: Mutex<Weak<Loaded>>,
}

/// A face's bytes.
pub struct Loaded {
    /// The file.
    pub bytes: Arc<Vec<u8>>,
    /// What it is.
    pub data: Data,
}

/// A font's data.
pub enum Data {
    /// TrueType and OpenType.
    Outline(Font),
    /// Bitmaps.
    Bitmap(Fnt),
}

/// The faces of a file. `bitmaps`: whether fonts of bitmaps are taken.
pub fn of_file(bytes: &[u8], source: &Source, flags: u32, bitmaps: bool, language: u16) -> Vec<Face> {
    let mut faces = Vec::new();
    for index in 0..sfnt::count(bytes) {
        let Some(found) = sfnt::properties(bytes, index, language) else { continue };
        if found.family.first() == Some(&u16::from(b'.')) {
            continue;
        }
        faces.push(Face {
            family: clipped(&found.family, 31),
            second: clipped(&found.second, 31),
            style: found.style,
            full: found.full,
            source: source.clone(),
            index,
            signature: found.signature,
            ntm: found.flags,
            weight: found.weight,
            version: found.version,
            flags,
            size: None,
            added: AtomicU32::new(1),
            loaded: Mutex::default(),
        });
    }
    if bitmaps && faces.is_empty() {
        for (index, place) in (0..).zip(fnt::places(bytes)) {
            let font = bytes.get(place).and_then(Fnt::open);
            faces.extend(font.map(|font| of_bitmaps(&font, index, source, flags)));
        }
    }
    faces
}

fn of_bitmaps(font: &Fnt, index: u32, source: &Source, flags: u32) -> Face {
    let ppem = font.pixels_per_em();
    let mut signature = Signature::default();
    signature.code_pages[0] = super::charset::mask_of_bitmap(font.charset);
    let mut styles = if font.weight > 400 { ntm::BOLD } else { 0 };
    if font.italic != 0 {
        styles |= ntm::ITALIC;
    }
    if styles == 0 {
        styles = ntm::REGULAR;
    }
    let style = match (font.weight >= 800, font.italic != 0) {
        (false, false) => "Regular",
        (true, false) => "Bold",
        (false, true) => "Italic",
        (true, true) => "Bold Italic",
    };
    let style: Wide = style.encode_utf16().collect();
    Face {
        family: font.face.clone(),
        second: Wide::new(),
        full: [&font.face[..], &[u16::from(b' ')], &style[..]].concat(),
        style,
        source: source.clone(),
        index,
        signature,
        ntm: styles,
        weight: if styles & ntm::BOLD != 0 { 700 } else { 400 },
        version: 0,
        flags,
        size: Some(BitmapSize {
            height: font.pixel_height.into(),
            ppem,
            internal_leading: font.internal_leading.into(),
        }),
        added: AtomicU32::new(1),
        loaded: Mutex::default(),
    }
}

fn clipped(name: &[u16], most: usize) -> Wide {
    name.iter().take(most).copied().collect()
}

impl Face {
    /// Whether it has outlines.
    pub fn is_scalable(&self) -> bool {
        self.size.is_none()
    }

    /// Whether its family is one for vertical text.
    pub fn is_vertical(&self) -> bool {
        self.family.first() == Some(&u16::from(b'@'))
    }

    /// The same face for vertical text.
    fn vertical(&self) -> Face {
        let with_at = |name: &[u16], most: usize| clipped(&[&[u16::from(b'@')], name].concat(), most);
        Face {
            family: with_at(&self.family, 31),
            second: if self.second.is_empty() { Wide::new() } else { with_at(&self.second, 31) },
            style: self.style.clone(),
            full: with_at(&self.full, 63),
            source: self.source.clone(),
            index: self.index,
            signature: self.signature,
            ntm: self.ntm,
            weight: self.weight,
            version: self.version,
            flags: self.flags,
            size: self.size,
            added: AtomicU32::new(1),
            loaded: Mutex::default(),
        }
    }

    /// Its bytes, read anew if nobody uses them.
    pub fn load(&self, read: impl FnOnce(&str) -> Option<Vec<u8>>) -> Option<Arc<Loaded>> {
        if let Some(loaded) = self.loaded.lock().upgrade() {
            return Some(loaded);
        }
        let bytes = match &self.source {
            Source::File(uri) => Arc::new(read(uri)?),
            Source::Memory(bytes, _) => bytes.clone(),
        };
        let data = match self.size {
            None => {
                let blob: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(Shared(bytes.clone()));
                Data::Outline(Font::new(skrifa::font::Blob::from(blob), self.index)?)
            }
            Some(_) => {
                let place = fnt::places(&bytes).into_iter().nth(self.index as usize)?;
                Data::Bitmap(Fnt::open(bytes.get(place)?)?)
            }
        };
        let loaded = Arc::new(Loaded { bytes, data });
        *self.loaded.lock() = Arc::downgrade(&loaded);
        Some(loaded)
    }

    fn is_same(&self, other: &Face) -> bool {
        same(&self.full, &other.full)
            && match (self.size, other.size) {
                (Some(one), Some(two)) => one.ppem.1 == two.ppem.1 && self.signature == other.signature,
                (one, _) => one.is_none(),
            }
    }

    fn order(&self) -> u32 {
        match self.ntm & (ntm::REGULAR | ntm::BOLD | ntm::ITALIC) {
            ntm::REGULAR => 0,
            ntm::BOLD => 1,
            ntm::ITALIC => 2,
            style if style == ntm::BOLD | ntm::ITALIC => 3,
            _ => u32::MAX,
        }
    }

    fn is_of(&self, source: &Source) -> bool {
        match (&self.source, source) {
            (Source::File(one), Source::File(two)) => one.eq_ignore_ascii_case(two),
            (Source::Memory(_, one), Source::Memory(_, two)) => one == two,
            _ => false,
        }
    }
}

struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Whether two names are the same but for letter case.
pub fn same(one: &[u16], other: &[u16]) -> bool {
    fold::same(one, other)
}

/// A family: faces of one name.
#[derive(Clone)]
pub struct Family {
    /// Its name.
    pub name: Wide,
    /// Another one; empty if there is none.
    pub second: Wide,
    /// Its faces, plain ones first.
    pub faces: Vec<Arc<Face>>,
}

/// A name that stands for another one.
#[derive(Debug, Clone)]
pub struct Substitute {
    /// The name.
    pub from: Wide,
    /// For this character set alone; -1: for all.
    pub from_charset: i32,
    /// What it means.
    pub to: Wide,
    /// The character set that is meant; -1: the one asked for.
    pub to_charset: i32,
}

/// Families that are looked at where one lacks a character.
#[derive(Debug, Clone)]
pub struct Link {
    /// The family that lacks it.
    pub name: Wide,
    /// The others, with the code pages that they are for.
    pub entries: Vec<(Wide, u32)>,
}

impl Link {
    /// Code pages of all entries.
    pub fn code_pages(&self) -> u32 {
        self.entries.iter().fold(0, |all, (_, pages)| all | pages)
    }
}

/// All that is known of fonts.
#[derive(Clone, Default)]
pub struct Catalog {
    /// Families by name, those of the defaults first.
    pub families: Vec<Family>,
    /// Names that stand for others.
    pub substitutes: Vec<Substitute>,
    /// Links between families.
    pub links: Vec<Link>,
    /// Families that come first: sans serif, of one width, with serifs.
    pub defaults: Vec<Wide>,
}

impl Catalog {
    /// Where a family comes: the defaults, then the others by name, each before its vertical one's.
    fn key(&self, name: &[u16]) -> (usize, bool, Vec<u16>) {
        let rank = self.defaults.iter().position(|default| same(default, name)).unwrap_or(self.defaults.len());
        let vertical = name.first() == Some(&u16::from(b'@'));
        let lower = name.get(usize::from(vertical)..).unwrap_or_default().iter().map(|unit| lower(*unit)).collect();
        (rank, vertical, lower)
    }

    /// The family of that name.
    pub fn family(&self, name: &[u16]) -> Option<&Family> {
        self.families.iter().find(|family| same(&family.name, name))
    }

    /// The family of that name or second name.
    pub fn family_of_any(&self, name: &[u16]) -> Option<&Family> {
        self.family(name).or_else(|| {
            let second = |family: &&Family| !family.second.is_empty() && same(&family.second, name);
            self.families.iter().find(second)
        })
    }

    /// Brings families into order, when the defaults are known.
    pub fn sort(&mut self) {
        let mut families = core::mem::take(&mut self.families);
        families.sort_by_cached_key(|family| self.key(&family.name));
        self.families = families;
    }

    /// Adds a face, and the one for vertical text where there is one; answers how many.
    pub fn add(&mut self, face: Face) -> u32 {
        let vertical = (face.signature.code_pages[0] & DOUBLE_BYTE != 0).then(|| face.vertical());
        self.insert(face);
        match vertical {
            Some(vertical) => {
                self.insert(vertical);
                2
            }
            None => 1,
        }
    }

    fn insert(&mut self, face: Face) {
        let at = match self.families.iter().position(|family| same(&family.name, &face.family)) {
            Some(at) => at,
            None => {
                if !face.second.is_empty() && !same(&face.second, &face.family) {
                    self.substitute(&face.second, -1, &face.family, -1);
                }
                let key = self.key(&face.family);
                let at = self.families.partition_point(|family| self.key(&family.name) < key);
                let (name, second) = (face.family.clone(), face.second.clone());
                self.families.insert(at, Family { name, second, faces: Vec::new() });
                at
            }
        };
        let Some(family) = self.families.get_mut(at) else { return };
        for (at, other) in family.faces.iter_mut().enumerate() {
            if face.is_same(other) {
                if face.is_of(&other.source) {
                    other.added.fetch_add(1, Ordering::Relaxed);
                } else if face.version > other.version {
                    *other = Arc::new(face);
                }
                return;
            }
            if face.order() < other.order() {
                family.faces.insert(at, Arc::new(face));
                return;
            }
        }
        family.faces.push(Arc::new(face));
    }

    /// Removes the faces of a source, as often as they were added; answers how many there were.
    pub fn remove(&mut self, is_meant: impl Fn(&Face) -> bool) -> u32 {
        let mut count = 0;
        for family in &mut self.families {
            family.faces.retain(|face| {
                let meant = is_meant(face);
                count += u32::from(meant);
                !meant || face.added.fetch_sub(1, Ordering::Relaxed) > 1
            });
        }
        self.families.retain(|family| !family.faces.is_empty());
        count
    }

    /// What a name stands for.
    pub fn substituted(&self, name: &[u16], charset: i32) -> Option<&Substitute> {
        let meant =
            |one: &&Substitute| same(&one.from, name) && (one.from_charset == charset || one.from_charset == -1);
        self.substitutes.iter().find(meant)
    }

    /// Notes that a name stands for another one, unless it does for something else already.
    pub fn substitute(&mut self, from: &[u16], from_charset: i32, to: &[u16], to_charset: i32) {
        if self.substituted(from, from_charset).is_none() {
            self.substitutes.push(Substitute { from: from.to_vec(), from_charset, to: to.to_vec(), to_charset });
        }
    }

    /// The links of a family.
    pub fn link(&self, name: &[u16]) -> Option<&Link> {
        self.links.iter().find(|link| same(&link.name, name))
    }
}

/// A unit in lower case, as names of fonts are ordered.
fn lower(unit: u16) -> u16 {
    let letter = char::from_u32(unit.into()).map(|letter| letter.to_lowercase());
    letter.and_then(|mut lower| u16::try_from(u32::from(lower.next()?)).ok()).unwrap_or(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Wide {
        text.encode_utf16().collect()
    }

    fn face(family: &str, style: u32, code_pages: u32) -> Face {
        Face {
            family: wide(family),
            second: Wide::new(),
            style: Wide::new(),
            full: wide(&format!("{family} {style}")),
            source: Source::File(format!("file:{family}{style}")),
            index: 0,
            signature: Signature { unicode: [0; 4], code_pages: [code_pages, 0] },
            ntm: style,
            weight: 400,
            version: 1,
            flags: 0,
            size: None,
            added: AtomicU32::new(1),
            loaded: Mutex::default(),
        }
    }

    #[test]
    fn plain_faces_come_first() {
        let mut catalog = Catalog::default();
        for style in [ntm::BOLD | ntm::ITALIC, ntm::BOLD, ntm::REGULAR, ntm::ITALIC] {
            assert_eq!(catalog.add(face("One", style, 1)), 1);
        }
        let styles: Vec<_> = catalog.family(&wide("oNE")).unwrap().faces.iter().map(|face| face.ntm).collect();
        assert_eq!(styles, [ntm::REGULAR, ntm::BOLD, ntm::ITALIC, ntm::BOLD | ntm::ITALIC]);
    }

    #[test]
    fn families_are_in_order() {
        let mut catalog = Catalog::default();
        for name in ["Zed", "beta", "Alpha"] {
            catalog.add(face(name, ntm::REGULAR, 1));
        }
        assert_eq!(catalog.add(face("Kanji", ntm::REGULAR, 1 << 17)), 2);
        let names = |catalog: &Catalog| -> Vec<String> {
            catalog.families.iter().map(|family| String::from_utf16_lossy(&family.name)).collect()
        };
        assert_eq!(names(&catalog), ["Alpha", "beta", "Kanji", "Zed", "@Kanji"]);
        catalog.defaults = vec![wide("Zed")];
        catalog.sort();
        assert_eq!(names(&catalog), ["Zed", "Alpha", "beta", "Kanji", "@Kanji"]);
        assert_eq!(catalog.remove(|face| face.is_of(&Source::File(format!("file:KANJI{}", ntm::REGULAR)))), 2);
        assert_eq!(names(&catalog), ["Zed", "Alpha", "beta"]);
    }
}
