/* Processes that make processes: parameters, exit, inheritance, shared objects, and calls on another process. */
#include "check.h"
#include <sddl.h>

static char self[MAX_PATH];

/* Starts this program again with these arguments. */
static BOOL start(PROCESS_INFORMATION *made, DWORD flags, BOOL inherit, const char *arguments) {
    char line[2 * MAX_PATH];
    STARTUPINFOA with = {.cb = sizeof with};
    snprintf(line, sizeof line, "\"%s\" %s", self, arguments);
    return CreateProcessA(NULL, line, NULL, NULL, inherit, flags, NULL, NULL, &with, made);
}

static DWORD ended(PROCESS_INFORMATION *made) {
    DWORD code = 0xdead;
    if (WaitForSingleObject(made->hProcess, 30000) == WAIT_OBJECT_0) GetExitCodeProcess(made->hProcess, &code);
    CloseHandle(made->hProcess);
    CloseHandle(made->hThread);
    return code;
}

static HANDLE inheritable(HANDLE handle) {
    SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    return handle;
}

static void ends(void) {
    PROCESS_INFORMATION made;
    DWORD code = 0;
    CHECK("a child", start(&made, 0, FALSE, "exit 42"));
    CHECK_EQ("its number", GetProcessId(made.hProcess), made.dwProcessId);
    CHECK("not ours", made.dwProcessId != GetCurrentProcessId() && made.dwThreadId != GetCurrentThreadId());
    CHECK_EQ("its exit code", ended(&made), 42);
    CHECK("a suspended child", start(&made, CREATE_SUSPENDED, FALSE, "exit 7"));
    CHECK_EQ("does not run", WaitForSingleObject(made.hProcess, 100), WAIT_TIMEOUT);
    CHECK("GetExitCodeProcess", GetExitCodeProcess(made.hProcess, &code));
    CHECK_EQ("still active", code, STILL_ACTIVE);
    CHECK_EQ("resumed", ResumeThread(made.hThread), 1);
    CHECK_EQ("runs", ended(&made), 7);
    CHECK("a child that stays", start(&made, 0, FALSE, "stay"));
    CHECK_EQ("its priority class", GetPriorityClass(made.hProcess), NORMAL_PRIORITY_CLASS);
    CHECK("is set by its parent", SetPriorityClass(made.hProcess, IDLE_PRIORITY_CLASS));
    CHECK_EQ("so", GetPriorityClass(made.hProcess), IDLE_PRIORITY_CLASS);
    CHECK("terminated", TerminateProcess(made.hProcess, 99));
    CHECK_EQ("its thread ends too", WaitForSingleObject(made.hThread, 30000), WAIT_OBJECT_0);
    CHECK("GetExitCodeThread", GetExitCodeThread(made.hThread, &code));
    CHECK_EQ("so", code, 99);
    CHECK_EQ("with that code", ended(&made), 99);
    CHECK("a child that crashes", start(&made, 0, FALSE, "crash"));
    CHECK_EQ("ends with the exception", ended(&made), 0xc0000005);
    CHECK_ERROR("no such program", CreateProcessA("C:\\none.exe", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &(STARTUPINFOA){.cb = sizeof(STARTUPINFOA)}, &made), ERROR_FILE_NOT_FOUND);
}

