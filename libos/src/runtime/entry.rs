//! The way from guest code into the kernel and back, in assembly.
//!
//! A guest's stub calls one of the two entries with GS at its TEB. The entry switches to the thread's kernel stack, saves
//! what the Windows x64 convention calls non-volatile, and calls [`super::dispatch`]. What the convention calls volatile is
//! not kept.
//!
//! Interrupts (see [`super::signals`]) that arrive while the kernel runs only set `ThreadBlock::interrupted`. The way out
//! looks at that word; between the look and the last instruction lie the *windows* below, and an interrupt that hits a
//! window is sent back to the look by the signal handler. So none is lost, and no system call is needed to make sure.
#![allow(unsafe_code)]

use core::ffi::c_void;
use ntum::types::Context;

core::arch::global_asm!(
    r#"
    .set TB_KERNEL_SP, 0
    .set TB_BASE_SP, 8
    .set TB_INTERRUPTED, 16
    .set TB_FRAME, 24
    .set TB_EXTENDED, 40
    .set TB_RESUME, 64
    .set FRAME_SIZE, 288

    .text
    .global portcullis_text_marks
    .p2align 6
    .global portcullis_syscall_entry
portcullis_syscall_entry:
    mov     rcx, rsp
    mov     r11, gs:[0x2f8]
    mov     rsp, [r11 + TB_KERNEL_SP]
    sub     rsp, FRAME_SIZE
    mov     dword ptr [rsp + 272], eax
    mov     dword ptr [rsp + 276], 0
    jmp     2f

    .global portcullis_unix_entry
portcullis_unix_entry:
    mov     r10, rcx
    mov     rcx, rsp
    mov     r11, gs:[0x2f8]
    mov     rsp, [r11 + TB_KERNEL_SP]
    sub     rsp, FRAME_SIZE
    mov     dword ptr [rsp + 276], 1
2:
    mov     [rsp + 0], rcx
    mov     [rsp + 8], rbx
    mov     [rsp + 16], rbp
    mov     [rsp + 24], rsi
    mov     [rsp + 32], rdi
    mov     [rsp + 40], r12
    mov     [rsp + 48], r13
    mov     [rsp + 56], r14
    mov     [rsp + 64], r15
    stmxcsr [rsp + 72]
    movaps  [rsp + 80], xmm6
    movaps  [rsp + 96], xmm7
    movaps  [rsp + 112], xmm8
    movaps  [rsp + 128], xmm9
    movaps  [rsp + 144], xmm10
    movaps  [rsp + 160], xmm11
    movaps  [rsp + 176], xmm12
    movaps  [rsp + 192], xmm13
    movaps  [rsp + 208], xmm14
    movaps  [rsp + 224], xmm15
    mov     [rsp + 240], r10
    mov     [rsp + 248], rdx
    mov     [rsp + 256], r8
    mov     [rsp + 264], r9
    mov     [r11 + TB_FRAME], rsp
    cld
    mov     rdi, r11
    mov     rsi, rsp
    call    {dispatch}
3:
    mov     r11, gs:[0x2f8]
    cmp     dword ptr [r11 + TB_INTERRUPTED], 0
    // From the look on, the branch included.
    .global portcullis_exit_window
portcullis_exit_window:
    jne     portcullis_exit_slow
    mov     rbx, [rsp + 8]
    mov     rbp, [rsp + 16]
    mov     rsi, [rsp + 24]
    mov     rdi, [rsp + 32]
    mov     r12, [rsp + 40]
    mov     r13, [rsp + 48]
    mov     r14, [rsp + 56]
    mov     r15, [rsp + 64]
    ldmxcsr [rsp + 72]
    movaps  xmm6, [rsp + 80]
    movaps  xmm7, [rsp + 96]
    movaps  xmm8, [rsp + 112]
    movaps  xmm9, [rsp + 128]
    movaps  xmm10, [rsp + 144]
    movaps  xmm11, [rsp + 160]
    movaps  xmm12, [rsp + 176]
    movaps  xmm13, [rsp + 192]
    movaps  xmm14, [rsp + 208]
    movaps  xmm15, [rsp + 224]
    mov     rsp, [rsp + 0]
    .global portcullis_exit_return
portcullis_exit_return:
    ret

    .global portcullis_exit_slow
portcullis_exit_slow:
    mov     rdi, gs:[0x2f8]
    mov     rsi, rsp
    mov     rdx, rax
    call    {leave_again}
    jmp     3b

    // Loads ThreadBlock::resume (rdi: the block) into the processor.
    .p2align 4
    .global portcullis_resume
portcullis_resume:
    mov     rsp, [rdi + TB_KERNEL_SP]
    sub     rsp, 64
    cmp     dword ptr [rdi + TB_INTERRUPTED], 0
    .global portcullis_resume_window
portcullis_resume_window:
    jne     portcullis_resume_slow
    lea     rcx, [rdi + TB_RESUME]
    fxrstor [rcx + 0x100]
    mov     r8, [rdi + TB_EXTENDED]
    test    r8, r8
    jz      8f
    // The AVX part alone.
    mov     eax, 4
    xor     edx, edx
    xrstor  [r8]
8:
    ldmxcsr [rcx + 0x34]
    mov     qword ptr [rsp + 32], 0x2b
    mov     rax, [rcx + 0x98]
    mov     [rsp + 24], rax
    mov     eax, [rcx + 0x44]
    and     eax, 0x240dd5
    or      eax, 0x202
    mov     [rsp + 16], rax
    mov     qword ptr [rsp + 8], 0x33
    mov     rax, [rcx + 0xf8]
    mov     [rsp], rax
    mov     rax, [rcx + 0x78]
    mov     rdx, [rcx + 0x88]
    mov     rbx, [rcx + 0x90]
    mov     rbp, [rcx + 0xa0]
    mov     rsi, [rcx + 0xa8]
    mov     rdi, [rcx + 0xb0]
    mov     r8, [rcx + 0xb8]
    mov     r9, [rcx + 0xc0]
    mov     r10, [rcx + 0xc8]
    mov     r11, [rcx + 0xd0]
    mov     r12, [rcx + 0xd8]
    mov     r13, [rcx + 0xe0]
    mov     r14, [rcx + 0xe8]
    mov     r15, [rcx + 0xf0]
    mov     rcx, [rcx + 0x80]
    .global portcullis_resume_last
portcullis_resume_last:
    iretq

    .global portcullis_resume_slow
portcullis_resume_slow:
    mov     rdi, gs:[0x2f8]
    mov     rsp, [rdi + TB_KERNEL_SP]
    sub     rsp, 64
    call    {resume_again}
    ud2

    // Enters the guest: keeps what the host's convention calls callee-saved, then resumes. Returns at the thread's end.
    .global portcullis_enter
portcullis_enter:
    push    rbx
    push    rbp
    push    r12
    push    r13
    push    r14
    push    r15
    sub     rsp, 24
    stmxcsr [rsp]
    fnstcw  [rsp + 8]
    mov     [rdi + TB_BASE_SP], rsp
    mov     rax, rsp
    and     rax, -64
    mov     [rdi + TB_KERNEL_SP], rax
    jmp     portcullis_resume

    // Leaves the guest for good (rdi: the block).
    .global portcullis_leave
portcullis_leave:
    mov     rsp, [rdi + TB_BASE_SP]
    ldmxcsr [rsp]
    fninit
    fldcw   [rsp + 8]
    cld
    add     rsp, 24
    pop     r15
    pop     r14
    pop     r13
    pop     r12
    pop     rbp
    pop     rbx
    ret

    // The copy between kernel and guest memory: rdi, rsi, rdx bytes; answers 0, or 1 after a fault. Most are one word, or
    // a few: what starts the string instruction costs more than those.
    .p2align 4
    .global portcullis_copy
portcullis_copy:
    mov     rcx, rdx
    cmp     rcx, 8
    jne     3f
    mov     rax, [rsi]
    mov     [rdi], rax
    xor     eax, eax
    ret
3:
    cmp     rcx, 4
    jne     4f
    mov     eax, [rsi]
    mov     [rdi], eax
    xor     eax, eax
    ret
4:
    test    ecx, 7
    jnz     6f
    cmp     rcx, 128
    ja      6f
    jrcxz   7f
5:
    mov     rax, [rsi]
    mov     [rdi], rax
    add     rsi, 8
    add     rdi, 8
    sub     ecx, 8
    jnz     5b
7:
    xor     eax, eax
    ret
6:
    rep movsb
    xor     eax, eax
    ret
    // Compares and exchanges a u32 of guest memory: rdi address, esi expected, edx new, rcx where the old value goes.
    .global portcullis_exchange
portcullis_exchange:
    mov     eax, esi
    lock cmpxchg [rdi], edx
    mov     [rcx], eax
    xor     eax, eax
    ret
    .global portcullis_copy_end
portcullis_copy_end:
    .global portcullis_copy_fault
portcullis_copy_fault:
    mov     eax, 1
    ret

    // A host call that no interrupt gets past: rdi number, rsi, rdx, rcx, r8 its first four arguments, r9 the interrupt
    // word. Its fifth argument is 0, its sixth all ones (FUTEX_BITSET_MATCH_ANY).
    .p2align 4
    .global portcullis_call
portcullis_call:
    mov     eax, edi
    mov     rdi, rsi
    mov     rsi, rdx
    mov     rdx, rcx
    mov     r10, r8
    mov     rcx, r9
    xor     r8d, r8d
    mov     r9, -1
    cmp     dword ptr [rcx], 0
    .global portcullis_call_window
portcullis_call_window:
    jne     portcullis_call_interrupted
    .global portcullis_call_syscall
portcullis_call_syscall:
    syscall
    ret
    .global portcullis_call_interrupted
portcullis_call_interrupted:
    mov     rax, -4
    ret
"#,
    dispatch = sym super::dispatch,
    leave_again = sym super::leave_again,
    resume_again = sym super::resume_again,
);

