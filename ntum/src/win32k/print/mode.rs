//! How a printer prints: DEVMODEW, and PSDRV_DEVMODE of Wine 10's `dlls/wineps.drv/unixlib.h`, read once from guest memory.

use crate::win32k::geometry::Rect;

/// DM_*.
mod field {
    pub const ORIENTATION: u32 = 0x1;
    pub const PAPER_SIZE: u32 = 0x2;
    pub const PAPER_LENGTH: u32 = 0x4;
    pub const PAPER_WIDTH: u32 = 0x8;
    pub const SCALE: u32 = 0x10;
    pub const COPIES: u32 = 0x100;
    pub const PRINT_QUALITY: u32 = 0x400;
    pub const COLOR: u32 = 0x800;
    pub const Y_RESOLUTION: u32 = 0x2000;
    pub const COLLATE: u32 = 0x8000;
    pub const LOG_PIXELS: u32 = 0x2_0000;
}

/// DMORIENT_PORTRAIT.
const PORTRAIT: i16 = 1;
/// DMCOLOR_MONOCHROME, DMCOLLATE_TRUE.
const MONOCHROME: i16 = 1;
const COLLATED: i16 = 1;
/// Bytes of DEVMODEW.
pub const PUBLIC: usize = 220;
/// Bytes of PSDRV_DEVMODE's numbers behind it.
const NUMBERS: usize = 32;
/// Bytes of `struct input_slot`, `struct resolution`, `struct page_size`.
const SLOT: usize = 4;
const RESOLUTION: usize = 8;
const PAGE: usize = 92;
/// Bytes of a page size's name.
const NAME: usize = 64;

/// What of a DEVMODEW counts here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mode {
    /// DM_*: which of the others are meant.
    fields: u32,
    orientation: i16,
    /// DMPAPER_*.
    paper: i16,
    /// Tenths of millimetres.
    length: i16,
    width: i16,
    /// Percent.
    scale: i16,
    copies: i16,
    quality: i16,
    color: i16,
    y_resolution: i16,
    collate: i16,
    log_pixels: i16,
}

fn half(bytes: &[u8], at: usize) -> i16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |raw| i16::from_le_bytes(*raw))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |raw| u32::from_le_bytes(*raw))
}

fn float(bytes: &[u8], at: usize) -> f32 {
    f32::from_bits(word(bytes, at))
}

impl Mode {
    /// The mode of a DEVMODEW's bytes; those that are missing are zeros.
    pub fn of(bytes: &[u8]) -> Mode {
        Mode {
            fields: word(bytes, 72),
            orientation: half(bytes, 76),
            paper: half(bytes, 78),
            length: half(bytes, 80),
            width: half(bytes, 82),
            scale: half(bytes, 84),
            copies: half(bytes, 86),
            quality: half(bytes, 90),
            color: half(bytes, 92),
            y_resolution: half(bytes, 96),
            collate: half(bytes, 100),
            log_pixels: half(bytes, 166),
        }
    }

    /// Bytes of a DEVMODEW with what its driver has behind it, as its first bytes say.
    pub fn length(bytes: &[u8]) -> usize {
        usize::from(half(bytes, 68) as u16) + usize::from(half(bytes, 70) as u16)
    }
}

/// A size of paper, in 72nds of an inch.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Paper {
    /// Left, bottom, right, top of what can be printed on, y up.
    area: [f32; 4],
    size: (f32, f32),
    number: i16,
}

/// What a printer can do, and how it is set.
#[derive(Debug, Clone)]
pub struct Printer {
    /// Whether it makes PDF: then its measures are those of its paper, whatever the scale is.
    pub is_pdf: bool,
    mode: Mode,
    resolution: i32,
    /// -90: landscape is turned to the right.
    landscape: i32,
    resolutions: Vec<(i32, i32)>,
    papers: Vec<Paper>,
}

/// A printer's device, in pixels: what GetDeviceCaps tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measures {
    /// Pixels of an inch.
    pub dots: (i32, i32),
    /// What can be printed on.
    pub pixels: (i32, i32),
    /// The same in millimetres.
    pub millimetres: (i32, i32),
    /// All of the paper.
    pub paper: (i32, i32),
    /// What lies left of and above of what can be printed on.
    pub offset: (i32, i32),
    /// Percent.
    pub scale: i32,
}