/* Who makes a process lets its first thread act for somebody, and takes that back. */
static void acts_for(void) {
    PROCESS_INFORMATION made;
    HANDLE own, other, seen = NULL, mutex = CreateMutexA(NULL, FALSE, NULL), theirs = NULL;
    SECURITY_IMPERSONATION_LEVEL level = 0;
    DWORD length;
    CHECK("our token", OpenProcessToken(GetCurrentProcess(), TOKEN_DUPLICATE | TOKEN_QUERY, &own));
    CHECK("another like it", DuplicateTokenEx(own, TOKEN_IMPERSONATE | TOKEN_QUERY, NULL, SecurityImpersonation, TokenImpersonation, &other));
    CHECK("a child that has not run", start(&made, CREATE_SUSPENDED, FALSE, "acts"));
    CHECK("its thread has none", !OpenThreadToken(made.hThread, TOKEN_QUERY, TRUE, &seen) && GetLastError() == ERROR_NO_TOKEN);
    CHECK("is given it", SetThreadToken(&made.hThread, other));
    CHECK("has it", OpenThreadToken(made.hThread, TOKEN_QUERY, TRUE, &seen));
    CHECK("as it was", GetTokenInformation(seen, TokenImpersonationLevel, &level, sizeof level, &length) && level == SecurityImpersonation);
    /* Right 2 of a mutex is an event's. */
    CHECK("a mutex with a right that it has not", DuplicateHandle(GetCurrentProcess(), mutex, made.hProcess, &theirs, SYNCHRONIZE | EVENT_MODIFY_STATE, FALSE, 0) && theirs);
    ResumeThread(made.hThread);
    CHECK_EQ("it finds that it acts for us", ended(&made), 3);
    CHECK("another child", start(&made, CREATE_SUSPENDED, FALSE, "acts"));
    CHECK("is given it", SetThreadToken(&made.hThread, other));
    CHECK("no longer", SetThreadToken(&made.hThread, NULL));
    CHECK("has none", !OpenThreadToken(made.hThread, TOKEN_QUERY, TRUE, &seen) && GetLastError() == ERROR_NO_TOKEN);
    ResumeThread(made.hThread);
    CHECK_EQ("it finds none", ended(&made), 4);
}

static void parameters(void) {
    PROCESS_INFORMATION made;
    STARTUPINFOA with = {.cb = sizeof with};
    char line[2 * MAX_PATH];
    SetEnvironmentVariableA("CHILDREN_TEST", "from the parent");
    snprintf(line, sizeof line, "\"%s\" told \"two words\" \"\"", self);
    CHECK("a child elsewhere", CreateProcessA(self, line, NULL, NULL, FALSE, 0, NULL, "C:\\windows", &with, &made));
    CHECK_EQ("is told arguments, environment and folder", ended(&made), 0);
    CHECK("a child with another environment", CreateProcessA(self, line, NULL, NULL, FALSE, 0, "A=b\0SystemRoot=C:\\windows\0", NULL, &with, &made));
    CHECK_EQ("has that one", ended(&made), 2);
}

static void named(void) {
    PROCESS_INFORMATION made;
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, "children-event"), mutex = CreateMutexA(NULL, FALSE, "children-mutex");
    HANDLE semaphore = CreateSemaphoreA(NULL, 0, 5, "children-semaphore");
    CHECK("a child that names them", start(&made, 0, FALSE, "named"));
    CHECK_EQ("it sets the event", WaitForSingleObject(event, 30000), WAIT_OBJECT_0);
    HANDLE both[2] = {made.hProcess, semaphore};
    CHECK_EQ("and releases the semaphore", WaitForMultipleObjects(2, both, FALSE, 30000), WAIT_OBJECT_0 + 1);
    SetEvent(event);
    CHECK_EQ("it ends", ended(&made), 0);
    CHECK_EQ("its mutex is abandoned", WaitForSingleObject(mutex, 30000), WAIT_ABANDONED);
    CHECK_EQ("that is told once", WaitForSingleObject(mutex, 0), WAIT_OBJECT_0);
    CHECK("and released", ReleaseMutex(mutex) && ReleaseMutex(mutex));
    CHECK("no name without a handle", !OpenEventA(SYNCHRONIZE, FALSE, "children-own") && GetLastError() == ERROR_FILE_NOT_FOUND);
    CloseHandle(event);
    CloseHandle(mutex);
    CloseHandle(semaphore);
}

