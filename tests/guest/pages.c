/* EM_FORMATRANGE and EM_DISPLAYBAND of rich edits, which Wine's riched20 has not: what is measured is what is drawn, pages follow each other without a gap, lines stay
   within the rectangle. Drawn on bitmaps, and printed as pages.pdf in the working folder for whoever reads that. */
#include "check.h"
#include <richedit.h>

#define IS(condition) CHECK(#condition, condition)
#define EQ(got, want) CHECK_EQ(#got, got, want)
#define PRINTER "Microsoft Print to PDF"

enum { INCH = 1440 };

static HWND edit(const char *class) {
    HWND window = CreateWindowA(class, "", WS_OVERLAPPED | ES_MULTILINE, 0, 0, 200, 100, NULL, NULL, NULL, NULL);
    CHECK(class, window != NULL);
    return window;
}

/* Streams text in, as RTF or as it is. */
struct source { const char *at; size_t left; };

static DWORD CALLBACK more(DWORD_PTR cookie, LPBYTE buffer, LONG size, LONG *done) {
    struct source *source = (struct source *)cookie;
    *done = (LONG)(source->left < (size_t)size ? source->left : (size_t)size);
    memcpy(buffer, source->at, (size_t)*done);
    source->at += *done;
    source->left -= (size_t)*done;
    return 0;
}

static void fill(HWND window, const char *rtf) {
    struct source source = {rtf, strlen(rtf)};
    EDITSTREAM stream = {(DWORD_PTR)&source, 0, more};
    SendMessageA(window, EM_STREAMIN, SF_RTF, (LPARAM)&stream);
}

static HDC canvas(int width, int height, DWORD **pixels) {
    BITMAPINFO info = {.bmiHeader = {sizeof(BITMAPINFOHEADER), width, -height, 1, 32, BI_RGB, 0, 0, 0, 0, 0}};
    HDC dc = CreateCompatibleDC(NULL);
    SelectObject(dc, CreateDIBSection(dc, &info, DIB_RGB_COLORS, (void **)pixels, NULL, 0));
    PatBlt(dc, 0, 0, width, height, WHITENESS);
    return dc;
}

/* The smallest rectangle that holds all that is not white. */
static RECT inked(const DWORD *pixels, int width, int height) {
    RECT all = {width, height, 0, 0};
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            if ((pixels[y * width + x] & 0xffffff) != 0xffffff) {
                if (x < all.left) all.left = x;
                if (x >= all.right) all.right = x + 1;
                if (y < all.top) all.top = y;
                if (y >= all.bottom) all.bottom = y + 1;
            }
    return all;
}

static LONG length(HWND window) {
    GETTEXTLENGTHEX how = {GTL_DEFAULT, 1200};
    return (LONG)SendMessageA(window, EM_GETTEXTLENGTHEX, (WPARAM)&how, 0);
}

