//! PDF of what programs print: a spool file, which gdi32 has recorded pages into, becomes a document.
//!
//! [`record`] reads the file, [`play`] goes through a page's records with a [`state`], [`canvas`] writes what they draw, and
//! [`document`] holds what pages share: fonts ([`font`]), pictures ([`image`]). All of it is arithmetic on bytes; only fonts are
//! asked for outside.

mod blit;
mod canvas;
mod document;
mod font;
mod glyph;
mod image;
mod matrix;
mod objects;
mod paint;
mod path;
mod play;
pub mod record;
mod state;
mod text;

use super::mode::{Mode, Printer};
use crate::call::Cx;
use document::Document;
use record::Part;

/// The document that a spool file's parts make, printed by `printer` unless they say otherwise.
/// `None`: there is no page.
pub fn convert(cx: &Cx<'_>, title: &str, parts: &[Part<'_>], mut printer: Printer) -> Option<Vec<u8>> {
    let own = printer.clone();
    let mut document = Document::new();
    for part in parts {
        match part {
            Part::Mode([]) => printer = own.clone(),
            Part::Mode(bytes) => printer.set(&Mode::of(bytes)),
            Part::Page(metafile) => play::page(cx, &mut document, metafile, &printer),
        }
    }
    let (copies, collated) = printer.copies();
    (!document.is_empty()).then(|| document.finish(title, copies, collated))
}

#[cfg(test)]
mod tests;
