/* Tries what its arguments say, one after the other, a line for each:
 *   tcp ADDRESS PORT    connects            udp ADDRESS PORT   sends a datagram and waits for the answer
 *   udpc ADDRESS PORT   the same, connected name HOST          looks a name up
 *   until HOST ADDRESS  looks a name up until it leads there
 *   serve PORT          takes one client    userve PORT        answers one datagram
 *   raw                 asks for raw sockets
 *   pair PORT           starts itself as a server, and connects to it */
#include <winsock2.h>
#include <ws2tcpip.h>
#include "check.h"

typedef union {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

static int at(address *a, const char *host, const char *port) {
    memset(a, 0, sizeof *a);
    if (strchr(host, ':')) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons((unsigned short)atoi(port));
        inet_pton(AF_INET6, host, &a->v6.sin6_addr);
        return sizeof a->v6;
    }
    a->v4.sin_family = AF_INET;
    a->v4.sin_port = htons((unsigned short)atoi(port));
    inet_pton(AF_INET, host, &a->v4.sin_addr);
    return sizeof a->v4;
}

static SOCKET make(address *a, int type) {
    SOCKET s = socket(a->sa.sa_family, type, 0);
    int off = 0;
    DWORD time = 3000;
    if (a->sa.sa_family == AF_INET6) setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&off, sizeof off);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (char *)&time, sizeof time);
    return s;
}

static void tcp(const char *host, const char *port) {
    address a;
    int length = at(&a, host, port);
    SOCKET s = make(&a, SOCK_STREAM);
    if (connect(s, &a.sa, length)) {
        say("tcp %s %s: error %d", host, port, WSAGetLastError());
    } else {
        char text[64];
        send(s, "hello", 5, 0);
        int got = recv(s, text, sizeof text - 1, 0);
        text[got < 0 ? 0 : got] = 0;
        say("tcp %s %s: REACHED %s", host, port, text);
    }
    closesocket(s);
}

static void udp(const char *host, const char *port, int connected) {
    address a;
    int length = at(&a, host, port);
    SOCKET s = make(&a, SOCK_DGRAM);
    const char *what = connected ? "udpc" : "udp";
    char text[64];
    int sent;
    if (connected && connect(s, &a.sa, length)) {
        say("%s %s %s: error %d", what, host, port, WSAGetLastError());
        closesocket(s);
        return;
    }
    sent = connected ? send(s, "hello", 5, 0) : sendto(s, "hello", 5, 0, &a.sa, length);
    if (sent != 5) {
        say("%s %s %s: error %d", what, host, port, WSAGetLastError());
    } else {
        int got = recv(s, text, sizeof text - 1, 0);
        text[got < 0 ? 0 : got] = 0;
        if (got < 0) say("%s %s %s: sent, error %d", what, host, port, WSAGetLastError());
        else say("%s %s %s: REACHED %s", what, host, port, text);
    }
    closesocket(s);
}

static void name(const char *host) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL, *one;
    char line[512] = "", number[64];
    int error = getaddrinfo(host, NULL, &hints, &list);
    if (error) {
        say("name %s: error %d", host, error);
        return;
    }
    for (one = list; one; one = one->ai_next) {
        getnameinfo(one->ai_addr, (socklen_t)one->ai_addrlen, number, sizeof number, NULL, 0, NI_NUMERICHOST);
        if (strlen(line) + strlen(number) + 2 < sizeof line) strcat(strcat(line, " "), number);
    }
    say("name %s:%s", host, line);
    freeaddrinfo(list);
}

static void until(const char *host, const char *address) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *one;
    char number[64];
    for (int tries = 0; tries < 300; tries++) {
        int found = 0;
        if (getaddrinfo(host, NULL, &hints, &list) == 0) {
            for (one = list; one; one = one->ai_next) {
                getnameinfo(one->ai_addr, (socklen_t)one->ai_addrlen, number, sizeof number, NULL, 0, NI_NUMERICHOST);
                found |= !strcmp(number, address);
            }
            freeaddrinfo(list);
        }
        if (found) {
            say("until %s: %s", host, address);
            return;
        }
        Sleep(100);
    }
    say("until %s: error", host);
}

