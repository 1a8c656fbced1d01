/* Opens each path given, in several ways, and says what it could read: "READ way path: contents". A path that begins with '!'
 * is an NT path, passed on without a look by the Win32 layer. "race PATH WANT MS" opens one path over and over meanwhile. */
#include "check.h"
#include <winternl.h>

NTDLL(NTSTATUS, NtOpenFile, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, void *, ULONG, ULONG)
NTDLL(NTSTATUS, NtReadFile, HANDLE, HANDLE, void *, void *, void *, void *, ULONG, LARGE_INTEGER *, ULONG *)
NTDLL(NTSTATUS, NtQueryAttributesFile, OBJECT_ATTRIBUTES *, void *)

static void show(const char *way, const char *path, HANDLE h) {
    char text[64];
    DWORD n = 0;
    if (ReadFile(h, text, sizeof text - 1, &n, NULL) && n) {
        text[n] = 0;
        text[strcspn(text, "\r\n")] = 0;
        say("READ %s %s: %s", way, path, text);
    } else {
        say("OPENED %s %s", way, path);
    }
    CloseHandle(h);
}

static void native(const char *path, HANDLE root, const char *way) {
    WCHAR wide[1024];
    MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 1024);
    UNICODE_STRING name = {.Length = (USHORT)(wcslen(wide) * 2), .MaximumLength = sizeof wide, .Buffer = wide};
    OBJECT_ATTRIBUTES a;
    InitializeObjectAttributes(&a, &name, OBJ_CASE_INSENSITIVE, root, NULL);
    HANDLE h = NULL;
    ULONG_PTR iosb[2];
    NTSTATUS s = NtOpenFile_(&h, GENERIC_READ | SYNCHRONIZE, &a, iosb, 7, FILE_SYNCHRONOUS_IO_NONALERT);
    if (!s) show(way, path, h);
    else say("refused %s %s: %08lx", way, path, (ULONG)s);
}

static void win32(const char *path) {
    WCHAR wide[1024];
    MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 1024);
    HANDLE h = CreateFileW(wide, GENERIC_READ, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (h != INVALID_HANDLE_VALUE) show("win32", path, h);
    else say("refused win32 %s: %lu", path, GetLastError());
    /* Names must not leak either: links made to it, renames onto it, copies of it. */
    if (CreateHardLinkW(L"C:\\work\\stolen", wide, NULL)) say("LINKED %s", path);
    if (CopyFileW(wide, L"C:\\work\\copied", FALSE)) {
        h = CreateFileW(L"C:\\work\\copied", GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
        show("copy", path, h);
    }
    WIN32_FIND_DATAW d;
    h = FindFirstFileW(wide, &d);
    if (h != INVALID_HANDLE_VALUE) {
        say("FOUND %s", path);
        FindClose(h);
    }
}

int main(int argc, char **argv) {
    if (argc > 4 && !strcmp(argv[1], "race")) {
        ULONGLONG end = GetTickCount64() + (ULONGLONG)atoi(argv[4]);
        int good = 0, bad = 0, refused = 0;
        while (GetTickCount64() < end) {
            HANDLE h = CreateFileA(argv[2], GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
            char text[64];
            DWORD n = 0;
            if (h == INVALID_HANDLE_VALUE) {
                refused++;
                continue;
            }
            if (ReadFile(h, text, sizeof text - 1, &n, NULL)) {
                text[n] = 0;
                if (!strcmp(text, argv[3])) good++;
                else if (!bad++) say("RACED %s", text);
            }
            CloseHandle(h);
        }
        say("%d good, %d outside, %d refused", good, bad, refused);
        return bad != 0;
    }
    HANDLE root = CreateFileA(".", GENERIC_READ, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '!') native(argv[i] + 1, NULL, "native");
        else if (argv[i][0] == '@') native(argv[i] + 1, root, "relative");
        else win32(argv[i]);
    }
    say("%d paths tried", argc - 1);
    return 0;
}
