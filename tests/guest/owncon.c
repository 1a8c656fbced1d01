/* Consoles of a program's own, which conhost.exe keeps, with a window or for nobody to see; and pseudo consoles. */
#include "check.h"
#include <process.h>

#ifndef PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE
#define PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE 0x20016
#endif

static char self[MAX_PATH];
static HANDLE log_file;

static HANDLE console(const char *name) {
    return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

/* Starts this program again. With `log`, what it says goes where ours does. */
static BOOL start(PROCESS_INFORMATION *made, DWORD flags, BOOL log, const char *arguments) {
    char line[2 * MAX_PATH];
    STARTUPINFOA with = {.cb = sizeof with, .dwFlags = STARTF_USESTDHANDLES};
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    if (log) {
        with.hStdOutput = with.hStdError = log_file;
    } else {
        with.hStdInput = CreateFileA("CONIN$", GENERIC_READ | GENERIC_WRITE, 3, &inherited, OPEN_EXISTING, 0, NULL);
        with.hStdOutput = with.hStdError = CreateFileA("CONOUT$", GENERIC_READ | GENERIC_WRITE, 3, &inherited, OPEN_EXISTING, 0, NULL);
    }
    snprintf(line, sizeof line, "\"%s\" %s", self, arguments);
    BOOL done = CreateProcessA(NULL, line, NULL, NULL, TRUE, flags, NULL, NULL, &with, made);
    if (!log) CloseHandle(with.hStdInput), CloseHandle(with.hStdOutput);
    return done;
}

static DWORD ended(PROCESS_INFORMATION *made) {
    DWORD code = 0xdead;
    if (WaitForSingleObject(made->hProcess, 30000) == WAIT_OBJECT_0) GetExitCodeProcess(made->hProcess, &code);
    CloseHandle(made->hThread);
    return code;
}

static BOOL shows(HANDLE screen, SHORT row, const char *text) {
    char seen[81] = "";
    DWORD read = 0;
    COORD from = {0, row};
    if (!ReadConsoleOutputCharacterA(screen, seen, (DWORD)strlen(text), from, &read)) return FALSE;
    if (!strncmp(seen, text, strlen(text))) return TRUE;
    say("row %d is \"%.80s\"", row, seen);
    return FALSE;
}

static void press(INPUT_RECORD *record, char key, WORD code, BOOL down) {
    memset(record, 0, sizeof *record);
    record->EventType = KEY_EVENT;
    record->Event.KeyEvent.bKeyDown = down;
    record->Event.KeyEvent.wRepeatCount = 1;
    record->Event.KeyEvent.wVirtualKeyCode = code;
    record->Event.KeyEvent.uChar.AsciiChar = key;
}

/* Types into a console. */
static BOOL type(HANDLE in, const char *text) {
    INPUT_RECORD records[64];
    DWORD count = 0, written = 0;
    for (; *text && count < 62; text++) {
        WORD code = *text == '\r' ? VK_RETURN : (WORD)(VkKeyScanA(*text) & 0xff);
        press(&records[count++], *text, code, TRUE);
        press(&records[count++], *text, code, FALSE);
    }
    return WriteConsoleInputA(in, records, count, &written) && written == count;
}

static volatile LONG controls[3];

static BOOL WINAPI counts(DWORD event) {
    if (event < 3) InterlockedIncrement(&controls[event]);
    return TRUE;
}

static void screens(HANDLE out) {
    CONSOLE_SCREEN_BUFFER_INFO info;
    CONSOLE_CURSOR_INFO cursor = {50, FALSE};
    DWORD done = 0, mode = 0;
    CHAR_INFO cells[4], fill = {.Char.AsciiChar = '.', .Attributes = 7};
    SMALL_RECT area = {0, 2, 1, 3}, whole = {0, 5, 9, 5};
    COORD four = {2, 2}, origin = {0, 0}, place = {0, 7};
    WORD attribute = 0;
    char line[12] = "";
    CHECK("text", WriteConsoleA(out, "first\r\nsecond", 13, &done, NULL) && done == 13);
    CHECK("is on its lines", shows(out, 0, "first") && shows(out, 1, "second"));
    CHECK("where it stands", GetConsoleScreenBufferInfo(out, &info));
    CHECK_EQ("column", info.dwCursorPosition.X, 6);
    CHECK_EQ("row", info.dwCursorPosition.Y, 1);
    CHECK("a size", info.dwSize.X >= 20 && info.dwSize.Y >= 10 && info.srWindow.Right > 0);
    CHECK("a colour", SetConsoleTextAttribute(out, FOREGROUND_RED | BACKGROUND_BLUE));
    CHECK("moved", SetConsoleCursorPosition(out, (COORD){0, 2}));
    CHECK("a file's write", WriteFile(out, "ab", 2, &done, NULL) && done == 2);
    CHECK("moved on", SetConsoleCursorPosition(out, (COORD){0, 3}));
    CHECK("wide text", WriteConsoleW(out, L"cd", 2, &done, NULL) && done == 2);
    CHECK("cells", ReadConsoleOutputA(out, cells, four, origin, &area));
    CHECK_EQ("first", cells[0].Char.AsciiChar, 'a');
    CHECK_EQ("last", cells[3].Char.AsciiChar, 'd');
    CHECK_EQ("in colour", cells[3].Attributes, FOREGROUND_RED | BACKGROUND_BLUE);
    cells[0].Char.AsciiChar = 'X';
    area = (SMALL_RECT){4, 2, 5, 3};
    CHECK("cells written", WriteConsoleOutputA(out, cells, four, origin, &area));
    CHECK("are there", shows(out, 2, "ab  Xb") && shows(out, 3, "cd  cd"));
    CHECK("filled", FillConsoleOutputCharacterA(out, '*', 10, (COORD){0, 5}, &done) && done == 10);
    CHECK("coloured", FillConsoleOutputAttribute(out, 0x1e, 10, (COORD){0, 5}, &done) && done == 10);
    CHECK("seen", ReadConsoleOutputAttribute(out, &attribute, 1, (COORD){9, 5}, &done) && attribute == 0x1e);
    CHECK("scrolled", ScrollConsoleScreenBufferA(out, &whole, NULL, place, &fill));
    CHECK("from", shows(out, 5, ".........."));
    CHECK("to", shows(out, 7, "**********"));
    CHECK("cursor", SetConsoleCursorInfo(out, &cursor) && GetConsoleCursorInfo(out, &cursor));
    CHECK("is half and hidden", cursor.dwSize == 50 && !cursor.bVisible);
    CHECK("mode", GetConsoleMode(out, &mode));
    CHECK_EQ("as it starts", mode & 3, ENABLE_PROCESSED_OUTPUT | ENABLE_WRAP_AT_EOL_OUTPUT);
    HANDLE other = CreateConsoleScreenBuffer(GENERIC_READ | GENERIC_WRITE, 0, NULL, CONSOLE_TEXTMODE_BUFFER, NULL);
    CHECK("another buffer", other != INVALID_HANDLE_VALUE);
    CHECK("written", WriteConsoleA(other, "other", 5, &done, NULL));
    CHECK("is its own", shows(other, 0, "other") && shows(out, 0, "first"));
    CHECK("shown", SetConsoleActiveScreenBuffer(other));
    HANDLE now = console("CONOUT$");
    CHECK("is what CONOUT$ is", shows(now, 0, "other"));
    CloseHandle(now);
    CHECK("back", SetConsoleActiveScreenBuffer(out));
    now = console("CONOUT$");
    CHECK("is the first", shows(now, 0, "first"));
    CloseHandle(now);
    CHECK("closed", CloseHandle(other));
    CHECK("gone", !ReadConsoleOutputCharacterA(other, line, 5, origin, &done));
}

static void inputs(HANDLE in, HANDLE out) {
    INPUT_RECORD record;
    DWORD count = 0, mode = 0;
    char line[32] = "";
    CHECK("flushed", FlushConsoleInputBuffer(in));
    CHECK_EQ("nothing typed", WaitForSingleObject(in, 0), WAIT_TIMEOUT);
    CHECK("none counted", GetNumberOfConsoleInputEvents(in, &count) && count == 0);
    CHECK("typed", type(in, "q"));
    CHECK_EQ("is signalled", WaitForSingleObject(in, 10000), WAIT_OBJECT_0);
    CHECK("two counted", GetNumberOfConsoleInputEvents(in, &count) && count == 2);
    CHECK("looked at", PeekConsoleInputA(in, &record, 1, &count) && count == 1 && record.Event.KeyEvent.uChar.AsciiChar == 'q');
    CHECK("read", ReadConsoleInputA(in, &record, 1, &count) && count == 1 && record.Event.KeyEvent.bKeyDown);
    CHECK("up", ReadConsoleInputA(in, &record, 1, &count) && count == 1 && !record.Event.KeyEvent.bKeyDown);
    CHECK_EQ("all read", WaitForSingleObject(in, 0), WAIT_TIMEOUT);
    CHECK("a mode", GetConsoleMode(in, &mode) && mode & ENABLE_LINE_INPUT);
    CHECK("a line", type(in, "hello\r"));
    CHECK("is read", ReadConsoleA(in, line, sizeof line, &count, NULL));
    CHECK_EQ("as long", count, 7);
    CHECK("as typed", !memcmp(line, "hello\r\n", 7));
    CHECK("by the file's way", type(in, "world\r") && ReadFile(in, line, sizeof line, &count, NULL) && count == 7 && !memcmp(line, "world\r\n", 7));
    CHECK("raw", SetConsoleMode(in, 0) && type(in, "z") && ReadConsoleA(in, line, 1, &count, NULL) && count == 1 && line[0] == 'z');
    CHECK("as before", SetConsoleMode(in, mode) && FlushConsoleInputBuffer(in));
    (void)out;
}

static unsigned __stdcall reads_line(void *in) {
    char line[32] = "";
    DWORD count = 0;
    return ReadConsoleA(in, line, sizeof line, &count, NULL) && count == 7 && !memcmp(line, "later\r\n", 7);
}

/* A read waits while others ask of the same console. */
static void waiting(HANDLE in, HANDLE out) {
    CONSOLE_SCREEN_BUFFER_INFO info;
    DWORD code = 0;
    HANDLE thread = (HANDLE)_beginthreadex(NULL, 0, reads_line, in, 0, NULL);
    CHECK_EQ("a read waits", WaitForSingleObject(thread, 200), WAIT_TIMEOUT);
    CHECK("others do not", GetConsoleScreenBufferInfo(out, &info) && SetConsoleTitleA("meanwhile"));
    CHECK("typed", type(in, "later\r"));
    CHECK_EQ("it ends", WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
    CHECK("with the line", GetExitCodeThread(thread, &code) && code == 1);
    CloseHandle(thread);
}

static void children(HANDLE in, HANDLE out) {
    PROCESS_INFORMATION made;
    char title[64] = "", line[64];
    DWORD list[8], mode = 0;
    CHECK("cleared", SetConsoleCursorPosition(out, (COORD){0, 10}));
    CHECK("titled", SetConsoleTitleA("of two"));
    CHECK("a child", start(&made, 0, FALSE, "child writes"));
    CHECK_EQ("writes", ended(&made), 0);
    CHECK("here", shows(out, 10, "from the child"));
    CHECK("and sets the title", GetConsoleTitleA(title, sizeof title) && !strcmp(title, "child"));
    CHECK_EQ("we are alone again", GetConsoleProcessList(list, 8), 1);
    CHECK("one that reads", start(&made, 0, FALSE, "child reads"));
    CHECK("typed", type(in, "for it\r"));
    CHECK_EQ("gets it", ended(&made), 0);
    CHECK("one without", start(&made, DETACHED_PROCESS, TRUE, "child none"));
    CHECK_EQ("has none", ended(&made), 0);
    snprintf(line, sizeof line, "child attach %lu", GetCurrentProcessId());
    CHECK("one that attaches itself", start(&made, DETACHED_PROCESS, TRUE, line));
    CHECK_EQ("sees ours", ended(&made), 0);
    CHECK("what it wrote", shows(out, 12, "attached"));
    CHECK("one of its own", start(&made, CREATE_NEW_CONSOLE, TRUE, "child new"));
    CHECK_EQ("has another", ended(&made), 0);
    CHECK("one that nobody sees", start(&made, CREATE_NO_WINDOW, TRUE, "child unseen"));
    CHECK_EQ("has another", ended(&made), 0);
    CHECK("ours is as it was", GetConsoleMode(in, &mode) && shows(out, 10, "from the child"));
}

static void events(HANDLE in) {
    PROCESS_INFORMATION made;
    HANDLE ready = CreateEventA(NULL, FALSE, FALSE, "owncon-ready");
    SetConsoleCtrlHandler(counts, TRUE);
    CHECK("a child", start(&made, 0, TRUE, "child leaves"));
    CHECK_EQ("is ready", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    CHECK("Ctrl-C", GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
    CHECK_EQ("ends it", ended(&made), 40 + CTRL_C_EVENT);
    for (int i = 0; i < 1000 && !controls[0]; i++) Sleep(10);
    CHECK_EQ("and reaches us", InterlockedExchange(&controls[0], 0), 1);
    /* As if it were typed. */
    INPUT_RECORD record;
    DWORD written;
    press(&record, 3, 'C', TRUE);
    record.Event.KeyEvent.dwControlKeyState = LEFT_CTRL_PRESSED;
    CHECK("typed Ctrl-C", WriteConsoleInputA(in, &record, 1, &written));
    for (int i = 0; i < 1000 && !controls[0]; i++) Sleep(10);
    CHECK_EQ("is an event", InterlockedExchange(&controls[0], 0), 1);
    SetConsoleCtrlHandler(counts, FALSE);
    CloseHandle(ready);
}

/* The console's window, and what closing it does. */
static void closing(void) {
    PROCESS_INFORMATION made;
    HANDLE ready = CreateEventA(NULL, FALSE, FALSE, "owncon-ready");
    char name[64] = "";
    HWND window = NULL;
    CHECK("a child with a window", start(&made, CREATE_NEW_CONSOLE, TRUE, "child window"));
    CHECK_EQ("is ready", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    CHECK("attached", FreeConsole() && AttachConsole(made.dwProcessId));
    CHECK("its window", IsWindow(window = GetConsoleWindow()) && IsWindowVisible(window));
    for (int i = 0; i < 500 && strcmp(name, "a window of its own"); i++) {
        GetWindowTextA(window, name, sizeof name);
        Sleep(10);
    }
    CHECK("has its title", !strcmp(name, "a window of its own"));
    CHECK("let go", FreeConsole());
    CHECK("closed", PostMessageA(window, WM_CLOSE, 0, 0));
    /* Wine ends it, Windows tells it. */
    DWORD code = ended(&made);
    WINE8_DIFFERS(CHECK_EQ("tells the child", code, 40 + CTRL_CLOSE_EVENT));
    for (int i = 0; i < 500 && IsWindow(window); i++) Sleep(10);
    CHECK("the window is gone", !IsWindow(window));
    CloseHandle(ready);
}

typedef HRESULT(WINAPI *CREATE)(COORD, HANDLE, HANDLE, DWORD, void **);
typedef void(WINAPI *CLOSE)(void *);

static char terminal[65536];
static volatile LONG shown;

static unsigned __stdcall shows_terminal(void *from) {
    DWORD read = 0;
    while (shown < (LONG)sizeof terminal - 1 && ReadFile(from, terminal + shown, sizeof terminal - 1 - shown, &read, NULL) && read) {
        InterlockedExchangeAdd(&shown, (LONG)read);
    }
    return 0;
}

static BOOL comes(const char *text) {
    for (int i = 0; i < 1500; i++) {
        if (strstr(terminal, text)) return TRUE;
        Sleep(10);
    }
    return FALSE;
}

static void pseudo(void) {
    HMODULE kernel = GetModuleHandleA("kernelbase.dll");
    CREATE create = (CREATE)(void *)GetProcAddress(kernel, "CreatePseudoConsole");
    CLOSE close = (CLOSE)(void *)GetProcAddress(kernel, "ClosePseudoConsole");
    HANDLE keys, keys_in, out, out_in, thread;
    STARTUPINFOEXA with = {.StartupInfo.cb = sizeof with};
    PROCESS_INFORMATION made;
    SIZE_T size = 0;
    void *pty = NULL;
    char line[2 * MAX_PATH] = "cmd.exe";
    DWORD written;
    CHECK("there are such", create && close);
    CHECK("pipes", CreatePipe(&keys_in, &keys, NULL, 0) && CreatePipe(&out, &out_in, NULL, 0));
    CHECK_EQ("one without a size", create((COORD){0, 0}, keys_in, out_in, 0, &pty), E_INVALIDARG);
    CHECK_EQ("a pseudo console", create((COORD){80, 25}, keys_in, out_in, 0, &pty), S_OK);
    CloseHandle(keys_in);
    CloseHandle(out_in);
    thread = (HANDLE)_beginthreadex(NULL, 0, shows_terminal, out, 0, NULL);
    InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    with.lpAttributeList = malloc(size);
    CHECK("attributes", InitializeProcThreadAttributeList(with.lpAttributeList, 1, 0, &size));
    CHECK("with it", UpdateProcThreadAttribute(with.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, pty, sizeof pty, NULL, NULL));
    /* Standard handles of ours are not for it: it has the console's then, which Wine forgets. */
    with.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    if (under_oracle()) snprintf(line, sizeof line, "\"%s\" child shell", self);
    CHECK("a shell", CreateProcessA(NULL, line, NULL, NULL, FALSE, EXTENDED_STARTUPINFO_PRESENT, NULL, NULL, &with.StartupInfo, &made));
    CHECK("its prompt", comes(">"));
    CHECK("a command", WriteFile(keys, "set /a 6*7\r", 11, &written, NULL));
    CHECK("its answer", comes("42"));
    CHECK("another", WriteFile(keys, "echo A%OS%B\r", 12, &written, NULL));
    CHECK("its answer", comes("AWindows_NTB"));
    CHECK("the sequences of a terminal", strchr(terminal, 0x1b) != NULL);
    CHECK("the end", WriteFile(keys, "exit 3\r", 7, &written, NULL));
    CHECK_EQ("comes", ended(&made), 3);
    close(pty);
    CHECK_EQ("nothing more is shown", WaitForSingleObject(thread, 30000), WAIT_OBJECT_0);
    CloseHandle(keys);
    CloseHandle(out);
    CloseHandle(thread);
    CHECK_EQ("a second one", CreatePipe(&keys_in, &keys, NULL, 0) && CreatePipe(&out, &out_in, NULL, 0) && create((COORD){80, 25}, keys_in, out_in, 0, &pty) == S_OK, 1);
    CloseHandle(keys_in);
    CloseHandle(out_in);
    shown = 0;
    memset(terminal, 0, sizeof terminal);
    thread = (HANDLE)_beginthreadex(NULL, 0, shows_terminal, out, 0, NULL);
    InitializeProcThreadAttributeList(with.lpAttributeList, 1, 0, &size);
    UpdateProcThreadAttribute(with.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, pty, sizeof pty, NULL, NULL);
    CHECK("a shell", CreateProcessA(NULL, line, NULL, NULL, FALSE, EXTENDED_STARTUPINFO_PRESENT, NULL, NULL, &with.StartupInfo, &made));
    CHECK("its prompt", comes(">"));
    close(pty);
    CHECK_EQ("ends with its console", WaitForSingleObject(made.hProcess, 30000), WAIT_OBJECT_0);
    CHECK_EQ("nothing more is shown", WaitForSingleObject(thread, 30000), WAIT_OBJECT_0);
}

static BOOL WINAPI leaves(DWORD event) {
    ExitProcess(40 + event);
}

static int ready_and_sleep(void) {
    HANDLE ready = OpenEventA(EVENT_ALL_ACCESS, FALSE, "owncon-ready");
    SetConsoleCtrlHandler(leaves, TRUE);
    SetEvent(ready);
    Sleep(60000);
    return 1;
}

/* What the children do; 0 when all was as it should be. */
static int child(int argc, char **argv) {
    const char *what = argv[2];
    HANDLE in = console("CONIN$"), out = console("CONOUT$");
    DWORD count = 0, list[8];
    char line[32] = "", title[64] = "";
    if (!strcmp(what, "none")) return in != INVALID_HANDLE_VALUE || GetConsoleProcessList(list, 8) || GetConsoleWindow();
    if (!strcmp(what, "attach") && argc > 3) {
        if (AttachConsole(0x7ffffff0)) return 1;
        if (!AttachConsole((DWORD)atoi(argv[3]))) return 2;
        if (GetConsoleProcessList(list, 8) != 2) return 3;
        out = console("CONOUT$");
        if (!SetConsoleCursorPosition(out, (COORD){0, 12}) || !WriteConsoleA(out, "attached", 8, &count, NULL)) return 4;
        return FreeConsole() && !GetConsoleProcessList(list, 8) ? 0 : 5;
    }
    if (!strcmp(what, "shell")) {
        PROCESS_INFORMATION made;
        snprintf(self, sizeof self, "cmd.exe");
        return start(&made, 0, FALSE, "") ? (int)ended(&made) : 98;
    }
    if (!strcmp(what, "leaves")) return ready_and_sleep();
    if (!strcmp(what, "window")) return SetConsoleTitleA("a window of its own") ? ready_and_sleep() : 2;
    if (!strcmp(what, "writes")) {
        if (GetConsoleProcessList(list, 8) != 2) return 1;
        if (!GetConsoleTitleA(title, sizeof title) || strcmp(title, "of two")) return 2;
        if (!WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), "from the child", 14, &count, NULL)) return 3;
        return SetConsoleTitleA("child") ? 0 : 4;
    }
    if (!strcmp(what, "reads")) {
        if (!ReadFile(GetStdHandle(STD_INPUT_HANDLE), line, sizeof line, &count, NULL)) return 1;
        return count == 8 && !memcmp(line, "for it\r\n", 8) ? 0 : 2;
    }
    if (!strcmp(what, "new") || !strcmp(what, "unseen")) {
        CONSOLE_SCREEN_BUFFER_INFO info;
        if (GetConsoleProcessList(list, 8) != 1) return 1;
        if (!GetConsoleScreenBufferInfo(out, &info) || info.dwCursorPosition.X || info.dwCursorPosition.Y) return 2;
        if (!WriteConsoleA(out, "mine", 4, &count, NULL) || !shows(out, 0, "mine")) return 3;
        if (strcmp(what, "new")) return 0;
        return IsWindow(GetConsoleWindow()) && IsWindowVisible(GetConsoleWindow()) ? 0 : 4;
    }
    return 99;
}

int main(int argc, char **argv) {
    PROCESS_INFORMATION made;
    DWORD list[8];
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 2) return child(argc, argv);
    DuplicateHandle(GetCurrentProcess(), GetStdHandle(STD_OUTPUT_HANDLE), GetCurrentProcess(), &log_file, 0, TRUE, DUPLICATE_SAME_ACCESS);
    /* Without a console, whatever this was started on. */
    if (argc < 2) return start(&made, DETACHED_PROCESS, TRUE, "checks") ? (int)ended(&made) : 99;
    CHECK("no console", console("CONOUT$") == INVALID_HANDLE_VALUE && !GetConsoleWindow());
    CHECK("one of our own", AllocConsole());
    CHECK_ERROR("not two", AllocConsole(), ERROR_ACCESS_DENIED);
    CHECK_EQ("which we are alone at", GetConsoleProcessList(list, 8), 1);
    CHECK_EQ("namely we", list[0], GetCurrentProcessId());
    HANDLE in = console("CONIN$"), out = console("CONOUT$");
    CHECK("its files", in != INVALID_HANDLE_VALUE && out != INVALID_HANDLE_VALUE);
    screens(out);
    inputs(in, out);
    waiting(in, out);
    children(in, out);
    events(in);
    CloseHandle(in);
    CloseHandle(out);
    closing();
    pseudo();
    return finish();
}
