/* Dispatcher objects and waits: events, mutants, semaphores; any, all, alertable, timeouts, abandonment. */
#include "check.h"

NTDLL(NTSTATUS, NtQueryEvent, HANDLE, int, void *, ULONG, ULONG *)
NTDLL(NTSTATUS, NtQuerySemaphore, HANDLE, int, void *, ULONG, ULONG *)
NTDLL(NTSTATUS, NtQueryMutant, HANDLE, int, void *, ULONG, ULONG *)
NTDLL(NTSTATUS, NtSetEvent, HANDLE, LONG *)
NTDLL(NTSTATUS, NtResetEvent, HANDLE, LONG *)
NTDLL(NTSTATUS, NtPulseEvent, HANDLE, LONG *)
NTDLL(NTSTATUS, NtReleaseSemaphore, HANDLE, ULONG, ULONG *)
NTDLL(NTSTATUS, NtReleaseMutant, HANDLE, LONG *)
NTDLL(NTSTATUS, NtWaitForSingleObject, HANDLE, BOOLEAN, LARGE_INTEGER *)
NTDLL(NTSTATUS, NtWaitForMultipleObjects, ULONG, HANDLE *, int, BOOLEAN, LARGE_INTEGER *)
NTDLL(NTSTATUS, NtDelayExecution, BOOLEAN, LARGE_INTEGER *)
NTDLL(NTSTATUS, NtSignalAndWaitForSingleObject, HANDLE, HANDLE, BOOLEAN, LARGE_INTEGER *)

/* In ms. Not the tick count: stock Wine's stands still while its server does not run. */
static ULONGLONG now(void) {
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return count.QuadPart * 1000 / frequency.QuadPart;
}

static void events(void) {
    HANDLE manual = CreateEventA(NULL, TRUE, FALSE, NULL), automatic = CreateEventA(NULL, FALSE, TRUE, NULL);
    struct { ULONG type; LONG state; } info;
    LONG previous = 7;
    CHECK_EQ("manual, unset", WaitForSingleObject(manual, 0), WAIT_TIMEOUT);
    SetEvent(manual);
    CHECK_EQ("manual stays set", WaitForSingleObject(manual, 0) | WaitForSingleObject(manual, 0), WAIT_OBJECT_0);
    ResetEvent(manual);
    CHECK_EQ("manual reset", WaitForSingleObject(manual, 0), WAIT_TIMEOUT);
    CHECK_EQ("automatic, set", WaitForSingleObject(automatic, 0), WAIT_OBJECT_0);
    CHECK_EQ("automatic resets itself", WaitForSingleObject(automatic, 0), WAIT_TIMEOUT);
    CHECK_EQ("NtSetEvent", NtSetEvent_(manual, &previous), 0);
    CHECK_EQ("was unset", previous, 0);
    NtSetEvent_(manual, &previous);
    CHECK_EQ("was set", previous, 1);
    CHECK_EQ("NtQueryEvent", NtQueryEvent_(manual, 0, &info, sizeof info, NULL), 0);
    CHECK_EQ("notification event", info.type, 0);
    CHECK_EQ("state", info.state, 1);
    NtQueryEvent_(automatic, 0, &info, sizeof info, NULL);
    CHECK_EQ("synchronization event", info.type, 1);
    CHECK_EQ("wrong class", (ULONG)NtQueryEvent_(manual, 1, &info, sizeof info, NULL), 0xc0000003);
    CHECK_EQ("wrong length", (ULONG)NtQueryEvent_(manual, 0, &info, 4, NULL), 0xc0000004);
    CHECK_EQ("NtResetEvent tells", NtResetEvent_(manual, &previous) == 0 && previous == 1, 1);
    CHECK_EQ("pulse without waiters leaves it unset", NtPulseEvent_(manual, &previous) == 0 && WaitForSingleObject(manual, 0) == WAIT_TIMEOUT, 1);
    HANDLE mutex = CreateMutexA(NULL, 0, NULL);
    CHECK_EQ("SetEvent on a mutex", (ULONG)NtSetEvent_(mutex, NULL), 0xc0000024);
    CloseHandle(mutex);
    CloseHandle(manual);
    CloseHandle(automatic);
}

