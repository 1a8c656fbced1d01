/* Linux system calls, issued raw. Built twice: for Windows, where none of them may have an effect, and natively, where every
 * probe must show its effect: so the test is known to notice an escape.
 *
 * Arguments: "raw" (a syscall instruction in this program's own code), "gadget" (one found in the runtime's text; Windows only)
 * or "sweep" (each number from 0 to 600; Windows only), then the names of the probes, or none for all. */
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

static char buffer[65536];
#define P(x) ((word)(size_t)(x))
static const char *secret = "/etc/passwd";
static int small(word r) { return r > 0 && r < 4194304; } /* the most that Linux gives a process */
static int opened(word r) { return r > 2 && r < 100000; }
/* An NT call may well answer 0: what counts is what was written. */
static void blank(void) { memset(buffer, 0xaa, sizeof buffer); }
static int written(word r) { return r >= 0 && ((unsigned char)buffer[0] != 0xaa || (unsigned char)buffer[8] != 0xaa); }

/* Each tells whether the kernel of Linux did what was asked. */
static int p_getpid(void) { return small(call(39, 0, 0, 0, 0, 0, 0)); }
static int p_gettid(void) { return small(call(186, 0, 0, 0, 0, 0, 0)); }
static int p_getresuid(void) { return call(118, P(buffer), P(buffer + 8), P(buffer + 16), 0, 0, 0) == 0 && written(0); }
static int p_uname(void) { return call(63, P(buffer), 0, 0, 0, 0, 0) == 0 && !memcmp(buffer, "Linux", 5); }
static int p_getcwd(void) { return call(79, P(buffer), sizeof buffer, 0, 0, 0, 0) > 0 && buffer[0] == '/'; }
static int p_open(void) { return opened(call(2, P(secret), 0, 0, 0, 0, 0)); }
static int p_openat(void) { return opened(call(257, -100, P(secret), 0, 0, 0, 0)); }
static int p_openat2(void) {
    static word how[3];
    return opened(call(437, -100, P(secret), P(how), sizeof how, 0, 0));
}
static int p_stat(void) { return written(call(4, P(secret), P(buffer), 0, 0, 0, 0)); }
static int p_newfstatat(void) { return written(call(262, -100, P(secret), P(buffer), 0, 0, 0)); }
static int p_readlink(void) { return call(89, P("/proc/self/exe"), P(buffer), sizeof buffer, 0, 0, 0) > 0 && buffer[0] == '/'; }
static int p_chdir(void) { return call(80, P("/"), 0, 0, 0, 0, 0) == 0 && p_getcwd() && !buffer[1]; }
static int p_mkdir(void) {
    static const char *folder = "/tmp/portcullis-escape";
    return call(83, P(folder), 0700, 0, 0, 0, 0) == 0 && call(83, P(folder), 0700, 0, 0, 0, 0) == -17 && call(84, P(folder), 0, 0, 0, 0, 0) == 0;
}
static int p_socket(void) { return opened(call(41, 2, 1, 0, 0, 0, 0)); }
static int p_socket_unix(void) { return opened(call(41, 1, 1, 0, 0, 0, 0)); }
static int p_socketpair(void) { return written(call(53, 1, 1, 0, P(buffer), 0, 0)); }
static int p_memfd(void) { return opened(call(319, P("x"), 0, 0, 0, 0, 0)); }
static int p_pipe(void) { return written(call(22, P(buffer), 0, 0, 0, 0, 0)); }
static int p_dup(void) { return opened(call(32, 1, 0, 0, 0, 0, 0)); }
static int p_eventfd(void) { return opened(call(290, 0, 0, 0, 0, 0, 0)); }
static int p_epoll(void) { return opened(call(291, 0, 0, 0, 0, 0, 0)); }
static int p_inotify(void) { return opened(call(294, 0, 0, 0, 0, 0, 0)); }
static int p_prctl(void) { return written(call(157, 16, P(buffer), 0, 0, 0, 0)); } /* PR_GET_NAME */
static int p_prlimit(void) { return written(call(302, 0, 7, 0, P(buffer), 0, 0)); }
static int p_sysinfo(void) { return written(call(99, P(buffer), 0, 0, 0, 0, 0)); }
static int p_getppid(void) { return small(call(110, 0, 0, 0, 0, 0, 0)); }
static int p_kill(void) { return call(62, call(110, 0, 0, 0, 0, 0, 0), 0, 0, 0, 0, 0) == 0 && call(62, 0x3fffffff, 0, 0, 0, 0, 0) == -3; }
static int p_sched_affinity(void) { return written(call(204, 0, 128, P(buffer), 0, 0, 0)); }
static int p_open_root(void) { return opened(call(2, P("/"), 0200000, 0, 0, 0, 0)); }
static int p_getsid(void) { return call(124, 0x3fffffff, 0, 0, 0, 0, 0) == -3; } /* no such process; its own session may lie outside its namespace */
static int p_process_vm(void) {
    static char from[8] = "secret", to[8];
    static struct { void *base; size_t size; } l = {to, 8}, r = {from, 8};
    return call(310, call(39, 0, 0, 0, 0, 0, 0), P(&l), 1, P(&r), 1, 0) == 8;
}
static int p_unshare(void) { return call(272, 0, 0, 0, 0, 0, 0) == 0 && call(272, 1, 0, 0, 0, 0, 0) == -22; } /* nothing to unshare */
static int p_arch_prctl(void) { return written(call(158, 0x1003, P(buffer), 0, 0, 0, 0)); } /* ARCH_GET_FS */
static int p_umask(void) { word old = call(95, 077, 0, 0, 0, 0, 0); return small(old) && call(95, old, 0, 0, 0, 0, 0) == 077; }
static int p_ioctl(void) { return written(call(16, 1, 0x541b, P(buffer), 0, 0, 0)) || written(call(16, 0, 0x541b, P(buffer), 0, 0, 0)); } /* FIONREAD */
static int p_fork(void) {
    word child = call(57, 0, 0, 0, 0, 0, 0);
    if (child == 0) call(231, 0, 0, 0, 0, 0, 0);
    return small(child);
}
static int p_clone_process(void) {
    word child = call(56, 17, 0, 0, 0, 0, 0);
    if (child == 0) call(231, 0, 0, 0, 0, 0, 0);
    return small(child);
}
static int p_execve(void) {
    static char *args[] = {"/bin/echo", "ESCAPED execve", NULL};
    call(59, P("/bin/echo"), P(args), 0, 0, 0, 0);
    return 0; /* only the new program could say so */
}

