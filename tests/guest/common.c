/* Objects of several processes that are more than a signal: waitable timers, completion ports, directories and symbolic links. */
#include "family.h"
#include <winternl.h>

typedef LONG STATUS;
NTDLL(STATUS, NtCreateIoCompletion, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, ULONG)
NTDLL(STATUS, NtOpenIoCompletion, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *)
NTDLL(STATUS, NtQueryIoCompletion, HANDLE, ULONG, ULONG *, ULONG, ULONG *)
NTDLL(STATUS, NtQueryTimer, HANDLE, ULONG, void *, ULONG, ULONG *)
NTDLL(STATUS, NtCreateDirectoryObject, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *)
NTDLL(STATUS, NtOpenDirectoryObject, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *)
NTDLL(STATUS, NtQueryDirectoryObject, HANDLE, void *, ULONG, BOOLEAN, BOOLEAN, ULONG *, ULONG *)
NTDLL(STATUS, NtCreateSymbolicLinkObject, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, UNICODE_STRING *)
NTDLL(STATUS, NtOpenSymbolicLinkObject, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *)
NTDLL(STATUS, NtQuerySymbolicLinkObject, HANDLE, UNICODE_STRING *, ULONG *)
NTDLL(STATUS, NtCreateEvent, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, int, BOOLEAN)
NTDLL(STATUS, NtOpenEvent, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *)
NTDLL(STATUS, NtQueryObject, HANDLE, int, void *, ULONG, ULONG *)
NTDLL(STATUS, NtMakeTemporaryObject, HANDLE)

enum { NOT_FOUND = 0xc0000034, PATH_NOT_FOUND = 0xc000003a, LONGEST = 30000 };

static HANDLE go, done;

static OBJECT_ATTRIBUTES *attributes(HANDLE root, const WCHAR *name, ULONG flags) {
    static OBJECT_ATTRIBUTES all[4];
    static UNICODE_STRING names[4];
    static int turn;
    int i = turn++ & 3;
    names[i].Buffer = (WCHAR *)name;
    names[i].Length = (USHORT)(name ? wcslen(name) * 2 : 0);
    names[i].MaximumLength = names[i].Length;
    InitializeObjectAttributes(&all[i], name ? &names[i] : NULL, flags | OBJ_CASE_INSENSITIVE, root, NULL);
    return &all[i];
}

static LARGE_INTEGER in(LONG milliseconds) {
    return (LARGE_INTEGER){.QuadPart = -10000LL * milliseconds};
}

static LONGLONG left(HANDLE timer, BOOLEAN *set) {
    struct { LONGLONG remaining; BOOLEAN state; } info = {0};
    CHECK_EQ("NtQueryTimer", NtQueryTimer_(timer, 0, &info, sizeof info, NULL), 0);
    *set = info.state;
    return info.remaining;
}

/* ---- the other process ---- */

