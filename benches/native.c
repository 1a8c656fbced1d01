/* The Linux operation behind each probe of tests/guest/probe.c, timed the same way: "name nanoseconds". */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static int file;
static char path[256], block[4096];
static volatile uint32_t word, a, b;

static void null_call(int n) { while (n--) syscall(SYS_getppid); }
static void query_counter(int n) {
    struct timespec t;
    while (n--) clock_gettime(CLOCK_MONOTONIC, &t);
}
static void set_reset(int n) {
    while (n--) {
        __atomic_exchange_n(&word, 1, __ATOMIC_SEQ_CST);
        __atomic_exchange_n(&word, 0, __ATOMIC_SEQ_CST);
    }
}
static void signalled_wait(int n) {
    word = 1;
    while (n--) __atomic_load_n(&word, __ATOMIC_SEQ_CST);
}
static void take(volatile uint32_t *w) {
    while (!__atomic_exchange_n(w, 0, __ATOMIC_SEQ_CST)) syscall(SYS_futex, w, FUTEX_WAIT_PRIVATE, 0, NULL);
}
static void give(volatile uint32_t *w) {
    __atomic_store_n(w, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, w, FUTEX_WAKE_PRIVATE, 1);
}
static void *answer(void *arg) {
    for (intptr_t n = (intptr_t)arg; n--;) {
        take(&a);
        give(&b);
    }
    return NULL;
}
static void ping_pong(int n) {
    pthread_t t;
    pthread_create(&t, NULL, answer, (void *)(intptr_t)n);
    for (int i = 0; i < n; i++) {
        give(&a);
        take(&b);
    }
    pthread_join(t, NULL);
}
static void open_close(int n) { while (n--) close(open(path, O_RDONLY | O_CLOEXEC)); }
static void file_attributes(int n) {
    struct stat s;
    while (n--) stat(path, &s);
}
static void read_4k(int n) { while (n--) if (pread(file, block, sizeof block, 0) < 0) return; }
static void write_4k(int n) { while (n--) if (pwrite(file, block, sizeof block, 0) < 0) return; }
static void alloc_free(int n) {
    while (n--) munmap(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 65536);
}
static void *nothing(void *arg) { return arg; }
static void create_join(int n) {
    while (n--) {
        pthread_t t;
        pthread_create(&t, NULL, nothing, NULL);
        pthread_join(t, NULL);
    }
}
static void skip(int s, siginfo_t *i, void *c) {
    (void)s, (void)i;
    ((ucontext_t *)c)->uc_mcontext.gregs[REG_RIP] += 2;
}
static void access_violation(int n) {
    struct sigaction act = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO}, old;
    sigaction(SIGSEGV, &act, &old);
    while (n--) __asm__ volatile(".byte 0x8b,0x00" : : "a"(8UL) : "memory");
    sigaction(SIGSEGV, &old, NULL);
}

static const struct { const char *name; void (*run)(int); int count; } probes[] = {
    {"null_call", null_call, 200000},
    {"query_performance_counter", query_counter, 100000},
    {"set_reset_event", set_reset, 50000},
    {"signalled_wait", signalled_wait, 50000},
    {"ping_pong", ping_pong, 5000},
    {"open_close", open_close, 3000},
    {"file_attributes", file_attributes, 3000},
    {"read_4k", read_4k, 10000},
    {"write_4k", write_4k, 10000},
    {"virtual_alloc_free", alloc_free, 5000},
    {"create_thread_join", create_join, 300},
    {"access_violation", access_violation, 3000},
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv) {
    snprintf(path, sizeof path, "%s/probe.native", argc > 1 ? argv[1] : ".");
    file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, block, sizeof block) < 0) return 1;
    for (unsigned i = 0; i < sizeof probes / sizeof *probes; i++) {
        double best = 1e18;
        probes[i].run(probes[i].count / 10 + 1);
        for (int round = 0; round < 5; round++) {
            double from = now();
            probes[i].run(probes[i].count / 5);
            double ns = (now() - from) / (probes[i].count / 5);
            if (ns < best) best = ns;
        }
        printf("%s %.1f\n", probes[i].name, best);
    }
    unlink(path);
    return 0;
}
