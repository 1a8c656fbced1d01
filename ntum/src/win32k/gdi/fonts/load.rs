//! Making the catalog: fonts of `C:\windows\fonts`, those that the registry names, and what it says of their names.

use super::face::{self, Catalog, Face, Link, Source};
use super::{Wide, charset::Charset};
use crate::cm::tree::{KeyId, Resolved};
use crate::io::condrv::codepage;
use crate::kernel::Kernel;
use crate::nls::fold;
use shim_abi::calls::StreamOpen;
use shim_abi::stream::{Disposition, Expect, access};

/// The folder of fonts.
const FOLDER: &str = "file:C:/windows/fonts";
/// Bytes of a font file at most.
const LARGEST: u64 = 256 << 20;

/// Keys of the registry.
const FONTS: &str = "Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Fonts";
const SUBSTITUTES: &str = "Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\FontSubstitutes";
const LINKS: &str = "Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\FontLink\\SystemLink";
const REPLACEMENTS: &str = "Software\\Wine\\Fonts\\Replacements";

/// REG_SZ, REG_MULTI_SZ.
const TEXT: u32 = 1;
const TEXTS: u32 = 7;

/// Fonts that come first where a request names none: sans serif, of one width, with serifs; of each the first that there is.
const DEFAULTS: [&[&str]; 3] = [
    &["Arial", "Liberation Sans", "Bitstream Vera Sans", "DejaVu Sans"],
    &["Courier New", "Liberation Mono", "Bitstream Vera Sans Mono", "DejaVu Sans Mono"],
    &["Times New Roman", "Liberation Serif", "Bitstream Vera Serif", "DejaVu Serif"],
];

/// What a family stands for when a request names none, by FIXED_PITCH and FF_* of its pitch and family.
pub fn fallbacks(pitch_and_family: u8) -> &'static [&'static str] {
    let index = match pitch_and_family {
        pitch if pitch & 3 == 1 || pitch & 0xf0 == 0x30 => 1,
        pitch if pitch & 0xf0 == 0x10 => 2,
        _ => 0,
    };
    DEFAULTS[index]
}

/// Bitmap fonts that are part of the system, by its ANSI code page: the letter that the names of their files end with.
fn bitmap_files(page: u32) -> [String; 7] {
    let letter = match page {
        1250 => "e",
        1251 => "r",
        1253 => "g",
        1254 => "t",
        1255 => "1255",
        1256 => "1256",
        1257 => "1257",
        874 => "874",
        _ => "",
    };
    let (courier, serif, small, sans) = match letter.len() {
        0 | 1 => {
            (format!("coure{letter}"), format!("serife{letter}"), format!("smalle{letter}"), format!("sserife{letter}"))
        }
        _ => (format!("coue{letter}"), format!("sere{letter}"), format!("smae{letter}"), format!("ssee{letter}")),
    };
    let system = if letter.len() > 1 { format!("vgas{letter}") } else { format!("vgasys{letter}") };
    let fixed = if letter.len() > 1 { format!("vgaf{letter}") } else { format!("vgafix{letter}") };
    [system, "vgaoem".into(), fixed, courier, serif, small, sans].map(|name| format!("{name}.fon"))
}

/// Reads all of a file; `None` if there is none, or it is too large.
pub fn read(k: &'static Kernel, uri: &str) -> Option<Vec<u8>> {
    let expect = Expect::File;
    let open =
        StreamOpen { uri: uri.to_owned(), access: access::READ, disposition: Disposition::Open, expect, attributes: 0 };
    let (opened, stream) = k.host.ask_stream(&open).ok()?;
    let (size, stream) = (opened.info.size, stream?);
    if size > LARGEST {
        return None;
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size as usize).ok()?;
    bytes.resize(size as usize, 0);
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match k.host.read_bytes(&stream, rest, Some(done as u64)).ok()? {
            0 => break,
            count => done += count,
        }
    }
    bytes.truncate(done);
    Some(bytes)
}

/// When a file was last written, as NT counts time; 0 if there is none.
pub fn written(k: &'static Kernel, uri: &str) -> i64 {
    let uri = uri.to_owned();
    let expect = Expect::File;
    let open = StreamOpen { uri, access: access::READ, disposition: Disposition::Open, expect, attributes: 0 };
    k.host.ask_stream(&open).map_or(0, |(opened, _)| crate::types::nt_time(opened.info.written))
}

/// The URI of a file of the folder, or of a whole path; `None` if it is none.
pub fn uri_of(name: &[u16]) -> Option<String> {
    let text = String::from_utf16(name).ok()?;
    let text = text.strip_prefix("\\??\\").unwrap_or(&text);
    if !text.contains('\\') {
        return Some(format!("{FOLDER}/{}", text.to_lowercase()));
    }
    let mut letters = text.chars();
    let drive = letters.next().filter(char::is_ascii_alphabetic)?;
    let rest: Wide = letters.as_str().strip_prefix(':')?.encode_utf16().collect();
    Some(crate::io::disk::path::on_drive(drive.to_ascii_uppercase() as u8, &rest).ok()?.uri)
}

