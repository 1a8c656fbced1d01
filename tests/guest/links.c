/* Symbolic links and junctions that a program makes: set, told, followed, removed, and where they must not lead. */
#include "check.h"
#include <winioctl.h>
#include <winternl.h>

typedef struct {
    ULONG tag;
    USHORT length, reserved;
    union {
        struct { USHORT at, size, print_at, print_size; WCHAR path[1024]; } mount;
        struct { USHORT at, size, print_at, print_size; ULONG flags; WCHAR path[1024]; } link;
        BYTE bytes[2060];
    };
} REPARSE;

static HANDLE itself(const char *name, DWORD access) {
    return CreateFileA(name, access, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
}

static ULONG fill(REPARSE *data, ULONG tag, ULONG flags, const WCHAR *to) {
    USHORT size = (USHORT)(wcslen(to) * 2), head = tag == IO_REPARSE_TAG_SYMLINK ? 12 : 8;
    memset(data, 0, sizeof *data);
    data->tag = tag;
    data->length = (USHORT)(head + size + 2 + 2);
    data->mount.size = size;
    data->mount.print_at = (USHORT)(size + 2);
    if (tag == IO_REPARSE_TAG_SYMLINK) {
        data->link.flags = flags;
        memcpy(data->link.path, to, size);
    } else {
        memcpy(data->mount.path, to, size);
    }
    return 8u + data->length;
}

static DWORD set(const char *name, ULONG tag, ULONG flags, const WCHAR *to) {
    REPARSE data;
    DWORD done, size = fill(&data, tag, flags, to);
    HANDLE file = itself(name, GENERIC_WRITE);
    if (file == INVALID_HANDLE_VALUE) return GetLastError();
    DWORD error = DeviceIoControl(file, FSCTL_SET_REPARSE_POINT, &data, size, NULL, 0, &done, NULL) ? 0 : GetLastError();
    CloseHandle(file);
    return error;
}

/* A name of this folder as NT has it. */
static const WCHAR *nt(const char *name) {
    static WCHAR path[MAX_PATH];
    WCHAR here[MAX_PATH];
    GetCurrentDirectoryW(MAX_PATH, here);
    swprintf(path, MAX_PATH, L"\\??\\%ls\\%hs", here, name);
    return path;
}

static DWORD junction(const char *name, const WCHAR *to) {
    if (!CreateDirectoryA(name, NULL)) return GetLastError();
    return set(name, IO_REPARSE_TAG_MOUNT_POINT, 0, to);
}

static DWORD symlink_to(const char *name, ULONG flags, const WCHAR *to) {
    CloseHandle(CreateFileA(name, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL));
    return set(name, IO_REPARSE_TAG_SYMLINK, flags, to);
}

static const char *contents(const char *name) {
    static char text[64];
    DWORD count = 0;
    memset(text, 0, sizeof text);
    HANDLE file = CreateFileA(name, GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return "none";
    ReadFile(file, text, sizeof text - 1, &count, NULL);
    CloseHandle(file);
    return text;
}

static int put(const char *name, const char *text) {
    DWORD count = 0;
    HANDLE file = CreateFileA(name, GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return 0;
    WriteFile(file, text, (DWORD)strlen(text), &count, NULL);
    CloseHandle(file);
    return 1;
}

NTDLL(NTSTATUS, NtQueryDirectoryFile, HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK *, void *, ULONG, int, BOOLEAN, UNICODE_STRING *, BOOLEAN)

/* The tag that a listing tells: where the size of extended attributes stands. */
static DWORD tag_in_listing(const char *name) {
    BYTE entry[1024];
    WCHAR text[64];
    UNICODE_STRING mask;
    IO_STATUS_BLOCK io;
    swprintf(text, 64, L"%hs", name);
    RtlInitUnicodeString(&mask, text);
    HANDLE folder = CreateFileA(".", FILE_LIST_DIRECTORY, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    NTSTATUS status = NtQueryDirectoryFile_(folder, NULL, NULL, NULL, &io, entry, sizeof entry, 3, TRUE, &mask, TRUE);
    CloseHandle(folder);
    return status ? 0xdead : *(DWORD *)(entry + 64);
}

static WCHAR *wide(WCHAR *to, const char *name) {
    MultiByteToWideChar(CP_ACP, 0, name, -1, to, MAX_PATH);
    return to;
}

static int lists(const char *mask, const char *name, DWORD attributes, DWORD tag) {
    WIN32_FIND_DATAW found;
    WCHAR pattern[MAX_PATH], wanted[MAX_PATH];
    HANDLE find = FindFirstFileW(wide(pattern, mask), &found);
    int good = 0;
    wide(wanted, name);
    if (find == INVALID_HANDLE_VALUE) return 0;
    do {
        if (!wcscmp(found.cFileName, wanted))
            good = found.dwFileAttributes == attributes && found.nFileSizeLow == 0 && found.nFileSizeHigh == 0 &&
                (!tag || (tag_in_listing(name) == tag && found.dwReserved0 == tag && found.dwReserved1 == 0));
    } while (FindNextFileW(find, &found));
    FindClose(find);
    return good;
}

enum { LINK_FOLDER = FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY, LINK_FILE = FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_ARCHIVE };

static void junctions(void) {
    char path[MAX_PATH];
    REPARSE data, asked;
    DWORD done, size;
    FILE_ATTRIBUTE_TAG_INFO tag;
    BY_HANDLE_FILE_INFORMATION info;
    CHECK("a folder with a file", CreateDirectoryA("real", NULL) && CreateDirectoryA("real\\deep", NULL) && put("real\\a.txt", "one"));
    CHECK("and more", put("real\\deep\\b.txt", "two"));
    CHECK_EQ("junction", junction("j", nt("real")), 0);
    CHECK_EQ("its attributes", GetFileAttributesA("j"), LINK_FOLDER);
    CHECK("listed", lists("*", "j", LINK_FOLDER, IO_REPARSE_TAG_MOUNT_POINT));
    CHECK("found by its name", lists("j", "j", LINK_FOLDER, IO_REPARSE_TAG_MOUNT_POINT));
    CHECK("read through it", !strcmp(contents("j\\a.txt"), "one"));
    CHECK("in other letters", !strcmp(contents("J\\DEEP\\b.TXT"), "two"));
    CHECK("attributes behind it", GetFileAttributesA("j\\a.txt") == FILE_ATTRIBUTE_ARCHIVE && GetFileAttributesA("j\\deep") == FILE_ATTRIBUTE_DIRECTORY);
    CHECK_ERROR("nothing of that name behind it", GetFileAttributesA("j\\none") != INVALID_FILE_ATTRIBUTES, ERROR_FILE_NOT_FOUND);
    CHECK_ERROR("no such folder", GetFileAttributesA("j\\none\\none") != INVALID_FILE_ATTRIBUTES, ERROR_PATH_NOT_FOUND);
    CHECK("made through it", put("j\\new.txt", "three") && !strcmp(contents("real\\new.txt"), "three"));
    CHECK("folders too", CreateDirectoryA("j\\sub", NULL) && GetFileAttributesA("real\\sub") == FILE_ATTRIBUTE_DIRECTORY);
    CHECK("listed through it", lists("j\\*", "sub", FILE_ATTRIBUTE_DIRECTORY, 0));
    CHECK("renamed through it", MoveFileA("j\\new.txt", "j\\newer.txt") && !strcmp(contents("real\\newer.txt"), "three"));
    CHECK("deleted through it", DeleteFileA("j\\newer.txt") && GetFileAttributesA("real\\newer.txt") == INVALID_FILE_ATTRIBUTES);
    HANDLE file = CreateFileA("j\\a.txt", GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    CHECK("its name is the real one", GetFinalPathNameByHandleA(file, path, sizeof path, 0) && strstr(path, "\\real\\a.txt"));
    CloseHandle(file);
    file = CreateFileA("j", 0, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    CHECK("the folder's too", GetFinalPathNameByHandleA(file, path, sizeof path, 0) && strstr(path, "\\real"));
    CHECK("that is no link", GetFileInformationByHandle(file, &info) && info.dwFileAttributes == FILE_ATTRIBUTE_DIRECTORY);
    CloseHandle(file);
    file = itself("j", FILE_READ_ATTRIBUTES);
    CHECK("itself", file != INVALID_HANDLE_VALUE && GetFileInformationByHandle(file, &info) && info.dwFileAttributes == LINK_FOLDER);
    CHECK("its name", GetFinalPathNameByHandleA(file, path, sizeof path, 0) && strstr(path, "\\j"));
    CHECK("tag", GetFileInformationByHandleEx(file, FileAttributeTagInfo, &tag, sizeof tag) && tag.ReparseTag == IO_REPARSE_TAG_MOUNT_POINT);
    size = fill(&data, IO_REPARSE_TAG_MOUNT_POINT, 0, nt("real"));
    CHECK("told", DeviceIoControl(file, FSCTL_GET_REPARSE_POINT, NULL, 0, &asked, sizeof asked, &done, NULL));
    CHECK("as it was set", done == size && !memcmp(&data, &asked, size));
    CHECK_ERROR("a part", DeviceIoControl(file, FSCTL_GET_REPARSE_POINT, NULL, 0, &asked, 12, &done, NULL), ERROR_MORE_DATA);
    CloseHandle(file);
    CHECK_ERROR("not empty: none there", set("real", IO_REPARSE_TAG_MOUNT_POINT, 0, nt("real")) == 0 ? 1 : (SetLastError(set("real", IO_REPARSE_TAG_MOUNT_POINT, 0, nt("real"))), 0), ERROR_DIR_NOT_EMPTY);
    CHECK_EQ("another tag", set("j", IO_REPARSE_TAG_SYMLINK, 0, nt("real")), ERROR_REPARSE_TAG_MISMATCH);
    CHECK_EQ("set anew", set("j", IO_REPARSE_TAG_MOUNT_POINT, 0, nt("real\\deep")), 0);
    CHECK("it leads there", !strcmp(contents("j\\b.txt"), "two"));
    CHECK_EQ("one through another", junction("jj", nt("j")), 0);
    CHECK("leads on", !strcmp(contents("jj\\b.txt"), "two"));
    CHECK("hidden", SetFileAttributesA("jj", FILE_ATTRIBUTE_HIDDEN) || GetLastError());
    CHECK("still a link", !strcmp(contents("jj\\b.txt"), "two"));
    CHECK("renamed", MoveFileA("jj", "moved") && !strcmp(contents("moved\\b.txt"), "two"));
    CHECK("a file moved through links", put("from.txt", "four") && MoveFileA("from.txt", "moved\\to.txt"));
    CHECK("is there", !strcmp(contents("real\\deep\\to.txt"), "four"));
    CHECK("removed", RemoveDirectoryA("moved"));
    CHECK("gone", GetFileAttributesA("moved") == INVALID_FILE_ATTRIBUTES);
    CHECK("what it led to stays", !strcmp(contents("real\\deep\\b.txt"), "two") && GetFileAttributesA("j") == LINK_FOLDER);
    CHECK_ERROR("a junction is no file to delete", DeleteFileA("j"), ERROR_ACCESS_DENIED);
    file = itself("j", GENERIC_WRITE);
    memset(&data, 0, sizeof data);
    data.tag = IO_REPARSE_TAG_SYMLINK;
    CHECK_ERROR("taken away with another tag", DeviceIoControl(file, FSCTL_DELETE_REPARSE_POINT, &data, 8, NULL, 0, &done, NULL), ERROR_REPARSE_TAG_MISMATCH);
    data.tag = IO_REPARSE_TAG_MOUNT_POINT;
    CHECK("taken away", DeviceIoControl(file, FSCTL_DELETE_REPARSE_POINT, &data, 8, NULL, 0, &done, NULL));
    CHECK_ERROR("there is none any more", DeviceIoControl(file, FSCTL_GET_REPARSE_POINT, NULL, 0, &asked, sizeof asked, &done, NULL), ERROR_NOT_A_REPARSE_POINT);
    CloseHandle(file);
    CHECK_EQ("an empty folder is left", GetFileAttributesA("j"), FILE_ATTRIBUTE_DIRECTORY);
    CHECK("it can be used", put("j\\x", "five") && !strcmp(contents("j\\x"), "five") && DeleteFileA("j\\x") && RemoveDirectoryA("j"));
}

static void symbolic(void) {
    HANDLE file;
    DWORD done;
    CHECK_EQ("a file's, absolute", symlink_to("s1", 0, nt("real\\a.txt")), 0);
    CHECK_EQ("attributes", GetFileAttributesA("s1"), LINK_FILE);
    CHECK("listed", lists("s*", "s1", LINK_FILE, IO_REPARSE_TAG_SYMLINK));
    CHECK("read", !strcmp(contents("s1"), "one"));
    CHECK("written", put("s1", "changed") && !strcmp(contents("real\\a.txt"), "changed"));
    CHECK_EQ("relative", symlink_to("real\\s2", 1, L"deep\\..\\a.txt"), 0);
    CHECK("read", !strcmp(contents("real\\s2"), "changed"));
    CHECK_EQ("up and down", symlink_to("real\\deep\\s3", 1, L"..\\..\\real\\a.txt"), 0);
    CHECK("read", !strcmp(contents("real\\deep\\s3"), "changed"));
    CHECK("copied: what it leads to", CopyFileA("s1", "copy", TRUE) && !strcmp(contents("copy"), "changed") && GetFileAttributesA("copy") == FILE_ATTRIBUTE_ARCHIVE);
    CHECK("deleted: the link alone", DeleteFileA("s1") && !strcmp(contents("real\\a.txt"), "changed"));
    CHECK_EQ("to nothing", symlink_to("s4", 1, L"nothing"), 0);
    CHECK("there, but not what it leads to", GetFileAttributesA("s4") == LINK_FILE && !strcmp(contents("s4"), "none"));
    CHECK("made by writing", put("s4", "made") && !strcmp(contents("nothing"), "made"));
    CHECK("a folder's", CreateDirectoryA("s5", NULL) && set("s5", IO_REPARSE_TAG_SYMLINK, 1, L"real\\deep") == 0);
    CHECK("through it", !strcmp(contents("s5\\b.txt"), "two") && GetFileAttributesA("s5") == LINK_FOLDER);
    CHECK("and one in it", !strcmp(contents("s5\\s3"), "changed"));
    CHECK_EQ("in a circle", symlink_to("c1", 1, L"c2"), 0);
    CHECK_EQ("and back", symlink_to("c2", 1, L"c1"), 0);
    file = CreateFileA("c1", GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    CHECK_EQ("leads nowhere", file == INVALID_HANDLE_VALUE ? GetLastError() : 0, ERROR_CANT_RESOLVE_FILENAME);
    CHECK_EQ("a folder in itself", junction("loop", nt("loop\\loop")), 0);
    CHECK_EQ("nor does that", GetFileAttributesA("loop\\x") == INVALID_FILE_ATTRIBUTES ? GetLastError() : 0, ERROR_CANT_RESOLVE_FILENAME);
    CHECK("they go", DeleteFileA("c1") && DeleteFileA("c2") && RemoveDirectoryA("loop") && RemoveDirectoryA("s5"));
    CHECK_EQ("a mount point is a folder's", set("copy", IO_REPARSE_TAG_MOUNT_POINT, 0, nt("real")), ERROR_DIRECTORY);
    file = itself("nothing", GENERIC_WRITE);
    REPARSE data;
    DWORD size = fill(&data, IO_REPARSE_TAG_SYMLINK, 1, L"x");
    CHECK_ERROR("cut short", DeviceIoControl(file, FSCTL_SET_REPARSE_POINT, &data, size - 1, NULL, 0, &done, NULL), ERROR_INVALID_REPARSE_DATA);
    CHECK_ERROR("none", DeviceIoControl(file, FSCTL_GET_REPARSE_POINT, NULL, 0, &data, sizeof data, &done, NULL), ERROR_NOT_A_REPARSE_POINT);
    CloseHandle(file);
    CHECK("a tag of somebody's own", CreateDirectoryA("own", NULL));
    memset(&data, 0, sizeof data);
    data.tag = 0x42;
    data.length = 5;
    memcpy(data.bytes, "guid of somebodyhello", 21);
    file = itself("own", GENERIC_WRITE);
    CHECK("set", DeviceIoControl(file, FSCTL_SET_REPARSE_POINT, &data, 24 + 5, NULL, 0, &done, NULL));
    CloseHandle(file);
    CHECK_ERROR("nobody knows where it leads", (file = CreateFileA("own\\x", GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL)) != INVALID_HANDLE_VALUE, ERROR_CANT_ACCESS_FILE);
    CHECK("listed", lists("own", "own", LINK_FOLDER, 0x42) && RemoveDirectoryA("own"));
}

NTDLL(NTSTATUS, NtCreateFile, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, IO_STATUS_BLOCK *, LARGE_INTEGER *, ULONG, ULONG, ULONG, ULONG, void *, ULONG)

/* Opens a name below a folder with OBJ_DONT_REPARSE. */
static NTSTATUS open_straight(const WCHAR *name, ULONG options) {
    IO_STATUS_BLOCK io;
    UNICODE_STRING text;
    HANDLE file, folder = CreateFileA(".", FILE_TRAVERSE, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    OBJECT_ATTRIBUTES attributes;
    RtlInitUnicodeString(&text, name);
    InitializeObjectAttributes(&attributes, &text, 0x1040, folder, NULL);
    NTSTATUS status = NtCreateFile_(&file, GENERIC_READ | SYNCHRONIZE, &attributes, &io, NULL, 0, 7, 1, options | 0x20, NULL, 0);
    if (!status) CloseHandle(file);
    CloseHandle(folder);
    return status;
}

static DWORD run(const char *command) {
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION process;
    char line[64];
    DWORD code = 0;
    if (!CreateProcessA(NULL, strcpy(line, command), NULL, NULL, FALSE, 0, NULL, NULL, &start, &process)) return GetLastError();
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    CloseHandle(process.hProcess);
    CloseHandle(process.hThread);
    return code;
}

static BOOL made(const char *name, const char *target, DWORD flags) {
    WCHAR at[MAX_PATH], to[MAX_PATH];
    return CreateSymbolicLinkW(wide(at, name), wide(to, target), flags);
}

/* CreateSymbolicLink, and what else programs do to links by name. */
static void named(void) {
    char path[MAX_PATH];
    REPARSE data;
    DWORD done;
    WIN32_FIND_DATAW found;
    LARGE_INTEGER end;
    CHECK("a file", put("target", "here") && CreateDirectoryA("below", NULL));
    CHECK("a link to it", made("n1", "target", 2));
    CHECK("read through it", GetFileAttributesA("n1") == LINK_FILE && !strcmp(contents("n1"), "here"));
    CHECK("one to what is above", made("below\\n2", "..\\target", 0) && !strcmp(contents("below\\n2"), "here"));
    GetFullPathNameA("target", sizeof path, path, NULL);
    CHECK("by the whole name", made("below\\n3", path, 0) && !strcmp(contents("below\\n3"), "here"));
    HANDLE file = itself("below\\n3", FILE_READ_ATTRIBUTES);
    CHECK("asked", DeviceIoControl(file, FSCTL_GET_REPARSE_POINT, NULL, 0, &data, sizeof data, &done, NULL));
    CloseHandle(file);
    data.link.path[(data.link.at + data.link.size) / 2] = 0;
    CHECK("its flags, and what it leads to", data.link.flags == 0 && !wcscmp(data.link.path + data.link.at / 2, nt("target")));
    CHECK("and what is shown", data.link.print_size == strlen(path) * 2 && data.link.path[data.link.print_at / 2] == (WCHAR)path[0]);
    CHECK("below the drive", made("n4", path + 2, 0) && !strcmp(contents("n4"), "here"));
    CHECK("a folder's", made("n5", "below", SYMBOLIC_LINK_FLAG_DIRECTORY) && GetFileAttributesA("n5") == LINK_FOLDER && !strcmp(contents("n5\\n2"), "here"));
    CHECK("to nothing", made("n6", "nothing there", 0) && GetFileAttributesA("n6") == LINK_FILE);
    CHECK_ERROR("what is there stays", made("n1", "below", 1), ERROR_ALREADY_EXISTS);
    CHECK_ERROR("nor is a file replaced", made("target", "n1", 0), ERROR_ALREADY_EXISTS);
    CHECK_ERROR("no such folder", made("none\\x", "target", 0), ERROR_PATH_NOT_FOUND);
    CHECK_ERROR("no such flag", made("x", "target", 8), ERROR_INVALID_PARAMETER);
    CHECK_ERROR("no such name", made("a|b", "target", 0), ERROR_INVALID_NAME);
    CHECK("attributes are the link's own", SetFileAttributesA("n6", FILE_ATTRIBUTE_READONLY) && SetFileAttributesA("n1", FILE_ATTRIBUTE_READONLY));
    CHECK("they are there", (GetFileAttributesA("n1") & FILE_ATTRIBUTE_READONLY) && !(GetFileAttributesA("target") & FILE_ATTRIBUTE_READONLY));
    SetFileAttributesA("n1", FILE_ATTRIBUTE_ARCHIVE);
    SetFileAttributesA("n6", FILE_ATTRIBUTE_ARCHIVE);
    CHECK_EQ("straight to a file", open_straight(L"target", 0), 0);
    CHECK_EQ("a link is not followed", (DWORD)open_straight(L"n1", 0), 0xc000050b);
    CHECK_EQ("nor one on the way", (DWORD)open_straight(L"n5\\n2", 0), 0xc000050b);
    CHECK_EQ("itself it is opened", open_straight(L"n1", FILE_FLAG_OPEN_REPARSE_POINT), 0);
    /* A program is what its link leads to, and has the link's name. */
    GetModuleFileNameA(NULL, path, sizeof path);
    CHECK("a program's link", made("program.exe", path, 0));
    CHECK_EQ("runs", run("program.exe named"), 42);
    CHECK("and goes", DeleteFileA("program.exe"));
    /* Both halves of a size come through FindNextFile. */
    file = CreateFileA("large", GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
    end.QuadPart = 0x123456789;
    CHECK("a large file", SetFilePointerEx(file, end, NULL, FILE_BEGIN) && SetEndOfFile(file));
    CloseHandle(file);
    file = FindFirstFileW(L"large", &found);
    CHECK("told whole", file != INVALID_HANDLE_VALUE && found.nFileSizeHigh == 1 && found.nFileSizeLow == 0x23456789 && found.dwReserved0 == 0);
    FindClose(file);
    CHECK("they go", DeleteFileA("n1") && DeleteFileA("n4") && DeleteFileA("n6") && RemoveDirectoryA("n5") && DeleteFileA("large"));
    CHECK("what they led to stays", !strcmp(contents("target"), "here") && !strcmp(contents("below\\n2"), "here"));
}

/* Nothing outside of what the sandbox sees is behind any name. */
static void outside(void) {
    static const WCHAR *const absolute[] = {
        L"\\??\\unix\\etc", L"\\??\\C:\\..\\..\\etc", L"\\??\\C:\\..\\..\\..\\..\\..\\etc", L"\\??\\Z:\\etc", L"\\??\\C:\\proc\\self\\root\\etc",
        L"\\Device\\HarddiskVolume1\\..\\etc", L"\\??\\GLOBALROOT\\??\\unix\\etc", L"/etc", L"\\etc", L"\\??\\C:/../../etc", L"\\??\\C:\\/etc",
        L"\\\\?\\C:\\..\\etc", L"\\??\\UNC\\localhost\\c$\\etc", L"\\??\\C:\\x\\..\\..\\..\\etc", L"\\",
    };
    static const WCHAR *const relative[] = {
        L"..\\..\\..\\..\\..\\..\\..\\..\\etc", L"/etc", L"../../../../../../etc", L"\\..\\..\\etc", L"\\etc", L"..\\/../etc", L"/proc/self/root/etc",
    };
    int reached = 0;
    for (unsigned i = 0; i < sizeof absolute / sizeof *absolute; i++) {
        if (junction("out", absolute[i]) == 0) {
            reached += strcmp(contents("out\\passwd"), "none") != 0;
            reached += GetFileAttributesA("out\\passwd") != INVALID_FILE_ATTRIBUTES;
            reached += put("out\\written", "x");
        }
        RemoveDirectoryA("out");
        if (symlink_to("out", 0, absolute[i]) == 0) reached += strcmp(contents("out\\passwd"), "none") != 0;
        DeleteFileA("out");
    }
    for (unsigned i = 0; i < sizeof relative / sizeof *relative; i++) {
        CreateDirectoryA("out", NULL);
        if (set("out", IO_REPARSE_TAG_SYMLINK, 1, relative[i]) == 0) {
            reached += strcmp(contents("out\\passwd"), "none") != 0;
            reached += put("out\\written", "x");
        }
        RemoveDirectoryA("out");
        DeleteFileA("out");
    }
    CHECK_EQ("nothing was reached", reached, 0);
}

/* What a run leaves in a folder, and what a later one finds there. */
static void left(const char *place, int make) {
    if (make) CHECK("a place", CreateDirectoryA(place, NULL));
    CHECK("there", SetCurrentDirectoryA(place));
    if (make) {
        CHECK("a folder with a file", CreateDirectoryA("real", NULL) && put("real\\a.txt", "one"));
        CHECK_EQ("a junction", junction("j", nt("real")), 0);
        CHECK_EQ("a symbolic link", symlink_to("s", 1, L"real\\a.txt"), 0);
        CHECK_EQ("one out of the sandbox", junction("out", L"\\??\\C:\\..\\..\\etc"), 0);
    }
    CHECK("through the junction", GetFileAttributesA("j") == LINK_FOLDER && !strcmp(contents("j\\a.txt"), "one"));
    CHECK("and the link", GetFileAttributesA("s") == LINK_FILE && !strcmp(contents("s"), "one"));
    CHECK("listed", lists("*", "j", LINK_FOLDER, IO_REPARSE_TAG_MOUNT_POINT) && lists("*", "s", LINK_FILE, IO_REPARSE_TAG_SYMLINK));
    CHECK("that one leads nowhere", GetFileAttributesA("out") == LINK_FOLDER && !strcmp(contents("out\\passwd"), "none"));
}

/* Makes links for as long as it lives, and says of each when it is there. */
static void make_many(const char *place) {
    char name[16];
    CreateDirectoryA(place, NULL);
    SetCurrentDirectoryA(place);
    CreateDirectoryA("real", NULL);
    put("real\\a.txt", "one");
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "j%d", i);
        if (junction(name, nt("real")) == 0) say("made %s", name);
        /* One that is there leads elsewhere and back. */
        if (i % 4 == 0 && set(name, IO_REPARSE_TAG_MOUNT_POINT, 0, nt("none")) == 0 && set(name, IO_REPARSE_TAG_MOUNT_POINT, 0, nt("real")) == 0)
            say("changed %s", name);
    }
}

/* What that left when it was killed: links that lead where one of them was to, and empty folders that were to become some. */
static void whole(const char *place) {
    WIN32_FIND_DATAA found;
    int links = 0, folders = 0, others = 0, beside = 0;
    CHECK("there", SetCurrentDirectoryA(place));
    HANDLE find = FindFirstFileA("*", &found);
    do {
        const char *name = found.cFileName;
        DWORD attributes = found.dwFileAttributes;
        char inner[MAX_PATH];
        snprintf(inner, sizeof inner, "%s\\a.txt", name);
        if (*name == '.' && strncmp(name, ".portcullis-", 12) == 0) beside++;
        else if (*name == '.' || !strcmp(name, "real")) continue;
        else if (attributes == LINK_FOLDER) {
            REPARSE data;
            DWORD done;
            HANDLE file = itself(name, FILE_READ_ATTRIBUTES);
            int whole = DeviceIoControl(file, FSCTL_GET_REPARSE_POINT, NULL, 0, &data, sizeof data, &done, NULL) && done == 8u + data.length;
            CloseHandle(file);
            whole = whole && (!wcscmp(data.mount.path, nt("real")) ? !strcmp(contents(inner), "one") : !wcscmp(data.mount.path, nt("none")));
            links += whole;
            others += !whole;
            if (whole) say("link %s", name);
        } else if (attributes == FILE_ATTRIBUTE_DIRECTORY) folders++;
        else others++;
    } while (FindNextFileA(find, &found));
    FindClose(find);
    CHECK("links", links > 0);
    CHECK("folders that were to become links, one for each that was killed", folders + beside <= 40);
    CHECK_EQ("halves of links", others, 0);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "named")) {
        char path[MAX_PATH];
        GetModuleFileNameA(NULL, path, sizeof path);
        return strstr(path, "\\program.exe") ? 42 : 1;
    }
    if (argc > 2 && !strcmp(argv[1], "many")) {
        make_many(argv[2]);
        return finish();
    }
    if (argc > 2 && !strcmp(argv[1], "whole")) {
        whole(argv[2]);
        return finish();
    }
    if (argc > 2) {
        left(argv[2], !strcmp(argv[1], "leave"));
        return finish();
    }
    if (!under_oracle()) { /* Wine 8 makes none */
        /* A folder of the host's, a throw-away one, and the sandbox's layer of drive C. */
        char temporary[MAX_PATH];
        GetTempPathA(sizeof temporary, temporary);
        const char *const places[] = {"scratch", strcat(temporary, "links"), "C:\\links"};
        for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
            say("in %s", places[i]);
            CHECK("a place", CreateDirectoryA(places[i], NULL) && SetCurrentDirectoryA(places[i]));
            junctions();
            symbolic();
            named();
            outside();
        }
    }
    CHECK("came to its end", 1);
    return finish();
}
