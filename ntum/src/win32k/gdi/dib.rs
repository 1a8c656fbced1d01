//! DIB sections, and bits that go between guest memory and bitmaps.

use super::User;
use super::bitmap::{Bitmap, Place, Section};
use super::format::{Conversion, Format, default_colors};
use super::handles::{Object, kind};
use super::header::{self, CORE, Colors, Header, Info, PALETTE_COLORS, PALETTE_INDICES, RGB_COLORS};
use super::palette::Palette;
use super::region::Region;
use super::surface::{Layout, Pixels, Surface};
use super::{answer, error, failed};
use crate::call::{Call, Cx};
use crate::kernel::Kernel;
use crate::mm::allocate::Request;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use crate::win32k::geometry::Rect;
use std::sync::Arc;
use zerocopy::IntoBytes;

/// System calls about DIBs.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiCreateDIBSection(dc: u32, section: Handle, offset: u32, info: u64, usage: u32, size: u32, flags: u32, color_space: u64, bits: UserPtr<u64>) => create_section, Done;
    NtGdiCreateDIBitmapInternal(dc: u32, width: i32, height: i32, init: u32, bits: u64, info: u64, usage: u32, most_info: u32, most_bits: u32, flags: u32, transform: u64) => create_bitmap, Done;
    NtGdiGetDIBitsInternal(dc: u32, bitmap: u32, start: u32, lines: u32, bits: u64, info: u64, usage: u32, most_bits: u32, most_info: u32) => get_bits, Done;
    NtGdiSetDIBitsToDeviceInternal(dc: u32, x: i32, y: i32, width: u32, height: u32, from_x: i32, from_y: i32, start: u32, lines: u32, bits: u64, info: u64, usage: u32, most_bits: u32, most_info: u32, transform_points: u32, bitmap: u64) => set_bits_to_device, Done;
};

/// CBM_INIT.
const INIT: u32 = 4;

/// The palette that a DC has, or the default one.
fn palette_of(cx: &Cx<'_>, dc: u32) -> Option<Arc<Palette>> {
    super::with(cx, dc, |work| work.state.palette.1.clone())
}

/// NtGdiCreateDIBSection: a bitmap whose bits lie in guest memory, in a section or in memory of its own.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn create_section(
    cx: &Cx<'_>,
    dc: u32,
    section: Handle,
    offset: u32,
    info: u64,
    usage: u32,
    _size: u32,
    _flags: u32,
    _color_space: u64,
    bits: UserPtr<u64>,
) -> User {
    bits.write_opt(cx.k, 0)?;
    let Some(info) = Info::read(cx.k, info, usage, false)? else { return Ok(0) };
    let planes = info.header.planes;
    if usage > PALETTE_COLORS || planes != 1 && u32::from(planes) * u32::from(info.header.depth) > 16 {
        return Ok(0);
    }
    let bitfields = info.header.compression == header::BITFIELDS;
    if bitfields && (usage == PALETTE_COLORS || info.masks.contains(&0)) {
        return Ok(0);
    }
    let palette = match (usage, &info.colors) {
        (PALETTE_COLORS, Colors::Indices(_)) => palette_of(cx, dc),
        _ => Some(Arc::new(Palette::system())),
    };
    let Some(palette) = palette else { return Ok(0) };
    let format = info.format(&palette);
    let mut header = info.header;
    if header.depth == 16 && header.compression == header::RGB {
        header.compression = header::BITFIELDS;
    }
    if format.depth <= 8 {
        header.colors_used = 1 << format.depth;
    }
    let made = make_section(cx, header, info.bitfields(), format, section, offset);
    let Ok((bitmap, at)) = made else { return Ok(0) };
    let handle = cx.k.gdi.handles.add(cx.k, kind::BITMAP, Object::Bitmap(bitmap.clone()));
    if handle == 0 {
        bitmap.release(cx.k);
    } else {
        bits.write_opt(cx.k, at)?;
    }
    Ok(u64::from(handle))
}

/// Makes a DIB section like another one, of another size.
///
/// # Errors
/// None; the answer is 0.
pub fn create_section_like(cx: &Cx<'_>, mut header: Header, masks: [u32; 3], format: &Format) -> User {
    header.image_size = header.bytes().and_then(|bytes| u32::try_from(bytes).ok()).unwrap_or(0);
    let made = make_section(cx, header, masks, format.clone(), Handle(0), 0);
    let Ok((bitmap, _)) = made else { return Ok(0) };
    Ok(u64::from(cx.k.gdi.handles.add(cx.k, kind::BITMAP, Object::Bitmap(bitmap))))
}

