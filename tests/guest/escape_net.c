/* Tries to reach 127.0.0.1 at the port given, by every way a console program has. Says "REACHED" if one leads there. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include "check.h"

int main(int argc, char **argv) {
    WSADATA data;
    unsigned short port = (unsigned short)atoi(argc > 1 ? argv[1] : "0");
    HMODULE lib = LoadLibraryA("ws2_32.dll");
    if (!lib) {
        say("no ws2_32");
        return 0;
    }
#define GET(name) __typeof__(&name) name##_p = (__typeof__(&name))(void *)GetProcAddress(lib, #name)
    GET(WSAStartup);
    GET(socket);
    GET(connect);
    GET(sendto);
    GET(send);
    GET(bind);
    GET(listen);
    if (WSAStartup_p(0x202, &data)) {
        say("no sockets");
        return 0;
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = (unsigned short)(port << 8 | port >> 8), .sin_addr.s_addr = 0x0100007f};
    SOCKET s = socket_p(AF_INET, SOCK_STREAM, 0);
    if (s != INVALID_SOCKET && connect_p(s, (struct sockaddr *)&to, sizeof to) == 0) {
        send_p(s, "REACHED tcp\n", 12, 0);
        say("REACHED tcp");
    } else say("held tcp");
    s = socket_p(AF_INET, SOCK_DGRAM, 0);
    if (s != INVALID_SOCKET && sendto_p(s, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1) say("SENT udp");
    else say("held udp");
    s = socket_p(AF_INET, SOCK_STREAM, 0);
    to.sin_port = 0;
    if (s != INVALID_SOCKET && bind_p(s, (struct sockaddr *)&to, sizeof to) == 0 && listen_p(s, 1) == 0) say("LISTENS");
    else say("held listen");
    HANDLE pipe = CreateFileA("\\\\127.0.0.1\\share\\x", GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    say(pipe == INVALID_HANDLE_VALUE ? "held unc" : "REACHED unc");
    say("done");
    return 0;
}
