/* Menus that nobody sees: their items, their states, system menus, what a window's procedure is told of them. */
#include "check.h"

static char log_text[2048];

static void note(const char *format, ...) {
    va_list args;
    size_t length = strlen(log_text);
    va_start(args, format);
    vsnprintf(log_text + length, sizeof log_text - length, format, args);
    va_end(args);
}

static void check_log(const char *name, const char *want) {
    if (!CHECK(name, !strcmp(log_text, want))) say("  got:  %s\n  want: %s", log_text, want);
    log_text[0] = 0;
}

static int tracked, popups;

static LRESULT CALLBACK noting(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (tracked) {
        /* Keys come once the menu waits: what was posted before would be taken as a whole. */
        static const struct { UINT message; WPARAM key; } keys[] = {
            {WM_KEYDOWN, VK_DOWN}, {0, 0}, {WM_KEYDOWN, VK_UP}, {WM_KEYDOWN, VK_UP}, {WM_KEYDOWN, VK_RIGHT}, {0, 0}, {WM_CHAR, 'e'},
        };
        if (message == WM_TIMER) {
            int at = tracked++ - 1;
            if (at < (int)(sizeof keys / sizeof *keys)) {
                if (keys[at].message) PostMessageW(window, keys[at].message, keys[at].key, 0);
                else for (HWND popup = NULL; (popup = FindWindowExA(NULL, popup, "#32768", NULL));) popups += IsWindowVisible(popup);
            } else {
                EndMenu();
            }
            return 0;
        }
        if (message == WM_INITMENU || message == WM_INITMENUPOPUP || message == WM_UNINITMENUPOPUP || message == WM_ENTERMENULOOP ||
            message == WM_EXITMENULOOP || message == WM_MENUSELECT || message == WM_COMMAND)
            note("%x(%x,%x) ", message, message == WM_INITMENU || message == WM_INITMENUPOPUP || message == WM_UNINITMENUPOPUP ? 0 : (unsigned)wparam,
                 message == WM_INITMENUPOPUP || message == WM_UNINITMENUPOPUP ? (unsigned)lparam : 0);
        return DefWindowProcW(window, message, wparam, lparam);
    }
    switch (message) {
    case WM_MENUSELECT: note("select(%x,%x) ", LOWORD(wparam), HIWORD(wparam)); break;
    case WM_SYSCOMMAND: note("command(%x) ", (unsigned)wparam); return 0;
    case WM_COMMAND: note("command(%x) ", (unsigned)wparam); return 0;
    case WM_CLOSE: note("close "); return 0;
    }
    return DefWindowProcW(window, message, wparam, lparam);
}

static HWND make(DWORD style, HMENU menu) {
    return CreateWindowExW(0, L"menus", L"menus", style & ~WS_VISIBLE, 10, 20, 300, 200, NULL, menu, NULL, NULL);
}

/* The text of an item, and what GetMenuString answers. */
static int text_is(HMENU menu, UINT item, UINT flags, const char *want) {
    char text[64] = "?";
    int length = GetMenuStringA(menu, item, text, sizeof text, flags);
    return length == (int)strlen(want) && !strcmp(text, want);
}

