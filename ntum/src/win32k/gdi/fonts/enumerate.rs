//! Which fonts there are: NtGdiEnumFonts.

use super::charset::{self, Enumerated};
use super::face::{Face, Family, same};
use super::metrics::{TextMetrics, pitch};
use super::realize::{self, STRAIGHT};
use super::{Wide, charset::Charset};
use crate::call::{Call, Cx};
use crate::io::condrv::codepage;
use crate::um::UserPtr;
use crate::win32k::gdi::font::Font;
use crate::win32k::gdi::{User, done, with};
use crate::win32k::geometry::muldiv;
use zerocopy::{FromZeros, Immutable, IntoBytes};

/// System calls about which fonts there are.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiEnumFonts(dc: u32, kind: u32, compatible: u32, name_length: u32, name: u64, charset: u32, size: UserPtr<u32>, buffer: u64) => enumerate, Done;
};

/// What an application is told of a face: `struct font_enum_entry` of Wine 10's `include/ntgdi.h`.
#[derive(Clone, Copy, IntoBytes, Immutable, FromZeros)]
#[repr(C)]
struct Entry {
    kind: u32,
    font: Font,
    full: [u16; 64],
    style: [u16; 32],
    script: [u16; 32],
    metrics: TextMetrics,
    flags: u32,
    em: u32,
    cell: u32,
    average: u32,
    unicode: [u32; 4],
    code_pages: [u32; 2],
}

/// RASTER_FONTTYPE, DEVICE_FONTTYPE, TRUETYPE_FONTTYPE.
mod kind {
    pub const RASTER: u32 = 1;
    pub const DEVICE: u32 = 2;
    pub const TRUETYPE: u32 = 4;
}

/// Pixels of an em that metrics are told for.
const PPEM: i32 = 32;

fn put(to: &mut [u16], name: &[u16]) {
    let most = to.len().saturating_sub(1);
    for (to, from) in to.iter_mut().zip(name.iter().take(most)) {
        *to = *from;
    }
}

/// What is told of a face, whatever its character set.
fn entry(cx: &Cx<'_>, face: &std::sync::Arc<Face>) -> Option<Entry> {
    let mut asked = Font::new_zeroed();
    asked.height = if face.is_scalable() { -4096 } else { 0 };
    let catalog = super::face::Catalog::default();
    let none = Charset { number: 0, page: 0, mask: 0 };
    let realize = |asked: &Font| realize::make(cx.k, &catalog, face.clone(), asked, STRAIGHT, none);
    let mut font = realize(&asked)?;
    if let Some(units) = font.outlines().map(|outlines| i32::from(outlines.units_per_em()).max(1))
        && 4096 % units != 0
    {
        asked.height = -units;
        font = realize(&asked)?;
    }
    let found = font.metrics()?;
    let mut entry = Entry::new_zeroed();
    let text = found.text;
    entry.metrics = text;
    match found.outlines {
        Some(outlines) => {
            let em = outlines.em as i32;
            let cell = text.height / (asked.height.saturating_neg() / em.max(1)).max(1);
            let height = muldiv(PPEM, cell, em);
            let scaled = |value: i32| muldiv(height, value, text.height);
            let ascent = scaled(text.ascent);
            entry.metrics = TextMetrics {
                height,
                ascent,
                descent: height.wrapping_sub(ascent),
                internal_leading: scaled(text.internal_leading),
                external_leading: scaled(text.external_leading),
                average_width: scaled(text.average_width),
                max_width: scaled(text.max_width),
                ..text
            };
            (entry.em, entry.cell, entry.average) = (outlines.em, cell as u32, found.average_units as u32);
        }
        None => {
            entry.em = text.height.wrapping_sub(text.internal_leading) as u32;
            (entry.cell, entry.average) = (text.height as u32, text.average_width as u32);
        }
    }
    entry.flags = face.ntm;
    (entry.unicode, entry.code_pages) = (face.signature.unicode, face.signature.code_pages);
    for (bit, flag) in [(pitch::TRUETYPE, kind::TRUETYPE), (pitch::DEVICE, kind::DEVICE)] {
        if text.pitch_and_family & bit != 0 {
            entry.kind |= flag;
        }
    }
    if text.pitch_and_family & pitch::VECTOR == 0 {
        entry.kind |= kind::RASTER;
    }
    let metrics = &entry.metrics;
    entry.font.height = metrics.height;
    entry.font.width = metrics.average_width;
    entry.font.weight = metrics.weight;
    (entry.font.italic, entry.font.underline) = (metrics.italic, metrics.underlined);
    (entry.font.strike_out, entry.font.charset) = (metrics.struck_out, metrics.charset);
    // OUT_STROKE_PRECIS, CLIP_STROKE_PRECIS, DRAFT_QUALITY.
    (entry.font.output_precision, entry.font.clip_precision, entry.font.quality) = (3, 2, 1);
    entry.font.pitch_and_family = (metrics.pitch_and_family & 0xf1).wrapping_add(1);
    put(&mut entry.font.face, &face.family);
    put(&mut entry.full, &face.full);
    put(&mut entry.style, &face.style);
    Some(entry)
}

