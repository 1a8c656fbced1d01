//! Keyboard layouts beside the American one: what of them differs, by the countries' standards (DIN 2137 T1, AFNOR's AZERTY as PCs have it,
//! BS 4822, UNE 71-2000 as PCs have it).

use super::layout::Character::{Dead as D, Is as I, None as N};
use super::layout::{
    Layout, OEM_1, OEM_2, OEM_3, OEM_4, OEM_5, OEM_6, OEM_7, OEM_102, OEM_COMMA, OEM_MINUS, OEM_PERIOD, OEM_PLUS, US,
    letter, plain,
};

/// A key that few layouts have.
const OEM_8: u8 = 0xdf;
/// Columns of the tables: nothing, Shift, Control, AltGr, Shift and AltGr.
const MODIFIERS: &[u8] = &[0, 1, 2, 2, 0, 1, 3, 4];

/// The German layout.
pub static GERMAN: Layout = Layout {
    modifiers: MODIFIERS,
    alt_gr: true,
    keys: &[
        letter(b'1', &[I('1'), I('!')]),
        letter(b'2', &[I('2'), I('"'), N, I('²')]),
        letter(b'3', &[I('3'), I('§'), N, I('³')]),
        letter(b'4', &[I('4'), I('$')]),
        letter(b'5', &[I('5'), I('%')]),
        letter(b'6', &[I('6'), I('&')]),
        letter(b'7', &[I('7'), I('/'), N, I('{')]),
        letter(b'8', &[I('8'), I('('), N, I('[')]),
        letter(b'9', &[I('9'), I(')'), N, I(']')]),
        letter(b'0', &[I('0'), I('='), N, I('}')]),
        letter(OEM_4, &[I('ß'), I('?'), N, I('\\')]),
        plain(OEM_6, &[D('´'), D('`')]),
        letter(OEM_1, &[I('ü'), I('Ü')]),
        letter(OEM_PLUS, &[I('+'), I('*'), N, I('~')]),
        letter(OEM_3, &[I('ö'), I('Ö')]),
        letter(OEM_7, &[I('ä'), I('Ä')]),
        plain(OEM_5, &[D('^'), I('°')]),
        letter(OEM_2, &[I('#'), I('\'')]),
        letter(OEM_COMMA, &[I(','), I(';')]),
        letter(OEM_PERIOD, &[I('.'), I(':')]),
        letter(OEM_MINUS, &[I('-'), I('_')]),
        plain(OEM_102, &[I('<'), I('>'), N, I('|')]),
        letter(b'Q', &[I('q'), I('Q'), N, I('@')]),
        letter(b'E', &[I('e'), I('E'), N, I('€')]),
        letter(b'M', &[I('m'), I('M'), N, I('µ')]),
        plain(0x6e, &[I(','), I(',')]),
    ],
    moved: &[
        (0x0c, OEM_4),
        (0x0d, OEM_6),
        (0x15, b'Z'),
        (0x2c, b'Y'),
        (0x1a, OEM_1),
        (0x1b, OEM_PLUS),
        (0x27, OEM_3),
        (0x28, OEM_7),
        (0x29, OEM_5),
        (0x2b, OEM_2),
        (0x35, OEM_MINUS),
    ],
};

