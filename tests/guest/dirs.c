/* Directories: listing with wildcards as Windows reads them, change notification. */
#include "check.h"

NTDLL(LONG, NtNotifyChangeDirectoryFile, HANDLE, HANDLE, void *, void *, void *, void *, ULONG, ULONG, BOOLEAN)

static void touch(const char *name) {
    char path[MAX_PATH];
    snprintf(path, sizeof path, "scratch\\dirs\\%s", name);
    CloseHandle(CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL));
}

static const char *files[] = {"a.txt", "b.txt", "B2.TXT", "noext", "long name.text", "x.y.z", "abc.c", ".hidden", "tilde~1"};

static int by_name(const void *a, const void *b) { return _stricmp(*(char *const *)a, *(char *const *)b); }

/* The names a pattern finds, sorted, with '|' between. */
static const char *list(const char *pattern) {
    static char result[1024];
    char path[MAX_PATH], *names[64];
    WIN32_FIND_DATAA d;
    int count = 0;
    snprintf(path, sizeof path, "scratch\\dirs\\%s", pattern);
    HANDLE h = FindFirstFileA(path, &d);
    if (h == INVALID_HANDLE_VALUE) {
        snprintf(result, sizeof result, "error %lu", GetLastError());
        return result;
    }
    do {
        if (count < 64) names[count++] = _strdup(d.cFileName);
    } while (FindNextFileA(h, &d));
    if (GetLastError() != ERROR_NO_MORE_FILES) names[count++] = _strdup("(no proper end)");
    FindClose(h);
    qsort(names, (size_t)count, sizeof *names, by_name);
    *result = 0;
    for (int i = 0; i < count; i++) {
        if (i) strcat(result, "|");
        strcat(result, names[i]);
        free(names[i]);
    }
    return result;
}

static void expect(const char *pattern, const char *want) {
    const char *got = list(pattern);
    char name[64];
    snprintf(name, sizeof name, "list %s", pattern);
    if (!CHECK(name, !strcmp(got, want))) say("  got  %s\n  want %s", got, want);
}

static void patterns(void) {
    CreateDirectoryA("scratch\\dirs", NULL);
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) touch(files[i]);
    CreateDirectoryA("scratch\\dirs\\sub", NULL);
    expect("*.txt", "a.txt|b.txt|B2.TXT");
    expect("*.*", ".|..|.hidden|a.txt|abc.c|b.txt|B2.TXT|long name.text|noext|sub|tilde~1|x.y.z");
    expect("*", ".|..|.hidden|a.txt|abc.c|b.txt|B2.TXT|long name.text|noext|sub|tilde~1|x.y.z");
    expect("?.txt", "a.txt|b.txt");
    WINE8_DIFFERS(expect("??.txt", "a.txt|b.txt|B2.TXT"));
    expect("b*", "b.txt|B2.TXT");
    WINE8_DIFFERS(expect("*.", ".|..|.hidden|noext|sub|tilde~1"));
    expect("a.txt", "a.txt");
    expect("A.TXT", "a.txt");
    expect("*y*", "x.y.z");
    expect("none*", "error 2");
    expect("none\\*", "error 3");
    expect("long n*", "long name.text");
    WIN32_FIND_DATAA d;
    HANDLE h = FindFirstFileA("scratch\\dirs\\sub", &d);
    CHECK("a folder by its name", h != INVALID_HANDLE_VALUE && (d.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY));
    FindClose(h);
    CHECK_ERROR("an empty folder's own wildcard finds . and ..", (h = FindFirstFileA("scratch\\dirs\\sub\\*", &d)) == INVALID_HANDLE_VALUE, 0xdeadbeef);
    CHECK("first is .", !strcmp(d.cFileName, "."));
    FindClose(h);
    h = FindFirstFileExA("scratch\\dirs\\*", FindExInfoBasic, &d, FindExSearchLimitToDirectories, NULL, FIND_FIRST_EX_LARGE_FETCH);
    CHECK("extended search", h != INVALID_HANDLE_VALUE);
    FindClose(h);
}

