//! The user's settings as the registry keeps them: where each lies, how it is written, what it is if it is not there.
//!
//! What is set for the session alone lies under a key of its own, which is lost with it, and comes first. A process keeps what it has read
//! until any process of the sandbox changes a setting.

use super::super::super::User;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::shm::user::desk;
use crate::win32k::geometry::muldiv;
use parking_lot::Mutex;
use std::collections::HashMap;

/// Keys below the user's.
pub mod key {
    pub const COLOURS: &str = "Control Panel\\Colors";
    pub const DESKTOP: &str = "Control Panel\\Desktop";
    pub const KEYBOARD: &str = "Control Panel\\Keyboard";
    pub const MOUSE: &str = "Control Panel\\Mouse";
    pub const METRICS: &str = "Control Panel\\Desktop\\WindowMetrics";
    pub const SOUND: &str = "Control Panel\\Sound";
    pub const SHOW_SOUNDS: &str = "Control Panel\\Accessibility\\ShowSounds";
    pub const KEYBOARD_PREFERENCE: &str = "Control Panel\\Accessibility\\Keyboard Preference";
    pub const BLIND_ACCESS: &str = "Control Panel\\Accessibility\\Blind Access";
    pub const AUDIO_DESCRIPTION: &str = "Control Panel\\Accessibility\\AudioDescription";
}

/// What holds for the session alone, as Wine has it.
const TEMPORARY: &str = "Software\\Wine\\Temporary System Parameters";
/// Most pixels of a size, so that sums of a few never overflow.
pub(super) const MOST_PIXELS: i32 = 0xffff;

/// REG_SZ, REG_BINARY, REG_DWORD.
const TEXT: u32 = 1;
const BINARY: u32 = 3;
const NUMBER: u32 = 4;
/// SPIF_UPDATEINIFILE.
pub const KEEP: u32 = 1;
/// Pixels to the inch that sizes are kept for.
pub const DPI: u32 = 96;

/// How a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A number in digits.
    Number,
    /// 0 or 1.
    Truth,
    /// Yes or No.
    Yes,
    /// REG_DWORD.
    Word,
    /// A size in pixels, or below zero in twips (a 1440th of an inch).
    Size,
    /// A bit of the user's preferences: a byte's place and the bit.
    Preference(usize, u8),
}

/// A setting that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// The value's name.
    pub name: &'static str,
    /// How it is written.
    pub form: Form,
    /// What it is if it is not there.
    pub default: i32,
}

/// Names and defaults of the preferences' bits.
const PREFERENCES: (&str, [u8; 8]) = ("UserPreferencesMask", [0x30, 0, 0, 0x80, 0x12, 0, 0, 0]);