/* Many lines on small pages. */
static void several(const char *class) {
    HWND window = edit(class);
    static char text[20000];
    size_t used = 0;
    for (int line = 0; line < 60; line++)
        used += (size_t)snprintf(text + used, sizeof text - used, "Line %d of a text that is wider than the pages are.\r\n", line);
    SendMessageA(window, WM_SETTEXT, 0, (LPARAM)text);
    DWORD *pixels;
    int width = 3 * 96, height = 2 * 96;
    HDC dc = canvas(width, height, &pixels);
    FORMATRANGE range = {dc, dc, {INCH / 2, INCH / 4, 5 * INCH / 2, 7 * INCH / 4}, {0, 0, 3 * INCH, 2 * INCH}, {0, -1}};
    LONG end = length(window), last = 0, pages = 0;
    int all_alike = 1, all_within = 1, all_inked = 1;
    DWORD events = (DWORD)SendMessageA(window, EM_GETEVENTMASK, 0, 0);
    CHARRANGE before, after;
    SendMessageA(window, EM_SETSEL, 3, 5);
    SendMessageA(window, EM_EXGETSEL, 0, (LPARAM)&before);
    while (last < end && pages < 200) {
        range.chrg.cpMin = last;
        range.rc.bottom = 7 * INCH / 4;
        LONG measured = (LONG)SendMessageA(window, EM_FORMATRANGE, FALSE, (LPARAM)&range);
        RECT place = range.rc;
        range.rc.bottom = 7 * INCH / 4;
        PatBlt(dc, 0, 0, width, height, WHITENESS);
        LONG drawn = (LONG)SendMessageA(window, EM_FORMATRANGE, TRUE, (LPARAM)&range);
        if (drawn != measured || drawn <= last || memcmp(&place, &range.rc, sizeof place)) all_alike = 0;
        RECT ink = inked(pixels, width, height);
        if (ink.left >= ink.right) all_inked = 0;
        if (ink.left < 48 - 2 || ink.top < 24 - 2 || ink.right > 240 + 2 || ink.bottom > 168 + 2) all_within = 0;
        if (drawn <= last) break;
        last = drawn;
        pages++;
    }
    IS(all_alike);
    IS(all_inked);
    IS(all_within);
    EQ(last, end + 1);
    /* 60 paragraphs of two lines, some 12 lines on each. */
    IS(pages >= 6 && pages <= 24);
    SendMessageA(window, EM_EXGETSEL, 0, (LPARAM)&after);
    IS(!memcmp(&before, &after, sizeof before));
    EQ(SendMessageA(window, EM_GETEVENTMASK, 0, 0), events);
    EQ(SendMessageA(window, EM_FORMATRANGE, FALSE, 0), end);

    /* A higher page takes more, and half of the text less than all. */
    range.chrg.cpMin = 0;
    range.rc.bottom = 7 * INCH / 4;
    LONG some = (LONG)SendMessageA(window, EM_FORMATRANGE, FALSE, (LPARAM)&range);
    range.rc.bottom = 4 * INCH;
    LONG more_of_it = (LONG)SendMessageA(window, EM_FORMATRANGE, FALSE, (LPARAM)&range);
    IS(some > 0 && more_of_it > some && more_of_it < end);
    range.rc.bottom = 4 * INCH;
    range.chrg.cpMax = 20;
    EQ(SendMessageA(window, EM_FORMATRANGE, FALSE, (LPARAM)&range), 20);
    IS(range.rc.bottom > INCH / 4 && range.rc.bottom < INCH);
    /* Who does not set the rectangle anew goes on with the page's, not with what was used of it. */
    range.chrg.cpMin = 0;
    range.chrg.cpMax = -1;
    range.rc.bottom = 7 * INCH / 4;
    LONG first = (LONG)SendMessageA(window, EM_FORMATRANGE, FALSE, (LPARAM)&range);
    range.chrg.cpMin = first;
    IS(range.rc.bottom > INCH && range.rc.bottom <= 7 * INCH / 4);
    LONG second = (LONG)SendMessageA(window, EM_FORMATRANGE, FALSE, (LPARAM)&range);
    range.chrg.cpMin = first;
    range.rc.bottom = 7 * INCH / 4;
    EQ(SendMessageA(window, EM_FORMATRANGE, FALSE, (LPARAM)&range), second);
    /* Where nothing has room, one line is taken all the same. */
    range.chrg.cpMin = 0;
    range.rc.bottom = range.rc.top;
    LONG one = (LONG)SendMessageA(window, EM_FORMATRANGE, FALSE, (LPARAM)&range);
    IS(one > 0 && one < 60);
    DeleteDC(dc);
    DestroyWindow(window);
}

/* Where a line of text lies that is formatted so. */
static RECT drawn_with(const char *rtf, int spacing, const RECT *band) {
    HWND window = edit("RichEdit20W");
    fill(window, rtf);
    if (spacing) {
        PARAFORMAT2 format = {.cbSize = sizeof format, .dwMask = PFM_LINESPACING, .dyLineSpacing = spacing, .bLineSpacingRule = spacing > 0 ? 5 : 4};
        if (spacing < 0) format.dyLineSpacing = -spacing;
        SendMessageA(window, EM_SETSEL, 0, -1);
        SendMessageA(window, EM_SETPARAFORMAT, 0, (LPARAM)&format);
    }
    DWORD *pixels;
    HDC dc = canvas(400, 400, &pixels);
    FORMATRANGE range = {dc, dc, {0, 0, 400 * 15, 400 * 15}, {0, 0, 400 * 15, 400 * 15}, {0, -1}};
    SendMessageA(window, EM_FORMATRANGE, band == NULL, (LPARAM)&range);
    if (band) {
        IS(SendMessageA(window, EM_DISPLAYBAND, 0, (LPARAM)band) == TRUE);
        SendMessageA(window, EM_FORMATRANGE, FALSE, 0);
        IS(SendMessageA(window, EM_DISPLAYBAND, 0, (LPARAM)band) == FALSE);
    }
    RECT ink = inked(pixels, 400, 400);
    DeleteDC(dc);
    DestroyWindow(window);
    return ink;
}

