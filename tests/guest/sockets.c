/* Sockets: TCP and UDP, IPv4 and IPv6, select, WSAPoll, events, overlapped, completion ports, AcceptEx, ConnectEx, TransmitFile,
 * half-close, urgent data, options, names, errors. Everything stays on loopback addresses. */
#include <winsock2.h>
#include <mswsock.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include "check.h"

static SOCKET tcp(int family) { return WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED); }

typedef union {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

static int local(address *a, int family, unsigned short port) {
    memset(a, 0, sizeof *a);
    a->sa.sa_family = (unsigned short)family;
    if (family == AF_INET) {
        a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        a->v4.sin_port = port;
        return sizeof a->v4;
    }
    a->v6.sin6_addr.s6_addr[15] = 1;
    a->v6.sin6_port = port;
    return sizeof a->v6;
}

static unsigned short port_of(SOCKET s) {
    address a;
    int length = sizeof a;
    return getsockname(s, &a.sa, &length) ? 0 : a.v4.sin_port;
}

/* A server on a free port. */
static SOCKET server(int family) {
    address a;
    SOCKET s = tcp(family);
    int length = local(&a, family, 0);
    if (bind(s, &a.sa, length) || listen(s, 5)) {
        closesocket(s);
        return INVALID_SOCKET;
    }
    return s;
}

static int pair(int family, SOCKET *client, SOCKET *accepted) {
    address a;
    SOCKET s = server(family);
    int length = local(&a, family, port_of(s));
    *client = tcp(family);
    *accepted = INVALID_SOCKET;
    if (connect(*client, &a.sa, length) == 0) *accepted = accept(s, NULL, NULL);
    closesocket(s);
    return *accepted != INVALID_SOCKET;
}

static void nonblocking(SOCKET s, u_long on) { ioctlsocket(s, FIONBIO, &on); }

static DWORD WINAPI send_later(void *arg) {
    Sleep(50);
    send((SOCKET)arg, "later", 5, 0);
    return 0;
}

static DWORD WINAPI close_later(void *arg) {
    Sleep(100);
    closesocket((SOCKET)arg);
    return 0;
}

static void streams(int family) {
    address a, b;
    SOCKET c, s;
    char buffer[64];
    int length;
    CHECK("a pair", pair(family, &c, &s));
    length = sizeof a;
    CHECK_EQ("getpeername", getpeername(c, &a.sa, &length), 0);
    CHECK_EQ("its length", length, family == AF_INET ? 16 : 28);
    length = sizeof b;
    CHECK_EQ("getsockname", getsockname(s, &b.sa, &length), 0);
    CHECK("both ends agree", a.v4.sin_port == b.v4.sin_port && a.v4.sin_port);
    CHECK_EQ("send", send(c, "hello", 5, 0), 5);
    CHECK_EQ("recv", recv(s, buffer, sizeof buffer, 0), 5);
    CHECK("what was sent", !memcmp(buffer, "hello", 5));
    CHECK_EQ("send back", send(s, "abcdef", 6, 0), 6);
    CHECK_EQ("peek", recv(c, buffer, 3, MSG_PEEK), 3);
    u_long count = 0;
    CHECK("FIONREAD", ioctlsocket(c, FIONREAD, &count) == 0 && count == 6);
    CHECK_EQ("recv after peek", recv(c, buffer, 4, 0), 4);
    CHECK_EQ("recv the rest", recv(c, buffer, 4, 0), 2);
    CHECK("FIONREAD of nothing", ioctlsocket(c, FIONREAD, &count) == 0 && count == 0);
    HANDLE thread = CreateThread(NULL, 0, send_later, (void *)s, 0, NULL);
    CHECK_EQ("recv waits", recv(c, buffer, sizeof buffer, 0), 5);
    CloseHandle(thread);
    WSABUF parts[2] = {{3, "one"}, {4, "four"}};
    DWORD sent = 0, got = 0, flags = 0;
    CHECK_EQ("WSASend of parts", WSASend(c, parts, 2, &sent, 0, NULL, NULL), 0);
    CHECK_EQ("all of them", sent, 7);
    char x[2], y[16];
    WSABUF into[2] = {{2, x}, {16, y}};
    CHECK_EQ("WSARecv into parts", WSARecv(s, into, 2, &got, &flags, NULL, NULL), 0);
    CHECK("in order", got == 7 && !memcmp(x, "on", 2) && !memcmp(y, "efour", 5));
    /* half-close */
    CHECK_EQ("shutdown", shutdown(c, SD_SEND), 0);
    CHECK_ERROR("no more is sent", send(c, "x", 1, 0) != SOCKET_ERROR, WSAESHUTDOWN);
    CHECK_EQ("the end", recv(s, buffer, sizeof buffer, 0), 0);
    CHECK_EQ("the other way goes on", send(s, "still", 5, 0), 5);
    CHECK_EQ("and arrives", recv(c, buffer, sizeof buffer, 0), 5);
    closesocket(s);
    CHECK_EQ("both ended", recv(c, buffer, sizeof buffer, 0), 0);
    closesocket(c);
    CHECK_ERROR("a closed socket", recv(c, buffer, 1, 0) != SOCKET_ERROR, WSAENOTSOCK);
    /* reset */
    CHECK("another pair", pair(family, &c, &s));
    struct linger hard = {1, 0};
    CHECK_EQ("SO_LINGER", setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&hard, sizeof hard), 0);
    closesocket(s);
    WINE8_DIFFERS(CHECK_ERROR("a connection that was given up", recv(c, buffer, 1, 0) != SOCKET_ERROR, WSAECONNRESET));
    closesocket(c);
}

static DWORD WINAPI sends_until_it_fails(void *at) {
    static char some[65536];
    while (send((SOCKET)at, some, sizeof some, 0) > 0) {}
    return WSAGetLastError();
}

