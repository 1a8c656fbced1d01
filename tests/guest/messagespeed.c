/* How long messages take: "name nanoseconds", the least of several rounds. Windows are for messages only, so that stock Wine needs no screen. */
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include <stdio.h>
#include <windows.h>

static DWORD first;
static HWND other;
static HANDLE ready;

static double now(void) {
    LARGE_INTEGER count, rate;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&rate);
    return (double)count.QuadPart * 1e9 / (double)rate.QuadPart;
}

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == WM_USER) return (LRESULT)(wparam + 1);
    return DefWindowProcA(window, message, wparam, lparam);
}

static HWND window(void) {
    return CreateWindowExA(0, "speed", "", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
}

/* Sends every message of thread to whoever posted it. */
static DWORD WINAPI answers(void *unused) {
    MSG message;
    (void)unused;
    other = window();
    SetEvent(ready);
    while (GetMessageA(&message, NULL, 0, 0) > 0) {
        if (message.message == WM_USER + 1) PostThreadMessageA(first, WM_USER + 2, message.wParam, 0);
        else DispatchMessageA(&message);
    }
    return 0;
}

static double round_trip(int n) {
    DWORD thread = GetWindowThreadProcessId(other, NULL);
    MSG message;
    double from = now();
    for (int at = 0; at < n; at++) {
        PostThreadMessageA(thread, WM_USER + 1, (WPARAM)at, 0);
        GetMessageA(&message, NULL, 0, 0);
    }
    return (now() - from) / n;
}

static double sent(HWND to, int n) {
    double from = now();
    for (int at = 0; at < n; at++) {
        if (SendMessageA(to, WM_USER, (WPARAM)at, 0) != at + 1) return 0;
    }
    return (now() - from) / n;
}

static double sent_to_thread(int n) {
    return sent(other, n);
}

static double sent_to_itself(int n) {
    static HWND own;
    if (!own) own = window();
    return sent(own, n);
}

static double posted_to_itself(int n) {
    MSG message;
    double from = now();
    for (int at = 0; at < n; at++) {
        PostThreadMessageA(first, WM_USER + 2, 0, 0);
        GetMessageA(&message, NULL, 0, 0);
    }
    return (now() - from) / n;
}

static double looked(int n) {
    MSG message;
    double from = now();
    for (int at = 0; at < n; at++) PeekMessageA(&message, NULL, 0, 0, PM_REMOVE);
    return (now() - from) / n;
}

static double made(int n) {
    double from = now();
    for (int at = 0; at < n; at++) DestroyWindow(window());
    return (now() - from) / n;
}

static void best(const char *name, double (*run)(int), int n) {
    double least = 1e18;
    for (int at = 0; at < 5; at++) {
        double taken = run(n);
        if (taken < least) least = taken;
    }
    printf("%s %.1f\n", name, least);
}

int main(void) {
    WNDCLASSA class = {.lpfnWndProc = procedure, .lpszClassName = "speed"};
    MSG message;
    RegisterClassA(&class);
    PeekMessageA(&message, NULL, 0, 0, PM_NOREMOVE);
    first = GetCurrentThreadId();
    ready = CreateEventA(NULL, FALSE, FALSE, NULL);
    HANDLE thread = CreateThread(NULL, 0, answers, NULL, 0, NULL);
    WaitForSingleObject(ready, INFINITE);
    best("posted_round_trip", round_trip, 2000);
    best("sent_to_thread", sent_to_thread, 2000);
    best("sent_to_itself", sent_to_itself, 20000);
    best("posted_to_itself", posted_to_itself, 5000);
    best("peek_message_empty", looked, 20000);
    best("create_destroy_window", made, 500);
    PostThreadMessageA(GetThreadId(thread), WM_QUIT, 0, 0);
    WaitForSingleObject(thread, 5000);
    return 0;
}
