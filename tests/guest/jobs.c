/* Jobs of several processes: who is in which, limits, ends, messages. */
#include "family.h"

static HANDLE port_of(HANDLE job, ULONG_PTR key) {
    JOBOBJECT_ASSOCIATE_COMPLETION_PORT with = {.CompletionKey = (PVOID)key};
    with.CompletionPort = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    CHECK("a port for messages", SetInformationJobObject(job, JobObjectAssociateCompletionPortInformation, &with, sizeof with));
    return with.CompletionPort;
}

/* The next message, 0 for none in time; whom it is about. */
static DWORD message(HANDLE port, ULONG_PTR want, DWORD *process) {
    DWORD number = 0;
    ULONG_PTR key = 0;
    OVERLAPPED *about = NULL;
    if (!GetQueuedCompletionStatus(port, &number, &key, &about, 30000)) return 0;
    if (process) *process = (DWORD)(ULONG_PTR)about;
    return key == want ? number : 1000;
}

static void limit(HANDLE job, DWORD flags, DWORD processes) {
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION with = {0};
    with.BasicLimitInformation.LimitFlags = flags;
    with.BasicLimitInformation.ActiveProcessLimit = processes;
    CHECK("limits", SetInformationJobObject(job, JobObjectExtendedLimitInformation, &with, sizeof with));
}

static void membership(void) {
    PROCESS_INFORMATION one, two;
    HANDLE job = CreateJobObjectA(NULL, NULL), other = CreateJobObjectA(NULL, NULL);
    BOOL in = TRUE;
    struct { JOBOBJECT_BASIC_PROCESS_ID_LIST list; ULONG_PTR more[8]; } ids = {0};
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION count = {0};
    CHECK("two children", start(&one, 0, FALSE, "stay") && start(&two, CREATE_SUSPENDED, FALSE, "exit 5"));
    CHECK("not in a job", IsProcessInJob(one.hProcess, job, &in) && !in);
    CHECK("assigned", AssignProcessToJobObject(job, one.hProcess));
    CHECK("once more", AssignProcessToJobObject(job, one.hProcess) || under_oracle());
    CHECK("both", AssignProcessToJobObject(job, two.hProcess));
    CHECK("in it", IsProcessInJob(one.hProcess, job, &in) && in);
    CHECK("in any", IsProcessInJob(one.hProcess, NULL, &in) && in);
    CHECK("not in another", IsProcessInJob(one.hProcess, other, &in) && !in);
    CHECK("we are not", IsProcessInJob(GetCurrentProcess(), job, &in) && !in);
    CHECK("listed", QueryInformationJobObject(job, JobObjectBasicProcessIdList, &ids, sizeof ids, NULL));
    CHECK_EQ("two", ids.list.NumberOfProcessIdsInList, 2);
    CHECK("those", ids.list.ProcessIdList[0] + ids.list.ProcessIdList[1] == one.dwProcessId + two.dwProcessId);
    ResumeThread(two.hThread);
    CHECK_EQ("one ends", ended(&two), 5);
    for (int tries = 0; tries < 200; tries++) {
        QueryInformationJobObject(job, JobObjectBasicAccountingInformation, &count, sizeof count, NULL);
        if (count.ActiveProcesses == 1) break;
        Sleep(10);
    }
    CHECK("counted", count.ActiveProcesses == 1 && count.TotalProcesses == 2 && count.TotalTerminatedProcesses == 0);
    CHECK("ended with the job", TerminateJobObject(job, 77));
    CHECK_EQ("so", ended(&one), 77);
    CloseHandle(job);
    CloseHandle(other);
}

