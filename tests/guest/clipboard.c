/* The clipboard: formats in order, what follows from what, rendering on demand, viewers and listeners, an owner that goes. */
#include "check.h"

static int rendered, all_rendered, destroyed, drawn, updates;

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    HGLOBAL memory;
    switch (message) {
    case WM_RENDERALLFORMATS:
        all_rendered++;
        if (!OpenClipboard(window)) return 0;
        memory = GlobalAlloc(GMEM_MOVEABLE, 3);
        strcpy(GlobalLock(memory), "ab");
        GlobalUnlock(memory);
        SetClipboardData(CF_TEXT, memory);
        CloseClipboard();
        return 0;
    case WM_RENDERFORMAT:
        rendered++;
        memory = GlobalAlloc(GMEM_MOVEABLE, 6);
        strcpy(GlobalLock(memory), "later");
        GlobalUnlock(memory);
        SetClipboardData((UINT)wparam, memory);
        return 0;
    case WM_DESTROYCLIPBOARD: destroyed++; return 0;
    case WM_DRAWCLIPBOARD: drawn++; return 0;
    case WM_CLIPBOARDUPDATE: updates++; return 0;
    }
    return DefWindowProcW(window, message, wparam, lparam);
}

static void pump(void) {
    MSG message;
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageW(&message);
}

static HGLOBAL text(const char *what) {
    HGLOBAL memory = GlobalAlloc(GMEM_MOVEABLE, strlen(what) + 1);
    strcpy(GlobalLock(memory), what);
    GlobalUnlock(memory);
    return memory;
}

static DWORD WINAPI try_open(void *result) {
    *(BOOL *)result = OpenClipboard(NULL);
    if (*(BOOL *)result) CloseClipboard();
    return 0;
}

int main(void) {
    HINSTANCE module = GetModuleHandleW(NULL);
    WNDCLASSW class = { .lpfnWndProc = procedure, .hInstance = module, .lpszClassName = L"clip" };
    RegisterClassW(&class);
    HWND owner = CreateWindowW(L"clip", L"", WS_OVERLAPPED, 0, 0, 10, 10, NULL, NULL, module, NULL);
    HWND viewer = CreateWindowW(L"clip", L"", WS_OVERLAPPED, 0, 0, 10, 10, NULL, NULL, module, NULL);
    UINT own = RegisterClipboardFormatW(L"a format of our own");
    WCHAR name[64];

    CHECK("a format by name", own >= 0xc000);
    CHECK_EQ("its name", GetClipboardFormatNameW(own, name, 64), 19);
    CHECK("as registered", !lstrcmpW(name, L"a format of our own"));
    CHECK_EQ("a standard one has none", GetClipboardFormatNameW(CF_TEXT, name, 64), 0);
    CHECK_ERROR("what is not open is not emptied", EmptyClipboard(), ERROR_CLIPBOARD_NOT_OPEN);
    CHECK_ERROR("nor closed", CloseClipboard(), ERROR_CLIPBOARD_NOT_OPEN);

    CHECK("opened", OpenClipboard(owner));
    CHECK("by that window", GetOpenClipboardWindow() == owner);
    BOOL other = TRUE;
    HANDLE thread = CreateThread(NULL, 0, try_open, &other, 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    CHECK("nobody else opens it", !other);
    CHECK("emptied", EmptyClipboard());
    CHECK("it is ours", GetClipboardOwner() == owner);
    CHECK_EQ("nothing is there", CountClipboardFormats(), 0);
    DWORD sequence = GetClipboardSequenceNumber();
    CHECK("text", SetClipboardData(CF_TEXT, text("plain")) != NULL);
    CHECK("and more", SetClipboardData(own, text("own")) != NULL);
    CHECK("it has changed", GetClipboardSequenceNumber() != sequence);
    CHECK_EQ("two formats", CountClipboardFormats(), 2);
    CHECK_EQ("in order", EnumClipboardFormats(0), CF_TEXT);
    CHECK_EQ("the next", EnumClipboardFormats(CF_TEXT), own);
    SetLastError(1);
    CHECK_EQ("the end", EnumClipboardFormats(own), 0);
    CHECK_EQ("without an error", GetLastError(), 0);
    CHECK("closed", CloseClipboard());

    CHECK("UTF-16 follows from it", IsClipboardFormatAvailable(CF_UNICODETEXT));
    CHECK("the locale is there", IsClipboardFormatAvailable(CF_LOCALE));
    CHECK("no picture is", !IsClipboardFormatAvailable(CF_BITMAP));
    UINT list[] = { CF_BITMAP, CF_OEMTEXT };
    CHECK_EQ("the best of a list", GetPriorityClipboardFormat(list, 2), CF_OEMTEXT);
    CHECK_EQ("none of a list", GetPriorityClipboardFormat(list, 1), -1);
    OpenClipboard(viewer);
    HANDLE data = GetClipboardData(CF_UNICODETEXT);
    CHECK("as UTF-16", data && !lstrcmpW(GlobalLock(data), L"plain"));
    if (data) GlobalUnlock(data);
    CHECK("the same handle again", GetClipboardData(CF_UNICODETEXT) == data);
    data = GetClipboardData(own);
    CHECK("our own", data && !strcmp(GlobalLock(data), "own"));
    if (data) GlobalUnlock(data);
    CHECK("what is not there", GetClipboardData(CF_BITMAP) == NULL);
    CloseClipboard();

    /* Rendered when somebody asks. */
    OpenClipboard(owner);
    EmptyClipboard();
    CHECK_EQ("its owner is told that it goes", destroyed, 1);
    SetClipboardData(CF_TEXT, NULL);
    CloseClipboard();
    CHECK_EQ("nothing was rendered", rendered, 0);
    OpenClipboard(viewer);
    data = GetClipboardData(CF_UNICODETEXT);
    CHECK("what follows from what is rendered", data && !lstrcmpW(GlobalLock(data), L"later"));
    CHECK_EQ("once", rendered, 1);
    GetClipboardData(CF_TEXT);
    CHECK_EQ("and kept", rendered, 1);
    CloseClipboard();

    /* Viewers and listeners. */
    pump();
    CHECK("no viewer before", SetClipboardViewer(viewer) == NULL);
    pump();
    CHECK_EQ("it is told at once", drawn, 1);
    CHECK("a listener", AddClipboardFormatListener(viewer));
    CHECK("only once", !AddClipboardFormatListener(viewer));
    OpenClipboard(owner);
    CloseClipboard();
    pump();
    CHECK_EQ("nothing changed", updates, 0);
    OpenClipboard(owner);
    EmptyClipboard();
    SetClipboardData(CF_TEXT, NULL);
    CloseClipboard();
    pump();
    CHECK_EQ("the viewer is told", drawn, 2);
    CHECK_EQ("the listener too", updates, 1);
    CHECK("the listener goes", RemoveClipboardFormatListener(viewer));
    CHECK("the viewer goes", ChangeClipboardChain(viewer, NULL));
    CHECK("none is left", GetClipboardViewer() == NULL);

    /* The owner goes: it renders before. */
    DestroyWindow(owner);
    CHECK_EQ("all is rendered", all_rendered, 1);
    CHECK("nobody owns it", GetClipboardOwner() == NULL);
    OpenClipboard(viewer);
    data = GetClipboardData(CF_TEXT);
    CHECK("what was rendered stays", data && !strcmp(GlobalLock(data), "ab"));
    EmptyClipboard();
    CloseClipboard();
    DestroyWindow(viewer);
    return finish();
}
