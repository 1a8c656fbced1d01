//! Finding the face for what a program asks for, as Wine's win32u does.

use super::charset::{self, Charset};
use super::face::{Catalog, Face, Family, ntm, same};
use super::load::fallbacks;
use crate::win32k::gdi::font::Font;
use std::sync::Arc;

/// What was found.
pub struct Found {
    /// The face.
    pub face: Arc<Face>,
    /// The family that it was found in, where that is not the face's own.
    pub family: Option<Vec<u16>>,
    /// The character set; `None` if the face's own is to be taken.
    pub charset: Option<Charset>,
    /// Whether the name asked for is one that stands for the face's.
    pub substituted: bool,
}

/// A request.
struct Request<'a> {
    catalog: &'a Catalog,
    font: &'a Font,
    bitmaps: bool,
}

impl Request<'_> {
    fn can_take(&self, face: &Face, mask: u32, bitmaps: bool) -> bool {
        if !face.is_scalable() && !bitmaps {
            return false;
        }
        mask == 0
            || mask & face.signature.code_pages[0] != 0
            || self.catalog.link(&face.family).is_some_and(|link| mask & link.code_pages() != 0)
    }

    /// The best face of a family: of the style asked for, and of bitmaps the size.
    fn best(&self, family: &Family, mask: u32, bitmaps: bool) -> Option<Arc<Face>> {
        let italic = self.font.italic != 0;
        let bold = self.font.weight > 550;
        let height = self.font.height;
        let (mut best, mut best_bitmap): (Option<&Arc<Face>>, Option<&Arc<Face>>) = (None, None);
        let (mut best_score, mut best_gap) = (4, 0);
        for face in &family.faces {
            let score =
                i32::from((face.ntm & ntm::ITALIC != 0) != italic) + i32::from((face.ntm & ntm::BOLD != 0) != bold);
            if score > best_score || !self.can_take(face, mask, bitmaps) {
                continue;
            }
            (best_score, best) = (score, Some(face));
            let Some(size) = face.size else {
                if score == 0 {
                    break;
                }
                continue;
            };
            let gap = match height {
                height if height > 0 => height.saturating_sub(size.height),
                height => height.saturating_neg().saturating_sub(size.height - size.internal_leading),
            };
            let nearer = best_gap > 0 && gap >= 0 && gap < best_gap || best_gap < 0 && gap > best_gap;
            if best_bitmap.is_none() || nearer {
                (best_gap, best_bitmap) = (gap, Some(face));
                if score == 0 && gap == 0 {
                    break;
                }
            }
        }
        let best = best?;
        if best.is_scalable() { Some(best.clone()) } else { best_bitmap.cloned() }
    }

    /// By a name, or what it stands for: the face, and the family it was found in.
    fn by_name(&self, name: &[u16], means: Option<&[u16]>, mask: u32) -> Option<(Arc<Face>, Option<Vec<u16>>)> {
        for name in core::iter::once(name).chain(means) {
            let family = self.catalog.family_of_any(name);
            if let Some((family, face)) =
                family.and_then(|family| Some((family, self.best(family, mask, self.bitmaps)?)))
            {
                let other = (!same(&family.name, &face.family)).then(|| family.name.clone());
                return Some((face, other));
            }
        }
        let by_full = |face: &&Arc<Face>| {
            same(face.full.get(..31).unwrap_or(&face.full), name) && self.can_take(face, mask, self.bitmaps)
        };
        if let Some(face) = self.catalog.families.iter().flat_map(|family| &family.faces).find(by_full) {
            return Some((face.clone(), None));
        }
        for link in &self.catalog.links {
            if !same(&link.name, name) && !means.is_some_and(|means| same(&link.name, means)) {
                continue;
            }
            for (entry, pages) in &link.entries {
                let further = self.catalog.link(entry).map_or(0, |link| link.code_pages());
                if mask == 0 || mask & (pages | further) != 0 {
                    let family = self.catalog.family(entry)?;
                    return Some((self.best(family, mask, self.bitmaps)?, None));
                }
            }
        }
        None
    }

    /// Any face, those of the defaults first and bitmaps last.
    fn any(&self, mask: u32, vertical: bool) -> Option<Arc<Face>> {
        for name in fallbacks(self.font.pitch_and_family) {
            let at = vertical.then_some(u16::from(b'@'));
            let name: Vec<u16> = at.into_iter().chain(name.encode_utf16()).collect();
            let family = self.catalog.family_of_any(&name);
            if let Some(face) = family.and_then(|family| self.best(family, mask, false)) {
                return Some(face);
            }
        }
        let is_meant = |family: &&Family| (family.name.first() == Some(&u16::from(b'@'))) == vertical;
        let passes = if self.bitmaps { &[false, true][..] } else { &[false] };
        passes.iter().find_map(|bitmaps| {
            self.catalog.families.iter().filter(is_meant).find_map(|family| self.best(family, mask, *bitmaps))
        })
    }
}

/// The face for a request. `bitmaps`: whether fonts of bitmaps will do. `system`: the system's character set.
pub fn find(catalog: &Catalog, font: &Font, bitmaps: bool, system: Option<Charset>) -> Option<Found> {
    let request = Request { catalog, font, bitmaps };
    let name = font.name();
    let vertical = name.first() == Some(&u16::from(b'@'));
    let mut charset = Charset::numbered(font.charset);
    if !name.is_empty() {
        let means = catalog.substituted(name, font.charset.into());
        if let Some(number) = means.and_then(|means| u8::try_from(means.to_charset).ok()) {
            charset = Charset::numbered(number).or(charset);
        }
        let mask = charset.map_or(0, |set| set.mask);
        if let Some((face, family)) = request.by_name(name, means.map(|means| &means.to[..]), mask) {
            return Some(Found { face, family, charset, substituted: means.is_some() });
        }
    }
    charset = charset.or(system);
    let mask = charset.map_or(0, |set| set.mask);
    let found = |face, charset| Found { face, family: None, charset, substituted: false };
    if let Some(face) = request.any(mask, vertical) {
        return Some(found(face, charset));
    }
    let face = request.any(0, vertical).or_else(|| if vertical { request.any(0, false) } else { None })?;
    Some(found(face, None))
}

/// The face that a font looks at for characters that it lacks, of a family.
pub fn child(catalog: &Catalog, font: &Font, family: &[u16]) -> Option<Arc<Face>> {
    Request { catalog, font, bitmaps: false }.by_name(family, None, 0).map(|(face, _)| face)
}

/// The character set that a face is selected with where none was asked for: the system's if it has that, else its first.
pub fn nearest(catalog: &Catalog, face: &Face, system: Option<Charset>) -> Charset {
    let pages = face.signature.code_pages[0];
    let linked = catalog.link(&face.family).map_or(0, |link| link.code_pages());
    let page = system.map_or(1252, |set| set.page);
    if let Some(set) = system.filter(|set| set.mask & (pages | linked) != 0) {
        return set;
    }
    let first = (0..32).filter(|bit| pages >> bit & 1 != 0).find_map(|bit| Charset::of_mask(1 << bit));
    first.unwrap_or(Charset { number: charset::DEFAULT, page, mask: 0 })
}
