/* What a process had is free at once when its end is seen: files, locks, names, ports, mutexes, whichever way it ended. */
#include <winsock2.h>
#include "family.h"

static const char *const ways[] = {"return", "exit", "terminate", "thread", "busy"};
enum { WAYS = sizeof ways / sizeof *ways };

static DWORD WINAPI leave(void *unused) {
    (void)unused;
    ExitProcess(7);
    return 0;
}

static DWORD WINAPI spin(void *unused) {
    (void)unused;
    while (SetEvent(CreateEventA(NULL, FALSE, FALSE, "ending-spin"))) {}
    return 0;
}

static int child(const char *way, unsigned short port, HANDLE ready) {
    WSADATA data;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (WaitForSingleObject(OpenMutexA(SYNCHRONIZE, FALSE, "ending-mutex"), 10000) != WAIT_OBJECT_0) return 3;
    CreateEventA(NULL, TRUE, TRUE, "ending-event");
    HANDLE file = CreateFileA("alone.txt", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, 0, NULL);
    HANDLE shared = CreateFileA("locked.txt", GENERIC_READ | GENERIC_WRITE, 7, NULL, OPEN_ALWAYS, 0, NULL);
    CreateFileA("passing.txt", GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    if (file == INVALID_HANDLE_VALUE || !LockFile(shared, 0, 0, 100, 0)) return 1;
    if (port) {
        WSAStartup(0x202, &data);
        SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(s, (struct sockaddr *)&at, sizeof at) || listen(s, 1)) return 2;
    }
    SetEvent(ready);
    if (!strcmp(way, "exit")) ExitProcess(7);
    if (!strcmp(way, "terminate")) TerminateProcess(GetCurrentProcess(), 7);
    if (!strcmp(way, "thread")) WaitForSingleObject(CreateThread(NULL, 0, leave, NULL, 0, NULL), INFINITE);
    if (!strcmp(way, "busy")) {
        CreateThread(NULL, 0, spin, NULL, 0, NULL);
        Sleep(5);
        TerminateProcess(GetCurrentProcess(), 7);
    }
    return 7;
}

/* A port that nobody has. */
static unsigned short any_port(void) {
    WSADATA data;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int length = sizeof at;
    WSAStartup(0x202, &data);
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    int good = bind(s, (struct sockaddr *)&at, sizeof at) == 0 && getsockname(s, (struct sockaddr *)&at, &length) == 0;
    closesocket(s);
    return good ? ntohs(at.sin_port) : 0;
}

static void after(int line, const char *way, unsigned short port, HANDLE mutex) {
    char name[64];
    snprintf(name, sizeof name, "after `%s`: the mutex is abandoned", way);
    check_at(line, name, WaitForSingleObject(mutex, 10000) == WAIT_ABANDONED, 0, 0, 0);
    ReleaseMutex(mutex);
    snprintf(name, sizeof name, "after `%s`: the event's name is gone", way);
    check_at(line, name, OpenEventA(SYNCHRONIZE, FALSE, "ending-event") == NULL, 0, 0, 0);
    HANDLE file = CreateFileA("alone.txt", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    snprintf(name, sizeof name, "after `%s`: the file is nobody's", way);
    check_at(line, name, file != INVALID_HANDLE_VALUE, 0, 0, 0);
    CloseHandle(file);
    file = CreateFileA("locked.txt", GENERIC_READ | GENERIC_WRITE, 7, NULL, OPEN_EXISTING, 0, NULL);
    snprintf(name, sizeof name, "after `%s`: nothing is locked", way);
    check_at(line, name, LockFile(file, 0, 0, 100, 0), 0, 0, 0);
    CloseHandle(file);
    snprintf(name, sizeof name, "after `%s`: what was to be deleted is gone", way);
    check_at(line, name, GetFileAttributesA("passing.txt") == INVALID_FILE_ATTRIBUTES, 0, 0, 0);
    if (port) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
        snprintf(name, sizeof name, "after `%s`: the port is free", way);
        check_at(line, name, bind(s, (struct sockaddr *)&at, sizeof at) == 0, 0, 0, 0);
        closesocket(s);
    }
}

int main(int argc, char **argv) {
    PROCESS_INFORMATION made;
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 4) return child(argv[2], (unsigned short)atoi(argv[3]), handle_of(argv[4]));
    unsigned short port = any_port();
    HANDLE mutex = CreateMutexA(NULL, FALSE, "ending-mutex");
    for (int round = 0; round < 4; round++) {
        for (int way = 0; way < WAYS; way++) {
            SECURITY_ATTRIBUTES inherit = {sizeof inherit, NULL, TRUE};
            HANDLE ready = CreateEventA(&inherit, TRUE, FALSE, NULL);
            if (!CHECK("start", start(&made, 0, TRUE, "child %s %u %llu", ways[way], port, number(ready)))) break;
            HANDLE both[2] = {ready, made.hProcess};
            CHECK_EQ("it is ready", WaitForMultipleObjects(2, both, FALSE, 60000), WAIT_OBJECT_0);
            CHECK_EQ("its status", ended(&made), 7);
            after(__LINE__, ways[way], port, mutex);
            CloseHandle(ready);
        }
    }
    return finish();
}