static void serve(const char *port, int type) {
    address a;
    char text[64];
    int length = at(&a, "0.0.0.0", port), got;
    SOCKET s = make(&a, type);
    if (bind(s, &a.sa, length)) {
        say("serve %s: bind error %d", port, WSAGetLastError());
        return;
    }
    if (type == SOCK_DGRAM) {
        DWORD never = 0;
        setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (char *)&never, sizeof never);
        say("serving %s", port);
        length = sizeof a;
        got = recvfrom(s, text, sizeof text, 0, &a.sa, &length);
        if (got > 0) sendto(s, text, got, 0, &a.sa, length);
        say("served %s: %d bytes", port, got);
        return;
    }
    if (listen(s, 5)) {
        say("serve %s: listen error %d", port, WSAGetLastError());
        return;
    }
    say("serving %s", port);
    length = sizeof a;
    SOCKET c = accept(s, &a.sa, &length);
    got = recv(c, text, sizeof text, 0);
    if (got > 0) send(c, text, got, 0);
    say("served %s: %d bytes", port, got);
    closesocket(c);
    closesocket(s);
}

static void raw(void) {
    static const struct { int family, type, protocol; const char *what; } all[] = {
        {AF_INET, SOCK_RAW, IPPROTO_ICMP, "icmp"},
        {AF_INET, SOCK_RAW, IPPROTO_RAW, "ip"},
        {AF_INET, SOCK_RAW, IPPROTO_TCP, "tcp"},
        {AF_INET6, SOCK_RAW, 58, "icmpv6"},
        {1 /* AF_UNIX */, SOCK_STREAM, 0, "unix"},
        {16 /* Linux' AF_NETLINK */, SOCK_RAW, 0, "netlink"},
        {17 /* Linux' AF_PACKET */, SOCK_RAW, 0x0300, "packet"},
        {40 /* Linux' AF_VSOCK */, SOCK_STREAM, 0, "vsock"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        SOCKET s = socket(all[i].family, all[i].type, all[i].protocol);
        say("raw %s: %s", all[i].what, s == INVALID_SOCKET ? "held" : "REACHED");
    }
}

static void pair(const char *self, const char *port) {
    char line[512];
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION child;
    address a;
    int length = at(&a, "127.0.0.1", port);
    snprintf(line, sizeof line, "\"%s\" serve %s", self, port);
    if (!CreateProcessA(self, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child)) {
        say("pair: no child, error %lu", GetLastError());
        return;
    }
    for (int tries = 0; tries < 200; tries++) {
        SOCKET s = make(&a, SOCK_STREAM);
        if (connect(s, &a.sa, length) == 0) {
            char text[16];
            send(s, "hello", 5, 0);
            say("pair %s: REACHED %d", port, recv(s, text, sizeof text, 0));
            closesocket(s);
            WaitForSingleObject(child.hProcess, 10000);
            return;
        }
        closesocket(s);
        Sleep(50);
    }
    say("pair %s: error", port);
    TerminateProcess(child.hProcess, 1);
}

int main(int argc, char **argv) {
    WSADATA data;
    char self[MAX_PATH];
    WSAStartup(0x202, &data);
    GetModuleFileNameA(NULL, self, sizeof self);
    for (int i = 1; i < argc; i++) {
        const char *what = argv[i];
        if (!strcmp(what, "raw")) {
            raw();
        } else if (i + 1 < argc && !strcmp(what, "name")) {
            name(argv[++i]);
        } else if (i + 1 < argc && !strcmp(what, "serve")) {
            serve(argv[++i], SOCK_STREAM);
        } else if (i + 1 < argc && !strcmp(what, "userve")) {
            serve(argv[++i], SOCK_DGRAM);
        } else if (i + 1 < argc && !strcmp(what, "pair")) {
            pair(self, argv[++i]);
        } else if (i + 2 < argc) {
            if (!strcmp(what, "until")) until(argv[i + 1], argv[i + 2]);
            else if (!strcmp(what, "tcp")) tcp(argv[i + 1], argv[i + 2]);
            else udp(argv[i + 1], argv[i + 2], !strcmp(what, "udpc"));
            i += 2;
        }
    }
    say("done");
    return 3;
}
