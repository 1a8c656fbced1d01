/* Windows that nobody sees: for messages only, and hidden ones. What they are told, in which order, by whom. */
#include "family.h"

static char log_text[4096];
static WCHAR seen_name[64];

static void note(const char *format, ...) {
    va_list args;
    size_t length = strlen(log_text);
    va_start(args, format);
    vsnprintf(log_text + length, sizeof log_text - length, format, args);
    va_end(args);
}

static void check_log(const char *name, const char *want) {
    if (!CHECK(name, !strcmp(log_text, want))) say("  got:  %s\n  want: %s", log_text, want);
    log_text[0] = 0;
}

/* Notes each message's number, and answers some of its own. */
static LRESULT CALLBACK noting(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    switch (message) {
    case WM_NCCREATE:
    case WM_CREATE: {
        CREATESTRUCTW *made = (CREATESTRUCTW *)lparam;
        note("%x(%d,%d,%d,%d,%x) ", message, made->x, made->y, made->cx, made->cy, (unsigned)(ULONG_PTR)made->lpCreateParams);
        if (made->lpszName) lstrcpynW(seen_name, made->lpszName, 64);
        if (message == WM_NCCREATE && made->lpCreateParams == (void *)13) return FALSE;
        if (message == WM_CREATE && made->lpCreateParams == (void *)14) return -1;
        break;
    }
    case WM_NCCALCSIZE: {
        RECT *rect = (RECT *)lparam;
        note("%x(%d,%ld,%ld) ", message, (int)wparam, rect->right - rect->left, rect->bottom - rect->top);
        break;
    }
    case WM_GETMINMAXINFO:
    case WM_PARENTNOTIFY:
        note("%x ", message);
        break;
    case WM_STYLECHANGING:
    case WM_STYLECHANGED: {
        STYLESTRUCT *style = (STYLESTRUCT *)lparam;
        note("%x(%d,%lx,%lx) ", message, (int)wparam, style->styleOld, style->styleNew);
        if (message == WM_STYLECHANGING && style->styleNew & 0x10) style->styleNew |= 0x20;
        break;
    }
    case WM_USER:
        note("%x(%x,%x) ", message, (unsigned)wparam, (unsigned)lparam);
        return 0x123456789abcdef;
    case WM_USER + 1:
        /* Sends on while it is being answered. */
        return SendMessageW((HWND)wparam, WM_USER, 1, 2) == 0x123456789abcdef ? 77 : 0;
    case WM_USER + 2:
        ReplyMessage(55);
        Sleep((DWORD)wparam);
        return 66;
    case WM_USER + 3:
        return InSendMessageEx(NULL);
    case WM_USER + 4:
        /* As deep as it is asked. */
        return wparam ? SendMessageW(window, WM_USER + 4, wparam - 1, 0) + 1 : 0;
    case WM_USER + 5:
        DestroyWindow(window);
        return 9;
    case WM_TIMER:
        note("timer(%x) ", (unsigned)wparam);
        return 0;
    case WM_COPYDATA: {
        COPYDATASTRUCT *data = (COPYDATASTRUCT *)lparam;
        DWORD sum = 0;
        for (DWORD i = 0; i < data->cbData; i++) sum = sum * 31 + ((BYTE *)data->lpData)[i];
        return sum + data->dwData;
    }
    case WM_SHOWWINDOW:
    case WM_WINDOWPOSCHANGING:
    case WM_GETICON:
    case WM_ACTIVATE:
        break;
    default:
        note("%x ", message);
    }
    return DefWindowProcW(window, message, wparam, lparam);
}

static ATOM registered(const WCHAR *name) {
    WNDCLASSEXW made = {.cbSize = sizeof made, .lpfnWndProc = noting, .cbClsExtra = 16, .cbWndExtra = 24, .hInstance = GetModuleHandleW(NULL), .lpszClassName = name};
    return RegisterClassExW(&made);
}

static HWND message_window(const WCHAR *class, const WCHAR *text, void *argument) {
    return CreateWindowExW(0, class, text, 0, 1, 2, 3, 4, HWND_MESSAGE, NULL, GetModuleHandleW(NULL), argument);
}

