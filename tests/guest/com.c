/* COM: apartments, objects of DLLs, factories, the table of global interfaces, marshalling between threads and between
   processes, a server in a process of its own. */
#define COBJMACROS
#define INITGUID
#include "family.h"
#include <objbase.h>
#include <oleauto.h>
#include <shlobj.h>

DEFINE_GUID(CLSID_Ours, 0x7b0d2f3a, 0x5c1e, 0x4b7e, 0x9a, 0x11, 0x3d, 0x5f, 0x70, 0x11, 0x00, 0x01);
DEFINE_GUID(CLSID_Started, 0x7b0d2f3a, 0x5c1e, 0x4b7e, 0x9a, 0x11, 0x3d, 0x5f, 0x70, 0x11, 0x00, 0x02);
DEFINE_GUID(CLSID_Table, 0x00000323, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46); /* CLSID_StdGlobalInterfaceTable */
static const GUID nothing;
#define STARTED "Software\\Classes\\CLSID\\{7B0D2F3A-5C1E-4B7E-9A11-3D5F70110002}"

/* The server's side: a factory whose objects are streams that begin with the number of the process they live in. */

/* Ends the servers. */
#define END "portcullis-com-end"

static HRESULT STDMETHODCALLTYPE factory_query(IClassFactory *self, REFIID wanted, void **out) {
    if (!IsEqualGUID(wanted, &IID_IUnknown) && !IsEqualGUID(wanted, &IID_IClassFactory)) {
        *out = NULL;
        return E_NOINTERFACE;
    }
    *out = self;
    return S_OK;
}
static ULONG STDMETHODCALLTYPE factory_add(IClassFactory *self) { return (void)self, 2; }
static ULONG STDMETHODCALLTYPE factory_release(IClassFactory *self) { return (void)self, 1; }

static HRESULT STDMETHODCALLTYPE factory_create(IClassFactory *self, IUnknown *outer, REFIID wanted, void **out) {
    IStream *made;
    DWORD process = GetCurrentProcessId();
    (void)self;
    *out = NULL;
    if (outer) return CLASS_E_NOAGGREGATION;
    HRESULT result = CreateStreamOnHGlobal(NULL, TRUE, &made);
    if (FAILED(result)) return result;
    IStream_Write(made, &process, sizeof process, NULL);
    result = IStream_QueryInterface(made, wanted, out);
    IStream_Release(made);
    return result;
}

static HRESULT STDMETHODCALLTYPE factory_lock(IClassFactory *self, BOOL lock) {
    return (void)self, (void)lock, S_OK;
}

static IClassFactoryVtbl factory_table = {factory_query, factory_add, factory_release, factory_create, factory_lock};
static IClassFactory factory = {&factory_table};

static int serve(const CLSID *class, HANDLE ready) {
    DWORD cookie;
    HANDLE end = OpenEventA(SYNCHRONIZE, FALSE, END);
    if (FAILED(CoInitializeEx(NULL, COINIT_MULTITHREADED))) return 1;
    HRESULT result = CoRegisterClassObject(class, (IUnknown *)&factory, CLSCTX_LOCAL_SERVER, REGCLS_MULTIPLEUSE, &cookie);
    if (FAILED(result)) return 2;
    if (ready) SetEvent(ready);
    if (WaitForSingleObject(end, 60000) != WAIT_OBJECT_0) return 3;
    result = CoRevokeClassObject(cookie);
    CoUninitialize();
    return FAILED(result) ? 4 : 0;
}

/* The caller's side. */

static DWORD process_in(IStream *stream) {
    LARGE_INTEGER start = {.QuadPart = 0};
    DWORD process = 0;
    ULONG read = 0;
    if (FAILED(IStream_Seek(stream, start, STREAM_SEEK_SET, NULL))) return 1;
    if (FAILED(IStream_Read(stream, &process, sizeof process, &read)) || read != sizeof process) return 2;
    return process;
}

