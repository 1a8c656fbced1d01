/* Hooks of one process on the windows of another: the hook's DLL is loaded there and called there, and sees and changes what goes on. The DLL is a copy of
   the program that says it is one; the program starts itself as the other process. */
#include "check.h"

/* To the first process, from a hook: which one in the first parameter's lower half, what it saw in its upper half and the second. */
#define SEEN (WM_APP + 1)
/* To the second process: its next part; from it: what came of that. */
#define PART (WM_APP + 2)
#define DONE (WM_APP + 3)

enum { HELLO, MAKE, BYE, GONE };
enum { GET = 1, CALL, RETURNED, TRAINED, KEY, POINTED, EVENT, KINDS };

static HWND own, other;
static DWORD their_process, their_thread;
static LPARAM seen[KINDS], results[GONE + 1];
static int times[KINDS];
static BOOL came[GONE + 1];

/* In whatever process the hook is called: nothing of the C library is there. */
static void report(WORD kind, WORD what) {
    HWND to = FindWindowA("Hooker", NULL);
    if (to) PostMessageA(to, SEEN, MAKEWPARAM(kind, what), GetCurrentProcessId());
}

__declspec(dllexport) LRESULT CALLBACK hook_get(int code, WPARAM wparam, LPARAM lparam) {
    MSG *message = (MSG *)lparam;
    if (code == HC_ACTION && wparam == PM_REMOVE && message->message == WM_USER + 1) {
        report(GET, (WORD)message->wParam);
        message->lParam = 77;
    }
    return CallNextHookEx(NULL, code, wparam, lparam);
}

__declspec(dllexport) LRESULT CALLBACK hook_call(int code, WPARAM wparam, LPARAM lparam) {
    const CWPSTRUCT *sent = (const CWPSTRUCT *)lparam;
    if (code == HC_ACTION && sent->message == WM_USER + 2) report(CALL, (WORD)sent->lParam);
    /* What a text is, here and in whoever sent it. */
    if (code == HC_ACTION && sent->message == WM_SETTEXT) report(CALL, *(const WORD *)sent->lParam);
    return CallNextHookEx(NULL, code, wparam, lparam);
}

__declspec(dllexport) LRESULT CALLBACK hook_returned(int code, WPARAM wparam, LPARAM lparam) {
    const CWPRETSTRUCT *sent = (const CWPRETSTRUCT *)lparam;
    if (code == HC_ACTION && sent->message == WM_USER + 2) report(RETURNED, (WORD)sent->lResult);
    return CallNextHookEx(NULL, code, wparam, lparam);
}

__declspec(dllexport) LRESULT CALLBACK hook_train(int code, WPARAM wparam, LPARAM lparam) {
    if (code == HCBT_CREATEWND) {
        CBT_CREATEWNDA *made = (CBT_CREATEWNDA *)lparam;
        if (made->lpcs->cx == 1234 || made->lpcs->cx == 1235) report(TRAINED, (WORD)made->lpcs->cx);
        if (made->lpcs->cx == 1234) return 1;
    }
    return CallNextHookEx(NULL, code, wparam, lparam);
}

__declspec(dllexport) LRESULT CALLBACK hook_key(int code, WPARAM wparam, LPARAM lparam) {
    if (code == HC_ACTION) {
        if (!(lparam & 0x80000000)) report(KEY, (WORD)wparam);
        if (wparam == 'B') return 1;
    }
    return CallNextHookEx(NULL, code, wparam, lparam);
}

__declspec(dllexport) LRESULT CALLBACK hook_mouse(int code, WPARAM wparam, LPARAM lparam) {
    const MOUSEHOOKSTRUCT *at = (const MOUSEHOOKSTRUCT *)lparam;
    if (code == HC_ACTION && wparam == WM_RBUTTONDOWN) report(POINTED, (WORD)at->pt.x);
    return CallNextHookEx(NULL, code, wparam, lparam);
}

__declspec(dllexport) void CALLBACK hook_event(HWINEVENTHOOK hook, DWORD event, HWND window, LONG object, LONG child, DWORD thread, DWORD time) {
    (void)hook, (void)window, (void)thread, (void)time;
    if (event == EVENT_OBJECT_VALUECHANGE && object == OBJID_CLIENT) report(EVENT, (WORD)child);
}

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    switch (message) {
    case SEEN:
        if (LOWORD(wparam) < KINDS) {
            seen[LOWORD(wparam)] = HIWORD(wparam);
            times[LOWORD(wparam)]++;
            if ((DWORD)lparam != their_process) seen[LOWORD(wparam)] = -1;
        }
        return 0;
    case DONE:
        if (wparam == HELLO) other = (HWND)lparam;
        came[wparam] = TRUE;
        results[wparam] = lparam;
        return 0;
    }
    return DefWindowProcA(window, message, wparam, lparam);
}

