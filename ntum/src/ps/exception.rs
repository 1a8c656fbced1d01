//! Exceptions: what the host reports becomes an EXCEPTION_RECORD, and the guest's dispatcher is called with it.

use crate::call::{Cx, Outcome};
use crate::kernel::Kernel;
use crate::ps::layout;
use crate::ps::thread::Thread;
use crate::ps::xstate;
use crate::status::*;
use crate::types::{Context, ExceptionRecord};
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use zerocopy::IntoBytes;

/// What the processor reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap {
    /// A page fault.
    Page {
        /// Where.
        address: u64,
        /// A store.
        write: bool,
        /// An instruction fetch.
        execute: bool,
        /// The page is mapped, but its bytes cannot be had: beyond the end of a file.
        in_page: bool,
    },
    /// A general protection fault, with the processor's error code.
    Protection {
        /// Bit 1 set: from `int n`, n in bits 3 and up.
        error: u32,
    },
    /// An access that must be aligned is not.
    Alignment,
    /// No such instruction.
    Illegal,
    /// Integer division by zero, or its quotient too large.
    Divide,
    /// A floating-point exception, of SSE or of the x87.
    Float {
        /// SSE.
        simd: bool,
    },
    /// The trap flag was set.
    Step,
    /// `int3`.
    Break,
}

/// EXCEPTION_NONCONTINUABLE.
pub const EXCEPTION_NONCONTINUABLE: u32 = 1;

/// Layout below the guest's stack when KiUserExceptionDispatcher is called: CONTEXT, CONTEXT_EX, EXCEPTION_RECORD, machine
/// frame; then the extended state, if there is any, at a multiple of 64.
mod frame {
    pub const CONTEXT_EX: usize = 0x4d0;
    pub const RECORD: usize = 0x4f0;
    pub const MACHINE: usize = 0x590;
    pub const SIZE: usize = 0x5c0;
    pub const EXTENDED: usize = 0x5c0;
    pub const SIZE_EXTENDED: usize = EXTENDED + crate::ps::xstate::AREA;
}

/// The machine frame that unwinders read: rip, cs, eflags, rsp, ss.
pub(super) fn machine_frame(context: &Context) -> [u64; 5] {
    [context.rip, u64::from(context.cs), u64::from(context.eflags), context.rsp, u64::from(context.ss)]
}

impl Kernel {
    /// A trap in guest code.
    pub fn exception(&'static self, thread: &Arc<Thread>, context: &mut Context, trap: Trap) -> Outcome {
        let mut record = ExceptionRecord { address: context.rip, ..ExceptionRecord::default() };
        match trap {
            Trap::Page { address, write, execute, in_page } => {
                let access = if execute { 8 } else { u64::from(write) };
                match self.mm.fault(self, thread, address, access, in_page) {
                    Ok(()) => return Outcome::Return(0),
                    Err(status) => {
                        if let Some((first, then)) = self.overflowed(thread, address) {
                            // What should have handled the overflow has no stack left to do it on.
                            self.unhandled(thread, &then, &first);
                        }
                        record.code = status.0;
                        record.information[..2].copy_from_slice(&[access, address]);
                        record.parameters = 2;
                        if status == STATUS_IN_PAGE_ERROR {
                            record.information[2] = u64::from(STATUS_END_OF_FILE.0);
                            record.parameters = 3;
                        }
                    }
                }
            }
            Trap::Protection { .. } if self.passes_debug_service(context) => return Outcome::Return(0),
            Trap::Protection { error } => self.protection_fault(context, error, &mut record),
            Trap::Alignment => record.code = STATUS_DATATYPE_MISALIGNMENT.0,
            // Newer hosts have a system call (335, for probes) that no filter sees and that answers like this: to the guest it
            // is one more number that means nothing.
            Trap::Illegal if context.rax == u64::MAX && self.follows_system_call(context) => {
                context.rax = u64::from(STATUS_INVALID_SYSTEM_SERVICE.0);
                return Outcome::Return(0);
            }
            Trap::Illegal => record.code = STATUS_ILLEGAL_INSTRUCTION.0,
            Trap::Divide => record.code = divide_status(self, context).0,
            Trap::Float { simd } => {
                record.code = float_status(context, simd).0;
                record.parameters = 1;
                if simd {
                    record.parameters = 2;
                    record.information[1] = u64::from(context.mxcsr);
                }
            }
            Trap::Step => {
                record.code = STATUS_SINGLE_STEP.0;
                context.eflags &= !0x100;
            }
            Trap::Break => {
                record.code = STATUS_BREAKPOINT.0;
                record.parameters = 1;
                context.rip = context.rip.wrapping_sub(1);
                record.address = context.rip;
            }
        }
        // A debugger sees a breakpoint's registers as the processor left them.
        let past = u64::from(record.code == STATUS_BREAKPOINT.0);
        context.rip = context.rip.wrapping_add(past);
        // Nobody but a debugger is asked about a program that gives up.
        let first_chance = record.flags & EXCEPTION_NONCONTINUABLE == 0;
        thread.activity.store(Context::EXCEPTION_ACTIVE, Ordering::Relaxed);
        if self.report_exception(thread, &record, context, first_chance) {
            return Outcome::Return(0);
        }
        if !first_chance {
            self.unhandled(thread, context, &record);
        }
        context.rip = context.rip.wrapping_sub(past);
        match self.raise(thread, context, &record) {
            Ok(()) => Outcome::Return(0),
            Err(_) => self.unhandled(thread, context, &record),
        }
    }

