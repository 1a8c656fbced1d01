/* What a program's end looks like from outside; process information from inside. One argument chooses the way. */
#include "check.h"
#include <psapi.h>

NTDLL(NTSTATUS, NtQueryInformationProcess, HANDLE, int, void *, ULONG, ULONG *)
NTDLL(NTSTATUS, NtTerminateProcess, HANDLE, NTSTATUS)

static DWORD WINAPI end_from_thread(void *arg) { ExitProcess((UINT)(ULONG_PTR)arg); }
static DWORD WINAPI crash_in_thread(void *arg) {
    (void)arg;
    *(volatile int *)0x10 = 1;
    return 0;
}
static void at_end(void) { say("atexit ran"); }
static LONG CALLBACK filter(EXCEPTION_POINTERS *p) {
    say("unhandled filter saw %08lx", p->ExceptionRecord->ExceptionCode);
    return EXCEPTION_EXECUTE_HANDLER;
}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int __attribute__((noinline)) endless(int n) {
    volatile char block[4000];
    block[0] = (char)n;
    return endless(n + 1) + block[0];
}
#pragma GCC diagnostic pop

static void information(void) {
    struct { NTSTATUS status; void *peb; ULONG_PTR affinity; LONG priority; ULONG_PTR id, parent; } info;
    CHECK_EQ("ProcessBasicInformation", NtQueryInformationProcess_(GetCurrentProcess(), 0, &info, sizeof info, NULL), 0);
    CHECK("its id, its PEB, still running", info.id == GetCurrentProcessId() && info.peb && info.status == 0x103);
    CHECK_EQ("wrong length", (ULONG)NtQueryInformationProcess_(GetCurrentProcess(), 0, &info, 4, NULL), 0xc0000004);
    CHECK_EQ("no such class", (ULONG)NtQueryInformationProcess_(GetCurrentProcess(), 0x777, &info, sizeof info, NULL), 0xc0000003);
    DWORD code = 0;
    CHECK("exit code is still active", GetExitCodeProcess(GetCurrentProcess(), &code) && code == STILL_ACTIVE);
    CHECK_EQ("priority class", GetPriorityClass(GetCurrentProcess()), NORMAL_PRIORITY_CLASS);
    CHECK("priority class set", SetPriorityClass(GetCurrentProcess(), BELOW_NORMAL_PRIORITY_CLASS) && GetPriorityClass(GetCurrentProcess()) == BELOW_NORMAL_PRIORITY_CLASS);
    PROCESS_MEMORY_COUNTERS memory = {.cb = sizeof memory};
    CHECK("memory counters", GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory) && memory.WorkingSetSize > 0);
    HANDLE h = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, GetCurrentProcessId());
    CHECK("opened by id", h != NULL);
    char path[MAX_PATH];
    DWORD n = MAX_PATH;
    CHECK("its image", QueryFullProcessImageNameA(h, 0, path, &n) && n > 10 && !_stricmp(path + n - 11, "process.exe"));
    CloseHandle(h);
    CHECK_ERROR("no such process", OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, 0x7ffffff0) != NULL, ERROR_INVALID_PARAMETER);
    BOOL wow = TRUE;
    CHECK("not WOW64", IsWow64Process(GetCurrentProcess(), &wow) && !wow);
    CHECK("no debugger", !IsDebuggerPresent());
    HMODULE modules[256];
    CHECK("modules", EnumProcessModules(GetCurrentProcess(), modules, sizeof modules, &n) && n >= 3 * sizeof *modules && modules[0] == GetModuleHandleA(NULL));
    SIZE_T got = 0;
    int from = 42, to = 0;
    CHECK("reads its own memory", ReadProcessMemory(GetCurrentProcess(), &from, &to, sizeof to, &got) && to == 42 && got == sizeof to);
    CHECK("writes its own memory", WriteProcessMemory(GetCurrentProcess(), &to, &(int){43}, sizeof to, &got) && to == 43);
    WINE8_DIFFERS(CHECK("not beyond", !ReadProcessMemory(GetCurrentProcess(), (void *)8, &to, sizeof to, &got) && GetLastError() == ERROR_PARTIAL_COPY));
    HANDLE job = CreateJobObjectA(NULL, NULL);
    CHECK("job object", job != NULL);
    CloseHandle(job);
    UINT old = SetErrorMode(SEM_FAILCRITICALERRORS);
    CHECK_EQ("error mode kept", SetErrorMode(old), SEM_FAILCRITICALERRORS);
}

int main(int argc, char **argv) {
    const char *way = argc > 1 ? argv[1] : "";
    ULONG_PTR value = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    if (!*way) {
        information();
        return finish();
    }
    if (!strcmp(way, "return")) return (int)value;
    if (!strcmp(way, "exit")) {
        atexit(at_end);
        exit((int)value);
    }
    if (!strcmp(way, "ExitProcess")) ExitProcess((UINT)value);
    if (!strcmp(way, "terminate")) TerminateProcess(GetCurrentProcess(), (UINT)value);
    if (!strcmp(way, "native")) NtTerminateProcess_((HANDLE)-1, (NTSTATUS)value);
    if (!strcmp(way, "thread")) {
        CreateThread(NULL, 0, end_from_thread, (void *)value, 0, NULL);
        Sleep(INFINITE);
    }
    if (!strcmp(way, "main-leaves")) { /* the process lives as long as its last thread */
        CreateThread(NULL, 0, end_from_thread, (void *)value, 0, NULL);
        ExitThread(1);
    }
    if (!strcmp(way, "av")) *(volatile int *)value = 1;
    if (!strcmp(way, "av-thread")) {
        CreateThread(NULL, 0, crash_in_thread, NULL, 0, NULL);
        Sleep(INFINITE);
    }
    if (!strcmp(way, "raise")) RaiseException((DWORD)value, EXCEPTION_NONCONTINUABLE, 0, NULL);
    if (!strcmp(way, "filter")) {
        SetUnhandledExceptionFilter(filter);
        *(volatile int *)0x20 = 1;
    }
    if (!strcmp(way, "divide")) {
        volatile unsigned zero = (unsigned)value;
        return (int)(7 / zero);
    }
    if (!strcmp(way, "illegal")) __asm__ volatile("ud2");
    if (!strcmp(way, "overflow")) return endless(0);
    if (!strcmp(way, "abort")) abort();
    if (!strcmp(way, "jump")) ((void (*)(void))value)();
    if (!strcmp(way, "sleep")) {
        Sleep((DWORD)value);
        return 0;
    }
    if (!strcmp(way, "spin")) for (;;) {}
    if (!strcmp(way, "echo")) {
        for (int i = 1; i < argc; i++) say("[%s]", argv[i]);
        return 0;
    }
    if (!strcmp(way, "env")) {
        char text[1024];
        say("%s", GetEnvironmentVariableA(argv[2], text, sizeof text) ? text : "(none)");
        GetCurrentDirectoryA(sizeof text, text);
        say("%s", text);
        return 0;
    }
    say("no such way: %s", way);
    return 200;
}
