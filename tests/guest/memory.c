/* Virtual memory: reserve, commit, decommit, protect, query, guard pages, write watch, placeholders, large reserve. */
#include "check.h"

NTDLL(NTSTATUS, NtAllocateVirtualMemory, HANDLE, void **, ULONG_PTR, SIZE_T *, ULONG, ULONG)
NTDLL(NTSTATUS, NtFreeVirtualMemory, HANDLE, void **, SIZE_T *, ULONG)
NTDLL(NTSTATUS, NtProtectVirtualMemory, HANDLE, void **, SIZE_T *, ULONG, ULONG *)
NTDLL(NTSTATUS, NtReadVirtualMemory, HANDLE, const void *, void *, SIZE_T, SIZE_T *)

static volatile DWORD fault_code;
static volatile ULONG_PTR fault_kind, fault_address;
static volatile int faults;
static LONG CALLBACK on_fault(EXCEPTION_POINTERS *p) {
    EXCEPTION_RECORD *r = p->ExceptionRecord;
    if (r->ExceptionCode != EXCEPTION_ACCESS_VIOLATION && r->ExceptionCode != EXCEPTION_GUARD_PAGE) return EXCEPTION_CONTINUE_SEARCH;
    faults++;
    fault_code = r->ExceptionCode;
    fault_kind = r->ExceptionInformation[0];
    fault_address = r->ExceptionInformation[1];
    if (r->ExceptionCode == EXCEPTION_ACCESS_VIOLATION) {
        if (fault_kind == 8) {
            p->ContextRecord->Rip = *(ULONG_PTR *)p->ContextRecord->Rsp;
            p->ContextRecord->Rsp += 8;
        } else {
            p->ContextRecord->Rip += 3; /* movb (%rdx), %al and movb %al, (%rdx) below are padded to 3 bytes */
        }
    }
    return EXCEPTION_CONTINUE_EXECUTION;
}

static DWORD read_at(void *p) {
    fault_code = 0;
    __asm__ volatile(".byte 0x48,0x8a,0x02" : : "d"(p) : "rax", "memory");
    return fault_code;
}
static DWORD write_at(void *p) {
    fault_code = 0;
    __asm__ volatile(".byte 0x48,0x88,0x02" : : "d"(p), "a"(7) : "memory");
    return fault_code;
}
static DWORD run_at(void *p) {
    fault_code = 0;
    ((void (*)(void))p)();
    return fault_code;
}

static MEMORY_BASIC_INFORMATION query(const void *p) {
    MEMORY_BASIC_INFORMATION m;
    memset(&m, 0, sizeof m);
    VirtualQuery(p, &m, sizeof m);
    return m;
}

