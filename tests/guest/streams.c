// Alternate data streams, below the folder that the argument names and on files of the image. Stock Wine has none. Part "left": what an
// earlier run left in a layer that is kept.
#include "check.h"
#include <windows.h>
#include <winternl.h>

static char base[MAX_PATH];

static const char *at(const char *name)
{
    static char path[2][MAX_PATH];
    static int turn;
    turn ^= 1;
    snprintf(path[turn], MAX_PATH, "%s\\%s", base, name);
    return path[turn];
}

static int put(const char *path, const char *text, DWORD disposition)
{
    DWORD count = 0;
    HANDLE file = CreateFileA(path, GENERIC_WRITE, 0, NULL, disposition, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (file == INVALID_HANDLE_VALUE) return 0;
    BOOL done = WriteFile(file, text, (DWORD)strlen(text), &count, NULL);
    CloseHandle(file);
    return done && count == strlen(text);
}

static const char *get(const char *path)
{
    static char text[4096];
    DWORD count = 0;
    HANDLE file = CreateFileA(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return "(none)";
    if (!ReadFile(file, text, sizeof text - 1, &count, NULL)) count = 0;
    text[count] = 0;
    CloseHandle(file);
    return text;
}

struct stream {
    ULONG next, length;
    LARGE_INTEGER size, allocated;
    WCHAR name[1];
};

/* The names and sizes of a file's streams, as ":a:$DATA=3 ", in the order of the list. */
static const char *listed(const char *path)
{
    static char text[1024];
    static char buffer[4096] __attribute__((aligned(8)));
    IO_STATUS_BLOCK io;
    HANDLE file = CreateFileA(path, FILE_READ_ATTRIBUTES, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (file == INVALID_HANDLE_VALUE) return "(none)";
    NTSTATUS status = NtQueryInformationFile(file, &io, buffer, sizeof buffer, 22);
    CloseHandle(file);
    if (status) return "(failed)";
    text[0] = 0;
    if (!io.Information) return text;
    for (struct stream *at = (struct stream *)buffer;; at = (struct stream *)((char *)at + at->next)) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%.*ls=%lld ", (int)at->length / 2, at->name, at->size.QuadPart);
        if (!at->next) return text;
    }
}

static BOOL rename_to(const char *path, const WCHAR *to)
{
    char buffer[256] = {0};
    FILE_RENAME_INFO *info = (FILE_RENAME_INFO *)buffer;
    HANDLE file = CreateFileA(path, DELETE | SYNCHRONIZE, 7, NULL, OPEN_EXISTING, 0, NULL);
    IO_STATUS_BLOCK io;
    info->FileNameLength = (DWORD)wcslen(to) * 2;
    memcpy(info->FileName, to, info->FileNameLength);
    NTSTATUS status = NtSetInformationFile(file, &io, buffer, sizeof buffer, 10);
    CloseHandle(file);
    return status == 0;
}

static void streams(void)
{
    CHECK("a stream of a file that is not there makes both", put(at("a.txt:one"), "first", CREATE_NEW));
    CHECK("the file is empty", !strcmp(get(at("a.txt")), ""));
    CHECK("the file's own bytes", put(at("a.txt"), "main", OPEN_EXISTING));
    CHECK("the stream's", !strcmp(get(at("A.TXT:ONE")), "first"));
    CHECK("by its type too", !strcmp(get(at("a.txt:one:$DATA")), "first"));
    CHECK("the unnamed one", !strcmp(get(at("a.txt::$data")), "main"));
    CHECK("not made twice", !put(at("a.txt:one"), "", CREATE_NEW));
    CHECK_EQ("it exists", GetLastError(), ERROR_FILE_EXISTS);
    CHECK("a second", put(at("a.txt:two words"), "22", CREATE_ALWAYS));
    CHECK("both are listed", !strcmp(listed(at("a.txt")), "::$DATA=4 :one:$DATA=5 :two words:$DATA=2 ")
                                 || !strcmp(listed(at("a.txt")), "::$DATA=4 :two words:$DATA=2 :one:$DATA=5 "));
    CHECK("one that is not there", !strcmp(get(at("a.txt:three")), "(none)"));
    CHECK_EQ("is not found", GetLastError(), ERROR_FILE_NOT_FOUND);
    for (int index = 0; index < 3; index++) {
        const char *bad[] = {"a.txt:x:y", "a.txt:one:$INDEX", ":s"};
        CHECK(bad[index], !put(at(bad[index]), "", CREATE_ALWAYS) && GetLastError() == ERROR_INVALID_NAME);
    }
    WIN32_FIND_DATAA data;
    HANDLE find = FindFirstFileA(at("a.txt*"), &data);
    CHECK("a listing shows the file alone", find != INVALID_HANDLE_VALUE && !FindNextFileA(find, &data));
    FindClose(find);
    CHECK("a stream gets another name", rename_to(at("a.txt:one"), L":uno"));
    CHECK("it is there", !strcmp(get(at("a.txt:uno")), "first") && !strcmp(get(at("a.txt:one")), "(none)"));
    CHECK("a stream is deleted", DeleteFileA(at("a.txt:two words")));
    CHECK("the others stay", !strcmp(listed(at("a.txt")), "::$DATA=4 :uno:$DATA=5 "));
    char from[MAX_PATH];
    strcpy(from, at("a.txt"));
    CHECK("the file gets another name", MoveFileA(from, at("b.txt")));
    CHECK("its streams go along", !strcmp(get(at("b.txt:uno")), "first"));
    static char large[1 << 20];
    DWORD count = 0;
    HANDLE file = CreateFileA(at("b.txt:large"), GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
    CHECK("a large one", WriteFile(file, large, sizeof large, &count, NULL) && GetFileSize(file, NULL) == sizeof large);
    HANDLE again = CreateFileA(at("b.txt:large"), GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    CHECK("shared as a file is", again == INVALID_HANDLE_VALUE && GetLastError() == ERROR_SHARING_VIOLATION);
    CloseHandle(file);
    CHECK("the file is deleted", DeleteFileA(at("b.txt")));
    CHECK("made anew", put(at("b.txt"), "new", CREATE_NEW));
    CHECK("it has none of the old one's", !strcmp(listed(at("b.txt")), "::$DATA=3 "));
    CHECK("a folder", CreateDirectoryA(at("folder"), NULL));
    CHECK("may have some too", put(at("folder:s"), "of a folder", CREATE_NEW));
    CHECK("listed", !strcmp(listed(at("folder")), ":s:$DATA=11 "));
    CHECK("the folder stays empty", RemoveDirectoryA(at("folder")));
    CHECK("left for the next run", put(at("left.txt:kept"), "kept", CREATE_ALWAYS));
}

int main(int argc, char **argv)
{
    strcpy(base, argc > 1 ? argv[1] : "C:\\work");
    if (argc > 2) {
        CHECK("what the last run left", !strcmp(get(at("left.txt:kept")), "kept"));
        CHECK("of the image's file too", !strcmp(get("C:\\windows\\win.ini:zone"), "of the image's"));
    } else {
        streams();
        CHECK("a stream of a file of the image", put("C:\\windows\\win.ini:zone", "of the image's", CREATE_ALWAYS));
        CHECK("is read", !strcmp(get("C:\\windows\\win.ini:Zone"), "of the image's"));
        CHECK("the file itself is what it was", strlen(get("C:\\windows\\win.ini")) > 0);
    }
    return finish();
}