unsafe extern "C" {
    /// Where a system-call stub enters the kernel.
    pub safe fn portcullis_syscall_entry();
    /// Where a Unix call enters the kernel.
    pub safe fn portcullis_unix_entry();
    safe fn portcullis_exit_window();
    safe fn portcullis_exit_return();
    safe fn portcullis_exit_slow();
    safe fn portcullis_resume_window();
    safe fn portcullis_resume_last();
    safe fn portcullis_resume_slow();
    safe fn portcullis_copy_end();
    safe fn portcullis_copy_fault();
    safe fn portcullis_call_window();
    safe fn portcullis_call_syscall();
    safe fn portcullis_call_interrupted();
    /// Enters the guest with `resume`; returns when the guest thread has ended.
    pub fn portcullis_enter(block: *mut c_void);
    /// Loads `resume` anew.
    pub fn portcullis_resume(block: *mut c_void) -> !;
    /// Ends the guest thread: `portcullis_enter` returns.
    pub fn portcullis_leave(block: *mut c_void) -> !;
    /// Copies bytes; 0, or 1 after a fault.
    pub fn portcullis_copy(to: u64, from: u64, count: usize) -> u32;
    /// Compares and exchanges a guest word; 0, or 1 after a fault.
    pub fn portcullis_exchange(word: u64, expected: u32, new: u32, old: *mut u32) -> u32;
    /// A Linux call with up to four arguments, never entered once the interrupt word is set; answers what the host does: a
    /// result or a negative error number.
    pub fn portcullis_call(number: i64, a: u64, b: u64, c: u64, d: u64, interrupted: *const u32) -> isize;
}

