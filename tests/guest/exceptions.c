/* Exceptions: vectored and structured handlers, parameters, guard pages, stack overflow, single step, division, raising. */
#include "check.h"
#include <malloc.h>
#include <setjmp.h>

NTDLL(NTSTATUS, NtRaiseException, EXCEPTION_RECORD *, CONTEXT *, BOOL)
NTDLL(NTSTATUS, NtContinue, CONTEXT *, BOOLEAN)
NTDLL(void, RtlRaiseException, EXCEPTION_RECORD *)

/* A frame with a language handler: calls f(arg); an exception inside it unwinds to here and its code is returned. */
unsigned long guarded(void (*f)(void *), void *arg);
static EXCEPTION_RECORD caught;
static int unwound;

EXCEPTION_DISPOSITION NTAPI guarded_handler(EXCEPTION_RECORD *r, void *frame, CONTEXT *c, DISPATCHER_CONTEXT *d);
__asm__(".text\n.globl guarded\n.seh_proc guarded\nguarded:\n"
        " push %rbx\n .seh_pushreg %rbx\n sub $32, %rsp\n .seh_stackalloc 32\n .seh_handler guarded_handler, @except, @unwind\n .seh_endprologue\n"
        " mov %rcx, %rax\n mov %rdx, %rcx\n call *%rax\n xor %eax, %eax\n"
        ".globl guarded_landing\nguarded_landing:\n add $32, %rsp\n pop %rbx\n ret\n.seh_endproc\n");
extern char guarded_landing[];

EXCEPTION_DISPOSITION NTAPI guarded_handler(EXCEPTION_RECORD *r, void *frame, CONTEXT *c, DISPATCHER_CONTEXT *d) {
    if (r->ExceptionFlags & 6) { /* unwinding */
        unwound++;
        return ExceptionContinueSearch;
    }
    caught = *r;
    RtlUnwindEx(frame, guarded_landing, r, (void *)(ULONG_PTR)r->ExceptionCode, c, d->HistoryTable);
    return ExceptionContinueSearch;
}

/* A frame with a termination handler only: counts the unwinds that pass it. */
void passed(void (*f)(void *), void *arg);
static int passes;
EXCEPTION_DISPOSITION NTAPI passed_handler(EXCEPTION_RECORD *r, void *frame, CONTEXT *c, DISPATCHER_CONTEXT *d) {
    (void)frame;
    (void)c;
    (void)d;
    if (r->ExceptionFlags & 2) passes++;
    return ExceptionContinueSearch;
}
__asm__(".text\n.globl passed\n.seh_proc passed\npassed:\n sub $40, %rsp\n .seh_stackalloc 40\n .seh_handler passed_handler, @except, @unwind\n"
        " .seh_endprologue\n mov %rcx, %rax\n mov %rdx, %rcx\n call *%rax\n nop\n add $40, %rsp\n ret\n.seh_endproc\n");

