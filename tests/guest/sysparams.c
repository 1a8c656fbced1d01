/* What the user has set: metrics, colours, system parameters, the monitor, DPI. With an argument, all of it is printed instead of judged. */
#include "check.h"

static void print_all(void) {
    for (int i = 0; i <= 100; i++) say("metric %d = %d", i, GetSystemMetrics(i));
    for (int i = 0; i <= 31; i++) say("colour %d = %06lx", i, GetSysColor(i));
    NONCLIENTMETRICSW nm = { .cbSize = sizeof nm };
    say("nonclient %d", SystemParametersInfoW(SPI_GETNONCLIENTMETRICS, sizeof nm, &nm, 0));
    say("border %d scroll %d %d caption %d %d small %d %d menu %d %d padded %d", nm.iBorderWidth, nm.iScrollWidth, nm.iScrollHeight,
        nm.iCaptionWidth, nm.iCaptionHeight, nm.iSmCaptionWidth, nm.iSmCaptionHeight, nm.iMenuWidth, nm.iMenuHeight, nm.iPaddedBorderWidth);
    LOGFONTW *fonts[] = { &nm.lfCaptionFont, &nm.lfSmCaptionFont, &nm.lfMenuFont, &nm.lfStatusFont, &nm.lfMessageFont };
    for (int i = 0; i < 5; i++)
        say("font %d: %ls %ld %ld weight %ld italic %d charset %d pitch %x", i, fonts[i]->lfFaceName, fonts[i]->lfHeight, fonts[i]->lfWidth,
            fonts[i]->lfWeight, fonts[i]->lfItalic, fonts[i]->lfCharSet, fonts[i]->lfPitchAndFamily);
    ICONMETRICSW im = { .cbSize = sizeof im };
    SystemParametersInfoW(SPI_GETICONMETRICS, sizeof im, &im, 0);
    say("icon: %d %d %d %ls %ld", im.iHorzSpacing, im.iVertSpacing,
        im.iTitleWrap, im.lfFont.lfFaceName, im.lfFont.lfHeight);
    MINIMIZEDMETRICS mm = { .cbSize = sizeof mm };
    SystemParametersInfoW(SPI_GETMINIMIZEDMETRICS, sizeof mm, &mm, 0);
    say("minimized: %d %d %d %d", mm.iWidth, mm.iHorzGap, mm.iVertGap, mm.iArrange);
    static const UINT numbers[] = { 1, 5, 10, 14, 16, 18, 22, 25, 27, 38, 56, 68, 70, 74, 83, 84, 94, 95, 98, 100, 102, 104, 106, 108, 112, 114,
        0x1000, 0x1002, 0x1004, 0x1006, 0x1008, 0x100a, 0x100c, 0x100e, 0x1012, 0x1014, 0x1016, 0x1018, 0x101a, 0x101c, 0x101e, 0x1020, 0x1022,
        0x1024, 0x1026, 0x103e, 0x1040, 0x1042, 0x1048, 0x104a, 0x2000, 0x2002, 0x2004, 0x2006, 0x2008, 0x200a, 0x200c, 0x200e, 0x2010, 0x2012 };
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        DWORD value = 0xdeadbeef;
        BOOL ok = SystemParametersInfoW(numbers[i], 0, &value, 0);
        say("spi %#x: %d %lu", numbers[i], ok, value);
    }
    say("double click %u caret %u", GetDoubleClickTime(), GetCaretBlinkTime());
}

static int changes, colour_changes;
static WPARAM changed;

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == WM_SETTINGCHANGE) { changes++; changed = wparam; }
    if (message == WM_SYSCOLORCHANGE) colour_changes++;
    return DefWindowProcW(window, message, wparam, lparam);
}

static BOOL CALLBACK count_monitor(HMONITOR monitor, HDC dc, RECT *rect, LPARAM param) {
    MONITORINFOEXW info = { .cbSize = sizeof info };
    (void)dc;
    if (GetMonitorInfoW(monitor, (MONITORINFO *)&info) && EqualRect(&info.rcMonitor, rect)) (*(int *)param)++;
    return TRUE;
}

