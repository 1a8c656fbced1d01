/* File data: positions, holes, scatter of offsets, locks, overlapped I/O with events, APCs and completion ports, pipes. */
#include "check.h"

#define RW (GENERIC_READ | GENERIC_WRITE)
#define ALL_SHARE (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

NTDLL(NTSTATUS, NtReadFile, HANDLE, HANDLE, void *, void *, void *, void *, ULONG, LARGE_INTEGER *, ULONG *)
NTDLL(NTSTATUS, NtSetInformationFile, HANDLE, void *, void *, ULONG, int)
NTDLL(NTSTATUS, NtWriteFile, HANDLE, HANDLE, void *, void *, void *, const void *, ULONG, LARGE_INTEGER *, ULONG *)

static HANDLE make(const char *name, DWORD flags) {
    return CreateFileA(name, RW, ALL_SHARE, NULL, CREATE_ALWAYS, flags, NULL);
}

static void positions(void) {
    const char *p = scratch("pos.bin");
    HANDLE h = make(p, 0);
    DWORD n = 0;
    char b[64];
    LARGE_INTEGER at = {.QuadPart = 0}, now;
    CHECK("write", WriteFile(h, "0123456789", 10, &n, NULL) && n == 10);
    CHECK("position moves", SetFilePointerEx(h, at, &now, FILE_CURRENT) && now.QuadPart == 10);
    at.QuadPart = -4;
    CHECK("from the end", SetFilePointerEx(h, at, &now, FILE_END) && now.QuadPart == 6);
    CHECK("read to the end", ReadFile(h, b, sizeof b, &n, NULL) && n == 4 && !memcmp(b, "6789", 4));
    CHECK("read at the end: success, nothing", ReadFile(h, b, sizeof b, &n, NULL) && n == 0);
    at.QuadPart = -1;
    CHECK_ERROR("before the start", SetFilePointerEx(h, at, NULL, FILE_BEGIN), ERROR_NEGATIVE_SEEK);
    at.QuadPart = (LONGLONG)5 << 30;
    CHECK("far out", SetFilePointerEx(h, at, NULL, FILE_BEGIN) && WriteFile(h, "far", 3, &n, NULL));
    LARGE_INTEGER size;
    CHECK("5 GB long", GetFileSizeEx(h, &size) && size.QuadPart == at.QuadPart + 3);
    at.QuadPart = 1 << 20;
    SetFilePointerEx(h, at, NULL, FILE_BEGIN);
    CHECK("a hole reads as zero", ReadFile(h, b, 4, &n, NULL) && n == 4 && !memcmp(b, "\0\0\0\0", 4));
    at.QuadPart = 3;
    CHECK("cut", SetFilePointerEx(h, at, NULL, FILE_BEGIN) && SetEndOfFile(h) && GetFileSizeEx(h, &size) && size.QuadPart == 3);
    OVERLAPPED o = {.Offset = 1};
    CHECK("a read at an offset", ReadFile(h, b, 8, &n, &o) && n == 2 && b[0] == '1');
    at.QuadPart = 0;
    CHECK("moves the position of a synchronous handle", SetFilePointerEx(h, at, &now, FILE_CURRENT) && now.QuadPart == 3);
    o.Offset = 100;
    CHECK_ERROR("a read at an offset beyond the end", ReadFile(h, b, 8, &n, &o), ERROR_HANDLE_EOF);
    o.Offset = o.OffsetHigh = 0xffffffff;
    CHECK("offset -1 appends", WriteFile(h, "end", 3, &n, &o) && GetFileSizeEx(h, &size) && size.QuadPart == 6);
    CHECK("write of nothing", WriteFile(h, "", 0, &n, NULL) && n == 0);
    CHECK_ERROR("read into a bad buffer", ReadFile(h, (void *)8, 4, &n, &(OVERLAPPED){0}), ERROR_NOACCESS);
    CHECK_ERROR("write from a bad buffer", WriteFile(h, (void *)8, 4, &n, NULL), ERROR_INVALID_USER_BUFFER);
    CHECK("flush", FlushFileBuffers(h));
    LARGE_INTEGER offset = {.QuadPart = 1};
    ULONG_PTR iosb[2] = {9, 9};
    CHECK_EQ("NtReadFile", NtReadFile_(h, NULL, NULL, NULL, iosb, b, 2, &offset, NULL), 0);
    CHECK("its status block", (ULONG)iosb[0] == 0 && iosb[1] == 2 && !memcmp(b, "12", 2));
    offset.QuadPart = 50;
    CHECK_EQ("at the end", (ULONG)NtReadFile_(h, NULL, NULL, NULL, iosb, b, 2, &offset, NULL), 0xc0000011);
    CHECK_EQ("bad status block", (ULONG)NtReadFile_(h, NULL, NULL, NULL, (void *)8, b, 2, &offset, NULL), 0xc0000005);
    LARGE_INTEGER room = {.QuadPart = 1 << 20};
    WINE8_DIFFERS(CHECK("allocation leaves the size", !NtSetInformationFile_(h, iosb, &room, sizeof room, 19) && GetFileSize(h, NULL) == 6));
    FILE_END_OF_FILE_INFO end = {.EndOfFile.QuadPart = 100};
    CHECK("end of file set", SetFileInformationByHandle(h, FileEndOfFileInfo, &end, sizeof end) && GetFileSize(h, NULL) == 100);
    CloseHandle(h);
    DeleteFileA(p);
    static char big[3 << 20], back[3 << 20];
    for (unsigned i = 0; i < sizeof big; i++) big[i] = (char)(i * 31 >> 3);
    h = make(p, 0);
    CHECK("3 MB in one call", WriteFile(h, big, sizeof big, &n, NULL) && n == sizeof big);
    SetFilePointer(h, 0, NULL, FILE_BEGIN);
    CHECK("and back", ReadFile(h, back, sizeof back, &n, NULL) && n == sizeof back && !memcmp(big, back, sizeof big));
    CloseHandle(h);
    DeleteFileA(p);
}

