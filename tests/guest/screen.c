/* What the screen's own device contexts read, windows that are locked, the caret in what is scrolled, layouts one after another. */
#include "check.h"
#include <commctrl.h>

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

static COLORREF inverted(COLORREF colour) {
    return colour ^ 0xffffff;
}

static void outline(HDC dc) {
    HGDIOBJ brush = SelectObject(dc, GetStockObject(NULL_BRUSH)), pen = SelectObject(dc, GetStockObject(BLACK_PEN));
    int before = SetROP2(dc, R2_NOT);
    Rectangle(dc, 30, 80, 121, 131);
    SetROP2(dc, before);
    SelectObject(dc, pen);
    SelectObject(dc, brush);
    GdiFlush();
}

/* What splitters, drag images and rubber bands do on the screen: over windows and beside them, and twice is as if they had done nothing. */
static void drawing(void) {
    COLORREF colour = RGB(200, 30, 10), beside = seen(30, 100);
    paint(colour);
    pump();
    HDC screen = GetDC(NULL);
    PatBlt(screen, 55, 65, 20, 20, DSTINVERT);
    GdiFlush();
    CHECK_EQ("a window's pixel is inverted", seen(60, 70), inverted(colour));
    CHECK_EQ("and none beside it", seen(76, 70), colour);
    PatBlt(screen, 55, 65, 20, 20, DSTINVERT);
    CHECK_EQ("twice is not at all", seen(60, 70), colour);
    outline(screen);
    CHECK("an outline", seen(120, 100) == inverted(colour) && seen(30, 100) == inverted(beside) && seen(90, 80) == inverted(colour));
    CHECK("with nothing in it", seen(90, 100) == colour && seen(40, 100) == beside);
    outline(screen);
    CHECK("goes", seen(120, 100) == colour && seen(30, 100) == beside && seen(90, 80) == colour);
    RECT focus = {20, 90, 100, 110};
    DrawFocusRect(screen, &focus);
    DrawFocusRect(screen, &focus);
    CHECK("and so does a rectangle of dots", seen(20, 91) == beside && seen(20, 92) == beside && seen(99, 91) == colour && seen(99, 92) == colour);
    ReleaseDC(NULL, screen);
    screen = CreateDCA("DISPLAY", NULL, NULL, NULL);
    outline(screen);
    CHECK("a DC of the display does the same", seen(120, 100) == inverted(colour) && seen(30, 100) == inverted(beside));
    outline(screen);
    CHECK("and back", seen(120, 100) == colour && seen(30, 100) == beside);
    DeleteDC(screen);

    /* Pixels of a program's own, which a window's painting covers again. */
    HDC memory = CreateCompatibleDC(NULL);
    screen = GetWindowDC(GetDesktopWindow());
    HBITMAP bitmap = CreateCompatibleBitmap(screen, 40, 20);
    SelectObject(memory, bitmap);
    PatBlt(memory, 0, 0, 40, 20, WHITENESS);
    SetPixel(memory, 5, 5, RGB(0, 200, 0));
    CHECK("a bitmap", BitBlt(screen, 60, 70, 40, 20, memory, 0, 0, SRCCOPY));
    CHECK("is seen", seen(65, 75) == RGB(0, 200, 0) && seen(66, 75) == RGB(255, 255, 255));
    ReleaseDC(GetDesktopWindow(), screen);
    paint(colour);
    pump();
    CHECK("until the window is painted", seen(65, 75) == colour);
    DeleteDC(memory);
    DeleteObject(bitmap);

    /* A drag image, which keeps what lies below it. */
    HIMAGELIST images = ImageList_Create(16, 16, ILC_COLOR32, 1, 1);
    screen = GetDC(NULL);
    memory = CreateCompatibleDC(screen);
    bitmap = CreateCompatibleBitmap(screen, 16, 16);
    HGDIOBJ held = SelectObject(memory, bitmap);
    PatBlt(memory, 0, 0, 16, 16, WHITENESS);
    SelectObject(memory, held);
    ReleaseDC(NULL, screen);
    ImageList_Add(images, bitmap, NULL);
    ImageList_BeginDrag(images, 0, 0, 0);
    ImageList_DragEnter(NULL, 142, 100);
    GdiFlush();
    CHECK("a drag image is seen", seen(148, 108) != colour && seen(155, 108) != beside);
    ImageList_DragMove(110, 100);
    CHECK("it moves", seen(148, 108) == colour && seen(155, 108) == beside && seen(115, 108) != colour);
    ImageList_DragShowNolock(FALSE);
    CHECK("and is hidden", seen(115, 108) == colour);
    ImageList_DragLeave(NULL);
    ImageList_EndDrag();
    ImageList_Destroy(images);
    DeleteDC(memory);
    DeleteObject(bitmap);

    /* What is drawn on the desktop alone stays there until somebody asks for the desktop. */
    screen = GetDCEx(GetDesktopWindow(), NULL, DCX_CACHE | DCX_WINDOW | DCX_CLIPCHILDREN);
    HBRUSH brush = CreateSolidBrush(RGB(1, 2, 3));
    RECT strip = {30, 140, 100, 150};
    FillRect(screen, &strip, brush);
    DeleteObject(brush);
    ReleaseDC(GetDesktopWindow(), screen);
    CHECK_EQ("the desktop has it", seen(40, 145), RGB(1, 2, 3));
    RedrawWindow(NULL, NULL, NULL, RDW_INVALIDATE | RDW_ERASE | RDW_ERASENOW);
    WINE8_DIFFERS(CHECK_EQ("until then", seen(40, 145), beside));
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

/* ScrollWindow counts as the window's own DC does, ScrollWindowEx as the window. */
static void own_dc(void) {
    WNDCLASSA class = {.style = CS_OWNDC, .lpfnWndProc = DefWindowProcA, .hInstance = GetModuleHandleA(NULL), .lpszClassName = "Own DC"};
    RegisterClassA(&class);
    HWND window = CreateWindowExA(0, "Own DC", "", WS_POPUP | WS_VISIBLE, 200, 60, 100, 100, NULL, NULL, class.hInstance, NULL);
    RECT clip = {25, 25, 50, 50}, open;
    pump();
    SetViewportOrgEx(GetDC(window), 30, 20, NULL);
    ValidateRect(window, NULL);
    ScrollWindowEx(window, -5, -10, NULL, &clip, NULL, NULL, SW_INVALIDATE);
    HRGN region = CreateRectRgn(0, 0, 0, 0);
    GetUpdateRgn(window, region, FALSE);
    GetRgnBox(region, &open);
    CHECK("a part is to be painted, as the window counts", EqualRect(&clip, &open));
    ValidateRect(window, NULL);
    ScrollWindow(window, -5, -10, NULL, &clip);
    GetUpdateRgn(window, region, FALSE);
    GetRgnBox(region, &open);
    OffsetRect(&clip, 30, 20);
    CHECK("as its DC counts", EqualRect(&clip, &open));
    DeleteObject(region);
    DestroyWindow(window);
}

int main(void) {
    WNDCLASSA class = {.lpfnWndProc = DefWindowProcA, .hInstance = GetModuleHandleA(NULL), .lpszClassName = "Screen"};
    RegisterClassA(&class);
    own = CreateWindowExA(WS_EX_TOPMOST, "Screen", "", WS_POPUP | WS_VISIBLE, 50, 60, 100, 100, NULL, NULL, class.hInstance, NULL);
    pump();
    reading();
    drawing();
    scrolling();
    own_dc();
    layouts();
    CHECK("a window goes", AnimateWindow(own, 50, AW_HIDE | AW_BLEND) && !IsWindowVisible(own));
    CHECK("and comes", AnimateWindow(own, 50, AW_SLIDE | AW_HOR_POSITIVE) && IsWindowVisible(own));
    CHECK_ERROR("once", AnimateWindow(own, 50, AW_SLIDE | AW_HOR_POSITIVE), ERROR_INVALID_PARAMETER);
    paint(RGB(200, 30, 10));
    pump();
    locking();
    return finish();
}