    /// The stack overflow that a thread is handling, if `address` lies in its stack all the same.
    fn overflowed(&self, thread: &Thread, address: u64) -> Option<(ExceptionRecord, Context)> {
        let teb = thread.teb.load(Ordering::Acquire);
        let word = |offset: u64| UserPtr::<u64>::new(teb + offset).read(self).ok();
        let (bottom, limit) = (word(layout::teb::DEALLOCATION_STACK)?, word(layout::teb::STACK_LIMIT)?);
        let last = thread.last_exception.lock().clone()?;
        let spent = last.0.code == STATUS_STACK_OVERFLOW.0 && (bottom..limit).contains(&address);
        spent.then_some(*last)
    }

    /// Whether the instruction before this one is `syscall`.
    fn follows_system_call(&self, context: &Context) -> bool {
        let mut code = [0u8; 2];
        self.read_user(context.rip.wrapping_sub(2), &mut code).is_ok() && code == [0x0f, 0x05]
    }

    /// Goes past a call of the debug service (`int 2d`) that is for a kernel debugger, which there is none of: to print a
    /// string, to load or unload symbols, to run a command.
    fn passes_debug_service(&self, context: &mut Context) -> bool {
        let mut code = [0u8; 2];
        let called = self.read_user(context.rip, &mut code).is_ok() && code == [0xcd, 0x2d];
        let passes = called && matches!(context.rax as u32, 1 | 3..=5);
        if passes {
            context.rip = context.rip.wrapping_add(3);
        }
        passes
    }

    /// Tells `int n`, privileged instructions and non-canonical addresses apart.
    fn protection_fault(&self, context: &mut Context, error: u32, record: &mut ExceptionRecord) {
        let mut code = [0u8; 4];
        let known = (1..=4).rev().any(|count| self.read_user(context.rip, &mut code[..count]).is_ok());
        if known && code[0] == 0xcd && error & 2 != 0 {
            match code[1] {
                // RtlFailFast: code in ecx.
                0x29 => {
                    record.code = STATUS_STACK_BUFFER_OVERRUN.0;
                    record.flags = EXCEPTION_NONCONTINUABLE;
                    record.parameters = 1;
                    record.information[0] = context.rcx & 0xffff_ffff;
                    return;
                }
                0x2c => {
                    record.code = STATUS_ASSERTION_FAILURE.0;
                    return;
                }
                // Debug service: the service in eax. A byte behind it is skipped, but a breakpoint is one byte before where
                // the processor stands.
                0x2d => {
                    record.code = STATUS_BREAKPOINT.0;
                    record.parameters = 1;
                    record.information[0] = context.rax & 0xffff_ffff;
                    record.address = context.rip.wrapping_add(3);
                    context.rip = context.rip.wrapping_add(2);
                    return;
                }
                _ => {}
            }
        }
        // hlt, in, out, ins, outs, cli, sti; and of the 0f group clts, invd, wbinvd, mov cr/dr, wrmsr, rdmsr.
        let privileged = known
            && match code[0] {
                0xf4 | 0xe4..=0xe7 | 0xec..=0xef | 0x6c..=0x6f | 0xfa | 0xfb => true,
                0x0f => matches!(code[1], 0x06 | 0x08 | 0x09 | 0x20..=0x23 | 0x30 | 0x32 | 0x33),
                _ => false,
            };
        if privileged {
            record.code = STATUS_PRIVILEGED_INSTRUCTION.0;
        } else {
            record.code = STATUS_ACCESS_VIOLATION.0;
            record.parameters = 2;
            record.information[1] = u64::MAX;
        }
    }

