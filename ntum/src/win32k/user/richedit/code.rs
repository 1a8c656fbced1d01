//! The code that goes before riched20's window procedures, and what else of the kernel's runs in the guest for rich edits: one page.

use crate::call::Cx;
use crate::ex::unix;
use crate::mm::allocate::Request;
use crate::mm::page::{PAGE_SIZE, protect};
use crate::um::UserPtr;

/// The number that the function for streams calls with; others are those of procedures.
pub const STREAM: u32 = 0x1_0000;

/// Where the function for streams lies in the page, the one that calls others, and the first procedure.
const STREAM_AT: u64 = 0;
const CALLER_AT: u64 = 0x40;
const FIRST: u64 = 0xc0;
/// Bytes for each procedure.
const EACH: u64 = 0x60;
/// Where a procedure's own address lies in these.
const OWN: usize = 0x50;
/// Procedures that there is room for.
const MOST: usize = ((PAGE_SIZE - FIRST) / EACH) as usize;

/// Classes of riched20's, and of riched32's with its procedure.
const CLASSES: [&str; 5] = ["RICHEDIT", "RichEdit20A", "RichEdit20W", "RichEdit50A", "RichEdit50W"];
/// What Wine's images have behind their DOS header.
const SIGNATURE: &[u8; 16] = b"Wine builtin DLL";

/// The page.
pub struct Code {
    base: u64,
    /// Procedures of riched20's, in the order of their code.
    procedures: Vec<u64>,
}

/// Calls the kernel with the four arguments that stand in registers.
fn asks(handle: u32, number: u32) -> Vec<u8> {
    let mut code = Vec::new();
    code.extend([0x48, 0x89, 0x4c, 0x24, 0x08]); // mov %rcx, 8(%rsp)
    code.extend([0x48, 0x89, 0x54, 0x24, 0x10]); // mov %rdx, 16(%rsp)
    code.extend([0x4c, 0x89, 0x44, 0x24, 0x18]); // mov %r8, 24(%rsp)
    code.extend([0x4c, 0x89, 0x4c, 0x24, 0x20]); // mov %r9, 32(%rsp)
    code.extend([0x48, 0x83, 0xec, 0x28]); // sub $40, %rsp
    code.extend([0x4c, 0x8d, 0x44, 0x24, 0x30]); // lea 48(%rsp), %r8
    code.push(0xb9); // mov $handle, %ecx
    code.extend(handle.to_le_bytes());
    code.push(0xba); // mov $number, %edx
    code.extend(number.to_le_bytes());
    code.extend([0xff, 0x14, 0x25, 0x08, 0x10, 0xfe, 0x7f]); // call *0x7ffe1008
    code.extend([0x48, 0x83, 0xc4, 0x28]); // add $40, %rsp
    code.extend([0x48, 0x98, 0xc3]); // cltq; ret
    code
}

/// What stands for a procedure: two messages are the kernel's.
fn stands_for(procedure: u64, handle: u32, number: u32) -> Vec<u8> {
    let mut code = Vec::new();
    code.extend([0x81, 0xfa]); // cmp $EM_FORMATRANGE, %edx
    code.extend(super::FORMAT_RANGE.to_le_bytes());
    code.extend([0x74, 14]); // je ask
    code.extend([0x81, 0xfa]); // cmp $EM_DISPLAYBAND, %edx
    code.extend(super::DISPLAY_BAND.to_le_bytes());
    code.extend([0x74, 6]); // je ask
    code.extend([0xff, 0x25]); // jmp *procedure(%rip)
    code.extend((OWN as u32 - 22).to_le_bytes());
    code.extend(asks(handle, number)); // ask:
    code.resize(OWN, 0xcc);
    code.extend(procedure.to_le_bytes());
    code
}

/// caller(function, -, arguments): calls a function with the eight arguments that lie there. It is called as a window procedure is.
fn caller() -> Vec<u8> {
    let mut code = Vec::new();
    code.extend([0x48, 0x83, 0xec, 0x48]); // sub $72, %rsp
    code.extend([0x49, 0x89, 0xca]); // mov %rcx, %r10
    code.extend([0x4d, 0x89, 0xc3]); // mov %r8, %r11
    for at in [0x20, 0x28, 0x30, 0x38] {
        code.extend([0x49, 0x8b, 0x43, at]); // mov at(%r11), %rax
        code.extend([0x48, 0x89, 0x44, 0x24, at]); // mov %rax, at(%rsp)
    }
    code.extend([0x49, 0x8b, 0x0b]); // mov (%r11), %rcx
    code.extend([0x49, 0x8b, 0x53, 0x08]); // mov 8(%r11), %rdx
    code.extend([0x4d, 0x8b, 0x43, 0x10]); // mov 16(%r11), %r8
    code.extend([0x4d, 0x8b, 0x4b, 0x18]); // mov 24(%r11), %r9
    code.extend([0x41, 0xff, 0xd2]); // call *%r10
    code.extend([0x48, 0x83, 0xc4, 0x48, 0xc3]); // add $72, %rsp; ret
    code
}

