/* Who goes through a folder while others change it: what is opened is what its name means then, whoever changed it. */
#include "family.h"
#include <aclapi.h>
#include <stddef.h>

#define FILES 48
/* The files before this one are gone through, and then this one is changed. */
#define AT 21
#define FOLDER "scratch\\ahead"

static HANDLE requests, replies;

static const char *file(int index) {
    static char paths[4][MAX_PATH];
    static int next;
    char *path = paths[next++ & 3];
    snprintf(path, MAX_PATH, FOLDER "\\%03d.txt", index);
    return path;
}

static HANDLE open_file(const char *path, DWORD access, DWORD share, DWORD how, DWORD flags) {
    return CreateFileA(path, access, share, NULL, how, flags, NULL);
}

static DWORD put(const char *path, const char *text) {
    DWORD written = 0;
    HANDLE file = open_file(path, GENERIC_WRITE, 7, OPEN_ALWAYS, 0);
    if (file == INVALID_HANDLE_VALUE) return GetLastError();
    SetEndOfFile(file);
    BOOL good = WriteFile(file, text, (DWORD)strlen(text), &written, NULL);
    CloseHandle(file);
    return good ? 0 : GetLastError();
}

/* What a name means, or "error" and the number of why it cannot be opened. */
static const char *content(const char *path) {
    static char text[64];
    DWORD count = 0;
    HANDLE file = open_file(path, GENERIC_READ, 7, OPEN_EXISTING, 0);
    if (file == INVALID_HANDLE_VALUE) {
        snprintf(text, sizeof text, "error %lu", GetLastError());
        return text;
    }
    if (!ReadFile(file, text, sizeof text - 1, &count, NULL)) count = 0;
    text[count] = 0;
    CloseHandle(file);
    return text;
}

static int list(const char *folder) {
    WIN32_FIND_DATAA found;
    char mask[MAX_PATH];
    int count = 0;
    snprintf(mask, sizeof mask, "%s\\*", folder);
    HANDLE search = FindFirstFileA(mask, &found);
    if (search == INVALID_HANDLE_VALUE) return 0;
    do count += found.cFileName[0] != '.';
    while (FindNextFileA(search, &found));
    FindClose(search);
    return count;
}

static void clear(const char *folder) {
    WIN32_FIND_DATAA found;
    char path[2 * MAX_PATH];
    snprintf(path, sizeof path, "%s\\*", folder);
    HANDLE search = FindFirstFileA(path, &found);
    if (search == INVALID_HANDLE_VALUE) return;
    do {
        snprintf(path, sizeof path, "%s\\%s", folder, found.cFileName);
        SetFileAttributesA(path, FILE_ATTRIBUTE_NORMAL);
        DeleteFileA(path);
    } while (FindNextFileA(search, &found));
    FindClose(search);
    RemoveDirectoryA(folder);
}

/* A fresh folder, which is then listed and gone through up to the file that is to be changed. */
static int fill(void) {
    char text[8];
    int good = 1;
    clear(FOLDER "-away");
    clear(FOLDER);
    CreateDirectoryA("scratch", NULL);
    CreateDirectoryA(FOLDER, NULL);
    for (int index = 0; index < FILES; index++) {
        snprintf(text, sizeof text, "%d", index);
        good &= put(file(index), text) == 0;
    }
    return good;
}

static int through(void) {
    int good = list(FOLDER) == FILES;
    for (int index = 0; index < AT; index++) good &= atoi(content(file(index))) == index;
    return good;
}

static int begin(void) {
    return fill() && through();
}

static HANDLE kept = INVALID_HANDLE_VALUE;

static DWORD deny(const char *path) {
    ACL acl;
    SECURITY_DESCRIPTOR descriptor;
    if (!InitializeAcl(&acl, sizeof acl, ACL_REVISION)) return GetLastError();
    if (!InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION)) return GetLastError();
    if (!SetSecurityDescriptorDacl(&descriptor, TRUE, &acl, FALSE)) return GetLastError();
    return SetFileSecurityA(path, DACL_SECURITY_INFORMATION, &descriptor) ? 0 : GetLastError();
}

