/* A window that copies and pastes at a key, and says in its title what came of it. */
#define COBJMACROS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <shellapi.h>
#include <shlobj.h>
#include <ole2.h>

static const WCHAR delayed[] = L"rendered when it was wanted";

static HGLOBAL block(const void *bytes, SIZE_T size)
{
    HGLOBAL handle = GlobalAlloc(GMEM_MOVEABLE, size);
    if (handle) {
        void *at = GlobalLock(handle);
        if (bytes)
            memcpy(at, bytes, size);
        else
            memset(at, 'x', size);
        GlobalUnlock(handle);
    }
    return handle;
}

static void copy(HWND window, UINT format, const void *bytes, SIZE_T size, const char *what)
{
    char text[100];
    HANDLE put = NULL;

    if (!OpenClipboard(window)) {
        SetWindowTextA(window, "it is open");
        return;
    }
    EmptyClipboard();
    SetLastError(0);
    put = SetClipboardData(format, size ? block(bytes, size) : NULL);
    snprintf(text, sizeof(text), "%s %s", put || !GetLastError() ? "copied" : "did not copy", what);
    CloseClipboard();
    SetWindowTextA(window, text);
}

static void paste_text(HWND window)
{
    WCHAR text[100] = L"nothing to paste";
    HANDLE data;

    if (!OpenClipboard(window)) {
        SetWindowTextA(window, "it is open");
        return;
    }
    data = GetClipboardData(CF_UNICODETEXT);
    if (data) {
        const WCHAR *from = GlobalLock(data);
        size_t length = wcslen(from);
        if (length > 60)
            swprintf(text, 100, L"pasted %d", (int)length);
        else
            swprintf(text, 100, L"pasted %ls", from);
        for (WCHAR *at = text; *at; at++)
            if (*at == '\r' || *at == '\n')
                *at = *at == '\r' ? '<' : '>';
        GlobalUnlock(data);
    }
    CloseClipboard();
    SetWindowTextW(window, text);
}

static void paste_image(HWND window)
{
    char text[100] = "no image";
    HANDLE data;
    BITMAP bitmap;

    if (!OpenClipboard(window)) {
        SetWindowTextA(window, "it is open");
        return;
    }
    data = GetClipboardData(CF_BITMAP);
    if (data && GetObjectA(data, sizeof(bitmap), &bitmap)) {
        HDC dc = CreateCompatibleDC(NULL);
        HGDIOBJ old = SelectObject(dc, data);
        snprintf(text, sizeof(text), "image %dx%d %06x", (int)bitmap.bmWidth, (int)bitmap.bmHeight,
                 (unsigned)GetPixel(dc, 0, 0));
        SelectObject(dc, old);
        DeleteDC(dc);
    }
    CloseClipboard();
    SetWindowTextA(window, text);
}

