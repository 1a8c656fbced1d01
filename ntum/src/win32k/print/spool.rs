//! The Unix parts of winspool.drv and localspl.dll: two printers, whose documents become files of the user's documents.
//!
//! A program that says where its output goes gets a file there, by localspl itself; only documents without a place come here.

use crate::call::Cx;
use crate::crypto::Table;
use crate::host::Stream;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use parking_lot::Mutex;
use shim_abi::calls::StreamOpen;
use shim_abi::stream::{Disposition, Expect, access};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The printer of PDF, as it is called on Windows, so that programs and scripts that ask for it by name find it.
pub const PDF: &str = "Microsoft Print to PDF";
/// The printers and what is said of them; the first is the one that is taken where none is named.
pub const PRINTERS: [[&str; 2]; 2] = [
    [PDF, "Documents become PDF files of the user's documents"],
    ["Portcullis PostScript", "Documents become PostScript files of the user's documents"],
];
/// Documents of one title.
const MOST_NAMES: u32 = 1000;
/// Units of a title.
const LONGEST: usize = 64;

/// `enum cups_funcs` of winspool.drv.
mod winspool_code {
    pub const PROCESS_ATTACH: u32 = 0;
    pub const ENUM_PRINTERS: u32 = 1;
}

/// A call of winspool.drv's Unix part.
///
/// # Errors
/// `STATUS_BUFFER_OVERFLOW`: the size says how much is needed. `STATUS_NOT_SUPPORTED`: what CUPS would know.
pub fn winspool(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        winspool_code::PROCESS_ATTACH => Ok(STATUS_SUCCESS),
        winspool_code::ENUM_PRINTERS => enumerate(cx, UserPtr::new(arguments).read(cx.k)?),
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}

/// `struct printer_info`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Info {
    name: u64,
    comment: u64,
    location: u64,
    is_default: u32,
    pad: u32,
}

fn enumerate(cx: &Cx<'_>, [printers, size, count]: [u64; 3]) -> Nt {
    let mut bytes = vec![0; size_of::<Info>() * PRINTERS.len()];
    for (index, [name, comment]) in PRINTERS.into_iter().enumerate() {
        let [name, comment, location] = [name, comment, ""].map(|text| {
            let place = printers + bytes.len() as u64;
            bytes.extend(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
            place
        });
        let info = Info { name, comment, location, is_default: u32::from(index == 0), pad: 0 };
        if let Some(to) = bytes.get_mut(index * size_of::<Info>()..).and_then(|rest| rest.get_mut(..size_of::<Info>()))
        {
            to.copy_from_slice(info.as_bytes());
        }
    }
    let room: u32 = UserPtr::new(size).read(cx.k)?;
    UserPtr::new(size).write(cx.k, bytes.len() as u32)?;
    if (room as usize) < bytes.len() {
        return Err(STATUS_BUFFER_OVERFLOW);
    }
    cx.k.write_user(printers, &bytes)?;
    UserPtr::new(count).write(cx.k, PRINTERS.len() as u32)?;
    Ok(STATUS_SUCCESS)
}

/// `enum cups_funcs` of localspl.dll.
mod localspl_code {
    pub const PROCESS_ATTACH: u32 = 0;
    pub const START_DOC: u32 = 1;
    pub const WRITE_DOC: u32 = 2;
    pub const END_DOC: u32 = 3;
}

/// What localspl takes for success: TRUE.
const TRUE: Status = Status(1);

/// Documents that are written, by the numbers that the guest knows.
pub type Documents = Table<Document>;

/// A document that is written.
pub struct Document {
    stream: Stream,
    written: Mutex<u64>,
}

/// A call of localspl.dll's Unix part; the answer is a truth value.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_NOT_SUPPORTED`.
pub fn localspl(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        localspl_code::PROCESS_ATTACH => Ok(STATUS_SUCCESS),
        localspl_code::START_DOC => {
            let [_kind, port, title, document]: [u64; 4] = UserPtr::new(arguments).read(cx.k)?;
            let title = if title == 0 { Vec::new() } else { read_text(cx, title)? };
            // What a program sends that printer as bytes is what it is.
            let is_raw = port != 0 && String::from_utf16_lossy(&read_text(cx, port)?).ends_with(PDF);
            let kind = if is_raw { "prn" } else { "ps" };
            let Some(stream) = create(cx, &file_name(&title), kind) else { return Ok(STATUS_SUCCESS) };
            let number = cx.k.user.documents.insert(Document { stream, written: Mutex::new(0) });
            UserPtr::new(document).write(cx.k, number)?;
            Ok(TRUE)
        }
        localspl_code::WRITE_DOC => {
            let [document, bytes, size]: [u64; 3] = UserPtr::new(arguments).read(cx.k)?;
            let Some(document) = cx.k.user.documents.get(document) else { return Ok(STATUS_SUCCESS) };
            let mut written = document.written.lock();
            // In parts, so that a document's size is no matter.
            let (mut at, mut rest) = (bytes, u64::from(size as u32));
            while rest != 0 {
                let part = UserSlice::new(at, rest.min(0x1_0000)).read_all(cx.k)?;
                let Ok(count) = cx.k.host.write_bytes(&document.stream, &part, Some(*written)) else {
                    return Ok(STATUS_SUCCESS);
                };
                if count == 0 {
                    return Ok(STATUS_SUCCESS);
                }
                *written += count as u64;
                at += count as u64;
                rest = rest.saturating_sub(count as u64);
            }
            Ok(TRUE)
        }
        localspl_code::END_DOC => {
            let document: u64 = UserPtr::new(arguments).read(cx.k)?;
            Ok(if cx.k.user.documents.remove(document).is_some() { TRUE } else { STATUS_SUCCESS })
        }
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}

/// Units up to a zero, or as many as a title has at most.
pub(super) fn read_text(cx: &Cx<'_>, at: u64) -> Nt<Vec<u16>> {
    let mut text = Vec::new();
    for index in 0..LONGEST as u64 {
        let unit: u16 = UserPtr::new(at + index * 2).read(cx.k)?;
        if unit == 0 {
            break;
        }
        text.push(unit);
    }
    Ok(text)
}

/// A name that every file system takes, of a document's title.
pub fn file_name(title: &[u16]) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '(' | ')');
    let name: String =
        String::from_utf16_lossy(title).chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    let name = name.trim();
    if name.is_empty() { "Document".to_owned() } else { name.to_owned() }
}

/// Makes a file of that name among the user's documents, or with a number if there is one.
pub fn create(cx: &Cx<'_>, name: &str, kind: &str) -> Option<Stream> {
    let folder = format!("file:C:/users/{}/Documents", cx.k.boot.user);
    for number in 1..MOST_NAMES {
        let uri = match number {
            1 => format!("{folder}/{name}.{kind}"),
            number => format!("{folder}/{name} ({number}).{kind}"),
        };
        let open = StreamOpen {
            uri,
            access: access::READ | access::WRITE,
            disposition: Disposition::Create,
            expect: Expect::File,
            attributes: 0,
        };
        match cx.k.host.ask_stream(&open) {
            Ok((_, stream)) => return stream,
            Err(shim_abi::error::Error::Exists) => {}
            Err(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_names() {
        let name = |title: &str| file_name(&title.encode_utf16().collect::<Vec<_>>());
        assert_eq!([name("a letter"), name(r"C:\x/..\y.txt"), name("  ")], ["a letter", "C__x____y_txt", "Document"]);
        assert_eq!(size_of::<Info>(), 32);
    }
}
