//! The seccomp filter: the monitor's rows behind one of ours, which looks at where a system call comes from.
//!
//! `seccompiler` has no condition on the instruction pointer, so this row is written by hand: a system call from outside
//! the runtime's text is the guest's, and raises SIGSYS, which the runtime dispatches as an NT call.
#![allow(unsafe_code)]

use std::io;

/// struct sock_filter (linux/filter.h).
#[repr(C)]
#[derive(Clone, Copy)]
struct Instruction {
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

/// BPF_LD | BPF_W | BPF_ABS.
const LOAD: u16 = 0x20;
/// BPF_JMP | BPF_JEQ | BPF_K.
const EQUAL: u16 = 0x15;
/// BPF_JMP | BPF_JGE | BPF_K.
const AT_LEAST: u16 = 0x35;
/// BPF_JMP | BPF_JGT | BPF_K.
const ABOVE: u16 = 0x25;
/// BPF_RET | BPF_K.
const RETURN: u16 = 0x06;
/// Offsets of the halves of instruction_pointer in struct seccomp_data.
const POINTER_LOW: u32 = 8;
const POINTER_HIGH: u32 = 12;
const SECCOMP_RET_TRAP: u32 = 0x0003_0000;

const fn op(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
    Instruction { code, jt, jf, k }
}

/// A range of addresses, both ends included.
pub type Range = (u64, u64);

/// The row: TRAP unless the instruction pointer lies in one of the ranges.
fn row(ranges: &[Range]) -> Vec<Instruction> {
    // BPF compares 32 bits at a time: a range that straddles a 4 GiB boundary becomes two.
    let mut pieces = Vec::new();
    for (start, end) in ranges {
        let mut from = *start;
        while from >> 32 != end >> 32 {
            pieces.push((from, from | 0xffff_ffff));
            from = (from | 0xffff_ffff) + 1;
        }
        pieces.push((from, *end));
    }
    let mut program = Vec::new();
    for (index, (start, end)) in pieces.iter().enumerate() {
        // To behind the final RETURN, from the last instruction of this piece.
        let pass = ((pieces.len() - index - 1) * 5 + 1) as u8;
        program.extend([
            op(LOAD, 0, 0, POINTER_HIGH),
            op(EQUAL, 0, 3, (start >> 32) as u32),
            op(LOAD, 0, 0, POINTER_LOW),
            op(AT_LEAST, 0, 1, *start as u32),
            op(ABOVE, 0, pass, *end as u32),
        ]);
    }
    program.push(op(RETURN, 0, 0, SECCOMP_RET_TRAP));
    program
}

/// Installs the filter, for every thread there is. From here on only what it grants is possible, for ever.
///
/// # Errors
/// What the host answers.
pub fn install(monitors: &[u64], ranges: &[Range]) -> io::Result<()> {
    let mut program = row(ranges);
    for packed in monitors {
        let b = packed.to_le_bytes();
        program.push(op(u16::from_le_bytes([b[0], b[1]]), b[2], b[3], u32::from_le_bytes([b[4], b[5], b[6], b[7]])));
    }
    let length = u16::try_from(program.len()).map_err(|_| io::Error::other("the filter is too long"))?;
    let fprog = libc::sock_fprog { len: length, filter: program.as_mut_ptr().cast() };
    // SAFETY: no_new_privs needs no memory; `fprog` names `length` instructions of the layout the host defines.
    let failed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_TSYNC, &fprog)
                != 0
    };
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the row as the host would; `None`: falls through to the monitor's rows.
    fn run(program: &[Instruction], pointer: u64) -> Option<u32> {
        let (mut at, mut a) = (0, 0u32);
        while let Some(i) = program.get(at) {
            at += 1;
            match i.code {
                LOAD => a = if i.k == POINTER_LOW { pointer as u32 } else { (pointer >> 32) as u32 },
                EQUAL => at += usize::from(if a == i.k { i.jt } else { i.jf }),
                AT_LEAST => at += usize::from(if a >= i.k { i.jt } else { i.jf }),
                ABOVE => at += usize::from(if a > i.k { i.jt } else { i.jf }),
                _ => return Some(i.k),
            }
        }
        None
    }

    #[test]
    fn only_the_ranges_pass() {
        let crossing = (0x5554_ffff_0000, 0x5555_0002_0000);
        let high = (0x7fff_f7fc_1000, 0x7fff_f7fc_2fff);
        let program = row(&[crossing, high]);
        for inside in [crossing.0, 0x5554_ffff_ffff, 0x5555_0000_0000, crossing.1, high.0, high.0 + 1, high.1] {
            assert_eq!(run(&program, inside), None, "{inside:#x}");
        }
        for outside in [
            0,
            crossing.0 - 1,
            crossing.1 + 1,
            crossing.0 + (2 << 32),
            crossing.1 - (2 << 32),
            high.0 - 1,
            high.1 + 1,
            u64::MAX,
        ] {
            assert_eq!(run(&program, outside), Some(SECCOMP_RET_TRAP), "{outside:#x}");
        }
    }
}
