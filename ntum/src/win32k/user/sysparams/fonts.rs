//! The fonts of captions, menus, messages and icons.

use super::super::super::User;
use super::kept::{self, DPI, MOST_PIXELS, key};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::win32k::gdi::font::Font;
use crate::win32k::gdi::fonts::{load, realize};
use crate::win32k::geometry::muldiv;
use zerocopy::{FromBytes, IntoBytes};

/// sizeof(LOGFONTW).
pub const SIZE: usize = 92;
/// FW_NORMAL and FW_BOLD; DEFAULT_CHARSET.
const NORMAL: i32 = 400;
const BOLD: i32 = 700;
const DEFAULT_CHARSET: u8 = 1;

/// What a font is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FontUse {
    /// Captions.
    Caption,
    /// Small captions.
    SmallCaption,
    /// Menus.
    Menu,
    /// Status bars.
    Status,
    /// Message boxes.
    Message,
    /// Titles of icons.
    Icon,
}

impl FontUse {
    fn name(self) -> &'static str {
        match self {
            FontUse::Caption => "CaptionFont",
            FontUse::SmallCaption => "SmCaptionFont",
            FontUse::Menu => "MenuFont",
            FontUse::Status => "StatusFont",
            FontUse::Message => "MessageFont",
            FontUse::Icon => "IconFont",
        }
    }
}

/// What of a font's sizes counts here, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metrics {
    /// Of a line.
    pub height: i32,
    /// Between lines.
    pub leading: i32,
    /// Of an average letter.
    pub width: i32,
}

/// A font as it is used, in pixels of so many to the inch.
pub fn font(k: &'static Kernel, which: FontUse, dpi: u32) -> Font {
    let kept = k.bytes_setting(key::METRICS, which.name());
    let kept = kept.filter(|bytes| bytes.len() == SIZE).and_then(|bytes| Font::read_from_bytes(&bytes).ok());
    let mut font = kept.unwrap_or_else(|| {
        let weight = if which == FontUse::Caption { BOLD } else { NORMAL };
        // The font of dialogs.
        Font::named(-11, 0, weight, DEFAULT_CHARSET, 0x22, "MS Shell Dlg")
    });
    if font.height > 0 {
        // Points.
        font.height = -muldiv(font.height, DPI as i32, 72);
    }
    font.height = muldiv(font.height, dpi as i32, DPI as i32);
    let units = font.face;
    let length = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    let name = String::from_utf16_lossy(&units[..length]);
    if let Some(real) = substitute(k, &name) {
        font = Font { face: Font::named(0, 0, 0, 0, 0, &real).face, ..font };
    }
    font
}

/// The typeface that stands for a name.
fn substitute(k: &'static Kernel, name: &str) -> Option<String> {
    const SUBSTITUTES: &str = "Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\FontSubstitutes";
    let Some((_, data)) = k.setting(SUBSTITUTES, name) else {
        let known = load::SUBSTITUTED.iter().find(|(from, _)| from.eq_ignore_ascii_case(name));
        return known.map(|(_, to)| (*to).to_owned());
    };
    let units: Vec<u16> = data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let text = String::from_utf16_lossy(&units);
    let text = text.split('\0').next().unwrap_or_default();
    Some(text.split(',').next().unwrap_or_default().to_owned()).filter(|text| !text.is_empty())
}

/// Keeps a font, in pixels of the system's.
pub fn set(cx: &Cx<'_>, which: FontUse, bytes: &[u8], dpi: u32, flags: u32) -> User<()> {
    let Ok(mut font) = Font::read_from_bytes(bytes) else { return Ok(()) };
    if font.height < 0 {
        font.height = muldiv(font.height, DPI as i32, dpi as i32);
    }
    if let Some(end) = font.face.iter().position(|unit| *unit == 0) {
        for unit in font.face.iter_mut().skip(end) {
            *unit = 0;
        }
    }
    kept::set_bytes(cx, key::METRICS, which.name(), font.as_bytes(), flags)
}

/// The sizes of such a font's letters.
pub fn metrics(k: &'static Kernel, which: FontUse, dpi: u32) -> Metrics {
    let font = font(k, which, dpi);
    let found = known(&font).or_else(|| measured(k, &font)).unwrap_or(Metrics { height: -1, leading: 0, width: 10 });
    let clamped = |size: i32| size.clamp(-MOST_PIXELS, MOST_PIXELS);
    Metrics { height: clamped(found.height), leading: clamped(found.leading), width: clamped(found.width) }
}

/// Those of the font that is there if nobody chose another, so that programs without text need no fonts: Tahoma at 96 pixels of an inch.
fn known(font: &Font) -> Option<Metrics> {
    let width = match font.weight {
        NORMAL => 6,
        BOLD => 7,
        _ => return None,
    };
    let plain = font.width == 0 && font.italic == 0 && font.escapement == 0;
    let tahoma = font.name().iter().copied().eq("Tahoma".encode_utf16());
    (tahoma && plain && font.height == -11).then_some(Metrics { height: 13, leading: 0, width })
}

/// What the font itself says, and the mean width of the letters from A to Z and a to z.
fn measured(k: &'static Kernel, font: &Font) -> Option<Metrics> {
    let letters: Vec<u16> = ('A'..='Z').chain('a'..='z').map(|letter| letter as u16).collect();
    let found = realize::select(k, *font, realize::STRAIGHT, true)?;
    let text = &found.metrics()?.text;
    let all = found.measure_text(k, &letters, false);
    let width: i32 = all.into_iter().flatten().map(|one| one.abc.width()).fold(0, i32::saturating_add);
    Some(Metrics { height: text.height, leading: text.external_leading, width: (width / 26 + 1) / 2 })
}