static void items(void) {
    HMENU menu = CreateMenu(), popup = CreatePopupMenu(), inner = CreatePopupMenu();
    CHECK("a menu is made", menu && popup && inner && menu != popup);
    CHECK("it is one", IsMenu(menu) && !IsMenu((HMENU)0x12345) && !IsMenu(NULL));
    CHECK_ERROR("what is none", IsMenu((HMENU)0x7654), ERROR_INVALID_MENU_HANDLE);
    CHECK_EQ("it is empty", GetMenuItemCount(menu), 0);
    CHECK_EQ("none is counted", GetMenuItemCount((HMENU)0x7654), -1);

    CHECK("append", AppendMenuW(popup, MF_STRING, 101, L"&Open\tCtrl+O"));
    CHECK("append gray", AppendMenuW(popup, MF_STRING | MF_GRAYED, 102, L"&Save"));
    CHECK("append separator", AppendMenuW(popup, MF_SEPARATOR, 0, NULL));
    CHECK("append checked", AppendMenuA(popup, MF_STRING | MF_CHECKED, 103, "E&xit"));
    CHECK("append owner drawn", AppendMenuW(inner, MF_OWNERDRAW, 201, (LPCWSTR)0x1234));
    CHECK("append popup in popup", AppendMenuW(popup, MF_POPUP, (UINT_PTR)inner, L"Inner"));
    CHECK("append popup", AppendMenuW(menu, MF_POPUP, (UINT_PTR)popup, L"&File"));
    CHECK("append plain", AppendMenuW(menu, MF_STRING, 110, L"Help"));
    CHECK("insert before a number", InsertMenuW(menu, 110, MF_BYCOMMAND | MF_STRING, 109, L"Before"));
    CHECK("insert before one below", InsertMenuW(menu, 103, MF_BYCOMMAND | MF_STRING, 104, L"In the popup"));
    CHECK("insert at a place", InsertMenuW(menu, 0, MF_BYPOSITION | MF_STRING, 108, L"First"));
    CHECK("insert beyond the end", InsertMenuW(menu, 77, MF_BYPOSITION | MF_STRING, 111, L"Last"));
    CHECK_EQ("as many as that", GetMenuItemCount(menu), 5);
    CHECK_EQ("and below", GetMenuItemCount(popup), 6);

    CHECK_EQ("number by place", GetMenuItemID(menu, 0), 108);
    CHECK_EQ("a popup has none", GetMenuItemID(menu, 1), (UINT)-1);
    CHECK_EQ("beyond the end", GetMenuItemID(menu, 9), (UINT)-1);
    CHECK_EQ("in the popup", GetMenuItemID(popup, 3), 104);
    CHECK("popup of an item", GetSubMenu(menu, 1) == popup && GetSubMenu(popup, 5) == inner && !GetSubMenu(menu, 0));
    CHECK("text by number", text_is(menu, 101, MF_BYCOMMAND, "&Open\tCtrl+O"));
    CHECK("text by place", text_is(menu, 1, MF_BYPOSITION, "&File"));
    CHECK("no text", text_is(popup, 2, MF_BYPOSITION, ""));

    CHECK_EQ("state of a gray one", GetMenuState(menu, 102, MF_BYCOMMAND), MF_GRAYED);
    CHECK_EQ("state of a checked one", GetMenuState(menu, 103, MF_BYCOMMAND), MF_CHECKED);
    CHECK_EQ("state of a separator", GetMenuState(popup, 2, MF_BYPOSITION), MF_SEPARATOR | MF_GRAYED | MF_DISABLED);
    CHECK_EQ("state of a popup", GetMenuState(menu, 1, MF_BYPOSITION), 6 << 8 | MF_POPUP);
    CHECK_EQ("state of an owner drawn one", GetMenuState(menu, 201, MF_BYCOMMAND), MF_OWNERDRAW);
    CHECK_EQ("state of none", GetMenuState(menu, 999, MF_BYCOMMAND), (UINT)-1);

    CHECK_EQ("check", CheckMenuItem(menu, 101, MF_CHECKED), MF_UNCHECKED);
    CHECK_EQ("check again", CheckMenuItem(menu, 101, MF_CHECKED), MF_CHECKED);
    CHECK_EQ("uncheck", CheckMenuItem(popup, 0, MF_BYPOSITION | MF_UNCHECKED), MF_CHECKED);
    CHECK_EQ("check none", CheckMenuItem(menu, 999, MF_CHECKED), (UINT)-1);
    CHECK_EQ("enable", EnableMenuItem(menu, 102, MF_ENABLED), MF_GRAYED);
    CHECK_EQ("disable", EnableMenuItem(menu, 102, MF_DISABLED), MF_ENABLED);
    CHECK_EQ("as it was", EnableMenuItem(menu, 102, MF_GRAYED | MF_DISABLED), MF_DISABLED);
    CHECK_EQ("enable none", EnableMenuItem(menu, 999, MF_ENABLED), -1);

    CHECK_EQ("no default", GetMenuDefaultItem(popup, FALSE, 0), (UINT)-1);
    CHECK("set the default", SetMenuDefaultItem(popup, 104, FALSE));
    CHECK_EQ("it is that", GetMenuDefaultItem(popup, FALSE, 0), 104);
    CHECK_EQ("by place", GetMenuDefaultItem(popup, TRUE, 0), 3);
    CHECK("by place too", SetMenuDefaultItem(menu, 1, TRUE));
    CHECK_EQ("a popup is the default", GetMenuDefaultItem(menu, TRUE, 0), 1);
    CHECK_EQ("into popups", GetMenuDefaultItem(menu, FALSE, GMDI_GOINTOPOPUPS), 104);
    CHECK("none", SetMenuDefaultItem(popup, -1, FALSE));
    CHECK("no such item", !SetMenuDefaultItem(popup, 999, FALSE));

    CHECK("radio", CheckMenuRadioItem(popup, 101, 104, 103, MF_BYCOMMAND));
    CHECK_EQ("one is", GetMenuState(popup, 103, MF_BYCOMMAND) & (MF_CHECKED | MFT_RADIOCHECK), MF_CHECKED | MFT_RADIOCHECK);
    CHECK("radio again", CheckMenuRadioItem(popup, 101, 104, 101, MF_BYCOMMAND));
    CHECK_EQ("the other keeps its dot", GetMenuState(popup, 103, MF_BYCOMMAND) & (MF_CHECKED | MFT_RADIOCHECK), MFT_RADIOCHECK);
    CHECK("radio of none", !CheckMenuRadioItem(popup, 901, 904, 901, MF_BYCOMMAND));

    CHECK("remove", RemoveMenu(menu, 1, MF_BYPOSITION));
    CHECK("the popup stays", IsMenu(popup));
    CHECK("remove none", !RemoveMenu(menu, 999, MF_BYCOMMAND));
    CHECK("delete", DeleteMenu(popup, 5, MF_BYPOSITION));
    CHECK("the popup goes", !IsMenu(inner));
    CHECK("modify", ModifyMenuW(popup, 101, MF_BYCOMMAND | MF_STRING, 105, L"Changed"));
    CHECK("it did", text_is(popup, 105, MF_BYCOMMAND, "Changed"));
    AppendMenuW(menu, MF_POPUP, (UINT_PTR)popup, L"again");
    CHECK("destroy", DestroyMenu(menu));
    CHECK("all of it goes", !IsMenu(menu) && !IsMenu(popup));
    CHECK("not twice", !DestroyMenu(menu));
}

