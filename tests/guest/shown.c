/* A window that is seen, and says in its title what was done to it. With a number: so many windows. With "poll" it never waits for messages, with
   "cursors" every move of the mouse brings cursors of all sizes. */
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
    for (int i = 0; i < count; i++)
        CreateWindowW(L"Shown", L"shown", WS_POPUP | WS_VISIBLE, 100 + i % 50, 150 + i % 50, 400, 300, NULL, NULL,
                      class.hInstance, NULL);
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
