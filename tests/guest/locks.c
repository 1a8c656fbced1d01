/* Timers, keyed events, WaitOnAddress, SRW locks, critical sections, condition variables, one-time initialisation. */
#include "check.h"

NTDLL(NTSTATUS, NtCreateKeyedEvent, HANDLE *, ACCESS_MASK, void *, ULONG)
NTDLL(NTSTATUS, NtWaitForKeyedEvent, HANDLE, const void *, BOOLEAN, const LARGE_INTEGER *)
NTDLL(NTSTATUS, NtReleaseKeyedEvent, HANDLE, const void *, BOOLEAN, const LARGE_INTEGER *)
NTDLL(NTSTATUS, NtQueryTimer, HANDLE, int, void *, ULONG, ULONG *)

static int fired;
static void CALLBACK timer_apc(void *arg, DWORD low, DWORD high) {
    fired += (arg == &fired) && (low || high);
}

static void timers(void) {
    HANDLE manual = CreateWaitableTimerA(NULL, TRUE, NULL), sync = CreateWaitableTimerA(NULL, FALSE, NULL);
    LARGE_INTEGER due;
    /* So long that a busy machine does not have it come before this thread goes on. */
    due.QuadPart = -4000000;
    CHECK("manual timer set", SetWaitableTimer(manual, &due, 0, NULL, NULL, FALSE));
    CHECK_EQ("not yet", WaitForSingleObject(manual, 0), WAIT_TIMEOUT);
    CHECK_EQ("due", WaitForSingleObject(manual, 5000), WAIT_OBJECT_0);
    CHECK_EQ("stays signalled", WaitForSingleObject(manual, 0), WAIT_OBJECT_0);
    CHECK("set again", SetWaitableTimer(manual, &due, 0, NULL, NULL, FALSE));
    CHECK_EQ("setting unsignals", WaitForSingleObject(manual, 0), WAIT_TIMEOUT);
    CHECK("cancel", CancelWaitableTimer(manual));
    CHECK_EQ("cancelled never fires", WaitForSingleObject(manual, 600), WAIT_TIMEOUT);
    due.QuadPart = -300000;
    CHECK("periodic", SetWaitableTimer(sync, &due, 20, NULL, NULL, FALSE));
    int ticks = 0;
    for (int i = 0; i < 4; i++) ticks += WaitForSingleObject(sync, 2000) == 0;
    CHECK_EQ("four ticks", ticks, 4);
    CancelWaitableTimer(sync);
    CHECK("with an APC", SetWaitableTimer(sync, &due, 0, timer_apc, &fired, FALSE));
    CHECK_EQ("the APC comes", SleepEx(5000, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ("with its argument and time", fired, 1);
    struct { LARGE_INTEGER remaining; BOOLEAN state; } info;
    due.QuadPart = -100000000;
    SetWaitableTimer(sync, &due, 0, NULL, NULL, FALSE);
    CHECK_EQ("NtQueryTimer", NtQueryTimer_(sync, 0, &info, sizeof info, NULL), 0);
    WINE8_DIFFERS(CHECK("about ten seconds left", info.remaining.QuadPart > 80000000 && info.remaining.QuadPart <= 100000000 && !info.state));
    FILETIME ft;
    GetSystemTimeAsFileTime(&ft);
    due.LowPart = ft.dwLowDateTime;
    due.HighPart = (LONG)ft.dwHighDateTime;
    due.QuadPart += 300000;
    SetWaitableTimer(sync, &due, 0, NULL, NULL, FALSE);
    CHECK_EQ("absolute due time", WaitForSingleObject(sync, 5000), 0);
    due.QuadPart = 0;
    SetWaitableTimer(sync, &due, 0, NULL, NULL, FALSE);
    CHECK_EQ("due at once", WaitForSingleObject(sync, 1000), 0);
    HANDLE named = CreateWaitableTimerA(NULL, TRUE, "PortcullisTimer"), again = OpenWaitableTimerA(TIMER_ALL_ACCESS, FALSE, "PortcullisTimer");
    CHECK("named timer", named && again);
    CloseHandle(named);
    CloseHandle(again);
    CloseHandle(manual);
    CloseHandle(sync);
}

static volatile LONG pool_ticks;
static void CALLBACK tick(void *arg, BOOLEAN timed) {
    (void)arg;
    if (timed) InterlockedIncrement(&pool_ticks);
}
static void CALLBACK work(PTP_CALLBACK_INSTANCE instance, void *arg, PTP_WORK w) {
    (void)instance;
    (void)w;
    InterlockedIncrement((LONG *)arg);
}
static void CALLBACK waited(void *arg, BOOLEAN timed) {
    if (!timed) SetEvent(arg);
}

static void pool(void) {
    HANDLE timer = NULL, wait = NULL;
    CHECK("timer queue timer", CreateTimerQueueTimer(&timer, NULL, tick, NULL, 10, 10, 0));
    for (int i = 0; i < 100 && pool_ticks < 3; i++) Sleep(20);
    CHECK("it ticks", pool_ticks >= 3);
    CHECK("deleted", DeleteTimerQueueTimer(NULL, timer, INVALID_HANDLE_VALUE));
    LONG done = 0;
    PTP_WORK w = CreateThreadpoolWork(work, &done, NULL);
    for (int i = 0; i < 50; i++) SubmitThreadpoolWork(w);
    WaitForThreadpoolWorkCallbacks(w, FALSE);
    CHECK_EQ("50 work items", done, 50);
    CloseThreadpoolWork(w);
    HANDLE e = CreateEventA(NULL, FALSE, FALSE, NULL), told = CreateEventA(NULL, FALSE, FALSE, NULL);
    CHECK("registered wait", RegisterWaitForSingleObject(&wait, e, waited, told, INFINITE, WT_EXECUTEONLYONCE));
    SetEvent(e);
    CHECK_EQ("its callback", WaitForSingleObject(told, 5000), 0);
    UnregisterWaitEx(wait, INVALID_HANDLE_VALUE);
    CloseHandle(e);
    CloseHandle(told);
}

static HANDLE keyed;
static int key;
static DWORD WINAPI keyed_waiter(void *arg) {
    (void)arg;
    return (DWORD)NtWaitForKeyedEvent_(keyed, &key, FALSE, NULL);
}

static void keyed_events(void) {
    LARGE_INTEGER soon;
    soon.QuadPart = -200000;
    CHECK_EQ("NtCreateKeyedEvent", NtCreateKeyedEvent_(&keyed, GENERIC_ALL, NULL, 0), 0);
    CHECK_EQ("wait times out", (ULONG)NtWaitForKeyedEvent_(keyed, &key, FALSE, &soon), 0x102);
    CHECK_EQ("release without waiter times out", (ULONG)NtReleaseKeyedEvent_(keyed, &key, FALSE, &soon), 0x102);
    CHECK_EQ("odd key", (ULONG)NtWaitForKeyedEvent_(keyed, (char *)&key + 1, FALSE, &soon), 0xc00000ef);
    HANDLE t = CreateThread(NULL, 0, keyed_waiter, NULL, 0, NULL);
    CHECK_EQ("release meets the waiter", NtReleaseKeyedEvent_(keyed, &key, FALSE, NULL), 0);
    CHECK_EQ("waiter ends", WaitForSingleObject(t, 5000), 0);
    CloseHandle(t);
    CloseHandle(keyed);
}

static volatile LONG word;
static volatile LONG woken;
static DWORD WINAPI address_waiter(void *arg) {
    LONG old = 0;
    (void)arg;
    while (word == 0) WaitOnAddress(&word, &old, sizeof old, INFINITE);
    InterlockedIncrement(&woken);
    return 0;
}

static void addresses(void) {
    LONG same = 0;
    HANDLE t[4];
    CHECK_ERROR("WaitOnAddress times out", WaitOnAddress(&word, &same, 4, 30), ERROR_TIMEOUT);
    LONG other = 5;
    CHECK("a different value returns at once", WaitOnAddress(&word, &other, 4, 5000));
    CHECK_ERROR("size 3", WaitOnAddress(&word, &same, 3, 0), ERROR_INVALID_PARAMETER);
    for (int i = 0; i < 4; i++) t[i] = CreateThread(NULL, 0, address_waiter, NULL, 0, NULL);
    Sleep(50);
    word = 1;
    WakeByAddressAll((void *)&word);
    CHECK_EQ("all four wake", WaitForMultipleObjects(4, t, TRUE, 5000), 0);
    CHECK_EQ("four counted", woken, 4);
    for (int i = 0; i < 4; i++) CloseHandle(t[i]);
    for (unsigned size = 1; size <= 8; size *= 2) {
        ULONGLONG value = 7, compare = 7;
        CHECK_ERROR("each size waits", WaitOnAddress(&value, &compare, size, 5), ERROR_TIMEOUT);
    }
}

static SRWLOCK srw = SRWLOCK_INIT;
static CONDITION_VARIABLE ready = CONDITION_VARIABLE_INIT, space = CONDITION_VARIABLE_INIT;
static CRITICAL_SECTION cs;
static int queue, produced, consumed, total;
static long long shared_value;

static DWORD WINAPI writer(void *arg) {
    (void)arg;
    for (int i = 0; i < 3000; i++) {
        AcquireSRWLockExclusive(&srw);
        shared_value++;
        ReleaseSRWLockExclusive(&srw);
    }
    return 0;
}
static DWORD WINAPI reader(void *arg) {
    (void)arg;
    long long last = 0;
    for (int i = 0; i < 3000; i++) {
        AcquireSRWLockShared(&srw);
        if (shared_value < last) return 1;
        last = shared_value;
        ReleaseSRWLockShared(&srw);
    }
    return 0;
}
static DWORD WINAPI producer(void *arg) {
    (void)arg;
    for (int i = 0; i < 500; i++) {
        EnterCriticalSection(&cs);
        while (queue == 4) SleepConditionVariableCS(&space, &cs, INFINITE);
        queue++;
        produced++;
        LeaveCriticalSection(&cs);
        WakeConditionVariable(&ready);
    }
    return 0;
}
static DWORD WINAPI consumer(void *arg) {
    (void)arg;
    for (;;) {
        EnterCriticalSection(&cs);
        while (queue == 0 && consumed < total) SleepConditionVariableCS(&ready, &cs, INFINITE);
        if (consumed == total) {
            LeaveCriticalSection(&cs);
            WakeAllConditionVariable(&ready);
            return 0;
        }
        queue--;
        consumed++;
        LeaveCriticalSection(&cs);
        WakeConditionVariable(&space);
    }
}
static DWORD WINAPI try_enter(void *arg) { return TryEnterCriticalSection(arg); }

static void locks(void) {
    HANDLE t[6];
    DWORD code, sum = 0;
    for (int i = 0; i < 6; i++) t[i] = CreateThread(NULL, 0, i < 3 ? writer : reader, NULL, 0, NULL);
    CHECK_EQ("writers and readers end", WaitForMultipleObjects(6, t, TRUE, 60000), 0);
    for (int i = 0; i < 6; i++) {
        GetExitCodeThread(t[i], &code);
        sum += code;
        CloseHandle(t[i]);
    }
    CHECK_EQ("readers saw it only grow", sum, 0);
    CHECK_EQ("no update lost", shared_value, 9000);
    AcquireSRWLockShared(&srw);
    CHECK("shared twice", TryAcquireSRWLockShared(&srw));
    CHECK("not exclusive meanwhile", !TryAcquireSRWLockExclusive(&srw));
    ReleaseSRWLockShared(&srw);
    ReleaseSRWLockShared(&srw);
    CHECK("exclusive when free", TryAcquireSRWLockExclusive(&srw));
    ReleaseSRWLockExclusive(&srw);
    InitializeCriticalSection(&cs);
    EnterCriticalSection(&cs);
    CHECK("recursive", TryEnterCriticalSection(&cs));
    LeaveCriticalSection(&cs);
    HANDLE one = CreateThread(NULL, 0, try_enter, &cs, 0, NULL);
    WaitForSingleObject(one, INFINITE);
    GetExitCodeThread(one, &code);
    CloseHandle(one);
    CHECK_EQ("held against others", code, 0);
    LeaveCriticalSection(&cs);
    total = 1500;
    for (int i = 0; i < 6; i++) t[i] = CreateThread(NULL, 0, i < 3 ? producer : consumer, NULL, 0, NULL);
    CHECK_EQ("producers and consumers end", WaitForMultipleObjects(6, t, TRUE, 60000), 0);
    CHECK("all produced and consumed", produced == 1500 && consumed == 1500 && queue == 0);
    for (int i = 0; i < 6; i++) CloseHandle(t[i]);
    EnterCriticalSection(&cs);
    CHECK_ERROR("condition variable times out", SleepConditionVariableCS(&space, &cs, 20), ERROR_TIMEOUT);
    LeaveCriticalSection(&cs);
    DeleteCriticalSection(&cs);
}

static int initialised;
static BOOL CALLBACK init_once(PINIT_ONCE o, void *parameter, void **context) {
    (void)o;
    initialised++;
    *context = parameter;
    return TRUE;
}

static void once(void) {
    static INIT_ONCE o = INIT_ONCE_STATIC_INIT;
    static int context __attribute__((aligned(8)));
    void *got = NULL;
    CHECK("init once", InitOnceExecuteOnce(&o, init_once, &context, &got) && got == &context);
    CHECK("again", InitOnceExecuteOnce(&o, init_once, NULL, &got) && got == &context);
    CHECK_EQ("ran once", initialised, 1);
}

int main(void) {
    timers();
    pool();
    keyed_events();
    addresses();
    locks();
    once();
    return finish();
}
