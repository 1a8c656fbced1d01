/* Priorities, processors, CPU sets and throttling: what is set is what is told. With an argument, one step at a time for who looks from
 * outside: each line says what holds now, and a line read goes on. */
#include "family.h"

NTDLL(NTSTATUS, NtSetInformationThread, HANDLE, ULONG, void *, ULONG)
NTDLL(NTSTATUS, NtQueryInformationThread, HANDLE, ULONG, void *, ULONG, ULONG *)
NTDLL(NTSTATUS, NtSetInformationProcess, HANDLE, ULONG, void *, ULONG)

NTDLL(NTSTATUS, NtQuerySystemInformationEx, ULONG, void *, ULONG, void *, ULONG, ULONG *)

typedef struct { ULONG version, control, state; } throttling;
enum { process_default_cpu_sets = 66, process_power_throttling = 77, thread_selected_cpu_sets = 39, thread_power_throttling = 49, system_cpu_sets = 175 };

static HANDLE go;

static DWORD WINAPI sleeper(void *arg) {
    (void)arg;
    WaitForSingleObject(go, INFINITE);
    return 0;
}

static void step(const char *what) {
    char line[16];
    DWORD count;
    say("%s", what);
    ReadFile(GetStdHandle(STD_INPUT_HANDLE), line, sizeof line, &count, NULL);
}

static void steps(HANDLE thread) {
    HANDLE own = GetCurrentProcess();
    DWORD_PTR mine, all;
    ULONGLONG sets = 1;
    throttling eco = {1, 1, 1}, off = {1, 1, 0};
    GetProcessAffinityMask(own, &mine, &all);
    step("normal");
    SetThreadPriority(thread, THREAD_PRIORITY_LOWEST);
    step("lowest");
    SetThreadPriority(thread, THREAD_PRIORITY_IDLE);
    step("idle thread");
    SetThreadPriority(thread, THREAD_PRIORITY_NORMAL);
    SetPriorityClass(own, BELOW_NORMAL_PRIORITY_CLASS);
    step("below normal process");
    SetPriorityClass(own, IDLE_PRIORITY_CLASS);
    step("idle process");
    SetPriorityClass(own, HIGH_PRIORITY_CLASS);
    step("high process");
    SetPriorityClass(own, NORMAL_PRIORITY_CLASS);
    NtSetInformationThread_(thread, thread_power_throttling, &eco, sizeof eco);
    step("economical");
    NtSetInformationThread_(thread, thread_power_throttling, &off, sizeof off);
    SetThreadAffinityMask(thread, 1);
    step("thread on the first");
    SetThreadAffinityMask(thread, all);
    NtSetInformationThread_(thread, thread_selected_cpu_sets, &sets, sizeof sets);
    step("thread prefers the first");
    NtSetInformationThread_(thread, thread_selected_cpu_sets, NULL, 0);
    SetProcessAffinityMask(own, all & ~(all >> 1));
    step("process on the last");
    SetProcessAffinityMask(own, all);
    step("process on all");
}

static void inherited(void) {
    static const struct { DWORD own, child; const char *name; } cases[] = {
        {NORMAL_PRIORITY_CLASS, NORMAL_PRIORITY_CLASS, "a child of a normal process is normal"},
        {HIGH_PRIORITY_CLASS, NORMAL_PRIORITY_CLASS, "a child of a high process is normal"},
        {BELOW_NORMAL_PRIORITY_CLASS, BELOW_NORMAL_PRIORITY_CLASS, "a child of a process below normal is so too"},
        {IDLE_PRIORITY_CLASS, IDLE_PRIORITY_CLASS, "a child of an idle process is idle"},
    };
    PROCESS_INFORMATION made;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SetPriorityClass(GetCurrentProcess(), cases[i].own);
        if (!CHECK("a child", start(&made, 0, FALSE, "class"))) continue;
        DWORD class = ended(&made);
        /* Wine 8 makes every child normal. */
        if (cases[i].child != NORMAL_PRIORITY_CLASS)
            WINE8_DIFFERS(CHECK_EQ(cases[i].name, class, cases[i].child));
        else CHECK_EQ(cases[i].name, class, cases[i].child);
    }
    SetPriorityClass(GetCurrentProcess(), NORMAL_PRIORITY_CLASS);
}

static void processors(HANDLE thread) {
    HANDLE own = GetCurrentProcess();
    DWORD_PTR mine = 0, all = 0, again = 0;
    PROCESS_INFORMATION made;
    CHECK("the process's processors", GetProcessAffinityMask(own, &mine, &all) && mine == all);
    CHECK_EQ("a thread moves to the first one", SetThreadAffinityMask(thread, 1), all);
    CHECK_EQ("and back", SetThreadAffinityMask(thread, all), 1);
    CHECK_ERROR("it moves to none that is not there", SetThreadAffinityMask(thread, all + 1), ERROR_INVALID_PARAMETER);
    CHECK("the process moves to the first one", SetProcessAffinityMask(own, 1));
    CHECK("which is told", GetProcessAffinityMask(own, &mine, &again) && mine == 1 && again == all);
    CHECK_ERROR("not to none", SetProcessAffinityMask(own, 0), ERROR_INVALID_PARAMETER);
    for (int i = 0; i < 50; i++) {
        Sleep(0);
        if (GetCurrentProcessorNumber()) break;
    }
    CHECK_EQ("the caller runs there", GetCurrentProcessorNumber(), 0);
    /* Wine 8 passes no processors on. */
    if (CHECK("a child of it", start(&made, 0, FALSE, "affinity"))) WINE8_DIFFERS(CHECK_EQ("runs there too", ended(&made), 1));
    CHECK("the process moves back", SetProcessAffinityMask(own, all));
}