static HANDLE lock_file;
static DWORD WINAPI lock_other(void *arg) {
    OVERLAPPED o = {.Offset = 10};
    (void)arg;
    if (!LockFileEx(lock_file, LOCKFILE_EXCLUSIVE_LOCK, 0, 10, 0, &o)) return 1;
    UnlockFileEx(lock_file, 0, 10, 0, &o);
    return 0;
}

static void locks(void) {
    const char *p = scratch("lock.bin");
    HANDLE a = make(p, 0), b = CreateFileA(p, RW, ALL_SHARE, NULL, OPEN_EXISTING, 0, NULL);
    DWORD n;
    char c;
    WriteFile(a, "0123456789012345678901234567890", 31, &n, NULL);
    CHECK("lock", LockFile(a, 10, 0, 10, 0));
    CHECK_ERROR("overlaps another handle's", LockFile(b, 15, 0, 10, 0), ERROR_LOCK_VIOLATION);
    CHECK_ERROR("overlaps its own handle's", LockFile(a, 15, 0, 1, 0), ERROR_LOCK_VIOLATION);
    CHECK("beside it", LockFile(b, 20, 0, 10, 0));
    SetFilePointer(b, 12, NULL, FILE_BEGIN);
    WINE8_DIFFERS(CHECK_ERROR("another handle cannot read it", ReadFile(b, &c, 1, &n, NULL), ERROR_LOCK_VIOLATION));
    WINE8_DIFFERS(CHECK_ERROR("nor write it", WriteFile(b, "x", 1, &n, NULL), ERROR_LOCK_VIOLATION));
    SetFilePointer(a, 12, NULL, FILE_BEGIN);
    CHECK("the owner can", WriteFile(a, "x", 1, &n, NULL));
    WINE8_DIFFERS(CHECK_ERROR("unlock of another range", UnlockFile(a, 10, 0, 5, 0), ERROR_NOT_LOCKED));
    lock_file = b;
    HANDLE t = CreateThread(NULL, 0, lock_other, NULL, 0, NULL);
    CHECK_EQ("a blocking lock waits", WaitForSingleObject(t, 60), WAIT_TIMEOUT);
    CHECK("unlock", UnlockFile(a, 10, 0, 10, 0));
    CHECK_EQ("and it comes", WaitForSingleObject(t, 5000), 0);
    DWORD code = 9;
    GetExitCodeThread(t, &code);
    CHECK_EQ("locked there", code, 0);
    CloseHandle(t);
    OVERLAPPED o = {.Offset = 0};
    CHECK("shared", LockFileEx(a, LOCKFILE_FAIL_IMMEDIATELY, 0, 5, 0, &o));
    CHECK("shared by two", LockFileEx(b, LOCKFILE_FAIL_IMMEDIATELY, 0, 5, 0, &o));
    CHECK_ERROR("no exclusive one over them", LockFileEx(a, LOCKFILE_FAIL_IMMEDIATELY | LOCKFILE_EXCLUSIVE_LOCK, 0, 5, 0, &o), ERROR_LOCK_VIOLATION);
    SetFilePointer(b, 0, NULL, FILE_BEGIN);
    CHECK("a shared range can be read", ReadFile(b, &c, 1, &n, NULL));
    CHECK("beyond the end of the file", LockFile(a, 1000, 0x10, 10, 0));
    CloseHandle(a);
    CHECK("a close gives its locks back", LockFile(b, 1000, 0x10, 10, 0));
    CloseHandle(b);
    DeleteFileA(p);
}