static void basics(void) {
    char *p = VirtualAlloc(NULL, 0x30000, MEM_RESERVE, PAGE_READWRITE);
    MEMORY_BASIC_INFORMATION m = query(p + 0x5123);
    CHECK("reserved at 64 KB", p && !((ULONG_PTR)p & 0xffff));
    CHECK("query reserved", m.State == MEM_RESERVE && m.AllocationBase == p && m.BaseAddress == p + 0x5000 && m.RegionSize == 0x2b000 && m.Type == MEM_PRIVATE);
    CHECK_EQ("protection of reserved is 0", m.Protect, 0);
    CHECK_EQ("allocation protection", m.AllocationProtect, PAGE_READWRITE);
    CHECK_EQ("reserved cannot be read", read_at(p), EXCEPTION_ACCESS_VIOLATION);
    CHECK("commit three pages in the middle", VirtualAlloc(p + 0x10000, 0x2001, MEM_COMMIT, PAGE_READWRITE) == p + 0x10000);
    m = query(p + 0x10000);
    CHECK("query committed", m.State == MEM_COMMIT && m.RegionSize == 0x3000 && m.Protect == PAGE_READWRITE && m.AllocationBase == p);
    int zero = 1;
    for (int i = 0; i < 0x3000; i++) zero &= p[0x10000 + i] == 0;
    CHECK("committed memory is zero", zero);
    memset(p + 0x10000, 0x5a, 0x3000);
    CHECK("commit again keeps contents", VirtualAlloc(p + 0x10000, 0x4000, MEM_COMMIT, PAGE_READWRITE) && p[0x12fff] == 0x5a && p[0x13000] == 0);
    CHECK("decommit", VirtualFree(p + 0x10000, 0x1000, MEM_DECOMMIT));
    CHECK_EQ("decommitted cannot be read", read_at(p + 0x10000), EXCEPTION_ACCESS_VIOLATION);
    CHECK("commit once more: zero", VirtualAlloc(p + 0x10000, 0x1000, MEM_COMMIT, PAGE_READWRITE) && p[0x10000] == 0 && p[0x11000] == 0x5a);
    CHECK_ERROR("release must be whole", VirtualFree(p, 0x1000, MEM_RELEASE), ERROR_INVALID_PARAMETER);
    WINE8_DIFFERS(CHECK_ERROR("release must be from its base", VirtualFree(p + 0x10000, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS));
    CHECK("release", VirtualFree(p, 0, MEM_RELEASE));
    CHECK_EQ("free now", query(p).State, MEM_FREE);
    CHECK_EQ("free memory is PAGE_NOACCESS", query(p).Protect, PAGE_NOACCESS);
    CHECK("same place again", VirtualAlloc(p, 0x1000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) == p);
    CHECK_ERROR("place in use", VirtualAlloc(p, 0x1000, MEM_RESERVE, PAGE_READWRITE) != NULL, ERROR_INVALID_ADDRESS);
    VirtualFree(p, 0, MEM_RELEASE);
    CHECK_ERROR("commit of nothing", VirtualAlloc(p, 0x1000, MEM_COMMIT, PAGE_READWRITE) != NULL, ERROR_INVALID_ADDRESS);
    CHECK_ERROR("no size", VirtualAlloc(NULL, 0, MEM_COMMIT, PAGE_READWRITE) != NULL, ERROR_INVALID_PARAMETER);
    CHECK_ERROR("no such protection", VirtualAlloc(NULL, 4096, MEM_COMMIT, 3) != NULL, ERROR_INVALID_PARAMETER);
    CHECK_ERROR("no type", VirtualAlloc(NULL, 4096, 0, PAGE_READWRITE) != NULL, ERROR_INVALID_PARAMETER);
    char *top = VirtualAlloc(NULL, 0x10000, MEM_RESERVE | MEM_TOP_DOWN, PAGE_NOACCESS);
    CHECK("top down is high", top > (char *)0x100000000);
    VirtualFree(top, 0, MEM_RELEASE);
    char *low = VirtualAlloc((void *)0x30010123, 0x1000, MEM_RESERVE, PAGE_NOACCESS);
    CHECK("an address is rounded down", low == (char *)0x30010000 && query(low).RegionSize == 0x2000);
    VirtualFree(low, 0, MEM_RELEASE);
    SIZE_T size = 0x1000;
    CHECK_EQ("bad pointer", (ULONG)NtAllocateVirtualMemory_(GetCurrentProcess(), (void **)8, 0, &size, MEM_COMMIT, PAGE_READWRITE), 0xc0000005);
    void *q = NULL;
    CHECK_EQ("zero bits", NtAllocateVirtualMemory_(GetCurrentProcess(), &q, 1, &size, MEM_RESERVE, PAGE_READWRITE), 0);
    CHECK("below 2 GB", (ULONG_PTR)q < 0x80000000);
    size = 0;
    CHECK_EQ("NtFreeVirtualMemory tells the size", NtFreeVirtualMemory_(GetCurrentProcess(), &q, &size, MEM_RELEASE) == 0 && size == 0x1000, 1);
}

static void protections(void) {
    char *p = VirtualAlloc(NULL, 0x4000, MEM_COMMIT, PAGE_READWRITE);
    DWORD old = 0;
    p[0] = (char)0xc3;
    CHECK("read only", VirtualProtect(p, 1, PAGE_READONLY, &old) && old == PAGE_READWRITE);
    CHECK_EQ("reads", read_at(p), 0);
    CHECK_EQ("does not write", write_at(p), EXCEPTION_ACCESS_VIOLATION);
    CHECK_EQ("kind is write", fault_kind, 1);
    CHECK_EQ("address is told", fault_address, (ULONG_PTR)p);
    CHECK_EQ("does not run", run_at(p), EXCEPTION_ACCESS_VIOLATION);
    CHECK_EQ("kind is execute", fault_kind, 8);
    CHECK("execute", VirtualProtect(p, 1, PAGE_EXECUTE_READ, &old) && old == PAGE_READONLY);
    FlushInstructionCache(GetCurrentProcess(), p, 1);
    CHECK_EQ("runs", run_at(p), 0);
    CHECK("no access", VirtualProtect(p, 1, PAGE_NOACCESS, &old) && old == PAGE_EXECUTE_READ);
    CHECK_EQ("does not read", read_at(p + 5), EXCEPTION_ACCESS_VIOLATION);
    CHECK("kind is read, exact address", fault_kind == 0 && fault_address == (ULONG_PTR)p + 5);
    CHECK_EQ("the next page is untouched", write_at(p + 0x1000), 0);
    CHECK("two pages, two protections: old is the first's", VirtualProtect(p, 0x2000, PAGE_READWRITE, &old) && old == PAGE_NOACCESS);
    CHECK_EQ("contents kept", (BYTE)p[0], 0xc3);
    CHECK("execute read write", VirtualProtect(p, 0x4000, PAGE_EXECUTE_READWRITE, &old));
    p[0] = (char)0xc3;
    CHECK_EQ("writes and runs", run_at(p), 0);
    CHECK_ERROR("protect wants a place for the old", VirtualProtect(p, 1, PAGE_READONLY, NULL), ERROR_NOACCESS);
    WINE8_DIFFERS(CHECK_ERROR("protect of free memory", VirtualProtect((void *)0x7ff00000000, 1, PAGE_READONLY, &old), ERROR_INVALID_ADDRESS));
    CHECK_ERROR("no such protection", VirtualProtect(p, 1, 0x333, &old), ERROR_INVALID_PARAMETER);
    VirtualFree(p, 0, MEM_RELEASE);
    CHECK_EQ("null", read_at(NULL), EXCEPTION_ACCESS_VIOLATION);
    CHECK("non-canonical: address is -1", read_at((void *)0x8000000000000000) == EXCEPTION_ACCESS_VIOLATION && fault_address == (ULONG_PTR)-1);
}

static void guards(void) {
    char *p = VirtualAlloc(NULL, 0x3000, MEM_COMMIT, PAGE_READWRITE);
    DWORD old;
    CHECK("guard set", VirtualProtect(p + 0x1000, 0x1000, PAGE_READWRITE | PAGE_GUARD, &old));
    CHECK_EQ("guard seen", query(p + 0x1000).Protect, PAGE_READWRITE | PAGE_GUARD);
    faults = 0;
    CHECK_EQ("first touch raises", write_at(p + 0x1000), EXCEPTION_GUARD_PAGE);
    CHECK("once", faults == 1 && p[0x1000] == 7);
    CHECK("with kind and address", fault_kind == 1 && fault_address == (ULONG_PTR)p + 0x1000);
    CHECK_EQ("guard is gone", query(p + 0x1000).Protect, PAGE_READWRITE);
    CHECK_EQ("second touch does not", read_at(p + 0x1000), 0);
    CHECK("guard inside a system call", VirtualProtect(p + 0x1000, 0x1000, PAGE_READWRITE | PAGE_GUARD, &old));
    SIZE_T done = 0;
    NTSTATUS s = NtReadVirtualMemory_(GetCurrentProcess(), p + 0x1000, p, 16, &done);
    WINE8_DIFFERS(CHECK("fails without a fault", s != 0));
    VirtualFree(p, 0, MEM_RELEASE);
}

static void watch(void) {
    char *p = VirtualAlloc(NULL, 0x10000, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH, PAGE_READWRITE);
    void *list[16];
    ULONG_PTR count = 16;
    ULONG grain = 0;
    CHECK("write watch allocated", p != NULL);
    CHECK_EQ("nothing written", GetWriteWatch(0, p, 0x10000, list, &count, &grain), 0);
    CHECK("no pages, granularity a page", count == 0 && grain == 4096);
    p[0x3000] = 1;
    p[0x3100] = 2;
    p[0xf000] = 3;
    count = 16;
    CHECK_EQ("two pages", GetWriteWatch(0, p, 0x10000, list, &count, &grain) || count != 2, 0);
    CHECK("these", list[0] == p + 0x3000 && list[1] == p + 0xf000);
    count = 16;
    GetWriteWatch(WRITE_WATCH_FLAG_RESET, p, 0x10000, list, &count, &grain);
    count = 16;
    CHECK("reset while read", GetWriteWatch(0, p, 0x10000, list, &count, &grain) == 0 && count == 0);
    p[0x5000] = 1;
    CHECK_EQ("ResetWriteWatch", ResetWriteWatch(p, 0x10000), 0);
    count = 16;
    CHECK("forgot it", GetWriteWatch(0, p, 0x10000, list, &count, &grain) == 0 && count == 0);
    for (int i = 0; i < 16; i++) p[i * 4096] = 1;
    count = 4;
    CHECK("a short list is filled", GetWriteWatch(0, p, 0x10000, list, &count, &grain) == 0 && count == 4 && list[3] == p + 0x3000);
    VirtualFree(p, 0, MEM_RELEASE);
    p = VirtualAlloc(NULL, 0x1000, MEM_COMMIT, PAGE_READWRITE);
    count = 4;
    CHECK("not on ordinary memory", GetWriteWatch(0, p, 0x1000, list, &count, &grain) != 0);
    VirtualFree(p, 0, MEM_RELEASE);
}

typedef void *(WINAPI *alloc2_t)(HANDLE, void *, SIZE_T, ULONG, ULONG, void *, ULONG);
typedef void *(WINAPI *map3_t)(HANDLE, HANDLE, void *, ULONG64, SIZE_T, ULONG, ULONG, void *, ULONG);
#ifndef MEM_RESERVE_PLACEHOLDER
#define MEM_RESERVE_PLACEHOLDER 0x40000
#define MEM_REPLACE_PLACEHOLDER 0x4000
#define MEM_PRESERVE_PLACEHOLDER 2
#define MEM_COALESCE_PLACEHOLDERS 1
#endif

static void placeholders(void) {
    HMODULE kb = GetModuleHandleA("kernelbase");
    alloc2_t alloc2 = (alloc2_t)(void *)GetProcAddress(kb, "VirtualAlloc2");
    map3_t map3 = (map3_t)(void *)GetProcAddress(kb, "MapViewOfFile3");
    HANDLE self = GetCurrentProcess();
    CHECK("VirtualAlloc2 and MapViewOfFile3", alloc2 && map3);
    if (under_oracle() || !alloc2 || !map3) return; /* Wine 8 has no placeholders */
    char *p = alloc2(self, NULL, 0x40000, MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS, NULL, 0);
    CHECK("placeholder", p != NULL);
    CHECK("split in two", VirtualFree(p, 0x10000, MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER));
    CHECK("regions are apart", query(p).RegionSize == 0x10000 && query(p + 0x10000).AllocationBase == p + 0x10000);
    CHECK("replace the first by memory", alloc2(self, p, 0x10000, MEM_RESERVE | MEM_COMMIT | MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0) == p);
    p[0] = 1;
    HANDLE s = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x30000, NULL);
    char *v = map3(s, self, p + 0x10000, 0, 0x30000, MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0);
    CHECK("replace the second by a view", v == p + 0x10000);
    if (v) v[0] = 2;
    typedef BOOL(WINAPI * unmap2_t)(HANDLE, void *, ULONG);
    unmap2_t unmap2 = (unmap2_t)(void *)GetProcAddress(kb, "UnmapViewOfFile2");
    CHECK("view back to a placeholder", unmap2 && unmap2(self, v, MEM_PRESERVE_PLACEHOLDER));
    CHECK("memory back to a placeholder", VirtualFree(p, 0x10000, MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER));
    CHECK("coalesce", VirtualFree(p, 0x40000, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS));
    CHECK_EQ("one region", query(p).RegionSize, 0x40000);
    CHECK("release", VirtualFree(p, 0, MEM_RELEASE));
    CloseHandle(s);
}

