/* Sections: pagefile, data and image sections, views, copy on write, named ones, offsets. */
#include "check.h"

NTDLL(NTSTATUS, NtCreateSection, HANDLE *, ACCESS_MASK, void *, LARGE_INTEGER *, ULONG, ULONG, HANDLE)
NTDLL(NTSTATUS, NtMapViewOfSection, HANDLE, HANDLE, void **, ULONG_PTR, SIZE_T, LARGE_INTEGER *, SIZE_T *, int, ULONG, ULONG)
NTDLL(NTSTATUS, NtUnmapViewOfSection, HANDLE, void *)
NTDLL(NTSTATUS, NtQuerySection, HANDLE, int, void *, SIZE_T, SIZE_T *)
NTDLL(NTSTATUS, NtExtendSection, HANDLE, LARGE_INTEGER *)

static void pagefile(void) {
    HANDLE s = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x21000, "PortcullisSection");
    CHECK("pagefile section", s != NULL);
    char *a = MapViewOfFile(s, FILE_MAP_WRITE, 0, 0, 0), *b = MapViewOfFile(s, FILE_MAP_READ, 0, 0, 0);
    CHECK("two views at different places", a && b && a != b);
    CHECK("zero at first", a[0] == 0 && a[0x20fff] == 0);
    strcpy(a + 0x20000, "shared");
    CHECK("what one writes the other sees", !strcmp(b + 0x20000, "shared"));
    MEMORY_BASIC_INFORMATION m;
    VirtualQuery(a, &m, sizeof m);
    CHECK("a view is mapped memory", m.Type == MEM_MAPPED && m.RegionSize == 0x21000 && m.Protect == PAGE_READWRITE && m.AllocationBase == a);
    VirtualQuery(b, &m, sizeof m);
    CHECK_EQ("read-only view", m.Protect, PAGE_READONLY);
    char *part = MapViewOfFile(s, FILE_MAP_READ, 0, 0x20000, 0x1000);
    CHECK("a view from an offset", part && !strcmp(part, "shared"));
    CHECK_ERROR("offset must be a multiple of 64 KB", MapViewOfFile(s, FILE_MAP_READ, 0, 0x1000, 0) != NULL, ERROR_MAPPED_ALIGNMENT);
    CHECK_ERROR("beyond its end", MapViewOfFile(s, FILE_MAP_READ, 0, 0, 0x30000) != NULL, ERROR_ACCESS_DENIED);
    HANDLE o = OpenFileMappingA(FILE_MAP_READ, FALSE, "PortcullisSection");
    CHECK("open by name", o != NULL);
    CHECK_ERROR("read handle maps no writable view", MapViewOfFile(o, FILE_MAP_WRITE, 0, 0, 0) != NULL, ERROR_ACCESS_DENIED);
    CHECK("handle may go before its view", CloseHandle(s) && CloseHandle(o) && (a[1] = 'x') == b[1]);
    CHECK("unmap", UnmapViewOfFile(a) && UnmapViewOfFile(b + 0x100) && UnmapViewOfFile(part));
    VirtualQuery(a, &m, sizeof m);
    CHECK_EQ("free again", m.State, MEM_FREE);
    CHECK_ERROR("unmap of nothing", UnmapViewOfFile(a), ERROR_INVALID_ADDRESS);
    CHECK_ERROR("no size", CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0, NULL) != NULL, ERROR_INVALID_PARAMETER);
}

static void reserved(void) {
    HANDLE s = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, 0, 0x100000, NULL);
    char *v = MapViewOfFile(s, FILE_MAP_WRITE, 0, 0, 0);
    MEMORY_BASIC_INFORMATION m;
    VirtualQuery(v, &m, sizeof m);
    CHECK("SEC_RESERVE view is reserved", v && m.State == MEM_RESERVE);
    CHECK("commit inside it", VirtualAlloc(v + 0x10000, 0x1000, MEM_COMMIT, PAGE_READWRITE) == v + 0x10000);
    v[0x10000] = 1;
    VirtualQuery(v + 0x10000, &m, sizeof m);
    CHECK("committed", m.State == MEM_COMMIT && m.Type == MEM_MAPPED);
    CHECK("no decommit of a section", !VirtualFree(v + 0x10000, 0x1000, MEM_DECOMMIT));
    CHECK("no VirtualFree of a view", !VirtualFree(v, 0, MEM_RELEASE));
    UnmapViewOfFile(v);
    CloseHandle(s);
}

