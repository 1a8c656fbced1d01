/* One console and several processes: modes, code pages, title, who is attached, and whom Ctrl-C and Ctrl-Break reach. */
#include "check.h"

static char self[MAX_PATH], ready_name[64];
static HANDLE ready;

/* Starts this program again with these arguments, on the same streams. */
static BOOL start(PROCESS_INFORMATION *made, DWORD flags, const char *arguments) {
    char line[2 * MAX_PATH];
    STARTUPINFOA with = {.cb = sizeof with, .dwFlags = STARTF_USESTDHANDLES};
    with.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    with.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    with.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    snprintf(line, sizeof line, "\"%s\" %s %s", self, arguments, ready_name);
    return CreateProcessA(NULL, line, NULL, NULL, TRUE, flags, NULL, NULL, &with, made);
}

static DWORD ended(PROCESS_INFORMATION *made) {
    DWORD code = 0xdead;
    if (WaitForSingleObject(made->hProcess, 30000) == WAIT_OBJECT_0) GetExitCodeProcess(made->hProcess, &code);
    CloseHandle(made->hThread);
    return code;
}

static BOOL is_listed(DWORD process) {
    DWORD list[16], count = GetConsoleProcessList(list, 16);
    for (DWORD i = 0; i < count && i < 16; i++)
        if (list[i] == process) return TRUE;
    return FALSE;
}

