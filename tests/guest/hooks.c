/* Hooks: in the thread, in another one, low-level ones, events; what they see and change. */
#include "check.h"

static HHOOK first, second;
static int order, first_at, second_at, calls, returns, created, destroyed, activated, swallowed, events, low_keys;
static UINT seen;
/* Where WM_GETMINMAXINFO's structure lay for a hook, the procedure and the hook behind it; what that found in it. */
static LPARAM hook_at, procedure_at, return_at;
static LONG return_found;
static HWND window, child;
static volatile LONG in_thread;

static LRESULT CALLBACK get_first(int code, WPARAM wparam, LPARAM lparam) {
    MSG *message = (MSG *)lparam;
    if (code == HC_ACTION && message->message == WM_USER) { first_at = ++order; message->lParam = 77; }
    return CallNextHookEx(first, code, wparam, lparam);
}

static LRESULT CALLBACK get_second(int code, WPARAM wparam, LPARAM lparam) {
    MSG *message = (MSG *)lparam;
    if (code == HC_ACTION && message->message == WM_USER) second_at = ++order;
    return CallNextHookEx(second, code, wparam, lparam);
}

static LRESULT CALLBACK called(int code, WPARAM wparam, LPARAM lparam) {
    CWPSTRUCT *sent = (CWPSTRUCT *)lparam;
    if (code == HC_ACTION && sent->message == WM_USER + 1 && sent->hwnd == window && sent->wParam == 5) { calls++; seen = (UINT)sent->lParam; }
    if (code == HC_ACTION && sent->message == WM_GETMINMAXINFO) {
        hook_at = sent->lParam;
        ((MINMAXINFO *)sent->lParam)->ptMaxSize.x = 4711;
    }
    return CallNextHookEx(NULL, code, wparam, lparam);
}

static LRESULT CALLBACK returned(int code, WPARAM wparam, LPARAM lparam) {
    CWPRETSTRUCT *sent = (CWPRETSTRUCT *)lparam;
    if (code == HC_ACTION && sent->message == WM_USER + 1 && sent->lResult == 99) returns++;
    if (code == HC_ACTION && sent->message == WM_GETMINMAXINFO) {
        return_at = sent->lParam;
        return_found = ((MINMAXINFO *)sent->lParam)->ptMinTrackSize.x;
    }
    return CallNextHookEx(NULL, code, wparam, lparam);
}

static LRESULT CALLBACK training(int code, WPARAM wparam, LPARAM lparam) {
    if (code == HCBT_CREATEWND) {
        CBT_CREATEWNDW *made = (CBT_CREATEWNDW *)lparam;
        /* Others come along: windows of input methods. */
        if (made->lpcs->cx == 100 || made->lpcs->cx == 1234) created++;
        if (made->lpcs->cx == 1234) return 1;
    }
    if (code == HCBT_DESTROYWND && ((HWND)wparam == window || (HWND)wparam == child)) destroyed++;
    if (code == HCBT_ACTIVATE) activated++;
    return CallNextHookEx(NULL, code, wparam, lparam);
}

static LRESULT CALLBACK filter(int code, WPARAM wparam, LPARAM lparam) {
    MSG *message = (MSG *)lparam;
    if (code == 4711 && message->message == WM_USER + 9) { swallowed++; return 1; }
    return CallNextHookEx(NULL, code, wparam, lparam);
}

static LRESULT CALLBACK low_keyboard(int code, WPARAM wparam, LPARAM lparam) {
    KBDLLHOOKSTRUCT *key = (KBDLLHOOKSTRUCT *)lparam;
    if (code == HC_ACTION && key->vkCode == 'Q') {
        low_keys++;
        if (!(key->flags & LLKHF_INJECTED)) low_keys = 1000;
        if (wparam == WM_KEYDOWN) return 1;
    }
    return CallNextHookEx(NULL, code, wparam, lparam);
}

static void CALLBACK event(HWINEVENTHOOK hook, DWORD which, HWND of, LONG object, LONG child, DWORD thread, DWORD time) {
    (void)hook, (void)time, (void)child;
    if (which == EVENT_OBJECT_NAMECHANGE && of == window && object == OBJID_CLIENT && thread == GetCurrentThreadId()) events++;
}

static LRESULT CALLBACK procedure(HWND of, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == WM_USER + 1) return 99;
    if (message == WM_GETMINMAXINFO) {
        procedure_at = lparam;
        ((MINMAXINFO *)lparam)->ptMinTrackSize.x = 321;
        return 0;
    }
    return DefWindowProcW(of, message, wparam, lparam);
}

static LRESULT CALLBACK in_other_thread(int code, WPARAM wparam, LPARAM lparam) {
    MSG *message = (MSG *)lparam;
    if (code == HC_ACTION && message->message == WM_USER + 3) InterlockedExchange(&in_thread, (LONG)GetCurrentThreadId());
    return CallNextHookEx(NULL, code, wparam, lparam);
}

