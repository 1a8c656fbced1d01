/* What programs and the shell have to do with each other: app bars, who is active when the active program is killed, what is broadcast when there is a
   task bar. */
#include "family.h"
#include <shellapi.h>

#define TOLD (WM_APP + 1)

static int told[8], settings, covered;
static UINT created;

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == TOLD && wparam < 8) told[wparam]++;
    if (message == TOLD && wparam == ABN_FULLSCREENAPP) covered = (int)lparam;
    if (message == WM_SETTINGCHANGE && wparam == SPI_SETWORKAREA) settings++;
    if (message == created && created) ExitProcess(42);
    return DefWindowProcA(window, message, wparam, lparam);
}

static HWND make(const char *title, DWORD extended, DWORD style) {
    return CreateWindowExA(extended, "Shell", title, style, 100, 100, 300, 200, NULL, NULL, GetModuleHandleA(NULL), NULL);
}

static void pump(void) {
    MSG message;
    while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageA(&message);
}

static PROCESS_INFORMATION again(const char *what) {
    PROCESS_INFORMATION made = {0};
    if (!start(&made, 0, FALSE, "%s", what)) CHECK("a program is started", FALSE);
    return made;
}

/* Handles messages until the window is in front; the test's time limit ends it otherwise. */
static void until_in_front(HWND window) {
    while (GetForegroundWindow() != window) {
        MsgWaitForMultipleObjects(0, NULL, FALSE, 20, QS_ALLINPUT);
        pump();
    }
}

/* Starts a program and waits until its window is in front. */
static PROCESS_INFORMATION in_front(const char *what) {
    PROCESS_INFORMATION made = again(what);
    for (DWORD process = 0; process != made.dwProcessId; GetWindowThreadProcessId(GetForegroundWindow(), &process)) {
        MsgWaitForMultipleObjects(0, NULL, FALSE, 20, QS_ALLINPUT);
        pump();
    }
    return made;
}

static RECT work_area(void) {
    RECT work;
    SystemParametersInfoA(SPI_GETWORKAREA, 0, &work, 0);
    return work;
}

static UINT_PTR say_bar(DWORD message, HWND window, UINT edge, RECT *rect) {
    APPBARDATA data = {.cbSize = sizeof data, .hWnd = window, .uCallbackMessage = TOLD, .uEdge = edge};
    if (rect) data.rc = *rect;
    UINT_PTR result = SHAppBarMessage(message, &data);
    if (rect) *rect = data.rc;
    return result;
}