static void large(void) {
    SIZE_T huge = (SIZE_T)64 << 30;
    char *p = VirtualAlloc(NULL, huge, MEM_RESERVE, PAGE_NOACCESS);
    CHECK("64 GB reserved", p != NULL);
    CHECK("commit at its far end", p && VirtualAlloc(p + huge - 0x10000, 0x10000, MEM_COMMIT, PAGE_READWRITE));
    if (p) p[huge - 1] = 1;
    CHECK("released", p && VirtualFree(p, 0, MEM_RELEASE));
    p = VirtualAlloc(NULL, (SIZE_T)1 << 30, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    CHECK("1 GB committed, untouched", p != NULL);
    CHECK("reset", VirtualAlloc(p, 0x100000, MEM_RESET, PAGE_READWRITE) != NULL);
    CHECK("released", VirtualFree(p, 0, MEM_RELEASE));
    int good = 0;
    for (int i = 0; i < 500; i++) {
        char *q = VirtualAlloc(NULL, 0x20000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        if (q) q[0x1ffff] = 1;
        good += q && VirtualFree(q, 0, MEM_RELEASE);
    }
    CHECK_EQ("500 times 128 KB", good, 500);
    HANDLE heap = HeapCreate(0, 0, 0);
    void *blocks[1000];
    for (int i = 0; i < 1000; i++) {
        blocks[i] = HeapAlloc(heap, HEAP_ZERO_MEMORY, (SIZE_T)i * 37 + 1);
        memset(blocks[i], i, (SIZE_T)i * 37 + 1);
    }
    good = 0;
    for (int i = 0; i < 1000; i++) good += *(BYTE *)blocks[i] == (BYTE)i && HeapSize(heap, 0, blocks[i]) == (SIZE_T)i * 37 + 1 && HeapFree(heap, 0, blocks[i]);
    CHECK_EQ("1000 heap blocks", good, 1000);
    CHECK("a heap of its own", HeapValidate(heap, 0, NULL) && HeapDestroy(heap));
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    CHECK("memory status", GlobalMemoryStatusEx(&status) && status.ullTotalPhys > ((ULONGLONG)64 << 20) && status.ullAvailPhys <= status.ullTotalPhys && status.ullTotalVirtual > ((ULONGLONG)1 << 40));
    MEMORY_BASIC_INFORMATION m = query(&huge);
    CHECK("a stack is private memory", m.State == MEM_COMMIT && m.Type == MEM_PRIVATE);
    m = query(GetModuleHandleA(NULL));
    CHECK("an image is an image", m.Type == MEM_IMAGE && m.AllocationProtect == PAGE_EXECUTE_WRITECOPY && m.Protect == PAGE_READONLY);
    CHECK_EQ("beyond user memory", VirtualQuery((void *)0x7fffffff0000, &m, sizeof m), 0);
}

/* What a program finds that does not say that it bears addresses above 2 GB: bits of what lies above all the same. */
static int lies_above(void) {
    const UINT_PTR limit = 0x80000000;
    int local, above = 0;
    void *heap = malloc(100), *pages = VirtualAlloc(NULL, 0x1000, MEM_COMMIT, PAGE_READWRITE);
    if ((UINT_PTR)GetModuleHandleA(NULL) >= limit) above |= 1;
    if ((UINT_PTR)&local >= limit) above |= 2;
    if (!heap || (UINT_PTR)heap >= limit) above |= 4;
    if (!pages || (UINT_PTR)pages >= limit) above |= 8;
    return above;
}

/* This program once more, as one that was linked with /LARGEADDRESSAWARE:NO. */
static void below_2_gb(void) {
    char self[MAX_PATH], command[] = "memory low";
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    DWORD done, header = 0, code = 99;
    USHORT flags = 0;
    GetModuleFileNameA(NULL, self, sizeof self);
    CHECK("a copy of the program", CopyFileA(self, "low.exe", FALSE));
    HANDLE file = CreateFileA("low.exe", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    SetFilePointer(file, 60, NULL, FILE_BEGIN);
    ReadFile(file, &header, 4, &done, NULL);
    SetFilePointer(file, (LONG)header + 22, NULL, FILE_BEGIN);
    ReadFile(file, &flags, 2, &done, NULL);
    CHECK("it says that it bears high addresses", flags & IMAGE_FILE_LARGE_ADDRESS_AWARE);
    flags &= (USHORT)~IMAGE_FILE_LARGE_ADDRESS_AWARE;
    SetFilePointer(file, (LONG)header + 22, NULL, FILE_BEGIN);
    WriteFile(file, &flags, 2, &done, NULL);
    CloseHandle(file);
    if (CHECK("one that does not is started", CreateProcessA("low.exe", command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process))) {
        WaitForSingleObject(process.hProcess, 20000);
        GetExitCodeProcess(process.hProcess, &code);
        WINE8_DIFFERS(CHECK_EQ("and has nothing above 2 GB", code, 0));
        CloseHandle(process.hThread);
        CloseHandle(process.hProcess);
    }
    DeleteFileA("low.exe");
}

int main(int count, char **arguments) {
    if (count > 1 && !strcmp(arguments[1], "low")) return lies_above();
    AddVectoredExceptionHandler(1, on_fault);
    basics();
    protections();
    guards();
    watch();
    placeholders();
    large();
    below_2_gb();
    return finish();
}
