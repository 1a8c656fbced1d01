/* Names: what they are called in 8.3, paths of up to 32,767 characters, names of devices, dots and spaces at the end, letter case.
   In the folder that is named, else in a new one of the working folder; "look" in front of it: what an earlier run left with "leave". */
#include "check.h"
#include <winternl.h>

static WCHAR base[MAX_PATH];

static const WCHAR *at(const WCHAR *name) {
    static WCHAR paths[4][MAX_PATH * 2];
    static int turn;
    WCHAR *path = paths[turn++ & 3];
    swprintf(path, MAX_PATH * 2, L"%ls\\%ls", base, name);
    return path;
}

/* The same without what Win32 makes of a path. */
static const WCHAR *raw(const WCHAR *name) {
    static WCHAR paths[4][MAX_PATH * 2];
    static int turn;
    WCHAR *path = paths[turn++ & 3];
    swprintf(path, MAX_PATH * 2, L"\\\\?\\%ls\\%ls", base, name);
    return path;
}

static int put(const WCHAR *path, const char *text, DWORD disposition) {
    DWORD count = 0;
    HANDLE file = CreateFileW(path, GENERIC_WRITE, 7, NULL, disposition, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return 0;
    BOOL done = WriteFile(file, text, (DWORD)strlen(text), &count, NULL);
    CloseHandle(file);
    return done && count == strlen(text);
}

static const char *get(const WCHAR *path) {
    static char text[64];
    DWORD count = 0;
    HANDLE file = CreateFileW(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return "(none)";
    if (!ReadFile(file, text, sizeof text - 1, &count, NULL)) count = 0;
    text[count] = 0;
    CloseHandle(file);
    return text;
}

static int is_there(const WCHAR *path) { return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES; }

/* What a listing of a mask finds: the last name and its short one; how many. */
static WIN32_FIND_DATAW found;

static int find(const WCHAR *mask) {
    WIN32_FIND_DATAW one;
    int count = 0;
    memset(&found, 0, sizeof found);
    HANDLE search = FindFirstFileW(mask, &one);
    if (search == INVALID_HANDLE_VALUE) return 0;
    do {
        if (wcscmp(one.cFileName, L".") && wcscmp(one.cFileName, L"..")) found = one, count++;
    } while (FindNextFileW(search, &one));
    FindClose(search);
    return count;
}

static const WCHAR *last(const WCHAR *path) {
    const WCHAR *slash = wcsrchr(path, L'\\');
    return slash ? slash + 1 : path;
}

/* Whether a name is in the form of 8.3, in capitals. */
static int is_short(const WCHAR *name) {
    size_t length = wcslen(name), dot = wcscspn(name, L".");
    if (!length || dot > 8 || dot == 0 || (dot < length && length - dot - 1 > 3)) return 0;
    for (const WCHAR *c = name; *c; c++)
        if (*c == L' ' || (*c >= L'a' && *c <= L'z') || wcschr(L"+,;=[]", *c)) return 0;
    return 1;
}

static const WCHAR *const longs[] = {L"A rather long name.text", L"a rather long name.texture", L"two.dots.txt", L"with space.c", L".hidden", L"a+b.txt", L"noextensionatall"};
enum { LONGS = sizeof longs / sizeof *longs };

static void short_names(void) {
    WCHAR brief[LONGS][MAX_PATH], path[MAX_PATH * 2];
    int good = 0, listed = 0, opened = 0, back = 0, masked = 0, distinct = 0;
    for (int i = 0; i < LONGS; i++) put(at(longs[i]), "long", CREATE_NEW);
    for (int i = 0; i < LONGS; i++) {
        brief[i][0] = 0;
        if (GetShortPathNameW(at(longs[i]), path, MAX_PATH * 2)) wcscpy(brief[i], last(path));
        good += is_short(brief[i]) && wcschr(brief[i], L'~') != NULL;
        listed += find(at(longs[i])) == 1 && !wcscmp(found.cAlternateFileName, brief[i]) && !wcscmp(found.cFileName, longs[i]);
        opened += !strcmp(get(at(brief[i])), "long");
        back += GetLongPathNameW(at(brief[i]), path, MAX_PATH * 2) && !wcscmp(last(path), longs[i]);
        masked += find(at(brief[i])) == 1 && !wcscmp(found.cFileName, longs[i]);
        for (int other = 0; other < i; other++) distinct += wcscmp(brief[i], brief[other]) != 0;
    }
    CHECK_EQ("short names", good, LONGS);
    CHECK_EQ("listed", listed, LONGS);
    CHECK_EQ("opened by", opened, LONGS);
    CHECK_EQ("the way back", back, LONGS);
    CHECK_EQ("found by a search", masked, LONGS);
    CHECK_EQ("all unlike", distinct, LONGS * (LONGS - 1) / 2);
    put(at(L"A rather long neighbour.text"), "x", CREATE_NEW);
    CHECK("others change nothing", GetShortPathNameW(at(longs[0]), path, MAX_PATH * 2) && !wcscmp(last(path), brief[0]));
    CHECK("in small letters", !strcmp(get(at(_wcslwr(wcscpy(path, brief[0])))), "long"));
    CHECK("a name of 8.3 has none", put(at(L"FITS.TXT"), "x", CREATE_NEW) && find(at(L"FITS.TXT")) == 1 && !found.cAlternateFileName[0]);
    CHECK("and is its own", GetShortPathNameW(at(L"FITS.TXT"), path, MAX_PATH * 2) && !wcscmp(last(path), L"FITS.TXT"));
    CHECK_ERROR("taken", put(at(brief[0]), "new", CREATE_NEW), ERROR_FILE_EXISTS);
    CHECK("written by it", put(at(brief[0]), "changed", CREATE_ALWAYS) && !strcmp(get(at(longs[0])), "changed"));
    CHECK("and there is no second one", find(at(longs[0])) == 1 && !wcscmp(found.cFileName, longs[0]));
    CHECK("a folder's", CreateDirectoryW(at(L"A folder of long name"), NULL) && GetShortPathNameW(at(L"A folder of long name"), path, MAX_PATH * 2) && is_short(last(path)));
    WCHAR below[MAX_PATH];
    swprintf(below, MAX_PATH, L"%ls\\In it a long name too.txt", last(path));
    CHECK("made through it", put(at(below), "deep", CREATE_NEW) && !strcmp(get(at(L"A folder of long name\\In it a long name too.txt")), "deep"));
    CHECK("both short", GetShortPathNameW(at(L"A folder of long name\\In it a long name too.txt"), path, MAX_PATH * 2) && is_short(last(path)) && !strcmp(get(path), "deep"));
    wcscpy(wcschr(below, L'\\'), L"\\*");
    CHECK("listed through it", find(at(below)) == 1 && !wcscmp(found.cFileName, L"In it a long name too.txt"));
    CHECK("renamed by it", MoveFileW(at(brief[1]), at(L"RENAMED.TXT")) && !is_there(at(longs[1])) && !strcmp(get(at(L"RENAMED.TXT")), "long"));
    CHECK("deleted by it", DeleteFileW(at(brief[2])) && !is_there(at(longs[2])));
    CHECK("gone", !is_there(at(brief[2])));
    CHECK("another of that name has the same", put(at(longs[2]), "again", CREATE_NEW) && GetShortPathNameW(at(longs[2]), path, MAX_PATH * 2) && !wcscmp(last(path), brief[2]));
}

/* The same of a file of the installed Windows, before and after it was changed. */
static void installed(void) {
    static const WCHAR *const file = L"C:\\windows\\system32\\d3dcompiler_47.dll";
    WCHAR path[MAX_PATH], after[MAX_PATH];
    CHECK("a short name", GetShortPathNameW(file, path, MAX_PATH) && is_short(last(path)) && wcschr(path, L'~') && is_there(path));
    CHECK("listed", find(path) == 1 && !_wcsicmp(found.cFileName, last(file)) && !wcscmp(found.cAlternateFileName, last(path)));
    CHECK("opened to be written by it", put(path, "", OPEN_EXISTING));
    CHECK("the same after that", GetShortPathNameW(file, after, MAX_PATH) && !wcscmp(after, path) && find(path) == 1);
}

/* A path of this many characters at most: folders of 240 characters below each other. The length that was reached. */
static size_t deep(WCHAR *path, size_t most, int make) {
    size_t length = wcslen(wcscpy(path, raw(L"long")));
    if (make) CreateDirectoryW(path, NULL);
    for (int depth = 0; length + 242 < most; depth++) {
        path[length++] = L'\\';
        for (int i = 0; i < 240; i++) path[length + i] = (WCHAR)(L'a' + depth % 26);
        path[length += 240] = 0;
        if (make && !CreateDirectoryW(path, NULL)) return 0;
    }
    return length;
}

static void long_paths(size_t most, const char *name) {
    static WCHAR path[40000], other[40000];
    say("%s", name);
    size_t length = deep(path, most, 1);
    CHECK("folders", length > most - 300);
    if (!length) return;
    wcscpy(path + length, L"\\file.txt");
    CHECK("a file there", put(path, "far down", CREATE_NEW));
    CHECK_EQ("read", strcmp(get(path), "far down"), 0);
    WINE8_DIFFERS(CHECK("attributes", GetFileAttributesW(path) == FILE_ATTRIBUTE_ARCHIVE && SetFileAttributesW(path, FILE_ATTRIBUTE_HIDDEN) && GetFileAttributesW(path) == FILE_ATTRIBUTE_HIDDEN));
    HANDLE file = CreateFileW(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    /* GetFinalPathNameByHandle of Wine's has room for 260 characters. */
    struct { DWORD bytes; WCHAR name[40000]; } *named = malloc(sizeof *named);
    memset(named, 0, sizeof *named);
    CHECK("its name", GetFileInformationByHandleEx(file, FileNameInfo, named, sizeof *named) && !_wcsicmp(named->name, path + 6));
    free(named);
    CloseHandle(file);
    for (WCHAR *c = wcscpy(other, path) + wcslen(base) + 4; *c; c++) *c = (WCHAR)towupper(*c);
    CHECK_EQ("in other letters", strcmp(get(other), "far down"), 0);
    wcscpy(other, path);
    wcscpy(other + length, L"\\renamed.txt");
    CHECK("renamed", MoveFileW(path, other) && !is_there(path) && !strcmp(get(other), "far down"));
    wcscpy(path + length, L"\\*");
    CHECK("listed", find(path) == 1 && !wcscmp(found.cFileName, L"renamed.txt"));
    CHECK("copied", CopyFileW(other, at(L"copy.txt"), TRUE) && !strcmp(get(at(L"copy.txt")), "far down") && DeleteFileW(at(L"copy.txt")));
    CHECK("deleted", DeleteFileW(other));
    int removed = 0, all = 0;
    for (path[length] = 0; wcslen(path) >= wcslen(raw(L"long")); *wcsrchr(path, L'\\') = 0, all++) removed += RemoveDirectoryW(path);
    CHECK_EQ("all removed", removed, all);
}

NTDLL(NTSTATUS, NtQueryVolumeInformationFile, HANDLE, IO_STATUS_BLOCK *, void *, ULONG, int)

static void reserved(void) {
    static const WCHAR *const devices[] = {L"NUL", L"nul", L"CON", L"CONIN$", L"CONOUT$"};
    for (int i = 0; i < 5; i++) {
        HANDLE file = CreateFileW(devices[i], i == 4 || i == 2 ? GENERIC_WRITE : GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
        if (i < 2) CHECK("the device of nothing", file != INVALID_HANDLE_VALUE && GetFileType(file) == FILE_TYPE_CHAR);
        CloseHandle(file);
    }
    static const WCHAR *const names[] = {L"NUL", L"CON", L"AUX", L"PRN", L"COM1", L"LPT9", L"NUL.txt", L"com1.c"};
    int made = 0, read = 0, listed = 0, gone = 0;
    for (int i = 0; i < 8; i++) made += put(raw(names[i]), "a file", CREATE_NEW);
    for (int i = 0; i < 8; i++) read += !strcmp(get(raw(names[i])), "a file");
    for (int i = 0; i < 8; i++) listed += find(raw(names[i])) == 1 && !wcscmp(found.cFileName, names[i]);
    for (int i = 0; i < 8; i++) gone += DeleteFileW(raw(names[i])) && !is_there(raw(names[i]));
    CHECK_EQ("files with names of devices, by their whole path", made, 8);
    CHECK_EQ("read", read, 8);
    CHECK_EQ("listed", listed, 8);
    CHECK_EQ("deleted", gone, 8);
    CHECK("no file comes of NUL in a folder", put(at(L"NUL"), "nothing", OPEN_EXISTING) && !is_there(raw(L"NUL")));
    CHECK("nor of one with a colon", put(L"NUL:", "nothing", OPEN_EXISTING));

    CHECK("dots and spaces at the end count for nothing", put(at(L"end. . "), "end", CREATE_NEW) && !strcmp(get(at(L"end")), "end") && !strcmp(get(at(L"end...")), "end"));
    CHECK("the name has none", find(at(L"end*")) == 1 && !wcscmp(found.cFileName, L"end"));
    CHECK("but in a whole path", put(raw(L"end."), "dot", CREATE_NEW) && put(raw(L"end "), "space", CREATE_NEW));
    CHECK("three files", !strcmp(get(raw(L"end.")), "dot") && !strcmp(get(raw(L"end ")), "space") && !strcmp(get(raw(L"end")), "end"));
    CHECK("of which Win32 finds one", !strcmp(get(at(L"end.")), "end") && !strcmp(get(at(L"end ")), "end"));
    CHECK_EQ("listed", find(at(L"end*")), 3);
    CHECK("deleted", DeleteFileW(raw(L"end.")) && DeleteFileW(raw(L"end ")) && !strcmp(get(at(L"end")), "end") && DeleteFileW(at(L"end")));
    static const WCHAR *const bad[] = {L"a*b", L"a?b", L"a<b", L"a>b", L"a|b", L"a\"b", L"a\tb"};
    int refused = 0;
    for (int i = 0; i < 7; i++) refused += !put(raw(bad[i]), "x", CREATE_NEW) && GetLastError() == ERROR_INVALID_NAME;
    CHECK_EQ("what no name may hold", refused, 7);
    CHECK_ERROR("a slash in a whole path is none", put(raw(L"a/b"), "x", CREATE_NEW), ERROR_INVALID_NAME);
    CHECK("the dot alone is the folder", GetFileAttributesW(at(L".")) & FILE_ATTRIBUTE_DIRECTORY);
    CHECK_ERROR("no name goes up in a whole path", is_there(raw(L"..\\x")), ERROR_INVALID_NAME);
    WCHAR name[300];
    for (int i = 0; i < 256; i++) name[i] = L'n';
    name[256] = 0;
    CHECK("256 characters are too many", !put(raw(name), "x", CREATE_NEW));
    name[255] = 0;
    CHECK("255 are not", put(raw(name), "x", CREATE_NEW) && find(raw(name)) == 1 && !wcscmp(found.cFileName, name) && DeleteFileW(raw(name)));
}

static void letters(void) {
    CHECK("as it was written", put(at(L"Mixed.Txt"), "one", CREATE_NEW) && find(at(L"mixed.txt")) == 1 && !wcscmp(found.cFileName, L"Mixed.Txt"));
    CHECK_ERROR("not twice", put(at(L"MIXED.TXT"), "two", CREATE_NEW), ERROR_FILE_EXISTS);
    WINE8_DIFFERS(CHECK("renamed to other letters", MoveFileW(at(L"Mixed.Txt"), at(L"mIXED.tXT")) && find(at(L"mixed.txt")) == 1 && !wcscmp(found.cFileName, L"mIXED.tXT")));
    CHECK("beyond ASCII", put(at(L"\x00e4\x0436\x03b4.txt"), "three", CREATE_NEW) && !strcmp(get(at(L"\x00c4\x0416\x0394.TXT")), "three"));
    CHECK("a pair of surrogates", put(at(L"\xd83d\xde00.txt"), "four", CREATE_NEW) && find(at(L"\xd83d\xde00.txt")) == 1 && !strcmp(get(at(found.cFileName)), "four"));
    CHECK("deleted", DeleteFileW(at(L"MIXED.txt")) && DeleteFileW(at(L"\x00c4\x0416\x0394.TXT")) && DeleteFileW(at(L"\xd83d\xde00.txt")));
}

/* Every name, and the names alone. */
NTDLL(NTSTATUS, NtQueryDirectoryFile, HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK *, void *, ULONG, int, BOOLEAN, UNICODE_STRING *, BOOLEAN)

static void names_alone(void) {
    ULONG64 one[128];
    IO_STATUS_BLOCK io;
    WCHAR order[16][64], name[64];
    int count = 0, same = 0, later = 0;
    CreateDirectoryW(at(L"listed"), NULL);
    for (int i = 0; i < 10; i++) {
        swprintf(name, 64, L"listed\\%ls%d.txt", i % 2 ? L"Ab long" : L"ab LONG", (i * 7) % 10);
        put(at(name), "x", CREATE_NEW);
    }
    HANDLE folder = CreateFileW(at(L"listed"), FILE_LIST_DIRECTORY | SYNCHRONIZE, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    while (count < 16 && !NtQueryDirectoryFile_(folder, NULL, NULL, NULL, &io, one, sizeof one, 12, TRUE, NULL, FALSE)) {
        ULONG length = ((ULONG *)one)[2] / 2;
        memcpy(order[count], (ULONG *)one + 3, length * 2);
        order[count++][length] = 0;
    }
    CHECK_EQ("names alone", count, 12);
    CHECK("dots first", !wcscmp(order[0], L".") && !wcscmp(order[1], L".."));
    for (int i = 3; i < count; i++) same += _wcsicmp(order[i - 1], order[i]) < 0;
    CHECK_EQ("in order", same, 9);
    same = 0;
    /* The first half as names, the second with what is known of each: the same ones, none twice. */
    for (int i = 0; i < count; i++) {
        int whole = i >= count / 2;
        if (NtQueryDirectoryFile_(folder, NULL, NULL, NULL, &io, one, sizeof one, whole ? 1 : 12, TRUE, NULL, i == 0)) break;
        ULONG length = whole ? ((ULONG *)one)[15] / 2 : ((ULONG *)one)[2] / 2;
        WCHAR *text = (WCHAR *)((BYTE *)one + (whole ? 64 : 12));
        same += length == wcslen(order[i]) && !memcmp(text, order[i], length * 2);
        later += whole && ((ULONG *)one)[14] == FILE_ATTRIBUTE_ARCHIVE && one[5] == 1;
    }
    CHECK_EQ("then more of the rest", same, count);
    CHECK_EQ("it is told", later, count - count / 2);
    CHECK("and no more", NtQueryDirectoryFile_(folder, NULL, NULL, NULL, &io, one, sizeof one, 12, TRUE, NULL, FALSE) == (NTSTATUS)0x80000006);
    CloseHandle(folder);
}

int main(int argc, char **argv) {
    const char *what = argc > 2 ? argv[1] : "";
    swprintf(base, MAX_PATH, L"%hs", argc > 1 ? argv[argc - 1] : "scratch");
    if (argc < 2) {
        WCHAR here[MAX_PATH];
        GetCurrentDirectoryW(MAX_PATH, here);
        swprintf(base, MAX_PATH, L"%ls\\scratch", here);
    }
    if (!strcmp(what, "look")) {
        WCHAR path[MAX_PATH * 2];
        char brief[64] = "";
        int good = 0;
        for (int i = 0; i < LONGS; i++) {
            if (!GetShortPathNameW(at(longs[i]), path, MAX_PATH * 2)) continue;
            wcstombs(brief, last(path), sizeof brief);
            say("short %s", brief);
            good += !strcmp(get(path), "left");
        }
        CHECK_EQ("what was left is found by its short names", good, LONGS);
        return finish();
    }
    CHECK("a place", CreateDirectoryW(base, NULL) || GetLastError() == ERROR_ALREADY_EXISTS);
    if (!strcmp(what, "leave")) {
        int made = 0;
        for (int i = 0; i < LONGS; i++) made += put(at(longs[i]), "left", CREATE_NEW);
        CHECK_EQ("left", made, LONGS);
        return finish();
    }
    if (argc > 2) {
        static WCHAR path[40000];
        size_t length = deep(path, 32000, !strcmp(what, "deep"));
        wcscpy(path + length, L"\\file.txt");
        CHECK("far down", !length == 0 && (strcmp(what, "deep") || put(path, "far down", CREATE_NEW)) && !strcmp(get(path), "far down"));
        return finish();
    }
    short_names();
    installed();
    long_paths(3000, "paths of 3,000 characters");
    WINE8_DIFFERS(long_paths(32000, "paths of 32,000 characters"));
    reserved();
    letters();
    names_alone();
    return finish();
}