static HANDLE make(const char *name, const char *text, DWORD size) {
    DWORD n;
    HANDLE f = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, CREATE_ALWAYS, 0, NULL);
    WriteFile(f, text, (DWORD)strlen(text), &n, NULL);
    SetFilePointer(f, (LONG)size, NULL, FILE_BEGIN);
    SetEndOfFile(f);
    return f;
}

static void data(void) {
    const char *path = scratch("mapped.bin");
    HANDLE f = make(path, "on disk", 5000);
    HANDLE s = CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 0, NULL);
    CHECK("file mapping", s != NULL);
    char *v = MapViewOfFile(s, FILE_MAP_WRITE, 0, 0, 0);
    CHECK("contents", v && !memcmp(v, "on disk", 8));
    CHECK("the last page is zero behind the end", v[5000] == 0 && v[8191] == 0);
    memcpy(v, "in view", 7);
    char text[16] = {0};
    DWORD n;
    SetFilePointer(f, 0, NULL, FILE_BEGIN);
    ReadFile(f, text, 7, &n, NULL);
    CHECK("a read sees the view's write", !strcmp(text, "in view"));
    SetFilePointer(f, 3, NULL, FILE_BEGIN);
    WriteFile(f, "FILE", 4, &n, NULL);
    CHECK("the view sees a file write", !memcmp(v, "in FILE", 7));
    CHECK("flush", FlushViewOfFile(v, 0));
    char *cow = MapViewOfFile(s, FILE_MAP_COPY, 0, 0, 0);
    MEMORY_BASIC_INFORMATION m;
    VirtualQuery(cow, &m, sizeof m);
    CHECK_EQ("copy-on-write view", m.Protect, PAGE_WRITECOPY);
    cow[0] = 'X';
    CHECK("its write stays its own", v[0] == 'i' && cow[0] == 'X');
    CHECK_ERROR("mapped file is not cut", (SetFilePointer(f, 10, NULL, FILE_BEGIN), SetEndOfFile(f)), ERROR_USER_MAPPED_FILE);
    UnmapViewOfFile(cow);
    UnmapViewOfFile(v);
    CloseHandle(s);
    CHECK("cut once unmapped", (SetFilePointer(f, 10, NULL, FILE_BEGIN), SetEndOfFile(f)));
    s = CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 0x20000, NULL);
    CHECK_EQ("a longer section extends the file", GetFileSize(f, NULL), 0x20000);
    CloseHandle(s);
    CHECK_ERROR("a longer read-only section does not", CreateFileMappingA(f, NULL, PAGE_READONLY, 0, 0x40000, NULL) != NULL, ERROR_NOT_ENOUGH_MEMORY);
    CloseHandle(f);
    f = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    CHECK_ERROR("read-only file, writable section", CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 0, NULL) != NULL, ERROR_ACCESS_DENIED);
    s = CreateFileMappingA(f, NULL, PAGE_WRITECOPY, 0, 0, NULL);
    CHECK("read-only file, copy-on-write section", s != NULL);
    CloseHandle(s);
    CloseHandle(f);
    f = make(scratch("empty.bin"), "", 0);
    CHECK_ERROR("an empty file", CreateFileMappingA(f, NULL, PAGE_READONLY, 0, 0, NULL) != NULL, ERROR_FILE_INVALID);
    CloseHandle(f);
    DeleteFileA(path);
    DeleteFileA(scratch("empty.bin"));
}

static void native(void) {
    HANDLE s = NULL, self = GetCurrentProcess();
    LARGE_INTEGER size = {.QuadPart = 0x8000}, offset = {.QuadPart = 0};
    CHECK_EQ("NtCreateSection", NtCreateSection_(&s, SECTION_ALL_ACCESS, NULL, &size, PAGE_READWRITE, SEC_COMMIT, NULL), 0);
    struct { void *base; ULONG attributes; LARGE_INTEGER size; } info;
    CHECK_EQ("NtQuerySection", NtQuerySection_(s, 0, &info, sizeof info, NULL), 0);
    CHECK("size and attributes", info.size.QuadPart == 0x8000 && info.attributes == SEC_COMMIT);
    void *at = (void *)0x60000000, *v = at;
    SIZE_T n = 0;
    CHECK_EQ("at an address", NtMapViewOfSection_(s, self, &v, 0, 0, &offset, &n, 1, 0, PAGE_READWRITE), 0);
    CHECK("there, whole", v == at && n == 0x8000);
    void *w = at;
    n = 0;
    CHECK_EQ("in use", (ULONG)NtMapViewOfSection_(s, self, &w, 0, 0, &offset, &n, 1, 0, PAGE_READWRITE), 0xc0000018);
    w = (void *)0x60100001;
    CHECK_EQ("misaligned", (ULONG)NtMapViewOfSection_(s, self, &w, 0, 0, &offset, &n, 1, 0, PAGE_READWRITE), 0xc0000220);
    CHECK_EQ("unmap", NtUnmapViewOfSection_(self, v), 0);
    CHECK_EQ("unmap again", (ULONG)NtUnmapViewOfSection_(self, v), 0xc0000019);
    CHECK_EQ("bad handle", (ULONG)NtMapViewOfSection_((HANDLE)0xdead0, self, &v, 0, 0, NULL, &n, 1, 0, PAGE_READWRITE), 0xc0000008);
    CloseHandle(s);
}