static void creation(void) {
    char want[128];
    CHECK("registered", registered(L"Portcullis notes") >= 0xc000);
    HWND window = message_window(L"Portcullis notes", L"a text \x20ac", (void *)0x1234);
    CHECK("made", window && IsWindow(window));
    /* as wide as its caption's font wants it */
    snprintf(want, sizeof want, "24 81(1,2,3,4,1234) 83(0,%d,27) 1(1,2,3,4,1234) ", GetSystemMetrics(SM_CXMINTRACK));
    check_log("what it was told", want);
    CHECK("the name came along", !wcscmp(seen_name, L"a text \x20ac"));
    CHECK("its thread", GetWindowThreadProcessId(window, NULL) == GetCurrentThreadId());
    CHECK("not to be seen", !IsWindowVisible(window) && IsWindowEnabled(window) && IsWindowUnicode(window));
    CHECK("no parent to tell of", !GetParent(window));
    CHECK("but one", GetAncestor(window, GA_PARENT) && GetAncestor(window, GA_PARENT) != GetDesktopWindow());
    CHECK("found", FindWindowExW(HWND_MESSAGE, NULL, L"PORTCULLIS NOTES", L"A text \x20ac") == window);
    CHECK("not among others", !FindWindowExW(HWND_MESSAGE, window, L"Portcullis notes", NULL));
    WCHAR name[64];
    CHECK_EQ("its class", GetClassNameW(window, name, 64), 16);
    CHECK("by name", !wcscmp(name, L"Portcullis notes"));
    CHECK_EQ("cut", GetClassNameW(window, name, 5), 4);
    CHECK_ERROR("the class is used", UnregisterClassW(L"Portcullis notes", GetModuleHandleW(NULL)), ERROR_CLASS_HAS_WINDOWS);
    CHECK("gone", DestroyWindow(window));
    check_log("what it was told at the end", "2 82 ");
    WINE8_DIFFERS(CHECK_ERROR("is no more", DestroyWindow(window), ERROR_INVALID_WINDOW_HANDLE));
    CHECK("no window", !IsWindow(window) && !IsWindow(NULL) && !IsWindow((HWND)0x12345));
    CHECK("refused before", !message_window(L"Portcullis notes", NULL, (void *)13));
    check_log("and not told of its creation", "24 81(1,2,3,4,d) 82 ");
    CHECK("refused", !message_window(L"Portcullis notes", NULL, (void *)14));
    snprintf(want, sizeof want, "24 81(1,2,3,4,e) 83(0,%d,27) 1(1,2,3,4,e) 82 ", GetSystemMetrics(SM_CXMINTRACK));
    check_log("and taken away", want);
    CHECK("no such class", !message_window(L"Portcullis no such class", NULL, NULL));
    CHECK_ERROR("a child without a parent", CreateWindowExW(0, L"Portcullis notes", NULL, WS_CHILD, 0, 0, 0, 0, NULL, NULL, NULL, NULL) != NULL, ERROR_TLW_WITH_WSCHILD);
    CHECK_ERROR("no such parent", CreateWindowExW(0, L"Portcullis notes", NULL, WS_CHILD, 0, 0, 0, 0, (HWND)0x12345, NULL, NULL, NULL) != NULL, ERROR_INVALID_WINDOW_HANDLE);
}

static void texts(void) {
    HWND window = message_window(L"Portcullis notes", L"first", NULL);
    WCHAR wide[32];
    char narrow[32];
    log_text[0] = 0;
    CHECK_EQ("its text", GetWindowTextW(window, wide, 32), 5);
    CHECK("that one", !wcscmp(wide, L"first"));
    CHECK("another", SetWindowTextW(window, L"s\xe9" L"cond \x20ac"));
    CHECK_EQ("in the other kind", GetWindowTextA(window, narrow, 32), 8);
    CHECK("with its letters", !strcmp(narrow, "s\xe9" "cond \x80"));
    CHECK_EQ("cut", GetWindowTextW(window, wide, 3), 2);
    CHECK("with an end", !wcscmp(wide, L"s\xe9"));
    CHECK_EQ("how long", GetWindowTextLengthW(window), 8);
    CHECK("ANSI", SetWindowTextA(window, "th\xefrd"));
    CHECK_EQ("as it is kept", InternalGetWindowText(window, wide, 32), 5);
    CHECK("in UTF-16", !wcscmp(wide, L"th\xefrd"));
    check_log("asked and told by messages", "d c d d e c ");
    CHECK("none", SetWindowTextW(window, NULL));
    CHECK_EQ("nothing", GetWindowTextW(window, wide, 32), 0);
    DestroyWindow(window);
    log_text[0] = 0;
}

