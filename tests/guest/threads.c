/* Threads: start, suspend, resume, contexts, APCs, TLS, priorities, names, exit codes, stack sizes. */
#include "check.h"
#include <process.h>

NTDLL(NTSTATUS, NtQueryInformationThread, HANDLE, int, void *, ULONG, ULONG *)
NTDLL(NTSTATUS, NtQueueApcThread, HANDLE, void *, ULONG_PTR, ULONG_PTR, ULONG_PTR)
NTDLL(NTSTATUS, NtTestAlert, void)
NTDLL(NTSTATUS, NtAlertThread, HANDLE)
NTDLL(NTSTATUS, NtDelayExecution, BOOLEAN, LARGE_INTEGER *)
NTDLL(NTSTATUS, NtYieldExecution, void)

static DWORD WINAPI give(void *arg) { return (DWORD)(ULONG_PTR)arg; }
static DWORD WINAPI leave(void *arg) { ExitThread((DWORD)(ULONG_PTR)arg); }
static unsigned __stdcall crt(void *arg) { return *(unsigned *)arg + 1; }

static DWORD join(HANDLE t) {
    DWORD code = 0xbad;
    if (WaitForSingleObject(t, 10000)) return 0xdead;
    GetExitCodeThread(t, &code);
    CloseHandle(t);
    return code;
}

static void codes(void) {
    DWORD id = 0, code;
    HANDLE t = CreateThread(NULL, 0, give, (void *)42, 0, &id);
    CHECK("thread started, with an id", t && id && id != GetCurrentThreadId() && !(id & 3));
    CHECK_EQ("its id by handle", GetThreadId(t), id);
    CHECK_EQ("its process", GetProcessIdOfThread(t), GetCurrentProcessId());
    CHECK_EQ("return value is the exit code", join(t), 42);
    CHECK_EQ("ExitThread's too", join(CreateThread(NULL, 0, leave, (void *)0xc0000001, 0, NULL)), 0xc0000001);
    unsigned n = 6;
    CHECK_EQ("_beginthreadex", join((HANDLE)_beginthreadex(NULL, 0, crt, &n, 0, NULL)), 7);
    t = CreateThread(NULL, 0, give, (void *)1, CREATE_SUSPENDED, NULL);
    GetExitCodeThread(t, &code);
    CHECK_EQ("still active", code, STILL_ACTIVE);
    CHECK("terminated before it ran", TerminateThread(t, 77));
    CHECK_EQ("with that code", join(t), 77);
    int good = 0;
    for (int i = 0; i < 300; i++) good += join(CreateThread(NULL, 0, give, (void *)(ULONG_PTR)i, 0, NULL)) == (DWORD)i;
    CHECK_EQ("300 threads one after another", good, 300);
    HANDLE many[60];
    for (int i = 0; i < 60; i++) many[i] = CreateThread(NULL, 65536, give, (void *)(ULONG_PTR)i, CREATE_SUSPENDED, NULL);
    for (int i = 0; i < 60; i++) ResumeThread(many[i]);
    CHECK_EQ("60 threads at a time", WaitForMultipleObjects(60, many, TRUE, 20000), 0);
    for (int i = 0; i < 60; i++) CloseHandle(many[i]);
}

static volatile LONG spins, stop;
static DWORD WINAPI spin(void *arg) {
    (void)arg;
    while (!stop) spins++;
    return 5;
}

static HANDLE wanted;

static DWORD WINAPI takes(void *arg) {
    (void)arg;
    return WaitForSingleObject(wanted, 30000) == WAIT_OBJECT_0 ? 6 : 7;
}

/* What a suspended thread waits for is not given to it. */
static void suspended_waits(void) {
    int kept = 0;
    for (int i = 0; i < 50; i++) {
        wanted = CreateEventA(NULL, FALSE, FALSE, NULL);
        HANDLE t = CreateThread(NULL, 0, takes, NULL, 0, NULL);
        Sleep(i % 2);
        SuspendThread(t);
        SetEvent(wanted);
        kept += WaitForSingleObject(wanted, 0) == WAIT_OBJECT_0;
        ResumeThread(t);
        SetEvent(wanted);
        if (join(t) != 6) kept = -1000;
        CloseHandle(wanted);
    }
    CHECK_EQ("a suspended thread acquires nothing", kept, 50);
}

