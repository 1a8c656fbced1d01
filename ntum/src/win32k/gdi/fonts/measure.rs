//! What text measures: NtGdi calls about metrics, widths and extents.

use super::glyph::Abc;
use super::metrics::TextMetrics;
use super::realize::Realized;
use super::{charset, face::Signature};
use crate::call::{Call, Cx};
use crate::um::UserPtr;
use crate::win32k::error;
use crate::win32k::gdi::caps::RESOLUTION;
use crate::win32k::gdi::dc::Work;
use crate::win32k::gdi::{User, answer, done, failed, with};
use crate::win32k::geometry::{Point, round};
use zerocopy::IntoBytes;

/// System calls about what text measures.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiGetTextMetricsW(dc: u32, metrics: UserPtr<TextMetrics>, flags: u32) => text_metrics, Done;
    NtGdiGetOutlineTextMetricsInternalW(dc: u32, size: u32, metrics: u64, options: u32) => outline_metrics, Done;
    NtGdiGetCharWidthW(dc: u32, first: u32, last: u32, characters: u64, flags: u32, buffer: u64) => widths, Done;
    NtGdiGetCharABCWidthsW(dc: u32, first: u32, last: u32, characters: u64, flags: u32, buffer: u64) => abc_widths, Done;
    NtGdiGetCharWidthInfo(dc: u32, info: UserPtr<[i32; 3]>) => width_info, Done;
    NtGdiGetTextExtentExW(dc: u32, text: u64, count: i32, most: i32, fitting: UserPtr<i32>, places: u64, size: UserPtr<Point>, flags: u32) => extent, Done;
    NtGdiGetTextFaceW(dc: u32, count: i32, name: u64, alias: u32) => face, Done;
    NtGdiGetTextCharsetInfo(dc: u32, signature: UserPtr<[u32; 6]>, flags: u32) => charset_info, Done;
};

/// Characters of one call at most.
pub const MOST: u32 = 1 << 22;

impl Work<'_> {
    /// A width of the device, in the world, however it is mirrored.
    pub fn world_width(&self, width: i32) -> i32 {
        round(f64::from(width) * f64::from(self.state.to_world.unwrap_or_default().m11).abs())
    }

    /// A height.
    pub fn world_height(&self, height: i32) -> i32 {
        round(f64::from(height) * f64::from(self.state.to_world.unwrap_or_default().m22).abs())
    }

    /// Metrics of the DC's font in logical units.
    pub fn logical_metrics(&self, mut text: TextMetrics) -> TextMetrics {
        (text.aspect_x, text.aspect_y) = (RESOLUTION, RESOLUTION);
        for value in [
            &mut text.height,
            &mut text.ascent,
            &mut text.descent,
            &mut text.internal_leading,
            &mut text.external_leading,
        ] {
            *value = self.world_height(*value);
        }
        for value in [&mut text.average_width, &mut text.max_width, &mut text.overhang] {
            *value = self.world_width(*value);
        }
        text
    }

    /// Where each character of a text ends, on the device.
    pub fn places(&self, font: &Realized, text: &[u16], by_number: bool) -> Vec<i32> {
        let (extra, mut rest) = self.state.justification;
        let space = if extra != 0 || rest != 0 {
            let space = font.space();
            if by_number { font.glyph_of(self.k, space) as u16 } else { space }
        } else {
            0
        };
        let (mut place, mut wider, mut last) = (0i32, 0i32, Abc::default());
        let mut places = Vec::with_capacity(text.len());
        for (unit, measured) in text.iter().zip(font.measure_text(self.k, text, by_number)) {
            // A glyph that can't be loaded is as wide as the one before.
            last = measured.map_or(last, |measured| measured.abc);
            place = place.wrapping_add(last.width());
            if (extra != 0 || rest != 0) && *unit == space {
                wider = wider.wrapping_add(extra);
                if rest > 0 {
                    wider = wider.wrapping_add(1);
                    rest -= 1;
                }
            }
            places.push(place.wrapping_add(wider));
        }
        places
    }

    /// What a text measures in logical units: where each character ends, and the size of all.
    pub fn extent(&self, font: &Realized, text: &[u16], by_number: bool) -> (Vec<i32>, Point) {
        let back = self.state.to_world.unwrap_or_default();
        let across = |value: i32| round(f64::from(value) * f64::from(back.m11)).wrapping_abs();
        let extra = self.attr.character_extra;
        let mut places = self.places(font, text, by_number);
        let Some(&width) = places.last() else { return (places, Point::default()) };
        let height = font.text_metrics().map_or(0, |metrics| metrics.height);
        for (count, place) in (1i32..).zip(&mut places) {
            *place = across(*place).wrapping_add(count.wrapping_mul(extra));
        }
        let count = places.len() as i32;
        let height = round(f64::from(height) * f64::from(back.m22)).wrapping_abs();
        (places, Point::new(across(width).wrapping_add(count.wrapping_mul(extra)), height))
    }
}

