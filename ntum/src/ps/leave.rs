//! What a thread sees to before it goes on in guest code: its end, standing still, APCs, a new context.

use crate::call::Outcome;
use crate::host::Wake;
use crate::ke::apc::Apc;
use crate::kernel::Kernel;
use crate::ps::exception::machine_frame;
use crate::ps::thread::{Thread, pending};
use crate::status::*;
use crate::types::Context;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use zerocopy::IntoBytes;

/// Layout below the guest's stack when KiUserApcDispatcher is called: CONTEXT, whose home slots hold the three arguments
/// and the function; then the machine frame.
mod frame {
    pub const MACHINE: usize = 0x4d0;
    pub const SIZE: usize = 0x500;
}

impl Kernel {
    /// [`Kernel::leave`] when something is pending.
    pub(crate) fn leave_slowly(&'static self, thread: &Arc<Thread>, answer: u64) -> Outcome {
        if let Some(outcome) = crate::ps::callback::returns(thread) {
            return outcome;
        }
        let resume = || {
            thread.pending.fetch_and(!pending::RESUME, Ordering::AcqRel);
            thread.take_resume().map(|context| *context)
        };
        let given = if thread.pending.load(Ordering::Acquire) & pending::RESUME != 0 { resume() } else { None };
        let elsewhere = given.is_some();
        let mut context = match given {
            Some(mut context) => {
                if thread.answers.swap(false, Ordering::Relaxed) {
                    // The volatile registers are as a call leaves them.
                    context.rax = answer;
                    (context.rcx, context.r11) = (context.rip, u64::from(context.eflags));
                    (context.rdx, context.r8, context.r9, context.r10) = (0, 0, 0, 0);
                }
                context
            }
            None => {
                let Some(mut context) = self.host.call_context() else { return Outcome::Return(answer) };
                context.rax = answer;
                context
            }
        };
        thread.activity.store(Context::SERVICE_ACTIVE, Ordering::Relaxed);
        match self.settle(thread, &mut context) {
            Settled::Exit => Outcome::Exit,
            Settled::Same if !elsewhere => Outcome::Return(answer),
            _ => {
                *thread.resume.lock() = Some(Box::new(context));
                Outcome::Resume
            }
        }
    }

    /// An interrupt reached the thread in guest code; `context` is where it was, and where it goes on.
    pub fn interrupted(&'static self, thread: &Arc<Thread>, context: &mut Context) -> Outcome {
        thread.activity.store(0, Ordering::Relaxed);
        // APCs wait for an alertable call: guest code is interrupted for special ones alone.
        match self.settle(thread, context) {
            Settled::Exit => Outcome::Exit,
            _ => Outcome::Return(0),
        }
    }

    /// A blocking call of the host's was cut short on this thread. Answers whether the call is to be given up.
    pub fn cut_short(&'static self, thread: &Arc<Thread>) -> bool {
        self.stand_still(thread);
        let alertable = thread.alertable.load(Ordering::Relaxed);
        thread.interruption(alertable).is_some() || thread.cancelled()
    }

    /// If the thread is suspended, stays until it is resumed. For a thread within a system call.
    pub fn stand_still(&'static self, thread: &Arc<Thread>) {
        if thread.pending.load(Ordering::Acquire) & pending::SUSPEND == 0 {
            return;
        }
        let Some(mut context) = self.host.call_context() else { return };
        thread.activity.store(Context::SERVICE_ACTIVE, Ordering::Relaxed);
        if self.park(thread, &mut context) {
            // The call goes on; what was set takes effect when it returns.
            thread.set_resume_with_answer(context);
        }
    }

    fn settle(&'static self, thread: &Arc<Thread>, context: &mut Context) -> Settled {
        let mut settled = Settled::Same;
        loop {
            let bits = thread.pending.load(Ordering::Acquire);
            if bits & pending::TERMINATE != 0 {
                return Settled::Exit;
            }
            if bits & pending::SUSPEND != 0 {
                if self.park(thread, context) {
                    settled = Settled::Moved;
                }
                continue;
            }
            // One at a time: the next when this one is done, and the thread goes on with NtContinue.
            let special = bits & pending::SPECIAL_APC != 0 && thread.loaded.load(Ordering::Acquire);
            let apc = match bits & pending::DELIVER {
                _ if special => thread.next_apc(true),
                0 => return settled,
                _ => {
                    thread.pending.fetch_and(!pending::DELIVER, Ordering::AcqRel);
                    thread.next_apc(false)
                }
            };
            if let Some(apc) = apc
                && self.deliver(thread, context, &apc).is_ok()
            {
                return Settled::Moved;
            }
        }
    }