static void suspension(void) {
    HANDLE t = CreateThread(NULL, 0, spin, NULL, 0, NULL);
    while (!spins) Sleep(1);
    CHECK_EQ("suspend count was 0", SuspendThread(t), 0);
    LONG seen = spins;
    Sleep(30);
    CHECK_EQ("it stands still", spins, seen);
    CHECK_EQ("suspended again", SuspendThread(t), 1);
    CHECK_EQ("resume once", ResumeThread(t), 2);
    seen = spins;
    Sleep(20);
    CHECK_EQ("still standing", spins, seen);
    CHECK_EQ("resume twice", ResumeThread(t), 1);
    for (int i = 0; i < 200 && spins == seen; i++) Sleep(10);
    CHECK("runs again", spins != seen);
    CHECK_EQ("resume of a running thread", ResumeThread(t), 0);
    stop = 1;
    CHECK_EQ("ends", join(t), 5);
    t = CreateThread(NULL, 0, give, (void *)9, CREATE_SUSPENDED, NULL);
    CHECK_EQ("made suspended: it waits", WaitForSingleObject(t, 40), WAIT_TIMEOUT);
    CHECK_EQ("resumed", ResumeThread(t), 1);
    CHECK_EQ("runs", join(t), 9);
}

/* Spins with known values in registers until rcx becomes zero, then returns rax. */
unsigned long long spin_registers(volatile LONG *started);
__asm__(".globl spin_registers\nspin_registers:\n"
        "push %rbx\n mov $0x1122334455667788, %rbx\n mov $0x0102030405060708, %r10\n mov $1, %edx\n"
        "movq %rbx, %xmm5\n xor %eax, %eax\n movl $1, (%rcx)\n"
        "1: pause\n test %edx, %edx\n jnz 1b\n pop %rbx\n ret\n");

static volatile LONG started;
static DWORD WINAPI spinner(void *arg) {
    (void)arg;
    return (DWORD)spin_registers(&started);
}

static void contexts(void) {
    CONTEXT c __attribute__((aligned(16)));
    HANDLE t = CreateThread(NULL, 0, spinner, NULL, 0, NULL);
    while (!started) Sleep(1);
    Sleep(5);
    CHECK_EQ("suspend", SuspendThread(t), 0);
    memset(&c, 0, sizeof c);
    c.ContextFlags = CONTEXT_FULL;
    CHECK("get context", GetThreadContext(t, &c));
    CHECK_EQ("rbx", c.Rbx, 0x1122334455667788);
    CHECK_EQ("r10", c.R10, 0x0102030405060708);
    CHECK_EQ("rdx", c.Rdx, 1);
    CHECK_EQ("xmm5", c.Xmm5.Low, 0x1122334455667788);
    CHECK("rip is in the loop", c.Rip >= (ULONG_PTR)spin_registers && c.Rip < (ULONG_PTR)spin_registers + 80);
    CHECK("rsp is on a stack", c.Rsp > 0x10000 && (c.Rsp & 7) == 0);
    c.Rax = 4711;
    c.Rdx = 0;
    CHECK("set context", SetThreadContext(t, &c));
    CHECK_EQ("resume", ResumeThread(t), 1);
    CHECK_EQ("it took the registers", join(t), 4711);
    t = CreateThread(NULL, 0, give, (void *)3, CREATE_SUSPENDED, NULL);
    memset(&c, 0, sizeof c);
    c.ContextFlags = CONTEXT_FULL;
    CHECK("context of a thread that has not run", GetThreadContext(t, &c) && c.Rip);
    CHECK_EQ("rcx is its start", c.Rcx, (ULONG_PTR)give);
    CHECK_EQ("rdx its argument", c.Rdx, 3);
    ResumeThread(t);
    CHECK_EQ("and it runs", join(t), 3);
    RtlCaptureContext(&c);
    CHECK("own context", c.Rip > (ULONG_PTR)contexts && c.Rip < (ULONG_PTR)contexts + 4096);
}

static volatile LONG order[4], ran;
static void CALLBACK note(ULONG_PTR n) {
    if (ran < 4) order[ran] = (LONG)n;
    ran++;
}
static void NTAPI three(ULONG_PTR a, ULONG_PTR b, ULONG_PTR c) { note(a + b + c); }
static DWORD WINAPI doze(void *arg) {
    SetEvent(arg);
    return SleepEx(10000, TRUE) == WAIT_IO_COMPLETION ? 1 : 0;
}
static DWORD WINAPI nap(void *arg) {
    LARGE_INTEGER time = {.QuadPart = -50000000};
    SetEvent(arg);
    return (DWORD)NtDelayExecution_(TRUE, &time);
}

