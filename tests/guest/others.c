/* Calls on another process: its threads, views in it, what is known of it, lists of all. */
#include "family.h"
#include <tlhelp32.h>

typedef struct { USHORT Length, MaximumLength; PWSTR Buffer; } TEXT16;
NTDLL(LONG, NtMapViewOfSection, HANDLE, HANDLE, PVOID *, ULONG_PTR, SIZE_T, LARGE_INTEGER *, SIZE_T *, ULONG, ULONG, ULONG)
NTDLL(LONG, NtUnmapViewOfSection, HANDLE, PVOID)
NTDLL(LONG, NtMapViewOfSectionEx, HANDLE, HANDLE, PVOID *, LARGE_INTEGER *, SIZE_T *, ULONG, ULONG, PVOID, ULONG)
NTDLL(LONG, NtAllocateVirtualMemoryEx, HANDLE, PVOID *, SIZE_T *, ULONG, ULONG, PVOID, ULONG)
NTDLL(LONG, NtSetInformationProcess, HANDLE, ULONG, PVOID, ULONG)
NTDLL(LONG, NtQueryInformationProcess, HANDLE, ULONG, PVOID, ULONG, ULONG *)
NTDLL(LONG, NtSuspendProcess, HANDLE)
NTDLL(LONG, NtGetWriteWatch, HANDLE, ULONG, PVOID, SIZE_T, PVOID *, ULONG_PTR *, ULONG *)
NTDLL(LONG, NtQueryVirtualMemory, HANDLE, PVOID, ULONG, PVOID, SIZE_T, SIZE_T *)
NTDLL(LONG, NtQuerySystemInformationEx, ULONG, PVOID, ULONG, PVOID, ULONG, ULONG *)
NTDLL(LONG, NtResumeProcess, HANDLE)

static PROCESS_INFORMATION made;
static HANDLE ready, count;

static void views(void) {
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x10000, NULL);
    char *ours = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0), text[16] = "";
    PVOID base = NULL;
    SIZE_T size = 0, done = 0;
    strcpy(ours, "in both");
    CHECK_EQ("a view in another", NtMapViewOfSection_(section, made.hProcess, &base, 0, 0, NULL, &size, 2, 0, PAGE_READWRITE), 0);
    CHECK("somewhere", base != NULL && size == 0x10000);
    CHECK("read there", ReadProcessMemory(made.hProcess, base, text, sizeof text, &done) && strcmp(text, "in both") == 0);
    CHECK("written there", WriteProcessMemory(made.hProcess, (char *)base + 100, "theirs", 7, &done));
    CHECK("is here", strcmp(ours + 100, "theirs") == 0);
    CHECK_EQ("unmapped", NtUnmapViewOfSection_(made.hProcess, base), 0);
    WINE8_DIFFERS(CHECK("is no more", !ReadProcessMemory(made.hProcess, base, text, 1, &done)));
    UnmapViewOfFile(ours);
    CloseHandle(section);
}

/* Where in another process memory is to lie: a structure that a parameter points at. */
static void places(void) {
    struct { PVOID Low, High; SIZE_T Alignment; } where = {(PVOID)0x10000000, (PVOID)0x1fffffff, 0x100000};
    struct { ULONGLONG Type; PVOID Pointer; } parameter = {1, &where};
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x10000, NULL);
    PVOID base = NULL;
    SIZE_T size = 0x10000;
    CHECK_EQ("memory there, within bounds", NtAllocateVirtualMemoryEx_(made.hProcess, &base, &size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE, &parameter, 1), 0);
    CHECK("is there", base >= where.Low && base <= where.High && !(number(base) & 0xfffff));
    CHECK("freed", VirtualFreeEx(made.hProcess, base, 0, MEM_RELEASE));
    base = NULL;
    size = 0;
    where.Alignment = 0;
    CHECK_EQ("a view there, within bounds", NtMapViewOfSectionEx_(section, made.hProcess, &base, NULL, &size, 0, PAGE_READWRITE, &parameter, 1), 0);
    CHECK("is there", base >= where.Low && base <= where.High);
    CHECK_EQ("unmapped", NtUnmapViewOfSection_(made.hProcess, base), 0);
    where.Alignment = 3;
    CHECK_EQ("no alignment", (ULONG)NtAllocateVirtualMemoryEx_(made.hProcess, &base, &size, MEM_RESERVE, PAGE_READWRITE, &parameter, 1), 0xc000000d);
    CloseHandle(section);
}

