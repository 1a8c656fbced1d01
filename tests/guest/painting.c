/* What windows are told when they are made, shown, moved, sized, painted, hidden and destroyed: one line for each message, to be compared with
 * stock Wine's. Windows without frames: those are another test's. */
#include "check.h"

static const char *label[2] = {"top", "child"};
static HWND windows[2];
static int noting, no_frames;

static void number(const char *name, int which, const char *rest) {
    if (noting) say("%s %s%s", label[which], name, rest);
}

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    int which = window == windows[1] || (!windows[1] && windows[0] && window != windows[0]);
    char rest[160] = "";
    switch (message) {
    case WM_WINDOWPOSCHANGING:
    case WM_WINDOWPOSCHANGED: {
        WINDOWPOS *pos = (WINDOWPOS *)lparam;
        snprintf(rest, sizeof rest, " %d,%d %dx%d %x", pos->x, pos->y, pos->cx, pos->cy, pos->flags);
        number(message == WM_WINDOWPOSCHANGING ? "POSCHANGING" : "POSCHANGED", which, rest);
        break;
    }
    case WM_NCCALCSIZE: {
        RECT *rect = (RECT *)lparam;
        snprintf(rest, sizeof rest, " %d %ld,%ld,%ld,%ld", (int)wparam, rect->left, rect->top, rect->right, rect->bottom);
        number("NCCALCSIZE", which, rest);
        break;
    }
    case WM_NCPAINT:
        if (!no_frames) number("NCPAINT", which, wparam == 1 ? " all" : " part");
        break;
    case WM_ERASEBKGND: {
        RECT box;
        GetClipBox((HDC)wparam, &box);
        snprintf(rest, sizeof rest, " %ld,%ld,%ld,%ld", box.left, box.top, box.right, box.bottom);
        number("ERASEBKGND", which, rest);
        break;
    }
    case WM_PAINT: {
        PAINTSTRUCT paint;
        number("PAINT", which, "");
        HDC dc = BeginPaint(window, &paint);
        snprintf(rest, sizeof rest, " %ld,%ld,%ld,%ld %d", paint.rcPaint.left, paint.rcPaint.top, paint.rcPaint.right, paint.rcPaint.bottom, paint.fErase);
        number("painted", which, rest);
        RECT all = {0, 0, 4, 4};
        FillRect(dc, &all, (HBRUSH)GetStockObject(BLACK_BRUSH));
        EndPaint(window, &paint);
        return 0;
    }
    case WM_SIZE:
    case WM_MOVE:
    case WM_SHOWWINDOW:
        snprintf(rest, sizeof rest, " %x %x", (unsigned)wparam, (unsigned)lparam);
        number(message == WM_SIZE ? "SIZE" : message == WM_MOVE ? "MOVE" : "SHOWWINDOW", which, rest);
        break;
    case WM_DESTROY: number("DESTROY", which, ""); break;
    case WM_NCDESTROY: number("NCDESTROY", which, ""); break;
    case WM_SYNCPAINT: number("SYNCPAINT", which, ""); break;
    }
    return DefWindowProcW(window, message, wparam, lparam);
}

static void step(const char *name) { say("-- %s", name); }

static void drain(void) {
    MSG message;
    for (int i = 0; i < 50 && PeekMessageW(&message, NULL, WM_PAINT, WM_PAINT, PM_REMOVE); i++) DispatchMessageW(&message);
}

static void pixels(HWND window, const char *what) {
    HDC dc = GetDC(window);
    RECT box;
    int kind = GetClipBox(dc, &box);
    say("%s: %d %ld,%ld,%ld,%ld %06lx %06lx", what, kind, box.left, box.top, box.right, box.bottom, GetPixel(dc, 1, 1), GetPixel(dc, 30, 30));
    ReleaseDC(window, dc);
}

int main(void) {
    WNDCLASSW class = {0, procedure, 0, 0, GetModuleHandleW(NULL), NULL, NULL, (HBRUSH)GetStockObject(WHITE_BRUSH), NULL, L"Portcullis painting"};
    RegisterClassW(&class);
    noting = 1;
    step("make");
    windows[0] = CreateWindowExW(WS_EX_NOACTIVATE, class.lpszClassName, L"", WS_POPUP, 100, 120, 200, 150, NULL, NULL, class.hInstance, NULL);
    windows[1] = CreateWindowExW(0, class.lpszClassName, L"", WS_CHILD | WS_VISIBLE, 20, 10, 60, 50, windows[0], NULL, class.hInstance, NULL);
    step("show");
    ShowWindow(windows[0], SW_SHOWNA);
    drain();
    pixels(windows[0], "top");
    pixels(windows[1], "child");
    step("move");
    SetWindowPos(windows[0], NULL, 110, 130, 0, 0, SWP_NOSIZE | SWP_NOZORDER | SWP_NOACTIVATE);
    drain();
    step("size");
    SetWindowPos(windows[0], NULL, 0, 0, 220, 140, SWP_NOMOVE | SWP_NOZORDER | SWP_NOACTIVATE);
    drain();
    pixels(windows[0], "top");
    step("child moves");
    SetWindowPos(windows[1], NULL, 30, 20, 60, 50, SWP_NOZORDER | SWP_NOACTIVATE);
    drain();
    pixels(windows[0], "top");
    pixels(windows[1], "child");
    step("invalid");
    RECT part = {5, 6, 25, 26}, got;
    InvalidateRect(windows[0], &part, TRUE);
    say("update %d", GetUpdateRect(windows[0], &got, FALSE));
    say("%ld,%ld,%ld,%ld", got.left, got.top, got.right, got.bottom);
    RECT half = {5, 6, 15, 26};
    ValidateRect(windows[0], &half);
    drain();
    step("now");
    RedrawWindow(windows[0], NULL, NULL, RDW_INVALIDATE | RDW_ERASE | RDW_ALLCHILDREN | RDW_UPDATENOW);
    step("clipped");
    SetWindowLongW(windows[0], GWL_STYLE, GetWindowLongW(windows[0], GWL_STYLE) | WS_CLIPCHILDREN);
    HDC dc = GetDC(windows[0]);
    HRGN region = CreateRectRgn(0, 0, 0, 0);
    GetRandomRgn(dc, region, 4);
    say("visible %lu, %d %d", GetRegionData(region, 0, NULL), RectVisible(dc, &part), PtVisible(dc, 40, 30));
    ReleaseDC(windows[0], dc);
    step("scroll");
    /* Wine 8 has the frame painted too, whose parts are none of what was scrolled. */
    no_frames = 1;
    ScrollWindowEx(windows[0], 3, 2, NULL, NULL, NULL, NULL, SW_INVALIDATE | SW_ERASE);
    drain();
    no_frames = 0;
    step("shape");
    SetWindowRgn(windows[0], CreateRectRgn(0, 0, 50, 60), TRUE);
    drain();
    say("shaped %d", GetWindowRgn(windows[0], region));
    step("hide the child");
    ShowWindow(windows[1], SW_HIDE);
    drain();
    step("hide");
    ShowWindow(windows[0], SW_HIDE);
    drain();
    step("destroy");
    DestroyWindow(windows[0]);
    return 0;
}
