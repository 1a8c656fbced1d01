//! Images that go from one surface to another.

use super::User;
use super::dc::Work;
use super::dib::{self, Image};
use super::format::{Conversion, Format, swapped};
use super::header::Info;
use super::ink::Ink;
use super::raster::rop;
use super::raster::stretch::{self, Axis, Scaled};
use super::region::{Mode, Region};
use super::surface::{Opened, Pixels, Surface};
use super::{answer, done, error, failed, with_two};
use crate::call::{Call, Cx};
use crate::status::*;
use crate::win32k::geometry::{Point, Rect};
use crate::win32k::user::screen::{self, Snapshot};
use std::sync::Arc;

/// System calls about images.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiPatBlt(dc: u32, left: i32, top: i32, width: i32, height: i32, rop: u32) => pattern, Done;
    NtGdiBitBlt(dc: u32, x: i32, y: i32, width: i32, height: i32, from: u32, from_x: i32, from_y: i32, rop: u32, background: u32, flags: u32) => copy, Done;
    NtGdiStretchBlt(dc: u32, x: i32, y: i32, width: i32, height: i32, from: u32, from_x: i32, from_y: i32, from_width: i32, from_height: i32, rop: u32, background: u32) => stretched, Done;
    NtGdiStretchDIBitsInternal(dc: u32, x: i32, y: i32, width: i32, height: i32, from_x: i32, from_y: i32, from_width: i32, from_height: i32, bits: u64, info: u64, usage: u32, rop: u32, most_info: u32, most_bits: u32, transform: u64) => stretch_bits, Done;
    NtGdiSetPixel(dc: u32, x: i32, y: i32, color: u32) => set_pixel, Done;
    NtGdiGetPixel(dc: u32, x: i32, y: i32) => get_pixel, Done;
};

/// SRCCOPY.
const SRCCOPY: u32 = 0xcc_0020;
/// NOMIRRORBITMAP.
const NO_MIRROR: u32 = 0x8000_0000;
/// LAYOUT_BITMAPORIENTATIONPRESERVED.
const KEEPS_IMAGES: u32 = 8;
/// CLR_INVALID.
const INVALID: u32 = u32::MAX;

/// The index of a ROP3 within its number.
const fn index(rop: u32) -> u8 {
    (rop >> 16) as u8
}

/// An area of a device, whose sides may be less than 0, and what of it is there.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    /// First column.
    pub x: i32,
    /// First row.
    pub y: i32,
    /// Columns; less than 0: mirrored.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// What is there.
    pub seen: Rect,
}

impl Area {
    /// The area of a logical rectangle; what is there is not known yet.
    pub fn of(work: &Work<'_>, x: i32, y: i32, width: i32, height: i32, keep: bool) -> Area {
        let corners = Rect::new(x, y, x.wrapping_add(width), y.wrapping_add(height));
        let rect = work.device_corners(corners);
        let mut area =
            Area { x: rect.left, y: rect.top, width: rect.width(), height: rect.height(), seen: Rect::default() };
        if work.is_mirrored() && (keep || work.attr.layout & KEEPS_IMAGES != 0) {
            area.x = area.x.wrapping_add(area.width);
            area.width = area.width.wrapping_neg();
        }
        area
    }

    /// All of it: a mirrored one begins with its last pixel.
    pub fn bounds(&self) -> Rect {
        let along = |start: i32, length: i32| {
            if length < 0 {
                (start.wrapping_add(length).wrapping_add(1), start.wrapping_add(1))
            } else {
                (start, start.wrapping_add(length))
            }
        };
        let ((left, right), (top, bottom)) = (along(self.x, self.width), along(self.y, self.height));
        Rect { left, top, right, bottom }
    }

    fn axes(&self) -> (Axis, Axis) {
        let columns = Axis { start: self.x, length: self.width, seen: self.seen.left..self.seen.right };
        (columns, Axis { start: self.y, length: self.height, seen: self.seen.top..self.seen.bottom })
    }
}

