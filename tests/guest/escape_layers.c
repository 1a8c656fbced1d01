/* Tries to come out of the layer that drive C lies in, by names, streams, links and races. What it was given to look for is outside: a
   file whose contents begin with SECRET is never read. "FOUND way" says that it was. */
#include "check.h"
#include <winternl.h>

NTDLL(NTSTATUS, NtOpenFile, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, void *, ULONG, ULONG)
NTDLL(NTSTATUS, NtCreateFile, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, IO_STATUS_BLOCK *, LARGE_INTEGER *, ULONG, ULONG, ULONG, ULONG, void *, ULONG)

static volatile LONG reached;

static void look(const char *way, HANDLE file) {
    char text[16] = "";
    DWORD count = 0;
    if (file == INVALID_HANDLE_VALUE) return;
    if (ReadFile(file, text, sizeof text - 1, &count, NULL) && !strncmp(text, "SECRET", 6)) {
        InterlockedIncrement(&reached);
        say("FOUND %s", way);
    }
    CloseHandle(file);
}

static void try_path(const WCHAR *path) {
    char way[300];
    wcstombs(way, path, sizeof way);
    look(way, CreateFileW(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL));
    look(way, CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 7, NULL, OPEN_ALWAYS, 0, NULL));
    CloseHandle(CreateFileW(path, GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL));
    CreateDirectoryW(path, NULL);
}

/* Names of the layer's own keeping, beside and above the drive, and streams with names that no stream has. */
static void names(void) {
    static const WCHAR *const paths[] = {
        L"C:\\..\\registry", L"\\\\?\\C:\\..\\registry", L"\\\\?\\C:\\..\\..\\secret", L"C:\\..\\..\\secret", L"C:\\gone\\..\\..\\secret", L"C:\\drive\\..\\..\\secret",
        L"C:\\System Volume Information\\secret", L"C:\\System Volume Information", L"C:\\gone", L"C:\\streams", L"C:\\streams\\secret", L"C:\\format", L"C:\\lock",
        L"C:\\registry.new", L"C:\\$Extend\\$Reparse", L"C:\\$MFT", L"C:\\.wh.secret", L"C:\\.wh..wh..opq", L"C:\\x:..", L"C:\\x:../secret", L"C:\\x:..\\secret", L"C:\\x:/secret",
        L"C:\\x:.", L"C:\\x:\\..\\..\\secret", L"C:\\x:$DATA", L"C:\\x::$INDEX_ALLOCATION", L"C:\\x:$I30:$INDEX_ALLOCATION", L"C:\\x:a:..", L"C:\\:secret", L"C:\\windows:..:$DATA",
        L"C:\\link\\secret", L"C:\\link", L"C:\\file-link", L"C:\\up\\secret", L"C:\\file-link:stream", L"C:\\link:stream", L"C:\\LINK\\SECRET", L"C:\\windows\\link\\secret",
    };
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) try_path(paths[i]);
    /* What Win32 would not pass on: zeros and slashes within a name. */
    static const WCHAR odd[][40] = {L"\\??\\C:\\x:\0secret", L"\\??\\C:\\a/../../secret", L"\\??\\C:\\\0", L"\\??\\C:\\x:..\0", L"\\??\\C:\\..\0\\secret"};
    for (unsigned i = 0; i < 5; i++) {
        UNICODE_STRING name = {.Length = 36, .MaximumLength = 40, .Buffer = (WCHAR *)odd[i]};
        OBJECT_ATTRIBUTES a;
        IO_STATUS_BLOCK io;
        HANDLE file = INVALID_HANDLE_VALUE;
        InitializeObjectAttributes(&a, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
        if (!NtCreateFile_(&file, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &a, &io, NULL, 0, 7, 3, 0x20, NULL, 0)) look("odd", file);
    }
}

