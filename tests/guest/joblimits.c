/* What jobs limit: memory of one process and of all, time, priority, processors; and what their ports are told of it. Stock Wine
 * keeps such limits and enforces none. */
#include "family.h"

static HANDLE job, port;

static void limit(DWORD flags, void (*fill)(JOBOBJECT_EXTENDED_LIMIT_INFORMATION *, ULONGLONG), ULONGLONG value, const char *name) {
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation.LimitFlags = flags};
    if (fill) fill(&limits, value);
    CHECK(name, SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits));
}

static void process_memory(JOBOBJECT_EXTENDED_LIMIT_INFORMATION *limits, ULONGLONG value) { limits->ProcessMemoryLimit = value; }
static void job_memory(JOBOBJECT_EXTENDED_LIMIT_INFORMATION *limits, ULONGLONG value) { limits->JobMemoryLimit = value; }
static void process_time(JOBOBJECT_EXTENDED_LIMIT_INFORMATION *limits, ULONGLONG value) {
    limits->BasicLimitInformation.PerProcessUserTimeLimit.QuadPart = (LONGLONG)value;
}
static void job_time(JOBOBJECT_EXTENDED_LIMIT_INFORMATION *limits, ULONGLONG value) {
    limits->BasicLimitInformation.PerJobUserTimeLimit.QuadPart = (LONGLONG)value;
}
static void class(JOBOBJECT_EXTENDED_LIMIT_INFORMATION *limits, ULONGLONG value) { limits->BasicLimitInformation.PriorityClass = (DWORD)value; }
static void processors(JOBOBJECT_EXTENDED_LIMIT_INFORMATION *limits, ULONGLONG value) { limits->BasicLimitInformation.Affinity = value; }

/* The next message of the job that is not of a process's coming and going: its number, and the process. */
static DWORD told(DWORD *process) {
    DWORD message;
    ULONG_PTR key;
    OVERLAPPED *about;
    while (GetQueuedCompletionStatus(port, &message, &key, &about, 30000)) {
        if (message == JOB_OBJECT_MSG_NEW_PROCESS || message == JOB_OBJECT_MSG_EXIT_PROCESS || message == JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO) continue;
        if (process) *process = (DWORD)(ULONG_PTR)about;
        return message;
    }
    return 0;
}

/* The child: how much it gets, in MiB, one at a time; it keeps that until it is told to go on. */
static int eat(HANDLE ready, HANDLE done) {
    int count = 0;
    while (count < 200 && VirtualAlloc(NULL, 0x100000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE)) count++;
    DWORD error = GetLastError();
    SetEvent(ready);
    WaitForSingleObject(done, 60000);
    return count == 200 ? 255 : error == ERROR_COMMITMENT_LIMIT ? count : 254;
}

static int spin(void) {
    for (ULONGLONG from = GetTickCount64(); GetTickCount64() - from < 60000;) {}
    return 0;
}

static BOOL child(PROCESS_INFORMATION *made, const char *what, HANDLE one, HANDLE two) {
    if (!start(made, CREATE_SUSPENDED, TRUE, "%s %llu %llu", what, number(one), number(two))) return FALSE;
    if (!AssignProcessToJobObject(job, made->hProcess)) return FALSE;
    ResumeThread(made->hThread);
    return TRUE;
}

