// Changes drive C and the registry until it is killed, and says what is done: each line is a change that is complete and flushed.
// Argument: a number that tells one run's changes from another's. Part "look": prints what it finds of all runs.
#include "check.h"
#include <windows.h>

static void flushed(const char *path, const char *text, DWORD disposition)
{
    DWORD count;
    HANDLE file = CreateFileA(path, GENERIC_WRITE, 0, NULL, disposition, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        say("failed %s %lu", path, GetLastError());
        ExitProcess(3);
    }
    SetFilePointer(file, 0, NULL, FILE_END);
    if (!WriteFile(file, text, (DWORD)strlen(text), &count, NULL) || !FlushFileBuffers(file)) {
        say("failed %s %lu", path, GetLastError());
        ExitProcess(3);
    }
    CloseHandle(file);
}

static int look(void)
{
    HKEY key;
    if (!RegOpenKeyA(HKEY_CURRENT_USER, "Software\\Keeper", &key)) {
        for (DWORD index = 0;; index++) {
            char name[64];
            DWORD length = sizeof name;
            if (RegEnumValueA(key, index, name, &length, NULL, NULL, NULL, NULL)) break;
            say("value %s", name);
        }
    }
    WIN32_FIND_DATAA data;
    HANDLE find = FindFirstFileA("C:\\keeper\\*", &data);
    if (find != INVALID_HANDLE_VALUE)
        do if (data.cFileName[0] != '.') say("file %s %lu", data.cFileName, data.nFileSizeLow);
        while (FindNextFileA(find, &data));
    return 0;
}

// Sets a few values again and again, as another process does too: what is left of it is short. Then waits until it is told to end.
static int again(int count, BOOL child)
{
    HKEY key;
    char name[64], text[256];
    if (RegCreateKeyA(HKEY_CURRENT_USER, child ? "Software\\Keeper\\Child" : "Software\\Keeper", &key)) return 2;
    PROCESS_INFORMATION other = {0};
    if (!child) {
        STARTUPINFOA start = {.cb = sizeof start};
        char line[MAX_PATH + 32];
        GetModuleFileNameA(NULL, line, MAX_PATH);
        snprintf(line + strlen(line), 32, " child %d", count);
        if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &other)) return 3;
    }
    memset(text, 'x', sizeof text);
    for (int index = 0; index < count; index++) {
        snprintf(name, sizeof name, "value %d", index % 5);
        int length = snprintf(text, 32, "%d", index);
        text[length] = ' ';
        text[sizeof text - 1] = 0;
        if (RegSetValueExA(key, name, 0, REG_SZ, (BYTE *)text, sizeof text)) return 4;
    }
    DWORD code = 0;
    if (!child && (WaitForSingleObject(other.hProcess, 60000) || !GetExitCodeProcess(other.hProcess, &code) || code)) return 5;
    if (child) return 0;
    say("done");
    return getchar() == EOF ? 0 : 0;
}

int main(int argc, char **argv)
{
    if (argc > 2) return again(atoi(argv[2]), !strcmp(argv[1], "child"));
    if (argc < 2 || !strcmp(argv[1], "look")) return look();
    int run = atoi(argv[1]);
    CreateDirectoryA("C:\\keeper", NULL);
    HKEY key;
    if (RegCreateKeyA(HKEY_CURRENT_USER, "Software\\Keeper", &key)) return 2;
    WIN32_FIND_DATAA image;
    HANDLE images = FindFirstFileA("C:\\windows\\system32\\w*.dll", &image);
    // As many as there are: a late run finds no others, and leaves what lies there alone.
    BOOL more = images != INVALID_HANDLE_VALUE;
    for (int index = 0; index < run && more; index++) more = FindNextFileA(images, &image);
    for (int index = 0; index < 1000; index++) {
        char name[64], path[128], other[128], text[64];
        snprintf(name, sizeof name, "%d-%d", run, index);
        snprintf(path, sizeof path, "C:\\keeper\\%s.new", name);
        snprintf(other, sizeof other, "C:\\keeper\\%s.%s", name, index % 3 ? "old" : "gone");
        snprintf(text, sizeof text, "what %s is\n", name);
        flushed(path, text, CREATE_NEW);
        say("written %s", name);
        if (!MoveFileA(path, other)) return 4;
        say("renamed %s", name);
        if (index % 3 == 0) {
            if (!DeleteFileA(other)) return 5;
            say("deleted %s", name);
        }
        if (RegSetValueExA(key, name, 0, REG_SZ, (BYTE *)text, (DWORD)strlen(text) + 1) || RegFlushKey(key)) return 6;
        say("set %s", name);
        if (index % 8 == 2 && more) {
            snprintf(path, sizeof path, "C:\\windows\\system32\\%s", image.cFileName);
            flushed(path, "kept", OPEN_EXISTING);
            say("copied %s", image.cFileName);
            if (index % 16 == 10) {
                if (!DeleteFileA(path)) return 7;
                say("hidden %s", image.cFileName);
            }
            more = FindNextFileA(images, &image);
        }
    }
    return 0;
}