static void infos(void) {
    HMENU menu = CreatePopupMenu(), below = CreatePopupMenu();
    MENUITEMINFOW info = {.cbSize = sizeof info, .fMask = MIIM_STRING | MIIM_ID | MIIM_DATA | MIIM_STATE | MIIM_FTYPE};
    WCHAR text[16] = L"";
    info.fType = MFT_RADIOCHECK;
    info.fState = MFS_CHECKED | MFS_DEFAULT;
    info.wID = 7;
    info.dwItemData = 0x123456789abc;
    info.dwTypeData = (WCHAR *)L"a text";
    CHECK("insert by structure", InsertMenuItemW(menu, 0, TRUE, &info));
    memset(&info, 0, sizeof info);
    info.cbSize = sizeof info;
    info.fMask = MIIM_STRING | MIIM_ID | MIIM_DATA | MIIM_STATE | MIIM_FTYPE | MIIM_SUBMENU | MIIM_CHECKMARKS | MIIM_BITMAP;
    info.dwTypeData = text;
    info.cch = 16;
    CHECK("get by structure", GetMenuItemInfoW(menu, 7, FALSE, &info));
    CHECK("it is what it was", info.fType == MFT_RADIOCHECK && info.fState == (MFS_CHECKED | MFS_DEFAULT) && info.wID == 7 &&
          info.dwItemData == 0x123456789abc && info.cch == 6 && !lstrcmpW(text, L"a text") && !info.hSubMenu && !info.hbmpItem);
    info.fMask = MIIM_STRING;
    info.cch = 4;
    CHECK("a part of the text", GetMenuItemInfoW(menu, 0, TRUE, &info) && info.cch == 3 && !lstrcmpW(text, L"a t"));
    info.dwTypeData = NULL;
    info.cch = 0;
    CHECK("its length", GetMenuItemInfoW(menu, 0, TRUE, &info) && info.cch == 6);
    info.fMask = MIIM_TYPE | MIIM_STRING;
    CHECK_ERROR("two ways to ask", GetMenuItemInfoW(menu, 0, TRUE, &info), ERROR_INVALID_PARAMETER);
    info.fMask = MIIM_ID;
    CHECK_ERROR("no such item", GetMenuItemInfoW(menu, 99, FALSE, &info), ERROR_MENU_ITEM_NOT_FOUND);
    info.cbSize = 12;
    CHECK_ERROR("a structure of another size", GetMenuItemInfoW(menu, 0, TRUE, &info), ERROR_INVALID_PARAMETER);
    info.cbSize = sizeof info;
    info.fMask = MIIM_SUBMENU;
    info.hSubMenu = below;
    CHECK("give it a popup", SetMenuItemInfoW(menu, 0, TRUE, &info));
    CHECK("it has it", GetSubMenu(menu, 0) == below);
    info.hSubMenu = (HMENU)0x7654;
    CHECK_ERROR("what is no menu", SetMenuItemInfoW(menu, 0, TRUE, &info), ERROR_INVALID_PARAMETER);
    info.hSubMenu = below;
    SetMenuItemInfoW(menu, 0, TRUE, &info);
    /* In a ring, nothing is found and nothing hangs. */
    info.hSubMenu = menu;
    CHECK("a ring is refused", !InsertMenuItemW(below, 0, TRUE, &info));
    CHECK_EQ("and looked through", GetMenuState(menu, 4711, MF_BYCOMMAND), (UINT)-1);
    info.fMask = MIIM_ID | MIIM_FTYPE;
    info.fType = MFT_STRING;
    info.wID = 12;
    CHECK("without a text", InsertMenuItemW(menu, 0, TRUE, &info));
    CHECK_EQ("it is a separator", GetMenuState(menu, 0, MF_BYPOSITION), MF_SEPARATOR);

    MENUINFO about = {.cbSize = sizeof about, .fMask = MIM_STYLE | MIM_MENUDATA | MIM_HELPID | MIM_MAXHEIGHT | MIM_BACKGROUND | MIM_APPLYTOSUBMENUS};
    about.dwStyle = MNS_NOTIFYBYPOS;
    about.dwMenuData = 0xabcdef012345;
    about.dwContextHelpID = 55;
    about.cyMax = 120;
    about.hbrBack = (HBRUSH)3;
    CHECK("SetMenuInfo", SetMenuInfo(menu, &about));
    MENUINFO back = {.cbSize = sizeof back, .fMask = MIM_STYLE | MIM_MENUDATA | MIM_HELPID | MIM_MAXHEIGHT | MIM_BACKGROUND};
    CHECK("GetMenuInfo", GetMenuInfo(below, &back));
    CHECK("popups have it too", back.dwStyle == MNS_NOTIFYBYPOS && back.dwMenuData == 0xabcdef012345 && back.cyMax == 120 &&
          back.dwContextHelpID == 55 && back.hbrBack == (HBRUSH)3);
    CHECK("SetMenuContextHelpId", SetMenuContextHelpId(menu, 66));
    CHECK_EQ("GetMenuContextHelpId", GetMenuContextHelpId(menu), 66);
    CHECK_ERROR("SetMenuInfo of none", SetMenuInfo((HMENU)0x7654, &about), ERROR_INVALID_MENU_HANDLE);
    DestroyMenu(menu);
}

