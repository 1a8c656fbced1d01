/* Two processes: the clipboard between them with what is rendered on demand and what follows from what, DDE's messages with the memory that
   they name, files that are dropped, low-level hooks of one process on the input of another. The program starts itself as the other one. */
#include "check.h"
#include <dde.h>
#include <shlobj.h>

#define DELAYED (CF_PRIVATEFIRST + 1)
/* To the first process: the result of a check of the second one's. */
#define RESULT (WM_APP + 1)
/* To the second process: its next part. */
#define PART (WM_APP + 2)

enum { HELLO, READ, WROTE, EXECUTE, ACKED, DATA, DROPPED, HOOKED, SEEN, BYE };

static HWND own, other, focus;
static int rendered, destroyed, updates, executed, keys[256];
static LPARAM results[BYE + 1];
static BOOL came[BYE + 1];
static HHOOK hook;
static int hooked, kept;
static HGLOBAL command;

static HGLOBAL memory_of(const void *bytes, SIZE_T size) {
    HGLOBAL memory = GlobalAlloc(GMEM_MOVEABLE | GMEM_DDESHARE, size);
    memcpy(GlobalLock(memory), bytes, size);
    GlobalUnlock(memory);
    return memory;
}

static BOOL is_memory(HGLOBAL memory, const void *bytes, SIZE_T size) {
    const void *there = memory ? GlobalLock(memory) : NULL;
    BOOL same = there && GlobalSize(memory) >= size && !memcmp(there, bytes, size);
    if (there) GlobalUnlock(memory);
    return same;
}

static BOOL open_clipboard(HWND window) {
    for (int i = 0; i < 100; i++) {
        if (OpenClipboard(window)) return TRUE;
        Sleep(20);
    }
    return FALSE;
}

/* A picture of two by two pixels, and its header. */
static struct { BITMAPINFOHEADER head; DWORD pixels[4]; } picture = {
    { sizeof(BITMAPINFOHEADER), 2, 2, 1, 32, BI_RGB, 16, 0, 0, 0, 0 }, { 0x00112233, 0x00445566, 0x00778899, 0x00aabbcc } };

static LRESULT CALLBACK seen(int code, WPARAM wparam, LPARAM lparam) {
    const KBDLLHOOKSTRUCT *key = (const KBDLLHOOKSTRUCT *)lparam;
    if (code == HC_ACTION && wparam == WM_KEYDOWN) hooked++;
    if (code == HC_ACTION && key->vkCode == 'B') {
        kept++;
        return 1;
    }
    return CallNextHookEx(hook, code, wparam, lparam);
}

static void tell(int what, LPARAM result) {
    PostMessageW(other, RESULT, what, result);
}