static void apcs(void) {
    HANDLE self = GetCurrentThread(), e = CreateEventA(NULL, FALSE, FALSE, NULL);
    QueueUserAPC(note, self, 1);
    QueueUserAPC(note, self, 2);
    CHECK_EQ("three-argument APC", NtQueueApcThread_(self, three, 1, 1, 1), 0);
    CHECK_EQ("NtTestAlert delivers", NtTestAlert_(), 0);
    CHECK("in order", ran == 3 && order[0] == 1 && order[1] == 2 && order[2] == 3);
    HANDLE t = CreateThread(NULL, 0, doze, e, 0, NULL);
    WaitForSingleObject(e, 5000);
    Sleep(20);
    CHECK("APC to a sleeping thread", QueueUserAPC(note, t, 4));
    CHECK_EQ("wakes it", join(t), 1);
    CHECK_EQ("and ran there", order[3], 4);
    ran = 0;
    t = CreateThread(NULL, 0, give, (void *)8, CREATE_SUSPENDED, NULL);
    QueueUserAPC(note, t, 9);
    ResumeThread(t);
    CHECK_EQ("an APC before the start runs first", join(t) == 8 && ran == 1 && order[0] == 9, 1);
    if (!under_oracle()) { /* Wine 8 has no NtAlertThread */
        t = CreateThread(NULL, 0, nap, e, 0, NULL);
        WaitForSingleObject(e, 5000);
        Sleep(20);
        CHECK_EQ("NtAlertThread", NtAlertThread_(t), 0);
        CHECK_EQ("an alert ends an alertable delay", join(t), 0x101);
    }
    NTSTATUS y = NtYieldExecution_();
    CHECK("yield", y == 0 || y == 0x40000024);
    t = CreateThread(NULL, 0, give, 0, 0, NULL);
    WaitForSingleObject(t, 5000);
    CHECK("APC to a thread that ended", !QueueUserAPC(note, t, 1));
    CloseHandle(t);
    CloseHandle(e);
}

NTDLL(NTSTATUS, NtQueueApcThreadEx, HANDLE, HANDLE, void *, ULONG_PTR, ULONG_PTR, ULONG_PTR)

static volatile LONG specials;
static volatile DWORD special_thread;
static CONTEXT *volatile special_context;
static void NTAPI special(ULONG_PTR a, ULONG_PTR b, ULONG_PTR c, CONTEXT *context) {
    __asm__ volatile("vpcmpeqd %%ymm7, %%ymm7, %%ymm7\n vmovdqa %%ymm7, %%ymm12" ::: "xmm7", "xmm12");
    special_thread = GetCurrentThreadId();
    special_context = context;
    note(a + b + c);
    InterlockedIncrement(&specials);
}
static void NTAPI special_sleeps(ULONG_PTR a, ULONG_PTR b, ULONG_PTR c) {
    Sleep(1);
    note(a + b + c);
    InterlockedIncrement(&specials);
}

/* Counts in registers, general and vector, until told to stop; answers whether they all kept what they had. */
int count_in_registers(volatile LONG *stop, volatile LONG *running, const void *pattern);
__asm__(".globl count_in_registers\ncount_in_registers:\n"
        "push %rbx\n push %rsi\n push %rdi\n sub $64, %rsp\n movdqu %xmm7, (%rsp)\n movdqu %xmm12, 16(%rsp)\n"
        "vmovdqu (%r8), %ymm7\n vmovdqu (%r8), %ymm12\n"
        "mov $0x1122334455667788, %rbx\n mov %rbx, %r9\n mov %rbx, %rax\n not %rax\n mov %rax, %r11\n"
        "xor %esi, %esi\n xor %edi, %edi\n movl $1, (%rdx)\n"
        "1: inc %rsi\n dec %rdi\n lea (%rsi,%rdi), %r10\n test %r10, %r10\n jnz 2f\n"
        "cmp %rbx, %r9\n jne 2f\n cmp %rax, %r11\n jne 2f\n cmpl $0, (%rcx)\n je 1b\n"
        "vmovdqu (%r8), %ymm5\n vpcmpeqb %ymm5, %ymm7, %ymm5\n vpmovmskb %ymm5, %eax\n cmp $-1, %eax\n jne 2f\n"
        "vmovdqu (%r8), %ymm5\n vpcmpeqb %ymm5, %ymm12, %ymm5\n vpmovmskb %ymm5, %eax\n cmp $-1, %eax\n jne 2f\n"
        "mov $1, %eax\n jmp 3f\n"
        "2: xor %eax, %eax\n"
        "3: vzeroupper\n movdqu (%rsp), %xmm7\n movdqu 16(%rsp), %xmm12\n"
        "add $64, %rsp\n pop %rdi\n pop %rsi\n pop %rbx\n ret\n");

