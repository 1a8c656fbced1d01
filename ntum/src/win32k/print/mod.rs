//! Printing, as far as Wine 10's DLLs leave it to Unix parts: which printers there are, where a document goes, and the device
//! context of the PostScript driver.
//!
//! gdi32 records pages as metafiles, and the driver's print processor makes PostScript of them; both are guest code. What is
//! left is a printer that says how large its paper is ([`driver`], [`mode`]) and the files that documents become ([`spool`]).
//! One of the printers makes PDF: there the kernel goes before the print processor ([`job`]) and makes a document of the pages
//! that gdi32 recorded ([`pdf`]).

pub mod driver;
pub mod job;
pub mod mode;
pub mod pdf;
pub mod spool;

use crate::call::{Call, Cx};
use crate::win32k::User;
use crate::win32k::gdi::with;

/// System calls about documents. gdi32 asks for them where it does not record pages itself: there is no printer then.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiStartDoc(dc: u32, document: u64, banding: u64, job: i32) => start_document, Done;
    NtGdiEndDoc(dc: u32) => end, Done;
    NtGdiStartPage(dc: u32) => start_page, Done;
    NtGdiEndPage(dc: u32) => end, Done;
    NtGdiAbortDoc(dc: u32) => end, Done;
    NtGdiExtEscape(dc: u32, driver: u64, driver_count: i32, escape: i32, in_size: i32, input: u64, out_size: i32, output: u64) => driver::escape, Partial("escapes of the PostScript driver; nothing else of a device is known");
};

/// SP_ERROR.
const ERROR: u64 = u32::MAX as u64;

/// An answer of devices that are no printers; SP_ERROR where there is no device context.
fn of_others(cx: &Cx<'_>, dc: u32, answer: u64) -> User {
    Ok(with(cx, dc, |_| answer).unwrap_or(ERROR))
}

/// NtGdiStartDoc: the document's number; 0.
///
/// # Errors
/// None; the answer is SP_ERROR.
pub fn start_document(cx: &Cx<'_>, dc: u32, _document: u64, _banding: u64, _job: i32) -> User {
    of_others(cx, dc, 0)
}

/// NtGdiStartPage.
///
/// # Errors
/// As [`start_document`].
pub fn start_page(cx: &Cx<'_>, dc: u32) -> User {
    of_others(cx, dc, 1)
}

/// NtGdiEndPage, NtGdiEndDoc, NtGdiAbortDoc: nothing was begun.
///
/// # Errors
/// As [`start_document`].
pub fn end(cx: &Cx<'_>, dc: u32) -> User {
    of_others(cx, dc, 0)
}
