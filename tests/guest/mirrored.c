/* Windows whose layout is from the right to the left: where things lie in them, as they and the screen count, and what is drawn there.
 * Prints what stock Wine prints too. */
#include "check.h"

static HWND window, child, grandchild, plain;
static int painted, quiet;

static void say_rect(const char *what, const RECT *rect) {
    say("%s: %ld %ld %ld %ld", what, rect->left, rect->top, rect->right, rect->bottom);
}

/* A hash of an area of a DC, from its pixels as they lie on the screen. */
static void picture(const char *name, HDC dc, int width, int height) {
    BITMAPINFO info = {.bmiHeader = {.biSize = sizeof info.bmiHeader, .biWidth = width, .biHeight = -height, .biPlanes = 1, .biBitCount = 32}};
    DWORD *bits;
    HDC into = CreateCompatibleDC(NULL);
    HBITMAP bitmap = CreateDIBSection(NULL, &info, DIB_RGB_COLORS, (void **)&bits, NULL, 0);
    HGDIOBJ before = SelectObject(into, bitmap);
    DWORD layout = SetLayout(dc, 0);
    BitBlt(into, 0, 0, width, height, dc, 0, 0, SRCCOPY);
    SetLayout(dc, layout);
    GdiFlush();
    DWORD64 hash = 0xcbf29ce484222325;
    for (int i = 0; i < width * height; i++) hash = (hash ^ (bits[i] & 0xffffff)) * 0x100000001b3;
    say("%s %016llx, corners %06lx %06lx", name, (unsigned long long)hash, bits[0] & 0xffffff, bits[width - 1] & 0xffffff);
    SelectObject(into, before);
    DeleteObject(bitmap);
    DeleteDC(into);
}

static LRESULT CALLBACK procedure(HWND hwnd, UINT message, WPARAM wparam, LPARAM lparam) {
    const char *name = hwnd == window ? "window" : hwnd == child ? "child" : hwnd == plain ? "plain" : "other";
    switch (message) {
    case WM_MOVE: say("%s moves to %d %d", name, (short)LOWORD(lparam), (short)HIWORD(lparam)); break;
    case WM_SIZE: say("%s is %d x %d", name, LOWORD(lparam), HIWORD(lparam)); break;
    case WM_WINDOWPOSCHANGED: {
        WINDOWPOS *place = (WINDOWPOS *)lparam;
        say("%s at %d %d, %d x %d", name, place->x, place->y, place->cx, place->cy);
        break;
    }
    case WM_LBUTTONDOWN: say("%s pressed at %d %d", name, (short)LOWORD(lparam), (short)HIWORD(lparam)); break;
    case WM_PAINT: {
        PAINTSTRUCT paint;
        RECT update;
        painted++;
        if (quiet) break;
        if (GetUpdateRect(hwnd, &update, FALSE)) say_rect("to be painted", &update);
        HDC dc = BeginPaint(hwnd, &paint);
        say("%s layout %lx", name, GetLayout(dc));
        say_rect("painted", &paint.rcPaint);
        FillRect(dc, &paint.rcPaint, GetStockObject(WHITE_BRUSH));
        EndPaint(hwnd, &paint);
        return 0;
    }
    }
    return DefWindowProcW(hwnd, message, wparam, lparam);
}

