/* Times TCP over loopback between two threads, for the benches, the same way on Windows and on Linux: "name nanoseconds". */
#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#include "check.h"
typedef HANDLE thread;
#define SHUT_WR SD_SEND
static double now(void) {
    LARGE_INTEGER c, f;
    QueryPerformanceCounter(&c);
    QueryPerformanceFrequency(&f);
    return (double)c.QuadPart * 1e9 / (double)f.QuadPart;
}
#else
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
typedef int SOCKET;
typedef pthread_t thread;
#define closesocket close
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}
#endif

enum { BLOCK = 1 << 16, MIB = 1 << 20 };
static SOCKET client, server;

static int receive_all(SOCKET s, char *into, int count) {
    int done = 0;
    while (done < count) {
        int got = (int)recv(s, into + done, count - done, 0);
        if (got <= 0) return 0;
        done += got;
    }
    return 1;
}

static int pair(void) {
    struct sockaddr_in a;
    socklen_t length = sizeof a;
    int on = 1;
    SOCKET l = socket(AF_INET, SOCK_STREAM, 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(l, (struct sockaddr *)&a, sizeof a) || listen(l, 1) || getsockname(l, (struct sockaddr *)&a, &length)) return 0;
    client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, (struct sockaddr *)&a, sizeof a)) return 0;
    server = accept(l, NULL, NULL);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, (char *)&on, sizeof on);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, (char *)&on, sizeof on);
    closesocket(l);
    return 1;
}

#ifdef _WIN32
#define THREAD(name) static DWORD WINAPI name(void *arg)
#define START(t, name) ((t = CreateThread(NULL, 0, name, NULL, 0, NULL)) != NULL)
#define JOIN(t) (WaitForSingleObject(t, INFINITE), CloseHandle(t))
#else
#define THREAD(name) static void *name(void *arg)
#define START(t, name) (pthread_create(&t, NULL, name, NULL) == 0)
#define JOIN(t) pthread_join(t, NULL)
#endif

THREAD(echo) {
    char block[64];
    (void)arg;
    while (receive_all(server, block, sizeof block)) send(server, block, sizeof block, 0);
    return 0;
}

THREAD(swallow) {
    char *block = malloc(BLOCK);
    (void)arg;
    while (recv(server, block, BLOCK, 0) > 0) {}
    send(server, block, 1, 0);
    free(block);
    return 0;
}

static double round_trip(int n) {
    char block[64] = "x";
    thread t;
    if (!pair() || !START(t, echo)) return 0;
    double from = 0;
    for (int i = 0; i <= n; i++) {
        if (i == 1) from = now();
        send(client, block, sizeof block, 0);
        if (!receive_all(client, block, sizeof block)) return 0;
    }
    double taken = now() - from;
    closesocket(client);
    JOIN(t);
    closesocket(server);
    return taken / n;
}

static double stream(int n) {
    char *block = calloc(1, BLOCK), last;
    thread t;
    if (!pair() || !START(t, swallow)) return 0;
    double from = now();
    for (int i = 0; i < n * (MIB / BLOCK); i++)
        for (int done = 0; done < BLOCK;) {
            int sent = (int)send(client, block + done, BLOCK - done, 0);
            if (sent <= 0) return 0;
            done += sent;
        }
    shutdown(client, SHUT_WR);
    if (!receive_all(client, &last, 1)) return 0;
    double taken = now() - from;
    JOIN(t);
    closesocket(client);
    closesocket(server);
    free(block);
    return taken / n;
}

static void best(const char *name, double (*run)(int), int n, int rounds) {
    double least = 0;
    for (int i = 0; i < rounds; i++) {
        double ns = run(n);
        if (ns > 0 && (least == 0 || ns < least)) least = ns;
    }
    printf("%s %.0f\n", name, least);
}

int main(void) {
#ifdef _WIN32
    WSADATA data;
    WSAStartup(0x202, &data);
#endif
    best("tcp_64_round_trip", round_trip, 3000, 5);
    best("tcp_mebibyte", stream, 256, 5);
    return 0;
}
