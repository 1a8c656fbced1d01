//! Filling outlines: how much of each pixel lies within.

use super::outline::{Kind, Outline};
use crate::kernel::Kernel;
use skrifa::raw::TableProvider;
use zeno::{Command, Format, Mask, Origin, Vector};

/// How text is smoothed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Smoothing {
    /// It is not.
    None,
    /// In shades of grey.
    Grey,
    /// With the parts of a pixel, red left.
    HorizontalRgb,
    /// Blue left.
    HorizontalBgr,
    /// Red above.
    VerticalRgb,
    /// Blue above.
    VerticalBgr,
}

impl Smoothing {
    /// As the user's part of the registry says.
    pub fn of_registry(k: &Kernel) -> Smoothing {
        let path = format!("User\\{}\\Control Panel\\Desktop", crate::cm::USER_SID);
        let values = super::load::values(k, &path);
        let number = |name: &str| {
            let name: Vec<u16> = name.encode_utf16().collect();
            let (_, kind, data) = values.iter().find(|(of, ..)| super::face::same(of, &name))?;
            if *kind == 4 {
                return data.first_chunk().map(|raw| u32::from_le_bytes(*raw));
            }
            let text: Vec<u16> = data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            String::from_utf16_lossy(&text).trim_end_matches('\0').trim().parse().ok()
        };
        if number("FontSmoothing").unwrap_or(0) == 0 {
            return Smoothing::None;
        }
        match (number("FontSmoothingType"), number("FontSmoothingOrientation")) {
            (Some(2), Some(0)) => Smoothing::HorizontalBgr,
            (Some(2), Some(1)) => Smoothing::HorizontalRgb,
            _ => Smoothing::Grey,
        }
    }

    /// With the parts of a pixel, in the order that the registry says; grey where it says none.
    pub fn clear_type(k: &Kernel) -> Smoothing {
        match k.gdi.fonts.smoothing(k) {
            other @ (Smoothing::HorizontalBgr | Smoothing::HorizontalRgb) => other,
            _ => Smoothing::HorizontalRgb,
        }
    }
}

/// Whether a font wants to be smoothed at a size (its `gasp` table); fonts that do not say want to.
pub fn wants_grey(font: &skrifa::Font, ppem: i32) -> bool {
    /// GASP_DOGRAY.
    const GREY: u16 = 2;
    let Ok(gasp) = font.tables().gasp() else { return true };
    if gasp.version() > 1 {
        return true;
    }
    let mut flags = None;
    for range in gasp.gasp_ranges() {
        flags = Some(range.range_gasp_behavior().bits());
        if ppem <= i32::from(range.range_max_ppem()) {
            break;
        }
    }
    flags.unwrap_or(0) & GREY != 0
}

/// Columns or rows that are filled at most: larger glyphs are nothing.
pub const LARGEST: i32 = 4096;

/// Commands for the crate that fills; it takes numbers of a few thousand pixels.
fn commands(outline: &Outline) -> Vec<Command> {
    let far = (LARGEST * 2 * 64) as f32;
    let point = |x: f32, y: f32| Vector::new(x.clamp(-far, far) / 64.0, y.clamp(-far, far) / 64.0);
    let mut all = Vec::new();
    for contour in &outline.contours {
        let Some(first) = contour.first() else { continue };
        all.push(Command::MoveTo(point(first.x as f32, first.y as f32)));
        let mut waiting: Vec<(f32, f32)> = Vec::new();
        for dot in contour.iter().skip(1).chain([first]) {
            let (x, y) = (dot.x as f32, dot.y as f32);
            match (dot.kind, waiting.as_slice()) {
                (Kind::On, []) => all.push(Command::LineTo(point(x, y))),
                (Kind::On, [a]) => all.push(Command::QuadTo(point(a.0, a.1), point(x, y))),
                (Kind::On, [a, b, ..]) => all.push(Command::CurveTo(point(a.0, a.1), point(b.0, b.1), point(x, y))),
                (Kind::Conic, [a]) => {
                    // FreeType halves whole numbers.
                    let middle = (((a.0 + x) / 2.0).trunc(), ((a.1 + y) / 2.0).trunc());
                    all.push(Command::QuadTo(point(a.0, a.1), point(middle.0, middle.1)));
                    waiting.clear();
                    waiting.push((x, y));
                    continue;
                }
                _ => {
                    waiting.push((x, y));
                    continue;
                }
            }
            waiting.clear();
        }
        all.push(Command::Close);
    }
    all
}

