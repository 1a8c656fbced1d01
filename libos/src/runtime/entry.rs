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
use ntum::host::{Area, Steps};
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
    // What `syscall` leaves: flags, as the comparison above left them, and where the call returns to.
    mov     r11d, 0x246
    mov     rsp, [rsp + 0]
    .global portcullis_exit_return
portcullis_exit_return:
    mov     rcx, [rsp]
    .global portcullis_exit_last
portcullis_exit_last:
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
    // a few: what starts the string instruction costs more than half a KiB in words. The last word of a copy may cover
    // part of the one before it.
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
    cmp     rcx, 16
    jb      2f
    cmp     rcx, 512
    ja      6f
    movups  xmm1, [rsi + rcx - 16]
    lea     rdx, [rdi + rcx - 16]
    sub     rcx, 16
    jz      7f
5:
    movups  xmm0, [rsi]
    movups  [rdi], xmm0
    add     rsi, 16
    add     rdi, 16
    sub     rcx, 16
    ja      5b
7:
    movups  [rdx], xmm1
    xor     eax, eax
    ret
2:
    cmp     rcx, 8
    jb      8f
    mov     rax, [rsi]
    mov     rdx, [rsi + rcx - 8]
    mov     [rdi], rax
    mov     [rdi + rcx - 8], rdx
    xor     eax, eax
    ret
8:
    cmp     rcx, 4
    jb      6f
    mov     eax, [rsi]
    mov     edx, [rsi + rcx - 4]
    mov     [rdi], eax
    mov     [rdi + rcx - 4], edx
    xor     eax, eax
    ret
6:
    rep movsb
    xor     eax, eax
    ret
    // Fills areas: rdi the first `Area`, rsi how many, edx four bytes that are repeated, ecx whether there is AVX2; 0, or 1 after
    // a fault. r8 is the area, r10 where its row begins, r11 how many rows are left.
    .p2align 4
    .global portcullis_fill
portcullis_fill:
    mov     r9d, ecx
    mov     eax, edx
    movd    xmm0, edx
    pshufd  xmm0, xmm0, 0
    mov     r8, rdi
    test    rsi, rsi
    jz      5f
21:
    mov     r10, [r8]
    mov     r11, [r8 + 24]
    test    r11, r11
    jz      29f
    // Rows of whole 2 KiB that begin with cache lines are quickest that much at a time (10 % on Zen 5): lines are not read before
    // they are filled. Of any other kind this is slower than vectors are (20 % and more).
    mov     rdx, [r8 + 16]
    cmp     rdx, 2048
    jb      22f
    mov     rcx, r10
    or      rcx, [r8 + 8]
    and     ecx, 63
    mov     edi, edx
    and     edi, 2047
    or      ecx, edi
    jnz     22f
33:
    mov     rdi, r10
34:
    mov     ecx, 512
    rep stosd
    sub     rdx, 2048
    jnz     34b
    mov     rdx, [r8 + 16]
    add     r10, [r8 + 8]
    dec     r11
    jnz     33b
    jmp     29f
22:
    mov     rdi, r10
    mov     rcx, [r8 + 16]
    cmp     rcx, 4
    jne     2f
    mov     [rdi], eax
28:
    add     r10, [r8 + 8]
    dec     r11
    jnz     22b
29:
    add     r8, 32
    dec     rsi
    jnz     21b
5:
    xor     eax, eax
    ret
2:
    cmp     rcx, 16
    jb      4f
    cmp     rcx, 256
    ja      25f
26:
    cmp     rcx, 1024
    ja      6f
    // Whole words, the last of which may cover part of the one before it.
    lea     rdx, [rdi + rcx - 16]
    sub     rcx, 64
    jb      23f
3:
    movups  [rdi], xmm0
    movups  [rdi + 16], xmm0
    movups  [rdi + 32], xmm0
    movups  [rdi + 48], xmm0
    add     rdi, 64
    sub     rcx, 64
    jae     3b
