/* What programs do to the window server that is no good, each in a process of its own: the others of the sandbox work as before, while it holds what it got and
   when it is killed. */
#include "family.h"

#define WAITS 60000

static HWND window, others;
static HANDLE ready;

static LRESULT CALLBACK procedure(HWND hwnd, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == WM_USER + 1) return (LRESULT)(wparam + lparam);
    return DefWindowProcA(hwnd, message, wparam, lparam);
}

static HWND make(DWORD style, HWND parent) {
    return CreateWindowA("Hostile", "window", style, 10, 10, 200, 100, parent, NULL, NULL, NULL);
}

static void pump(void) {
    MSG message;
    for (int i = 0; i < 20000 && PeekMessageA(&message, NULL, 0, 0, PM_REMOVE); i++) DispatchMessageA(&message);
}

/* ---- what is done ---- */

enum { MOST = 100000 };

static int many_windows(void) {
    int count = 0;
    while (count < MOST && make(count % 2 ? WS_OVERLAPPEDWINDOW : WS_CHILD, count % 2 ? NULL : window)) count++;
    return count;
}

static int many_menus(void) {
    int count = 0;
    while (count < MOST && CreatePopupMenu()) count++;
    return count;
}

static int many_icons(void) {
    static const BYTE bits[128];
    int count = 0;
    while (count < MOST && CreateIcon(NULL, 32, 32, 1, 1, bits, bits)) count++;
    return count;
}

static LRESULT CALLBACK hook(int code, WPARAM wparam, LPARAM lparam) {
    return CallNextHookEx(NULL, code, wparam, lparam);
}

static int many_hooks(void) {
    int count = 0;
    while (count < MOST && SetWindowsHookExA(count % 2 ? WH_GETMESSAGE : WH_CBT, hook, NULL, GetCurrentThreadId())) count++;
    return count;
}

static void CALLBACK event(HWINEVENTHOOK a, DWORD b, HWND c, LONG d, LONG e, DWORD f, DWORD g) {
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g;
}

static int many_event_hooks(void) {
    int count = 0;
    while (count < MOST && SetWinEventHook(EVENT_MIN, EVENT_MAX, NULL, event, 0, 0, WINEVENT_OUTOFCONTEXT)) count++;
    return count;
}

static int many_timers(void) {
    int count = 0;
    while (count < MOST && SetTimer(window, (UINT_PTR)count + 1, 10, NULL)) count++;
    return count;
}

static int many_hot_keys(void) {
    int count = 0;
    for (int i = 0; i < 0xbfff; i++) count += RegisterHotKey(window, i, MOD_CONTROL | (UINT)(i >> 8 & 0xd), (UINT)(i & 0xff));
    return count;
}

static int many_properties(void) {
    char name[32];
    int count = 0;
    for (int i = 0; i < 1100; i++) {
        snprintf(name, sizeof name, "property %d", i);
        for (int k = 0; k < 2; k++) count += SetPropA(k ? window : others, name, (HANDLE)(INT_PTR)i);
    }
    return count;
}

static int many_classes(void) {
    char name[32];
    int count = 0;
    for (int i = 0; i < 20000; i++) {
        WNDCLASSA class = {.lpfnWndProc = procedure, .lpszClassName = name, .cbClsExtra = 1000};
        snprintf(name, sizeof name, "class %d", i);
        if (!RegisterClassA(&class)) break;
        count++;
    }
    return count;
}

static int long_texts(void) {
    enum { LENGTH = 0xfff0 };
    char *text = malloc(LENGTH + 1);
    int count = 0;
    memset(text, 'x', LENGTH), text[LENGTH] = 0;
    for (int i = 0; i < 3000; i++) {
        HWND made = make(WS_POPUP, NULL);
        if (!made || !SetWindowTextA(made, text)) break;
        count++;
    }
    return count;
}

static int many_posts(void) {
    int count = 0;
    while (count < 10 * MOST && PostMessageA(window, WM_USER, 0, 0)) count++;
    return count;
}

static DWORD CALLBACK hung(void *unused) {
    (void)unused;
    others = make(WS_POPUP, NULL);
    SetEvent(ready);
    Sleep(INFINITE);
    return 0;
}

