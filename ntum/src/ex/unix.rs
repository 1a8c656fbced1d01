//! Calls of Wine's DLLs to their Unix parts (`__wine_unix_call`), as far as those DLLs must have an answer.

use crate::call::{Cx, Outcome};
use crate::kernel::Kernel;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::nt_time;
use crate::um::UserPtr;
use std::sync::Arc;

/// What ntdll passes as the handle of its own Unix part.
pub const NTDLL_HANDLE: u64 = 1;

/// Codes of ntdll's own Unix part (Wine 10's `dlls/ntdll/unixlib.h`).
mod code {
    pub const DEBUG_WRITE: u32 = 2;
    pub const SYSTEM_TIME_PRECISE: u32 = 7;
}

impl Kernel {
    /// A Unix call: `arguments` points at a structure that depends on the code.
    pub fn unix_call(&'static self, thread: &Arc<Thread>, handle: u64, code: u32, arguments: u64) -> Outcome {
        let cx = Cx { k: self, t: thread };
        let status = match handle {
            NTDLL_HANDLE => ntdll(&cx, code, arguments),
            _ => Err(STATUS_NOT_SUPPORTED),
        };
        self.leave(thread, status.unwrap_or_else(|status| status))
    }
}

fn ntdll(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        // { const char *text; unsigned int length; }: a line of Wine's own debug output.
        code::DEBUG_WRITE => {
            let [text, length] = UserPtr::<[u64; 2]>::new(arguments).read(cx.k)?;
            let length = length & 0xffff;
            let bytes = crate::um::UserSlice::new(text, length).read_all(cx.k)?;
            cx.k.host.trace(String::from_utf8_lossy(&bytes).trim_end());
            Ok(Status(length as u32))
        }
        code::SYSTEM_TIME_PRECISE => {
            UserPtr::new(arguments).write(cx.k, nt_time(cx.k.host.realtime()))?;
            Ok(STATUS_SUCCESS)
        }
        // Loading ELF libraries, unwinding through them, wineserver and spawning on the host do not exist here.
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}