/// The catalog as it is when a process begins.
pub fn catalog(k: &'static Kernel) -> Catalog {
    let mut catalog = Catalog::default();
    let page = codepage::ansi(k);
    let language = k.system_language();
    let add = |catalog: &mut Catalog, uri: String, bitmaps: bool| {
        if let Some(bytes) = read(k, &uri) {
            for face in face::of_file(&bytes, &Source::File(uri), 0, bitmaps, language) {
                catalog.add(face);
            }
        }
    };
    let names = listed(k);
    let bitmaps = bitmap_files(page);
    let (system, others) = bitmaps.split_at(3);
    for name in system.iter().filter(|name| names.contains(name)) {
        add(&mut catalog, format!("{FOLDER}/{name}"), true);
    }
    for name in names.iter().filter(|name| !name.ends_with(".fon") && !name.ends_with(".fnt")) {
        add(&mut catalog, format!("{FOLDER}/{name}"), false);
    }
    for name in others.iter().filter(|name| names.contains(name)) {
        add(&mut catalog, format!("{FOLDER}/{name}"), true);
    }
    for (_, kind, data) in values(k, FONTS) {
        let path = units(&data);
        let is_bitmap = path.len() > 4 && fold::same(&path[path.len() - 4..], &wide(".fon"));
        if kind == TEXT && (path.contains(&u16::from(b'\\')) || is_bitmap) {
            let known = bitmaps.iter().any(|name| fold::same(&wide(name), &path));
            if !known && let Some(uri) = uri_of(&path) {
                add(&mut catalog, uri, true);
            }
        }
    }
    for names in DEFAULTS {
        let found = names.iter().map(|name| wide(name)).find(|name| catalog.family(name).is_some());
        catalog.defaults.extend(found);
    }
    catalog.sort();
    substitutes(k, &mut catalog);
    replacements(k, &mut catalog);
    links(k, &mut catalog);
    catalog
}

/// Names of the folder's files, in lower case and in order.
fn listed(k: &'static Kernel) -> Vec<String> {
    let mut names = Vec::new();
    let _ = crate::io::disk::directory::list(k, FOLDER, true, |name, _| {
        if !matches!(name, "." | "..") {
            names.push(name.to_lowercase());
        }
    });
    names.sort_unstable();
    names
}

fn wide(text: &str) -> Wide {
    text.encode_utf16().collect()
}

/// A value's text, up to its zero.
fn units(data: &[u8]) -> Wide {
    data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).take_while(|unit| *unit != 0).collect()
}

/// A value's texts.
fn lines(data: &[u8]) -> Vec<Wide> {
    let units: Wide = data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    units.split(|unit| *unit == 0).take_while(|line| !line.is_empty()).map(<[u16]>::to_vec).collect()
}

/// All values of a key: name, type, data.
pub fn values(k: &Kernel, path: &str) -> Vec<(Wide, u32, Vec<u8>)> {
    let mut all = Vec::new();
    let tree = &mut k.registry().tree;
    match tree.resolve(KeyId::ROOT, &wide(path), false) {
        Ok(Resolved::Key(key)) => {
            for index in 0..tree.value_count(key).unwrap_or(0) {
                let Ok(value) = tree.value_at(key, index) else { break };
                all.push((value.name.units().collect(), value.kind, value.data.to_vec()));
            }
            tree.settle(key);
        }
        Ok(Resolved::Missing(parent, _)) => tree.settle(parent),
        Err(_) => {}
    }
    all
}

/// A name with the number behind its last comma, -1 if there is none.
fn with_number(text: &[u16]) -> (Wide, i32) {
    let comma = text.iter().rposition(|unit| *unit == u16::from(b','));
    match comma.and_then(|at| Some((text.get(..at)?, String::from_utf16_lossy(text.get(at + 1..)?)))) {
        Some((name, number)) if !number.is_empty() => (name.to_vec(), number.trim().parse().unwrap_or(0)),
        _ => (text.to_vec(), -1),
    }
}

/// What Wine writes there for every code page that is not of two bytes.
pub const SUBSTITUTED: [(&str, &str); 2] = [("MS Shell Dlg", "Tahoma"), ("Tms Rmn", "Times New Roman")];

/// Names that stand for others.
fn substitutes(k: &Kernel, catalog: &mut Catalog) {
    const DEFAULT_CHARSET: i32 = 1;
    let registry = values(k, SUBSTITUTES).into_iter().filter(|(_, kind, _)| *kind == TEXT);
    let registry: Vec<_> = registry.map(|(name, _, data)| (name, units(&data))).collect();
    let named = |wanted: &str| registry.iter().any(|(name, _)| face::same(name, &wide(wanted)));
    let missing: Vec<_> =
        SUBSTITUTED.iter().filter(|(from, _)| !named(from)).map(|(from, to)| (wide(from), wide(to))).collect();
    for (from, to) in registry.into_iter().chain(missing) {
        let (from, from_charset) = with_number(&from);
        let (to, to_charset) = with_number(&to);
        if (from_charset <= 0 && from_charset != -1 || to_charset == from_charset) && to_charset != DEFAULT_CHARSET {
            catalog.substitute(&from, from_charset, &to, to_charset);
        }
    }
}

