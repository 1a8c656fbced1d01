/* Hives in files: saving, restoring, loading, unloading; and changes in transactions. */
#include "check.h"

#define KEY "Software\\Portcullis Hives"

typedef struct { USHORT Length, Maximum; WCHAR *Buffer; } NAME;
typedef struct { ULONG Length; HANDLE Root; NAME *Name; ULONG Attributes; void *Security, *Quality; } ATTRIBUTES;
NTDLL(LONG, NtRestoreKey, HANDLE, HANDLE, ULONG)
NTDLL(LONG, NtFlushKey, HANDLE)
NTDLL(LONG, NtReplaceKey, ATTRIBUTES *, HANDLE, ATTRIBUTES *)
NTDLL(LONG, NtLoadKeyEx, const ATTRIBUTES *, ATTRIBUTES *, ULONG, HANDLE, HANDLE, ACCESS_MASK, HANDLE *, void *)
NTDLL(LONG, NtSetInformationKey, HANDLE, int, const void *, ULONG)
NTDLL(LONG, NtQueryKey, HANDLE, int, void *, ULONG, ULONG *)
NTDLL(BOOLEAN, RtlDosPathNameToNtPathName_U, const WCHAR *, NAME *, WCHAR **, void *)

static BOOL privilege(const char *name, BOOL on) {
    HANDLE token;
    TOKEN_PRIVILEGES p = {.PrivilegeCount = 1};
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &token)) return FALSE;
    LookupPrivilegeValueA(NULL, name, &p.Privileges[0].Luid);
    p.Privileges[0].Attributes = on ? SE_PRIVILEGE_ENABLED : 0;
    AdjustTokenPrivileges(token, FALSE, &p, 0, NULL, NULL);
    CloseHandle(token);
    return GetLastError() == ERROR_SUCCESS;
}

static LSTATUS set(HKEY key, const char *name, DWORD value) { return RegSetValueExA(key, name, 0, REG_DWORD, (BYTE *)&value, 4); }

static DWORD number(HKEY key, const char *sub, const char *name) {
    DWORD value = 0, size = 4;
    return RegGetValueA(key, sub, name, RRF_RT_REG_DWORD, NULL, &value, &size) ? 0xbad : value;
}

static HKEY make(HKEY key, const char *name, DWORD options) {
    HKEY made = NULL;
    RegCreateKeyExA(key, name, 0, NULL, options, KEY_ALL_ACCESS, NULL, &made, NULL);
    return made;
}

/* A tree with something of everything. */
static void fill(HKEY key) {
    static BYTE large[40000];
    HKEY sub;
    char name[32];
    for (unsigned i = 0; i < sizeof large; i++) large[i] = i * 7;
    set(key, "number", 7);
    RegSetValueExA(key, NULL, 0, REG_SZ, (BYTE *)"default", 8);
    RegSetValueExA(key, "large", 0, REG_BINARY, large, sizeof large);
    RegSetValueExA(key, "none", 0, REG_NONE, NULL, 0);
    RegSetValueExW(key, L"\x416\x30a2", 0, REG_SZ, (BYTE *)L"\x4e2d", 4);
    RegCreateKeyExA(key, "with class", 0, "kind", 0, KEY_ALL_ACCESS, NULL, &sub, NULL);
    set(sub, "deep", 9);
    RegCloseKey(sub);
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "many\\k%03d", i);
        RegCloseKey(make(key, name, 0));
    }
    RegCloseKey(make(key, "volatile", REG_OPTION_VOLATILE));
}