/* Descriptors that its maker gave a process, a thread and a named event hold in the child. */
static void secured(void) {
    PROCESS_INFORMATION made;
    STARTUPINFOA with = {.cb = sizeof with};
    PSECURITY_DESCRIPTOR process = NULL, thread = NULL, event = NULL;
    char line[2 * MAX_PATH];
    snprintf(line, sizeof line, "\"%s\" secured", self);
    /* Owned by SYSTEM, so that nobody here may do more by owning them. */
    CHECK("terminate and duplicate only", ConvertStringSecurityDescriptorToSecurityDescriptorA("O:SYG:SYD:(A;;0x100041;;;WD)", 1, &process, NULL));
    CHECK("terminate only", ConvertStringSecurityDescriptorToSecurityDescriptorA("O:SYG:SYD:(A;;0x100001;;;WD)", 1, &thread, NULL));
    CHECK("wait only", ConvertStringSecurityDescriptorToSecurityDescriptorA("O:SYG:SYD:(A;;0x100000;;;WD)", 1, &event, NULL));
    SECURITY_ATTRIBUTES of_process = {sizeof of_process, process, FALSE}, of_thread = {sizeof of_thread, thread, FALSE}, of_event = {sizeof of_event, event, FALSE};
    HANDLE named = CreateEventA(&of_event, TRUE, TRUE, "children-secured");
    CHECK("a secured event", named != NULL);
    CHECK("a secured child", CreateProcessA(NULL, line, &of_process, &of_thread, FALSE, 0, NULL, NULL, &with, &made));
    CHECK_EQ("is denied what it should be", ended(&made), 0);
    CloseHandle(named);
    LocalFree(process);
    LocalFree(thread);
    LocalFree(event);
}

/* A child that is given a token has it, and a token's handle is inherited. */
static void tokens(void) {
    PROCESS_INFORMATION made;
    STARTUPINFOA with = {.cb = sizeof with};
    PSECURITY_DESCRIPTOR security = NULL;
    HANDLE own, less;
    char line[2 * MAX_PATH];
    BYTE local[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof local;
    CHECK("LOCAL", CreateWellKnownSid(WinLocalSid, NULL, local, &size));
    CHECK("for LOCAL only", ConvertStringSecurityDescriptorToSecurityDescriptorA("O:SYG:SYD:(A;;0x2;;;S-1-2-0)", 1, &security, NULL));
    SECURITY_ATTRIBUTES of_event = {sizeof of_event, security, FALSE};
    HANDLE named = CreateEventA(&of_event, TRUE, TRUE, "children-local");
    CHECK("own token", OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_ASSIGN_PRIMARY, &own));
    SID_AND_ATTRIBUTES without = {local, 0};
    CHECK("a restricted one", CreateRestrictedToken(own, 0, 1, &without, 0, NULL, 0, NULL, &less));
    snprintf(line, sizeof line, "\"%s\" token 0 %llu", self, (ULONGLONG)(ULONG_PTR)inheritable(less));
    CHECK("a child like this", CreateProcessAsUserA(own, NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &with, &made));
    CHECK_EQ("may, until it acts with the other token", ended(&made), 0);
    snprintf(line, sizeof line, "\"%s\" token 1", self);
    CHECK("a child with less", CreateProcessAsUserA(less, NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &with, &made));
    CHECK_EQ("may not, nor may its child", ended(&made), 0);
    HANDLE query;
    CHECK("to look at only", OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &query));
    CHECK_ERROR("no process is made with it", CreateProcessAsUserA(query, NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &with, &made), ERROR_ACCESS_DENIED);
    CloseHandle(named);
    CloseHandle(own);
    CloseHandle(less);
    CloseHandle(query);
    LocalFree(security);
}

static BOOL may_set(void) {
    HANDLE event = OpenEventA(EVENT_MODIFY_STATE, FALSE, "children-local");
    if (event) CloseHandle(event);
    return event != NULL;
}

static int token_child(char **arguments) {
    if (atoi(arguments[2]) == 1) {
        PROCESS_INFORMATION made;
        GetModuleFileNameA(NULL, self, sizeof self);
        if (may_set() || GetLastError() != ERROR_ACCESS_DENIED) return 20;
        if (!start(&made, 0, FALSE, "token 2")) return 21;
        return ended(&made);
    }
    if (atoi(arguments[2]) == 2) return may_set() ? 22 : 0;
    HANDLE primary = (HANDLE)(ULONG_PTR)strtoull(arguments[3], NULL, 10), other;
    if (!may_set()) return 23;
    if (!DuplicateTokenEx(primary, TOKEN_ALL_ACCESS, NULL, SecurityImpersonation, TokenImpersonation, &other)) return 24;
    if (!SetThreadToken(NULL, other)) return 25;
    if (may_set() || GetLastError() != ERROR_ACCESS_DENIED) return 26;
    if (!RevertToSelf() || !may_set()) return 27;
    return 0;
}

