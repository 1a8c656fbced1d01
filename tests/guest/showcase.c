/* Shows one page of the system's controls, always at the same place, with nothing that depends on the day or blinks; ends when it is
   closed. `showcase PAGE [v6]`: with v6 the controls are those of comctl32's version 6. What is done to it is told line by line. */
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include <windows.h>
#include <commctrl.h>
#include <commdlg.h>
#include <richedit.h>
#include <shellapi.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static HINSTANCE instance;
static HWND top;
static HFONT font;
static const char *page;
/* Loaded once its version is known: a linked one would always be the older. */
static HMODULE controls;
static int left = 10, line = 10;

static void tell(const char *format, ...) {
    char text[512];
    DWORD written;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text - 1, format, args);
    va_end(args);
    if (length < 0) return;
    if (length > (int)sizeof text - 2) length = sizeof text - 2;
    text[length++] = '\n';
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), text, (DWORD)length, &written, NULL);
}

/* A control of 180 by `height` in the column, and the place for the next one below it. */
static HWND control(const char *class, const char *text, DWORD style, DWORD extended, int height) {
    static int id = 100;
    HWND made = CreateWindowExA(extended, class, text, WS_CHILD | WS_VISIBLE | style, left, line, 180, height, top,
                                (HMENU)(UINT_PTR)id++, instance, NULL);
    if (!made) {
        tell("no %s: %lu", class, GetLastError());
        return NULL;
    }
    SendMessageA(made, WM_SETFONT, (WPARAM)font, 0);
    line += height + 8;
    if (line > 380) {
        line = 10;
        left += 195;
    }
    return made;
}

static void buttons(void) {
    control("Button", "Push", BS_PUSHBUTTON | WS_TABSTOP, 0, 26);
    control("Button", "&Default", BS_DEFPUSHBUTTON | WS_TABSTOP, 0, 26);
    control("Button", "Disabled", BS_PUSHBUTTON | WS_DISABLED, 0, 26);
    SendMessageA(control("Button", "Checked", BS_AUTOCHECKBOX, 0, 20), BM_SETCHECK, BST_CHECKED, 0);
    SendMessageA(control("Button", "Third state", BS_AUTO3STATE, 0, 20), BM_SETCHECK, BST_INDETERMINATE, 0);
    control("Button", "Not checked", BS_AUTOCHECKBOX, 0, 20);
    SendMessageA(control("Button", "One", BS_AUTORADIOBUTTON | WS_GROUP, 0, 20), BM_SETCHECK, BST_CHECKED, 0);
    control("Button", "Another", BS_AUTORADIOBUTTON, 0, 20);
    control("Button", "Group", BS_GROUPBOX, 0, 60);
    SendMessageA(control("Button", "Pressed", BS_PUSHBUTTON, 0, 26), BM_SETSTATE, TRUE, 0);
    control("Button", "Several\nlines of text", BS_PUSHBUTTON | BS_MULTILINE, 0, 44);
    control("Button", "Flat", BS_PUSHBUTTON | BS_FLAT, 0, 26);
    control("Button", "Push-like", BS_AUTOCHECKBOX | BS_PUSHLIKE, 0, 26);
    control("Static", "A line of plain text", SS_LEFT, 0, 18);
    control("Static", "Centred", SS_CENTER | WS_BORDER, 0, 20);
    control("Static", "Right, sunken", SS_RIGHT | SS_SUNKEN, 0, 20);
    control("Static", "", SS_BLACKRECT, 0, 12);
    control("Static", "", SS_ETCHEDFRAME, 0, 24);
    control("Static", "An ellipsis ends this text, which is too long", SS_ENDELLIPSIS, 0, 18);
    SendMessageA(control("Static", "", SS_ICON, 0, 36), STM_SETICON, (WPARAM)LoadIconA(NULL, (LPCSTR)IDI_WARNING), 0);
}

