/* What a new process has of others: listed handles, those of another parent, standard handles, desktop and job. */
#include "family.h"

static HANDLE inherit_event(void) {
    return inheritable(CreateEventA(NULL, TRUE, FALSE, NULL));
}

/* The child: one bit for each handle that it has, by its number, and for standard handles. */
static int child(int argc, char **argv) {
    int found = 0;
    for (int i = 2; i < argc; i++) {
        HANDLE handle = handle_of(argv[i]);
        DWORD flags = 0;
        /* The events that were set: another object may have a number that was not inherited. */
        if (GetHandleInformation(handle, &flags) && WaitForSingleObject(handle, 0) == WAIT_OBJECT_0) found |= 1 << (i - 2);
    }
    return found;
}

/* The child: what kind of output it has, and whether the number is the one it was told. */
static int standard(char **argv) {
    HANDLE output = GetStdHandle(STD_OUTPUT_HANDLE);
    DWORD flags = 0;
    if (output == NULL) return 1;
    if (!GetHandleInformation(output, &flags)) return output == handle_of(argv[2]) ? 2 : 3;
    return 10 + (int)GetFileType(output);
}

static void lists(void) {
    HANDLE events[3];
    SIZE_T size = 0;
    char line[2 * MAX_PATH];
    PROCESS_INFORMATION made;
    STARTUPINFOEXA with = {.StartupInfo.cb = sizeof with};
    for (int i = 0; i < 3; i++) SetEvent(events[i] = inherit_event());
    snprintf(line, sizeof line, "\"%s\" has %llu %llu %llu", self, number(events[0]), number(events[1]), number(events[2]));
    InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    with.lpAttributeList = malloc(size);
    InitializeProcThreadAttributeList(with.lpAttributeList, 1, 0, &size);
    CHECK("a list of one", UpdateProcThreadAttribute(with.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &events[1],
                                                     sizeof events[1], NULL, NULL));
    CHECK("started", CreateProcessA(NULL, line, NULL, NULL, TRUE, EXTENDED_STARTUPINFO_PRESENT, NULL, NULL, &with.StartupInfo, &made));
    CHECK_EQ("has that one alone", ended(&made), 2);
    DeleteProcThreadAttributeList(with.lpAttributeList);
    CHECK("all", start(&made, 0, TRUE, "has %llu %llu %llu", number(events[0]), number(events[1]), number(events[2])));
    CHECK_EQ("has all", ended(&made), 7);
    CHECK("none", start(&made, 0, FALSE, "has %llu %llu %llu", number(events[0]), number(events[1]), number(events[2])));
    CHECK_EQ("has none", ended(&made), 0);
    for (int i = 0; i < 3; i++) CloseHandle(events[i]);
    free(with.lpAttributeList);
}

/* The middle one: holds an inheritable event that its own parent does not have, and says which. */
static int parent(char **argv) {
    HANDLE event = inherit_event(), told = handle_of(argv[2]), done = handle_of(argv[3]);
    ULONGLONG value = number(event);
    DWORD written;
    SetEvent(event);
    WriteFile(told, &value, sizeof value, &written, NULL);
    return WaitForSingleObject(done, 60000) == WAIT_OBJECT_0 ? 0 : 9;
}

static void parents(void) {
    HANDLE read, write, done = inherit_event(), own = inherit_event();
    ULONGLONG value = 0;
    DWORD got = 0;
    SIZE_T size = 0;
    char line[2 * MAX_PATH];
    PROCESS_INFORMATION middle, made;
    STARTUPINFOEXA with = {.StartupInfo.cb = sizeof with};
    BOOL inside = FALSE;
    CreatePipe(&read, &write, NULL, 0);
    SetEvent(own);
    CHECK("one to be a parent", start(&middle, 0, TRUE, "parent %llu %llu", number(inheritable(write)), number(done)));
    CHECK("has a handle", ReadFile(read, &value, sizeof value, &got, NULL) && got == sizeof value);
    HANDLE job = CreateJobObjectA(NULL, NULL);
    CHECK("is in a job", AssignProcessToJobObject(job, middle.hProcess));
    /* Not a number that the parent has: it was never inheritable there. */
    snprintf(line, sizeof line, "\"%s\" has %llu", self, value);
    InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    with.lpAttributeList = malloc(size);
    InitializeProcThreadAttributeList(with.lpAttributeList, 1, 0, &size);
    UpdateProcThreadAttribute(with.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_PARENT_PROCESS, &middle.hProcess, sizeof middle.hProcess, NULL, NULL);
    CHECK("its child, made here", CreateProcessA(NULL, line, NULL, NULL, TRUE, EXTENDED_STARTUPINFO_PRESENT | CREATE_SUSPENDED, NULL, NULL,
                                                 &with.StartupInfo, &made));
    CHECK("is in the parent's job", IsProcessInJob(made.hProcess, job, &inside) && inside);
    ResumeThread(made.hThread);
    CHECK_EQ("has the parent's handle", ended(&made), 1);
    SetEvent(done);
    CHECK_EQ("the parent ends", ended(&middle), 0);
    CHECK_ERROR("a parent that ended", CreateProcessA(NULL, line, NULL, NULL, FALSE, EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
                                                      &with.StartupInfo, &made), ERROR_INVALID_HANDLE);
    DeleteProcThreadAttributeList(with.lpAttributeList);
    free(with.lpAttributeList);
    CloseHandle(job);
    CloseHandle(read);
    CloseHandle(write);
}

