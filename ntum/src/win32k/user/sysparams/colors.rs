//! The system's colours, and brushes and pens of them.

use super::super::super::{Failed, User};
use super::kept::{self, key};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::um::UserPtr;
use crate::win32k::gdi::brush::Brush;
use crate::win32k::gdi::handles::{Object, kind};
use crate::win32k::gdi::pen::{Pen, style};
use parking_lot::Mutex;
use std::sync::Arc;

/// COLOR_* in order: the value's name, and what it is if there is none.
const NAMES: [(&str, [u8; 3]); 31] = [
    ("Scrollbar", [212, 208, 200]),
    ("Background", [58, 110, 165]),
    ("ActiveTitle", [10, 36, 106]),
    ("InactiveTitle", [128, 128, 128]),
    ("Menu", [212, 208, 200]),
    ("Window", [255, 255, 255]),
    ("WindowFrame", [0, 0, 0]),
    ("MenuText", [0, 0, 0]),
    ("WindowText", [0, 0, 0]),
    ("TitleText", [255, 255, 255]),
    ("ActiveBorder", [212, 208, 200]),
    ("InactiveBorder", [212, 208, 200]),
    ("AppWorkSpace", [128, 128, 128]),
    ("Hilight", [10, 36, 106]),
    ("HilightText", [255, 255, 255]),
    ("ButtonFace", [212, 208, 200]),
    ("ButtonShadow", [128, 128, 128]),
    ("GrayText", [128, 128, 128]),
    ("ButtonText", [0, 0, 0]),
    ("InactiveTitleText", [212, 208, 200]),
    ("ButtonHilight", [255, 255, 255]),
    ("ButtonDkShadow", [64, 64, 64]),
    ("ButtonLight", [212, 208, 200]),
    ("InfoText", [0, 0, 0]),
    ("InfoWindow", [255, 255, 225]),
    ("ButtonAlternateFace", [181, 181, 181]),
    ("HotTrackingColor", [0, 0, 200]),
    ("GradientActiveTitle", [166, 202, 240]),
    ("GradientInactiveTitle", [192, 192, 192]),
    ("MenuHilight", [10, 36, 106]),
    ("MenuBar", [212, 208, 200]),
];
/// COLOR_55AA_BRUSH, a number of its own: dots of the first colour on the second.
const DOTS: u32 = 100;
/// WM_SYSCOLORCHANGE.
const COLOUR_CHANGE: u32 = 0x15;

/// Brushes and pens that a process was given: a colour, and the handle that shows it.
#[derive(Default)]
pub struct Tools(Mutex<Made>);

#[derive(Default)]
struct Made {
    brushes: [(u32, u32); NAMES.len()],
    pens: [(u32, u32); NAMES.len()],
    dots: u32,
}

/// A colour of a text: red, green and blue in digits.
fn colour(text: &str) -> Option<u32> {
    let mut parts = text.split_ascii_whitespace().map(str::parse::<u8>);
    let mut next = || parts.next()?.ok();
    let [red, green, blue] = [next()?, next()?, next()?];
    Some(u32::from_le_bytes([red, green, blue, 0]))
}

impl Kernel {
    /// GetSysColor: 0x00bbggrr; black for a number that is none.
    pub(crate) fn system_colour(&'static self, index: u32) -> u32 {
        let Some((name, [red, green, blue])) = NAMES.get(index as usize) else { return 0 };
        let held = self.text_setting(key::COLOURS, name).as_deref().and_then(colour);
        held.unwrap_or(u32::from_le_bytes([*red, *green, *blue, 0]))
    }

    /// GetSysColorBrush: its handle, 0 for a number that is none. A colour that changes makes a new one.
    pub(crate) fn system_brush(&'static self, index: u32) -> u32 {
        if index == DOTS {
            let mut made = self.user.tools.0.lock();
            if made.dots == 0 {
                let Ok(pattern) = Brush::dots() else { return 0 };
                made.dots = self.gdi.handles.add_system(self, kind::BRUSH, Object::Brush(Arc::new(pattern)));
            }
            return made.dots;
        }
        let colour = self.system_colour(index);
        let mut made = self.user.tools.0.lock();
        let Some(slot) = made.brushes.get_mut(index as usize) else { return 0 };
        if slot.1 == 0 || slot.0 != colour {
            let brush = Object::Brush(Arc::new(Brush::solid(colour)));
            *slot = (colour, self.gdi.handles.add_system(self, kind::BRUSH, brush));
        }
        slot.1
    }

    /// GetSysColorPen.
    pub(crate) fn system_pen(&'static self, index: u32) -> u32 {
        let colour = self.system_colour(index);
        let mut made = self.user.tools.0.lock();
        let Some(slot) = made.pens.get_mut(index as usize) else { return 0 };
        if slot.1 == 0 || slot.0 != colour {
            let Some(pen) = Pen::simple(style::SOLID, 1, colour) else { return 0 };
            *slot = (colour, self.gdi.handles.add_system(self, kind::PEN, Object::Pen(Arc::new(pen))));
        }
        slot.1
    }
}

/// NtUserSetSysColors: as long as the session lasts.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set_colours(cx: &Cx<'_>, count: u32, indexes: UserPtr<u32>, values: UserPtr<u32>) -> User {
    // Some programs pass a colour where the numbers should be.
    if indexes.address() < 0x1_0000 {
        return Err(Failed::SILENT);
    }
    let count = (count as usize).min(NAMES.len());
    let (indexes, values) = (indexes.read_vec(cx.k, count)?, values.read_vec(cx.k, count)?);
    for (index, value) in indexes.into_iter().zip(values) {
        if let Some((name, _)) = NAMES.get(index as usize) {
            let [red, green, blue, _] = value.to_le_bytes();
            kept::set_text(cx, key::COLOURS, name, &format!("{red} {green} {blue}"), 0)?;
        }
    }
    cx.tell_all(COLOUR_CHANGE, 0, &[])?;
    super::repaint_all(cx)?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_they_are_written() {
        assert_eq!([colour("58 110 165"), colour("1 2"), colour("1 2 300")], [Some(0x00a5_6e3a), None, None]);
    }
}
