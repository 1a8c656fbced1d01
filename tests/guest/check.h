/* Checks for guest programs: one line for each check, a count at the end, the number of failures as exit status. */
#ifndef CHECK_H
#define CHECK_H
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static volatile LONG checks_done, checks_failed;

/* Goes around the C library's streams, so that a line is out before whatever the next check does to the process. */
static inline void say(const char *format, ...) {
    char line[1024];
    va_list args;
    DWORD written;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (length < 0) return;
    if (length > (int)sizeof line - 2) length = sizeof line - 2;
    line[length++] = '\n';
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), line, (DWORD)length, &written, NULL);
}

static inline int check_at(int line, const char *name, int good, unsigned long long got, unsigned long long want, int values) {
    DWORD error = GetLastError();
    InterlockedIncrement(&checks_done);
    if (good) {
        say("ok %s", name);
    } else {
        InterlockedIncrement(&checks_failed);
        if (values) say("FAIL %s (line %d): got %#llx, want %#llx, last error %lu", name, line, got, want, error);
        else say("FAIL %s (line %d): last error %lu", name, line, error);
    }
    SetLastError(error);
    return good;
}

#define CHECK(name, condition) check_at(__LINE__, name, !!(condition), 0, 0, 0)
#define CHECK_EQ(name, got_, want_) \
    __extension__({ unsigned long long g__ = (unsigned long long)(got_), w__ = (unsigned long long)(want_); \
                    check_at(__LINE__, name, g__ == w__, g__, w__, 1); })
/* A call that must fail with one Win32 error. */
#define CHECK_ERROR(name, call, error_) \
    __extension__({ SetLastError(0xdeadbeef); int r__ = !!(call); DWORD e__ = GetLastError(); \
                    check_at(__LINE__, name, !r__ && e__ == (DWORD)(error_), r__ ? 0 : e__, (DWORD)(error_), 1); })
/* What Windows documents and stock Wine 8 does otherwise: not judged when the oracle runs, only when we do. */
#define WINE8_DIFFERS(check) do { if (under_oracle()) say("differs line %d", __LINE__); else { check; } } while (0)

static inline int under_oracle(void) {
    char value[8];
    return GetEnvironmentVariableA("CHECK_ORACLE", value, sizeof value) > 0;
}

static inline int finish(void) {
    say("%ld checks, %ld failures", checks_done, checks_failed);
    return checks_failed > 100 ? 100 : (int)checks_failed;
}

/* Declares a function of ntdll under its name with an underscore behind it, whatever the compiler's headers say of it. */
#define NTDLL(result, name, ...) result NTAPI name##_(__VA_ARGS__) __asm__(#name);

/* A file below the working directory's scratch folder, gone before it is used. */
static inline const char *scratch(const char *name) {
    static char paths[8][MAX_PATH];
    static int next;
    char *path = paths[next++ & 7];
    CreateDirectoryA("scratch", NULL);
    snprintf(path, MAX_PATH, "scratch\\%s", name);
    return path;
}
#endif
