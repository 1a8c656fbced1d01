/* Handles and objects: duplication, inheritance flags, access rights, names, NtQueryObject. */
#include "check.h"
#include <winternl.h>

NTDLL(NTSTATUS, NtQueryObject, HANDLE, int, void *, ULONG, ULONG *)
NTDLL(NTSTATUS, NtClose, HANDLE)
NTDLL(NTSTATUS, NtCreateEvent, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, int, BOOLEAN)
NTDLL(NTSTATUS, NtOpenEvent, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *)
NTDLL(NTSTATUS, NtCompareObjects, HANDLE, HANDLE)
NTDLL(NTSTATUS, NtCreateDirectoryObject, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *)
NTDLL(NTSTATUS, NtQueryDirectoryObject, HANDLE, void *, ULONG, BOOLEAN, BOOLEAN, ULONG *, ULONG *)
NTDLL(NTSTATUS, NtCreateSymbolicLinkObject, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, UNICODE_STRING *)
NTDLL(NTSTATUS, NtQuerySymbolicLinkObject, HANDLE, UNICODE_STRING *, ULONG *)

struct basic_info { ULONG attributes; ACCESS_MASK access; ULONG handles, pointers, rest[10]; };

static void string(UNICODE_STRING *s, const WCHAR *text) {
    s->Buffer = (WCHAR *)text;
    s->Length = (USHORT)(wcslen(text) * 2);
    s->MaximumLength = s->Length + 2;
}

static void attributes(OBJECT_ATTRIBUTES *a, UNICODE_STRING *name, HANDLE root, ULONG flags) {
    InitializeObjectAttributes(a, name, flags, root, NULL);
}

static struct basic_info basic(HANDLE h) {
    struct basic_info info = {0};
    ULONG size = 0;
    CHECK_EQ("NtQueryObject basic", NtQueryObject_(h, 0, &info, sizeof info, &size), 0);
    return info;
}