static void semaphores(void) {
    HANDLE s = CreateSemaphoreA(NULL, 2, 3, NULL);
    LONG previous = 9;
    struct { ULONG count; LONG maximum; } info;
    CHECK_EQ("first", WaitForSingleObject(s, 0), 0);
    CHECK_EQ("second", WaitForSingleObject(s, 0), 0);
    CHECK_EQ("third waits", WaitForSingleObject(s, 0), WAIT_TIMEOUT);
    CHECK("release two", ReleaseSemaphore(s, 2, &previous) && previous == 0);
    CHECK_ERROR("release beyond the maximum", ReleaseSemaphore(s, 2, &previous), ERROR_TOO_MANY_POSTS);
    CHECK_EQ("NtQuerySemaphore", NtQuerySemaphore_(s, 0, &info, sizeof info, NULL), 0);
    CHECK("2 of 3", info.count == 2 && info.maximum == 3);
    WINE8_DIFFERS(CHECK_ERROR("release none", ReleaseSemaphore(s, 0, NULL), ERROR_INVALID_PARAMETER));
    CHECK_ERROR("count above maximum", CreateSemaphoreA(NULL, 4, 3, NULL) != NULL, ERROR_INVALID_PARAMETER);
    CloseHandle(s);
}

static HANDLE shared_mutex;
static DWORD WINAPI take_and_leave(void *arg) { return WaitForSingleObject(shared_mutex, *(DWORD *)arg); }

static void run(LPTHREAD_START_ROUTINE f, void *arg, DWORD *code) {
    HANDLE t = CreateThread(NULL, 0, f, arg, 0, NULL);
    WaitForSingleObject(t, INFINITE);
    GetExitCodeThread(t, code);
    CloseHandle(t);
}

static DWORD WINAPI release_foreign(void *arg) {
    (void)arg;
    return ReleaseMutex(shared_mutex) ? 0 : GetLastError();
}

static void mutants(void) {
    DWORD code, wait = 0;
    LONG count;
    struct { LONG count; BOOLEAN owned, abandoned; } info;
    shared_mutex = CreateMutexA(NULL, TRUE, NULL);
    CHECK_EQ("owner may take it again", WaitForSingleObject(shared_mutex, 0), 0);
    CHECK_EQ("NtQueryMutant", NtQueryMutant_(shared_mutex, 0, &info, sizeof info, NULL), 0);
    CHECK("count -1, owned by caller", info.count == -1 && info.owned && !info.abandoned);
    run(take_and_leave, &wait, &code);
    CHECK_EQ("another thread cannot", code, WAIT_TIMEOUT);
    run(release_foreign, NULL, &code);
    CHECK_EQ("another thread cannot release", code, ERROR_NOT_OWNER);
    CHECK("release twice", ReleaseMutex(shared_mutex) && ReleaseMutex(shared_mutex));
    CHECK_ERROR("a third release", ReleaseMutex(shared_mutex), ERROR_NOT_OWNER);
    run(take_and_leave, &wait, &code);
    CHECK_EQ("free: another thread takes it and ends", code, 0);
    CHECK_EQ("abandoned", WaitForSingleObject(shared_mutex, 1000), WAIT_ABANDONED);
    CHECK_EQ("NtReleaseMutant tells", NtReleaseMutant_(shared_mutex, &count) == 0 && count == 0, 1);
    CHECK_EQ("abandonment is told once", WaitForSingleObject(shared_mutex, 0), 0);
    ReleaseMutex(shared_mutex);
    run(take_and_leave, &wait, &code);
    HANDLE event = CreateEventA(NULL, TRUE, TRUE, NULL), both[2] = {event, shared_mutex};
    CHECK_EQ("abandoned in wait-all", WaitForMultipleObjects(2, both, TRUE, 0), WAIT_ABANDONED_0);
    ReleaseMutex(shared_mutex);
    run(take_and_leave, &wait, &code);
    ResetEvent(event);
    CHECK_EQ("abandoned in wait-any, with its index", WaitForMultipleObjects(2, both, FALSE, 0), WAIT_ABANDONED_0 + 1);
    CloseHandle(shared_mutex);
    CloseHandle(event);
}

