/* The registry of several processes: what one changes the others see; handles, deletion, notification, transactions. */
#include "check.h"

#define KEY "Software\\Portcullis Children"

static char self[MAX_PATH];

static BOOL start(PROCESS_INFORMATION *made, BOOL inherit, const char *arguments) {
    char line[2 * MAX_PATH];
    STARTUPINFOA with = {.cb = sizeof with};
    snprintf(line, sizeof line, "\"%s\" %s", self, arguments);
    return CreateProcessA(NULL, line, NULL, NULL, inherit, 0, NULL, NULL, &with, made);
}

static DWORD ended(PROCESS_INFORMATION *made) {
    DWORD code = 0xdead;
    if (WaitForSingleObject(made->hProcess, 60000) == WAIT_OBJECT_0) GetExitCodeProcess(made->hProcess, &code);
    CloseHandle(made->hProcess);
    CloseHandle(made->hThread);
    return code;
}

static DWORD run(const char *arguments) {
    PROCESS_INFORMATION made;
    return start(&made, FALSE, arguments) ? ended(&made) : 0xbad;
}

static DWORD number(HKEY key, const char *name) {
    DWORD value = 0, size = 4, type = 0;
    return RegQueryValueExA(key, name, NULL, &type, (BYTE *)&value, &size) || type != REG_DWORD ? 0xbad : value;
}

static LSTATUS set(HKEY key, const char *name, DWORD value) { return RegSetValueExA(key, name, 0, REG_DWORD, (BYTE *)&value, 4); }

