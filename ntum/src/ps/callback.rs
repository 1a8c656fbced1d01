//! Calls from the kernel into guest code and back: KeUserModeCallback, which the window server is built on.
//!
//! A system call that needs the guest's answer enters the guest anew, deeper on the thread's kernel stack, where further system calls
//! then run. NtCallbackReturn ends that. A thread that is to end while callbacks are under way comes back through each of them with
//! `STATUS_THREAD_IS_TERMINATING`, so that nothing of the kernel's is left behind. No lock may be held across one.

use crate::call::{Cx, Outcome};
use crate::ps::exception::machine_frame;
use crate::ps::thread::pending;
use crate::status::*;
use crate::um::UserSlice;
use std::sync::atomic::Ordering;
use zerocopy::IntoBytes;

/// Layout below the guest's stack when KiUserCallbackDispatcher is called, as ntdll's unwind information describes it.
mod frame {
    /// Address of the arguments.
    pub const ARGUMENTS: usize = 0x20;
    /// Their length, then the number of the callback: 32 bits each.
    pub const LENGTH: usize = 0x28;
    pub const NUMBER: usize = 0x2c;
    /// Where the caller goes on: a machine frame.
    pub const MACHINE: usize = 0x30;
    /// The arguments themselves.
    pub const DATA: usize = 0x58;
}

/// Most bytes that a callback answers: what the longest message text needs, and far less than what a guest could name.
const MOST_ANSWERED: u64 = 16 << 20;

/// How a callback ended.
pub struct CallbackEnd {
    /// The status that NtCallbackReturn was given.
    pub status: Status,
    /// What the guest answered.
    pub bytes: Vec<u8>,
}

impl Cx<'_> {
    /// Runs entry `number` of the process's table of callbacks (`PEB.KernelCallbackTable`) in the guest, with these arguments.
    ///
    /// # Errors
    /// `STATUS_STACK_OVERFLOW` (the guest's stack, or the kernel's, has no room), `STATUS_THREAD_IS_TERMINATING`, `STATUS_NOT_SUPPORTED`
    /// (the system call came by a bare `syscall` instruction), `STATUS_ENTRYPOINT_NOT_FOUND`, `STATUS_ACCESS_VIOLATION`.
    pub fn callback(&self, number: u32, arguments: &[u8]) -> Nt<CallbackEnd> {
        let k = self.k;
        if self.t.pending.load(Ordering::Acquire) & pending::TERMINATE != 0 {
            return Err(STATUS_THREAD_IS_TERMINATING);
        }
        let dispatcher = k.ps.entry("KiUserCallbackDispatcher").ok_or(STATUS_ENTRYPOINT_NOT_FOUND)?;
        let mut context = k.host.call_context().ok_or(STATUS_NOT_SUPPORTED)?;
        let size = (frame::DATA + arguments.len()) as u64;
        // The stub's own return address, which the way out still needs, lies right below the stack pointer as the caller will have it.
        let at = context.rsp.wrapping_sub(size + 16) & !15;
        let mut bytes = vec![0u8; frame::DATA + arguments.len()];
        bytes[frame::ARGUMENTS..][..8].copy_from_slice(&(at + frame::DATA as u64).to_le_bytes());
        bytes[frame::LENGTH..][..4].copy_from_slice(&(arguments.len() as u32).to_le_bytes());
        bytes[frame::NUMBER..][..4].copy_from_slice(&number.to_le_bytes());
        bytes[frame::MACHINE..][..40].copy_from_slice(machine_frame(&context).as_bytes());
        bytes[frame::DATA..].copy_from_slice(arguments);
        k.mm.make_room(k, self.t, context.rsp, context.rsp.wrapping_sub(at))?;
        k.write_user(at, &bytes)?;
        context.rsp = at;
        context.rip = dispatcher;
        let depth = self.t.callbacks.lock().begin();
        let entered = k.host.call_guest(&context);
        let ended = self.t.callbacks.lock().end(depth);
        if !entered {
            return Err(STATUS_STACK_OVERFLOW);
        }
        ended.ok_or(STATUS_THREAD_IS_TERMINATING)
    }
}

/// Callbacks of a thread that are under way.
#[derive(Default)]
pub struct Callbacks {
    depth: usize,
    /// How the innermost one ended, until its caller takes that.
    ended: Option<CallbackEnd>,
}

impl Callbacks {
    fn begin(&mut self) -> usize {
        self.ended = None;
        self.depth += 1;
        self.depth
    }

    fn end(&mut self, depth: usize) -> Option<CallbackEnd> {
        self.depth = depth - 1;
        self.ended.take()
    }

    /// Whether the innermost one has returned and its caller is to go on.
    pub(super) fn returns(&self) -> bool {
        self.ended.is_some()
    }
}

/// NtCallbackReturn: ends the innermost callback with a status and bytes for the kernel.
///
/// # Errors
/// `STATUS_NO_CALLBACK_ACTIVE`, `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_PARAMETER` for more bytes than any callback answers.
pub fn nt_callback_return(cx: &Cx<'_>, answer: u64, length: u32, status: u32) -> Nt {
    if cx.t.callbacks.lock().depth == 0 {
        return Err(STATUS_NO_CALLBACK_ACTIVE);
    }
    let length = u64::from(length);
    if length > MOST_ANSWERED {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let bytes = if length == 0 { Vec::new() } else { UserSlice::new(answer, length).read_all(cx.k)? };
    cx.t.callbacks.lock().ended = Some(CallbackEnd { status: Status(status), bytes });
    cx.t.pending.fetch_or(pending::CALLBACK_RETURNS, Ordering::AcqRel);
    Ok(STATUS_SUCCESS)
}

/// What a thread does whose callback returns.
pub(super) fn returns(thread: &crate::ps::thread::Thread) -> Option<Outcome> {
    if thread.pending.load(Ordering::Acquire) & pending::CALLBACK_RETURNS == 0 {
        return None;
    }
    thread.pending.fetch_and(!pending::CALLBACK_RETURNS, Ordering::AcqRel);
    thread.callbacks.lock().returns().then_some(Outcome::Exit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Context;

    #[test]
    fn the_end_of_an_inner_callback_is_not_that_of_the_outer_one() {
        let mut all = Callbacks::default();
        let outer = all.begin();
        let inner = all.begin();
        all.ended = Some(CallbackEnd { status: STATUS_SUCCESS, bytes: vec![1] });
        assert!(all.returns());
        assert_eq!(all.end(inner).map(|end| end.bytes), Some(vec![1]));
        assert!(!all.returns());
        assert!(all.end(outer).is_none(), "the thread ended");
        assert_eq!(all.depth, 0);
    }

    #[test]
    fn the_frame_is_as_the_dispatcher_reads_it() {
        // Home slots of the callee, arguments, length and number, machine frame (5 words), data.
        assert_eq!((frame::ARGUMENTS, frame::LENGTH, frame::NUMBER, frame::MACHINE), (0x20, 0x28, 0x2c, 0x30));
        assert_eq!(frame::DATA, frame::MACHINE + size_of_val(&machine_frame(&Context::initial())));
    }
}
