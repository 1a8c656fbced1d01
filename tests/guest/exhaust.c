/* Takes as much of something as it gets, says how much that was, and shows that it still works. */
#include "check.h"

static DWORD WINAPI wait_for(void *e) { return WaitForSingleObject(e, INFINITE); }

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    long limit = argc > 2 ? atol(argv[2]) : 1000000;
    long got = 0;
    if (!strcmp(what, "memory")) {
        while (got < limit) {
            char *p = VirtualAlloc(NULL, 1 << 20, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
            if (!p) break;
            for (int i = 0; i < 1 << 20; i += 4096) p[i] = 1;
            got++;
        }
        say("memory: %ld MB, error %lu", got, GetLastError());
    } else if (!strcmp(what, "sections")) {
        while (got < limit) {
            HANDLE s = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 1 << 20, NULL);
            char *p = s ? MapViewOfFile(s, FILE_MAP_WRITE, 0, 0, 0) : NULL;
            if (!p) break;
            for (int i = 0; i < 1 << 20; i += 4096) p[i] = 1;
            got++;
        }
        say("sections: %ld MB, error %lu", got, GetLastError());
    } else if (!strcmp(what, "threads")) {
        HANDLE e = CreateEventA(NULL, TRUE, FALSE, NULL);
        while (got < limit) {
            HANDLE t = CreateThread(NULL, 65536, wait_for, e, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
            if (!t) break;
            got++;
        }
        say("threads: %ld, error %lu", got, GetLastError());
        SetEvent(e);
        Sleep(200);
        HANDLE t = NULL;
        for (int i = 0; i < 100 && !(t = CreateThread(NULL, 65536, wait_for, e, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL)); i++) Sleep(50);
        say(t && WaitForSingleObject(t, 5000) == 0 ? "threads work again" : "threads are broken");
    } else if (!strcmp(what, "files")) {
        char path[64];
        CloseHandle(CreateFileA("C:\\work\\f", GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL));
        static HANDLE handles[200000];
        while (got < limit && got < 200000) {
            HANDLE h = CreateFileA("C:\\work\\f", GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
            if (h == INVALID_HANDLE_VALUE) break;
            handles[got++] = h;
        }
        say("files: %ld, error %lu", got, GetLastError());
        for (long i = 0; i < got; i++) CloseHandle(handles[i]);
        snprintf(path, sizeof path, "C:\\work\\g");
        HANDLE h = CreateFileA(path, GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
        say(h != INVALID_HANDLE_VALUE ? "files work again" : "files are broken");
    } else if (!strcmp(what, "handles")) {
        while (got < limit && CreateEventA(NULL, FALSE, FALSE, NULL)) got++;
        say("handles: %ld, error %lu", got, GetLastError());
    } else if (!strcmp(what, "requests")) { /* floods the monitor with names, from several threads at a time */
        char path[64];
        for (; got < limit; got++) {
            snprintf(path, sizeof path, "C:\\work\\none%ld", got);
            if (GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES) break;
        }
        say("requests: %ld", got);
    } else if (!strcmp(what, "disk")) {
        static char block[1 << 20];
        HANDLE h = CreateFileA(argc > 3 ? argv[3] : "C:\\work\\big", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
        DWORD n;
        memset(block, 'd', sizeof block);
        while (got < limit && WriteFile(h, block, sizeof block, &n, NULL) && n == sizeof block) got++;
        say("disk: %ld MB, error %lu", got, GetLastError());
    } else {
        return 200;
    }
    return 0;
}