static void use(const char *what, IStream *stream, DWORD process) {
    char back[70000];
    static char much[70000];
    LARGE_INTEGER start = {.QuadPart = 0};
    ULARGE_INTEGER end = {.QuadPart = 0};
    ULONG moved = 0;
    STATSTG stat = {0};
    IStream *other = NULL;
    say("%s", what);
    CHECK_EQ("it lives there", process_in(stream), process);
    for (unsigned i = 0; i < sizeof much; i++) much[i] = (char)(i * 7);
    CHECK("written", SUCCEEDED(IStream_Write(stream, much, sizeof much, &moved)) && moved == sizeof much);
    CHECK("told", SUCCEEDED(IStream_Stat(stream, &stat, STATFLAG_NONAME)) && stat.cbSize.QuadPart == sizeof much + 4);
    start.QuadPart = 4;
    CHECK("sought", SUCCEEDED(IStream_Seek(stream, start, STREAM_SEEK_SET, &end)) && end.QuadPart == 4);
    CHECK("read", SUCCEEDED(IStream_Read(stream, back, sizeof back, &moved)) && moved == sizeof back && !memcmp(back, much, moved));
    CHECK("cloned", SUCCEEDED(IStream_Clone(stream, &other)) && other);
    if (other) {
        CHECK_EQ("of the same place", process_in(other), process);
        IStream_Release(other);
    }
    IUnknown *unknown = NULL;
    CHECK_EQ("not what it is not", IStream_QueryInterface(stream, &IID_IShellLinkA, (void **)&unknown), E_NOINTERFACE);
}

static IDispatch *made_by_name(const wchar_t *name) {
    CLSID class;
    IDispatch *made = NULL;
    HRESULT known = CLSIDFromProgID(name, &class);
    if (!CHECK_EQ("a known name", known, S_OK)) return NULL;
    CHECK_EQ("made", CoCreateInstance(&class, NULL, CLSCTX_INPROC_SERVER, &IID_IDispatch, (void **)&made), S_OK);
    return made;
}

/* Calls a method or reads a property with up to two arguments. */
static HRESULT call(IDispatch *on, WORD how, const wchar_t *name, VARIANT *result, VARIANT *first, VARIANT *second) {
    DISPID number;
    VARIANT arguments[2];
    DISPPARAMS with = {.rgvarg = arguments};
    HRESULT known = IDispatch_GetIDsOfNames(on, &nothing, (LPOLESTR *)&name, 1, LOCALE_USER_DEFAULT, &number);
    if (FAILED(known)) return known;
    if (second) arguments[with.cArgs++] = *second;
    if (first) arguments[with.cArgs++] = *first;
    if (result) VariantInit(result);
    return IDispatch_Invoke(on, number, &nothing, LOCALE_USER_DEFAULT, how, &with, result, NULL, NULL);
}

static VARIANT text(const wchar_t *value) {
    VARIANT variant = {0};
    V_VT(&variant) = VT_BSTR;
    V_BSTR(&variant) = SysAllocString(value);
    return variant;
}

static void objects_of_dlls(void) {
    VARIANT result, first = text(L"C:\\windows"), second = text(L"value");
    IDispatch *made = made_by_name(L"Scripting.FileSystemObject");
    if (made) {
        CHECK_EQ("asked", call(made, DISPATCH_METHOD, L"FolderExists", &result, &first, NULL), S_OK);
        CHECK("it is there", V_VT(&result) == VT_BOOL && V_BOOL(&result) == VARIANT_TRUE);
        IDispatch_Release(made);
    }
    made = made_by_name(L"Scripting.Dictionary");
    if (made) {
        CHECK_EQ("added", call(made, DISPATCH_METHOD, L"Add", NULL, &first, &second), S_OK);
        CHECK_EQ("counted", call(made, DISPATCH_PROPERTYGET, L"Count", &result, NULL, NULL), S_OK);
        CHECK("one", V_VT(&result) == VT_I4 && V_I4(&result) == 1);
        CHECK_EQ("found", call(made, DISPATCH_PROPERTYGET, L"Item", &result, &first, NULL), S_OK);
        CHECK("that", V_VT(&result) == VT_BSTR && !wcscmp(V_BSTR(&result), L"value"));
        VariantClear(&result);
        IDispatch_Release(made);
    }
    made = made_by_name(L"Msxml2.DOMDocument.3.0");
    if (made) {
        VARIANT xml = text(L"<a><b>one</b><b>two</b></a>");
        CHECK_EQ("loaded", call(made, DISPATCH_METHOD, L"loadXML", &result, &xml, NULL), S_OK);
        CHECK("whole", V_VT(&result) == VT_BOOL && V_BOOL(&result) == VARIANT_TRUE);
        CHECK_EQ("its text", call(made, DISPATCH_PROPERTYGET, L"text", &result, NULL, NULL), S_OK);
        CHECK("is that", V_VT(&result) == VT_BSTR && !wcscmp(V_BSTR(&result), L"onetwo"));
        VariantClear(&result);
        VariantClear(&xml);
        IDispatch_Release(made);
    }
    VariantClear(&first);
    VariantClear(&second);

    IShellLinkA *link = NULL, *again = NULL;
    IPersistFile *file = NULL;
    wchar_t path[MAX_PATH];
    char target[MAX_PATH] = "";
    CHECK_EQ("a shortcut", CoCreateInstance(&CLSID_ShellLink, NULL, CLSCTX_INPROC_SERVER, &IID_IShellLinkA, (void **)&link), S_OK);
    if (!link) return;
    CHECK_EQ("to a program", IShellLinkA_SetPath(link, "C:\\windows\\system32\\reg.exe"), S_OK);
    CHECK_EQ("in a file", IShellLinkA_QueryInterface(link, &IID_IPersistFile, (void **)&file), S_OK);
    MultiByteToWideChar(CP_ACP, 0, scratch("a.lnk"), -1, path, MAX_PATH);
    wchar_t full[MAX_PATH];
    GetFullPathNameW(path, MAX_PATH, full, NULL);
    CHECK_EQ("saved", IPersistFile_Save(file, full, TRUE), S_OK);
    IPersistFile_Release(file);
    IShellLinkA_Release(link);
    CHECK_EQ("another", CoCreateInstance(&CLSID_ShellLink, NULL, CLSCTX_INPROC_SERVER, &IID_IShellLinkA, (void **)&again), S_OK);
    CHECK_EQ("of a file", IShellLinkA_QueryInterface(again, &IID_IPersistFile, (void **)&file), S_OK);
    CHECK_EQ("loaded", IPersistFile_Load(file, full, STGM_READ), S_OK);
    CHECK("leads there", SUCCEEDED(IShellLinkA_GetPath(again, target, MAX_PATH, NULL, 0)) && !_stricmp(target, "C:\\windows\\system32\\reg.exe"));
    IPersistFile_Release(file);
    IShellLinkA_Release(again);
}