/* Both ends send and neither receives; who closes with something unread gives the connection up, and the other hears of it. */
static void unread(void) {
    static char some[65536];
    SOCKET c, s;
    DWORD error = 0;
    CHECK("a pair", pair(AF_INET, &c, &s));
    HANDLE thread = CreateThread(NULL, 0, sends_until_it_fails, (void *)s, 0, NULL);
    fd_set r;
    FD_ZERO(&r);
    FD_SET(c, &r);
    struct timeval long_ = {10, 0};
    CHECK_EQ("the other sends", select(0, &r, NULL, NULL, &long_), 1);
    nonblocking(c, 1);
    while (send(c, some, sizeof some, 0) > 0) {}
    CHECK_EQ("no room", WSAGetLastError(), WSAEWOULDBLOCK);
    closesocket(c);
    CHECK_EQ("it ends", WaitForSingleObject(thread, 30000), WAIT_OBJECT_0);
    GetExitCodeThread(thread, &error);
    CHECK("as the connection is gone", error == WSAECONNRESET || error == WSAECONNABORTED);
    CloseHandle(thread);
    closesocket(s);
}

static void errors(void) {
    address a;
    char byte;
    int length;
    SOCKET s = tcp(AF_INET);
    WINE8_DIFFERS(CHECK_ERROR("send on no connection", send(s, "x", 1, 0) != SOCKET_ERROR, WSAENOTCONN));
    CHECK_ERROR("recv on no connection", recv(s, &byte, 1, 0) != SOCKET_ERROR, WSAENOTCONN);
    CHECK_ERROR("listen before bind", listen(s, 1) != SOCKET_ERROR, WSAEINVAL);
    length = sizeof a;
    CHECK_ERROR("getsockname before bind", getsockname(s, &a.sa, &length) != SOCKET_ERROR, WSAEINVAL);
    CHECK_ERROR("getpeername", getpeername(s, &a.sa, &length) != SOCKET_ERROR, WSAENOTCONN);
    CHECK_ERROR("shutdown", shutdown(s, SD_BOTH) != SOCKET_ERROR, WSAENOTCONN);
    SOCKET other = server(AF_INET);
    unsigned short taken = port_of(other);
    length = local(&a, AF_INET, taken);
    CHECK_ERROR("a port that is taken", bind(s, &a.sa, length) != SOCKET_ERROR, WSAEADDRINUSE);
    closesocket(other);
    CHECK_ERROR("nobody is there", connect(s, &a.sa, length) != SOCKET_ERROR, WSAECONNREFUSED);
    closesocket(s);
    s = tcp(AF_INET);
    a.v4.sin_addr.s_addr = htonl(0x0a010203);
    CHECK_ERROR("an address of nobody's here", bind(s, &a.sa, length) != SOCKET_ERROR, WSAEADDRNOTAVAIL);
    length = local(&a, AF_INET, 0);
    CHECK_EQ("bind", bind(s, &a.sa, length), 0);
    CHECK_ERROR("bind again", bind(s, &a.sa, length) != SOCKET_ERROR, WSAEINVAL);
    CHECK_ERROR("accept without listen", accept(s, NULL, NULL) != INVALID_SOCKET, WSAEINVAL);
    closesocket(s);
    CHECK_ERROR("an unknown family", socket(250, SOCK_STREAM, 0) != INVALID_SOCKET, WSAEAFNOSUPPORT);
    CHECK_ERROR("an unknown kind", socket(AF_INET, 77, 0) != INVALID_SOCKET, WSAESOCKTNOSUPPORT);
    CHECK_ERROR("a protocol of another kind", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP) != INVALID_SOCKET, WSAEPROTONOSUPPORT);
    s = server(AF_INET);
    nonblocking(s, 1);
    CHECK_ERROR("no client", accept(s, NULL, NULL) != INVALID_SOCKET, WSAEWOULDBLOCK);
    closesocket(s);
    SOCKET c;
    CHECK("a pair", pair(AF_INET, &c, &s));
    nonblocking(c, 1);
    CHECK_ERROR("no data", recv(c, &byte, 1, 0) != SOCKET_ERROR, WSAEWOULDBLOCK);
    nonblocking(c, 0);
    DWORD time = 60;
    CHECK_EQ("SO_RCVTIMEO", setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, (char *)&time, sizeof time), 0);
    CHECK_ERROR("in time", recv(c, &byte, 1, 0) != SOCKET_ERROR, WSAETIMEDOUT);
    length = local(&a, AF_INET, taken);
    CHECK_ERROR("connected already", connect(c, &a.sa, length) != SOCKET_ERROR, WSAEISCONN);
    time = 0;
    setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, (char *)&time, sizeof time);
    HANDLE thread = CreateThread(NULL, 0, close_later, (void *)c, 0, NULL);
    CHECK_EQ("a close ends a wait", recv(c, &byte, 1, 0), SOCKET_ERROR);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    closesocket(s);
}