static void images(void) {
    char path[MAX_PATH];
    GetModuleFileNameA(NULL, path, sizeof path);
    HANDLE f = CreateFileA(path, GENERIC_READ | GENERIC_EXECUTE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    CHECK("own image opens", f != INVALID_HANDLE_VALUE);
    HANDLE s = CreateFileMappingA(f, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL);
    CHECK("image section", s != NULL);
    char *v = MapViewOfFile(s, FILE_MAP_READ, 0, 0, 0);
    CHECK("mapped", v != NULL);
    IMAGE_DOS_HEADER *dos = (IMAGE_DOS_HEADER *)v;
    IMAGE_NT_HEADERS64 *nt = (IMAGE_NT_HEADERS64 *)(v + (v ? dos->e_lfanew : 0));
    CHECK("a PE image, laid out", v && dos->e_magic == IMAGE_DOS_SIGNATURE && nt->Signature == IMAGE_NT_SIGNATURE);
    IMAGE_SECTION_HEADER *text = IMAGE_FIRST_SECTION(nt);
    CHECK("its first section lies at its virtual address", !memcmp(v + text->VirtualAddress, (char *)GetModuleHandleA(NULL) + text->VirtualAddress, 64));
    struct { void *entry; ULONG zero; SIZE_T reserve, commit; ULONG subsystem; USHORT minor, major; ULONG version; USHORT characteristics, dll; USHORT machine; BOOLEAN code, flags; ULONG loader, file_size, checksum; } info;
    memset(&info, 0, sizeof info);
    CHECK_EQ("SectionImageInformation", NtQuerySection_(s, 1, &info, sizeof info, NULL), 0);
    CHECK("machine, subsystem, stack", info.machine == IMAGE_FILE_MACHINE_AMD64 && info.subsystem == IMAGE_SUBSYSTEM_WINDOWS_CUI && info.reserve == nt->OptionalHeader.SizeOfStackReserve);
    UnmapViewOfFile(v);
    CloseHandle(s);
    CloseHandle(f);
    f = make(scratch("text.bin"), "this is no image at all", 4096);
    CHECK_ERROR("no image", CreateFileMappingA(f, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL) != NULL, ERROR_BAD_EXE_FORMAT);
    CloseHandle(f);
    DeleteFileA(scratch("text.bin"));
    HMODULE m = LoadLibraryA("version.dll");
    CHECK("LoadLibrary", m && GetProcAddress(m, "GetFileVersionInfoSizeW"));
    CHECK("FreeLibrary", FreeLibrary(m));
    CHECK_ERROR("no such DLL", LoadLibraryA("portcullis-none.dll") != NULL, ERROR_MOD_NOT_FOUND);
    CHECK_ERROR("no such function", GetProcAddress(GetModuleHandleA("kernel32"), "PortcullisNone") != NULL, ERROR_PROC_NOT_FOUND);
    m = LoadLibraryExA("kernel32.dll", NULL, LOAD_LIBRARY_AS_DATAFILE);
    CHECK("as a data file", m != NULL);
    FreeLibrary(m);
    const char *dlls[] = {"advapi32", "ole32", "oleaut32", "shell32", "shlwapi", "ws2_32", "bcrypt", "crypt32", "winmm", "dbghelp", "psapi", "userenv", "iphlpapi", "ucrtbase", "secur32", "comctl32"};
    for (unsigned i = 0; i < sizeof dlls / sizeof *dlls; i++) {
        m = LoadLibraryA(dlls[i]);
        char name[64];
        snprintf(name, sizeof name, "load %s", dlls[i]);
        CHECK(name, m != NULL);
    }
}

/* What sections made of a file forbid. */
static void held(void) {
    char self[MAX_PATH];
    GetModuleFileNameA(NULL, self, MAX_PATH);
    CHECK("copied", CopyFileA(self, scratch("held.exe"), FALSE));
    HANDLE f = CreateFileA(scratch("held.exe"), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    HANDLE m = CreateFileMappingA(f, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL);
    CHECK("image", m != NULL);
    CHECK_ERROR("an image is not deleted", DeleteFileA(scratch("held.exe")), ERROR_ACCESS_DENIED);
    CloseHandle(f);
    CHECK_ERROR("nor emptied", CreateFileA(scratch("held.exe"), GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL) != INVALID_HANDLE_VALUE, ERROR_SHARING_VIOLATION);
    CloseHandle(m);
    CHECK("until its section is gone", DeleteFileA(scratch("held.exe")));
    f = make(scratch("held.bin"), "data", 4096);
    m = CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 0, NULL);
    CloseHandle(f);
    WINE8_DIFFERS(CHECK_ERROR("a section that can be written counts as a writer", CreateFileA(scratch("held.bin"), GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL) != INVALID_HANDLE_VALUE, ERROR_SHARING_VIOLATION));
    f = CreateFileA(scratch("held.bin"), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    CHECK("shared with one", f != INVALID_HANDLE_VALUE);
    CloseHandle(f);
    CloseHandle(m);
    DeleteFileA(scratch("held.bin"));
    /* Pages of a view are committed again, also as copied on write. */
    m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x2000, NULL);
    char *a = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0), *b = MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0);
    a[0] = 1;
    CHECK("copy on write", VirtualAlloc(a, 0x1000, MEM_COMMIT, PAGE_WRITECOPY) == a);
    a[0] = 2;
    WINE8_DIFFERS(CHECK_EQ("its own copy", a[0] * 10 + b[0], 21));
    CHECK_ERROR("not of memory without a section", VirtualAlloc(NULL, 0x1000, MEM_COMMIT, PAGE_WRITECOPY) != NULL, ERROR_INVALID_PARAMETER);
    UnmapViewOfFile(a);
    UnmapViewOfFile(b);
    CloseHandle(m);
}

