//! A guest thread's code that gives the free memory of the process's heaps back.
//!
//! It asks ntdll for what is free by the calls that are made for that: RtlGetProcessHeaps, RtlLockHeap, RtlWalkHeap, RtlUnlockHeap. Whole
//! pages inside a free block are given to NtAllocateVirtualMemory with MEM_RESET; they stay committed and read as zeros. The heap
//! keeps words of its own at both ends of a free block, which stay: the bytes before what the walk answers, and 64 at the end.
//! Heaps that are not serialised are left alone, because their owner does not lock them, and those that check what lies in free
//! blocks: HEAP.Flags lies at 0x70 and its signature at 0x10 in every ntdll of 64 bits.
//!
//! `rcx` is the address of five function pointers in the order that they are named here.
#![allow(unsafe_code)]

core::arch::global_asm!(
    r#"
    .set HEAPS, 256
    .set ENTRY, 0x40
    .set LIST, 0x80
    .set FRAME, LIST + HEAPS * 8
    .set MEM_RESET, 0x80000
    .set PAGE_READWRITE, 4
    .set NO_SERIALIZE_OR_CHECKING, 0x61

    .section .rodata
    .global portcullis_compact
    .global portcullis_compact_end
portcullis_compact:
    push    rbx
    push    rsi
    push    rdi
    push    rbp
    push    r12
    sub     rsp, FRAME
    mov     rbx, rcx
    mov     ecx, HEAPS
    lea     rdx, [rsp + LIST]
    call    qword ptr [rbx]
    cmp     eax, HEAPS
    jbe     2f
    mov     eax, HEAPS
2:
    mov     esi, eax
    lea     rdi, [rsp + LIST]
3:
    sub     esi, 1
    jc      9f
    mov     rbp, [rdi]
    add     rdi, 8
    cmp     dword ptr [rbp + 0x10], 0xffeeffee
    jne     3b
    test    dword ptr [rbp + 0x70], NO_SERIALIZE_OR_CHECKING
    jnz     3b
    mov     rcx, rbp
    call    qword ptr [rbx + 8]
    test    al, al
    jz      3b
    xor     eax, eax
    mov     [rsp + ENTRY], rax
    mov     [rsp + ENTRY + 8], rax
    mov     [rsp + ENTRY + 16], rax
    mov     [rsp + ENTRY + 24], rax
    mov     [rsp + ENTRY + 32], rax
4:
    mov     rcx, rbp
    lea     rdx, [rsp + ENTRY]
    call    qword ptr [rbx + 16]
    test    eax, eax
    jnz     5f
    cmp     word ptr [rsp + ENTRY + 18], 0
    jne     4b
    mov     rax, [rsp + ENTRY]
    mov     rcx, [rsp + ENTRY + 8]
    lea     rcx, [rax + rcx - 64]
    and     rcx, -0x1000
    add     rax, 0xfff
    and     rax, -0x1000
    sub     rcx, rax
    jbe     4b
    mov     [rsp + 0x30], rax
    mov     [rsp + 0x38], rcx
    mov     qword ptr [rsp + 0x20], MEM_RESET
    mov     qword ptr [rsp + 0x28], PAGE_READWRITE
    or      rcx, -1
    lea     rdx, [rsp + 0x30]
    xor     r8d, r8d
    lea     r9, [rsp + 0x38]
    call    qword ptr [rbx + 32]
    jmp     4b
5:
    mov     rcx, rbp
    call    qword ptr [rbx + 24]
    jmp     3b
9:
    xor     eax, eax
    add     rsp, FRAME
    pop     r12
    pop     rbp
    pop     rdi
    pop     rsi
    pop     rbx
    ret
portcullis_compact_end:
    .text
"#
);

unsafe extern "C" {
    static portcullis_compact: u8;
    static portcullis_compact_end: u8;
}

/// The code, which may lie anywhere.
pub fn code() -> &'static [u8] {
    let (start, end) = (&raw const portcullis_compact, &raw const portcullis_compact_end);
    // SAFETY: both labels stand in one read-only section, the second behind the first.
    unsafe { core::slice::from_raw_parts(start, end.addr() - start.addr()) }
}