/* Links and renames across the layer's edge. */
static void edges(void) {
    static const WCHAR *const from[] = {L"C:\\link\\secret", L"C:\\file-link", L"C:\\up\\secret", L"C:\\link", L"C:\\..\\registry", L"C:\\windows\\win.ini"};
    static const WCHAR *const to[] = {L"C:\\stolen", L"C:\\link\\stolen", L"C:\\..\\stolen", L"\\\\?\\C:\\..\\stolen", L"C:\\up\\stolen", L"C:\\file-link", L"C:\\x:stolen", L"C:\\mounted\\stolen"};
    for (unsigned i = 0; i < 6; i++)
        for (unsigned j = 0; j < 8; j++) {
            CreateHardLinkW(to[j], from[i], NULL);
            look("hard link", CreateFileW(to[j], GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL));
            CopyFileW(from[i], to[j], FALSE);
            look("copy", CreateFileW(to[j], GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL));
            if (i < 5) MoveFileExW(from[i], to[j], MOVEFILE_REPLACE_EXISTING | MOVEFILE_COPY_ALLOWED);
            look("moved", CreateFileW(to[j], GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL));
            DeleteFileW(to[j]);
        }
    RemoveDirectoryW(L"C:\\link");
    SetFileAttributesW(L"C:\\link\\secret", FILE_ATTRIBUTE_READONLY);
}

static volatile LONG stop;

static DWORD WINAPI swap(void *unused) {
    (void)unused;
    while (!stop) {
        MoveFileW(L"C:\\race\\a", L"C:\\race\\b");
        MoveFileW(L"C:\\race\\deep\\link", L"C:\\race\\a");
        MoveFileW(L"C:\\race\\a", L"C:\\race\\deep\\link");
        MoveFileW(L"C:\\race\\b", L"C:\\race\\a");
    }
    return 0;
}

/* A folder and a link that leads out, which the host made, change places while one thread opens what lies in them. */
static void races(void) {
    CreateDirectoryW(L"C:\\race", NULL);
    CreateDirectoryW(L"C:\\race\\a", NULL);
    CreateDirectoryW(L"C:\\race\\deep", NULL);
    MoveFileW(L"C:\\link", L"C:\\race\\deep\\link");
    HANDLE thread = CreateThread(NULL, 0, swap, NULL, 0, NULL);
    ULONGLONG end = GetTickCount64() + 1500;
    int tried = 0;
    for (; GetTickCount64() < end; tried++) {
        look("race", CreateFileW(L"C:\\race\\a\\secret", GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL));
        look("race", CreateFileW(L"C:\\race\\a\\..\\..\\..\\secret", GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL));
        CloseHandle(CreateFileW(L"C:\\race\\a\\made", GENERIC_WRITE, 7, NULL, CREATE_NEW, 0, NULL));
        DeleteFileW(L"C:\\race\\a\\secret");
    }
    stop = 1;
    WaitForSingleObject(thread, INFINITE);
    CHECK("it was tried", tried > 0);
}

/* Very many streams, then as much as goes in. */
static void filling(void) {
    WCHAR name[64];
    int made = 0;
    DWORD count;
    for (int i = 0; i < 3000; i++) {
        swprintf(name, 64, L"C:\\streams.txt:stream %d", i);
        HANDLE file = CreateFileW(name, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
        made += file != INVALID_HANDLE_VALUE && WriteFile(file, &i, sizeof i, &count, NULL);
        CloseHandle(file);
    }
    CHECK_EQ("streams", made, 3000);
    CHECK("deleted", DeleteFileW(L"C:\\streams.txt"));
}

int main(int argc, char **argv) {
    if (argc > 1) {
        /* What it looks like if something is found. */
        WCHAR path[MAX_PATH];
        mbstowcs(path, argv[1], MAX_PATH);
        try_path(path);
        return finish();
    }
    names();
    edges();
    races();
    filling();
    CHECK_EQ("nothing outside was reached", reached, 0);
    return finish();
}
