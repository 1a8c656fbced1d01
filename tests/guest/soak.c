/* Processes that are killed at random points while they use what all share: the others run on, and nothing stays locked or taken.
 * The number of kills is an argument; without one, a few seconds' worth. */
#include "family.h"

enum { CROWD = 4, NAMES = 5 };

static unsigned long long seed;
static HANDLE port;

static unsigned next(unsigned below) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % below;
}

static void named(char *name, const char *what, unsigned number) {
    snprintf(name, 64, "soak-%s-%u", what, number);
}

/* One of the things that a killed process may be in the middle of. */
static void step(const char *path, volatile LONG *shared) {
    char name[64], text[32];
    DWORD moved;
    OVERLAPPED at = {0};
    unsigned number = next(NAMES);
    HANDLE made;
    switch (next(11)) {
    case 0:
        named(name, "mutex", number);
        made = CreateMutexA(NULL, FALSE, name);
        if (WaitForSingleObject(made, 50) != WAIT_TIMEOUT) {
            InterlockedIncrement(shared + number);
            ReleaseMutex(made);
        }
        CloseHandle(made);
        break;
    case 1:
        named(name, "event", number);
        made = CreateEventA(NULL, next(2), FALSE, name);
        if (next(2)) SetEvent(made); else WaitForSingleObject(made, 1);
        CloseHandle(made);
        break;
    case 2:
        named(name, "semaphore", number);
        made = CreateSemaphoreA(NULL, 1, 3, name);
        if (WaitForSingleObject(made, 1) == WAIT_OBJECT_0) ReleaseSemaphore(made, 1, NULL);
        CloseHandle(made);
        break;
    case 3: {
        named(name, "section", number);
        made = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 8192, name);
        volatile LONG *words = MapViewOfFile(made, FILE_MAP_WRITE, 0, 0, 0);
        if (words) InterlockedIncrement(words);
        UnmapViewOfFile((void *)words);
        CloseHandle(made);
        break;
    }
    case 4:
    case 5:
        made = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, next(4) ? 7 : 0, NULL, OPEN_ALWAYS, 0, NULL);
        if (made == INVALID_HANDLE_VALUE) break;
        at.Offset = number * 16;
        if (LockFileEx(made, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 16, 0, &at)) {
            WriteFile(made, "0123456789abcdef", 16, &moved, &at);
            UnlockFileEx(made, 0, 16, 0, &at);
        }
        CloseHandle(made);
        break;
    case 6:
        snprintf(name, sizeof name, "%s-%u", path, number);
        made = CreateFileA(name, GENERIC_WRITE | DELETE, 7, NULL, OPEN_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
        snprintf(text, sizeof text, "%u", number);
        if (made != INVALID_HANDLE_VALUE) WriteFile(made, text, 2, &moved, NULL);
        CloseHandle(made);
        break;
    case 7: {
        LARGE_INTEGER due = {.QuadPart = -10000LL * next(5)};
        named(name, "timer", number);
        made = CreateWaitableTimerA(NULL, next(2), name);
        if (next(3)) SetWaitableTimer(made, &due, (LONG)next(3), NULL, NULL, FALSE); else CancelWaitableTimer(made);
        if (next(2)) WaitForSingleObject(made, 2);
        CloseHandle(made);
        break;
    }
    case 8:
    case 9: {
        ULONG_PTR key;
        OVERLAPPED *done;
        if (next(2)) PostQueuedCompletionStatus(port, 1, number + 1, NULL);
        else GetQueuedCompletionStatus(port, &moved, &key, &done, next(3));
        break;
    }
    default: {
        HANDLE job = CreateJobObjectA(NULL, NULL), both[2] = {CreateEventA(NULL, FALSE, FALSE, "soak-never"), NULL};
        named(name, "mutex", number);
        both[1] = CreateMutexA(NULL, FALSE, name);
        if (WaitForMultipleObjects(2, both, FALSE, 2) == WAIT_OBJECT_0 + 1) ReleaseMutex(both[1]);
        CloseHandle(both[0]);
        CloseHandle(both[1]);
        CloseHandle(job);
    }
    }
}