/// Cuts both areas down to what is there of both; false if nothing is.
pub fn cut(to: &mut Area, from: &mut Area) -> bool {
    if to.width == from.width && to.height == from.height {
        let (x, y) = (to.x.wrapping_sub(from.x), to.y.wrapping_sub(from.y));
        let Some(both) = from.seen.offset(x, y).intersect(&to.seen) else { return false };
        to.seen = both;
        from.seen = both.offset(x.wrapping_neg(), y.wrapping_neg());
        return true;
    }
    if from.width == 0 || from.height == 0 || to.width == 0 || to.height == 0 {
        return false;
    }
    // A source that is flipped and not all there does not flip the destination.
    flip(&mut to.x, to.width, from.x, from.width, from.seen.left, from.seen.right);
    flip(&mut to.y, to.height, from.y, from.height, from.seen.top, from.seen.bottom);
    true
}

fn flip(to: &mut i32, length: i32, from: i32, from_length: i32, first: i32, end: i32) {
    let scaled = |place: i32, less: i32| {
        let place = i64::from(place) - i64::from(from) - i64::from(less);
        (place * i64::from(length) / i64::from(from_length)) as i32
    };
    let less = i32::from(from_length < 0);
    let (one, other) = (scaled(first, less), scaled(end, less));
    let (low, high) = (one.min(other), one.max(other));
    if from_length < 0 && length > 0 {
        if from.wrapping_add(from_length).wrapping_add(1) < first || from > end {
            *to = to.wrapping_add(length.wrapping_sub(high).wrapping_sub(low));
        }
    } else if from_length > 0 && length < 0 && (from < first || from.wrapping_add(from_length) > end) {
        *to = to.wrapping_sub(high.wrapping_sub(length.wrapping_sub(low)));
    }
}

/// How pixels of a source become a destination's: colours of one bit without a table are those of device contexts.
/// `source` is the one whose background counts; without one it is white.
pub fn conversion(from: &Format, to: &Format, work: &Work<'_>, background: Option<u32>) -> Conversion {
    let bare = |format: &Format| format.depth == 1 && format.colors.is_none();
    if bare(from) && bare(to) {
        return Conversion::Same;
    }
    if bare(to) {
        let background = background.map_or(Ok(0xff_ffff), |color| work.color_of(from, color));
        return Conversion::Match(background.map_or_else(|index| index, |color| from.pixel(color)));
    }
    if bare(from) {
        // A number in the table is that pixel, whichever others have its colour.
        let pixel = |color| work.color_of(to, color).map_or_else(|index| index, |color| to.pixel(color));
        return Conversion::Table(vec![pixel(work.attr.text_color), pixel(work.attr.background_color)]);
    }
    Conversion::new(from, to)
}

