/* What lies around client areas: how large it is with each style, what points of it are, how it is drawn. */
#include "check.h"

BOOL WINAPI DrawCaptionTempW(HWND, HDC, const RECT *, HFONT, HICON, LPCWSTR, UINT);

static const DWORD styles[] = {
    WS_POPUP, WS_POPUP | WS_BORDER, WS_POPUP | WS_DLGFRAME, WS_POPUP | WS_CAPTION, WS_POPUP | WS_THICKFRAME, WS_OVERLAPPED,
    WS_OVERLAPPEDWINDOW, WS_POPUP | WS_CAPTION | WS_SYSMENU, WS_OVERLAPPEDWINDOW | WS_HSCROLL | WS_VSCROLL, WS_POPUP | WS_VSCROLL,
    WS_CHILD, WS_CHILD | WS_BORDER, WS_CHILD | WS_DLGFRAME | WS_THICKFRAME, WS_OVERLAPPEDWINDOW & ~WS_MAXIMIZEBOX,
};
static const DWORD extended[] = {
    0, WS_EX_DLGMODALFRAME, WS_EX_CLIENTEDGE, WS_EX_STATICEDGE, WS_EX_TOOLWINDOW, WS_EX_CLIENTEDGE | WS_EX_STATICEDGE,
    WS_EX_CLIENTEDGE | WS_EX_LEFTSCROLLBAR, WS_EX_CONTEXTHELP,
};
#define COUNT(all) (int)(sizeof all / sizeof *all)

static void say_rect(const char *what, int style, int ex, const RECT *rect) {
    say("%s %d %d: %ld %ld %ld %ld", what, style, ex, rect->left, rect->top, rect->right, rect->bottom);
}

/* A hash of all bits of a picture that there is on a memory DC. */
static void picture(const char *name, int width, int height, const DWORD *bits) {
    DWORD64 hash = 0xcbf29ce484222325;
    GdiFlush();
    for (int i = 0; i < width * height; i++) hash = (hash ^ (bits[i] & 0xffffff)) * 0x100000001b3;
    say("%s %016llx", name, (unsigned long long)hash);
}