static void messages(void) {
    PROCESS_INFORMATION made;
    HANDLE job = CreateJobObjectA(NULL, "jobs-messages"), port = port_of(job, 42);
    DWORD about = 0;
    CHECK("a child", start(&made, CREATE_SUSPENDED, FALSE, "has-child"));
    CHECK("assigned", AssignProcessToJobObject(job, made.hProcess));
    CHECK_EQ("is told", message(port, 42, &about), JOB_OBJECT_MSG_NEW_PROCESS);
    CHECK_EQ("whom", about, made.dwProcessId);
    ResumeThread(made.hThread);
    CHECK_EQ("its child is in the job", message(port, 42, &about), JOB_OBJECT_MSG_NEW_PROCESS);
    CHECK("another", about != made.dwProcessId);
    DWORD second = about;
    CHECK_EQ("one ends", message(port, 42, &about), JOB_OBJECT_MSG_EXIT_PROCESS);
    CHECK_EQ("the child's child", about, second);
    CHECK_EQ("the child", message(port, 42, &about), JOB_OBJECT_MSG_EXIT_PROCESS);
    CHECK_EQ("itself", about, made.dwProcessId);
    CHECK_EQ("nobody is left", message(port, 42, NULL), JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO);
    CHECK_EQ("it could", ended(&made), 0);
    CloseHandle(job);
    CloseHandle(port);
}

