/* OLE drag and drop: within a process, then from another one, which the program starts as itself: the target is told of what is dragged, asks
   for it by a proxy, and says what became of it. */
#define COBJMACROS
#include "check.h"
#include <ole2.h>

static HWND window;
static int enters, overs, leaves, drops, offered, continued, feedbacks;
static WCHAR dropped[16];
static const WCHAR text[] = L"dragged";

/* What is dragged: a text. */

static HRESULT WINAPI query(IUnknown *self, REFIID id, void **to, REFIID own) {
    if (!IsEqualIID(id, &IID_IUnknown) && !IsEqualIID(id, own)) {
        *to = NULL;
        return E_NOINTERFACE;
    }
    *to = self;
    return S_OK;
}

/* All of these live as long as the program. */
static ULONG WINAPI data_add(IDataObject *self) { (void)self; return 2; }
static ULONG WINAPI data_release(IDataObject *self) { (void)self; return 1; }
static HRESULT WINAPI data_query(IDataObject *self, REFIID id, void **to) { return query((IUnknown *)self, id, to, &IID_IDataObject); }

static HRESULT WINAPI data_has(IDataObject *self, FORMATETC *format) {
    (void)self;
    return format->cfFormat == CF_UNICODETEXT && (format->tymed & TYMED_HGLOBAL) ? S_OK : DV_E_FORMATETC;
}