int main(void) {
    WNDCLASSW class = {.lpfnWndProc = DefWindowProcW, .lpszClassName = L"frame", .hInstance = GetModuleHandleW(NULL)};
    RegisterClassW(&class);
    HWND parent = CreateWindowExW(0, L"frame", L"", WS_POPUP, 0, 0, 400, 300, NULL, NULL, NULL, NULL);
    /* The first window has the theme set sizes. */
    say("metrics %d %d %d %d %d", GetSystemMetrics(SM_CYCAPTION), GetSystemMetrics(SM_CXSIZE), GetSystemMetrics(SM_CYSMCAPTION),
        GetSystemMetrics(SM_CYMENU), GetSystemMetrics(SM_CXFRAME));
    for (int i = 0; i < COUNT(styles); i++)
        for (int j = 0; j < COUNT(extended); j++) {
            RECT rect = {100, 100, 400, 300}, bar = rect;
            AdjustWindowRectEx(&rect, styles[i], FALSE, extended[j]);
            say_rect("around", i, j, &rect);
            AdjustWindowRectEx(&bar, styles[i], TRUE, extended[j]);
            say_rect("with a bar", i, j, &bar);
            HWND window = CreateWindowExW(extended[j], L"frame", L"a window", styles[i], 10, 20, 250, 170,
                                          styles[i] & WS_CHILD ? parent : NULL, NULL, NULL, NULL);
            GetClientRect(window, &rect);
            MapWindowPoints(window, NULL, (POINT *)&rect, 2);
            say_rect("client", i, j, &rect);
            char line[900] = "";
            /* Along both diagonals, and across the caption. */
            for (int k = -2; k < 172; k += 3) {
                snprintf(line + strlen(line), sizeof line - strlen(line), "%d ",
                         (int)DefWindowProcW(window, WM_NCHITTEST, 0, MAKELPARAM(10 + k, 20 + k)));
                snprintf(line + strlen(line), sizeof line - strlen(line), "%d ",
                         (int)DefWindowProcW(window, WM_NCHITTEST, 0, MAKELPARAM(260 - k, 20 + k)));
                snprintf(line + strlen(line), sizeof line - strlen(line), "%d ",
                         (int)DefWindowProcW(window, WM_NCHITTEST, 0, MAKELPARAM(260 - k, 30)));
            }
            say("hits %d %d: %s", i, j, line);
            TITLEBARINFO title = {.cbSize = sizeof title};
            if (!(styles[i] & WS_CHILD) && GetTitleBarInfo(window, &title)) {
                say_rect("title", i, j, &title.rcTitleBar);
                say("states %d %d: %lx %lx %lx %lx %lx %lx", i, j, title.rgstate[0], title.rgstate[1], title.rgstate[2],
                    title.rgstate[3], title.rgstate[4], title.rgstate[5]);
            }
            DestroyWindow(window);
        }
    /* Captions without a text, on a bitmap. */
    BITMAPINFO info = {.bmiHeader = {.biSize = sizeof info.bmiHeader, .biWidth = 200, .biHeight = -24, .biPlanes = 1, .biBitCount = 32}};
    DWORD *bits;
    HDC dc = CreateCompatibleDC(NULL);
    HBITMAP bitmap = CreateDIBSection(NULL, &info, DIB_RGB_COLORS, (void **)&bits, NULL, 0);
    SelectObject(dc, bitmap);
    HWND window = CreateWindowExW(0, L"frame", L"", WS_OVERLAPPEDWINDOW, 0, 0, 200, 100, NULL, NULL, NULL, NULL);
    static const UINT flags[] = {0, DC_ACTIVE, DC_GRADIENT, DC_ACTIVE | DC_GRADIENT, DC_INBUTTON, DC_INBUTTON | DC_ACTIVE};
    for (int i = 0; i < COUNT(flags); i++) {
        RECT rect = {1, 1, 199, 23};
        char name[32];
        PatBlt(dc, 0, 0, 200, 24, WHITENESS);
        DrawCaptionTempW(window, dc, &rect, NULL, NULL, NULL, flags[i]);
        snprintf(name, sizeof name, "caption %d", i);
        picture(name, 200, 24, bits);
    }
    /* Brushes and colours that controls are given. */
    for (int i = WM_CTLCOLORMSGBOX; i <= WM_CTLCOLORSTATIC; i++) {
        HBRUSH brush = (HBRUSH)DefWindowProcW(window, i, (WPARAM)dc, (LPARAM)window);
        LOGBRUSH about = {0};
        GetObjectW(brush, sizeof about, &about);
        say("colours %d: style %u, %06lx; %06lx on %06lx", i - WM_CTLCOLORMSGBOX, about.lbStyle, about.lbColor, GetTextColor(dc), GetBkColor(dc));
    }
    for (int i = 0; i < 31; i++) {
        LOGBRUSH about = {0};
        GetObjectW(GetSysColorBrush(i), sizeof about, &about);
        CHECK("a brush of the system has its colour", about.lbColor == GetSysColor(i) && about.lbStyle == BS_SOLID);
    }
    CHECK("none beyond", !GetSysColorBrush(31));
    CHECK("they stay", DeleteObject(GetSysColorBrush(5)) && GetObjectType(GetSysColorBrush(5)) == OBJ_BRUSH);
    CHECK_EQ("WM_QUERYDROPOBJECT", DefWindowProcW(window, 0x22b, 0, 0), 0);
    CHECK_EQ("WM_NCACTIVATE", DefWindowProcW(window, WM_NCACTIVATE, TRUE, -1), 1);
    CHECK_EQ("WM_MOUSEACTIVATE on the caption", DefWindowProcW(window, WM_MOUSEACTIVATE, (WPARAM)window, MAKELPARAM(HTCAPTION, WM_LBUTTONDOWN)), MA_NOACTIVATE);
    CHECK_EQ("WM_MOUSEACTIVATE elsewhere", DefWindowProcW(window, WM_MOUSEACTIVATE, (WPARAM)window, MAKELPARAM(HTCLIENT, WM_LBUTTONDOWN)), MA_ACTIVATE);
    CHECK_EQ("WM_VKEYTOITEM", DefWindowProcW(window, WM_VKEYTOITEM, 0, 0), -1);
    CHECK_EQ("WM_NOTIFYFORMAT", DefWindowProcW(window, WM_NOTIFYFORMAT, 0, NF_QUERY), NFR_UNICODE);
    return finish();
}