static int secured_child(void) {
    HANDLE opened = OpenProcess(PROCESS_TERMINATE, FALSE, GetCurrentProcessId()), copy;
    if (!opened) return 10;
    if (DuplicateHandle(GetCurrentProcess(), opened, GetCurrentProcess(), &copy, PROCESS_ALL_ACCESS, FALSE, 0)) return 11;
    if (GetLastError() != ERROR_ACCESS_DENIED) return 12;
    if (OpenProcess(PROCESS_VM_READ, FALSE, GetCurrentProcessId()) || GetLastError() != ERROR_ACCESS_DENIED) return 13;
    if (!OpenThread(THREAD_TERMINATE, FALSE, GetCurrentThreadId())) return 14;
    if (OpenThread(THREAD_SET_CONTEXT, FALSE, GetCurrentThreadId()) || GetLastError() != ERROR_ACCESS_DENIED) return 15;
    if (!OpenEventA(SYNCHRONIZE, FALSE, "children-secured")) return 16;
    if (OpenEventA(EVENT_MODIFY_STATE, FALSE, "children-secured") || GetLastError() != ERROR_ACCESS_DENIED) return 17;
    return 0;
}

static void inherited(void) {
    PROCESS_INFORMATION made;
    char arguments[100];
    HANDLE yes = inheritable(CreateEventA(NULL, TRUE, FALSE, NULL)), no = CreateEventA(NULL, TRUE, FALSE, NULL);
    snprintf(arguments, sizeof arguments, "inherited %llu %llu", (ULONGLONG)(ULONG_PTR)yes, (ULONGLONG)(ULONG_PTR)no);
    CHECK("a child that inherits", start(&made, 0, TRUE, arguments));
    CHECK_EQ("has the one, not the other", ended(&made), 0);
    CHECK_EQ("set by it", WaitForSingleObject(yes, 0), WAIT_OBJECT_0);
    CHECK_EQ("not set", WaitForSingleObject(no, 0), WAIT_TIMEOUT);
    ResetEvent(yes);
    CHECK("a child that does not", start(&made, 0, FALSE, arguments));
    CHECK_EQ("has neither", ended(&made), 3);
    CloseHandle(yes);
    CloseHandle(no);
}

