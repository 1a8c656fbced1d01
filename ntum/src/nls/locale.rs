//! Locales, read in place from the image's `locale.nls`: what a locale's numbers are, and what Windows keeps of the user's
//! locale in the registry.
//!
//! Layout (as Windows' own file has it; offsets in bytes):
//! ```text
//! file    16 locale table: u32   24 geographic table: u32
//! locales 30 count of names u16   32 count of locales u16   34 size of a locale u16   36 locales u32   40 names u16
//!         48 index of names u32   64 strings u32                                          (offsets from the table)
//! name     0 string u16   2 locale u16   4 identifier u32
//! string   a count u16, then as many units; an array: a count u16, then as many u32, each a string; all counted in units
//! geo      8 size u32   12 places u32   16 count u32;   place: 0 identifier u32   52 class u32   60 ISO 3166 code, 4 units
//! ```

/// Size of a place in the geographic table.
const PLACE: usize = 104;
/// Class of a place that is a nation.
const NATION: u32 = 16;
/// The value below `Control Panel\International` that lists currencies has a key of its own, named by three globes.
const WORLD: &str = "\u{1f30e}\u{1f30f}\u{1f30d}";

/// The file's bytes.
#[derive(Debug, Clone, Copy)]
pub struct Locales<'a> {
    file: &'a [u8],
    table: &'a [u8],
    strings: &'a [u8],
}

/// One locale.
#[derive(Debug, Clone, Copy)]
pub struct Locale<'a> {
    all: Locales<'a>,
    raw: &'a [u8],
}

/// A value of the registry: subkey of `Control Panel\International` (empty for itself), name, text.
pub type Setting = (&'static str, &'static str, String);

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|raw| u32::from_le_bytes(*raw))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|raw| u16::from_le_bytes(*raw))
}

fn units(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair)).collect()
}

impl<'a> Locales<'a> {
    /// Takes the bytes of `locale.nls`; `None` if they are something else.
    pub fn open(file: &'a [u8]) -> Option<Locales<'a>> {
        let table = file.get(word(file, 16)? as usize..)?;
        let strings = table.get(word(table, 64)? as usize..)?;
        Some(Locales { file, table, strings })
    }

    /// The units of the string at `position`, counted in units.
    fn string(&self, position: u32) -> Option<Vec<u16>> {
        let at = (position as usize).checked_mul(2)?;
        let length = usize::from(half(self.strings, at)?) * 2;
        self.strings.get(at + 2..at.checked_add(2 + length)?).map(units)
    }

    /// Whether the string at `position` is this one, without regard to the case of ASCII letters.
    fn is_string(&self, position: u32, text: &str) -> Option<bool> {
        let at = (position as usize).checked_mul(2)?;
        let length = usize::from(half(self.strings, at)?) * 2;
        let known = self.strings.get(at + 2..at.checked_add(2 + length)?)?.as_chunks::<2>().0;
        let known = char::decode_utf16(known.iter().map(|&pair| u16::from_le_bytes(pair)));
        Some(
            known
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER).to_ascii_lowercase())
                .eq(text.chars().map(|c| c.to_ascii_lowercase())),
        )
    }

    /// The strings of the array at `position`.
    fn array(&self, position: u32) -> Vec<Vec<u16>> {
        let Some(at) = (position as usize).checked_mul(2) else { return Vec::new() };
        let count = half(self.strings, at).map_or(0, usize::from);
        (0..count).map_while(|index| self.string(word(self.strings, at + 2 + index * 4)?)).collect()
    }

    /// The locale of this name: `de-AT`; where it is missing, the one that the name's front stands for: `de`.
    pub fn find(&self, name: &str) -> Option<Locale<'a>> {
        let mut name = name;
        loop {
            if let Some(found) = self.exactly(name) {
                return Some(found);
            }
            name = name.rsplit_once('-')?.0;
        }
    }

    fn exactly(&self, name: &str) -> Option<Locale<'a>> {
        let index = self.table.get(word(self.table, 48)? as usize..)?;
        let (count, size) = (usize::from(half(self.table, 40)?), usize::from(half(self.table, 34)?));
        let entry = (0..count).find_map(|number| {
            let entry = index.get(number * 8..number * 8 + 8)?;
            self.is_string(half(entry, 0)?.into(), name)?.then_some(entry)
        })?;
        let at = (word(self.table, 36)? as usize).checked_add(usize::from(half(entry, 2)?) * size)?;
        Some(Locale { all: *self, raw: self.table.get(at..at.checked_add(size)?)? })
    }

    /// Class and two-letter code of a place.
    fn place(&self, identifier: u32) -> Option<(u32, String)> {
        let table = self.file.get(word(self.file, 24)? as usize..)?;
        let places = table.get(word(table, 12)? as usize..)?;
        let count = word(table, 16)? as usize;
        let mut all = places.chunks_exact(PLACE).take(count);
        let place = all.find(|place| word(place, 0) == Some(identifier))?;
        let code = units(place.get(60..68)?).into_iter().take_while(|unit| *unit != 0);
        Some((word(place, 52)?, String::from_utf16_lossy(&code.collect::<Vec<_>>())))
    }
}