static void windows(void) {
    HMENU bar = CreateMenu(), popup = CreatePopupMenu();
    AppendMenuW(popup, MF_STRING, 1, L"one");
    AppendMenuW(bar, MF_POPUP, (UINT_PTR)popup, L"bar");
    AppendMenuW(bar, MF_STRING, 2, L"two");
    HWND window = make(WS_OVERLAPPEDWINDOW, NULL), child;
    CHECK("a window has no menu", window && !GetMenu(window));
    CHECK("SetMenu", SetMenu(window, bar) || !under_oracle());
    CHECK("it has", GetMenu(window) == bar);
    CHECK_ERROR("not what is none", SetMenu(window, (HMENU)0x7654), ERROR_INVALID_MENU_HANDLE);
    CHECK("it still has", GetMenu(window) == bar);
    child = CreateWindowExW(0, L"menus", L"child", WS_CHILD, 0, 0, 10, 10, window, (HMENU)77, NULL, NULL);
    CHECK("children have none", !SetMenu(child, bar) && GetWindowLongPtrW(child, GWLP_ID) == 77);
    MENUBARINFO about = {.cbSize = sizeof about};
    CHECK("GetMenuBarInfo", GetMenuBarInfo(window, OBJID_MENU, 0, &about));
    CHECK("of the bar", about.hMenu == bar && !about.fBarFocused && !about.fFocused);
    CHECK("of an item", GetMenuBarInfo(window, OBJID_MENU, 2, &about) && !GetMenuBarInfo(window, OBJID_MENU, 3, &about));
    CHECK("of a child", !GetMenuBarInfo(child, OBJID_SYSMENU, 0, &about));

    /* The system menu: every window's own, and its items as the style says. */
    HMENU system = GetSystemMenu(window, FALSE);
    CHECK("the system menu", system && GetSystemMenu(window, FALSE) == system);
    static const UINT commands[] = {SC_RESTORE, SC_MOVE, SC_SIZE, SC_MINIMIZE, SC_MAXIMIZE, 0, SC_CLOSE};
    CHECK_EQ("its items", GetMenuItemCount(system), 9);
    for (int i = 0; i < 7; i++)
        if (commands[i]) CHECK_EQ("an item", GetMenuItemID(system, i), commands[i]);
    CHECK_EQ("closing is the default", GetMenuDefaultItem(system, FALSE, 0), SC_CLOSE);
    CHECK("change it", DeleteMenu(system, SC_SIZE, MF_BYCOMMAND) && GetMenuItemCount(system) == 8);
    CHECK("revert", !GetSystemMenu(window, TRUE));
    system = GetSystemMenu(window, FALSE);
    CHECK_EQ("all are there again", GetMenuItemCount(system), 9);
    HWND plain = make(WS_POPUP, NULL);
    CHECK("one without", !GetSystemMenu(plain, FALSE));
    DestroyWindow(plain);

    /* What DefWindowProc makes of its commands. */
    DefWindowProcW(window, WM_SYSCOMMAND, SC_CLOSE, 0);
    check_log("SC_CLOSE closes", "close ");
    CHECK_EQ("others are not ours", DefWindowProcW(window, WM_SYSCOMMAND, SC_SEPARATOR, 0), 0);
    DefWindowProcW(window, WM_NCLBUTTONDBLCLK, HTSYSMENU, 0);
    check_log("a double click on the icon", "command(f060) ");
    EnableMenuItem(system, SC_CLOSE, MF_GRAYED);
    DefWindowProcW(window, WM_NCLBUTTONDBLCLK, HTSYSMENU, 0);
    check_log("not where it is gray", "");
    DefWindowProcW(window, WM_NCLBUTTONDBLCLK, HTCAPTION, 0);
    check_log("a double click on the caption", "command(f030) ");
    DefWindowProcW(window, WM_NCLBUTTONDOWN, HTRIGHT, 0);
    check_log("a click on a side", "command(f002) ");
    DefWindowProcW(window, WM_NCLBUTTONDOWN, HTBOTTOMRIGHT, 0);
    check_log("on a corner", "command(f008) ");
    DefWindowProcW(window, WM_NCLBUTTONDOWN, HTVSCROLL, 0);
    check_log("on a scroll bar", "command(f077) ");
    DefWindowProcW(window, WM_NCLBUTTONDOWN, HTMENU, 0);
    check_log("on the menu bar", "command(f090) ");
    DefWindowProcW(window, WM_SYSKEYDOWN, VK_MENU, 0x20380001);
    DefWindowProcW(window, WM_SYSKEYUP, VK_MENU, 0xc0380001);
    check_log("Alt alone", "command(f100) ");
    DefWindowProcW(window, WM_SYSKEYDOWN, VK_MENU, 0x20380001);
    DefWindowProcW(window, WM_SYSKEYDOWN, 'X', 0x20380001);
    DefWindowProcW(window, WM_SYSKEYUP, VK_MENU, 0xc0380001);
    check_log("not with a letter", "");
    DefWindowProcW(window, WM_SYSCHAR, 'b', 0x20300001);
    check_log("which goes there itself", "command(f100) ");
    DefWindowProcW(window, WM_SYSKEYDOWN, VK_F10, 1);
    DefWindowProcW(window, WM_SYSKEYUP, VK_F10, 1);
    check_log("F10", "command(f100) ");
    CHECK("the window goes", DestroyWindow(window));
    CHECK("its menu does too", !IsMenu(bar) && !IsMenu(popup) && !IsMenu(system));
}

