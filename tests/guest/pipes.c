/* Pipes and mailslots between processes: inherited, opened by name, duplicated; and what the end of a process does to them. */
#include "check.h"

static char self[MAX_PATH], name[64], slot[64];

static BOOL start_with(PROCESS_INFORMATION *made, STARTUPINFOA *with, BOOL inherit, const char *format, va_list args) {
    char line[2 * MAX_PATH];
    int at = snprintf(line, sizeof line, "\"%s\" ", self);
    vsnprintf(line + at, sizeof line - at, format, args);
    return CreateProcessA(NULL, line, NULL, NULL, inherit, 0, NULL, NULL, with, made);
}

/* Starts this program again with these arguments. */
static BOOL start(PROCESS_INFORMATION *made, BOOL inherit, const char *format, ...) {
    STARTUPINFOA with = {.cb = sizeof with};
    va_list args;
    va_start(args, format);
    BOOL good = start_with(made, &with, inherit, format, args);
    va_end(args);
    return good;
}

/* The same with other standard streams. */
static BOOL start_on(PROCESS_INFORMATION *made, HANDLE in, HANDLE out, const char *format, ...) {
    STARTUPINFOA with = {.cb = sizeof with, .dwFlags = STARTF_USESTDHANDLES, .hStdInput = in, .hStdOutput = out, .hStdError = out};
    va_list args;
    va_start(args, format);
    BOOL good = start_with(made, &with, TRUE, format, args);
    va_end(args);
    return good;
}

static DWORD ended(PROCESS_INFORMATION *made) {
    DWORD code = 0xdead;
    if (WaitForSingleObject(made->hProcess, 30000) == WAIT_OBJECT_0) GetExitCodeProcess(made->hProcess, &code);
    CloseHandle(made->hProcess);
    CloseHandle(made->hThread);
    return code;
}

static SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};

static void keep(HANDLE handle) {
    SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0);
}

/* Reads until the other end is closed; answers how much came. */
static DWORD read_all(HANDLE from, char *into, DWORD room) {
    DWORD all = 0, got;
    while (all < room && ReadFile(from, into + all, room - all, &got, NULL) && got) all += got;
    return all;
}

static void standard(void) {
    HANDLE in[2], out[2];
    PROCESS_INFORMATION made;
    char text[256];
    DWORD count;
    CHECK("a pipe to the child", CreatePipe(&in[0], &in[1], &inherited, 0));
    CHECK("a pipe from it", CreatePipe(&out[0], &out[1], &inherited, 0));
    keep(in[1]);
    keep(out[0]);
    CHECK("a child on both", start_on(&made, in[0], out[1], "cat"));
    CloseHandle(in[0]);
    CloseHandle(out[1]);
    CHECK("written to it", WriteFile(in[1], "hello, child", 12, &count, NULL));
    CHECK("and read back", ReadFile(out[0], text, sizeof text, &count, NULL));
    CHECK("the same", count == 12 && !memcmp(text, "hello, child", 12));
    CloseHandle(in[1]);
    CHECK_ERROR("it ends when its input does", ReadFile(out[0], text, sizeof text, &count, NULL), ERROR_BROKEN_PIPE);
    CHECK_EQ("well", ended(&made), 0);
    CloseHandle(out[0]);

    CHECK("another", CreatePipe(&in[0], &in[1], &inherited, 0));
    keep(in[1]);
    CHECK("a child that dies of it", start_on(&made, in[0], GetStdHandle(STD_OUTPUT_HANDLE), "exit 3"));
    CloseHandle(in[0]);
    CHECK_EQ("dead", ended(&made), 3);
    CHECK_ERROR("nobody reads", WriteFile(in[1], "x", 1, &count, NULL), ERROR_NO_DATA);
    CloseHandle(in[1]);

    CHECK("a third", CreatePipe(&out[0], &out[1], &inherited, 0));
    keep(out[0]);
    CHECK("a child that stays", start_on(&made, NULL, out[1], "stay"));
    CloseHandle(out[1]);
    CHECK("it says so", ReadFile(out[0], text, 2, &count, NULL) && count == 2);
    CHECK("killed", TerminateProcess(made.hProcess, 9));
    CHECK_ERROR("a read hears of it", ReadFile(out[0], text, sizeof text, &count, NULL), ERROR_BROKEN_PIPE);
    CHECK_EQ("gone", ended(&made), 9);
    CloseHandle(out[0]);
}