fn make_section(
    cx: &Cx<'_>,
    header: Header,
    masks: [u32; 3],
    format: Format,
    section: Handle,
    offset: u32,
) -> Nt<(Arc<Bitmap>, u64)> {
    let size = u64::from(header.image_size);
    if size == 0 || header.width <= 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let (place, bits) = if section.0 != 0 {
        let start = offset & !0xffff;
        let skipped = u64::from(offset - start);
        let view = crate::mm::calls::map_section(cx, section, start.into(), size + skipped)?;
        (Place::View(view), view + skipped)
    } else {
        let at = cx.k.mm.allocate(cx.k, &Request::commit(size))?.start;
        (Place::Allocated(at), at)
    };
    let layout = Layout {
        width: header.width,
        height: header.height.saturating_abs(),
        stride: format.stride(header.width),
        bottom_up: header.height > 0,
    };
    let offset = if section.0 != 0 { offset } else { 0 };
    let section = Section { header, masks, bits, place, handle: section.0, offset };
    Ok((Arc::new(Bitmap::of_section(Surface::of_guest(layout, format, bits), section)), bits))
}

/// NtGdiCreateDIBitmapInternal: a bitmap of the device, with the bits of a DIB if these are wanted.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn create_bitmap(
    cx: &Cx<'_>,
    dc: u32,
    width: i32,
    height: i32,
    init: u32,
    bits: u64,
    info: u64,
    usage: u32,
    _most_info: u32,
    _most_bits: u32,
    _flags: u32,
    _transform: u64,
) -> User {
    if usage > PALETTE_INDICES || width < 0 {
        return Ok(0);
    }
    let height = height.wrapping_abs();
    let handle = match dc {
        0 => super::bitmap::create(cx, width, height, 1, 1, 0)?,
        dc => super::bitmap::create_compatible(cx, dc, width, height)?,
    };
    if handle != 0
        && init & INIT != 0
        && !matches!(set_lines(cx, dc, handle as u32, 0, height as u32, bits, info, usage), Ok(1..))
    {
        cx.k.gdi.handles.delete(cx.k, handle as u32);
        return Ok(0);
    }
    Ok(handle)
}

/// The image of a DIB in guest memory, which may be compressed: only so many lines of it are there. What a compressed image
/// says nothing about is not within the region.
pub struct Image {
    /// Its pixels, the upper row first.
    pub pixels: Pixels,
    /// What they mean.
    pub format: Format,
    /// What is drawn of it, where that is not all.
    pub drawn: Option<Region>,
}

/// Loads an image's rows: `lines` of the `height` that its header tells.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_NO_MEMORY`.
pub fn load_image(k: &Kernel, info: &Info, palette: &Palette, bits: u64, lines: i32) -> Nt<Image> {
    let format = info.format(palette);
    let Header { width, height, compression, .. } = info.header;
    if matches!(compression, header::RLE4 | header::RLE8) {
        let raw = UserSlice::new(bits, u64::from(info.header.image_size)).read_all(k)?;
        let (pixels, drawn) = super::rle::expand(&raw, width, height, compression == header::RLE4)?;
        return Ok(Image { pixels, format, drawn: Some(drawn) });
    }
    let layout = Layout { width, height: lines, stride: info.stride(), bottom_up: height > 0 };
    let surface = Surface::of_guest(layout, format.clone(), bits);
    let pixels = surface.open(k).load_all(&surface.area())?;
    Ok(Image { pixels, format, drawn: None })
}