static DWORD output_of(HANDLE output, BOOL told, BOOL inherit) {
    PROCESS_INFORMATION made;
    STARTUPINFOA with = {.cb = sizeof with};
    char line[2 * MAX_PATH];
    HANDLE before = GetStdHandle(STD_OUTPUT_HANDLE);
    snprintf(line, sizeof line, "\"%s\" standard %llu", self, number(output));
    if (told) {
        with.dwFlags = STARTF_USESTDHANDLES;
        with.hStdOutput = output;
    } else {
        SetStdHandle(STD_OUTPUT_HANDLE, output);
    }
    BOOL good = CreateProcessA(NULL, line, NULL, NULL, inherit, 0, NULL, NULL, &with, &made);
    SetStdHandle(STD_OUTPUT_HANDLE, before);
    return good ? ended(&made) : 0xdead;
}

static void outputs(void) {
    HANDLE file = CreateFileA(scratch("output"), GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
    WINE8_DIFFERS(CHECK_EQ("told, without inheriting", output_of(file, TRUE, FALSE), 1));
    CHECK_EQ("the maker's own, without inheriting", output_of(file, FALSE, FALSE), 10 + FILE_TYPE_DISK);
    inheritable(file);
    CHECK_EQ("told and inherited", output_of(file, TRUE, TRUE), 10 + FILE_TYPE_DISK);
    WINE8_DIFFERS(CHECK_EQ("inheritable, told, not inherited", output_of(file, TRUE, FALSE), 1));
    CHECK_EQ("the maker's own, inherited", output_of(file, FALSE, TRUE), 10 + FILE_TYPE_DISK);
    CHECK_EQ("no handle at all", output_of((HANDLE)(ULONG_PTR)0x66600, TRUE, FALSE), 1);
    WINE8_DIFFERS(CHECK_EQ("no handle, inherited", output_of((HANDLE)(ULONG_PTR)0x66600, TRUE, TRUE), 2));
    CHECK_EQ("the maker's is no handle", output_of((HANDLE)(ULONG_PTR)0x66600, FALSE, FALSE), 1);
    CloseHandle(file);
}

/* A duplicate that replaces its source keeps its number. */
static void in_place(void) {
    HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL), made = NULL, us = GetCurrentProcess();
    DWORD flags = 0;
    CHECK("closed over it", DuplicateHandle(us, event, us, &made, 0, TRUE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    CHECK("is the same", made == event && GetHandleInformation(made, &flags) && flags == HANDLE_FLAG_INHERIT);
    CHECK("with fewer rights", DuplicateHandle(us, event, us, &made, SYNCHRONIZE, FALSE, DUPLICATE_CLOSE_SOURCE) && made == event);
    CHECK_ERROR("which it has alone", SetEvent(event), ERROR_ACCESS_DENIED);
    CHECK("and more again, as another", DuplicateHandle(us, event, us, &made, EVENT_ALL_ACCESS, FALSE, 0) && SetEvent(made));
    SetHandleInformation(event, HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE);
    CloseHandle(made);
    CHECK("protected", DuplicateHandle(us, event, us, &made, 0, FALSE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE) && made != event);
    CHECK("and still there", GetHandleInformation(event, &flags) && flags == HANDLE_FLAG_PROTECT_FROM_CLOSE);
    SetHandleInformation(event, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0);
    CloseHandle(event);
    CloseHandle(made);
    CHECK_ERROR("half of a pseudo handle", GetExitCodeProcess((HANDLE)(ULONG_PTR)0xffffffff, &flags), ERROR_INVALID_HANDLE);
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 1 && !strcmp(argv[1], "has")) return child(argc, argv);
    if (argc > 3 && !strcmp(argv[1], "parent")) return parent(argv);
    if (argc > 2 && !strcmp(argv[1], "standard")) return standard(argv);
    lists();
    parents();
    outputs();
    in_place();
    return finish();
}