fn at(symbol: extern "C" fn()) -> u64 {
    symbol as usize as u64
}

/// What the entry pushed: the layout that the assembly above writes.
#[repr(C)]
pub struct Frame {
    /// Guest's stack pointer: at the return address.
    pub rsp: u64,
    rbx: u64,
    rbp: u64,
    rsi: u64,
    rdi: u64,
    r12: u64,
    r13: u64,
    r14: u64,
    r15: u64,
    mxcsr: u32,
    pad: u32,
    xmm: [[u64; 2]; 10],
    /// First four arguments.
    pub args: [u64; 4],
    /// Number of the system call.
    pub number: u32,
    /// 0: system call. 1: unix call.
    pub which: u32,
}

impl Frame {
    /// The guest's registers as they will be when the call returns; volatile ones are unknown and read as zero.
    pub fn context(&self, rip: u64) -> Context {
        let mut context = Context::initial();
        context.rip = rip;
        context.rsp = self.rsp.wrapping_add(8);
        (context.rbx, context.rbp, context.rsi, context.rdi) = (self.rbx, self.rbp, self.rsi, self.rdi);
        (context.r12, context.r13, context.r14, context.r15) = (self.r12, self.r13, self.r14, self.r15);
        context.mxcsr = self.mxcsr;
        context.fx[24..28].copy_from_slice(&self.mxcsr.to_le_bytes());
        for (index, value) in self.xmm.iter().enumerate() {
            // FXSAVE keeps xmm0 at 160, 16 bytes each.
            let offset = 160 + (6 + index) * 16;
            context.fx[offset..offset + 8].copy_from_slice(&value[0].to_le_bytes());
            context.fx[offset + 8..offset + 16].copy_from_slice(&value[1].to_le_bytes());
        }
        context
    }
}

/// What a signal handler does for an instruction pointer in the runtime.
pub enum Place {
    /// Nothing: kernel code, which looks at the interrupt word on its way out.
    Kernel,
    /// Goes on there instead: a window.
    Redirect(u64),
    /// As if in guest code: every register is the guest's, and the next instruction returns to it.
    Return,
    /// In the copy: the fault is the guest's.
    Copy(u64),
}

/// Where in the runtime an instruction pointer is.
pub fn place(rip: u64) -> Place {
    let copy = portcullis_copy as *const () as u64;
    if (at(portcullis_exit_window)..at(portcullis_exit_return)).contains(&rip) {
        Place::Redirect(at(portcullis_exit_slow))
    } else if rip == at(portcullis_exit_return) {
        Place::Return
    } else if (at(portcullis_resume_window)..=at(portcullis_resume_last)).contains(&rip) {
        Place::Redirect(at(portcullis_resume_slow))
    } else if (at(portcullis_call_window)..=at(portcullis_call_syscall)).contains(&rip) {
        Place::Redirect(at(portcullis_call_interrupted))
    } else if (copy..at(portcullis_copy_end)).contains(&rip) {
        Place::Copy(at(portcullis_copy_fault))
    } else {
        Place::Kernel
    }
}