static void begin_hung(void) {
    ready = CreateEventA(NULL, FALSE, FALSE, NULL);
    CloseHandle(CreateThread(NULL, 0, hung, NULL, 0, NULL));
    WaitForSingleObject(ready, INFINITE);
}

/* To a thread that never answers. */
static int many_notices(void) {
    int count = 0;
    begin_hung();
    while (count < 3 * MOST && SendNotifyMessageA(others, WM_USER, 0, 0)) count++;
    return count;
}

static DWORD CALLBACK sends_data(void *data) {
    COPYDATASTRUCT copy = {1, 8 << 20, data};
    return (DWORD)SendMessageA((HWND)GetPropA(GetDesktopWindow(), "hostile"), WM_COPYDATA, 0, (LPARAM)&copy);
}

static void CALLBACK called_back(HWND a, UINT b, ULONG_PTR c, LRESULT d) {
    (void)a, (void)b, (void)c, (void)d;
}

static int many_callbacks(void) {
    int count = 0;
    begin_hung();
    while (count < 3 * MOST && SendMessageCallbackA(others, WM_USER, 0, 0, called_back, 0)) count++;
    return count;
}

/* Many threads, each with as much as it may send, to a thread of another process's that does not look. */
static int large_messages(void) {
    void *data = calloc(1, 8 << 20);
    int count = 0;
    for (int i = 0; i < 200; i++) {
        HANDLE thread = CreateThread(NULL, 0x10000, sends_data, data, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
        if (!thread) break;
        CloseHandle(thread);
        count++;
    }
    Sleep(2000);
    return count;
}

static int full_clipboard(void) {
    int count = 0;
    if (!OpenClipboard(window)) return 0;
    EmptyClipboard();
    for (UINT format = 0; format < 3000; format++) {
        HGLOBAL block = GlobalAlloc(GMEM_MOVEABLE, format ? 1 << 20 : 1u << 30);
        if (block && SetClipboardData(format ? CF_PRIVATEFIRST + format % 0x100 + (format > 0x100 ? 0xc000 : 0) : CF_TEXT, block)) count++;
    }
    CloseClipboard();
    return count;
}

static int large_regions(void) {
    enum { RECTS = 60000 };
    RGNDATA *data = calloc(1, sizeof data->rdh + RECTS * sizeof(RECT));
    int count = 0;
    data->rdh.dwSize = sizeof data->rdh, data->rdh.iType = RDH_RECTANGLES, data->rdh.nCount = RECTS;
    for (int i = 0; i < RECTS; i++) SetRect((RECT *)data->Buffer + i, i % 500 * 2, i / 500 * 2, i % 500 * 2 + 1, i / 500 * 2 + 1);
    for (int i = 0; i < 500; i++) {
        HWND made = make(WS_POPUP, NULL);
        HRGN region = ExtCreateRegion(NULL, sizeof data->rdh + RECTS * sizeof(RECT), data);
        if (!region || !SetWindowRgn(made, region, TRUE)) break;
        count++;
    }
    return count;
}

static int deep_children(void) {
    HWND parent = window;
    int count = 0;
    while (count < 3000 && (parent = make(WS_CHILD | WS_VISIBLE, parent))) count++;
    return count;
}

static int deep_owners(void) {
    HWND owner = window;
    int count = 0;
    while (count < 3000 && (owner = make(WS_POPUP | WS_VISIBLE, owner))) count++;
    SetForegroundWindow(owner);
    return count;
}

static int menus_in_menus(void) {
    HMENU first = CreatePopupMenu(), second = CreatePopupMenu(), bar = CreateMenu();
    AppendMenuA(first, MF_POPUP, (UINT_PTR)second, "second");
    AppendMenuA(second, MF_POPUP, (UINT_PTR)first, "first");
    AppendMenuA(bar, MF_POPUP, (UINT_PTR)first, "first");
    int count = 0;
    while (count < 20000 && AppendMenuA(second, MF_STRING, (UINT_PTR)count + 1, "an item")) count++;
    SetMenu(window, bar);
    DrawMenuBar(window);
    EnableMenuItem(bar, 0x7fff0000, MF_BYCOMMAND | MF_GRAYED);
    GetMenuState(bar, 0x7fff0001, MF_BYCOMMAND);
    return count;
}

static DWORD CALLBACK low_hook(void *unused) {
    (void)unused;
    SetWindowsHookExA(WH_KEYBOARD_LL, hook, GetModuleHandleA(NULL), 0);
    SetWindowsHookExA(WH_MOUSE_LL, hook, GetModuleHandleA(NULL), 0);
    SetEvent(ready);
    Sleep(INFINITE);
    return 0;
}

static int deaf_hooks(void) {
    ready = CreateEventA(NULL, FALSE, FALSE, NULL);
    for (int i = 0; i < 3; i++) {
        CreateThread(NULL, 0, low_hook, NULL, 0, NULL);
        WaitForSingleObject(ready, INFINITE);
    }
    return 3;
}

static int holds_all(void) {
    RECT small = {1, 1, 2, 2};
    SetForegroundWindow(window);
    SetCapture(window);
    ClipCursor(&small);
    BlockInput(TRUE);
    LockWindowUpdate(window);
    LockSetForegroundWindow(LSFW_LOCK);
    OpenClipboard(window);
    return 6;
}

static int many_desktops(void) {
    char name[32];
    int count = 0;
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "desktop %lu %d", GetCurrentProcessId(), i);
        if (!CreateDesktopA(name, NULL, NULL, 0, GENERIC_ALL, NULL)) break;
        count++;
    }
    return count;
}

