/* Tries to reach the socket by which this sandbox is managed. Arguments: its path on the host, and the way: "win32" (files and sockets as
 * programs have them), "raw" and "gadget" (Linux system calls), "descriptors" (what the process holds; the last way tried, as nonsense on a
 * lane ends a sandbox). Says "REACHED" where an answer comes. Natively, "raw" must. */
#ifdef _WIN32
#include <winsock2.h>
#endif
#include "rawcall.h"

struct address {
    unsigned short family;
    char path[108];
};

/* Whether what was received is the monitor's answer to Describe: version, reply, nothing, the tag. */
static int is_answer(const unsigned char *reply, word length) {
    return length > 8 && reply[0] >= 1 && reply[1] == 0 && reply[4] == 77 && reply[5] == 0;
}

/* Version, nothing, the request's number, the tag. */
static unsigned char describe[8] = {2, 0, 1, 0, 77, 0, 0, 0};
static unsigned char reply[65536];

static void linux_calls(const char *way, const char *path) {
    struct address to = {.family = 1};
    strncpy(to.path, path, sizeof to.path - 1);
    word s = call(41, 1, 5, 0, 0, 0, 0);
    int open = s > 2 && s < 4096;
    say("%s socket %s", way, open ? "opened" : "held");
    if (!open) return;
    int connected = call(42, s, P(&to), sizeof to, 0, 0, 0) == 0;
    word sent = connected ? call(44, s, P(describe), sizeof describe, 0, 0, 0) : -1;
    word length = sent == sizeof describe ? call(45, s, P(reply), sizeof reply, 0, 0, 0) : -1;
    if (is_answer(reply, length)) say("REACHED %s", way);
}

#ifdef _WIN32
static void descriptors(void) {
    for (int fd = 0; fd < 128; fd++) {
        /* MSG_DONTWAIT | MSG_NOSIGNAL; then write, should sending not be granted. */
        if (call(44, fd, P(describe), sizeof describe, 0x4040, 0, 0) != sizeof describe && fd > 2) call(1, fd, P(describe), sizeof describe, 0, 0, 0);
        for (int look = 0; look < 3; look++) {
            if (is_answer(reply, call(45, fd, P(reply), sizeof reply, 0x4040, 0, 0))) say("REACHED descriptor %d", fd);
            Sleep(1);
        }
    }
}

static void as_file(const char *path) {
    HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 7, NULL, OPEN_EXISTING, 0, NULL);
    DWORD count = 0;
    if (file == INVALID_HANDLE_VALUE) {
        say("held %s: %lu", path, GetLastError());
        return;
    }
    say("opened %s", path);
    if (WriteFile(file, describe, sizeof describe, &count, NULL) && ReadFile(file, reply, sizeof reply, &count, NULL) && is_answer(reply, count)) say("REACHED %s", path);
    CloseHandle(file);
}

static void win32(const char *host) {
    static char path[1024];
    const char *forms[] = {"Z:%s", "\\\\?\\unix%s", "\\\\.\\unix%s", "\\\\?\\Z:%s", "%s"};
    as_file("C:\\ctl\\control");
    as_file("\\\\.\\pipe\\..\\ctl\\control");
    as_file("\\\\.\\pipe\\control");
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) {
        snprintf(path, sizeof path, forms[i], host);
        as_file(path);
    }
    WSADATA data;
    WSAStartup(0x202, &data);
    const char *names[] = {host, "C:\\ctl\\control", "/proc/self/fd/5", "", "\0control"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        for (int type = SOCK_STREAM; type <= 5; type += 4) {
            struct address to = {.family = AF_UNIX};
            memcpy(to.path, names[i], names[i][0] ? strlen(names[i]) : 8);
            SOCKET s = socket(AF_UNIX, type, 0);
            if (s == INVALID_SOCKET) {
                say("held AF_UNIX %d: %d", type, WSAGetLastError());
                continue;
            }
            if (connect(s, (struct sockaddr *)&to, sizeof to) == 0 && send(s, (char *)describe, sizeof describe, 0) == sizeof describe &&
                is_answer(reply, recv(s, (char *)reply, sizeof reply, 0)))
                say("REACHED AF_UNIX %s", names[i]);
            closesocket(s);
        }
    }
}
#endif

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "", *way = argc > 2 ? argv[2] : "raw";
#ifdef _WIN32
    AddVectoredExceptionHandler(1, on_fault);
    if (!strcmp(way, "win32")) {
        win32(path);
        say("done");
        return 0;
    }
    if (strcmp(way, "raw") && !find_gadget()) return 99;
    if (!strcmp(way, "descriptors")) {
        descriptors();
        say("done");
        return 0;
    }
#endif
    linux_calls(way, path);
    say("done");
    return 0;
}