static void words(void) {
    HWND window = message_window(L"Portcullis notes", NULL, NULL), child = NULL;
    log_text[0] = 0;
    CHECK_ERROR("beyond", SetWindowLongPtrW(window, 24, 1), ERROR_INVALID_INDEX);
    CHECK_EQ("beside it", SetWindowLongPtrW(window, 16, 0x1122334455667788), 0);
    CHECK_EQ("read", GetWindowLongPtrW(window, 16), 0x1122334455667788);
    CHECK_EQ("half of it", (DWORD)GetWindowLongW(window, 20), 0x11223344);
    CHECK_EQ("a quarter", GetWindowWord(window, 18), 0x5566);
    CHECK_EQ("set in part", SetWindowWord(window, 16, 0xabcd), 0x7788);
    CHECK_EQ("kept else", GetWindowLongPtrW(window, 16), 0x112233445566abcd);
    CHECK_ERROR("below", GetWindowLongPtrW(window, -1), ERROR_INVALID_INDEX);
    CHECK_EQ("its own", SetWindowLongPtrW(window, GWLP_USERDATA, 0x123456789a), 0);
    CHECK_EQ("its own, kept", GetWindowLongPtrW(window, GWLP_USERDATA), 0x123456789a);
    CHECK_EQ("its module", GetWindowLongPtrW(window, GWLP_HINSTANCE), (ULONG_PTR)GetModuleHandleW(NULL));
    CHECK_EQ("its procedure", GetWindowLongPtrW(window, GWLP_WNDPROC), (ULONG_PTR)noting);
    CHECK("a handle for the other kind of text", GetWindowLongPtrA(window, GWLP_WNDPROC) != (LONG_PTR)noting);
    CHECK_EQ("which can be called", CallWindowProcA((WNDPROC)GetWindowLongPtrA(window, GWLP_WNDPROC), window, WM_USER, 3, 4), 0x123456789abcdef);
    check_log("told", "400(3,4) ");
    DWORD style = (DWORD)GetWindowLongW(window, GWL_STYLE);
    CHECK_EQ("its style", style, WS_CLIPSIBLINGS | WS_CAPTION);
    SetWindowLongW(window, GWL_STYLE, style | 0x10);
    CHECK_EQ("its style, changed by its procedure as well", (DWORD)GetWindowLongW(window, GWL_STYLE), style | 0x30);
    CHECK("told of both", strstr(log_text, "7c(-16,") == log_text && strstr(log_text, "7d(-16,"));
    log_text[0] = 0;
    CHECK_EQ("of the class", SetClassLongPtrW(window, 8, 0x99887766554433), 0);
    CHECK_EQ("of the class, kept", GetClassLongPtrW(window, 8), 0x99887766554433);
    CHECK_EQ("its number", GetClassWord(window, GCW_ATOM), GetClassInfoExW(GetModuleHandleW(NULL), L"Portcullis notes", &(WNDCLASSEXW){.cbSize = sizeof(WNDCLASSEXW)}));
    CHECK_EQ("its bytes", GetClassLongW(window, GCL_CBCLSEXTRA), 16);
    CHECK_EQ("its windows'", GetClassLongW(window, GCL_CBWNDEXTRA), 24);
    CHECK_ERROR("beyond the class", GetClassLongPtrW(window, 9), ERROR_INVALID_INDEX);
    /* Stock Wine makes children of such windows only where it has a display. */
    if (!under_oracle()) {
        child = CreateWindowExW(0, L"Portcullis notes", NULL, WS_CHILD | WS_VISIBLE, 5, 6, 7, 8, window, (HMENU)42, GetModuleHandleW(NULL), NULL);
        CHECK("a child", child != NULL);
        CHECK_EQ("its number among them", GetDlgCtrlID(child), 42);
        CHECK("its parent", GetParent(child) == window && IsChild(window, child) && GetWindow(window, GW_CHILD) == child);
        CHECK("not to be seen either", !IsWindowVisible(child));
    }
    DestroyWindow(window);
    CHECK("it goes too", !IsWindow(child));
    log_text[0] = 0;
}