/* What the second process does. */
static void part(int which) {

    LPARAM good = 0;
    switch (which) {
    case READ:
        if (open_clipboard(own)) {
            good |= is_memory(GetClipboardData(CF_UNICODETEXT), L"left \x00e4", 14) ? 1 : 0;
            good |= is_memory(GetClipboardData(CF_TEXT), "left \xe4", 7) ? 2 : 0;
            good |= is_memory(GetClipboardData(CF_OEMTEXT), "left \x84", 7) ? 4 : 0;
            good |= GetClipboardData(CF_LOCALE) ? 8 : 0;
            good |= is_memory(GetClipboardData(DELAYED), "later", 6) ? 16 : 0;
            good |= is_memory(GetClipboardData(DELAYED), "later", 6) ? 32 : 0;
            good |= GetClipboardOwner() == other ? 64 : 0;
            CloseClipboard();
        }
        tell(READ, good);
        break;
    case WROTE:
        if (open_clipboard(own)) {
            EmptyClipboard();
            SetClipboardData(CF_DIB, memory_of(&picture, sizeof picture));
            CloseClipboard();
            good = 1;
        }
        tell(WROTE, good);
        break;
    case EXECUTE:
        command = memory_of("[open]", 7);
        PostMessageW(other, WM_DDE_EXECUTE, (WPARAM)own, (LPARAM)command);
        break;
    case HOOKED:
        hook = SetWindowsHookExW(WH_KEYBOARD_LL, seen, GetModuleHandleW(NULL), 0);
        tell(HOOKED, hook != NULL);
        break;
    case SEEN:
        tell(SEEN, hooked | kept << 8);
        UnhookWindowsHookEx(hook);
        break;
    case BYE:
        PostQuitMessage(0);
        break;
    }

}

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    UINT_PTR low, high;
    switch (message) {
    case WM_RENDERFORMAT:
        rendered++;
        SetClipboardData((UINT)wparam, memory_of("later", 6));
        return 0;
    case WM_DESTROYCLIPBOARD: destroyed++; return 0;
    case WM_CLIPBOARDUPDATE: updates++; return 0;
    case RESULT:
        if (wparam <= BYE) {
            came[wparam] = TRUE;
            results[wparam] = lparam;
        }
        if (wparam == HELLO) other = (HWND)lparam;
        return 0;
    case PART: part((int)wparam); return 0;
    case WM_DDE_EXECUTE:
        executed = is_memory((HGLOBAL)lparam, "[open]", 7) && (HWND)wparam == other;
        PostMessageW(other, WM_DDE_ACK, (WPARAM)own, PackDDElParam(WM_DDE_ACK, 0x8000, (UINT_PTR)lparam));
        return 0;
    case WM_DDE_ACK:
        UnpackDDElParam(WM_DDE_ACK, lparam, &low, &high);
        tell(ACKED, (low == 0x8000 ? 1 : 0) | ((HGLOBAL)high == command ? 2 : 0));
        FreeDDElParam(WM_DDE_ACK, lparam);
        return 0;
    case WM_DDE_DATA:
        UnpackDDElParam(WM_DDE_DATA, lparam, &low, &high);
        tell(DATA, is_memory((HGLOBAL)low, "\0\x20\1\0value", 10) ? high : 0);
        FreeDDElParam(WM_DDE_DATA, lparam);
        return 0;
    case WM_DROPFILES: {
        WCHAR name[MAX_PATH] = L"";
        POINT at = {0, 0};
        LPARAM good = DragQueryFileW((HDROP)wparam, 0xffffffff, NULL, 0) == 2 ? 1 : 0;
        good |= DragQueryFileW((HDROP)wparam, 1, name, MAX_PATH) == 6 && !wcscmp(name, L"C:\\b\x00e4r") ? 2 : 0;
        good |= !DragQueryPoint((HDROP)wparam, &at) && at.x == 3 && at.y == 4 ? 4 : 0;
        DragFinish((HDROP)wparam);
        tell(DROPPED, good);
        return 0;
    }
    case WM_KEYDOWN:
        if (wparam < 256) keys[wparam]++;
        return 0;
    }
    return DefWindowProcW(window, message, wparam, lparam);
}

static void pump(void) {
    MSG message;
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageW(&message);
}

/* Waits until the other process has answered, ten seconds at most. */
static LPARAM await(int what) {
    for (int i = 0; i < 1000 && !came[what]; i++) {
        MsgWaitForMultipleObjects(0, NULL, FALSE, 10, QS_ALLINPUT);
        pump();
    }
    return came[what] ? results[what] : -1;
}

static LPARAM ask(int what) {
    PostMessageW(other, PART, what, 0);
    return await(what);
}

static void press(WORD key) {
    INPUT inputs[2] = { { .type = INPUT_KEYBOARD }, { .type = INPUT_KEYBOARD } };
    inputs[0].ki.wVk = inputs[1].ki.wVk = key;
    inputs[1].ki.dwFlags = KEYEVENTF_KEYUP;
    SendInput(2, inputs, sizeof inputs[0]);
}

static HWND window_of(void) {
    HINSTANCE module = GetModuleHandleW(NULL);
    WNDCLASSW class = { .lpfnWndProc = procedure, .hInstance = module, .lpszClassName = L"across" };
    RegisterClassW(&class);
    return CreateWindowW(L"across", L"", WS_OVERLAPPED, 0, 0, 10, 10, NULL, NULL, module, NULL);
}

static int second(HWND first) {
    MSG message;
    own = window_of();
    other = first;
    tell(HELLO, (LPARAM)own);
    while (GetMessageW(&message, NULL, 0, 0) > 0) DispatchMessageW(&message);
    return 0;
}