static void app_bars(void) {
    int width = GetSystemMetrics(SM_CXSCREEN), height = GetSystemMetrics(SM_CYSCREEN);
    HWND first = make("first", WS_EX_TOOLWINDOW, WS_POPUP | WS_VISIBLE), second = make("second", WS_EX_TOOLWINDOW, WS_POPUP | WS_VISIBLE);
    HWND other = make("other", 0, WS_OVERLAPPEDWINDOW | WS_MAXIMIZE | WS_VISIBLE);
    RECT rect, before = work_area();
    CHECK("the whole screen is there to work on", before.right == width && before.bottom == height);
    CHECK("an app bar", say_bar(ABM_NEW, first, 0, NULL));
    CHECK("once", !say_bar(ABM_NEW, first, 0, NULL));
    CHECK("no window is none", !say_bar(ABM_NEW, (HWND)0x7ffe, 0, NULL));
    CHECK("a second one", say_bar(ABM_NEW, second, 0, NULL));
    SetRect(&rect, 0, height - 30, width, height);
    CHECK("it asks for a place", say_bar(ABM_QUERYPOS, first, ABE_BOTTOM, &rect) && rect.top == height - 30 && rect.bottom == height);
    CHECK("and takes it", say_bar(ABM_SETPOS, first, ABE_BOTTOM, &rect) && rect.bottom == height);
    CHECK_EQ("that is kept free", work_area().bottom, height - 30);
    pump();
    CHECK("the other one hears of it", told[ABN_POSCHANGED] == 1);
    CHECK("windows hear of the work area", settings >= 3);
    RECT maximized;
    GetWindowRect(other, &maximized);
    CHECK("and are fitted into it", maximized.bottom <= height - 20);
    SetRect(&rect, 0, height - 20, width, height);
    CHECK("one at the same edge lies beside it", say_bar(ABM_QUERYPOS, second, ABE_BOTTOM, &rect) && rect.bottom == height - 30);
    rect.top = rect.bottom - 20;
    CHECK("there", say_bar(ABM_SETPOS, second, ABE_BOTTOM, &rect) && rect.bottom == height - 30 && rect.top == height - 50);
    CHECK_EQ("both are kept free", work_area().bottom, height - 50);
    SetRect(&rect, 0, 0, 40, height);
    CHECK("at another edge", say_bar(ABM_SETPOS, second, ABE_LEFT, &rect) && rect.bottom == height - 30);
    CHECK("it takes from that", work_area().left == 40 && work_area().bottom == height - 30);
    CHECK("no such edge", say_bar(ABM_SETPOS, second, 9, &rect) && work_area().left == 40);
    CHECK("nobody hides", !say_bar(ABM_GETAUTOHIDEBAR, NULL, ABE_LEFT, NULL));
    APPBARDATA hides = {.cbSize = sizeof hides, .hWnd = second, .uEdge = ABE_LEFT, .lParam = TRUE};
    CHECK("one does", SHAppBarMessage(ABM_SETAUTOHIDEBAR, &hides));
    CHECK_EQ("that is known", say_bar(ABM_GETAUTOHIDEBAR, NULL, ABE_LEFT, NULL), (UINT_PTR)second);
    hides.hWnd = first;
    CHECK("there is one at each edge", !SHAppBarMessage(ABM_SETAUTOHIDEBAR, &hides));
    CHECK_EQ("the task bar hides", say_bar(ABM_GETSTATE, NULL, 0, NULL), ABS_ALWAYSONTOP | ABS_AUTOHIDE);
    CHECK("below", say_bar(ABM_GETTASKBARPOS, NULL, 0, &rect) && rect.bottom == height && rect.right == width);

    /* With an icon the task bar is there, and lies below all of them. */
    NOTIFYICONDATAW icon = {.cbSize = sizeof icon, .hWnd = other, .uID = 1, .uFlags = NIF_ICON, .hIcon = LoadIconA(NULL, (LPCSTR)IDI_WARNING)};
    int heard = told[ABN_POSCHANGED];
    CHECK("an icon", Shell_NotifyIconW(NIM_ADD, &icon));
    pump();
    CHECK("app bars hear of the task bar", told[ABN_POSCHANGED] > heard);
    CHECK_EQ("it is seen", say_bar(ABM_GETSTATE, NULL, 0, NULL), ABS_ALWAYSONTOP);
    CHECK("there", say_bar(ABM_GETTASKBARPOS, NULL, 0, &rect) && rect.top < height - 10);
    LONG bar = rect.top;
    SetRect(&rect, 0, height - 30, width, height);
    CHECK("app bars lie above it", say_bar(ABM_QUERYPOS, first, ABE_BOTTOM, &rect) && rect.bottom == bar);

    /* A window that covers all of the screen is above the task bar while it is in front. */
    HWND full = make("full", 0, WS_POPUP), tray = FindWindowA("Shell_TrayWnd", NULL);
    SetWindowPos(full, NULL, 0, 0, width, height, SWP_NOZORDER | SWP_NOACTIVATE);
    ShowWindow(full, SW_SHOW);
    pump();
    CHECK("app bars hear of it", told[ABN_FULLSCREENAPP] == 2 && covered == 1);
    CHECK("the task bar lies below", !(GetWindowLongA(tray, GWL_EXSTYLE) & WS_EX_TOPMOST));
    SetWindowPos(full, NULL, 0, 0, width, height - 1, SWP_NOZORDER | SWP_NOACTIVATE);
    pump();
    CHECK("and of a smaller one", told[ABN_FULLSCREENAPP] == 4 && covered == 0);
    CHECK("the task bar lies above", GetWindowLongA(tray, GWL_EXSTYLE) & WS_EX_TOPMOST);
    SetWindowPos(full, NULL, 0, 0, width, height, SWP_NOZORDER | SWP_NOACTIVATE);
    SetForegroundWindow(other);
    pump();
    CHECK("and of another one in front", told[ABN_FULLSCREENAPP] == 8 && covered == 0);
    SetForegroundWindow(full);
    DestroyWindow(full);
    pump();
    CHECK("and of its end", told[ABN_FULLSCREENAPP] == 12 && covered == 0 && GetWindowLongA(tray, GWL_EXSTYLE) & WS_EX_TOPMOST);
    CHECK("the icon goes", Shell_NotifyIconW(NIM_DELETE, &icon));
    CHECK_EQ("what app bars take stays", work_area().bottom, height - 30);

    CHECK("one is no app bar any more", say_bar(ABM_REMOVE, first, 0, NULL));
    CHECK_EQ("its place is free", work_area().bottom, height);
    DestroyWindow(second);
    CHECK("another's goes with its window", work_area().left == 0 && work_area().right == width);
    DestroyWindow(first);
    DestroyWindow(other);
}