/* A process's primary token is a right that another one gives it. */
static void tokens(void) {
    HANDLE own, copy, theirs;
    DWORD length;
    OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &own);
    CHECK("a primary token", DuplicateTokenEx(own, TOKEN_ALL_ACCESS, NULL, SecurityAnonymous, TokenPrimary, &copy));
    LUID_AND_ATTRIBUTES none = {.Luid = {0}};
    LookupPrivilegeValueA(NULL, "SeChangeNotifyPrivilege", &none.Luid);
    TOKEN_PRIVILEGES off = {1, {{none.Luid, 0}}};
    CHECK("without a privilege", AdjustTokenPrivileges(copy, FALSE, &off, 0, NULL, NULL));
    struct { HANDLE Token, Thread; } give = {copy, NULL};
    CHECK_EQ("given", NtSetInformationProcess_(made.hProcess, 9, &give, sizeof give), 0);
    CHECK("opened there", OpenProcessToken(made.hProcess, TOKEN_QUERY, &theirs));
    char buffer[1024];
    TOKEN_PRIVILEGES *has = (TOKEN_PRIVILEGES *)buffer;
    int enabled = -1;
    CHECK("read", GetTokenInformation(theirs, TokenPrivileges, buffer, sizeof buffer, &length));
    for (DWORD i = 0; i < has->PrivilegeCount; i++)
        if (has->Privileges[i].Luid.LowPart == none.Luid.LowPart) enabled = !!(has->Privileges[i].Attributes & SE_PRIVILEGE_ENABLED);
    CHECK_EQ("is that one", enabled, 0);
    give.Token = NULL;
    CHECK_EQ("none", (ULONG)NtSetInformationProcess_(made.hProcess, 9, &give, sizeof give), 0xc0000008);
    CloseHandle(own);
    CloseHandle(copy);
    CloseHandle(theirs);
}

