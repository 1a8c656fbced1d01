//! The tables of the image as sections that the guest reads: locales, sorting, upper case, code pages, normalization.

use super::LOCALES;
use crate::call::Cx;
use crate::io::file::{FILE_READ_DATA, SectionSource};
use crate::mm::page::protect;
use crate::mm::region::Limits;
use crate::mm::view::Mapping;
use crate::ob::Ref;
use crate::ob::directory::{enter, make_path};
use crate::status::*;
use crate::types::wide;
use crate::um::UserPtr;
use shim_abi::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Kinds of tables: NLS_SECTION_* as ntdll and kernelbase ask for them.
mod kind {
    pub const SORT_KEYS: u32 = 9;
    pub const CASE_MAP: u32 = 10;
    pub const CODE_PAGE: u32 = 11;
    pub const NORMALIZE: u32 = 12;
}

/// The name of a table's file in the image, and of its section below `\NLS`.
fn names(kind: u32, number: u32) -> Nt<(String, String)> {
    let (file, section) = match (kind, number) {
        (kind::SORT_KEYS, 0) => ("sortdefault".to_string(), "SORTDEFAULT".to_string()),
        (kind::CASE_MAP, 0) => ("l_intl".into(), "LANG_INTL".into()),
        (kind::CASE_MAP, _) => return Err(STATUS_UNSUCCESSFUL),
        (kind::CODE_PAGE, _) => (format!("c_{number:03}"), format!("CP{number:03}")),
        (kind::NORMALIZE, _) => {
            // NORM_FORM: NormalizationC, D, KC, KD, and the form of domain names.
            let form = match number {
                1 => "normnfc",
                2 => "normnfd",
                5 => "normnfkc",
                6 => "normnfkd",
                13 => "normidna",
                _ => return Err(STATUS_OBJECT_NAME_NOT_FOUND),
            };
            (form.into(), format!("NORM{number:08x}"))
        }
        _ => return Err(STATUS_INVALID_PARAMETER_1),
    };
    Ok((format!("nls/{file}.nls"), format!("NlsSection{section}")))
}

/// The section of a file of the image: made once, then kept, below `\NLS` if it has a name there.
fn section_of(cx: &Cx<'_>, file: &str, name: Option<&str>) -> Nt<Ref> {
    if let Some(known) = cx.k.nls.sections.lock().get(file) {
        return Ok(known.clone());
    }
    let stream = cx.k.host.open_image(file).map_err(|error| match error {
        Error::NotFound | Error::PathNotFound => STATUS_OBJECT_NAME_NOT_FOUND,
        other => other.into(),
    })?;
    let info = cx.k.host.query(&stream)?;
    let source = SectionSource {
        stream: Arc::new(stream),
        size: info.size,
        access: FILE_READ_DATA,
        identity: info.identity,
        name: wide(&format!("\\Device\\Image\\{}", file.replace('/', "\\"))),
    };
    let section = cx.k.mm.file_section(cx.k, source, 0, 0, protect::READONLY)?;
    let mut sections = cx.k.nls.sections.lock();
    if let Some(known) = sections.get(file) {
        return Ok(known.clone());
    }
    if let Some(name) = name {
        section.permanent.store(true, Ordering::Relaxed);
        enter(&make_path(&cx.k.ob.root, "\\NLS"), &wide(name), &section)?;
    }
    sections.insert(file.into(), section.clone());
    Ok(section)
}

/// Maps a file of the image for reading; answers where, and how many bytes it has.
fn map(cx: &Cx<'_>, file: &str, name: Option<&str>) -> Nt<(u64, u64)> {
    let section = section_of(cx, file, name)?;
    let section = section.section()?;
    let mapping = Mapping {
        base: None,
        limits: Limits::default(),
        offset: 0,
        size: 0,
        kind: 0,
        protection: protect::READONLY,
        machine: 0,
    };
    let range = cx.k.mm.map_data(cx.k, section, &mapping)?;
    Ok((range.start, section.area.size()))
}

/// NtInitializeNlsFiles: maps `locale.nls`, and tells the system's locale, and where in the file its table of locales begins.
///
/// # Errors
/// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_NO_MEMORY`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_initialize_nls_files(cx: &Cx<'_>, address: UserPtr<u64>, locale: UserPtr<u32>, size: UserPtr<u64>) -> Nt {
    /// Where the file's header says so.
    const TABLE: u64 = 16;
    let (at, _) = map(cx, LOCALES, None)?;
    address.write(cx.k, at)?;
    locale.write(cx.k, cx.k.with_defaults(|defaults| defaults.system))?;
    let table = UserPtr::<u32>::new(at + TABLE).read(cx.k)?;
    size.write_opt(cx.k, table.into())?;
    Ok(STATUS_SUCCESS)
}

/// NtGetNlsSectionPtr: maps a table.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER_1` for a kind that there is not, `STATUS_UNSUCCESSFUL` and `STATUS_OBJECT_NAME_NOT_FOUND` for a
/// number, `STATUS_NO_MEMORY`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_get_nls_section_ptr(
    cx: &Cx<'_>,
    kind: u32,
    number: u32,
    _context: u64,
    address: UserPtr<u64>,
    size: UserPtr<u64>,
) -> Nt {
    let (file, name) = names(kind, number)?;
    let (at, length) = map(cx, &file, Some(&name))?;
    address.write(cx.k, at)?;
    size.write_opt(cx.k, length)?;
    Ok(STATUS_SUCCESS)
}
