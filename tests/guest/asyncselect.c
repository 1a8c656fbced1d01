/* WSAAsyncSelect: what happens to a socket comes to a window as messages, in the order and as often as Windows documents. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include "check.h"

#define SERVER (WM_USER + 1)
#define CLIENT (WM_USER + 2)
#define ALL (FD_READ | FD_WRITE | FD_OOB | FD_ACCEPT | FD_CONNECT | FD_CLOSE)

static HWND window;

/* The next message of the sockets within three seconds: FD_* of it, 0 if none comes. */
static int next(UINT number, SOCKET *socket, int *error) {
    ULONGLONG end = GetTickCount64() + 3000;
    MSG message;
    while (GetTickCount64() < end) {
        if (PeekMessageW(&message, window, number, number, PM_REMOVE)) {
            if (socket) *socket = message.wParam;
            if (error) *error = WSAGETSELECTERROR(message.lParam);
            return WSAGETSELECTEVENT(message.lParam);
        }
        MsgWaitForMultipleObjects(0, NULL, FALSE, 100, QS_ALLINPUT);
    }
    return 0;
}

/* Whether nothing more comes; what other threads have to do for it is done by then. */
static int silent(UINT number) {
    MSG message;
    Sleep(50);
    return !PeekMessageW(&message, window, number, number, PM_REMOVE);
}

static void local(struct sockaddr_in *at, unsigned short port) {
    memset(at, 0, sizeof *at);
    at->sin_family = AF_INET;
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at->sin_port = port;
}

