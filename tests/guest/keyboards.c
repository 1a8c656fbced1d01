/* Keyboard layouts of other countries, dead keys, characters without a key, and the window that each thread has for input methods. */
#include "check.h"
#include <imm.h>

static WCHAR got[32];
static int dead_got;

static HKL layout_of(WORD country) { return (HKL)(LONG_PTR)(LONG)MAKELONG(GetUserDefaultLangID(), country); }

/* What a scan code gives, with some keys held down. */
static int typed(HKL layout, UINT scan, int shift, int control, int alt, WCHAR *text) {
    BYTE state[256] = {0};
    if (shift) state[VK_SHIFT] = 0x80;
    if (control) state[VK_CONTROL] = 0x80;
    if (alt) state[VK_MENU] = 0x80;
    text[0] = text[1] = 0;
    return ToUnicodeEx(MapVirtualKeyExW(scan, MAPVK_VSC_TO_VK, layout), scan, state, text, 8, 0, layout);
}

static int gives(HKL layout, UINT scan, int shift, int altgr, WCHAR wanted) {
    WCHAR text[8];
    return typed(layout, scan, shift, altgr, altgr, text) == 1 && text[0] == wanted;
}

static int dead_makes(HKL layout, UINT dead, int shift, UINT scan, const WCHAR *wanted) {
    WCHAR text[8];
    if (typed(layout, dead, shift, 0, 0, text) != -1) return 0;
    int count = typed(layout, scan, 0, 0, 0, text);
    return count == (int)wcslen(wanted) && !wcsncmp(text, wanted, count);
}

static void tables(void) {
    HKL german = layout_of(0x0407), french = layout_of(0x040c), british = layout_of(0x0809), spanish = layout_of(0x040a);
    CHECK("Z lies between T and U in Germany", gives(german, 0x15, 0, 0, 'z') && MapVirtualKeyExW('Z', MAPVK_VK_TO_VSC, german) == 0x15);
    CHECK("umlauts", gives(german, 0x27, 0, 0, 0xf6) && gives(german, 0x28, 1, 0, 0xc4) && gives(german, 0x0c, 0, 0, 0xdf));
    CHECK("AltGr", gives(german, 0x10, 0, 1, '@') && gives(german, 0x12, 0, 1, 0x20ac) && gives(german, 0x08, 0, 1, '{'));
    CHECK("what has no AltGr gives nothing", !gives(german, 0x1e, 0, 1, 'a'));
    CHECK("a dead key and a letter", dead_makes(german, 0x0d, 0, 0x12, L"\xe9") && dead_makes(german, 0x29, 0, 0x16, L"\xfb"));
    CHECK("a dead key and one that it does not go with", dead_makes(german, 0x29, 0, 0x25, L"^k"));
    CHECK_EQ("a dead key has a character", MapVirtualKeyExW(VK_OEM_5, MAPVK_VK_TO_CHAR, german), 0x80000000 | '^');
    CHECK_EQ("which key gives @", VkKeyScanExW('@', german) & 0xffff, 0x651);
    CHECK("AZERTY", gives(french, 0x10, 0, 0, 'a') && gives(french, 0x03, 0, 0, 0xe9) && gives(french, 0x03, 1, 0, '2') && gives(french, 0x27, 0, 0, 'm'));
    CHECK("French accents", dead_makes(french, 0x1a, 0, 0x12, L"\xea") && dead_makes(french, 0x1a, 1, 0x17, L"\xef"));
    CHECK("pounds", gives(british, 0x04, 1, 0, 0xa3) && gives(british, 0x03, 1, 0, '"') && gives(british, 0x2b, 0, 0, '#') && gives(british, 0x56, 0, 0, '\\'));
    CHECK("Spanish", gives(spanish, 0x27, 0, 0, 0xf1) && gives(spanish, 0x0d, 0, 0, 0xa1) && dead_makes(spanish, 0x28, 0, 0x1e, L"\xe1"));
    CHECK("America goes on", gives(layout_of(0x0409), 0x15, 0, 0, 'y'));
}

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (message == WM_CHAR && wcslen(got) < 30) got[wcslen(got)] = (WCHAR)wparam;
    if (message == WM_DEADCHAR) dead_got++;
    if (message == WM_INPUTLANGCHANGE) got[0] = 0;
    return DefWindowProcW(window, message, wparam, lparam);
}

static void pump(void) {
    MSG message;
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) {
        TranslateMessage(&message);
        DispatchMessageW(&message);
    }
}

static void press(WORD scan, DWORD flags) {
    INPUT input[2] = {{.type = INPUT_KEYBOARD}, {.type = INPUT_KEYBOARD}};
    input[0].ki.wScan = input[1].ki.wScan = scan;
    input[0].ki.dwFlags = flags;
    input[1].ki.dwFlags = flags | KEYEVENTF_KEYUP;
    SendInput(2, input, sizeof *input);
    pump();
}