static int child(char **arguments) {
    HANDLE section = OpenFileMappingA(FILE_MAP_WRITE, FALSE, "soak-counts");
    volatile LONG *shared = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    seed = strtoull(arguments[2], NULL, 10);
    port = handle_of(arguments[3]);
    if (!shared) return 1;
    for (;;) {
        step(arguments[1], shared);
        InterlockedIncrement(shared + NAMES);
    }
}

int main(int count, char **arguments) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (count > 3) return child(arguments);
    int kills = count > 1 ? atoi(arguments[1]) : 60, killed = 0, started = 0, ends = 0;
    const char *path = scratch("soak");
    PROCESS_INFORMATION crowd[CROWD];
    char name[64];
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, "soak-counts");
    volatile LONG *shared = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    seed = GetTickCount64();
    port = inheritable(CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0));
    say("seed %llu", seed);
    for (int i = 0; i < CROWD; i++) started += start(&crowd[i], 0, TRUE, "%s %llu %llu", path, seed + i + 1, number(port));
    for (; killed < kills; killed++) {
        unsigned which = next(CROWD);
        LONG steps = shared[NAMES];
        /* Anywhere between its first instruction and far into its loop. */
        for (unsigned wait = next(30); wait; wait--) Sleep(1);
        if (!TerminateProcess(crowd[which].hProcess, 9)) break;
        ends += ended(&crowd[which]) == 9;
        /* The others run on. */
        for (int tries = 0; shared[NAMES] == steps && tries < 2000; tries++) Sleep(5);
        if (shared[NAMES] == steps) break;
        started += start(&crowd[which], 0, TRUE, "%s %llu %llu", path, seed + (unsigned)killed * 16 + 100, number(port));
    }
    say("%d kills, %ld steps", killed, shared[NAMES]);
    CHECK_EQ("killed", killed, kills);
    CHECK_EQ("each ended so", ends, kills);
    CHECK_EQ("each time another came", started, kills + CROWD);
    for (int i = 0; i < CROWD; i++) TerminateProcess(crowd[i].hProcess, 9), ended(&crowd[i]);
    for (unsigned i = 0; i < NAMES; i++) {
        named(name, "mutex", i);
        HANDLE mutex = CreateMutexA(NULL, FALSE, name);
        DWORD got = WaitForSingleObject(mutex, 10000);
        CHECK("no mutex is held", got == WAIT_OBJECT_0 || got == WAIT_ABANDONED);
        ReleaseMutex(mutex);
        CloseHandle(mutex);
        for (int tries = 0; tries < 200 && (mutex = OpenMutexA(SYNCHRONIZE, FALSE, name)); tries++) CloseHandle(mutex), Sleep(10);
        CHECK("nor its name", mutex == NULL);
        named(name, "section", i);
        CHECK("nor a section's", OpenFileMappingA(FILE_MAP_READ, FALSE, name) == NULL);
        named(name, "event", i);
        CHECK("nor an event's", OpenEventA(SYNCHRONIZE, FALSE, name) == NULL);
        named(name, "timer", i);
        CHECK("nor a timer's", OpenWaitableTimerA(SYNCHRONIZE, FALSE, name) == NULL);
        snprintf(name, sizeof name, "%s-%u", path, i);
        /* One that was killed while it opened a file may leave it (tests/KNOWN.md): then it is nobody's. */
        CHECK("no file that was to go is kept", GetFileAttributesA(name) == INVALID_FILE_ATTRIBUTES || DeleteFileA(name));
    }
    ULONG_PTR key;
    OVERLAPPED *done, at = {0};
    DWORD moved, right = 1;
    while (GetQueuedCompletionStatus(port, &moved, &key, &done, 0)) right &= moved == 1 && key >= 1 && key <= NAMES;
    CHECK("packets are whole", right);
    CHECK("the port works", PostQueuedCompletionStatus(port, 4, 44, NULL) && GetQueuedCompletionStatus(port, &moved, &key, &done, 0) && key == 44);
    HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, 0, NULL);
    CHECK("the file is nobody's", file != INVALID_HANDLE_VALUE);
    CHECK("nor is a part of it", LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1000, 0, &at));
    CloseHandle(file);
    CHECK("deleted", DeleteFileA(path));
    return finish();
}
