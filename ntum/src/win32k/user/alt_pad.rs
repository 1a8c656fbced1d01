//! A character by its number: digits of the number pad are pressed while Alt is held, and the character comes when Alt is let go. With a zero
//! in front the number is of the ANSI code page, else of the OEM one.

use super::super::User;
use crate::call::Cx;
use crate::ps::layout::peb;
use crate::um::UserPtr;

/// VK_MENU, VK_NUMPAD0 to VK_NUMPAD9, and the same keys without Num Lock, which lie elsewhere too, as extended keys.
const MENU: u64 = 0x12;
const DIGITS: core::ops::RangeInclusive<u64> = 0x60..=0x69;
const PLAIN: [u64; 10] = [0x2d, 0x23, 0x28, 0x22, 0x25, 0x0c, 0x27, 0x24, 0x26, 0x21];
const EXTENDED: u64 = 0x100_0000;

/// What a thread has been told of a number so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pad {
    value: u8,
    digits: u32,
    ansi: bool,
}

/// What a key's message means for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is a digit, and no character of its own.
    Digit,
    /// It ends a number.
    Ends(Pad),
    /// Nothing.
    None,
}

impl Pad {
    /// A key's message: whether it is of a key that goes down with Alt, or of one that goes up.
    pub(super) fn follow(&mut self, with_alt: bool, up: bool, (wparam, lparam): (u64, u64)) -> Meaning {
        let digit = match DIGITS.contains(&wparam) {
            true => Some(wparam - DIGITS.start()),
            false if lparam & EXTENDED != 0 => None,
            false => PLAIN.iter().position(|key| *key == wparam).map(|digit| digit as u64),
        };
        match digit {
            Some(_) if up => Meaning::Digit,
            Some(digit) if with_alt => {
                self.ansi |= self.digits == 0 && digit == 0;
                self.value = self.value.wrapping_mul(10).wrapping_add(digit as u8);
                self.digits = self.digits.saturating_add(1);
                Meaning::Digit
            }
            _ if up && wparam == MENU && self.digits != 0 => Meaning::Ends(core::mem::take(self)),
            // Alt repeats while it is held.
            _ if wparam == MENU && with_alt => Meaning::None,
            _ => {
                *self = Pad::default();
                Meaning::None
            }
        }
    }

    /// The character, by the process's tables of code pages: a header that begins with its length, a word, 256 characters.
    pub(super) fn character(&self, cx: &Cx<'_>) -> User<u16> {
        let place = if self.ansi { peb::ANSI_CODE_PAGE } else { peb::OEM_CODE_PAGE };
        let table = UserPtr::<u64>::new(cx.k.ps.peb() + place).read(cx.k)?;
        let header = UserPtr::<u16>::new(table).read(cx.k)?;
        let at = table.wrapping_add((u64::from(header) + 1 + u64::from(self.value)) * 2);
        Ok(UserPtr::<u16>::new(at).read(cx.k)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_make_a_number_until_alt_is_let_go() {
        let mut pad = Pad::default();
        let mut down = |key| pad.follow(true, false, (key, 1));
        assert_eq!(
            (down(MENU), down(0x61), down(0x23), down(0x60)),
            (Meaning::None, Meaning::Digit, Meaning::Digit, Meaning::Digit)
        );
        assert_eq!(pad.follow(false, true, (0x60, 1)), Meaning::Digit);
        assert_eq!(pad.follow(false, true, (MENU, 1)), Meaning::Ends(Pad { value: 110, digits: 3, ansi: false }));
        assert_eq!(pad.follow(false, true, (MENU, 1)), Meaning::None);
        // A zero in front; more than a byte holds.
        for key in [0x60, 0x62, 0x65, 0x67] {
            pad.follow(true, false, (key, 1));
        }
        assert_eq!(pad.follow(true, true, (MENU, 1)), Meaning::Ends(Pad { value: 1, digits: 4, ansi: true }));
        // Arrows beside the number pad, and any other key, are none of it.
        pad.follow(true, false, (0x61, 1));
        assert_eq!(pad.follow(true, false, (0x25, EXTENDED)), Meaning::None);
        assert_eq!(pad, Pad::default());
    }
}
