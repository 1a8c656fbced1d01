/* A window that is seen, and says in its title what was done to it. With a number: so many windows. With "poll" it never waits for messages, with
   "cursors" every move of the mouse brings cursors of all sizes, with "sizes" there are windows beside it that no screen has room for, with "endless" it
   sends itself messages from within messages, for ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static int cursors;

/* Cursors as large as can be, as small as can be, and such as cannot be. */
static void change_cursors(HWND window)
{
    static const int sizes[] = {1, 32, 96, 97, 256, 0, 1024, 33};
    static BYTE bits[1024 * 1024 / 8];

    for (int i = 0; i < 64; i++)
    {
        int size = sizes[i % 8];
        HCURSOR cursor = CreateCursor(NULL, i, -i, size, size, bits, bits);
        HCURSOR before = SetCursor(cursor);
        if (before) DestroyCursor(before);
    }
    SetWindowTextA(window, "cursors");
}

/* Windows of all sizes, shapes and opacities. */
static int odd_sizes(HINSTANCE instance)
{
    static const int sizes[][2] = {{32767, 32767}, {32767, 1}, {1, 32767}, {0, 0}, {-5, -5}, {1, 1}, {3, 5}, {0x7fffffff, 0x7fffffff},
                                   {0x10000, 0x10000}, {0x40000001, 4}, {2001, 1001}};
    int made = 0;

    for (int i = 0; i < (int)(sizeof(sizes) / sizeof(*sizes)); i++)
    {
        HWND window = CreateWindowExW(i % 3 ? 0 : WS_EX_LAYERED, L"Shown", L"odd", WS_POPUP | WS_VISIBLE, i % 2 ? 0 : -100, 0, sizes[i][0],
                                      sizes[i][1], NULL, NULL, instance, NULL);
        if (!window) continue;
        made++;
        if (!(i % 3)) SetLayeredWindowAttributes(window, RGB(1, 2, 3), 128, LWA_ALPHA | LWA_COLORKEY);
        SetWindowPos(window, NULL, -32768, -32768, 65535, 65535, SWP_NOZORDER | SWP_NOACTIVATE);
        SetWindowRgn(window, CreateRectRgn(-0x7ffffff, -0x7ffffff, 0x7ffffff, 0x7ffffff), TRUE);
        SetWindowPos(window, NULL, 0, 0, sizes[i][0], sizes[i][1], SWP_NOZORDER | SWP_NOACTIVATE);
        UpdateWindow(window);
    }
    return made;
}

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    char text[64];

    switch (message)
    {
    case WM_PAINT:
    {
        RECT rect = {20, 20, 120, 80};
        HBRUSH brush = CreateSolidBrush(RGB(255, 0, 0));
        PAINTSTRUCT paint;
        FillRect(BeginPaint(window, &paint), &rect, brush);
        EndPaint(window, &paint);
        DeleteObject(brush);
        return 0;
    }
    case WM_NCHITTEST:
        return HTCLIENT;
    case WM_LBUTTONDOWN:
        snprintf(text, sizeof(text), "down at %d,%d", (short)LOWORD(lparam), (short)HIWORD(lparam));
        SetWindowTextA(window, text);
        return 0;
    case WM_LBUTTONUP:
        SetWindowTextA(window, "up");
        return 0;
    case WM_MBUTTONDOWN:
        SetWindowTextA(window, "middle");
        return 0;
    case WM_MOUSEHWHEEL:
        snprintf(text, sizeof(text), "across %d", (short)HIWORD(wparam));
        SetWindowTextA(window, text);
        return 0;
    case WM_CHAR:
        if (wparam == 'm') ShowWindow(window, SW_MINIMIZE);
        snprintf(text, sizeof(text), "typed %04x", (unsigned)wparam);
        SetWindowTextA(window, text);
        return 0;
    case WM_MOUSEWHEEL:
        snprintf(text, sizeof(text), "wheel %d", (short)HIWORD(wparam));
        SetWindowTextA(window, text);
        return 0;
    case WM_APP:
        return SendMessageW(window, WM_APP, wparam + 1, lparam) + 1;
    case WM_DISPLAYCHANGE:
        snprintf(text, sizeof(text), "display %dx%d", LOWORD(lparam), HIWORD(lparam));
        SetWindowTextA(window, text);
        return 0;
    case WM_MOUSEMOVE:
        if (cursors) change_cursors(window);
        return 0;
    case WM_SETCURSOR:
        if (cursors) return TRUE;
        break;
    case WM_DESTROY:
        PostQuitMessage(7);
        return 0;
    }
    return DefWindowProcW(window, message, wparam, lparam);
}

int main(int argc, char **argv)
{
    int poll = argc > 1 && !strcmp(argv[1], "poll");
    int count = argc > 1 && atoi(argv[1]) ? atoi(argv[1]) : 1;
    WNDCLASSW class = {0};
    MSG message;

    cursors = argc > 1 && !strcmp(argv[1], "cursors");
    class.lpfnWndProc = procedure;
    class.hInstance = GetModuleHandleW(NULL);
    class.lpszClassName = L"Shown";
    class.hbrBackground = (HBRUSH)(COLOR_WINDOW + 1);
    RegisterClassW(&class);
    if (argc > 1 && !strcmp(argv[1], "sizes"))
        odd_sizes(class.hInstance);
    for (int i = 0; i < count; i++)
        CreateWindowW(L"Shown", L"shown", WS_POPUP | WS_VISIBLE, 100 + i % 50, 150 + i % 50, 400, 300, NULL, NULL,
                      class.hInstance, NULL);
    if (argc > 1 && !strcmp(argv[1], "endless"))
        SendMessageW(FindWindowW(L"Shown", NULL), WM_APP, 0, 0);
    while (poll)
    {
        while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE))
        {
            TranslateMessage(&message);
            DispatchMessageW(&message);
        }
        Sleep(1);
    }
    while (GetMessageW(&message, NULL, 0, 0) > 0)
    {
        TranslateMessage(&message);
        DispatchMessageW(&message);
    }
    return (int)message.wParam;
}