static void properties(void) {
    HWND window = message_window(L"Portcullis notes", NULL, NULL);
    CHECK("none", !GetPropW(window, L"a property"));
    CHECK("set", SetPropW(window, L"a property", (HANDLE)0x123456789a));
    CHECK_EQ("kept", (ULONG_PTR)GetPropW(window, L"A PROPERTY"), 0x123456789a);
    CHECK("set anew", SetPropA(window, "a property", (HANDLE)7));
    CHECK_EQ("anew", (ULONG_PTR)GetPropA(window, "a property"), 7);
    ATOM atom = GlobalAddAtomW(L"Portcullis atom");
    CHECK("by number", SetPropW(window, (LPCWSTR)(ULONG_PTR)atom, (HANDLE)8));
    CHECK_EQ("by name", (ULONG_PTR)GetPropW(window, L"portcullis atom"), 8);
    CHECK_EQ("taken away", (ULONG_PTR)RemovePropW(window, L"a property"), 7);
    CHECK("gone", !GetPropW(window, L"a property") && !RemovePropW(window, L"a property"));
    GlobalDeleteAtom(atom);
    DestroyWindow(window);
    CHECK_ERROR("with the window", SetPropW(window, L"a property", NULL), ERROR_INVALID_WINDOW_HANDLE);
    log_text[0] = 0;
}

static void CALLBACK ticks(HWND window, UINT message, UINT_PTR id, DWORD time) {
    note("tick(%d,%x,%d) ", window != NULL, message, (int)id);
    (void)time;
    PostQuitMessage(0);
}

static void pump(void) {
    MSG message;
    while (GetMessageW(&message, NULL, 0, 0) > 0) DispatchMessageW(&message);
}

static void timers(void) {
    HWND window = message_window(L"Portcullis notes", NULL, NULL);
    MSG message;
    log_text[0] = 0;
    CHECK_EQ("its number", SetTimer(window, 5, 20, NULL), 5);
    CHECK("it comes", GetMessageW(&message, window, 0, 0) == 1 && message.message == WM_TIMER && message.wParam == 5 && message.hwnd == window);
    DispatchMessageW(&message);
    check_log("to its procedure", "timer(5) ");
    CHECK("again", GetMessageW(&message, window, WM_TIMER, WM_TIMER) == 1 && message.wParam == 5);
    CHECK("what is posted comes first", PostMessageW(window, WM_USER, 0, 0));
    Sleep(60);
    CHECK("indeed", GetMessageW(&message, NULL, 0, 0) == 1 && message.message == WM_USER);
    CHECK("it is due meanwhile", HIWORD(GetQueueStatus(QS_TIMER)) & QS_TIMER);
    CHECK("stopped", KillTimer(window, 5));
    CHECK("none", !PeekMessageW(&message, NULL, WM_TIMER, WM_TIMER, PM_REMOVE));
    CHECK("it was", !KillTimer(window, 5));
    CHECK("to a function", SetTimer(window, 6, 10, ticks));
    pump();
    check_log("which is called", "tick(1,113,6) ");
    KillTimer(window, 6);
    UINT_PTR id = SetTimer(NULL, 0, 10, ticks);
    CHECK("without a window", id != 0);
    pump();
    CHECK("called as well", strstr(log_text, "tick(0,113,") == log_text);
    CHECK("stopped by number", KillTimer(NULL, id));
    CHECK_EQ("a wait ends with it", (SetTimer(window, 7, 10, NULL), MsgWaitForMultipleObjects(0, NULL, FALSE, 30000, QS_TIMER)), WAIT_OBJECT_0);
    DestroyWindow(window);
    CHECK("gone with its window", !PeekMessageW(&message, NULL, WM_TIMER, WM_TIMER, PM_REMOVE));
    log_text[0] = 0;
}

static HWND others_window;
static HANDLE others_ready;

static DWORD WINAPI other(void *argument) {
    others_window = message_window(L"Portcullis notes", L"the other's", NULL);
    SetEvent(others_ready);
    pump();
    (void)argument;
    return (DWORD)(ULONG_PTR)IsWindow(others_window);
}

static volatile LONG called_back;

static void CALLBACK answered(HWND window, UINT message, ULONG_PTR data, LRESULT result) {
    if (window == others_window && message == WM_USER && data == 0x77 && result == 0x123456789abcdef) InterlockedIncrement(&called_back);
}