static DWORD WINAPI other(void *argument) {
    HKL *seen = argument;
    MSG message;
    PeekMessageW(&message, NULL, 0, 0, PM_NOREMOVE);
    seen[0] = GetKeyboardLayout(0);
    return ImmGetDefaultIMEWnd(NULL) != NULL;
}

static void windows(void) {
    WNDCLASSW class = {.lpfnWndProc = procedure, .lpszClassName = L"keyboards", .hInstance = GetModuleHandleW(NULL)};
    RegisterClassW(&class);
    CHECK("none before there is a window", !ImmGetDefaultIMEWnd(NULL));
    HWND window = CreateWindowExW(0, L"keyboards", L"", WS_OVERLAPPEDWINDOW | WS_VISIBLE, 0, 0, 200, 100, NULL, NULL, NULL, NULL);
    HWND method = ImmGetDefaultIMEWnd(window);
    WCHAR name[32] = L"";
    GetClassNameW(method, name, 32);
    CHECK("a window for input methods", method && !wcscmp(name, L"IME") && GetWindowThreadProcessId(method, NULL) == GetCurrentThreadId());
    GetWindowTextW(method, name, 32);
    CHECK("is called so, and hidden", !wcscmp(name, L"Default IME") && !IsWindowVisible(method));
    HIMC context = ImmGetContext(window);
    CHECK("a context", context != NULL);
    ImmReleaseContext(window, context);
    CHECK("taken from it", ImmAssociateContext(window, NULL) == context && !ImmGetContext(window));
    CHECK("and given back", ImmAssociateContextEx(window, NULL, IACE_DEFAULT) && ImmGetContext(window) == context);
    ImmReleaseContext(window, context);
    SetForegroundWindow(window);
    SetFocus(window);
    pump();
    /* A character without a key. */
    press(0x20ac, KEYEVENTF_UNICODE);
    press(0x4e2d, KEYEVENTF_UNICODE);
    CHECK("characters without keys", !wcscmp(got, L"\x20ac\x4e2d"));
    got[0] = 0;
    memset(got, 0, sizeof got);
    /* One of an input method's. */
    SendMessageW(window, WM_IME_CHAR, 0x3042, 1);
    pump();
    CHECK("a character of an input method's", !wcscmp(got, L"\x3042"));
    CHECK_EQ("WM_UNICHAR is asked for", SendMessageW(window, WM_UNICHAR, UNICODE_NOCHAR, 0), 0);
    memset(got, 0, sizeof got);
    HKL german = layout_of(0x0407), before = GetKeyboardLayout(0);
    if (!under_oracle()) {
        CHECK_EQ("another layout", (ULONG_PTR)ActivateKeyboardLayout(german, 0), (ULONG_PTR)before);
        CHECK_EQ("is the thread's", (ULONG_PTR)GetKeyboardLayout(0), (ULONG_PTR)german);
        CHECK_EQ("which others see", (ULONG_PTR)GetKeyboardLayout(GetCurrentThreadId()), (ULONG_PTR)german);
        char digits[KL_NAMELENGTH];
        CHECK("and has a name", GetKeyboardLayoutNameA(digits) && !strcmp(digits, "00000407"));
        press(0x15, KEYEVENTF_SCANCODE);
        press(0x0d, KEYEVENTF_SCANCODE);
        press(0x1e, KEYEVENTF_SCANCODE);
        CHECK("keys are where it has them", !wcscmp(got, L"z\xe1") && dead_got == 1);
        HKL seen[1] = {0};
        DWORD code = 9;
        HANDLE thread = CreateThread(NULL, 0, other, seen, 0, NULL);
        WaitForSingleObject(thread, 30000);
        GetExitCodeThread(thread, &code);
        CloseHandle(thread);
        CHECK("another thread has its own, and no window", seen[0] == before && code == 0);
        CHECK_EQ("loaded by name", (ULONG_PTR)LoadKeyboardLayoutW(L"0000040C", KLF_ACTIVATE), (ULONG_PTR)layout_of(0x040c));
        CHECK_EQ("and back", (ULONG_PTR)ActivateKeyboardLayout(before, 0), (ULONG_PTR)layout_of(0x040c));
    }
    HKL all[16];
    int count = GetKeyboardLayoutList(16, all);
    CHECK("there is one at least", count >= 1 && GetKeyboardLayoutList(0, NULL) == count);
    DestroyWindow(window);
    CHECK("it goes with the last window", !IsWindow(method));
}

int main(void) {
    if (!under_oracle()) tables();
    windows();
    return finish();
}