static void edits(void) {
    control("Edit", "One line", WS_BORDER | ES_AUTOHSCROLL, 0, 22);
    control("Edit", "Client edge", ES_AUTOHSCROLL, WS_EX_CLIENTEDGE, 22);
    control("Edit", "secret", ES_PASSWORD, WS_EX_CLIENTEDGE, 22);
    control("Edit", "12345", ES_NUMBER | ES_RIGHT, WS_EX_CLIENTEDGE, 22);
    control("Edit", "Read only", ES_READONLY, WS_EX_CLIENTEDGE, 22);
    control("Edit", "Disabled", WS_DISABLED, WS_EX_CLIENTEDGE, 22);
    control("Edit", "The quick brown fox\r\njumps over\r\nthe lazy dog,\r\nand so on and on,\r\nline\r\nafter\r\nline.",
            ES_MULTILINE | WS_VSCROLL | WS_HSCROLL, WS_EX_CLIENTEDGE, 90);
    control("Edit", "Words are wrapped where the window ends, and the rest is on the next line.", ES_MULTILINE, WS_EX_CLIENTEDGE, 60);
    HWND combo = control("ComboBox", "", CBS_DROPDOWNLIST | WS_VSCROLL, 0, 24);
    SendMessageA(combo, CB_ADDSTRING, 0, (LPARAM)"Chosen");
    SendMessageA(combo, CB_ADDSTRING, 0, (LPARAM)"Not chosen");
    SendMessageA(combo, CB_SETCURSEL, 0, 0);
    combo = control("ComboBox", "", CBS_DROPDOWN, 0, 24);
    SetWindowTextA(combo, "Typed");
    combo = control("ComboBox", "", CBS_SIMPLE | WS_VSCROLL, 0, 90);
    for (int at = 0; at < 8; at++) {
        char text[16];
        snprintf(text, sizeof text, "Item %d", at);
        SendMessageA(combo, CB_ADDSTRING, 0, (LPARAM)text);
    }
    HWND list = control("ListBox", "", LBS_NOTIFY | WS_VSCROLL | WS_BORDER, 0, 90);
    for (int at = 0; at < 12; at++) {
        char text[16];
        snprintf(text, sizeof text, "Entry %d", at);
        SendMessageA(list, LB_ADDSTRING, 0, (LPARAM)text);
    }
    SendMessageA(list, LB_SETCURSEL, 2, 0);
    list = control("ListBox", "", LBS_MULTICOLUMN | LBS_EXTENDEDSEL | WS_HSCROLL, WS_EX_CLIENTEDGE, 70);
    SendMessageA(list, LB_SETCOLUMNWIDTH, 60, 0);
    for (int at = 0; at < 20; at++) {
        char text[16];
        snprintf(text, sizeof text, "No. %d", at);
        SendMessageA(list, LB_ADDSTRING, 0, (LPARAM)text);
    }
    SendMessageA(list, LB_SELITEMRANGE, TRUE, MAKELPARAM(1, 3));
    HWND bar = control("ScrollBar", "", SBS_HORZ, 0, 18);
    SCROLLINFO scroll = {sizeof scroll, SIF_ALL, 0, 100, 20, 40, 0};
    SetScrollInfo(bar, SB_CTL, &scroll, TRUE);
    control("ScrollBar", "", SBS_HORZ | WS_DISABLED, 0, 18);
}