/// Where pixels of a source come from.
pub enum Rows<'a> {
    /// Pixels that lie ready, the first at this place of the destination.
    Ready(&'a Pixels, i32, i32),
    /// A surface, that far from the destination.
    Streamed(Opened<'a>, i32, i32),
    /// Pixels that lie ready, in another size.
    Scaled(Scaled<'a>),
}

impl Rows<'_> {
    /// Loads what lies on an area of the destination, row after row.
    fn load(&mut self, area: &Rect, out: &mut [u32]) -> Nt<()> {
        match self {
            Rows::Ready(pixels, left, top) => {
                let width = area.width().max(1) as usize;
                for (row, y) in out.chunks_exact_mut(width).zip(area.top..area.bottom) {
                    let part = pixels.part(area.left.wrapping_sub(*left), y.wrapping_sub(*top), width);
                    match part.len() == width {
                        true => row.copy_from_slice(part),
                        false => row.fill(0),
                    }
                }
                Ok(())
            }
            Rows::Streamed(surface, dx, dy) => surface.load_area(&area.offset(*dx, *dy), out),
            Rows::Scaled(scaled) => {
                scaled.load(area, out);
                Ok(())
            }
        }
    }
}

/// Pixels that are worked on together: few enough that they stay near the processor.
pub const STRIP: usize = 4096;

/// Rows of so many pixels that are worked on together.
pub fn strip_rows(count: usize) -> i32 {
    (STRIP / count.max(1)).max(1) as i32
}

/// Strips of an area, which are so many rows high or fewer.
pub fn strips(area: Rect, rows: i32) -> impl Iterator<Item = Rect> {
    let starts = (area.top..area.bottom).step_by(rows.max(1) as usize);
    starts.map(move |top| Rect { top, bottom: top.saturating_add(rows.max(1)).min(area.bottom), ..area })
}

/// Draws rows within a region of the device.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn draw(
    work: &mut Work<'_>,
    opened: &mut Opened<'_>,
    region: &Region,
    rows: &mut Rows<'_>,
    conversion: &mut Conversion,
    operation: u8,
) -> Nt<()> {
    let origin = work.state.origin;
    let ink = if rop::uses_pattern(operation) { work.brush_ink(&opened.format) } else { Ink::None };
    if rop::uses_pattern(operation) && matches!(ink, Ink::None) {
        return draw_without_pattern(work, opened, region, rows, conversion, operation);
    }
    work.note_bounds(&region.bounds());
    opened.damage(&region.bounds().offset(origin.x, origin.y));
    let all = opened.format.mask();
    let copies = operation == index(SRCCOPY);
    let (mut source, mut run, mut pattern, mut mask) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for rect in region.rects() {
        if let (true, Rows::Streamed(from, dx, dy), Conversion::Same) = (copies, &mut *rows, &*conversion)
            && opened.copy_area(
                &rect.offset(origin.x, origin.y),
                from,
                (rect.left.wrapping_add(*dx), rect.top.wrapping_add(*dy)),
            )?
        {
            continue;
        }
        let count = rect.width().max(0) as usize;
        let high = strip_rows(count).min(rect.height().max(1));
        source.resize(count * high as usize, 0);
        if !copies {
            run.resize(source.len(), 0);
            pattern.resize(source.len(), 0);
            mask.resize(count, 0);
        }
        if let Ink::Solid(pixel) = &ink {
            pattern.fill(*pixel);
        }
        for strip in strips(*rect, high) {
            let length = count * strip.height() as usize;
            let place = strip.offset(origin.x, origin.y);
            let source = source.get_mut(..length).unwrap_or_default();
            rows.load(&strip, source)?;
            conversion.apply(source);
            if copies {
                opened.store_area(&place, source)?;
                continue;
            }
            if let Ink::Pattern(tile) = &ink {
                for (row, y) in pattern.chunks_exact_mut(count.max(1)).zip(strip.top..strip.bottom) {
                    tile.run(rect.left, y, row, &mut mask);
                }
            }
            let run = run.get_mut(..length).unwrap_or_default();
            if rop::uses_destination(operation) {
                opened.load_area(&place, run)?;
            }
            rop::combine(operation, run, source, &pattern);
            if all != u32::MAX {
                run.iter_mut().for_each(|pixel| *pixel &= all);
            }
            opened.store_area(&place, run)?;
        }
    }
    Ok(())
}

/// A brush that draws nothing leaves out the steps that it takes part in: what is left is as if the pattern were zeros.
fn draw_without_pattern(
    work: &mut Work<'_>,
    opened: &mut Opened<'_>,
    region: &Region,
    rows: &mut Rows<'_>,
    conversion: &mut Conversion,
    operation: u8,
) -> Nt<()> {
    let low = operation & 0xf;
    draw(work, opened, region, rows, conversion, low | low << 4)
}

/// Draws an image that a guest handed in, its part from `from` on, on a rectangle of the device.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn put_image(work: &mut Work<'_>, image: &Image, from: Point, target: &Rect) -> Nt<()> {
    let Some(surface) = work.target_in(target) else { return Ok(()) };
    let (left, top) = (target.left.wrapping_sub(from.x), target.top.wrapping_sub(from.y));
    let there = Rect::new(0, 0, image.pixels.width, image.pixels.height).offset(left, top);
    let Some(target) = target.intersect(&there) else { return Ok(()) };
    let mut region = work.clipped(&target);
    if let Some(drawn) = &image.drawn {
        region = region.combine(&drawn.offset(left, top), Mode::And);
    }
    let mut opened = surface.open(work.k);
    let mut conversion = Conversion::new(&image.format, &opened.format.clone());
    let mut rows = Rows::Ready(&image.pixels, left, top);
    draw(work, &mut opened, &region, &mut rows, &mut conversion, index(SRCCOPY))
}