/* Through menus by keys. */
static void tracking(void) {
    HMENU bar = CreateMenu(), popup = CreatePopupMenu(), inner = CreatePopupMenu();
    AppendMenuW(inner, MF_STRING, 4, L"inner");
    AppendMenuW(inner, MF_STRING, 6, L"&else");
    AppendMenuW(popup, MF_STRING, 1, L"&Open\tCtrl+O");
    AppendMenuW(popup, MF_STRING | MF_GRAYED, 2, L"Gray");
    AppendMenuW(popup, MF_SEPARATOR, 0, NULL);
    AppendMenuW(popup, MF_STRING | MF_CHECKED, 3, L"Checked");
    AppendMenuW(popup, MF_POPUP, (UINT_PTR)inner, L"Sub");
    AppendMenuW(popup, MF_STRING, 5, L"E&xit");
    AppendMenuW(bar, MF_POPUP, (UINT_PTR)popup, L"&File");
    AppendMenuW(bar, MF_STRING, 9, L"Help");
    HWND window = CreateWindowExW(0, L"menus", L"menus", WS_OVERLAPPEDWINDOW | WS_VISIBLE, 50, 50, 300, 200, NULL, bar, NULL, NULL);
    MSG message;
    UpdateWindow(window);
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageW(&message);
    log_text[0] = 0;
    tracked = 1;
    SetTimer(window, 5, 100, NULL);
    SendMessageW(window, WM_SYSCOMMAND, SC_KEYMENU, 0);
    check_log("along the menu bar", "211(0,0) 116(0,0) 11f(900000,0) 117(0,0) 11f(800001,0) 11f(800005,0) 11f(900004,0) 117(0,4) 11f(800004,0) "
              "11f(800006,0) 125(0,0) 125(0,0) 11f(ffff0000,0) 212(0,0) ");
    CHECK_EQ("one popup was seen, then two", popups, 3);
    while (PeekMessageW(&message, window, WM_COMMAND, WM_COMMAND, PM_REMOVE)) DispatchMessageW(&message);
    check_log("what was chosen is told when all is over", "111(6,0) ");
    tracked = 2;
    CHECK_EQ("the item is the answer", TrackPopupMenu(popup, TPM_RETURNCMD, 100, 100, 0, window, NULL), 6);
    check_log("from a popup on", "211(1,0) 116(0,0) 117(0,0) 11f(800005,0) 11f(900004,0) 117(0,4) 11f(800004,0) 11f(800006,0) "
              "125(0,0) 125(0,0) 11f(ffff0000,0) 212(1,0) ");
    tracked = 100;
    CHECK_EQ("nothing is", TrackPopupMenu(popup, TPM_RETURNCMD | TPM_NONOTIFY, 100, 100, 0, window, NULL), 0);
    log_text[0] = 0;
    CHECK("no window is left of it", !FindWindowA("#32768", NULL));
    DestroyWindow(window);
    tracked = 0;
}