static HANDLE set_later;
static DWORD WINAPI set_after(void *arg) {
    Sleep((DWORD)(ULONG_PTR)arg);
    SetEvent(set_later);
    return 0;
}

static void timeouts(void) {
    HANDLE e = CreateEventA(NULL, FALSE, FALSE, NULL);
    ULONGLONG start = now();
    CHECK_EQ("times out", WaitForSingleObject(e, 60), WAIT_TIMEOUT);
    ULONGLONG took = now() - start;
    CHECK("not before its time", took >= 45 && took < 2000);
    set_later = e;
    HANDLE t = CreateThread(NULL, 0, set_after, (void *)50, 0, NULL);
    CHECK_EQ("woken by another thread", WaitForSingleObject(e, 5000), WAIT_OBJECT_0);
    CHECK_EQ("thread handle is signalled at its end", WaitForSingleObject(t, 5000), WAIT_OBJECT_0);
    CloseHandle(t);
    LARGE_INTEGER due;
    FILETIME ft;
    GetSystemTimeAsFileTime(&ft);
    due.LowPart = ft.dwLowDateTime;
    due.HighPart = (LONG)ft.dwHighDateTime;
    due.QuadPart += 500000;
    CHECK_EQ("absolute timeout", NtWaitForSingleObject_(e, FALSE, &due), WAIT_TIMEOUT);
    due.QuadPart = 1;
    CHECK_EQ("absolute time in the past", NtWaitForSingleObject_(e, FALSE, &due), WAIT_TIMEOUT);
    due.QuadPart = -200000;
    start = now();
    CHECK_EQ("NtDelayExecution", NtDelayExecution_(FALSE, &due), 0);
    CHECK("slept", now() - start >= 10);
    CHECK_EQ("bad handle", WaitForSingleObject((HANDLE)0xdead0, 0), WAIT_FAILED);
    CHECK_EQ("its error", GetLastError(), ERROR_INVALID_HANDLE);
    CHECK_EQ("bad timeout pointer", (ULONG)NtWaitForSingleObject_(e, FALSE, (LARGE_INTEGER *)8), 0xc0000005);
    CloseHandle(e);
}