impl Printer {
    /// The printer of a PSDRV_DEVMODE's bytes; `None` if they are too few.
    pub fn of(bytes: &[u8]) -> Option<Printer> {
        let number = |index: usize| word(bytes, PUBLIC + index * 4) as i32;
        let count = |index: usize| usize::try_from(number(index)).ok().filter(|count| *count <= bytes.len());
        let (slots, resolutions, papers) = (count(3)?, count(4)?, count(5)?);
        let mut rest = bytes.get(PUBLIC + NUMBERS..)?;
        let mut take = |size: usize| {
            let (part, after) = rest.split_at_checked(size)?;
            rest = after;
            Some(part)
        };
        take(slots * SLOT)?;
        let resolutions = take(resolutions * RESOLUTION)?.chunks_exact(RESOLUTION);
        let resolutions = resolutions.map(|raw| (word(raw, 0) as i32, word(raw, 4) as i32)).collect();
        let paper = |raw: &[u8]| Paper {
            area: [0, 4, 8, 12].map(|at| float(raw, NAME + at)),
            size: (float(raw, NAME + 16), float(raw, NAME + 20)),
            number: half(raw, NAME + 24),
        };
        let papers = take(papers * PAGE)?.chunks_exact(PAGE).map(paper).collect();
        Some(Printer {
            is_pdf: false,
            mode: Mode::of(bytes),
            resolution: number(0),
            landscape: number(1),
            resolutions,
            papers,
        })
    }

    fn paper(&self, number: i16) -> Option<&Paper> {
        self.papers.iter().find(|paper| paper.number == number)
    }

    /// Sets it as a mode says, as far as it can do that.
    pub fn set(&mut self, new: &Mode) {
        let has = |field: u32| new.fields & field != 0;
        let mine = self.mode;
        if has(field::ORIENTATION) {
            self.mode.orientation = new.orientation;
        }
        if has(field::PAPER_SIZE) {
            if let Some(paper) = self.paper(new.paper) {
                let tenths = |points: f32| (points * 254.0 / 72.0) as i16;
                (self.mode.width, self.mode.length) = (tenths(paper.size.0), tenths(paper.size.1));
                self.mode.paper = new.paper;
                self.mode.fields |= field::PAPER_SIZE | field::PAPER_WIDTH | field::PAPER_LENGTH;
            }
        } else if has(field::PAPER_LENGTH) && has(field::PAPER_WIDTH) {
            (self.mode.length, self.mode.width) = (new.length, new.width);
            self.mode.fields = mine.fields & !field::PAPER_SIZE | field::PAPER_LENGTH | field::PAPER_WIDTH;
        }
        if has(field::SCALE) {
            self.mode.scale = new.scale;
        }
        if has(field::COPIES) {
            (self.mode.copies, self.mode.fields) = (new.copies, self.mode.fields | field::COPIES);
        }
        if has(field::COLLATE) {
            (self.mode.collate, self.mode.fields) = (new.collate, self.mode.fields | field::COLLATE);
        }
        if has(field::COLOR) {
            (self.mode.color, self.mode.fields) = (new.color, self.mode.fields | field::COLOR);
        }
        if has(field::PRINT_QUALITY) {
            self.mode.quality = new.quality;
        }
        if has(field::Y_RESOLUTION) {
            self.mode.y_resolution = new.y_resolution;
        }
        if has(field::LOG_PIXELS) {
            self.mode.log_pixels = new.log_pixels;
        }
    }

    /// How often each page is printed, and whether all of them come before the first one comes again.
    pub fn copies(&self) -> (u16, bool) {
        let has = |field: u32| self.mode.fields & field != 0;
        let copies = if has(field::COPIES) { u16::try_from(self.mode.copies).unwrap_or(1) } else { 1 };
        (copies.max(1), has(field::COLLATE) && self.mode.collate == COLLATED)
    }

    /// Whether it prints in greys.
    pub fn is_mono(&self) -> bool {
        self.mode.fields & field::COLOR != 0 && self.mode.color == MONOCHROME
    }

    fn dots(&self) -> (i32, i32) {
        let mode = &self.mode;
        let has = |field: u32| mode.fields & field != 0;
        let (mut x, mut y) = (0, 0);
        if has(field::PRINT_QUALITY) {
            (x, y) = (mode.quality.into(), mode.quality.into());
        }
        if has(field::Y_RESOLUTION) {
            y = mode.y_resolution.into();
        }
        if has(field::LOG_PIXELS) {
            (x, y) = (mode.log_pixels.into(), mode.log_pixels.into());
        }
        let found = self.resolutions.iter().find(|resolution| **resolution == (x, y)).copied();
        found.unwrap_or((self.resolution, self.resolution))
    }