/// NtGdiGetTextMetricsW.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn text_metrics(cx: &Cx<'_>, dc: u32, metrics: UserPtr<TextMetrics>, _flags: u32) -> User {
    let found = with(cx, dc, |work| {
        let found = work.realized()?.text_metrics()?;
        Some(work.logical_metrics(found))
    });
    let found = found.flatten();
    let Some(found) = found else { return done(false) };
    metrics.write(cx.k, found)?;
    done(true)
}

/// Bytes of OUTLINETEXTMETRICW, without the names behind it.
const OUTLINE: usize = 232;

/// NtGdiGetOutlineTextMetricsInternalW: how many bytes they are; 0 for bitmap fonts.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn outline_metrics(cx: &Cx<'_>, dc: u32, size: u32, metrics: u64, _options: u32) -> User {
    let found = with(cx, dc, |work| {
        let font = work.realized()?;
        let (text, mut outlines) = font.outline_metrics()?;
        let text = work.logical_metrics(text);
        outlines.map(|x| work.world_width(x), |y| work.world_height(y));
        let identifier = &font.metrics()?.identifier;
        let names = [&font.family[..], &font.face.style, &font.face.full, identifier];
        let mut bytes = vec![0; OUTLINE];
        let mut places = [0u64; 4];
        for (place, name) in places.iter_mut().zip(names) {
            *place = bytes.len() as u64;
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend([0; 2]);
        }
        let [family, style, face, full] = places;
        let total = bytes.len() as u32;
        let mut put = |at: usize, value: &[u8]| {
            if let Some(to) = bytes.get_mut(at..at + value.len()) {
                to.copy_from_slice(value);
            }
        };
        put(0, total.as_bytes());
        put(4, text.as_bytes());
        put(64, outlines.as_bytes());
        for (at, place) in [(200, family), (208, face), (216, style), (224, full)] {
            put(at, place.as_bytes());
        }
        Some(bytes)
    });
    let Some(bytes) = found.flatten() else { return Ok(0) };
    if metrics == 0 {
        return Ok(bytes.len() as u64);
    }
    let part = bytes.get(..(size as usize).min(bytes.len())).unwrap_or_default();
    cx.k.write_user(metrics, part)?;
    Ok(part.len() as u64)
}

/// The characters that a call means: a range, or a list.
fn characters(cx: &Cx<'_>, first: u32, count: u32, list: u64) -> crate::status::Nt<Vec<u16>> {
    if list != 0 {
        return UserPtr::<u16>::new(list).read_vec(cx.k, count as usize);
    }
    Ok((0..count).map(|index| first.wrapping_add(index) as u16).collect())
}

/// How many characters a call means, `last` being a count where there is a list; `None` if there are too many.
fn counted(first: u32, last: u32, by_count: bool) -> Option<u32> {
    let count = if by_count { last } else { last.wrapping_sub(first).wrapping_add(1) };
    (count <= MOST).then_some(count)
}

/// NtGdiGetCharWidthW.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn widths(cx: &Cx<'_>, dc: u32, first: u32, last: u32, list: u64, flags: u32, buffer: u64) -> User {
    /// NTGDI_GETCHARWIDTH_INT, NTGDI_GETCHARWIDTH_INDICES.
    const WHOLE: u32 = 2;
    const NUMBERS: u32 = 8;
    let by_number = flags & NUMBERS != 0;
    let Some(count) = counted(first, last, by_number || list != 0) else { return done(false) };
    let units = characters(cx, first, count, list)?;
    let found = with(cx, dc, |work| {
        let font = work.realized()?;
        let width = |unit: &u16| font.measure(work.k, *unit, by_number).map_or(0, |measured| measured.abc.width());
        let scale = work.state.to_world.unwrap_or_default().m11.abs() / 16.0;
        let value = |unit: &u16| match width(unit) {
            width if flags & (WHOLE | NUMBERS) != 0 => work.world_width(width).to_le_bytes(),
            width => (width as f32 * scale).to_le_bytes(),
        };
        Some(units.iter().flat_map(value).collect::<Vec<u8>>())
    });
    let Some(found) = found.flatten() else { return done(false) };
    cx.k.write_user(buffer, &found)?;
    done(true)
}

