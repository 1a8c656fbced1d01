//! Faults, refused system calls and interrupts: what the host delivers as signals becomes what NT calls exceptions.
//!
//! Every thread takes them on a stack of its own, because the guest's stack may be what faulted. Whether the guest or the
//! kernel was running is decided by the instruction pointer alone (see [`super::entry::place`]).
#![allow(unsafe_code)]

use super::entry::{Place, place, portcullis_leave};
use super::thread_block::{TEB_SLOT, ThreadBlock};
use super::{layout, machine};
use core::ffi::c_void;
use libc::{
    REG_CR2, REG_EFL, REG_ERR, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RAX, REG_RBP,
    REG_RBX, REG_RCX, REG_RDI, REG_RDX, REG_RIP, REG_RSI, REG_RSP, REG_TRAPNO, siginfo_t, ucontext_t,
};
use ntum::call::Outcome;
use ntum::ps::exception::Trap;
use ntum::ps::xstate::AVX;
use ntum::types::{Context, Ymm};
use std::sync::atomic::{AtomicU32, Ordering};

/// The signal that interrupts a thread.
pub const INTERRUPT: i32 = libc::SIGUSR1;

const HANDLED: [i32; 7] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGTRAP, libc::SIGSYS, INTERRUPT];

/// Installs the handlers. Called once, before the filter.
///
/// # Errors
/// What the host answers.
pub fn install() -> std::io::Result<()> {
    for signal in HANDLED {
        // SAFETY: an all-zero sigaction is a valid one.
        let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
        action.sa_sigaction = entered as *const () as usize;
        // Not deferred: a handler reads guest memory, and its own faults are answered by the handler.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        // SAFETY: `action` is initialised and the handler has the signature that SA_SIGINFO asks for.
        if unsafe { libc::sigaction(signal, &action, core::ptr::null_mut()) } != 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Bytes of each thread's signal stack. Exceptions are dispatched on it, so it is larger than a signal frame needs.
pub const STACK: usize = 128 * 1024;

/// Gives the calling thread its signal stack; answers where it is.
///
/// # Errors
/// What the host answers.
pub fn prepare_thread() -> std::io::Result<u64> {
    let base = layout::map_anywhere(STACK)?;
    let stack = libc::stack_t { ss_sp: base as *mut c_void, ss_flags: 0, ss_size: STACK };
    // SAFETY: `stack` names a fresh mapping of that size, which [`leave_thread`] alone unmaps.
    if unsafe { libc::sigaltstack(&stack, core::ptr::null_mut()) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(base)
}

/// Takes the signal stack at `base` from the calling thread, which is about to end.
pub fn leave_thread(base: u64) {
    let none = libc::stack_t { ss_sp: core::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
    // SAFETY: the thread runs on its own stack, and takes no signal on the other one any more when that is unmapped.
    unsafe {
        if libc::sigaltstack(&none, core::ptr::null_mut()) == 0 {
            libc::munmap(base as *mut c_void, STACK);
        }
    }
}

/// The calling thread's block.
///
/// # Safety
/// GS must be at a TEB that [`super::threads`] prepared: true on every thread between entering and leaving the guest.
unsafe fn current() -> *mut ThreadBlock {
    let block: *mut ThreadBlock;
    // SAFETY: the caller promises that GS is at a TEB, whose slot holds the block's address.
    unsafe {
        core::arch::asm!("mov {}, gs:[{}]", out(reg) block, const TEB_SLOT, options(nostack, readonly, preserves_flags));
    }
    block
}

/// Whether GS of the calling thread is at a TEB: false on workers.
fn has_teb() -> bool {
    let base: u64;
    // SAFETY: FSGSBASE is checked at the start of the runtime; the instruction only reads a register.
    unsafe { core::arch::asm!("rdgsbase {}", out(reg) base, options(nomem, nostack, preserves_flags)) };
    base != 0
}

/// EFLAGS.AC: a load or store that is not aligned faults.
const ALIGNMENT_CHECK: i64 = 1 << 18;
/// Trap number of an alignment check (Intel SDM 3A, 6.15).
const TRAP_ALIGNMENT: i64 = 17;

/// Where the host delivers signals. The host leaves the guest's alignment check on, which the handler is not written for.
#[unsafe(naked)]
extern "C" fn entered(_signal: i32, _info: *mut siginfo_t, _context: *mut c_void) {
    core::arch::naked_asm!(
        "pushfq",
        "and qword ptr [rsp], {keep}",
        "popfq",
        "jmp {handler}",
        keep = const !ALIGNMENT_CHECK as i32,
        handler = sym handler,
    )
}

extern "C" fn handler(signal: i32, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the host passes a ucontext_t to a handler with SA_SIGINFO, valid and unshared until the handler returns.
    let uc = unsafe { &mut *context.cast::<ucontext_t>() };
    let rip = uc.uc_mcontext.gregs[REG_RIP as usize] as u64;
    if super::is_runtime_code(rip) {
        match (place(rip), signal) {
            // The guest called with alignment checks on. It goes on without: that is cheaper than a look at every call.
            (_, libc::SIGBUS) if uc.uc_mcontext.gregs[REG_TRAPNO as usize] == TRAP_ALIGNMENT => {
                uc.uc_mcontext.gregs[REG_EFL as usize] &= !ALIGNMENT_CHECK;
                return;
            }
            (Place::Copy(fault), libc::SIGSEGV | libc::SIGBUS) => {
                uc.uc_mcontext.gregs[REG_RIP as usize] = fault as i64;
                return;
            }
            (Place::Redirect(to), INTERRUPT) => {
                uc.uc_mcontext.gregs[REG_RIP as usize] = to as i64;
                return;
            }
            (Place::Return, INTERRUPT) => {}
            (_, INTERRUPT) => {
                if has_teb() {
                    // SAFETY: GS is at a TEB, so the slot holds this thread's block.
                    unsafe { (*current()).interrupted.store(1, Ordering::Release) };
                }
                return;
            }
            _ => die(signal, info, uc),
        }
    }
    if !has_teb() {
        die(signal, info, uc);
    }
    // SAFETY: guest code runs with GS at its TEB.
    let block = unsafe { &mut *current() };
    let mut guest = load(uc);
    let kernel = machine::kernel();
    let outcome = if signal == INTERRUPT {
        block.interrupted.store(0, Ordering::Relaxed);
        kernel.interrupted(&block.thread, &mut guest)
    } else if signal == libc::SIGSYS {
        let registers = [guest.r10, guest.rdx, guest.r8, guest.r9];
        block.trapped = &raw const guest;
        // A stub called through memory has one return address more on the stack than a bare instruction.
        let outcome = kernel.dispatch(&block.thread, guest.rax as u32, registers, guest.rsp.wrapping_sub(8));
        block.trapped = core::ptr::null();
        match outcome {
            Outcome::Return(answer) => {
                guest.rax = answer;
                Outcome::Return(answer)
            }
            other => other,
        }
    } else {
        kernel.exception(&block.thread, &mut guest, trap(signal, uc))
    };
    match outcome {
        Outcome::Return(_) => store(uc, &guest),
        Outcome::Resume => {
            if let Some(next) = block.thread.take_resume() {
                store(uc, &next);
            }
        }
        Outcome::Exit => {
            uc.uc_mcontext.gregs[REG_RIP as usize] = portcullis_leave as *const () as i64;
            uc.uc_mcontext.gregs[REG_RDI as usize] = block as *mut ThreadBlock as i64;
            uc.uc_mcontext.gregs[REG_EFL as usize] = 0x202;
        }
    }
}

/// What happened, for the kernel.
fn trap(signal: i32, uc: &ucontext_t) -> Trap {
    let gregs = &uc.uc_mcontext.gregs;
    let number = gregs[REG_TRAPNO as usize];
    let error = gregs[REG_ERR as usize];
    match signal {
        // Trap 14 is a page fault: bit 1 of its error code says store, bit 4 instruction fetch (Intel SDM 3A, 4.7).
        libc::SIGSEGV | libc::SIGBUS if number == 14 => Trap::Page {
            address: gregs[REG_CR2 as usize] as u64,
            write: error & 2 != 0,
            execute: error & 16 != 0,
            in_page: signal == libc::SIGBUS,
        },
        libc::SIGBUS => Trap::Alignment,
        // Trap 13 is a general protection fault; `int n` reports the vector in the error code.
        libc::SIGSEGV => Trap::Protection { error: error as u32 },
        libc::SIGILL => Trap::Illegal,
        libc::SIGFPE if number == 0 => Trap::Divide,
        libc::SIGFPE => Trap::Float { simd: number == 19 },
        libc::SIGTRAP if number == 1 => Trap::Step,
        _ => Trap::Break,
    }
}

/// Ends the picoprocess: the kernel or the runtime itself went wrong, or the filter refused a call.
fn die(signal: i32, info: *const siginfo_t, uc: &ucontext_t) -> ! {
    static DYING: AtomicU32 = AtomicU32::new(0);
    if DYING.swap(1, Ordering::Relaxed) != 0 {
        // The report itself went wrong.
        // SAFETY: ends the process.
        unsafe { libc::_exit(125) }
    }
    let rip = uc.uc_mcontext.gregs[REG_RIP as usize];
    let rax = uc.uc_mcontext.gregs[REG_RAX as usize];
    let cr2 = uc.uc_mcontext.gregs[REG_CR2 as usize];
    // SAFETY: the host passes a valid siginfo_t.
    let address = unsafe { (*info).si_addr() } as u64;
    let what = match signal {
        libc::SIGSYS => format!("Linux system call {rax} is not in the filter (instruction {address:#x})"),
        _ => format!(
            "signal {signal} in the runtime at offset {:#x}, address {cr2:#x}",
            rip as u64 - super::text_start()
        ),
    };
    machine::host().end(ntum::status::STATUS_UNHANDLED_EXCEPTION.0, &what)
}

/// The guest's registers.
fn load(uc: &ucontext_t) -> Context {
    let g = &uc.uc_mcontext.gregs;
    let mut c = Context::initial();
    (c.rax, c.rcx, c.rdx, c.rbx) = (
        g[REG_RAX as usize] as u64,
        g[REG_RCX as usize] as u64,
        g[REG_RDX as usize] as u64,
        g[REG_RBX as usize] as u64,
    );
    (c.rsp, c.rbp, c.rsi, c.rdi) = (
        g[REG_RSP as usize] as u64,
        g[REG_RBP as usize] as u64,
        g[REG_RSI as usize] as u64,
        g[REG_RDI as usize] as u64,
    );
    (c.r8, c.r9, c.r10, c.r11) =
        (g[REG_R8 as usize] as u64, g[REG_R9 as usize] as u64, g[REG_R10 as usize] as u64, g[REG_R11 as usize] as u64);
    (c.r12, c.r13, c.r14, c.r15) = (
        g[REG_R12 as usize] as u64,
        g[REG_R13 as usize] as u64,
        g[REG_R14 as usize] as u64,
        g[REG_R15 as usize] as u64,
    );
    c.rip = g[REG_RIP as usize] as u64;
    c.eflags = g[REG_EFL as usize] as u32;
    if !uc.uc_mcontext.fpregs.is_null() {
        // SAFETY: fpregs points at the FXSAVE area in the signal frame, 512 bytes.
        c.fx = unsafe { *uc.uc_mcontext.fpregs.cast::<[u8; 512]>() };
        c.mxcsr = u32::from_le_bytes([c.fx[24], c.fx[25], c.fx[26], c.fx[27]]);
        // SAFETY: fpregs is what the host passed, and its parts are valid and unshared until the handler returns.
        unsafe {
            if let Some((used, ymm)) = extended(uc) {
                c.set_ymm(Some(if *used & AVX == 0 { &[[0; 2]; 16] } else { &*ymm }));
            }
        }
    }
    c
}

/// The AVX part of a signal frame, if the frame has one: the header's XSTATE_BV, and the upper halves of the registers.
///
/// # Safety
/// `fpregs` of `uc` is not null and as the host passed it.
unsafe fn extended(uc: &ucontext_t) -> Option<(*mut u64, *mut Ymm)> {
    /// FP_XSTATE_MAGIC1 (asm/sigcontext.h): an XSAVE area of the standard format follows.
    const MAGIC: u32 = 0x4650_5853;
    /// struct _fpx_sw_bytes in the legacy part: magic1, extended_size, xfeatures.
    const SOFTWARE: usize = 464;
    let base = uc.uc_mcontext.fpregs.cast::<u8>();
    // SAFETY: the legacy part has 512 bytes. If the magic is there, so are the header and the parts that xfeatures names,
    // AVX at 576 of them; the host aligns the whole to 64.
    unsafe {
        let software = base.add(SOFTWARE);
        let there = software.cast::<u32>().read() == MAGIC && software.add(8).cast::<u64>().read() & AVX != 0;
        there.then(|| (base.add(512).cast(), base.add(576).cast()))
    }
}

/// Makes the guest go on with these registers when the handler returns.
fn store(uc: &mut ucontext_t, c: &Context) {
    let g = &mut uc.uc_mcontext.gregs;
    for (register, value) in [
        (REG_RAX, c.rax),
        (REG_RCX, c.rcx),
        (REG_RDX, c.rdx),
        (REG_RBX, c.rbx),
        (REG_RSP, c.rsp),
        (REG_RBP, c.rbp),
        (REG_RSI, c.rsi),
        (REG_RDI, c.rdi),
        (REG_R8, c.r8),
        (REG_R9, c.r9),
        (REG_R10, c.r10),
        (REG_R11, c.r11),
        (REG_R12, c.r12),
        (REG_R13, c.r13),
        (REG_R14, c.r14),
        (REG_R15, c.r15),
        (REG_RIP, c.rip),
        (REG_EFL, u64::from(c.eflags & 0x24_0dd5 | 0x202)),
    ] {
        g[register as usize] = value as i64;
    }
    if !uc.uc_mcontext.fpregs.is_null() {
        let area = uc.uc_mcontext.fpregs.cast::<[u8; 512]>();
        // SAFETY: as in `load`. Bytes 464..512 are the host's own (software-reserved) and stay.
        let fx = unsafe { &mut *area };
        fx[..464].copy_from_slice(&c.fx[..464]);
        fx[24..28].copy_from_slice(&(c.mxcsr & 0xffff).to_le_bytes());
        if let Some(new) = c.ymm() {
            // SAFETY: as in `load`; `fx` is no longer used.
            unsafe {
                if let Some((used, ymm)) = extended(uc) {
                    *used |= AVX;
                    *ymm = *new;
                }
            }
        }
    }
}