static RECT drawn(const char *rtf, const RECT *band) {
    return drawn_with(rtf, 0, band);
}

#define HEAD "{\\rtf1{\\fonttbl{\\f0 Tahoma;}}{\\colortbl;\\red255\\green0\\blue0;}\\plain\\f0\\fs24 "

static void formats(void) {
    RECT left = drawn(HEAD "Wide word\\par}", NULL), right = drawn(HEAD "\\pard\\qr Wide word\\par}", NULL);
    RECT middle = drawn(HEAD "\\pard\\qc Wide word\\par}", NULL), large = drawn(HEAD "\\fs48 Wide word\\par}", NULL);
    int width = left.right - left.left, height = left.bottom - left.top;
    IS(width > 40 && width < 120 && left.left <= 4);
    IS(right.right >= 396 && right.right - right.left == width);
    IS(abs(middle.left - (400 - width) / 2) <= 3);
    IS(large.right - large.left >= width * 2 - 8 && large.bottom - large.top >= height * 2 - 4);
    RECT indented = drawn(HEAD "\\pard\\li720 Wide word\\par}", NULL);
    IS(abs(indented.left - left.left - 48) <= 1);
    RECT below = drawn(HEAD "\\pard\\sb720 Wide word\\par}", NULL);
    IS(abs(below.top - left.top - 48) <= 1);
    RECT tab = drawn(HEAD "\\pard\\tx2880\\tab Wide word\\par}", NULL);
    IS(abs(tab.left - left.left - 192) <= 1);
    RECT bold = drawn(HEAD "\\b Wide word\\par}", NULL);
    IS(bold.right - bold.left > width);
    RECT lined = drawn(HEAD "\\ul axa\\par}", NULL), plain = drawn(HEAD "axa\\par}", NULL);
    IS(lined.bottom > plain.bottom);
    RECT raised = drawn(HEAD "\\super axa\\par}", NULL);
    IS(raised.bottom < plain.bottom && raised.right < plain.right);
    RECT two = drawn(HEAD "axa\\par axa\\par}", NULL), spaced = drawn_with(HEAD "axa\\par axa\\par}", 40, NULL);
    RECT exactly = drawn_with(HEAD "axa\\par axa\\par}", -720, NULL);
    int step = two.bottom - plain.bottom;
    IS(step > 12 && step < 30);
    IS(abs(spaced.bottom - two.bottom - step) <= 1);
    IS(abs(exactly.bottom - plain.bottom - 48) <= 1);
    RECT table = drawn(HEAD "\\trowd\\trgaph100\\clbrdrt\\brdrs\\brdrw15\\clbrdrl\\brdrs\\brdrw15\\clbrdrb\\brdrs\\brdrw15\\clbrdrr\\brdrs\\brdrw15\\cellx1440\\cellx2880"
                            "\\pard\\intbl one\\cell two\\cell\\row\\pard\\par}", NULL);
    IS(table.right > 96 && table.bottom < 60);
    RECT band = {0, 0, 30 * 15, 400 * 15}, part = drawn(HEAD "Wide word\\par}", &band);
    IS(part.right <= 30 && part.right > 20 && part.left == left.left);
}

