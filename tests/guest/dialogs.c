/* Shows one of the system's common dialogs above a window that is always at the same place, and tells what was chosen: `dialogs KIND`. Two kinds
   are no dialogs: `timer` counts ticks until its title says that it is done, `dpi` tells what a program hears that knows of dots. */
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include <windows.h>
#include <commdlg.h>
#include <shlobj.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static HWND top;

static void tell(const char *format, ...) {
    char text[1024];
    DWORD written;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text - 1, format, args);
    va_end(args);
    if (length < 0) return;
    if (length > (int)sizeof text - 2) length = sizeof text - 2;
    text[length++] = '\n';
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), text, (DWORD)length, &written, NULL);
}

static void file(BOOL saves) {
    char name[MAX_PATH] = "";
    OPENFILENAMEA what = {.lStructSize = sizeof what, .hwndOwner = top, .lpstrFile = name, .nMaxFile = sizeof name};
    what.lpstrFilter = "Texts\0*.txt\0All files\0*.*\0";
    what.lpstrInitialDir = "C:\\stage";
    what.lpstrDefExt = "txt";
    what.lpstrTitle = saves ? "Save it" : "Open it";
    what.Flags = OFN_EXPLORER | OFN_HIDEREADONLY | (saves ? OFN_OVERWRITEPROMPT : OFN_FILEMUSTEXIST);
    BOOL chosen = saves ? GetSaveFileNameA(&what) : GetOpenFileNameA(&what);
    tell("%d %lu %s, extension at %u, filter %lu", chosen, CommDlgExtendedError(), name, what.nFileExtension, what.nFilterIndex);
}

static void open_file(void) { file(FALSE); }
static void save_file(void) { file(TRUE); }

static void font(void) {
    LOGFONTA logical = {.lfHeight = -16, .lfWeight = FW_BOLD, .lfCharSet = DEFAULT_CHARSET, .lfFaceName = "Tahoma"};
    CHOOSEFONTA what = {.lStructSize = sizeof what, .hwndOwner = top, .lpLogFont = &logical};
    what.Flags = CF_SCREENFONTS | CF_INITTOLOGFONTSTRUCT | CF_EFFECTS;
    BOOL chosen = ChooseFontA(&what);
    tell("%d %lu %s, height %ld, weight %ld, %d tenths", chosen, CommDlgExtendedError(), logical.lfFaceName, logical.lfHeight, logical.lfWeight,
         what.iPointSize);
}

static void colour(void) {
    static COLORREF own[16];
    CHOOSECOLORA what = {.lStructSize = sizeof what, .hwndOwner = top, .lpCustColors = own, .rgbResult = RGB(0, 128, 255)};
    what.Flags = CC_RGBINIT | CC_FULLOPEN;
    BOOL chosen = ChooseColorA(&what);
    tell("%d %lu %06lx", chosen, CommDlgExtendedError(), what.rgbResult);
}

static UINT found_message;
static BOOL searching;

static void find(void) {
    static char wanted[64] = "needle", instead[64] = "pin";
    static FINDREPLACEA what;
    found_message = RegisterWindowMessageA(FINDMSGSTRINGA);
    what = (FINDREPLACEA){.lStructSize = sizeof what, .hwndOwner = top, .lpstrFindWhat = wanted, .wFindWhatLen = sizeof wanted};
    what.lpstrReplaceWith = instead;
    what.wReplaceWithLen = sizeof instead;
    what.Flags = FR_DOWN | FR_MATCHCASE;
    HWND dialog = ReplaceTextA(&what);
    searching = TRUE;
    MSG message;
    while (searching && GetMessageA(&message, NULL, 0, 0) > 0) {
        if (IsDialogMessageA(dialog, &message)) continue;
        TranslateMessage(&message);
        DispatchMessageA(&message);
    }
}

static void folder(void) {
    char path[MAX_PATH] = "", name[MAX_PATH] = "";
    BROWSEINFOA what = {.hwndOwner = top, .pszDisplayName = name, .lpszTitle = "A folder", .ulFlags = BIF_RETURNONLYFSDIRS};
    CoInitialize(NULL);
    LPITEMIDLIST chosen = SHBrowseForFolderA(&what);
    if (chosen) SHGetPathFromIDListA(chosen, path);
    tell("%d %s", chosen != NULL, path);
}

static void box(void) {
    int answer = MessageBoxA(top, "A question with\ntwo lines?", "Box", MB_YESNOCANCEL | MB_ICONQUESTION | MB_DEFBUTTON2);
    tell("answer %d", answer);
}