static void multiple(void) {
    HANDLE h[MAXIMUM_WAIT_OBJECTS + 1];
    for (int i = 0; i <= MAXIMUM_WAIT_OBJECTS; i++) h[i] = CreateEventA(NULL, FALSE, FALSE, NULL);
    CHECK_EQ("any of 64: none", WaitForMultipleObjects(64, h, FALSE, 0), WAIT_TIMEOUT);
    SetEvent(h[63]);
    CHECK_EQ("any of 64: the last", WaitForMultipleObjects(64, h, FALSE, 0), WAIT_OBJECT_0 + 63);
    SetEvent(h[5]);
    SetEvent(h[3]);
    CHECK_EQ("the lowest index wins", WaitForMultipleObjects(64, h, FALSE, 0), WAIT_OBJECT_0 + 3);
    CHECK_EQ("the other stays set", WaitForSingleObject(h[5], 0), 0);
    SetEvent(h[0]);
    CHECK_EQ("all of 2, one unset", WaitForMultipleObjects(2, h, TRUE, 0), WAIT_TIMEOUT);
    CHECK_EQ("and the set one is not consumed", WaitForSingleObject(h[0], 0), 0);
    SetEvent(h[0]);
    SetEvent(h[1]);
    CHECK_EQ("all of 2", WaitForMultipleObjects(2, h, TRUE, 0), WAIT_OBJECT_0);
    CHECK_EQ("both consumed", WaitForMultipleObjects(2, h, FALSE, 0), WAIT_TIMEOUT);
    CHECK_EQ("65 objects are too many", WaitForMultipleObjects(65, h, FALSE, 0), WAIT_FAILED);
    CHECK_EQ("its error", GetLastError(), ERROR_INVALID_PARAMETER);
    CHECK_EQ("no objects", (ULONG)NtWaitForMultipleObjects_(0, h, 1, FALSE, NULL), 0xc00000ef);
    HANDLE twice[2] = {h[0], h[0]};
    SetEvent(h[0]);
    WINE8_DIFFERS(CHECK_EQ("one object twice in wait-all", WaitForMultipleObjects(2, twice, TRUE, 0), WAIT_FAILED));
    ResetEvent(h[0]);
    set_later = h[1];
    SetEvent(h[0]);
    HANDLE t = CreateThread(NULL, 0, set_after, (void *)40, 0, NULL);
    CHECK_EQ("all of 2, the second later", WaitForMultipleObjects(2, h, TRUE, 5000), WAIT_OBJECT_0);
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    CHECK_EQ("signal and wait", (SetEvent(h[2]), SignalObjectAndWait(h[1], h[2], 1000, FALSE)), WAIT_OBJECT_0);
    CHECK_EQ("the first was signalled", WaitForSingleObject(h[1], 0), 0);
    CHECK_EQ("signal and wait on a wrong type", (ULONG)NtSignalAndWaitForSingleObject_(GetCurrentProcess(), h[2], FALSE, NULL), 0xc0000024);
    for (int i = 0; i <= MAXIMUM_WAIT_OBJECTS; i++) CloseHandle(h[i]);
}

static volatile LONG apcs;
static void CALLBACK apc(ULONG_PTR arg) { apcs += (LONG)arg; }
static DWORD WINAPI queue_to(void *thread) {
    Sleep(50);
    QueueUserAPC(apc, thread, 1);
    return 0;
}

