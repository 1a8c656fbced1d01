/* One picture, printed as PDF and drawn on the screen's kind of pixels: page.pdf and page.bmp in the working folder, for whoever compares them. Further documents:
   without a name, and with several pages, copies, another size of paper and a folder's worth of odd records. */
#include "check.h"
#include <winspool.h>

#define IS(condition) CHECK(#condition, condition)
#define EQ(got, want) CHECK_EQ(#got, got, want)
#define PRINTER "Microsoft Print to PDF"

/* The picture is drawn in tenths of a screen's pixel: A4 at 96 dots an inch. */
enum { ACROSS = 7937, DOWN = 11225 };

static HFONT font(int height, int weight, int italic, int escapement, const char *face) {
    return CreateFontA(-height, 0, escapement, escapement, weight, italic, 0, 0, DEFAULT_CHARSET, OUT_TT_ONLY_PRECIS, 0, ANTIALIASED_QUALITY, 0, face);
}

static void write_with(HDC dc, HFONT with, int x, int y, const char *text) {
    HGDIOBJ before = SelectObject(dc, with);
    TextOutA(dc, x, y, text, (int)strlen(text));
    DeleteObject(SelectObject(dc, before));
}

/* A picture of 32 x 32: red grows to the right, green upwards. */
static void bits(DWORD *pixels, int alpha) {
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 32; x++) {
            DWORD a = alpha ? (DWORD)(x * 255 / 31) : 255;
            pixels[y * 32 + x] = a << 24 | (x * 255 / 31 * a / 255) << 16 | (y * 255 / 31 * a / 255) << 8 | (128 * a / 255);
        }
}

static void draw(HDC dc) {
    static DWORD pixels[32 * 32];
    BITMAPINFO info = {.bmiHeader = {sizeof(BITMAPINFOHEADER), 32, 32, 1, 32, BI_RGB, 0, 0, 0, 0, 0}};
    SetBkMode(dc, TRANSPARENT);
    write_with(dc, font(480, 700, 0, 0, "Tahoma"), 500, 400, "Printed on paper");
    SetTextColor(dc, RGB(160, 0, 0));
    write_with(dc, font(240, 400, 0, 0, "Tahoma"), 500, 1100, "Some text in red, and a word behind it.");
    SetTextColor(dc, RGB(0, 0, 160));
    write_with(dc, font(300, 400, 0, 450, "Tahoma"), 5600, 2600, "turned");
    SetTextColor(dc, RGB(0, 0, 0));
    SetBkMode(dc, OPAQUE);
    SetBkColor(dc, RGB(255, 255, 128));
    WCHAR letters[] = L"\x0413\x0440\x0435\x0447 Stra\x00df" L"e";
    HGDIOBJ plain = SelectObject(dc, font(300, 400, 0, 0, "Tahoma"));
    SetTextAlign(dc, TA_RIGHT | TA_BASELINE);
    TextOutW(dc, 7000, 1900, letters, (int)wcslen(letters));
    SetTextAlign(dc, TA_LEFT | TA_TOP);
    DeleteObject(SelectObject(dc, plain));

    LOGBRUSH black = {BS_SOLID, RGB(0, 0, 0), 0}, blue = {BS_SOLID, RGB(0, 0, 200), 0};
    HPEN wide = ExtCreatePen(PS_GEOMETRIC | PS_SOLID | PS_ENDCAP_FLAT | PS_JOIN_MITER, 60, &black, 0, NULL);
    HPEN dashed = ExtCreatePen(PS_GEOMETRIC | PS_DASH | PS_ENDCAP_FLAT | PS_JOIN_ROUND, 40, &blue, 0, NULL);
    HBRUSH green = CreateSolidBrush(RGB(0, 180, 90)), light = CreateSolidBrush(RGB(220, 230, 255));
    HGDIOBJ pen = SelectObject(dc, wide), brush = SelectObject(dc, light);
    Rectangle(dc, 500, 2300, 2500, 3800);
    RoundRect(dc, 2900, 2300, 4900, 3800, 600, 600);
    SelectObject(dc, green);
    Ellipse(dc, 500, 4200, 2500, 5700);
    Pie(dc, 2900, 4200, 4900, 5700, 4900, 4950, 3900, 4200);
    SelectObject(dc, dashed);
    Arc(dc, 5300, 4200, 7300, 5700, 5300, 4950, 7300, 4950);
    MoveToEx(dc, 5300, 5700, NULL);
    LineTo(dc, 7300, 5700);
    LineTo(dc, 7300, 5200);
    POINT curve[] = {{500, 6600}, {1200, 5600}, {1900, 7600}, {2500, 6200}};
    SelectObject(dc, wide);
    PolyBezier(dc, curve, 4);
    POINT star[] = {{3900, 6000}, {4300, 7300}, {3100, 6450}, {4700, 6450}, {3500, 7300}};
    SelectObject(dc, GetStockObject(NULL_PEN));
    SelectObject(dc, GetStockObject(BLACK_BRUSH));
    Polygon(dc, star, 5);
    SetPolyFillMode(dc, WINDING);
    BeginPath(dc);
    MoveToEx(dc, 5300, 6100, NULL);
    LineTo(dc, 7300, 6100);
    LineTo(dc, 6300, 7300);
    CloseFigure(dc);
    EndPath(dc);
    SelectObject(dc, green);
    FillPath(dc);

    bits(pixels, 0);
    StretchDIBits(dc, 500, 7700, 1600, 1600, 0, 0, 32, 32, pixels, &info, DIB_RGB_COLORS, SRCCOPY);
    HDC memory = CreateCompatibleDC(dc);
    void *raw;
    HBITMAP section = CreateDIBSection(memory, &info, DIB_RGB_COLORS, &raw, NULL, 0);
    HGDIOBJ nothing = SelectObject(memory, section);
    bits(raw, 1);
    BLENDFUNCTION over = {AC_SRC_OVER, 0, 255, AC_SRC_ALPHA};
    SelectObject(dc, GetStockObject(GRAY_BRUSH));
    PatBlt(dc, 2500, 8100, 1600, 600, PATCOPY);
    IS(GdiAlphaBlend(dc, 2500, 7700, 1600, 1600, memory, 0, 0, 32, 32, over));
    bits(raw, 0);
    StretchBlt(dc, 4500, 7700, 1600, 1600, memory, 16, 0, 16, 32, SRCCOPY);
    DeleteObject(SelectObject(memory, nothing));
    DeleteDC(memory);
    TRIVERTEX corners[] = {{6300, 7700, 0xff00, 0, 0, 0}, {7400, 9300, 0, 0, 0xff00, 0}};
    GRADIENT_RECT mesh = {0, 1};
    IS(GdiGradientFill(dc, corners, 2, &mesh, 1, GRADIENT_FILL_RECT_V));

    BeginPath(dc);
    SetBkMode(dc, TRANSPARENT);
    write_with(dc, font(500, 700, 0, 0, "Tahoma"), 5300, 3200, "line");
    EndPath(dc);
    HPEN thin = ExtCreatePen(PS_GEOMETRIC | PS_SOLID, 12, &blue, 0, NULL);
    SelectObject(dc, thin);
    StrokePath(dc);
    /* What is clipped away is not there. */
    int saved = SaveDC(dc);
    IntersectClipRect(dc, 500, 9700, 3000, 10500);
    ExcludeClipRect(dc, 1500, 9900, 2000, 10300);
    SelectObject(dc, light);
    SelectObject(dc, GetStockObject(NULL_PEN));
    Ellipse(dc, 0, 9500, 3500, 10700);
    RestoreDC(dc, saved);
    saved = SaveDC(dc);
    BeginPath(dc);
    Ellipse(dc, 4000, 9700, 6000, 10700);
    EndPath(dc);
    SelectClipPath(dc, RGN_COPY);
    SelectObject(dc, green);
    Rectangle(dc, 3000, 9600, 5000, 10800);
    RestoreDC(dc, saved);
    SelectObject(dc, pen);
    SelectObject(dc, brush);
    DeleteObject(wide), DeleteObject(thin), DeleteObject(dashed), DeleteObject(green), DeleteObject(light);
}