static void between_threads(void) {
    MSG message;
    DWORD_PTR result = 0;
    others_ready = CreateEventW(NULL, FALSE, FALSE, NULL);
    HANDLE thread = CreateThread(NULL, 0, other, NULL, 0, NULL);
    WaitForSingleObject(others_ready, 30000);
    HWND window = message_window(L"Portcullis notes", NULL, NULL);
    log_text[0] = 0;
    CHECK_EQ("sent", SendMessageW(others_window, WM_USER, 5, 6), 0x123456789abcdef);
    check_log("received", "400(5,6) ");
    CHECK_EQ("and sent back meanwhile", SendMessageW(others_window, WM_USER + 1, (WPARAM)window, 0), 77);
    check_log("received here", "400(1,2) ");
    WCHAR text[32];
    CHECK_EQ("its text", GetWindowTextW(others_window, text, 32), 11);
    CHECK("that one", !wcscmp(text, L"the other's"));
    CHECK_EQ("answered before the end", SendMessageW(others_window, WM_USER + 2, 0, 0), 55);
    CHECK_EQ("as it sees it", SendMessageW(others_window, WM_USER + 3, 0, 0), ISMEX_SEND);
    CHECK_EQ("not by itself", SendMessageW(window, WM_USER + 3, 0, 0), ISMEX_NOSEND);
    CHECK_EQ("in time", SendMessageTimeoutW(others_window, WM_USER, 1, 1, SMTO_NORMAL, 30000, &result), 1);
    CHECK_EQ("with the result", result, 0x123456789abcdef);
    SendNotifyMessageW(others_window, WM_USER + 2, 300, 0);
    CHECK_ERROR("not in time", SendMessageTimeoutW(others_window, WM_USER, 1, 1, SMTO_NORMAL, 20, &result), ERROR_TIMEOUT);
    CHECK("with a function for the answer", SendMessageCallbackW(others_window, WM_USER, 1, 1, answered, 0x77));
    for (int i = 0; i < 300 && !called_back; i++) {
        PeekMessageW(&message, NULL, 0, 0, PM_REMOVE);
        Sleep(10);
    }
    CHECK_EQ("which is called", called_back, 1);
    CHECK_ERROR("no addresses without an answer", SendNotifyMessageW(others_window, WM_SETTEXT, 0, (LPARAM)L"x"), ERROR_MESSAGE_SYNC_ONLY);
    CHECK_ERROR("nor posted", PostMessageW(others_window, WM_SETTEXT, 0, (LPARAM)L"x"), ERROR_MESSAGE_SYNC_ONLY);
    CHECK_ERROR("not another's to destroy", DestroyWindow(others_window), ERROR_ACCESS_DENIED);
    log_text[0] = 0;
    for (int i = 0; i < 1000; i++) SendMessageW(others_window, WM_USER + 3, 0, 0);
    CHECK_EQ("a thousand more", SendMessageW(others_window, WM_USER + 3, 0, 0), ISMEX_SEND);
    PostMessageW(others_window, WM_QUIT, 0, 0);
    CHECK_EQ("the end", WaitForSingleObject(thread, 30000), WAIT_OBJECT_0);
    CHECK("its window went", !IsWindow(others_window));
    CHECK_ERROR("nobody there", SendMessageW(others_window, WM_USER, 0, 0), ERROR_INVALID_WINDOW_HANDLE);
    CloseHandle(thread);
    DestroyWindow(window);
    log_text[0] = 0;
}

static DWORD WINAPI vanishes(void *argument) {
    others_window = message_window(L"Portcullis notes", NULL, NULL);
    SetEvent(others_ready);
    WaitForSingleObject(argument, INFINITE);
    ExitThread(0);
}

static void the_receiver_goes(void) {
    HANDLE go = CreateEventW(NULL, FALSE, FALSE, NULL);
    HANDLE thread = CreateThread(NULL, 0, vanishes, go, 0, NULL);
    WaitForSingleObject(others_ready, 30000);
    CHECK("posted", PostMessageW(others_window, WM_USER, 0, 0));
    /* Nobody answers: the thread ends first. */
    SendNotifyMessageW(others_window, WM_USER, 0, 0);
    SetEvent(go);
    CHECK_EQ("no answer", SendMessageW(others_window, WM_USER, 0, 0), 0);
    CHECK_EQ("it ended", WaitForSingleObject(thread, 30000), WAIT_OBJECT_0);
    CloseHandle(thread);
    CloseHandle(go);
    log_text[0] = 0;
}