static void sets(HANDLE thread) {
    /* Size, type, number, group and processor, and what is of no interest here. */
    struct { ULONG size, type, number; WORD group; BYTE processor, rest[17]; } all[64];
    ULONG length = 0, count = 0;
    HANDLE own = GetCurrentProcess();
    SYSTEM_INFO system;
    GetSystemInfo(&system);
    CHECK_EQ("CPU sets", NtQuerySystemInformationEx_(system_cpu_sets, &own, sizeof own, all, sizeof all, &length), 0);
    CHECK_EQ("one for each processor", length, sizeof *all * system.dwNumberOfProcessors);
    CHECK("the first is number 256", all->size == sizeof *all && all->number == 256 && all->processor == 0);
    if (under_oracle()) return;
    ULONGLONG chosen = 1, many = 1ull << 63, told = 0;
    CHECK_EQ("none is chosen", NtQueryInformationThread_(thread, thread_selected_cpu_sets, &told, 8, &count) | told | count, 0);
    CHECK_EQ("one is chosen", NtSetInformationThread_(thread, thread_selected_cpu_sets, &chosen, 8), 0);
    CHECK_EQ("it is told", NtQueryInformationThread_(thread, thread_selected_cpu_sets, &told, 8, &count), 0);
    CHECK_EQ("as it was chosen", told, 1);
    CHECK_EQ("none that is not there", (ULONG)NtSetInformationThread_(thread, thread_selected_cpu_sets, &many, 8), 0xc000000d);
    CHECK_EQ("not half a word", (ULONG)NtSetInformationThread_(thread, thread_selected_cpu_sets, &chosen, 4), 0xc0000004);
    CHECK_EQ("the choice is cleared", NtSetInformationThread_(thread, thread_selected_cpu_sets, NULL, 0), 0);
    CHECK_EQ("a process chooses", NtSetInformationProcess_(GetCurrentProcess(), process_default_cpu_sets, &chosen, 8), 0);
    CHECK_EQ("and clears", NtSetInformationProcess_(GetCurrentProcess(), process_default_cpu_sets, NULL, 0), 0);
}

static void throttled(HANDLE thread) {
    if (under_oracle()) return;
    throttling eco = {1, 1, 1}, wrong = {1, 0, 1}, later = {2, 1, 1}, told = {0};
    CHECK_EQ("a thread is throttled", NtSetInformationThread_(thread, thread_power_throttling, &eco, sizeof eco), 0);
    CHECK_EQ("it is told", NtQueryInformationThread_(thread, thread_power_throttling, &told, sizeof told, NULL), 0);
    CHECK("as it is", told.version == 1 && told.control == 1 && told.state == 1);
    CHECK_EQ("not what is not controlled", (ULONG)NtSetInformationThread_(thread, thread_power_throttling, &wrong, sizeof wrong), 0xc000000d);
    CHECK_EQ("nor in another version", (ULONG)NtSetInformationThread_(thread, thread_power_throttling, &later, sizeof later), 0xc000000d);
    CHECK_EQ("a process is throttled", NtSetInformationProcess_(GetCurrentProcess(), process_power_throttling, &eco, sizeof eco), 0);
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 1 && !strcmp(argv[1], "class")) return (int)GetPriorityClass(GetCurrentProcess());
    if (argc > 1 && !strcmp(argv[1], "affinity")) {
        DWORD_PTR mine, all;
        return GetProcessAffinityMask(GetCurrentProcess(), &mine, &all) ? (int)mine : -1;
    }
    go = CreateEventA(NULL, TRUE, FALSE, NULL);
    HANDLE thread = CreateThread(NULL, 0, sleeper, NULL, 0, NULL);
    if (argc > 1) {
        steps(thread);
    } else {
        for (int level = -2; level <= 2; level++) {
            CHECK("a level is set", SetThreadPriority(thread, level));
            CHECK_EQ("and told", GetThreadPriority(thread), level);
        }
        CHECK("time critical", SetThreadPriority(thread, THREAD_PRIORITY_TIME_CRITICAL));
        CHECK_EQ("is told", GetThreadPriority(thread), THREAD_PRIORITY_TIME_CRITICAL);
        CHECK_ERROR("a level that there is not", SetThreadPriority(thread, 3), ERROR_INVALID_PARAMETER);
        CHECK("boosts are switched off", SetThreadPriorityBoost(thread, TRUE));
        CHECK("real time without the right to it", SetPriorityClass(GetCurrentProcess(), REALTIME_PRIORITY_CLASS));
        WINE8_DIFFERS(CHECK_EQ("is high", GetPriorityClass(GetCurrentProcess()), HIGH_PRIORITY_CLASS));
        inherited();
        processors(thread);
        sets(thread);
        throttled(thread);
    }
    SetEvent(go);
    WaitForSingleObject(thread, INFINITE);
    return argc > 1 ? 0 : finish();
}
