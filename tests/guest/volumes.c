// What is told of a drive: label, serial number, file system, flags, space; before and after 8 MB are written. Arguments: drives as "C:\".
#include "check.h"
#include <windows.h>

static void about(const char *when, const char *root)
{
    char label[64] = "", system[64] = "";
    DWORD serial = 0, component = 0, flags = 0, spc, bps, free_clusters, clusters;
    ULARGE_INTEGER available, total, free_bytes;
    if (!GetVolumeInformationA(root, label, 64, &serial, &component, &flags, system, 64)) { say("%s %s error %lu", when, root, GetLastError()); return; }
    CHECK("space", GetDiskFreeSpaceExA(root, &available, &total, &free_bytes));
    CHECK("what is available is free, and what is free is there", available.QuadPart <= free_bytes.QuadPart && free_bytes.QuadPart <= total.QuadPart);
    CHECK("clusters", GetDiskFreeSpaceA(root, &spc, &bps, &free_clusters, &clusters));
    CHECK("say the same", (ULONGLONG)clusters * spc * bps <= total.QuadPart + 65536);
    say("%s %s label \"%s\" serial %08lx system %s flags %lx available %llu total %llu type %u", when, root, label, serial, system, flags, available.QuadPart, total.QuadPart, GetDriveTypeA(root));
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) about("before", argv[i]);
    static char block[65536];
    DWORD count;
    HANDLE file = CreateFileA("C:\\filled.bin", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 128; i++) WriteFile(file, block, sizeof block, &count, NULL);
    CloseHandle(file);
    for (int i = 1; i < argc; i++) about("after", argv[i]);
    DeleteFileA("C:\\filled.bin");
    return finish();
}