static void duplication(void) {
    HANDLE e = CreateEventA(NULL, TRUE, FALSE, NULL), d = NULL, weak = NULL, moved = NULL;
    HANDLE self = GetCurrentProcess();
    CHECK("event made", e != NULL);
    CHECK_EQ("handle is a multiple of 4", (ULONG_PTR)e & 3, 0);
    CHECK("duplicate, same access", DuplicateHandle(self, e, self, &d, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK("duplicate is another handle", d != e);
    SetEvent(d);
    CHECK_EQ("both name one object", WaitForSingleObject(e, 0), WAIT_OBJECT_0);
    CHECK_EQ("two handles counted", basic(e).handles, 2);
    CHECK("NtCompareObjects same", NtCompareObjects_(e, d) == 0);
    CHECK("duplicate, wait only", DuplicateHandle(self, e, self, &weak, SYNCHRONIZE, FALSE, 0));
    CHECK_ERROR("wait-only handle cannot set", SetEvent(weak), ERROR_ACCESS_DENIED);
    CHECK_EQ("wait-only handle can wait", WaitForSingleObject(weak, 0), WAIT_OBJECT_0);
    CHECK_EQ("granted access is told", basic(weak).access, SYNCHRONIZE);
    CHECK("duplicate, close source", DuplicateHandle(self, e, self, &moved, 0, FALSE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    if (moved != e) CHECK_ERROR("source is closed", SetEvent(e), ERROR_INVALID_HANDLE);
    CHECK("moved handle works", SetEvent(moved));
    CHECK_ERROR("duplicate of nothing", DuplicateHandle(self, (HANDLE)0xdead0, self, &d, 0, FALSE, DUPLICATE_SAME_ACCESS), ERROR_INVALID_HANDLE);
    HANDLE real = NULL;
    CHECK("pseudo handle becomes real", DuplicateHandle(self, self, self, &real, 0, FALSE, DUPLICATE_SAME_ACCESS) && real != self);
    CHECK_EQ("it is this process", GetProcessId(real), GetCurrentProcessId());
    HANDLE thread = NULL;
    CHECK("current thread becomes real", DuplicateHandle(self, GetCurrentThread(), self, &thread, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK_EQ("it is this thread", GetThreadId(thread), GetCurrentThreadId());
    CloseHandle(real);
    CloseHandle(thread);
    CloseHandle(weak);
    CloseHandle(moved);
    CHECK_EQ("NtClose of nothing", (ULONG)NtClose_((HANDLE)0xdead0), 0xc0000008);
    CHECK_ERROR("CloseHandle of nothing", CloseHandle((HANDLE)0xdead0), ERROR_INVALID_HANDLE);
}

static void flags(void) {
    HANDLE h = CreateEventA(NULL, TRUE, FALSE, NULL);
    SECURITY_ATTRIBUTES sa = {sizeof sa, NULL, TRUE};
    HANDLE inherited = CreateEventA(&sa, TRUE, FALSE, NULL);
    DWORD f = 77;
    CHECK("flags read", GetHandleInformation(h, &f) && f == 0);
    CHECK("inherit from attributes", GetHandleInformation(inherited, &f) && f == HANDLE_FLAG_INHERIT);
    CHECK("inherit set", SetHandleInformation(h, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
    CHECK("inherit seen", GetHandleInformation(h, &f) && f == HANDLE_FLAG_INHERIT);
    CHECK("protect set", SetHandleInformation(h, HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE));
    CHECK("protect seen", GetHandleInformation(h, &f) && f == (HANDLE_FLAG_INHERIT | HANDLE_FLAG_PROTECT_FROM_CLOSE));
    CHECK("protected handle stays", !CloseHandle(h));
    CHECK("still works", SetEvent(h));
    CHECK("protect cleared", SetHandleInformation(h, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0));
    CHECK("closes now", CloseHandle(h));
    CHECK_ERROR("flags of nothing", GetHandleInformation(h, &f), ERROR_INVALID_HANDLE);
    CloseHandle(inherited);
}

static void names(void) {
    HANDLE a = CreateEventA(NULL, TRUE, FALSE, "Portcullis.Name"), b, c;
    CHECK("named event made", a != NULL && GetLastError() == 0);
    b = CreateEventA(NULL, FALSE, TRUE, "Portcullis.Name");
    CHECK_EQ("second create says it exists", GetLastError(), ERROR_ALREADY_EXISTS);
    CHECK("and opens the same", b && WaitForSingleObject(b, 0) == WAIT_TIMEOUT && SetEvent(a) && WaitForSingleObject(b, 0) == 0);
    c = OpenEventA(SYNCHRONIZE, FALSE, "Portcullis.Name");
    CHECK("open by name", c != NULL);
    CHECK_ERROR("open asks for less, gets less", SetEvent(c), ERROR_ACCESS_DENIED);
    CHECK_ERROR("names are case-sensitive", OpenEventA(SYNCHRONIZE, FALSE, "portcullis.name") != NULL, ERROR_FILE_NOT_FOUND);
    CHECK_ERROR("another type of that name", CreateMutexA(NULL, FALSE, "Portcullis.Name") != NULL, ERROR_INVALID_HANDLE);
    CHECK_ERROR("open as another type", OpenSemaphoreA(SYNCHRONIZE, FALSE, "Portcullis.Name") != NULL, ERROR_INVALID_HANDLE);
    HANDLE l = OpenEventA(EVENT_ALL_ACCESS, FALSE, "Local\\Portcullis.Name");
    CHECK("Local\\ is the session's own", l != NULL);
    CloseHandle(l);
    CHECK_ERROR("backslash in a name", CreateEventA(NULL, 0, 0, "No\\Such\\Folder") != NULL, ERROR_PATH_NOT_FOUND);
    HANDLE g = CreateEventA(NULL, TRUE, FALSE, "Global\\Portcullis.G");
    CHECK("Global\\ name", g != NULL);
    HANDLE g2 = OpenEventA(SYNCHRONIZE, FALSE, "Global\\Portcullis.G");
    CHECK("Global\\ name opens", g2 != NULL);
    CloseHandle(g);
    CloseHandle(g2);
    CloseHandle(a);
    CloseHandle(b);
    CloseHandle(c);
    CHECK_ERROR("the last close takes the name away", OpenEventA(SYNCHRONIZE, FALSE, "Portcullis.Name") != NULL, ERROR_FILE_NOT_FOUND);
    WCHAR longest[300];
    for (int i = 0; i < 299; i++) longest[i] = 'x';
    longest[299] = 0;
    HANDLE w = CreateEventW(NULL, 0, 0, longest);
    CHECK("a name longer than MAX_PATH", w != NULL);
    CloseHandle(w);
}

static void query(void) {
    HANDLE h = CreateMutexA(NULL, FALSE, "Portcullis.Query");
    BYTE buffer[1024];
    UNICODE_STRING *name = (UNICODE_STRING *)buffer;
    ULONG size = 0;
    CHECK_EQ("type info", NtQueryObject_(h, 2, buffer, sizeof buffer, &size), 0);
    CHECK("type name is Mutant", name->Length == 12 && !memcmp(name->Buffer, L"Mutant", 12));
    CHECK_EQ("name info", NtQueryObject_(h, 1, buffer, sizeof buffer, &size), 0);
    CHECK("name ends as given", name->Length > 32 && !memcmp((BYTE *)name->Buffer + name->Length - 32, L"Portcullis.Query", 32));
    CHECK("name is absolute", name->Buffer[0] == '\\');
    CHECK_EQ("short buffer says how long", (ULONG)NtQueryObject_(h, 1, buffer, 4, &size), 0xc0000004);
    CHECK("needed size told", size > 32);
    struct basic_info info = basic(h);
    CHECK_EQ("all access granted", info.access, MUTANT_ALL_ACCESS);
    CHECK_EQ("one handle", info.handles, 1);
    CHECK_EQ("bad handle", (ULONG)NtQueryObject_((HANDLE)0xdead0, 0, &info, sizeof info, &size), 0xc0000008);
    CHECK_EQ("bad pointer", (ULONG)NtQueryObject_(h, 0, (void *)8, sizeof info, &size), 0xc0000005);
    CHECK_EQ("wrong length", (ULONG)NtQueryObject_(h, 0, &info, 8, &size), 0xc0000004);
    CloseHandle(h);
    HANDLE f = CreateFileA(scratch("named.txt"), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    CHECK_EQ("file's type info", NtQueryObject_(f, 2, buffer, sizeof buffer, &size), 0);
    CHECK("type name is File", name->Length == 8 && !memcmp(name->Buffer, L"File", 8));
    CHECK_EQ("file's name", NtQueryObject_(f, 1, buffer, sizeof buffer, &size), 0);
    /* Windows says \Device\HarddiskVolume1; Wine's kernelbase makes GetFinalPathNameByHandle from the drive letter. */
    CHECK("it begins with \\??\\ and a drive", name->Length > 20 && !memcmp(name->Buffer, L"\\??\\", 8) && name->Buffer[5] == ':');
    char final[MAX_PATH];
    CHECK("the final path is made of it", GetFinalPathNameByHandleA(f, final, sizeof final, 0) > 8 && !memcmp(final, "\\\\?\\", 4));
    CloseHandle(f);
    DeleteFileA(scratch("named.txt"));
    HANDLE e = CreateEventA(NULL, 0, 0, NULL);
    CHECK_EQ("no name", NtQueryObject_(e, 1, buffer, sizeof buffer, &size), 0);
    CHECK_EQ("empty string", name->Length, 0);
    CloseHandle(e);
}

static void directories(void) {
    UNICODE_STRING s;
    OBJECT_ATTRIBUTES a;
    HANDLE dir = NULL, e = NULL, link = NULL, o = NULL;
    string(&s, L"\\BaseNamedObjects\\PortcullisDir");
    attributes(&a, &s, NULL, OBJ_CASE_INSENSITIVE);
    CHECK_EQ("directory object", NtCreateDirectoryObject_(&dir, 3 | 4 | 8, &a), 0);
    string(&s, L"inside");
    attributes(&a, &s, dir, OBJ_CASE_INSENSITIVE);
    CHECK_EQ("event inside it", NtCreateEvent_(&e, EVENT_ALL_ACCESS, &a, 0, 0), 0);
    CHECK_EQ("again: name collision", (ULONG)NtCreateEvent_(&o, EVENT_ALL_ACCESS, &a, 0, 0), 0xc0000035);
    attributes(&a, &s, dir, OBJ_CASE_INSENSITIVE | OBJ_OPENIF);
    CHECK_EQ("OBJ_OPENIF says it exists", (ULONG)NtCreateEvent_(&o, EVENT_ALL_ACCESS, &a, 0, 0), 0x40000000);
    NtClose_(o);
    string(&s, L"INSIDE");
    attributes(&a, &s, dir, OBJ_CASE_INSENSITIVE);
    CHECK_EQ("case-insensitive open", NtOpenEvent_(&o, EVENT_ALL_ACCESS, &a), 0);
    NtClose_(o);
    attributes(&a, &s, dir, 0);
    CHECK_EQ("case-sensitive open", (ULONG)NtOpenEvent_(&o, EVENT_ALL_ACCESS, &a), 0xc0000034);
    BYTE buffer[512];
    ULONG context = 0, size = 0;
    CHECK_EQ("list the directory", NtQueryDirectoryObject_(dir, buffer, sizeof buffer, TRUE, TRUE, &context, &size), 0);
    UNICODE_STRING *entry = (UNICODE_STRING *)buffer;
    CHECK("entry name", entry[0].Length == 12 && !memcmp(entry[0].Buffer, L"inside", 12));
    CHECK("entry type", entry[1].Length == 10 && !memcmp(entry[1].Buffer, L"Event", 10));
    CHECK_EQ("then no more", (ULONG)NtQueryDirectoryObject_(dir, buffer, sizeof buffer, TRUE, FALSE, &context, &size), 0x8000001a);
    UNICODE_STRING target, back;
    WCHAR text[64];
    string(&s, L"link");
    string(&target, L"\\BaseNamedObjects\\PortcullisDir\\inside");
    attributes(&a, &s, dir, OBJ_CASE_INSENSITIVE);
    CHECK_EQ("symbolic link object", NtCreateSymbolicLinkObject_(&link, 0xf0001, &a, &target), 0);
    back.Buffer = text;
    back.Length = 0;
    back.MaximumLength = sizeof text;
    CHECK_EQ("link query", NtQuerySymbolicLinkObject_(link, &back, &size), 0);
    CHECK("link target", back.Length == target.Length && !memcmp(text, target.Buffer, target.Length));
    CHECK_EQ("open through the link", NtOpenEvent_(&o, EVENT_ALL_ACCESS, &a), 0);
    NtClose_(o);
    NtClose_(link);
    NtClose_(e);
    string(&s, L"\\NoSuchRoot\\x");
    attributes(&a, &s, NULL, 0);
    CHECK_EQ("no such folder on the way", (ULONG)NtOpenEvent_(&o, EVENT_ALL_ACCESS, &a), 0xc000003a);
    string(&s, L"relative");
    attributes(&a, &s, NULL, 0);
    CHECK_EQ("relative name without a root", (ULONG)NtOpenEvent_(&o, EVENT_ALL_ACCESS, &a), 0xc000003b);
    CHECK_EQ("bad attributes pointer", (ULONG)NtOpenEvent_(&o, EVENT_ALL_ACCESS, (OBJECT_ATTRIBUTES *)8), 0xc0000005);
    a.Length = 3;
    CHECK_EQ("wrong attributes length", (ULONG)NtOpenEvent_(&o, EVENT_ALL_ACCESS, &a), 0xc000000d);
    NtClose_(dir);
}

static void many(void) {
    enum { COUNT = 4000 };
    static HANDLE handles[COUNT];
    int made = 0;
    for (int i = 0; i < COUNT; i++) made += (handles[i] = CreateEventA(NULL, TRUE, i & 1, NULL)) != NULL;
    CHECK_EQ("4000 events", made, COUNT);
    int right = 0;
    for (int i = 0; i < COUNT; i++) right += (WaitForSingleObject(handles[i], 0) == WAIT_OBJECT_0) == (i & 1);
    CHECK_EQ("each with its own state", right, COUNT);
    int closed = 0;
    for (int i = 0; i < COUNT; i++) closed += CloseHandle(handles[i]);
    CHECK_EQ("all closed", closed, COUNT);
    DWORD before = 0, after = 0;
    GetProcessHandleCount(GetCurrentProcess(), &before);
    HANDLE h = CreateEventA(NULL, 0, 0, NULL);
    GetProcessHandleCount(GetCurrentProcess(), &after);
    WINE8_DIFFERS(CHECK_EQ("handle count grows by one", after, before + 1));
    CloseHandle(h);
}

int main(void) {
    duplication();
    flags();
    names();
    query();
    directories();
    many();
    return finish();
}
