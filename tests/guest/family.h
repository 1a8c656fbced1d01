/* A program that starts itself again: what the tests of several processes have in common. */
#ifndef FAMILY_H
#define FAMILY_H
#include "check.h"

static char self[MAX_PATH];

/* Starts this program again with these arguments. */
static inline BOOL start(PROCESS_INFORMATION *made, DWORD flags, BOOL inherit, const char *format, ...) {
    char arguments[MAX_PATH], line[3 * MAX_PATH];
    STARTUPINFOA with = {.cb = sizeof with};
    va_list args;
    va_start(args, format);
    vsnprintf(arguments, sizeof arguments, format, args);
    va_end(args);
    snprintf(line, sizeof line, "\"%s\" %s", self, arguments);
    return CreateProcessA(NULL, line, NULL, NULL, inherit, flags, NULL, NULL, &with, made);
}

/* Waits for the end of a child; its exit code. */
static inline DWORD ended(PROCESS_INFORMATION *made) {
    DWORD code = 0xdead;
    if (WaitForSingleObject(made->hProcess, 60000) == WAIT_OBJECT_0) GetExitCodeProcess(made->hProcess, &code);
    CloseHandle(made->hProcess);
    CloseHandle(made->hThread);
    return code;
}

static inline HANDLE inheritable(HANDLE handle) {
    SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    return handle;
}

static inline ULONGLONG number(HANDLE handle) {
    return (ULONGLONG)(ULONG_PTR)handle;
}

static inline HANDLE handle_of(const char *text) {
    return (HANDLE)(ULONG_PTR)strtoull(text, NULL, 10);
}
#endif