/* A key that stands for a command: its menu is brought up to date first, and what is gray there is not done. */
static void accelerators(void) {
    ACCEL entries[] = {{FVIRTKEY, VK_F5, 21}, {FVIRTKEY, VK_F6, 22}, {FVIRTKEY, VK_F7, SC_CLOSE}, {FVIRTKEY, VK_F8, 23}};
    HACCEL table = CreateAcceleratorTableW(entries, 4);
    HMENU bar = CreateMenu(), popup = CreatePopupMenu();
    AppendMenuW(popup, MF_STRING, 21, L"one");
    AppendMenuW(popup, MF_STRING | MF_GRAYED, 22, L"two");
    AppendMenuW(bar, MF_STRING, 30, L"plain");
    AppendMenuW(bar, MF_POPUP, (UINT_PTR)popup, L"more");
    HWND window = CreateWindowW(L"menus", L"keys", WS_OVERLAPPEDWINDOW, 0, 0, 200, 200, NULL, bar, NULL, NULL);
    MSG message = {.hwnd = window, .message = WM_KEYDOWN, .wParam = VK_F5, .lParam = 1};
    tracked = 200;
    log_text[0] = 0;
    CHECK("a command of a menu", TranslateAcceleratorW(window, table, &message));
    check_log("the menu is asked first", "116(0,0) 117(0,1) 111(10015,0) ");
    message.wParam = VK_F6;
    CHECK("a gray one", TranslateAcceleratorW(window, table, &message));
    check_log("is not done", "116(0,0) 117(0,1) ");
    message.wParam = VK_F8;
    CHECK("one of no menu", TranslateAcceleratorW(window, table, &message));
    check_log("is just done", "111(10017,0) ");
    EnableWindow(window, FALSE);
    log_text[0] = 0;
    message.wParam = VK_F5;
    CHECK("in a window that takes no input", TranslateAcceleratorW(window, table, &message));
    check_log("nothing is", "");
    DestroyWindow(window);
    DestroyAcceleratorTable(table);
    tracked = 0;
    log_text[0] = 0;
}

int main(void) {
    WNDCLASSW class = {.lpfnWndProc = noting, .lpszClassName = L"menus", .hInstance = GetModuleHandleW(NULL)};
    RegisterClassW(&class);
    items();
    infos();
    windows();
    tracking();
    accelerators();
    return finish();
}