/* What the second process's window gets goes into its title, which the first one reads. */
static LRESULT CALLBACK procedure_there(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    char title[64];
    switch (message) {
    case WM_USER + 1:
        snprintf(title, sizeof title, "%d", (int)lparam);
        SetWindowTextA(window, title);
        return 0;
    case WM_USER + 2:
        return 99;
    case WM_CHAR:
        GetWindowTextA(window, title, 60);
        title[strlen(title) + 1] = 0;
        title[strlen(title)] = (char)wparam;
        SetWindowTextA(window, title);
        return 0;
    case PART:
        if (wparam == MAKE) {
            HWND made = CreateWindowA("Static", "", WS_POPUP, 0, 0, (int)lparam, 20, NULL, NULL, NULL, NULL);
            PostMessageA(other, DONE, MAKE, made != NULL);
            if (made) DestroyWindow(made);
            NotifyWinEvent(EVENT_OBJECT_VALUECHANGE, window, OBJID_CLIENT, 42);
        }
        if (wparam == BYE) PostQuitMessage(0);
        return 0;
    }
    return DefWindowProcA(window, message, wparam, lparam);
}

static HWND window_of(const char *class, WNDPROC procedure, DWORD style) {
    WNDCLASSA made = {.lpfnWndProc = procedure, .hInstance = GetModuleHandleA(NULL), .lpszClassName = class};
    RegisterClassA(&made);
    return CreateWindowExA(WS_EX_TOPMOST, class, "", WS_POPUP | style, 200, 200, 100, 100, NULL, NULL, made.hInstance, NULL);
}

static int second(void) {
    MSG message;
    other = FindWindowA("Hooker", NULL);
    own = window_of("Hooked", procedure_there, WS_VISIBLE);
    SetForegroundWindow(own);
    PostMessageA(other, DONE, HELLO, (LPARAM)own);
    while (GetMessageA(&message, NULL, 0, 0) > 0) {
        TranslateMessage(&message);
        DispatchMessageA(&message);
    }
    return 0;
}

/* Goes on with messages until something is so, or ten seconds have passed. */
static void await(const BOOL *so, const int *count, int least) {
    MSG message;
    for (int i = 0; i < 500; i++) {
        while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageA(&message);
        if (so ? *so : *count >= least) return;
        MsgWaitForMultipleObjects(0, NULL, FALSE, 20, QS_ALLINPUT);
    }
}

/* What was on its way is there: the other thread has answered a message of its own queue. */
static void settle(void) {
    MSG message;
    for (int i = 0; i < 10; i++) {
        SendMessageA(other, WM_NULL, 0, 0);
        Sleep(10);
        while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageA(&message);
    }
}

static void press(WORD key) {
    INPUT input[2] = {{.type = INPUT_KEYBOARD}, {.type = INPUT_KEYBOARD}};
    input[0].ki.wVk = input[1].ki.wVk = key;
    input[1].ki.dwFlags = KEYEVENTF_KEYUP;
    SendInput(2, input, sizeof *input);
}

/* A copy of the program that is a DLL without an entry. */
static HMODULE library(void) {
    static BYTE image[4 << 20];
    char path[MAX_PATH], to[MAX_PATH];
    DWORD size = 0;
    GetModuleFileNameA(NULL, path, sizeof path);
    HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    ReadFile(file, image, sizeof image, &size, NULL);
    CloseHandle(file);
    IMAGE_NT_HEADERS64 *head = (IMAGE_NT_HEADERS64 *)(image + ((IMAGE_DOS_HEADER *)image)->e_lfanew);
    head->FileHeader.Characteristics |= IMAGE_FILE_DLL;
    head->OptionalHeader.AddressOfEntryPoint = 0;
    head->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_TLS].VirtualAddress = 0;
    GetFullPathNameA(scratch("hooks.dll"), sizeof to, to, NULL);
    file = CreateFileA(to, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    CHECK("the library is written", WriteFile(file, image, size, &size, NULL));
    CloseHandle(file);
    return LoadLibraryA(to);
}