static void apartments(void) {
    APTTYPE type;
    APTTYPEQUALIFIER qualifier;
    IUnknown *made;
    CHECK_EQ("none yet", CoGetApartmentType(&type, &qualifier), CO_E_NOTINITIALIZED);
    CHECK_EQ("nothing without one", CoCreateInstance(&CLSID_ShellLink, NULL, CLSCTX_INPROC_SERVER, &IID_IUnknown, (void **)&made), CO_E_NOTINITIALIZED);
    CHECK_EQ("of one thread", CoInitializeEx(NULL, COINIT_APARTMENTTHREADED), S_OK);
    CHECK("so it is", SUCCEEDED(CoGetApartmentType(&type, &qualifier)) && type == APTTYPE_MAINSTA);
    CHECK_EQ("once more", CoInitializeEx(NULL, COINIT_APARTMENTTHREADED), S_FALSE);
    CHECK_EQ("not of another kind", CoInitializeEx(NULL, COINIT_MULTITHREADED), RPC_E_CHANGED_MODE);
    CoUninitialize();
    objects_of_dlls();
    CoUninitialize();
    CHECK_EQ("left", CoGetApartmentType(&type, &qualifier), CO_E_NOTINITIALIZED);
    CHECK_EQ("of many", CoInitializeEx(NULL, COINIT_MULTITHREADED), S_OK);
    CHECK("so it is", SUCCEEDED(CoGetApartmentType(&type, &qualifier)) && type == APTTYPE_MTA);
}

static void factories(void) {
    IClassFactory *found = NULL;
    IStream *made = NULL;
    DWORD cookie;
    CHECK_EQ("not registered", CoGetClassObject(&CLSID_Ours, CLSCTX_INPROC_SERVER, NULL, &IID_IClassFactory, (void **)&found), REGDB_E_CLASSNOTREG);
    CHECK_EQ("registered", CoRegisterClassObject(&CLSID_Ours, (IUnknown *)&factory, CLSCTX_INPROC_SERVER, REGCLS_MULTIPLEUSE, &cookie), S_OK);
    CHECK_EQ("found", CoGetClassObject(&CLSID_Ours, CLSCTX_INPROC_SERVER, NULL, &IID_IClassFactory, (void **)&found), S_OK);
    CHECK("the very one", found == &factory);
    CHECK_EQ("made", CoCreateInstance(&CLSID_Ours, NULL, CLSCTX_INPROC_SERVER, &IID_IStream, (void **)&made), S_OK);
    CHECK_EQ("here", process_in(made), GetCurrentProcessId());
    IStream_Release(made);
    CHECK_EQ("revoked", CoRevokeClassObject(cookie), S_OK);
    CHECK_EQ("gone", CoGetClassObject(&CLSID_Ours, CLSCTX_INPROC_SERVER, NULL, &IID_IClassFactory, (void **)&found), REGDB_E_CLASSNOTREG);
}

struct given {
    IGlobalInterfaceTable *table;
    DWORD cookie;
    IStream *stream;
    DWORD model;
    IStream *original;
};