/// The entries of a face, one for each character set that is asked for.
fn entries(entry: &Entry, face: &Face, sets: &[Enumerated], wanted: u8, all: &mut Vec<Entry>) {
    let pages = face.signature.code_pages[0];
    let mut add = |number: u8, script: u32| {
        let mut entry = *entry;
        (entry.font.charset, entry.metrics.charset) = (number, number);
        entry.script[0] = script as u16;
        if wanted == charset::DEFAULT || wanted == number {
            all.push(entry);
        }
    };
    if pages == 0 {
        add(charset::OEM, 32);
        return;
    }
    for set in sets {
        // The one for all others counts where there is none besides.
        if pages & set.mask != 0 && (set.number != charset::DEFAULT || pages & !set.mask == 0) {
            add(set.number, set.script);
        }
    }
}

/// NtGdiEnumFonts: the entries of all families, one face of each; or of all faces of a name.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn enumerate(
    cx: &Cx<'_>,
    dc: u32,
    _kind: u32,
    _compatible: u32,
    length: u32,
    name: u64,
    charset: u32,
    size: UserPtr<u32>,
    buffer: u64,
) -> User {
    if with(cx, dc, |_| ()).is_none() {
        return done(false);
    }
    let name: Wide = UserPtr::<u16>::new(name).read_vec(cx.k, length.min(31) as usize)?;
    let name: Wide = name.into_iter().take_while(|unit| *unit != 0).collect();
    let room = size.read(cx.k)? as usize / size_of::<Entry>();
    let charset = charset as u8;
    let sets = charset::enumerated(charset, codepage::ansi(cx.k));
    let catalog = cx.k.gdi.fonts.catalog(cx.k);
    let mut all = Vec::new();
    if name.is_empty() {
        for family in &catalog.families {
            if let Some(face) = family.faces.first() {
                one(cx, family, face, None, &sets, charset, &mut all);
            }
        }
    } else {
        let means = catalog.substituted(&name, charset.into()).map(|means| means.to.clone());
        let wanted = means.as_deref().unwrap_or(&name);
        let shown = means.is_some().then_some(&name[..]);
        for family in &catalog.families {
            let by_family = same(&family.name, wanted);
            for face in &family.faces {
                if by_family || same(face.full.get(..31).unwrap_or(&face.full), wanted) {
                    one(cx, family, face, shown, &sets, charset, &mut all);
                }
            }
        }
    }
    size.write(cx.k, (all.len() * size_of::<Entry>()) as u32)?;
    if buffer == 0 {
        return done(true);
    }
    cx.k.write_user(buffer, all.get(..room.min(all.len())).unwrap_or_default().as_bytes())?;
    done(all.len() <= room)
}

fn one(
    cx: &Cx<'_>,
    family: &Family,
    face: &std::sync::Arc<Face>,
    shown: Option<&[u16]>,
    sets: &[Enumerated],
    wanted: u8,
    all: &mut Vec<Entry>,
) {
    let Some(mut entry) = entry(cx, face) else { return };
    let other = (!same(&family.name, &face.family)).then_some(&family.name[..]);
    if let Some(name) = shown.or(other) {
        entry.font.face = [0; 32];
        put(&mut entry.font.face, name);
    }
    entries(&entry, face, sets, wanted, all);
}