    /// Makes the guest's dispatcher run with a record; `context` becomes what is loaded for that.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, `STATUS_STACK_OVERFLOW` if the guest's stack cannot take the frame.
    pub fn raise(&self, thread: &Thread, context: &mut Context, record: &ExceptionRecord) -> Nt<()> {
        let dispatcher = self.ps.entry("KiUserExceptionDispatcher").ok_or(STATUS_ENTRYPOINT_NOT_FOUND)?;
        let extended = context.ymm().is_some();
        let length = if extended { frame::SIZE_EXTENDED } else { frame::SIZE };
        let at = context.rsp.wrapping_sub(length as u64) & !63;
        let mut record = *record;
        match self.mm.make_room(self, thread, context.rsp, context.rsp.wrapping_sub(at)) {
            // There is room now, but the guest must hear of this first.
            Err(STATUS_STACK_OVERFLOW) => {
                record.code = STATUS_STACK_OVERFLOW.0;
                record.parameters = 0;
            }
            room => room?,
        }
        let record = &record;
        thread.note_exception(record, context);
        let mut bytes = [0u8; frame::SIZE_EXTENDED];
        let mut saved = *context;
        saved.flags = Context::ALL;
        // CONTEXT_EX: All, Legacy (the CONTEXT before it), XState; offset from here and length of each. Without extended
        // state the last is what Windows has there: 25 and 0.
        let size = size_of::<Context>() as u32;
        let mut chunks: [u32; 6] = [size.wrapping_neg(), size + 0x20, size.wrapping_neg(), size, 25, 0];
        if let Some(ymm) = context.ymm() {
            saved.flags |= Context::XSTATE;
            let (offset, area) = ((frame::EXTENDED - frame::CONTEXT_EX) as u32, xstate::AREA as u32);
            (chunks[1], chunks[4], chunks[5]) = (size + offset + area, offset, area);
            let header = xstate::header(xstate::AVX, xstate::in_use(ymm));
            bytes[frame::EXTENDED..frame::EXTENDED + xstate::HEADER].copy_from_slice(header.as_bytes());
            bytes[frame::EXTENDED + xstate::HEADER..].copy_from_slice(ymm.as_bytes());
        }
        saved.set_ymm(None);
        saved.dr = *thread.debug_registers.lock();
        bytes[..size_of::<Context>()].copy_from_slice(saved.as_bytes());
        bytes[frame::CONTEXT_EX..frame::CONTEXT_EX + 24].copy_from_slice(chunks.as_bytes());
        bytes[frame::RECORD..frame::RECORD + size_of::<ExceptionRecord>()].copy_from_slice(record.as_bytes());
        bytes[frame::MACHINE..frame::MACHINE + 40].copy_from_slice(machine_frame(context).as_bytes());
        self.write_user(at, &bytes[..length])?;
        context.set_ymm(None);
        context.rsp = at;
        context.rip = dispatcher;
        // The dispatcher starts with the trap, direction and alignment check flags clear.
        context.eflags &= !0x4_0500;
        Ok(())
    }

    /// Nobody handled it: the process ends with the exception's status.
    pub fn unhandled(&'static self, thread: &Arc<Thread>, context: &Context, record: &ExceptionRecord) -> ! {
        thread.note_exception(record, context);
        self.exit_process(record.code)
    }
}

/// Integer overflow and division by zero are one trap: the divisor tells them apart.
fn divide_status(k: &Kernel, context: &Context) -> Status {
    match super::divisor::divisor_is_zero(k, context) {
        Some(false) => STATUS_INTEGER_OVERFLOW,
        _ => STATUS_INTEGER_DIVIDE_BY_ZERO,
    }
}

