/* Linux system calls, issued raw. Built twice: for Windows, where none of them may have an effect, and natively, where every
 * probe must show its effect: so the test is known to notice an escape.
 *
 * Arguments: "raw" (a syscall instruction in this program's own code), "gadget" (one found in the runtime's text; Windows only)
 * or "sweep" (each number from 0 to 600; Windows only), then the names of the probes, or none for all. */
#include "rawcall.h"

static char buffer[65536];
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
