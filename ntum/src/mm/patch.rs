//! Changes to four of Wine's DLLs, in the picoprocess's own copies of their pages. ([`super::divert`] changes a fifth, [`super::kernelbase`] a sixth.)
//!
//! # ntdll: the stack of a new thread
//!
//! `signal_start_thread`, where every thread begins, fills the 960 KB of stack below its context with zeros before it goes on:
//!
//! ```text
//! 48 8d b9 00 00 f1 ff   lea -0xf0000(%rcx), %rdi
//! ```
//! That is for debuggers' sake in Wine; here fresh stacks are zero anyway, and the fill costs each thread 240 page faults and
//! 960 KB of memory that it will never use (measured: CreateThread and join took 875 µs with it, 76 µs without). The
//! displacement is changed to -0x1000: one page is filled instead. If the bytes are not exactly these, nothing is changed.
//!
//! # ucrtbase: functions that Wine has not written
//!
//! Where one is missing its linker puts a function of 24 bytes that raises an exception with the DLL's name and the function's, so
//! that a program ends there; NumPy, and all that stands on it, does as it starts. These functions lie side by side where the code begins:
//!
//! ```text
//! 48 83 ec 28            sub $0x28, %rsp
//! 48 8d 0d ..            lea name of the DLL, %rcx
//! 48 8d 15 ..            lea name of the function, %rdx
//! e8 ..                  call __wine_spec_unimplemented_stub
//! 90                     nop
//! ```
//! Those that the kernel has (`ex::crt`) get other bytes. What does not look so is left as it is. Of mscms one gets bytes too ([`no_profile`]).
//!
//! # crypt32: a structure of today's size
//!
//! CertCreateCertificateChainEngine takes a CERT_CHAIN_ENGINE_CONFIG of 0x40 or 0x50 bytes. Since Windows 8 it has a last field,
//! dwExclusiveFlags, and 0x58 bytes: programs of Rust that ask the system about certificates (rustls-platform-verifier) get no further.
//!
//! ```text
//! 8b 06                  mov (%rsi), %eax
//! 83 e0 ef               and $~0x10, %eax
//! 83 f8 40               cmp $0x40, %eax
//! ```
//! The mask becomes ~0x18; nobody reads the field, which only says when a root that the program names is asked for.

use super::Mm;
use crate::host::Prot;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;
use core::cmp::Ordering;

/// The instruction, and what stands before it in the function: and $~0xfff, %rcx.
const FOUND: [u8; 14] = [0x48, 0x81, 0xe1, 0x00, 0xf0, 0xff, 0xff, 0x48, 0x8d, 0xb9, 0x00, 0x00, 0xf1, 0xff];
/// Offset of the displacement in it.
const DISPLACEMENT: u64 = 10;
/// -0x1000.
const CHANGED: [u8; 4] = [0x00, 0xf0, 0xff, 0xff];
/// How far behind RtlUserThreadStart the function is looked for.
const REACH: usize = 256;

/// The comparison of sizes in CertCreateCertificateChainEngine.
const SIZES: [u8; 8] = [0x8b, 0x06, 0x83, 0xe0, 0xef, 0x83, 0xf8, 0x40];
/// Offset of the mask in it.
const MASK: u64 = 4;
/// ~0x18.
const WIDER: [u8; 1] = [0xe7];
/// How far into that function the comparison is looked for.
const BEGINS: usize = 64;

/// Length of a function that stands for a missing one.
const MISSING: usize = 24;
/// Where code begins in an image of Wine's.
const CODE: u64 = 0x1000;
/// Bytes of it that are looked at.
const STUBS: usize = 0x2000;
/// Bytes of the longest name of such a function's that is known, and a zero.
const NAME: usize = 24;

/// Distance from the beginning of a function that stands for a missing one to its name.
fn name_of_missing(code: &[u8; MISSING]) -> Option<i32> {
    let looks_so = code.starts_with(&[0x48, 0x83, 0xec, 0x28, 0x48, 0x8d, 0x0d])
        && code[11..14] == [0x48, 0x8d, 0x15]
        && code[18] == 0xe8
        && code[23] == 0x90;
    // Counted from the instruction's end.
    looks_so.then(|| i32::from_le_bytes([code[14], code[15], code[16], code[17]]).saturating_add(18))
}

/// mscms: WcsCreateIccProfile says that it is not implemented (ERROR_CALL_NOT_IMPLEMENTED, in the TEB) and answers no profile: there are no WCS
/// profiles. Qt 6.12 asks for each screen's, and finds none if that raises an exception.
pub fn no_profile(name: &[u8]) -> Option<Vec<u8>> {
    // mov %gs:0x30, %rax; movl $120, 0x68(%rax); xor %eax, %eax; ret
    const CODE: [u8; 19] =
        [0x65, 0x48, 0x8b, 0x04, 0x25, 0x30, 0, 0, 0, 0xc7, 0x40, 0x68, 120, 0, 0, 0, 0x31, 0xc0, 0xc3];
    (name == b"WcsCreateIccProfile").then(|| CODE.to_vec())
}

