//! Jobs of the printer that makes PDF.
//!
//! localspl has a print processor carry out each job, wineps.drv for all printers, which makes PostScript. Who looks up its
//! PrintDocumentOnPrintProcessor finds code of the kernel's, which asks [`print`] first and goes on there only for jobs of other
//! printers. The spool file says all that is needed: the pages, and what the program called the document and wants it to be.

use super::mode::Printer;
use super::pdf;
use super::pdf::record::{Head, spool};
use super::spool::{PDF, create, file_name};
use crate::call::Cx;
use crate::ex::unix;
use crate::host::Stream;
use crate::status::*;
use crate::um::UserPtr;
use crate::win32k::gdi::fonts::load;
use parking_lot::Mutex;
use shim_abi::calls::StreamOpen;
use shim_abi::stream::{Disposition, Expect, access};

/// The code of the call that [`print`] answers.
pub const CODE: u32 = 0x5044;
/// What it answers: FALSE, TRUE, and that the driver is to print.
const FAILED: Status = Status(0);
const PRINTED: Status = Status(1);
const NOT_MINE: u8 = 2;
/// Threads whose printers are known.
const MOST: usize = 64;
/// Units of a job's name.
const LONGEST: u64 = 512;

/// Printers by the threads that opened them last. The print processor opens a job's printer just before it prints that.
#[derive(Default)]
pub struct Opened(Mutex<Vec<(u64, Printer)>>);

impl Opened {
    /// Notes a printer.
    pub fn note(&self, thread: u64, printer: &Printer) {
        let mut all = self.0.lock();
        all.retain(|(known, _)| *known != thread);
        if all.len() >= MOST {
            all.remove(0);
        }
        all.push((thread, printer.clone()));
    }

    fn of(&self, thread: u64) -> Option<Printer> {
        self.0.lock().iter().find(|(known, _)| *known == thread).map(|(_, printer)| printer.clone())
    }
}

/// Has the driver that is mapped at `base` ask here first.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, what the host answers.
pub fn go_before(cx: &Cx<'_>, base: u64) -> Nt<()> {
    let Some(handle) = unix::part_of("wineps.drv") else { return Ok(()) };
    cx.k.mm.divert(cx.k, base, b"PrintDocumentOnPrintProcessor", |distance| code(handle as u32, distance))?;
    Ok(())
}

/// The code: print(processor, name of the job). `distance`: from here to the driver's own function.
fn code(handle: u32, distance: i32) -> Vec<u8> {
    let mut code = Vec::new();
    code.extend([0x48, 0x89, 0x4c, 0x24, 0x08]); // mov %rcx, 8(%rsp)
    code.extend([0x48, 0x89, 0x54, 0x24, 0x10]); // mov %rdx, 16(%rsp)
    code.extend([0x48, 0x83, 0xec, 0x28]); // sub $40, %rsp
    code.extend([0x49, 0x89, 0xd0]); // mov %rdx, %r8
    code.push(0xb9); // mov $handle, %ecx
    code.extend(handle.to_le_bytes());
    code.push(0xba); // mov $CODE, %edx
    code.extend(CODE.to_le_bytes());
    code.extend([0xff, 0x14, 0x25, 0x08, 0x10, 0xfe, 0x7f]); // call *0x7ffe1008
    code.extend([0x48, 0x83, 0xc4, 0x28]); // add $40, %rsp
    code.extend([0x48, 0x8b, 0x4c, 0x24, 0x08]); // mov 8(%rsp), %rcx
    code.extend([0x48, 0x8b, 0x54, 0x24, 0x10]); // mov 16(%rsp), %rdx
    code.extend([0x83, 0xf8, NOT_MINE]); // cmp $2, %eax
    code.extend([0x74, 0x01, 0xc3]); // je next; ret
    code.push(0xe9); // jmp function
    let end = code.len() as i32 + 4;
    code.extend(distance.wrapping_sub(end).to_le_bytes());
    code
}

/// The printer and the number of "printer, Job number".
fn of_name(name: &str) -> Option<(&str, u32)> {
    let (printer, number) = name.rsplit_once(", Job ")?;
    Some((printer, number.parse().ok()?))
}

/// Prints a job, if it is one of the printer of PDF: `name` is what the spooler calls it.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn print(cx: &Cx<'_>, name: u64) -> Nt {
    let mut units = Vec::new();
    for index in 0..LONGEST {
        match UserPtr::<u16>::new(name.wrapping_add(index * 2)).read(cx.k)? {
            0 => break,
            unit => units.push(unit),
        }
    }
    let name = String::from_utf16_lossy(&units);
    match of_name(&name) {
        Some((PDF, number)) => Ok(if job(cx, number).is_some() { PRINTED } else { FAILED }),
        _ => Ok(Status(NOT_MINE.into())),
    }
}

fn job(cx: &Cx<'_>, number: u32) -> Option<()> {
    let printer = cx.k.user.printers.of(cx.t.id)?;
    let file = load::read(cx.k, &format!("file:C:/windows/system32/spool/PRINTERS/{number:05}.SPL"))?;
    let (head, parts) = spool(&file)?;
    let title = String::from_utf16_lossy(&head.name);
    let Some(document) = pdf::convert(cx, &title, &parts, printer) else { return Some(()) };
    let stream = output(cx, &head)?;
    let mut done = 0;
    while let Some(rest) = document.get(done..).filter(|rest| !rest.is_empty()) {
        match cx.k.host.write_bytes(&stream, rest, Some(done as u64)).ok()? {
            0 => return None,
            count => done += count,
        }
    }
    Some(())
}

/// The file that a document goes to: the one that was asked for, or one of the user's documents.
fn output(cx: &Cx<'_>, head: &Head) -> Option<Stream> {
    let has_drive =
        matches!(head.output[..], [_, colon, slash, ..] if colon == u16::from(b':') && slash == u16::from(b'\\'));
    if !has_drive {
        return create(cx, &file_name(&head.name), "pdf");
    }
    let open = StreamOpen {
        uri: load::uri_of(&head.output)?,
        access: access::READ | access::WRITE,
        disposition: Disposition::OverwriteOrCreate,
        expect: Expect::File,
        attributes: 0,
    };
    cx.k.host.ask_stream(&open).ok()?.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_told_by_their_names() {
        assert_eq!(of_name("Microsoft Print to PDF, Job 12"), Some((PDF, 12)));
        assert_eq!(of_name("a, Job 1, Job 2"), Some(("a, Job 1", 2)));
        assert_eq!((of_name("Microsoft Print to PDF"), of_name("x, Job y")), (None, None));
    }

    #[test]
    fn the_code_ends_with_a_jump_to_the_function() {
        let code = code(11, -0x100);
        let end = code.len();
        assert_eq!(code[end - 5], 0xe9);
        let jump = i32::from_le_bytes([code[end - 4], code[end - 3], code[end - 2], code[end - 1]]);
        assert_eq!(jump + end as i32, -0x100);
        // The conditional jump goes over the return.
        assert_eq!(code[end - 8..end - 5], [0x74, 0x01, 0xc3]);
    }
}