/* A picture of an inch by half an inch between two letters. */
static void picture(void) {
    RECT frame = {0, 0, 2540, 1270};
    HDC dc = CreateEnhMetaFileA(NULL, NULL, &frame, NULL);
    RECT all = {0, 0, 96, 48};
    FillRect(dc, &all, GetStockObject(BLACK_BRUSH));
    HENHMETAFILE made = CloseEnhMetaFile(dc);
    static BYTE bytes[8192];
    UINT size = GetEnhMetaFileBits(made, sizeof bytes, bytes);
    IS(size > 100);
    DeleteEnhMetaFile(made);
    static char rtf[20000];
    int used = snprintf(rtf, sizeof rtf, "%s\\fs20 a{\\pict\\emfblip\\picw2540\\pich1270\\picwgoal1440\\pichgoal720 ", HEAD);
    for (UINT at = 0; at < size; at++) used += snprintf(rtf + used, sizeof rtf - (size_t)used, "%02x", bytes[at]);
    snprintf(rtf + used, sizeof rtf - (size_t)used, "}b\\par next\\par}");
    RECT seen = drawn(rtf, NULL), without = drawn(HEAD "\\fs20 ab\\par next\\par}", NULL);
    IS(abs(seen.right - without.right - 96) <= 12);
    IS(seen.bottom - without.bottom > 24 && seen.bottom - without.bottom < 60);
}

/* A window of another class that has the procedure of this one, as frameworks do it. */
static WNDPROC own;
static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    return CallWindowProcW(own, window, message, wparam, lparam);
}

static void another_class(void) {
    WNDCLASSW class;
    IS(GetClassInfoW(NULL, L"RichEdit20W", &class));
    own = class.lpfnWndProc;
    class.lpfnWndProc = procedure;
    class.lpszClassName = L"Another";
    class.hInstance = GetModuleHandleW(NULL);
    class.style &= ~(UINT)CS_GLOBALCLASS;
    IS(RegisterClassW(&class));
    several("Another");
}

static const char document[] =
    HEAD "\\fs40\\b A heading\\b0\\fs24\\par\r\n\\pard\\fi720\\qj Plain text, {\\i slanted text}, {\\b bold text} and {\\cf1 red text} in one paragraph that is long "
         "enough for several lines of the page, so that it wraps at words and nowhere else, and its last line is short.\\par\r\n"
         "\\pard{\\pntext\\'b7\\tab}{\\*\\pn\\pnlvlblt\\pnindent360{\\pntxtb\\'b7}}first\\par{\\pntext\\'b7\\tab}second\\par\\pard\\qr at the right\\par}";

static void printed(void) {
    HWND window = edit("RichEdit20W");
    fill(window, document);
    /* Nothing has asked for printers before. */
    IS(GetModuleHandleA("winspool.drv") == NULL);
    HDC dc = CreateDCA("WINSPOOL", PRINTER, NULL, NULL);
    CHECK("a printer", dc != NULL);
    HDC another = CreateICA(NULL, "Portcullis PostScript", NULL, NULL);
    CHECK("another printer", another != NULL);
    IS(GetDeviceCaps(another, TECHNOLOGY) == DT_RASPRINTER);
    DeleteDC(another);
    char device[100];
    IS(GetProfileStringA("windows", "device", "", device, sizeof device) && !strncmp(device, PRINTER ",", strlen(PRINTER) + 1));
    if (!dc) return;
    DOCINFOA info = {sizeof info, "Pages", "C:\\work\\pages.pdf", NULL, 0};
    FORMATRANGE range = {dc, dc, {INCH, INCH, 7 * INCH, 4 * INCH}, {0, 0, 8 * INCH, 11 * INCH}, {0, -1}};
    IS(StartDocA(dc, &info) > 0);
    LONG end = length(window), last = 0;
    int pages = 0;
    while (last < end && pages++ < 10) {
        StartPage(dc);
        range.chrg.cpMin = last;
        last = (LONG)SendMessageA(window, EM_FORMATRANGE, TRUE, (LPARAM)&range);
        EndPage(dc);
    }
    IS(EndDoc(dc) > 0);
    EQ(pages, 1);
    SendMessageA(window, EM_FORMATRANGE, FALSE, 0);
    DeleteDC(dc);
    DestroyWindow(window);
}

int main(void) {
    IS(LoadLibraryA("riched20.dll") != NULL);
    IS(LoadLibraryA("riched32.dll") != NULL);
    several("RichEdit20W");
    several("RichEdit20A");
    several("RichEdit50W");
    several("RICHEDIT");
    another_class();
    formats();
    picture();
    printed();
    return finish();
}