static void successors(void) {
    HWND behind = make("behind", 0, WS_OVERLAPPEDWINDOW | WS_VISIBLE), own = make("own", 0, WS_OVERLAPPEDWINDOW | WS_VISIBLE);
    SetForegroundWindow(own);
    PROCESS_INFORMATION child = in_front("window");
    CHECK("another program is in front", GetActiveWindow() == NULL);
    TerminateProcess(child.hProcess, 1);
    WaitForSingleObject(child.hProcess, INFINITE);
    until_in_front(own);
    CHECK("the window in front becomes active", GetActiveWindow() == own && GetFocus() == own);
    /* Two that are killed one after the other, before the second could come. */
    PROCESS_INFORMATION first = in_front("window"), second = in_front("window");
    TerminateProcess(second.hProcess, 1);
    TerminateProcess(first.hProcess, 1);
    until_in_front(own);
    CHECK("and so does the last that is left", GetActiveWindow() == own);
    /* One that is minimized stays so. */
    PROCESS_INFORMATION last = in_front("window");
    ShowWindow(own, SW_SHOWMINNOACTIVE);
    TerminateProcess(last.hProcess, 1);
    until_in_front(behind);
    CHECK("a minimized window is left alone", IsIconic(own));
}

static int child(void) {
    MSG message;
    HWND window = make("child", 0, WS_OVERLAPPEDWINDOW | WS_VISIBLE);
    SetForegroundWindow(window);
    while (GetMessageA(&message, NULL, 0, 0) > 0) DispatchMessageA(&message);
    return 0;
}

int main(int argc, char **argv) {
    WNDCLASSA class = {.lpfnWndProc = procedure, .hInstance = GetModuleHandleA(NULL), .lpszClassName = "Shell",
                       .hbrBackground = (HBRUSH)(COLOR_WINDOW + 1)};
    RegisterClassA(&class);
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 1 && !strcmp(argv[1], "created")) created = RegisterWindowMessageA("TaskbarCreated");
    if (argc > 1) return child();
    successors();
    /* Who was there before the task bar hears of it. */
    PROCESS_INFORMATION early = in_front("created");
    CHECK("there is a task bar", FindWindowA("Shell_TrayWnd", NULL));
    WaitForSingleObject(early.hProcess, INFINITE);
    DWORD code = 0;
    GetExitCodeProcess(early.hProcess, &code);
    CHECK_EQ("others are told", code, 42);
    app_bars();
    return finish();
}