/* The changes; the last error of what fails. */
static DWORD change(const char *what) {
    const char *it = file(AT);
    BOOL good = FALSE;
    if (!strcmp(what, "replaces")) {
        if (put(FOLDER "-new", "other")) return GetLastError();
        good = MoveFileExA(FOLDER "-new", it, MOVEFILE_REPLACE_EXISTING);
    } else if (!strcmp(what, "deletes")) {
        good = DeleteFileA(it);
    } else if (!strcmp(what, "makes anew")) {
        good = DeleteFileA(it) && put(it, "other") == 0;
    } else if (!strcmp(what, "renames")) {
        good = MoveFileA(it, FOLDER "\\away");
    } else if (!strcmp(what, "swaps")) {
        good = MoveFileA(it, FOLDER "\\away") && MoveFileA(file(AT + 1), it) && MoveFileA(FOLDER "\\away", file(AT + 1));
    } else if (!strcmp(what, "moves the folder")) {
        good = MoveFileA(FOLDER, FOLDER "-away") && CreateDirectoryA(FOLDER, NULL) && put(it, "other") == 0;
    } else if (!strcmp(what, "writes")) {
        good = put(it, "other") == 0;
    } else if (!strcmp(what, "hides")) {
        good = SetFileAttributesA(it, FILE_ATTRIBUTE_HIDDEN);
    } else if (!strcmp(what, "hides its twin")) {
        good = SetFileAttributesA(FOLDER "-else\\twin", FILE_ATTRIBUTE_HIDDEN);
    } else if (!strcmp(what, "has it alone")) {
        good = (kept = open_file(it, GENERIC_READ, 0, OPEN_EXISTING, 0)) != INVALID_HANDLE_VALUE;
    } else if (!strcmp(what, "is about to delete")) {
        kept = open_file(it, GENERIC_READ | DELETE, 7, OPEN_EXISTING, 0);
        FILE_DISPOSITION_INFO gone = {TRUE};
        good = kept != INVALID_HANDLE_VALUE && SetFileInformationByHandle(kept, FileDispositionInfo, &gone, sizeof gone);
    } else if (!strcmp(what, "lets go")) {
        good = CloseHandle(kept);
    } else if (!strcmp(what, "denies")) {
        return deny(it);
    }
    return good ? 0 : GetLastError();
}

static void serve(void) {
    char what[32];
    DWORD count, error;
    while (ReadFile(requests, what, sizeof what, &count, NULL) && count == sizeof what) {
        error = change(what);
        if (!WriteFile(replies, &error, sizeof error, &count, NULL)) return;
    }
}

static DWORD ask(const char *what) {
    char line[32] = {0};
    DWORD error = 0xdead, count;
    snprintf(line, sizeof line, "%s", what);
    if (!WriteFile(requests, line, sizeof line, &count, NULL) || !ReadFile(replies, &error, sizeof error, &count, NULL)) return GetLastError();
    return error;
}

/* After a change a name means what is wanted. */
static void means(DWORD (*who)(const char *), const char *what, const char *want, const char *next) {
    CHECK("a folder gone through", begin());
    CHECK_EQ(what, who(what), 0);
    const char *found = content(file(AT));
    if (!CHECK("seen", !strcmp(found, want))) say("%s, not %s", found, want);
    CHECK("the next one too", !strcmp(content(file(AT + 1)), next));
}

static DWORD attributes_of_open(const char *path) {
    BY_HANDLE_FILE_INFORMATION info = {0};
    HANDLE file = open_file(path, GENERIC_READ, 7, OPEN_EXISTING, 0);
    if (!GetFileInformationByHandle(file, &info)) return 0xdead;
    CloseHandle(file);
    return info.dwFileAttributes;
}

static const char *const cases[] = {
    "replaces", "deletes", "makes anew", "renames", "swaps", "moves the folder", "writes", "has it alone", "is about to delete",
    "hides", "hides its twin", "denies",
};