static void depth(void) {
    HWND window = message_window(L"Portcullis notes", NULL, NULL);
    /* DispatchMessage and SendMessage on the same thread are user32's own; the kernel calls back for those below. */
    CHECK_EQ("thirty deep", SendMessageW(window, WM_USER + 4, 30, 0), 30);
    CHECK_EQ("goes while it is called", SendMessageW(window, WM_USER + 5, 0, 0), 9);
    CHECK("gone", !IsWindow(window));
    log_text[0] = 0;
}

static LRESULT CALLBACK nested(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    /* CreateWindow calls the procedure from within the kernel: windows made by windows that are being made. */
    if (message == WM_CREATE) {
        CREATESTRUCTW *made = (CREATESTRUCTW *)lparam;
        ULONG_PTR left = (ULONG_PTR)made->lpCreateParams;
        if (left) {
            HWND inner = CreateWindowExW(0, L"Portcullis nest", NULL, 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, (void *)(left - 1));
            if (!inner) return -1;
            DestroyWindow(inner);
        }
    }
    return DefWindowProcW(window, message, wparam, lparam);
}

static DWORD WINAPI ends_within(void *argument) {
    (void)argument;
    message_window(L"Portcullis ends", NULL, NULL);
    return 1;
}

static LRESULT CALLBACK ending(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == WM_CREATE) ExitThread(42);
    return DefWindowProcW(window, message, wparam, lparam);
}

static LRESULT CALLBACK raising(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == WM_CREATE) RaiseException(0xe0001234, 0, 0, NULL);
    return DefWindowProcW(window, message, wparam, lparam);
}

static volatile LONG raised;