/// How much of each pixel lies within, 0 to 255, of the rows from above to below. The outline's origin is the lower left corner.
pub fn grey(outline: &Outline, width: i32, height: i32) -> Option<Vec<u8>> {
    if !(0..=LARGEST).contains(&width) || !(0..=LARGEST).contains(&height) {
        return None;
    }
    let mut pixels = vec![0; width as usize * height as usize];
    if pixels.is_empty() {
        return Some(pixels);
    }
    let commands = commands(outline);
    Mask::new(&commands[..])
        .format(Format::Alpha)
        .origin(Origin::BottomLeft)
        .offset(Vector::ZERO)
        .size(width as u32, height as u32)
        .render_into(&mut pixels, Some(width as usize));
    Some(pixels)
}

/// How much of a part's light its neighbours take, in 256ths: FreeType's filter, which keeps colours from showing at edges.
const FILTER: [u32; 5] = [0x08, 0x4d, 0x56, 0x4d, 0x08];

/// The same for each part of a pixel (0x00RRGGBB): three parts are filled for each pixel, and each is mixed with its neighbours.
pub fn parts(outline: &Outline, width: i32, height: i32, smoothing: Smoothing) -> Option<Vec<u32>> {
    let vertical = matches!(smoothing, Smoothing::VerticalRgb | Smoothing::VerticalBgr);
    let turned = matches!(smoothing, Smoothing::HorizontalBgr | Smoothing::VerticalBgr);
    let mut large = outline.clone();
    for dot in large.contours.iter_mut().flatten() {
        let value = if vertical { &mut dot.y } else { &mut dot.x };
        *value = value.saturating_mul(3);
    }
    let (across, down) = if vertical { (width, height.saturating_mul(3)) } else { (width.saturating_mul(3), height) };
    let fine = grey(&large, across, down)?;
    let (columns, rows) = (width.max(0) as usize, height.max(0) as usize);
    // From a part to the next, and how many there are in a line.
    let (step, count) = if vertical { (columns, rows * 3) } else { (1, columns * 3) };
    let mut all = vec![0; columns * rows];
    for (index, pixel) in all.iter_mut().enumerate() {
        let (x, y) = (index % columns, index / columns);
        let (line, first) = if vertical { (x, y * 3) } else { (y * columns * 3, x * 3) };
        for part in 0..3 {
            let at = first + part;
            let mixed: u32 = FILTER
                .iter()
                .enumerate()
                .map(|(tap, weight)| match (at + tap).checked_sub(2).filter(|at| *at < count) {
                    Some(at) => weight * fine.get(line + at * step).copied().map_or(0, u32::from),
                    None => 0,
                })
                .sum();
            let shift = if turned { part * 8 } else { 16 - part * 8 };
            *pixel |= (mixed >> 8).min(255) << shift;
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::super::outline::tests::square;
    use super::*;

    #[test]
    fn half_a_pixel_is_half_grey() {
        let pixels = grey(&square(32, 0, 64), 2, 2).unwrap();
        assert_eq!(pixels[..2], [0, 0]);
        assert!(pixels[2..].iter().all(|pixel| pixel.abs_diff(128) <= 1), "{pixels:?}");
        assert_eq!(grey(&square(0, 0, 64), 1, 1), Some(vec![255]));
        assert_eq!(grey(&square(0, 0, 64), 0, 5), Some(vec![]));
        assert_eq!(grey(&square(0, 0, 64), LARGEST + 1, 5), None);
    }

    #[test]
    fn what_is_far_away_is_cut() {
        let pixels = grey(&square(-(1 << 30), -(1 << 30), i32::MAX), 3, 2).unwrap();
        assert!(pixels.iter().all(|pixel| *pixel == 255), "{pixels:?}");
        grey(&square(i32::MAX - 1, i32::MIN, 1), 3, 2).unwrap();
    }

    #[test]
    fn parts_lie_beside_each_other() {
        let pixels = parts(&square(64, 0, 64), 3, 1, Smoothing::HorizontalRgb).unwrap();
        // Red lies left, so it takes some of its neighbour in the pixel to the right.
        assert!(pixels[2] >> 16 > 0 && pixels[2] & 0xff == 0, "{pixels:x?}");
        assert_eq!(pixels[1] >> 8 & 0xff, 0xef);
        let other = parts(&square(64, 0, 64), 3, 1, Smoothing::HorizontalBgr).unwrap();
        assert_eq!(other[2] & 0xff, pixels[2] >> 16);
        assert_eq!(other[2] >> 8 & 0xff, pixels[2] >> 8 & 0xff);
    }
}
