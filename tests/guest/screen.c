/* What the screen's own device contexts read, windows that are locked, the caret in what is scrolled, layouts one after another. */
#include "check.h"

static HWND own;

static void pump(void) {
    MSG message;
    for (int i = 0; i < 10; i++) {
        while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageA(&message);
        Sleep(10);
    }
}

static void paint(COLORREF colour) {
    RECT all = {0, 0, 200, 200};
    HDC dc = GetDC(own);
    HBRUSH brush = CreateSolidBrush(colour);
    FillRect(dc, &all, brush);
    DeleteObject(brush);
    ReleaseDC(own, dc);
    GdiFlush();
}

static COLORREF seen(int x, int y) {
    HDC dc = GetDC(NULL);
    COLORREF colour = GetPixel(dc, x, y);
    ReleaseDC(NULL, dc);
    return colour;
}

static void reading(void) {
    paint(RGB(200, 30, 10));
    pump();
    CHECK_EQ("a window's pixel on the screen", seen(60, 70), RGB(200, 30, 10));
    HDC screen = CreateDCA("DISPLAY", NULL, NULL, NULL), memory = CreateCompatibleDC(screen);
    HBITMAP bitmap = CreateCompatibleBitmap(screen, 40, 20);
    SelectObject(memory, bitmap);
    CHECK("part of the screen", BitBlt(memory, 0, 0, 40, 20, screen, 40, 50, SRCCOPY));
    CHECK_EQ("with the window", GetPixel(memory, 15, 15), RGB(200, 30, 10));
    CHECK("and what is beside it", GetPixel(memory, 5, 5) != RGB(200, 30, 10));
    CHECK("stretched", StretchBlt(memory, 0, 0, 40, 20, screen, 60, 70, 10, 10, SRCCOPY));
    CHECK_EQ("it is all that", GetPixel(memory, 39, 19), RGB(200, 30, 10));
    HWND above = CreateWindowExA(WS_EX_TOPMOST, "Static", "", WS_POPUP, 70, 80, 30, 30, NULL, NULL, NULL, NULL);
    SetWindowPos(above, HWND_TOPMOST, 0, 0, 0, 0, SWP_NOMOVE | SWP_NOSIZE | SWP_SHOWWINDOW | SWP_NOACTIVATE);
    pump();
    CHECK("what lies above is seen", seen(75, 85) != RGB(200, 30, 10));
    DestroyWindow(above);
    pump();
    CHECK_EQ("and what was below it", seen(75, 85), RGB(200, 30, 10));
    DeleteObject(bitmap);
    DeleteDC(memory);
    DeleteDC(screen);
}

static int clip_of(DWORD flags) {
    RECT box;
    HDC dc = GetDCEx(own, NULL, flags);
    int kind = GetClipBox(dc, &box);
    ReleaseDC(own, dc);
    return kind;
}

static void locking(void) {
    ValidateRect(own, NULL);
    CHECK("a window is locked", LockWindowUpdate(own));
    CHECK("no other one is", !LockWindowUpdate(GetDesktopWindow()));
    CHECK("it is let go", LockWindowUpdate(NULL));
    WINE8_DIFFERS(CHECK("nobody drew on it, so nothing is invalid", !GetUpdateRect(own, NULL, FALSE)));
    LockWindowUpdate(own);
    WINE8_DIFFERS(CHECK_EQ("nothing of it is drawn on", clip_of(DCX_CACHE), NULLREGION));
    CHECK_EQ("but by who says so", clip_of(DCX_CACHE | DCX_LOCKWINDOWUPDATE), SIMPLEREGION);
    paint(RGB(0, 0, 255));
    pump();
    WINE8_DIFFERS(CHECK_EQ("it looks as it did", seen(60, 70), RGB(200, 30, 10)));
    LockWindowUpdate(NULL);
    WINE8_DIFFERS(CHECK("what was drawn is invalid", GetUpdateRect(own, NULL, FALSE)));
    CHECK_EQ("all of it is drawn on again", clip_of(DCX_CACHE), SIMPLEREGION);
    paint(RGB(0, 0, 255));
    pump();
    CHECK_EQ("and seen", seen(60, 70), RGB(0, 0, 255));
    LockWindowUpdate(own);
    HWND lost = own;
    DestroyWindow(own);
    CHECK("it is gone", !IsWindow(lost));
    WINE8_DIFFERS(CHECK("and not locked any more", LockWindowUpdate(GetDesktopWindow())));
    LockWindowUpdate(NULL);
}

static void scrolling(void) {
    POINT at;
    SetForegroundWindow(own);
    SetFocus(own);
    pump();
    CreateCaret(own, NULL, 2, 10);
    SetCaretPos(10, 10);
    ShowCaret(own);
    ScrollWindowEx(own, 4, 15, NULL, NULL, NULL, NULL, SW_INVALIDATE);
    CHECK("the caret moves along", GetCaretPos(&at) && at.x == 14 && at.y == 25);
    RECT part = {50, 50, 90, 90};
    ScrollWindowEx(own, 0, 5, &part, NULL, NULL, NULL, SW_INVALIDATE);
    CHECK("even if that is elsewhere in its window", GetCaretPos(&at) && at.x == 14 && at.y == 30);
    CHECK("it is shown as before", HideCaret(own) && ShowCaret(own));
    DestroyCaret();
}

static void layouts(void) {
    HKL all[8], first = GetKeyboardLayout(0);
    int count = GetKeyboardLayoutList(8, all);
    CHECK("there are layouts", count >= 1);
    WINE8_DIFFERS(CHECK_EQ("the next one", ActivateKeyboardLayout((HKL)HKL_NEXT, 0), first));
    WINE8_DIFFERS(CHECK("is another", count == 1 || GetKeyboardLayout(0) != first));
    WINE8_DIFFERS(CHECK("and back", ActivateKeyboardLayout((HKL)HKL_PREV, 0) && GetKeyboardLayout(0) == first));
}

int main(void) {
    WNDCLASSA class = {.lpfnWndProc = DefWindowProcA, .hInstance = GetModuleHandleA(NULL), .lpszClassName = "Screen"};
    RegisterClassA(&class);
    own = CreateWindowExA(WS_EX_TOPMOST, "Screen", "", WS_POPUP | WS_VISIBLE, 50, 60, 100, 100, NULL, NULL, class.hInstance, NULL);
    pump();
    reading();
    scrolling();
    layouts();
    CHECK("a window goes", AnimateWindow(own, 50, AW_HIDE | AW_BLEND) && !IsWindowVisible(own));
    CHECK("and comes", AnimateWindow(own, 50, AW_SLIDE | AW_HOR_POSITIVE) && IsWindowVisible(own));
    CHECK_ERROR("once", AnimateWindow(own, 50, AW_SLIDE | AW_HOR_POSITIVE), ERROR_INVALID_PARAMETER);
    paint(RGB(200, 30, 10));
    pump();
    locking();
    return finish();
}