static void other(void) {
    PROCESS_INFORMATION made;
    HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL), theirs = NULL, back = NULL;
    CHECK("a child that stays", start(&made, 0, FALSE, "stay"));
    HANDLE opened = OpenProcess(PROCESS_ALL_ACCESS, FALSE, made.dwProcessId);
    CHECK("OpenProcess", opened != NULL);
    CHECK_EQ("is that process", GetProcessId(opened), made.dwProcessId);
    CHECK("a handle for it", DuplicateHandle(GetCurrentProcess(), event, opened, &theirs, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK("and back", DuplicateHandle(opened, theirs, GetCurrentProcess(), &back, 0, FALSE, DUPLICATE_SAME_ACCESS));
    SetEvent(back);
    CHECK_EQ("is the same event", WaitForSingleObject(event, 0), WAIT_OBJECT_0);
    /* Where the child itself, which still starts, puts nothing once it is free again. */
    void *far_off = (void *)0x500000000000;
    char *memory = VirtualAllocEx(opened, far_off, 0x3000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), text[16] = "";
    SIZE_T count = 0;
    CHECK("VirtualAllocEx", memory != NULL);
    CHECK("WriteProcessMemory", WriteProcessMemory(opened, memory + 0xffc, "beyond a page", 14, &count) && count == 14);
    CHECK("ReadProcessMemory", ReadProcessMemory(opened, memory + 0xffc, text, 14, &count) && count == 14);
    CHECK("what was written", strcmp(text, "beyond a page") == 0);
    DWORD before = 0;
    CHECK("VirtualProtectEx", VirtualProtectEx(opened, memory, 0x1000, PAGE_READONLY, &before) && before == PAGE_READWRITE);
    MEMORY_BASIC_INFORMATION info = {0};
    CHECK("VirtualQueryEx", VirtualQueryEx(opened, memory, &info, sizeof info) == sizeof info && info.Protect == PAGE_READONLY);
    CHECK("VirtualFreeEx", VirtualFreeEx(opened, memory, 0, MEM_RELEASE));
    WINE8_DIFFERS(CHECK_ERROR("of what is gone", ReadProcessMemory(opened, memory, text, 1, &count), ERROR_PARTIAL_COPY));
    CHECK("ended", TerminateProcess(opened, 5));
    CHECK_EQ("ended so", ended(&made), 5);
    CHECK_ERROR("nothing more of it", VirtualAllocEx(opened, NULL, 0x1000, MEM_COMMIT, PAGE_READWRITE) != NULL, ERROR_ACCESS_DENIED);
    CloseHandle(opened);
    CloseHandle(event);
    CloseHandle(back);
}

static void many(void) {
    enum { COUNT = 12 };
    PROCESS_INFORMATION made[COUNT];
    HANDLE processes[COUNT], semaphore = CreateSemaphoreA(NULL, 0, 1000, "children-count");
    int good = 0;
    for (int i = 0; i < COUNT; i++) {
        good += start(&made[i], 0, FALSE, "count");
        processes[i] = made[i].hProcess;
    }
    CHECK_EQ("children at once", good, COUNT);
    CHECK_EQ("all end", WaitForMultipleObjects(COUNT, processes, TRUE, 60000), WAIT_OBJECT_0);
    LONG counted = 0;
    while (WaitForSingleObject(semaphore, 0) == WAIT_OBJECT_0) counted++;
    CHECK_EQ("each counted", counted, 50 * COUNT);
    for (int i = 0; i < COUNT; i++) good -= ended(&made[i]) == 0;
    CHECK_EQ("and ended well", good, 0);
    CloseHandle(semaphore);
}

static int child(int count, char **arguments) {
    const char *what = arguments[1];
    if (!strcmp(what, "exit")) return atoi(arguments[2]);
    if (!strcmp(what, "stay")) Sleep(60000);
    if (!strcmp(what, "acts")) {
        HANDLE token;
        return OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token) ? 3 : GetLastError() == ERROR_NO_TOKEN ? 4 : 5;
    }
    if (!strcmp(what, "crash")) *(volatile int *)8 = 1;
    if (!strcmp(what, "told")) {
        char folder[MAX_PATH], value[100] = "";
        GetCurrentDirectoryA(sizeof folder, folder);
        if (count != 4 || strcmp(arguments[2], "two words") || *arguments[3]) return 1;
        GetEnvironmentVariableA("CHILDREN_TEST", value, sizeof value);
        if (strcmp(value, "from the parent")) return 2;
        return _stricmp(folder, "C:\\windows") ? 3 : 0;
    }
    if (!strcmp(what, "named")) {
        HANDLE event = OpenEventA(EVENT_ALL_ACCESS, FALSE, "children-event"), mutex = OpenMutexA(MUTEX_ALL_ACCESS, FALSE, "children-mutex");
        HANDLE semaphore = OpenSemaphoreA(SEMAPHORE_ALL_ACCESS, FALSE, "children-semaphore");
        CreateEventA(NULL, FALSE, FALSE, "children-own");
        if (!event || !mutex || !semaphore || WaitForSingleObject(mutex, 5000)) return 1;
        SetEvent(event);
        ReleaseSemaphore(semaphore, 1, NULL);
        /* The parent's answer may be our own signal: it takes it first, or we give it back. */
        return WaitForSingleObject(event, 30000) == WAIT_OBJECT_0 ? 0 : 2;
    }
    if (!strcmp(what, "inherited")) {
        BOOL first = SetEvent((HANDLE)(ULONG_PTR)strtoull(arguments[2], NULL, 10));
        BOOL second = SetEvent((HANDLE)(ULONG_PTR)strtoull(arguments[3], NULL, 10));
        return first && !second ? 0 : first ? 1 : second ? 2 : 3;
    }
    if (!strcmp(what, "secured")) return secured_child();
    if (!strcmp(what, "token")) return token_child(arguments);
    if (!strcmp(what, "count")) {
        HANDLE semaphore = OpenSemaphoreA(SEMAPHORE_ALL_ACCESS, FALSE, "children-count");
        for (int i = 0; i < 50; i++) ReleaseSemaphore(semaphore, 1, NULL);
        return 0;
    }
    return 100;
}

int main(int count, char **arguments) {
    if (count > 1) return child(count, arguments);
    GetModuleFileNameA(NULL, self, sizeof self);
    ends();
    acts_for();
    parameters();
    named();
    secured();
    tokens();
    inherited();
    other();
    many();
    return finish();
}
