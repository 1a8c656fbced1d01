/* Times single operations for the benches: "name nanoseconds", the smallest of several rounds. Arguments: names, or none for all. */
#include "check.h"

NTDLL(NTSTATUS, NtQueryPerformanceCounter, LARGE_INTEGER *, LARGE_INTEGER *)
NTDLL(NTSTATUS, NtClose, HANDLE)

static HANDLE event_a, event_b, file;
static char block[4096];

static void null_call(int n) { while (n--) NtClose_(NULL); }
static void query_counter(int n) {
    LARGE_INTEGER c;
    while (n--) NtQueryPerformanceCounter_(&c, NULL);
}
static void set_reset(int n) {
    while (n--) {
        SetEvent(event_a);
        ResetEvent(event_a);
    }
}
static void signalled_wait(int n) {
    SetEvent(event_a);
    while (n--) WaitForSingleObject(event_a, 0);
    ResetEvent(event_a);
}
static DWORD WINAPI answer(void *arg) {
    for (int n = (int)(ULONG_PTR)arg; n--;) {
        WaitForSingleObject(event_a, INFINITE);
        SetEvent(event_b);
    }
    return 0;
}
static HANDLE auto_a, auto_b;
static void ping_pong(int n) {
    HANDLE a = event_a, b = event_b;
    event_a = auto_a;
    event_b = auto_b;
    HANDLE t = CreateThread(NULL, 0, answer, (void *)(ULONG_PTR)n, 0, NULL);
    for (int i = 0; i < n; i++) {
        SetEvent(event_a);
        WaitForSingleObject(event_b, INFINITE);
    }
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    event_a = a;
    event_b = b;
}
static void open_close(int n) {
    while (n--) CloseHandle(CreateFileA("scratch\\probe.bin", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL));
}
static void file_attributes(int n) { while (n--) GetFileAttributesA("scratch\\probe.bin"); }
static void read_4k(int n) {
    DWORD got;
    while (n--) {
        OVERLAPPED o = {.Offset = 0};
        ReadFile(file, block, sizeof block, &got, &o);
    }
}
static void write_4k(int n) {
    DWORD got;
    while (n--) {
        OVERLAPPED o = {.Offset = 0};
        WriteFile(file, block, sizeof block, &got, &o);
    }
}
static void alloc_free(int n) { while (n--) VirtualFree(VirtualAlloc(NULL, 65536, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), 0, MEM_RELEASE); }
static DWORD WINAPI nothing(void *arg) { return (DWORD)(ULONG_PTR)arg; }
static void create_join(int n) {
    while (n--) {
        HANDLE t = CreateThread(NULL, 0, nothing, NULL, 0, NULL);
        WaitForSingleObject(t, INFINITE);
        CloseHandle(t);
    }
}
static LONG CALLBACK skip(EXCEPTION_POINTERS *p) {
    p->ContextRecord->Rip += 2;
    return EXCEPTION_CONTINUE_EXECUTION;
}
static void access_violation(int n) {
    void *h = AddVectoredExceptionHandler(1, skip);
    while (n--) __asm__ volatile(".byte 0x8b,0x00" : : "a"(8ULL) : "memory"); /* mov (%rax), %eax */
    RemoveVectoredExceptionHandler(h);
}
static void registry_read(int n) {
    while (n--) {
        HKEY k;
        char text[128];
        DWORD size = sizeof text;
        RegOpenKeyExA(HKEY_LOCAL_MACHINE, "Software\\Microsoft\\Windows NT\\CurrentVersion", 0, KEY_READ, &k);
        RegQueryValueExA(k, "CurrentBuildNumber", NULL, NULL, (BYTE *)text, &size);
        RegCloseKey(k);
    }
}

static const struct { const char *name; void (*run)(int); int count; } probes[] = {
    {"null_call", null_call, 200000},
    {"query_performance_counter", query_counter, 100000},
    {"set_reset_event", set_reset, 50000},
    {"signalled_wait", signalled_wait, 50000},
    {"ping_pong", ping_pong, 5000},
    {"open_close", open_close, 3000},
    {"file_attributes", file_attributes, 3000},
    {"read_4k", read_4k, 10000},
    {"write_4k", write_4k, 10000},
    {"virtual_alloc_free", alloc_free, 5000},
    {"create_thread_join", create_join, 300},
    {"access_violation", access_violation, 3000},
    {"registry_read", registry_read, 3000},
};

int main(int argc, char **argv) {
    LARGE_INTEGER f, a, b;
    DWORD n;
    QueryPerformanceFrequency(&f);
    event_a = CreateEventA(NULL, TRUE, FALSE, NULL);
    event_b = CreateEventA(NULL, TRUE, FALSE, NULL);
    auto_a = CreateEventA(NULL, FALSE, FALSE, NULL);
    auto_b = CreateEventA(NULL, FALSE, FALSE, NULL);
    file = CreateFileA(scratch("probe.bin"), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, CREATE_ALWAYS, 0, NULL);
    WriteFile(file, block, sizeof block, &n, NULL);
    for (unsigned i = 0; i < sizeof probes / sizeof *probes; i++) {
        int wanted = argc < 2;
        for (int k = 1; k < argc; k++) wanted |= !strcmp(argv[k], probes[i].name);
        if (!wanted) continue;
        double best = 1e18;
        probes[i].run(probes[i].count / 10 + 1);
        for (int round = 0; round < 5; round++) {
            QueryPerformanceCounter(&a);
            probes[i].run(probes[i].count / 5);
            QueryPerformanceCounter(&b);
            double ns = (double)(b.QuadPart - a.QuadPart) * 1e9 / (double)f.QuadPart / (probes[i].count / 5);
            if (ns < best) best = ns;
        }
        say("%s %.1f", probes[i].name, best);
    }
    CloseHandle(file);
    DeleteFileA(scratch("probe.bin"));
    return 0;
}
