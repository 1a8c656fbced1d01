/* Files and sections that several processes have: one position, share modes, deletion, locks; one memory. */
#include "family.h"

static HANDLE open_file(const char *path, DWORD access, DWORD share, DWORD disposition, DWORD flags) {
    return CreateFileA(path, access, share, NULL, disposition, flags, NULL);
}

static BOOL put(HANDLE file, const char *text) {
    DWORD written;
    return WriteFile(file, text, (DWORD)strlen(text), &written, NULL) && written == strlen(text);
}

static void positions(void) {
    const char *path = scratch("together-position");
    PROCESS_INFORMATION made;
    char text[64] = "";
    DWORD count = 0;
    DeleteFileA(path);
    HANDLE file = inheritable(open_file(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, CREATE_ALWAYS, 0));
    CHECK("a file", file != INVALID_HANDLE_VALUE);
    CHECK("written", put(file, "parent "));
    CHECK("a child that writes on", start(&made, 0, TRUE, "writes %llu", number(file)));
    CHECK_EQ("it could", ended(&made), 0);
    CHECK("written after it", put(file, "parent"));
    CHECK_EQ("back to the beginning", SetFilePointer(file, 0, NULL, FILE_BEGIN), 0);
    CHECK("read", ReadFile(file, text, sizeof text - 1, &count, NULL));
    CHECK("in order", strcmp(text, "parent child parent") == 0);
    CHECK("a child that sets the position", start(&made, 0, TRUE, "seeks %llu", number(file)));
    CHECK_EQ("it could", ended(&made), 0);
    CHECK_EQ("is seen", SetFilePointer(file, 0, NULL, FILE_CURRENT), 7);
    CloseHandle(file);
    CHECK("deleted", DeleteFileA(path));
}

static void many_writers(void) {
    enum { COUNT = 6, LINES = 40 };
    const char *path = scratch("together-lines");
    PROCESS_INFORMATION made[COUNT];
    static char text[COUNT * LINES * 16 + 1];
    int good = 0, lines = 0;
    DWORD count = 0;
    HANDLE file = inheritable(open_file(path, GENERIC_READ | GENERIC_WRITE, 0, CREATE_ALWAYS, 0));
    for (int i = 0; i < COUNT; i++) good += start(&made[i], 0, TRUE, "lines %llu %d", number(file), LINES);
    CHECK_EQ("children that write into one file", good, COUNT);
    for (int i = 0; i < COUNT; i++) good -= ended(&made[i]) == 0;
    CHECK_EQ("all could", good, 0);
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    CHECK("read", ReadFile(file, text, sizeof text - 1, &count, NULL));
    CHECK_EQ("no line over another", count, COUNT * LINES * 16);
    for (DWORD at = 0; at < count; at += 16) lines += text[at + 15] == '\n' && memcmp(text + at, "a line of text ", 15) == 0;
    CHECK_EQ("all whole", lines, COUNT * LINES);
    CloseHandle(file);
    DeleteFileA(path);
}

