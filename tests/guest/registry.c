/* Registry: keys, values of every type, enumeration, deletion, volatility, notification, what an installed Windows holds. */
#include "check.h"
#include <sddl.h>

#define KEY "Software\\Portcullis Test"

static LSTATUS set(HKEY k, const char *name, DWORD type, const void *data, DWORD size) { return RegSetValueExA(k, name, 0, type, data, size); }

static void keys(void) {
    HKEY k = NULL, s = NULL, o = NULL;
    DWORD disposition = 0;
    CHECK_EQ("create", RegCreateKeyExA(HKEY_CURRENT_USER, KEY, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &k, &disposition), 0);
    CHECK_EQ("it is new", disposition, REG_CREATED_NEW_KEY);
    CHECK_EQ("create below", RegCreateKeyExA(k, "a\\b\\c", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &s, &disposition), 0);
    CHECK_EQ("create again opens", RegCreateKeyExA(HKEY_CURRENT_USER, KEY "\\A\\B\\C", 0, NULL, 0, KEY_READ, NULL, &o, &disposition) || disposition != REG_OPENED_EXISTING_KEY, 0);
    CHECK_EQ("a read handle sets nothing", set(o, "x", REG_DWORD, &disposition, 4), ERROR_ACCESS_DENIED);
    RegCloseKey(o);
    /* Wine's own DLLs ask so whether there is a key. */
    CHECK_EQ("open without a right", RegOpenKeyExA(HKEY_CURRENT_USER, KEY, 0, 0, &o), 0);
    CHECK_EQ("gives none", RegSetValueExA(o, "v", 0, REG_SZ, (const BYTE *)"x", 2), ERROR_ACCESS_DENIED);
    RegCloseKey(o);
    CHECK_EQ("open of nothing", RegOpenKeyExA(k, "none", 0, KEY_READ, &o), ERROR_FILE_NOT_FOUND);
    CHECK_EQ("delete with keys below", RegDeleteKeyA(k, "a"), ERROR_ACCESS_DENIED);
    CHECK_EQ("delete an open key", RegDeleteKeyA(k, "a\\b\\c"), 0);
    CHECK_EQ("its handle is dead", set(s, "x", REG_DWORD, &disposition, 4), ERROR_KEY_DELETED);
    RegCloseKey(s);
    CHECK_EQ("delete below", RegDeleteKeyA(k, "a\\b") | RegDeleteKeyA(k, "a"), 0);
    char name[64];
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "key%02d", 49 - i);
        RegCreateKeyExA(k, name, 0, NULL, i & 1 ? REG_OPTION_VOLATILE : 0, KEY_ALL_ACCESS, NULL, &s, NULL);
        RegCloseKey(s);
    }
    DWORD count = 0, longest = 0;
    CHECK("50 keys counted", RegQueryInfoKeyA(k, NULL, NULL, NULL, &count, &longest, NULL, NULL, NULL, NULL, NULL, NULL) == 0 && count == 50 && longest == 5);
    int sorted = 1, seen = 0;
    for (DWORD i = 0;; i++) {
        char want[16];
        DWORD size = sizeof name;
        FILETIME t;
        LSTATUS e = RegEnumKeyExA(k, i, name, &size, NULL, NULL, NULL, &t);
        if (e == ERROR_NO_MORE_ITEMS) break;
        if (e) { sorted = 0; break; }
        snprintf(want, sizeof want, "key%02lu", i);
        sorted &= !strcmp(want, name);
        seen++;
    }
    CHECK("enumerated in order", sorted && seen == 50);
    DWORD small = 3;
    CHECK_EQ("a short buffer", RegEnumKeyExA(k, 0, name, &small, NULL, NULL, NULL, NULL), ERROR_MORE_DATA);
    CHECK_EQ("delete the tree", RegDeleteTreeA(HKEY_CURRENT_USER, KEY), 0);
    CHECK_EQ("it is gone", RegOpenKeyExA(HKEY_CURRENT_USER, KEY, 0, KEY_READ, &o), ERROR_FILE_NOT_FOUND);
    RegCloseKey(k);
}

