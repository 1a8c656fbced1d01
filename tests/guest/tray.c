/* Icons in the notification area: what Shell_NotifyIcon takes, what their program hears of the mouse, what the task bar takes of the screen. With `show`
   one that stays, for whoever looks at it: its window's title is the last thing that it heard, and an f has it flash once it is not in front. */
#include "check.h"
#include <shellapi.h>

#define TOLD (WM_APP + 1)

static HWND own, owner;
static UINT heard[64];
static WPARAM first[64];
static LPARAM second[64];
static int count;

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == TOLD) {
        char title[64];
        UINT event = LOWORD(lparam);
        snprintf(title, sizeof title, "told %#x", event);
        if (event != WM_MOUSEMOVE) SetWindowTextA(own, title);
        if (count < 64 && event != WM_MOUSEMOVE) {
            heard[count] = event;
            first[count] = wparam;
            second[count++] = lparam;
        }
        return 0;
    }
    /* Once another window is in front, it asks for somebody to look at it. */
    if (message == WM_CHAR && wparam == 'f') SetTimer(window, 1, 100, NULL);
    if (message == WM_TIMER && GetForegroundWindow() != own) {
        FLASHWINFO flash = {sizeof flash, own, FLASHW_TRAY, 1, 0};
        KillTimer(window, 1);
        FlashWindowEx(&flash);
        SetWindowTextA(own, "flashes");
    }
    if (message == WM_DESTROY && window == own) PostQuitMessage(0);
    return DefWindowProcA(window, message, wparam, lparam);
}

static HICON icon(DWORD colour) {
    DWORD pixels[256];
    BYTE mask[32] = {0};
    for (int at = 0; at < 256; at++) pixels[at] = colour;
    return CreateIcon(NULL, 16, 16, 1, 32, mask, (BYTE *)pixels);
}

static NOTIFYICONDATAW data_of(HWND window, UINT id, UINT flags) {
    NOTIFYICONDATAW data = {.cbSize = sizeof data, .hWnd = window, .uID = id, .uFlags = flags, .uCallbackMessage = TOLD};
    wcscpy(data.szTip, L"A tip");
    return data;
}

static void pump(void) {
    MSG message;
    for (int i = 0; i < 5; i++) {
        while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageA(&message);
        Sleep(5);
    }
}

static void click(DWORD down, DWORD up) {
    mouse_event(down, 0, 0, 0, 0);
    mouse_event(up, 0, 0, 0, 0);
    pump();
}

static LONG work_bottom(void) {
    RECT work;
    SystemParametersInfoA(SPI_GETWORKAREA, 0, &work, 0);
    return work.bottom;
}

static int show(void) {
    NOTIFYICONDATAW data = data_of(own, 1, NIF_MESSAGE | NIF_ICON | NIF_TIP | NIF_INFO);
    MSG message;
    data.hIcon = icon(0xff00ff00);
    wcscpy(data.szInfoTitle, L"A title");
    wcscpy(data.szInfo, L"What a balloon says.");
    data.dwInfoFlags = NIIF_WARNING;
    data.uTimeout = 30000;
    SetWindowPos(own, NULL, 100, 100, 300, 200, SWP_NOZORDER | SWP_SHOWWINDOW);
    SetForegroundWindow(own);
    if (!Shell_NotifyIconW(NIM_ADD, &data)) SetWindowTextA(own, "no icon");
    data.uVersion = NOTIFYICON_VERSION;
    Shell_NotifyIconW(NIM_SETVERSION, &data);
    while (GetMessageA(&message, NULL, 0, 0) > 0) {
        TranslateMessage(&message);
        DispatchMessageA(&message);
    }
    return 0;
}