static HRESULT WINAPI data_get(IDataObject *self, FORMATETC *format, STGMEDIUM *medium) {
    if (data_has(self, format) != S_OK) return DV_E_FORMATETC;
    medium->tymed = TYMED_HGLOBAL;
    medium->pUnkForRelease = NULL;
    medium->hGlobal = GlobalAlloc(GMEM_MOVEABLE, sizeof text);
    memcpy(GlobalLock(medium->hGlobal), text, sizeof text);
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

static IDataObjectVtbl data_table = { data_query, data_add, data_release, data_get, data_get_here, data_has, data_canonical, data_set,
                                      data_formats, data_advise, data_unadvise, data_advises };
static IDataObject data = { &data_table };

/* Who drags: lets go when it was asked a few times. */

static ULONG WINAPI source_add(IDropSource *self) { (void)self; return 2; }
static ULONG WINAPI source_release(IDropSource *self) { (void)self; return 1; }
static HRESULT WINAPI source_query(IDropSource *self, REFIID id, void **to) { return query((IUnknown *)self, id, to, &IID_IDropSource); }
static HRESULT WINAPI source_continue(IDropSource *self, BOOL escape, DWORD keys) {
    (void)self; (void)escape; (void)keys;
    return ++continued < 6 ? S_OK : DRAGDROP_S_DROP;
}
static HRESULT WINAPI source_feedback(IDropSource *self, DWORD effect) { (void)self; (void)effect; feedbacks++; return DRAGDROP_S_USEDEFAULTCURSORS; }

static IDropSourceVtbl source_table = { source_query, source_add, source_release, source_continue, source_feedback };
static IDropSource source = { &source_table };

/* What it is dropped on. */

static ULONG WINAPI target_add(IDropTarget *self) { (void)self; return 2; }
static ULONG WINAPI target_release(IDropTarget *self) { (void)self; return 1; }
static HRESULT WINAPI target_query(IDropTarget *self, REFIID id, void **to) { return query((IUnknown *)self, id, to, &IID_IDropTarget); }
static HRESULT WINAPI target_enter(IDropTarget *self, IDataObject *what, DWORD keys, POINTL at, DWORD *effect) {
    FORMATETC format = { CF_UNICODETEXT, NULL, DVASPECT_CONTENT, -1, TYMED_HGLOBAL };
    (void)self; (void)keys; (void)at;
    enters++;
    if (IDataObject_QueryGetData(what, &format) == S_OK && *effect == (DROPEFFECT_COPY | DROPEFFECT_MOVE)) offered++;
    *effect = DROPEFFECT_COPY;
    return S_OK;
}
static HRESULT WINAPI target_over(IDropTarget *self, DWORD keys, POINTL at, DWORD *effect) {
    (void)self; (void)keys; (void)at;
    overs++;
    *effect = DROPEFFECT_COPY;
    return S_OK;
}
static HRESULT WINAPI target_leave(IDropTarget *self) { (void)self; leaves++; return S_OK; }
static HRESULT WINAPI target_drop(IDropTarget *self, IDataObject *what, DWORD keys, POINTL at, DWORD *effect) {
    FORMATETC format = { CF_UNICODETEXT, NULL, DVASPECT_CONTENT, -1, TYMED_HGLOBAL };
    STGMEDIUM medium;
    (void)self; (void)keys;
    RECT rect;
    GetWindowRect(window, &rect);
    if (PtInRect(&rect, (POINT){ at.x, at.y })) drops++;
    if (IDataObject_GetData(what, &format, &medium) == S_OK) {
        lstrcpynW(dropped, GlobalLock(medium.hGlobal), 16);
        GlobalUnlock(medium.hGlobal);
        ReleaseStgMedium(&medium);
    }
    *effect = DROPEFFECT_COPY;
    return S_OK;
}

static IDropTargetVtbl target_table = { target_query, target_add, target_release, target_enter, target_over, target_leave, target_drop };
static IDropTarget target = { &target_table };

/* With the mouse where the target is: what became of it, in the upper half the effect. */
static DWORD drag(int x, int y) {
    DWORD effect = 99;
    INPUT inputs[2] = { { .type = INPUT_MOUSE }, { .type = INPUT_MOUSE } };
    SetCursorPos(x, y);
    inputs[0].mi.dwFlags = MOUSEEVENTF_LEFTDOWN;
    inputs[1].mi.dwFlags = MOUSEEVENTF_LEFTUP;
    SendInput(1, inputs, sizeof inputs[0]);
    HRESULT result = DoDragDrop(&data, &source, DROPEFFECT_COPY | DROPEFFECT_MOVE, &effect);
    SendInput(1, inputs + 1, sizeof inputs[0]);
    return ((DWORD)result & 0xffff) | effect << 16;
}

static void pump(void) {
    MSG message;
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageW(&message);
}

int main(int count, char **arguments) {
    char line[MAX_PATH + 16], self[MAX_PATH];
    STARTUPINFOA start = { .cb = sizeof start };
    PROCESS_INFORMATION child;
    DWORD status = 0;
    (void)arguments;
    OleInitialize(NULL);
    if (count > 1) return (int)drag(200, 200);

    window = CreateWindowW(L"static", L"target", WS_POPUP | WS_VISIBLE | SS_NOTIFY, 100, 100, 300, 200, NULL, NULL, NULL, NULL);
    pump();
    CHECK_EQ("a window takes what is dropped", RegisterDragDrop(window, &target), S_OK);
    CHECK_EQ("but once", RegisterDragDrop(window, &target), DRAGDROP_E_ALREADYREGISTERED);
    CHECK_EQ("dragged within the process", drag(200, 200), (DRAGDROP_S_DROP & 0xffff) | DROPEFFECT_COPY << 16);
    CHECK("entered once, and told of it over and over", enters == 1 && overs >= 1 && leaves == 0);
    CHECK("offered, and dropped there", offered == 1 && drops == 1 && !lstrcmpW(dropped, text));
    CHECK("the source was asked, and told", continued == 6 && feedbacks >= 1);

    enters = overs = leaves = offered = drops = 0;
    dropped[0] = 0;
    GetModuleFileNameA(NULL, self, sizeof self);
    snprintf(line, sizeof line, "\"%s\" drag", self);
    CHECK("another process", CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child));
    for (int i = 0; i < 2000 && MsgWaitForMultipleObjects(1, &child.hProcess, FALSE, 10, QS_ALLINPUT) != WAIT_OBJECT_0; i++) pump();
    GetExitCodeProcess(child.hProcess, &status);
    CHECK_EQ("dragged from there", status, (DRAGDROP_S_DROP & 0xffff) | DROPEFFECT_COPY << 16);
    CHECK("entered once here", enters == 1 && overs >= 1 && leaves == 0);
    CHECK("offered, and dropped here", offered == 1 && drops == 1 && !lstrcmpW(dropped, text));
    CHECK_EQ("and takes nothing any more", RevokeDragDrop(window), S_OK);
    OleUninitialize();
    return finish();
}