static void many(void) {
    enum { COUNT = 1500 };
    char name[MAX_PATH];
    CreateDirectoryA("scratch\\many", NULL);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "scratch\\many\\file number %d with a long name", i);
        CloseHandle(CreateFileA(name, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL));
    }
    static BYTE seen[COUNT];
    int count = 0, twice = 0, n;
    WIN32_FIND_DATAA d;
    HANDLE h = FindFirstFileA("scratch\\many\\*", &d);
    do {
        if (sscanf(d.cFileName, "file number %d", &n) == 1) {
            count++;
            twice += seen[n]++ != 0;
        }
    } while (FindNextFileA(h, &d));
    FindClose(h);
    CHECK_EQ("1500 entries", count, COUNT);
    CHECK_EQ("none twice", twice, 0);
    h = CreateFileA("scratch\\many", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    static BYTE buffer[4096] __attribute__((aligned(8)));
    count = 0;
    while (GetFileInformationByHandleEx(h, FileIdBothDirectoryInfo, buffer, sizeof buffer)) {
        FILE_ID_BOTH_DIR_INFO *e = (FILE_ID_BOTH_DIR_INFO *)buffer;
        for (;; e = (FILE_ID_BOTH_DIR_INFO *)((BYTE *)e + e->NextEntryOffset)) {
            count++;
            if (!e->NextEntryOffset) break;
        }
    }
    CHECK_EQ("through the handle, with . and ..", count, COUNT + 2);
    CHECK_EQ("its end", GetLastError(), ERROR_NO_MORE_FILES);
    CloseHandle(h);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "scratch\\many\\file number %d with a long name", i);
        DeleteFileA(name);
    }
    CHECK("removed", RemoveDirectoryA("scratch\\many"));
}

static DWORD buffer[1024];
/* Reads changes until the one that is looked for. */
static int told(HANDLE h, OVERLAPPED *o, DWORD filter, DWORD action, const WCHAR *name) {
    DWORD n = 0;
    for (int turn = 0; turn < 20; turn++) {
        if (WaitForSingleObject(o->hEvent, 5000) || !GetOverlappedResult(h, o, &n, FALSE)) return 0;
        int found = 0;
        FILE_NOTIFY_INFORMATION *i = (FILE_NOTIFY_INFORMATION *)buffer;
        for (; n; i = (FILE_NOTIFY_INFORMATION *)((BYTE *)i + i->NextEntryOffset)) {
            found |= i->Action == action && i->FileNameLength == wcslen(name) * 2 && !memcmp(i->FileName, name, i->FileNameLength);
            if (!i->NextEntryOffset) break;
        }
        ReadDirectoryChangesW(h, buffer, sizeof buffer, TRUE, filter, NULL, o, NULL);
        if (found) return 1;
    }
    return 0;
}

static void watch(void) {
    HANDLE h = CreateFileA("scratch\\dirs", FILE_LIST_DIRECTORY, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED, NULL);
    OVERLAPPED o = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    DWORD all = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME | FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_SIZE;
    CHECK("watch a folder and those below", ReadDirectoryChangesW(h, buffer, sizeof buffer, TRUE, all, NULL, &o, NULL));
    CHECK_EQ("nothing yet", WaitForSingleObject(o.hEvent, 30), WAIT_TIMEOUT);
    touch("fresh");
    CHECK("a new file is told", told(h, &o, all, FILE_ACTION_ADDED, L"fresh"));
    MoveFileA("scratch\\dirs\\fresh", "scratch\\dirs\\stale");
    CHECK("a new name is told", told(h, &o, all, FILE_ACTION_RENAMED_NEW_NAME, L"stale"));
    DeleteFileA("scratch\\dirs\\stale");
    CHECK("a deleted file is told", told(h, &o, all, FILE_ACTION_REMOVED, L"stale"));
    touch("sub\\below");
    WINE8_DIFFERS(CHECK("one below, with its path", told(h, &o, all, FILE_ACTION_ADDED, L"sub\\below")));
    while (WaitForSingleObject(o.hEvent, 100) == 0) ReadDirectoryChangesW(h, buffer, sizeof buffer, TRUE, all, NULL, &o, NULL);
    CHECK("cancel", CancelIo(h));
    DWORD n = 0;
    CHECK_ERROR("cancelled", GetOverlappedResult(h, &o, &n, TRUE), ERROR_OPERATION_ABORTED);
    CloseHandle(h);
    h = FindFirstChangeNotificationA("scratch\\dirs", FALSE, FILE_NOTIFY_CHANGE_FILE_NAME);
    CHECK("FindFirstChangeNotification", h != INVALID_HANDLE_VALUE);
    CHECK_EQ("quiet", WaitForSingleObject(h, 30), WAIT_TIMEOUT);
    touch("second");
    CHECK_EQ("signalled", WaitForSingleObject(h, 5000), 0);
    FindCloseChangeNotification(h);
}