/* Whether what fill made is there. */
static BOOL filled(HKEY key) {
    static BYTE large[40000];
    DWORD size = sizeof large, type, keys = 0;
    char text[32], class[32];
    HKEY sub;
    if (number(key, NULL, "number") != 7) return FALSE;
    if (RegQueryValueExA(key, "large", NULL, &type, large, &size) || size != sizeof large || large[39999] != (BYTE)(39999 * 7)) return FALSE;
    size = sizeof text;
    if (RegQueryValueExA(key, NULL, NULL, NULL, (BYTE *)text, &size) || strcmp(text, "default")) return FALSE;
    if (RegQueryValueExA(key, "none", NULL, &type, NULL, &size) || type != REG_NONE || size) return FALSE;
    size = sizeof text;
    if (RegQueryValueExW(key, L"\x416\x30a2", NULL, NULL, (BYTE *)text, &size) || size != 4) return FALSE;
    if (RegOpenKeyExA(key, "with class", 0, KEY_READ, &sub)) return FALSE;
    size = sizeof class;
    RegQueryInfoKeyA(sub, class, &size, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    RegCloseKey(sub);
    if (strcmp(class, "kind") || number(key, "with class", "deep") != 9) return FALSE;
    if (RegOpenKeyExA(key, "many", 0, KEY_READ, &sub)) return FALSE;
    RegQueryInfoKeyA(sub, NULL, NULL, NULL, &keys, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    RegCloseKey(sub);
    return keys == 600;
}

static DWORD subkeys(HKEY key) {
    DWORD keys = 0xbad;
    RegQueryInfoKeyA(key, NULL, NULL, NULL, &keys, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    return keys;
}

static HANDLE reading(const char *path) { return CreateFileA(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL); }

static void names(const char *path, NAME *name, ATTRIBUTES *attributes) {
    WCHAR wide[MAX_PATH];
    MultiByteToWideChar(CP_ACP, 0, path, -1, wide, MAX_PATH);
    RtlDosPathNameToNtPathName_U_(wide, name, NULL, NULL);
    *attributes = (ATTRIBUTES){sizeof *attributes, NULL, name, 0x40, NULL, NULL};
}

static void saving(HKEY key) {
    char file[MAX_PATH], other[MAX_PATH];
    HKEY loaded, sub;
    strcpy(file, scratch("saved.hive"));
    strcpy(other, scratch("other.hive"));
    DeleteFileA(file);
    DeleteFileA(other);
    privilege(SE_BACKUP_NAME, FALSE);
    privilege(SE_RESTORE_NAME, FALSE);
    CHECK_EQ("no saving without the privilege", RegSaveKeyA(key, file, NULL), ERROR_PRIVILEGE_NOT_HELD);
    CHECK_EQ("no loading without it", RegLoadKeyA(HKEY_LOCAL_MACHINE, "Hives", file), ERROR_PRIVILEGE_NOT_HELD);
    CHECK("the user may save", privilege(SE_BACKUP_NAME, TRUE));
    CHECK("and restore", privilege(SE_RESTORE_NAME, TRUE));
    DeleteFileA(file);
    CHECK_EQ("save", RegSaveKeyA(key, file, NULL), 0);
    WINE8_DIFFERS(({
        char magic[4] = "";
        DWORD got = 0;
        HANDLE h = reading(file);
        CHECK("in the form of Windows", ReadFile(h, magic, 4, &got, NULL) && !memcmp(magic, "regf", 4) && GetFileSize(h, NULL) % 4096 == 0);
        CloseHandle(h);
    }));
    CHECK_EQ("load", RegLoadKeyA(HKEY_LOCAL_MACHINE, "Hives", file), 0);
    CHECK_EQ("open", RegOpenKeyExA(HKEY_LOCAL_MACHINE, "Hives", 0, KEY_ALL_ACCESS, &loaded), 0);
    CHECK("all is there", filled(loaded));
    CHECK("but what is volatile", RegOpenKeyExA(loaded, "volatile", 0, KEY_READ, &sub) == ERROR_FILE_NOT_FOUND);
    WINE8_DIFFERS(CHECK_EQ("a hive is not deleted", RegDeleteKeyA(HKEY_LOCAL_MACHINE, "Hives") != 0, 1));
    CHECK_EQ("a change", set(loaded, "number", 8), 0);
    WINE8_DIFFERS(CHECK_EQ("it is in use", RegUnLoadKeyA(HKEY_LOCAL_MACHINE, "Hives") != 0, 1));
    RegCloseKey(loaded);
    CHECK_EQ("unload", RegUnLoadKeyA(HKEY_LOCAL_MACHINE, "Hives"), 0);
    CHECK_EQ("it is gone", RegOpenKeyExA(HKEY_LOCAL_MACHINE, "Hives", 0, KEY_READ, &loaded), ERROR_FILE_NOT_FOUND);
    CHECK_EQ("load it again", RegLoadKeyA(HKEY_LOCAL_MACHINE, "Hives", file), 0);
    WINE8_DIFFERS(CHECK_EQ("the change was kept", number(HKEY_LOCAL_MACHINE, "Hives", "number"), 8));
    CHECK_EQ("and unload", RegUnLoadKeyA(HKEY_LOCAL_MACHINE, "Hives"), 0);
    WINE8_DIFFERS(CHECK_EQ("another hive is not unloaded", RegUnLoadKeyA(HKEY_USERS, ".Default"), ERROR_ACCESS_DENIED));

    if (!under_oracle()) {
        HKEY to = make(key, "to", 0), open;
        set(to, "old", 1);
        RegCloseKey(make(to, "old", 0));
        HANDLE h = reading(file);
        CHECK_EQ("an open subkey", RegOpenKeyExA(to, "old", 0, KEY_READ, &open), 0);
        CHECK_EQ("keeps it from being restored", NtRestoreKey_(to, h, 0), (LONG)0xc0000022);
        RegCloseKey(open);
        CHECK_EQ("restore", NtRestoreKey_(to, h, 0), 0);
        CHECK_EQ("the old value is gone", number(to, NULL, "old"), 0xbad);
        CHECK_EQ("the old key too", subkeys(to), 2);
        CHECK_EQ("what the file holds is there", number(to, NULL, "number"), 8);
        CHECK_EQ("as deep as it goes", number(to, "with class", "deep"), 9);
        CloseHandle(h);
        RegDeleteTreeA(key, "to");

        h = CreateFileA(other, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
        DWORD got;
        WriteFile(h, "this is no hive", 15, &got, NULL);
        CloseHandle(h);
        CHECK_EQ("what is no hive is not loaded", RegLoadKeyA(HKEY_LOCAL_MACHINE, "Hives", other), ERROR_NOT_REGISTRY_FILE);
        h = CreateFileA(file, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
        SetFilePointer(h, 8192, NULL, FILE_BEGIN);
        SetEndOfFile(h);
        CloseHandle(h);
        CHECK_EQ("nor one that was cut", RegLoadKeyA(HKEY_LOCAL_MACHINE, "Hives", file), ERROR_BADDB);

        /* An application's hive. */
        NAME name, place = {36, 38, L"\\REGISTRY\\A\\Test Ab"};
        ATTRIBUTES at = {sizeof at, NULL, &place, 0x40, NULL, NULL}, from;
        HANDLE app = NULL;
        DeleteFileA(other);
        names(other, &name, &from);
        privilege(SE_RESTORE_NAME, FALSE);
        CHECK_EQ("a new one of an application, without privilege", NtLoadKeyEx_(&at, &from, 0x10, NULL, NULL, KEY_ALL_ACCESS, &app, NULL), 0);
        CHECK_EQ("written to", set(app, "app", 3), 0);
        CHECK_EQ("flushed", NtFlushKey_(app), 0);
        HANDLE h2 = reading(other);
        CHECK("is in its file", GetFileSize(h2, NULL) == 8192);
        CloseHandle(h2);
        set(app, "app", 4);
        RegCloseKey(app);
        CHECK_EQ("gone with its last handle", NtLoadKeyEx_(&at, &from, 0x10, NULL, NULL, KEY_ALL_ACCESS, &app, NULL), 0);
        CHECK_EQ("and kept", number(app, NULL, "app"), 4);
        RegCloseKey(app);
        privilege(SE_RESTORE_NAME, TRUE);

        /* A hive's file is replaced. */
        char backup[MAX_PATH], next[MAX_PATH];
        NAME n1, n2;
        ATTRIBUTES a1, a2;
        strcpy(backup, scratch("backup.hive"));
        strcpy(next, scratch("next.hive"));
        DeleteFileA(next);
        set(key, "next", 5);
        CHECK_EQ("save the next", RegSaveKeyA(key, next, NULL), 0);
        RegDeleteValueA(key, "next");
        CHECK_EQ("load one", RegLoadKeyA(HKEY_USERS, "Hives", other), 0);
        RegOpenKeyExA(HKEY_USERS, "Hives", 0, KEY_ALL_ACCESS, &loaded);
        names(next, &n1, &a1);
        names(backup, &n2, &a2);
        CHECK_EQ("replace", NtReplaceKey_(&a1, loaded, &a2), 0);
        CHECK_EQ("not yet", number(loaded, NULL, "app"), 4);
        RegCloseKey(loaded);
        CHECK_EQ("unload it", RegUnLoadKeyA(HKEY_USERS, "Hives"), 0);
        CHECK_EQ("load it", RegLoadKeyA(HKEY_USERS, "Hives", other), 0);
        CHECK_EQ("now", number(HKEY_USERS, "Hives", "next"), 5);
        RegUnLoadKeyA(HKEY_USERS, "Hives");
        CHECK_EQ("load the backup", RegLoadKeyA(HKEY_USERS, "Hives", backup), 0);
        CHECK_EQ("what was", number(HKEY_USERS, "Hives", "app"), 4);
        RegUnLoadKeyA(HKEY_USERS, "Hives");

        /* What is kept with keys and handles. */
        DWORD word = 2, flags[3] = {9, 9, 9}, tag = 0x77, told = 0;
        ULONG size;
        CHECK_EQ("control flags", NtSetInformationKey_(key, 2, &word, 4), 0);
        CHECK_EQ("asked for", NtQueryKey_(key, 5, flags, sizeof flags, &size), 0);
        CHECK_EQ("are kept", flags[2], 2);
        CHECK_EQ("a tag", NtSetInformationKey_(key, 5, &tag, 4), 0);
        CHECK_EQ("of the handle", NtQueryKey_(key, 7, &told, 4, &size) || told != 0x77, 0);
    }
    privilege(SE_BACKUP_NAME, FALSE);
    privilege(SE_RESTORE_NAME, FALSE);
}

NTDLL(LONG, NtCreateTransaction, HANDLE *, ACCESS_MASK, ATTRIBUTES *, GUID *, HANDLE, ULONG, ULONG, ULONG, LARGE_INTEGER *, NAME *)
NTDLL(LONG, NtCommitTransaction, HANDLE, BOOLEAN)
NTDLL(LONG, NtRollbackTransaction, HANDLE, BOOLEAN)
NTDLL(LONG, NtCreateKeyTransacted, HANDLE *, ACCESS_MASK, ATTRIBUTES *, ULONG, NAME *, ULONG, HANDLE, ULONG *)
NTDLL(LONG, NtOpenKeyTransacted, HANDLE *, ACCESS_MASK, ATTRIBUTES *, HANDLE)

static HANDLE begin(void) {
    HANDLE t = NULL;
    return NtCreateTransaction_(&t, 0x1f003f, NULL, NULL, NULL, 0, 0, 0, NULL, NULL) ? NULL : t;
}

static HKEY within(HKEY root, WCHAR *path, HANDLE transaction, BOOL create) {
    HANDLE made = NULL;
    NAME name = {wcslen(path) * 2, wcslen(path) * 2 + 2, path};
    ATTRIBUTES at = {sizeof at, root, &name, 0x40, NULL, NULL};
    if (create) NtCreateKeyTransacted_(&made, KEY_ALL_ACCESS, &at, 0, NULL, 0, transaction, NULL);
    else NtOpenKeyTransacted_(&made, KEY_ALL_ACCESS, &at, transaction);
    return made;
}

static void transactions(HKEY key) {
    HKEY in, sub, seen;
    HANDLE t = begin();
    CHECK("a transaction", t != NULL);
    set(key, "t", 1);
    in = within(key, L"", t, FALSE);
    CHECK("the key in it", in != NULL);
    sub = within(in, L"made", t, TRUE);
    CHECK("a key made in it", sub != NULL);
    CHECK_EQ("set in it", set(in, "t", 2) | set(sub, "x", 3), 0);
    CHECK_EQ("seen in it", number(in, NULL, "t"), 2);
    CHECK_EQ("and below", number(in, "made", "x"), 3);
    CHECK_EQ("not outside", number(key, NULL, "t"), 1);
    CHECK_EQ("nor the key", RegOpenKeyExA(key, "made", 0, KEY_READ, &seen), ERROR_FILE_NOT_FOUND);
    HKEY other = make(HKEY_CURRENT_USER, KEY "\\with class\\elsewhere", 0);
    CHECK_EQ("others go on elsewhere", set(other, "y", 1), 0);
    RegCloseKey(other);
    CHECK_EQ("commit", NtCommitTransaction_(t, TRUE), 0);
    CHECK_EQ("it is done", WaitForSingleObject(t, 0), WAIT_OBJECT_0);
    CHECK_EQ("the value", number(key, NULL, "t"), 2);
    CHECK_EQ("the key", number(key, "made", "x"), 3);
    CHECK("its handles are of no use any more", set(sub, "x", 4) != 0);
    CHECK_EQ("once only", NtCommitTransaction_(t, TRUE), (LONG)0xc0190016);
    CHECK("no key is opened in it", within(key, L"made", t, FALSE) == NULL);
    RegCloseKey(sub);
    RegCloseKey(in);
    CloseHandle(t);

    t = begin();
    in = within(key, L"", t, FALSE);
    set(in, "t", 5);
    RegDeleteTreeA(in, "made");
    CHECK_EQ("deleted in it", number(in, "made", "x"), 0xbad);
    CHECK_EQ("still there outside", number(key, "made", "x"), 3);
    CHECK_EQ("roll back", NtRollbackTransaction_(t, TRUE), 0);
    CHECK_EQ("nothing happened", number(key, NULL, "t"), 2);
    CHECK_EQ("to the key either", number(key, "made", "x"), 3);
    CHECK_EQ("no more", NtCommitTransaction_(t, TRUE), (LONG)0xc0190015);
    RegCloseKey(in);
    CloseHandle(t);

    t = begin();
    in = within(key, L"", t, FALSE);
    set(in, "t", 6);
    CHECK_EQ("somebody else changes the key", set(key, "t", 7), 0);
    CHECK_EQ("that ends it", NtCommitTransaction_(t, TRUE), (LONG)0xc0190015);
    CHECK_EQ("theirs counts", number(key, NULL, "t"), 7);
    RegCloseKey(in);
    CloseHandle(t);
}

int main(void) {
    HKEY key;
    RegDeleteTreeA(HKEY_CURRENT_USER, KEY);
    key = make(HKEY_CURRENT_USER, KEY, 0);
    fill(key);
    CHECK("filled", filled(key));
    saving(key);
    if (!under_oracle()) transactions(key);
    RegCloseKey(key);
    RegDeleteTreeA(HKEY_CURRENT_USER, KEY);
    return finish();
}