/// SetDIBits: how many lines were set.
#[expect(clippy::too_many_arguments, reason = "as many as SetDIBits has")]
fn set_lines(cx: &Cx<'_>, dc: u32, bitmap: u32, start: u32, lines: u32, bits: u64, info: u64, usage: u32) -> User {
    let Some(info) = Info::read(cx.k, info, usage, true)? else { return failed(error::INVALID_PARAMETER) };
    if info.header.compression == header::BITFIELDS && info.masks.contains(&0) {
        return failed(error::INVALID_PARAMETER);
    }
    let palette = if usage == PALETTE_COLORS { palette_of(cx, dc) } else { Some(Arc::new(Palette::system())) };
    let (Some(palette), Some(bitmap)) = (palette, cx.k.gdi.handles.bitmap(bitmap)) else { return Ok(0) };
    let to = bitmap.surface.format();
    if usage == PALETTE_INDICES && to.depth != 1 {
        return Ok(0);
    }
    let height = i64::from(info.height());
    let compressed = matches!(info.header.compression, header::RLE4 | header::RLE8);
    let (mut start, mut lines) = (i64::from(start), i64::from(lines));
    if compressed {
        if lines == 0 {
            return Ok(0);
        }
        (start, lines) = (0, height);
    }
    // Rows of the image that are there, and how far the bitmap's lie below them.
    let (mut from, shift) = if info.header.height > 0 {
        lines = lines.min((height - start).max(0));
        (height - lines..height, -start)
    } else {
        (0..height.min(lines), height - lines - start)
    };
    let given = from.end - from.start;
    let image = load_image(cx.k, &info, &palette, bits, if compressed { height as i32 } else { given as i32 })?;
    let first = from.start;
    from.start = from.start.max(-shift);
    from.end = from.end.min(i64::from(bitmap.surface.layout.height) - shift);
    let width = info.header.width.min(bitmap.surface.layout.width);
    let mut conversion = Conversion::new(&image.format, &to);
    let mut opened = bitmap.surface.open(cx.k);
    for y in from.clone() {
        let row = if compressed { y } else { y - first } as i32;
        let mut pixels = image.pixels.part(0, row, width.max(0) as usize).to_vec();
        conversion.apply(&mut pixels);
        let target = (y + shift) as i32;
        match &image.drawn {
            None => opened.store(0, target, &pixels)?,
            Some(drawn) => {
                for part in drawn.clip(&Rect::new(0, row, width, row + 1)) {
                    let run = pixels.get(part.left as usize..part.right as usize).unwrap_or_default();
                    opened.store(part.left, target, run)?;
                }
            }
        }
    }
    opened.damage(&Rect::new(0, (from.start + shift) as i32, width, (from.end + shift) as i32));
    Ok(u64::from(lines as u32))
}

/// Pixels that a compressed image becomes at most.
const MOST_EXPANDED: i64 = 1 << 26;

/// NtGdiSetDIBitsToDeviceInternal: SetDIBits where a bitmap is given, else SetDIBitsToDevice; how many lines were set.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn set_bits_to_device(
    cx: &Cx<'_>,
    dc: u32,
    x: i32,
    y: i32,
    width: u32,
    height: u32,
    from_x: i32,
    from_y: i32,
    start: u32,
    lines: u32,
    bits: u64,
    info: u64,
    usage: u32,
    _most_bits: u32,
    _most_info: u32,
    _transform_points: u32,
    bitmap: u64,
) -> User {
    if bitmap != 0 {
        return set_lines(cx, dc, bitmap as u32, start, lines, bits, info, usage);
    }
    if bits == 0 {
        return Ok(0);
    }
    let Some(mut info) = Info::read(cx.k, info, usage, true)? else { return failed(error::INVALID_PARAMETER) };
    if lines == 0 {
        return Ok(0);
    }
    let (whole, mut lines) = (i64::from(info.height()), i64::from(lines));
    let top_down = info.header.height < 0;
    let (width, height) = (i64::from(width), i64::from(height));
    let compressed = matches!(info.header.compression, header::RLE4 | header::RLE8);
    let start = i64::from(start);
    let mut row;
    if compressed {
        lines = whole;
        // Its runs go on as far as they are asked for, whatever the header says.
        let (columns, rows) = (i64::from(from_x) + width, i64::from(from_y) + height);
        if columns <= 0 || rows <= 0 || columns.saturating_mul(rows) > MOST_EXPANDED {
            return Ok(0);
        }
        (info.header.width, info.header.height) = (columns as i32, rows as i32);
        row = 0;
    } else {
        if start >= whole {
            return Ok(0);
        }
        if !top_down {
            lines = lines.min(whole - start);
        }
        // Counted from the first line that is given.
        row = start + lines - (i64::from(from_y) + height);
        if row > 0 {
            if !top_down {
                if row >= lines {
                    return Ok(0);
                }
                lines -= row;
                row = 0;
            } else if row >= lines {
                return Ok(u64::from(lines as u32));
            }
        }
    }
    answer(cx, dc, |work| {
        let palette = work.state.palette.1.clone();
        let there = lines.min(whole);
        let Ok(image) = load_image(cx.k, &info, &palette, bits, there as i32) else { return 0 };
        let at = work.device_point(crate::win32k::geometry::Point::new(x, y));
        let mirrored = if work.is_mirrored() { width as i32 - 1 } else { 0 };
        let target = Rect {
            left: at.x.wrapping_sub(mirrored),
            top: at.y,
            right: at.x.wrapping_sub(mirrored).wrapping_add(width as i32),
            bottom: at.y.wrapping_add(height as i32),
        };
        let from = crate::win32k::geometry::Point::new(from_x, row as i32);
        match super::blit::put_image(work, &image, from, &target) {
            Ok(()) => lines as u32,
            Err(_) => 0,
        }
    })
}