static void lists(void) {
    LVCOLUMNA column = {.mask = LVCF_TEXT | LVCF_WIDTH | LVCF_FMT, .cx = 80};
    HWND list = control(WC_LISTVIEWA, "", LVS_REPORT | LVS_SHOWSELALWAYS, WS_EX_CLIENTEDGE, 150);
    const char *names[] = {"Name", "Size"};
    for (int at = 0; at < 2; at++) {
        column.pszText = (char *)names[at];
        column.fmt = at ? LVCFMT_RIGHT : LVCFMT_LEFT;
        SendMessageA(list, LVM_INSERTCOLUMNA, at, (LPARAM)&column);
    }
    for (int at = 0; at < 12; at++) {
        char text[32];
        snprintf(text, sizeof text, "file%02d.txt", at);
        LVITEMA item = {.mask = LVIF_TEXT, .iItem = at, .pszText = text};
        SendMessageA(list, LVM_INSERTITEMA, 0, (LPARAM)&item);
        snprintf(text, sizeof text, "%d", at * 137);
        item.iSubItem = 1;
        SendMessageA(list, LVM_SETITEMA, 0, (LPARAM)&item);
    }
    LVITEMA chosen = {.stateMask = LVIS_SELECTED, .state = LVIS_SELECTED};
    SendMessageA(list, LVM_SETITEMSTATE, 3, (LPARAM)&chosen);
    list = control(WC_LISTVIEWA, "", LVS_LIST, WS_EX_CLIENTEDGE, 110);
    for (int at = 0; at < 5; at++) {
        char text[32];
        snprintf(text, sizeof text, "thing %d", at);
        LVITEMA item = {.mask = LVIF_TEXT, .iItem = at, .pszText = text};
        SendMessageA(list, LVM_INSERTITEMA, 0, (LPARAM)&item);
    }
    HIMAGELIST(WINAPI * create)(int, int, UINT, int, int) = (void *)GetProcAddress(controls, "ImageList_Create");
    int(WINAPI * add)(HIMAGELIST, int, HICON) = (void *)GetProcAddress(controls, "ImageList_ReplaceIcon");
    HIMAGELIST images = create(16, 16, ILC_COLOR32 | ILC_MASK, 2, 0);
    add(images, -1, LoadIconA(NULL, (LPCSTR)IDI_INFORMATION));
    add(images, -1, LoadIconA(NULL, (LPCSTR)IDI_ERROR));
    HWND tree = control(WC_TREEVIEWA, "", TVS_HASLINES | TVS_HASBUTTONS | TVS_LINESATROOT | TVS_SHOWSELALWAYS, WS_EX_CLIENTEDGE, 190);
    SendMessageA(tree, TVM_SETIMAGELIST, TVSIL_NORMAL, (LPARAM)images);
    TVINSERTSTRUCTA insert = {.hParent = TVI_ROOT, .hInsertAfter = TVI_LAST};
    insert.item.mask = TVIF_TEXT | TVIF_IMAGE | TVIF_SELECTEDIMAGE;
    insert.item.pszText = "Root";
    HTREEITEM root = (HTREEITEM)SendMessageA(tree, TVM_INSERTITEMA, 0, (LPARAM)&insert);
    for (int at = 0; at < 3; at++) {
        char text[16];
        snprintf(text, sizeof text, "Branch %d", at);
        insert.hParent = root;
        insert.item.pszText = text;
        insert.item.iImage = insert.item.iSelectedImage = at & 1;
        HTREEITEM branch = (HTREEITEM)SendMessageA(tree, TVM_INSERTITEMA, 0, (LPARAM)&insert);
        insert.hParent = branch;
        insert.item.pszText = "Leaf";
        SendMessageA(tree, TVM_INSERTITEMA, 0, (LPARAM)&insert);
        if (at == 1) SendMessageA(tree, TVM_EXPAND, TVE_EXPAND, (LPARAM)branch);
    }
    SendMessageA(tree, TVM_EXPAND, TVE_EXPAND, (LPARAM)root);
    SendMessageA(tree, TVM_SELECTITEM, TVGN_CARET, (LPARAM)root);
    HWND header = control(WC_HEADERA, "", HDS_BUTTONS, 0, 22);
    HDITEMA item = {.mask = HDI_TEXT | HDI_WIDTH | HDI_FORMAT, .cxy = 70, .pszText = "Head", .fmt = HDF_LEFT | HDF_STRING | HDF_SORTUP};
    SendMessageA(header, HDM_INSERTITEMA, 0, (LPARAM)&item);
    item.pszText = "Other";
    item.fmt = HDF_CENTER | HDF_STRING;
    SendMessageA(header, HDM_INSERTITEMA, 1, (LPARAM)&item);
}