int main(void) {
    WSADATA data;
    struct sockaddr_in at;
    int length = sizeof at, error = -1;
    char bytes[16];
    SOCKET told = 0;
    CHECK_EQ("WSAStartup", WSAStartup(MAKEWORD(2, 2), &data), 0);
    window = CreateWindowExW(0, L"Message", L"", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    if (!CHECK("a window that messages go to", window != NULL)) return finish();

    SOCKET server = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    local(&at, 0);
    CHECK_EQ("bind", bind(server, (struct sockaddr *)&at, sizeof at), 0);
    getsockname(server, (struct sockaddr *)&at, &length);
    CHECK_EQ("listen", listen(server, 5), 0);
    CHECK_EQ("a server's events are asked for", WSAAsyncSelect(server, window, SERVER, ALL), 0);
    CHECK("nothing happened yet", silent(SERVER));

    SOCKET client = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    CHECK_EQ("a client's events are asked for", WSAAsyncSelect(client, window, CLIENT, ALL), 0);
    CHECK_EQ("connect does not wait", connect(client, (struct sockaddr *)&at, sizeof at), SOCKET_ERROR);
    CHECK_EQ("and says so", WSAGetLastError(), WSAEWOULDBLOCK);
    CHECK_EQ("FD_CONNECT", next(CLIENT, &told, &error), FD_CONNECT);
    CHECK_EQ("names the client", told, client);
    CHECK_EQ("without an error", error, 0);
    CHECK_EQ("FD_WRITE follows", next(CLIENT, NULL, NULL), FD_WRITE);
    CHECK_EQ("FD_ACCEPT", next(SERVER, &told, &error), FD_ACCEPT);
    CHECK_EQ("names the server", told, server);
    CHECK("it comes once", silent(SERVER));

    SOCKET accepted = accept(server, NULL, NULL);
    CHECK("accept", accepted != INVALID_SOCKET);
    CHECK_EQ("a client that was accepted has its server's events", next(SERVER, &told, &error), FD_WRITE);
    CHECK_EQ("and is named by its own handle", told, accepted);
    CHECK_EQ("its events are asked for anew", WSAAsyncSelect(accepted, window, SERVER, FD_READ | FD_CLOSE), 0);
    CHECK("FD_WRITE was not", silent(SERVER));

    CHECK_EQ("send", send(client, "hello", 5, 0), 5);
    CHECK_EQ("FD_READ", next(SERVER, &told, &error), FD_READ);
    CHECK_EQ("names who can read", told, accepted);
    CHECK("it comes once until something is read", silent(SERVER));
    CHECK_EQ("recv takes a part", recv(accepted, bytes, 2, 0), 2);
    CHECK_EQ("FD_READ of the rest", next(SERVER, NULL, NULL), FD_READ);
    CHECK_EQ("recv takes the rest", recv(accepted, bytes, sizeof bytes, 0), 3);
    CHECK("nothing is left", silent(SERVER));
    CHECK_EQ("recv does not wait", recv(accepted, bytes, sizeof bytes, 0), SOCKET_ERROR);
    CHECK_EQ("and says so", WSAGetLastError(), WSAEWOULDBLOCK);

    CHECK_EQ("more", send(client, "again", 5, 0), 5);
    CHECK_EQ("FD_READ again", next(SERVER, NULL, NULL), FD_READ);
    CHECK_EQ("asked anew, what holds is told anew", WSAAsyncSelect(accepted, window, SERVER, FD_READ | FD_CLOSE), 0);
    CHECK_EQ("FD_READ that held", next(SERVER, NULL, NULL), FD_READ);
    CHECK_EQ("recv", recv(accepted, bytes, sizeof bytes, 0), 5);
    CHECK_EQ("no more events", WSAAsyncSelect(accepted, window, 0, 0), 0);
    CHECK_EQ("send to who is not told", send(client, "x", 1, 0), 1);
    CHECK("he is not told", silent(SERVER));
    CHECK_EQ("asked again", WSAAsyncSelect(accepted, window, SERVER, FD_READ | FD_CLOSE), 0);
    CHECK_EQ("he is told", next(SERVER, NULL, NULL), FD_READ);
    CHECK_EQ("recv", recv(accepted, bytes, sizeof bytes, 0), 1);

    CHECK_EQ("the client closes", closesocket(client), 0);
    CHECK_EQ("FD_CLOSE", next(SERVER, &told, &error), FD_CLOSE);
    CHECK_EQ("names the other end", told, accepted);
    CHECK_EQ("an orderly end", error, 0);
    CHECK("the client is told nothing more", silent(CLIENT));
    closesocket(accepted);
    closesocket(server);

    client = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    CHECK_EQ("another client", WSAAsyncSelect(client, window, CLIENT, FD_CONNECT), 0);
    connect(client, (struct sockaddr *)&at, sizeof at);
    CHECK_EQ("FD_CONNECT of what is refused", next(CLIENT, NULL, &error), FD_CONNECT);
    CHECK_EQ("with the error", error, WSAECONNREFUSED);
    closesocket(client);

    client = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    CHECK_EQ("datagrams: asked for before it has a place", WSAAsyncSelect(client, window, CLIENT, FD_READ | FD_WRITE), 0);
    CHECK_EQ("datagrams: they can be sent at once", next(CLIENT, NULL, NULL), FD_WRITE);
    CHECK("datagrams: said once", silent(CLIENT));
    local(&at, 0);
    CHECK_EQ("datagrams: bind", bind(client, (struct sockaddr *)&at, sizeof at), 0);
    length = sizeof at;
    getsockname(client, (struct sockaddr *)&at, &length);
    CHECK_EQ("datagrams: asked for", WSAAsyncSelect(client, window, CLIENT, FD_READ), 0);
    CHECK_EQ("datagrams: sendto", sendto(client, "udp", 3, 0, (struct sockaddr *)&at, sizeof at), 3);
    CHECK_EQ("datagrams: FD_READ", next(CLIENT, &told, NULL), FD_READ);
    CHECK_EQ("datagrams: named", told, client);
    CHECK_EQ("datagrams: recv", recv(client, bytes, sizeof bytes, 0), 3);
    closesocket(client);
    CHECK_EQ("what is no socket", WSAAsyncSelect(client, window, CLIENT, FD_READ), SOCKET_ERROR);
    CHECK_EQ("is said so", WSAGetLastError(), WSAENOTSOCK);
    return finish();
}