static void sharing(void) {
    const char *path = scratch("together-sharing");
    PROCESS_INFORMATION made;
    HANDLE file = open_file(path, GENERIC_WRITE, FILE_SHARE_READ, CREATE_ALWAYS, 0);
    CHECK("a file", file != INVALID_HANDLE_VALUE);
    CHECK("a child that wants it", start(&made, 0, FALSE, "shares %s", path));
    CHECK_EQ("gets what is shared", ended(&made), 0);
    CloseHandle(file);
    file = open_file(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, OPEN_EXISTING, 0);
    CHECK("a child that keeps it", start(&made, 0, FALSE, "keeps %s", path));
    HANDLE ready = CreateEventA(NULL, TRUE, FALSE, "together-ready"), go = CreateEventA(NULL, TRUE, FALSE, "together-go");
    CHECK_EQ("it has it", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    CHECK_ERROR("not to write", open_file(path, GENERIC_WRITE, 7, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE, ERROR_SHARING_VIOLATION);
    CHECK_ERROR("not to delete", DeleteFileA(path), ERROR_SHARING_VIOLATION);
    CHECK("ended", TerminateProcess(made.hProcess, 9));
    CHECK_EQ("so", ended(&made), 9);
    HANDLE other = open_file(path, GENERIC_WRITE, 7, OPEN_EXISTING, 0);
    for (int tries = 0; other == INVALID_HANDLE_VALUE && tries < 100; tries++) {
        Sleep(10);
        other = open_file(path, GENERIC_WRITE, 7, OPEN_EXISTING, 0);
    }
    CHECK("what a dead one kept is free", other != INVALID_HANDLE_VALUE);
    CloseHandle(other);
    CloseHandle(file);
    CloseHandle(ready);
    CloseHandle(go);
    DeleteFileA(path);
}

static void deletion(void) {
    const char *path = scratch("together-deletion");
    PROCESS_INFORMATION made;
    HANDLE file = inheritable(open_file(path, GENERIC_READ | GENERIC_WRITE | DELETE, 7, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE));
    CHECK("a file that goes with its last handle", file != INVALID_HANDLE_VALUE);
    CHECK("a child that has one", start(&made, CREATE_SUSPENDED, TRUE, "writes %llu", number(file)));
    CloseHandle(file);
    CHECK("is there while it has", GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES);
    ResumeThread(made.hThread);
    CHECK_EQ("it could write", ended(&made), 0);
    CHECK("gone with it", GetFileAttributesA(path) == INVALID_FILE_ATTRIBUTES);
    /* Killed or not: its end is told when its files are gone. */
    int made_so = 0, gone = 0;
    for (int i = 0; i < 8; i++) {
        file = inheritable(open_file(path, GENERIC_READ | GENERIC_WRITE | DELETE, 7, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE));
        made_so += start(&made, CREATE_SUSPENDED, TRUE, "writes %llu", number(file));
        CloseHandle(file);
        TerminateProcess(made.hProcess, 7);
        made_so += WaitForSingleObject(made.hProcess, 30000) == WAIT_OBJECT_0;
        gone += GetFileAttributesA(path) == INVALID_FILE_ATTRIBUTES;
        ended(&made);
    }
    CHECK_EQ("eight that were killed", made_so, 16);
    CHECK_EQ("each time it was gone at once", gone, 8);
}

static void locks(void) {
    const char *path = scratch("together-locks");
    PROCESS_INFORMATION made;
    OVERLAPPED at = {0};
    HANDLE file = open_file(path, GENERIC_READ | GENERIC_WRITE, 7, CREATE_ALWAYS, 0);
    put(file, "0123456789");
    at.Offset = 2;
    CHECK("a lock", LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK, 0, 3, 0, &at));
    HANDLE ready = CreateEventA(NULL, TRUE, FALSE, "together-ready");
    CHECK("a child that meets it", start(&made, 0, FALSE, "locks %s", path));
    CHECK_EQ("it did", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    CHECK_EQ("and waits", WaitForSingleObject(made.hProcess, 100), WAIT_TIMEOUT);
    CHECK("unlocked", UnlockFileEx(file, 0, 3, 0, &at));
    CHECK_EQ("it goes on", ended(&made), 0);
    CHECK("what it locked is free", LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 10, 0, &at));
    CloseHandle(file);
    CloseHandle(ready);
    DeleteFileA(path);
}

static void sections(void) {
    PROCESS_INFORMATION made;
    HANDLE named = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x20000, "together-section");
    CHECK("a named section", named && GetLastError() != ERROR_ALREADY_EXISTS);
    volatile LONG *words = MapViewOfFile(named, FILE_MAP_WRITE, 0, 0, 0);
    CHECK("its view", words != NULL);
    words[0] = 1;
    HANDLE plain = inheritable(CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x10000, NULL));
    volatile LONG *other = MapViewOfFile(plain, FILE_MAP_WRITE, 0, 0, 0);
    other[5] = 55;
    CHECK("a child that maps them", start(&made, 0, TRUE, "maps %llu", number(plain)));
    CHECK_EQ("it sees what we wrote", ended(&made), 0);
    CHECK_EQ("we see what it wrote", words[1], 2);
    CHECK_EQ("in both", other[6], 66);
    CHECK_EQ("exchanged by both", words[2], 0);
    UnmapViewOfFile((void *)words);
    CloseHandle(named);
    CHECK_ERROR("no name without a handle", OpenFileMappingA(FILE_MAP_READ, FALSE, "together-section") != NULL, ERROR_FILE_NOT_FOUND);

    /* A named one that its maker leaves. */
    HANDLE ready = CreateEventA(NULL, TRUE, FALSE, "together-ready"), go = CreateEventA(NULL, TRUE, FALSE, "together-go");
    CHECK("a child that makes one", start(&made, 0, FALSE, "makes"));
    CHECK_EQ("it did", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    HANDLE theirs = OpenFileMappingA(FILE_MAP_ALL_ACCESS, FALSE, "together-theirs");
    CHECK("is found", theirs != NULL);
    TerminateProcess(made.hProcess, 3);
    CHECK_EQ("killed", ended(&made), 3);
    char *text = MapViewOfFile(theirs, FILE_MAP_READ, 0, 0, 0);
    CHECK("outlives its maker", text && strcmp(text, "theirs") == 0);
    UnmapViewOfFile(text);
    CloseHandle(theirs);
    theirs = OpenFileMappingA(FILE_MAP_READ, FALSE, "together-theirs");
    for (int tries = 0; theirs && tries < 100; tries++) {
        CloseHandle(theirs);
        Sleep(10);
        theirs = OpenFileMappingA(FILE_MAP_READ, FALSE, "together-theirs");
    }
    CHECK("but not its last handle", theirs == NULL);
    CloseHandle(ready);
    CloseHandle(go);

    /* Duplicated into another, with its pages committed one by one. */
    HANDLE reserve = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, 0, 0x40000, NULL), into = NULL;
    char *view = MapViewOfFile(reserve, FILE_MAP_WRITE, 0, 0, 0);
    MEMORY_BASIC_INFORMATION info;
    CHECK("reserved", VirtualQuery(view, &info, sizeof info) && info.State == MEM_RESERVE);
    CHECK("committed", VirtualAlloc(view + 0x1000, 0x1000, MEM_COMMIT, PAGE_READWRITE) != NULL);
    strcpy(view + 0x1000, "committed here");
    ready = CreateEventA(NULL, TRUE, FALSE, "together-ready");
    go = CreateEventA(NULL, TRUE, FALSE, "together-go");
    HANDLE place = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, "together-place");
    ULONGLONG *told = MapViewOfFile(place, FILE_MAP_WRITE, 0, 0, 0);
    CHECK("a child", start(&made, 0, FALSE, "commits"));
    CHECK("duplicated into it", DuplicateHandle(GetCurrentProcess(), reserve, made.hProcess, &into, 0, FALSE, DUPLICATE_SAME_ACCESS));
    *told = number(into);
    SetEvent(go);
    CHECK_EQ("it saw ours", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    CHECK_EQ("and ended well", ended(&made), 0);
    CHECK("we see what it committed", VirtualQuery(view + 0x3000, &info, sizeof info) && info.State == MEM_COMMIT && info.RegionSize == 0x2000);
    CHECK("and wrote", strcmp(view + 0x4000, "committed there") == 0);
    UnmapViewOfFile(view);
    UnmapViewOfFile(told);
    CloseHandle(place);
    CloseHandle(reserve);
    CloseHandle(ready);
    CloseHandle(go);
}