/* The adapter as Direct3D's kernel calls have it: D3DKMT_OPENADAPTERFROMGDIDISPLAYNAME, _ENUMADAPTERS2, _ADAPTERINFO, _SETVIDPNSOURCEOWNER. */
static struct { WCHAR name[32]; UINT adapter; LUID luid; UINT source; } opened = { L"\\\\.\\DISPLAY1", 0, { 0, 0 }, 0 };
struct info { UINT adapter; LUID luid; ULONG sources; BOOL regions; };

static void adapters(void) {
    enum { TOO_SMALL = (int)0xc0000023, INVALID = (int)0xc000000d, OCCLUDED = (int)0xc01e0006, IN_USE = (int)0xc01e0342 };
    HMODULE gdi = GetModuleHandleA("gdi32");
#define KMT(name) LONG (WINAPI *name)(void *) = (LONG (WINAPI *)(void *))(void *)GetProcAddress(gdi, "D3DKMT" #name)
    KMT(OpenAdapterFromGdiDisplayName);
    KMT(EnumAdapters2);
    KMT(CloseAdapter);
    KMT(CreateDevice);
    KMT(DestroyDevice);
    KMT(SetVidPnSourceOwner);
    KMT(CheckVidPnExclusiveOwnership);
    KMT(QueryAdapterInfo);
    /* Wine 8 has not all of them. */
    if (under_oracle() && !EnumAdapters2) return;
    CHECK_EQ("it opens by the display's name", OpenAdapterFromGdiDisplayName(&opened), 0);
    CHECK("it has a number everywhere", opened.adapter && opened.luid.LowPart);
    struct { UINT count, padding; struct info *infos; } list = { 0, 0, NULL };
    struct info infos[40] = { { 0, { 0, 0 }, 0, 0 } };
    CHECK_EQ("how many there may be", EnumAdapters2(&list), 0);
    CHECK("some", list.count > 0 && list.count <= 40);
    list.infos = infos;
    CHECK_EQ("all", EnumAdapters2(&list), 0);
    CHECK_EQ("one", list.count, 1);
    CHECK("the same", infos[0].luid.LowPart == opened.luid.LowPart && infos[0].adapter != opened.adapter);
    list.count = 0;
    CHECK_EQ("no room", EnumAdapters2(&list), TOO_SMALL);
    struct { UINT64 adapter; UINT flags, device; UINT64 buffers[6]; } first = { opened.adapter, 0, 0, { 0 } }, second = first, none = first;
    none.adapter = 0xdead;
    CHECK_EQ("a device", CreateDevice(&first), 0);
    CHECK_EQ("another", CreateDevice(&second), 0);
    CHECK_EQ("none of another adapter's", CreateDevice(&none), INVALID);
    UINT exclusive = 2;
    struct { UINT device, padding; UINT *kind, *source; UINT count; } owner = { first.device, 0, &exclusive, &opened.source, 1 };
    UINT asked[2] = { opened.adapter, opened.source };
    CHECK_EQ("nobody has the screen", CheckVidPnExclusiveOwnership(asked), 0);
    CHECK_EQ("the device takes it", SetVidPnSourceOwner(&owner), 0);
    CHECK_EQ("now one has", CheckVidPnExclusiveOwnership(asked), OCCLUDED);
    owner.device = second.device;
    CHECK_EQ("so another does not get it", SetVidPnSourceOwner(&owner), IN_USE);
    CHECK_EQ("it goes", DestroyDevice(&first.device), 0);
    CHECK_EQ("and so nobody has", CheckVidPnExclusiveOwnership(asked), 0);
    CHECK_EQ("the other goes", DestroyDevice(&second.device), 0);
    CHECK_EQ("it closes", CloseAdapter(&opened.adapter), 0);
    CHECK_EQ("once", CloseAdapter(&opened.adapter), INVALID);
    CHECK("what is not there says so", QueryAdapterInfo(&list) < 0);
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) { print_all(); return 0; }
    WNDCLASSW class = { .lpfnWndProc = procedure, .hInstance = GetModuleHandleW(NULL), .lpszClassName = L"settings" };
    RegisterClassW(&class);
    HWND window = CreateWindowW(L"settings", L"", WS_OVERLAPPEDWINDOW, 0, 0, 100, 100, NULL, NULL, class.hInstance, NULL);
    CHECK("a window to be told", window != NULL);

    /* Sizes follow from each other. */
    CHECK_EQ("a button of a caption", GetSystemMetrics(SM_CYSIZE), GetSystemMetrics(SM_CYCAPTION) - 1);
    CHECK_EQ("the thumb is as large as the bar", GetSystemMetrics(SM_CXHTHUMB), GetSystemMetrics(SM_CXHSCROLL));
    CHECK_EQ("maximized", GetSystemMetrics(SM_CXMAXIMIZED), GetSystemMetrics(SM_CXSCREEN) + 2 * GetSystemMetrics(SM_CXFRAME));
    CHECK_EQ("for another DPI", GetSystemMetricsForDpi(SM_CXICON, 192), 64);
    CHECK_EQ("numbers that are none", GetSystemMetrics(1000), 0);

    /* A number, kept for the session, and told only if it is kept for good. */
    UINT lines = 0, before = 0;
    CHECK("wheel lines", SystemParametersInfoW(SPI_GETWHEELSCROLLLINES, 0, &before, 0));
    CHECK("are set", SystemParametersInfoW(SPI_SETWHEELSCROLLLINES, 7, NULL, 0));
    SystemParametersInfoW(SPI_GETWHEELSCROLLLINES, 0, &lines, 0);
    CHECK_EQ("and asked for", lines, 7);
    CHECK_EQ("nobody was told", changes, 0);
    CHECK("set for good", SystemParametersInfoW(SPI_SETWHEELSCROLLLINES, before, NULL, SPIF_UPDATEINIFILE | SPIF_SENDCHANGE));
    CHECK_EQ("windows are told", changes, 1);
    CHECK_EQ("what changed", changed, SPI_SETWHEELSCROLLLINES);
    HKEY key;
    WCHAR text[16] = L"";
    DWORD size = sizeof text;
    CHECK_EQ("the key", RegOpenKeyExW(HKEY_CURRENT_USER, L"Control Panel\\Desktop", 0, KEY_READ, &key), 0);
    CHECK_EQ("the value", RegQueryValueExW(key, L"WheelScrollLines", NULL, NULL, (BYTE *)text, &size), 0);
    CHECK_EQ("is what was set", _wtoi(text), before);
    RegCloseKey(key);

    /* A bit of the preferences, which is passed in the address. */
    BOOL was = 0, is = 0;
    CHECK("menus fade", SystemParametersInfoW(SPI_GETMENUFADE, 0, &was, 0));
    CHECK("otherwise", SystemParametersInfoW(SPI_SETMENUFADE, 0, (void *)(UINT_PTR)!was, 0));
    SystemParametersInfoW(SPI_GETMENUFADE, 0, &is, 0);
    CHECK_EQ("as set", is, !was);
    BOOL other = 0;
    SystemParametersInfoW(SPI_GETGRADIENTCAPTIONS, 0, &other, 0);
    CHECK_EQ("the other bits stay", other, 1);
    SystemParametersInfoW(SPI_SETMENUFADE, 0, (void *)(UINT_PTR)was, 0);

    /* Metrics follow. */
    NONCLIENTMETRICSW nm = { .cbSize = sizeof nm };
    CHECK("non-client metrics", SystemParametersInfoW(SPI_GETNONCLIENTMETRICS, sizeof nm, &nm, 0));
    int scroll = nm.iScrollWidth;
    nm.iScrollWidth = 33;
    CHECK("a wider scroll bar", SystemParametersInfoW(SPI_SETNONCLIENTMETRICS, sizeof nm, &nm, 0));
    CHECK_EQ("is one", GetSystemMetrics(SM_CXVSCROLL), 33);
    nm.iScrollWidth = scroll;
    SystemParametersInfoW(SPI_SETNONCLIENTMETRICS, sizeof nm, &nm, 0);
    CHECK_EQ("and back", GetSystemMetrics(SM_CXVSCROLL), scroll);
    CHECK_ERROR("a number that is none", SystemParametersInfoW(0x7777, 0, NULL, 0), ERROR_INVALID_SPI_VALUE);
    RECT area = { 0 };
    CHECK("the work area", SystemParametersInfoW(SPI_GETWORKAREA, 0, &area, 0));
    CHECK("is one", area.right > area.left && area.bottom > area.top);

    /* Colours, with brushes of them. */
    int which[] = { COLOR_WINDOW, COLOR_HIGHLIGHT };
    COLORREF old[] = { GetSysColor(COLOR_WINDOW), GetSysColor(COLOR_HIGHLIGHT) }, new[] = { RGB(1, 2, 3), RGB(4, 5, 6) };
    CHECK("colours are set", SetSysColors(2, which, new));
    CHECK_EQ("and asked for", GetSysColor(COLOR_HIGHLIGHT), RGB(4, 5, 6));
    CHECK_EQ("windows are told once", colour_changes, 1);
    SetSysColors(2, which, old);
    HBRUSH brush = GetSysColorBrush(COLOR_BTNFACE);
    LOGBRUSH logical;
    CHECK("a brush", brush && GetObjectW(brush, sizeof logical, &logical) == sizeof logical);
    CHECK_EQ("of that colour", logical.lbColor, GetSysColor(COLOR_BTNFACE));
    CHECK("the same again", GetSysColorBrush(COLOR_BTNFACE) == brush);
    DeleteObject(brush);
    CHECK("it is never deleted", GetObjectW(brush, sizeof logical, &logical) == sizeof logical);

    /* The monitor. */
    int monitors = 0;
    CHECK("monitors", EnumDisplayMonitors(NULL, NULL, count_monitor, (LPARAM)&monitors));
    CHECK_EQ("one", monitors, GetSystemMetrics(SM_CMONITORS));
    POINT outside = { -5000, -5000 }, inside = { 10, 10 };
    CHECK("none far outside", MonitorFromPoint(outside, MONITOR_DEFAULTTONULL) == NULL);
    CHECK("the nearest", MonitorFromPoint(outside, MONITOR_DEFAULTTONEAREST) == MonitorFromPoint(inside, 0));
    CHECK("of a window", MonitorFromWindow(window, 0) == MonitorFromPoint(inside, 0));
    DISPLAY_DEVICEW device = { .cb = sizeof device };
    CHECK("an adapter", EnumDisplayDevicesW(NULL, 0, &device, 0));
    CHECK("its name", !lstrcmpiW(device.DeviceName, L"\\\\.\\DISPLAY1"));
    adapters();
    DEVMODEW mode = { .dmSize = sizeof mode };
    CHECK("its mode", EnumDisplaySettingsW(NULL, ENUM_CURRENT_SETTINGS, &mode));
    CHECK_EQ("as wide as the screen", mode.dmPelsWidth, GetSystemMetrics(SM_CXSCREEN));
    mode.dmPelsWidth = 77;
    mode.dmFields = DM_PELSWIDTH;
    CHECK_EQ("a size that is none", ChangeDisplaySettingsW(&mode, CDS_TEST), DISP_CHANGE_BADMODE);

    /* DPI. */
    CHECK_EQ("of the window", GetDpiForWindow(window), 96);
    WINE8_DIFFERS(CHECK("unaware", AreDpiAwarenessContextsEqual(GetThreadDpiAwarenessContext(), DPI_AWARENESS_CONTEXT_UNAWARE)));
    DPI_AWARENESS_CONTEXT context = SetThreadDpiAwarenessContext(DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2);
    WINE8_DIFFERS(CHECK("before", AreDpiAwarenessContextsEqual(context, DPI_AWARENESS_CONTEXT_UNAWARE)));
    WINE8_DIFFERS(CHECK("now", AreDpiAwarenessContextsEqual(GetThreadDpiAwarenessContext(), DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2)));
    SetThreadDpiAwarenessContext(context);
    WINE8_DIFFERS(CHECK("back", AreDpiAwarenessContextsEqual(GetThreadDpiAwarenessContext(), DPI_AWARENESS_CONTEXT_UNAWARE)));
    DestroyWindow(window);
    return finish();
}