23:
    add     rcx, 64
30:
    sub     rcx, 16
    jb      24f
    movups  [rdi], xmm0
    add     rdi, 16
    jmp     30b
24:
    movups  [rdx], xmm0
    jmp     28b
25:
    // Rows of pictures: two vectors at the beginning and at the end wherever these are, whole cache lines between.
    test    r9d, r9d
    jz      26b
    mov     edx, edi
    or      edx, ecx
    test    dl, 3
    jnz     26b
    vpbroadcastd ymm1, xmm0
    lea     rdx, [rdi + rcx - 64]
    vmovups [rdi], ymm1
    vmovups [rdi + 32], ymm1
    and     rdi, -64
    add     rdi, 64
    cmp     rdi, rdx
    jae     32f
    .p2align 4
27:
    vmovaps [rdi], ymm1
    vmovaps [rdi + 32], ymm1
    add     rdi, 64
    cmp     rdi, rdx
    jb      27b
32:
    vmovups [rdx], ymm1
    vmovups [rdx + 32], ymm1
    vzeroupper
    jmp     28b
4:
    // Four bytes while there are four, then what is left of them.
    cmp     rcx, 4
    jb      7f
    mov     [rdi], eax
    add     rdi, 4
    sub     rcx, 4
    jmp     4b
7:
    test    cl, 2
    jz      8f
    mov     [rdi], ax
    add     rdi, 2
8:
    test    cl, 1
    jz      28b
    mov     [rdi], al
    jmp     28b
6:
    mov     rdx, rcx
    shr     rcx, 2
    rep stosd
    mov     rcx, rdx
    and     ecx, 3
    jmp     7b
    // Stores a word along a line: rdi where `Steps` says which, esi the word; 0, or 1 after a fault.
    .p2align 4
    .global portcullis_step
portcullis_step:
    mov     eax, esi
    mov     rcx, [rdi + 8]
    mov     rdx, [rdi + 16]
    mov     r8, [rdi + 24]
    mov     r9, [rdi + 32]
    mov     r10, [rdi + 40]
    mov     r11, [rdi + 48]
    mov     rdi, [rdi]
    sub     r9, r11
    test    rcx, rcx
    jz      3f
21:
    mov     [rdi], eax
    add     rdi, rdx
    add     r9, r10
    js      2f
    add     rdi, r8
    sub     r9, r11
2:
    dec     rcx
    jnz     21b
3:
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
    safe fn portcullis_exit_last();
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
    /// Fills areas of guest memory, with AVX2 where `wide` is not 0; 0, or 1 after a fault.
    pub fn portcullis_fill(areas: *const Area, count: usize, value: u32, wide: u32) -> u32;
    /// Stores a word along a line of guest memory; 0, or 1 after a fault.
    pub fn portcullis_step(steps: *const Steps, value: u32) -> u32;
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
        // The kernel leaves the x87 alone: its control word is the guest's, which calls keep.
        let mut control = [0u8; 2];
        // SAFETY: stores two bytes there.
        unsafe { core::arch::asm!("fnstcw [{}]", in(reg) &mut control, options(nostack, preserves_flags)) };
        context.fx[..2].copy_from_slice(&control);
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
    /// As if in guest code: every register is the guest's, and the next instructions return to it.
    Return,
    /// In the copy: the fault is the guest's.
    Copy(u64),
}