/* An activation context of a manifest in a file. */
static void manifest(void) {
    static const char text[] =
        "<assembly xmlns=\"urn:schemas-microsoft-com:asm.v1\" manifestVersion=\"1.0\">"
        "<assemblyIdentity version=\"1.2.3.4\" name=\"Portcullis.Test\" type=\"win32\" processorArchitecture=\"amd64\"/>"
        "<file name=\"portcullis-x.dll\"/></assembly>";
    char path[MAX_PATH];
    DWORD n;
    GetFullPathNameA(scratch("x.manifest"), MAX_PATH, path, NULL);
    HANDLE f = CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    WriteFile(f, text, sizeof text - 1, &n, NULL);
    CloseHandle(f);
    ACTCTXA context = {.cbSize = sizeof context, .lpSource = path};
    HANDLE h = CreateActCtxA(&context);
    CHECK("manifest", h != INVALID_HANDLE_VALUE);
    ULONG_PTR cookie = 0;
    CHECK("activated", ActivateActCtx(h, &cookie));
    ACTCTX_SECTION_KEYED_DATA data = {.cbSize = sizeof data};
    CHECK("names its file", FindActCtxSectionStringA(0, NULL, ACTIVATION_CONTEXT_SECTION_DLL_REDIRECTION, "portcullis-x.dll", &data));
    CHECK("no other", !FindActCtxSectionStringA(0, NULL, ACTIVATION_CONTEXT_SECTION_DLL_REDIRECTION, "portcullis-y.dll", &data));
    CHECK("deactivated", DeactivateActCtx(0, cookie));
    ReleaseActCtx(h);
    DeleteFileA(path);
}

/* What is no image, as a library. */
static void no_image(void) {
    HANDLE file = CreateFileA("text.dll", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    DWORD done;
    WriteFile(file, "this is no image, long as the text may be that stands where one would begin", 75, &done, NULL);
    CloseHandle(file);
    CHECK_ERROR("LoadLibrary of a text", LoadLibraryA("text.dll"), ERROR_BAD_EXE_FORMAT);
    CHECK("the text goes", DeleteFileA("text.dll"));
}

int main(void) {
    pagefile();
    reserved();
    data();
    native();
    images();
    held();
    manifest();
    no_image();
    return finish();
}
