/* A host's disk runs full below a program that writes: whatever it does there fails with the one error that says so. */
#include "check.h"

#define BLOCK 65536

static char block[BLOCK];

/* Writes until nothing goes any more; the bytes that went, at most 64 MB. */
static DWORD fill(HANDLE file) {
    DWORD all = 0, count = 0;
    while (all < 64u << 20 && WriteFile(file, block, sizeof block, &count, NULL)) {
        all += count;
        if (count < sizeof block) SetLastError(ERROR_DISK_FULL);
        if (count < sizeof block) break;
    }
    return all;
}

int main(void) {
    ULARGE_INTEGER free_bytes;
    memset(block, 'x', sizeof block);
    HANDLE file = CreateFileA("big", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_NEW, 0, NULL);
    CHECK("a file", file != INVALID_HANDLE_VALUE);
    DWORD all = fill(file), error = GetLastError();
    CHECK("something fits", all != 0);
    CHECK_EQ("then the disk is full", error, ERROR_DISK_FULL);
    CHECK_ERROR("and stays so", WriteFile(file, block, sizeof block, &(DWORD){0}, NULL), ERROR_DISK_FULL);
    CHECK("it says so", GetDiskFreeSpaceExA(".", &free_bytes, NULL, NULL) && free_bytes.QuadPart < BLOCK);
    CHECK_ERROR("nor is anything copied", CopyFileA("big", "copy", TRUE), ERROR_DISK_FULL);
    DeleteFileA("copy");
    DWORD count = 0;
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    CHECK("what is there is read", ReadFile(file, block, sizeof block, &count, NULL) && count == sizeof block && block[9] == 'x');
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    CHECK("and overwritten", WriteFile(file, block, 4096, &count, NULL) && count == 4096);
    CHECK("cut", SetFilePointer(file, BLOCK, NULL, FILE_BEGIN) == BLOCK && SetEndOfFile(file));
    CHECK("there is room again", GetDiskFreeSpaceExA(".", &free_bytes, NULL, NULL) && free_bytes.QuadPart > BLOCK);
    CHECK("and it is written", WriteFile(file, block, 4096, &count, NULL) && count == 4096);
    CloseHandle(file);
    CHECK("deleted", DeleteFileA("big"));
    return finish();
}