static void values(void) {
    HKEY k;
    DWORD type, size, number = 0x12345678;
    ULONGLONG wide = 0x1122334455667788;
    char text[512];
    RegCreateKeyExA(HKEY_CURRENT_USER, KEY, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &k, NULL);
    CHECK_EQ("string", set(k, "s", REG_SZ, "text", 5), 0);
    CHECK_EQ("number", set(k, "d", REG_DWORD, &number, 4), 0);
    CHECK_EQ("wide number", set(k, "q", REG_QWORD, &wide, 8), 0);
    CHECK_EQ("list", set(k, "m", REG_MULTI_SZ, "a\0b\0", 5), 0);
    CHECK_EQ("expandable", set(k, "e", REG_EXPAND_SZ, "%windir%", 9), 0);
    CHECK_EQ("nothing", set(k, "n", REG_NONE, NULL, 0), 0);
    CHECK_EQ("default", set(k, NULL, REG_SZ, "def", 4), 0);
    size = sizeof text;
    CHECK("string read", RegQueryValueExA(k, "S", NULL, &type, (BYTE *)text, &size) == 0 && type == REG_SZ && size == 5 && !strcmp(text, "text"));
    size = sizeof text;
    CHECK("list read", RegQueryValueExA(k, "m", NULL, &type, (BYTE *)text, &size) == 0 && type == REG_MULTI_SZ && size == 5 && !memcmp(text, "a\0b\0", 5));
    size = 4;
    number = 0;
    CHECK("number read", RegQueryValueExA(k, "d", NULL, &type, (BYTE *)&number, &size) == 0 && number == 0x12345678);
    size = 2;
    CHECK("short buffer says how much", RegQueryValueExA(k, "q", NULL, &type, (BYTE *)text, &size) == ERROR_MORE_DATA && size == 8);
    size = 0;
    CHECK("size only", RegQueryValueExA(k, "s", NULL, &type, NULL, &size) == 0 && size == 5);
    size = sizeof text;
    CHECK("default read", RegQueryValueExA(k, "", NULL, NULL, (BYTE *)text, &size) == 0 && !strcmp(text, "def"));
    CHECK_EQ("no such value", RegQueryValueExA(k, "none", NULL, NULL, NULL, &size), ERROR_FILE_NOT_FOUND);
    size = sizeof text;
    CHECK("RegGetValue expands", RegGetValueA(k, NULL, "e", RRF_RT_REG_SZ, NULL, text, &size) == 0 && text[1] == ':');
    size = sizeof text;
    CHECK_EQ("RegGetValue of the wrong type", RegGetValueA(k, NULL, "d", RRF_RT_REG_SZ, NULL, text, &size), ERROR_UNSUPPORTED_TYPE);
    DWORD count = 0;
    CHECK("seven values", RegQueryInfoKeyA(k, NULL, NULL, NULL, NULL, NULL, NULL, &count, NULL, NULL, NULL, NULL) == 0 && count == 7);
    int seen = 0;
    char name[32];
    for (DWORD i = 0; i < 20; i++) {
        DWORD length = sizeof name;
        size = sizeof text;
        if (RegEnumValueA(k, i, name, &length, NULL, &type, (BYTE *)text, &size)) break;
        seen++;
    }
    CHECK_EQ("all enumerated", seen, 7);
    CHECK_EQ("delete", RegDeleteValueA(k, "s"), 0);
    CHECK_EQ("again", RegDeleteValueA(k, "s"), ERROR_FILE_NOT_FOUND);
    static char large[100000];
    memset(large, 'L', sizeof large);
    CHECK_EQ("100 KB", set(k, "large", REG_BINARY, large, sizeof large), 0);
    static char back[100000];
    size = sizeof back;
    CHECK("and back", RegQueryValueExA(k, "large", NULL, &type, (BYTE *)back, &size) == 0 && size == sizeof back && !memcmp(large, back, sizeof large));
    HANDLE e = CreateEventA(NULL, FALSE, FALSE, NULL);
    CHECK_EQ("notification", RegNotifyChangeKeyValue(k, TRUE, REG_NOTIFY_CHANGE_LAST_SET | REG_NOTIFY_CHANGE_NAME, e, TRUE), 0);
    CHECK_EQ("quiet", WaitForSingleObject(e, 20), WAIT_TIMEOUT);
    set(k, "d", REG_DWORD, &type, 4);
    set(k, "d2", REG_DWORD, &type, 4);
    CHECK_EQ("told", WaitForSingleObject(e, 2000), 0);
    CloseHandle(e);
    CHECK_EQ("flush", RegFlushKey(k), 0);
    RegCloseKey(k);
    RegDeleteTreeA(HKEY_CURRENT_USER, KEY);
}