/// NtGdiPatBlt.
///
/// # Errors
/// None; the answer is FALSE.
pub fn pattern(cx: &Cx<'_>, dc: u32, left: i32, top: i32, width: i32, height: i32, rop: u32) -> User {
    if rop::uses_source(index(rop)) {
        return done(false);
    }
    answer(cx, dc, |work| {
        let area = Area::of(work, left, top, width, height, rop & NO_MIRROR != 0).bounds();
        work.ready_format();
        let Some(surface) = work.drawn_on() else { return 1 };
        let ink = work.brush_ink(&surface.format());
        if let Some(seen) = work.visible(&area) {
            work.note_bounds(&seen);
        }
        let region = work.clipped(&area);
        work.fill(&region, &ink, index(rop)).is_ok().into()
    })
}

/// NtGdiBitBlt.
///
/// # Errors
/// None; the answer is FALSE.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn copy(
    cx: &Cx<'_>,
    dc: u32,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    from: u32,
    from_x: i32,
    from_y: i32,
    rop: u32,
    background: u32,
    _flags: u32,
) -> User {
    stretched(cx, dc, x, y, width, height, from, from_x, from_y, width, height, rop, background)
}

/// NtGdiStretchBlt.
///
/// # Errors
/// None; the answer is FALSE.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn stretched(
    cx: &Cx<'_>,
    dc: u32,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    from: u32,
    from_x: i32,
    from_y: i32,
    from_width: i32,
    from_height: i32,
    rop: u32,
    _background: u32,
) -> User {
    if !rop::uses_source(index(rop)) {
        return pattern(cx, dc, x, y, width, height, rop);
    }
    let keep = rop & NO_MIRROR != 0;
    // Answers what of the source there are no pixels of: of the screen they are had from its windows.
    let draw = |screen: Option<&Snapshot>| {
        with_two(cx, dc, from, |work, other| {
            let (source, surface, background) = {
                let source = other.as_deref().unwrap_or(work);
                let area = Area::of(source, from_x, from_y, from_width, from_height, keep);
                let Some(seen) = source.on_device(&area.bounds()) else { return Ok(None) };
                let (surface, origin, seen) = match (&source.state.surface, screen) {
                    (Some(surface), _) => (surface.clone(), source.state.origin, Some(seen)),
                    (None, Some(Snapshot { rect, surface })) => {
                        let origin = Point::new(rect.left.wrapping_neg(), rect.top.wrapping_neg());
                        (surface.clone(), origin, seen.intersect(rect))
                    }
                    (None, None) => return Ok(Some(seen)),
                };
                let Some(seen) = seen else { return Ok(None) };
                // A number in a palette is one in its own.
                let background = match source.attr.background_color {
                    index if index & 1 << 24 != 0 => swapped(source.state.palette.1.color(index as u16)),
                    color => color,
                };
                ((Area { seen, ..area }, origin), surface, background)
            };
            let mut to = Area::of(work, x, y, width, height, keep);
            let Some(seen) = work.visible(&to.bounds()) else { return Ok(None) };
            to.seen = seen;
            let ((mut source, origin), operation) = (source, index(rop));
            // What is drawn as one column or row is all of the source but its last.
            if to.width == 1 && source.width > 1 {
                source.width -= 1;
                source.seen.right = source.seen.right.min(source.bounds().right);
            }
            if to.height == 1 && source.height > 1 {
                source.height -= 1;
                source.seen.bottom = source.seen.bottom.min(source.bounds().bottom);
            }
            if !cut(&mut to, &mut source) {
                return Ok(None);
            }
            blit(work, to, &surface, source, origin, Some(background), operation).map(|()| None)
        })
    };
    let mut drawn = draw(None);
    if let Some(Ok(Some(missing))) = &drawn
        && let Some(screen) = screen::read(cx, from, missing)?
    {
        drawn = draw(Some(&screen));
    }
    done(matches!(drawn, Some(Ok(_))))
}

