/* Pages of `showcase.c` about what a program has to do with the shell and with other windows: its icon in the notification area, and what is dragged. Each lists
   what it was told, line by line. */
#include <ole2.h>
#include <shlobj.h>

#define TOLD (WM_APP + 1)

static HWND told_list;

static void note(const char *format, ...) {
    char text[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    SendMessageA(told_list, LB_ADDSTRING, 0, (LPARAM)text);
}

static HWND place(const char *class, const char *text, DWORD style, DWORD extended, int x, int y, int width, int height, int id) {
    HWND made = CreateWindowExA(extended, class, text, WS_CHILD | WS_VISIBLE | style, x, y, width, height, top, (HMENU)(UINT_PTR)id, instance, NULL);
    SendMessageA(made, WM_SETFONT, (WPARAM)font, 0);
    return made;
}

static void list_of_told(void) {
    told_list = place("ListBox", "", LBS_NOINTEGRALHEIGHT | WS_BORDER, 0, 300, 10, 290, 400, 1);
}

/* The notification area: `Next` does one thing after the other; what came of each is listed. */

static NOTIFYICONDATAW tray_data(UINT flags) {
    NOTIFYICONDATAW data = {.cbSize = sizeof data, .hWnd = top, .uID = 7, .uFlags = flags, .uCallbackMessage = TOLD};
    wcscpy(data.szTip, L"Showcase");
    return data;
}

static void tray_next(void) {
    static int step;
    NOTIFYICONDATAW data = tray_data(NIF_MESSAGE | NIF_ICON | NIF_TIP);
    data.hIcon = LoadIconA(NULL, (LPCSTR)(step & 1 ? IDI_ERROR : IDI_INFORMATION));
    SendDlgItemMessageA(top, 3, STM_SETICON, (WPARAM)data.hIcon, 0);
    switch (step++) {
    case 0: note("modified before: %d", Shell_NotifyIconW(NIM_MODIFY, &data)); break;
    case 1: note("added: %d", Shell_NotifyIconW(NIM_ADD, &data)); break;
    case 2: note("added twice: %d", Shell_NotifyIconW(NIM_ADD, &data)); break;
    case 3: note("modified: %d", Shell_NotifyIconW(NIM_MODIFY, &data)); break;
    case 4:
        data.uVersion = NOTIFYICON_VERSION_4;
        note("version 4: %d", Shell_NotifyIconW(NIM_SETVERSION, &data));
        break;
    case 5:
        data = tray_data(NIF_INFO);
        wcscpy(data.szInfoTitle, L"Showcase");
        wcscpy(data.szInfo, L"What a balloon says");
        data.dwInfoFlags = NIIF_INFO;
        note("balloon: %d", Shell_NotifyIconW(NIM_MODIFY, &data));
        data.szInfo[0] = 0;
        note("no balloon: %d", Shell_NotifyIconW(NIM_MODIFY, &data));
        break;
    case 6:
        data = tray_data(NIF_STATE);
        data.dwState = data.dwStateMask = NIS_HIDDEN;
        note("hidden: %d", Shell_NotifyIconW(NIM_MODIFY, &data));
        break;
    case 7: note("deleted: %d", Shell_NotifyIconW(NIM_DELETE, &data)); break;
    case 8: note("deleted twice: %d", Shell_NotifyIconW(NIM_DELETE, &data)); break;
    }
}

/* The icon's menu, as a click on the icon opens it. */
static void tray_menu(void) {
    HMENU menu = CreatePopupMenu();
    AppendMenuA(menu, MF_STRING, 40, "&Open");
    AppendMenuA(menu, MF_STRING | MF_CHECKED, 41, "&Notices");
    AppendMenuA(menu, MF_SEPARATOR, 0, NULL);
    AppendMenuA(menu, MF_STRING, 42, "&Leave");
    SetMenuDefaultItem(menu, 40, FALSE);
    SetForegroundWindow(top);
    note("chosen: %d", TrackPopupMenu(menu, TPM_RETURNCMD | TPM_RIGHTBUTTON, 150, 330, 0, top, NULL));
    PostMessageA(top, WM_NULL, 0, 0);
    DestroyMenu(menu);
}

static void tray(void) {
    place("Button", "Next", 0, 0, 10, 10, 120, 26, 2);
    place("Button", "Menu", 0, 0, 140, 10, 120, 26, 4);
    place("Static", "", SS_ICON, 0, 10, 50, 36, 36, 3);
    list_of_told();
}

/* Dragging: a text from the page to a window in it or to another one, files that are dropped, DragDetect. */

static HRESULT drag_query(IUnknown *self, REFIID id, void **to, REFIID own) {
    *to = IsEqualIID(id, &IID_IUnknown) || IsEqualIID(id, own) ? self : NULL;
    return *to ? S_OK : E_NOINTERFACE;
}

/* All of these live as long as the program. */
static ULONG WINAPI drag_add(IUnknown *self) { (void)self; return 2; }
static ULONG WINAPI drag_release(IUnknown *self) { (void)self; return 1; }

static HRESULT WINAPI source_query(IDropSource *self, REFIID id, void **to) { return drag_query((IUnknown *)self, id, to, &IID_IDropSource); }
/* Who lets go before the target was told at all is waited for: a script is quicker than a hand. */
static HRESULT WINAPI source_continue(IDropSource *self, BOOL escape, DWORD keys) {
    static int late;
    (void)self;
    if (escape) return DRAGDROP_S_CANCEL;
    if (keys & MK_LBUTTON || ++late < 4) return S_OK;
    late = 0;
    return DRAGDROP_S_DROP;
}
static HRESULT WINAPI source_feedback(IDropSource *self, DWORD effect) { (void)self; (void)effect; return DRAGDROP_S_USEDEFAULTCURSORS; }
static IDropSourceVtbl source_table = {source_query, (void *)drag_add, (void *)drag_release, source_continue, source_feedback};
static IDropSource source = {&source_table};

static const char dragged[] = "A dragged text";
static HRESULT WINAPI data_query(IDataObject *self, REFIID id, void **to) { return drag_query((IUnknown *)self, id, to, &IID_IDataObject); }
static HRESULT WINAPI data_has(IDataObject *self, FORMATETC *format) {
    (void)self;
    return format->cfFormat == CF_TEXT && (format->tymed & TYMED_HGLOBAL) ? S_OK : DV_E_FORMATETC;
}
static HRESULT WINAPI data_get(IDataObject *self, FORMATETC *format, STGMEDIUM *medium) {
    if (data_has(self, format) != S_OK) return DV_E_FORMATETC;
    *medium = (STGMEDIUM){.tymed = TYMED_HGLOBAL, .hGlobal = GlobalAlloc(GMEM_MOVEABLE, sizeof dragged)};
    memcpy(GlobalLock(medium->hGlobal), dragged, sizeof dragged);
    GlobalUnlock(medium->hGlobal);
    return S_OK;
}
static HRESULT WINAPI data_get_here(IDataObject *self, FORMATETC *format, STGMEDIUM *medium) { (void)self; (void)format; (void)medium; return E_NOTIMPL; }
static HRESULT WINAPI data_canonical(IDataObject *self, FORMATETC *in, FORMATETC *out) { (void)self; (void)in; (void)out; return E_NOTIMPL; }
static HRESULT WINAPI data_set(IDataObject *self, FORMATETC *format, STGMEDIUM *medium, BOOL frees) { (void)self; (void)format; (void)medium; (void)frees; return E_NOTIMPL; }
static HRESULT WINAPI data_formats(IDataObject *self, DWORD direction, IEnumFORMATETC **to) { (void)self; (void)direction; *to = NULL; return E_NOTIMPL; }
static HRESULT WINAPI data_advise(IDataObject *self, FORMATETC *format, DWORD flags, IAdviseSink *sink, DWORD *number) { (void)self; (void)format; (void)flags; (void)sink; (void)number; return OLE_E_ADVISENOTSUPPORTED; }
static HRESULT WINAPI data_unadvise(IDataObject *self, DWORD number) { (void)self; (void)number; return OLE_E_ADVISENOTSUPPORTED; }
static HRESULT WINAPI data_advises(IDataObject *self, IEnumSTATDATA **to) { (void)self; *to = NULL; return OLE_E_ADVISENOTSUPPORTED; }
static IDataObjectVtbl data_table = {data_query, (void *)drag_add, (void *)drag_release, data_get, data_get_here, data_has, data_canonical, data_set,
                                     data_formats, data_advise, data_unadvise, data_advises};
static IDataObject data_object = {&data_table};

struct target {
    IDropTarget drop;
    const char *name;
    HWND window;
};

static HRESULT WINAPI target_query(IDropTarget *self, REFIID id, void **to) { return drag_query((IUnknown *)self, id, to, &IID_IDropTarget); }
static HRESULT WINAPI target_enter(IDropTarget *self, IDataObject *what, DWORD keys, POINTL at, DWORD *effect) {
    (void)what; (void)keys; (void)at;
    note("%s: entered", ((struct target *)self)->name);
    *effect = DROPEFFECT_COPY;
    return S_OK;
}
static HRESULT WINAPI target_over(IDropTarget *self, DWORD keys, POINTL at, DWORD *effect) { (void)self; (void)keys; (void)at; *effect = DROPEFFECT_COPY; return S_OK; }
static HRESULT WINAPI target_leave(IDropTarget *self) { note("%s: left", ((struct target *)self)->name); return S_OK; }
static HRESULT WINAPI target_drop(IDropTarget *self, IDataObject *what, DWORD keys, POINTL at, DWORD *effect) {
    struct target *target = (struct target *)self;
    FORMATETC format = {CF_TEXT, NULL, DVASPECT_CONTENT, -1, TYMED_HGLOBAL};
    STGMEDIUM medium;
    (void)keys; (void)at;
    if (what->lpVtbl->GetData(what, &format, &medium) == S_OK) {
        SetWindowTextA(target->window, GlobalLock(medium.hGlobal));
        GlobalUnlock(medium.hGlobal);
        ReleaseStgMedium(&medium);
    }
    note("%s: dropped", target->name);
    *effect = DROPEFFECT_COPY;
    return S_OK;
}
static IDropTargetVtbl target_table = {target_query, (void *)drag_add, (void *)drag_release, target_enter, target_over, target_leave, target_drop};
static struct target inside = {{&target_table}, "inside", NULL}, beside = {{&target_table}, "beside", NULL};

/* A press of the button in the page begins it where the mouse goes on. */
static void drag_from(POINT at) {
    DWORD effect = 0;
    ClientToScreen(top, &at);
    BOOL detected = DragDetect(top, at);
    note("detected: %d", detected);
    if (!detected) return;
    HRESULT result = DoDragDrop(&data_object, &source, DROPEFFECT_COPY | DROPEFFECT_MOVE, &effect);
    note("%s, effect %lu", result == DRAGDROP_S_DROP ? "done" : result == DRAGDROP_S_CANCEL ? "cancelled" : "failed", effect);
}

/* Files, as who drops them tells a window of them. */
static void drop_files(void) {
    static const char names[] = "C:\\one.txt\0C:\\two words.txt\0";
    HGLOBAL memory = GlobalAlloc(GMEM_MOVEABLE | GMEM_ZEROINIT, sizeof(DROPFILES) + sizeof names);
    DROPFILES *files = GlobalLock(memory);
    *files = (DROPFILES){.pFiles = sizeof *files, .pt = {20, 120}};
    memcpy(files + 1, names, sizeof names);
    GlobalUnlock(memory);
    PostMessageA(top, WM_DROPFILES, (WPARAM)memory, 0);
}

static void dropped_files(HDROP drop) {
    char name[MAX_PATH];
    POINT at;
    BOOL own = DragQueryPoint(drop, &at);
    UINT count = DragQueryFileA(drop, ~0u, NULL, 0);
    note("%u files at %ld,%ld: %d", count, at.x, at.y, own);
    for (UINT index = 0; index < count; index++) {
        DragQueryFileA(drop, index, name, sizeof name);
        note("%s", name);
    }
    DragFinish(drop);
}

static void drag(void) {
    OleInitialize(NULL);
    place("Static", "Drag from here", 0, 0, 10, 10, 200, 20, 0);
    place("Button", "Files", 0, 0, 10, 180, 120, 26, 5);
    inside.window = place("Static", "Drop here", SS_CENTER | SS_SUNKEN | SS_NOTIFY, 0, 10, 230, 200, 60, 0);
    list_of_told();
    beside.window = CreateWindowExA(WS_EX_TOOLWINDOW, "Static", "Or here", WS_POPUP | WS_BORDER | SS_CENTER | SS_NOTIFY, 760, 300, 200, 60, top, NULL, instance, NULL);
    SendMessageA(beside.window, WM_SETFONT, (WPARAM)font, 0);
    RegisterDragDrop(inside.window, &inside.drop);
    RegisterDragDrop(beside.window, &beside.drop);
    DragAcceptFiles(top, TRUE);
    PostMessageA(top, TOLD, 0, 0);
}

/* What the page hears; whether that is all that is to be done. */
static BOOL shell_page_hears(UINT message, WPARAM wparam, LPARAM lparam) {
    if (!told_list) return FALSE;
    switch (message) {
    case WM_COMMAND:
        if (LOWORD(wparam) == 2) tray_next();
        if (LOWORD(wparam) == 4) tray_menu();
        if (LOWORD(wparam) == 5) drop_files();
        return TRUE;
    case WM_LBUTTONDOWN:
        if (inside.window) drag_from((POINT){(short)LOWORD(lparam), (short)HIWORD(lparam)});
        return TRUE;
    case TOLD:
        if (beside.window) ShowWindow(beside.window, SW_SHOWNA);
        return TRUE;
    case WM_DROPFILES:
        dropped_files((HDROP)wparam);
        return TRUE;
    }
    return FALSE;
}