static void bulk(void) {
    enum { SIZE = 3 << 20 };
    HANDLE out[2];
    PROCESS_INFORMATION made;
    char *data = malloc(SIZE + 1);
    DWORD got, wrong = 0;
    CHECK("a narrow pipe", CreatePipe(&out[0], &out[1], &inherited, 512));
    keep(out[0]);
    CHECK("a child that floods it", start_on(&made, NULL, out[1], "flood %d", SIZE));
    CloseHandle(out[1]);
    got = read_all(out[0], data, SIZE + 1);
    CHECK_EQ("all of it comes", got, SIZE);
    for (DWORD i = 0; i < got; i++) wrong += (unsigned char)data[i] != (unsigned char)(i * 7 >> 3);
    CHECK_EQ("in order", wrong, 0);
    CHECK_EQ("done", ended(&made), 0);
    CloseHandle(out[0]);
    free(data);
}

static void messages(void) {
    PROCESS_INFORMATION made;
    char text[64];
    DWORD count, available, left, mode, instances;
    ULONG client = 0;
    HANDLE pipe = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT, 2, 256, 256, 0, NULL);
    CHECK("a server", pipe != INVALID_HANDLE_VALUE);
    CHECK("a client elsewhere", start(&made, FALSE, "talk %s", name));
    CHECK("comes", ConnectNamedPipe(pipe, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
    CHECK("a message", ReadFile(pipe, text, sizeof text, &count, NULL) && count == 5 && !memcmp(text, "first", 5));
    CHECK("its process", GetNamedPipeClientProcessId(pipe, &client) && client == made.dwProcessId);
    CHECK("a question", !ReadFile(pipe, text, 3, &count, NULL) && GetLastError() == ERROR_MORE_DATA && !memcmp(text, "que", 3));
    CHECK("peeked at", PeekNamedPipe(pipe, text, sizeof text, &count, &available, &left));
    CHECK("is cut", count == 5 && available == 5 && left == 0 && !memcmp(text, "stion", 5));
    CHECK("its rest", ReadFile(pipe, text, sizeof text, &count, NULL) && count == 5);
    CHECK("impersonated", ImpersonateNamedPipeClient(pipe));
    CHECK("no more", RevertToSelf());
    CHECK("the answer", WriteFile(pipe, "answer", 6, &count, NULL) && count == 6);
    CHECK("is read", FlushFileBuffers(pipe));
    CHECK("state", GetNamedPipeHandleStateA(pipe, &mode, &instances, NULL, NULL, NULL, 0));
    CHECK_EQ("one instance", instances, 1);
    CHECK("all is read", !ReadFile(pipe, text, sizeof text, &count, NULL) && GetLastError() == ERROR_BROKEN_PIPE);
    CHECK_EQ("the client is content", ended(&made), 0);
    CHECK("thrown out", DisconnectNamedPipe(pipe));
    CloseHandle(pipe);
    CHECK_ERROR("no name is left", WaitNamedPipeA(name, 1), ERROR_FILE_NOT_FOUND);
}

static void several(void) {
    enum { CLIENTS = 3 };
    HANDLE pipes[CLIENTS], port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    OVERLAPPED waits[CLIENTS] = {0}, reads[CLIENTS] = {0}, *done;
    PROCESS_INFORMATION made[CLIENTS];
    char text[CLIENTS][16];
    DWORD count;
    ULONG_PTR key;
    int connected = 0, read = 0, bytes = 0;
    for (int i = 0; i < CLIENTS; i++) {
        pipes[i] = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, PIPE_TYPE_BYTE, CLIENTS, 64, 64, 0, NULL);
        CreateIoCompletionPort(pipes[i], port, i, 0);
        CHECK_ERROR("nobody yet", ConnectNamedPipe(pipes[i], &waits[i]), ERROR_IO_PENDING);
    }
    CHECK("no more of them", CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, CLIENTS, 64, 64, 0, NULL) == INVALID_HANDLE_VALUE);
    for (int i = 0; i < CLIENTS; i++) CHECK("a client", start(&made[i], FALSE, "hello %s", name));
    while (read < CLIENTS && GetQueuedCompletionStatus(port, &count, &key, &done, 30000)) {
        if (done == &waits[key]) {
            connected++;
            ReadFile(pipes[key], text[key], 16, NULL, &reads[key]);
        } else {
            read++, bytes += count;
        }
    }
    CHECK_EQ("all came", connected, CLIENTS);
    CHECK_EQ("all spoke", bytes, 5 * CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        CHECK("an answer", WriteFile(pipes[i], "!", 1, NULL, &reads[i]) || GetLastError() == ERROR_IO_PENDING);
        CHECK("is on its way", GetQueuedCompletionStatus(port, &count, &key, &done, 30000) && count == 1);
    }
    for (int i = 0; i < CLIENTS; i++) CHECK_EQ("and heard", ended(&made[i]), 0);
    for (int i = 0; i < CLIENTS; i++) CloseHandle(pipes[i]);
    CloseHandle(port);
}