static const struct { const char *name; int (*run)(void); } probes[] = {
    {"getpid", p_getpid}, {"gettid", p_gettid}, {"getresuid", p_getresuid}, {"uname", p_uname}, {"getcwd", p_getcwd}, {"open", p_open},
    {"openat", p_openat}, {"openat2", p_openat2}, {"stat", p_stat}, {"newfstatat", p_newfstatat}, {"readlink", p_readlink},
    {"chdir", p_chdir}, {"mkdir", p_mkdir}, {"socket", p_socket}, {"socket_unix", p_socket_unix}, {"socketpair", p_socketpair},
    {"memfd_create", p_memfd}, {"pipe", p_pipe}, {"dup", p_dup}, {"eventfd", p_eventfd}, {"epoll", p_epoll}, {"inotify", p_inotify},
    {"prctl", p_prctl}, {"prlimit", p_prlimit}, {"sysinfo", p_sysinfo}, {"getppid", p_getppid}, {"kill", p_kill},
    {"sched_getaffinity", p_sched_affinity}, {"open_root", p_open_root}, {"getsid", p_getsid}, {"process_vm_readv", p_process_vm},
    {"unshare", p_unshare}, {"arch_prctl", p_arch_prctl}, {"umask", p_umask}, {"ioctl", p_ioctl}, {"fork", p_fork},
    {"clone_process", p_clone_process}, {"execve", p_execve},
};

/* One probe, on a clean buffer. */
static int probe(unsigned index) {
    blank();
    int escaped = probes[index].run();
    say(escaped ? "ESCAPED %s" : "held %s", probes[index].name);
    return escaped;
}

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

static word sweep_call(word number) {
    word result;
    register word r10 __asm__("r10") = 0xdead0;
    register word r8 __asm__("r8") = 8;
    register word r9 __asm__("r9") = 8;
    __asm__ volatile("sub $0x80, %%rsp\n movq $8, 0x28(%%rsp)\n movq $8, 0x30(%%rsp)\n movq $8, 0x38(%%rsp)\n movq $8, 0x40(%%rsp)\n movq $8, 0x48(%%rsp)\n"
                     " movq $8, 0x50(%%rsp)\n movq $8, 0x58(%%rsp)\n movq $8, 0x60(%%rsp)\n syscall\n add $0x80, %%rsp"
                     : "=a"(result) : "a"(number), "D"(1LL), "S"(buffer), "d"(8LL), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}

/* Linux would answer -errno, or do something; NT's dispatcher answers a status. */
static volatile word answer;
static DWORD WINAPI sweep_one(void *n) {
    sweeping = 1;
    answer = sweep_call((word)(ULONG_PTR)n);
    return (DWORD)(answer >> 32);
}

static void sweep(int first, int last) {
    int linux_like = 0, waiting = 0;
    strcpy(buffer, "ESCAPED write\n");
    for (int n = first; n <= last; n++) {
        HANDLE thread = CreateThread(NULL, 0, sweep_one, (void *)(ULONG_PTR)n, 0, NULL);
        answer = 0;
        if (WaitForSingleObject(thread, 300)) waiting++;
        CloseHandle(thread);
        /* What the kernel of Linux has to say to such arguments. */
        if (answer == -38 || answer == -22 || answer == -14 || answer == -9 || answer == -2 || answer == -1) {
            say("number %d answers %d as Linux would", n, (int)answer);
            linux_like++;
        }
    }
    say("swept %d to %d, %d as Linux, %d wait", first, last, linux_like, waiting);
}
#endif

#ifdef _WIN32
static DWORD WINAPI probe_thread(void *index) { return (DWORD)probe((unsigned)(ULONG_PTR)index); }
#endif

int main(int argc, char **argv) {
    const char *way = argc > 1 ? argv[1] : "raw";
    int escaped = 0, run = 0;
#ifdef _WIN32
    AddVectoredExceptionHandler(1, on_fault);
    if (!strcmp(way, "sweep")) {
        sweep(argc > 2 ? atoi(argv[2]) : 0, argc > 3 ? atoi(argv[3]) : 600);
        return 0;
    }
    if (!strcmp(way, "gadget") && !find_gadget()) return 99;
#endif
    (void)way;
    for (unsigned i = 0; i < sizeof probes / sizeof *probes; i++) {
        int wanted = argc < 3;
        for (int k = 2; k < argc; k++) wanted |= !strcmp(argv[k], probes[i].name);
        if (!wanted) continue;
        run++;
#ifdef _WIN32
        /* As an NT call the number may wait for ever. */
        HANDLE thread = CreateThread(NULL, 0, probe_thread, (void *)(ULONG_PTR)i, 0, NULL);
        DWORD code = 0;
        if (WaitForSingleObject(thread, 1000)) say("held %s: it waits", probes[i].name);
        else if (GetExitCodeThread(thread, &code)) escaped += code == 1;
#else
        escaped += probe(i);
#endif
    }
    say("%d probes, %d escaped", run, escaped);
    return escaped;
}
