/* Files: dispositions, share modes, delete-on-close, rename, replace, attributes, times, names and their limits. */
#include "check.h"
#include <sddl.h>
#include <winioctl.h>

#define RW (GENERIC_READ | GENERIC_WRITE)
#define ALL_SHARE (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

NTDLL(NTSTATUS, NtSetInformationFile, HANDLE, void *, void *, ULONG, int)
NTDLL(NTSTATUS, NtQueryInformationFile, HANDLE, void *, void *, ULONG, int)

static HANDLE open(const char *path, DWORD access, DWORD share, DWORD disposition, DWORD flags) {
    SetLastError(0);
    return CreateFileA(path, access, share, NULL, disposition, flags, NULL);
}
static int put(const char *path, const char *text) {
    DWORD n = 0;
    HANDLE h = open(path, GENERIC_WRITE, 0, CREATE_ALWAYS, 0);
    WriteFile(h, text, (DWORD)strlen(text), &n, NULL);
    CloseHandle(h);
    return n == strlen(text);
}
static const char *get(const char *path) {
    static char text[256];
    DWORD n = 0;
    HANDLE h = open(path, GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0);
    if (h == INVALID_HANDLE_VALUE) return "(none)";
    ReadFile(h, text, sizeof text - 1, &n, NULL);
    text[n] = 0;
    CloseHandle(h);
    return text;
}
static int exists(const char *path) { return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES; }
static int fails(HANDLE h, DWORD error) {
    if (h != INVALID_HANDLE_VALUE) CloseHandle(h);
    return h == INVALID_HANDLE_VALUE && GetLastError() == error;
}