static void alertable(void) {
    HANDLE e = CreateEventA(NULL, TRUE, TRUE, NULL), self = NULL;
    DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &self, 0, FALSE, DUPLICATE_SAME_ACCESS);
    CHECK("APC queued", QueueUserAPC(apc, self, 1) != 0);
    CHECK("second APC queued", QueueUserAPC(apc, self, 10) != 0);
    CHECK_EQ("a plain wait runs none", WaitForSingleObject(e, 0) == 0 && apcs == 0, 1);
    CHECK_EQ("an alertable sleep runs them", SleepEx(1000, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ("both ran", apcs, 11);
    ResetEvent(e);
    HANDLE t = CreateThread(NULL, 0, queue_to, self, 0, NULL);
    CHECK_EQ("a wait is interrupted", WaitForSingleObjectEx(e, 5000, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ("it ran", apcs, 12);
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    t = CreateThread(NULL, 0, queue_to, self, 0, NULL);
    CHECK_EQ("a multiple wait is interrupted", WaitForMultipleObjectsEx(1, &e, FALSE, 5000, TRUE), WAIT_IO_COMPLETION);
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    CHECK_EQ("no APC left", SleepEx(0, TRUE), 0);
    CloseHandle(self);
    CloseHandle(e);
}

enum { ROUNDS = 2000 };
static HANDLE ping, pong;
static DWORD WINAPI answer(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        if (WaitForSingleObject(ping, 10000)) return 1;
        SetEvent(pong);
    }
    return 0;
}

static LONG inside, most;
static int counter;
static DWORD WINAPI contend(void *arg) {
    for (int i = 0; i < 300; i++) {
        WaitForSingleObject(arg, INFINITE);
        LONG n = InterlockedIncrement(&inside);
        if (n > most) most = n;
        counter++;
        InterlockedDecrement(&inside);
        ReleaseMutex(arg);
    }
    return 0;
}

static void contention(void) {
    DWORD code;
    ping = CreateEventA(NULL, FALSE, FALSE, NULL);
    pong = CreateEventA(NULL, FALSE, FALSE, NULL);
    HANDLE t = CreateThread(NULL, 0, answer, NULL, 0, NULL);
    int good = 0;
    for (int i = 0; i < ROUNDS; i++) {
        SetEvent(ping);
        good += WaitForSingleObject(pong, 10000) == 0;
    }
    WaitForSingleObject(t, INFINITE);
    GetExitCodeThread(t, &code);
    CHECK_EQ("2000 rounds of ping-pong", good + code, ROUNDS);
    HANDLE m = CreateMutexA(NULL, FALSE, NULL), threads[6];
    for (int i = 0; i < 6; i++) threads[i] = CreateThread(NULL, 0, contend, m, 0, NULL);
    CHECK_EQ("six threads end", WaitForMultipleObjects(6, threads, TRUE, 60000), 0);
    CHECK_EQ("one inside at a time", most, 1);
    CHECK_EQ("every turn counted", counter, 1800);
}

static HANDLE limited_port, asleep;
static volatile LONG taken, go_on, sleepers;

/* Takes packets: one of key 1 keeps it running until told, one of key 2 sleeps until then, one of key 3 ends it. */
static DWORD WINAPI worker(void *arg) {
    (void)arg;
    for (;;) {
        DWORD bytes;
        ULONG_PTR key;
        OVERLAPPED *at;
        if (!GetQueuedCompletionStatus(limited_port, &bytes, &key, &at, 20000)) return 1;
        InterlockedIncrement(&taken);
        if (key == 3) return 0;
        if (key == 1) while (!go_on) YieldProcessor();
        if (key == 2) {
            InterlockedIncrement(&sleepers);
            WaitForSingleObject(asleep, 20000);
        }
    }
}

static void concurrency(void) {
    HANDLE threads[4];
    limited_port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    asleep = CreateEventA(NULL, TRUE, FALSE, NULL);
    for (int i = 0; i < 4; i++) threads[i] = CreateThread(NULL, 0, worker, NULL, 0, NULL);
    Sleep(30);
    PostQueuedCompletionStatus(limited_port, 0, 1, NULL);
    PostQueuedCompletionStatus(limited_port, 0, 2, NULL);
    PostQueuedCompletionStatus(limited_port, 0, 2, NULL);
    while (!taken) Sleep(1);
    Sleep(30);
    CHECK_EQ("one thread runs at a time", taken, 1);
    CHECK_EQ("the port is signalled while packets lie there", WaitForSingleObject(limited_port, 0), 0);
    DWORD bytes;
    ULONG_PTR key;
    OVERLAPPED *at;
    CHECK_ERROR("none for another one either", GetQueuedCompletionStatus(limited_port, &bytes, &key, &at, 0), WAIT_TIMEOUT);
    CHECK_EQ("nor is one taken", taken, 1);
    go_on = 1;
    /* The calling thread sleeps here, so that its place is free. */
    for (int i = 0; i < 2000 && sleepers < 2; i++) Sleep(5);
    CHECK_EQ("a thread that sleeps lets another one run", sleepers, 2);
    SetEvent(asleep);
    for (int i = 0; i < 4; i++) PostQueuedCompletionStatus(limited_port, 0, 3, NULL);
    CHECK_EQ("all come to their end", WaitForMultipleObjects(4, threads, TRUE, 20000), 0);
    CHECK_EQ("nothing was lost", taken, 7);
    CHECK("nor is anything left", WaitForSingleObject(limited_port, 0) == WAIT_TIMEOUT);
    for (int i = 0; i < 4; i++) CloseHandle(threads[i]);
    CloseHandle(limited_port);
    CloseHandle(asleep);
}

int main(void) {
    if (!under_oracle()) concurrency(); /* Wine limits nothing */
    events();
    semaphores();
    mutants();
    timeouts();
    multiple();
    alertable();
    contention();
    return finish();
}