static void mapped_file(void) {
    const char *path = scratch("together-mapped");
    PROCESS_INFORMATION made;
    HANDLE file = open_file(path, GENERIC_READ | GENERIC_WRITE, 7, CREATE_ALWAYS, 0);
    HANDLE section = inheritable(CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 8192, NULL));
    volatile LONG *words = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    char read[8] = "";
    DWORD count;
    CHECK("a section of a file", words != NULL);
    words[5] = 55;
    words[1024] = 7;
    CHECK("a child that maps it", start(&made, 0, TRUE, "maps-file %llu", number(section)));
    CHECK_EQ("sees it", ended(&made), 0);
    CHECK_EQ("we see what it wrote", words[6], 66);
    SetFilePointer(file, 24, NULL, FILE_BEGIN);
    CHECK("so does the file", ReadFile(file, read, 4, &count, NULL) && *(LONG *)read == 66);
    UnmapViewOfFile((void *)words);
    CloseHandle(section);
    CloseHandle(file);
    DeleteFileA(path);
}

static int child(char **arguments) {
    const char *what = arguments[1];
    if (!strcmp(what, "writes")) return put(handle_of(arguments[2]), "child ") ? 0 : 1;
    if (!strcmp(what, "seeks")) return SetFilePointer(handle_of(arguments[2]), 7, NULL, FILE_BEGIN) == 7 ? 0 : 1;
    if (!strcmp(what, "lines")) {
        for (int i = atoi(arguments[3]); i > 0; i--)
            if (!put(handle_of(arguments[2]), "a line of text \n")) return 1;
        return 0;
    }
    if (!strcmp(what, "shares")) {
        if (open_file(arguments[2], GENERIC_WRITE, 7, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE || GetLastError() != ERROR_SHARING_VIOLATION) return 1;
        if (open_file(arguments[2], GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE) return 2;
        HANDLE good = open_file(arguments[2], GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, OPEN_EXISTING, 0);
        return good != INVALID_HANDLE_VALUE ? 0 : 3;
    }
    if (!strcmp(what, "keeps")) {
        HANDLE file = open_file(arguments[2], GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING, 0);
        if (file == INVALID_HANDLE_VALUE) return 1;
        SetEvent(CreateEventA(NULL, TRUE, FALSE, "together-ready"));
        Sleep(60000);
        return 2;
    }
    if (!strcmp(what, "locks")) {
        HANDLE file = open_file(arguments[2], GENERIC_READ | GENERIC_WRITE, 7, OPEN_EXISTING, 0);
        OVERLAPPED at = {0};
        char text[16];
        DWORD count;
        if (LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 3, 0, &at) || GetLastError() != ERROR_LOCK_VIOLATION) return 1;
        /* Wine 8's locks keep nobody from reading and writing. */
        if (!under_oracle() && (ReadFile(file, text, 10, &count, NULL) || GetLastError() != ERROR_LOCK_VIOLATION)) return 2;
        SetFilePointer(file, 0, NULL, FILE_BEGIN);
        if (!ReadFile(file, text, 2, &count, NULL) || count != 2) return 3;
        SetFilePointer(file, 4, NULL, FILE_BEGIN);
        if (!under_oracle() && (put(file, "x") || GetLastError() != ERROR_LOCK_VIOLATION)) return 4;
        SetEvent(OpenEventA(EVENT_ALL_ACCESS, FALSE, "together-ready"));
        at.Offset = 1;
        if (!LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK, 0, 8, 0, &at)) return 5;
        return put(file, "x") ? 0 : 6;
    }
    if (!strcmp(what, "maps")) {
        volatile LONG *words = MapViewOfFile(OpenFileMappingA(FILE_MAP_WRITE, FALSE, "together-section"), FILE_MAP_WRITE, 0, 0, 0);
        volatile LONG *other = MapViewOfFile(handle_of(arguments[2]), FILE_MAP_WRITE, 0, 0, 0);
        if (!words || !other || words[0] != 1 || other[5] != 55) return 1;
        words[1] = 2;
        other[6] = 66;
        return InterlockedExchange(&words[2], 0) ? 2 : 0;
    }
    if (!strcmp(what, "maps-file")) {
        volatile LONG *words = MapViewOfFile(handle_of(arguments[2]), FILE_MAP_WRITE, 0, 0, 0);
        if (!words || words[5] != 55 || words[1024] != 7) return 1;
        words[6] = 66;
        return 0;
    }
    if (!strcmp(what, "makes")) {
        HANDLE made = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, "together-theirs");
        strcpy(MapViewOfFile(made, FILE_MAP_WRITE, 0, 0, 0), "theirs");
        SetEvent(OpenEventA(EVENT_ALL_ACCESS, FALSE, "together-ready"));
        Sleep(60000);
    }
    if (!strcmp(what, "commits")) {
        HANDLE ready = OpenEventA(EVENT_ALL_ACCESS, FALSE, "together-ready"), go = OpenEventA(EVENT_ALL_ACCESS, FALSE, "together-go");
        ULONGLONG *told = MapViewOfFile(OpenFileMappingA(FILE_MAP_READ, FALSE, "together-place"), FILE_MAP_READ, 0, 0, 0);
        if (WaitForSingleObject(go, 30000) || !told) return 1;
        char *view = MapViewOfFile((HANDLE)(ULONG_PTR)*told, FILE_MAP_WRITE, 0, 0, 0);
        MEMORY_BASIC_INFORMATION info;
        if (!view || strcmp(view + 0x1000, "committed here")) return 2;
        if (!VirtualQuery(view + 0x2000, &info, sizeof info) || info.State != MEM_RESERVE) return 3;
        if (!VirtualAlloc(view + 0x3000, 0x2000, MEM_COMMIT, PAGE_READWRITE)) return 4;
        strcpy(view + 0x4000, "committed there");
        SetEvent(ready);
        return 0;
    }
    return 100;
}

int main(int count, char **arguments) {
    if (count > 1) return child(arguments);
    GetModuleFileNameA(NULL, self, sizeof self);
    positions();
    many_writers();
    sharing();
    deletion();
    locks();
    sections();
    mapped_file();
    return finish();
}
