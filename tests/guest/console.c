/* The console API on a real terminal. Talks to the test through the terminal itself: each step says what it wants typed. */
#include "check.h"

static HANDLE in, out, report;

static void note(const char *name, int good) {
    char line[160];
    DWORD n;
    InterlockedIncrement(&checks_done);
    if (!good) InterlockedIncrement(&checks_failed);
    int length = snprintf(line, sizeof line, good ? "ok %s\r\n" : "FAIL %s (last error %lu)\r\n", name, GetLastError());
    WriteFile(report, line, (DWORD)length, &n, NULL);
}
static void ask(const char *what) {
    DWORD n;
    WriteConsoleA(out, what, (DWORD)strlen(what), &n, NULL);
}
static volatile LONG signals;
static BOOL WINAPI on_control(DWORD type) {
    if (type == CTRL_C_EVENT) InterlockedIncrement(&signals);
    return TRUE;
}

int main(void) {
    CONSOLE_SCREEN_BUFFER_INFO info;
    DWORD mode = 0, n = 0;
    char text[256];
    in = GetStdHandle(STD_INPUT_HANDLE);
    out = GetStdHandle(STD_OUTPUT_HANDLE);
    report = CreateFileA("console.log", GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, 0, NULL);
    note("input is a console", GetConsoleMode(in, &mode) && (mode & (ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT | ENABLE_PROCESSED_INPUT)) == 7);
    note("output is a console", GetConsoleMode(out, &mode) && (mode & ENABLE_PROCESSED_OUTPUT));
    note("character device", GetFileType(out) == FILE_TYPE_CHAR);
    note("window of 90 by 30", GetConsoleScreenBufferInfo(out, &info) && info.srWindow.Right - info.srWindow.Left + 1 == 90 && info.srWindow.Bottom - info.srWindow.Top + 1 == 30);
    note("code pages", GetConsoleCP() && GetConsoleOutputCP() && SetConsoleOutputCP(65001) && GetConsoleOutputCP() == 65001);
    note("colours", SetConsoleTextAttribute(out, FOREGROUND_RED | FOREGROUND_INTENSITY) && GetConsoleScreenBufferInfo(out, &info) && info.wAttributes == (FOREGROUND_RED | FOREGROUND_INTENSITY));
    ask("red text\r\n");
    SetConsoleTextAttribute(out, 7);
    note("cursor set", SetConsoleCursorPosition(out, (COORD){5, 10}) && GetConsoleScreenBufferInfo(out, &info) && info.dwCursorPosition.X == 5 && info.dwCursorPosition.Y == 10);
    note("wide text", WriteConsoleW(out, L"w\x00e4\x4e16\r\n", 5, &n, NULL) && n == 5);
    note("VT output", SetConsoleMode(out, ENABLE_PROCESSED_OUTPUT | ENABLE_WRAP_AT_EOL_OUTPUT | 4));
    ask("\x1b[1;32mgreen\x1b[0m\r\n");
    note("title", SetConsoleTitleA("portcullis title") && GetConsoleTitleA(text, sizeof text) && !strcmp(text, "portcullis title"));
    ask("TYPE LINE>");
    note("a line, edited and echoed", ReadConsoleA(in, text, sizeof text, &n, NULL) && n == 7 && !memcmp(text, "hello\r\n", 7));
    ask("TYPE FILE>");
    note("a line through ReadFile", ReadFile(in, text, sizeof text, &n, NULL) && n == 7 && !memcmp(text, "world\r\n", 7));
    SetConsoleMode(in, 0);
    note("raw mode", GetConsoleMode(in, &mode) && mode == 0);
    ask("TYPE KEY>");
    INPUT_RECORD r[16];
    int key = 0;
    for (int i = 0; i < 50 && !key; i++) {
        if (WaitForSingleObject(in, 200)) continue;
        ReadConsoleInputW(in, r, 16, &n);
        for (DWORD k = 0; k < n; k++) key |= r[k].EventType == KEY_EVENT && r[k].Event.KeyEvent.bKeyDown && r[k].Event.KeyEvent.uChar.UnicodeChar == 'k';
    }
    note("a single key", key);
    ask("TYPE ARROW>");
    key = 0;
    for (int i = 0; i < 50 && !key; i++) {
        if (WaitForSingleObject(in, 200)) continue;
        ReadConsoleInputW(in, r, 16, &n);
        for (DWORD k = 0; k < n; k++) key |= r[k].EventType == KEY_EVENT && r[k].Event.KeyEvent.bKeyDown && r[k].Event.KeyEvent.wVirtualKeyCode == VK_UP;
    }
    note("an arrow key", key);
    FlushConsoleInputBuffer(in);
    note("input emptied", GetNumberOfConsoleInputEvents(in, &n) && n == 0);
    r[0] = (INPUT_RECORD){.EventType = KEY_EVENT, .Event.KeyEvent = {.bKeyDown = TRUE, .wRepeatCount = 1, .wVirtualKeyCode = 'Z', .uChar.UnicodeChar = 'z'}};
    note("input written by the program", WriteConsoleInputW(in, r, 1, &n) && n == 1 && PeekConsoleInputW(in, r, 16, &n) && n == 1 && ReadConsoleInputW(in, r, 16, &n) && r[0].Event.KeyEvent.uChar.UnicodeChar == 'z');
    SetConsoleMode(in, ENABLE_PROCESSED_INPUT | ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT);
    SetConsoleCtrlHandler(on_control, TRUE);
    ask("TYPE CTRL-C>");
    for (int i = 0; i < 100 && !signals; i++) Sleep(50);
    note("Ctrl-C handler", signals >= 1);
    ask("RESIZE>");
    int resized = 0;
    for (int i = 0; i < 100 && !resized; i++) {
        GetConsoleScreenBufferInfo(out, &info);
        resized = info.srWindow.Right - info.srWindow.Left + 1 == 60;
        Sleep(50);
    }
    note("resized to 60 columns", resized);
    HANDLE conin = CreateFileA("CONIN$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL), conout = CreateFileA("CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    note("CONIN$ and CONOUT$", GetConsoleMode(conin, &mode) && GetConsoleMode(conout, &mode));
    note("fill and read back", FillConsoleOutputCharacterA(conout, '#', 10, (COORD){0, 0}, &n) && n == 10 && ReadConsoleOutputCharacterA(conout, text, 10, (COORD){0, 0}, &n) && !memcmp(text, "##########", 10));
    note("history of processes", GetConsoleProcessList(&mode, 1) >= 1);
    char line[64];
    int length = snprintf(line, sizeof line, "%ld checks, %ld failures\r\n", checks_done, checks_failed);
    WriteFile(report, line, (DWORD)length, &n, NULL);
    CloseHandle(report);
    ask("DONE\r\n");
    return (int)checks_failed;
}
