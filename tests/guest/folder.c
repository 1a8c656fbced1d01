// Times what is done with a folder: fill PATH COUNT, list PATH (with attributes), names PATH (without), or open PATH COUNT (files f0, f1 ...);
// microseconds go to standard output.
#include <windows.h>
#include <winternl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double now(void)
{
    LARGE_INTEGER count, per_second;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&per_second);
    return (double)count.QuadPart * 1e6 / (double)per_second.QuadPart;
}

static int list(const char *folder)
{
    char pattern[MAX_PATH];
    WIN32_FIND_DATAA found;
    unsigned count = 0;
    snprintf(pattern, sizeof pattern, "%s\\*", folder);
    double begun = now();
    HANDLE search = FindFirstFileExA(pattern, FindExInfoBasic, &found, FindExSearchNameMatch, NULL, FIND_FIRST_EX_LARGE_FETCH);
    if (search == INVALID_HANDLE_VALUE) { printf("error %lu\n", GetLastError()); return 1; }
    do count++; while (FindNextFileA(search, &found));
    FindClose(search);
    printf("%u %.1f\n", count, now() - begun);
    return 0;
}

NTSTATUS NTAPI list_names(HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK *, void *, ULONG, ULONG, BOOLEAN, UNICODE_STRING *, BOOLEAN) __asm__("NtQueryDirectoryFile");

// The names alone: FileNamesInformation, which Win32 has no call for.
static int names(const char *folder)
{
    static ULONG64 buffer[8192];
    IO_STATUS_BLOCK io;
    unsigned count = 0;
    double begun = now();
    HANDLE open = CreateFileA(folder, FILE_LIST_DIRECTORY | SYNCHRONIZE, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (open == INVALID_HANDLE_VALUE) { printf("error %lu\n", GetLastError()); return 1; }
    while (!list_names(open, NULL, NULL, NULL, &io, buffer, sizeof buffer, 12, FALSE, NULL, FALSE))
    {
        ULONG at = 0, next;
        do
        {
            next = *(ULONG *)((char *)buffer + at);
            at += next;
            count++;
        } while (next);
    }
    CloseHandle(open);
    printf("%u %.1f\n", count, now() - begun);
    return 0;
}

// Opens, reads and closes each file, and tells what one took.
static int open_all(const char *folder, unsigned count)
{
    char path[MAX_PATH], data[4096];
    double begun = now();
    for (unsigned i = 0; i < count; i++)
    {
        DWORD got;
        snprintf(path, sizeof path, "%s\\f%u", folder, i);
        HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
        if (file == INVALID_HANDLE_VALUE || !ReadFile(file, data, sizeof data, &got, NULL)) { printf("error %lu\n", GetLastError()); return 1; }
        CloseHandle(file);
    }
    printf("%u %.3f\n", count, (now() - begun) / count);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 3 && !strcmp(argv[1], "fill"))
    {
        char to[MAX_PATH];
        CreateDirectoryA(argv[2], NULL);
        for (int i = 0; i < atoi(argv[3]); i++)
        {
            DWORD done;
            snprintf(to, sizeof to, "%s\\f%d", argv[2], i);
            HANDLE file = CreateFileA(to, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
            if (file == INVALID_HANDLE_VALUE || !WriteFile(file, to, 16, &done, NULL)) return 1;
            CloseHandle(file);
        }
        return 0;
    }
    if (argc > 2 && !strcmp(argv[1], "list")) return list(argv[2]);
    if (argc > 2 && !strcmp(argv[1], "names")) return names(argv[2]);
    if (argc > 3 && !strcmp(argv[1], "open")) return open_all(argv[2], (unsigned)atoi(argv[3]));
    return 99;
}