static HANDLE console(const char *name) {
    return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

static volatile LONG events[2];

static BOOL WINAPI counts(DWORD event) {
    if (event < 2) InterlockedIncrement(&events[event]);
    return TRUE;
}

static BOOL WINAPI leaves(DWORD event) {
    ExitProcess(40 + event);
}

static LONG comes(DWORD event) {
    for (int i = 0; i < 1000 && !events[event]; i++) Sleep(10);
    return InterlockedExchange(&events[event], 0);
}

static void common(void) {
    PROCESS_INFORMATION made;
    HANDLE in = console("CONIN$"), out = console("CONOUT$");
    char title[64] = "";
    DWORD mode = 0, list[16];
    CHECK("a console", in != INVALID_HANDLE_VALUE && out != INVALID_HANDLE_VALUE);
    CHECK_EQ("of our own", GetConsoleProcessList(list, 16), 1);
    CHECK_EQ("which is ours", list[0], GetCurrentProcessId());
    CHECK("input mode", SetConsoleMode(in, ENABLE_PROCESSED_INPUT | ENABLE_LINE_INPUT));
    CHECK("code pages", SetConsoleCP(1252) && SetConsoleOutputCP(65001));
    CHECK("a title", SetConsoleTitleA("from the parent"));
    CHECK("a child", start(&made, 0, "common"));
    CHECK_EQ("sees it all", ended(&made), 0);
    CHECK("and changes", GetConsoleMode(in, &mode));
    CHECK_EQ("the input mode", mode, ENABLE_PROCESSED_INPUT | ENABLE_ECHO_INPUT | ENABLE_LINE_INPUT);
    CHECK("and that of output", GetConsoleMode(out, &mode));
    CHECK_EQ("so", mode, ENABLE_PROCESSED_OUTPUT);
    CHECK_EQ("the page", GetConsoleCP(), 850);
    CHECK("the title", GetConsoleTitleA(title, sizeof title) && !strcmp(title, "from the child"));
    CHECK_EQ("it is gone", GetConsoleProcessList(list, 16), 1);
    CHECK("without a console", start(&made, DETACHED_PROCESS, "none"));
    CHECK_EQ("there is none", ended(&made), 0);
    CHECK("with another one", start(&made, CREATE_NO_WINDOW, "other"));
    CHECK_EQ("it is another one", ended(&made), 0);
    CHECK("attached later", start(&made, DETACHED_PROCESS, "attach"));
    CHECK_EQ("it is this one", ended(&made), 0);
    CloseHandle(in);
    CloseHandle(out);
}

static void controls(void) {
    PROCESS_INFORMATION first, second, deaf;
    SetConsoleCtrlHandler(counts, TRUE);
    /* As programs do that start another and stop it at once. */
    CHECK("one that only just starts", start(&first, CREATE_NEW_PROCESS_GROUP, "wait"));
    WINE8_DIFFERS(CHECK("Ctrl-Break", GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, first.dwProcessId)));
    WINE8_DIFFERS(CHECK_EQ("ends it", (int)ended(&first), (int)STATUS_CONTROL_C_EXIT));
    TerminateProcess(first.hProcess, 0);
    CHECK("a group of its own", start(&first, CREATE_NEW_PROCESS_GROUP, "leave"));
    CHECK_EQ("listens", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    CHECK("is listed", is_listed(first.dwProcessId) && is_listed(GetCurrentProcessId()));
    CHECK("a member of ours", start(&second, 0, "leave"));
    CHECK_EQ("listens", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    WINE8_DIFFERS(CHECK("Ctrl-Break for the group", GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, first.dwProcessId)));
    WINE8_DIFFERS(CHECK_EQ("reaches it", ended(&first), 40 + CTRL_BREAK_EVENT));
    TerminateProcess(first.hProcess, 0);
    CHECK_EQ("and nobody else", WaitForSingleObject(second.hProcess, 100), WAIT_TIMEOUT);
    CHECK_EQ("not us either", events[CTRL_BREAK_EVENT], 0);
    SetConsoleCtrlHandler(NULL, TRUE);
    CHECK("one that is deaf by inheritance", start(&deaf, 0, "leave"));
    CHECK_EQ("listens", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    SetConsoleCtrlHandler(NULL, FALSE);
    CHECK("Ctrl-C for all", GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
    CHECK_EQ("reaches the child", ended(&second), 40 + CTRL_C_EVENT);
    CHECK_EQ("and us, once", comes(CTRL_C_EVENT), 1);
    CHECK_EQ("but not the deaf", WaitForSingleObject(deaf.hProcess, 100), WAIT_TIMEOUT);
    WINE8_DIFFERS(CHECK("Ctrl-Break", GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, 0)));
    WINE8_DIFFERS(CHECK_EQ("is heard by all", ended(&deaf), 40 + CTRL_BREAK_EVENT));
    WINE8_DIFFERS(CHECK_EQ("us too", comes(CTRL_BREAK_EVENT), 1));
    TerminateProcess(deaf.hProcess, 0);
}

/* What the children do; 0 when all was as it should be. */
static int child(const char *what) {
    DWORD mode = 0, list[4];
    char title[64] = "";
    if (!strcmp(what, "leave")) {
        SetConsoleCtrlHandler(leaves, TRUE);
        SetEvent(ready);
        Sleep(60000);
        return 1;
    }
    if (!strcmp(what, "wait")) {
        Sleep(60000);
        return 1;
    }
    if (!strcmp(what, "none")) return GetConsoleProcessList(list, 4) || console("CONOUT$") != INVALID_HANDLE_VALUE;
    if (!strcmp(what, "other")) return GetConsoleProcessList(list, 4) != 1 || GetConsoleCP() == 850;
    if (!strcmp(what, "attach")) {
        if (!AttachConsole(ATTACH_PARENT_PROCESS)) return 1;
        if (GetConsoleProcessList(list, 4) != 2 || GetConsoleCP() != 850) return 2;
        if (AttachConsole(ATTACH_PARENT_PROCESS) || GetLastError() != ERROR_ACCESS_DENIED) return 3;
        return FreeConsole() && !GetConsoleProcessList(list, 4) ? 0 : 4;
    }
    HANDLE in = console("CONIN$"), out = console("CONOUT$");
    if (GetConsoleProcessList(list, 4) != 2 || !is_listed(GetCurrentProcessId())) return 1;
    if (!GetConsoleMode(in, &mode) || mode != (ENABLE_PROCESSED_INPUT | ENABLE_LINE_INPUT)) return 2;
    if (GetConsoleCP() != 1252 || GetConsoleOutputCP() != 65001) return 3;
    if (!GetConsoleTitleA(title, sizeof title) || strcmp(title, "from the parent")) return 4;
    if (!SetConsoleMode(in, ENABLE_PROCESSED_INPUT | ENABLE_ECHO_INPUT | ENABLE_LINE_INPUT)) return 5;
    if (!SetConsoleMode(out, ENABLE_PROCESSED_OUTPUT)) return 6;
    return SetConsoleCP(850) && SetConsoleTitleA("from the child") ? 0 : 7;
}

int main(int argc, char **argv) {
    PROCESS_INFORMATION made;
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc < 2) {
        /* A console that nobody sees, whatever this was started on. */
        snprintf(ready_name, sizeof ready_name, "consoles-%lu", GetCurrentProcessId());
        return start(&made, CREATE_NO_WINDOW, "checks") ? (int)ended(&made) : 99;
    }
    snprintf(ready_name, sizeof ready_name, "%s", argv[2]);
    ready = CreateEventA(NULL, FALSE, FALSE, ready_name);
    if (strcmp(argv[1], "checks")) return child(argv[1]);
    common();
    controls();
    return finish();
}
