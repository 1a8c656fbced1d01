/* Images through masks, floods, dashes, metafiles and device contexts on memory of the program's, looked at pixel by pixel. */
#include "check.h"

#define IS(condition) CHECK(#condition, condition)
#define EQ(got, want) CHECK_EQ(#got, got, want)

typedef LONG NTSTATUS;

static DWORD *bits;
static HDC canvas;

static HBITMAP section(HDC dc, int width, int height, DWORD **at) {
    BITMAPINFO info = {{sizeof info.bmiHeader, width, -height, 1, 32, BI_RGB, 0, 0, 0, 0, 0}, {{0, 0, 0, 0}}};
    return CreateDIBSection(dc, &info, DIB_RGB_COLORS, (void **)at, NULL, 0);
}

static DWORD pixel(int x, int y) {
    GdiFlush();
    return bits[y * 32 + x] & 0xffffff;
}

/* White as a brush has it: WHITENESS sets the byte that is no colour too. */
static void clear(void) { PatBlt(canvas, 0, 0, 32, 32, PATCOPY); }

static void masks(void) {
    DWORD *colors;
    HDC source = CreateCompatibleDC(canvas);
    HBITMAP image = section(canvas, 8, 8, &colors);
    SelectObject(source, image);
    for (int at = 0; at < 64; at++) colors[at] = 0x100000 + at;
    static const BYTE rows[16] = {0xf0, 0, 0xf0, 0, 0xf0, 0, 0xf0, 0, 0x0f, 0, 0x0f, 0, 0x0f, 0, 0x0f, 0};
    HBITMAP mask = CreateBitmap(8, 8, 1, 1, rows);
    clear();
    IS(MaskBlt(canvas, 4, 4, 8, 8, source, 0, 0, mask, 0, 0, MAKEROP4(SRCCOPY, 0xaa0029)));
    EQ(pixel(4, 4), 0x100000);
    EQ(pixel(8, 4), 0xffffff);
    EQ(pixel(4, 8), 0xffffff);
    EQ(pixel(11, 11), 0x10003f);
    clear();
    IS(MaskBlt(canvas, 0, 0, 8, 8, source, 0, 0, NULL, 0, 0, MAKEROP4(SRCCOPY, BLACKNESS)));
    EQ(pixel(7, 7), 0x10003f);
    clear();
    POINT corners[3] = {{2, 3}, {10, 3}, {2, 11}};
    IS(PlgBlt(canvas, corners, source, 0, 0, 8, 8, NULL, 0, 0));
    EQ(pixel(2, 3), 0x100000);
    EQ(pixel(9, 10), 0x10003f);
    EQ(pixel(10, 10), 0xffffff);
    DeleteDC(source);
    DeleteObject(image);
    DeleteObject(mask);
}

static void floods(void) {
    clear();
    Rectangle(canvas, 4, 4, 20, 20);
    HBRUSH red = CreateSolidBrush(RGB(255, 0, 0));
    HGDIOBJ before = SelectObject(canvas, red);
    IS(ExtFloodFill(canvas, 10, 10, RGB(0, 0, 0), FLOODFILLBORDER));
    EQ(pixel(5, 5), 0xff0000);
    EQ(pixel(4, 4), 0);
    EQ(pixel(20, 20), 0xffffff);
    IS(!ExtFloodFill(canvas, 4, 4, RGB(0, 0, 0), FLOODFILLBORDER));
    IS(ExtFloodFill(canvas, 0, 0, RGB(255, 255, 255), FLOODFILLSURFACE));
    EQ(pixel(31, 31), 0xff0000);
    IS(!ExtFloodFill(canvas, 40, 0, RGB(255, 255, 255), FLOODFILLSURFACE));
    DeleteObject(SelectObject(canvas, before));
}

static void dashes(void) {
    LOGBRUSH brush = {BS_SOLID, RGB(0, 0, 255), 0};
    DWORD lengths[2] = {6, 4};
    HPEN pen = ExtCreatePen(PS_GEOMETRIC | PS_USERSTYLE | PS_ENDCAP_FLAT, 3, &brush, 2, lengths);
    HGDIOBJ before = SelectObject(canvas, pen);
    clear();
    MoveToEx(canvas, 0, 10, NULL);
    LineTo(canvas, 30, 10);
    for (int x = 0; x < 30; x++) EQ(pixel(x, 10), x % 10 < 6 ? 0xff : 0xffffff);
    EQ(pixel(0, 9), 0xff);
    EQ(pixel(0, 12), 0xffffff);
    DeleteObject(SelectObject(canvas, before));
}