static void bars(void) {
    HWND tab = control(WC_TABCONTROLA, "", 0, 0, 80);
    TCITEMA item = {.mask = TCIF_TEXT, .pszText = "First"};
    SendMessageA(tab, TCM_INSERTITEMA, 0, (LPARAM)&item);
    item.pszText = "Second";
    SendMessageA(tab, TCM_INSERTITEMA, 1, (LPARAM)&item);
    SendMessageA(control(PROGRESS_CLASSA, "", 0, 0, 20), PBM_SETPOS, 60, 0);
    SendMessageA(control(PROGRESS_CLASSA, "", PBS_SMOOTH, 0, 20), PBM_SETPOS, 30, 0);
    SendMessageA(control(TRACKBAR_CLASSA, "", TBS_AUTOTICKS | TBS_HORZ, 0, 34), TBM_SETPOS, TRUE, 40);
    HWND buddy = control("Edit", "", WS_BORDER, 0, 22);
    HWND updown = control(UPDOWN_CLASSA, "", UDS_ALIGNRIGHT | UDS_SETBUDDYINT, 0, 22);
    SendMessageA(updown, UDM_SETBUDDY, (WPARAM)buddy, 0);
    SendMessageA(updown, UDM_SETRANGE, 0, MAKELPARAM(100, 0));
    SendMessageA(updown, UDM_SETPOS, 0, 42);
    SendMessageA(control(HOTKEY_CLASSA, "", WS_BORDER, 0, 22), HKM_SETHOTKEY, MAKEWORD('K', HOTKEYF_CONTROL | HOTKEYF_ALT), 0);
    SendMessageA(control(WC_IPADDRESSA, "", 0, 0, 22), IPM_SETADDRESS, 0, MAKEIPADDRESS(127, 0, 0, 1));
    HWND tools = control(TOOLBARCLASSNAMEA, "", CCS_NOPARENTALIGN | CCS_NORESIZE | TBSTYLE_FLAT, 0, 30);
    SendMessageA(tools, TB_BUTTONSTRUCTSIZE, sizeof(TBBUTTON), 0);
    TBADDBITMAP standard = {HINST_COMMCTRL, IDB_STD_SMALL_COLOR};
    SendMessageA(tools, TB_ADDBITMAP, 0, (LPARAM)&standard);
    TBBUTTON keys[] = {
        {.iBitmap = STD_FILENEW, .idCommand = 1, .fsState = TBSTATE_ENABLED, .fsStyle = BTNS_BUTTON},
        {.iBitmap = STD_FILEOPEN, .idCommand = 2, .fsState = TBSTATE_ENABLED | TBSTATE_CHECKED, .fsStyle = BTNS_CHECK},
        {.fsStyle = BTNS_SEP},
        {.iBitmap = STD_FILESAVE, .idCommand = 3, .fsState = 0, .fsStyle = BTNS_BUTTON},
        {.iBitmap = STD_PRINT, .idCommand = 4, .fsState = TBSTATE_ENABLED, .fsStyle = BTNS_BUTTON},
    };
    SendMessageA(tools, TB_ADDBUTTONSA, sizeof keys / sizeof *keys, (LPARAM)keys);
    HWND pager = control(WC_PAGESCROLLERA, "", PGS_HORZ, 0, 24);
    SendMessageA(pager, PGM_SETBKCOLOR, 0, RGB(200, 220, 200));
    HWND date = control(DATETIMEPICK_CLASSA, "", DTS_SHORTDATEFORMAT, 0, 24);
    SYSTEMTIME day = {.wYear = 2026, .wMonth = 2, .wDay = 14, .wHour = 10, .wMinute = 20, .wSecond = 30};
    SendMessageA(date, DTM_SETFORMATA, 0, (LPARAM)"yyyy-MM-dd HH:mm");
    SendMessageA(date, DTM_SETSYSTEMTIME, GDT_VALID, (LPARAM)&day);
    HWND month = control(MONTHCAL_CLASSA, "", MCS_NOTODAY | WS_BORDER, 0, 170);
    SendMessageA(month, MCM_SETTODAY, 0, (LPARAM)&day);
    SendMessageA(month, MCM_SETCURSEL, 0, (LPARAM)&day);
    HWND status = CreateWindowExA(0, STATUSCLASSNAMEA, "", WS_CHILD | WS_VISIBLE | SBARS_SIZEGRIP, 0, 0, 0, 0, top, NULL, instance, NULL);
    int parts[] = {120, 240, -1};
    SendMessageA(status, SB_SETPARTS, 3, (LPARAM)parts);
    SendMessageA(status, SB_SETTEXTA, 0, (LPARAM)"Ready");
    SendMessageA(status, SB_SETTEXTA, 1 | SBT_POPOUT, (LPARAM)"Raised");
    SendMessageA(status, SB_SETTEXTA, 2 | SBT_NOBORDERS, (LPARAM)"No border");
}

static void rich(void) {
    LoadLibraryA("riched20.dll");
    HWND text = control(RICHEDIT_CLASSA, "", ES_MULTILINE | ES_READONLY | WS_VSCROLL, WS_EX_CLIENTEDGE, 200);
    SendMessageA(text, EM_SETEVENTMASK, 0, 0);
    MoveWindow(text, 10, 10, 560, 200, FALSE);
    SETTEXTEX how = {ST_DEFAULT, CP_ACP};
    SendMessageA(text, EM_SETTEXTEX, (WPARAM)&how,
                 (LPARAM)"{\\rtf1\\ansi{\\fonttbl{\\f0 Tahoma;}{\\f1 Courier New;}}{\\colortbl;\\red200\\green0\\blue0;\\red0\\green0\\blue200;}"
                         "\\f0\\fs24 Plain, {\\b bold}, {\\i slanted}, {\\ul underlined}, {\\cf1 red} and {\\cf2\\fs40 large blue}.\\par"
                         "\\qc Centred\\par\\qr To the right\\par\\ql\\li400 Indented, {\\f1 in another font}, "
                         "and so long that it goes on in the next line of the same paragraph.\\par}");
    HWND link = control("SysLink", "A <a href=\"x\">link</a> in text", 0, 0, 22);
    if (link) MoveWindow(link, 10, 240, 200, 22, FALSE);
}