/// The French layout.
pub static FRENCH: Layout = Layout {
    modifiers: MODIFIERS,
    alt_gr: true,
    keys: &[
        letter(b'1', &[I('&'), I('1')]),
        letter(b'2', &[I('é'), I('2'), N, D('~')]),
        letter(b'3', &[I('"'), I('3'), N, I('#')]),
        letter(b'4', &[I('\''), I('4'), N, I('{')]),
        letter(b'5', &[I('('), I('5'), N, I('[')]),
        letter(b'6', &[I('-'), I('6'), N, I('|')]),
        letter(b'7', &[I('è'), I('7'), N, D('`')]),
        letter(b'8', &[I('_'), I('8'), N, I('\\')]),
        letter(b'9', &[I('ç'), I('9'), N, I('^')]),
        letter(b'0', &[I('à'), I('0'), N, I('@')]),
        letter(OEM_4, &[I(')'), I('°'), N, I(']')]),
        letter(OEM_PLUS, &[I('='), I('+'), N, I('}')]),
        plain(OEM_6, &[D('^'), D('¨')]),
        letter(OEM_1, &[I('$'), I('£'), N, I('¤')]),
        letter(OEM_3, &[I('ù'), I('%')]),
        plain(OEM_7, &[I('²')]),
        letter(OEM_5, &[I('*'), I('µ')]),
        letter(OEM_COMMA, &[I(','), I('?')]),
        letter(OEM_PERIOD, &[I(';'), I('.')]),
        letter(OEM_2, &[I(':'), I('/')]),
        letter(OEM_8, &[I('!'), I('§')]),
        plain(OEM_102, &[I('<'), I('>')]),
        letter(b'E', &[I('e'), I('E'), N, I('€')]),
    ],
    moved: &[
        (0x10, b'A'),
        (0x11, b'Z'),
        (0x1e, b'Q'),
        (0x2c, b'W'),
        (0x27, b'M'),
        (0x32, OEM_COMMA),
        (0x33, OEM_PERIOD),
        (0x34, OEM_2),
        (0x35, OEM_8),
        (0x0c, OEM_4),
        (0x0d, OEM_PLUS),
        (0x1a, OEM_6),
        (0x1b, OEM_1),
        (0x28, OEM_3),
        (0x29, OEM_7),
        (0x2b, OEM_5),
    ],
};

/// The British layout.
pub static BRITISH: Layout = Layout {
    modifiers: MODIFIERS,
    alt_gr: true,
    keys: &[
        plain(b'2', &[I('2'), I('"')]),
        plain(b'3', &[I('3'), I('£')]),
        plain(b'4', &[I('4'), I('$'), N, I('€')]),
        plain(b'6', &[I('6'), I('^')]),
        plain(OEM_8, &[I('`'), I('¬'), N, I('¦')]),
        plain(OEM_3, &[I('\''), I('@')]),
        plain(OEM_7, &[I('#'), I('~'), N, I('\\')]),
        plain(OEM_5, &[I('\\'), I('|')]),
        plain(OEM_MINUS, &[I('-'), I('_')]),
        letter(b'A', &[I('a'), I('A'), N, I('á'), I('Á')]),
        letter(b'E', &[I('e'), I('E'), N, I('é'), I('É')]),
        letter(b'I', &[I('i'), I('I'), N, I('í'), I('Í')]),
        letter(b'O', &[I('o'), I('O'), N, I('ó'), I('Ó')]),
        letter(b'U', &[I('u'), I('U'), N, I('ú'), I('Ú')]),
    ],
    moved: &[(0x29, OEM_8), (0x28, OEM_3), (0x2b, OEM_7), (0x56, OEM_5)],
};

/// The Spanish layout.
pub static SPANISH: Layout = Layout {
    modifiers: MODIFIERS,
    alt_gr: true,
    keys: &[
        plain(b'1', &[I('1'), I('!'), N, I('|')]),
        plain(b'2', &[I('2'), I('"'), N, I('@')]),
        plain(b'3', &[I('3'), I('·'), N, I('#')]),
        plain(b'4', &[I('4'), I('$'), N, D('~')]),
        plain(b'5', &[I('5'), I('%'), N, I('€')]),
        plain(b'6', &[I('6'), I('&'), N, I('¬')]),
        plain(b'7', &[I('7'), I('/')]),
        plain(b'8', &[I('8'), I('(')]),
        plain(b'9', &[I('9'), I(')')]),
        plain(b'0', &[I('0'), I('=')]),
        plain(OEM_5, &[I('º'), I('ª'), N, I('\\')]),
        plain(OEM_4, &[I('\''), I('?')]),
        plain(OEM_6, &[I('¡'), I('¿')]),
        plain(OEM_1, &[D('`'), D('^'), N, I('[')]),
        plain(OEM_PLUS, &[I('+'), I('*'), N, I(']')]),
        letter(OEM_3, &[I('ñ'), I('Ñ')]),
        plain(OEM_7, &[D('´'), D('¨'), N, I('{')]),
        letter(OEM_2, &[I('ç'), I('Ç'), N, I('}')]),
        plain(OEM_MINUS, &[I('-'), I('_')]),
        plain(OEM_COMMA, &[I(','), I(';')]),
        plain(OEM_PERIOD, &[I('.'), I(':')]),
        plain(OEM_102, &[I('<'), I('>')]),
        letter(b'E', &[I('e'), I('E'), N, I('€')]),
    ],
    moved: &[
        (0x29, OEM_5),
        (0x0c, OEM_4),
        (0x0d, OEM_6),
        (0x1a, OEM_1),
        (0x1b, OEM_PLUS),
        (0x27, OEM_3),
        (0x28, OEM_7),
        (0x2b, OEM_2),
        (0x35, OEM_MINUS),
    ],
};

