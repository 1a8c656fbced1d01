//! Members of a sandbox: its picoprocesses, by number, and what they share.
//!
//! Two memory files come with every picoprocess. One is the sandbox's memory: zeros at first, mapped by all to read and
//! write, of no meaning to the monitor. The other says who lives: a word for each place, which holds the number of the
//! member that is there and 0 when it has ended; the monitor alone writes it.

/// Places, and so members at a time; place 0 stays empty.
pub const PLACES: u32 = 1024;

/// Bytes of the file that says who lives.
pub const LIVING: usize = PLACES as usize * 4;

/// Number of the sandbox's first picoprocess.
pub const FIRST: u32 = 1;

/// Place of a member.
pub const fn place(number: u32) -> u32 {
    number % PLACES
}

/// Number of the next member in a place, after `number`; `None` when the place is used up.
pub const fn next(number: u32) -> Option<u32> {
    match number.checked_add(PLACES) {
        Some(next) if next < 1 << 31 => Some(next),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_place_differ_and_end() {
        assert_eq!(place(FIRST), 1);
        assert_eq!(next(FIRST), Some(1025));
        assert_eq!(place(1025), 1);
        assert_eq!(next((1 << 31) - 1), None);
    }
}