/* Puts files there: a folder with two in it, and one by itself that is longer than what goes over at once. */
static void copy_files(HWND window)
{
    static const WCHAR names[] = L"C:\\copied\\folder\0C:\\copied\\long.bin\0";
    struct { DROPFILES head; WCHAR names[sizeof(names) / sizeof(WCHAR)]; } drop = {{sizeof(DROPFILES), {0, 0}, FALSE, TRUE}, {0}};
    HANDLE file;
    DWORD done;

    CreateDirectoryW(L"C:\\copied", NULL);
    CreateDirectoryW(L"C:\\copied\\folder", NULL);
    file = CreateFileW(L"C:\\copied\\folder\\a.txt", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    WriteFile(file, "first", 5, &done, NULL);
    CloseHandle(file);
    CloseHandle(CreateFileW(L"C:\\copied\\folder\\empty", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL));
    file = CreateFileW(L"C:\\copied\\long.bin", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    for (int part = 0; part < 100; part++) {
        char bytes[10000];
        memset(bytes, part, sizeof(bytes));
        WriteFile(file, bytes, sizeof(bytes), &done, NULL);
    }
    CloseHandle(file);
    memcpy(drop.names, names, sizeof(names));
    copy(window, CF_HDROP, &drop, sizeof(drop), "files");
}

/* Says of the files there how many, and of each its name, its length and the sum of its bytes. */
static void tell_files(HWND window, HDROP drop)
{
    char text[400] = "no files";

    if (drop) {
        UINT count = DragQueryFileW(drop, ~0u, NULL, 0);
        int length = snprintf(text, sizeof(text), "%u files", count);
        for (UINT index = 0; index < count && length < 300; index++) {
            WCHAR name[MAX_PATH];
            DragQueryFileW(drop, index, name, MAX_PATH);
            if (GetFileAttributesW(name) & FILE_ATTRIBUTE_DIRECTORY) {
                length += snprintf(text + length, sizeof(text) - length, " %ls\\", wcsrchr(name, '\\') + 1);
            } else {
                HANDLE file = CreateFileW(name, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
                unsigned sum = 0, all = 0;
                char bytes[4096];
                DWORD done;
                while (ReadFile(file, bytes, sizeof(bytes), &done, NULL) && done) {
                    for (DWORD at = 0; at < done; at++)
                        sum += (unsigned char)bytes[at];
                    all += done;
                }
                CloseHandle(file);
                length += snprintf(text + length, sizeof(text) - length, " %ls %u %u", wcsrchr(name, '\\') + 1, all, sum);
            }
        }
    }
    SetWindowTextA(window, text);
}

static void paste_files(HWND window)
{
    if (!OpenClipboard(window)) {
        SetWindowTextA(window, "it is open");
        return;
    }
    tell_files(window, GetClipboardData(CF_HDROP));
    CloseClipboard();
}

/* The same of those that are dropped, with the place. */
static void dropped(HWND window, HDROP drop)
{
    char text[500], files[400];
    POINT at;
    BOOL inside = DragQueryPoint(drop, &at);

    tell_files(window, drop);
    GetWindowTextA(window, files, sizeof(files));
    snprintf(text, sizeof(text), "%s at %ld,%ld of the %s", files, at.x, at.y, inside ? "client area" : "frame");
    DragFinish(drop);
    SetWindowTextA(window, text);
}

/* A drop target of OLE's that says what it hears. */
static HRESULT STDMETHODCALLTYPE asked(IDropTarget *self, REFIID iid, void **out)
{
    *out = IsEqualIID(iid, &IID_IUnknown) || IsEqualIID(iid, &IID_IDropTarget) ? self : NULL;
    return *out ? S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE counted(IDropTarget *self)
{
    (void)self;
    return 1;
}

static HWND target_window;

static HRESULT STDMETHODCALLTYPE entered(IDropTarget *self, IDataObject *data, DWORD keys, POINTL at, DWORD *effect)
{
    FORMATETC format = {CF_HDROP, NULL, DVASPECT_CONTENT, -1, TYMED_HGLOBAL};
    (void)self, (void)keys, (void)at;
    *effect = SUCCEEDED(IDataObject_QueryGetData(data, &format)) ? DROPEFFECT_COPY : DROPEFFECT_NONE;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE moved(IDropTarget *self, DWORD keys, POINTL at, DWORD *effect)
{
    (void)self, (void)keys, (void)at;
    *effect = DROPEFFECT_COPY;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE left(IDropTarget *self)
{
    (void)self;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE fell(IDropTarget *self, IDataObject *data, DWORD keys, POINTL at, DWORD *effect)
{
    FORMATETC format = {CF_HDROP, NULL, DVASPECT_CONTENT, -1, TYMED_HGLOBAL};
    STGMEDIUM medium;
    char text[500], files[400];

    (void)self, (void)keys;
    if (FAILED(IDataObject_GetData(data, &format, &medium))) return E_FAIL;
    tell_files(target_window, medium.hGlobal);
    GetWindowTextA(target_window, files, sizeof(files));
    snprintf(text, sizeof(text), "%s by OLE at %ld,%ld", files, at.x, at.y);
    SetWindowTextA(target_window, text);
    ReleaseStgMedium(&medium);
    *effect = DROPEFFECT_COPY;
    return S_OK;
}

static IDropTargetVtbl calls = {asked, counted, counted, entered, moved, left, fell};
static IDropTarget target = {&calls};

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    switch (message)
    {
    case WM_CHAR:
        switch (wparam)
        {
        case 'c':
            copy(window, CF_UNICODETEXT, L"sandboxed \u00e9\r\nline", 2 * (sizeof("sandboxed e\r\nline")), "text");
            break;
        case 'd':
            copy(window, CF_UNICODETEXT, NULL, 0, "nothing yet");
            break;
        case 'a':
            copy(window, CF_TEXT, "ansi \xe9", sizeof("ansi \xe9"), "ANSI text");
            break;
        case 'b':
        {
            static const struct { BITMAPINFOHEADER header; DWORD pixels[6]; } dib = {
                {sizeof(BITMAPINFOHEADER), 3, 2, 1, 32, BI_RGB, 24, 0, 0, 0, 0},
                {0x112233, 0x112233, 0x112233, 0xff8000, 0xff8000, 0xff8000}
            };
            copy(window, CF_DIB, &dib, sizeof(dib), "image");
            break;
        }
        case 'f':
            copy_files(window);
            break;
        case 'p':
            paste_files(window);
            break;
        case 't':
            SetWindowLongPtrW(window, GWL_EXSTYLE, WS_EX_ACCEPTFILES);
            SetWindowTextA(window, "takes files");
            break;
        case 'o':
            target_window = window;
            OleInitialize(NULL);
            SetWindowTextA(window, RegisterDragDrop(window, &target) == S_OK ? "takes files by OLE" : "does not");
            break;
        case 'h':
            copy(window, CF_UNICODETEXT, NULL, 20 << 20, "too much");
            break;
        case 'v':
        case 'V' - '@':
            paste_text(window);
            break;
        case 'w':
            paste_image(window);
            break;
        }
        return 0;
    case WM_DROPFILES:
        dropped(window, (HDROP)wparam);
        return 0;
    case WM_LBUTTONDOWN:
    {
        char text[40];
        snprintf(text, sizeof(text), "clicked at %d,%d", (short)LOWORD(lparam), (short)HIWORD(lparam));
        SetWindowTextA(window, text);
        return 0;
    }
    case WM_RENDERFORMAT:
        SetClipboardData((UINT)wparam, block(delayed, sizeof(delayed)));
        return 0;
    case WM_DESTROYCLIPBOARD:
        SetWindowTextA(window, "something else lies there");
        return 0;
    case WM_DESTROY:
        PostQuitMessage(0);
        return 0;
    }
    return DefWindowProcW(window, message, wparam, lparam);
}

int main(void)
{
    WNDCLASSW class = {0};
    MSG message;

    class.lpfnWndProc = procedure;
    class.hInstance = GetModuleHandleW(NULL);
    class.lpszClassName = L"Clip";
    class.hbrBackground = (HBRUSH)(COLOR_WINDOW + 1);
    RegisterClassW(&class);
    CreateWindowW(L"Clip", L"clip", WS_POPUP | WS_VISIBLE, 100, 150, 400, 300, NULL, NULL, class.hInstance, NULL);
    while (GetMessageW(&message, NULL, 0, 0) > 0)
    {
        TranslateMessage(&message);
        DispatchMessageW(&message);
    }
    return (int)message.wParam;
}
