//! A PDF document while it is made: pages, and what they share. Numbers of objects are given here.

use super::font::Embedded;
use super::image::Picture;
use crate::win32k::gdi::fonts::realize::Realized;
use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::BlendMode;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, TextStr};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// How hard streams are compressed: 6 of 10.
const LEVEL: u8 = 6;
/// Bytes of a stream at most: the crate wants fewer than 2 GiB.
const LONGEST: usize = 1 << 30;
/// Times that a document is printed at most.
const MOST_COPIES: u16 = 999;
/// Who made it.
const PRODUCER: &str = "Portcullis";

/// What kinds of resources a page names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Fonts.
    Font,
    /// Images.
    Image,
    /// States of graphics.
    State,
    /// Patterns.
    Pattern,
    /// Shadings.
    Shading,
}

impl Kind {
    fn letter(self) -> char {
        match self {
            Kind::Font => 'F',
            Kind::Image => 'I',
            Kind::State => 'G',
            Kind::Pattern => 'P',
            Kind::Shading => 'S',
        }
    }
}

/// The name of a resource.
pub fn name_of(kind: Kind, id: Ref) -> String {
    format!("{}{}", kind.letter(), id.get())
}

/// Resources that a page or a pattern names.
pub type Used = BTreeSet<(Kind, i32)>;

/// A page that is done.
struct Page {
    content: Ref,
    resources: Ref,
    size: (f32, f32),
}

/// A document.
pub struct Document {
    /// What was written so far.
    pub pdf: Pdf,
    last: i32,
    pages: Vec<Page>,
    fonts: Vec<Embedded>,
    states: HashMap<(u8, u8), Ref>,
}

impl Document {
    /// An empty one.
    pub fn new() -> Document {
        Document { pdf: Pdf::new(), last: 2, pages: Vec::new(), fonts: Vec::new(), states: HashMap::new() }
    }

    /// Whether it has no page.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// A new object's number. The first two are the catalog's and the pages'.
    pub fn number(&mut self) -> Ref {
        self.last = self.last.saturating_add(1);
        Ref::new(self.last)
    }

    /// Writes a compressed stream.
    pub fn stream(&mut self, bytes: &[u8]) -> Ref {
        let id = self.number();
        let bytes = bytes.get(..LONGEST).unwrap_or(bytes);
        self.pdf.stream(id, &compress_to_vec_zlib(bytes, LEVEL)).filter(Filter::FlateDecode);
        id
    }

    /// The font that text of a realized one is written in: its place.
    pub fn font(&mut self, font: &Realized) -> Option<usize> {
        if let Some(at) = self.fonts.iter().position(|known| known.is_of(font)) {
            return Some(at);
        }
        let made = Embedded::new(font, self.number())?;
        self.fonts.push(made);
        Some(self.fonts.len() - 1)
    }

    /// The font at that place.
    pub fn embedded(&mut self, at: usize) -> Option<&mut Embedded> {
        self.fonts.get_mut(at)
    }

    /// A state with a way of blending and an opacity of 255 parts.
    pub fn state(&mut self, blend: BlendMode, alpha: u8) -> Ref {
        let key = (blend as u8, alpha);
        if let Some(known) = self.states.get(&key) {
            return *known;
        }
        let id = self.number();
        let part = f32::from(alpha) / 255.0;
        self.pdf.ext_graphics(id).blend_mode(blend).non_stroking_alpha(part).stroking_alpha(part);
        self.states.insert(key, id);
        id
    }

    /// An image.
    pub fn image(&mut self, picture: &Picture, smooth: bool, mono: bool) -> Ref {
        let mask = picture.alpha().map(|alpha| {
            let id = self.number();
            let bytes = compress_to_vec_zlib(&alpha, LEVEL);
            let mut image = self.pdf.image_xobject(id, &bytes);
            image.filter(Filter::FlateDecode);
            image.width(picture.width).height(picture.height).bits_per_component(8);
            image.color_space().device_gray();
            id
        });
        let id = self.number();
        let bytes = compress_to_vec_zlib(&picture.samples(mono), LEVEL);
        let mut image = self.pdf.image_xobject(id, &bytes);
        image.filter(Filter::FlateDecode);
        image.width(picture.width).height(picture.height).bits_per_component(8);
        match mono {
            true => image.color_space().device_gray(),
            false => image.color_space().device_rgb(),
        }
        if smooth {
            image.interpolate(true);
        }
        if let Some(mask) = mask {
            image.s_mask(mask);
        }
        id
    }

    /// A page of so many points.
    pub fn page(&mut self, content: Content, used: &Used, size: (f32, f32)) {
        let content = self.stream(&content.finish());
        let resources = self.number();
        let mut dict = self.pdf.indirect(resources).start::<pdf_writer::writers::Resources<'_>>();
        list(&mut dict, used);
        dict.finish();
        self.pages.push(Page { content, resources, size });
    }

    /// The whole file. Each page comes so many times, one after the other or all of them each time.
    pub fn finish(mut self, title: &str, copies: u16, collated: bool) -> Vec<u8> {
        for font in core::mem::take(&mut self.fonts) {
            font.write(&mut self);
        }
        let copies = usize::from(copies.clamp(1, MOST_COPIES));
        let count = self.pages.len();
        let order: Vec<usize> = match collated {
            true => (0..copies).flat_map(|_| 0..count).collect(),
            false => (0..count).flat_map(|page| core::iter::repeat_n(page, copies)).collect(),
        };
        let (catalog, tree) = (Ref::new(1), Ref::new(2));
        self.pdf.catalog(catalog).pages(tree);
        let mut kids = Vec::with_capacity(order.len());
        for at in order {
            let id = self.number();
            let Some(page) = self.pages.get(at) else { continue };
            let mut written = self.pdf.page(id);
            written.parent(tree).media_box(Rect::new(0.0, 0.0, page.size.0, page.size.1)).contents(page.content);
            written.pair(Name(b"Resources"), page.resources);
            kids.push(id);
        }
        self.pdf.pages(tree).count(kids.len() as i32).kids(kids);
        let info = self.number();
        self.pdf.document_info(info).title(TextStr(title)).producer(TextStr(PRODUCER));
        self.pdf.finish()
    }
}

/// Enters what is used.
pub fn list(dict: &mut pdf_writer::writers::Resources<'_>, used: &Used) {
    for kind in [Kind::Font, Kind::Image, Kind::State, Kind::Pattern, Kind::Shading] {
        let of_kind: Vec<i32> = used.iter().filter(|(known, _)| *known == kind).map(|(_, id)| *id).collect();
        if of_kind.is_empty() {
            continue;
        }
        let mut entries = match kind {
            Kind::Font => dict.fonts(),
            Kind::Image => dict.x_objects(),
            Kind::State => dict.ext_g_states(),
            Kind::Pattern => dict.patterns(),
            Kind::Shading => dict.shadings(),
        };
        for id in of_kind {
            let id = Ref::new(id);
            entries.pair(Name(name_of(kind, id).as_bytes()), id);
        }
    }
}

/// A font file that is shared.
pub type Shared = Arc<crate::win32k::gdi::fonts::face::Loaded>;