static int CALLBACK counted(HDC dc, HANDLETABLE *table, const ENHMETARECORD *record, int objects, LPARAM data) {
    (void)dc, (void)table, (void)objects;
    ((int *)data)[record->iType < 128 ? record->iType : 0]++;
    return 1;
}

static void metafiles(void) {
    int seen[128] = {0};
    HDC dc = CreateEnhMetaFileA(NULL, NULL, NULL, "drawing\0test\0");
    IS(dc != NULL);
    EQ(GetObjectType(dc), OBJ_ENHMETADC);
    EQ(GetDeviceCaps(dc, TECHNOLOGY), DT_RASDISPLAY);
    IS(Rectangle(dc, 2, 2, 20, 12));
    IS(Ellipse(dc, 4, 14, 12, 22));
    MoveToEx(dc, 0, 0, NULL);
    IS(LineTo(dc, 25, 30));
    HENHMETAFILE file = CloseEnhMetaFile(dc);
    IS(file != NULL);
    ENHMETAHEADER header;
    IS(GetEnhMetaFileHeader(file, sizeof header, &header) != 0);
    EQ(header.rclBounds.left, 0);
    EQ(header.rclBounds.right, 25);
    EQ(header.rclBounds.bottom, 30);
    IS(EnumEnhMetaFile(NULL, file, counted, seen, NULL));
    IS(seen[EMR_RECTANGLE] == 1 && seen[EMR_ELLIPSE] == 1 && seen[EMR_LINETO] == 1 && seen[EMR_EOF] == 1);
    clear();
    RECT all = {0, 0, 25, 30};
    IS(PlayEnhMetaFile(canvas, file, &all));
    EQ(pixel(2, 2), 0);
    IS(DeleteEnhMetaFile(file));
}

static void stretches(void) {
    DWORD *colors;
    HDC source = CreateCompatibleDC(canvas);
    HBITMAP image = section(canvas, 2, 1, &colors);
    SelectObject(source, image);
    colors[0] = 0, colors[1] = 0xff8000;
    clear();
    SetStretchBltMode(canvas, HALFTONE);
    IS(StretchBlt(canvas, 0, 0, 4, 2, source, 0, 0, 2, 1, SRCCOPY));
    SetStretchBltMode(canvas, COLORONCOLOR);
    EQ(pixel(0, 0), 0);
    IS(pixel(1, 1) >> 16 > 0x40 && pixel(1, 1) >> 16 < 0xc0);
    EQ(pixel(3, 1), 0xff8000);
    DeleteDC(source);
    DeleteObject(image);
}

static void bounds(void) {
    RECT found;
    clear();
    SetBoundsRect(canvas, NULL, DCB_RESET | DCB_ENABLE);
    MoveToEx(canvas, 5, 6, NULL);
    LineTo(canvas, 9, 12);
    EQ(GetBoundsRect(canvas, &found, DCB_RESET), DCB_SET);
    IS(found.left == 5 && found.top == 6 && found.right == 10 && found.bottom == 13);
    SetBoundsRect(canvas, NULL, DCB_DISABLE);
}

/* A DC on memory of the program's: D3DKMTCreateDCFromMemory. */
struct from_memory { void *memory; int format; UINT width, height, pitch; HDC device; void *colors; HDC dc; HANDLE bitmap; };
struct made { HDC dc; HANDLE bitmap; };

static void memory(void) {
    HMODULE gdi = GetModuleHandleA("gdi32.dll");
    NTSTATUS(WINAPI *create)(struct from_memory *) = (void *)GetProcAddress(gdi, "D3DKMTCreateDCFromMemory");
    NTSTATUS(WINAPI *destroy)(const struct made *) = (void *)GetProcAddress(gdi, "D3DKMTDestroyDCFromMemory");
    static DWORD pixels[8 * 4];
    struct from_memory asked = {pixels, 22, 6, 4, 8 * 4, canvas, NULL, NULL, NULL};
    EQ(create(&asked), 0);
    IS(PatBlt(asked.dc, 1, 1, 100, 1, WHITENESS));
    GdiFlush();
    IS((pixels[9] & 0xffffff) == 0xffffff && (pixels[13] & 0xffffff) == 0xffffff && !pixels[14] && !pixels[8]);
    struct made made = {asked.dc, asked.bitmap};
    EQ(destroy(&made), 0);
    IS(destroy(&made) != 0);
    asked.pitch = 4;
    IS(create(&asked) != 0);
}

int main(void) {
    canvas = CreateCompatibleDC(NULL);
    SelectObject(canvas, section(NULL, 32, 32, &bits));
    masks();
    floods();
    dashes();
    metafiles();
    stretches();
    bounds();
    memory();
    return finish();
}