static void read_bad(void *p) { (void)*(volatile char *)p; }
static void write_bad(void *p) { *(volatile char *)p = 1; }
static void divide(void *p) {
    __asm__ volatile("xor %%edx,%%edx\n mov $1,%%eax\n idivl (%0)" : : "r"(p) : "rax", "rdx");
}
static void overflow_divide(void *p) {
    __asm__ volatile("mov $0x80000000,%%eax\n cdq\n idivl (%0)" : : "r"(p) : "rax", "rdx");
}
static void illegal(void *p) {
    (void)p;
    __asm__ volatile("ud2");
}
static void privileged(void *p) {
    (void)p;
    __asm__ volatile("cli");
}
static void breakpoint(void *p) {
    (void)p;
    __asm__ volatile("int3");
}
static void raise3(void *p) {
    ULONG_PTR args[3] = {1, 2, (ULONG_PTR)p};
    RaiseException(0xe0001234, EXCEPTION_NONCONTINUABLE, 3, args);
}
static void misaligned(void *p) {
    __asm__ volatile("movaps (%0), %%xmm0" : : "r"((char *)p + 4) : "xmm0");
}
static void jump_to(void *p) { __asm__ volatile("call *%0" : : "r"(p) : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory"); }
static void through(void *p) { passed(read_bad, p); }

static void structured(void) {
    int zero = 0, minus = -1;
    CHECK_EQ("no exception", guarded(read_bad, &zero), 0);
    CHECK_EQ("read of null", guarded(read_bad, NULL), EXCEPTION_ACCESS_VIOLATION);
    CHECK("parameters: read, address", caught.NumberParameters == 2 && caught.ExceptionInformation[0] == 0 && caught.ExceptionInformation[1] == 0);
    CHECK("exception address is the instruction", caught.ExceptionAddress >= (void *)read_bad && caught.ExceptionAddress < (void *)((char *)read_bad + 32));
    CHECK_EQ("write of 0x123", guarded(write_bad, (void *)0x123), EXCEPTION_ACCESS_VIOLATION);
    CHECK("parameters: write, address", caught.ExceptionInformation[0] == 1 && caught.ExceptionInformation[1] == 0x123);
    CHECK_EQ("division by zero", guarded(divide, &zero), EXCEPTION_INT_DIVIDE_BY_ZERO);
    WINE8_DIFFERS(CHECK_EQ("division overflow", guarded(overflow_divide, &minus), EXCEPTION_INT_OVERFLOW));
    CHECK_EQ("illegal instruction", guarded(illegal, NULL), EXCEPTION_ILLEGAL_INSTRUCTION);
    CHECK_EQ("privileged instruction", guarded(privileged, NULL), EXCEPTION_PRIV_INSTRUCTION);
    CHECK_EQ("breakpoint", guarded(breakpoint, NULL), EXCEPTION_BREAKPOINT);
    CHECK("at the int3 itself", *(BYTE *)caught.ExceptionAddress == 0xcc);
    CHECK_EQ("misaligned vector load", guarded(misaligned, &(struct { int a[8]; } __attribute__((aligned(16)))){{0}}), EXCEPTION_ACCESS_VIOLATION);
    CHECK_EQ("its address is -1", caught.ExceptionInformation[1], (ULONG_PTR)-1);
    static char data[64];
    struct { const char *name; void *to; } jumps[] = {{"to nothing", (void *)0x10}, {"to data", data}, {"to the stack", &zero}};
    for (int i = 0; i < 3; i++) {
        say("a jump %s", jumps[i].name);
        CHECK_EQ("raises", guarded(jump_to, jumps[i].to), EXCEPTION_ACCESS_VIOLATION);
        CHECK("there", caught.ExceptionAddress == jumps[i].to && caught.ExceptionInformation[1] == (ULONG_PTR)jumps[i].to);
        CHECK_EQ("for want of code", caught.ExceptionInformation[0], EXCEPTION_EXECUTE_FAULT);
    }
    CHECK_EQ("RaiseException", guarded(raise3, (void *)7), 0xe0001234);
    CHECK("with its parameters", caught.NumberParameters == 3 && caught.ExceptionInformation[2] == 7 && (caught.ExceptionFlags & EXCEPTION_NONCONTINUABLE));
    passes = 0;
    CHECK_EQ("through a frame with a termination handler", guarded(through, NULL), EXCEPTION_ACCESS_VIOLATION);
    CHECK_EQ("which ran once", passes, 1);
    int good = 0;
    for (int i = 0; i < 500; i++) good += guarded(read_bad, (void *)(ULONG_PTR)(i + 1)) == EXCEPTION_ACCESS_VIOLATION && caught.ExceptionInformation[1] == (ULONG_PTR)i + 1;
    CHECK_EQ("500 in a row", good, 500);
}

static volatile int stage, steps, vectored;
static int target = 5;
static LONG CALLBACK handler(EXCEPTION_POINTERS *p) {
    EXCEPTION_RECORD *r = p->ExceptionRecord;
    CONTEXT *c = p->ContextRecord;
    vectored++;
    if (stage == 1 && r->ExceptionCode == EXCEPTION_ACCESS_VIOLATION) {
        c->Rdx = (ULONG_PTR)&target; /* the faulting load is made good and repeated */
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    if (stage == 2 && r->ExceptionCode == EXCEPTION_SINGLE_STEP) {
        if (++steps < 5) c->EFlags |= 0x100;
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    if (stage == 3 && r->ExceptionCode == 0xe0000042) return EXCEPTION_CONTINUE_EXECUTION;
    if (stage == 5 && r->ExceptionCode == EXCEPTION_BREAKPOINT) {
        /* One byte before where it was raised. */
        steps = (ULONG_PTR)r->ExceptionAddress == c->Rip + 1;
        c->Rip += 1;
        c->Dr1 = (ULONG_PTR)&target;
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    if (stage == 4 && r->ExceptionCode == EXCEPTION_BREAKPOINT) {
        c->Rip += 1;
        c->Xmm6.Low = 0x77;
        c->Rbx = 0x99;
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

static void vectored_handlers(void) {
    void *h = AddVectoredExceptionHandler(1, handler);
    int got = 0;
    stage = 1;
    __asm__ volatile("movl (%%rdx), %0" : "=a"(got) : "d"(0ULL));
    CHECK_EQ("a load made good by its handler", got, 5);
    stage = 2;
    __asm__ volatile("pushfq\n orl $0x100,(%%rsp)\n popfq\n nop\n nop\n nop\n nop\n nop\n nop\n nop" : : : "memory", "cc");
    CHECK_EQ("five single steps", steps, 5);
    stage = 3;
    RaiseException(0xe0000042, 0, 0, NULL);
    CHECK("a raised exception continued", 1);
    stage = 4;
    unsigned long long low = 0, rbx = 0;
    __asm__ volatile("pxor %%xmm6,%%xmm6\n xor %%ebx,%%ebx\n int3\n movq %%xmm6,%0\n mov %%rbx,%1" : "=r"(low), "=r"(rbx) : : "rbx", "xmm6");
    CHECK("registers set by a handler", low == 0x77 && rbx == 0x99);
    /* With a debugger, or what looks like one, the kernel raises what is raised. */
    EXCEPTION_RECORD raised = {.ExceptionCode = (DWORD)EXCEPTION_BREAKPOINT};
    CONTEXT c __attribute__((aligned(16))) = {.ContextFlags = CONTEXT_DEBUG_REGISTERS};
    BYTE *debugged = *(BYTE **)((BYTE *)NtCurrentTeb() + 0x60) + 2;
    stage = 5;
    steps = 0;
    *debugged = 1;
    RtlRaiseException_(&raised);
    *debugged = 0;
    CHECK_EQ("a breakpoint that is raised", steps, 1);
    CHECK("debug registers set by a handler", GetThreadContext(GetCurrentThread(), &c));
    WINE8_DIFFERS(CHECK_EQ("are kept", c.Dr1, (ULONG_PTR)&target));
    c.Dr1 = 0;
    SetThreadContext(GetCurrentThread(), &c);
    stage = 0;
    vectored = 0;
    CHECK_EQ("vectored first, then the frame's", guarded(read_bad, NULL), EXCEPTION_ACCESS_VIOLATION);
    CHECK_EQ("it was asked", vectored, 1);
    CHECK("removed", RemoveVectoredExceptionHandler(h));
    vectored = 0;
    guarded(read_bad, NULL);
    CHECK_EQ("no longer asked", vectored, 0);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int __attribute__((noinline)) endless(int n) {
    volatile char block[1024];
    block[0] = (char)n;
    return endless(n + 1) + block[0];
}
#pragma GCC diagnostic pop
static void overflow(void *p) {
    (void)p;
    endless(0);
}

static DWORD WINAPI overflowing(void *arg) {
    (void)arg;
    ULONG guarantee = 0x10000; /* room for the handlers themselves */
    SetThreadStackGuarantee(&guarantee);
    DWORD a = guarded(overflow, NULL);
    int reset = _resetstkoflw();
    DWORD b = guarded(overflow, NULL);
    say("overflow %#lx, reset %d, overflow %#lx", a, reset, b);
    return a == EXCEPTION_STACK_OVERFLOW && reset && b == EXCEPTION_STACK_OVERFLOW ? 1 : 0;
}

static void stack(void) {
    HANDLE t = CreateThread(NULL, 0x100000, overflowing, NULL, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    DWORD code = 0;
    CHECK_EQ("a thread that overflows twice ends", WaitForSingleObject(t, 20000), 0);
    GetExitCodeThread(t, &code);
    WINE8_DIFFERS(CHECK_EQ("both caught, with _resetstkoflw between", code, 1));
    CloseHandle(t);
}

static jmp_buf jump;
static void jumping(void *p) {
    (void)p;
    longjmp(jump, 3);
}

static unsigned short x87_control(void) {
    unsigned short control = 0;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return control & 0xf3f;
}

static unsigned short in_apc;
static void CALLBACK looks(ULONG_PTR argument) {
    (void)argument;
    in_apc = x87_control();
}

static void native(void) {
    CONTEXT c __attribute__((aligned(16)));
    volatile int passes_here = 0;
    RtlCaptureContext(&c);
    if (passes_here++ == 0) NtContinue_(&c, FALSE);
    CHECK_EQ("NtContinue comes back", passes_here, 2);
    int j = setjmp(jump);
    if (!j) passed(jumping, NULL);
    CHECK_EQ("longjmp over frames", j, 3);
    EXCEPTION_RECORD r = {.ExceptionCode = 0xe0000055};
    CHECK_EQ("last error untouched", (SetLastError(77), guarded(raise3, &r), GetLastError()), 77);
    CHECK_EQ("x87 control word", x87_control(), 0x33f);
    /* Rounded down, with 24 bits. */
    unsigned short other = 0x47f, usual = 0x37f;
    __asm__ volatile("fldcw %0" : : "m"(other));
    QueueUserAPC(looks, GetCurrentThread(), 0);
    SleepEx(0, TRUE);
    CHECK_EQ("another one in an APC", in_apc, 0x43f);
    CHECK_EQ("and behind it", x87_control(), 0x43f);
    guarded(raise3, &r);
    CHECK_EQ("and behind an exception", x87_control(), 0x43f);
    __asm__ volatile("fldcw %0" : : "m"(usual));
    unsigned mxcsr = 0;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    CHECK_EQ("all SSE exceptions masked", mxcsr & 0x1f80, 0x1f80);
}

static DWORD WINAPI sleeper(void *event) {
    return WaitForSingleObject(event, INFINITE);
}

static DWORD WINAPI dozer(void *event) {
    return WaitForSingleObject(event, 1000);
}

/* Suspends a thread where it is in a system call, as CONTEXT_EXCEPTION_REQUEST tells of it. */
static BOOL suspend_in_a_call(HANDLE t) {
    for (int i = 0; i < 10000; i++) {
        CONTEXT c __attribute__((aligned(16))) = {.ContextFlags = CONTEXT_CONTROL | 0x40000000};
        if (SuspendThread(t) == (DWORD)-1) return FALSE;
        if (GetThreadContext(t, &c) && c.ContextFlags & 0x10000000) return TRUE;
        ResumeThread(t);
        Sleep(1);
    }
    return FALSE;
}

/* Registers that are set while a thread waits do not stand for what the wait answers. */
static void set_in_a_call(void) {
    CONTEXT c __attribute__((aligned(16))) = {.ContextFlags = CONTEXT_FULL};
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, NULL), t = CreateThread(NULL, 0, dozer, event, 0, NULL);
    DWORD code = 0;
    CHECK("one that waits", suspend_in_a_call(t));
    CHECK("its registers", GetThreadContext(t, &c));
    c.Rax = c.R10 = 12345;
    CHECK("are set", SetThreadContext(t, &c));
    ResumeThread(t);
    WaitForSingleObject(t, INFINITE);
    CHECK("and the wait", GetExitCodeThread(t, &code));
    CHECK_EQ("answers what it did", code, WAIT_TIMEOUT);
    CloseHandle(t);
    CloseHandle(event);
}

/* Whether what stands in a context is the program's own code, asked with CONTEXT_EXCEPTION_REQUEST. */
static void activities(void) {
    DWORD request = CONTEXT_CONTROL | 0x40000000, reporting = 0x80000000, active = 0x08000000, service = 0x10000000;
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, NULL), t = CreateThread(NULL, 0, sleeper, event, CREATE_SUSPENDED, NULL);
    CONTEXT c __attribute__((aligned(16))) = {.ContextFlags = CONTEXT_CONTROL};
    CHECK("who does not ask", GetThreadContext(GetCurrentThread(), &c));
    CHECK_EQ("is not told", c.ContextFlags, CONTEXT_CONTROL);
    c.ContextFlags = request | active;
    GetThreadContext(GetCurrentThread(), &c);
    WINE8_DIFFERS(CHECK_EQ("the caller is in a call", c.ContextFlags, request | reporting | service));
    c.ContextFlags = request;
    GetThreadContext(t, &c);
    WINE8_DIFFERS(CHECK_EQ("one that did not begin", c.ContextFlags, request | reporting | active));
    CHECK("those flags set nothing", SetThreadContext(t, &c));
    ResumeThread(t);
    if (!under_oracle()) {
        CHECK("one that waits", suspend_in_a_call(t));
        ResumeThread(t);
    }
    SetEvent(event);
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    CloseHandle(event);
}

/* What the instruction `syscall` leaves in rcx and r11. */
static void after_a_call(void) {
    BYTE *call = (BYTE *)(ULONG_PTR)GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtClose");
    ULONG_PTR back = 0, flags = 0, status;
    __asm__ volatile("sub $40, %%rsp\n call *%%rax\n mov %%r11, %1\n add $40, %%rsp"
                     : "=a"(status), "=&r"(flags), "=c"(back) : "0"(call), "2"((ULONG_PTR)0xdeadbeec) : "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
    CHECK_EQ("a handle that is none", (DWORD)status, 0xc0000008);
    WINE8_DIFFERS(CHECK("where the call came from", back > (ULONG_PTR)call && back < (ULONG_PTR)call + 0x20));
    WINE8_DIFFERS(CHECK("and flags", (flags & ~0xcd5ull) == 0x202));
}

static void float_divide(void *p) {
    unsigned mxcsr = 0x1f80 & ~0x200u, normal = 0x1f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    volatile double zero = *(double *)p, one = 1;
    volatile double result = one / zero;
    (void)result;
    __asm__ volatile("ldmxcsr %0" : : "m"(normal));
}

static void floating(void) {
    double zero = 0;
    unsigned normal = 0x1f80;
    CHECK_EQ("unmasked SSE division by zero", guarded(float_divide, &zero), EXCEPTION_FLT_DIVIDE_BY_ZERO);
    __asm__ volatile("ldmxcsr %0" : : "m"(normal));
}

#ifndef CONTEXT_XSTATE
#define CONTEXT_XSTATE (CONTEXT_AMD64 | 0x40)
#endif
/* The upper halves of ymm1 and ymm9: what an exception must keep, and what a handler may look at and change. */
static unsigned long long high[4];
static void *volatile spot;
static int seen, found;
static LONG CALLBACK wide_handler(EXCEPTION_POINTERS *p) {
    DWORD length = 0;
    M128A *upper = LocateXStateFeature(p->ContextRecord, XSTATE_AVX, &length);
    seen++;
    found = (p->ContextRecord->ContextFlags & CONTEXT_XSTATE) == CONTEXT_XSTATE && length == 256 && upper &&
            upper[1].Low == 0x1111 && upper[1].High == 0x2222 && upper[9].Low == 0x9999;
    if (upper && found) upper[9].High = 0xabcd;
    __asm__ volatile("vpcmpeqd %%xmm1, %%xmm1, %%xmm1\n vinsertf128 $1, %%xmm1, %%ymm1, %%ymm1\n vmovaps %%ymm1, %%ymm9" : : : "xmm1", "xmm9");
    p->ContextRecord->Rip += 2;
    return EXCEPTION_CONTINUE_EXECUTION;
}
static unsigned long long load[8] __attribute__((aligned(32))) = {1, 2, 0x1111, 0x2222, 3, 4, 0x9999, 0x8888};
static volatile int spinning, stop;
static unsigned long long after[4] __attribute__((aligned(32)));
static DWORD WINAPI spinner(void *unused) {
    (void)unused;
    __asm__ volatile("vmovaps (%0), %%ymm9\n movl $1, (%1)\n1: cmpl $0, (%2)\n je 1b\n vmovaps %%ymm9, (%3)\n vzeroupper"
                     : : "r"(load + 4), "r"(&spinning), "r"(&stop), "r"(after) : "memory", "xmm9");
    return 0;
}
static void extended_state(void) {
    if (!IsProcessorFeaturePresent(PF_AVX_INSTRUCTIONS_AVAILABLE)) return;
    CHECK_EQ("AVX is part of contexts", GetEnabledXStateFeatures() & 7, 7);
    void *h = AddVectoredExceptionHandler(1, wide_handler);
    spot = NULL;
    __asm__ volatile("vmovaps (%1), %%ymm1\n vmovaps 32(%1), %%ymm9\n xor %%eax, %%eax\n .byte 0x8b, 0x00\n"
                     " vextractf128 $1, %%ymm1, (%0)\n vextractf128 $1, %%ymm9, 16(%0)\n vzeroupper"
                     : : "r"(high), "r"(load) : "rax", "xmm1", "xmm9", "memory");
    RemoveVectoredExceptionHandler(h);
    CHECK_EQ("one exception", seen, 1);
    CHECK("its context has the upper halves", found);
    CHECK("kept, though the handler used the registers", high[0] == 0x1111 && high[1] == 0x2222 && high[2] == 0x9999);
    CHECK_EQ("changed where the handler changed the context", high[3], 0xabcd);

    HANDLE t = CreateThread(NULL, 0, spinner, NULL, 0, NULL);
    while (!spinning) Sleep(1);
    CHECK_EQ("suspend", SuspendThread(t), 0);
    DWORD length = 0, part = 0;
    CONTEXT *c = NULL;
    InitializeContext(NULL, CONTEXT_ALL | CONTEXT_XSTATE, NULL, &length);
    CHECK("the length has room for it", length >= sizeof *c + 24 + 64 + 256);
    void *room = calloc(1, length);
    CHECK("initialise", InitializeContext(room, CONTEXT_ALL | CONTEXT_XSTATE, &c, &length));
    CHECK("ask for AVX", SetXStateFeaturesMask(c, 1 << XSTATE_AVX));
    CHECK("get", GetThreadContext(t, c));
    DWORD64 mask = 0;
    CHECK("the mask", GetXStateFeaturesMask(c, &mask) && (mask & (1 << XSTATE_AVX)));
    M128A *upper = LocateXStateFeature(c, XSTATE_AVX, &part);
    CHECK("another thread's upper halves", upper && part == 256 && upper[9].Low == 0x9999 && upper[9].High == 0x8888);
    if (upper) upper[9].Low = 0x7777;
    CHECK("set", SetThreadContext(t, c));
    stop = 1;
    ResumeThread(t);
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    free(room);
    CHECK("as they were set", after[0] == 3 && after[2] == 0x7777 && after[3] == 0x8888);
}

/* The byte after int 2d is skipped: cli, which would be a privileged instruction. */
static void debug_service(void *service) {
    __asm__ volatile("int $0x2d\n .byte 0xfa" : : "a"(*(unsigned *)service));
}

static void debug_services(void) {
    unsigned print = 1, load_symbols = 3, stop = 6;
    CHECK_EQ("DebugPrint without a debugger", guarded(debug_service, &print), 0);
    CHECK_EQ("symbols are loaded", guarded(debug_service, &load_symbols), 0);
    CHECK_EQ("any other service is a breakpoint", guarded(debug_service, &stop), EXCEPTION_BREAKPOINT);
}

static void checked_load(void *p) {
    unsigned value;
    __asm__ volatile("pushfq\n orl $0x40000,(%%rsp)\n popfq\n movl 1(%1),%0\n pushfq\n andl $~0x40000,(%%rsp)\n popfq"
                     : "=r"(value) : "r"(p) : "memory", "cc");
}

static void alignment(void) {
    unsigned long long words[2] = {0};
    DWORD code = guarded(checked_load, words);
    __asm__ volatile("pushfq\n andl $~0x40000,(%%rsp)\n popfq" : : : "memory", "cc");
    WINE8_DIFFERS(CHECK_EQ("alignment check", code, EXCEPTION_DATATYPE_MISALIGNMENT));
}

int main(void) {
    debug_services();
    alignment();
    structured();
    vectored_handlers();
    stack();
    native();
    activities();
    WINE8_DIFFERS(set_in_a_call());
    after_a_call();
    floating();
    extended_state();
    return finish();
}
