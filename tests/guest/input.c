/* Focus and activation, keys and their state, what keys mean, hot keys, accelerators, input that threads share. */
#include "check.h"

static HWND window, child;
static char log_text[4096];
static int hot, commands;

static void note(const char *format, ...) {
    va_list args;
    size_t length = strlen(log_text);
    va_start(args, format);
    vsnprintf(log_text + length, sizeof log_text - length, format, args);
    va_end(args);
}

static const char *who(HWND of) { return of == window ? "w" : of == child ? "c" : of ? "?" : "0"; }

static LRESULT CALLBACK procedure(HWND of, UINT message, WPARAM wparam, LPARAM lparam) {
    switch (message) {
    case WM_ACTIVATEAPP: note("%s app%d ", who(of), (int)wparam); break;
    case WM_NCACTIVATE: note("%s nc%d ", who(of), (int)wparam); break;
    case WM_ACTIVATE: note("%s act%d ", who(of), LOWORD(wparam)); break;
    case WM_SETFOCUS: note("%s focus<%s ", who(of), who((HWND)wparam)); return 0;
    case WM_KILLFOCUS: note("%s kill>%s ", who(of), who((HWND)wparam)); return 0;
    case WM_CAPTURECHANGED: note("%s capture>%s ", who(of), who((HWND)lparam)); break;
    case WM_HOTKEY: hot += (int)wparam; break;
    case WM_COMMAND: commands += LOWORD(wparam) + HIWORD(wparam) * 1000; break;
    }
    return DefWindowProcW(of, message, wparam, lparam);
}

static void key(WORD code, DWORD flags) {
    INPUT input = { .type = INPUT_KEYBOARD, .ki = { .wVk = code, .dwFlags = flags } };
    SendInput(1, &input, sizeof input);
}

static int next(UINT wanted, MSG *message) {
    while (PeekMessageW(message, NULL, 0, 0, PM_REMOVE)) {
        if (message->message == wanted) return 1;
        TranslateMessage(message);
        DispatchMessageW(message);
    }
    return 0;
}

static DWORD WINAPI attached(void *main_thread) {
    MSG message;
    PeekMessageW(&message, NULL, 0, 0, PM_NOREMOVE);
    CHECK("another thread has no focus", GetFocus() == NULL);
    CHECK("it is attached", AttachThreadInput(GetCurrentThreadId(), (DWORD)(UINT_PTR)main_thread, TRUE));
    CHECK("and has", GetFocus() == window);
    CHECK("it lets go", AttachThreadInput(GetCurrentThreadId(), (DWORD)(UINT_PTR)main_thread, FALSE));
    CHECK("and has not", GetFocus() == NULL);
    return 0;
}

