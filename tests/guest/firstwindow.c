/* Starts a program and ends when its first window is complete: "complete milliseconds". With "stay" behind it the program is left running. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

static BOOL CALLBACK shown(HWND window, LPARAM process) {
    DWORD owner;
    GetWindowThreadProcessId(window, &owner);
    return owner != (DWORD)process || !IsWindowVisible(window);
}

int main(int argc, char **argv) {
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    LARGE_INTEGER from, to, rate;
    char line[MAX_PATH];
    if (argc < 2) return 1;
    strncpy(line, argv[1], sizeof line - 1);
    line[sizeof line - 1] = 0;
    QueryPerformanceFrequency(&rate);
    QueryPerformanceCounter(&from);
    if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process)) return 2;
    /* Idle: it has nothing to paint any more. */
    if (WaitForInputIdle(process.hProcess, 30000)) return 3;
    for (int look = 0; EnumWindows(shown, process.dwProcessId); look++) {
        if (look > 10000) return 4;
        Sleep(1);
    }
    QueryPerformanceCounter(&to);
    printf("complete %.3f\n", (double)(to.QuadPart - from.QuadPart) * 1e3 / (double)rate.QuadPart);
    fflush(stdout);
    if (argc < 3 || strcmp(argv[2], "stay")) TerminateProcess(process.hProcess, 0);
    return 0;
}