static int other(int count, char **arguments) {
    LARGE_INTEGER due = in(30);
    HANDLE first = count > 2 ? handle_of(arguments[2]) : NULL, second = count > 3 ? handle_of(arguments[3]) : NULL;
    DWORD bytes = 0;
    ULONG_PTR key = 0;
    OVERLAPPED *at = NULL;
    go = OpenEventA(EVENT_ALL_ACCESS, FALSE, "common-go");
    done = OpenEventA(EVENT_ALL_ACCESS, FALSE, "common-done");
    if (!strcmp(arguments[1], "sets")) {
        HANDLE timer = OpenWaitableTimerA(TIMER_ALL_ACCESS, FALSE, "common-timer");
        return SetWaitableTimer(timer, &due, 0, NULL, NULL, FALSE) ? 0 : 1;
    }
    if (!strcmp(arguments[1], "waits")) return (int)WaitForSingleObject(first, LONGEST);
    if (!strcmp(arguments[1], "keeps")) {
        due = in(1000);
        if (!SetWaitableTimer(first, &due, 0, NULL, NULL, FALSE)) return 1;
        due = in(100);
        if (second && !SetWaitableTimer(second, &due, 100, NULL, NULL, FALSE)) return 2;
        SetEvent(done);
        Sleep(INFINITE);
    }
    if (!strcmp(arguments[1], "cancels")) return CancelWaitableTimer(first) ? 0 : 1;
    if (!strcmp(arguments[1], "posts")) {
        for (ULONG_PTR i = 1; i <= 5; i++)
            if (!PostQueuedCompletionStatus(first, (DWORD)(i * 10), i, (OVERLAPPED *)(i * 0x100000001ULL))) return 1;
        return 0;
    }
    if (!strcmp(arguments[1], "takes")) {
        SetEvent(done);
        if (!GetQueuedCompletionStatus(first, &bytes, &key, &at, LONGEST)) return (int)GetLastError();
        return bytes == 77 && key == 7 && at == (OVERLAPPED *)0x777 ? 0 : 1;
    }
    if (!strcmp(arguments[1], "binds")) {
        char text[8] = "";
        OVERLAPPED read = {0};
        HANDLE file = CreateFileA(arguments[3], GENERIC_READ, 7, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
        if (CreateIoCompletionPort(file, first, 0x55, 0) != first) return 1;
        if (!ReadFile(file, text, 5, &bytes, &read) && GetLastError() != ERROR_IO_PENDING) return 2;
        return GetOverlappedResult(file, &read, &bytes, TRUE) && bytes == 5 && !strcmp(text, "01234") ? 0 : 3;
    }
    if (!strcmp(arguments[1], "reads")) {
        char text[8] = "";
        OVERLAPPED read = {.Offset = 2};
        if (!ReadFile(first, text, 3, &bytes, &read) && GetLastError() != ERROR_IO_PENDING) return 1;
        return GetOverlappedResult(first, &read, &bytes, TRUE) && !strcmp(text, "234") ? 0 : 2;
    }
    if (!strcmp(arguments[1], "names")) {
        HANDLE directory = NULL, event = NULL, link = NULL, inner = NULL;
        UNICODE_STRING target;
        if (NtOpenDirectoryObject_(&directory, 0xf, attributes(NULL, L"\\BaseNamedObjects\\common-directory", 0))) return 1;
        if (NtCreateEvent_(&event, EVENT_ALL_ACCESS, attributes(directory, L"theirs", 0), 0, TRUE)) return 2;
        RtlInitUnicodeString(&target, L"\\BaseNamedObjects\\common-directory");
        if (NtCreateSymbolicLinkObject_(&link, 0xf0001, attributes(directory, L"back", 0), &target)) return 3;
        if (NtCreateDirectoryObject_(&inner, 0xf, attributes(directory, L"inner", 0))) return 4;
        if (NtOpenEvent_(&event, EVENT_ALL_ACCESS, attributes(NULL, L"\\BaseNamedObjects\\common-directory\\ours", 0))) return 5;
        SetEvent(done);
        return WaitForSingleObject(event, LONGEST) == WAIT_OBJECT_0 ? 0 : 6;
    }
    if (!strcmp(arguments[1], "inside")) {
        HANDLE event = NULL;
        if (NtOpenEvent_(&event, EVENT_ALL_ACCESS, attributes(first, L"within", 0))) return 1;
        return SetEvent(event) ? 0 : 2;
    }
    return 100;
}

/* ---- timers ---- */

static void timers(void) {
    PROCESS_INFORMATION made;
    LARGE_INTEGER due = in(20);
    BOOLEAN set = FALSE;
    HANDLE timer = CreateWaitableTimerA(NULL, TRUE, "common-timer"), theirs = NULL;
    CHECK("one that sets a named timer", start(&made, 0, FALSE, "sets"));
    CHECK_EQ("it is due here", WaitForSingleObject(timer, LONGEST), WAIT_OBJECT_0);
    CHECK_EQ("it could", ended(&made), 0);
    CHECK("it is not set any more", left(timer, &set) <= 0 && set);
    CHECK("it exists", CreateWaitableTimerA(NULL, TRUE, "common-timer") != NULL && GetLastError() == ERROR_ALREADY_EXISTS);

    HANDLE inherited = inheritable(CreateWaitableTimerA(NULL, FALSE, NULL));
    CHECK("one that waits for an inherited one", start(&made, 0, TRUE, "waits %llu", number(inherited)));
    CHECK("set here", SetWaitableTimer(inherited, &due, 0, NULL, NULL, FALSE));
    CHECK_EQ("it went on", ended(&made), WAIT_OBJECT_0);
    CHECK_EQ("and took the signal", WaitForSingleObject(inherited, 0), WAIT_TIMEOUT);

    HANDLE early = inheritable(CreateWaitableTimerA(NULL, TRUE, NULL));
    CHECK("set before anybody else has it", SetWaitableTimer(early, &due, 0, NULL, NULL, FALSE));
    CHECK("one that waits for it", start(&made, 0, TRUE, "waits %llu", number(early)));
    CHECK_EQ("goes on", ended(&made), WAIT_OBJECT_0);

    HANDLE given = CreateWaitableTimerA(NULL, TRUE, NULL), several[2];
    CHECK("one to be given it", start(&made, CREATE_SUSPENDED, FALSE, "sets"));
    CHECK("given", DuplicateHandle(GetCurrentProcess(), given, made.hProcess, &theirs, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK("taken back", DuplicateHandle(made.hProcess, theirs, GetCurrentProcess(), &several[0], 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK("set by one handle", SetWaitableTimer(given, &due, 0, NULL, NULL, FALSE));
    several[1] = CreateEventA(NULL, TRUE, FALSE, NULL);
    CHECK_EQ("seen by another", WaitForMultipleObjects(2, several, FALSE, LONGEST), WAIT_OBJECT_0);
    ResumeThread(made.hThread);
    CHECK_EQ("it ends", ended(&made), 0);

    HANDLE once = inheritable(CreateWaitableTimerA(NULL, TRUE, NULL)), often = inheritable(CreateWaitableTimerA(NULL, FALSE, NULL));
    ResetEvent(done);
    CHECK("one that sets two", start(&made, 0, TRUE, "keeps %llu %llu", number(once), number(often)));
    CHECK_EQ("it has", WaitForSingleObject(done, LONGEST), WAIT_OBJECT_0);
    CHECK("they are set", left(once, &set) > 0);
    TerminateProcess(made.hProcess, 5);
    CHECK_EQ("it is killed", ended(&made), 5);
    CHECK_EQ("the first is due all the same", WaitForSingleObject(once, LONGEST), WAIT_OBJECT_0);
    CHECK_EQ("the other", WaitForSingleObject(often, LONGEST), WAIT_OBJECT_0);
    CHECK_EQ("again", WaitForSingleObject(often, LONGEST), WAIT_OBJECT_0);
    CHECK_EQ("and again", WaitForSingleObject(often, LONGEST), WAIT_OBJECT_0);
    CHECK("one that cancels it", start(&made, 0, TRUE, "cancels %llu", number(often)));
    CHECK_EQ("it could", ended(&made), 0);
    WaitForSingleObject(often, 0);
    CHECK_EQ("no more", WaitForSingleObject(often, 250), WAIT_TIMEOUT);
    CHECK("it is not set", left(often, &set) <= 0 && !set);
    due = in(LONGEST);
    CHECK("set for long", SetWaitableTimer(once, &due, 0, NULL, NULL, FALSE));
    CHECK("is no signal", left(once, &set) > 0 && !set);
    CHECK_EQ("and none comes", WaitForSingleObject(once, 20), WAIT_TIMEOUT);
    HANDLE all[] = {timer, inherited, early, given, several[0], several[1], once, often};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) CloseHandle(all[i]);
}

/* ---- completion ports ---- */

static HANDLE waited_port;

static DWORD WINAPI takes_here(void *argument) {
    DWORD bytes = 0;
    ULONG_PTR key = 0;
    OVERLAPPED *at = NULL;
    (void)argument;
    SetEvent(done);
    return GetQueuedCompletionStatus(waited_port, &bytes, &key, &at, LONGEST) ? (DWORD)key : 1000 + GetLastError();
}

static BOOL take(HANDLE port, DWORD bytes, ULONG_PTR key, OVERLAPPED *at) {
    DWORD got = 0;
    ULONG_PTR got_key = 0;
    OVERLAPPED *got_at = NULL;
    return GetQueuedCompletionStatus(port, &got, &got_key, &got_at, LONGEST) && got == bytes && got_key == key && (!at || got_at == at);
}

static void ports(void) {
    PROCESS_INFORMATION made, more;
    DWORD bytes = 0, code = 0;
    ULONG_PTR key = 0;
    OVERLAPPED *at = NULL;
    ULONG depth = 99;
    const char *path = scratch("common");
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0), event = CreateEventA(NULL, TRUE, FALSE, NULL);
    waited_port = port;
    CHECK("one that was posted before", PostQueuedCompletionStatus(port, 1, 2, (OVERLAPPED *)3));
    inheritable(port);
    CHECK("one that posts", start(&made, 0, TRUE, "posts %llu", number(port)));
    CHECK("ours first", take(port, 1, 2, (OVERLAPPED *)3));
    int right = 1;
    for (ULONG_PTR i = 1; i <= 5; i++) right &= take(port, (DWORD)(i * 10), i, (OVERLAPPED *)(i * 0x100000001ULL));
    CHECK("then five of another process, in order", right);
    CHECK_EQ("it could", ended(&made), 0);
    CHECK_ERROR("no more", GetQueuedCompletionStatus(port, &bytes, &key, &at, 0), WAIT_TIMEOUT);

    ResetEvent(done);
    CHECK("one that takes", start(&made, 0, TRUE, "takes %llu", number(port)));
    WaitForSingleObject(done, LONGEST);
    CHECK("posted here", PostQueuedCompletionStatus(port, 77, 7, (OVERLAPPED *)0x777));
    CHECK_EQ("taken there", ended(&made), 0);

    /* A killed waiter takes nothing along. */
    ResetEvent(done);
    CHECK("one that will not take", start(&made, 0, TRUE, "takes %llu", number(port)));
    WaitForSingleObject(done, LONGEST);
    Sleep(20);
    TerminateProcess(made.hProcess, 4);
    CHECK_EQ("is killed", ended(&made), 4);
    CHECK("posted after it", PostQueuedCompletionStatus(port, 8, 9, NULL));
    CHECK_EQ("a port as an object", NtQueryIoCompletion_(port, 0, &depth, sizeof depth, NULL), 0);
    CHECK_EQ("has one", depth, 1);
    CHECK_EQ("is signalled", WaitForSingleObject(port, 0), WAIT_OBJECT_0);
    CHECK("taken", take(port, 8, 9, NULL));
    WINE8_DIFFERS(CHECK_EQ("and is not", WaitForSingleObject(port, 0), WAIT_TIMEOUT));

    /* Files of another process, and a file of both. */
    HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
    WriteFile(file, "0123456789", 10, &bytes, NULL);
    CloseHandle(file);
    CHECK("one that binds its own file", start(&made, 0, TRUE, "binds %llu %s", number(port), path));
    CHECK("its request is told here", take(port, 5, 0x55, NULL));
    CHECK_EQ("it could", ended(&made), 0);
    file = inheritable(CreateFileA(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL));
    CHECK("bound here", CreateIoCompletionPort(file, port, 0x66, 0) == port);
    CHECK("one that reads it", start(&made, 0, TRUE, "reads %llu", number(file)));
    CHECK("is told here", take(port, 3, 0x66, NULL));
    CHECK_EQ("it could", ended(&made), 0);
    CloseHandle(file);
    file = inheritable(CreateFileA(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL));
    CHECK("one that has it before", start(&made, CREATE_SUSPENDED, TRUE, "reads %llu", number(file)));
    CHECK("it is bound", CreateIoCompletionPort(file, port, 0x67, 0) == port);
    ResumeThread(made.hThread);
    CHECK("is told too", take(port, 3, 0x67, NULL));
    CHECK_EQ("it could", ended(&made), 0);
    CloseHandle(file);
    DeleteFileA(path);

    /* Named; and a thread that waited before the port was anybody else's. */
    HANDLE named = NULL, again = NULL;
    CHECK_EQ("a named one", NtCreateIoCompletion_(&named, 0x1f0003, attributes(NULL, L"\\BaseNamedObjects\\common-port", 0), 0), 0);
    CHECK_EQ("opened", NtOpenIoCompletion_(&again, 0x1f0003, attributes(NULL, L"\\BaseNamedObjects\\COMMON-port", 0)), 0);
    CHECK("posted to one", PostQueuedCompletionStatus(named, 5, 6, NULL) && take(again, 5, 6, NULL));
    CloseHandle(named);
    CloseHandle(again);
    CHECK_EQ("gone", (ULONG)NtOpenIoCompletion_(&again, 0x1f0003, attributes(NULL, L"\\BaseNamedObjects\\common-port", 0)), NOT_FOUND);
    waited_port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    ResetEvent(done);
    HANDLE thread = CreateThread(NULL, 0, takes_here, NULL, 0, NULL);
    WaitForSingleObject(done, LONGEST);
    Sleep(20);
    inheritable(waited_port);
    CHECK("one that posts", start(&made, 0, TRUE, "posts %llu", number(waited_port)));
    CHECK_EQ("wakes a thread", WaitForSingleObject(thread, LONGEST), WAIT_OBJECT_0);
    CHECK("with the first", GetExitCodeThread(thread, &code) && code == 1);
    CHECK_EQ("it could", ended(&made), 0);
    CloseHandle(thread);

    /* The last handle of all ends the waits of all. */
    HANDLE last = inheritable(CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0));
    ResetEvent(done);
    CHECK("one that takes", start(&made, 0, TRUE, "takes %llu", number(last)));
    WaitForSingleObject(done, LONGEST);
    ResetEvent(done);
    CHECK("and another", start(&more, 0, TRUE, "takes %llu", number(last)));
    WaitForSingleObject(done, LONGEST);
    CloseHandle(last);
    CHECK_EQ("they wait on", WaitForSingleObject(made.hProcess, 50), WAIT_TIMEOUT);
    TerminateProcess(more.hProcess, 1);
    CHECK_EQ("one is gone", ended(&more), 1);
    CHECK_EQ("the other waits", WaitForSingleObject(made.hProcess, 50), WAIT_TIMEOUT);
    TerminateProcess(made.hProcess, 1);
    CHECK_EQ("and is gone", ended(&made), 1);
    CloseHandle(waited_port);
    CloseHandle(port);
    CloseHandle(event);
}

/* ---- directories and links ---- */

static int holds(HANDLE directory, const WCHAR *name, const WCHAR *type) {
    static BYTE buffer[4096];
    struct { UNICODE_STRING name, type; } *entry = (void *)buffer;
    ULONG context = 0, size = 0;
    int found = 0;
    while (!NtQueryDirectoryObject_(directory, buffer, sizeof buffer, TRUE, !context, &context, &size))
        found += !_wcsicmp(entry->name.Buffer, name) && !_wcsicmp(entry->type.Buffer, type);
    return found;
}

static void directories(void) {
    PROCESS_INFORMATION made;
    HANDLE directory = NULL, ours = NULL, theirs = NULL, link = NULL, inner = NULL, unnamed = NULL, within = NULL;
    WCHAR target[100] = L"";
    UNICODE_STRING text = {0, sizeof target, target};
    static struct { UNICODE_STRING name; WCHAR room[200]; } path;
    CHECK_EQ("a directory", NtCreateDirectoryObject_(&directory, 0xf000f, attributes(NULL, L"\\BaseNamedObjects\\common-directory", 0)), 0);
    CHECK_EQ("an event in it", NtCreateEvent_(&ours, EVENT_ALL_ACCESS, attributes(directory, L"ours", 0), 0, FALSE), 0);
    ResetEvent(done);
    CHECK("one that makes more", start(&made, 0, FALSE, "names"));
    HANDLE either[2] = {done, made.hProcess};
    CHECK_EQ("it has", WaitForMultipleObjects(2, either, FALSE, LONGEST), WAIT_OBJECT_0);
    CHECK_EQ("opened from the directory", NtOpenEvent_(&theirs, EVENT_ALL_ACCESS, attributes(directory, L"THEIRS", 0)), 0);
    CHECK_EQ("signalled there", WaitForSingleObject(theirs, 0), WAIT_OBJECT_0);
    CloseHandle(theirs);
    CHECK_EQ("opened through a link", NtOpenEvent_(&theirs, EVENT_ALL_ACCESS, attributes(NULL, L"\\BaseNamedObjects\\common-directory\\back\\theirs", 0)), 0);
    CloseHandle(theirs);
    CHECK_EQ("the link", NtOpenSymbolicLinkObject_(&link, 0xf0001, attributes(directory, L"back", 0)), 0);
    CHECK_EQ("leads", NtQuerySymbolicLinkObject_(link, &text, NULL), 0);
    CHECK("back", text.Length == 68 && !wcsncmp(target, L"\\BaseNamedObjects\\common-directory", 34));
    CHECK_EQ("a directory within", NtOpenDirectoryObject_(&inner, 0xf, attributes(directory, L"inner", 0)), 0);
    CHECK_EQ("listed: ours", holds(directory, L"ours", L"Event"), 1);
    CHECK_EQ("listed: theirs", holds(directory, L"theirs", L"Event"), 1);
    CHECK_EQ("listed: a link", holds(directory, L"back", L"SymbolicLink"), 1);
    CHECK_EQ("listed: a directory", holds(directory, L"inner", L"Directory"), 1);
    CHECK_EQ("a name", NtQueryObject_(inner, 1, &path, sizeof path, NULL), 0);
    CHECK("in full", path.name.Length == 80 && !wcsncmp(path.name.Buffer, L"\\BaseNamedObjects\\common-directory\\inner", 40));
    SetEvent(ours);
    CHECK_EQ("it could", ended(&made), 0);
    CHECK_EQ("its event went with it", (ULONG)NtOpenEvent_(&theirs, EVENT_ALL_ACCESS, attributes(directory, L"theirs", 0)), NOT_FOUND);
    CHECK_EQ("what we hold stays", holds(directory, L"inner", L"Directory"), 1);
    CloseHandle(link);
    CHECK_EQ("the link goes", holds(directory, L"back", L"SymbolicLink"), 0);
    CHECK_EQ("nothing is behind it", (ULONG)NtOpenEvent_(&theirs, EVENT_ALL_ACCESS, attributes(NULL, L"\\BaseNamedObjects\\common-directory\\back\\ours", 0)), PATH_NOT_FOUND);
    CloseHandle(inner);
    CloseHandle(directory);
    /* Stock Wine keeps a directory while something is in it. */
    WINE8_DIFFERS(
        CHECK_EQ("gone", (ULONG)NtOpenDirectoryObject_(&directory, 0xf, attributes(NULL, L"\\BaseNamedObjects\\common-directory", 0)), NOT_FOUND);
        CHECK_EQ("a new one", NtCreateDirectoryObject_(&directory, 0xf000f, attributes(NULL, L"\\BaseNamedObjects\\common-directory", 0)), 0);
        CHECK_EQ("is empty", holds(directory, L"ours", L"Event"), 0);
        CloseHandle(directory));
    CloseHandle(ours);
    CHECK_EQ("gone with what was in it", (ULONG)NtOpenDirectoryObject_(&directory, 0xf, attributes(NULL, L"\\BaseNamedObjects\\common-directory", 0)), NOT_FOUND);

    CHECK_EQ("one without a name", NtCreateDirectoryObject_(&unnamed, 0xf000f, attributes(NULL, NULL, OBJ_INHERIT)), 0);
    CHECK_EQ("an event in it", NtCreateEvent_(&within, EVENT_ALL_ACCESS, attributes(unnamed, L"within", 0), 0, FALSE), 0);
    CHECK("one that has it", start(&made, 0, TRUE, "inside %llu", number(unnamed)));
    CHECK_EQ("finds it", ended(&made), 0);
    CHECK_EQ("and has set it", WaitForSingleObject(within, 0), WAIT_OBJECT_0);
    CHECK_EQ("another one", NtCreateDirectoryObject_(&inner, 0xf000f, attributes(NULL, NULL, 0)), 0);
    CHECK_EQ("lacks it", (ULONG)NtOpenEvent_(&theirs, EVENT_ALL_ACCESS, attributes(inner, L"within", 0)), NOT_FOUND);
    CloseHandle(inner);
    CloseHandle(within);
    CloseHandle(unnamed);

    /* One of the system's goes along as well. */
    CHECK_EQ("where names are", NtOpenDirectoryObject_(&unnamed, 0xf, attributes(NULL, L"\\BaseNamedObjects", OBJ_INHERIT)), 0);
    CHECK_EQ("an event there", NtCreateEvent_(&within, EVENT_ALL_ACCESS, attributes(unnamed, L"within", 0), 0, FALSE), 0);
    CHECK("one that has it", start(&made, 0, TRUE, "inside %llu", number(unnamed)));
    CHECK_EQ("finds it too", ended(&made), 0);
    CHECK_EQ("and has set it", WaitForSingleObject(within, 0), WAIT_OBJECT_0);
    CloseHandle(within);
    CloseHandle(unnamed);
}

int main(int count, char **arguments) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (count > 1) return other(count, arguments);
    go = CreateEventA(NULL, TRUE, FALSE, "common-go");
    done = CreateEventA(NULL, TRUE, FALSE, "common-done");
    timers();
    ports();
    directories();
    return finish();
}
