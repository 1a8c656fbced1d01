//! What converters are called: of each the name that IANA registered, which stands for ICU's own too, the one that MIME prefers, and others that people use.

use super::codec::Kind;
use encoding_rs as web;

/// What one encoding is called.
#[derive(Debug)]
pub struct Named {
    /// Its name, as IANA has it.
    pub name: &'static str,
    /// Others, the one that MIME prefers first if that differs.
    pub aliases: &'static [&'static str],
    /// Whether MIME prefers the first alias.
    mime: bool,
    /// How it is read and written.
    pub kind: Kind,
}

const fn named(name: &'static str, aliases: &'static [&'static str], kind: Kind) -> Named {
    Named { name, aliases, mime: false, kind }
}

const fn preferred(name: &'static str, aliases: &'static [&'static str], kind: Kind) -> Named {
    Named { name, aliases, mime: true, kind }
}

/// All of them; programs are told them in this order.
pub static ALL: &[Named] = &[
    named("UTF-8", &["cp65001", "unicode-1-1-utf-8"], Kind::Web(web::UTF_8)),
    named("UTF-16LE", &["x-utf-16le", "cp1202"], Kind::Wide { big: false, long: false }),
    named("UTF-16BE", &["x-utf-16be", "UnicodeBigUnmarked", "cp1200"], Kind::Wide { big: true, long: false }),
    named("UTF-32LE", &["cp1234"], Kind::Wide { big: false, long: true }),
    named("UTF-32BE", &["cp1232"], Kind::Wide { big: true, long: true }),
    named(
        "US-ASCII",
        &["ASCII", "ANSI_X3.4-1968", "iso-ir-6", "646", "us", "cp367", "windows-20127"],
        Kind::Plain(0x80),
    ),
    preferred("ISO_8859-1:1987", &["ISO-8859-1", "latin1", "l1", "iso-ir-100", "cp819", "IBM819"], Kind::Plain(0x100)),
    preferred("ISO_8859-2:1987", &["ISO-8859-2", "latin2", "l2", "cp912", "windows-28592"], Kind::Web(web::ISO_8859_2)),
    preferred("ISO_8859-3:1988", &["ISO-8859-3", "latin3", "l3", "cp913", "windows-28593"], Kind::Web(web::ISO_8859_3)),
    preferred("ISO_8859-4:1988", &["ISO-8859-4", "latin4", "l4", "cp914", "windows-28594"], Kind::Web(web::ISO_8859_4)),
    preferred("ISO_8859-5:1988", &["ISO-8859-5", "cyrillic", "cp915", "windows-28595"], Kind::Web(web::ISO_8859_5)),
    preferred("ISO_8859-6:1987", &["ISO-8859-6", "arabic", "cp1089", "windows-28596"], Kind::Web(web::ISO_8859_6)),
    preferred("ISO_8859-7:1987", &["ISO-8859-7", "greek", "cp813", "windows-28597"], Kind::Web(web::ISO_8859_7)),
    preferred("ISO_8859-8:1988", &["ISO-8859-8", "hebrew", "cp916", "windows-28598"], Kind::Web(web::ISO_8859_8)),
    named("ISO-8859-10", &["latin6", "l6", "iso-ir-157"], Kind::Web(web::ISO_8859_10)),
    named("ISO-8859-13", &["cp921", "windows-28603"], Kind::Web(web::ISO_8859_13)),
    named("ISO-8859-14", &["latin8", "l8", "iso-celtic"], Kind::Web(web::ISO_8859_14)),
    named("ISO-8859-15", &["Latin-9", "l9", "cp923", "windows-28605"], Kind::Web(web::ISO_8859_15)),
    named("ISO-8859-16", &["latin10", "l10"], Kind::Web(web::ISO_8859_16)),
    named("windows-874", &["TIS-620", "cp874", "ISO-8859-11"], Kind::Web(web::WINDOWS_874)),
    named("windows-1250", &["cp1250"], Kind::Web(web::WINDOWS_1250)),
    named("windows-1251", &["cp1251"], Kind::Web(web::WINDOWS_1251)),
    named("windows-1252", &["cp1252"], Kind::Web(web::WINDOWS_1252)),
    named("windows-1253", &["cp1253"], Kind::Web(web::WINDOWS_1253)),
    named("windows-1254", &["cp1254", "ISO-8859-9", "latin5"], Kind::Web(web::WINDOWS_1254)),
    named("windows-1255", &["cp1255"], Kind::Web(web::WINDOWS_1255)),
    named("windows-1256", &["cp1256"], Kind::Web(web::WINDOWS_1256)),
    named("windows-1257", &["cp1257"], Kind::Web(web::WINDOWS_1257)),
    named("windows-1258", &["cp1258"], Kind::Web(web::WINDOWS_1258)),
    named("IBM866", &["cp866", "csIBM866"], Kind::Web(web::IBM866)),
    named("KOI8-R", &["koi8", "csKOI8R", "cp878", "windows-20866"], Kind::Web(web::KOI8_R)),
    named("KOI8-U", &["windows-21866"], Kind::Web(web::KOI8_U)),
    named("macintosh", &["mac", "csMacintosh", "windows-10000"], Kind::Web(web::MACINTOSH)),
    named("x-mac-cyrillic", &["maccy", "windows-10007"], Kind::Web(web::X_MAC_CYRILLIC)),
    named(
        "Shift_JIS",
        &["sjis", "MS_Kanji", "csShiftJIS", "windows-31j", "windows-932", "cp932", "cp943"],
        Kind::Web(web::SHIFT_JIS),
    ),
    preferred(
        "Extended_UNIX_Code_Packed_Format_for_Japanese",
        &["EUC-JP", "csEUCPkdFmtJapanese", "eucjis", "windows-51932"],
        Kind::Web(web::EUC_JP),
    ),
    named("ISO-2022-JP", &["csISO2022JP"], Kind::Web(web::ISO_2022_JP)),
    named("EUC-KR", &["csEUCKR", "windows-949", "cp949", "ks_c_5601-1987", "KSC_5601"], Kind::Web(web::EUC_KR)),
    named("GBK", &["cp936", "MS936", "windows-936", "GB2312", "EUC-CN"], Kind::Web(web::GBK)),
    named("GB18030", &["windows-54936"], Kind::Web(web::GB18030)),
    named("Big5", &["csBig5", "windows-950", "cp950", "Big5-HKSCS"], Kind::Web(web::BIG5)),
];

/// What counts of a name: letters and digits, without zeros before a number.
fn essence(name: &str) -> String {
    let mut kept = String::new();
    let mut characters = name.chars().peekable();
    let mut within = false;
    while let Some(character) = characters.next() {
        let leads = character == '0' && !within && characters.peek().is_some_and(char::is_ascii_digit);
        if character.is_ascii_alphanumeric() && !leads {
            kept.push(character.to_ascii_lowercase());
        }
        within = character.is_ascii_digit() && !leads;
    }
    kept
}

/// Which one a name means, as `ucnv_compareNames` compares them; what follows a comma is an option.
pub fn find(name: &str) -> Option<usize> {
    let wanted = essence(name.split(',').next().unwrap_or_default());
    let same = |name: &&str| essence(name) == wanted;
    ALL.iter().position(|named| same(&named.name) || named.aliases.iter().any(same))
}

/// How two names compare: less than, equal to or greater than 0.
pub fn compare(one: &str, other: &str) -> i32 {
    essence(one).cmp(&essence(other)) as i32
}

/// All names, as the DLL has them one after the other, each once; [`name_at`] and [`mime_at`] are places in that.
pub fn listed() -> Vec<&'static str> {
    let mime = ALL.iter().filter(|named| named.mime).filter_map(|named| named.aliases.first().copied());
    ALL.iter().map(|named| named.name).chain(mime).collect()
}

/// The place of the name that a standard, `IANA` or `MIME`, has for an encoding. Other standards have none.
pub fn standard(which: usize, standard: &str) -> Option<usize> {
    let named = ALL.get(which)?;
    if standard.eq_ignore_ascii_case("MIME") && named.mime {
        return Some(ALL.len() + ALL.iter().take(which).filter(|named| named.mime).count());
    }
    ["MIME", "IANA"].iter().any(|known| standard.eq_ignore_ascii_case(known)).then_some(which)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_they_are_written() {
        let found = |name: &str| find(name).map(|which| ALL[which].name);
        for (name, wanted) in [
            ("utf_8", "UTF-8"),
            ("WINDOWS 1252", "windows-1252"),
            ("cp01252,swaplfnl", "windows-1252"),
            ("iso8859-01", "ISO_8859-1:1987"),
            ("euc-jp", "Extended_UNIX_Code_Packed_Format_for_Japanese"),
            ("latin-10", "ISO-8859-16"),
        ] {
            assert_eq!(found(name), Some(wanted), "{name}");
        }
        for name in ["", "x-none", "cp10", "windows-125"] {
            assert_eq!(found(name), None, "{name}");
        }
    }

    #[test]
    fn each_name_means_one_encoding() {
        for (which, named) in ALL.iter().enumerate() {
            for name in named.aliases.iter().chain([&named.name]) {
                assert_eq!(find(name), Some(which), "{name}");
            }
        }
        let listed = listed();
        let latin = find("latin1").unwrap();
        assert_eq!(standard(latin, "mime").map(|at| listed[at]), Some("ISO-8859-1"));
        assert_eq!(standard(latin, "IANA").map(|at| listed[at]), Some("ISO_8859-1:1987"));
        let euc = find("euc-jp").unwrap();
        assert_eq!(standard(euc, "MIME").map(|at| listed[at]), Some("EUC-JP"));
        assert_eq!(standard(euc, "JAVA"), None);
        assert!(listed.iter().all(|name| name.len() < super::super::dll::NAME));
    }
}