/* A watch that begins without a buffer never tells what changed. */
static void unnamed(void) {
    char block[512];
    HANDLE h = CreateFileA("scratch\\dirs", FILE_LIST_DIRECTORY, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED, NULL);
    OVERLAPPED o = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    CHECK_ERROR("the filter comes first", ReadDirectoryChangesW(NULL, NULL, 0, FALSE, 0, NULL, NULL, NULL), ERROR_INVALID_PARAMETER);
    CHECK_EQ("and before it the status block", (ULONG)NtNotifyChangeDirectoryFile_(NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, FALSE), 0xc0000005);
    CHECK("without a buffer", ReadDirectoryChangesW(h, NULL, 0, FALSE, FILE_NOTIFY_CHANGE_FILE_NAME, NULL, &o, NULL));
    touch("third");
    CHECK_EQ("told", WaitForSingleObject(o.hEvent, 5000), 0);
    CHECK_EQ("to look", o.Internal, 0x10c); /* STATUS_NOTIFY_ENUM_DIR */
    CHECK("with one", ReadDirectoryChangesW(h, block, sizeof block, FALSE, FILE_NOTIFY_CHANGE_FILE_NAME, NULL, &o, NULL));
    DeleteFileA("scratch\\dirs\\third");
    CHECK_EQ("told again", WaitForSingleObject(o.hEvent, 5000), 0);
    CHECK_EQ("but not what", o.Internal * 100 + o.InternalHigh, 0x10c * 100);
    CloseHandle(h);
    CloseHandle(o.hEvent);
}

/* Goes down to folders until the current directory is as long as that, from `from` on; answers its length. */
static size_t down(wchar_t *path, size_t length, size_t until) {
    while (length < until) {
        size_t more = until - length > 101 ? 100 : until - length - 1;
        path[length++] = L'\\';
        for (size_t i = 0; i < more; i++) path[length + i] = L'd';
        path[length += more] = 0;
        CreateDirectoryW(path, NULL);
    }
    return length;
}

/* Stock Wine copies a longer one over what lies behind its buffer. */
static void far_down(void) {
    static wchar_t path[512], home[MAX_PATH], here[512];
    GetCurrentDirectoryW(MAX_PATH, home);
    swprintf(path, 512, L"\\\\?\\%ls\\scratch", home);
    size_t start = wcslen(path), prefix = 4;
    size_t longest = down(path, start, prefix + 258);
    CHECK("longest current directory", SetCurrentDirectoryW(path) && GetCurrentDirectoryW(512, here) >= 258);
    wcscpy(here, L"untouched");
    SetCurrentDirectoryW(home);
    size_t longer = down(path, longest, longest + 30);
    SetLastError(0);
    CHECK("longer current directory", !SetCurrentDirectoryW(path) && GetLastError() == ERROR_FILENAME_EXCED_RANGE);
    HANDLE folder = CreateFileW(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    CHECK("longer folder is opened", folder != INVALID_HANDLE_VALUE && CloseHandle(folder));
    GetCurrentDirectoryW(512, here);
    CHECK("current directory is the one before", !wcscmp(here, home));
    STARTUPINFOW start_info = {.cb = sizeof start_info};
    PROCESS_INFORMATION made;
    wchar_t command[] = L"cmd /c exit 3";
    SetLastError(0);
    CHECK("child in a longer directory", !CreateProcessW(NULL, command, NULL, NULL, FALSE, 0, NULL, path + prefix, &start_info, &made) &&
                                             GetLastError() == ERROR_DIRECTORY);
    for (size_t end = longer; end > start;) {
        RemoveDirectoryW(path);
        while (path[--end] != L'\\') {}
        path[end] = 0;
    }
    CHECK("long folders are deleted", GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES && longer == longest + 30);
}

int main(void) {
    CreateDirectoryA("scratch", NULL);
    patterns();
    many();
    watch();
    unnamed();
    WINE8_DIFFERS(far_down());
    DeleteFileA("scratch\\dirs\\second");
    DeleteFileA("scratch\\dirs\\sub\\below");
    RemoveDirectoryA("scratch\\dirs\\sub");
    int gone = 1;
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        char path[MAX_PATH];
        snprintf(path, sizeof path, "scratch\\dirs\\%s", files[i]);
        gone &= DeleteFileA(path);
    }
    CHECK("all deleted", gone && RemoveDirectoryA("scratch\\dirs"));
    return finish();
}