static void points(const char *what, HWND hwnd) {
    POINT to = {10, 5}, from = {300, 200}, pair[2] = {{10, 20}, {40, 50}}, three[3] = {{1, 2}, {3, 4}, {5, 6}};
    RECT rect;
    ClientToScreen(hwnd, &to);
    ScreenToClient(hwnd, &from);
    say("%s: to screen %ld %ld, from screen %ld %ld", what, to.x, to.y, from.x, from.y);
    int moved = MapWindowPoints(hwnd, NULL, pair, 2);
    say("a rectangle by %x: %ld %ld %ld %ld", moved, pair[0].x, pair[0].y, pair[1].x, pair[1].y);
    moved = MapWindowPoints(NULL, hwnd, pair, 2);
    say("back by %x: %ld %ld %ld %ld", moved, pair[0].x, pair[0].y, pair[1].x, pair[1].y);
    moved = MapWindowPoints(hwnd, plain, three, 3);
    say("three by %x: %ld %ld %ld", moved, three[0].x, three[1].x, three[2].x);
    moved = MapWindowPoints(hwnd, window, three, 3);
    say("and by %x: %ld %ld %ld", moved, three[0].x, three[1].x, three[2].x);
    GetWindowRect(hwnd, &rect);
    say_rect("window", &rect);
    GetClientRect(hwnd, &rect);
    say_rect("client", &rect);
    MapWindowPoints(hwnd, NULL, (POINT *)&rect, 2);
    say_rect("on the screen", &rect);
    GetWindowRect(hwnd, &rect);
    MapWindowPoints(NULL, GetAncestor(hwnd, GA_PARENT), (POINT *)&rect, 2);
    say_rect("in its parent", &rect);
}

static void messages(void) {
    MSG message;
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageW(&message);
}

static void drawing(void) {
    HDC dc = GetDC(window);
    RECT rect = {5, 5, 40, 30}, box;
    PatBlt(dc, 0, 0, 300, 220, WHITENESS);
    say("layout %lx, mode %d", GetLayout(dc), GetMapMode(dc));
    FillRect(dc, &rect, GetStockObject(BLACK_BRUSH));
    picture("filled", dc, 200, 120);
    MoveToEx(dc, 50, 10, NULL);
    LineTo(dc, 90, 60);
    Rectangle(dc, 60, 20, 100, 50);
    Ellipse(dc, 100, 60, 150, 100);
    picture("shapes", dc, 200, 120);
    IntersectClipRect(dc, 10, 10, 60, 40);
    GetClipBox(dc, &box);
    say_rect("clipped", &box);
    PatBlt(dc, 0, 0, 200, 120, DSTINVERT);
    SelectClipRgn(dc, NULL);
    GetClipBox(dc, &box);
    say_rect("not clipped", &box);
    HRGN region = CreateRectRgn(20, 20, 30, 90);
    SelectClipRgn(dc, region);
    PatBlt(dc, 0, 0, 200, 120, DSTINVERT);
    SelectClipRgn(dc, NULL);
    DeleteObject(region);
    picture("inverted", dc, 200, 120);
    /* A picture that has a left side. */
    HDC memory = CreateCompatibleDC(dc);
    say("memory's layout %lx", GetLayout(memory));
    HBITMAP bitmap = CreateCompatibleBitmap(dc, 20, 10);
    SelectObject(memory, bitmap);
    SetLayout(memory, 0);
    PatBlt(memory, 0, 0, 20, 10, WHITENESS);
    SetPixel(memory, 1, 1, RGB(255, 0, 0));
    for (int i = 0; i < 8; i++) SetPixel(memory, i, 5, RGB(0, 0, 200));
    BitBlt(dc, 10, 80, 20, 10, memory, 0, 0, SRCCOPY);
    BitBlt(dc, 40, 80, 20, 10, memory, 0, 0, SRCCOPY | NOMIRRORBITMAP);
    SetLayout(memory, LAYOUT_RTL);
    BitBlt(dc, 70, 80, 20, 10, memory, 0, 0, SRCCOPY);
    SetLayout(dc, LAYOUT_RTL | LAYOUT_BITMAPORIENTATIONPRESERVED);
    SetLayout(memory, 0);
    StretchBlt(dc, 100, 80, 40, 20, memory, 0, 0, 20, 10, SRCCOPY);
    SetLayout(dc, LAYOUT_RTL);
    picture("pictures", dc, 200, 120);
    say("pixel %06lx", GetPixel(dc, 11, 81));
    POINT point = {7, 9};
    LPtoDP(dc, &point, 1);
    say("on the device %ld %ld", point.x, point.y);
    DPtoLP(dc, &point, 1);
    say("in the world %ld %ld", point.x, point.y);
    DeleteDC(memory);
    DeleteObject(bitmap);
    ReleaseDC(window, dc);
    dc = GetDC(plain);
    say("a plain window's layout %lx", GetLayout(dc));
    ReleaseDC(plain, dc);
    dc = GetDC(window);
    say("again %lx", GetLayout(dc));
    ReleaseDC(window, dc);
}