    /// Its device as it is set.
    pub fn measures(&self) -> Measures {
        let mode = &self.mode;
        let dots = self.dots();
        let dots = (dots.0.clamp(1, 0x7fff), dots.1.clamp(1, 0x7fff));
        let sized = mode.fields & field::PAPER_SIZE != 0;
        let measured = mode.fields & (field::PAPER_LENGTH | field::PAPER_WIDTH);
        let (area, paper) = match self.paper(mode.paper).filter(|_| sized) {
            Some(paper) => {
                let across = |points: f32| (points * dots.0 as f32 / 72.0) as i32;
                let up = |points: f32| (points * dots.1 as f32 / 72.0) as i32;
                let [left, bottom, right, top] = paper.area;
                let area = Rect { left: across(left), top: up(top), right: across(right), bottom: up(bottom) };
                (area, (across(paper.size.0), up(paper.size.1)))
            }
            None if !sized && measured == field::PAPER_LENGTH | field::PAPER_WIDTH => {
                let right = i32::from(mode.width) * dots.0 / 254;
                let top = i32::from(mode.length) * dots.1 / 254;
                (Rect { left: 0, top, right, bottom: 0 }, (right, top))
            }
            None => Default::default(),
        };
        let pixels = (area.right.wrapping_sub(area.left), area.top.wrapping_sub(area.bottom));
        let portrait = mode.orientation == PORTRAIT;
        let turned = |(x, y): (i32, i32)| if portrait { (x, y) } else { (y, x) };
        let offset = match (portrait, self.landscape) {
            (true, _) => (area.left, paper.1.wrapping_sub(area.top)),
            (false, -90) => (paper.1.wrapping_sub(area.top), paper.0.wrapping_sub(area.right)),
            (false, _) => (area.bottom, area.left),
        };
        let pixels = turned(pixels);
        let millimetres = |pixels: i32, dots: i32| (f64::from(pixels) * 25.4 / f64::from(dots)) as i32;
        Measures {
            dots,
            pixels,
            millimetres: (millimetres(pixels.0, dots.0), millimetres(pixels.1, dots.1)),
            paper: turned(paper),
            offset,
            scale: if self.is_pdf { 100 } else { mode.scale.into() },
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A printer with A4 (9) at 300 dots, with margins of 18 points; and what it is told.
    pub fn bytes() -> Vec<u8> {
        let mut raw = vec![0; PUBLIC];
        raw[68..70].copy_from_slice(&(PUBLIC as u16).to_le_bytes());
        raw[72..76].copy_from_slice(&(field::PAPER_SIZE | field::SCALE).to_le_bytes());
        for (at, value) in [(76, PORTRAIT), (78, 9), (84, 100)] {
            raw[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
        for number in [300, 90, 0, 1, 2, 1, 0, 0u32] {
            raw.extend(number.to_le_bytes());
        }
        raw.extend([0; SLOT]);
        for dots in [300, 300, 600, 600u32] {
            raw.extend(dots.to_le_bytes());
        }
        raw.extend([0; NAME]);
        for points in [18.0, 18.0, 577.0, 824.0, 595.0, 842.0f32] {
            raw.extend(points.to_le_bytes());
        }
        raw.extend([9, 0, 0, 0]);
        raw
    }

    #[test]
    fn paper_becomes_pixels() {
        let mut printer = Printer::of(&bytes()).unwrap();
        let measures = printer.measures();
        assert_eq!((measures.dots, measures.paper, measures.offset), ((300, 300), (2479, 3508), (75, 75)));
        assert_eq!((measures.pixels, measures.millimetres), ((2329, 3358), (197, 284)));
        let landscape =
            Mode { fields: field::ORIENTATION | field::PRINT_QUALITY, orientation: 2, quality: 600, ..Mode::default() };
        printer.set(&landscape);
        // What is not among its fields is passed over later on: the quality is set, and not meant.
        assert_eq!((printer.measures().paper, printer.measures().dots), ((3508, 2479), (300, 300)));
        printer.mode.fields |= field::PRINT_QUALITY;
        assert_eq!(printer.measures().dots, (600, 600));
        assert_eq!((printer.copies(), printer.is_mono()), ((1, false), false));
        let several = field::COPIES | field::COLLATE | field::COLOR;
        printer.set(&Mode { fields: several, copies: 3, collate: 1, color: 1, ..Mode::default() });
        assert_eq!((printer.copies(), printer.is_mono()), ((3, true), true));
        let own = field::PAPER_LENGTH | field::PAPER_WIDTH;
        printer.set(&Mode { fields: own, length: 2540, width: 1270, ..Mode::default() });
        assert_eq!(printer.measures().paper, (6000, 3000));
    }

    #[test]
    fn what_is_cut_short_is_no_printer() {
        let whole = bytes();
        assert!((0..whole.len()).all(|length| Printer::of(&whole[..length]).is_none()));
        let mut wrong = whole.clone();
        wrong[PUBLIC + 20..PUBLIC + 24].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Printer::of(&wrong).is_none());
        assert_eq!(Mode::length(&whole), PUBLIC);
    }
}