impl Work<'_> {
    /// What of a rectangle the device has.
    pub fn on_device(&self, rect: &Rect) -> Option<Rect> {
        match self.device_rect() {
            Some(device) => rect.intersect(&device),
            None => Some(*rect),
        }
    }
}

/// Draws what is seen of one surface's area on a DC's.
fn blit(
    work: &mut Work<'_>,
    to: Area,
    surface: &Arc<Surface>,
    from: Area,
    origin: Point,
    background: Option<u32>,
    operation: u8,
) -> Nt<()> {
    let Some(target) = work.target_in(&to.seen) else { return Ok(()) };
    let same = Arc::ptr_eq(surface, &target);
    let (format, wanted) = (surface.format(), target.format());
    let mut conversion = conversion(&format, &wanted, work, background);
    let (dx, dy) = (from.x.wrapping_sub(to.x), from.y.wrapping_sub(to.y));
    let as_large = to.width == from.width && to.height == from.height;
    if as_large && same && operation == index(SRCCOPY) {
        let region = work.clipped(&to.seen);
        if let [rect] = region.rects() {
            return move_within(work, &target, rect, (dx.wrapping_add(origin.x), dy.wrapping_add(origin.y)));
        }
    }
    if as_large && !same {
        let region = work.clipped(&to.seen);
        let (mut opened, source) = Opened::two(work.k, &target, surface);
        let mut rows = Rows::Streamed(source, dx.wrapping_add(origin.x), dy.wrapping_add(origin.y));
        return draw(work, &mut opened, &region, &mut rows, &mut conversion, operation);
    }
    let mut pixels = surface.open(work.k).load_all(&from.seen.offset(origin.x, origin.y))?;
    if mixes(work, &to, &from) && !mono(&wanted) {
        let mut colors = self::conversion(&format, &Format::bgrx(), work, background);
        colors.apply(pixels.values_mut());
        return draw_mixed(work, &target, to, &pixels, from, operation);
    }
    conversion.apply(pixels.values_mut());
    draw_loaded(work, &target, to, &pixels, from, operation)
}

/// Copies to a rectangle of the device from its own surface, which lies that far away: row after row, so that none is written before it
/// was read.
fn move_within(work: &mut Work<'_>, target: &Arc<Surface>, rect: &Rect, (dx, dy): (i32, i32)) -> Nt<()> {
    work.note_bounds(rect);
    let mut opened = target.open(work.k);
    let to = rect.offset(work.state.origin.x, work.state.origin.y);
    opened.damage(&to);
    opened.move_area(&to, (rect.left.wrapping_add(dx), rect.top.wrapping_add(dy)))
}

/// Whether an image is drawn in another size, as means of its colours.
fn mixes(work: &Work<'_>, to: &Area, from: &Area) -> bool {
    work.attr.stretch_mode == stretch::HALFTONE && (to.width != from.width || to.height != from.height)
}

/// Whether a format is a device's of one bit, whose colours are those of device contexts.
fn mono(format: &Format) -> bool {
    format.depth == 1 && format.colors.is_none()
}

/// Draws colours, which are all that is seen of an area, mixed to another size.
fn draw_mixed(
    work: &mut Work<'_>,
    target: &Arc<Surface>,
    to: Area,
    colors: &Pixels,
    from: Area,
    operation: u8,
) -> Nt<()> {
    let Some(seen) = to.bounds().intersect(&to.seen) else { return Ok(()) };
    let mirrored = ((to.width < 0) != (from.width < 0), (to.height < 0) != (from.height < 0));
    let mut pixels = stretch::mix(colors, (seen.width(), seen.height()), mirrored)?;
    let mut opened = target.open(work.k);
    Conversion::new(&Format::bgrx(), &opened.format.clone()).apply(pixels.values_mut());
    let region = work.clipped(&seen);
    let mut rows = Rows::Ready(&pixels, seen.left, seen.top);
    draw(work, &mut opened, &region, &mut rows, &mut Conversion::Same, operation)
}

