/* Keeps as many threads busy as it is told, until its input ends; then says how many rounds they went. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

static volatile LONG stop;
static volatile LONG64 rounds;

static DWORD WINAPI turn(void *arg) {
    uint64_t value = 1;
    (void)arg;
    while (!stop) {
        for (int i = 0; i < 1000000; i++) value = value * 6364136223846793005u + 1442695040888963407u;
        InterlockedIncrement64(&rounds);
    }
    return (DWORD)value;
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 1;
    for (int i = 0; i < count; i++) CloseHandle(CreateThread(NULL, 0, turn, NULL, 0, NULL));
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {}
    stop = 1;
    printf("%lld rounds of %d threads\n", (long long)rounds, count);
    return 0;
}