/* Another's windows are there to be seen and spoken to, not to be taken. */
static int anothers(void) {
    HWND victim = FindWindowA("Hostile", "answers");
    int done = 0;
    if (!victim) return 1;
    done += DestroyWindow(victim) != 0;
    done += SetWindowLongPtrA(victim, GWLP_WNDPROC, (LONG_PTR)procedure) != 0;
    done += SetCapture(victim) != NULL || GetCapture() == victim;
    done += SetFocus(victim) != NULL || GetFocus() == victim;
    done += SetTimer(victim, 1, 10, NULL) != 0;
    done += SetClassLongPtrA(victim, GCLP_WNDPROC, (LONG_PTR)procedure) != 0;
    for (UINT_PTR handle = 0x10000; handle < 0x60000; handle += 1) {
        DestroyMenu((HMENU)handle), DestroyAcceleratorTable((HACCEL)handle), UnhookWindowsHookEx((HHOOK)handle), DestroyCursor((HCURSOR)handle);
        if (handle % 16 == 0) UnhookWinEvent((HWINEVENTHOOK)handle), EndDeferWindowPos((HDWP)handle);
    }
    return done;
}

/* With how much of it there may be, -1 where memory or the host says. */
static const struct {
    const char *name;
    int (*run)(void);
    int most;
} attacks[] = {
    {"windows", many_windows, 10000}, {"menus", many_menus, 10000}, {"icons", many_icons, 10000}, {"hooks", many_hooks, 1024},
    {"event hooks", many_event_hooks, 1024}, {"timers", many_timers, 4096}, {"hot keys", many_hot_keys, 250}, {"properties", many_properties, 2048},
    {"classes", many_classes, 8192}, {"texts", long_texts, 2999}, {"posts", many_posts, 10000}, {"notices", many_notices, 10000},
    {"callbacks", many_callbacks, 10000}, {"messages", large_messages, -1}, {"clipboard", full_clipboard, -1}, {"regions", large_regions, 499},
    {"children", deep_children, -1}, {"owners", deep_owners, -1}, {"menus in menus", menus_in_menus, -1}, {"deaf hooks", deaf_hooks, -1},
    {"all that there is one of", holds_all, -1}, {"desktops", many_desktops, -1}, {"another's", anothers, 0},
};
enum { ATTACKS = sizeof attacks / sizeof *attacks };

/* ---- whoever is beside it ---- */

static DWORD CALLBACK answers(void *unused) {
    (void)unused;
    MSG message;
    others = CreateWindowA("Hostile", "answers", WS_POPUP, 0, 0, 10, 10, NULL, NULL, NULL, NULL);
    SetEvent(ready);
    while (GetMessageA(&message, NULL, 0, 0) > 0) DispatchMessageA(&message);
    return 0;
}