/* Another thread takes what the first one left: in the table, and in a stream. */
static DWORD WINAPI taker(void *argument) {
    struct given *given = argument;
    IStream *taken = NULL;
    BOOL same = given->model == COINIT_MULTITHREADED;
    CHECK_EQ("an apartment", CoInitializeEx(NULL, given->model), S_OK);
    CHECK_EQ("from the table", IGlobalInterfaceTable_GetInterfaceFromGlobal(given->table, given->cookie, &IID_IStream, (void **)&taken), S_OK);
    if (taken) {
        CHECK("direct in the same apartment", (taken == given->original) == same);
        use("an object of another thread", taken, GetCurrentProcessId());
        IStream_Release(taken);
    }
    taken = NULL;
    CHECK_EQ("from the stream", CoGetInterfaceAndReleaseStream(given->stream, &IID_IStream, (void **)&taken), S_OK);
    if (taken) {
        CHECK_EQ("that one", process_in(taken), GetCurrentProcessId());
        IStream_Release(taken);
    }
    CoUninitialize();
    return 0;
}

static void between_threads(DWORD model) {
    struct given given = {.model = model};
    CHECK_EQ("the table", CoCreateInstance(&CLSID_Table, NULL, CLSCTX_INPROC_SERVER, &IID_IGlobalInterfaceTable, (void **)&given.table), S_OK);
    CHECK_EQ("an object", factory_create(&factory, NULL, &IID_IStream, (void **)&given.original), S_OK);
    CHECK_EQ("entered", IGlobalInterfaceTable_RegisterInterfaceInGlobal(given.table, (IUnknown *)given.original, &IID_IStream, &given.cookie), S_OK);
    CHECK_EQ("marshalled", CoMarshalInterThreadInterfaceInStream(&IID_IStream, (IUnknown *)given.original, &given.stream), S_OK);
    HANDLE thread = CreateThread(NULL, 0, taker, &given, 0, NULL);
    CHECK_EQ("taken", WaitForSingleObject(thread, 60000), WAIT_OBJECT_0);
    CloseHandle(thread);
    CHECK_EQ("taken out", IGlobalInterfaceTable_RevokeInterfaceFromGlobal(given.table, given.cookie), S_OK);
    IStream *gone = NULL;
    CHECK_EQ("gone", IGlobalInterfaceTable_GetInterfaceFromGlobal(given.table, given.cookie, &IID_IStream, (void **)&gone), E_INVALIDARG);
    IStream_Release(given.original);
    IGlobalInterfaceTable_Release(given.table);
}

static void between_processes(void) {
    PROCESS_INFORMATION made;
    IClassFactory *found = NULL;
    IStream *stream = NULL;
    HANDLE ready = CreateEventA(NULL, TRUE, FALSE, NULL), end = CreateEventA(NULL, FALSE, FALSE, END);
    inheritable(ready);
    CHECK("a server", start(&made, 0, TRUE, "serve %llu", number(ready)));
    CHECK_EQ("is ready", WaitForSingleObject(ready, 60000), WAIT_OBJECT_0);
    CHECK_EQ("found", CoGetClassObject(&CLSID_Ours, CLSCTX_LOCAL_SERVER, NULL, &IID_IClassFactory, (void **)&found), S_OK);
    if (found) {
        CHECK("elsewhere", found != &factory);
        CHECK_EQ("made", IClassFactory_CreateInstance(found, NULL, &IID_IStream, (void **)&stream), S_OK);
        if (stream) {
            use("an object of another process", stream, made.dwProcessId);
            IStream_Release(stream);
        }
        IClassFactory_Release(found);
    }
    SetEvent(end);
    CHECK_EQ("it ends", ended(&made), 0);
    CHECK("no longer found", FAILED(CoGetClassObject(&CLSID_Ours, CLSCTX_LOCAL_SERVER, NULL, &IID_IClassFactory, (void **)&found)));
    CloseHandle(ready);
    CloseHandle(end);
}