static void dispositions(void) {
    const char *p = scratch("disp.txt");
    CHECK("open of nothing", fails(open(p, RW, 0, OPEN_EXISTING, 0), ERROR_FILE_NOT_FOUND));
    CHECK("truncate of nothing", fails(open(p, RW, 0, TRUNCATE_EXISTING, 0), ERROR_FILE_NOT_FOUND));
    CHECK("open in a folder that is none", fails(open("scratch\\none\\x.txt", RW, 0, OPEN_EXISTING, 0), ERROR_PATH_NOT_FOUND));
    CHECK("create in a folder that is none", fails(open("scratch\\none\\x.txt", RW, 0, CREATE_ALWAYS, 0), ERROR_PATH_NOT_FOUND));
    HANDLE h = open(p, RW, 0, CREATE_NEW, 0);
    CHECK("create new", h != INVALID_HANDLE_VALUE && GetLastError() == 0);
    CloseHandle(h);
    CHECK("create new again", fails(open(p, RW, 0, CREATE_NEW, 0), ERROR_FILE_EXISTS));
    put(p, "content");
    h = open(p, RW, 0, OPEN_ALWAYS, 0);
    CHECK("open always says it exists", h != INVALID_HANDLE_VALUE && GetLastError() == ERROR_ALREADY_EXISTS);
    CloseHandle(h);
    CHECK("and keeps it", !strcmp(get(p), "content"));
    h = open(p, GENERIC_WRITE, 0, TRUNCATE_EXISTING, 0);
    CHECK("truncate", h != INVALID_HANDLE_VALUE && GetFileSize(h, NULL) == 0);
    CloseHandle(h);
    put(p, "content");
    h = open(p, RW, 0, CREATE_ALWAYS, 0);
    CHECK("create always says it existed, and empties it", h != INVALID_HANDLE_VALUE && GetLastError() == ERROR_ALREADY_EXISTS && GetFileSize(h, NULL) == 0);
    CloseHandle(h);
    CHECK("read handle cannot write", (h = open(p, GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0)) != INVALID_HANDLE_VALUE);
    DWORD n;
    CHECK_ERROR("write through it", WriteFile(h, "x", 1, &n, NULL), ERROR_ACCESS_DENIED);
    CloseHandle(h);
    h = open(p, GENERIC_WRITE, ALL_SHARE, OPEN_EXISTING, 0);
    CHECK_ERROR("read through a write handle", ReadFile(h, &n, 1, &n, NULL), ERROR_ACCESS_DENIED);
    CloseHandle(h);
    h = open(p, FILE_APPEND_DATA, ALL_SHARE, OPEN_EXISTING, 0);
    WriteFile(h, "one", 3, &n, NULL);
    SetFilePointer(h, 0, NULL, FILE_BEGIN);
    WriteFile(h, "two", 3, &n, NULL);
    CloseHandle(h);
    CHECK("append only appends", !strcmp(get(p), "onetwo"));
    h = open(p, FILE_READ_ATTRIBUTES, 0, OPEN_EXISTING, 0);
    CHECK("attributes access conflicts with nobody", h != INVALID_HANDLE_VALUE);
    CHECK_ERROR("and reads no data", ReadFile(h, &n, 1, &n, NULL), ERROR_ACCESS_DENIED);
    CloseHandle(h);
    CHECK("a folder as a file", fails(open("scratch", GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED));
    h = open("scratch", GENERIC_READ, ALL_SHARE, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
    CHECK("a folder with backup semantics", h != INVALID_HANDLE_VALUE);
    CloseHandle(h);
    CHECK("trailing backslash on a file", fails(open("scratch\\disp.txt\\", GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0), ERROR_INVALID_NAME) || GetLastError() == ERROR_PATH_NOT_FOUND);
    CHECK("a file as a folder", fails(open("scratch\\disp.txt\\x", GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0), ERROR_PATH_NOT_FOUND));
    CHECK("delete", DeleteFileA(p) && !exists(p));
    CHECK_ERROR("delete again", DeleteFileA(p), ERROR_FILE_NOT_FOUND);
}

static void sharing(void) {
    const char *p = scratch("share.txt");
    put(p, "x");
    static const struct { DWORD a1, s1, a2, s2; int good; } rows[] = {
        {GENERIC_READ, FILE_SHARE_READ, GENERIC_READ, FILE_SHARE_READ, 1},
        {GENERIC_READ, FILE_SHARE_READ, GENERIC_WRITE, ALL_SHARE, 0},
        {GENERIC_READ, 0, GENERIC_READ, ALL_SHARE, 0},
        {GENERIC_WRITE, ALL_SHARE, GENERIC_READ, FILE_SHARE_READ, 0},
        {GENERIC_WRITE, ALL_SHARE, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, 1},
        {RW, ALL_SHARE, RW, ALL_SHARE, 1},
        {GENERIC_READ, FILE_SHARE_READ, DELETE, ALL_SHARE, 0},
        {GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, DELETE, ALL_SHARE, 1},
        {DELETE, ALL_SHARE, GENERIC_READ, FILE_SHARE_READ, 0},
        {FILE_READ_ATTRIBUTES, 0, RW, 0, 1},
        {GENERIC_EXECUTE, FILE_SHARE_READ, GENERIC_READ, FILE_SHARE_READ, 1},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[40];
        HANDLE a = open(p, rows[i].a1, rows[i].s1, OPEN_EXISTING, 0);
        HANDLE b = open(p, rows[i].a2, rows[i].s2, OPEN_EXISTING, 0);
        DWORD error = GetLastError();
        snprintf(name, sizeof name, "share mode row %u", i);
        CHECK(name, a != INVALID_HANDLE_VALUE && (rows[i].good ? b != INVALID_HANDLE_VALUE : b == INVALID_HANDLE_VALUE && error == ERROR_SHARING_VIOLATION));
        if (b != INVALID_HANDLE_VALUE) CloseHandle(b);
        CloseHandle(a);
    }
    HANDLE h = open(p, GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING, 0);
    CHECK_ERROR("delete of an open file", DeleteFileA(p), ERROR_SHARING_VIOLATION);
    CHECK_ERROR("rename of an open file", MoveFileA(p, scratch("share2.txt")), ERROR_SHARING_VIOLATION);
    CloseHandle(h);
    h = open(p, GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0);
    CHECK("shared for delete: marked", DeleteFileA(p));
    char c;
    DWORD n = 0;
    CHECK("and still read", ReadFile(h, &c, 1, &n, NULL) && n == 1);
    CloseHandle(h);
    CHECK("gone after the last close", !exists(p));
}

static void deletion(void) {
    const char *p = scratch("gone.txt");
    HANDLE h = open(p, RW | DELETE, ALL_SHARE, CREATE_NEW, FILE_FLAG_DELETE_ON_CLOSE);
    CHECK("delete on close", h != INVALID_HANDLE_VALUE && exists(p));
    CloseHandle(h);
    CHECK("deleted", !exists(p));
    put(p, "x");
    h = open(p, RW | DELETE, ALL_SHARE, OPEN_EXISTING, 0);
    FILE_DISPOSITION_INFO on = {TRUE}, off = {FALSE};
    CHECK("disposition set", SetFileInformationByHandle(h, FileDispositionInfo, &on, sizeof on));
    WINE8_DIFFERS(CHECK("open while delete is pending", fails(open(p, GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED)));
    CHECK("disposition taken back", SetFileInformationByHandle(h, FileDispositionInfo, &off, sizeof off));
    CloseHandle(h);
    CHECK("still there", exists(p));
    ULONG posix = 3; /* FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS */
    ULONG_PTR iosb[2];
    if (!under_oracle()) {
        h = open(p, RW | DELETE, ALL_SHARE, OPEN_EXISTING, 0);
        CHECK_EQ("POSIX delete", NtSetInformationFile_(h, iosb, &posix, sizeof posix, 64), 0);
        CHECK("the name is gone before the close", !exists(p));
        CloseHandle(h);
    }
    put(p, "x");
    CHECK("read-only set", SetFileAttributesA(p, FILE_ATTRIBUTE_READONLY));
    CHECK_ERROR("read-only is not deleted", DeleteFileA(p), ERROR_ACCESS_DENIED);
    WINE8_DIFFERS(CHECK("nor opened to write", fails(open(p, GENERIC_WRITE, 0, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED)));
    CHECK("normal again", SetFileAttributesA(p, FILE_ATTRIBUTE_NORMAL) && DeleteFileA(p));
    CreateDirectoryA("scratch\\dir", NULL);
    put("scratch\\dir\\f", "x");
    CHECK_ERROR("a folder that holds files", RemoveDirectoryA("scratch\\dir"), ERROR_DIR_NOT_EMPTY);
    CHECK_ERROR("DeleteFile on a folder", DeleteFileA("scratch\\dir"), ERROR_ACCESS_DENIED);
    CHECK_ERROR("RemoveDirectory on a file", RemoveDirectoryA("scratch\\dir\\f"), ERROR_DIRECTORY);
    DeleteFileA("scratch\\dir\\f");
    CHECK("an empty one", RemoveDirectoryA("scratch\\dir") && !exists("scratch\\dir"));
    CHECK_ERROR("again", RemoveDirectoryA("scratch\\dir"), ERROR_FILE_NOT_FOUND);
    CHECK("made", CreateDirectoryA("scratch\\dir", NULL));
    CHECK_ERROR("made again", CreateDirectoryA("scratch\\dir", NULL), ERROR_ALREADY_EXISTS);
    CHECK_ERROR("in none", CreateDirectoryA("scratch\\none\\dir", NULL), ERROR_PATH_NOT_FOUND);
    RemoveDirectoryA("scratch\\dir");
}

static void renaming(void) {
    const char *a = scratch("a.txt"), *b = scratch("b.txt");
    put(a, "aaa");
    CHECK("rename", MoveFileA(a, b) && !exists(a) && !strcmp(get(b), "aaa"));
    put(a, "new");
    CHECK_ERROR("onto an existing name", MoveFileA(a, b), ERROR_ALREADY_EXISTS);
    CHECK("replacing it", MoveFileExA(a, b, MOVEFILE_REPLACE_EXISTING) && !strcmp(get(b), "new") && !exists(a));
    CHECK_ERROR("of nothing", MoveFileA(a, "scratch\\c.txt"), ERROR_FILE_NOT_FOUND);
    CHECK("into another letter case", MoveFileA(b, "scratch\\B.TXT"));
    WIN32_FIND_DATAA d;
    HANDLE f = FindFirstFileA("scratch\\b.txt", &d);
    WINE8_DIFFERS(CHECK("stored so", f != INVALID_HANDLE_VALUE && !strcmp(d.cFileName, "B.TXT")));
    FindClose(f);
    CreateDirectoryA("scratch\\from", NULL);
    put("scratch\\from\\x", "1");
    CHECK("a folder is renamed whole", MoveFileA("scratch\\from", "scratch\\to") && !strcmp(get("scratch\\to\\x"), "1") && !exists("scratch\\from"));
    CHECK("into another folder", MoveFileA("scratch\\b.txt", "scratch\\to\\b.txt") && exists("scratch\\to\\B.txt"));
    put(a, "src");
    CHECK("copy", CopyFileA(a, b, TRUE) && !strcmp(get(b), "src"));
    CHECK_ERROR("copy onto an existing one", CopyFileA(a, b, TRUE), ERROR_FILE_EXISTS);
    put(a, "second");
    CHECK("copy over it", CopyFileA(a, b, FALSE) && !strcmp(get(b), "second"));
    put(a, "replacement");
    CHECK("ReplaceFile with a backup", ReplaceFileA(b, a, "scratch\\bak", 0, NULL, NULL) && !strcmp(get(b), "replacement") && !exists(a));
    CHECK("the backup is the old one", !strcmp(get("scratch\\bak"), "second"));
    CHECK("hard link", CreateHardLinkA("scratch\\link", b, NULL) && !strcmp(get("scratch\\link"), "replacement"));
    BY_HANDLE_FILE_INFORMATION i1, i2;
    HANDLE h1 = open(b, GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0), h2 = open("scratch\\link", GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0);
    CHECK("two names, one file", GetFileInformationByHandle(h1, &i1) && GetFileInformationByHandle(h2, &i2) && i1.nFileIndexLow == i2.nFileIndexLow && i1.nFileIndexHigh == i2.nFileIndexHigh && i1.nNumberOfLinks == 2);
    /* FileHardLinkInformation: the bytes that all take, their number; each with its folder's id and its name. */
    struct { ULONG needed, count; struct { ULONG next; ULONG64 parent; ULONG length; WCHAR name[1]; } first; char rest[512]; } links = {0};
    void *io[2];
    BY_HANDLE_FILE_INFORMATION above;
    HANDLE folder = CreateFileA("scratch", 0, ALL_SHARE, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    GetFileInformationByHandle(folder, &above);
    CloseHandle(folder);
    WINE8_DIFFERS(CHECK_EQ("its names", NtQueryInformationFile_(h1, io, &links, sizeof links, 46), 0));
    WINE8_DIFFERS(CHECK_EQ("two of them", links.count, 2));
    WINE8_DIFFERS(CHECK("in that folder", (ULONG)links.first.parent == above.nFileIndexLow && links.first.next && links.first.length <= 5));
    WINE8_DIFFERS(CHECK_EQ("cut", (ULONG)NtQueryInformationFile_(h1, io, &links, 40, 46), 0x80000005));
    CloseHandle(h1);
    CloseHandle(h2);
    /* Short names: of what does not fit 8.3, and the way back. */
    char brief[MAX_PATH], full[MAX_PATH];
    put("scratch\\A rather long name.text", "long");
    CHECK("a short name", GetShortPathNameA("scratch\\A rather long name.text", brief, MAX_PATH) && strchr(brief, '~') && strlen(brief) <= 8 + 12);
    CHECK("opened by it", !strcmp(get(brief), "long"));
    CHECK("and back", GetLongPathNameA(brief, full, MAX_PATH) && !strcmp(full, "scratch\\A rather long name.text"));
    CHECK_EQ("attributes by it", GetFileAttributesA(brief), FILE_ATTRIBUTE_ARCHIVE);
    CHECK_ERROR("not made beside it", CreateFileA(brief, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL) != INVALID_HANDLE_VALUE, ERROR_FILE_EXISTS);
    CHECK("deleted by it", DeleteFileA(brief) && !exists(full));
    CHECK("a name that fits has no other", GetShortPathNameA(b, brief, MAX_PATH) && !_stricmp(brief, b));
    char temp[MAX_PATH], path[MAX_PATH];
    CHECK("temporary folder", GetTempPathA(MAX_PATH, temp) && exists(temp));
    CHECK("temporary file", GetTempFileNameA(temp, "pct", 0, path) && exists(path) && DeleteFileA(path));
    DeleteFileA(b);
    DeleteFileA("scratch\\link");
    DeleteFileA("scratch\\bak");
    DeleteFileA("scratch\\to\\x");
    DeleteFileA("scratch\\to\\b.txt");
    CHECK("all gone", RemoveDirectoryA("scratch\\to"));
}

/* A handle that set a time changes it by no write of its own. */
static void times_that_stay(void) {
    const char *p = scratch("times.txt");
    put(p, "12345");
    HANDLE h = open(p, RW, ALL_SHARE, OPEN_EXISTING, 0);
    FILETIME set = {0x9abc0000, 0x01ca0000}, shown;
    DWORD n;
    CHECK("set", SetFileTime(h, NULL, NULL, &set));
    CHECK("written after that", WriteFile(h, "67", 2, &n, NULL));
    WINE8_DIFFERS(CHECK("it stays", GetFileTime(h, NULL, NULL, &shown) && !CompareFileTime(&shown, &set)));
    CloseHandle(h);
    h = open(p, RW, ALL_SHARE, OPEN_EXISTING, 0);
    WINE8_DIFFERS(CHECK("beyond the close", GetFileTime(h, NULL, NULL, &shown) && !CompareFileTime(&shown, &set)));
    CHECK("another handle moves it", WriteFile(h, "8", 1, &n, NULL) && GetFileTime(h, NULL, NULL, &shown) && CompareFileTime(&shown, &set) > 0);
    CloseHandle(h);
}

/* Whether it can be opened. */
static BOOL opens(const char *path, DWORD access, DWORD share, DWORD disposition, DWORD flags) {
    HANDLE h = open(path, access, share, disposition, flags);
    return h != INVALID_HANDLE_VALUE && CloseHandle(h);
}

/* Descriptors of files hold, for whoever opens them; Wine has mode bits in their place, and root's bypass those. */
static void secured(void) {
    const char *file = scratch("secured.txt"), *folder = "scratch\\secured", *inside = "scratch\\secured\\x", *made = "scratch\\secured\\given";
    PSECURITY_DESCRIPTOR none = NULL, some = NULL, closed = NULL;
    char *text = NULL;
    CHECK("nothing allowed", ConvertStringSecurityDescriptorToSecurityDescriptorA("D:P", 1, &none, NULL));
    CHECK("handed down", ConvertStringSecurityDescriptorToSecurityDescriptorA("D:P(D;CIIO;0x2;;;WD)(A;OICI;GA;;;WD)", 1, &some, NULL));
    CHECK("reading only", ConvertStringSecurityDescriptorToSecurityDescriptorA("D:P(A;;GR;;;WD)", 1, &closed, NULL));
    put(file, "12345");
    HANDLE h = open(file, READ_CONTROL | WRITE_DAC, ALL_SHARE, OPEN_EXISTING, 0);
    CHECK("set", SetKernelObjectSecurity(h, DACL_SECURITY_INFORMATION, none));
    CloseHandle(h);
    WINE8_DIFFERS(CHECK_ERROR("reading is denied", opens(file, GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED));
    WINE8_DIFFERS(CHECK_ERROR("writing too", opens(file, GENERIC_WRITE, ALL_SHARE, CREATE_ALWAYS, 0), ERROR_ACCESS_DENIED));
    h = open(file, READ_CONTROL | WRITE_DAC, ALL_SHARE, OPEN_EXISTING, 0);
    CHECK("its owner may change that", h != INVALID_HANDLE_VALUE && SetKernelObjectSecurity(h, DACL_SECURITY_INFORMATION, closed));
    CloseHandle(h);
    h = open(file, GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0);
    CHECK("reading is allowed", h != INVALID_HANDLE_VALUE);
    CloseHandle(h);
    WINE8_DIFFERS(CHECK_ERROR("writing is not", opens(file, GENERIC_WRITE, ALL_SHARE, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED));
    WINE8_DIFFERS(CHECK("the folder's rights delete it", DeleteFileA(file)));
    put(file, "1");
    h = open(file, GENERIC_READ | GENERIC_WRITE, ALL_SHARE, OPEN_EXISTING, 0);
    CHECK("a new one is free of it", h != INVALID_HANDLE_VALUE);
    CloseHandle(h);
    SECURITY_ATTRIBUTES of_folder = {sizeof of_folder, some, FALSE}, of_file = {sizeof of_file, closed, FALSE};
    CHECK("a folder with a descriptor", CreateDirectoryA(folder, &of_folder));
    put(inside, "1");
    h = open(inside, GENERIC_READ | GENERIC_WRITE, ALL_SHARE, OPEN_EXISTING, 0);
    CHECK("a file in it", h != INVALID_HANDLE_VALUE);
    DWORD size = 0;
    BYTE buffer[400];
    CHECK("its descriptor", GetKernelObjectSecurity(h, DACL_SECURITY_INFORMATION, buffer, sizeof buffer, &size));
    CHECK("as text", ConvertSecurityDescriptorToStringSecurityDescriptorA(buffer, 1, DACL_SECURITY_INFORMATION, &text, NULL));
    WINE8_DIFFERS(CHECK("is inherited", text && !strcmp(text, "D:AI(A;ID;FA;;;WD)")));
    LocalFree(text);
    CloseHandle(h);
    CHECK("another in it", CreateDirectoryA("scratch\\secured\\below", NULL));
    WINE8_DIFFERS(CHECK_ERROR("lets no file be made", opens("scratch\\secured\\below\\x", GENERIC_WRITE, 0, CREATE_NEW, 0), ERROR_ACCESS_DENIED));
    h = CreateFileA(made, GENERIC_WRITE, ALL_SHARE, &of_file, CREATE_NEW, 0, NULL);
    CHECK("who makes it gets what he asks for", h != INVALID_HANDLE_VALUE);
    CloseHandle(h);
    WINE8_DIFFERS(CHECK_ERROR("the next does not", opens(made, GENERIC_WRITE, ALL_SHARE, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED));
    WINE8_DIFFERS(CHECK("all gone", DeleteFileA(made) && DeleteFileA(inside) && RemoveDirectoryA("scratch\\secured\\below") && RemoveDirectoryA(folder)));
    LocalFree(none);
    LocalFree(some);
    LocalFree(closed);
}

static void attributes(void) {
    const char *p = scratch("attr.txt");
    put(p, "12345");
    CHECK_EQ("a new file is archive", GetFileAttributesA(p), FILE_ATTRIBUTE_ARCHIVE);
    CHECK_EQ("a folder is a folder", GetFileAttributesA("scratch"), FILE_ATTRIBUTE_DIRECTORY);
    CHECK("hidden and system", SetFileAttributesA(p, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM));
    WINE8_DIFFERS(CHECK_EQ("kept", GetFileAttributesA(p), FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM));
    CHECK("read-only", SetFileAttributesA(p, FILE_ATTRIBUTE_READONLY) && (GetFileAttributesA(p) & FILE_ATTRIBUTE_READONLY));
    CHECK("normal", SetFileAttributesA(p, FILE_ATTRIBUTE_NORMAL) && !(GetFileAttributesA(p) & FILE_ATTRIBUTE_READONLY));
    CHECK_EQ("of nothing", GetFileAttributesA("scratch\\none"), INVALID_FILE_ATTRIBUTES);
    HANDLE h = open(p, RW, ALL_SHARE, OPEN_EXISTING, 0);
    FILETIME c = {0x12340000, 0x01c80000}, a = {0x56780000, 0x01c90000}, w = {0x9abc0000, 0x01ca0000}, c2, a2, w2;
    CHECK("times set", SetFileTime(h, &c, &a, &w));
    CHECK("times read", GetFileTime(h, &c2, &a2, &w2));
    CHECK("written, to 100 ns", !CompareFileTime(&w, &w2));
    CHECK("accessed", !CompareFileTime(&a, &a2));
    CHECK("only one set", SetFileTime(h, NULL, NULL, &a) && GetFileTime(h, NULL, &a2, &w2) && !CompareFileTime(&w2, &a) && !CompareFileTime(&a2, &a));
    BY_HANDLE_FILE_INFORMATION info;
    CHECK("information by handle", GetFileInformationByHandle(h, &info) && info.nFileSizeLow == 5 && info.nNumberOfLinks == 1 && info.dwVolumeSerialNumber);
    FILE_STANDARD_INFO standard;
    CHECK("standard information", GetFileInformationByHandleEx(h, FileStandardInfo, &standard, sizeof standard) && standard.EndOfFile.QuadPart == 5 && !standard.Directory && standard.NumberOfLinks == 1);
    FILE_NAME_INFO *name = malloc(2048);
    CHECK("name information", GetFileInformationByHandleEx(h, FileNameInfo, name, 2048) && name->FileNameLength > 20 && name->FileName[0] == '\\');
    free(name);
    char path[MAX_PATH];
    DWORD n = GetFinalPathNameByHandleA(h, path, sizeof path, 0);
    CHECK("final path", n > 10 && !strncmp(path, "\\\\?\\", 4) && !strcmp(path + n - 8, "attr.txt"));
    CHECK_EQ("type is disk", GetFileType(h), FILE_TYPE_DISK);
    CloseHandle(h);
    WIN32_FILE_ATTRIBUTE_DATA data;
    CHECK("attributes in full", GetFileAttributesExA(p, GetFileExInfoStandard, &data) && data.nFileSizeLow == 5 && !CompareFileTime(&data.ftLastWriteTime, &a));
    DeleteFileA(p);
    SYSTEMTIME st;
    put(p, "x");
    GetFileAttributesExA(p, GetFileExInfoStandard, &data);
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    ULARGE_INTEGER u1 = {.LowPart = now.dwLowDateTime, .HighPart = now.dwHighDateTime}, u2 = {.LowPart = data.ftLastWriteTime.dwLowDateTime, .HighPart = data.ftLastWriteTime.dwHighDateTime};
    CHECK("a new file is written now", u1.QuadPart + 20000000 > u2.QuadPart && u1.QuadPart < u2.QuadPart + 100000000);
    CHECK("readable as a date", FileTimeToSystemTime(&data.ftLastWriteTime, &st) && st.wYear >= 2024);
    DeleteFileA(p);
}

static void names(void) {
    put(scratch("MixedCase.Txt"), "mixed");
    CHECK("any letter case opens", !strcmp(get("SCRATCH\\mixedcase.TXT"), "mixed"));
    CHECK("forward slashes", !strcmp(get("scratch/MixedCase.Txt"), "mixed"));
    CHECK("dots and doubled separators", !strcmp(get("scratch\\.\\..\\scratch\\\\MixedCase.Txt"), "mixed"));
    CHECK("create new in other letters", fails(open("scratch\\MIXEDCASE.TXT", RW, 0, CREATE_NEW, 0), ERROR_FILE_EXISTS));
    CHECK("trailing dots and spaces fall off", !strcmp(get("scratch\\MixedCase.Txt. . "), "mixed"));
    char full[MAX_PATH], *file;
    GetFullPathNameA("scratch\\MixedCase.Txt", MAX_PATH, full, &file);
    CHECK("full path", full[1] == ':' && !strcmp(file, "MixedCase.Txt") && !strcmp(get(full), "mixed"));
    char verbatim[MAX_PATH + 8];
    snprintf(verbatim, sizeof verbatim, "\\\\?\\%s", full);
    CHECK("verbatim path", !strcmp(get(verbatim), "mixed"));
    snprintf(verbatim, sizeof verbatim, "\\\\.\\%s", full);
    CHECK("device path", !strcmp(get(verbatim), "mixed"));
    snprintf(verbatim, sizeof verbatim, "\\\\?\\%s", "C:\\.\\x");
    CHECK("verbatim paths know no dots", fails(open(verbatim, GENERIC_READ, ALL_SHARE, OPEN_EXISTING, 0), ERROR_INVALID_NAME));
    DeleteFileA("scratch\\mixedcase.txt");
    CHECK("gone by another spelling", !exists("scratch\\MixedCase.Txt"));
    static const char *bad[] = {"scratch\\a*b", "scratch\\a?b", "scratch\\a|b", "scratch\\a\"b", "scratch\\a<b", "scratch\\a>b", "scratch\\a\001b"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) CHECK("a character no name has", fails(open(bad[i], RW, 0, CREATE_ALWAYS, 0), ERROR_INVALID_NAME));
    HANDLE h = open("NUL", RW, 0, OPEN_EXISTING, 0);
    DWORD n = 9;
    CHECK("NUL swallows", h != INVALID_HANDLE_VALUE && WriteFile(h, "abc", 3, &n, NULL) && n == 3);
    CHECK("NUL gives nothing", ReadFile(h, full, 3, &n, NULL) && n == 0);
    CHECK_EQ("NUL is a character device", GetFileType(h), FILE_TYPE_CHAR);
    CloseHandle(h);
    h = open("scratch\\nul", RW, 0, OPEN_EXISTING, 0);
    CHECK("NUL in a folder", h != INVALID_HANDLE_VALUE && GetFileType(h) == FILE_TYPE_CHAR);
    CloseHandle(h);
    CHECK("COM9 is not there", open("COM9", RW, 0, OPEN_EXISTING, 0) == INVALID_HANDLE_VALUE);
    WCHAR wide[] = L"scratch\\\x00e4\x4e16\xd83d\xde00 name.txt";
    h = CreateFileW(wide, RW, 0, NULL, CREATE_ALWAYS, 0, NULL);
    CHECK("a name in other scripts", h != INVALID_HANDLE_VALUE);
    CloseHandle(h);
    WIN32_FIND_DATAW d;
    h = FindFirstFileW(L"scratch\\\x00c4*", &d);
    CHECK("found, with its letters and case folded", h != INVALID_HANDLE_VALUE && !wcscmp(d.cFileName, wide + 8));
    FindClose(h);
    CHECK("deleted", DeleteFileW(wide));
    WCHAR deep[2000] = L"\\\\?\\", base[MAX_PATH];
    GetFullPathNameW(L"scratch", MAX_PATH, base, NULL);
    wcscat(deep, base);
    size_t ends[6];
    int made = 0;
    for (int i = 0; i < 6; i++) {
        wcscat(deep, L"\\");
        for (int k = 0; k < 10; k++) wcscat(deep, L"abcdefghij");
        ends[i] = wcslen(deep);
        made += CreateDirectoryW(deep, NULL);
    }
    CHECK_EQ("folders 600 letters deep", made, 6);
    wcscat(deep, L"\\f");
    h = CreateFileW(deep, RW, 0, NULL, CREATE_NEW, 0, NULL);
    CHECK("a file down there", h != INVALID_HANDLE_VALUE);
    CloseHandle(h);
    CHECK("deleted", DeleteFileW(deep));
    for (int i = 5; i >= 0; i--) {
        deep[ends[i]] = 0;
        made -= RemoveDirectoryW(deep);
    }
    CHECK_EQ("folders removed", made, 0);
    WCHAR component[300] = L"scratch\\";
    for (int i = 8; i < 280; i++) component[i] = 'z';
    CHECK("a component too long", CreateFileW(component, RW, 0, NULL, CREATE_ALWAYS, 0, NULL) == INVALID_HANDLE_VALUE);
    char cwd[MAX_PATH], cwd2[MAX_PATH];
    GetCurrentDirectoryA(MAX_PATH, cwd);
    CHECK("change directory", SetCurrentDirectoryA("scratch") && GetCurrentDirectoryA(MAX_PATH, cwd2) && !strcmp(cwd2 + strlen(cwd2) - 8, "\\scratch"));
    CHECK("relative to it", put("here.txt", "1") && SetCurrentDirectoryA("..") && exists("scratch\\here.txt") && DeleteFileA("scratch\\here.txt"));
    CHECK_ERROR("to nowhere", SetCurrentDirectoryA("scratch\\none"), ERROR_FILE_NOT_FOUND);
}

static void volumes(void) {
    char path[MAX_PATH], root[8], name[64], system[64];
    DWORD serial = 0, component = 0, flags = 0;
    GetCurrentDirectoryA(MAX_PATH, path);
    snprintf(root, sizeof root, "%c:\\", path[0]);
    CHECK("volume information", GetVolumeInformationA(root, name, 64, &serial, &component, &flags, system, 64));
    WINE8_DIFFERS(CHECK("names of 255, Unicode, case kept", component == 255 && (flags & FILE_UNICODE_ON_DISK) && (flags & FILE_CASE_PRESERVED_NAMES)));
    UINT type = GetDriveTypeA(root);
    CHECK("drive type", type == DRIVE_FIXED || type == DRIVE_REMOTE);
    CHECK_EQ("no such drive", GetDriveTypeA("Q:\\"), DRIVE_NO_ROOT_DIR);
    CHECK("drives in a mask", GetLogicalDrives() & (1u << (path[0] - 'A')));
    ULARGE_INTEGER available, total, free;
    CHECK("free space", GetDiskFreeSpaceExA(root, &available, &total, &free) && available.QuadPart <= total.QuadPart && total.QuadPart > 0);
    DWORD spc, bps, fc, tc;
    CHECK("clusters", GetDiskFreeSpaceA(root, &spc, &bps, &fc, &tc) && bps >= 512 && spc >= 1);
    CHECK("volume root of a path", GetVolumePathNameA(path, name, 64) && !_stricmp(name, root));
}

int main(void) {
    dispositions();
    sharing();
    deletion();
    renaming();
    times_that_stay();
    secured();
    attributes();
    names();
    volumes();
    return finish();
}