/// The layout of a handle: the upper half of that names it, the lower one the language that is written with it. Those without a table of their
/// own are the American one.
pub fn of_handle(handle: u64) -> &'static Layout {
    match (handle >> 16) as u16 {
        0x0407 | 0x0c07 => &GERMAN,
        0x040c => &FRENCH,
        0x0809 => &BRITISH,
        0x040a | 0x0c0a => &SPANISH,
        _ => &US,
    }
}

/// What dead keys make: the dead one, letters that may follow, what comes of each.
const COMBINED: &[(char, &str, &str)] = &[
    ('´', "aeiouyAEIOUY ", "áéíóúýÁÉÍÓÚÝ´"),
    ('`', "aeiouAEIOU ", "àèìòùÀÈÌÒÙ`"),
    ('^', "aeiouAEIOU ", "âêîôûÂÊÎÔÛ^"),
    ('¨', "aeiouyAEIOU ", "äëïöüÿÄËÏÖÜ¨"),
    ('~', "anoANO ", "ãñõÃÑÕ~"),
];

/// What a dead key and what follows it make.
pub fn combined(dead: char, next: char) -> Option<char> {
    let (_, letters, made) = COMBINED.iter().find(|(held, ..)| *held == dead)?;
    letters.chars().position(|letter| letter == next).and_then(|at| made.chars().nth(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lie_and_mean_what_the_standards_say() {
        let of = |layout: &'static Layout, scan: u16, held: usize| {
            layout.character(layout.key_of_scan(scan) as u8, held, false)
        };
        assert_eq!([of(&GERMAN, 0x15, 0), of(&GERMAN, 0x2c, 1)], [I('z'), I('Y')]);
        assert_eq!([of(&GERMAN, 0x10, 6), of(&GERMAN, 0x08, 6), of(&GERMAN, 0x0d, 0)], [I('@'), I('{'), D('´')]);
        assert_eq!([of(&FRENCH, 0x10, 0), of(&FRENCH, 0x03, 0), of(&FRENCH, 0x03, 6)], [I('a'), I('é'), D('~')]);
        assert_eq!([of(&BRITISH, 0x04, 1), of(&BRITISH, 0x56, 0), of(&BRITISH, 0x12, 7)], [I('£'), I('\\'), I('É')]);
        assert_eq!([of(&SPANISH, 0x27, 1), of(&SPANISH, 0x1a, 6)], [I('Ñ'), I('[')]);
        // What a layout has not of its own is the American one's; AltGr is not.
        assert_eq!([of(&GERMAN, 0x1e, 0), of(&GERMAN, 0x1e, 6), of(&GERMAN, 0x2e, 2)], [I('a'), N, I('\x03')]);
        assert_eq!(GERMAN.scan_of_key(b'Z'), 0x15);
        assert_eq!((GERMAN.key_of(u16::from(b'@')), GERMAN.key_of(u16::from(b'z'))), (0x651, 0x5a));
    }

    #[test]
    fn dead_keys_make_letters() {
        assert_eq!(
            [combined('´', 'e'), combined('^', ' '), combined('~', 'N'), combined('`', 'x')],
            [Some('é'), Some('^'), Some('Ñ'), None]
        );
        assert!(COMBINED.iter().all(|(_, letters, made)| letters.chars().count() == made.chars().count()));
    }
}