static int ticks;

static void timer(void) {
    SetTimer(top, 1, 20, NULL);
    SetTimer(top, 2, 50, NULL);
    MSG message;
    while (ticks < 1005 && GetMessageA(&message, NULL, 0, 0) > 0) DispatchMessageA(&message);
    KillTimer(top, 1);
    BOOL killed = KillTimer(top, 2);
    tell("killed %d, again %d", killed, KillTimer(top, 2));
    SetWindowTextA(top, "Timers are done");
    while (GetMessageA(&message, NULL, 0, 0) > 0) DispatchMessageA(&message);
}

static void dpi(void) {
    tell("aware %d, window %u, system %u", GetAwarenessFromDpiAwarenessContext(GetThreadDpiAwarenessContext()) == DPI_AWARENESS_PER_MONITOR_AWARE, GetDpiForWindow(top), GetDpiForSystem());
    for (UINT dots = 96; dots <= 192; dots += 48) {
        RECT rect = {0, 0, 200, 100};
        NONCLIENTMETRICSW metrics = {.cbSize = sizeof metrics};
        AdjustWindowRectExForDpi(&rect, WS_OVERLAPPEDWINDOW, TRUE, 0, dots);
        SystemParametersInfoForDpi(SPI_GETNONCLIENTMETRICS, sizeof metrics, &metrics, 0, dots);
        tell("%u: font %ld, caption %d, frame %d, icon %d, scroll %d, window %ld,%ld %ld,%ld", dots, metrics.lfMessageFont.lfHeight, GetSystemMetricsForDpi(SM_CYCAPTION, dots),
             GetSystemMetricsForDpi(SM_CXSIZEFRAME, dots), GetSystemMetricsForDpi(SM_CXICON, dots), GetSystemMetricsForDpi(SM_CXVSCROLL, dots),
             rect.left, rect.top, rect.right, rect.bottom);
    }
    DPI_AWARENESS_CONTEXT before = SetThreadDpiAwarenessContext(DPI_AWARENESS_CONTEXT_UNAWARE);
    tell("thread was %d, is %d, window's %d", GetAwarenessFromDpiAwarenessContext(before), GetAwarenessFromDpiAwarenessContext(GetThreadDpiAwarenessContext()),
         GetAwarenessFromDpiAwarenessContext(GetWindowDpiAwarenessContext(top)));
    SetWindowTextA(top, "Dots are told");
    MSG message;
    while (GetMessageA(&message, NULL, 0, 0) > 0) DispatchMessageA(&message);
}

static const struct {
    const char *name;
    void (*show)(void);
} KINDS[] = {{"open", open_file}, {"save", save_file}, {"font", font}, {"colour", colour}, {"find", find},
             {"folder", folder},  {"box", box},        {"timer", timer}, {"dpi", dpi}};

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (found_message && message == found_message) {
        const FINDREPLACEA *what = (const FINDREPLACEA *)lparam;
        tell("%#lx %s -> %s", what->Flags & ~0x2000000ul, what->lpstrFindWhat, what->lpstrReplaceWith);
        if (what->Flags & FR_DIALOGTERM) searching = FALSE;
        return 0;
    }
    /* The quicker timer counts in ones until the slower one has come, whatever the time. */
    if (message == WM_TIMER) ticks += wparam == 1 ? ticks % 1000 < 5 : ticks < 1000 ? 1000 : 0;
    if (message == WM_DESTROY) PostQuitMessage(0);
    return DefWindowProcA(window, message, wparam, lparam);
}

int main(int count, char **words) {
    const char *kind = count > 1 ? words[1] : "open";
    if (!strcmp(kind, "dpi")) SetProcessDpiAwarenessContext(DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2);
    WNDCLASSA class = {.lpfnWndProc = procedure, .hInstance = GetModuleHandleA(NULL), .lpszClassName = "dialogs",
                       .hbrBackground = (HBRUSH)(COLOR_WINDOW + 1), .hCursor = LoadCursorA(NULL, (LPCSTR)IDC_ARROW)};
    RegisterClassA(&class);
    top = CreateWindowExA(0, "dialogs", "Dialogs", WS_OVERLAPPEDWINDOW, 60, 40, 700, 560, NULL, NULL, class.hInstance, NULL);
    ShowWindow(top, SW_SHOW);
    UpdateWindow(top);
    for (size_t at = 0; at < sizeof KINDS / sizeof *KINDS; at++)
        if (!strcmp(KINDS[at].name, kind)) KINDS[at].show();
    tell("end");
    return 0;
}