static volatile DWORD completed, completed_bytes;
static void CALLBACK completion(DWORD error, DWORD bytes, OVERLAPPED *o) {
    completed += error == 0 && o->hEvent == (HANDLE)0x1234;
    completed_bytes += bytes;
}

static void overlapped(void) {
    const char *p = scratch("async.bin");
    HANDLE h = make(p, FILE_FLAG_OVERLAPPED), e = CreateEventA(NULL, TRUE, FALSE, NULL);
    OVERLAPPED o = {.Offset = 4, .hEvent = e};
    char b[8192];
    DWORD n = 0;
    memset(b, 'q', sizeof b);
    BOOL done = WriteFile(h, b, sizeof b, NULL, &o);
    CHECK("overlapped write starts", done || GetLastError() == ERROR_IO_PENDING);
    CHECK("result", GetOverlappedResult(h, &o, &n, TRUE) && n == sizeof b);
    CHECK_EQ("event set", WaitForSingleObject(e, 0), 0);
    CHECK_ERROR("an offset is needed", ReadFile(h, b, 1, &n, NULL), ERROR_INVALID_PARAMETER);
    memset(b, 0, sizeof b);
    ResetEvent(e);
    done = ReadFile(h, b, sizeof b, NULL, &o);
    CHECK("overlapped read", (done || GetLastError() == ERROR_IO_PENDING) && GetOverlappedResult(h, &o, &n, TRUE) && n == sizeof b && b[8191] == 'q');
    o.Offset = 100000;
    done = ReadFile(h, b, 10, NULL, &o);
    CHECK("beyond the end", !done && (GetLastError() == ERROR_HANDLE_EOF || (GetLastError() == ERROR_IO_PENDING && !GetOverlappedResult(h, &o, &n, TRUE) && GetLastError() == ERROR_HANDLE_EOF)));
    OVERLAPPED with = {.Offset = 0, .hEvent = (HANDLE)0x1234};
    CHECK("WriteFileEx", WriteFileEx(h, "abcd", 4, &with, completion));
    CHECK_EQ("its routine waits for an alertable wait", completed, 0);
    CHECK_EQ("and comes", SleepEx(2000, TRUE), WAIT_IO_COMPLETION);
    CHECK("with its bytes", completed == 1 && completed_bytes == 4);
    CHECK("ReadFileEx", ReadFileEx(h, b, 4, &with, completion) && SleepEx(2000, TRUE) == WAIT_IO_COMPLETION && completed == 2 && !memcmp(b, "abcd", 4));
    WINE8_DIFFERS(CHECK("nothing to cancel", !CancelIoEx(h, NULL) && GetLastError() == ERROR_NOT_FOUND));
    CloseHandle(h);
    CloseHandle(e);
    DeleteFileA(p);
}

static HANDLE port;
static DWORD WINAPI port_worker(void *arg) {
    DWORD n, sum = 0;
    ULONG_PTR key;
    OVERLAPPED *o;
    (void)arg;
    while (GetQueuedCompletionStatus(port, &n, &key, &o, 5000) && key != 99) sum += n;
    return sum;
}