static void threads(void) {
    DWORD id = 0, code = 0;
    char *memory = VirtualAllocEx(made.hProcess, NULL, 0x1000, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    /* lea eax, [rcx + 7]; ret */
    static const unsigned char add[] = {0x8d, 0x41, 0x07, 0xc3};
    CHECK("code for it", WriteProcessMemory(made.hProcess, memory, add, sizeof add, NULL));
    HANDLE thread = CreateRemoteThread(made.hProcess, NULL, 0, (LPTHREAD_START_ROUTINE)(ULONG_PTR)memory, (void *)35, 0, &id);
    CHECK("a thread of another", thread != NULL && id != 0);
    CHECK_EQ("its process", GetProcessIdOfThread(thread), made.dwProcessId);
    CHECK_EQ("its number", GetThreadId(thread), id);
    CHECK_EQ("ends", WaitForSingleObject(thread, 30000), WAIT_OBJECT_0);
    CHECK("with what it answered", GetExitCodeThread(thread, &code) && code == 42);
    CloseHandle(thread);
    thread = CreateRemoteThread(made.hProcess, NULL, 0, (LPTHREAD_START_ROUTINE)(ULONG_PTR)memory, (void *)1, CREATE_SUSPENDED, &id);
    CHECK("a suspended one", thread != NULL);
    HANDLE opened = OpenThread(THREAD_ALL_ACCESS, FALSE, id);
    CHECK("opened by number", opened != NULL);
    CHECK_EQ("does not run", WaitForSingleObject(opened, 50), WAIT_TIMEOUT);
    CHECK_EQ("suspended again", SuspendThread(opened), 1);
    CHECK_EQ("resumed", ResumeThread(thread), 2);
    CHECK_EQ("and let go", ResumeThread(opened), 1);
    CHECK_EQ("ends", WaitForSingleObject(thread, 30000), WAIT_OBJECT_0);
    CloseHandle(thread);
    CloseHandle(opened);
    HANDLE first = OpenThread(THREAD_ALL_ACCESS, FALSE, made.dwThreadId);
    CHECK("its first thread", first != NULL);
    CloseHandle(first);
    CHECK_ERROR("no such thread", OpenThread(THREAD_ALL_ACCESS, FALSE, 0xfffc) != NULL, ERROR_INVALID_PARAMETER);
}

static void standing_still(void) {
    CHECK_EQ("it counts", WaitForSingleObject(count, 30000), WAIT_OBJECT_0);
    CHECK_EQ("suspended", NtSuspendProcess_(made.hProcess), 0);
    while (WaitForSingleObject(count, 0) == WAIT_OBJECT_0) {}
    CHECK_EQ("counts no longer", WaitForSingleObject(count, 100), WAIT_TIMEOUT);
    CHECK_EQ("resumed", NtResumeProcess_(made.hProcess), 0);
    CHECK_EQ("goes on", WaitForSingleObject(count, 30000), WAIT_OBJECT_0);
}

static void known(void) {
    struct { TEXT16 text; WCHAR room[600]; } name;
    char path[MAX_PATH] = "";
    DWORD length = sizeof path, handles = 0;
    FILETIME times[4];
    CHECK("its program", QueryFullProcessImageNameA(made.hProcess, 0, path, &length) && _stricmp(path, self) == 0);
    CHECK("times", GetProcessTimes(made.hProcess, &times[0], &times[1], &times[2], &times[3]) && times[0].dwHighDateTime);
    WINE8_DIFFERS(CHECK("handles", GetProcessHandleCount(made.hProcess, &handles) && handles > 0));
    CHECK_EQ("its image", NtQueryInformationProcess_(made.hProcess, 27, &name, sizeof name, NULL), 0);
    CHECK("is a path", name.text.Length > 8 && name.text.Buffer == name.room && name.room[0] == '\\');
    WINE8_DIFFERS(
        CHECK_EQ("its command line", NtQueryInformationProcess_(made.hProcess, 60, &name, sizeof name, NULL), 0);
        CHECK("ends so", name.text.Length > 10 && name.room[name.text.Length / 2 - 1] == 's'));
}

static void listed(void) {
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS | TH32CS_SNAPTHREAD, 0);
    PROCESSENTRY32 process = {.dwSize = sizeof process};
    THREADENTRY32 thread = {.dwSize = sizeof thread};
    int ours = 0, theirs = 0, our_threads = 0, their_threads = 0;
    const char *file = strrchr(self, '\\') + 1;
    CHECK("a snapshot", all != INVALID_HANDLE_VALUE);
    for (BOOL more = Process32First(all, &process); more; more = Process32Next(all, &process)) {
        ours += process.th32ProcessID == GetCurrentProcessId();
        theirs += process.th32ProcessID == made.dwProcessId && process.th32ParentProcessID == GetCurrentProcessId() && _stricmp(process.szExeFile, file) == 0;
    }
    for (BOOL more = Thread32First(all, &thread); more; more = Thread32Next(all, &thread)) {
        our_threads += thread.th32OwnerProcessID == GetCurrentProcessId();
        their_threads += thread.th32OwnerProcessID == made.dwProcessId && thread.th32ThreadID == made.dwThreadId;
    }
    CHECK_EQ("we are in it", ours, 1);
    CHECK_EQ("so is the other", theirs, 1);
    CHECK("our threads", our_threads >= 1);
    CHECK_EQ("its first thread", their_threads, 1);
    CloseHandle(all);
    all = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, made.dwProcessId);
    MODULEENTRY32 module = {.dwSize = sizeof module};
    int programs = 0, ntdlls = 0;
    CHECK("its modules", all != INVALID_HANDLE_VALUE);
    for (BOOL more = Module32First(all, &module); more; more = Module32Next(all, &module)) {
        programs += _stricmp(module.szModule, file) == 0;
        ntdlls += _stricmp(module.szModule, "ntdll.dll") == 0;
    }
    CHECK("its program and ntdll", programs == 1 && ntdlls == 1);
    CloseHandle(all);
}

/* What the system says for one process. */
static void machine(void) {
    HANDLE none = NULL, weak = NULL, event = CreateEventA(NULL, TRUE, FALSE, NULL);
    ULONG machines[8] = {0}, length = 0;
    USHORT process = 1, native = 0;
    static char sets[65536];
    CHECK_EQ("machines in general", NtQuerySystemInformationEx_(181, &none, sizeof none, machines, sizeof machines, &length), 0);
    CHECK("this one is native", (machines[0] & 0xffff) == IMAGE_FILE_MACHINE_AMD64 && !(machines[0] >> 19 & 1));
    CHECK_EQ("machines of another process", NtQuerySystemInformationEx_(181, &made.hProcess, sizeof none, machines, sizeof machines, &length), 0);
    CHECK("which is one", (machines[0] & 0xffff) == IMAGE_FILE_MACHINE_AMD64 && machines[0] >> 19 & 1);
    CHECK("IsWow64Process2", IsWow64Process2(made.hProcess, &process, &native) && process == 0 && native == IMAGE_FILE_MACHINE_AMD64);
    CHECK("duplicate that may wait only", DuplicateHandle(GetCurrentProcess(), made.hProcess, GetCurrentProcess(), &weak, SYNCHRONIZE, FALSE, 0));
    CHECK_EQ("is refused", (ULONG)NtQuerySystemInformationEx_(181, &weak, sizeof none, machines, sizeof machines, &length), 0xc0000022);
    CHECK_EQ("an event is none", (ULONG)NtQuerySystemInformationEx_(181, &event, sizeof none, machines, sizeof machines, &length), 0xc0000024);
    WINE8_DIFFERS(CHECK_EQ("processors for it", NtQuerySystemInformationEx_(175, &made.hProcess, sizeof none, sets, sizeof sets, &length), 0));
    CloseHandle(weak);
    CloseHandle(event);
}

