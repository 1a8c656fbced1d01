/* Standard handles, byte for byte. The first argument chooses what is done with them. */
#include "check.h"
#include <fcntl.h>
#include <io.h>

static volatile LONG reading;
static DWORD WINAPI reader(void *in) {
    char bytes[16];
    DWORD got = 0;
    InterlockedIncrement(&reading);
    return ReadFile(in, bytes, sizeof bytes, &got, NULL) ? 1000 + got : GetLastError();
}
/* Starts a thread that reads, and lets it come as far as it comes meanwhile. */
static HANDLE start_reader(HANDLE in, int rounds) {
    LONG before = reading;
    HANDLE t = CreateThread(NULL, 0, reader, in, 0, NULL);
    while (reading == before) SwitchToThread();
    for (volatile int i = 0; i < rounds; i++) {}
    return t;
}

int main(int argc, char **argv) {
    const char *way = argc > 1 ? argv[1] : "kinds";
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE), out = GetStdHandle(STD_OUTPUT_HANDLE), err = GetStdHandle(STD_ERROR_HANDLE);
    static char block[65536];
    DWORD n, m;
    if (!strcmp(way, "cat")) { /* bytes, through the kernel */
        while (ReadFile(in, block, sizeof block, &n, NULL) && n)
            for (DWORD done = 0; done < n; done += m)
                if (!WriteFile(out, block + done, n - done, &m, NULL)) return (int)GetLastError();
        return 0;
    }
    if (!strcmp(way, "crt-binary")) { /* bytes, through the C library */
        _setmode(0, _O_BINARY);
        _setmode(1, _O_BINARY);
        size_t got;
        while ((got = fread(block, 1, sizeof block, stdin)) > 0)
            if (fwrite(block, 1, got, stdout) != got) return 1;
        return 0;
    }
    if (!strcmp(way, "crt-text")) { /* lines: CR LF in, LF inside, CR LF out */
        while (fgets(block, sizeof block, stdin)) {
            printf("%u:", (unsigned)strlen(block));
            fputs(block, stdout);
        }
        return 0;
    }
    if (!strcmp(way, "both")) {
        WriteFile(out, "to out\n", 7, &n, NULL);
        WriteFile(err, "to err\n", 7, &n, NULL);
        return 0;
    }
    if (!strcmp(way, "until-closed")) { /* writes until nobody reads */
        memset(block, 'y', sizeof block);
        while (WriteFile(out, block, sizeof block, &n, NULL)) {}
        return GetLastError() == ERROR_NO_DATA || GetLastError() == ERROR_BROKEN_PIPE ? 7 : (int)GetLastError();
    }
    if (!strcmp(way, "seek")) { /* a file as standard input can be read twice */
        LARGE_INTEGER zero = {.QuadPart = 0};
        ReadFile(in, block, 4, &n, NULL);
        if (!SetFilePointerEx(in, zero, NULL, FILE_BEGIN)) return 1;
        ReadFile(in, block + 4, 4, &m, NULL);
        WriteFile(out, block, n + m, &n, NULL);
        return 0;
    }
    if (!strcmp(way, "peek")) { /* what waits in a pipe, without taking it */
        DWORD available = 0;
        for (int i = 0; i < 500 && PeekNamedPipe(in, NULL, 0, NULL, &available, NULL) && available < 5; i++) Sleep(10);
        say("%lu", available);
        ReadFile(in, block, sizeof block, &n, NULL);
        say("%lu", n);
        return 0;
    }
    if (!strcmp(way, "wait")) { /* a read of no bytes waits for some, and takes none */
        BOOL ok = ReadFile(in, block, 0, &n, NULL);
        say("%d %lu %lu", ok, n, ok ? 0 : GetLastError());
        ok = ReadFile(in, block, sizeof block, &m, NULL);
        say("%d %lu", ok, m);
        return 0;
    }
    if (!strcmp(way, "cancel")) { /* threads that read what never comes are stopped, wherever they are, and nothing is lost */
        int cancelled = 0, ended = 0;
        for (int i = 0; i < 200; i++) {
            HANDLE t = start_reader(in, i * 20);
            while (!CancelSynchronousIo(t) && WaitForSingleObject(t, 0)) SwitchToThread();
            cancelled += !WaitForSingleObject(t, 20000) && GetExitCodeThread(t, &n) && n == ERROR_OPERATION_ABORTED;
            CloseHandle(t);
            t = start_reader(in, i * 20);
            TerminateThread(t, 7);
            ended += !WaitForSingleObject(t, 20000) && GetExitCodeThread(t, &n) && n == 7;
            CloseHandle(t);
        }
        say("%d %d", cancelled, ended);
        BOOL ok = ReadFile(in, block, sizeof block, &n, NULL);
        say("%d %lu", ok, n);
        return 0;
    }
    DWORD mode;
    say("in %lu out %lu err %lu", GetFileType(in), GetFileType(out), GetFileType(err));
    say("console: %d %d %d", GetConsoleMode(in, &mode) != 0, GetConsoleMode(out, &mode) != 0, GetConsoleMode(err, &mode) != 0);
    say("isatty: %d %d %d", _isatty(0) != 0, _isatty(1) != 0, _isatty(2) != 0);
    return 0;
}
