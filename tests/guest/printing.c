/* A page for the printer: its measures, and the file that it becomes. The argument says where; without one, the printer knows. */
#include "check.h"
#include <winspool.h>

#define IS(condition) CHECK(#condition, condition)
#define EQ(got, want) CHECK_EQ(#got, got, want)

static char text[0x20000];

static DWORD load(const char *path) {
    DWORD length = 0;
    HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return 0;
    ReadFile(file, text, sizeof text - 1, &length, NULL);
    CloseHandle(file);
    text[length] = 0;
    return length;
}

#define PRINTER "Portcullis PostScript"

static void print(const char *printer, const char *output) {
    HDC dc = CreateDCA("WINSPOOL", printer, NULL, NULL);
    IS(dc != NULL);
    EQ(GetDeviceCaps(dc, TECHNOLOGY), DT_RASPRINTER);
    int across = GetDeviceCaps(dc, HORZRES), dots = GetDeviceCaps(dc, LOGPIXELSX), paper = GetDeviceCaps(dc, PHYSICALWIDTH);
    IS(dots >= 72 && across > dots && paper >= across);
    EQ(GetDeviceCaps(dc, HORZSIZE), (int)(across * 25.4 / dots));
    DOCINFOA document = {sizeof document, "A letter", output, NULL, 0};
    IS(StartDocA(dc, &document) > 0);
    for (int page = 0; page < 2; page++) {
        IS(StartPage(dc) > 0);
        Rectangle(dc, 100, 100, 500, 300);
        IS(TextOutA(dc, 200, 400, "Printed", 7));
        IS(EndPage(dc) > 0);
    }
    IS(EndDoc(dc) > 0);
    IS(DeleteDC(dc));
}

int main(void) {
    char path[MAX_PATH];
    DWORD needed = 0, count = 0;
    EnumPrintersA(PRINTER_ENUM_LOCAL, NULL, 2, NULL, 0, &needed, &count);
    IS(needed != 0);
    print(PRINTER, "C:\\work\\letter.ps");
    IS(load("C:\\work\\letter.ps") > 1000);
    IS(!strncmp(text, "%!PS-Adobe", 10));
    IS(strstr(text, "%%Title: A letter") && strstr(text, "%%Pages: 2") && strstr(text, "/P glyphshow"));
    DWORD length = (DWORD)strlen(text);
    DWORD folder = GetEnvironmentVariableA("USERPROFILE", path, sizeof path);
    print(PRINTER, NULL);
    strcpy(path + folder, "\\Documents\\A letter.ps");
    IS(load(path) == length);
    print(PRINTER, NULL);
    strcpy(path + folder, "\\Documents\\A letter (2).ps");
    IS(load(path) == length);
    return finish();
}