/* Which pages of another process were written, and which it has in memory. */
static void pages(void) {
    char *memory = VirtualAllocEx(made.hProcess, NULL, 0x4000, MEM_COMMIT | MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READWRITE);
    PVOID written[4] = {0};
    ULONG_PTR count = 4, set[16000];
    ULONG granularity = 0;
    SIZE_T length = 0;
    CHECK("watched memory", memory != NULL);
    CHECK("written to", WriteProcessMemory(made.hProcess, memory + 0x2000, "x", 1, NULL));
    /* Stock Wine looks into the caller, and knows no working sets. */
    WINE8_DIFFERS(
        CHECK_EQ("asked for", NtGetWriteWatch_(made.hProcess, 1, memory, 0x4000, written, &count, &granularity), 0);
        CHECK("that page", count == 1 && written[0] == memory + 0x2000 && granularity == 0x1000);
        count = 4;
        CHECK_EQ("again", NtGetWriteWatch_(made.hProcess, 0, memory, 0x4000, written, &count, &granularity), 0);
        CHECK_EQ("none since", count, 0);
        CHECK_EQ("no room", (ULONG)NtQueryVirtualMemory_(made.hProcess, NULL, 1, set, 16, &length), 0xc0000004);
        CHECK("so many", set[0] > 100);
        CHECK_EQ("all of them", NtQueryVirtualMemory_(made.hProcess, NULL, 1, set, sizeof set, &length), 0);
        CHECK("told", length == 8 + set[0] * 8);
        int found = 0;
        for (ULONG_PTR i = 1; i <= set[0]; i++) found += (set[i] & ~0xfffULL) == (ULONG_PTR)memory + 0x2000 && (set[i] & 0x1ff) == 4;
        CHECK_EQ("that page is among them, to read and write", found, 1);
        CHECK_EQ("shared memory", NtQueryVirtualMemory_(GetCurrentProcess(), NULL, 5, set, 8, &length), 0);
        HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x30000, NULL);
        ULONG_PTR before = set[0];
        PVOID view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
        NtQueryVirtualMemory_(GetCurrentProcess(), NULL, 5, set, 8, &length);
        CHECK_EQ("is more with a view", set[0] - before, 0x30000);
        UnmapViewOfFile(view);
        CloseHandle(section));
}

/* A number is one process's for as long as somebody has a handle to it. */
static void numbers(void) {
    PROCESS_INFORMATION gone, next;
    DWORD code = 0;
    CHECK("one that ends", start(&gone, 0, FALSE, "ends"));
    CHECK_EQ("ended", WaitForSingleObject(gone.hProcess, 30000), WAIT_OBJECT_0);
    for (int i = 0; i < 3; i++) {
        CHECK("the next", start(&next, 0, FALSE, "ends"));
        CHECK("has a number of its own", next.dwProcessId != gone.dwProcessId);
        CHECK_EQ("and ends", ended(&next), 100);
    }
    HANDLE again = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, gone.dwProcessId);
    CHECK("opened by number", again != NULL);
    CHECK("after its end", GetExitCodeProcess(again, &code) && code == 100);
    CloseHandle(again);
    CHECK_EQ("let go", ended(&gone), 100);
}

static int child(char **arguments) {
    if (!strcmp(arguments[1], "counts")) {
        HANDLE counter = OpenSemaphoreA(SEMAPHORE_ALL_ACCESS, FALSE, "others-count");
        SetEvent(OpenEventA(EVENT_ALL_ACCESS, FALSE, "others-ready"));
        for (int i = 0; i < 30000; i++, Sleep(2)) ReleaseSemaphore(counter, 1, NULL);
    }
    return 100;
}

int main(int argc, char **arguments) {
    if (argc > 1) return child(arguments);
    GetModuleFileNameA(NULL, self, sizeof self);
    ready = CreateEventA(NULL, TRUE, FALSE, "others-ready");
    count = CreateSemaphoreA(NULL, 0, 0x7fffffff, "others-count");
    CHECK("another", start(&made, 0, FALSE, "counts"));
    CHECK_EQ("runs", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    views();
    WINE8_DIFFERS(places());
    WINE8_DIFFERS(tokens());
    threads();
    standing_still();
    known();
    machine();
    pages();
    listed();
    numbers();
    TerminateProcess(made.hProcess, 3);
    CHECK_EQ("ended", ended(&made), 3);
    return finish();
}
