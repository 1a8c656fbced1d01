// Drive C beside the mounts: what a program writes there succeeds, is seen by all, and is gone at the end.
// Part "child" is what the second process looks at.
#include "check.h"
#include <windows.h>

static int put(const char *path, const char *text, DWORD disposition)
{
    HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, NULL, disposition, 0, NULL);
    DWORD count = 0;
    if (file == INVALID_HANDLE_VALUE) return 0;
    SetFilePointer(file, 0, NULL, FILE_END);
    BOOL done = WriteFile(file, text, strlen(text), &count, NULL);
    CloseHandle(file);
    return done && count == strlen(text);
}

static const char *get(const char *path)
{
    static char text[65536];
    HANDLE file = CreateFileA(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    DWORD count = 0;
    if (file == INVALID_HANDLE_VALUE) return "(none)";
    if (!ReadFile(file, text, sizeof(text) - 1, &count, NULL)) count = 0;
    text[count] = 0;
    CloseHandle(file);
    return text;
}

static int listed(const char *pattern)
{
    WIN32_FIND_DATAA data;
    HANDLE find = FindFirstFileA(pattern, &data);
    int count = 0;
    if (find == INVALID_HANDLE_VALUE) return 0;
    do count += strcmp(data.cFileName, ".") && strcmp(data.cFileName, "..");
    while (FindNextFileA(find, &data));
    FindClose(find);
    return count;
}

static DWORD index_of(const char *path)
{
    BY_HANDLE_FILE_INFORMATION info = {0};
    HANDLE file = CreateFileA(path, 0, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    GetFileInformationByHandle(file, &info);
    CloseHandle(file);
    return info.nFileIndexLow;
}

static void making(void)
{
    CHECK("a file in C:\\windows", put("C:\\windows\\portcullis.ini", "[a]\r\nb=c\r\n", CREATE_NEW));
    CHECK("read back", !strcmp(get("c:\\WINDOWS\\Portcullis.INI"), "[a]\r\nb=c\r\n"));
    CHECK("it is there once", listed("C:\\windows\\portcullis*") == 1);
    CHECK("beside what the image has", listed("C:\\windows\\*") > 2);
    SetLastError(0);
    CHECK("not made twice", !put("C:\\windows\\portcullis.ini", "", CREATE_NEW));
    CHECK_EQ("it exists", GetLastError(), ERROR_FILE_EXISTS);
    CHECK("a folder in C:\\", CreateDirectoryA("C:\\portcullis.dir", NULL));
    CHECK("a folder in it", CreateDirectoryA("C:\\portcullis.dir\\b", NULL));
    CHECK("a file there", put("C:\\portcullis.dir\\b\\c.txt", "deep", CREATE_ALWAYS));
    CHECK("read there", !strcmp(get("C:\\portcullis.dir\\b\\c.txt"), "deep"));
    CHECK("a folder that is missing", !put("C:\\portcullis.dir\\x\\c.txt", "deep", CREATE_ALWAYS));
    CHECK_EQ("path not found", GetLastError(), ERROR_PATH_NOT_FOUND);
    CHECK("a file that is missing", !strcmp(get("C:\\portcullis.dir\\b\\d.txt"), "(none)"));
    CHECK_EQ("file not found", GetLastError(), ERROR_FILE_NOT_FOUND);
    CHECK("in Program Files", CreateDirectoryA("C:\\Program Files\\Portcullis Test", NULL));
    CHECK("a file in system32", put("C:\\windows\\system32\\portcullis.dat", "1", CREATE_NEW));
    CHECK("moved up", MoveFileA("C:\\windows\\system32\\portcullis.dat", "C:\\portcullis.dir\\p.dat"));
    CHECK("there", !strcmp(get("C:\\portcullis.dir\\p.dat"), "1"));
    CHECK("not here", GetFileAttributesA("C:\\windows\\system32\\portcullis.dat") == INVALID_FILE_ATTRIBUTES);
    CHECK("a folder that is not empty stays", !RemoveDirectoryA("C:\\portcullis.dir\\b"));
    CHECK_EQ("not empty", GetLastError(), ERROR_DIR_NOT_EMPTY);
    CHECK("a folder is renamed", MoveFileA("C:\\portcullis.dir\\b", "C:\\portcullis.dir\\B2"));
    CHECK("whole", !strcmp(get("C:\\portcullis.dir\\b2\\c.txt"), "deep"));
    CHECK("a profile is written", WritePrivateProfileStringA("s", "k", "v", "portcullis2.ini"));
    char value[8] = "";
    GetPrivateProfileStringA("s", "k", "", value, sizeof(value), "portcullis2.ini");
    CHECK("and read", !strcmp(value, "v"));
    CHECK("deleted", DeleteFileA("C:\\windows\\portcullis2.ini"));
}

// A file that the installed Windows has: changed, replaced, deleted, renamed.
#define OURS "C:\\windows\\win.ini"

static void changing(void)
{
    if (GetFileAttributesA(OURS) == INVALID_FILE_ATTRIBUTES) put(OURS, "; none\r\n", CREATE_NEW);
    DWORD index = index_of(OURS);
    DWORD before = strlen(get(OURS));
    CHECK("opened for writing", put(OURS, "; more\r\n", OPEN_EXISTING));
    CHECK("changed", strlen(get(OURS)) == before + 8);
    CHECK("the same file", index_of(OURS) == index);
    CHECK("listed once", listed(OURS) == 1 && listed("C:\\windows\\win.in?") == 1);
    CHECK("attributes", SetFileAttributesA(OURS, FILE_ATTRIBUTE_READONLY));
    CHECK("set", GetFileAttributesA(OURS) & FILE_ATTRIBUTE_READONLY);
    CHECK("not deleted so", !DeleteFileA(OURS));
    CHECK("back", SetFileAttributesA(OURS, FILE_ATTRIBUTE_NORMAL));
    CHECK("deleted", DeleteFileA(OURS));
    CHECK("gone", GetFileAttributesA(OURS) == INVALID_FILE_ATTRIBUTES && listed(OURS) == 0);
    CHECK_EQ("file not found", GetLastError(), ERROR_FILE_NOT_FOUND);
    CHECK("made anew", put(OURS, "new", CREATE_NEW) && !strcmp(get(OURS), "new"));
    CHECK("renamed", MoveFileA(OURS, "C:\\windows\\win.old"));
    CHECK("gone again", !strcmp(get(OURS), "(none)") && !strcmp(get("C:\\windows\\win.old"), "new"));
    CHECK("deleted there", DeleteFileA("C:\\windows\\win.old"));
}

// Folders that the installed Windows has are renamed with all that lies in them, and moved.
#define FOLDER "C:\\windows\\inf"
#define MOVED "C:\\windows\\portcullis.inf"

static const char *in(const char *folder, const char *name)
{
    static char path[2][MAX_PATH];
    static int which;
    snprintf(path[which ^= 1], MAX_PATH, "%s\\%s", folder, name);
    return path[which];
}

static void folders(void)
{
    WIN32_FIND_DATAA first;
    HANDLE find = FindFirstFileA(FOLDER "\\*.inf", &first);
    CHECK("the image has files there", find != INVALID_HANDLE_VALUE);
    FindClose(find);
    static char text[65536];
    strcpy(text, get(in(FOLDER, first.cFileName)));
    int count = listed(FOLDER "\\*");
    DWORD index = index_of(in(FOLDER, first.cFileName)), folder = index_of(FOLDER);
    // One of them is changed before, one made, one deleted; and there is a folder in it.
    CHECK("made in it", put(FOLDER "\\made.txt", "made", CREATE_NEW) && CreateDirectoryA(FOLDER "\\deep", NULL));
    CHECK("deeper", put(FOLDER "\\deep\\deeper.txt", "deeper", CREATE_NEW));
    CHECK("renamed", MoveFileA(FOLDER, MOVED));
    CHECK("gone", GetFileAttributesA(FOLDER) == INVALID_FILE_ATTRIBUTES && GetLastError() == ERROR_FILE_NOT_FOUND);
    CHECK("and what lay in it", !strcmp(get(in(FOLDER, first.cFileName)), "(none)"));
    CHECK_EQ("by its path", GetLastError(), ERROR_PATH_NOT_FOUND);
    CHECK("not listed", listed(FOLDER) == 0 && listed(MOVED) == 1);
    CHECK_EQ("whole", listed(MOVED "\\*"), count + 2);
    CHECK("read there", !strcmp(get(in(MOVED, first.cFileName)), text) && *text);
    CHECK("the same files", index_of(in(MOVED, first.cFileName)) == index && index_of(MOVED) == folder);
    CHECK("what was made too", !strcmp(get(MOVED "\\made.txt"), "made") && !strcmp(get(MOVED "\\deep\\DEEPER.txt"), "deeper"));
    CHECK("a folder of the old name is another", CreateDirectoryA(FOLDER, NULL) && listed(FOLDER "\\*") == 0);
    CHECK("not onto it", !MoveFileA(MOVED, FOLDER));
    CHECK_EQ("it exists", GetLastError(), ERROR_ALREADY_EXISTS);
    CHECK("not into itself", !MoveFileA(MOVED, MOVED "\\deep\\x"));
    HANDLE open = CreateFileA(MOVED "\\made.txt", GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    CHECK("not while a file in it is open", !MoveFileA(MOVED, "C:\\windows\\other"));
    CHECK_EQ("access denied", GetLastError(), ERROR_ACCESS_DENIED);
    CloseHandle(open);
    CHECK("into another folder", MoveFileA(MOVED, "C:\\portcullis.dir\\inf") && listed("C:\\portcullis.dir\\inf\\*") == count + 2);
    CHECK("what was made goes", DeleteFileA("C:\\portcullis.dir\\inf\\made.txt") && DeleteFileA("C:\\portcullis.dir\\inf\\deep\\deeper.txt") &&
              RemoveDirectoryA("C:\\portcullis.dir\\inf\\deep"));
    CHECK("back", RemoveDirectoryA(FOLDER) && MoveFileA("C:\\portcullis.dir\\inf", FOLDER));
    CHECK("as it was", listed(FOLDER "\\*") == count && !strcmp(get(in(FOLDER, first.cFileName)), text));
    CHECK("in another letter case", MoveFileA(FOLDER, "C:\\windows\\INF"));
    CHECK("shown so", FindClose(FindFirstFileA(FOLDER, &first)) && !strcmp(first.cFileName, "INF"));
    CHECK("and back", MoveFileA(FOLDER, FOLDER) && listed(FOLDER "\\*") == count);
}

int main(int argc, char *argv[])
{
    if (argc > 1 && !strcmp(argv[1], "child")) {
        printf("child sees %s\n", get("C:\\portcullis.dir\\B2\\c.txt"));
        return strcmp(get("C:\\portcullis.dir\\B2\\c.txt"), "deep");
    }
    making();
    changing();
    // A prefix of stock Wine's has no such folder, and its folders move while files in them are open.
    if (!under_oracle()) folders();
    char line[MAX_PATH + 10];
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION child;
    DWORD code = 1;
    GetModuleFileNameA(NULL, line, MAX_PATH);
    strcat(line, " child");
    CHECK("started", CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child));
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    CHECK_EQ("it sees what was made", code, 0);
    // Stock Wine keeps what is written: clean up.
    CHECK("cleaned", DeleteFileA("C:\\portcullis.dir\\B2\\c.txt") && RemoveDirectoryA("C:\\portcullis.dir\\B2")
              && DeleteFileA("C:\\portcullis.dir\\p.dat") && RemoveDirectoryA("C:\\portcullis.dir")
              && RemoveDirectoryA("C:\\Program Files\\Portcullis Test") && DeleteFileA("C:\\windows\\portcullis.ini"));
    CHECK("all of it", listed("C:\\portcullis*") == 0 && listed("C:\\windows\\portcullis*") == 0);
    return finish();
}