int main(void) {
    HINSTANCE module = GetModuleHandleW(NULL);
    WNDCLASSW class = { .lpfnWndProc = procedure, .hInstance = module, .lpszClassName = L"input" };
    MSG message;
    BYTE state[256];
    WCHAR text[32];
    RegisterClassW(&class);
    window = CreateWindowW(L"input", L"", WS_OVERLAPPEDWINDOW, 0, 0, 200, 200, NULL, NULL, module, NULL);
    child = CreateWindowW(L"input", L"", WS_CHILD, 0, 0, 10, 10, window, NULL, module, NULL);

    /* Nothing is active at first; the focus activates what it is in. */
    CHECK("no focus", GetFocus() == NULL);
    CHECK("nothing active", GetActiveWindow() == NULL);
    SetFocus(window);
    CHECK("it is there", GetFocus() == window);
    CHECK("the window is active", GetActiveWindow() == window);
    CHECK("in this order", !strncmp(log_text, "w app1 w nc", 11) && strstr(log_text, "w act1 w focus<0"));
    log_text[0] = 0;
    CHECK("to the child", SetFocus(child) == window);
    CHECK("both are told", !strcmp(log_text, "w kill>c c focus<w "));
    log_text[0] = 0;
    CHECK("a disabled window", !EnableWindow(child, FALSE));
    EnableWindow(child, TRUE);
    SetFocus(window);
    log_text[0] = 0;
    CHECK_ERROR("no window", SetFocus((HWND)0xdead), ERROR_INVALID_WINDOW_HANDLE);
    GUITHREADINFO info = { .cbSize = sizeof info };
    CHECK("what the thread is at", GetGUIThreadInfo(GetCurrentThreadId(), &info));
    CHECK("says the same", info.hwndFocus == window && info.hwndActive == window && !info.hwndCapture);
    info.cbSize = 1;
    CHECK_ERROR("a wrong size", GetGUIThreadInfo(GetCurrentThreadId(), &info), ERROR_INVALID_PARAMETER);

    /* The capture. */
    CHECK("captured", SetCapture(child) == NULL);
    CHECK("it has it", GetCapture() == child);
    CHECK("to the other", SetCapture(window) == child);
    CHECK("which is told", !strcmp(log_text, "c capture>w "));
    CHECK("released", ReleaseCapture());
    CHECK("nobody has it", GetCapture() == NULL);
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageW(&message);

    /* Threads that share their input. */
    HANDLE thread = CreateThread(NULL, 0, attached, (void *)(UINT_PTR)GetCurrentThreadId(), 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    CHECK_ERROR("not with itself", AttachThreadInput(GetCurrentThreadId(), GetCurrentThreadId(), TRUE), ERROR_ACCESS_DENIED);

    /* Keys: the state follows the messages. */
    SetForegroundWindow(window);
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageW(&message);
    CHECK("in the foreground", GetForegroundWindow() == window);
    key('A', 0);
    CHECK("down by now", GetAsyncKeyState('A') & 0x8000);
    CHECK("but not for the thread", !(GetKeyState('A') & 0x8000));
    CHECK("it waits", HIWORD(GetQueueStatus(QS_KEY)) & QS_KEY);
    CHECK("its message", next(WM_KEYDOWN, &message));
    CHECK_EQ("is the key's", message.wParam, 'A');
    CHECK("for that window", message.hwnd == window);
    CHECK("now it is down", GetKeyState('A') & 0x8000);
    TranslateMessage(&message);
    CHECK("a character follows", next(WM_CHAR, &message));
    CHECK_EQ("a small one", message.wParam, 'a');
    key('A', KEYEVENTF_KEYUP);
    CHECK("up", next(WM_KEYUP, &message));
    CHECK("up for the thread", !(GetKeyState('A') & 0x8000));
    key(VK_SHIFT, 0);
    CHECK("shift", next(WM_KEYDOWN, &message));
    CHECK_EQ("without a side", message.wParam, VK_SHIFT);
    CHECK("the left one is down", GetKeyState(VK_LSHIFT) & 0x8000);
    key('B', 0);
    CHECK("a key with it", next(WM_KEYDOWN, &message));
    TranslateMessage(&message);
    CHECK("its character", next(WM_CHAR, &message));
    CHECK_EQ("a capital", message.wParam, 'B');
    key('B', KEYEVENTF_KEYUP);
    key(VK_SHIFT, KEYEVENTF_KEYUP);
    next(0, &message);
    key(VK_MENU, 0);
    CHECK("alt is the system's", next(WM_SYSKEYDOWN, &message));
    key('X', 0);
    CHECK("and what goes along", next(WM_SYSKEYDOWN, &message));
    CHECK_EQ("is told of it", (message.lParam >> 29) & 1, 1);
    key('X', KEYEVENTF_KEYUP);
    key(VK_MENU, KEYEVENTF_KEYUP);
    next(0, &message);
    INPUT unicode = { .type = INPUT_KEYBOARD, .ki = { .wScan = 0x20ac, .dwFlags = KEYEVENTF_UNICODE } };
    SendInput(1, &unicode, sizeof unicode);
    CHECK("a character itself", next(WM_KEYDOWN, &message) && message.wParam == VK_PACKET);
    TranslateMessage(&message);
    CHECK("comes as one", next(WM_CHAR, &message) && message.wParam == 0x20ac);
    unicode.ki.dwFlags |= KEYEVENTF_KEYUP;
    SendInput(1, &unicode, sizeof unicode);
    next(0, &message);
    CHECK("keyboard", GetKeyboardState(state));
    CHECK_EQ("nothing is down", state['A'] & 0x80, 0);
    state[VK_CAPITAL] = 1;
    CHECK("set", SetKeyboardState(state));
    CHECK("and asked for", GetKeyState(VK_CAPITAL) & 1);
    state[VK_CAPITAL] = 0;
    SetKeyboardState(state);
    CHECK_ERROR("a wrong size", SendInput(1, &unicode, 3), ERROR_INVALID_PARAMETER);

    /* What keys mean. */
    memset(state, 0, sizeof state);
    CHECK_EQ("a key", ToUnicode('Z', 0, state, text, 32, 0), 1);
    CHECK_EQ("a letter", text[0], 'z');
    state[VK_SHIFT] = 0x80;
    ToUnicode('Z', 0, state, text, 32, 0);
    CHECK_EQ("a capital", text[0], 'Z');
    ToUnicode('2', 0, state, text, 32, 0);
    CHECK_EQ("an upper one", text[0], '@');
    state[VK_SHIFT] = 0;
    state[VK_CONTROL] = 0x80;
    ToUnicode('C', 0, state, text, 32, 0);
    CHECK_EQ("a control character", text[0], 3);
    CHECK_EQ("a key without", ToUnicode(VK_F5, 0, state, text, 32, 0), 0);
    CHECK_EQ("the key of a character", VkKeyScanW(L'%'), 0x135);
    CHECK_EQ("a scan code", MapVirtualKeyW('A', MAPVK_VK_TO_VSC), 0x1e);
    CHECK_EQ("its key", MapVirtualKeyW(0x1e, MAPVK_VSC_TO_VK), 'A');
    CHECK_EQ("a key with sides", MapVirtualKeyW(0x2a, MAPVK_VSC_TO_VK), VK_SHIFT);
    CHECK_EQ("and with one", MapVirtualKeyW(0x2a, MAPVK_VSC_TO_VK_EX), VK_LSHIFT);
    CHECK_EQ("a character", MapVirtualKeyW('A', MAPVK_VK_TO_CHAR), 'A');
    CHECK("a name", GetKeyNameTextW(0x1c << 16, text, 32) > 0);
    WINE8_DIFFERS(CHECK("of a key", !lstrcmpiW(text, L"Enter")));
    CHECK("a layout", GetKeyboardLayout(0) != NULL);

    /* Hot keys. */
    CHECK("a hot key", RegisterHotKey(window, 5, MOD_CONTROL, 'K'));
    CHECK_ERROR("not twice", RegisterHotKey(window, 6, MOD_CONTROL, 'K'), ERROR_HOTKEY_ALREADY_REGISTERED);
    key(VK_CONTROL, 0);
    key('K', 0);
    CHECK("is told", next(WM_HOTKEY, &message));
    CHECK_EQ("its number", message.wParam, 5);
    CHECK_EQ("the key", HIWORD(message.lParam), 'K');
    key('K', KEYEVENTF_KEYUP);
    key(VK_CONTROL, KEYEVENTF_KEYUP);
    next(0, &message);
    CHECK("it goes", UnregisterHotKey(window, 5));
    CHECK_ERROR("once", UnregisterHotKey(window, 5), ERROR_HOTKEY_NOT_REGISTERED);

    /* Accelerators. */
    ACCEL entries[] = { { FVIRTKEY | FCONTROL, 'S', 11 }, { 0, 'x', 12 } };
    HACCEL table = CreateAcceleratorTableW(entries, 2);
    CHECK("a table", table != NULL);
    CHECK_EQ("how many", CopyAcceleratorTableW(table, NULL, 0), 2);
    MSG pressed = { window, WM_KEYDOWN, 'S', 0x1f0001, 0, { 0, 0 } };
    CHECK("not without control", !TranslateAcceleratorW(window, table, &pressed));
    key(VK_CONTROL, 0);
    next(0, &message);
    CHECK("with it", TranslateAcceleratorW(window, table, &pressed));
    key(VK_CONTROL, KEYEVENTF_KEYUP);
    next(0, &message);
    MSG typed = { window, WM_CHAR, 'x', 1, 0, { 0, 0 } };
    CHECK("a character", TranslateAcceleratorW(window, table, &typed));
    CHECK_EQ("both were told as commands", commands, 2000 + 11 + 12);
    CHECK("it goes", DestroyAcceleratorTable(table));

    /* A character by its number: Alt with digits of the number pad. */
    static const WORD digits[] = { VK_NUMPAD1, VK_NUMPAD3, VK_NUMPAD2 };
    unsigned number = 0;
    key(VK_MENU, 0);
    for (int i = 0; i < 3; i++) {
        key(digits[i], 0);
        key(digits[i], KEYEVENTF_KEYUP);
    }
    key(VK_MENU, KEYEVENTF_KEYUP);
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) {
        TranslateMessage(&message);
        if (message.message == WM_CHAR) number = (unsigned)message.wParam;
    }
    WINE8_DIFFERS(CHECK_EQ("of the OEM code page", number, 0xe4));

    log_text[0] = 0;
    DestroyWindow(window);
    CHECK("no focus in the end", GetFocus() == NULL);
    return finish();
}