/// NtGdiGetDIBitsInternal: how many lines were read; or what a bitmap is like.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn get_bits(
    cx: &Cx<'_>,
    dc: u32,
    bitmap: u32,
    start: u32,
    lines: u32,
    bits: u64,
    info: u64,
    usage: u32,
    _most_bits: u32,
    _most_info: u32,
) -> User {
    let Some((wanted, size)) = header::read_header(cx.k, info)? else { return Ok(0) };
    if usage > PALETTE_COLORS || bits != 0 && matches!(wanted.compression, 4 | 5) {
        return Ok(0);
    }
    let Some(palette) = palette_of(cx, dc) else { return failed(error::INVALID_PARAMETER) };
    let Some(bitmap) = cx.k.gdi.handles.bitmap(bitmap) else { return Ok(0) };
    let from = bitmap.surface.format();
    let height = i64::from(wanted.height).abs();
    let reads = bits != 0 && lines != 0 && i64::from(start) < height;
    if !reads && wanted.depth == 0 {
        return query(cx.k, &bitmap, info, size);
    }
    let valid = wanted.width > 0
        && wanted.height != 0
        && match wanted.compression {
            header::RLE4 | header::RLE8 => {
                let depth = if wanted.compression == header::RLE4 { 4 } else { 8 };
                wanted.depth == depth && wanted.height > 0 && !reads
            }
            header::BITFIELDS => matches!(wanted.depth, 16 | 32) && (lines == 0 || wanted.planes != 0),
            header::RGB => matches!(wanted.depth, 1 | 4 | 8 | 16 | 24 | 32) && (lines == 0 || wanted.planes != 0),
            _ => false,
        };
    if !valid {
        return Ok(0);
    }
    let depth = u32::from(wanted.depth);
    // The same depth is read as it is, another one into the usual format of that depth.
    let to = if depth == from.depth && usage == RGB_COLORS && (depth <= 8 || wanted.compression == header::BITFIELDS) {
        from.with_colors((depth <= 8).then(|| from.table()))
    } else if depth <= 8 && usage == PALETTE_COLORS {
        let mut colors: Vec<u32> = (0..1u32 << depth).map(|index| palette.color(index as u16)).collect();
        let count = palette.0.lock().len();
        colors.iter_mut().skip(count).for_each(|color| *color = 0);
        Format::new(depth, None, Some(colors.into()))
    } else if depth <= 8 {
        Format::new(depth, None, Some(default_colors(depth).into()))
    } else {
        let masks = (wanted.compression == header::BITFIELDS)
            .then(|| UserPtr::<[u32; 3]>::new(info + 40).read(cx.k))
            .transpose()?;
        Format::new(depth, masks, None)
    };
    let mut count = 1;
    if reads {
        count = read_lines(cx.k, &bitmap, &to, (i64::from(start), i64::from(lines)), bits, &wanted)?;
    }
    tell_colors(cx.k, info, size, &to, usage, depth == from.depth && usage == RGB_COLORS)?;
    if size != CORE {
        // biSizeImage and biClrUsed; biCompression where the masks were told.
        let bytes = if matches!(wanted.compression, header::RGB | header::BITFIELDS) { wanted.image_size } else { 0 };
        UserPtr::new(info + 20).write(cx.k, bytes)?;
        UserPtr::new(info + 32).write(cx.k, 0u32)?;
    }
    Ok(u64::from(count))
}