/// Whether the procedure lies in Wine's riched20: others' have what is lacking there.
fn is_wines(cx: &Cx<'_>, procedure: u64) -> bool {
    // riched32's is a jump to riched20's.
    ["riched20.dll", "riched32.dll"].iter().any(|file| {
        let base = cx.k.mm.base_of_file(procedure, file);
        base.is_ok_and(|base| UserPtr::<[u8; 16]>::new(base + 0x40).read(cx.k).is_ok_and(|found| found == *SIGNATURE))
    })
}

/// The page, made when it is first wanted, with code for a procedure; where that code lies.
fn add(cx: &Cx<'_>, procedure: u64) -> Option<u64> {
    let handle = unix::part_of("riched20.dll")? as u32;
    let place = |index: usize| FIRST + EACH * index as u64;
    let held = &cx.k.user.rich_edits.code;
    if held.lock().is_none() {
        let request = Request { protection: protect::EXECUTE_READWRITE, ..Request::commit(PAGE_SIZE) };
        let base = cx.k.mm.allocate(cx.k, &request).ok()?.start;
        cx.k.write_user(base + STREAM_AT, &asks(handle, STREAM)).ok()?;
        cx.k.write_user(base + CALLER_AT, &caller()).ok()?;
        // Of two threads that come here at once one's page is left over.
        held.lock().get_or_insert(Code { base, procedures: Vec::new() });
    }
    let (at, index) = {
        let mut held = held.lock();
        let code = held.as_mut()?;
        if let Some(index) = code.procedures.iter().position(|known| *known == procedure) {
            return Some(code.base + place(index));
        }
        if code.procedures.len() >= MOST {
            return None;
        }
        code.procedures.push(procedure);
        let index = code.procedures.len() - 1;
        (code.base + place(index), index)
    };
    cx.k.write_user(at, &stands_for(procedure, handle, index as u32)).ok()?;
    Some(at)
}

/// The procedure that a class gets: where it is riched20's, one that goes before that.
pub fn before(cx: &Cx<'_>, class: &[u16], procedure: u64) -> u64 {
    let lower = |unit: u16| u8::try_from(unit).map_or(0, |byte| byte.to_ascii_lowercase());
    let same =
        |name: &&str| class.iter().map(|unit| lower(*unit)).eq(name.bytes().map(|byte| byte.to_ascii_lowercase()));
    if !CLASSES.iter().any(same) || !is_wines(cx, procedure) {
        return procedure;
    }
    add(cx, procedure).unwrap_or(procedure)
}

/// The procedure of that number.
pub(super) fn procedure(cx: &Cx<'_>, number: u32) -> Option<u64> {
    cx.k.user.rich_edits.code.lock().as_ref()?.procedures.get(number as usize).copied()
}

/// Where the functions for streams and for calls lie.
pub(super) fn functions(cx: &Cx<'_>) -> Option<(u64, u64)> {
    let base = cx.k.user.rich_edits.code.lock().as_ref()?.base;
    Some((base + STREAM_AT, base + CALLER_AT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_page_do_not_overlap() {
        assert!(asks(1, STREAM).len() as u64 <= CALLER_AT - STREAM_AT);
        assert!(caller().len() as u64 <= FIRST - CALLER_AT);
        assert_eq!(stands_for(0, 1, 0).len(), OWN + 8);
        assert!(OWN + 8 <= EACH as usize && MOST >= 32);
    }

    #[test]
    fn jumps_lead_where_they_should() {
        let code = stands_for(0x1122_3344_5566_7788, 9, 3);
        // Both conditional jumps, to where the arguments are stored.
        assert_eq!((8 + usize::from(code[7]), 16 + usize::from(code[15])), (22, 22));
        assert_eq!(code[22..27], [0x48, 0x89, 0x4c, 0x24, 0x08]);
        let distance = u32::from_le_bytes([code[18], code[19], code[20], code[21]]) as usize;
        assert_eq!(code[22 + distance..][..8], 0x1122_3344_5566_7788u64.to_le_bytes());
    }
}
