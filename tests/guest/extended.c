/* Extended attributes of files, and files that are opened by a number that nobody listed. Stock Wine has no extended attributes:
 * there the checks are those of MS-FSA 2.1.5 alone. */
#include "family.h"

typedef struct { ULONG Next; UCHAR Flags, NameLength; USHORT ValueLength; char Name[1]; } FULL_EA;
typedef struct { USHORT Length, MaximumLength; PWSTR Buffer; } TEXT16;
typedef struct { ULONG Length; HANDLE Root; TEXT16 *Name; ULONG Attributes; PVOID Security, Quality; } OBJECT;
typedef struct { union { LONG Status; PVOID Pointer; }; ULONG_PTR Information; } IOSB;
NTDLL(LONG, NtSetEaFile, HANDLE, IOSB *, PVOID, ULONG)
NTDLL(LONG, NtQueryEaFile, HANDLE, IOSB *, PVOID, ULONG, BOOLEAN, PVOID, ULONG, ULONG *, BOOLEAN)
NTDLL(LONG, NtQueryInformationFile, HANDLE, IOSB *, PVOID, ULONG, ULONG)
NTDLL(LONG, NtCreateFile, HANDLE *, ULONG, OBJECT *, IOSB *, LARGE_INTEGER *, ULONG, ULONG, ULONG, ULONG, PVOID, ULONG)
NTDLL(BOOLEAN, RtlDosPathNameToNtPathName_U, PCWSTR, TEXT16 *, PWSTR *, PVOID)

static IOSB io;

/* A list of names and values, up to a null. */
static ULONG list(char *to, ...) {
    va_list args;
    ULONG at = 0, last = 0, end = 0;
    va_start(args, to);
    for (const char *name; (name = va_arg(args, const char *)) != NULL;) {
        const char *value = va_arg(args, const char *);
        at = (end + 3) & ~3u;
        if (end) ((FULL_EA *)(to + last))->Next = at - last;
        FULL_EA *entry = (FULL_EA *)(to + at);
        *entry = (FULL_EA){.NameLength = (UCHAR)strlen(name), .ValueLength = (USHORT)strlen(value)};
        strcpy(entry->Name, name);
        memcpy(entry->Name + entry->NameLength + 1, value, entry->ValueLength);
        end = at + (ULONG)offsetof(FULL_EA, Name) + entry->NameLength + 1 + entry->ValueLength;
        last = at;
    }
    va_end(args);
    return end;
}

/* What a file has, as text. */
static const char *all(HANDLE file) {
    static char text[512], buffer[1024];
    LONG status = NtQueryEaFile_(file, &io, buffer, sizeof buffer, FALSE, NULL, 0, NULL, TRUE);
    if (status < 0) {
        snprintf(text, sizeof text, "%08lx", status);
        return text;
    }
    *text = 0;
    for (char *at = buffer;; at += ((FULL_EA *)at)->Next) {
        FULL_EA *entry = (FULL_EA *)at;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s=%.*s;", entry->Name, entry->ValueLength, entry->Name + entry->NameLength + 1);
        if (!entry->Next) return text;
    }
}

static void is(const char *name, HANDLE file, const char *want) {
    const char *got = all(file);
    if (!CHECK(name, !strcmp(got, want))) say("  got  %s\n  want %s", got, want);
}

static LONG open(HANDLE *file, const char *path, ULONG disposition, ULONG options, PVOID ea, ULONG length) {
    WCHAR wide[MAX_PATH];
    TEXT16 name;
    OBJECT object = {sizeof object, NULL, &name, 0x40, NULL, NULL};
    MultiByteToWideChar(CP_ACP, 0, path, -1, wide, MAX_PATH);
    RtlDosPathNameToNtPathName_U_(wide, &name, NULL, NULL);
    return NtCreateFile_(file, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &object, &io, NULL, 0, 7, disposition, 0x20 | options, ea, length);
}