static LONG WINAPI over_it(EXCEPTION_POINTERS *pointers) {
    if (pointers->ExceptionRecord->ExceptionCode != 0xe0001234) return EXCEPTION_CONTINUE_SEARCH;
    raised++;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void within_callbacks(void) {
    WNDCLASSW made = {.lpfnWndProc = nested, .lpszClassName = L"Portcullis nest"};
    DWORD code = 0;
    RegisterClassW(&made);
    HWND window = message_window(L"Portcullis nest", NULL, (void *)12);
    CHECK("twelve in each other", window != NULL);
    DestroyWindow(window);
    made.lpfnWndProc = ending;
    made.lpszClassName = L"Portcullis ends";
    RegisterClassW(&made);
    HANDLE thread = CreateThread(NULL, 0, ends_within, NULL, 0, NULL);
    CHECK_EQ("a thread that ends within one", WaitForSingleObject(thread, 30000), WAIT_OBJECT_0);
    CHECK("ends as it said", GetExitCodeThread(thread, &code) && code == 42);
    CloseHandle(thread);
    CHECK("and leaves no window", !FindWindowExW(HWND_MESSAGE, NULL, L"Portcullis ends", NULL));
    made.lpfnWndProc = raising;
    made.lpszClassName = L"Portcullis raises";
    RegisterClassW(&made);
    void *handler = AddVectoredExceptionHandler(1, over_it);
    window = message_window(L"Portcullis raises", NULL, NULL);
    RemoveVectoredExceptionHandler(handler);
    CHECK("an exception within one is handled there", window != NULL && raised == 1);
    DestroyWindow(window);
}

static int child(const char *parent) {
    HWND window = (HWND)handle_of(parent);
    WCHAR text[64];
    CHECK("another process's", IsWindow(window) && IsWindowUnicode(window));
    DWORD process = 0;
    CHECK("whose", GetWindowThreadProcessId(window, &process) && process != GetCurrentProcessId());
    CHECK("found", FindWindowExW(HWND_MESSAGE, NULL, L"Portcullis parent", NULL) == window);
    CHECK_EQ("class", GetClassNameW(window, text, 64), 17);
    CHECK_EQ("sent", SendMessageW(window, WM_USER, 8, 9), 0x123456789abcdef);
    CHECK_EQ("text", SendMessageW(window, WM_GETTEXT, 64, (LPARAM)text), 10);
    CHECK("that", !wcscmp(text, L"from there"));
    CHECK("set", SendMessageW(window, WM_SETTEXT, 0, (LPARAM)L"from here, \x20ac"));
    char ansi[64];
    CHECK_EQ("text in the other kind", SendMessageA(window, WM_GETTEXT, 64, (LPARAM)ansi), 12);
    CHECK("as it is", !strcmp(ansi, "from here, \x80"));
    BYTE bytes[5000];
    DWORD sum = 0;
    for (DWORD i = 0; i < sizeof bytes; i++) {
        bytes[i] = (BYTE)(i * 7);
        sum = sum * 31 + bytes[i];
    }
    COPYDATASTRUCT data = {3, sizeof bytes, bytes};
    CHECK_EQ("data", (DWORD)SendMessageW(window, WM_COPYDATA, 0, (LPARAM)&data), sum + 3);
    CHECK_ERROR("its procedure is its own", GetWindowLongPtrW(window, GWLP_WNDPROC), ERROR_ACCESS_DENIED);
    CHECK_EQ("its word", GetWindowLongPtrW(window, GWLP_USERDATA), 0x5555);
    CHECK_EQ("set from here", SetWindowLongPtrW(window, GWLP_USERDATA, 0x6666), 0x5555);
    CHECK("property", (ULONG_PTR)GetPropW(window, L"a property") == 77);
    CHECK_ERROR("not ours to destroy", DestroyWindow(window), ERROR_ACCESS_DENIED);
    /* Left behind: whoever is the last to hear of it. */
    CHECK("one of our own", registered(L"Portcullis child") && message_window(L"Portcullis child", NULL, NULL));
    CHECK("posted", PostMessageW(window, WM_QUIT, 21, 0));
    return finish();
}

static void between_processes(void) {
    PROCESS_INFORMATION made;
    MSG message;
    registered(L"Portcullis parent");
    HWND window = message_window(L"Portcullis parent", L"from there", NULL);
    SetWindowLongPtrW(window, GWLP_USERDATA, 0x5555);
    SetPropW(window, L"a property", (HANDLE)77);
    log_text[0] = 0;
    CHECK("started", start(&made, 0, FALSE, "child %llu", number(window)));
    while (GetMessageW(&message, NULL, 0, 0) > 0) DispatchMessageW(&message);
    CHECK_EQ("posted from there", message.wParam, 21);
    CHECK_EQ("it went well there", ended(&made), 0);
    CHECK_EQ("set from there", GetWindowLongPtrW(window, GWLP_USERDATA), 0x6666);
    WCHAR text[64];
    GetWindowTextW(window, text, 64);
    CHECK("its text as well", !wcscmp(text, L"from here, \x20ac"));
    int gone = 0;
    for (int i = 0; i < 200 && !gone; i++, Sleep(10)) gone = !FindWindowExW(HWND_MESSAGE, NULL, L"Portcullis child", NULL);
    CHECK("what it left is gone", gone);
    DestroyWindow(window);
    log_text[0] = 0;
}

static void many(void) {
    enum { COUNT = 3000 };
    static HWND all[COUNT];
    int good = 0;
    WNDCLASSW made = {.lpfnWndProc = DefWindowProcW, .lpszClassName = L"Portcullis many"};
    RegisterClassW(&made);
    for (int i = 0; i < COUNT; i++) good += (all[i] = message_window(L"Portcullis many", NULL, NULL)) != NULL;
    CHECK_EQ("three thousand", good, COUNT);
    HWND last = NULL;
    int listed = 0;
    while ((last = FindWindowExW(HWND_MESSAGE, last, L"Portcullis many", NULL)) && listed < 10) listed++;
    CHECK_EQ("listed", listed, 10);
    for (int i = 0; i < COUNT; i++) good -= DestroyWindow(all[i]);
    CHECK_EQ("all gone", good, 0);
    CHECK("indeed", !IsWindow(all[0]) && !IsWindow(all[COUNT - 1]));
    HWND again = message_window(L"Portcullis many", NULL, NULL);
    CHECK("no handle means another window", again && again != all[COUNT - 1] && !IsWindow(all[COUNT - 1]));
    DestroyWindow(again);
}

int main(int count, char **arguments) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (count > 2 && !strcmp(arguments[1], "child")) return child(arguments[2]);
    creation();
    texts();
    words();
    properties();
    timers();
    between_threads();
    the_receiver_goes();
    depth();
    within_callbacks();
    between_processes();
    many();
    return finish();
}