/// The first unmasked exception that the status word says happened, in the order the processor serves them.
fn float_status(context: &Context, simd: bool) -> Status {
    let bits = if simd {
        context.mxcsr & !(context.mxcsr >> 7) & 0x3f
    } else {
        let word = |at: usize| u32::from(context.fx[at]) | u32::from(context.fx[at + 1]) << 8;
        let (control, status) = (word(0), word(2));
        if status & 0x41 == 0x41 {
            return STATUS_FLOAT_STACK_CHECK;
        }
        status & !control & 0x3f
    };
    for (bit, status) in [
        (0x01, STATUS_FLOAT_INVALID_OPERATION),
        (0x02, STATUS_FLOAT_DENORMAL_OPERAND),
        (0x04, STATUS_FLOAT_DIVIDE_BY_ZERO),
        (0x08, STATUS_FLOAT_OVERFLOW),
        (0x10, STATUS_FLOAT_UNDERFLOW),
        (0x20, STATUS_FLOAT_INEXACT_RESULT),
    ] {
        if bits & bit != 0 {
            return status;
        }
    }
    STATUS_FLOAT_INVALID_OPERATION
}

/// NtRaiseException: first chance calls the guest's dispatcher, second chance ends the process.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_raise_exception(
    cx: &Cx<'_>,
    record: UserPtr<ExceptionRecord>,
    context: UserPtr<Context>,
    first_chance: bool,
) -> Nt {
    let record = record.read(cx.k)?;
    let at = context.address();
    let mut context = context.read(cx.k)?;
    context.set_ymm(xstate::load(cx.k, at, context.flags)?.as_ref());
    cx.t.activity.store(Context::SERVICE_ACTIVE, Ordering::Relaxed);
    if cx.k.report_exception(cx.t, &record, &mut context, first_chance) {
        cx.t.set_resume(context);
        return Ok(STATUS_SUCCESS);
    }
    if !first_chance {
        cx.k.unhandled(cx.t, &context, &record);
    }
    // Who raises a breakpoint stands behind it, and handlers expect to find the one before that.
    if record.code == STATUS_BREAKPOINT.0 {
        context.rip = context.rip.wrapping_sub(1);
    }
    cx.k.raise(cx.t, &mut context, &record)?;
    cx.t.set_resume(context);
    Ok(STATUS_SUCCESS)
}

impl Cx<'_> {
    /// Has the guest raise an exception when the system call has returned, which answers its code then.
    ///
    /// # Errors
    /// `STATUS_ENTRYPOINT_NOT_FOUND`, `STATUS_NOT_SUPPORTED` if no guest waits for the call, `STATUS_ACCESS_VIOLATION`.
    pub fn raise_after(&self, code: Status) -> Nt<()> {
        let dispatcher = self.k.ps.entry("KiRaiseUserExceptionDispatcher").ok_or(STATUS_ENTRYPOINT_NOT_FOUND)?;
        let mut context = self.k.host.call_context().ok_or(STATUS_NOT_SUPPORTED)?;
        let teb = self.t.teb.load(Ordering::Acquire);
        UserPtr::<u32>::new(teb.wrapping_add(layout::teb::EXCEPTION_CODE)).write(self.k, code.0)?;
        context.rip = dispatcher;
        self.t.set_resume(context);
        Ok(())
    }
}

/// NtContinue and NtContinueEx: goes on with a context; with `alertable`, queued APCs are delivered first. NtContinueEx
/// passes the address of KCONTINUE_ARGUMENT where NtContinue passes a flag.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_continue(cx: &Cx<'_>, context: UserPtr<Context>, alertable: u64) -> Nt {
    /// KCONTINUE_FLAG_TEST_ALERT.
    const TEST_ALERT: u32 = 1;
    // The loader's last call: the process has started.
    cx.k.cm.plain_names.end();
    let new = context.read(cx.k)?;
    let test_alert = if alertable > 0xff {
        // KCONTINUE_ARGUMENT: type, then flags.
        UserPtr::<[u32; 2]>::new(alertable).read(cx.k)?[1] & TEST_ALERT != 0
    } else {
        alertable != 0
    };
    let mut base = cx.k.host.call_context().unwrap_or_else(Context::initial);
    super::context::merge(&mut base, &new);
    super::context::keep_debug_registers(cx.t, &new);
    let upper = cx.t.take_upper(context.address());
    // What a special APC interrupted goes on as it was: the ordinary ones still wait.
    let test_alert = test_alert && upper.is_none();
    base.set_ymm(xstate::load(cx.k, context.address(), new.flags)?.or(upper).as_ref());
    cx.t.loaded.store(true, Ordering::Release);
    if test_alert {
        cx.t.test_alert();
    }
    cx.t.set_resume(base);
    Ok(STATUS_SUCCESS)
}