impl Mm {
    /// Puts functions of the kernel's in the place of those that the image at `base` lacks: `of` has the code of one.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, what the host answers.
    pub fn fill_in(&self, k: &Kernel, base: u64, of: fn(&[u8]) -> Option<Vec<u8>>) -> Nt<()> {
        let start = base + CODE;
        let mut code = vec![0; STUBS];
        let mut space = self.space.lock();
        let Some(region) = space.find_mut(start).filter(|region| region.copies()) else { return Ok(()) };
        if !region.holds(&(start..start + STUBS as u64)) {
            return Ok(());
        }
        // A program may bring a DLL of this name, which is laid out otherwise: Windows' own ucrtbase goes along with many.
        if k.host.read_user(start, &mut code).is_err() {
            return Ok(());
        }
        let mut changed = None;
        for (index, stub) in code.as_chunks_mut::<MISSING>().0.iter_mut().enumerate() {
            let Some(distance) = name_of_missing(stub) else { break };
            let at = (index * MISSING) as u64;
            let mut name = [0; NAME];
            if k.host.read_user((start + at).wrapping_add_signed(distance.into()), &mut name).is_err() {
                break;
            }
            let length = name.iter().position(|byte| *byte == 0).unwrap_or(NAME);
            if let Some(instead) = of(&name[..length]) {
                stub[..instead.len()].copy_from_slice(&instead);
                changed = Some(at as usize + MISSING);
            }
        }
        let Some(end) = changed else { return Ok(()) };
        let before = region.pages.at(start).host(true);
        let pages = super::page::page_down(end as u64 + super::page::PAGE_SIZE - 1);
        region.pages.update(start..start + pages, |page| page.of_file(false));
        k.host.protect(start, pages, Prot::READ_WRITE)?;
        let written = k.host.write_user(start, &code[..end]);
        k.host.protect(start, pages, before)?;
        written.map_err(|_| STATUS_ACCESS_VIOLATION)
    }

    /// Has crypt32, an image at `base`, take structures that end with fields which it does not know.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, what the host answers.
    pub fn widen_sizes(&self, k: &Kernel, base: u64) -> Nt<()> {
        let Some(start) = export(k, base, b"CertCreateCertificateChainEngine") else { return Ok(()) };
        let mut code = [0; BEGINS];
        k.read_user(start, &mut code)?;
        match code.windows(SIZES.len()).position(|bytes| bytes == SIZES) {
            Some(at) => self.change(k, start + at as u64 + MASK, &WIDER),
            None => Ok(()),
        }
    }

    /// Makes the change if the instruction stands shortly behind `start`, the address of RtlUserThreadStart; answers
    /// whether it did.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, what the host answers.
    pub fn spare_the_stack(&self, k: &Kernel, start: u64) -> Nt<bool> {
        let mut code = [0; REACH];
        k.read_user(start, &mut code)?;
        let Some(at) = code.windows(FOUND.len()).position(|bytes| bytes == FOUND) else { return Ok(false) };
        self.change(k, start + at as u64 + DISPLACEMENT, &CHANGED)?;
        Ok(true)
    }

    /// Puts bytes into an image, in the picoprocess's own copy of its pages.
    pub(super) fn change(&self, k: &Kernel, at: u64, bytes: &[u8]) -> Nt<()> {
        let page = super::page::page_down(at);
        let last = at + (bytes.len() as u64).saturating_sub(1);
        let length = super::page::page_down(last) + super::page::PAGE_SIZE - page;
        let mut space = self.space.lock();
        let region = space.find_mut(page).filter(|region| region.copies() && region.holds(&(page..page + length)));
        let region = region.ok_or(STATUS_INVALID_PARAMETER)?;
        let before = region.pages.at(page).host(true);
        region.pages.update(page..page + length, |page| page.of_file(false));
        k.host.protect(page, length, Prot::READ_WRITE)?;
        let written = k.host.write_user(at, bytes);
        k.host.protect(page, length, before)?;
        written.map_err(|_| STATUS_ACCESS_VIOLATION)
    }
}

/// The address of a function that the image at `base` exports by name.
pub fn export(k: &Kernel, base: u64, name: &[u8]) -> Option<u64> {
    let word = |rva: u64| UserPtr::<u32>::new(base.wrapping_add(rva)).read(k).ok().map(u64::from);
    let headers = word(0x3c)?;
    // The first data directory of a 64-bit image; in IMAGE_EXPORT_DIRECTORY how many names there are, and the three tables.
    let directory = word(headers + 0x88)?;
    let [count, functions, names, ordinals] = [0x18, 0x1c, 0x20, 0x24].map(|at| word(directory + at));
    let (mut low, mut high) = (0, count?);
    while low < high {
        let middle = low + (high - low) / 2;
        // One byte more tells a longer name apart.
        let mut found = vec![0; name.len() + 1];
        k.read_user(base.wrapping_add(word(names? + 4 * middle)?), &mut found).ok()?;
        let found = found.split(|byte| *byte == 0).next().unwrap_or_default();
        match found.cmp(name) {
            Ordering::Equal => {
                let pair = base.wrapping_add(ordinals? + 2 * middle);
                let ordinal = UserPtr::<u16>::new(pair).read(k).ok()?;
                return Some(base.wrapping_add(word(functions? + 4 * u64::from(ordinal))?));
            }
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    None
}