/// NtGdiGetCharABCWidthsW.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn abc_widths(cx: &Cx<'_>, dc: u32, first: u32, last: u32, list: u64, flags: u32, buffer: u64) -> User {
    /// NTGDI_GETCHARABCWIDTHS_INT, NTGDI_GETCHARABCWIDTHS_INDICES.
    const WHOLE: u32 = 1;
    const NUMBERS: u32 = 2;
    let by_number = flags & NUMBERS != 0;
    let count = counted(first, last, by_number || list != 0);
    let Some(count) = count.filter(|_| buffer != 0) else { return done(false) };
    let units = characters(cx, first, count, list)?;
    let found = with(cx, dc, |work| {
        let font = work.realized()?;
        let scale = work.state.to_world.unwrap_or_default().m11.abs();
        let mut bytes = Vec::with_capacity(units.len() * size_of::<Abc>());
        for unit in &units {
            let abc = font.measure(work.k, *unit, by_number).map(|measured| measured.abc).unwrap_or_default();
            let parts = [abc.a, abc.b as i32, abc.c];
            let value = |part: i32| match flags & WHOLE {
                0 => (part as f32 * scale).to_le_bytes(),
                _ => work.world_width(part).to_le_bytes(),
            };
            bytes.extend(parts.into_iter().flat_map(value));
        }
        Some(bytes)
    });
    let Some(found) = found.flatten() else { return done(false) };
    cx.k.write_user(buffer, &found)?;
    done(true)
}

/// NtGdiGetCharWidthInfo: the least bearings of all glyphs.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn width_info(cx: &Cx<'_>, dc: u32, info: UserPtr<[i32; 3]>) -> User {
    let found = with(cx, dc, |work| {
        let (left, right) = work.realized()?.metrics().map_or((0, 0), |metrics| metrics.bearings);
        Some([work.world_width(left.into()), work.world_width(right.into()), 0])
    });
    let Some(found) = found.flatten() else { return done(false) };
    info.write(cx.k, found)?;
    done(true)
}

/// NtGdiGetTextExtentExW: the size of a text, how many characters fit, and where each ends.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn extent(
    cx: &Cx<'_>,
    dc: u32,
    text: u64,
    count: i32,
    most: i32,
    fitting: UserPtr<i32>,
    places: u64,
    size: UserPtr<Point>,
    flags: u32,
) -> User {
    let count = u32::try_from(count).ok().filter(|count| *count <= MOST);
    let Some(count) = count else { return done(false) };
    let text = UserPtr::<u16>::new(text).read_vec(cx.k, count as usize)?;
    let found = with(cx, dc, |work| {
        let font = work.realized()?;
        Some(work.extent(&font, &text, flags != 0))
    });
    let Some((mut ends, total)) = found.flatten() else { return done(false) };
    if !fitting.is_null() {
        let fits = ends.iter().take_while(|end| **end as u32 <= most as u32).count();
        ends.truncate(fits);
        fitting.write(cx.k, fits as i32)?;
    }
    if places != 0 {
        cx.k.write_user(places, ends.as_bytes())?;
    }
    size.write(cx.k, total)?;
    done(true)
}

/// NtGdiGetTextFaceW: units of the name with its zero, or as many as there is room for.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn face(cx: &Cx<'_>, dc: u32, count: i32, name: u64, _alias: u32) -> User {
    let found = with(cx, dc, |work| Some(work.realized()?.name.clone())).flatten();
    let Some(mut found) = found else { return Ok(0) };
    if name == 0 {
        return Ok(found.len() as u64 + 1);
    }
    let Some(room) = usize::try_from(count).ok().filter(|room| *room != 0) else { return Ok(count as u32 as u64) };
    found.truncate(room - 1);
    found.push(0);
    cx.k.write_user(name, found.as_bytes())?;
    Ok(found.len() as u64)
}

/// NtGdiGetTextCharsetInfo: the character set of the DC's font, and what it is for.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn charset_info(cx: &Cx<'_>, dc: u32, signature: UserPtr<[u32; 6]>, _flags: u32) -> User {
    let found = with(cx, dc, |work| {
        let font = work.realized()?;
        Some((font.charset.number, font.face.signature))
    });
    let (number, found) = found.flatten().unwrap_or((charset::DEFAULT, Signature::default()));
    let found = if number == charset::DEFAULT { Signature::default() } else { found };
    if !signature.is_null() {
        let [a, b, c, d] = found.unicode;
        let [e, f] = found.code_pages;
        signature.write(cx.k, [a, b, c, d, e, f])?;
    }
    Ok(number.into())
}

/// What a DC's font is asked; 0 if there is none.
pub fn of_font(cx: &Cx<'_>, dc: u32, run: impl FnOnce(&Work<'_>, &Realized) -> u32) -> User {
    answer(cx, dc, |work| work.realized().map_or(0, |font| run(work, &font)))
}

/// A call without room for its answer.
pub fn refused() -> User {
    failed(error::INVALID_PARAMETER)
}