/// Draws pixels of the destination's format, which are all that is seen of an area.
fn draw_loaded(
    work: &mut Work<'_>,
    target: &Arc<Surface>,
    to: Area,
    pixels: &Pixels,
    from: Area,
    operation: u8,
) -> Nt<()> {
    let first = (from.seen.left, from.seen.top);
    let stretches = to.width != from.width || to.height != from.height;
    let stretched;
    let (pixels, left, top, seen) = if stretches {
        let ((to_x, to_y), (from_x, from_y)) = (to.axes(), from.axes());
        let mode = match work.attr.stretch_mode {
            // Of two colours there are no means.
            stretch::HALFTONE => stretch::DELETE,
            mode => mode,
        };
        if let Some(scaled) = Scaled::new(pixels, first, (&to_x, &to_y), (&from_x, &from_y), mode) {
            let region = work.clipped(&scaled.area());
            let mut opened = target.open(work.k);
            return draw(work, &mut opened, &region, &mut Rows::Scaled(scaled), &mut Conversion::Same, operation);
        }
        stretched = stretch::stretch(pixels, first, (&to_x, &to_y), (&from_x, &from_y), mode)?;
        let (pixels, left, top) = &stretched;
        let seen = Rect::new(0, 0, pixels.width, pixels.height).offset(*left, *top);
        (pixels, *left, *top, seen)
    } else {
        (
            pixels,
            to.x.wrapping_sub(from.x).wrapping_add(first.0),
            to.y.wrapping_sub(from.y).wrapping_add(first.1),
            to.seen,
        )
    };
    let region = work.clipped(&seen);
    let mut opened = target.open(work.k);
    let mut rows = Rows::Ready(pixels, left, top);
    draw(work, &mut opened, &region, &mut rows, &mut Conversion::Same, operation)
}

/// NtGdiStretchDIBitsInternal: how many lines the image has.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn stretch_bits(
    cx: &Cx<'_>,
    dc: u32,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    from_x: i32,
    from_y: i32,
    from_width: i32,
    from_height: i32,
    bits: u64,
    info: u64,
    usage: u32,
    rop: u32,
    _most_info: u32,
    _most_bits: u32,
    _transform: u64,
) -> User {
    if bits == 0 {
        return Ok(0);
    }
    let Some(info) = Info::read(cx.k, info, usage, true)? else { return failed(error::INVALID_PARAMETER) };
    let (keep, rop) = (rop & NO_MIRROR != 0, rop & !NO_MIRROR);
    let lines = info.height();
    answer(cx, dc, |work| {
        let mut to = Area::of(work, x, y, width, height, keep);
        let mut from = Area { x: from_x, y: from_y, width: from_width, height: from_height, seen: Rect::default() };
        let plain = from_x == 0 && from_y == 0 && from_width == to.width && from_height == to.height;
        let copies = rop == SRCCOPY;
        if !copies || plain {
            if to.width == 1 && from.width > 1 {
                from.width -= 1;
            }
            if to.height == 1 && from.height > 1 {
                from.height -= 1;
            }
        }
        if !copies {
            let turn = |to: &mut i32, to_length: &mut i32, from: &mut i32, from_length: &mut i32| {
                if *to_length < 0 && to_length == from_length {
                    *to = to.wrapping_add(*to_length);
                    *from = from.wrapping_add(*from_length);
                    *to_length = to_length.wrapping_neg();
                    *from_length = from_length.wrapping_neg();
                }
            };
            turn(&mut to.x, &mut to.width, &mut from.x, &mut from.width);
            turn(&mut to.y, &mut to.height, &mut from.y, &mut from.height);
        }
        if info.header.height > 0 || copies && !plain {
            from.y = lines.wrapping_sub(from.y).wrapping_sub(from.height);
        }
        let end = from.y.wrapping_add(from.height).wrapping_add(1);
        if from.y >= lines && end < lines {
            from.y = lines - 1;
        } else if from.y > 0 && end < 0 {
            from.y = from.height.wrapping_neg().wrapping_sub(1);
        }
        let all = Rect::new(0, 0, info.header.width, lines);
        let Some(seen) = all.intersect(&from.bounds()) else { return 0 };
        from.seen = seen;
        let result = if copies { lines } else { info.header.height };
        let Some(seen) = work.visible(&to.bounds()) else { return result as u32 };
        to.seen = seen;
        if !cut(&mut to, &mut from) {
            return result as u32;
        }
        let palette = work.state.palette.1.clone();
        let drawn = dib::load_image(work.k, &info, &palette, bits, lines)
            .and_then(|image| stretch_image(work, to, from, image, plain && copies, index(rop)));
        if drawn.is_ok() { result as u32 } else { 0 }
    })
}

