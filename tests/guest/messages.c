/* Message queues of threads that have no windows. */
#include "check.h"

static DWORD WINAPI echo(void *argument) {
    MSG message;
    DWORD back = (DWORD)(ULONG_PTR)argument;
    /* The queue is there from here on. */
    PeekMessageA(&message, NULL, 0, 0, PM_NOREMOVE);
    PostThreadMessageA(back, WM_APP, GetCurrentThreadId(), 0);
    int seen = 0;
    while (GetMessageA(&message, NULL, 0, 0) > 0) {
        seen++;
        DispatchMessageA(&message);
        PostThreadMessageA(back, message.message + 1, message.wParam * 2, message.lParam * 2);
    }
    return (DWORD)(message.wParam + seen);
}

static DWORD WINAPI deaf(void *argument) {
    WaitForSingleObject(argument, INFINITE);
    return 0;
}

static void between_threads(void) {
    MSG message;
    DWORD other = 0, code = 0;
    /* The queue is there from here on. */
    PeekMessageA(&message, NULL, 0, 0, PM_NOREMOVE);
    HANDLE thread = CreateThread(NULL, 0, echo, (void *)(ULONG_PTR)GetCurrentThreadId(), 0, &other);
    CHECK_EQ("it is there", GetMessageA(&message, NULL, 0, 0), 1);
    CHECK("and says so", message.message == WM_APP && message.wParam == other && !message.hwnd);
    for (UINT i = 0; i < 100; i++) PostThreadMessageA(other, WM_USER + 2 * i, i, -(LPARAM)i);
    int good = 0;
    for (UINT i = 0; i < 100; i++) {
        if (GetMessageA(&message, NULL, 0, 0) != 1) break;
        good += message.message == WM_USER + 2 * i + 1 && message.wParam == 2 * i && message.lParam == -2 * (LPARAM)i;
    }
    CHECK_EQ("all come back in order", good, 100);
    CHECK("the end", PostThreadMessageA(other, WM_QUIT, 7, 0));
    CHECK_EQ("it ends", WaitForSingleObject(thread, 30000), WAIT_OBJECT_0);
    CHECK("with that", GetExitCodeThread(thread, &code) && code == 107);
    CHECK_ERROR("gone", PostThreadMessageA(other, WM_USER, 0, 0), ERROR_INVALID_THREAD_ID);
    CloseHandle(thread);
    HANDLE end = CreateEventA(NULL, TRUE, FALSE, NULL);
    thread = CreateThread(NULL, 0, deaf, end, 0, &other);
    CHECK_ERROR("one without a queue", PostThreadMessageA(other, WM_USER, 0, 0), ERROR_INVALID_THREAD_ID);
    SetEvent(end);
    WaitForSingleObject(thread, 30000);
    CloseHandle(thread);
    CloseHandle(end);
    /* Wine 8 says ERROR_INVALID_PARAMETER. */
    if (!under_oracle()) CHECK_ERROR("none at all", PostThreadMessageA(0xfffff0, WM_USER, 0, 0), ERROR_INVALID_THREAD_ID);
}

static DWORD WINAPI notifies(void *window) {
    return SendNotifyMessageA(window, WM_USER, 0, 0);
}