static void waiting(void) {
    PROCESS_INFORMATION made;
    HANDLE pipe, client;
    pipe = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 2, 64, 64, 0, NULL);
    client = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    CHECK("one instance, taken", pipe != INVALID_HANDLE_VALUE && client != INVALID_HANDLE_VALUE);
    CHECK_ERROR("is busy", WaitNamedPipeA(name, 20), ERROR_SEM_TIMEOUT);
    CHECK("a child waits", start(&made, FALSE, "wait %s", name));
    Sleep(100);
    HANDLE second = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 2, 64, 64, 0, NULL);
    CHECK("another instance", second != INVALID_HANDLE_VALUE);
    CHECK_EQ("lets it in", ended(&made), 0);
    CloseHandle(pipe);
    CloseHandle(client);
    CloseHandle(second);
}

static void cancelled(void) {
    PROCESS_INFORMATION made;
    OVERLAPPED read = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    char text[8];
    DWORD count;
    HANDLE go = CreateEventA(NULL, TRUE, FALSE, strrchr(name, '\\') + 1);
    HANDLE pipe = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, PIPE_TYPE_BYTE, 1, 4, 4, 0, NULL);
    CHECK("a client", start(&made, FALSE, "late %s", name));
    CHECK("comes", ConnectNamedPipe(pipe, &read) || GetLastError() == ERROR_PIPE_CONNECTED || (GetLastError() == ERROR_IO_PENDING && GetOverlappedResult(pipe, &read, &count, TRUE)));
    CHECK_ERROR("a read waits", ReadFile(pipe, text, 8, NULL, &read), ERROR_IO_PENDING);
    CHECK("cancelled", CancelIoEx(pipe, &read));
    CHECK_ERROR("so", GetOverlappedResult(pipe, &read, &count, TRUE), ERROR_OPERATION_ABORTED);
    CHECK_ERROR("a write waits", WriteFile(pipe, "too much", 8, NULL, &read), ERROR_IO_PENDING);
    CHECK("cancelled", CancelIo(pipe));
    CHECK_ERROR("so", GetOverlappedResult(pipe, &read, &count, TRUE), ERROR_OPERATION_ABORTED);
    SetEvent(go);
    CloseHandle(go);
    CHECK("go on", WriteFile(pipe, "go", 2, NULL, &read) || GetLastError() == ERROR_IO_PENDING);
    CHECK("written", GetOverlappedResult(pipe, &read, &count, TRUE) && count == 2);
    ReadFile(pipe, text, 8, NULL, &read);
    CHECK("answered", GetOverlappedResult(pipe, &read, &count, TRUE) && count == 2 && !memcmp(text, "ok", 2));
    CHECK_EQ("which saw no more than that", ended(&made), 0);
    CloseHandle(pipe);
    CloseHandle(read.hEvent);
}

static HANDLE open_pipe(const char *path);

