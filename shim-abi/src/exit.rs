//! Exit codes of who runs a Windows program as a command, `secmon run` above all: one table, shown by its `--help`; and what is said of
//! how a program ended.

use crate::control::{End, How};
use alloc::format;
use alloc::string::String;

/// secmon ended the program because its time ran out.
pub const TIMEOUT: u8 = 124;
/// The command line, the policy, the image or the host is not as it must be.
pub const FAILURE: u8 = 125;
/// The program was found and cannot be run.
pub const CANNOT_RUN: u8 = 126;
/// The program was not found.
pub const NOT_FOUND: u8 = 127;
/// Added to the number of a signal.
pub const SIGNAL: u8 = 128;

const INT: u8 = SIGNAL + 2;
const ILL: u8 = SIGNAL + 4;
const TRAP: u8 = SIGNAL + 5;
const ABRT: u8 = SIGNAL + 6;
const BUS: u8 = SIGNAL + 7;
const FPE: u8 = SIGNAL + 8;
const SEGV: u8 = SIGNAL + 11;

/// Statuses above 255 that have a counterpart: what a program ends with when it crashes, and the code that a shell shows for
/// the same crash of a Linux program.
const CRASHES: &[(u32, u8, &str)] = &[
    (0xc000_0005, SEGV, "access violation"),
    (0xc000_00fd, SEGV, "stack overflow"),
    (0xc000_001d, ILL, "illegal instruction"),
    (0xc000_0096, ILL, "privileged instruction"),
    (0xc000_0006, BUS, "page could not be read"),
    (0x8000_0002, BUS, "misaligned address"),
    (0xc000_0094, FPE, "integer division by zero"),
    (0xc000_0095, FPE, "integer overflow"),
    (0xc000_008e, FPE, "floating-point division by zero"),
    (0xc000_0090, FPE, "invalid floating-point operation"),
    (0x8000_0003, TRAP, "breakpoint"),
    (0x8000_0004, TRAP, "single step"),
    (0xc000_013a, INT, "ended by Ctrl-C"),
    (0xe06d_7363, ABRT, "C++ exception that nobody caught"),
    (0xc000_0135, CANNOT_RUN, "a DLL is missing"),
    (0xc000_0139, CANNOT_RUN, "a function is missing in a DLL"),
    (0xc000_0138, CANNOT_RUN, "a function is missing in a DLL, by number"),
    (0xc000_007b, CANNOT_RUN, "no valid 64-bit program or DLL"),
    (0xc000_012f, CANNOT_RUN, "no program file"),
    (0xc000_0020, CANNOT_RUN, "no program file"),
    (0xc000_0130, CANNOT_RUN, "a damaged program file"),
    (0xc000_0131, CANNOT_RUN, "a 16-bit program file"),
    (0xc000_0142, CANNOT_RUN, "a DLL failed to start"),
];

/// The exit code for a program's status.
///
/// 0 to 255 pass as they are. Above, a crash has the code of the like signal, any other status of the form 0xC… that of
/// SIGABRT; what remains (-1, counts, bit masks) is cut to its low 8 bits, or is 1 if those are 0, so that failure never
/// looks like success.
pub fn code(status: u32) -> u8 {
    if let Ok(code) = u8::try_from(status) {
        return code;
    }
    if let Some((_, code, _)) = CRASHES.iter().find(|(crash, ..)| *crash == status) {
        return *code;
    }
    if status >> 28 == 0xc {
        return ABRT;
    }
    match (status & 0xff) as u8 {
        0 => 1,
        low => low,
    }
}

/// What a status above 255 means, for a person.
pub fn meaning(status: u32) -> Option<&'static str> {
    CRASHES.iter().find(|(crash, ..)| *crash == status).map(|(.., text)| *text)
}

