/* Sockets of two processes: a connection and a server that a child inherits, and one that it is given by WSADuplicateSocket. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include "check.h"

/* The child: answers on what it has, and says by its exit code what went wrong. */
static int answer(SOCKET s, const char *word, int as_file) {
    char text[64];
    DWORD written;
    int got = recv(s, text, sizeof text, 0);
    if (got <= 0) return 1;
    /* Wine's ws2_32 knows only sockets that this process made, or was given by WSADuplicateSocket, but for recv(). */
    if (as_file) {
        /* accept() made it for overlapped requests: one without an offset would be refused. */
        OVERLAPPED request = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
        if (!WriteFile((HANDLE)s, word, (DWORD)strlen(word), NULL, &request) && GetLastError() != ERROR_IO_PENDING) return 9;
        if (!GetOverlappedResult((HANDLE)s, &request, &written, TRUE) || written != strlen(word)) return 10;
        return CloseHandle((HANDLE)s) ? 0 : 5;
    }
    if (send(s, word, (int)strlen(word), 0) <= 0) return 2;
    struct sockaddr_in at;
    int length = sizeof at, type = 0, size = sizeof type;
    if (getpeername(s, (struct sockaddr *)&at, &length) || at.sin_addr.s_addr != htonl(INADDR_LOOPBACK)) return 3;
    if (getsockopt(s, SOL_SOCKET, SO_TYPE, (char *)&type, &size) || type != SOCK_STREAM) return 4;
    return closesocket(s) ? 5 : 0;
}

static int child(int argc, char **argv) {
    WSADATA data;
    if (argc < 4 || WSAStartup(MAKEWORD(2, 2), &data)) return 90;
    SOCKET s = (SOCKET)strtoull(argv[3], NULL, 16);
    if (!strcmp(argv[2], "inherit")) return answer(s, "inherited", 1);
    if (!strcmp(argv[2], "serve")) {
        SOCKET client = accept(s, NULL, NULL);
        return client == INVALID_SOCKET ? 6 : answer(client, "served", 0);
    }
    WSAPROTOCOL_INFOW info;
    DWORD got = 0, all = 0;
    while (all < sizeof info && ReadFile(GetStdHandle(STD_INPUT_HANDLE), (char *)&info + all, sizeof info - all, &got, NULL) && got) all += got;
    if (all != sizeof info) return 7;
    s = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED);
    return s == INVALID_SOCKET ? 8 : answer(s, "duplicated", 0);
}

/* Starts a child with a socket's handle, and its input from a pipe. */
static HANDLE start(const char *what, SOCKET s, HANDLE *input, DWORD *id) {
    SECURITY_ATTRIBUTES inherit = {sizeof inherit, NULL, TRUE};
    STARTUPINFOA startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION made;
    char self[MAX_PATH], line[MAX_PATH + 64];
    HANDLE theirs;
    CreatePipe(&theirs, input, &inherit, 0);
    SetHandleInformation(*input, HANDLE_FLAG_INHERIT, 0);
    startup.hStdInput = theirs;
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    GetModuleFileNameA(NULL, self, sizeof self);
    snprintf(line, sizeof line, "\"%s\" child %s %llx", self, what, (unsigned long long)s);
    CHECK(what, CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made));
    CloseHandle(theirs);
    CloseHandle(made.hThread);
    *id = made.dwProcessId;
    return made.hProcess;
}

static void ended(HANDLE process) {
    DWORD status = 99;
    WaitForSingleObject(process, 60000);
    GetExitCodeProcess(process, &status);
    CHECK_EQ("the child's status", status, 0);
    CloseHandle(process);
}

static SOCKET server(struct sockaddr_in *at) {
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    int length = sizeof *at;
    memset(at, 0, sizeof *at);
    at->sin_family = AF_INET;
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ("bind", bind(s, (struct sockaddr *)at, sizeof *at), 0);
    CHECK_EQ("listen", listen(s, 5), 0);
    getsockname(s, (struct sockaddr *)at, &length);
    return s;
}

static SOCKET client(const struct sockaddr_in *at) {
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ("connect", connect(s, (const struct sockaddr *)at, sizeof *at), 0);
    return s;
}

/* Asks, and hears the answer to its end: the connection ends with the last process that has it. */
static void hears(SOCKET s, const char *word) {
    char text[64] = {0};
    int got, all = 0;
    CHECK_EQ("send", send(s, "ask", 3, 0), 3);
    while ((got = recv(s, text + all, (int)sizeof text - 1 - all, 0)) > 0) all += got;
    CHECK_EQ("the end", got, 0);
    CHECK(word, !strcmp(text, word));
    closesocket(s);
}

int main(int argc, char **argv) {
    WSADATA data;
    struct sockaddr_in at;
    HANDLE input;
    DWORD id;
    if (argc > 1 && !strcmp(argv[1], "child")) return child(argc, argv);
    CHECK_EQ("WSAStartup", WSAStartup(MAKEWORD(2, 2), &data), 0);
    SOCKET listener = server(&at);

    SOCKET asker = client(&at), other = accept(listener, NULL, NULL);
    SetHandleInformation((HANDLE)listener, HANDLE_FLAG_INHERIT, 0);
    SetHandleInformation((HANDLE)asker, HANDLE_FLAG_INHERIT, 0);
    SetHandleInformation((HANDLE)other, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    HANDLE process = start("inherit", other, &input, &id);
    CHECK_EQ("closesocket", closesocket(other), 0);
    hears(asker, "inherited");
    ended(process);
    CloseHandle(input);

    asker = client(&at);
    other = accept(listener, NULL, NULL);
    SetHandleInformation((HANDLE)asker, HANDLE_FLAG_INHERIT, 0);
    SetHandleInformation((HANDLE)other, HANDLE_FLAG_INHERIT, 0);
    process = start("duplicate", 0, &input, &id);
    WSAPROTOCOL_INFOW info;
    DWORD written;
    CHECK_EQ("WSADuplicateSocket", WSADuplicateSocketW(other, id, &info), 0);
    CHECK("its description", WriteFile(input, &info, sizeof info, &written, NULL) && written == sizeof info);
    CHECK_EQ("closesocket", closesocket(other), 0);
    hears(asker, "duplicated");
    ended(process);
    CloseHandle(input);

    /* Both may take clients; here the child does. */
    SetHandleInformation((HANDLE)listener, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    process = start("serve", listener, &input, &id);
    asker = client(&at);
    hears(asker, "served");
    ended(process);
    CloseHandle(input);
    asker = client(&at);
    other = accept(listener, NULL, NULL);
    CHECK("the parent's server goes on", other != INVALID_SOCKET);
    closesocket(other);
    closesocket(asker);
    closesocket(listener);
    asker = socket(AF_INET, SOCK_STREAM, 0);
    CHECK("nobody listens any more", connect(asker, (struct sockaddr *)&at, sizeof at) && WSAGetLastError() == WSAECONNREFUSED);
    closesocket(asker);
    WSACleanup();
    return finish();
}
