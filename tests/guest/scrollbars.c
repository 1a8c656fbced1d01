/* Scroll bars that nobody sees: what is said of them and asked, at a window's edges and of the control. */
#include "check.h"

static char log_text[1024];

static LRESULT CALLBACK noting(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == WM_HSCROLL || message == WM_VSCROLL)
        snprintf(log_text + strlen(log_text), sizeof log_text - strlen(log_text), "%c%u ", message == WM_HSCROLL ? 'h' : 'v',
                 (unsigned)LOWORD(wparam));
    return DefWindowProcW(window, message, wparam, lparam);
}

static int is(HWND window, int bar, int least, int most, unsigned page, int place) {
    SCROLLINFO info = {sizeof info, SIF_ALL, -1, -1, 77, -1, -1};
    int done = GetScrollInfo(window, bar, &info);
    int good = done && info.nMin == least && info.nMax == most && info.nPage == page && info.nPos == place && info.nTrackPos == place;
    if (!good) say("  %d: %d to %d, page %u, at %d, tracked %d", done, info.nMin, info.nMax, info.nPage, info.nPos, info.nTrackPos);
    return good;
}

static int set(HWND window, int bar, UINT mask, int least, int most, unsigned page, int place) {
    SCROLLINFO info = {sizeof info, mask, least, most, page, place, 0};
    return SetScrollInfo(window, bar, &info, FALSE);
}

static void edges(void) {
    HWND plain = CreateWindowExW(0, L"bars", L"", WS_POPUP, 0, 0, 200, 150, NULL, NULL, NULL, NULL);
    HWND window = CreateWindowExW(0, L"bars", L"", WS_POPUP | WS_HSCROLL | WS_VSCROLL, 0, 0, 200, 150, NULL, NULL, NULL, NULL);
    SCROLLINFO info = {sizeof info, SIF_ALL, 0, 0, 0, 0, 0};
    CHECK("a window without bars has nothing to tell", !GetScrollInfo(plain, SB_VERT, &info));
    CHECK("one with bars goes from 0 to 100", is(window, SB_VERT, 0, 100, 0, 0) && is(window, SB_HORZ, 0, 100, 0, 0));
    CHECK_EQ("a place", set(window, SB_VERT, SIF_POS, 0, 0, 0, 40), 40);
    CHECK_EQ("within a page", set(window, SB_VERT, SIF_ALL, 10, 60, 11, 99), 50);
    CHECK("it is so", is(window, SB_VERT, 10, 60, 11, 50));
    CHECK("the other is as it was", is(window, SB_HORZ, 0, 100, 0, 0));
    CHECK_EQ("below the first", set(window, SB_VERT, SIF_POS, 0, 0, 0, -5), 10);
    CHECK_EQ("a page larger than all", set(window, SB_HORZ, SIF_PAGE | SIF_DISABLENOSCROLL, 0, 0, 500, 0), 0);
    CHECK("is as large as all", is(window, SB_HORZ, 0, 100, 101, 0));
    CHECK_EQ("the wrong way round", set(window, SB_HORZ, SIF_RANGE | SIF_DISABLENOSCROLL, 5, 1, 0, 0), 0);
    CHECK("is nothing", is(window, SB_HORZ, 0, 0, 1, 0));
    info.fMask = 0x8000;
    CHECK_EQ("what there is not", SetScrollInfo(window, SB_HORZ, &info, FALSE), 0);
    CHECK_EQ("SetScrollPos tells where it was", SetScrollPos(window, SB_VERT, 33, FALSE), 10);
    CHECK_EQ("GetScrollPos", GetScrollPos(window, SB_VERT), 33);
    int least = 0, most = 0;
    CHECK("SetScrollRange", SetScrollRange(window, SB_VERT, -20, 20, FALSE));
    CHECK("GetScrollRange", GetScrollRange(window, SB_VERT, &least, &most) && least == -20 && most == 20);
    CHECK("it is within", is(window, SB_VERT, -20, 20, 11, 10));
    CHECK("disable", EnableScrollBar(window, SB_VERT, ESB_DISABLE_BOTH));
    CHECK("not twice", !EnableScrollBar(window, SB_VERT, ESB_DISABLE_BOTH));
    SCROLLBARINFO about = {.cbSize = sizeof about};
    CHECK("GetScrollBarInfo", GetScrollBarInfo(window, OBJID_VSCROLL, &about));
    CHECK_EQ("its arrows are gray", about.rgstate[1] | about.rgstate[5], STATE_SYSTEM_UNAVAILABLE);
    CHECK("it has no thumb", about.xyThumbTop == 0 && about.xyThumbBottom == 0);
    CHECK("enable", EnableScrollBar(window, SB_VERT, ESB_ENABLE_BOTH));
    CHECK("GetScrollBarInfo again", GetScrollBarInfo(window, OBJID_VSCROLL, &about));
    CHECK("it has one", about.xyThumbTop >= 16 && about.xyThumbBottom > about.xyThumbTop);
    CHECK("ShowScrollBar", ShowScrollBar(window, SB_HORZ, FALSE) || !under_oracle());
    CHECK_EQ("the style tells", GetWindowLongW(window, GWL_STYLE) & (WS_HSCROLL | WS_VSCROLL), WS_VSCROLL);
    CHECK("of no window", !SetScrollPos((HWND)0x7654, SB_VERT, 3, FALSE));
    DestroyWindow(plain);
    DestroyWindow(window);
}