/* A read waits on when its process has no handle left but another has one; with a completion port it ends then. */
static void left(void) {
    PROCESS_INFORMATION made;
    HANDLE ask[2], there = NULL;
    CHECK("a pipe for the child's input", CreatePipe(&ask[0], &ask[1], &inherited, 0));
    keep(ask[1]);
    CHECK("a child", start_on(&made, ask[0], GetStdHandle(STD_OUTPUT_HANDLE), "upper"));
    CloseHandle(ask[0]);
    for (int bound = 0; bound < 2; bound++) {
        OVERLAPPED read = {.hEvent = bound ? NULL : CreateEventA(NULL, TRUE, FALSE, NULL)}, *of = NULL;
        char text[8] = "";
        DWORD count = 0;
        ULONG_PTR key = 0;
        HANDLE server = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, PIPE_TYPE_BYTE, 1, 4, 4, 0, NULL);
        HANDLE client = open_pipe(name), port = bound ? CreateIoCompletionPort(server, NULL, 7, 0) : NULL;
        CHECK("both ends", server != INVALID_HANDLE_VALUE && client != INVALID_HANDLE_VALUE);
        CHECK_ERROR("a read waits", ReadFile(server, text, 8, NULL, &read), ERROR_IO_PENDING);
        CHECK("the child has the end too", DuplicateHandle(GetCurrentProcess(), server, made.hProcess, &there, 0, FALSE, DUPLICATE_SAME_ACCESS));
        CloseHandle(server);
        if (bound) {
            WINE8_DIFFERS(CHECK_ERROR("it ended", GetQueuedCompletionStatus(port, &count, &key, &of, 10000), ERROR_OPERATION_ABORTED);
                          CHECK("for the port", key == 7 && of == &read));
            CloseHandle(port);
        } else {
            CHECK_EQ("it waits on", WaitForSingleObject(read.hEvent, 0), WAIT_TIMEOUT);
            CHECK("written to", WriteFile(client, "late", 4, &count, NULL) && count == 4);
            CHECK_EQ("it ends", WaitForSingleObject(read.hEvent, 10000), WAIT_OBJECT_0);
            CHECK("with that", read.Internal == 0 && read.InternalHigh == 4 && !memcmp(text, "late", 4));
            CloseHandle(read.hEvent);
        }
        CHECK("the child loses it", DuplicateHandle(made.hProcess, there, GetCurrentProcess(), &there, 0, FALSE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
        CloseHandle(there);
        CloseHandle(client);
    }
    CloseHandle(ask[1]);
    CHECK_EQ("done", ended(&made), 0);
}

static DWORD WINAPI reads_for_ever(void *pipe) {
    char text[4];
    DWORD count;
    return ReadFile(pipe, text, 4, &count, NULL) ? 0 : GetLastError();
}

static void modes(void) {
    HANDLE read, write, thread;
    DWORD count, mode = PIPE_NOWAIT, code = 0;
    char text[4];
    CHECK("a pipe", CreatePipe(&read, &write, NULL, 8));
    CHECK("that does not wait", SetNamedPipeHandleState(read, &mode, NULL, NULL));
    CHECK_ERROR("is empty", ReadFile(read, text, 4, &count, NULL), ERROR_NO_DATA);
    mode = PIPE_WAIT;
    CHECK("waits again", SetNamedPipeHandleState(read, &mode, NULL, NULL));
    thread = CreateThread(NULL, 0, reads_for_ever, read, 0, NULL);
    do Sleep(10);
    while (!CancelSynchronousIo(thread) && GetLastError() == ERROR_NOT_FOUND);
    WaitForSingleObject(thread, 30000);
    GetExitCodeThread(thread, &code);
    CHECK_EQ("until it is cancelled", code, ERROR_OPERATION_ABORTED);
    CloseHandle(thread);
    CloseHandle(read);
    CloseHandle(write);
}

static void duplicated(void) {
    HANDLE read, write, there = NULL, here = NULL, ask[2];
    PROCESS_INFORMATION made;
    char text[64];
    DWORD count;
    unsigned long long value = 0;
    CHECK("a pipe", CreatePipe(&read, &write, NULL, 0));
    CHECK("a pipe for the child's input", CreatePipe(&ask[0], &ask[1], &inherited, 0));
    keep(ask[1]);
    CHECK("a child", start_on(&made, ask[0], GetStdHandle(STD_OUTPUT_HANDLE), "take"));
    CloseHandle(ask[0]);
    CHECK("is given an end", DuplicateHandle(GetCurrentProcess(), write, made.hProcess, &there, 0, FALSE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    snprintf(text, sizeof text, "%llx\n", (unsigned long long)(ULONG_PTR)there);
    CHECK("told which", WriteFile(ask[1], text, (DWORD)strlen(text), &count, NULL));
    CHECK("it writes there", ReadFile(read, &value, sizeof value, &count, NULL) && count == sizeof value);
    CHECK("and leaves one of its own", DuplicateHandle(made.hProcess, (HANDLE)(ULONG_PTR)value, GetCurrentProcess(), &here, 0, FALSE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    CHECK("with something in it", ReadFile(here, text, sizeof text, &count, NULL) && count == 4 && !memcmp(text, "mine", 4));
    CloseHandle(ask[1]);
    CHECK_EQ("done", ended(&made), 0);
    CHECK_ERROR("all ends went with it", ReadFile(read, text, 1, &count, NULL), ERROR_BROKEN_PIPE);
    CHECK_ERROR("of both", ReadFile(here, text, 1, &count, NULL), ERROR_BROKEN_PIPE);
    CloseHandle(read);
    CloseHandle(here);
}

static void mailslots(void) {
    PROCESS_INFORMATION made;
    char text[32];
    DWORD count, maximum, next, messages, timeout;
    HANDLE box = CreateMailslotA(slot, 16, 30000, NULL);
    CHECK("a mailslot", box != INVALID_HANDLE_VALUE);
    CHECK("a child that writes", start(&made, FALSE, "post %s", slot));
    CHECK("one", ReadFile(box, text, sizeof text, &count, NULL) && count == 3 && !memcmp(text, "one", 3));
    CHECK("two", ReadFile(box, text, sizeof text, &count, NULL) && count == 3 && !memcmp(text, "two", 3));
    CHECK_EQ("and no more", ended(&made), 0);
    CHECK("info", GetMailslotInfo(box, &maximum, &next, &messages, &timeout));
    CHECK("empty", maximum == 16 && next == MAILSLOT_NO_MESSAGE && messages == 0 && timeout == 30000);
    CHECK("no time", SetMailslotInfo(box, 0));
    CHECK_ERROR("nothing there", ReadFile(box, text, sizeof text, &count, NULL), ERROR_SEM_TIMEOUT);
    CloseHandle(box);
    CHECK("gone", CreateFileA(slot, GENERIC_WRITE, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
}

static HANDLE open_pipe(const char *path) {
    return CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
}

/* What the children do; 0 when all was as it should be. */
static int child(int argc, char **argv) {
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE), out = GetStdHandle(STD_OUTPUT_HANDLE), pipe;
    char text[256];
    DWORD count, mode = PIPE_READMODE_MESSAGE;
    if (!strcmp(argv[1], "cat")) {
        BOOL good;
        while ((good = ReadFile(in, text, sizeof text, &count, NULL)) && count) WriteFile(out, text, count, &count, NULL);
        return good || GetLastError() == ERROR_BROKEN_PIPE ? 0 : 1;
    }
    if (!strcmp(argv[1], "stay")) {
        WriteFile(out, "up", 2, &count, NULL);
        Sleep(60000);
        return 1;
    }
    if (!strcmp(argv[1], "upper")) {
        while (ReadFile(in, text, sizeof text, &count, NULL) && count) {
            for (DWORD i = 0; i < count; i++) text[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]);
            WriteFile(out, text, count, &count, NULL);
        }
        return 0;
    }
    if (argc < 3) {
        /* take */
        HANDLE read, write;
        unsigned long long given = 0, mine;
        if (!ReadFile(in, text, sizeof text - 1, &count, NULL)) return 1;
        text[count] = 0;
        sscanf(text, "%llx", &given);
        if (!CreatePipe(&read, &write, NULL, 0) || !WriteFile(write, "mine", 4, &count, NULL)) return 2;
        mine = (unsigned long long)(ULONG_PTR)read;
        if (!WriteFile((HANDLE)(ULONG_PTR)given, &mine, sizeof mine, &count, NULL)) return 3;
        ReadFile(in, text, 1, &count, NULL);
        return 0;
    }
    if (!strcmp(argv[1], "exit")) return atoi(argv[2]);
    if (!strcmp(argv[1], "print")) return WriteFile(out, argv[2], (DWORD)strlen(argv[2]), &count, NULL) ? 0 : 1;
    if (!strcmp(argv[1], "flood")) {
        DWORD size = atoi(argv[2]), at = 0;
        char *data = malloc(size);
        for (DWORD i = 0; i < size; i++) data[i] = (char)(i * 7 >> 3);
        while (at < size) {
            /* Pieces of all sizes, large ones too. */
            DWORD piece = 1 + (at * 31 ^ at >> 3) % 100000;
            if (piece > size - at) piece = size - at;
            if (!WriteFile(out, data + at, piece, &count, NULL) || count != piece) return 1;
            at += count;
        }
        return 0;
    }
    if (!strcmp(argv[1], "post")) {
        pipe = CreateFileA(argv[2], GENERIC_WRITE, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
        if (!WriteFile(pipe, "one", 3, &count, NULL)) return 1;
        return WriteFile(pipe, "two", 3, &count, NULL) ? 0 : 3;
    }
    if (!strcmp(argv[1], "wait")) {
        if (!WaitNamedPipeA(argv[2], 30000)) return 1;
        return open_pipe(argv[2]) != INVALID_HANDLE_VALUE ? 0 : 2;
    }
    pipe = open_pipe(argv[2]);
    if (pipe == INVALID_HANDLE_VALUE) return 1;
    if (!strcmp(argv[1], "hello")) {
        if (!WriteFile(pipe, "hello", 5, &count, NULL)) return 2;
        return ReadFile(pipe, text, 1, &count, NULL) && text[0] == '!' ? 0 : 3;
    }
    if (!strcmp(argv[1], "late")) {
        WaitForSingleObject(OpenEventA(SYNCHRONIZE, FALSE, strrchr(argv[2], '\\') + 1), 30000);
        if (!ReadFile(pipe, text, 8, &count, NULL) || count != 2 || memcmp(text, "go", 2)) return 2;
        return WriteFile(pipe, "ok", 2, &count, NULL) ? 0 : 3;
    }
    /* talk */
    ULONG server = 0;
    if (!SetNamedPipeHandleState(pipe, &mode, NULL, NULL)) return 2;
    if (!WriteFile(pipe, "first", 5, &count, NULL)) return 3;
    if (!TransactNamedPipe(pipe, "question", 8, text, sizeof text, &count, NULL)) return 4;
    if (count != 6 || memcmp(text, "answer", 6)) return 5;
    return GetNamedPipeServerProcessId(pipe, &server) && server != GetCurrentProcessId() ? 0 : 6;
}

/* A chain of programs, as the shell makes it. */
static void chain(void) {
    HANDLE out[2];
    PROCESS_INFORMATION made;
    STARTUPINFOA with = {.cb = sizeof with, .dwFlags = STARTF_USESTDHANDLES};
    char line[4 * MAX_PATH], text[64] = "";
    CHECK("a pipe", CreatePipe(&out[0], &out[1], &inherited, 0));
    keep(out[0]);
    with.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    with.hStdOutput = with.hStdError = out[1];
    snprintf(line, sizeof line, "cmd /c %s print abc | %s upper | %s cat", self, self, self);
    CHECK("cmd /c a | b | c", CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &with, &made));
    CloseHandle(out[1]);
    CHECK_EQ("three letters come", read_all(out[0], text, sizeof text), 3);
    CHECK("upper case", !memcmp(text, "ABC", 3));
    CHECK_EQ("well", ended(&made), 0);
    CloseHandle(out[0]);
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 1) return child(argc, argv);
    snprintf(name, sizeof name, "\\\\.\\pipe\\pipes-%lu", GetCurrentProcessId());
    snprintf(slot, sizeof slot, "\\\\.\\mailslot\\pipes-%lu", GetCurrentProcessId());
    standard();
    bulk();
    messages();
    several();
    waiting();
    cancelled();
    modes();
    duplicated();
    left();
    mailslots();
    chain();
    return finish();
}