/// The exit code for how a program or a sandbox ended.
pub fn of(end: &End) -> u8 {
    match end.how {
        How::Status | How::Stopped => code(end.status),
        How::Killed | How::Signalled => SIGNAL.saturating_add(end.status as u8),
        How::OutOfMemory => SIGNAL + 9,
        How::TimedOut => TIMEOUT,
        How::Hostile => SIGNAL + 31,
    }
}

/// What is to be said of a program that ended so, if anything is; nothing that would steer a terminal.
pub fn remark(end: &End) -> Option<String> {
    let status = end.status;
    match end.how {
        How::Status if !end.message.is_empty() => {
            Some(end.message.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect())
        }
        How::Status => match meaning(status) {
            Some(meaning) => Some(format!("the program ended with status {status:#010x}: {meaning}")),
            // Too large for a count and no small negative number: said in full, as the exit code cannot.
            None if (0x8000_0000..0xffff_0000).contains(&status) => {
                Some(format!("the program ended with status {status:#010x}"))
            }
            None => None,
        },
        How::Killed => Some(format!("the picoprocess was ended by signal {status}")),
        How::OutOfMemory => Some("the program used more memory than --memory lets it".into()),
        How::TimedOut => Some("the program was ended because its time ran out".into()),
        How::Hostile => Some(format!("the sandbox was ended: {}", end.message)),
        How::Signalled | How::Stopped => None,
    }
}

/// The table, for `--help` and the manual page.
pub const HELP: &str = "\
Exit codes:
  0-255      the program's own exit status
  124        the time given by --timeout ran out
  125        secmon itself failed: usage, policy, image, host
  126        the program cannot be run (no valid 64-bit program, a DLL is missing)
  127        the program was not found
  128+N      ended by signal N, or by the like crash: 139 access violation or stack overflow, 136 arithmetic,
             135 page could not be read, 134 any other status 0xC..., 133 breakpoint, 132 illegal instruction,
             130 Ctrl-C, 137 out of memory, 159 the picoprocess broke the rules of its boundary
  A status above 255 that is no crash is cut to its low 8 bits, or is 1 if those are 0.";

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn small_statuses_pass_and_failures_never_look_like_success() {
        for status in 0..=255u32 {
            assert_eq!(u32::from(code(status)), status);
        }
        for status in [256, 0x100, 0x1_0000, 0x8000_0000, 0xffff_ff00] {
            assert_eq!(code(status), 1, "{status:#x}");
        }
        assert_eq!(code(u32::MAX), 255);
        assert_eq!(code(0x1_0007), 7);
    }

    #[test]
    fn ends_have_codes_and_remarks() {
        let end = |how, status, message: &str| End { how, status, message: message.into() };
        for (end, code, said) in [
            (end(How::Status, 7, ""), 7, None),
            (end(How::Status, 7, "a\u{1b}[2Jb\n"), 7, Some("a[2Jb\n")),
            (
                end(How::Status, 0xc000_0005, ""),
                139,
                Some("the program ended with status 0xc0000005: access violation"),
            ),
            (end(How::Status, 0x8000_4005, ""), 5, Some("the program ended with status 0x80004005")),
            (end(How::Killed, 9, ""), 137, Some("the picoprocess was ended by signal 9")),
            (end(How::Signalled, 15, ""), 143, None),
            (end(How::Stopped, 0, ""), 0, None),
            (end(How::OutOfMemory, 0, ""), 137, Some("the program used more memory than --memory lets it")),
            (end(How::TimedOut, 0, ""), 124, Some("the program was ended because its time ran out")),
            (end(How::Hostile, 0, "it lied"), 159, Some("the sandbox was ended: it lied")),
        ] {
            assert_eq!((of(&end), remark(&end).as_deref()), (code, said), "{end:?}");
        }
    }

    #[test]
    fn crashes_look_like_signals() {
        assert_eq!(code(0xc000_0005), 139);
        assert_eq!(code(0xc000_0409), 134);
        assert_eq!(code(0xc000_0135), 126);
        for (status, code, _) in CRASHES {
            assert!(HELP.contains(&code.to_string()), "{status:#x}");
        }
    }
}
