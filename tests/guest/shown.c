/* A window that is seen, and says in its title what was done to it. With an argument: so many windows, and no more. */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

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
    case WM_CHAR:
        snprintf(text, sizeof(text), "typed %04x", (unsigned)wparam);
        SetWindowTextA(window, text);
        return 0;
    case WM_MOUSEWHEEL:
        snprintf(text, sizeof(text), "wheel %d", (short)HIWORD(wparam));
        SetWindowTextA(window, text);
        return 0;
    case WM_DESTROY:
        PostQuitMessage(7);
        return 0;
    }
    return DefWindowProcW(window, message, wparam, lparam);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1;
    WNDCLASSW class = {0};
    MSG message;

    class.lpfnWndProc = procedure;
    class.hInstance = GetModuleHandleW(NULL);
    class.lpszClassName = L"Shown";
    class.hbrBackground = (HBRUSH)(COLOR_WINDOW + 1);
    RegisterClassW(&class);
    for (int i = 0; i < count; i++)
        CreateWindowW(L"Shown", L"shown", WS_POPUP | WS_VISIBLE, 100 + i % 50, 150 + i % 50, 400, 300, NULL, NULL,
                      class.hInstance, NULL);
    while (GetMessageW(&message, NULL, 0, 0) > 0)
    {
        TranslateMessage(&message);
        DispatchMessageW(&message);
    }
    return (int)message.wParam;
}
