/* Windows whose parent's thread ended, icons in order, and a screen that a program set for itself. */
#include "family.h"

static HWND parent, child;
static HANDLE made, leave;

static void pump(void) {
    MSG message;
    for (int i = 0; i < 10; i++) {
        while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageA(&message);
        Sleep(10);
    }
}

static DWORD CALLBACK other(void *unused) {
    (void)unused;
    MSG message;
    parent = CreateWindowA("Static", "parent", WS_OVERLAPPEDWINDOW | WS_VISIBLE, 100, 100, 200, 200, NULL, NULL, NULL, NULL);
    SetEvent(made);
    while (MsgWaitForMultipleObjects(1, &leave, FALSE, INFINITE, QS_ALLINPUT) != WAIT_OBJECT_0)
        while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageA(&message);
    return 0;
}

static void orphans(void) {
    made = CreateEventA(NULL, FALSE, FALSE, NULL), leave = CreateEventA(NULL, FALSE, FALSE, NULL);
    HWND adopter = CreateWindowA("Static", "adopter", WS_OVERLAPPEDWINDOW | WS_VISIBLE, 300, 100, 200, 200, NULL, NULL, NULL, NULL);
    HANDLE thread = CreateThread(NULL, 0, other, NULL, 0, NULL);
    WaitForSingleObject(made, INFINITE);
    child = CreateWindowA("Static", "child", WS_CHILD | WS_VISIBLE, 10, 10, 50, 50, parent, NULL, NULL, NULL);
    CHECK("a child in another thread's window", child != NULL);
    pump();
    SetFocus(child);
    CHECK("has its input with that thread", GetFocus() == child && GetActiveWindow() == parent);
    SetEvent(leave);
    WaitForSingleObject(thread, INFINITE);
    CHECK("the parent is gone, the child is not", !IsWindow(parent) && IsWindow(child));
    CHECK("and knows whose it was", GetParent(child) == parent);
    WINE8_DIFFERS(CHECK("nobody sees it", !IsWindowVisible(child)));
    CHECK_ERROR("it is not adopted", SetParent(child, adopter) != NULL, ERROR_INVALID_PARAMETER);
    CHECK_ERROR("and takes no children", CreateWindowA("Static", "", WS_CHILD, 0, 0, 1, 1, child, NULL, NULL, NULL) != NULL, ERROR_INVALID_PARAMETER);
    CHECK("it is destroyed", DestroyWindow(child) && !IsWindow(child));
    DestroyWindow(adopter);
}

static void icons(void) {
    MINIMIZEDMETRICS before = {.cbSize = sizeof before}, now = {sizeof now, 100, 40, 3, ARW_TOPLEFT | ARW_RIGHT};
    SystemParametersInfoA(SPI_GETMINIMIZEDMETRICS, sizeof before, &before, 0);
    CHECK("an order for icons", SystemParametersInfoA(SPI_SETMINIMIZEDMETRICS, sizeof now, &now, 0));
    HWND frame = CreateWindowA("Static", "", WS_OVERLAPPEDWINDOW, 100, 100, 400, 300, NULL, NULL, NULL, NULL), all[3];
    for (int i = 0; i < 3; i++) {
        all[i] = CreateWindowA("Static", "", WS_CHILD | WS_OVERLAPPEDWINDOW, 10, 10, 100, 100, frame, NULL, NULL, NULL);
        ShowWindow(all[i], SW_MINIMIZE);
        SetWindowPos(all[i], NULL, 1, 1, 0, 0, SWP_NOSIZE | SWP_NOZORDER | SWP_NOACTIVATE);
    }
    CHECK_EQ("icons", ArrangeIconicWindows(frame), 3);
    RECT rect, client;
    GetClientRect(frame, &client);
    int column = now.iHorzGap, row = now.iVertGap;
    for (int i = 0; i < 3; i++) {
        if (column + GetSystemMetrics(SM_CXMINIMIZED) > client.right) column = now.iHorzGap, row += GetSystemMetrics(SM_CYMINIMIZED) + now.iVertGap;
        GetWindowRect(all[i], &rect);
        MapWindowPoints(NULL, frame, (POINT *)&rect, 2);
        CHECK_EQ("its column", rect.left, column);
        CHECK_EQ("its row", rect.top, row);
        column += GetSystemMetrics(SM_CXMINIMIZED) + now.iHorzGap;
    }
    SystemParametersInfoA(SPI_SETMINIMIZEDMETRICS, sizeof before, &before, 0);
    DestroyWindow(frame);
}

static int bits, columns;

static LRESULT CALLBACK watching(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == WM_DISPLAYCHANGE) bits = (int)wparam, columns = LOWORD(lparam);
    return DefWindowProcA(window, message, wparam, lparam);
}

static DEVMODEA mode_of(DWORD which) {
    DEVMODEA mode = {.dmSize = sizeof mode};
    EnumDisplaySettingsA(NULL, which, &mode);
    return mode;
}

static LONG set(int width, int height, int depth, DWORD flags) {
    DEVMODEA mode = {.dmSize = sizeof mode, .dmFields = DM_PELSWIDTH | DM_PELSHEIGHT | DM_BITSPERPEL, .dmPelsWidth = width, .dmPelsHeight = height, .dmBitsPerPel = depth};
    return ChangeDisplaySettingsExA(NULL, &mode, NULL, flags, NULL);
}