static void scrolled(void) {
    HDC dc = GetDC(window);
    RECT all, update;
    GetClientRect(window, &all);
    FillRect(dc, &all, GetStockObject(WHITE_BRUSH));
    RECT mark = {20, 20, 30, 30};
    FillRect(dc, &mark, GetStockObject(BLACK_BRUSH));
    ReleaseDC(window, dc);
    ScrollWindowEx(window, 15, 0, NULL, NULL, NULL, &update, 0);
    /* Wine 8 tells where it is on the device. */
    WINE8_DIFFERS(CHECK("the right side is laid open", update.left == 0 && update.right == 15 && update.bottom == 220));
    dc = GetDC(window);
    say("the mark went: %06lx %06lx", GetPixel(dc, 25, 25), GetPixel(dc, 40, 25));
    ReleaseDC(window, dc);
    ScrollWindowEx(window, 5, 3, NULL, NULL, NULL, NULL, SW_SCROLLCHILDREN);
    points("child after that", child);
}

int main(void) {
    DWORD layout = 99;
    WNDCLASSW class = {.lpfnWndProc = procedure, .lpszClassName = L"mirrored", .hInstance = GetModuleHandleW(NULL)};
    RegisterClassW(&class);
    CHECK("a process has a layout", GetProcessDefaultLayout(&layout) && layout == 0);
    plain = CreateWindowExW(0, L"mirrored", L"", WS_POPUP | WS_VISIBLE, 500, 300, 200, 120, NULL, NULL, NULL, NULL);
    window = CreateWindowExW(WS_EX_LAYOUTRTL, L"mirrored", L"", WS_POPUP | WS_VISIBLE, 100, 150, 300, 220, NULL, NULL, NULL, NULL);
    messages();
    points("mirrored", window);
    points("plain", plain);
    /* Wine 8 does not have painted what a new child covers. */
    quiet = 1;
    child = CreateWindowExW(0, L"mirrored", L"", WS_CHILD | WS_VISIBLE | WS_BORDER, 10, 20, 80, 60, window, NULL, NULL, NULL);
    say("inherited %lx", GetWindowLongW(child, GWL_EXSTYLE) & WS_EX_LAYOUTRTL);
    grandchild = CreateWindowExW(0, L"mirrored", L"", WS_CHILD | WS_VISIBLE, 5, 6, 30, 20, child, NULL, NULL, NULL);
    messages();
    points("child", child);
    points("grandchild", grandchild);
    POINT place = {15, 25};
    say("at a place %d", ChildWindowFromPoint(window, place) == child);
    place.x = 300 - 15;
    say("not there %d", ChildWindowFromPoint(window, place) == window);
    place.x = 100 + 300 - 60;
    place.y = 150 + 25;
    say("on the screen %d", WindowFromPoint(place) == child || WindowFromPoint(place) == grandchild);
    SetWindowPos(child, NULL, 30, 40, 100, 50, SWP_NOZORDER);
    points("moved", child);
    MoveWindow(window, 120, 160, 360, 200, TRUE);
    points("parent wider", child);
    SetWindowPos(window, NULL, 0, 0, 300, 200, SWP_NOMOVE | SWP_NOZORDER);
    messages();
    MoveWindow(window, 120, 160, 340, 220, FALSE);
    RECT part = {300, 0, 340, 220}, box;
    ValidateRect(window, NULL);
    SetWindowPos(window, NULL, 0, 0, 300, 220, SWP_NOMOVE | SWP_NOZORDER);
    /* What is to be seen keeps its distance from the right, so nothing is new. Wine 8 keeps it at the left. */
    WINE8_DIFFERS(CHECK("narrower without painting", !GetUpdateRect(window, &box, FALSE)));
    messages();
    quiet = 0;
    part = (RECT){10, 90, 60, 130};
    InvalidateRect(window, &part, FALSE);
    UpdateWindow(window);
    HRGN region = CreateRectRgn(0, 0, 0, 0);
    InvalidateRect(window, &part, FALSE);
    say("kind %d", GetUpdateRgn(window, region, FALSE));
    GetRgnBox(region, &box);
    say_rect("update region", &box);
    ValidateRect(window, NULL);
    DeleteObject(region);
    ShowWindow(child, SW_HIDE);
    ValidateRect(window, NULL);
    drawing();
    scrolled();
    /* Regions of windows. */
    region = CreateRectRgn(0, 0, 50, 40);
    SetWindowRgn(window, region, FALSE);
    GetWindowRgnBox(window, &box);
    say_rect("shape", &box);
    place.x = 100;
    place.y = 155;
    say("seen at the right: %d", WindowFromPoint(place) == window);
    SetWindowRgn(window, NULL, FALSE);
    /* Edges of a frame. */
    HWND framed = CreateWindowExW(WS_EX_LAYOUTRTL, L"mirrored", L"framed", WS_OVERLAPPEDWINDOW | WS_VSCROLL | WS_HSCROLL, 50, 60, 260, 180, NULL, NULL, NULL, NULL);
    points("framed", framed);
    char line[600] = "";
    for (int x = 48; x < 314; x += 4)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%d ", (int)DefWindowProcW(framed, WM_NCHITTEST, 0, MAKELPARAM(x, 72)));
    say("caption: %s", line);
    *line = 0;
    for (int x = 48; x < 314; x += 4)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%d ", (int)DefWindowProcW(framed, WM_NCHITTEST, 0, MAKELPARAM(x, 130)));
    say("middle: %s", line);
    DestroyWindow(framed);
    /* Who inherits, and from whom. */
    HWND none = CreateWindowExW(WS_EX_LAYOUTRTL | WS_EX_NOINHERITLAYOUT, L"mirrored", L"", WS_POPUP, 0, 0, 100, 100, NULL, NULL, NULL, NULL);
    HWND left = CreateWindowExW(0, L"mirrored", L"", WS_CHILD, 10, 10, 20, 20, none, NULL, NULL, NULL);
    say("not inherited %lx", GetWindowLongW(left, GWL_EXSTYLE) & WS_EX_LAYOUTRTL);
    points("plain in mirrored", left);
    SetParent(left, window);
    points("in another", left);
    SetParent(left, plain);
    points("in a plain one", left);
    DestroyWindow(none);
    HWND owned = CreateWindowExW(0, L"mirrored", L"", WS_POPUP, 0, 0, 100, 100, window, NULL, NULL, NULL);
    say("owned %lx", GetWindowLongW(owned, GWL_EXSTYLE) & WS_EX_LAYOUTRTL);
    DestroyWindow(owned);
    CHECK("set", SetProcessDefaultLayout(LAYOUT_RTL) && GetProcessDefaultLayout(&layout) && layout == LAYOUT_RTL);
    HWND later = CreateWindowExW(0, L"mirrored", L"", WS_POPUP, 0, 0, 100, 100, NULL, NULL, NULL, NULL);
    say("of the process %lx", GetWindowLongW(later, GWL_EXSTYLE) & WS_EX_LAYOUTRTL);
    DestroyWindow(later);
    SetProcessDefaultLayout(0);
    WINDOWPLACEMENT placement = {.length = sizeof placement};
    GetWindowPlacement(child, &placement);
    WINE8_DIFFERS(CHECK("a placement counts as the parent does", placement.rcNormalPosition.left == 35));
    say("painted %d", painted > 0);
    return finish();
}