    /// Whether nobody has the thread suspended any more; it need not stand still then.
    pub(super) fn resumed(&self, thread: &Thread) -> bool {
        thread.pending.fetch_and(!pending::SUSPEND, Ordering::AcqRel);
        // A suspension that came in between counts.
        let suspended = thread.suspended.load(Ordering::Acquire) != 0;
        if suspended {
            thread.pending.fetch_or(pending::SUSPEND, Ordering::AcqRel);
        }
        !suspended
    }

    /// Stands still while suspended; answers whether the context was changed meanwhile.
    pub(super) fn park(&'static self, thread: &Arc<Thread>, context: &mut Context) -> bool {
        let mut standing = Standing::new(self, thread, context);
        let _resting = self.ex.rest(self);
        let _asleep = crate::io::completion::sleeps(self, thread);
        loop {
            let count = thread.suspended.load(Ordering::Acquire);
            if count == 0 || thread.pending.load(Ordering::Acquire) & pending::TERMINATE != 0 {
                break;
            }
            self.host.wait(&thread.suspended, count, None);
        }
        standing.leave();
        self.resumed(thread);
        standing.end()
    }

    /// Calls `with` on the registers of a thread that stands still, or is made to for this.
    ///
    /// # Errors
    /// `STATUS_UNSUCCESSFUL` if it has ended or does not come to stand still within ten seconds.
    pub fn with_standing<R>(&'static self, target: &Arc<Thread>, with: impl FnOnce(&mut Context) -> R) -> Nt<R> {
        self.suspend(target)?;
        let deadline = self.host.monotonic() + 10_000_000_000;
        target.watched.fetch_add(1, Ordering::SeqCst);
        while target.parked.load(Ordering::Acquire) == 0 {
            if self.host.wait(&target.parked, 0, Some(deadline)) == Wake::TimedOut || target.ended() {
                break;
            }
        }
        target.watched.fetch_sub(1, Ordering::SeqCst);
        let result = target.standing.lock().as_deref_mut().map(with);
        self.resume(target);
        result.ok_or(STATUS_UNSUCCESSFUL)
    }

    /// Makes the guest's APC dispatcher run; `context` becomes what is loaded for that.
    fn deliver(&self, thread: &Thread, context: &mut Context, apc: &Apc) -> Nt<()> {
        let dispatcher = self.ps.entry("KiUserApcDispatcher").ok_or(STATUS_ENTRYPOINT_NOT_FOUND)?;
        if let Some((at, result)) = apc.result {
            at.write(self, result)?;
        }
        let mut saved = *context;
        saved.flags = Context::FULL;
        // In calls there are none; what else is interrupted has them kept here.
        saved.set_ymm(None);
        saved.home[..3].copy_from_slice(&apc.arguments);
        saved.home[3] = apc.function;
        let mut bytes = [0u8; frame::SIZE];
        bytes[..size_of::<Context>()].copy_from_slice(saved.as_bytes());
        bytes[frame::MACHINE..frame::MACHINE + 40].copy_from_slice(machine_frame(context).as_bytes());
        let at = (context.rsp & !15).wrapping_sub(frame::SIZE as u64);
        // There is room now if this is what used the stack up: that is for the next fault to tell.
        match self.mm.make_room(self, thread, context.rsp, context.rsp.wrapping_sub(at)) {
            Ok(()) | Err(STATUS_STACK_OVERFLOW) => {}
            Err(status) => return Err(status),
        }
        self.write_user(at, &bytes)?;
        if apc.special {
            thread.keep_upper(at, context.ymm().copied().unwrap_or_default());
        }
        context.set_ymm(None);
        context.rsp = at;
        context.rip = dispatcher;
        context.eflags &= !0x4_0500;
        Ok(())
    }
}

/// A thread stands still: others see its registers, and may change them.
pub(super) struct Standing<'a> {
    thread: &'a Thread,
    context: &'a mut Context,
}

impl<'a> Standing<'a> {
    /// From now on.
    pub(super) fn new(k: &Kernel, thread: &'a Thread, context: &'a mut Context) -> Standing<'a> {
        *thread.standing.lock() = Some(Box::new(*context));
        thread.parked.swap(1, Ordering::SeqCst);
        if thread.watched.load(Ordering::SeqCst) != 0 {
            k.host.wake(&thread.parked, u32::MAX);
        }
        Standing { thread, context }
    }

    /// It is about to go on.
    fn leave(&self) {
        self.thread.parked.store(0, Ordering::Release);
    }

    /// It goes on; answers whether the registers were changed.
    pub(super) fn end(&mut self) -> bool {
        self.leave();
        let standing = self.thread.standing.lock().take();
        match standing {
            Some(new) if self.thread.context_changed.swap(false, Ordering::AcqRel) => {
                *self.context = *new;
                true
            }
            _ => false,
        }
    }
}

enum Settled {
    /// The context stands.
    Same,
    /// It was changed.
    Moved,
    /// The thread ends.
    Exit,
}