static void in_tenths(HDC dc, int across, int down, int left, int top) {
    SetMapMode(dc, MM_ANISOTROPIC);
    SetWindowExtEx(dc, ACROSS, DOWN, NULL);
    SetViewportExtEx(dc, across, down, NULL);
    SetViewportOrgEx(dc, -left, -top, NULL);
}

static void print_page(void) {
    HDC dc = CreateDCA("WINSPOOL", PRINTER, NULL, NULL);
    IS(dc != NULL);
    DOCINFOA document = {sizeof document, "A page", "C:\\work\\page.pdf", NULL, 0};
    IS(StartDocA(dc, &document) > 0);
    IS(StartPage(dc) > 0);
    in_tenths(dc, GetDeviceCaps(dc, PHYSICALWIDTH), GetDeviceCaps(dc, PHYSICALHEIGHT), GetDeviceCaps(dc, PHYSICALOFFSETX), GetDeviceCaps(dc, PHYSICALOFFSETY));
    draw(dc);
    IS(EndPage(dc) > 0);
    IS(EndDoc(dc) > 0);
    IS(DeleteDC(dc));
}

static void draw_bitmap(void) {
    int width = (ACROSS + 9) / 10, height = (DOWN + 9) / 10;
    BITMAPINFO info = {.bmiHeader = {sizeof(BITMAPINFOHEADER), width, height, 1, 32, BI_RGB, 0, 0, 0, 0, 0}};
    void *raw;
    HDC dc = CreateCompatibleDC(NULL);
    HBITMAP bitmap = CreateDIBSection(dc, &info, DIB_RGB_COLORS, &raw, NULL, 0);
    HGDIOBJ nothing = SelectObject(dc, bitmap);
    PatBlt(dc, 0, 0, width, height, WHITENESS);
    in_tenths(dc, width, height, 0, 0);
    draw(dc);
    GdiFlush();
    DWORD length = (DWORD)width * height * 4, written;
    BITMAPFILEHEADER head = {0x4d42, sizeof head + sizeof info.bmiHeader + length, 0, 0, sizeof head + sizeof info.bmiHeader};
    HANDLE file = CreateFileA("C:\\work\\page.bmp", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    WriteFile(file, &head, sizeof head, &written, NULL);
    WriteFile(file, &info.bmiHeader, sizeof info.bmiHeader, &written, NULL);
    IS(WriteFile(file, raw, length, &written, NULL) && written == length);
    CloseHandle(file);
    SelectObject(dc, nothing);
    DeleteObject(bitmap);
    DeleteDC(dc);
}

/* Two pages of A5 on their sides, twice each, in greys; a third one upright again. */
static void print_several(void) {
    union { DEVMODEA mode; char room[0x20000]; } *set = calloc(1, sizeof *set);
    HANDLE printer;
    IS(OpenPrinterA(PRINTER, &printer, NULL));
    IS(DocumentPropertiesA(NULL, printer, PRINTER, &set->mode, NULL, DM_OUT_BUFFER) == IDOK);
    set->mode.dmFields |= DM_PAPERSIZE | DM_ORIENTATION | DM_COPIES | DM_COLLATE | DM_COLOR;
    set->mode.dmPaperSize = DMPAPER_A5;
    set->mode.dmOrientation = DMORIENT_LANDSCAPE;
    set->mode.dmCopies = 2;
    set->mode.dmCollate = DMCOLLATE_TRUE;
    set->mode.dmColor = DMCOLOR_MONOCHROME;
    HDC dc = CreateDCA("WINSPOOL", PRINTER, NULL, &set->mode);
    IS(dc != NULL);
    IS(GetDeviceCaps(dc, PHYSICALWIDTH) > GetDeviceCaps(dc, PHYSICALHEIGHT));
    DOCINFOA document = {sizeof document, "Several", "C:\\work\\several.pdf", NULL, 0};
    IS(StartDocA(dc, &document) > 0);
    for (int page = 1; page <= 3; page++) {
        char text[16];
        if (page == 3) {
            set->mode.dmOrientation = DMORIENT_PORTRAIT;
            IS(ResetDCA(dc, &set->mode) != NULL);
            IS(GetDeviceCaps(dc, PHYSICALWIDTH) < GetDeviceCaps(dc, PHYSICALHEIGHT));
        }
        IS(StartPage(dc) > 0);
        SetTextColor(dc, RGB(255, 0, 0));
        snprintf(text, sizeof text, "page number %d", page);
        write_with(dc, font(GetDeviceCaps(dc, LOGPIXELSY) / 4, 400, 0, 0, "Tahoma"), 300, 300, text);
        IS(EndPage(dc) > 0);
    }
    IS(EndDoc(dc) > 0);
    IS(DeleteDC(dc));
    ClosePrinter(printer);
    free(set);
}

/* Without a name, the user's documents have it; with the same title once more, under another name. */
static void print_unnamed(const char *expected) {
    char path[MAX_PATH], head[8] = "";
    DWORD length = 0;
    HDC dc = CreateDCA("WINSPOOL", PRINTER, NULL, NULL);
    DOCINFOA document = {sizeof document, "A: letter?", NULL, NULL, 0};
    IS(StartDocA(dc, &document) > 0);
    IS(StartPage(dc) > 0 && EndPage(dc) > 0 && EndDoc(dc) > 0);
    IS(DeleteDC(dc));
    GetEnvironmentVariableA("USERPROFILE", path, sizeof path);
    strcat(strcat(path, "\\Documents\\"), expected);
    HANDLE file = CreateFileA(path, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    IS(file != INVALID_HANDLE_VALUE);
    ReadFile(file, head, 7, &length, NULL);
    CloseHandle(file);
    IS(!strcmp(head, "%PDF-1."));
}

int main(void) {
    char printer[256];
    DWORD size = sizeof printer;
    IS(GetDefaultPrinterA(printer, &size) && !strcmp(printer, PRINTER));
    print_page();
    draw_bitmap();
    print_several();
    print_unnamed("A_ letter_.pdf");
    print_unnamed("A_ letter_ (2).pdf");
    /* What was begun and given up is no file. */
    HDC dc = CreateDCA("WINSPOOL", PRINTER, NULL, NULL);
    DOCINFOA document = {sizeof document, "Given up", "C:\\work\\given-up.pdf", NULL, 0};
    IS(StartDocA(dc, &document) > 0 && StartPage(dc) > 0 && AbortDoc(dc) > 0);
    IS(DeleteDC(dc));
    IS(GetFileAttributesA("C:\\work\\given-up.pdf") == INVALID_FILE_ATTRIBUTES);
    return finish();
}