/// The first character of `wanted` in a picture like `d. MMM 'at' yyyy`, outside quotes: where, and which.
fn field(picture: &[char], from: usize, wanted: &str) -> Option<(usize, char)> {
    let mut quoted = false;
    for (at, &c) in picture.iter().enumerate() {
        if c == '\'' {
            quoted = !quoted;
        } else if !quoted && at >= from && wanted.contains(c) {
            return Some((at, c));
        }
    }
    None
}

/// What stands between the first two fields of a picture.
fn separator(picture: &[char], wanted: &str) -> String {
    let Some((start, first)) = field(picture, 0, wanted) else { return String::new() };
    let end = start + picture.iter().skip(start).take_while(|c| **c == first).count();
    let Some((next, _)) = field(picture, end, wanted) else { return String::new() };
    picture.get(end..next).unwrap_or_default().iter().collect()
}

impl Locale<'_> {
    fn half(&self, at: usize) -> u16 {
        half(self.raw, at).unwrap_or(0)
    }

    fn word(&self, at: usize) -> u32 {
        word(self.raw, at).unwrap_or(0)
    }

    fn text(&self, at: usize) -> String {
        String::from_utf16_lossy(&self.all.string(self.word(at)).unwrap_or_default())
    }

    fn texts(&self, at: usize) -> Vec<String> {
        self.all.array(self.word(at)).iter().map(|text| String::from_utf16_lossy(text)).collect()
    }

    fn first(&self, at: usize) -> String {
        self.texts(at).into_iter().next().unwrap_or_default()
    }

    /// `3;2;0` of the group sizes 3 and 2. A list that ends with zero ends the grouping; else the last size repeats.
    fn grouping(&self, at: usize) -> String {
        let sizes = self.all.string(self.word(at)).unwrap_or_default();
        let shown: Vec<String> = sizes.iter().take_while(|size| **size != 0).map(u16::to_string).collect();
        let repeats = sizes.last().is_some_and(|last| *last != 0);
        if repeats { format!("{};0", shown.join(";")) } else { shown.join(";") }
    }

    /// Its name: `de-AT`.
    pub fn name(&self) -> String {
        self.text(0)
    }

    /// The identifier of the locale that it stands for if only one can be: LOCALE_IDEFAULTLANGUAGE.
    pub fn identifier(&self) -> u32 {
        u32::from(self.half(0x6c))
    }

    /// Code page of texts that are not Unicode.
    pub fn ansi_code_page(&self) -> u32 {
        u32::from(self.half(0x6e))
    }

    /// Code page of consoles.
    pub fn oem_code_page(&self) -> u32 {
        u32::from(self.half(0x70))
    }

    /// Code page of the Macintosh.
    pub fn mac_code_page(&self) -> u32 {
        u32::from(self.half(0x72))
    }

    /// What Windows' control panel keeps of it below `Control Panel\International`. kernelbase writes the same at the start
    /// of a process that finds another `LocaleName` there.
    pub fn settings(&self) -> Vec<Setting> {
        let number = |at: usize| self.half(at).to_string();
        let flag = |is: bool| u32::from(is).to_string();
        let (date, time) = (self.first(0x5c), self.first(0x58));
        let (date_picture, time_picture): (Vec<char>, Vec<char>) = (date.chars().collect(), time.chars().collect());
        let calendar = self.all.string(self.word(0x7c)).and_then(|kinds| kinds.first().copied()).unwrap_or(1);
        // 0: month first; else what stands before the month: 1 the day, 2 the year.
        let mut order = 0;
        let mut from = 0;
        while let Some((at, c)) = field(&date_picture, from, "dMy").filter(|(_, c)| *c != 'M') {
            order = if c == 'y' { 2 } else { 1 };
            from = at + 1;
        }
        let hour = field(&time_picture, 0, "Hh");
        let doubled = hour.is_some_and(|(at, c)| time_picture.get(at + 1) == Some(&c));
        let first = field(&time_picture, 0, "Hhmst");
        let mut settings: Vec<Setting> = [
            ("iCalendarType", calendar.to_string()),
            ("iCountry", number(0x1e)),
            ("iCurrDigits", number(0x10)),
            ("iCurrency", number(0x12)),
            ("iDate", order.to_string()),
            ("iDigits", number(0xc)),
            ("iFirstDayOfWeek", ((self.half(0x1a) + 6) % 7).to_string()),
            ("iFirstWeekOfYear", number(0x1c)),
            ("iLZero", number(0x16)),
            ("iMeasure", number(0x20)),
            ("iNegCurr", number(0x14)),
            ("iNegNumber", number(0xe)),
            ("iPaperSize", number(0x78)),
            ("iTLZero", flag(doubled)),
            ("iTime", flag(hour.is_some_and(|(_, c)| c == 'H'))),
            ("iTimePrefix", flag(first.is_some_and(|(_, c)| c == 't'))),
            ("Locale", format!("{:08x}", self.identifier())),
            ("LocaleName", self.name()),
            ("NumShape", number(0x22)),
            ("s1159", self.text(0x4c)),
            ("s2359", self.text(0x50)),
            ("sCountry", self.text(0x90)),
            ("sCurrency", self.text(0x38)),
            ("sDate", separator(&date_picture, "dMy")),
            ("sDecimal", self.text(0x30)),
            ("sGrouping", self.grouping(0x24)),
            ("sLanguage", self.text(0x80)),
            ("sList", self.text(0x2c)),
            ("sLongDate", self.first(0x60)),
            ("sMonDecimalSep", self.text(0x3c)),
            ("sMonGrouping", self.grouping(0x28)),
            ("sMonThousandSep", self.text(0x40)),
            ("sNativeDigits", self.texts(0x54).concat()),
            ("sNegativeSign", self.text(0x48)),
            ("sPositiveSign", self.text(0x44)),
            ("sShortDate", date),
            ("sShortTime", self.first(0x118)),
            ("sThousand", self.text(0x34)),
            ("sTime", separator(&time_picture, "Hhms")),
            ("sTimeFormat", time),
            ("sYearMonth", self.first(0x64)),
        ]
        .into_iter()
        .map(|(name, text)| ("", name, text))
        .collect();
        settings.push((WORLD, "Currencies", self.text(0xa0)));
        let place = self.word(0x134);
        if let Some((class, code)) = self.all.place(place) {
            let kind = if class == NATION { "Nation" } else { "Region" };
            settings.push(("Geo", kind, place.to_string()));
            settings.push(("Geo", "Name", code));
        }
        settings
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A file with one locale, `xx-YY`, of the layout above.
    pub fn sample() -> Vec<u8> {
        let mut strings: Vec<u16> = vec![0];
        let add = |strings: &mut Vec<u16>, text: &[u16]| {
            let at = strings.len() as u32;
            strings.push(text.len() as u16);
            strings.extend(text);
            at
        };
        let utf16 = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        let mut raw = vec![0u8; 0x148];
        let mut put = |at: usize, value: u32| raw[at..at + 4].copy_from_slice(&value.to_le_bytes());
        for (at, text) in
            [(0, "xx-YY"), (0x30, ","), (0x34, "."), (0x38, "¤"), (0x4c, "am"), (0x80, "XXY"), (0xa0, "XYZ")]
        {
            put(at, add(&mut strings, &utf16(text)));
        }
        put(0x24, add(&mut strings, &[3, 2]));
        put(0x28, add(&mut strings, &[3, 0]));
        put(0x7c, add(&mut strings, &[2]));
        let digits: Vec<u32> = ["0", "1"].iter().map(|text| add(&mut strings, &utf16(text))).collect();
        for (at, items) in [(0x54, digits), (0x58, vec![add(&mut strings, &utf16("tt HH'h'mm"))])] {
            let array = strings.len() as u32;
            strings.push(items.len() as u16);
            strings.extend(items.iter().flat_map(|item| [*item as u16, (*item >> 16) as u16]));
            put(at, array);
        }
        let date = add(&mut strings, &utf16("yyyy-MM-dd"));
        put(0x5c, strings.len() as u32);
        strings.extend([1, date as u16, 0]);
        put(0x134, 244);
        // Code pages and the identifier: ANSI 1252, OEM 850, Macintosh 10000.
        put(0x6c, 0x04e4_0abc);
        put(0x70, 0x2710_0352);
        put(0x1a, 6 << 16 | 6);
        let mut table = vec![0u8; 76];
        let mut put = |at: usize, value: u32| table[at..at + 4].copy_from_slice(&value.to_le_bytes());
        put(0x1e, 1 << 16);
        put(0x20, 0x148 << 16 | 1);
        put(0x24, 76);
        put(0x28, 1);
        put(0x30, 76 + 0x148);
        put(0x40, 76 + 0x148 + 8);
        table.extend(&raw);
        table.extend([1, 0, 0, 0, 0xbc, 0x0a, 0, 0]);
        table.extend(strings.iter().flat_map(|unit| unit.to_le_bytes()));
        table.resize(table.len().next_multiple_of(4), 0);
        let mut file = vec![0u8; 32];
        file[16..20].copy_from_slice(&32u32.to_le_bytes());
        file[24..28].copy_from_slice(&(32 + table.len() as u32).to_le_bytes());
        file.extend(table);
        let mut place = vec![0u8; PLACE];
        place[0..4].copy_from_slice(&244u32.to_le_bytes());
        place[52..56].copy_from_slice(&NATION.to_le_bytes());
        place[60..64].copy_from_slice(&[b'Y', 0, b'Y', 0]);
        file.extend([b'g', 0, b'e', 0, b'o', 0, 0, 0]);
        for word in [24 + PLACE as u32, 24, 1, 0] {
            file.extend(word.to_le_bytes());
        }
        file.extend(place);
        file
    }

    fn picture(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn settings() {
        let file = sample();
        let all = Locales::open(&file).unwrap();
        let locale = all.find("XX-yy-sorted").unwrap();
        assert_eq!((locale.identifier(), locale.ansi_code_page(), locale.oem_code_page()), (0xabc, 1252, 850));
        let settings = locale.settings();
        let get = |key: &str, name: &str| {
            let found = settings.iter().find(|(k, n, _)| (*k, *n) == (key, name));
            found.map(|(_, _, text)| text.as_str())
        };
        for (name, text) in [
            ("LocaleName", "xx-YY"),
            ("Locale", "00000abc"),
            ("iCalendarType", "2"),
            ("iDate", "2"),
            ("iTime", "1"),
            ("iTLZero", "1"),
            ("iTimePrefix", "1"),
            ("iFirstDayOfWeek", "5"),
            ("sDate", "-"),
            ("sTime", "'h'"),
            ("sGrouping", "3;2;0"),
            ("sMonGrouping", "3"),
            ("sNativeDigits", "01"),
            ("sShortDate", "yyyy-MM-dd"),
            ("sLanguage", "XXY"),
        ] {
            assert_eq!(get("", name), Some(text), "{name}");
        }
        assert_eq!(get(WORLD, "Currencies"), Some("XYZ"));
        assert_eq!((get("Geo", "Nation"), get("Geo", "Name")), (Some("244"), Some("YY")));
        assert!(all.find("yy").is_none());
    }

    #[test]
    fn damage_does_no_harm() {
        let whole = sample();
        for at in 0..whole.len() {
            let _ = Locales::open(&whole[..at]).and_then(|all| all.find("xx-YY").map(|locale| locale.settings()));
            let mut bad = whole.clone();
            bad[at] ^= 0xff;
            let _ = Locales::open(&bad).and_then(|all| all.find("xx-YY").map(|locale| locale.settings()));
        }
    }

    #[test]
    fn pictures() {
        assert_eq!(separator(&picture("M/d/yyyy"), "dMy"), "/");
        assert_eq!(separator(&picture("dd.MM.yyyy"), "dMy"), ".");
        assert_eq!(separator(&picture("yyyy'. 'M'. 'd"), "dMy"), "'. '");
        assert_eq!(separator(&picture("x"), "dMy"), "");
        assert_eq!(field(&picture("'h'H:mm"), 0, "Hh"), Some((3, 'H')));
    }

    #[test]
    fn what_is_no_locale_file_has_no_locales() {
        for bytes in [&[][..], &[0xff; 200], &[0; 200]] {
            assert!(Locales::open(bytes).and_then(|all| all.find("en-US").map(|l| l.settings())).is_none());
        }
    }
}