static void activation(void) {
    char line[MAX_PATH + 32];
    HKEY key, server;
    IClassFactory *found = NULL;
    IStream *stream = NULL;
    HANDLE end = CreateEventA(NULL, FALSE, FALSE, END);
    snprintf(line, sizeof line, "\"%s\" start", self);
    CHECK_EQ("a class", RegCreateKeyExA(HKEY_LOCAL_MACHINE, STARTED, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, NULL), ERROR_SUCCESS);
    RegCreateKeyExA(key, "LocalServer32", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &server, NULL);
    RegSetValueExA(server, NULL, 0, REG_SZ, (BYTE *)line, (DWORD)strlen(line) + 1);
    RegCloseKey(server);
    CHECK_EQ("started", CoGetClassObject(&CLSID_Started, CLSCTX_LOCAL_SERVER, NULL, &IID_IClassFactory, (void **)&found), S_OK);
    if (found) {
        CHECK_EQ("made", CoCreateInstance(&CLSID_Started, NULL, CLSCTX_LOCAL_SERVER, &IID_IStream, (void **)&stream), S_OK);
        DWORD process = stream ? process_in(stream) : 0;
        CHECK("elsewhere", process > 4 && process != GetCurrentProcessId());
        HANDLE opened = OpenProcess(SYNCHRONIZE, FALSE, process);
        if (stream) IStream_Release(stream);
        IClassFactory_Release(found);
        SetEvent(end);
        CHECK_EQ("it ends", WaitForSingleObject(opened, 60000), WAIT_OBJECT_0);
        CloseHandle(opened);
    }
    CloseHandle(end);
    RegDeleteTreeA(key, NULL);
    RegCloseKey(key);
    CHECK_EQ("forgotten", RegDeleteKeyA(HKEY_LOCAL_MACHINE, STARTED), ERROR_SUCCESS);
}

static IStream *passed;
static const GUID nothing;

static DWORD WINAPI from_elsewhere(void *owner) {
    IDispatch *object = NULL;
    DISPID id = 0;
    OLECHAR *name = L"Add", *count = L"Count";
    CHECK_EQ("of all threads", CoInitializeEx(NULL, COINIT_MULTITHREADED), S_OK);
    CHECK_EQ("taken out", CoGetInterfaceAndReleaseStream(passed, &IID_IDispatch, (void **)&object), S_OK);
    if (object) {
        VARIANT pair[2] = {{.vt = VT_I4, .lVal = 2}, {.vt = VT_I4, .lVal = 1}}, answer = {.vt = VT_EMPTY};
        DISPPARAMS two = {pair, NULL, 2, 0}, none = {0};
        CHECK_EQ("named", IDispatch_GetIDsOfNames(object, &nothing, &name, 1, 0x409, &id), S_OK);
        CHECK_EQ("called", IDispatch_Invoke(object, id, &nothing, 0x409, DISPATCH_METHOD, &two, NULL, NULL, NULL), S_OK);
        IDispatch_GetIDsOfNames(object, &nothing, &count, 1, 0x409, &id);
        CHECK_EQ("asked", IDispatch_Invoke(object, id, &nothing, 0x409, DISPATCH_PROPERTYGET, &none, &answer, NULL, NULL), S_OK);
        CHECK("it took it", answer.vt == VT_I4 && answer.lVal == 1);
        IDispatch_Release(object);
    }
    CoUninitialize();
    PostThreadMessageA((DWORD)(ULONG_PTR)owner, WM_QUIT, 0, 0);
    return 0;
}

/* An object that lives with one thread is called there, through that thread's messages. */
static void of_one_thread(void) {
    IDispatch *object = NULL;
    CLSID class;
    MSG message;
    CHECK_EQ("of one thread", CoInitializeEx(NULL, COINIT_APARTMENTTHREADED), S_OK);
    CHECK_EQ("a dictionary", CLSIDFromProgID(L"Scripting.Dictionary", &class), S_OK);
    CHECK_EQ("made", CoCreateInstance(&class, NULL, CLSCTX_INPROC_SERVER, &IID_IDispatch, (void **)&object), S_OK);
    if (object) {
        CHECK_EQ("passed on", CoMarshalInterThreadInterfaceInStream(&IID_IDispatch, (IUnknown *)object, &passed), S_OK);
        HANDLE thread = CreateThread(NULL, 0, from_elsewhere, (void *)(ULONG_PTR)GetCurrentThreadId(), 0, NULL);
        while (GetMessageA(&message, NULL, 0, 0) > 0) DispatchMessageA(&message);
        CHECK_EQ("done", WaitForSingleObject(thread, 30000), WAIT_OBJECT_0);
        CloseHandle(thread);
        IDispatch_Release(object);
    }
    CoUninitialize();
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 2 && !strcmp(argv[1], "serve")) return serve(&CLSID_Ours, handle_of(argv[2]));
    if (argc > 1 && !strcmp(argv[1], "start")) return serve(&CLSID_Started, NULL);
    of_one_thread();
    apartments();
    factories();
    between_threads(COINIT_MULTITHREADED);
    between_threads(COINIT_APARTMENTTHREADED);
    between_processes();
    activation();
    CoUninitialize();
    return finish();
}