static void attributes(void) {
    char buffer[256], small[16], get[32] = {0};
    const char *path = scratch("extended");
    HANDLE file = NULL, other = NULL;
    ULONG size = 0, length, index;
    PROCESS_INFORMATION made;
    CHECK_EQ("made", open(&file, path, 5, 0, NULL, 0), 0);
    is("none at first", file, "c0000052");
    CHECK_EQ("set", NtSetEaFile_(file, &io, buffer, list(buffer, "one", "1", "two.x", "second", NULL)), 0);
    is("in capitals", file, "ONE=1;TWO.X=second;");
    CHECK_EQ("their size", NtQueryInformationFile_(file, &io, &size, sizeof size, 7), 0);
    CHECK_EQ("as OS/2 counts", size, 4 + 5 + 4 + 5 + 11);
    CHECK_EQ("changed", NtSetEaFile_(file, &io, buffer, list(buffer, "ONE", "uno", "Two.X", "", "three", "3", NULL)), 0);
    is("replaced and gone", file, "ONE=uno;THREE=3;");
    CHECK_EQ("one at a time", NtQueryEaFile_(file, &io, buffer, sizeof buffer, TRUE, NULL, 0, NULL, TRUE), 0);
    CHECK("the first", !strcmp(((FULL_EA *)buffer)->Name, "ONE"));
    CHECK_EQ("and again", NtQueryEaFile_(file, &io, buffer, sizeof buffer, TRUE, NULL, 0, NULL, FALSE), 0);
    CHECK("the second", !strcmp(((FULL_EA *)buffer)->Name, "THREE"));
    CHECK_EQ("no more", (ULONG)NtQueryEaFile_(file, &io, buffer, sizeof buffer, TRUE, NULL, 0, NULL, FALSE), 0x80000012);
    index = 2;
    CHECK_EQ("by index", NtQueryEaFile_(file, &io, buffer, sizeof buffer, FALSE, NULL, 0, &index, FALSE), 0);
    CHECK("it", !strcmp(((FULL_EA *)buffer)->Name, "THREE"));
    index = 4;
    CHECK_EQ("no such index", (ULONG)NtQueryEaFile_(file, &io, buffer, sizeof buffer, FALSE, NULL, 0, &index, FALSE), 0xc0000051);
    CHECK_EQ("too small", (ULONG)NtQueryEaFile_(file, &io, small, 12, FALSE, NULL, 0, NULL, TRUE), 0xc0000023);
    CHECK_EQ("for all", (ULONG)NtQueryEaFile_(file, &io, small, 15, FALSE, NULL, 0, NULL, TRUE), 0x80000005);
    CHECK_EQ("bytes", io.Information, 15);
    get[4] = 5;
    memcpy(get + 5, "three", 6);
    CHECK_EQ("by name", NtQueryEaFile_(file, &io, buffer, sizeof buffer, FALSE, get, 11, NULL, FALSE), 0);
    CHECK("it", !strcmp(((FULL_EA *)buffer)->Name, "THREE") && ((FULL_EA *)buffer)->ValueLength == 1);
    memcpy(get + 5, "where", 6);
    CHECK_EQ("a name that it has not", NtQueryEaFile_(file, &io, buffer, sizeof buffer, FALSE, get, 11, NULL, FALSE), 0);
    CHECK("says nothing", !strcmp(((FULL_EA *)buffer)->Name, "WHERE") && ((FULL_EA *)buffer)->ValueLength == 0);
    CHECK_EQ("a bad name", (ULONG)NtSetEaFile_(file, &io, buffer, list(buffer, "good", "x", "a*b", "y", NULL)), 0x80000013);
    CHECK_EQ("is the second", io.Information, 16);
    length = list(buffer, "good", "x", NULL);
    CHECK_EQ("cut off", (ULONG)NtSetEaFile_(file, &io, buffer, length - 1), 0x80000014);
    is("nothing came of it", file, "ONE=uno;THREE=3;");
    /* Another process, and another handle. */
    CHECK("another process", start(&made, 0, FALSE, "set %s", path));
    CHECK_EQ("finds and changes them", ended(&made), 0);
    is("seen here", file, "ONE=uno;THREE=3;FOUR=child;");
    CHECK_EQ("opened again", open(&other, path, 1, 0, NULL, 0), 0);
    is("still there", other, "ONE=uno;THREE=3;FOUR=child;");
    CloseHandle(other);
    CHECK("moved", MoveFileA(path, scratch("moved")));
    CHECK_EQ("by its new name", open(&other, scratch("moved"), 3, 0, buffer, list(buffer, "NEW", "n", NULL)), 0);
    is("goes with it, and opening sets none", other, "ONE=uno;THREE=3;FOUR=child;");
    CloseHandle(other);
    CloseHandle(file);
    CHECK_EQ("overwritten", open(&file, scratch("moved"), 5, 0, buffer, list(buffer, "new", "n", NULL)), 0);
    is("has what it is given", file, "NEW=n;");
    CloseHandle(file);
    CHECK_EQ("overwritten with none", open(&file, scratch("moved"), 5, 0, NULL, 0), 0);
    is("has none", file, "c0000052");
    length = list(buffer, "must", "m", NULL);
    ((FULL_EA *)buffer)->Flags = 0x80;
    CHECK_EQ("one that is needed", NtSetEaFile_(file, &io, buffer, length), 0);
    CHECK_EQ("who knows none may not", (ULONG)open(&other, scratch("moved"), 1, 0x200, NULL, 0), 0xc0000022);
    CHECK_EQ("who knows may", open(&other, scratch("moved"), 1, 0, NULL, 0), 0);
    CloseHandle(other);
    CloseHandle(file);
    DeleteFileA(scratch("moved"));
    CHECK_EQ("made with some", open(&file, scratch("moved"), 2, 0, buffer, list(buffer, "born", "b", NULL)), 0);
    is("has them", file, "BORN=b;");
    CloseHandle(file);
    CHECK_EQ("a bad list", (ULONG)open(&file, scratch("bad"), 2, 0, buffer, 9), 0x80000014);
    CHECK("makes nothing", GetFileAttributesA(scratch("bad")) == INVALID_FILE_ATTRIBUTES);
    HANDLE readonly = CreateFileA(scratch("moved"), GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    CHECK_EQ("a handle to read", (ULONG)NtSetEaFile_(readonly, &io, buffer, list(buffer, "no", "x", NULL)), 0xc0000022);
    CloseHandle(readonly);
    DeleteFileA(scratch("moved"));
    CHECK_EQ("made anew", open(&file, scratch("moved"), 2, 0, NULL, 0), 0);
    is("has none", file, "c0000052");
    CloseHandle(file);
    CreateDirectoryA(scratch("folder"), NULL);
    file = CreateFileA(scratch("folder"), GENERIC_READ | GENERIC_WRITE, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    CHECK_EQ("a folder's", NtSetEaFile_(file, &io, buffer, list(buffer, "folder", "f", NULL)), 0);
    is("has them", file, "FOLDER=f;");
    CloseHandle(file);
    CHECK_EQ("the pipes have none", (ULONG)NtSetEaFile_(GetStdHandle(STD_OUTPUT_HANDLE), &io, buffer, list(buffer, "no", "x", NULL)) >> 30, 3);
}

static int child_sets(const char *path) {
    char buffer[64];
    HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 7, NULL, OPEN_EXISTING, 0, NULL);
    if (strcmp(all(file), "ONE=uno;THREE=3;")) return 1;
    return NtSetEaFile_(file, &io, buffer, list(buffer, "four", "child", NULL)) ? 2 : 0;
}

/* Opens a file by a number that this process was never told of otherwise. */
static int child_opens(const char *id) {
    FILE_ID_DESCRIPTOR by = {.dwSize = sizeof by, .Type = FileIdType};
    HANDLE volume = CreateFileA(".", 0, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    char text[8] = "";
    DWORD got = 0;
    by.FileId.QuadPart = strtoll(id, NULL, 10);
    HANDLE file = OpenFileById(volume, &by, GENERIC_READ, 7, NULL, 0);
    if (file == INVALID_HANDLE_VALUE) return (int)GetLastError();
    if (!ReadFile(file, text, sizeof text, &got, NULL) || strcmp(text, "by id")) return 1000;
    by.FileId.QuadPart = 1;
    return OpenFileById(volume, &by, GENERIC_READ, 7, NULL, 0) == INVALID_HANDLE_VALUE ? 0 : 1001;
}

static void by_number(void) {
    BY_HANDLE_FILE_INFORMATION info;
    PROCESS_INFORMATION made;
    DWORD written;
    CreateDirectoryA(scratch("below"), NULL);
    CreateDirectoryA(scratch("below\\deeper"), NULL);
    HANDLE file = CreateFileA(scratch("below\\deeper\\file"), GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
    WriteFile(file, "by id", 6, &written, NULL);
    CHECK("its number", GetFileInformationByHandle(file, &info));
    CloseHandle(file);
    CHECK("a process that knows the number", start(&made, 0, FALSE, "number %llu", (ULONGLONG)info.nFileIndexHigh << 32 | info.nFileIndexLow));
    CHECK_EQ("opens the file", ended(&made), 0);
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 2 && !strcmp(argv[1], "set")) return child_sets(argv[2]);
    if (argc > 2 && !strcmp(argv[1], "number")) return child_opens(argv[2]);
    if (under_oracle()) say("differs: extended attributes");
    else attributes();
    by_number();
    return finish();
}
