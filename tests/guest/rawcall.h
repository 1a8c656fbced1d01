/* Linux system calls, issued raw by a program for Windows (or, natively, by one for Linux): in its own code, or through an instruction of
 * the runtime's text. */
#ifdef _WIN32
#include "check.h"
#else
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void say(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}
#endif

typedef long long word;

static void *gadget; /* where "syscall" and then "ret" stand; NULL: in our own code */

/* Linux registers; r10 and the shadow space also hold what an NT call would take for its arguments. */
static word call(word number, word a, word b, word c, word d, word e, word f) {
    word result;
    register word r10 __asm__("r10") = d;
    register word r8 __asm__("r8") = e;
    register word r9 __asm__("r9") = f;
    if (gadget) {
        register void *target __asm__("rbx") = gadget;
        __asm__ volatile("call *%%rbx" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9), "r"(target) : "rcx", "r11", "memory");
    } else {
        __asm__ volatile("sub $0x60, %%rsp\n syscall\n add $0x60, %%rsp" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    }
    return result;
}

#define P(x) ((word)(size_t)(x))

#ifdef _WIN32
static volatile int faulted, trying;
static __thread int sweeping;
static LONG CALLBACK on_fault(EXCEPTION_POINTERS *p) {
    DWORD code = p->ExceptionRecord->ExceptionCode;
    if (faulted == -1 && code == EXCEPTION_ACCESS_VIOLATION) { /* a page that the search cannot read */
        faulted = 1;
        p->ContextRecord->Rip = p->ContextRecord->R15;
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    if (trying && code == EXCEPTION_ACCESS_VIOLATION) { /* bytes that look like a gadget, where nothing is executed: back from the call */
        p->ContextRecord->Rip = *(DWORD64 *)p->ContextRecord->Rsp;
        p->ContextRecord->Rsp += 8;
        p->ContextRecord->Rax = (DWORD64)-1;
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    if (sweeping) ExitThread(0); /* an NT call may raise what it has to say */
    say("exception %08lx", code);
    return EXCEPTION_CONTINUE_SEARCH;
}

/* The first byte of a page, or -1. */
static int readable(const unsigned char *page) {
    int value;
    faulted = -1;
    __asm__ volatile("lea 1f(%%rip), %%r15\n movzbl (%1), %0\n 1:" : "=r"(value) : "r"(page) : "r15", "memory");
    int bad = faulted == 1;
    faulted = 0;
    return bad ? -1 : value;
}

/* "syscall; ret", or glibc's "syscall; cmp $-4095,%rax; jae …; ret". */
static int is_gadget(const unsigned char *p) {
    static const unsigned char check[] = {0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff, 0x73};
    if (p[0] != 0x0f || p[1] != 0x05) return 0;
    return p[2] == 0xc3 || (!memcmp(p + 2, check, sizeof check) && p[10] == 0xc3);
}

static int find_gadget(void) {
    void **dispatcher = (void **)(void *)GetProcAddress(GetModuleHandleA("ntdll"), "__wine_syscall_dispatcher");
    if (!dispatcher || !*dispatcher) {
        say("no dispatcher");
        return 0;
    }
    unsigned char *at = (unsigned char *)((ULONG_PTR)*dispatcher & ~(ULONG_PTR)0xfff);
    unsigned pages = 0;
    for (int direction = -1; direction <= 1; direction += 2) {
        int holes = 0;
        for (unsigned char *page = at; holes < 64; page += direction * 4096) {
            if (readable(page) < 0) {
                holes++;
                continue;
            }
            pages++;
            for (int i = 0; i < 4096 - 16; i++) {
                if (is_gadget(page + i)) {
                    gadget = page + i;
                    static char line[] = "through the gadget\n";
                    /* write to standard output is a call that the runtime itself may make */
                    trying = 1;
                    int works = call(1, 1, P(line), sizeof line - 1, 0, 0, 0) == sizeof line - 1;
                    trying = 0;
                    if (works) {
                        say("gadget works");
                        return 1;
                    }
                }
            }
        }
    }
    say("no gadget in %u pages", pages);
    return 0;
}
#endif