static void closing(void) {
    PROCESS_INFORMATION made;
    HANDLE job = CreateJobObjectA(NULL, NULL);
    limit(job, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, 0);
    CHECK("a child", start(&made, 0, FALSE, "stay"));
    CHECK("assigned", AssignProcessToJobObject(job, made.hProcess));
    CHECK_EQ("lives", WaitForSingleObject(made.hProcess, 50), WAIT_TIMEOUT);
    CloseHandle(job);
    CHECK_EQ("ends with the last handle", ended(&made), 0);
    /* The holder of the only handle ends. */
    HANDLE ready = CreateEventA(NULL, TRUE, FALSE, "jobs-ready");
    PROCESS_INFORMATION holder;
    CHECK("a child", start(&made, 0, FALSE, "stay"));
    CHECK("a holder", start(&holder, 0, FALSE, "holds %lu", made.dwProcessId));
    CHECK_EQ("has it", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    CHECK("is killed", TerminateProcess(holder.hProcess, 6));
    CHECK_EQ("so", ended(&holder), 6);
    CHECK("and the child with it", ended(&made) != 0xdead);
    CloseHandle(ready);
}

static void limits(void) {
    PROCESS_INFORMATION one, two;
    HANDLE job = CreateJobObjectA(NULL, NULL);
    limit(job, JOB_OBJECT_LIMIT_ACTIVE_PROCESS, 1);
    CHECK("two children", start(&one, 0, FALSE, "stay") && start(&two, CREATE_SUSPENDED, FALSE, "stay"));
    CHECK("the first", AssignProcessToJobObject(job, one.hProcess));
    WINE8_DIFFERS(
        CHECK("not the second", !AssignProcessToJobObject(job, two.hProcess));
        CHECK("which ends", ended(&two) != 0xdead));
    if (under_oracle()) TerminateProcess(two.hProcess, 0);
    TerminateJobObject(job, 1);
    CHECK_EQ("the first too", ended(&one), 1);
    CloseHandle(job);
}

static void breaking_away(void) {
    PROCESS_INFORMATION made;
    HANDLE job = CreateJobObjectA(NULL, "jobs-away");
    CHECK("a child", start(&made, CREATE_SUSPENDED, FALSE, "away 0"));
    CHECK("assigned", AssignProcessToJobObject(job, made.hProcess));
    ResumeThread(made.hThread);
    CHECK_EQ("its children stay", ended(&made), 0);
    limit(job, JOB_OBJECT_LIMIT_BREAKAWAY_OK, 0);
    CHECK("a child", start(&made, CREATE_SUSPENDED, FALSE, "away 1"));
    CHECK("assigned", AssignProcessToJobObject(job, made.hProcess));
    ResumeThread(made.hThread);
    CHECK_EQ("its children may leave", ended(&made), 0);
    limit(job, JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK, 0);
    CHECK("a child", start(&made, CREATE_SUSPENDED, FALSE, "away 2"));
    CHECK("assigned", AssignProcessToJobObject(job, made.hProcess));
    ResumeThread(made.hThread);
    CHECK_EQ("its children leave", ended(&made), 0);
    CloseHandle(job);
}

static void nested(void) {
    PROCESS_INFORMATION one, two;
    HANDLE outer = CreateJobObjectA(NULL, NULL), inner = CreateJobObjectA(NULL, NULL);
    BOOL in = FALSE;
    CHECK("two children", start(&one, 0, FALSE, "stay") && start(&two, 0, FALSE, "stay"));
    CHECK("both in the outer", AssignProcessToJobObject(outer, one.hProcess) && AssignProcessToJobObject(outer, two.hProcess));
    CHECK("one in the inner", AssignProcessToJobObject(inner, one.hProcess));
    CHECK("in both", IsProcessInJob(one.hProcess, outer, &in) && in && IsProcessInJob(one.hProcess, inner, &in) && in);
    CHECK("the inner ends", TerminateJobObject(inner, 8));
    CHECK_EQ("with its own", ended(&one), 8);
    CHECK_EQ("not the other", WaitForSingleObject(two.hProcess, 50), WAIT_TIMEOUT);
    CHECK("the outer ends", TerminateJobObject(outer, 9));
    CHECK_EQ("so", ended(&two), 9);
    CloseHandle(outer);
    CloseHandle(inner);
}

static void list(void) {
    PROCESS_INFORMATION made;
    STARTUPINFOEXA with = {.StartupInfo.cb = sizeof with};
    char line[2 * MAX_PATH], room[256];
    SIZE_T size = sizeof room;
    HANDLE job = CreateJobObjectA(NULL, NULL);
    BOOL in = FALSE;
    with.lpAttributeList = (LPPROC_THREAD_ATTRIBUTE_LIST)room;
    snprintf(line, sizeof line, "\"%s\" stay", self);
    CHECK("attributes", InitializeProcThreadAttributeList(with.lpAttributeList, 1, 0, &size));
    CHECK("a job among them", UpdateProcThreadAttribute(with.lpAttributeList, 0, 0x2000d /* PROC_THREAD_ATTRIBUTE_JOB_LIST */, &job, sizeof job, NULL, NULL));
    CHECK("a child", CreateProcessA(NULL, line, NULL, NULL, FALSE, EXTENDED_STARTUPINFO_PRESENT, NULL, NULL, &with.StartupInfo, &made));
    CHECK("is in it", IsProcessInJob(made.hProcess, job, &in) && in);
    CHECK("ended", TerminateJobObject(job, 4));
    CHECK_EQ("so", ended(&made), 4);
    CloseHandle(job);
}

static int child(char **arguments) {
    const char *what = arguments[1];
    PROCESS_INFORMATION made;
    BOOL in = FALSE;
    if (!strcmp(what, "exit")) return atoi(arguments[2]);
    if (!strcmp(what, "stay")) Sleep(60000);
    if (!strcmp(what, "has-child")) return start(&made, 0, FALSE, "exit 3") && ended(&made) == 3 ? 0 : 1;
    if (!strcmp(what, "holds")) {
        HANDLE job = CreateJobObjectA(NULL, NULL), process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, (DWORD)atoi(arguments[2]));
        limit(job, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, 0);
        if (!AssignProcessToJobObject(job, process)) return 1;
        CloseHandle(process);
        SetEvent(OpenEventA(EVENT_ALL_ACCESS, FALSE, "jobs-ready"));
        Sleep(60000);
    }
    if (!strcmp(what, "away")) {
        int mode = atoi(arguments[2]);
        if (!start(&made, CREATE_SUSPENDED | (mode == 1 ? CREATE_BREAKAWAY_FROM_JOB : 0), FALSE, "exit 0")) return 1;
        if (!IsProcessInJob(made.hProcess, NULL, &in) || in != (mode == 0)) return 2;
        ResumeThread(made.hThread);
        if (ended(&made)) return 3;
        if (mode != 0) return 0;
        /* Not allowed. */
        return start(&made, CREATE_BREAKAWAY_FROM_JOB, FALSE, "exit 0") && !under_oracle() ? 4 : 0;
    }
    return 100;
}

int main(int count, char **arguments) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (count > 1) return child(arguments);
    static const int classes[] = {1, 2, 3, 4, 8, 9, 15};
    for (unsigned i = 0; i < sizeof classes / sizeof *classes; i++) {
        char block[256];
        WINE8_DIFFERS(CHECK("in no job, there is none to ask", !QueryInformationJobObject(NULL, classes[i], block, sizeof block, NULL)));
    }
    membership();
    messages();
    closing();
    limits();
    breaking_away();
    nested();
    list();
    return finish();
}