int main(int count, char **arguments) {
    char line[MAX_PATH + 32], self[MAX_PATH];
    STARTUPINFOA start = { .cb = sizeof start };
    PROCESS_INFORMATION child;
    DIBSECTION section;
    DWORD status = 99;
    if (count > 1) return second((HWND)(UINT_PTR)strtoull(arguments[1], NULL, 16));
    own = window_of();
    GetModuleFileNameA(NULL, self, sizeof self);
    snprintf(line, sizeof line, "\"%s\" %llx", self, (unsigned long long)(UINT_PTR)own);
    CHECK("the other process starts", CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child));
    CHECK("and has a window", await(HELLO) != -1 && IsWindow(other));

    AddClipboardFormatListener(own);
    CHECK("the clipboard opens", open_clipboard(own));
    EmptyClipboard();
    SetClipboardData(CF_UNICODETEXT, memory_of(L"left \x00e4", 14));
    SetClipboardData(DELAYED, NULL);
    CloseClipboard();
    LPARAM read = ask(READ);
    CHECK_EQ("another process reads text, what follows from it and what is rendered then", read, 127);
    CHECK_EQ("rendered once", rendered, 1);
    pump();
    int before = updates;
    CHECK_EQ("the other one writes", ask(WROTE), 1);
    pump();
    CHECK_EQ("who owned it is told", destroyed, 1);
    CHECK("who listens is told", updates > before);
    CHECK("and opens it", open_clipboard(own));
    CHECK("its picture", is_memory(GetClipboardData(CF_DIB), &picture, sizeof picture));
    HBITMAP bitmap = GetClipboardData(CF_BITMAP);
    memset(&section, 0, sizeof section);
    CHECK("as a bitmap", GetObjectW(bitmap, sizeof section.dsBm, &section.dsBm) && section.dsBm.bmWidth == 2);
    const BITMAPV5HEADER *five = GlobalLock(GetClipboardData(CF_DIBV5));
    CHECK("and with the longer header", five && five->bV5Size == sizeof *five && five->bV5Width == 2);
    CHECK("the other's window owns it", GetClipboardOwner() == other);
    CloseClipboard();

    PostMessageW(other, PART, EXECUTE, 0);
    CHECK_EQ("DDE: its answer names the sender's memory", await(ACKED), 3);
    CHECK_EQ("and the command came along", executed, 1);
    PostMessageW(other, WM_DDE_DATA, (WPARAM)own, PackDDElParam(WM_DDE_DATA, (UINT_PTR)memory_of("\0\x20\1\0value", 10), 0xc123));
    CHECK_EQ("data too, with its item", await(DATA), 0xc123);

    struct { DROPFILES head; WCHAR names[14]; } files = { { sizeof files.head, { 3, 4 }, TRUE, TRUE }, L"C:\\foo\0C:\\b\x00e4r\0" };
    /* Stock Wine tells the other process the handle. */
    if (!under_oracle()) {
        PostMessageW(other, WM_DROPFILES, (WPARAM)memory_of(&files, sizeof files), 0);
        CHECK_EQ("files that are dropped come along", await(DROPPED), 7);
        HGLOBAL mine = memory_of(&files, sizeof files);
        came[DROPPED] = FALSE;
        SendMessageW(other, WM_DROPFILES, (WPARAM)mine, 0);
        CHECK_EQ("and if they are sent", await(DROPPED), 7);
        CHECK("the sender's stay its own", is_memory(mine, &files, sizeof files));
        came[DROPPED] = FALSE;
        SendNotifyMessageW(other, WM_DROPFILES, (WPARAM)mine, 0);
        CHECK_EQ("also without an answer", await(DROPPED), 7);
        GlobalFree(mine);
    }

    focus = CreateWindowW(L"across", L"", WS_OVERLAPPEDWINDOW | WS_VISIBLE, 0, 0, 200, 100, NULL, NULL, NULL, NULL);
    SetForegroundWindow(focus);
    SetFocus(focus);
    for (int i = 0; i < 100 && GetFocus() != focus; i++) { Sleep(10); pump(); }
    CHECK_EQ("a low-level hook in the other process", ask(HOOKED), 1);
    press('A');
    press('B');
    press('C');
    for (int i = 0; i < 100 && !keys['C']; i++) { Sleep(10); pump(); }
    CHECK_EQ("it sees all keys, and keeps one", ask(SEEN), 3 | 2 << 8);
    CHECK("which nobody else sees", keys['A'] == 1 && keys['B'] == 0 && keys['C'] == 1);

    PostMessageW(other, PART, BYE, 0);
    CHECK_EQ("the other one ends", WaitForSingleObject(child.hProcess, 10000), WAIT_OBJECT_0);
    GetExitCodeProcess(child.hProcess, &status);
    CHECK_EQ("well", status, 0);
    return finish();
}
