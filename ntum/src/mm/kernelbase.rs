//! Changes to Wine's kernelbase for symbolic links, in the picoprocess's own copies of its pages.
//!
//! CreateSymbolicLinkW writes a message and answers that it made a link. Its code ends so, behind a jump to the message:
//!
//! ```text
//! 75 ..                  jne message
//! b8 01 00 00 00         mov $1, %eax
//! 48 83 c4 ..            add $.., %rsp
//! ```
//! A call of the kernel stands in its place (`io::disk::symlink`).
//!
//! FindNextFileW copies FILE_BOTH_DIRECTORY_INFORMATION to WIN32_FIND_DATAW and leaves out the tag of a link, which programs ask for before they
//! go into a folder, to delete what is in it for instance. The tag has the place of EaSize there, and dwReserved0 here:
//!
//! ```text
//! 48 63 45 2c                  movslq 0x2c(%rbp), %rax      EndOfFile
//! 41 89 46 1c                  mov %eax, 0x1c(%r14)         nFileSizeHigh
//! 48 8b 45 28                  mov 0x28(%rbp), %rax
//! 49 c7 46 24 00 00 00 00      movq $0, 0x24(%r14)          dwReserved0, dwReserved1
//! 41 89 46 20                  mov %eax, 0x20(%r14)         nFileSizeLow
//! ```
//! Both halves of the size fit into one store, which makes room. What does not look so is left as it is.

use super::Mm;
use super::patch::export;
use crate::io::disk::symlink;
use crate::kernel::Kernel;
use crate::status::*;

/// How far into CreateSymbolicLinkW its end is looked for, and what its end looks like but for the distance of the jump.
const SHORT: usize = 64;
const EMPTY: [u8; 8] = [0xb8, 0x01, 0, 0, 0, 0x48, 0x83, 0xc4];
/// How far into FindNextFileW the copy is looked for.
const REACH: usize = 0x240;
const COPY: [u8; 24] = [
    0x48, 0x63, 0x45, 0x2c, 0x41, 0x89, 0x46, 0x1c, 0x48, 0x8b, 0x45, 0x28, 0x49, 0xc7, 0x46, 0x24, 0, 0, 0, 0, 0x41,
    0x89, 0x46, 0x20,
];
/// mov 0x28(%rbp), %rax; rol $32, %rax; mov %rax, 0x1c(%r14); mov 0x40(%rbp), %eax; mov %rax, 0x24(%r14); nop
const WITH_TAG: [u8; 24] = [
    0x48, 0x8b, 0x45, 0x28, 0x48, 0xc1, 0xc0, 0x20, 0x49, 0x89, 0x46, 0x1c, 0x8b, 0x45, 0x40, 0x49, 0x89, 0x46, 0x24,
    0x0f, 0x1f, 0x44, 0, 0,
];

/// mov %rcx, %r10; mov $number, %eax; call *0x7ffe1000; ret
fn call(number: u32) -> Vec<u8> {
    let kernel = [0xff, 0x14, 0x25, 0x00, 0x10, 0xfe, 0x7f, 0xc3];
    [&[0x49, 0x89, 0xca, 0xb8], &number.to_le_bytes()[..], &kernel].concat()
}

/// Whether a function's beginning is that of one which does nothing but answer 1.
fn does_nothing(code: &[u8]) -> bool {
    // jne, and its distance.
    let end = code.windows(2 + EMPTY.len()).find(|code| code.ends_with(&EMPTY));
    end.is_some_and(|code| code.first() == Some(&0x75))
}

impl Mm {
    /// Has kernelbase, an image at `base`, make symbolic links and tell of them.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, what the host answers.
    pub fn have_links(&self, k: &Kernel, base: u64) -> Nt<()> {
        let mut code = [0; REACH];
        if let Some(start) = export(k, base, b"CreateSymbolicLinkW") {
            let short = &mut code[..SHORT];
            k.read_user(start, short)?;
            if does_nothing(short) {
                self.change(k, start, &call(symlink::NUMBER))?;
            }
        }
        if let Some(start) = export(k, base, b"FindNextFileW") {
            k.read_user(start, &mut code)?;
            if let Some(at) = code.windows(COPY.len()).position(|bytes| bytes == COPY) {
                self.change(k, start + at as u64, &WITH_TAG)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_something_is_left_alone() {
        let mut code = vec![0x55, 0x57, 0xf6, 0x05, 0, 0, 0, 0, 1, 0x75, 0x16];
        code.extend(EMPTY);
        assert!(does_nothing(&code));
        code[9] = 0x74;
        assert!(!does_nothing(&code));
        assert!(!does_nothing(&[0x75, 0x16]) && !does_nothing(&[]));
    }

    #[test]
    fn the_call_fits() {
        assert!(call(symlink::NUMBER).len() <= SHORT);
        assert_eq!(COPY.len(), WITH_TAG.len());
    }
}