/// Values by key and name; `None` for what is not there.
type Values = HashMap<(&'static str, String), Option<Vec<u8>>>;

/// What a process has read, as of a count of changes.
#[derive(Default)]
pub struct Read(Mutex<(u32, Values)>);

impl Kernel {
    /// Counts changes of the settings.
    fn settings_changed(&'static self) -> u32 {
        self.member().map_or(0, |(shm, _)| shm.desk_word(desk::field::SETTINGS))
    }

    /// A value's data, as it was read.
    fn kept(&'static self, key: &'static str, name: &str) -> Option<Vec<u8>> {
        let changes = self.settings_changed();
        {
            let mut read = self.user.settings.0.lock();
            if read.0 != changes {
                *read = (changes, HashMap::new());
            }
            if let Some(held) = read.1.get(&(key, name.to_owned())) {
                return held.clone();
            }
        }
        let temporary = self.user_value(&format!("{TEMPORARY}\\{key}"), name);
        let found = temporary.or_else(|| self.user_value(key, name)).map(|(_, data)| data);
        self.user.settings.0.lock().1.insert((key, name.to_owned()), found.clone());
        found
    }

    /// A setting that is a text.
    pub(in super::super) fn text_setting(&'static self, key: &'static str, name: &str) -> Option<String> {
        let data = self.kept(key, name)?;
        let units: Vec<u16> = data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        Some(String::from_utf16_lossy(&units).split('\0').next().unwrap_or_default().to_owned())
    }

    /// A setting that is bytes.
    pub(in super::super) fn bytes_setting(&'static self, key: &'static str, name: &str) -> Option<Vec<u8>> {
        self.kept(key, name)
    }

    fn preferences(&'static self) -> [u8; 8] {
        let mut bytes = PREFERENCES.1;
        for (byte, held) in bytes.iter_mut().zip(self.kept(key::DESKTOP, PREFERENCES.0).unwrap_or_default()) {
            *byte = held;
        }
        bytes
    }

    /// A setting, with sizes in pixels of so many to the inch.
    pub(in super::super) fn number_setting(&'static self, setting: &Setting, dpi: u32) -> i32 {
        let digits = || leading_number(&self.text_setting(setting.key, setting.name)?);
        match setting.form {
            Form::Number => digits().unwrap_or(setting.default),
            Form::Truth => digits().map_or(setting.default, |number| (number != 0).into()),
            Form::Yes => self
                .text_setting(setting.key, setting.name)
                .map_or(setting.default, |text| text.eq_ignore_ascii_case("yes").into()),
            Form::Word => {
                let data = self.kept(setting.key, setting.name);
                let word = data.and_then(|data| data.first_chunk().map(|four| i32::from_le_bytes(*four)));
                word.unwrap_or(setting.default)
            }
            Form::Size => {
                let size = digits().unwrap_or(setting.default);
                let dpi = dpi as i32;
                let pixels =
                    if size < 0 { muldiv(size.saturating_neg(), dpi, 1440) } else { muldiv(size, dpi, DPI as i32) };
                pixels.clamp(-MOST_PIXELS, MOST_PIXELS)
            }
            Form::Preference(place, bit) => i32::from(self.preferences()[place.min(7)] & bit != 0),
        }
    }
}

/// The number that a text begins with.
fn leading_number(text: &str) -> Option<i32> {
    let text = text.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let length = digits.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(digits.len());
    text[..text.len() - digits.len() + length].parse().ok()
}

/// Sets a value; with [`KEEP`] for good.
///
/// # Errors
/// What the registry says.
fn set(cx: &Cx<'_>, key: &'static str, name: &str, kind: u32, data: &[u8], flags: u32) -> User<()> {
    let temporary = format!("{TEMPORARY}\\{key}");
    if flags & KEEP != 0 {
        cx.k.set_user_value(key, name, Some((kind, data)), false)?;
        cx.k.set_user_value(&temporary, name, None, true)?;
    } else {
        cx.k.set_user_value(&temporary, name, Some((kind, data)), true)?;
    }
    let mut tx = cx.windows()?;
    let changes = tx.of_desk(desk::field::SETTINGS);
    tx.set_of_desk(desk::field::SETTINGS, changes.wrapping_add(1))?;
    Ok(tx.commit()?)
}

/// Sets a setting that is a text.
pub(in super::super) fn set_text(cx: &Cx<'_>, key: &'static str, name: &str, text: &str, flags: u32) -> User<()> {
    let bytes: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    set(cx, key, name, TEXT, &bytes, flags)
}

/// Sets a setting that is bytes.
pub(in super::super) fn set_bytes(cx: &Cx<'_>, key: &'static str, name: &str, bytes: &[u8], flags: u32) -> User<()> {
    set(cx, key, name, BINARY, bytes, flags)
}

/// Sets a setting that is a number.
pub(in super::super) fn set_number(cx: &Cx<'_>, setting: &Setting, value: u32, flags: u32) -> User<()> {
    let Setting { key, name, form, .. } = *setting;
    match form {
        Form::Number => set_text(cx, key, name, &value.to_string(), flags),
        Form::Size => set_text(cx, key, name, &(value as i32).to_string(), flags),
        Form::Truth => set_text(cx, key, name, if value != 0 { "1" } else { "0" }, flags),
        Form::Yes => set_text(cx, key, name, if value != 0 { "Yes" } else { "No" }, flags),
        Form::Word => set(cx, key, name, NUMBER, &value.to_le_bytes(), flags),
        Form::Preference(place, bit) => {
            let mut bytes = cx.k.preferences();
            let byte = &mut bytes[place.min(7)];
            *byte = if value != 0 { *byte | bit } else { *byte & !bit };
            set_bytes(cx, key::DESKTOP, PREFERENCES.0, &bytes, flags)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        assert_eq!(
            [leading_number("-270"), leading_number(" 12px"), leading_number("wide")],
            [Some(-270), Some(12), None]
        );
    }
}