static void modes(void) {
    WNDCLASSA class = {.lpfnWndProc = watching, .lpszClassName = "Portcullis watcher"};
    RegisterClassA(&class);
    HWND window = CreateWindowA("Portcullis watcher", "", WS_OVERLAPPEDWINDOW, 0, 0, 100, 100, NULL, NULL, NULL, NULL);
    DEVMODEA first = mode_of(ENUM_CURRENT_SETTINGS);
    HDC screen = GetDC(NULL);
    CHECK_EQ("no such mode", set(641, 481, 32, CDS_TEST), DISP_CHANGE_BADMODE);
    CHECK_EQ("nor such a depth", set(640, 480, 24, CDS_TEST), DISP_CHANGE_BADMODE);
    CHECK_EQ("a smaller screen", set(800, 600, 16, 0), DISP_CHANGE_SUCCESSFUL);
    pump();
    CHECK_EQ("is told of", columns, 800);
    CHECK_EQ("with its depth", bits, 16);
    CHECK_EQ("and is there", mode_of(ENUM_CURRENT_SETTINGS).dmPelsWidth, 800);
    CHECK("for device contexts too", GetDeviceCaps(screen, HORZRES) == 800 && GetDeviceCaps(screen, BITSPIXEL) == 16);
    CHECK_EQ("another is kept", mode_of(ENUM_REGISTRY_SETTINGS).dmPelsWidth, first.dmPelsWidth);
    BITMAP facts;
    HBITMAP bitmap = CreateCompatibleBitmap(screen, 10, 10);
    CHECK("bitmaps are of that depth", GetObjectA(bitmap, sizeof facts, &facts) && facts.bmBitsPixel == 16);
    HDC memory = CreateCompatibleDC(screen);
    CHECK("and can be drawn on", SelectObject(memory, bitmap) != NULL);
    DeleteDC(memory);
    DeleteObject(bitmap);
    CHECK_EQ("as it was", ChangeDisplaySettingsExA(NULL, NULL, NULL, 0, NULL), DISP_CHANGE_SUCCESSFUL);
    CHECK_EQ("is kept", mode_of(ENUM_CURRENT_SETTINGS).dmPelsWidth, first.dmPelsWidth);
    PROCESS_INFORMATION game;
    CHECK("a game", start(&game, 0, FALSE, "game"));
    for (int i = 0; i < 500 && columns != 640; i++) pump();
    CHECK_EQ("has the screen for itself", GetDeviceCaps(screen, HORZRES), 640);
    TerminateProcess(game.hProcess, 3);
    CHECK_EQ("it is killed", ended(&game), 3);
    for (int i = 0; i < 500 && columns == 640; i++) pump();
    CHECK_EQ("the screen is as before", mode_of(ENUM_CURRENT_SETTINGS).dmPelsWidth, first.dmPelsWidth);
    HBITMAP whole = GetCurrentObject(screen, OBJ_BITMAP);
    CHECK("the screen's bitmap is as large", GetObjectA(whole, sizeof facts, &facts) && facts.bmWidth == (LONG)first.dmPelsWidth);
    ReleaseDC(NULL, screen);
    DestroyWindow(window);
}

static HWND first;
static int there;

static BOOL CALLBACK count(HWND window, LPARAM want) {
    there += window == (HWND)want;
    first = first ? first : window;
    return TRUE;
}

static DWORD CALLBACK elsewhere(void *desktop) {
    SetThreadDesktop(desktop);
    child = CreateWindowA("Static", "elsewhere", WS_POPUP, 0, 0, 10, 10, NULL, NULL, NULL, NULL);
    SetEvent(made);
    WaitForSingleObject(leave, INFINITE);
    return 0;
}

static void desktops(void) {
    HDESK desktop = CreateDesktopA("Portcullis orphans", NULL, NULL, 0, GENERIC_ALL, NULL);
    HWND mine = CreateWindowA("Static", "mine", WS_POPUP, 0, 0, 10, 10, NULL, NULL, NULL, NULL);
    made = CreateEventA(NULL, FALSE, FALSE, NULL), leave = CreateEventA(NULL, FALSE, FALSE, NULL);
    HANDLE thread = CreateThread(NULL, 0, elsewhere, desktop, 0, NULL);
    WaitForSingleObject(made, INFINITE);
    there = 0;
    CHECK("a desktop's windows", EnumDesktopWindows(desktop, count, (LPARAM)child) && there == 1);
    there = 0;
    CHECK("are none of this one", EnumWindows(count, (LPARAM)child) && !there);
    there = 0;
    CHECK("nor the other way", EnumDesktopWindows(desktop, count, (LPARAM)mine) && !there);
    SetEvent(leave);
    WaitForSingleObject(thread, INFINITE);
    DestroyWindow(mine);
    CloseDesktop(desktop);
}

/* What is no program is run in vain, and can be deleted. */
static void no_program(void) {
    DWORD written;
    STARTUPINFOA with = {.cb = sizeof with};
    PROCESS_INFORMATION none;
    char line[] = "noprogram.foo";
    HANDLE file = CreateFileA("noprogram.foo", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    WriteFile(file, "no program", 10, &written, NULL);
    CloseHandle(file);
    for (int i = 0; i < 2; i++) CHECK_ERROR("no program", CreateProcessA("noprogram.foo", line, NULL, NULL, FALSE, 0, NULL, NULL, &with, &none), ERROR_BAD_EXE_FORMAT);
    CHECK("is deleted", DeleteFileA("noprogram.foo") && GetFileAttributesA("noprogram.foo") == INVALID_FILE_ATTRIBUTES);
}

int main(int argc, char **argv) {
    (void)argv;
    GetModuleFileNameA(NULL, self, MAX_PATH);
    if (argc > 1) {
        set(640, 480, 32, CDS_FULLSCREEN);
        Sleep(INFINITE);
    }
    /* without an explorer there is none */
    WINE8_DIFFERS(CHECK("the desktop stands for a shell", GetShellWindow() != NULL));
    icons();
    /* stock Wine on a bare screen has one mode */
    if (!under_oracle()) modes();
    orphans();
    desktops();
    no_program();
    return finish();
}