/* One change, in a process that changed nothing yet. */
static void one(DWORD (*who)(const char *), const char *what) {
    int is_twin = !strcmp(what, "hides its twin");
    if (!strcmp(what, "replaces") || !strcmp(what, "makes anew") || !strcmp(what, "writes")) {
        means(who, what, "other", "22");
    } else if (!strcmp(what, "deletes") || !strcmp(what, "renames")) {
        means(who, what, "error 2", "22");
    } else if (!strcmp(what, "swaps")) {
        means(who, what, "22", "21");
    } else if (!strcmp(what, "moves the folder")) {
        means(who, what, "other", "error 2");
    } else if (!strcmp(what, "has it alone")) {
        means(who, what, "error 32", "22");
        CHECK_EQ("let go", who("lets go"), 0);
        CHECK("opens again", !strcmp(content(file(AT)), "21"));
    } else if (!strcmp(what, "is about to delete")) {
        /* Stock Wine opens it. */
        WINE8_DIFFERS(means(who, what, "error 5", "22"); CHECK_EQ("let go", who("lets go"), 0);
                      CHECK("gone", !strcmp(content(file(AT)), "error 2")));
    } else if (!strcmp(what, "hides") || is_twin) {
        CHECK("files", fill());
        CreateDirectoryA(FOLDER "-else", NULL);
        DeleteFileA(FOLDER "-else\\twin");
        if (is_twin) CHECK("another name", CreateHardLinkA(FOLDER "-else\\twin", file(AT), NULL));
        CHECK("a folder gone through", through());
        CHECK_EQ("hides", who(what), 0);
        CHECK_EQ("is hidden", attributes_of_open(file(AT)) & FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_HIDDEN);
        CHECK_EQ("the next is not", attributes_of_open(file(AT + 1)) & FILE_ATTRIBUTE_HIDDEN, 0);
        DeleteFileA(FOLDER "-else\\twin");
    } else {
        /* Stock Wine lets root read what nobody may. */
        WINE8_DIFFERS(means(who, what, "error 5", "22"));
    }
}

/* Has another process go through the folder, and carries out the changes that it asks for. */
static void other(const char *what, const char *whose) {
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    PROCESS_INFORMATION made;
    HANDLE theirs, answers;
    CHECK("pipes", CreatePipe(&requests, &theirs, &inherited, 0) && CreatePipe(&answers, &replies, &inherited, 0));
    SetHandleInformation(requests, HANDLE_FLAG_INHERIT, 0);
    SetHandleInformation(replies, HANDLE_FLAG_INHERIT, 0);
    CHECK("a child", start(&made, 0, TRUE, "one \"%s\" %s %llu %llu", what, whose, number(theirs), number(answers)));
    CloseHandle(theirs);
    CloseHandle(answers);
    serve();
    CHECK_EQ("it found", ended(&made), 0);
    CloseHandle(requests);
    CloseHandle(replies);
}

/* Goes through a folder of the host's; then opens and shows what it is told to on each line of standard input. */
static int host(const char *folder) {
    char path[2 * MAX_PATH], line[64];
    int count = list(folder);
    for (int index = 0; index < AT; index++) {
        snprintf(path, sizeof path, "%s\\%03d.txt", folder, index);
        if (atoi(content(path)) != index) return 2;
    }
    say("went through %d of %d", AT, count);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = 0;
        snprintf(path, sizeof path, "%s\\%s", folder, line);
        say("%s", content(path));
    }
    return 0;
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc == 3 && !strcmp(argv[1], "host")) return host(argv[2]);
    if (argc == 6 && !strcmp(argv[1], "one")) {
        requests = handle_of(argv[4]);
        replies = handle_of(argv[5]);
        one(!strcmp(argv[3], "itself") ? change : ask, argv[2]);
        return finish();
    }
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        say("%s", cases[index]);
        other(cases[index], "itself");
        other(cases[index], "another");
    }
    clear(FOLDER "-away");
    clear(FOLDER "-else");
    clear(FOLDER);
    return finish();
}
