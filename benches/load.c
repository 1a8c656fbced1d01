#define _GNU_SOURCE
/* A client for a web server on this host: load PORT CONNECTIONS REQUESTS. Prints requests per second, or fails. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static const char ask[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n";

struct connection {
    int socket;
    size_t got;
    char answer[8192];
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* Whether the answer is whole: its head says how long its body is. */
static int whole(struct connection *c) {
    c->answer[c->got] = 0;
    char *body = strstr(c->answer, "\r\n\r\n"), *length = strcasestr(c->answer, "content-length:");
    return body && length && c->got >= (size_t)(body + 4 - c->answer) + strtoul(length + 15, NULL, 10);
}

int main(int count, char **words) {
    if (count != 4) return 2;
    int many = atoi(words[2]), all = atoi(words[3]), asked = 0, answered = 0;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct connection *set = calloc(many, sizeof *set);
    int ready = epoll_create1(0);
    for (int i = 0; i < many; i++) {
        int one = 1;
        set[i].socket = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(set[i].socket, (struct sockaddr *)&to, sizeof to)) fail("connect");
        setsockopt(set[i].socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &set[i]};
        if (epoll_ctl(ready, EPOLL_CTL_ADD, set[i].socket, &event)) fail("epoll_ctl");
    }
    double start = now();
    for (int i = 0; i < many && asked < all; i++, asked++)
        if (write(set[i].socket, ask, sizeof ask - 1) != sizeof ask - 1) fail("write");
    while (answered < asked) {
        struct epoll_event events[64];
        int some = epoll_wait(ready, events, 64, 60000);
        if (some <= 0) fail("epoll_wait");
        for (int i = 0; i < some; i++) {
            struct connection *c = events[i].data.ptr;
            ssize_t part = read(c->socket, c->answer + c->got, sizeof c->answer - 1 - c->got);
            if (part <= 0) fail("read");
            c->got += part;
            if (!whole(c)) continue;
            if (strncmp(c->answer, "HTTP/1.1 200", 12)) fail(c->answer);
            c->got = 0;
            answered++;
            if (asked++ < all) {
                if (write(c->socket, ask, sizeof ask - 1) != sizeof ask - 1) fail("write");
            } else {
                asked--;
            }
        }
    }
    printf("%.1f\n", answered / (now() - start));
    return 0;
}