/// Tells what a bitmap is like, without its colours.
fn query(k: &Kernel, bitmap: &Bitmap, info: u64, size: u32) -> User {
    let layout = bitmap.surface.layout;
    let depth = bitmap.surface.format().depth as u16;
    if size == CORE {
        let core = [layout.width as u16, layout.height as u16, 1, depth];
        UserPtr::new(info + 4).write(k, core)?;
    } else {
        let compression = if matches!(depth, 16 | 32) { header::BITFIELDS } else { header::RGB };
        let mut header = Header {
            size,
            width: layout.width,
            height: layout.height,
            planes: 1,
            depth,
            compression,
            ..Header::default()
        };
        header.image_size = header.bytes().and_then(|bytes| u32::try_from(bytes).ok()).unwrap_or(0);
        k.write_user(info, header.as_bytes())?;
    }
    Ok(u64::from(layout.height as u32))
}

/// Stores lines of a bitmap; answers how many of its own.
fn read_lines(k: &Kernel, bitmap: &Bitmap, to: &Format, lines: (i64, i64), bits: u64, wanted: &Header) -> Nt<u32> {
    let (start, mut lines) = lines;
    let height = i64::from(wanted.height).abs();
    let layout = bitmap.surface.layout;
    let (rows, shift) = if wanted.height > 0 {
        lines = lines.min(height - start);
        (height - lines..height, -start)
    } else {
        let mut shift = height - lines - start;
        if shift < 0 {
            shift = 0;
            lines = height - start;
        }
        (0..lines.min(height), shift)
    };
    let stride = to.stride(wanted.width);
    // Rows of the bitmap among them; the others are zeros.
    let seen = (rows.start + shift).max(0)..(rows.end + shift).min(i64::from(layout.height));
    let width = wanted.width.min(layout.width);
    let mut conversion = Conversion::new(&bitmap.surface.format(), to);
    let mut opened = bitmap.surface.open(k);
    let mut pixels = vec![0; width.max(0) as usize];
    let mut row = vec![0; stride];
    let mut count = 0;
    for (index, y) in rows.clone().enumerate() {
        row.fill(0);
        if seen.contains(&(y + shift)) {
            opened.load(0, (y + shift) as i32, &mut pixels)?;
            conversion.apply(&mut pixels);
            super::format::pack(&mut row, to.depth, 0, &pixels);
            count += 1;
        }
        let place = if wanted.height > 0 { (rows.end - rows.start) as usize - 1 - index } else { index };
        k.write_user(bits + (place * stride) as u64, &row)?;
    }
    Ok(count)
}

/// Writes the colours or masks behind a header. `same`: the bitmap's own.
fn tell_colors(k: &Kernel, info: u64, size: u32, to: &Format, usage: u32, same: bool) -> Nt<()> {
    if to.depth <= 8 {
        let table = to.table();
        let at = info + u64::from(size);
        return match (usage, size) {
            (PALETTE_COLORS, _) => {
                let indices: Vec<u16> = (0..table.len() as u16).collect();
                k.write_user(at, indices.as_bytes())
            }
            (_, CORE) => {
                let triples: Vec<u8> = table.iter().flat_map(|color| color.to_le_bytes().into_iter().take(3)).collect();
                k.write_user(at, &triples)
            }
            _ => k.write_user(at, table.as_bytes()),
        };
    }
    if same && matches!(to.depth, 16 | 32) && size != CORE {
        let compression = UserPtr::<u32>::new(info + 16).read(k)?;
        if compression == header::BITFIELDS {
            k.write_user(info + 40, to.masks.as_bytes())?;
        }
    }
    Ok(())
}

/// DIBSECTION.
pub fn describe(bitmap: &Bitmap, section: &Section) -> Vec<u8> {
    let mut out = bitmap.describe(section.bits).to_vec();
    let header = Header { height: section.header.height.saturating_abs(), ..section.header };
    out.extend(header.as_bytes());
    out.extend(section.masks.as_bytes());
    out.extend([0; 4]);
    out.extend(section.handle.to_le_bytes());
    out.extend(section.offset.to_le_bytes());
    out.extend([0; 4]);
    out
}