static void control(void) {
    HWND parent = CreateWindowExW(0, L"bars", L"", WS_POPUP, 0, 0, 300, 300, NULL, NULL, NULL, NULL);
    HWND bar = CreateWindowExW(0, L"ScrollBar", L"", WS_CHILD | SBS_HORZ, 5, 5, 200, 17, parent, (HMENU)9, NULL, NULL);
    HWND upright = CreateWindowExW(0, L"ScrollBar", L"", WS_CHILD | SBS_VERT, 5, 30, 17, 200, parent, (HMENU)10, NULL, NULL);
    HWND gray = CreateWindowExW(0, L"ScrollBar", L"", WS_CHILD | WS_DISABLED, 5, 5, 200, 17, parent, (HMENU)11, NULL, NULL);
    CHECK("controls are made", bar && upright && gray);
    CHECK("they begin with nothing", is(bar, SB_CTL, 0, 0, 0, 0));
    CHECK_EQ("SetScrollInfo", set(bar, SB_CTL, SIF_ALL, 0, 100, 10, 20), 20);
    CHECK("it is so", is(bar, SB_CTL, 0, 100, 10, 20));
    CHECK_EQ("SBM_SETPOS", SendMessageW(bar, SBM_SETPOS, 50, FALSE), 20);
    CHECK_EQ("SBM_GETPOS", SendMessageW(bar, SBM_GETPOS, 0, 0), 50);
    SendMessageW(bar, SBM_SETRANGE, 1, 40);
    INT least = 0, most = 0;
    SendMessageW(bar, SBM_GETRANGE, (WPARAM)&least, (LPARAM)&most);
    CHECK("SBM_GETRANGE", least == 1 && most == 40);
    SCROLLBARINFO about = {.cbSize = sizeof about};
    CHECK("SBM_GETSCROLLBARINFO", SendMessageW(gray, SBM_GETSCROLLBARINFO, 0, (LPARAM)&about));
    CHECK_EQ("a gray one", about.rgstate[0], STATE_SYSTEM_UNAVAILABLE);
    CHECK_EQ("it wants arrows", SendMessageW(bar, WM_GETDLGCODE, 0, 0), DLGC_WANTARROWS);
    for (WPARAM key = VK_PRIOR; key <= VK_DOWN; key++) SendMessageW(bar, WM_KEYDOWN, key, 0);
    SendMessageW(upright, WM_KEYDOWN, VK_DOWN, 0);
    if (!CHECK("keys", !strcmp(log_text, "h2 h3 h7 h6 h0 h0 h1 h1 v1 "))) say("  got %s", log_text);
    SendMessageW(bar, WM_ENABLE, FALSE, 0);
    CHECK("WM_ENABLE takes the thumb", GetScrollBarInfo(bar, OBJID_CLIENT, &about) && about.rgstate[1] == STATE_SYSTEM_UNAVAILABLE);
    HWND none = CreateWindowExW(0, L"bars", L"", WS_CHILD, 0, 0, 9, 9, parent, NULL, NULL, NULL);
    CHECK_EQ("what is none", set(none, SB_CTL, SIF_POS, 0, 0, 0, 3), 0);
    DestroyWindow(parent);
}

int main(void) {
    WNDCLASSW class = {.lpfnWndProc = noting, .lpszClassName = L"bars", .hInstance = GetModuleHandleW(NULL)};
    RegisterClassW(&class);
    edges();
    control();
    return finish();
}
