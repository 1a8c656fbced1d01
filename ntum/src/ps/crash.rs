//! The process's end, and what a person is told when it was no ordinary one.

use crate::kernel::Kernel;
use crate::status::*;
use crate::types::{Context, ExceptionRecord};
use crate::um::UserPtr;
use std::fmt::Write;

/// Stack words that are looked through for return addresses.
const STACK_WORDS: u64 = 2048;
/// Return addresses that are shown.
const SHOWN: usize = 24;

impl Kernel {
    /// Ends the process. If its status is that of an exception that a thread had and nobody handled, the report says so.
    pub fn exit_process(&'static self, status: u32) -> ! {
        let mut message = String::new();
        if Status(status).is_error() || status == STATUS_BREAKPOINT.0 {
            let crashed = self.ps.threads().into_iter().find_map(|thread| {
                let last = thread.last_exception.lock().clone()?;
                (last.0.code == status).then_some((thread.id, last))
            });
            if let Some((thread, last)) = crashed {
                message = self.describe(thread, &last.0, &last.1);
            } else if status == STATUS_DLL_NOT_FOUND.0 || status == STATUS_ENTRYPOINT_NOT_FOUND.0 {
                message = format!("the program could not be loaded: {}", Status(status));
                for line in self.ps.loader_errors.lock().iter() {
                    let _ = write!(message, "\n  {line}");
                }
            }
        }
        if message.is_empty() {
            message = self.hard_error(status).unwrap_or_default();
        }
        crate::io::condrv::leave(self);
        self.tell_end(status);
        self.leave_sandbox();
        self.host.tell_calls(self.ps.id(), self.ps.calls());
        self.host.exit(status, &message)
    }

    fn describe(&self, thread: u64, record: &ExceptionRecord, context: &Context) -> String {
        let mut text = String::new();
        let _ = write!(
            text,
            "unhandled exception {:#010x} ({}) in thread {thread:#x} at {}",
            record.code,
            Status(record.code),
            self.place(record.address)
        );
        if record.code == STATUS_ACCESS_VIOLATION.0 || record.code == STATUS_IN_PAGE_ERROR.0 {
            let what = match record.information[0] {
                0 => "read of",
                1 => "write to",
                _ => "execution of",
            };
            let _ = write!(text, "\n  {what} address {:#x}", record.information[1]);
        }
        let c = context;
        let _ = write!(
            text,
            "\n  rax {:016x} rbx {:016x} rcx {:016x} rdx {:016x}\
             \n  rsi {:016x} rdi {:016x} rbp {:016x} rsp {:016x}\
             \n  r8  {:016x} r9  {:016x} r10 {:016x} r11 {:016x}\
             \n  r12 {:016x} r13 {:016x} r14 {:016x} r15 {:016x}\
             \n  rip {:016x} eflags {:08x}",
            c.rax,
            c.rbx,
            c.rcx,
            c.rdx,
            c.rsi,
            c.rdi,
            c.rbp,
            c.rsp,
            c.r8,
            c.r9,
            c.r10,
            c.r11,
            c.r12,
            c.r13,
            c.r14,
            c.r15,
            c.rip,
            c.eflags
        );
        let mut shown = 0;
        for index in 0..STACK_WORDS {
            let Ok(word) = UserPtr::<u64>::new(c.rsp & !7).add(index).read(self) else { break };
            if let Some((name, base)) = self.mm.module_at(word) {
                let _ = write!(text, "\n  stack {:#x}: {name}+{:#x}", (c.rsp & !7) + 8 * index, word - base);
                shown += 1;
                if shown == SHOWN {
                    break;
                }
            }
        }
        text
    }

    /// An address as module and offset.
    fn place(&self, address: u64) -> String {
        match self.mm.module_at(address) {
            Some((name, base)) => format!("{name}+{:#x}", address - base),
            None => format!("{address:#x}, in no module"),
        }
    }
}
