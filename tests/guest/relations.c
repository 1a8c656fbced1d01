/* Times what happens between processes, for the benches: "name nanoseconds", the smallest of several rounds.
 * Arguments: names, or none for all. "many N" starts N children that live until the input ends. It starts itself with
 * "child WHAT" for the other side. */
#include "check.h"
#include <stdlib.h>
#include <string.h>

static WCHAR self[MAX_PATH];

static double now(void) {
    LARGE_INTEGER c, f;
    QueryPerformanceCounter(&c);
    QueryPerformanceFrequency(&f);
    return (double)c.QuadPart * 1e9 / (double)f.QuadPart;
}

/* Starts this program with arguments; its standard handles, if any are given, are inherited. */
static HANDLE start(const char *args, HANDLE in, HANDLE out) {
    WCHAR line[MAX_PATH + 64];
    STARTUPINFOW si = {.cb = sizeof si};
    PROCESS_INFORMATION pi;
    swprintf(line, sizeof line / sizeof *line, L"\"%ls\" %hs", self, args);
    if (in) {
        si.dwFlags = STARTF_USESTDHANDLES;
        si.hStdInput = in;
        si.hStdOutput = out;
        si.hStdError = out;
    }
    if (!CreateProcessW(NULL, line, NULL, NULL, in != NULL, 0, NULL, NULL, &si, &pi)) return NULL;
    CloseHandle(pi.hThread);
    return pi.hProcess;
}

static int ended(HANDLE process) {
    DWORD code = 1;
    if (!process) return 0;
    WaitForSingleObject(process, INFINITE);
    GetExitCodeProcess(process, &code);
    CloseHandle(process);
    return code == 0;
}

static int create_wait(int n) {
    while (n--)
        if (!ended(start("child nothing", NULL, NULL))) return 0;
    return 1;
}

static int named_event(int n) {
    char args[64];
    HANDLE a = CreateEventA(NULL, FALSE, FALSE, "relations-a"), b = CreateEventA(NULL, FALSE, FALSE, "relations-b");
    sprintf(args, "child event %d", n + 1);
    HANDLE child = start(args, NULL, NULL);
    if (!child) return 0;
    SetEvent(a);
    WaitForSingleObject(b, INFINITE); /* it is there now */
    double from = now();
    for (int i = 0; i < n; i++) {
        SetEvent(a);
        WaitForSingleObject(b, INFINITE);
    }
    double taken = now() - from;
    CloseHandle(a);
    CloseHandle(b);
    return ended(child) ? (int)(taken / n) : 0;
}

static int pipe_64(int n) {
    SECURITY_ATTRIBUTES inherit = {sizeof inherit, NULL, TRUE};
    HANDLE to_read, to_write, from_read, from_write;
    char args[64], block[64] = "x";
    DWORD got;
    if (!CreatePipe(&to_read, &to_write, &inherit, 0) || !CreatePipe(&from_read, &from_write, &inherit, 0)) return 0;
    SetHandleInformation(to_write, HANDLE_FLAG_INHERIT, 0);
    SetHandleInformation(from_read, HANDLE_FLAG_INHERIT, 0);
    sprintf(args, "child pipe %d", n + 1);
    HANDLE child = start(args, to_read, from_write);
    CloseHandle(to_read);
    CloseHandle(from_write);
    if (!child) return 0;
    double from = 0;
    for (int i = 0; i <= n; i++) {
        if (i == 1) from = now();
        if (!WriteFile(to_write, block, sizeof block, &got, NULL)) return 0;
        if (!ReadFile(from_read, block, sizeof block, &got, NULL) || got != sizeof block) return 0;
    }
    double taken = now() - from;
    CloseHandle(to_write);
    CloseHandle(from_read);
    return ended(child) ? (int)(taken / n) : 0;
}

static int child(const char *what, int n) {
    char block[64];
    DWORD got;
    if (!strcmp(what, "event")) {
        HANDLE a = OpenEventA(EVENT_ALL_ACCESS, FALSE, "relations-a"), b = OpenEventA(EVENT_ALL_ACCESS, FALSE, "relations-b");
        if (!a || !b) return 1;
        while (n--) {
            WaitForSingleObject(a, INFINITE);
            SetEvent(b);
        }
    }
    if (!strcmp(what, "many")) {
        HANDLE end = OpenEventA(EVENT_ALL_ACCESS, FALSE, "relations-end"), ready = OpenSemaphoreA(SEMAPHORE_ALL_ACCESS, FALSE, "relations-ready");
        if (!end || !ready) return 1;
        ReleaseSemaphore(ready, 1, NULL);
        WaitForSingleObject(end, INFINITE);
    }
    if (!strcmp(what, "pipe")) {
        HANDLE in = GetStdHandle(STD_INPUT_HANDLE), out = GetStdHandle(STD_OUTPUT_HANDLE);
        while (n--) {
            if (!ReadFile(in, block, sizeof block, &got, NULL) || got != sizeof block) return 2;
            if (!WriteFile(out, block, sizeof block, &got, NULL)) return 3;
        }
    }
    return 0;
}

/* Until all of them run. */
static int many(int n) {
    HANDLE ready = CreateSemaphoreA(NULL, 0, n, "relations-ready"), end = CreateEventA(NULL, TRUE, FALSE, "relations-end");
    HANDLE *children = calloc(n, sizeof *children);
    int all = 1;
    double from = now();
    for (int i = 0; i < n; i++)
        if (!(children[i] = start("child many", NULL, NULL))) return 1;
    for (int i = 0; i < n; i++) WaitForSingleObject(ready, INFINITE);
    printf("many %.0f\n", now() - from);
    fflush(stdout);
    getchar();
    SetEvent(end);
    for (int i = 0; i < n; i++) all &= ended(children[i]);
    return !all;
}

static int wanted(int argc, char **argv, const char *name) {
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name)) return 1;
    return argc == 1;
}

int main(int argc, char **argv) {
    if (argc > 2 && !strcmp(argv[1], "child")) return child(argv[2], argc > 3 ? atoi(argv[3]) : 0);
    GetModuleFileNameW(NULL, self, MAX_PATH);
    if (argc > 2 && !strcmp(argv[1], "many")) return many(atoi(argv[2]));
    /* A figure that could not be taken is not printed. */
    if (wanted(argc, argv, "create_process_wait")) {
        double best = 1e18;
        for (int round = 0; round < 5; round++) {
            double from = now();
            if (!create_wait(8)) return 1;
            double ns = (now() - from) / 8;
            if (ns < best) best = ns;
        }
        printf("create_process_wait %.0f\n", best);
    }
    static const struct { const char *name; int (*run)(int), n; } rounds[] = {{"named_event_between", named_event, 3000}, {"pipe_64_between", pipe_64, 3000}};
    for (unsigned i = 0; i < sizeof rounds / sizeof *rounds; i++) {
        int best = 0;
        if (!wanted(argc, argv, rounds[i].name)) continue;
        for (int round = 0; round < 3; round++) {
            int ns = rounds[i].run(rounds[i].n);
            if (!ns) break;
            if (!best || ns < best) best = ns;
        }
        if (best) printf("%s %d\n", rounds[i].name, best);
        fflush(stdout);
    }
    return 0;
}