static HMENU menus(void) {
    HMENU bar = CreateMenu(), file = CreatePopupMenu(), more = CreatePopupMenu();
    AppendMenuA(more, MF_STRING, 20, "Inner &one");
    AppendMenuA(more, MF_STRING | MF_CHECKED, 21, "Inner &two");
    AppendMenuA(file, MF_STRING, 10, "&New\tCtrl+N");
    AppendMenuA(file, MF_STRING | MF_GRAYED, 11, "&Open...");
    AppendMenuA(file, MF_SEPARATOR, 0, NULL);
    AppendMenuA(file, MF_POPUP, (UINT_PTR)more, "&More");
    AppendMenuA(file, MF_STRING | MF_CHECKED, 12, "&Checked");
    AppendMenuA(file, MF_STRING, 13, "E&xit");
    AppendMenuA(bar, MF_POPUP, (UINT_PTR)file, "&File");
    AppendMenuA(bar, MF_STRING | MF_GRAYED, 30, "&Grey");
    AppendMenuA(bar, MF_STRING, 31, "&Help");
    CheckMenuRadioItem(more, 20, 21, 20, MF_BYCOMMAND);
    return bar;
}

static LRESULT CALLBACK child(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    return DefMDIChildProcA(window, message, wparam, lparam);
}

static HWND client;

static void mdi(void) {
    WNDCLASSA class = {.lpfnWndProc = child, .hInstance = instance, .lpszClassName = "sheet", .hbrBackground = (HBRUSH)(COLOR_WINDOW + 1),
                       .hCursor = LoadCursorA(NULL, (LPCSTR)IDC_ARROW)};
    RegisterClassA(&class);
    CLIENTCREATESTRUCT how = {.idFirstChild = 1000};
    client = CreateWindowExA(WS_EX_CLIENTEDGE, "MDICLIENT", NULL, WS_CHILD | WS_VISIBLE | WS_CLIPCHILDREN | WS_HSCROLL | WS_VSCROLL, 0, 0, 580, 380, top,
                             NULL, instance, &how);
    for (int at = 0; at < 3; at++) {
        char title[16];
        snprintf(title, sizeof title, "Sheet %d", at + 1);
        CreateMDIWindowA("sheet", title, 0, 20 + at * 60, 20 + at * 60, 260, 160, client, instance, 0);
    }
}

static void scrolled(void) {
    SCROLLINFO scroll = {sizeof scroll, SIF_ALL | SIF_DISABLENOSCROLL, 0, 500, 100, 250, 0};
    SetScrollInfo(top, SB_VERT, &scroll, TRUE);
    scroll.nPos = 0;
    SetScrollInfo(top, SB_HORZ, &scroll, TRUE);
}

#include "showcase_shell.h"

static const struct {
    const char *name;
    void (*fill)(void);
    DWORD style, extended;
} PAGES[] = {
    {"buttons", buttons, WS_OVERLAPPEDWINDOW, 0},
    {"edits", edits, WS_OVERLAPPEDWINDOW, 0},
    {"lists", lists, WS_OVERLAPPEDWINDOW, 0},
    {"bars", bars, WS_OVERLAPPEDWINDOW, 0},
    {"rich", rich, WS_OVERLAPPEDWINDOW, 0},
    {"mdi", mdi, WS_OVERLAPPEDWINDOW | WS_CLIPCHILDREN, 0},
    {"menu", NULL, WS_OVERLAPPEDWINDOW, 0},
    {"scroll", scrolled, WS_OVERLAPPEDWINDOW | WS_HSCROLL | WS_VSCROLL, 0},
    {"tool", NULL, WS_CAPTION | WS_SYSMENU | WS_THICKFRAME, WS_EX_TOOLWINDOW},
    {"frame", NULL, WS_POPUP | WS_DLGFRAME, WS_EX_DLGMODALFRAME},
    {"tray", tray, WS_OVERLAPPEDWINDOW, 0},
    {"drag", drag, WS_OVERLAPPEDWINDOW, 0},
    {"thin", NULL, WS_POPUP | WS_BORDER, WS_EX_STATICEDGE},
};

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    if (shell_page_hears(message, wparam, lparam)) return 0;
    switch (message) {
    case WM_COMMAND:
        tell("command %d of %d", HIWORD(wparam), LOWORD(wparam));
        if (!lparam && LOWORD(wparam) == 13) DestroyWindow(window);
        break;
    case WM_CHAR: tell("char %#x", (unsigned)wparam); break;
    case WM_LBUTTONDOWN: tell("down %d,%d", (short)LOWORD(lparam), (short)HIWORD(lparam)); break;
    case WM_LBUTTONUP: tell("up %d,%d", (short)LOWORD(lparam), (short)HIWORD(lparam)); break;
    case WM_MOUSEWHEEL: tell("wheel %d", (short)HIWORD(wparam)); break;
    case WM_SIZE: tell("size %u: %u x %u", (unsigned)wparam, LOWORD(lparam), HIWORD(lparam)); break;
    case WM_DESTROY:
        tell("gone");
        PostQuitMessage(0);
        return 0;
    }
    if (client) return DefFrameProcA(window, client, message, wparam, lparam);
    return DefWindowProcA(window, message, wparam, lparam);
}

