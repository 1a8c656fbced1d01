// What a container sees and may do; the first argument says which part.
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int about(int argc, char **argv)
{
    char name[64], folder[MAX_PATH];
    DWORD size = sizeof name;
    GetComputerNameA(name, &size);
    GetCurrentDirectoryA(sizeof folder, folder);
    printf("computer %s\nfolder %s\n", name, folder);
    for (int i = 2; i < argc; i++) printf("argument %s\n", argv[i]);
    printf("LEVEL=%s PATH=%s\n", getenv("LEVEL"), strncmp(getenv("PATH"), "C:\\", 3) ? "not ours" : "ours");
    return 7;
}

static int put(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    if (!file) { printf("%s: error %lu\n", path, GetLastError()); return 1; }
    fputs(text, file);
    return fclose(file) != 0;
}

static int show(const char *path)
{
    char line[256];
    FILE *file = fopen(path, "rb");
    if (!file) { printf("%s: error %lu\n", path, GetLastError()); return 1; }
    while (fgets(line, sizeof line, file)) fputs(line, stdout);
    fclose(file);
    return 0;
}

static int serve(int port)
{
    WSADATA data;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((u_short)port) };
    WSAStartup(MAKEWORD(2, 2), &data);
    SOCKET server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 5)) { printf("error %d\n", WSAGetLastError()); return 1; }
    puts("listening");
    fflush(stdout);
    for (;;)
    {
        char text[16];
        SOCKET client = accept(server, NULL, NULL);
        int count = recv(client, text, sizeof text, 0);
        if (count > 0) send(client, text, count, 0);
        closesocket(client);
    }
}

// Takes memory until no more is given, touches all of it, and tells how much that was.
static int memory(void)
{
    const size_t step = 4 << 20;
    unsigned steps = 0;
    for (char *block; steps < 1024 && (block = VirtualAlloc(NULL, step, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE)); steps++)
        memset(block, 1, step);
    printf("%u MiB, then error %lu\n", steps * 4, steps < 1024 ? GetLastError() : 0);
    return 0;
}

static int reach(const char *address, int port)
{
    WSADATA data;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((u_short)port), .sin_addr.s_addr = inet_addr(address) };
    WSAStartup(MAKEWORD(2, 2), &data);
    SOCKET client = socket(AF_INET, SOCK_STREAM, 0);
    printf("%s\n", connect(client, (struct sockaddr *)&to, sizeof to) ? "refused" : "reached");
    return 0;
}

static int stubborn;

// The console is closed, or Ctrl-C is pressed: says so, and ends in its own way; or never.
static BOOL WINAPI asked(DWORD event)
{
    printf("asked %lu\n", event);
    fflush(stdout);
    if (stubborn) Sleep(INFINITE);
    ExitProcess(5);
}

static int wait_to_be_asked(void)
{
    SetConsoleCtrlHandler(asked, TRUE);
    puts("asleep");
    fflush(stdout);
    Sleep(600000);
    return 0;
}

int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";
    if (!strcmp(part, "about")) return about(argc, argv);
    if (!strcmp(part, "put") && argc > 3) return put(argv[2], argv[3]);
    if (!strcmp(part, "show") && argc > 2) return show(argv[2]);
    if (!strcmp(part, "delete") && argc > 2) { remove(argv[2]); return GetFileAttributesA(argv[2]) != INVALID_FILE_ATTRIBUTES; }
    if (!strcmp(part, "serve") && argc > 2) return serve(atoi(argv[2]));
    if (!strcmp(part, "memory")) return memory();
    if (!strcmp(part, "reach") && argc > 3) return reach(argv[2], atoi(argv[3]));
    if (!strcmp(part, "echo")) { int c; while ((c = getchar()) != EOF) putchar(c); return 0; }
    if (!strcmp(part, "sleep")) { puts("asleep"); fflush(stdout); Sleep(600000); return 0; }
    stubborn = !strcmp(part, "stubborn");
    if (stubborn || !strcmp(part, "closing")) return wait_to_be_asked();
    return 99;
}