static volatile LONG counting, enough;
static DWORD WINAPI count(void *arg) {
    (void)arg;
    static const unsigned char pattern[32] = "0123456789abcdefghijklmnopqrstu";
    return (DWORD)count_in_registers(&enough, &counting, pattern);
}
static volatile LONG awake;
static DWORD WINAPI wait_alone(void *arg) {
    awake = 1;
    DWORD result = WaitForSingleObject(arg, 20000);
    return result == WAIT_OBJECT_0 && specials == 1 ? 1 : 100 + (DWORD)specials;
}

/* QUEUE_USER_APC_FLAGS_SPECIAL_USER_APC in the place of a reserve object. */
#define SPECIAL ((HANDLE)1)

static void special_apcs(void) {
    if (under_oracle()) return; /* Wine 8 has ordinary ones only */
    DWORD id;
    ran = specials = 0;
    CHECK_EQ("a special APC for the caller", NtQueueApcThreadEx_(GetCurrentThread(), SPECIAL, special, 1, 1, 1), 0);
    CHECK_EQ("runs before the call is over", specials, 1);
    CHECK("with the context that it interrupted", special_context && special_context->Rsp > (ULONG_PTR)special_context);
    ran = 0;
    QueueUserAPC(note, GetCurrentThread(), 3);
    NtQueueApcThreadEx_(GetCurrentThread(), SPECIAL, special, 4, 0, 0);
    CHECK("an ordinary one still waits", ran == 1 && order[0] == 4);
    NtTestAlert_();
    CHECK("until it is asked for", ran == 2 && order[1] == 3);
    ran = specials = 0;
    HANDLE t = CreateThread(NULL, 0, count, NULL, 0, &id);
    while (!counting) Sleep(1);
    LONG good = 0;
    for (LONG i = 1; i <= 200; i++) {
        good += NtQueueApcThreadEx_(t, SPECIAL, i & 1 ? (void *)special : (void *)special_sleeps, 1, 2, 3) == 0;
        if (i % 3 == 0) while (specials < i) Sleep(0);
    }
    while (specials < 200) Sleep(1);
    CHECK_EQ("200 for a thread that never calls", good, 200);
    CHECK("they run there", special_thread == id);
    CHECK_EQ("and so do none of the ordinary", (QueueUserAPC(note, t, 9), Sleep(20), ran), 200);
    SuspendThread(t);
    NtQueueApcThreadEx_(t, SPECIAL, special, 1, 2, 3);
    Sleep(20);
    CHECK_EQ("a suspended thread runs none", specials, 200);
    ResumeThread(t);
    while (specials < 201) Sleep(1);
    enough = 1;
    CHECK_EQ("every register is what it was", join(t), 1);
    specials = 0;
    HANDLE e = CreateEventA(NULL, FALSE, FALSE, NULL);
    t = CreateThread(NULL, 0, wait_alone, e, 0, NULL);
    while (!awake) Sleep(1);
    Sleep(20);
    NtQueueApcThreadEx_(t, SPECIAL, special, 1, 2, 3);
    Sleep(20);
    CHECK_EQ("a wait that is not alertable goes on", specials, 0);
    /* It runs when the wait is over, before anything else of the thread. */
    SetEvent(e);
    CHECK_EQ("and the APC comes right after it", join(t), 1);
    t = CreateThread(NULL, 0, doze, e, 0, NULL);
    WaitForSingleObject(e, 5000);
    Sleep(20);
    NtQueueApcThreadEx_(t, SPECIAL, special, 1, 2, 3);
    CHECK_EQ("an alertable wait ends for it", join(t), 1);
    CHECK_EQ("it ran", specials, 2);
    t = CreateThread(NULL, 0, give, (void *)8, CREATE_SUSPENDED, NULL);
    NtQueueApcThreadEx_(t, SPECIAL, special, 1, 2, 3);
    ResumeThread(t);
    CHECK("one for a new thread", join(t) == 8 && specials == 3);
    CHECK_EQ("no reserve object", (ULONG)NtQueueApcThreadEx_(GetCurrentThread(), e, special, 1, 2, 3), 0xc0000024);
    CloseHandle(e);
}

