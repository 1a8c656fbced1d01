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

/* A child uses the processor and a file: then it waits to be told, and ends. */
static int work(void) {
    FILETIME c, e, k, u;
    static char block[4096];
    DWORD count = 0;
    char name[MAX_PATH];
    snprintf(name, sizeof name, "jobs-%lu.tmp", GetCurrentProcessId());
    HANDLE file = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    for (int i = 0; i < 16; i++) WriteFile(file, block, sizeof block, &count, NULL);
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    for (int i = 0; i < 8; i++) ReadFile(file, block, sizeof block, &count, NULL);
    CloseHandle(file);
    void *memory = VirtualAlloc(NULL, 32 << 20, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    do {
        GetProcessTimes(GetCurrentProcess(), &c, &e, &k, &u);
    } while (u.dwLowDateTime < 400000);
    SetEvent(OpenEventA(EVENT_ALL_ACCESS, FALSE, "jobs-ready"));
    WaitForSingleObject(OpenEventA(EVENT_ALL_ACCESS, FALSE, "jobs-go"), 60000);
    return memory ? 6 : 1;
}

static void check_used(HANDLE job, const char *when) {
    JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION all = {0};
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    say("%s", when);
    CHECK("accounting", QueryInformationJobObject(job, JobObjectBasicAndIoAccountingInformation, &all, sizeof all, NULL));
    CHECK("processor time", all.BasicInfo.TotalUserTime.QuadPart >= 400000);
    CHECK("that of this period", all.BasicInfo.ThisPeriodTotalUserTime.QuadPart >= 400000);
    CHECK("writes", all.IoInfo.WriteOperationCount >= 16 && all.IoInfo.WriteTransferCount >= 65536);
    CHECK("reads", all.IoInfo.ReadOperationCount >= 8 && all.IoInfo.ReadTransferCount >= 32768);
    CHECK("others", all.IoInfo.OtherOperationCount > 0);
    CHECK("limits asked", QueryInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits, NULL));
    CHECK("the most memory", limits.PeakProcessMemoryUsed >= 32 << 20 && limits.PeakJobMemoryUsed >= 32 << 20);
}

static void accounting(void) {
    PROCESS_INFORMATION one;
    IO_COUNTERS counters = {0};
    FILETIME c, e, k, u;
    HANDLE job = CreateJobObjectA(NULL, NULL), file;
    HANDLE ready = CreateEventA(NULL, FALSE, FALSE, "jobs-ready"), go = CreateEventA(NULL, FALSE, FALSE, "jobs-go");
    IO_COUNTERS before = {0};
    DWORD count;
    GetProcessIoCounters(GetCurrentProcess(), &before);
    file = CreateFileA("jobs.tmp", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    for (int i = 0; i < 10; i++) WriteFile(file, "0123456789", 10, &count, NULL);
    CHECK("own counts", GetProcessIoCounters(GetCurrentProcess(), &counters));
    CHECK_EQ("requests", counters.WriteOperationCount - before.WriteOperationCount, 10);
    CHECK_EQ("bytes", counters.WriteTransferCount - before.WriteTransferCount, 100);
    CloseHandle(file);
    CHECK("a child that works", start(&one, CREATE_SUSPENDED, FALSE, "work") && AssignProcessToJobObject(job, one.hProcess));
    ResumeThread(one.hThread);
    CHECK_EQ("it did", WaitForSingleObject(ready, 60000), 0);
    memset(&counters, 0, sizeof counters);
    CHECK("another process's counts", GetProcessIoCounters(one.hProcess, &counters) && counters.WriteTransferCount >= 65536);
    CHECK("and times", GetProcessTimes(one.hProcess, &c, &e, &k, &u) && u.dwLowDateTime >= 400000);
    check_used(job, "while it runs");
    SetEvent(go);
    WaitForSingleObject(one.hProcess, 60000);
    memset(&u, 0, sizeof u);
    CHECK("times of one that ended", GetProcessTimes(one.hProcess, &c, &e, &k, &u) && u.dwLowDateTime >= 400000);
    CHECK_EQ("ended", ended(&one), 6);
    check_used(job, "after its end");
    CloseHandle(job);
    CloseHandle(ready);
    CloseHandle(go);
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
    if (!strcmp(what, "work")) return work();
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
    if (!under_oracle()) accounting(); /* Wine counts nothing */
    return finish();
}