/// Where in the runtime an instruction pointer is.
pub fn place(rip: u64) -> Place {
    let copy = portcullis_copy as *const () as u64;
    if (at(portcullis_exit_window)..at(portcullis_exit_return)).contains(&rip) {
        Place::Redirect(at(portcullis_exit_slow))
    } else if (at(portcullis_exit_return)..=at(portcullis_exit_last)).contains(&rip) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use ntum::host::Block;

    #[test]
    fn copies_and_fills_end_where_they_should() {
        let from: Vec<u8> = (0..3000u32).map(|at| (at * 7 + at / 256) as u8).collect();
        let widest = u32::from(is_x86_feature_detected!("avx2"));
        for (count, wide) in
            (0..600).chain([1000, 1024, 1025, 2048, 2051]).flat_map(|count| [(count, 0), (count, widest)])
        {
            let (mut copied, mut filled) = (vec![0xee; 2100], vec![0xee; 2100]);
            // At an odd address, and at one of a whole word.
            let at = if wide == 0 { 3 } else { 4 - (filled.as_ptr() as usize & 3) };
            let block = Block { address: filled.as_mut_ptr() as u64 + at as u64, stride: 0, bytes: count };
            let area = [Area { block, rows: 1 }];
            // SAFETY: both reach no further than their memory does.
            unsafe {
                assert_eq!(portcullis_copy(copied.as_mut_ptr() as u64 + 5, from.as_ptr() as u64 + 1, count), 0);
                assert_eq!(portcullis_fill(area.as_ptr(), 1, 0x0403_0201, wide), 0);
            }
            assert_eq!(copied[5..5 + count], from[1..1 + count], "{count}");
            assert!(copied[..5].iter().chain(&copied[5 + count..]).all(|byte| *byte == 0xee), "{count}");
            // What is filled is whole fours, or the same in each byte or two.
            for (index, byte) in filled[at..at + count / 4 * 4].iter().enumerate().filter(|_| count % 4 == 0) {
                assert_eq!(*byte, index as u8 % 4 + 1, "{count}");
            }
            assert!(filled[..at].iter().chain(&filled[at + count..]).all(|byte| *byte == 0xee), "{count}");
            assert!(filled[at..at + count].iter().all(|byte| *byte != 0xee), "{count}");
        }
        // Rows that begin with a cache line, some of them longer than what is filled at a time.
        #[repr(C, align(64))]
        struct Lines([u32; 3200]);
        for (bytes, wide) in [1024, 2044, 2048, 2052, 2560, 4096, 4100, 6140].map(|bytes| (bytes, widest)) {
            let mut lines = Box::new(Lines([0; 3200]));
            let block = Block { address: lines.0.as_mut_ptr() as u64 + 64, stride: 6208, bytes };
            let area = [Area { block, rows: 2 }];
            // SAFETY: both rows lie in `lines`.
            assert_eq!(unsafe { portcullis_fill(area.as_ptr(), 1, 7, wide) }, 0);
            for (at, word) in lines.0.iter().enumerate() {
                let along =
                    (at * 4).checked_sub(64).map_or(usize::MAX, |at| if at < 2 * 6208 { at % 6208 } else { at });
                assert_eq!(*word, if along < bytes { 7 } else { 0 }, "{bytes} {at}");
            }
        }
        let mut words = [0u32; 40];
        let first = words.as_mut_ptr() as u64;
        // A word, an area of no rows, and one of two rows, the lower first.
        let area = |at: u64, bytes, stride: i64, rows| {
            let block = Block { address: first + at, stride: stride as u64, bytes };
            Area { block, rows }
        };
        let areas = [area(0, 4, 0, 1), area(4, 4, 4, 0), area(132, 24, -124, 2)];
        let steps = Steps { address: first + 40, count: 4, along: 4, aside: 40, rest: 0, more: 1, whole: 2 };
        // SAFETY: all of it lies in `words`.
        unsafe {
            assert_eq!(portcullis_fill(areas.as_ptr(), 0, 1, widest), 0);
            assert_eq!(portcullis_fill(areas.as_ptr(), 3, 1, widest), 0);
            assert_eq!(portcullis_step(&steps, 2), 0);
        }
        let found: Vec<_> = words.iter().enumerate().filter(|(_, word)| **word != 0).map(|(at, _)| at).collect();
        assert_eq!(found, [0, 2, 3, 4, 5, 6, 7, 10, 11, 22, 23, 33, 34, 35, 36, 37, 38]);
    }
}