static DWORD slot, fls;
static __thread int emulated = 11;
static volatile LONG fls_freed;
static void CALLBACK free_fls(void *p) {
    if (p == (void *)0x55) InterlockedIncrement(&fls_freed);
}
static DWORD WINAPI tls_user(void *arg) {
    DWORD good = TlsGetValue(slot) == NULL && emulated == 11;
    TlsSetValue(slot, arg);
    emulated = 12;
    FlsSetValue(fls, (void *)0x55);
    Sleep(10);
    return good && TlsGetValue(slot) == arg && emulated == 12;
}

static void tls(void) {
    slot = TlsAlloc();
    fls = FlsAlloc(free_fls);
    CHECK("slots", slot != TLS_OUT_OF_INDEXES && fls != FLS_OUT_OF_INDEXES);
    TlsSetValue(slot, (void *)1);
    HANDLE a = CreateThread(NULL, 0, tls_user, (void *)2, 0, NULL), b = CreateThread(NULL, 0, tls_user, (void *)3, 0, NULL);
    CHECK_EQ("first thread's own", join(a), 1);
    CHECK_EQ("second thread's own", join(b), 1);
    CHECK_EQ("ours is left alone", (ULONG_PTR)TlsGetValue(slot), 1);
    CHECK_EQ("FLS callbacks at thread end", fls_freed, 2);
    CHECK("freed", TlsFree(slot) && FlsFree(fls));
    DWORD slots[200];
    int good = 0;
    for (int i = 0; i < 200; i++) good += (slots[i] = TlsAlloc()) != TLS_OUT_OF_INDEXES && TlsSetValue(slots[i], (void *)(ULONG_PTR)(i + 1));
    for (int i = 0; i < 200; i++) good += TlsGetValue(slots[i]) == (void *)(ULONG_PTR)(i + 1) && TlsFree(slots[i]);
    CHECK_EQ("200 slots", good, 400);
}

typedef HRESULT(WINAPI *set_description_t)(HANDLE, const WCHAR *);
typedef HRESULT(WINAPI *get_description_t)(HANDLE, WCHAR **);

static void priorities(void) {
    HMODULE kb = GetModuleHandleA("kernelbase");
    set_description_t set_description = (set_description_t)(void *)GetProcAddress(kb, "SetThreadDescription");
    get_description_t get_description = (get_description_t)(void *)GetProcAddress(kb, "GetThreadDescription");
    HANDLE t = CreateThread(NULL, 0, give, 0, CREATE_SUSPENDED, NULL);
    CHECK_EQ("normal", GetThreadPriority(t), THREAD_PRIORITY_NORMAL);
    int all[] = {THREAD_PRIORITY_IDLE, THREAD_PRIORITY_LOWEST, THREAD_PRIORITY_BELOW_NORMAL, THREAD_PRIORITY_ABOVE_NORMAL, THREAD_PRIORITY_HIGHEST, THREAD_PRIORITY_TIME_CRITICAL};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        CHECK("priority set and read", SetThreadPriority(t, all[i]) && GetThreadPriority(t) == all[i]);
    CHECK("no such priority", !SetThreadPriority(t, 7));
    PROCESSOR_NUMBER number;
    GetCurrentProcessorNumberEx(&number);
    CHECK("processor number", number.Group == 0 && number.Number < 64);
    DWORD_PTR process, system;
    CHECK("affinity read", GetProcessAffinityMask(GetCurrentProcess(), &process, &system) && process);
    CHECK_EQ("affinity set gives the old", SetThreadAffinityMask(t, process), process);
    CHECK("affinity outside", !SetThreadAffinityMask(t, ~system & ((DWORD_PTR)1 << 62)));
    WCHAR *name = NULL;
    CHECK("name set", set_description && SUCCEEDED(set_description(t, L"worker \x00fc")));
    CHECK("name read", get_description && SUCCEEDED(get_description(t, &name)) && name && !wcscmp(name, L"worker \x00fc"));
    LocalFree(name);
    FILETIME c, e, k, u;
    CHECK("thread times", GetThreadTimes(GetCurrentThread(), &c, &e, &k, &u) && c.dwHighDateTime);
    ResumeThread(t);
    join(t);
}