int main(int argc, char **argv) {
    WNDCLASSA class = {.lpfnWndProc = procedure, .hInstance = GetModuleHandleA(NULL), .lpszClassName = "Tray",
                       .hbrBackground = (HBRUSH)(COLOR_WINDOW + 1)};
    RegisterClassA(&class);
    own = CreateWindowA("Tray", "tray", WS_OVERLAPPEDWINDOW, 100, 100, 300, 200, NULL, NULL, class.hInstance, NULL);
    if (argc > 1 && !strcmp(argv[1], "show")) return show();
    owner = CreateWindowA("Tray", "owner", WS_OVERLAPPEDWINDOW, 100, 100, 300, 200, NULL, NULL, class.hInstance, NULL);
    CHECK("the task bar is there", FindWindowA("Shell_TrayWnd", NULL));
    LONG before = work_bottom();
    int right = GetSystemMetrics(SM_CXSCREEN), bottom = GetSystemMetrics(SM_CYSCREEN);
    CHECK_EQ("nothing is taken of the screen", before, bottom);

    NOTIFYICONDATAW data = data_of(own, 7, NIF_MESSAGE | NIF_ICON | NIF_TIP);
    data.hIcon = icon(0xffff0000);
    CHECK("nothing is there to be changed", !Shell_NotifyIconW(NIM_MODIFY, &data));
    CHECK("nor to be taken away", !Shell_NotifyIconW(NIM_DELETE, &data));
    ShowWindow(owner, SW_SHOWMAXIMIZED);
    CHECK("an icon is added", Shell_NotifyIconW(NIM_ADD, &data));
    pump();
    RECT rect;
    CHECK("a maximized window leaves it room", GetWindowRect(owner, &rect) && rect.bottom < bottom - 10);
    ShowWindow(owner, SW_HIDE);
    CHECK("once", !Shell_NotifyIconW(NIM_ADD, &data));
    CHECK("it is changed", Shell_NotifyIconW(NIM_MODIFY, &data));
    CHECK("it has the keyboard", Shell_NotifyIconW(NIM_SETFOCUS, &data));
    CHECK("the bar takes of the screen", work_bottom() < bottom && work_bottom() > bottom - 60);
    HWND bar = FindWindowA("Shell_TrayWnd", NULL);
    CHECK("it is seen", IsWindowVisible(bar) && GetWindowRect(bar, &rect) && rect.top == work_bottom() && rect.bottom == bottom);
    CHECK("nobody has it", !(GetWindowLongA(bar, GWL_EXSTYLE) & WS_EX_APPWINDOW) && GetForegroundWindow() != bar);

    /* The first icon lies at the right. */
    SetCursorPos(right - 14, bottom - 14);
    click(MOUSEEVENTF_LEFTDOWN, MOUSEEVENTF_LEFTUP);
    CHECK("clicks are told as messages of the mouse", count == 2 && heard[0] == WM_LBUTTONDOWN && heard[1] == WM_LBUTTONUP);
    CHECK("with the icon's number", first[0] == 7 && second[0] == WM_LBUTTONDOWN);
    count = 0;
    click(MOUSEEVENTF_LEFTDOWN, MOUSEEVENTF_LEFTUP);
    CHECK("a second time is a double click", count == 2 && heard[0] == WM_LBUTTONDBLCLK && heard[1] == WM_LBUTTONUP);
    data.uVersion = 2;
    CHECK("no such version", !Shell_NotifyIconW(NIM_SETVERSION, &data));
    data.uVersion = NOTIFYICON_VERSION;
    CHECK("version 3", Shell_NotifyIconW(NIM_SETVERSION, &data));
    count = 0;
    click(MOUSEEVENTF_LEFTDOWN, MOUSEEVENTF_LEFTUP);
    click(MOUSEEVENTF_RIGHTDOWN, MOUSEEVENTF_RIGHTUP);
    CHECK("what clicks mean is told as well", count == 6 && heard[2] == NIN_SELECT && heard[5] == WM_CONTEXTMENU && first[5] == 7);
    data.uVersion = NOTIFYICON_VERSION_4;
    CHECK("version 4", Shell_NotifyIconW(NIM_SETVERSION, &data));
    SetCursorPos(10, 10);
    pump();
    count = 0;
    SetCursorPos(right - 14, bottom - 14);
    pump();
    CHECK("the mouse comes", count == 1 && heard[0] == NIN_POPUPOPEN);
    click(MOUSEEVENTF_RIGHTDOWN, MOUSEEVENTF_RIGHTUP);
    CHECK("places are told", count == 4 && heard[3] == WM_CONTEXTMENU && HIWORD(second[3]) == 7 &&
          LOWORD(first[3]) == right - 14 && HIWORD(first[3]) == bottom - 14);
    SetCursorPos(10, 10);
    pump();
    CHECK("the mouse goes", count == 5 && heard[4] == NIN_POPUPCLOSE);

    /* Hidden, it takes nothing; the other one comes to where it was. */
    data.uFlags = NIF_STATE;
    data.dwState = data.dwStateMask = NIS_HIDDEN;
    CHECK("an icon is hidden", Shell_NotifyIconW(NIM_MODIFY, &data));
    CHECK_EQ("the bar goes", work_bottom(), bottom);
    CHECK("it is not seen", !IsWindowVisible(bar));
    NOTIFYICONDATAW named = data_of(owner, 1, NIF_MESSAGE | NIF_ICON | NIF_GUID);
    named.hIcon = icon(0xff0000ff);
    named.guidItem = (GUID){0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};
    CHECK("one that has a name", Shell_NotifyIconW(NIM_ADD, &named));
    NOTIFYICONDATAW same = data_of(own, 99, NIF_GUID);
    same.guidItem = named.guidItem;
    CHECK("is known by that", Shell_NotifyIconW(NIM_MODIFY, &same));
    same.guidItem.Data1++;
    CHECK("and by no other", !Shell_NotifyIconW(NIM_MODIFY, &same));
    SetCursorPos(right - 14, bottom - 14);
    count = 0;
    click(MOUSEEVENTF_MIDDLEDOWN, MOUSEEVENTF_MIDDLEUP);
    CHECK("it is told", count == 2 && heard[0] == WM_MBUTTONDOWN && first[0] == 1);
    DestroyWindow(owner);
    CHECK_EQ("it goes with its window", work_bottom(), bottom);
    CHECK("altogether", !Shell_NotifyIconW(NIM_MODIFY, &named));
    CHECK("no icon of no window", !Shell_NotifyIconW(NIM_ADD, &named));
    CHECK("one goes that nobody saw", Shell_NotifyIconW(NIM_DELETE, &data));
    CHECK("and is gone", !Shell_NotifyIconW(NIM_DELETE, &data));

    /* Windows hear of it. */
    data = data_of(own, 8, NIF_ICON);
    data.hIcon = LoadIconA(NULL, (LPCSTR)IDI_WARNING);
    CHECK("a larger icon", Shell_NotifyIconW(NIM_ADD, &data));
    MSG message;
    BOOL told = FALSE;
    while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) told |= message.message == WM_SETTINGCHANGE && message.wParam == SPI_SETWORKAREA;
    CHECK("windows hear of the work area", told);
    CHECK("and it goes", Shell_NotifyIconW(NIM_DELETE, &data));
    return finish();
}