static void ports(void) {
    const char *p = scratch("port.bin");
    HANDLE h = make(p, FILE_FLAG_OVERLAPPED);
    port = CreateIoCompletionPort(h, NULL, 7, 0);
    CHECK("port with a file", port != NULL);
    OVERLAPPED o = {0}, *back = NULL;
    DWORD n = 0;
    ULONG_PTR key = 0;
    WriteFile(h, "0123456789", 10, NULL, &o);
    CHECK("completion of a write", GetQueuedCompletionStatus(port, &n, &key, &back, 5000) && n == 10 && key == 7 && back == &o);
    CHECK_ERROR("none left", GetQueuedCompletionStatus(port, &n, &key, &back, 20), WAIT_TIMEOUT);
    CHECK("no packet, no overlapped", back == NULL);
    CHECK("posted", PostQueuedCompletionStatus(port, 5, 6, (OVERLAPPED *)77));
    CHECK("received as posted", GetQueuedCompletionStatus(port, &n, &key, &back, 0) && n == 5 && key == 6 && back == (OVERLAPPED *)77);
    char b[16];
    o.Offset = 1000;
    BOOL started = ReadFile(h, b, 4, NULL, &o);
    if (!started && GetLastError() == ERROR_HANDLE_EOF) CHECK("a read beyond the end fails at once", 1);
    else CHECK("a failed read is told too", !GetQueuedCompletionStatus(port, &n, &key, &back, 1000) && back == &o && GetLastError() == ERROR_HANDLE_EOF);
    for (int i = 0; i < 5; i++) PostQueuedCompletionStatus(port, (DWORD)i, 1, NULL);
    OVERLAPPED_ENTRY entries[8];
    ULONG removed = 0;
    CHECK("several at once", GetQueuedCompletionStatusEx(port, entries, 8, &removed, 1000, FALSE) && removed == 5 && entries[4].dwNumberOfBytesTransferred == 4);
    CHECK("quiet on success", SetFileCompletionNotificationModes(h, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    HANDLE t[3];
    for (int i = 0; i < 3; i++) t[i] = CreateThread(NULL, 0, port_worker, NULL, 0, NULL);
    for (int i = 0; i < 300; i++) PostQueuedCompletionStatus(port, 1, 1, NULL);
    for (int i = 0; i < 3; i++) PostQueuedCompletionStatus(port, 0, 99, NULL);
    CHECK_EQ("three threads on a port end", WaitForMultipleObjects(3, t, TRUE, 10000), 0);
    DWORD sum = 0, code;
    for (int i = 0; i < 3; i++) {
        GetExitCodeThread(t[i], &code);
        sum += code;
        CloseHandle(t[i]);
    }
    CHECK_EQ("each packet once", sum, 300);
    CloseHandle(h);
    CloseHandle(port);
    DeleteFileA(p);
}

static DWORD WINAPI pipe_writer(void *h) {
    DWORD n;
    for (int i = 0; i < 100; i++) {
        char block[1000];
        memset(block, i, sizeof block);
        WriteFile(h, block, sizeof block, &n, NULL);
    }
    CloseHandle(h);
    return 0;
}

static void pipes(void) {
    HANDLE r = NULL, w = NULL;
    DWORD n = 0, available = 0;
    char b[4096];
    CHECK("anonymous pipe", CreatePipe(&r, &w, NULL, 0));
    CHECK("write", WriteFile(w, "hello", 5, &n, NULL) && n == 5);
    CHECK("peek", PeekNamedPipe(r, b, 2, &n, &available, NULL) && n == 2 && available == 5);
    CHECK("read", ReadFile(r, b, sizeof b, &n, NULL) && n == 5 && !memcmp(b, "hello", 5));
    CHECK_EQ("type", GetFileType(r), FILE_TYPE_PIPE);
    HANDLE t = CreateThread(NULL, 0, pipe_writer, w, 0, NULL);
    DWORD total = 0, sum = 0;
    while (ReadFile(r, b, sizeof b, &n, NULL) && n) {
        total += n;
        for (DWORD i = 0; i < n; i++) sum += (BYTE)b[i];
    }
    CHECK_EQ("the end of a pipe", GetLastError(), ERROR_BROKEN_PIPE);
    CHECK_EQ("every byte came", total, 100000);
    CHECK_EQ("unharmed", sum, 4950000);
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    CloseHandle(r);
    CreatePipe(&r, &w, NULL, 0);
    CloseHandle(r);
    CHECK_ERROR("no reader left", WriteFile(w, "x", 1, &n, NULL), ERROR_NO_DATA);
    CloseHandle(w);
    HANDLE server = CreateNamedPipeA("\\\\.\\pipe\\portcullis-test", PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, 1, 512, 512, 0, NULL);
    HANDLE client = CreateFileA("\\\\.\\pipe\\portcullis-test", RW, 0, NULL, OPEN_EXISTING, 0, NULL);
    CHECK("named pipe", server != INVALID_HANDLE_VALUE && client != INVALID_HANDLE_VALUE);
    CHECK_ERROR("one instance only", CreateFileA("\\\\.\\pipe\\portcullis-test", RW, 0, NULL, OPEN_EXISTING, 0, NULL) != INVALID_HANDLE_VALUE, ERROR_PIPE_BUSY);
    WriteFile(client, "one", 3, &n, NULL);
    WriteFile(client, "three", 5, &n, NULL);
    CHECK("messages keep their borders", ReadFile(server, b, sizeof b, &n, NULL) && n == 3);
    CHECK_ERROR("a message longer than the buffer", ReadFile(server, b, 2, &n, NULL), ERROR_MORE_DATA);
    CHECK("its rest", ReadFile(server, b, sizeof b, &n, NULL) && n == 3 && !memcmp(b, "ree", 3));
    WriteFile(server, "back", 4, &n, NULL);
    CHECK("both ways", ReadFile(client, b, sizeof b, &n, NULL) && n == 4);
    CloseHandle(client);
    CHECK_ERROR("client gone", ReadFile(server, b, 1, &n, NULL), ERROR_BROKEN_PIPE);
    CloseHandle(server);
    CHECK_ERROR("no server", CreateFileA("\\\\.\\pipe\\portcullis-test", RW, 0, NULL, OPEN_EXISTING, 0, NULL) != INVALID_HANDLE_VALUE, ERROR_FILE_NOT_FOUND);
}

int main(void) {
    positions();
    locks();
    overlapped();
    ports();
    pipes();
    return finish();
}