/* What the children do; the result is the exit code. */
static int child(char **argv) {
    const char *what = argv[1];
    HKEY key, sub;
    DWORD i, size;
    if (!strcmp(what, "handle")) {
        key = (HKEY)(ULONG_PTR)strtoull(argv[2], NULL, 16);
        if (number(key, "parent") != 11) return 1;
        if (set(key, "by handle", 12)) return 2;
        return RegCloseKey(key) ? 3 : 0;
    }
    if (!strcmp(what, "stale")) {
        key = (HKEY)(ULONG_PTR)strtoull(argv[2], NULL, 16);
        return RegQueryInfoKeyA(key, NULL, NULL, NULL, &i, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    }
    if (RegOpenKeyExA(HKEY_CURRENT_USER, KEY, 0, KEY_ALL_ACCESS, &key)) return 101;
    if (!strcmp(what, "see")) {
        char text[64], class[32];
        FILETIME t;
        size = sizeof text;
        if (RegQueryValueExA(key, "text", NULL, NULL, (BYTE *)text, &size) || strcmp(text, "from the parent")) return 1;
        if (number(key, "number") != 7) return 2;
        if (RegOpenKeyExA(key, "volatile\\below", 0, KEY_READ, &sub)) return 3;
        size = sizeof class;
        if (RegQueryInfoKeyA(sub, class, &size, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &t) || strcmp(class, "kind")) return 4;
        RegCloseKey(sub);
        if (RegOpenKeyExA(HKEY_CURRENT_USER, "Software\\Portcullis Link\\volatile", 0, KEY_READ, &sub)) return 5;
        RegCloseKey(sub);
        if (!RegOpenKeyExA(key, "deleted", 0, KEY_READ, &sub)) return 6;
        return 0;
    }
    if (!strcmp(what, "change")) {
        if (set(key, "number", 8) || set(key, "new", 9)) return 1;
        if (RegDeleteValueA(key, "text")) return 2;
        if (RegCreateKeyExA(key, "from the child", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &sub, NULL)) return 3;
        if (set(sub, "x", 5)) return 4;
        if (RegDeleteTreeA(key, "volatile")) return 5;
        return 0;
    }
    if (!strcmp(what, "touch")) return set(key, "touched", GetTickCount());
    if (!strcmp(what, "grandchild")) return set(key, "generation", 1) ? 1 : run("grandchild2");
    if (!strcmp(what, "grandchild2")) return number(key, "generation") == 1 ? set(key, "generation", 2) : 1;
    if (!strcmp(what, "count")) {
        /* Each adds keys of its own, and to what all have. */
        for (i = 0; i < 100; i++) {
            char name[32];
            snprintf(name, sizeof name, "%s-%03lu", argv[2], i);
            if (RegCreateKeyExA(key, name, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &sub, NULL)) return 1;
            if (set(sub, "i", i)) return 2;
            RegCloseKey(sub);
            if (set(key, argv[2], i)) return 3;
        }
        return 0;
    }
    if (!strcmp(what, "die")) {
        /* Writes until it is ended. */
        for (i = 0;; i++) {
            char text[200];
            memset(text, 'a' + i % 26, sizeof text);
            if (RegSetValueExA(key, "dying", 0, REG_BINARY, (BYTE *)text, sizeof text)) return 1;
            if (RegCreateKeyExA(key, "dying", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &sub, NULL)) return 2;
            RegCloseKey(sub);
            if (RegDeleteKeyA(key, "dying")) return 3;
        }
    }
    return 100;
}

static void shared(HKEY key) {
    HKEY sub;
    CHECK_EQ("a text", RegSetValueExA(key, "text", 0, REG_SZ, (BYTE *)"from the parent", 16), 0);
    CHECK_EQ("a number", set(key, "number", 7), 0);
    CHECK_EQ("a volatile key", RegCreateKeyExA(key, "volatile", 0, NULL, REG_OPTION_VOLATILE, KEY_ALL_ACCESS, NULL, &sub, NULL), 0);
    RegCloseKey(sub);
    CHECK_EQ("with a class below", RegCreateKeyExA(key, "volatile\\below", 0, "kind", REG_OPTION_VOLATILE, KEY_ALL_ACCESS, NULL, &sub, NULL), 0);
    RegCloseKey(sub);
    RegCreateKeyExA(key, "deleted", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &sub, NULL);
    RegCloseKey(sub);
    RegDeleteKeyA(key, "deleted");
    WCHAR target[300] = L"\\Registry\\User\\";
    HKEY link;
    CHECK_EQ("a link", RegCreateKeyExA(HKEY_CURRENT_USER, "Software\\Portcullis Link", 0, NULL, REG_OPTION_VOLATILE | REG_OPTION_CREATE_LINK, KEY_ALL_ACCESS, NULL, &link, NULL), 0);
    typedef struct { USHORT Length, Maximum; WCHAR *Buffer; } STRING;
    STRING user;
    LONG (WINAPI *path)(STRING *) = (void *)GetProcAddress(GetModuleHandleA("ntdll"), "RtlFormatCurrentUserKeyPath");
    path(&user);
    memcpy(target, user.Buffer, user.Length);
    target[user.Length / 2] = 0;
    wcscat(target, L"\\Software\\Portcullis Children");
    CHECK_EQ("its target", RegSetValueExW(link, L"SymbolicLinkValue", 0, REG_LINK, (BYTE *)target, wcslen(target) * 2), 0);
    CHECK_EQ("a child sees all of it", run("see"), 0);
    LONG (WINAPI *delete)(HKEY) = (void *)GetProcAddress(GetModuleHandleA("ntdll"), "NtDeleteKey");
    CHECK_EQ("the link goes", delete(link), 0);
    RegCloseKey(link);

    HKEY dead;
    CHECK_EQ("open what will go", RegOpenKeyExA(key, "volatile\\below", 0, KEY_READ, &dead), 0);
    CHECK_EQ("a child changes it", run("change"), 0);
    CHECK_EQ("a value that was changed", number(key, "number"), 8);
    CHECK_EQ("one that is new", number(key, "new"), 9);
    CHECK_EQ("one that is gone", RegQueryValueExA(key, "text", NULL, NULL, NULL, NULL), ERROR_FILE_NOT_FOUND);
    CHECK_EQ("its key", RegOpenKeyExA(key, "from the child", 0, KEY_ALL_ACCESS, &sub), 0);
    CHECK_EQ("and what is in it", number(sub, "x"), 5);
    RegCloseKey(sub);
    DWORD count;
    CHECK_EQ("an open key that a child deleted", RegQueryInfoKeyA(dead, NULL, NULL, NULL, &count, NULL, NULL, NULL, NULL, NULL, NULL, NULL), ERROR_KEY_DELETED);
    RegCloseKey(dead);
    CHECK_EQ("a child's child", run("grandchild"), 0);
    CHECK_EQ("both were here", number(key, "generation"), 2);
}

static void handles(HKEY key) {
    HKEY given, gone;
    PROCESS_INFORMATION made;
    char line[64];
    set(key, "parent", 11);
    CHECK_EQ("a key to inherit", RegOpenKeyExA(HKEY_CURRENT_USER, KEY, 0, KEY_ALL_ACCESS, &given), 0);
    CHECK("inheritable", SetHandleInformation(given, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
    snprintf(line, sizeof line, "handle %llx", (unsigned long long)(ULONG_PTR)given);
    CHECK("a child with it", start(&made, TRUE, line));
    CHECK_EQ("uses it", ended(&made), 0);
    CHECK_EQ("as we see", number(key, "by handle"), 12);
    RegCloseKey(given);
    RegCreateKeyExA(key, "stale", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &gone, NULL);
    SetHandleInformation(gone, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    RegDeleteKeyA(key, "stale");
    snprintf(line, sizeof line, "stale %llx", (unsigned long long)(ULONG_PTR)gone);
    CHECK("a child with a dead one", start(&made, TRUE, line));
    CHECK_EQ("it is dead there too", ended(&made), ERROR_KEY_DELETED);
    RegCloseKey(gone);
}

static void notified(HKEY key) {
    HKEY top;
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, NULL);
    RegOpenKeyExA(HKEY_CURRENT_USER, "Software", 0, KEY_NOTIFY, &top);
    CHECK_EQ("wait for the tree", RegNotifyChangeKeyValue(top, TRUE, REG_NOTIFY_CHANGE_LAST_SET, event, TRUE), 0);
    CHECK_EQ("nothing yet", WaitForSingleObject(event, 50), WAIT_TIMEOUT);
    CHECK_EQ("a child changes a value", run("touch"), 0);
    CHECK_EQ("we are told", WaitForSingleObject(event, 30000), WAIT_OBJECT_0);
    CHECK_EQ("wait for keys", RegNotifyChangeKeyValue(key, FALSE, REG_NOTIFY_CHANGE_NAME, event, TRUE), 0);
    CHECK_EQ("a child changes a value again", run("touch"), 0);
    CHECK_EQ("that is nothing", WaitForSingleObject(event, 50), WAIT_TIMEOUT);
    CHECK_EQ("a child makes a key", run("count n"), 0);
    CHECK_EQ("told", WaitForSingleObject(event, 30000), WAIT_OBJECT_0);
    RegCloseKey(top);
    CloseHandle(event);
}

static void many(HKEY key) {
    PROCESS_INFORMATION made[4];
    char line[32];
    int started = 0, good = 0;
    for (int i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "count c%d", i);
        started += start(&made[i], FALSE, line);
    }
    for (int i = 0; i < started; i++) good += ended(&made[i]) == 0;
    CHECK_EQ("four at once", good, 4);
    int right = 0;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 100; j++) {
            HKEY sub;
            snprintf(line, sizeof line, "c%d-%03d", i, j);
            if (RegOpenKeyExA(key, line, 0, KEY_READ, &sub)) continue;
            right += number(sub, "i") == (DWORD)j;
            RegCloseKey(sub);
        }
        snprintf(line, sizeof line, "c%d", i);
        right += number(key, line) == 99;
    }
    CHECK_EQ("all of theirs is there", right, 404);
    /* Ended in the middle of writing: what is there is whole, and the others go on. */
    int whole = 0;
    for (int i = 0; i < 8; i++) {
        PROCESS_INFORMATION one;
        HKEY sub;
        BYTE text[200];
        DWORD size = sizeof text, bad = 0;
        if (!start(&one, FALSE, "die")) continue;
        Sleep(15 + i * 9);
        TerminateProcess(one.hProcess, 77);
        ended(&one);
        LSTATUS e = RegQueryValueExA(key, "dying", NULL, NULL, text, &size);
        for (DWORD j = 1; !e && j < size; j++) bad |= text[j] != text[0];
        if (e == ERROR_FILE_NOT_FOUND) e = 0, size = 200;
        if (!RegOpenKeyExA(key, "dying", 0, KEY_READ, &sub)) {
            RegCloseKey(sub);
            RegDeleteKeyA(key, "dying");
        }
        whole += !e && !bad && size == 200 && set(key, "after", i) == 0 && number(key, "after") == (DWORD)i;
    }
    CHECK_EQ("none that was ended left half a change", whole, 8);
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 1) return child(argv);
    HKEY key;
    RegDeleteTreeA(HKEY_CURRENT_USER, KEY);
    CHECK_EQ("a key", RegCreateKeyExA(HKEY_CURRENT_USER, KEY, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, NULL), 0);
    shared(key);
    handles(key);
    notified(key);
    many(key);
    RegCloseKey(key);
    CHECK_EQ("all of it goes", RegDeleteTreeA(HKEY_CURRENT_USER, KEY), 0);
    return finish();
}