/* From here on the controls are those of comctl32's version 6. */
static void newer(void) {
    static const char manifest[] =
        "<?xml version='1.0' encoding='UTF-8' standalone='yes'?><assembly xmlns='urn:schemas-microsoft-com:asm.v1' manifestVersion='1.0'>"
        "<dependency><dependentAssembly><assemblyIdentity type='win32' name='Microsoft.Windows.Common-Controls' version='6.0.0.0' "
        "processorArchitecture='*' publicKeyToken='6595b64144ccf1df' language='*'/></dependentAssembly></dependency></assembly>";
    char path[MAX_PATH];
    DWORD written;
    ULONG_PTR cookie;
    GetTempPathA(sizeof path - 20, path);
    strcat(path, "showcase.manifest");
    HANDLE file = CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    WriteFile(file, manifest, sizeof manifest - 1, &written, NULL);
    CloseHandle(file);
    ACTCTXA what = {.cbSize = sizeof what, .lpSource = path};
    HANDLE context = CreateActCtxA(&what);
    if (context == INVALID_HANDLE_VALUE || !ActivateActCtx(context, &cookie)) tell("no version 6: %lu", GetLastError());
}

int main(int count, char **arguments) {
    page = count > 1 ? arguments[1] : "buttons";
    if (count > 2 && !strcmp(arguments[2], "v6")) newer();
    instance = GetModuleHandleA(NULL);
    INITCOMMONCONTROLSEX all = {sizeof all, 0xffff};
    controls = LoadLibraryA("comctl32.dll");
    BOOL(WINAPI * initialize)(const INITCOMMONCONTROLSEX *) = (void *)GetProcAddress(controls, "InitCommonControlsEx");
    if (!initialize || !initialize(&all)) tell("no common controls: %lu", GetLastError());
    font = (HFONT)GetStockObject(DEFAULT_GUI_FONT);
    WNDCLASSA class = {.lpfnWndProc = procedure, .hInstance = instance, .lpszClassName = "showcase", .hbrBackground = (HBRUSH)(COLOR_BTNFACE + 1),
                       .hCursor = LoadCursorA(NULL, (LPCSTR)IDC_ARROW), .hIcon = LoadIconA(NULL, (LPCSTR)IDI_APPLICATION)};
    RegisterClassA(&class);
    for (size_t at = 0; at < sizeof PAGES / sizeof *PAGES; at++) {
        if (strcmp(PAGES[at].name, page)) continue;
        char title[64];
        snprintf(title, sizeof title, "Showcase: %s", page);
        HMENU bar = !strcmp(page, "menu") || !strcmp(page, "mdi") ? menus() : NULL;
        top = CreateWindowExA(PAGES[at].extended, "showcase", title, PAGES[at].style, 100, 80, 620, 470, NULL, bar, instance, NULL);
        if (!top) {
            tell("no window: %lu", GetLastError());
            return 1;
        }
        if (PAGES[at].fill) PAGES[at].fill();
        ShowWindow(top, SW_SHOW);
        UpdateWindow(top);
        tell("shown");
        MSG message;
        while (GetMessageA(&message, NULL, 0, 0) > 0) {
            TranslateMessage(&message);
            DispatchMessageA(&message);
        }
        return (int)message.wParam;
    }
    tell("no page %s", page);
    return 2;
}
