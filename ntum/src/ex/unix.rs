//! Calls of Wine's DLLs to their Unix parts (`__wine_unix_call`), as far as those DLLs must have an answer.

use crate::call::{Answered, Cx, Outcome};
use crate::kernel::Kernel;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::nt_time;
use crate::um::UserPtr;
use std::sync::Arc;

/// The Unix part of one DLL.
struct Part {
    /// The DLL's name, in lower case.
    dll: &'static str,
    /// Carries a call out: code, address of the arguments.
    run: fn(&Cx<'_>, u32, u64) -> Nt,
}

/// The parts there are; a part's handle is its place here plus one.
const PARTS: &[Part] = &[
    Part { dll: "ntdll.dll", run: ntdll },
    Part { dll: "ws2_32.dll", run: crate::io::afd::names::call },
    Part { dll: "dnsapi.dll", run: crate::io::afd::dns::call },
    Part { dll: "crypt32.dll", run: crate::crypto::crypt32::call },
    Part { dll: "bcrypt.dll", run: crate::crypto::bcrypt::call },
    Part { dll: "secur32.dll", run: crate::crypto::secur32::call },
    Part { dll: "msv1_0.dll", run: crate::crypto::msv1_0::call },
    Part { dll: "opengl32.dll", run: opengl32 },
    Part { dll: "winscard.dll", run: winscard },
    Part { dll: "win32u.dll", run: crate::win32k::unix_call },
    Part { dll: "winspool.drv", run: crate::win32k::print::spool::winspool },
    Part { dll: "localspl.dll", run: crate::win32k::print::spool::localspl },
    Part { dll: "wineps.drv", run: crate::win32k::print::driver::call },
    Part { dll: "dwrite.dll", run: crate::win32k::gdi::fonts::dwrite::call },
    Part { dll: "riched20.dll", run: crate::win32k::user::richedit::call },
    Part { dll: "winepulse.drv", run: crate::audio::calls::call },
];

/// opengl32 is loaded by much that never draws (dxgi, and so WMI): it comes and goes, and draws nothing.
fn opengl32(_: &Cx<'_>, code: u32, _: u64) -> Nt {
    match code {
        // A process or a thread begins with it, a process ends.
        0..=2 => Ok(STATUS_SUCCESS),
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}

/// Smart cards: no service for them runs, and so there is nothing else to ask for.
fn winscard(_: &Cx<'_>, _: u32, _: u64) -> Nt {
    /// SCARD_E_NO_SERVICE.
    const NO_SERVICE: Status = Status(0x8010_001d);
    Err(NO_SERVICE)
}

/// What ntdll passes as the handle of its own Unix part.
pub const NTDLL_HANDLE: u64 = 1;

/// The handle of a DLL's part.
pub fn part_of(dll: &str) -> Option<u64> {
    let index = PARTS.iter().position(|part| part.dll.eq_ignore_ascii_case(dll))?;
    Some(index as u64 + 1)
}

/// Codes of ntdll's own Unix part (Wine 10's `dlls/ntdll/unixlib.h`).
mod code {
    pub const LOAD_SO_DLL: u32 = 0;
    pub const UNWIND_BUILTIN_DLL: u32 = 1;
    pub const DEBUG_WRITE: u32 = 2;
    pub const SERVER_CALL: u32 = 3;
    pub const SYSTEM_TIME_PRECISE: u32 = 7;
}

impl Kernel {
    /// A Unix call: `arguments` points at a structure that depends on the code.
    pub fn unix_call(&'static self, thread: &Arc<Thread>, handle: u64, code: u32, arguments: u64) -> Outcome {
        let cx = Cx { k: self, t: thread };
        let part = usize::try_from(handle.wrapping_sub(1)).ok().and_then(|index| PARTS.get(index));
        let status = part.map_or(Err(STATUS_NOT_SUPPORTED), |part| (part.run)(&cx, code, arguments));
        self.leave(thread, status.register(&cx))
    }
}

fn ntdll(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        // { const char *text; unsigned int length; }: a line of Wine's own debug output.
        code::DEBUG_WRITE => {
            let [text, length] = UserPtr::<[u64; 2]>::new(arguments).read(cx.k)?;
            let length = length & 0xffff;
            let bytes = crate::um::UserSlice::new(text, length).read_all(cx.k)?;
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            let mut errors = cx.k.ps.loader_errors.lock();
            if let Some((_, what)) = line.split_once(":err:module:")
                && errors.len() < 8
            {
                errors.push(what.to_owned());
            }
            drop(errors);
            if cx.k.boot.trace {
                cx.k.host.trace(&line);
            }
            Ok(Status(length as u32))
        }
        code::SYSTEM_TIME_PRECISE => {
            UserPtr::new(arguments).write(cx.k, nt_time(cx.k.host.realtime()))?;
            Ok(STATUS_SUCCESS)
        }
        // The one request to Wine's server that a program of the image makes: the console host's.
        code::SERVER_CALL => crate::io::condrv::hosted::server_call(cx, arguments),
        // The loader asks for what is no PE file whether it is one of the host's libraries: none is, so it is no image at all.
        code::LOAD_SO_DLL => Err(STATUS_INVALID_IMAGE_FORMAT),
        // An address that is in no module: nobody here knows better, so the unwinder takes it for a leaf function's.
        code::UNWIND_BUILTIN_DLL => Err(STATUS_UNSUCCESSFUL),
        // Loading ELF libraries, other requests to wineserver and spawning on the host do not exist here.
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}
