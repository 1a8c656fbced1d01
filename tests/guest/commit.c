/* Run with 256 MiB of memory: what may be committed is that, told as that, and one amount for all processes. */
#include "family.h"
#include <psapi.h>

enum { mib = 1 << 20, all = 256 };

static void *commit(int count) { return VirtualAlloc(NULL, (SIZE_T)count * mib, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE); }

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    HANDLE ready = CreateEventA(NULL, TRUE, FALSE, "portcullis ready"), done = CreateEventA(NULL, TRUE, FALSE, "portcullis done");
    if (argc > 1) {
        void *held = commit(atoi(argv[1]));
        SetEvent(ready);
        WaitForSingleObject(done, 60000);
        return held ? 0 : (int)GetLastError();
    }
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    PERFORMANCE_INFORMATION performance = {.cb = sizeof performance};
    PROCESS_INFORMATION made, again;
    CHECK("the state of memory", GlobalMemoryStatusEx(&status));
    CHECK_EQ("there is as much as is let", status.ullTotalPhys, (ULONGLONG)all * mib);
    CHECK_EQ("that may be committed", status.ullTotalPageFile, (ULONGLONG)all * mib);
    CHECK("some of it is", status.ullAvailPageFile < status.ullTotalPageFile && status.ullAvailPhys < status.ullTotalPhys);
    CHECK("performance", GetPerformanceInfo(&performance, sizeof performance));
    CHECK_EQ("its limit", performance.CommitLimit * performance.PageSize, (SIZE_T)all * mib);
    SIZE_T before = performance.CommitTotal;
    CHECK("more than that is not given", !commit(all + 1));
    CHECK_EQ("by its name", GetLastError(), ERROR_COMMITMENT_LIMIT);
    CHECK("a child takes half", start(&made, 0, FALSE, "%d", all / 2));
    CHECK_EQ("and has it", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
    GetPerformanceInfo(&performance, sizeof performance);
    CHECK("which counts here", performance.CommitTotal >= before + (SIZE_T)all / 2 * mib / performance.PageSize);
    CHECK("half more is not given", !commit(all / 2));
    CHECK_EQ("by its name", GetLastError(), ERROR_COMMITMENT_LIMIT);
    void *third = commit(all / 4);
    CHECK("a quarter is", third);
    ResetEvent(ready);
    if (CHECK("another child", start(&again, 0, FALSE, "%d", all / 2))) {
        CHECK_EQ("asks for half", WaitForSingleObject(ready, 30000), WAIT_OBJECT_0);
        SetEvent(done);
        CHECK_EQ("and gets none", ended(&again), ERROR_COMMITMENT_LIMIT);
    }
    CHECK_EQ("the first had it", ended(&made), 0);
    VirtualFree(third, 0, MEM_RELEASE);
    void *half = NULL;
    for (int i = 0; i < 200 && !half; i++) {
        half = commit(all / 2);
        if (!half) Sleep(20);
    }
    CHECK("what it had is free again", half);
    return finish();
}