/// Families that a person wants to have in the place of others.
fn replacements(k: &Kernel, catalog: &mut Catalog) {
    let path = format!("User\\{}\\{REPLACEMENTS}", crate::cm::USER_SID);
    for (name, kind, data) in values(k, &path) {
        let with = match kind {
            TEXT => vec![units(&data)],
            TEXTS => lines(&data),
            _ => continue,
        };
        if catalog.family_of_any(&name).is_some() {
            continue;
        }
        let found = with.iter().find_map(|with| catalog.family_of_any(with)).cloned();
        if let Some(mut family) = found {
            (family.name, family.second) = (name, Wide::new());
            catalog.families.push(family);
            catalog.sort();
        }
    }
}

/// Families to look at for characters that one lacks.
fn links(k: &Kernel, catalog: &mut Catalog) {
    for (name, kind, data) in values(k, LINKS) {
        if kind != TEXTS || catalog.substituted(&name, -1).is_some() {
            continue;
        }
        let mut link = Link { name, entries: Vec::new() };
        for line in lines(&data) {
            let comma = line.iter().position(|unit| *unit == u16::from(b','));
            let (file, family) = match comma {
                Some(at) => (&line[..at], Some(trimmed(&line[at + 1..]))),
                None => (&line[..], None),
            };
            let family = family.map(|family| match catalog.substituted(family, -1) {
                Some(substitute) => substitute.to.clone(),
                None => family.to_vec(),
            });
            if let Some(face) = face_of_file(catalog, file, family.as_deref()) {
                link.entries.push((face.family.clone(), face.signature.code_pages[0]));
            }
        }
        catalog.links.push(link);
    }
    // The system's own font is short of many characters.
    let tahoma = wide("Tahoma");
    let mut system = Link { name: wide("System"), entries: Vec::new() };
    if let Some(face) = catalog.family(&tahoma).and_then(|family| family.faces.first()) {
        system.entries.push((tahoma.clone(), face.signature.code_pages[0]));
    }
    system.entries.extend(catalog.link(&tahoma).into_iter().flat_map(|link| link.entries.iter().cloned()));
    match catalog.links.iter_mut().find(|link| face::same(&link.name, &system.name)) {
        Some(link) => link.entries.extend(system.entries),
        None => catalog.links.push(system),
    }
}

fn trimmed(text: &[u16]) -> &[u16] {
    let blank = |unit: &u16| matches!(*unit, 0x20 | 9);
    text.get(text.iter().position(|unit| !blank(unit)).unwrap_or(text.len())..).unwrap_or_default()
}

/// The face of a file's name.
fn face_of_file<'a>(catalog: &'a Catalog, file: &[u16], family: Option<&[u16]>) -> Option<&'a Face> {
    let of_file = |face: &&std::sync::Arc<Face>| match &face.source {
        Source::File(uri) => fold::same(&wide(uri.rsplit('/').next().unwrap_or(uri)), file),
        Source::Memory(..) => false,
    };
    let families = catalog.families.iter().filter(|one| family.is_none_or(|name| face::same(&one.name, name)));
    families.flat_map(|family| &family.faces).find(of_file).map(|face| &**face)
}

/// The character set of the system's ANSI code page.
pub fn system_charset(k: &'static Kernel) -> Option<Charset> {
    Charset::of_page(codepage::ansi(k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_numbers() {
        assert_eq!(with_number(&wide("Arial,238")), (wide("Arial"), 238));
        assert_eq!(with_number(&wide("Arial,")), (wide("Arial,"), -1));
        assert_eq!(with_number(&wide("Arial")), (wide("Arial"), -1));
    }

    #[test]
    fn fonts_are_named_by_file_or_path() {
        assert_eq!(uri_of(&wide("Tahoma.TTF")).as_deref(), Some("file:C:/windows/fonts/tahoma.ttf"));
        assert_eq!(uri_of(&wide("\\??\\C:\\x\\y.ttf")).as_deref(), Some("file:C:/x/y.ttf"));
        assert_eq!(uri_of(&wide("\\Device\\x")), None);
    }

    #[test]
    fn bitmaps_are_the_code_pages() {
        assert_eq!(bitmap_files(1252)[0], "vgasys.fon");
        assert_eq!(bitmap_files(1251)[6], "sserifer.fon");
        assert_eq!(bitmap_files(1255)[6], "ssee1255.fon");
        assert_eq!(fallbacks(0x31)[0], "Courier New");
        assert_eq!(fallbacks(0x12)[0], "Times New Roman");
        assert_eq!(fallbacks(0)[0], "Arial");
    }
}
