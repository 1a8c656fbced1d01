//! Forms of glyphs for vertical text: what a font's table `GSUB` has for its feature `vrt2`, or `vert`.

use skrifa::Tag;
use skrifa::raw::tables::gsub::{Gsub, SingleSubst, SubstitutionLookup};
use skrifa::raw::{ReadError, TableProvider};
use std::collections::BTreeMap;

/// Glyphs and what stands for them, one step after the other.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Forms(Vec<BTreeMap<u16, u16>>);

/// Steps, and glyphs of one, at most: a font may claim more than it has.
const MOST_STEPS: usize = 64;
const MOST_GLYPHS: usize = 0x1_0000;

/// The script whose forms a character set has.
fn script(charset: u8) -> Tag {
    Tag::new(match charset {
        128 => b"kana",
        129 => b"hang",
        134 | 136 => b"hani",
        161 => b"grek",
        177 => b"hebr",
        178 => b"arab",
        204 => b"cyrl",
        222 => b"thai",
        _ => b"latn",
    })
}

impl Forms {
    /// Those of a font for a character set.
    pub fn of(font: &skrifa::Font, charset: u8) -> Forms {
        let table = font.tables().gsub();
        table.and_then(|table| Self::read(&table, script(charset))).unwrap_or_default()
    }

    fn read(table: &Gsub<'_>, script: Tag) -> Result<Forms, ReadError> {
        let scripts = table.script_list()?;
        let records = scripts.script_records();
        let of = |tag: Tag| records.iter().find(|record| record.script_tag() == tag);
        let Some(record) = of(script).or_else(|| of(Tag::new(b"DFLT"))).or_else(|| of(Tag::new(b"dflt"))) else {
            return Ok(Forms::default());
        };
        let Some(language) = record.script(scripts.offset_data())?.default_lang_sys() else {
            return Ok(Forms::default());
        };
        let (language, features) = (language?, table.feature_list()?);
        let of = |tag: Tag| {
            let known = language
                .feature_indices()
                .iter()
                .filter_map(|at| features.feature_records().get(usize::from(at.get())));
            known.into_iter().find(|record| record.feature_tag() == tag)
        };
        let Some(record) = of(Tag::new(b"vrt2")).or_else(|| of(Tag::new(b"vert"))) else { return Ok(Forms::default()) };
        let feature = record.feature(features.offset_data())?;
        let lookups = table.lookup_list()?.lookups();
        let mut steps = Vec::new();
        for index in feature.lookup_list_indices() {
            let SubstitutionLookup::Single(lookup) = lookups.get(usize::from(index.get()))? else { continue };
            for part in lookup.subtables().iter().take(MOST_STEPS - steps.len()) {
                steps.push(Self::step(&part?)?);
            }
        }
        Ok(Forms(steps))
    }

    fn step(part: &SingleSubst<'_>) -> Result<BTreeMap<u16, u16>, ReadError> {
        let number = |glyph: skrifa::GlyphId| u16::try_from(glyph.to_u32()).ok();
        Ok(match part {
            SingleSubst::Format1(part) => {
                let covered = part.coverage()?.iter().take(MOST_GLYPHS).filter_map(number).collect::<Vec<_>>();
                let shifted = |glyph: u16| glyph.wrapping_add_signed(part.delta_glyph_id());
                covered.into_iter().map(|glyph| (glyph, shifted(glyph))).collect()
            }
            SingleSubst::Format2(part) => {
                let covered = part.coverage()?.iter().take(MOST_GLYPHS).filter_map(number).collect::<Vec<_>>();
                covered.into_iter().zip(part.substitute_glyph_ids().iter().map(|glyph| glyph.get().to_u16())).collect()
            }
            // Glyphs beyond 65,535 are no numbers of GDI's.
            SingleSubst::Format3(_) | SingleSubst::Format4(_) => BTreeMap::new(),
        })
    }

    /// What stands for a glyph.
    pub fn form(&self, glyph: u32) -> u32 {
        let Ok(first) = u16::try_from(glyph) else { return glyph };
        let last = self.0.iter().fold(first, |glyph, step| step.get(&glyph).copied().unwrap_or(glyph));
        if first == 0 { glyph } else { last.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skrifa::raw::{FontData, FontRead};

    /// A table with one script, one feature and one step, in which glyph 4 becomes 9.
    fn table(script: &[u8; 4], feature: &[u8; 4]) -> Vec<u8> {
        let mut table = vec![0, 1, 0, 0, 0, 10, 0, 30, 0, 44];
        table.extend([&[0, 1][..], script, &[0, 8], &[0, 4, 0, 0], &[0, 0, 0xff, 0xff, 0, 1, 0, 0]].concat());
        table.extend([&[0, 1][..], feature, &[0, 8], &[0, 0, 0, 1, 0, 0]].concat());
        table.extend([0, 1, 0, 4, 0, 1, 0, 0, 0, 1, 0, 8, 0, 2, 0, 8, 0, 1, 0, 9, 0, 1, 0, 1, 0, 4]);
        table
    }

    fn form(script: &[u8; 4], feature: &[u8; 4], charset: u8) -> [u32; 2] {
        let bytes = table(script, feature);
        let table = Gsub::read(FontData::new(&bytes)).unwrap();
        let forms = Forms::read(&table, super::script(charset)).unwrap();
        [forms.form(4), forms.form(5)]
    }

    #[test]
    fn a_glyph_has_its_form() {
        assert_eq!(form(b"kana", b"vert", 128), [9, 5]);
        assert_eq!(form(b"kana", b"vrt2", 128), [9, 5]);
        // OpenType's name for any script, and the one that Wine looks for.
        assert_eq!(form(b"DFLT", b"vert", 134), [9, 5]);
        assert_eq!(form(b"dflt", b"vert", 134), [9, 5]);
        assert_eq!(form(b"kana", b"liga", 128), [4, 5]);
        assert_eq!(form(b"kana", b"vert", 0), [4, 5]);
    }

    #[test]
    fn what_is_cut_short_has_none() {
        let bytes = table(b"latn", b"vert");
        for length in 0..bytes.len() {
            let part = bytes.get(..length).unwrap();
            if let Ok(table) = Gsub::read(FontData::new(part)) {
                let _ = Forms::read(&table, super::script(0));
            }
        }
    }
}
