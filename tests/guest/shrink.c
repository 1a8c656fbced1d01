/* Memory that a program freed and its heap keeps: it is given back when the host is short of it, and the heap works on. The program
 * goes on when it reads a line. */
#include "check.h"

enum { blocks = 20000, size = 4000 };

static char *kept[blocks];
static HANDLE low;
static volatile LONG stop, rounds;

/* Allocates and frees meanwhile, in the same heap and one of its own. */
static DWORD WINAPI churn(void *arg) {
    HANDLE heap = arg;
    while (!stop) {
        char *some[64];
        for (int i = 0; i < 64; i++) {
            SIZE_T length = (SIZE_T)(1 + i * 331);
            some[i] = HeapAlloc(heap, i & 1 ? HEAP_ZERO_MEMORY : 0, length);
            if (!some[i]) return 1;
            if (i & 1) for (SIZE_T at = 0; at < length; at += 97) if (some[i][at]) return 2;
            memset(some[i], i + 1, length);
        }
        for (int i = 0; i < 64; i++) {
            if (some[i][0] != i + 1 || some[i][i * 331] != i + 1) return 3;
            HeapFree(heap, 0, some[i]);
        }
        InterlockedIncrement(&rounds);
    }
    return 0;
}

static void pause_for(const char *what) {
    char line[16];
    DWORD count;
    say("%s", what);
    ReadFile(GetStdHandle(STD_INPUT_HANDLE), line, sizeof line, &count, NULL);
}

int main(void) {
    HANDLE heap = GetProcessHeap(), own = HeapCreate(0, 0, 0), alone = HeapCreate(HEAP_NO_SERIALIZE, 0, 0), threads[3];
    BOOL is_low = TRUE;
    low = CreateMemoryResourceNotification(LowMemoryResourceNotification);
    CHECK("the state of memory", low && QueryMemoryResourceNotification(low, &is_low));
    CHECK("is not low", !is_low);
    for (int i = 0; i < blocks; i++) {
        kept[i] = HeapAlloc(heap, 0, size);
        memset(kept[i], i | 1, size);
    }
    char *words = HeapAlloc(alone, 0, 100000);
    memset(words, 7, 100000);
    HeapFree(alone, 0, words);
    pause_for("full");
    /* One in a hundred stays, so that the heap keeps the rest. */
    for (int i = 0; i < blocks; i++) if (i % 100) HeapFree(heap, 0, kept[i]);
    for (int i = 0; i < 3; i++) threads[i] = CreateThread(NULL, 0, churn, i ? own : heap, 0, NULL);
    CHECK("the heap is whole", HeapValidate(heap, 0, NULL));
    pause_for("freed");
    CHECK_EQ("memory is low", WaitForSingleObject(low, 30000), WAIT_OBJECT_0);
    CHECK("which is told", QueryMemoryResourceNotification(low, &is_low) && is_low);
    pause_for("low");
    LONG before = rounds;
    while (rounds < before + 100) Sleep(1);
    stop = 1;
    for (int i = 0; i < 3; i++) {
        DWORD code = 99;
        WaitForSingleObject(threads[i], INFINITE);
        GetExitCodeThread(threads[i], &code);
        CHECK_EQ("who used the heaps meanwhile", code, 0);
    }
    CHECK("the heaps are whole", HeapValidate(heap, 0, NULL) && HeapValidate(own, 0, NULL) && HeapValidate(alone, 0, NULL));
    int damaged = 0;
    for (int i = 0; i < blocks; i += 100) for (int at = 0; at < size; at++) damaged += kept[i][at] != (char)(i | 1);
    CHECK_EQ("what was kept is as it was", damaged, 0);
    for (int i = 0; i < blocks; i++) if (i % 100) kept[i] = HeapAlloc(heap, HEAP_ZERO_MEMORY, size);
    int dirty = 0;
    for (int i = 0; i < blocks; i++) if (i % 100) for (int at = 0; at < size; at++) dirty += kept[i][at] != 0;
    CHECK_EQ("what is allocated anew is zero where it is to be", dirty, 0);
    for (int i = 0; i < blocks; i++) HeapFree(heap, 0, kept[i]);
    CHECK("and all of it is freed", HeapValidate(heap, 0, NULL));
    return finish();
}