static DWORD WINAPI measure(void *arg) {
    NT_TIB *tib = (NT_TIB *)NtCurrentTeb();
    MEMORY_BASIC_INFORMATION m = {0};
    VirtualQuery(&m, &m, sizeof m);
    *(SIZE_T *)arg = (char *)tib->StackBase - (char *)m.AllocationBase;
    return (char *)&m < (char *)tib->StackBase && (char *)&m > (char *)tib->StackLimit;
}
static int deep(int n) {
    volatile char page[4096];
    page[0] = (char)n;
    page[4095] = 1;
    return n ? deep(n - 1) + page[4095] : 0;
}
static DWORD WINAPI recurse(void *arg) { return (DWORD)deep((int)(ULONG_PTR)arg); }

static void stacks(void) {
    SIZE_T size = 0;
    CHECK_EQ("TEB's stack limits hold the stack", join(CreateThread(NULL, 0x400000, measure, &size, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL)), 1);
    CHECK_EQ("4 MB reserved as asked", size, 0x400000);
    CHECK_EQ("default from the image's header", join(CreateThread(NULL, 0, measure, &size, 0, NULL)), 1);
    IMAGE_DOS_HEADER *dos = (IMAGE_DOS_HEADER *)GetModuleHandleA(NULL);
    IMAGE_NT_HEADERS64 *nt = (IMAGE_NT_HEADERS64 *)((char *)dos + dos->e_lfanew);
    CHECK_EQ("that many bytes", size, nt->OptionalHeader.SizeOfStackReserve);
    CHECK_EQ("a stack grows through 3 MB", join(CreateThread(NULL, 0x400000, recurse, (void *)700, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL)), 700);
    ULONG_PTR low, high;
    GetCurrentThreadStackLimits(&low, &high);
    CHECK("own limits", (ULONG_PTR)&low > low && (ULONG_PTR)&low < high);
    struct { NTSTATUS status; void *teb; HANDLE process, thread; ULONG_PTR affinity; LONG priority, base; } info;
    CHECK_EQ("ThreadBasicInformation", NtQueryInformationThread_(GetCurrentThread(), 0, &info, sizeof info, NULL), 0);
    CHECK("TEB, process and thread ids", info.teb == NtCurrentTeb() && (ULONG_PTR)info.process == GetCurrentProcessId() && (ULONG_PTR)info.thread == GetCurrentThreadId());
    WINE8_DIFFERS(CHECK_EQ("wrong length", (ULONG)NtQueryInformationThread_(GetCurrentThread(), 0, &info, 4, NULL), 0xc0000004));
    /* Who has a handle to a thread that ended finds no TEB. */
    HANDLE over = CreateThread(NULL, 0, give, NULL, 0, NULL);
    WaitForSingleObject(over, INFINITE);
    for (int i = 0; i < 1000 && NtQueryInformationThread_(over, 0, &info, sizeof info, NULL) == 0 && info.teb; i++) Sleep(1);
    WINE8_DIFFERS(CHECK_EQ("TEB of a thread that ended", (ULONG_PTR)info.teb, 0));
    CloseHandle(over);
}

static void *main_fiber, *other_fiber;
static int fiber_steps;
static void CALLBACK fiber(void *arg) {
    for (;;) {
        fiber_steps += (int)(ULONG_PTR)arg;
        SwitchToFiber(main_fiber);
    }
}

static void fibers(void) {
    main_fiber = ConvertThreadToFiber(NULL);
    other_fiber = CreateFiber(0, fiber, (void *)2);
    CHECK("fibers made", main_fiber && other_fiber);
    for (int i = 0; i < 5; i++) SwitchToFiber(other_fiber);
    CHECK_EQ("switched five times", fiber_steps, 10);
    DeleteFiber(other_fiber);
    CHECK("back to a thread", ConvertFiberToThread());
}

int main(void) {
    codes();
    suspension();
    suspended_waits();
    contexts();
    apcs();
    special_apcs();
    tls();
    priorities();
    stacks();
    fibers();
    return finish();
}
