//! Pictures of what is shown, and how alike two of them are.

use crate::target;
use std::path::{Path, PathBuf};

/// Rows of red, green and blue.
pub type Picture = image::RgbImage;

/// A picture from a PNG file.
///
/// # Panics
/// If there is none.
pub fn read(path: &Path) -> Picture {
    image::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).to_rgb8()
}

/// How alike two pictures are by their structure (SSIM of the colours together): 1 for the same ones, less the less they are. Pictures of other
/// sizes are not alike at all, 0.
pub fn similarity(one: &Picture, other: &Picture) -> f64 {
    image_compare::rgb_similarity_structure(&image_compare::Algorithm::MSSIMSimple, one, other)
        .map_or(0.0, |similar| similar.score)
}

/// A part of a picture.
///
/// # Panics
/// If it does not lie within.
pub fn part(whole: &Picture, (x, y): (u32, u32), (width, height): (u32, u32)) -> Picture {
    assert!(x + width <= whole.width() && y + height <= whole.height(), "outside of {:?}", whole.dimensions());
    image::imageops::crop_imm(whole, x, y, width, height).to_image()
}

/// Keeps ours, Wine's, and where they differ, side by side as one PNG that a person may look at.
///
/// # Panics
/// If it cannot be written.
pub fn keep(name: &str, ours: &Picture, wine: &Picture) -> PathBuf {
    let (width, height) = (ours.width().max(wine.width()), ours.height().max(wine.height()));
    let mut all = Picture::new(width * 3, height);
    for (x, y, pixel) in all.enumerate_pixels_mut() {
        let of = |picture: &Picture| picture.get_pixel_checked(x % width, y).copied();
        *pixel = match (x / width, of(ours), of(wine)) {
            (0, Some(ours), _) => ours,
            (1, _, Some(wine)) => wine,
            (2, ours, wine) if ours != wine => image::Rgb([255, 0, 0]),
            _ => image::Rgb([255, 255, 255]),
        };
    }
    let path = target("pictures").join(format!("{name}.png"));
    all.save(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}

/// Keeps a picture that has nothing beside it.
///
/// # Panics
/// If it cannot be written.
pub fn keep_one(name: &str, picture: &Picture) -> PathBuf {
    let path = target("pictures").join(format!("{name}.png"));
    picture.save(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}
