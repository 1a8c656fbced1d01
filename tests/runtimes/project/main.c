/* Links against the system's C runtime without a start of its own: zig would compile one first, for more than a minute. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include "version.h"
__declspec(dllimport) int count(const char *text);
#define ALL(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#define DECLARE(n) int part##n(void);
#define ADD(n) + part##n()
ALL(DECLARE)
void mainCRTStartup(void) {
    char number[20];
    const char *line = GetCommandLineA(), *rest = strchr(line, ' ');
    puts(VERSION);
    strcpy(number, "");
    _itoa(0 ALL(ADD), number, 10);
    char *said = malloc(strlen(line) + 40);
    strcat(strcpy(said, number), rest ? rest : "");
    puts(said);
    exit(strstr(line, "fail") ? count(line) : 0);
}