static void datagrams(int family) {
    address a, b, from;
    char buffer[64];
    SOCKET x = socket(family, SOCK_DGRAM, 0), y = socket(family, SOCK_DGRAM, 0), z = socket(family, SOCK_DGRAM, 0);
    int length = local(&a, family, 0), size;
    CHECK_EQ("bind", bind(x, &a.sa, length), 0);
    CHECK_EQ("bind", bind(y, &a.sa, length), 0);
    local(&a, family, port_of(x));
    local(&b, family, port_of(y));
    CHECK_EQ("sendto", sendto(x, "to y", 4, 0, &b.sa, length), 4);
    size = sizeof from;
    CHECK_EQ("recvfrom", recvfrom(y, buffer, sizeof buffer, 0, &from.sa, &size), 4);
    CHECK("who sent it", size == length && from.v4.sin_port == a.v4.sin_port);
    CHECK_EQ("and back", sendto(y, "to x", 4, 0, &from.sa, size), 4);
    size = sizeof from;
    CHECK_EQ("recvfrom", recvfrom(x, buffer, sizeof buffer, 0, &from.sa, &size), 4);
    CHECK("who sent it", from.v4.sin_port == b.v4.sin_port);
    CHECK_EQ("from a socket that was not bound", sendto(z, "third", 5, 0, &a.sa, length), 5);
    size = sizeof from;
    CHECK_EQ("recvfrom", recvfrom(x, buffer, sizeof buffer, 0, &from.sa, &size), 5);
    CHECK("it is bound now", from.v4.sin_port == port_of(z) && port_of(z));
    CHECK_EQ("answer", sendto(x, "answer", 6, 0, &from.sa, size), 6);
    CHECK_EQ("arrives", recv(z, buffer, sizeof buffer, 0), 6);
    CHECK_EQ("an empty one", sendto(x, "", 0, 0, &b.sa, length), 0);
    CHECK_EQ("arrives", recv(y, buffer, sizeof buffer, 0), 0);
    CHECK_EQ("a long one", sendto(x, "0123456789", 10, 0, &b.sa, length), 10);
    CHECK_ERROR("is cut", recv(y, buffer, 4, 0) != SOCKET_ERROR, WSAEMSGSIZE);
    CHECK("but begins", !memcmp(buffer, "0123", 4));
    WSABUF none = {0, NULL}, small = {4, buffer};
    DWORD count = 0, flags = 0;
    CHECK_EQ("an empty one that lies nowhere", WSASendTo(x, &none, 1, &count, 0, &b.sa, length, NULL, NULL), 0);
    CHECK_EQ("arrives", recv(y, buffer, sizeof buffer, 0), 0);
    /* Who asks for an overlapped request hears of its end alone: Go's net counts on it. Wine 8 tells it at once. */
    OVERLAPPED late = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    CHECK_EQ("a long one", sendto(x, "0123456789", 10, 0, &b.sa, length), 10);
    int received = WSARecv(y, &small, 1, NULL, &flags, &late, NULL);
    CHECK("is taken later", received == SOCKET_ERROR && (WSAGetLastError() == WSA_IO_PENDING || under_oracle()));
    CHECK_ERROR("and is cut", WSAGetOverlappedResult(y, &late, &count, TRUE, &flags), WSAEMSGSIZE);
    CHECK_EQ("as told", count, 4);
    CloseHandle(late.hEvent);
    CHECK_EQ("connect", connect(z, &a.sa, length), 0);
    CHECK_EQ("send", send(z, "con", 3, 0), 3);
    CHECK_EQ("recv", recv(x, buffer, sizeof buffer, 0), 3);
    /* A connected one hears its peer only. */
    local(&from, family, port_of(z));
    CHECK_EQ("from elsewhere", sendto(y, "no", 2, 0, &from.sa, length), 2);
    CHECK_EQ("from the peer", sendto(x, "yes", 3, 0, &from.sa, length), 3);
    CHECK_EQ("one arrives", recv(z, buffer, sizeof buffer, 0), 3);
    CHECK_ERROR("the port is taken", bind(socket(family, SOCK_DGRAM, 0), &a.sa, length) != SOCKET_ERROR, WSAEADDRINUSE);
    if (family == AF_INET) {
        /* WSARecvMsg with the address that it was sent to. */
        GUID id = WSAID_WSARECVMSG;
        LPFN_WSARECVMSG receive = NULL;
        DWORD got = 0, on = 1;
        WSAIoctl(y, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &receive, sizeof receive, &got, NULL, NULL);
        CHECK("WSARecvMsg is there", receive);
        CHECK_EQ("IP_PKTINFO", setsockopt(y, IPPROTO_IP, IP_PKTINFO, (char *)&on, sizeof on), 0);
        sendto(x, "info", 4, 0, &b.sa, length);
        char control[128];
        WSABUF part = {sizeof buffer, buffer};
        WSAMSG message = {&from.sa, sizeof from, &part, 1, {sizeof control, control}, 0};
        CHECK_EQ("WSARecvMsg", receive ? receive(y, &message, &got, NULL, NULL) : -1, 0);
        WSACMSGHDR *header = (WSACMSGHDR *)control;
        CHECK("with the address", got == 4 && message.Control.len >= sizeof *header && header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO);
        struct in_pktinfo *info = (struct in_pktinfo *)WSA_CMSG_DATA(header);
        CHECK_EQ("of loopback", info->ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
    }
    closesocket(x);
    closesocket(y);
    closesocket(z);
}

static void selecting(void) {
    SOCKET c, s, l = server(AF_INET);
    address a;
    int length = local(&a, AF_INET, port_of(l));
    fd_set r, w, e;
    struct timeval soon = {0, 50000}, now = {0, 0}, long_ = {10, 0};
    FD_ZERO(&r);
    FD_SET(l, &r);
    CHECK_EQ("select: nobody", select(0, &r, NULL, NULL, &soon), 0);
    c = tcp(AF_INET);
    nonblocking(c, 1);
    int result = connect(c, &a.sa, length);
    CHECK("connect goes on, or is done", result == 0 || WSAGetLastError() == WSAEWOULDBLOCK);
    FD_ZERO(&r);
    FD_SET(l, &r);
    CHECK_EQ("select: a client", select(0, &r, NULL, NULL, &long_), 1);
    CHECK("it is the server", FD_ISSET(l, &r));
    FD_ZERO(&w);
    FD_SET(c, &w);
    CHECK_EQ("select: connected", select(0, NULL, &w, NULL, &long_), 1);
    s = accept(l, NULL, NULL);
    CHECK("accept", s != INVALID_SOCKET);
    FD_ZERO(&r);
    FD_SET(s, &r);
    CHECK_EQ("select: no data", select(0, &r, NULL, NULL, &now), 0);
    HANDLE thread = CreateThread(NULL, 0, send_later, (void *)c, 0, NULL);
    FD_ZERO(&r);
    FD_SET(s, &r);
    CHECK_EQ("select: data", select(0, &r, NULL, NULL, &long_), 1);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    WSAPOLLFD set[2] = {{s, POLLIN, 0}, {c, POLLOUT | POLLIN, 0}};
    CHECK_EQ("WSAPoll", WSAPoll(set, 2, 1000), 2);
    CHECK("to read", set[0].revents & POLLRDNORM);
    CHECK("to write", (set[1].revents & POLLOUT) && !(set[1].revents & POLLIN));
    char buffer[16];
    CHECK_EQ("recv", recv(s, buffer, sizeof buffer, 0), 5);
    CHECK_EQ("WSAPoll: nothing", WSAPoll(set, 1, 50), 0);
    closesocket(c);
    CHECK_EQ("WSAPoll: closed", WSAPoll(set, 1, 1000), 1);
    CHECK("it says so", set[0].revents & POLLHUP);
    closesocket(s);
    /* Who accepted knows that the connection stands: the other end may be used at once. */
    int used = 0;
    for (int i = 0; i < 100; i++) {
        c = tcp(AF_INET);
        nonblocking(c, 1);
        connect(c, &a.sa, length);
        nonblocking(c, 0);
        s = accept(l, NULL, NULL);
        used += i % 2 ? send(c, "x", 1, 0) == 1 : shutdown(c, SD_SEND) == 0 && recv(s, buffer, 1, 0) == 0;
        closesocket(c);
        closesocket(s);
    }
    CHECK_EQ("used at once", used, 100);
    unsigned short gone = port_of(l);
    closesocket(l);
    /* A connect that fails. */
    c = tcp(AF_INET);
    nonblocking(c, 1);
    length = local(&a, AF_INET, gone);
    result = connect(c, &a.sa, length);
    if (result == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK) {
        FD_ZERO(&w);
        FD_ZERO(&e);
        FD_SET(c, &w);
        FD_SET(c, &e);
        CHECK_EQ("select: refused", select(0, NULL, &w, &e, &long_), 1);
        CHECK("as an exception", FD_ISSET(c, &e) && !FD_ISSET(c, &w));
        int error = 0;
        length = sizeof error;
        getsockopt(c, SOL_SOCKET, SO_ERROR, (char *)&error, &length);
        CHECK_EQ("SO_ERROR", error, WSAECONNREFUSED);
    } else {
        CHECK_EQ("refused at once", WSAGetLastError(), WSAECONNREFUSED);
    }
    closesocket(c);
}

static void events(void) {
    SOCKET c, s, l = server(AF_INET);
    address a;
    int length = local(&a, AF_INET, port_of(l));
    WSANETWORKEVENTS seen;
    HANDLE le = WSACreateEvent(), ce = WSACreateEvent(), se = WSACreateEvent();
    CHECK_EQ("WSAEventSelect", WSAEventSelect(l, le, FD_ACCEPT), 0);
    c = tcp(AF_INET);
    CHECK_EQ("WSAEventSelect", WSAEventSelect(c, ce, FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE), 0);
    CHECK("a pending connect", connect(c, &a.sa, length) == 0 || WSAGetLastError() == WSAEWOULDBLOCK);
    CHECK_EQ("a client comes", WaitForSingleObject(le, 5000), WAIT_OBJECT_0);
    CHECK("FD_ACCEPT", WSAEnumNetworkEvents(l, le, &seen) == 0 && seen.lNetworkEvents == FD_ACCEPT && !seen.iErrorCode[FD_ACCEPT_BIT]);
    s = accept(l, NULL, NULL);
    CHECK("accept", s != INVALID_SOCKET);
    CHECK_EQ("connected", WaitForSingleObject(ce, 5000), WAIT_OBJECT_0);
    CHECK("FD_CONNECT and FD_WRITE", WSAEnumNetworkEvents(c, ce, &seen) == 0 && seen.lNetworkEvents == (FD_CONNECT | FD_WRITE));
    CHECK_EQ("the event is reset", WaitForSingleObject(ce, 0), WAIT_TIMEOUT);
    WSAEventSelect(s, se, FD_READ | FD_CLOSE);
    send(c, "abc", 3, 0);
    CHECK_EQ("data", WaitForSingleObject(se, 5000), WAIT_OBJECT_0);
    CHECK("FD_READ", WSAEnumNetworkEvents(s, se, &seen) == 0 && (seen.lNetworkEvents & FD_READ));
    CHECK_EQ("told once", WaitForSingleObject(se, 50), WAIT_TIMEOUT);
    char buffer[16];
    CHECK_EQ("a part", recv(s, buffer, 1, 0), 1);
    CHECK_EQ("there is more", WaitForSingleObject(se, 5000), WAIT_OBJECT_0);
    CHECK("FD_READ again", WSAEnumNetworkEvents(s, se, &seen) == 0 && (seen.lNetworkEvents & FD_READ));
    CHECK_EQ("the rest", recv(s, buffer, 16, 0), 2);
    CHECK_EQ("nothing more", WaitForSingleObject(se, 50), WAIT_TIMEOUT);
    u_long off = 0;
    CHECK_ERROR("not to be made to wait", ioctlsocket(s, FIONBIO, &off) == 0, WSAEINVAL);
    closesocket(c);
    CHECK_EQ("closed", WaitForSingleObject(se, 5000), WAIT_OBJECT_0);
    CHECK("FD_CLOSE", WSAEnumNetworkEvents(s, se, &seen) == 0 && (seen.lNetworkEvents & FD_CLOSE));
    closesocket(s);
    closesocket(l);
    WSACloseEvent(le);
    WSACloseEvent(ce);
    WSACloseEvent(se);
}

static volatile LONG routines;
static void CALLBACK routine(DWORD error, DWORD count, OVERLAPPED *overlapped, DWORD flags) {
    (void)overlapped;
    (void)flags;
    if (!error && count == 3) InterlockedIncrement(&routines);
}

static void overlapped(void) {
    SOCKET c, s;
    char buffer[32];
    DWORD got = 0, flags = 0;
    OVERLAPPED o = {0};
    WSABUF into = {sizeof buffer, buffer}, out = {3, "xyz"};
    CHECK("a pair", pair(AF_INET, &c, &s));
    o.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    CHECK_ERROR("a receive that waits", WSARecv(s, &into, 1, &got, &flags, &o, NULL) == 0, WSA_IO_PENDING);
    CHECK_EQ("its event", WaitForSingleObject(o.hEvent, 20), WAIT_TIMEOUT);
    send(c, "data", 4, 0);
    CHECK_EQ("is set", WaitForSingleObject(o.hEvent, 5000), WAIT_OBJECT_0);
    CHECK("its result", WSAGetOverlappedResult(s, &o, &got, FALSE, &flags) && got == 4 && !memcmp(buffer, "data", 4));
    CHECK_EQ("a send that is done", WSASend(c, &out, 1, &got, 0, &o, NULL), 0);
    CHECK_EQ("sent", got, 3);
    CHECK_EQ("recv", recv(s, buffer, 3, 0), 3);
    /* routines */
    OVERLAPPED r = {0};
    CHECK_ERROR("with a routine", WSARecv(s, &into, 1, &got, &flags, &r, routine) == 0, WSA_IO_PENDING);
    send(c, "apc", 3, 0);
    CHECK_EQ("it runs", SleepEx(5000, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ("once", routines, 1);
    /* cancelling */
    ResetEvent(o.hEvent);
    CHECK_ERROR("another that waits", WSARecv(s, &into, 1, &got, &flags, &o, NULL) == 0, WSA_IO_PENDING);
    CHECK("CancelIoEx", CancelIoEx((HANDLE)s, &o));
    CHECK_ERROR("is cancelled", WSAGetOverlappedResult(s, &o, &got, TRUE, &flags), WSA_OPERATION_ABORTED);
    /* closing */
    ResetEvent(o.hEvent);
    CHECK_ERROR("another that waits", WSARecv(s, &into, 1, &got, &flags, &o, NULL) == 0, WSA_IO_PENDING);
    closesocket(s);
    CHECK_EQ("ends with its socket", WaitForSingleObject(o.hEvent, 5000), WAIT_OBJECT_0);
    CHECK("as an error", (LONG)o.Internal < 0);
    closesocket(c);
    CloseHandle(o.hEvent);
}

static void ports(void) {
    SOCKET c, s;
    char buffer[32];
    DWORD got = 0, flags = 0;
    ULONG_PTR key;
    OVERLAPPED o = {0}, *which;
    WSABUF into = {sizeof buffer, buffer}, out = {4, "port"};
    CHECK("a pair", pair(AF_INET, &c, &s));
    HANDLE port = CreateIoCompletionPort((HANDLE)s, NULL, 7, 0);
    CHECK("a port", port);
    CHECK_ERROR("a receive", WSARecv(s, &into, 1, &got, &flags, &o, NULL) == 0, WSA_IO_PENDING);
    CHECK("nothing yet", !GetQueuedCompletionStatus(port, &got, &key, &which, 20));
    send(c, "ab", 2, 0);
    CHECK("a packet", GetQueuedCompletionStatus(port, &got, &key, &which, 5000));
    CHECK("says what", got == 2 && key == 7 && which == &o);
    send(c, "now", 3, 0);
    Sleep(50);
    int result = WSARecv(s, &into, 1, &got, &flags, &o, NULL);
    CHECK("done at once, or soon", result == 0 || WSAGetLastError() == WSA_IO_PENDING);
    CHECK("a packet all the same", GetQueuedCompletionStatus(port, &got, &key, &which, 5000) && got == 3);
    CHECK("FILE_SKIP_COMPLETION_PORT_ON_SUCCESS", SetFileCompletionNotificationModes((HANDLE)s, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    CHECK_EQ("a send that is done", WSASend(s, &out, 1, &got, 0, &o, NULL), 0);
    CHECK("sends no packet", !GetQueuedCompletionStatus(port, &got, &key, &which, 20));
    CHECK_EQ("recv", recv(c, buffer, 4, 0), 4);
    CHECK_ERROR("a receive", WSARecv(s, &into, 1, &got, &flags, &o, NULL) == 0, WSA_IO_PENDING);
    closesocket(c);
    CHECK("the end is a packet of nothing", GetQueuedCompletionStatus(port, &got, &key, &which, 5000) && got == 0);
    closesocket(s);
    CloseHandle(port);
}

static void extensions(void) {
    GUID accept_id = WSAID_ACCEPTEX, connect_id = WSAID_CONNECTEX, ends_id = WSAID_GETACCEPTEXSOCKADDRS, file_id = WSAID_TRANSMITFILE;
    LPFN_GETACCEPTEXSOCKADDRS ends = NULL;
    LPFN_TRANSMITFILE transmit = NULL;
    LPFN_ACCEPTEX accept_ex = NULL;
    LPFN_CONNECTEX connect_ex = NULL;
    DWORD got = 0, flags;
    char buffer[256], text[64];
    SOCKET l = server(AF_INET), s = tcp(AF_INET), c = tcp(AF_INET);
    address a;
    int length;
    WSAIoctl(l, SIO_GET_EXTENSION_FUNCTION_POINTER, &accept_id, sizeof accept_id, &accept_ex, sizeof accept_ex, &got, NULL, NULL);
    WSAIoctl(l, SIO_GET_EXTENSION_FUNCTION_POINTER, &connect_id, sizeof connect_id, &connect_ex, sizeof connect_ex, &got, NULL, NULL);
    WSAIoctl(l, SIO_GET_EXTENSION_FUNCTION_POINTER, &ends_id, sizeof ends_id, &ends, sizeof ends, &got, NULL, NULL);
    WSAIoctl(l, SIO_GET_EXTENSION_FUNCTION_POINTER, &file_id, sizeof file_id, &transmit, sizeof transmit, &got, NULL, NULL);
    if (!CHECK("AcceptEx and its like are there", accept_ex && connect_ex && ends && transmit)) return;
    OVERLAPPED ao = {0}, co = {0};
    ao.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    co.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    const DWORD room = sizeof(struct sockaddr_in) + 16;
    CHECK_ERROR("AcceptEx", accept_ex(l, s, buffer, 32, room, room, &got, &ao), ERROR_IO_PENDING);
    length = local(&a, AF_INET, port_of(l));
    CHECK_ERROR("ConnectEx without bind", connect_ex(c, &a.sa, length, "first", 5, &got, &co), WSAEINVAL);
    address any = {.v4 = {.sin_family = AF_INET}};
    CHECK_EQ("bind", bind(c, &any.sa, sizeof any.v4), 0);
    BOOL done = connect_ex(c, &a.sa, length, "first", 5, &got, &co);
    CHECK("ConnectEx", done || WSAGetLastError() == ERROR_IO_PENDING);
    CHECK_EQ("connects", WaitForSingleObject(co.hEvent, 5000), WAIT_OBJECT_0);
    CHECK("and sends", WSAGetOverlappedResult(c, &co, &got, FALSE, &flags) && got == 5);
    CHECK_EQ("SO_UPDATE_CONNECT_CONTEXT", setsockopt(c, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0), 0);
    CHECK_EQ("AcceptEx ends", WaitForSingleObject(ao.hEvent, 5000), WAIT_OBJECT_0);
    CHECK("with the data", WSAGetOverlappedResult(l, &ao, &got, FALSE, &flags) && got == 5 && !memcmp(buffer, "first", 5));
    CHECK_EQ("SO_UPDATE_ACCEPT_CONTEXT", setsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (char *)&l, sizeof l), 0);
    struct sockaddr *mine, *theirs;
    int mine_length, theirs_length;
    ends(buffer, 32, room, room, &mine, &mine_length, &theirs, &theirs_length);
    CHECK("both addresses", ((struct sockaddr_in *)mine)->sin_port == port_of(l) && ((struct sockaddr_in *)theirs)->sin_port == port_of(c));
    CHECK_EQ("and back", send(s, "back", 4, 0), 4);
    CHECK_EQ("it arrives", recv(c, text, sizeof text, 0), 4);
    /* TransmitFile */
    const char *path = scratch("transmit");
    HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    WriteFile(file, "0123456789", 10, &got, NULL);
    SetFilePointer(file, 2, NULL, FILE_BEGIN);
    TRANSMIT_FILE_BUFFERS around = {"<<", 2, ">>>", 3};
    CHECK("TransmitFile", transmit(s, file, 6, 0, NULL, &around, 0));
    int total = 0;
    while (total < 11) {
        int part = recv(c, text + total, sizeof text - total, 0);
        if (part <= 0) break;
        total += part;
    }
    CHECK("all three parts", total == 11 && !memcmp(text, "<<234567>>>", 11));
    CloseHandle(file);
    DeleteFileA(path);
    closesocket(s);
    closesocket(c);
    /* A closed server ends what waits. */
    ResetEvent(ao.hEvent);
    s = tcp(AF_INET);
    CHECK_ERROR("AcceptEx", accept_ex(l, s, buffer, 0, room, room, &got, &ao), ERROR_IO_PENDING);
    closesocket(l);
    CHECK_EQ("ends", WaitForSingleObject(ao.hEvent, 5000), WAIT_OBJECT_0);
    CHECK("as an error", (LONG)ao.Internal < 0);
    closesocket(s);
    CloseHandle(ao.hEvent);
    CloseHandle(co.hEvent);
}

static void urgent(void) {
    SOCKET c, s;
    char byte = 0;
    u_long none = 7;
    CHECK("a pair", pair(AF_INET, &c, &s));
    CHECK("SIOCATMARK of nothing", !ioctlsocket(s, SIOCATMARK, &none) && none == 1);
    CHECK_EQ("urgent", send(c, "!", 1, MSG_OOB), 1);
    fd_set e;
    struct timeval time = {5, 0};
    FD_ZERO(&e);
    FD_SET(s, &e);
    CHECK_EQ("select", select(0, NULL, NULL, &e, &time), 1);
    CHECK("SIOCATMARK", !ioctlsocket(s, SIOCATMARK, &none) && none == 0);
    CHECK("recv it", recv(s, &byte, 1, MSG_OOB) == 1 && byte == '!');
    WINE8_DIFFERS(CHECK("all is read", !ioctlsocket(s, SIOCATMARK, &none) && none == 1));
    nonblocking(s, 1);
    CHECK_EQ("there is no other", recv(s, &byte, 1, 0), SOCKET_ERROR);
    closesocket(c);
    closesocket(s);
}

/* Binds a socket with an option set; its error, 0 for none. */
static int bound(SOCKET *s, int option, const address *a) {
    int on = 1;
    *s = tcp(AF_INET);
    if (option) setsockopt(*s, SOL_SOCKET, option, (char *)&on, sizeof on);
    return bind(*s, &a->sa, sizeof a->v4) ? WSAGetLastError() : 0;
}

/* Who may have an address that another has. */
static void sharing(void) {
    static const struct {
        int first, second, error;
        const char *name;
    } cases[] = {
        {0, 0, WSAEADDRINUSE, "neither says anything"},
        {0, SO_REUSEADDR, WSAEACCES, "the second alone would share"},
        {SO_REUSEADDR, 0, WSAEADDRINUSE, "the first alone would share"},
        {SO_REUSEADDR, SO_REUSEADDR, 0, "both would"},
        {SO_EXCLUSIVEADDRUSE, SO_EXCLUSIVEADDRUSE, WSAEADDRINUSE, "neither ever would"},
        {SO_EXCLUSIVEADDRUSE, SO_REUSEADDR, WSAEACCES, "the first never would"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        SOCKET s, t;
        address a;
        local(&a, AF_INET, 0);
        CHECK_EQ(cases[i].name, bound(&s, cases[i].first, &a), 0);
        a.v4.sin_port = port_of(s);
        WINE8_DIFFERS(CHECK_EQ(cases[i].name, bound(&t, cases[i].second, &a), cases[i].error); closesocket(t));
        closesocket(s);
        CHECK_EQ("alone", bound(&t, cases[i].second, &a), 0);
        closesocket(t);
    }
    SOCKET s, t;
    address a;
    int on = 1;
    local(&a, AF_INET, 0);
    a.v4.sin_addr.s_addr = INADDR_ANY;
    CHECK_EQ("all addresses, exclusively", bound(&s, SO_EXCLUSIVEADDRUSE, &a), 0);
    CHECK_ERROR("not both options", setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof on) != SOCKET_ERROR, WSAEINVAL);
    local(&a, AF_INET, port_of(s));
    WINE8_DIFFERS(CHECK_EQ("one of them", bound(&t, 0, &a), WSAEACCES); closesocket(t));
    closesocket(s);
    for (int all_first = 0; all_first < 2; all_first++) {
        SOCKET c, got;
        local(&a, AF_INET, 0);
        if (all_first) a.v4.sin_addr.s_addr = INADDR_ANY;
        CHECK_EQ("who says nothing", bound(&s, 0, &a), 0);
        local(&a, AF_INET, port_of(s));
        if (!all_first) a.v4.sin_addr.s_addr = INADDR_ANY;
        CHECK_EQ(all_first ? "one beside all" : "all beside one", bound(&t, 0, &a), 0);
        CHECK_EQ("it listens", listen(t, 1), 0);
        local(&a, AF_INET, port_of(t));
        c = tcp(AF_INET);
        CHECK_EQ("is reached", connect(c, &a.sa, sizeof a.v4), 0);
        got = accept(t, NULL, NULL);
        CHECK("by its client", got != INVALID_SOCKET);
        closesocket(got);
        closesocket(c);
        closesocket(s);
        closesocket(t);
    }
}

static int CALLBACK later(LPWSABUF a, LPWSABUF b, LPQOS c, LPQOS d, LPWSABUF e, LPWSABUF f, GROUP *g, DWORD_PTR context) {
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g;
    return (int)context;
}

/* A client that is put back is the next to be accepted, and whole. */
static void deferred(void) {
    address a;
    char byte = 0;
    SOCKET s = server(AF_INET), c = tcp(AF_INET);
    int length = local(&a, AF_INET, port_of(s));
    CHECK_EQ("connect", connect(c, &a.sa, length), 0);
    CHECK_ERROR("put back", WSAAccept(s, NULL, NULL, later, CF_DEFER) != INVALID_SOCKET, WSATRY_AGAIN);
    SOCKET t = accept(s, NULL, NULL);
    CHECK("accepted", t != INVALID_SOCKET);
    CHECK_EQ("send", send(c, "d", 1, 0), 1);
    CHECK("its connection", recv(t, &byte, 1, 0) == 1 && byte == 'd');
    closesocket(t);
    closesocket(c);
    closesocket(s);
}

static void options(void) {
    SOCKET s = tcp(AF_INET), d = socket(AF_INET, SOCK_DGRAM, 0), v6 = tcp(AF_INET6);
    int value, length;
    struct { SOCKET s; int level, name; const char *what; } flags[] = {
        {s, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"},
        {s, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"},
        {s, SOL_SOCKET, SO_OOBINLINE, "SO_OOBINLINE"},
        {d, SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST"},
        {s, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"},
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        value = 77, length = sizeof value;
        CHECK(flags[i].what, getsockopt(flags[i].s, flags[i].level, flags[i].name, (char *)&value, &length) == 0 && (value & 0xff) == 0);
        value = 1;
        CHECK_EQ(flags[i].what, setsockopt(flags[i].s, flags[i].level, flags[i].name, (char *)&value, sizeof value), 0);
        value = 77, length = sizeof value;
        CHECK(flags[i].what, getsockopt(flags[i].s, flags[i].level, flags[i].name, (char *)&value, &length) == 0 && (value & 0xff) == 1);
    }
    value = 1;
    CHECK_EQ("SO_EXCLUSIVEADDRUSE beside it", setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&value, sizeof value), SOCKET_ERROR);
    length = sizeof value;
    CHECK("SO_TYPE", getsockopt(d, SOL_SOCKET, SO_TYPE, (char *)&value, &length) == 0 && value == SOCK_DGRAM);
    CHECK("SO_ERROR", getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&value, &length) == 0 && value == 0);
    value = 12;
    CHECK_EQ("IP_TTL", setsockopt(s, IPPROTO_IP, IP_TTL, (char *)&value, sizeof value), 0);
    value = 0;
    CHECK("is 12", getsockopt(s, IPPROTO_IP, IP_TTL, (char *)&value, &length) == 0 && value == 12);
    value = 1;
    CHECK_EQ("IP_MULTICAST_TTL of a stream", setsockopt(s, IPPROTO_IP, IP_MULTICAST_TTL, (char *)&value, sizeof value), SOCKET_ERROR);
    CHECK_EQ("of datagrams", setsockopt(d, IPPROTO_IP, IP_MULTICAST_TTL, (char *)&value, sizeof value), 0);
    length = sizeof value;
    CHECK("IPV6_V6ONLY", getsockopt(v6, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&value, &length) == 0 && value == 1);
    struct tcp_keepalive alive = {1, 5000, 1000};
    DWORD got;
    CHECK_EQ("SIO_KEEPALIVE_VALS", WSAIoctl(s, SIO_KEEPALIVE_VALS, &alive, sizeof alive, NULL, 0, &got, NULL, NULL), 0);
    value = 0;
    CHECK_EQ("IPV6_V6ONLY off", setsockopt(v6, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&value, sizeof value), 0);
    address a = {.v6 = {.sin6_family = AF_INET6}};
    CHECK("one for both families", bind(v6, &a.sa, sizeof a.v6) == 0 && listen(v6, 1) == 0);
    SOCKET c = tcp(AF_INET);
    length = local(&a, AF_INET, port_of(v6));
    CHECK_EQ("connect by IPv4", connect(c, &a.sa, length), 0);
    length = sizeof a;
    SOCKET x = accept(v6, &a.sa, &length);
    CHECK("accept by IPv6", x != INVALID_SOCKET && a.v6.sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a.v6.sin6_addr));
    closesocket(x);
    closesocket(c);
    closesocket(s);
    closesocket(d);
    closesocket(v6);
}

static void names(void) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL, *one;
    int v4 = 0;
    CHECK_EQ("getaddrinfo of localhost", getaddrinfo("localhost", "80", &hints, &list), 0);
    for (one = list; one; one = one->ai_next)
        if (one->ai_family == AF_INET) v4 = ((struct sockaddr_in *)one->ai_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK) && ((struct sockaddr_in *)one->ai_addr)->sin_port == htons(80);
    CHECK("127.0.0.1:80 is among them", v4);
    if (list) freeaddrinfo(list);
    CHECK_EQ("of a number", getaddrinfo("10.1.2.3", "http", NULL, &list), 0);
    CHECK("is itself", list && ((struct sockaddr_in *)list->ai_addr)->sin_addr.s_addr == htonl(0x0a010203) && ((struct sockaddr_in *)list->ai_addr)->sin_port == htons(80));
    if (list) freeaddrinfo(list);
    hints.ai_flags = AI_NUMERICHOST;
    CHECK_EQ("of no number", getaddrinfo("localhost", NULL, &hints, &list), WSAHOST_NOT_FOUND);
    char host[NI_MAXHOST], service[NI_MAXSERV], own[256];
    address a;
    int length = local(&a, AF_INET, htons(443));
    CHECK_EQ("getnameinfo", getnameinfo(&a.sa, length, host, sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV), 0);
    CHECK("in numbers", !strcmp(host, "127.0.0.1") && !strcmp(service, "443"));
    struct sockaddr_in6 link = {.sin6_family = AF_INET6, .sin6_scope_id = 42};
    link.sin6_addr.s6_addr[0] = 0xff, link.sin6_addr.s6_addr[1] = 2, link.sin6_addr.s6_addr[15] = 1;
    CHECK_EQ("of an interface", getnameinfo((struct sockaddr *)&link, sizeof link, host, sizeof host, NULL, 0, NI_NUMERICHOST), 0);
    CHECK("which is named", !strcmp(host, "ff02::1%42"));
    CHECK_EQ("gethostname", gethostname(own, sizeof own), 0);
    struct hostent *entry = gethostbyname("localhost");
    CHECK("gethostbyname", entry && entry->h_addrtype == AF_INET && *(ULONG *)entry->h_addr_list[0] == htonl(INADDR_LOOPBACK));
    CHECK("gethostbyname of the own name", gethostbyname(own) != NULL);
}

/* More data than buffers hold, both ways at a time. */
static DWORD WINAPI pump(void *arg) {
    SOCKET s = (SOCKET)arg;
    char *block = calloc(1, 1 << 20);
    int left = 8 << 20;
    while (left > 0) {
        int sent = send(s, block, left < 1 << 20 ? left : 1 << 20, 0);
        if (sent <= 0) break;
        left -= sent;
    }
    shutdown(s, SD_SEND);
    free(block);
    return (DWORD)left;
}

static void bulk(void) {
    SOCKET c, s;
    CHECK("a pair", pair(AF_INET, &c, &s));
    HANDLE threads[2] = {CreateThread(NULL, 0, pump, (void *)c, 0, NULL), CreateThread(NULL, 0, pump, (void *)s, 0, NULL)};
    char *block = malloc(1 << 16);
    int ends = 0;
    long long total = 0;
    nonblocking(c, 0);
    while (ends < 2) {
        fd_set r;
        FD_ZERO(&r);
        if (ends == 0 || total < (8 << 20)) FD_SET(c, &r);
        FD_SET(s, &r);
        struct timeval time = {20, 0};
        if (select(0, &r, NULL, NULL, &time) <= 0) break;
        for (int i = 0; i < 2; i++) {
            SOCKET one = i ? s : c;
            if (!FD_ISSET(one, &r)) continue;
            int got = recv(one, block, 1 << 16, 0);
            if (got <= 0) {
                ends++;
                if (ends == 2) break;
                /* The other one alone from here on. */
                one = i ? c : s;
                while ((got = recv(one, block, 1 << 16, 0)) > 0) total += got;
                ends++;
                break;
            }
            total += got;
        }
    }
    CHECK_EQ("everything arrives", total, 16 << 20);
    WaitForMultipleObjects(2, threads, TRUE, 20000);
    closesocket(c);
    closesocket(s);
    free(block);
}

int main(void) {
    WSADATA data;
    CHECK_EQ("WSAStartup", WSAStartup(0x202, &data), 0);
    streams(AF_INET);
    streams(AF_INET6);
    errors();
    datagrams(AF_INET);
    datagrams(AF_INET6);
    unread();
    selecting();
    events();
    overlapped();
    ports();
    extensions();
    urgent();
    sharing();
    deferred();
    options();
    names();
    bulk();
    CHECK_EQ("WSACleanup", WSACleanup(), 0);
    return finish();
}