int main(int argc, char **argv) {
    char path[MAX_PATH], line[MAX_PATH + 16], title[64];
    STARTUPINFOA how = {.cb = sizeof how};
    PROCESS_INFORMATION started;
    if (argc > 1 && !strcmp(argv[1], "second")) return second();
    own = window_of("Hooker", procedure, 0);
    HMODULE dll = library();
    CHECK("it is loaded", dll);
    GetModuleFileNameA(NULL, path, sizeof path);
    snprintf(line, sizeof line, "\"%s\" second", path);
    CHECK("the other process starts", CreateProcessA(path, line, NULL, NULL, FALSE, 0, NULL, NULL, &how, &started));
    await(&came[HELLO], NULL, 0);
    if (!CHECK("its window is there", IsWindow(other))) return finish();
    their_thread = GetWindowThreadProcessId(other, &their_process);

    struct { int kind; const char *name; HHOOK hook; } hooks[] = {
        {WH_GETMESSAGE, "hook_get", NULL}, {WH_CALLWNDPROC, "hook_call", NULL}, {WH_CALLWNDPROCRET, "hook_returned", NULL},
        {WH_CBT, "hook_train", NULL}, {WH_KEYBOARD, "hook_key", NULL}, {WH_MOUSE, "hook_mouse", NULL},
    };
    CHECK("no hook without a library", !SetWindowsHookExA(WH_GETMESSAGE, hook_get, NULL, their_thread));
    for (unsigned i = 0; i < ARRAYSIZE(hooks); i++) {
        /* Some for that thread, some for all. */
        DWORD thread = i % 2 ? 0 : their_thread;
        hooks[i].hook = SetWindowsHookExA(hooks[i].kind, (HOOKPROC)GetProcAddress(dll, hooks[i].name), dll, thread);
        CHECK(hooks[i].name, hooks[i].hook);
    }
    HWINEVENTHOOK events = SetWinEventHook(EVENT_OBJECT_VALUECHANGE, EVENT_OBJECT_VALUECHANGE, dll,
                                           (WINEVENTPROC)(void *)GetProcAddress(dll, "hook_event"), their_process, 0, WINEVENT_INCONTEXT);
    CHECK("a hook on events", events);

    PostMessageA(other, WM_USER + 1, 5, 6);
    await(NULL, &times[GET], 1);
    CHECK_EQ("a posted message is seen in its process", seen[GET], 5);
    settle();
    GetWindowTextA(other, title, sizeof title);
    CHECK("and changed", !strcmp(title, "77"));
    times[CALL] = 0;
    CHECK_EQ("a sent message is answered", SendMessageA(other, WM_USER + 2, 1, 8), 99);
    await(NULL, &times[RETURNED], 1);
    CHECK("and seen there", times[CALL] >= 1 && seen[CALL] == 8);
    /* Stock Wine 8 tells neither results nor texts that came from another process. */
    WINE8_DIFFERS(CHECK_EQ("and its result", seen[RETURNED], 99));
    SendMessageA(other, WM_SETTEXT, 0, (LPARAM)"zy");
    settle();
    WINE8_DIFFERS(CHECK_EQ("a text is where the hook is", seen[CALL] & 0xff, 'z'));

    PostMessageA(other, PART, MAKE, 1235);
    await(&came[MAKE], NULL, 0);
    CHECK_EQ("a window is made", results[MAKE], 1);
    await(NULL, &times[EVENT], 1);
    CHECK_EQ("and seen", seen[TRAINED], 1235);
    CHECK_EQ("an event is seen in its process", seen[EVENT], 42);
    came[MAKE] = FALSE;
    PostMessageA(other, PART, MAKE, 1234);
    await(&came[MAKE], NULL, 0);
    CHECK_EQ("a window that the hook refuses is not", results[MAKE], 0);

    SetWindowTextA(other, "");
    settle();
    press('A');
    press('B');
    press('C');
    await(NULL, &times[KEY], 3);
    settle();
    CHECK("keys are seen", times[KEY] == 3 && seen[KEY] == 'C');
    GetWindowTextA(other, title, sizeof title);
    CHECK("and one is kept back", !_stricmp(title, "ac"));
    SetCursorPos(250, 260);
    mouse_event(MOUSEEVENTF_RIGHTDOWN, 0, 0, 0, 0);
    mouse_event(MOUSEEVENTF_RIGHTUP, 0, 0, 0, 0);
    await(NULL, &times[POINTED], 1);
    CHECK("the mouse is", times[POINTED] == 1 && seen[POINTED] == 250);

    for (unsigned i = 0; i < ARRAYSIZE(hooks); i++) CHECK("a hook goes", UnhookWindowsHookEx(hooks[i].hook));
    CHECK("so does that on events", UnhookWinEvent(events));
    settle();
    memset(times, 0, sizeof times);
    PostMessageA(other, WM_USER + 1, 9, 10);
    SendMessageA(other, WM_USER + 2, 1, 8);
    press('D');
    came[MAKE] = FALSE;
    PostMessageA(other, PART, MAKE, 1234);
    await(&came[MAKE], NULL, 0);
    CHECK_EQ("what was refused is made", results[MAKE], 1);
    settle();
    CHECK("nothing is seen any more", !times[GET] && !times[CALL] && !times[RETURNED] && !times[TRAINED] && !times[KEY] && !times[EVENT]);
    PostMessageA(other, PART, BYE, 0);
    CHECK_EQ("the other process ends", WaitForSingleObject(started.hProcess, 20000), WAIT_OBJECT_0);
    return finish();
}
