/* Built for Linux: takes memory in the control group that it is put into, and keeps that group short of it. Arguments: megabytes of its own, a
 * file, and megabytes of it that are used again and again. Says "ready" when it has its own, and goes on until it is ended. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
    size_t own = (size_t)atoi(argv[1]) << 20, again = (size_t)atoi(argv[3]) << 20;
    char line[16];
    volatile char sum = 0;
    if (argc < 4 || !fgets(line, sizeof line, stdin)) return 1; /* until it is in the group */
    int file = open(argv[2], O_RDWR);
    char *memory = mmap(NULL, own, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile char *mapped = mmap(NULL, again, PROT_READ, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED || mapped == MAP_FAILED) return 2;
    memset(memory, 1, own);
    /* Who wrote the file has it in memory, on the account of another group: now it is read on this one's. */
    if (fsync(file) || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)) return 3;
    puts("ready");
    fflush(stdout);
    for (;;)
        for (size_t at = 0; at < again; at += 4096) sum += mapped[at];
}