static int works(void) {
    static int number;
    char name[32], text[32] = "";
    int steps = 0;
    DWORD_PTR answer = 0;
    MSG message;
    number++;
    snprintf(name, sizeof name, "step %d", number);
    HWND made = CreateWindowA("Hostile", name, WS_OVERLAPPEDWINDOW | WS_VISIBLE, 300, 300, 200, 100, NULL, NULL, NULL, NULL);
    if (!made) return steps;
    steps++;
    GetWindowTextA(made, text, sizeof text);
    if (strcmp(text, name)) return steps;
    steps++;
    if (!SendMessageTimeoutA(others, WM_USER + 1, 40, 2, 0, 10000, &answer) || answer != 42) return steps;
    steps++;
    if (!PostMessageA(made, WM_USER + 2, 0, 0)) return steps;
    steps++;
    for (int i = 0; i < 1000; i++) {
        if (!PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) Sleep(1);
        else if (message.message == WM_USER + 2) break;
        else DispatchMessageA(&message);
    }
    if (message.message != WM_USER + 2) return steps;
    steps++;
    HDC dc = GetDC(made);
    RECT rect = {0, 0, 20, 20};
    FillRect(dc, &rect, GetStockObject(WHITE_BRUSH));
    if (GetPixel(dc, 5, 5) != RGB(255, 255, 255)) return steps;
    ReleaseDC(made, dc);
    steps++;
    HMENU menu = CreatePopupMenu();
    if (!menu || !AppendMenuA(menu, MF_STRING, 1, "item") || !DestroyMenu(menu)) return steps;
    steps++;
    if (!SetTimer(made, 7, 10, NULL) || !KillTimer(made, 7) || !SetPropA(made, "own", made)) return steps;
    steps++;
    if (!DestroyWindow(made)) return steps;
    return steps + 1;
}

static void attacked(int which) {
    PROCESS_INFORMATION made = {0};
    char name[64];
    int got = -1;
    DWORD read;
    HANDLE from, to;
    SECURITY_ATTRIBUTES inherit = {sizeof inherit, NULL, TRUE};
    CreatePipe(&from, &to, &inherit, 0);
    DWORD begin = GetTickCount();
    start(&made, 0, TRUE, "%d %llu", which, number(to));
    CloseHandle(to);
    if (!ReadFile(from, &got, sizeof got, &read, NULL) || read != sizeof got) got = -1;
    DWORD took = GetTickCount() - begin;
    begin = GetTickCount();
    int steps = works();
    say("# %s: %d, %lu ms, then %lu ms", attacks[which].name, got, took, GetTickCount() - begin);
    snprintf(name, sizeof name, "others work beside: %s", attacks[which].name);
    CHECK_EQ(name, steps, 9);
    snprintf(name, sizeof name, "there is an end to it: %s", attacks[which].name);
    CHECK(name, got >= 0 && (attacks[which].most < 0 || got <= attacks[which].most));
    TerminateProcess(made.hProcess, 1);
    ended(&made);
    CloseHandle(from);
    pump();
    snprintf(name, sizeof name, "and after it: %s", attacks[which].name);
    CHECK_EQ(name, works(), 9);
}

int main(int argc, char **argv) {
    WNDCLASSA class = {.lpfnWndProc = procedure, .lpszClassName = "Hostile"};
    GetModuleFileNameA(NULL, self, sizeof self);
    RegisterClassA(&class);
    if (argc > 2) {
        window = make(WS_OVERLAPPEDWINDOW | WS_VISIBLE, NULL);
        others = make(WS_POPUP, NULL);
        int got = attacks[atoi(argv[1])].run();
        DWORD written;
        WriteFile(handle_of(argv[2]), &got, sizeof got, &written, NULL);
        Sleep(INFINITE);
    }
    ready = CreateEventA(NULL, FALSE, FALSE, NULL);
    CloseHandle(CreateThread(NULL, 0, answers, NULL, 0, NULL));
    WaitForSingleObject(ready, INFINITE);
    window = CreateWindowA("Hostile", "victim", WS_OVERLAPPEDWINDOW | WS_VISIBLE, 100, 100, 100, 100, NULL, NULL, NULL, NULL);
    SetPropA(GetDesktopWindow(), "hostile", window);
    CHECK_EQ("all is well", works(), 9);
    for (int i = 0; i < ATTACKS; i++)
        if (argc < 2 || !strcmp(argv[1], attacks[i].name)) attacked(i);
    CHECK("the window is there", IsWindow(window) && IsWindowVisible(window));
    return finish();
}