static DWORD WINAPI other(void *ready) {
    MSG message;
    PeekMessageW(&message, NULL, 0, 0, PM_NOREMOVE);
    SetEvent(ready);
    while (GetMessageW(&message, NULL, 0, 0) > 0) {}
    return 0;
}

int main(void) {
    HINSTANCE module = GetModuleHandleW(NULL);
    WNDCLASSW class = { .lpfnWndProc = procedure, .hInstance = module, .lpszClassName = L"hooked" };
    DWORD mine = GetCurrentThreadId();
    MSG message;
    RegisterClassW(&class);

    CHECK_ERROR("no function", SetWindowsHookExW(WH_CBT, NULL, NULL, mine), ERROR_INVALID_FILTER_PROC);
    CHECK_ERROR("one for all needs a module", SetWindowsHookExW(WH_CBT, training, NULL, 0), ERROR_HOOK_NEEDS_HMOD);
    WINE8_DIFFERS(CHECK_ERROR("a low-level one is for all", SetWindowsHookExW(WH_KEYBOARD_LL, low_keyboard, module, mine), ERROR_GLOBAL_ONLY_HOOK));
    WINE8_DIFFERS(CHECK_ERROR("journals are refused", SetWindowsHookExW(WH_JOURNALRECORD, training, module, 0), ERROR_ACCESS_DENIED));

    /* Creation, which may be refused. */
    HHOOK cbt = SetWindowsHookExW(WH_CBT, training, NULL, mine);
    CHECK("a hook on windows", cbt != NULL);
    window = CreateWindowW(L"hooked", L"", WS_OVERLAPPEDWINDOW, 0, 0, 100, 100, NULL, NULL, module, NULL);
    CHECK("a window", window != NULL);
    CHECK_EQ("was seen", created, 1);
    CHECK("one is refused", CreateWindowW(L"hooked", L"", WS_POPUP, 0, 0, 1234, 100, NULL, NULL, module, NULL) == NULL);
    CHECK_EQ("as it was seen", created, 2);
    child = CreateWindowW(L"hooked", L"", WS_CHILD, 0, 0, 10, 10, window, NULL, module, NULL);
    DestroyWindow(child);
    CHECK_EQ("a window goes", destroyed, 1);

    /* Messages that are taken: the last hook first, each may change them. */
    first = SetWindowsHookExW(WH_GETMESSAGE, get_first, NULL, mine);
    second = SetWindowsHookExW(WH_GETMESSAGE, get_second, NULL, mine);
    PostMessageW(window, WM_USER, 1, 2);
    CHECK("a message", PeekMessageW(&message, window, WM_USER, WM_USER, PM_REMOVE));
    CHECK_EQ("the last hook is the first", second_at, 1);
    CHECK_EQ("the first one follows", first_at, 2);
    CHECK_EQ("it changed the message", message.lParam, 77);
    CHECK("the first goes", UnhookWindowsHookEx(first));
    order = second_at = first_at = 0;
    PostMessageW(window, WM_USER, 1, 2);
    PeekMessageW(&message, window, WM_USER, WM_USER, PM_REMOVE);
    CHECK_EQ("and is not called", first_at, 0);
    CHECK_EQ("the other one is", second_at, 1);
    CHECK("the other goes", UnhookWindowsHookEx(second));
    CHECK_ERROR("once", UnhookWindowsHookEx(second), ERROR_INVALID_HOOK_HANDLE);

    /* Messages that are sent. */
    HHOOK before = SetWindowsHookExW(WH_CALLWNDPROC, called, NULL, mine), after = SetWindowsHookExW(WH_CALLWNDPROCRET, returned, NULL, mine);
    CHECK_EQ("a message is answered", SendMessageW(window, WM_USER + 1, 5, 6), 99);
    CHECK_EQ("one hook saw it", calls, 1);
    CHECK_EQ("with its parameters", seen, 6);
    CHECK_EQ("the other its answer", returns, 1);

    /* What a message points at: each of them gets a copy, and the procedure's comes back. */
    MINMAXINFO sizes = { .ptMinTrackSize = { 1, 2 }, .ptMaxSize = { 3, 4 } };
    SendMessageW(window, WM_GETMINMAXINFO, 0, (LPARAM)&sizes);
    WINE8_DIFFERS(CHECK("a hook has a copy", hook_at && hook_at != (LPARAM)&sizes));
    WINE8_DIFFERS(CHECK("the procedure has one", procedure_at && procedure_at != (LPARAM)&sizes));
    WINE8_DIFFERS(CHECK("so has the hook behind it", return_at && return_at != (LPARAM)&sizes));
    CHECK_EQ("which finds what the procedure wrote", return_found, 321);
    CHECK_EQ("that comes back", sizes.ptMinTrackSize.x, 321);
    CHECK_EQ("with the rest", sizes.ptMinTrackSize.y, 2);
    WINE8_DIFFERS(CHECK_EQ("what a hook wrote does not", sizes.ptMaxSize.x, 3));
    /* Texts of lists: no more than there is, and numbers as they are. */
    HWND list = CreateWindowW(L"listbox", L"", WS_CHILD, 0, 0, 10, 10, window, NULL, module, NULL);
    WCHAR text[8];
    char ansi[8];
    memset(text, 0x55, sizeof text);
    memset(ansi, 0x55, sizeof ansi);
    SendMessageW(list, LB_ADDSTRING, 0, (LPARAM)L"text");
    CHECK_EQ("a text", SendMessageW(list, LB_GETTEXT, 0, (LPARAM)text), 4);
    CHECK("as long as it is", !wcscmp(text, L"text") && text[5] == 0x5555);
    CHECK_EQ("an ANSI one", SendMessageA(list, LB_GETTEXT, 0, (LPARAM)ansi), 4);
    CHECK("as long as it is", !strcmp(ansi, "text") && ansi[5] == 0x55);
    CHECK_EQ("none", SendMessageW(list, LB_GETTEXT, 9, (LPARAM)text), LB_ERR);
    CHECK("leaves what was there", !wcscmp(text, L"text"));
    DestroyWindow(list);
    list = CreateWindowW(L"listbox", L"", WS_CHILD | LBS_OWNERDRAWFIXED, 0, 0, 10, 10, window, NULL, module, NULL);
    ULONG_PTR numbers[2] = { 0, 0x5555 };
    SendMessageW(list, LB_ADDSTRING, 0, 0x12003400560078);
    SendMessageW(list, LB_GETTEXT, 0, (LPARAM)numbers);
    CHECK_EQ("a number of the program's", numbers[0], 0x12003400560078);
    CHECK_EQ("and no more", numbers[1], 0x5555);
    DestroyWindow(list);
    UnhookWindowsHookEx(before);
    UnhookWindowsHookEx(after);
    SendMessageW(window, WM_GETMINMAXINFO, 0, (LPARAM)&sizes);
    CHECK_EQ("with no hook nothing is copied", procedure_at, (LPARAM)&sizes);

    /* Filters of messages. */
    HHOOK messages = SetWindowsHookExW(WH_MSGFILTER, filter, NULL, mine);
    MSG made = { window, WM_USER + 9, 0, 0, 0, { 0, 0 } };
    CHECK("a filter takes a message", CallMsgFilterW(&made, 4711));
    CHECK("not others", !CallMsgFilterW(&made, 4712));
    CHECK_EQ("once", swallowed, 1);
    UnhookWindowsHookEx(messages);

    /* A hook in another thread. */
    HANDLE ready = CreateEventW(NULL, FALSE, FALSE, NULL);
    DWORD id;
    HANDLE thread = CreateThread(NULL, 0, other, ready, 0, &id);
    WaitForSingleObject(ready, INFINITE);
    HHOOK theirs = SetWindowsHookExW(WH_GETMESSAGE, in_other_thread, NULL, id);
    CHECK("a hook for another thread", theirs != NULL);
    PostThreadMessageW(id, WM_USER + 3, 0, 0);
    PostThreadMessageW(id, WM_QUIT, 0, 0);
    WaitForSingleObject(thread, INFINITE);
    CHECK_EQ("runs there", in_thread, id);
    WINE8_DIFFERS(CHECK("and went with it", !UnhookWindowsHookEx(theirs)));

    /* Low-level keys. */
    HHOOK keys = SetWindowsHookExW(WH_KEYBOARD_LL, low_keyboard, module, 0);
    CHECK("a low-level hook", keys != NULL);
    INPUT inputs[2] = { { .type = INPUT_KEYBOARD, .ki = { .wVk = 'Q' } }, { .type = INPUT_KEYBOARD, .ki = { .wVk = 'Q', .dwFlags = KEYEVENTF_KEYUP } } };
    CHECK_EQ("keys", SendInput(2, inputs, sizeof *inputs), 2);
    CHECK_EQ("are seen", low_keys, 2);
    CHECK("what is kept back has no effect", !(GetAsyncKeyState('Q') & 1));
    UnhookWindowsHookEx(keys);

    /* Events. */
    HWINEVENTHOOK out = SetWinEventHook(EVENT_OBJECT_NAMECHANGE, EVENT_OBJECT_NAMECHANGE, NULL, event, GetCurrentProcessId(), 0, WINEVENT_OUTOFCONTEXT);
    CHECK("a hook on events", out != NULL);
    NotifyWinEvent(EVENT_OBJECT_NAMECHANGE, window, OBJID_CLIENT, 0);
    NotifyWinEvent(EVENT_OBJECT_VALUECHANGE, window, OBJID_CLIENT, 0);
    CHECK_EQ("nothing is told before messages are looked at", events, 0);
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) {}
    CHECK_EQ("then the one that it is for", events, 1);
    CHECK("it goes", UnhookWinEvent(out));
    NotifyWinEvent(EVENT_OBJECT_NAMECHANGE, window, OBJID_CLIENT, 0);
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) {}
    CHECK_EQ("and hears nothing more", events, 1);

    destroyed = 0;
    DestroyWindow(window);
    CHECK_EQ("the window goes", destroyed, 1);
    UnhookWindowsHookEx(cbt);
    return finish();
}