static void memory(void) {
    HANDLE ready = inheritable(CreateEventA(NULL, FALSE, FALSE, NULL)), done = inheritable(CreateEventA(NULL, TRUE, TRUE, NULL));
    PROCESS_INFORMATION made, other;
    DWORD process = 0, code;
    limit(JOB_OBJECT_LIMIT_PROCESS_MEMORY, process_memory, 64 << 20, "each 64 MiB");
    CHECK("one that wants more", child(&made, "eat", ready, done));
    process = made.dwProcessId;
    code = ended(&made);
    CHECK("gets less than that", code > 30 && code < 64);
    DWORD about = 0;
    CHECK_EQ("the port hears", told(&about), JOB_OBJECT_MSG_PROCESS_MEMORY_LIMIT);
    CHECK_EQ("of whom", about, process);
    limit(JOB_OBJECT_LIMIT_JOB_MEMORY, job_memory, 96 << 20, "all 96 MiB");
    ResetEvent(done);
    CHECK("one", child(&made, "eat", ready, done));
    CHECK_EQ("has what there is", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    CHECK_EQ("the port hears", told(&about), JOB_OBJECT_MSG_JOB_MEMORY_LIMIT);
    CHECK_EQ("of whom", about, made.dwProcessId);
    limit(JOB_OBJECT_LIMIT_JOB_MEMORY, job_memory, 128 << 20, "32 more");
    CHECK("another", child(&other, "eat", ready, done));
    CHECK_EQ("has the rest", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    CHECK_EQ("the port hears", told(&about), JOB_OBJECT_MSG_JOB_MEMORY_LIMIT);
    CHECK_EQ("of whom", about, other.dwProcessId);
    SetEvent(done);
    DWORD first = ended(&made), second = ended(&other);
    CHECK("the first had most", first > 60 && first < 96);
    CHECK("the second what was left", second < 32);
    limit(0, NULL, 0, "no limit");
    CHECK("one more", child(&made, "eat", ready, done));
    CHECK_EQ("gets all", ended(&made), 255);
    CloseHandle(ready);
    CloseHandle(done);
}

static void times(void) {
    PROCESS_INFORMATION made, other;
    JOBOBJECT_END_OF_JOB_TIME_INFORMATION end = {JOB_OBJECT_POST_AT_END_OF_JOB};
    DWORD about = 0;
    limit(JOB_OBJECT_LIMIT_PROCESS_TIME, process_time, 2000000, "each 200 ms");
    CHECK("one that uses them", child(&made, "spin", NULL, NULL));
    DWORD process = made.dwProcessId;
    CHECK_EQ("ends", ended(&made), ERROR_NOT_ENOUGH_QUOTA);
    CHECK_EQ("the port hears", told(&about), JOB_OBJECT_MSG_END_OF_PROCESS_TIME);
    CHECK_EQ("of whom", about, process);
    limit(JOB_OBJECT_LIMIT_JOB_TIME, job_time, 2000000, "all 200 ms");
    CHECK("two", child(&made, "spin", NULL, NULL) && child(&other, "spin", NULL, NULL));
    CHECK_EQ("end", ended(&made), ERROR_NOT_ENOUGH_QUOTA);
    CHECK_EQ("both", ended(&other), ERROR_NOT_ENOUGH_QUOTA);
    CHECK("told instead", SetInformationJobObject(job, JobObjectEndOfJobTimeInformation, &end, sizeof end));
    limit(JOB_OBJECT_LIMIT_JOB_TIME, job_time, 2000000, "200 ms more");
    CHECK("one that uses them", child(&made, "spin", NULL, NULL));
    CHECK_EQ("the port hears", told(&about), JOB_OBJECT_MSG_END_OF_JOB_TIME);
    CHECK_EQ("it runs on", WaitForSingleObject(made.hProcess, 0), WAIT_TIMEOUT);
    TerminateProcess(made.hProcess, 3);
    CHECK_EQ("until it is ended", ended(&made), 3);
    limit(0, NULL, 0, "no limit");
}

/* The child: its class and processors, also after it set others. */
static int show(void) {
    DWORD_PTR own = 0, system = 0;
    DWORD class = GetPriorityClass(GetCurrentProcess());
    SetPriorityClass(GetCurrentProcess(), HIGH_PRIORITY_CLASS);
    if (class != GetPriorityClass(GetCurrentProcess())) return 1;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &own, &system)) return 2;
    if (own == 1 && SetProcessAffinityMask(GetCurrentProcess(), system) && system != 1) return 3;
    return class == IDLE_PRIORITY_CLASS ? 10 + (int)own : 4;
}

static void priorities(void) {
    PROCESS_INFORMATION made;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION bad = {.BasicLimitInformation = {.LimitFlags = JOB_OBJECT_LIMIT_AFFINITY}};
    CHECK_ERROR("no processor at all", SetInformationJobObject(job, JobObjectExtendedLimitInformation, &bad, sizeof bad), ERROR_INVALID_PARAMETER);
    limit(JOB_OBJECT_LIMIT_PRIORITY_CLASS, class, IDLE_PRIORITY_CLASS, "all idle");
    CHECK("one", child(&made, "show", NULL, NULL));
    CHECK("is idle and stays so", ended(&made) > 10);
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION both = {.BasicLimitInformation = {.LimitFlags = JOB_OBJECT_LIMIT_PRIORITY_CLASS | JOB_OBJECT_LIMIT_AFFINITY,
                                                                           .PriorityClass = IDLE_PRIORITY_CLASS}};
    processors(&both, 1);
    CHECK("and on one processor", SetInformationJobObject(job, JobObjectExtendedLimitInformation, &both, sizeof both));
    CHECK("one", child(&made, "show", NULL, NULL));
    CHECK_EQ("is on that one", ended(&made), 11);
    limit(0, NULL, 0, "no limit");
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 3 && !strcmp(argv[1], "eat")) return eat(handle_of(argv[2]), handle_of(argv[3]));
    if (argc > 1 && !strcmp(argv[1], "spin")) return spin();
    if (argc > 1 && !strcmp(argv[1], "show")) return show();
    job = CreateJobObjectA(NULL, NULL);
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    JOBOBJECT_ASSOCIATE_COMPLETION_PORT to = {job, port};
    CHECK("a port", SetInformationJobObject(job, JobObjectAssociateCompletionPortInformation, &to, sizeof to));
    if (under_oracle()) {
        say("differs: stock Wine enforces no limits");
        return finish();
    }
    memory();
    times();
    priorities();
    return finish();
}