fn stretch_image(work: &mut Work<'_>, to: Area, from: Area, image: Image, plain: bool, operation: u8) -> Nt<()> {
    let Some(target) = work.target_in(&to.seen) else { return Ok(()) };
    if plain && image.drawn.is_some() {
        let place = Point::new(from.seen.left, from.seen.top);
        return put_image(work, &image, place, &to.seen);
    }
    let wanted = target.format();
    let mixes = mixes(work, &to, &from) && !mono(&wanted);
    let common = Format::bgrx();
    let wanted = if mixes { &common } else { &*wanted };
    let mut conversion = conversion(&image.format, wanted, work, None);
    let mut pixels = image.pixels;
    conversion.apply(pixels.values_mut());
    let mut part = Pixels::new(from.seen.width(), from.seen.height())?;
    for (row, y) in part.rows_mut().zip(from.seen.top..) {
        let from = pixels.part(from.seen.left, y, row.len());
        row.get_mut(..from.len()).unwrap_or_default().copy_from_slice(from);
    }
    if mixes {
        return draw_mixed(work, &target, to, &part, from, operation);
    }
    draw_loaded(work, &target, to, &part, from, operation)
}

/// NtGdiSetPixel: the colour that the surface has for it, or CLR_INVALID where there is none.
///
/// # Errors
/// None.
pub fn set_pixel(cx: &Cx<'_>, dc: u32, x: i32, y: i32, color: u32) -> User {
    let set = super::with(cx, dc, |work| {
        if work.is_metafile() {
            work.note_recorded(Rect::new(x, y, x, y));
        }
        let at = work.device_point(Point::new(x, y));
        let rect = Rect::new(at.x, at.y, at.x.wrapping_add(1), at.y.wrapping_add(1));
        work.ready_format();
        let format = work.drawn_on()?.format();
        let pixel = work.pixel_of(&format, color, false);
        let stored = swapped(format.color(pixel));
        drop(format);
        let region = work.clipped(&rect);
        work.fill(&region, &Ink::Solid(pixel), rop::of_pen(work.attr.rop)).ok()?;
        Some(stored)
    });
    Ok(u64::from(set.flatten().unwrap_or(INVALID)))
}

/// NtGdiGetPixel: its colour, or CLR_INVALID.
///
/// # Errors
/// None.
pub fn get_pixel(cx: &Cx<'_>, dc: u32, x: i32, y: i32) -> User {
    let found = super::with(cx, dc, |work| {
        let at = work.device_point(Point::new(x, y));
        let rect = Rect::new(at.x, at.y, at.x.wrapping_add(1), at.y.wrapping_add(1));
        let Some(surface) = work.state.surface.clone() else { return Err(Some(rect)) };
        work.visible(&rect).ok_or(None)?;
        let origin = work.state.origin;
        let pixel = surface.open(work.k).pixel(at.x.wrapping_add(origin.x), at.y.wrapping_add(origin.y));
        Ok(swapped(surface.format().color(pixel.map_err(|_| None)?)))
    });
    let colour = match found {
        Some(Ok(colour)) => colour,
        Some(Err(Some(missing))) => match screen::read(cx, dc, &missing)? {
            Some(screen) => {
                let pixel = screen.surface.open(cx.k).pixel(0, 0)?;
                swapped(screen.surface.format().color(pixel))
            }
            None => INVALID,
        },
        _ => INVALID,
    };
    Ok(colour.into())
}
