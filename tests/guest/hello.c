/* The smallest whole program. */
#include <stdio.h>

int main(void) {
    puts("Hello from Windows");
    return 0;
}