static void security(void) {
    HKEY k = NULL, other = NULL, sub = NULL;
    CHECK_EQ("a key to guard", RegCreateKeyExA(HKEY_CURRENT_USER, KEY, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &k, NULL), 0);
    PSECURITY_DESCRIPTOR read = NULL, all = NULL;
    CHECK("descriptors", ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;CI;KR;;;WD)", SDDL_REVISION_1, &read, NULL) &&
                             ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;CI;KA;;;WD)", SDDL_REVISION_1, &all, NULL));
    CHECK_EQ("only reading", RegSetKeySecurity(k, DACL_SECURITY_INFORMATION, read), 0);
    CHECK_EQ("reading", RegOpenKeyExA(HKEY_CURRENT_USER, KEY, 0, KEY_READ, &other), 0);
    char raw[512];
    DWORD size = sizeof raw;
    CHECK_EQ("asked through another handle", RegGetKeySecurity(other, DACL_SECURITY_INFORMATION, raw, &size), 0);
    BOOL present = FALSE, defaulted;
    ACL *acl = NULL;
    CHECK("the list", GetSecurityDescriptorDacl(raw, &present, &acl, &defaulted) && present && acl && acl->AceCount == 1);
    RegCloseKey(other);
    /* stock Wine's user is an administrator */
    WINE8_DIFFERS(CHECK_EQ("no writing", RegOpenKeyExA(HKEY_CURRENT_USER, KEY, 0, KEY_SET_VALUE, &other), ERROR_ACCESS_DENIED));
    WINE8_DIFFERS(CHECK_EQ("made through the first handle", RegCreateKeyExA(k, "sub", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &sub, NULL), 0));
    WINE8_DIFFERS(CHECK_EQ("and guarded too", RegOpenKeyExA(k, "sub", 0, KEY_SET_VALUE, &other), ERROR_ACCESS_DENIED));
    CHECK_EQ("free again", RegSetKeySecurity(k, DACL_SECURITY_INFORMATION, all), 0);
    if (sub) {
        RegSetKeySecurity(sub, DACL_SECURITY_INFORMATION, all);
        RegCloseKey(sub);
    }
    CHECK_EQ("writing", RegOpenKeyExA(HKEY_CURRENT_USER, KEY, 0, KEY_SET_VALUE, &other), 0);
    RegCloseKey(other);
    RegCloseKey(k);
    LocalFree(read);
    LocalFree(all);
    RegDeleteTreeA(HKEY_CURRENT_USER, KEY);
}

static int reads(HKEY root, const char *key, const char *value) {
    char text[512];
    DWORD size = sizeof text;
    return RegGetValueA(root, key, value, RRF_RT_ANY, NULL, text, &size) == 0 && size > 0;
}

static void installed(void) {
    CHECK("product version", reads(HKEY_LOCAL_MACHINE, "Software\\Microsoft\\Windows NT\\CurrentVersion", "CurrentBuildNumber"));
    CHECK("system root", reads(HKEY_LOCAL_MACHINE, "Software\\Microsoft\\Windows NT\\CurrentVersion", "SystemRoot"));
    CHECK("program files", reads(HKEY_LOCAL_MACHINE, "Software\\Microsoft\\Windows\\CurrentVersion", "ProgramFilesDir"));
    CHECK("code page", reads(HKEY_LOCAL_MACHINE, "System\\CurrentControlSet\\Control\\Nls\\CodePage", "ACP"));
    WINE8_DIFFERS(CHECK("CurrentControlSet is a link", reads(HKEY_LOCAL_MACHINE, "System\\ControlSet001\\Control\\Nls\\CodePage", "ACP")));
    CHECK("locale", reads(HKEY_CURRENT_USER, "Control Panel\\International", "LocaleName"));
    HKEY classes = NULL;
    CHECK_EQ("classes are there", RegOpenKeyExA(HKEY_CLASSES_ROOT, "CLSID", 0, KEY_READ, &classes), 0);
    RegCloseKey(classes);
    CHECK("user's environment", reads(HKEY_CURRENT_USER, "Environment", "TEMP"));
    CHECK("time zones", reads(HKEY_LOCAL_MACHINE, "Software\\Microsoft\\Windows NT\\CurrentVersion\\Time Zones\\UTC", "TZI"));
    HKEY k = NULL;
    CHECK_EQ("machine software can be written, in the sandbox's own copy", RegCreateKeyExA(HKEY_LOCAL_MACHINE, "Software\\PortcullisTest", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &k, NULL), 0);
    CHECK_EQ("and cleaned", RegDeleteKeyA(HKEY_LOCAL_MACHINE, "Software\\PortcullisTest"), 0);
    RegCloseKey(k);
}

int main(void) {
    RegDeleteTreeA(HKEY_CURRENT_USER, KEY);
    keys();
    values();
    security();
    installed();
    return finish();
}
