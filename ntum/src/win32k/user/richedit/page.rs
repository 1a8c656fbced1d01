//! A page of a control's text, drawn by gdi32.

use super::super::super::User;
use super::document::Document;
use super::guest::{Guest, MOST_UNITS};
use super::layout::{Device, INCH, Layout, Piece, What};
use super::{FormatRange, Task, failed, rtf};
use crate::call::Cx;
use crate::win32k::geometry::Rect;
use zerocopy::IntoBytes;

/// PHYSICALOFFSETX, PHYSICALOFFSETY.
const OFFSETS: [u64; 2] = [112, 113];
/// TRANSPARENT, TA_BASELINE, ETO_OPAQUE.
const TRANSPARENT: u64 = 1;
const BASELINE: u64 = 24;
const OPAQUE: u64 = 2;

/// Measures or draws a range: the first character that has no room, or the one behind it, and where it ends, in twips.
pub fn print(cx: &Cx<'_>, control: (u64, u64), range: &FormatRange, task: Task) -> User<(usize, i32)> {
    let guest = Guest::new(cx, control)?;
    let [dc, target] = match (range.dc, range.target) {
        (0, 0) => return Err(failed()),
        (0, only) | (only, 0) => [only; 2],
        (dc, target) => [dc, target],
    };
    let document = rtf::read(&guest.rtf()?, guest.text()?);
    let device = Device::new(&guest, target)?;
    let other = if dc == target { None } else { Some(Device::new(&guest, dc)?) };
    let shown = other.as_ref().unwrap_or(&device);

    let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(document.text.len());
    let first = usize::try_from(range.first).unwrap_or(0).min(end);
    let width = device.across(range.rect.right.saturating_sub(range.rect.left));
    let room = device.down(range.rect.bottom.saturating_sub(range.rect.top));
    let sheet = Sheet::new(&guest, &document, &device, shown, range, task)?;
    let (mut y, mut used, mut next) = (0.0, 0.0, None);
    let layout = Layout { document: &document, device: &device };
    layout.slices((first, end), width, &mut |slice| {
        let is_first = used == 0.0;
        // One is always taken, so that there is an end.
        if !is_first && (slice.breaks || y + slice.height > room + 0.5) {
            next = Some(slice.start);
            return Ok(true);
        }
        if task != Task::Measure {
            for piece in &slice.pieces {
                sheet.draw(piece, y)?;
            }
        }
        used = y + slice.height.max(1.0);
        y += slice.height + slice.after;
        Ok(false)
    })?;
    let bottom = f64::from(range.rect.top) + used * INCH / device.dots.1;
    // All of it is there: the last paragraph's end counts, which is not in the text, and who asked for more gets what was asked for.
    let all = usize::try_from(range.end).unwrap_or(document.text.len() + 1);
    Ok((next.unwrap_or(all), bottom.ceil() as i32))
}

/// What is drawn on.
struct Sheet<'a> {
    guest: &'a Guest<'a>,
    document: &'a Document,
    to: &'a Device<'a>,
    /// Where the text's upper left corner is.
    corner: (f64, f64),
    /// Its pixels of one of those that it was measured by.
    scale: (f64, f64),
}

impl<'a> Sheet<'a> {
    fn new(
        guest: &'a Guest<'a>,
        document: &'a Document,
        measured: &Device<'_>,
        to: &'a Device<'a>,
        range: &FormatRange,
        task: Task,
    ) -> User<Sheet<'a>> {
        // Places count from the paper's edge, which a printer may not reach.
        let [across, down] =
            OFFSETS.map(|index| guest.gdi("GetDeviceCaps", &[to.dc, index]).map(|offset| offset as i32));
        let (across, down) = (f64::from(across?), f64::from(down?));
        let corner = (to.across(range.rect.left) - across, to.down(range.rect.top) - down);
        let scale = (to.dots.0 / measured.dots.0, to.dots.1 / measured.dots.1);
        if task != Task::Measure {
            guest.gdi("SetBkMode", &[to.dc, TRANSPARENT])?;
            guest.gdi("SetTextAlign", &[to.dc, BASELINE])?;
        }
        if let Task::Band(band) = task {
            let [left, right] = [band.left, band.right].map(|x| number(to.across(x) - across));
            let [top, bottom] = [band.top, band.bottom].map(|y| number(to.down(y) - down));
            guest.gdi("IntersectClipRect", &[to.dc, left, top, right, bottom])?;
        }
        Ok(Sheet { guest, document, to, corner, scale })
    }

    fn x(&self, x: f64) -> i32 {
        (self.corner.0 + x * self.scale.0).round() as i32
    }

    fn y(&self, y: f64) -> i32 {
        (self.corner.1 + y * self.scale.1).round() as i32
    }

    fn area(&self, (x, y): (f64, f64), width: f64, height: f64) -> Rect {
        let (left, top) = (self.x(x), self.y(y));
        // What is thin is seen all the same.
        let (right, bottom) = (self.x(x + width), self.y(y + height));
        Rect::new(left, top, right.max(left.saturating_add(1)), bottom.max(top.saturating_add(1)))
    }

    fn draw(&self, piece: &Piece, top: f64) -> User<()> {
        let (guest, dc) = (self.guest, self.to.dc);
        let place = (piece.x, piece.y + top);
        match &piece.what {
            What::Text(style, units, widths) => {
                self.to.select(self.document, style)?;
                guest.gdi("SetTextColor", &[dc, style.colour.unwrap_or(0).into()])?;
                let mut x = piece.x;
                for (units, widths) in units.chunks(MOST_UNITS).zip(widths.chunks(MOST_UNITS)) {
                    let left = self.x(x);
                    let mut before = left;
                    let mut steps = Vec::with_capacity(widths.len());
                    for width in widths {
                        x += width;
                        let end = self.x(x);
                        steps.push(end.saturating_sub(before));
                        before = end;
                    }
                    let (text, steps) = guest.put_text(units, &steps)?;
                    // Whoever writes from the right to the left puts characters in another order.
                    let steps = if units.iter().any(|unit| is_mirrored(*unit)) { 0 } else { steps };
                    let (left, base) = (u64::from(left as u32), u64::from(self.y(place.1) as u32));
                    guest.gdi("ExtTextOutW", &[dc, left, base, 0, 0, text, units.len() as u64, steps])?;
                }
            }
            What::Fill(colour, width, height) => {
                guest.gdi("SetBkColor", &[dc, (*colour).into()])?;
                let at = guest.put(self.area(place, *width, *height).as_bytes())?;
                guest.gdi("ExtTextOutW", &[dc, 0, 0, OPAQUE, at, 0, 0, 0])?;
            }
            What::Picture(at, width, height) => {
                let Some(picture) = self.document.picture(*at) else { return Ok(()) };
                let size = picture.bytes.len() as u64;
                let play = |bytes| guest.gdi("SetEnhMetaFileBits", &[size, bytes]);
                let metafile = guest.with_bytes(&picture.bytes, play)?;
                if metafile != 0 {
                    let at = guest.put(self.area(place, *width, *height).as_bytes())?;
                    guest.gdi("PlayEnhMetaFile", &[dc, metafile, at])?;
                    guest.gdi("DeleteEnhMetaFile", &[metafile])?;
                }
            }
        }
        Ok(())
    }
}

/// A coordinate as an argument.
fn number(value: f64) -> u64 {
    u64::from(value.round() as i32 as u32)
}

/// Letters of scripts that are written from the right to the left.
fn is_mirrored(unit: u16) -> bool {
    matches!(unit, 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfefc)
}