static void filters(void) {
    DWORD self = GetCurrentThreadId();
    MSG message;
    CHECK("nothing", !PeekMessageA(&message, NULL, 0, 0, PM_REMOVE));
    for (UINT i = 0; i < 4; i++) CHECK("posted", PostThreadMessageA(self, WM_USER + i, i, 0));
    CHECK("left there", PeekMessageA(&message, NULL, 0, 0, PM_NOREMOVE) && message.message == WM_USER);
    CHECK("the third", PeekMessageA(&message, NULL, WM_USER + 2, WM_USER + 2, PM_REMOVE) && message.message == WM_USER + 2);
    CHECK("no longer", !PeekMessageA(&message, NULL, WM_USER + 2, WM_USER + 2, PM_REMOVE));
    CHECK("no sent ones", !PeekMessageA(&message, NULL, 0, 0, PM_REMOVE | PM_QS_SENDMESSAGE));
    CHECK("posted ones", PeekMessageA(&message, (HWND)-1, 0, 0, PM_REMOVE | PM_QS_POSTMESSAGE) && message.message == WM_USER);
    /* Who names kinds gets nothing in the call that answers what was sent. */
    HWND window = CreateWindowA("STATIC", NULL, 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    HANDLE thread = CreateThread(NULL, 0, notifies, window, 0, NULL);
    WaitForSingleObject(thread, 30000);
    CloseHandle(thread);
    CHECK("posted ones, and one that was sent", !PeekMessageA(&message, (HWND)-1, 0, 0, PM_REMOVE | PM_QS_POSTMESSAGE));
    CHECK("the posted ones", PeekMessageA(&message, (HWND)-1, 0, 0, PM_NOREMOVE | PM_QS_POSTMESSAGE) && message.message == WM_USER + 1);
    DestroyWindow(window);
    PostQuitMessage(42);
    CHECK("first what is there", GetMessageA(&message, NULL, 0, 0) == 1 && message.message == WM_USER + 1);
    CHECK("left", PeekMessageA(&message, NULL, 0, 0, PM_NOREMOVE) && message.message == WM_USER + 3);
    CHECK("it as well", GetMessageA(&message, NULL, 0, 0) == 1 && message.message == WM_USER + 3);
    CHECK_EQ("then the end", GetMessageA(&message, NULL, WM_USER, WM_USER), 0);
    CHECK("with that", message.message == WM_QUIT && message.wParam == 42);
    CHECK("once", !PeekMessageA(&message, NULL, 0, 0, PM_REMOVE));
    CHECK_ERROR("addresses are not posted", PostThreadMessageA(self, WM_SETTEXT, 0, (LPARAM) "x"), ERROR_MESSAGE_SYNC_ONLY);
    CHECK_ERROR("no such window", GetMessageA(&message, (HWND)0x12344, 0, 0) + 1, ERROR_INVALID_WINDOW_HANDLE);
}

static DWORD WINAPI later(void *argument) {
    Sleep(50);
    PostThreadMessageA((DWORD)(ULONG_PTR)argument, WM_USER, 1, 2);
    return 0;
}

static void waits(void) {
    DWORD self = GetCurrentThreadId();
    MSG message;
    HANDLE events[2] = {CreateEventA(NULL, FALSE, FALSE, NULL), CreateEventA(NULL, FALSE, TRUE, NULL)};
    CHECK_EQ("an object", MsgWaitForMultipleObjects(2, events, FALSE, 1000, QS_ALLINPUT), WAIT_OBJECT_0 + 1);
    CHECK_EQ("in time", MsgWaitForMultipleObjects(2, events, FALSE, 10, QS_ALLINPUT), WAIT_TIMEOUT);
    CHECK_EQ("none at all", MsgWaitForMultipleObjects(0, NULL, FALSE, 10, QS_ALLINPUT), WAIT_TIMEOUT);
    PostThreadMessageA(self, WM_USER, 0, 0);
    CHECK_EQ("there it is", HIWORD(GetQueueStatus(QS_ALLPOSTMESSAGE)) & QS_ALLPOSTMESSAGE, QS_ALLPOSTMESSAGE);
    CHECK_EQ("not of that kind", MsgWaitForMultipleObjects(2, events, FALSE, 10, QS_TIMER), WAIT_TIMEOUT);
    CHECK_EQ("a message", MsgWaitForMultipleObjects(2, events, FALSE, 1000, QS_POSTMESSAGE), WAIT_OBJECT_0 + 2);
    CHECK("seen", PeekMessageA(&message, NULL, 0, 0, PM_NOREMOVE));
    CHECK_EQ("not new any more", MsgWaitForMultipleObjects(2, events, FALSE, 10, QS_POSTMESSAGE), WAIT_TIMEOUT);
    CHECK_EQ("but there", MsgWaitForMultipleObjectsEx(2, events, 1000, QS_POSTMESSAGE, MWMO_INPUTAVAILABLE), WAIT_OBJECT_0 + 2);
    SetEvent(events[0]);
    CHECK_EQ("objects go first", MsgWaitForMultipleObjectsEx(2, events, 1000, QS_POSTMESSAGE, MWMO_INPUTAVAILABLE), WAIT_OBJECT_0);
    CHECK("taken", PeekMessageA(&message, NULL, 0, 0, PM_REMOVE) && !PeekMessageA(&message, NULL, 0, 0, PM_REMOVE));
    CHECK_EQ("gone", GetQueueStatus(QS_ALLPOSTMESSAGE), 0);
    HANDLE thread = CreateThread(NULL, 0, later, (void *)(ULONG_PTR)self, 0, NULL);
    CHECK_EQ("one that comes", MsgWaitForMultipleObjects(1, events, FALSE, 30000, QS_ALLPOSTMESSAGE), WAIT_OBJECT_0 + 1);
    CHECK("that one", PeekMessageA(&message, NULL, 0, 0, PM_REMOVE) && message.wParam == 1 && message.lParam == 2);
    WaitForSingleObject(thread, 30000);
    CloseHandle(thread);
    thread = CreateThread(NULL, 0, later, (void *)(ULONG_PTR)self, 0, NULL);
    CHECK("waited for", WaitMessage());
    CHECK("and there", PeekMessageA(&message, NULL, 0, 0, PM_REMOVE));
    WaitForSingleObject(thread, 30000);
    CloseHandle(thread);
    CHECK_ERROR("too many", MsgWaitForMultipleObjects(64, events, FALSE, 0, QS_ALLINPUT) + 1, ERROR_INVALID_PARAMETER);
    CHECK_ERROR("no flags", GetQueueStatus(0x80000000), ERROR_INVALID_FLAGS);
    HANDLE bad = (HANDLE)0x7ff0;
    CHECK_ERROR("no handle", MsgWaitForMultipleObjects(1, &bad, FALSE, 0, QS_ALLINPUT) + 1, ERROR_INVALID_HANDLE);
    CloseHandle(events[0]);
    CloseHandle(events[1]);
}

/* Classes are registered by DLLs that are loaded for other reasons. */
static void classes(void) {
    HINSTANCE own = GetModuleHandleA(NULL), other = GetModuleHandleA("ntdll.dll");
    WNDCLASSEXA made = {sizeof made, CS_DBLCLKS, DefWindowProcA, 4, 8, own, NULL, NULL, (HBRUSH)(COLOR_WINDOW + 1), "menu", "Portcullis class", NULL}, found;
    memset(&found, 0, sizeof found);
    found.cbSize = sizeof found;
    ATOM atom = RegisterClassExA(&made);
    CHECK("registered", atom >= 0xc000);
    CHECK_ERROR("not twice", RegisterClassExA(&made), ERROR_CLASS_ALREADY_EXISTS);
    CHECK_EQ("found", GetClassInfoExA(own, "PORTCULLIS CLASS", &found), atom);
    CHECK("as it was", found.style == CS_DBLCLKS && found.cbClsExtra == 4 && found.cbWndExtra == 8 && found.hInstance == own &&
                           found.hbrBackground == (HBRUSH)(COLOR_WINDOW + 1) && !strcmp(found.lpszMenuName, "menu"));
    CHECK_EQ("by its number", GetClassInfoExA(own, (LPCSTR)(ULONG_PTR)atom, &found), atom);
    CHECK_ERROR("not another module's", GetClassInfoExA(other, "Portcullis class", &found), ERROR_CLASS_DOES_NOT_EXIST);
    made.hInstance = other;
    CHECK_EQ("another module's of that name", RegisterClassExA(&made), atom);
    CHECK("gone", UnregisterClassA("Portcullis class", own));
    CHECK_ERROR("it was", UnregisterClassA("Portcullis class", own), ERROR_CLASS_DOES_NOT_EXIST);
    CHECK_EQ("the other is not", GetClassInfoExA(other, "Portcullis class", &found), atom);
    CHECK("now", UnregisterClassA((LPCSTR)(ULONG_PTR)atom, other));
    WNDCLASSW everybody = {CS_GLOBALCLASS, DefWindowProcW, 0, 0, own, NULL, NULL, NULL, NULL, L"Portcullis for all"}, wide;
    CHECK("registered for all", RegisterClassW(&everybody));
    CHECK("found by all", GetClassInfoW(other, L"Portcullis for all", &wide) && wide.lpfnWndProc == DefWindowProcW);
    everybody.cbWndExtra = -1;
    everybody.lpszClassName = L"Portcullis wrong";
    CHECK_ERROR("less than nothing", RegisterClassW(&everybody), ERROR_INVALID_PARAMETER);
    CHECK("for all, gone", UnregisterClassW(L"Portcullis for all", own));
}

static DWORD WINAPI late(void *thread) {
    Sleep(600);
    PostThreadMessageA((DWORD)(ULONG_PTR)thread, WM_USER + 5, 0, 0);
    return 0;
}

/* What is posted and not asked for does not keep a thread from sleeping. */
static void a_filter_sleeps(void) {
    MSG message;
    FILETIME made, ended, kernel[2], user[2];
    PostThreadMessageA(GetCurrentThreadId(), WM_USER + 1, 0, 0);
    HANDLE thread = CreateThread(NULL, 0, late, (void *)(ULONG_PTR)GetCurrentThreadId(), 0, NULL);
    GetThreadTimes(GetCurrentThread(), &made, &ended, &kernel[0], &user[0]);
    CHECK_EQ("the one that is asked for", GetMessageA(&message, NULL, WM_USER + 5, WM_USER + 5), 1);
    GetThreadTimes(GetCurrentThread(), &made, &ended, &kernel[1], &user[1]);
    DWORD taken = kernel[1].dwLowDateTime - kernel[0].dwLowDateTime + user[1].dwLowDateTime - user[0].dwLowDateTime;
    /* In 100 ns: it waited for 600 ms. */
    CHECK("comes to one that slept", message.message == WM_USER + 5 && taken < 1000000);
    CHECK_EQ("the other is still there", GetMessageA(&message, NULL, 0, 0), 1);
    CHECK_EQ("as it was posted", message.message, WM_USER + 1);
    WaitForSingleObject(thread, 30000);
    CloseHandle(thread);
}

int main(void) {
    classes();
    between_threads();
    a_filter_sleeps();
    filters();
    waits();
    return finish();
}
