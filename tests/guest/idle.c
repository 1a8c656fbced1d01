/* Waits until its input ends: for measuring what an idle program costs. */
#include <stdio.h>

int main(void) {
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {}
    return 0;
}
