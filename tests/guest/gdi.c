/* Draws into bitmaps of every format and tells a hash of each picture: stock Wine's are the same. With the name of a scene and
   the number of a format it tells the picture itself. */
#define _WIN32_WINNT 0x0A00
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define WIDTH 61
#define HEIGHT 43

struct format {
    const char *name;
    int bits, compression, top_down;
    DWORD masks[3];
};

static const struct format formats[] = {
    {"32", 32, BI_RGB, 0, {0, 0, 0}},
    {"32-top", 32, BI_RGB, 1, {0, 0, 0}},
    {"32-rgb", 32, BI_BITFIELDS, 0, {0xff, 0xff00, 0xff0000}},
    {"32-ten", 32, BI_BITFIELDS, 0, {0x3ff00000, 0xffc00, 0x3ff}},
    {"24", 24, BI_RGB, 0, {0, 0, 0}},
    {"16", 16, BI_RGB, 0, {0, 0, 0}},
    {"16-565", 16, BI_BITFIELDS, 1, {0xf800, 0x7e0, 0x1f}},
    {"8", 8, BI_RGB, 0, {0, 0, 0}},
    {"4", 4, BI_RGB, 1, {0, 0, 0}},
    {"1", 1, BI_RGB, 0, {0, 0, 0}},
};
#define FORMATS (int)(sizeof formats / sizeof *formats)

struct info {
    BITMAPINFOHEADER header;
    DWORD colors[256];
};

static void fill_info(struct info *info, const struct format *format, int width, int height) {
    memset(info, 0, sizeof *info);
    info->header.biSize = sizeof info->header;
    info->header.biWidth = width;
    info->header.biHeight = format->top_down ? -height : height;
    info->header.biPlanes = 1;
    info->header.biBitCount = (WORD)format->bits;
    info->header.biCompression = (DWORD)format->compression;
    if (format->compression == BI_BITFIELDS) memcpy(info->colors, format->masks, sizeof format->masks);
    if (format->bits == 1) {
        info->colors[0] = 0x102030;
        info->colors[1] = 0xe0d0f0;
    } else if (format->bits == 4) {
        for (DWORD i = 0; i < 16; i++) info->colors[i] = (i & 1) * 0xff | (i & 2) * 0x7f80 | (i & 4) * 0x3fc000 | (i & 8) * 0x080808;
    } else if (format->bits == 8) {
        for (DWORD i = 0; i < 256; i++) info->colors[i] = (i & 7) * 36 << 16 | (i >> 3 & 7) * 36 << 8 | (i >> 6) * 85;
    }
}

static int stride(int width, int bits) { return (width * bits + 31) / 32 * 4; }

/* What is drawn on, and how many bytes it has. */
struct picture {
    HDC dc;
    HBITMAP bitmap, before;
    BYTE *bits;
    int size, stride, bits_per_pixel;
};

static int make(struct picture *picture, const struct format *format, int width, int height) {
    struct info info;
    fill_info(&info, format, width, height);
    picture->dc = CreateCompatibleDC(NULL);
    picture->bitmap = CreateDIBSection(picture->dc, (BITMAPINFO *)&info, DIB_RGB_COLORS, (void **)&picture->bits, NULL, 0);
    if (!picture->bitmap) return 0;
    picture->before = SelectObject(picture->dc, picture->bitmap);
    picture->stride = stride(width, format->bits);
    picture->size = picture->stride * height;
    picture->bits_per_pixel = format->bits;
    return 1;
}

static void drop(struct picture *picture) {
    SelectObject(picture->dc, picture->before);
    DeleteObject(picture->bitmap);
    DeleteDC(picture->dc);
}

/* Something that is the same each time; not the unused bits of the last word of a row. */
static void noise(struct picture *picture, DWORD seed, int width) {
    int used = width * picture->bits_per_pixel;
    for (int y = 0; y < picture->size / picture->stride; y++) {
        for (int x = 0; x < picture->stride; x++) {
            seed = seed * 1664525 + 1013904223;
            BYTE byte = (BYTE)(seed >> 24);
            if (x * 8 + 8 > used) byte = x * 8 >= used ? 0 : (BYTE)(byte & 0xff00 >> (used - x * 8));
            picture->bits[y * picture->stride + x] = byte;
        }
    }
}

static uint32_t hash_of(const struct picture *picture) {
    uint32_t hash = 2166136261u;
    for (int i = 0; i < picture->size; i++) hash = (hash ^ picture->bits[i]) * 16777619u;
    return hash;
}

static const struct format *current;

typedef void scene(struct picture *picture);

static const COLORREF palette[] = {RGB(255, 0, 0), RGB(0, 128, 64), RGB(12, 34, 56), RGB(200, 190, 180), RGB(255, 255, 255), RGB(1, 2, 3)};

static void fills(struct picture *p) {
    for (int i = 0; i < 6; i++) {
        RECT rect = {i * 9, i * 4, i * 9 + 14, i * 4 + 20};
        HBRUSH brush = CreateSolidBrush(palette[i]);
        FillRect(p->dc, &rect, brush);
        DeleteObject(brush);
    }
    PatBlt(p->dc, 50, 2, 30, 9, BLACKNESS);
    PatBlt(p->dc, 40, 30, -7, -9, WHITENESS);
    PatBlt(p->dc, 3, 30, 20, 9, DSTINVERT);
}

static void patterns(struct picture *p) {
    static const DWORD rops[] = {PATCOPY, PATINVERT, 0xa000c9, 0xfa0089, 0x0f0001, 0x0500a9, 0xaf0229, 0x5f00e9};
    noise(p, 11, WIDTH);
    for (int i = 0; i < 8; i++) {
        HBRUSH brush = CreateHatchBrush(i % 6, palette[i % 6]);
        HBRUSH old = SelectObject(p->dc, brush);
        SetBkMode(p->dc, i & 1 ? TRANSPARENT : OPAQUE);
        SetBkColor(p->dc, palette[(i + 2) % 6]);
        SetBrushOrgEx(p->dc, i, i * 3, NULL);
        PatBlt(p->dc, i % 4 * 15, i / 4 * 20, 13, 17, rops[i]);
        SelectObject(p->dc, old);
        DeleteObject(brush);
    }
}

static void bitmap_brushes(struct picture *p) {
    static const WORD bits[] = {0x81, 0x42, 0x24, 0x18, 0xf0, 0x3c, 0xaa, 0x55};
    HBITMAP mono = CreateBitmap(8, 8, 1, 1, bits);
    HBRUSH brush = CreatePatternBrush(mono);
    HBRUSH old = SelectObject(p->dc, brush);
    DeleteObject(mono);
    SetTextColor(p->dc, RGB(200, 10, 20));
    SetBkColor(p->dc, RGB(10, 220, 30));
    PatBlt(p->dc, 3, 3, 22, 30, PATCOPY);
    SetBrushOrgEx(p->dc, -3, 5, NULL);
    PatBlt(p->dc, 15, 13, 22, 20, PATINVERT);
    SelectObject(p->dc, old);
    DeleteObject(brush);
    if (current->bits == 1) return;
    struct picture tile;
    if (make(&tile, &formats[4], 5, 3)) {
        noise(&tile, 3, 5);
        brush = CreatePatternBrush(tile.bitmap);
        old = SelectObject(p->dc, brush);
        PatBlt(p->dc, 40, 1, 19, 40, PATCOPY);
        SelectObject(p->dc, old);
        DeleteObject(brush);
        drop(&tile);
    }
}

static void copies(struct picture *p) {
    static const DWORD rops[] = {SRCCOPY, SRCPAINT, SRCAND, SRCINVERT, SRCERASE, NOTSRCCOPY, NOTSRCERASE, MERGECOPY, MERGEPAINT, PATPAINT, 0xac0744, 0xb8074a, 0x160000, 0x69000};
    HBRUSH brush = CreateSolidBrush(RGB(90, 60, 200)), old = SelectObject(p->dc, brush);
    noise(p, 5, WIDTH);
    for (int i = 0; i < FORMATS; i++) {
        struct picture from;
        if (!make(&from, &formats[i], 20, 20)) continue;
        noise(&from, 7 + i, 20);
        BitBlt(p->dc, i % 5 * 12 - 3, i / 5 * 22 + 1, 11, 19, from.dc, i, 1, rops[i]);
        drop(&from);
    }
    for (int i = 10; i < 14; i++) BitBlt(p->dc, (i - 10) * 9, 30, 20, 12, p->dc, 20, 5, rops[i]);
    SelectObject(p->dc, old);
    DeleteObject(brush);
}

static void all_rops(struct picture *p) {
    struct picture from;
    HBRUSH brush = CreateHatchBrush(HS_DIAGCROSS, RGB(10, 200, 90)), old = SelectObject(p->dc, brush);
    noise(p, 51, WIDTH);
    /* At multiples of eight: elsewhere Wine has the pattern begin at the wrong place where a source is mixed with it. */
    if (make(&from, current, 30, 30)) {
        noise(&from, 9, 30);
        for (DWORD i = 0; i < 256; i++) BitBlt(p->dc, (int)(i * 7 % 6) * 8, (int)(i * 5 % 4) * 8, 9, 8, from.dc, (int)(i % 3) * 8, (int)(i % 2) * 8, i << 16);
        drop(&from);
    }
    SelectObject(p->dc, old);
    DeleteObject(brush);
}

static void overlaps(struct picture *p) {
    noise(p, 77, WIDTH);
    /* Of one bit, Wine 8 takes wrong pixels. */
    if (current->bits > 1) BitBlt(p->dc, 5, 3, 40, 30, p->dc, 2, 1, SRCCOPY);
    BitBlt(p->dc, 2, 1, 40, 30, p->dc, 9, 7, SRCCOPY);
    BitBlt(p->dc, 9, 7, 40, 30, p->dc, 9, 2, SRCINVERT);
    BitBlt(p->dc, -5, -5, 200, 200, p->dc, 1, 0, SRCCOPY);
}

static void mono(struct picture *p) {
    HDC dc = CreateCompatibleDC(NULL);
    HBITMAP bitmap = CreateBitmap(40, 30, 1, 1, NULL);
    HBITMAP old = SelectObject(dc, bitmap);
    noise(p, 23, WIDTH);
    SetBkColor(p->dc, GetPixel(p->dc, 7, 7));
    BitBlt(dc, 0, 0, 40, 30, p->dc, 1, 2, SRCCOPY);
    SetTextColor(p->dc, RGB(240, 20, 30));
    SetBkColor(p->dc, RGB(30, 20, 250));
    BitBlt(p->dc, 20, 10, 38, 28, dc, 1, 1, SRCCOPY);
    BitBlt(p->dc, 0, 0, 20, 28, dc, 5, 1, SRCINVERT);
    PatBlt(dc, 0, 0, 40, 15, WHITENESS);
    BitBlt(p->dc, 3, 25, 30, 17, dc, 5, 3, SRCAND);
    SelectObject(dc, old);
    DeleteObject(bitmap);
    DeleteDC(dc);
}

static void stretches(struct picture *p) {
    static const int modes[] = {BLACKONWHITE, WHITEONBLACK, COLORONCOLOR};
    for (int i = 0; i < 3; i++) {
        struct picture from;
        if (!make(&from, &formats[i * 2], 20, 20)) continue;
        noise(&from, 70 + i, 20);
        SetStretchBltMode(p->dc, modes[i]);
        StretchBlt(p->dc, i * 20, 0, 17, 13, from.dc, 0, 0, 20, 20, SRCCOPY);
        StretchBlt(p->dc, i * 20, 14, 19, 13, from.dc, 3, 4, 7, 5, SRCCOPY);
        StretchBlt(p->dc, i * 20 + 18, 28, -18, 7, from.dc, 0, 0, 20, 20, SRCINVERT);
        StretchBlt(p->dc, i * 20, 40, 17, -5, from.dc, 1, 2, 17, 15, SRCCOPY);
        drop(&from);
    }
}

static void clipped(struct picture *p) {
    HRGN first = CreateEllipticRgn(3, 3, 40, 30), second = CreateRectRgn(30, 10, 60, 40);
    HRGN round = CreateRoundRectRgn(10, 5, 58, 42, 9, 14);
    POINT points[] = {{5, 40}, {30, 2}, {58, 41}, {2, 12}, {59, 14}};
    HRGN star = CreatePolygonRgn(points, 5, WINDING), hollow = CreatePolygonRgn(points, 5, ALTERNATE);
    HRGN all[] = {first, second, round, star, hollow};
    for (int i = 0; i < 5; i++) {
        HBRUSH brush = CreateSolidBrush(palette[i]);
        SelectClipRgn(p->dc, all[i]);
        if (i == 2) ExtSelectClipRgn(p->dc, first, RGN_XOR);
        if (i == 3) ExcludeClipRect(p->dc, 20, 10, 30, 30);
        RECT rect = {i, i, 61 - i, 43 - i};
        FillRect(p->dc, &rect, brush);
        DeleteObject(brush);
    }
    SelectClipRgn(p->dc, NULL);
    CombineRgn(first, star, hollow, RGN_DIFF);
    OffsetRgn(first, 3, -2);
    HBRUSH brush = CreateSolidBrush(RGB(70, 80, 90));
    FillRgn(p->dc, first, brush);
    FrameRgn(p->dc, round, brush, 2, 1);
    InvertRgn(p->dc, hollow);
    DeleteObject(brush);
    for (int i = 0; i < 5; i++) DeleteObject(all[i]);
}

static void pixels(struct picture *p) {
    for (int i = 0; i < 200; i++) SetPixel(p->dc, i * 7 % WIDTH, i * 13 % HEIGHT, palette[i % 6] + (COLORREF)i * 0x10203 % 0x1000000);
    for (int i = 0; i < 60; i++) SetPixel(p->dc, i, 40, GetPixel(p->dc, i, i * 3 % HEIGHT));
}

static void set_bits(struct picture *p) {
    for (int i = 0; i < FORMATS; i++) {
        struct info info;
        BYTE bits[20 * 80];
        fill_info(&info, &formats[i], 20, 20);
        DWORD seed = 99 + (DWORD)i;
        for (size_t at = 0; at < sizeof bits; at++) bits[at] = (BYTE)((seed = seed * 1664525 + 1013904223) >> 24);
        SetDIBitsToDevice(p->dc, i % 5 * 12, i / 5 * 21, 11, 18, 3, 1, 0, 20, bits, (BITMAPINFO *)&info, DIB_RGB_COLORS);
        SetDIBitsToDevice(p->dc, i % 5 * 12, i / 5 * 21, 11, 18, 3, 1, 5, 6, bits, (BITMAPINFO *)&info, DIB_RGB_COLORS);
        StretchDIBits(p->dc, i % 5 * 12 + 2, i / 5 * 21 + 12, 8, 9, 2, 3, 11, 13, bits, (BITMAPINFO *)&info, DIB_RGB_COLORS, i & 1 ? SRCCOPY : SRCINVERT);
    }
}

static void other_bits(struct picture *p) {
    struct info info;
    BYTE bits[61 * 43 * 4 + 200];
    fill_info(&info, &formats[4], WIDTH, HEIGHT);
    for (size_t at = 0; at < sizeof bits; at++) bits[at] = (BYTE)(at * 7 / 3);
    SelectObject(p->dc, p->before);
    SetDIBits(p->dc, p->bitmap, 0, HEIGHT, bits, (BITMAPINFO *)&info, DIB_RGB_COLORS);
    SetDIBits(p->dc, p->bitmap, 7, 9, bits + 3, (BITMAPINFO *)&info, DIB_RGB_COLORS);
    info.header.biHeight = -HEIGHT;
    SetDIBits(p->dc, p->bitmap, 20, 9, bits + 5, (BITMAPINFO *)&info, DIB_RGB_COLORS);
    for (int i = 0; i < FORMATS; i++) {
        /* Where another depth is to have masks, Wine does not look at them. */
        if (formats[i].compression == BI_BITFIELDS && formats[i].bits != current->bits) continue;
        memset(bits, 0, sizeof bits);
        fill_info(&info, &formats[i], i & 1 ? 50 : 61, 30);
        int lines = GetDIBits(p->dc, p->bitmap, i, 25, bits, (BITMAPINFO *)&info, DIB_RGB_COLORS);
        uint32_t hash = 2166136261u;
        for (size_t at = 0; at < sizeof bits; at++) hash = (hash ^ bits[at]) * 16777619u;
        for (size_t at = 0; at < 40; at++) hash = (hash ^ ((BYTE *)info.colors)[at]) * 16777619u;
        printf("read %s as %s: %d lines, %08x\n", current->name, formats[i].name, lines, hash);
    }
    SelectObject(p->dc, p->bitmap);
}

static void mapped(struct picture *p) {
    HBRUSH brush = CreateSolidBrush(RGB(250, 120, 0)), old = SelectObject(p->dc, brush);
    SetMapMode(p->dc, MM_ANISOTROPIC);
    SetWindowExtEx(p->dc, 100, 100, NULL);
    SetViewportExtEx(p->dc, 61, -43, NULL);
    SetViewportOrgEx(p->dc, 0, 43, NULL);
    PatBlt(p->dc, 10, 10, 35, 50, PATCOPY);
    SaveDC(p->dc);
    SetWindowOrgEx(p->dc, -10, 20, NULL);
    IntersectClipRect(p->dc, 20, 30, 70, 90);
    PatBlt(p->dc, 0, 0, 300, 300, PATINVERT);
    RestoreDC(p->dc, -1);
    SetGraphicsMode(p->dc, GM_ADVANCED);
    XFORM turn = {0.5f, 0.0f, 0.0f, 0.25f, 30.0f, 40.0f};
    SetWorldTransform(p->dc, &turn);
    PatBlt(p->dc, 40, 40, 40, 90, DSTINVERT);
    SelectObject(p->dc, old);
    DeleteObject(brush);
}

static void with_pen(struct picture *p, HPEN pen, void draw(struct picture *, int), int i) {
    HGDIOBJ old = SelectObject(p->dc, pen);
    draw(p, i);
    SelectObject(p->dc, old);
    DeleteObject(pen);
}

static void rays(struct picture *p, int i) {
    for (int k = 0; k < 16; k++) {
        static const int around[][2] = {{20, 3}, {20, 20}, {3, 20}, {-3, 20}, {-20, 20}, {-20, 3}, {-20, -3}, {-20, -20}, {-3, -20}, {3, -20}, {20, -20}, {20, -3}, {20, 0}, {0, 20}, {-20, 0}, {0, -20}};
        MoveToEx(p->dc, 30 + i, 21, NULL);
        LineTo(p->dc, 30 + around[k][0], 21 + around[k][1]);
    }
}

static void lines(struct picture *p) {
    static const int rops[] = {R2_COPYPEN, R2_XORPEN, R2_NOT, R2_MASKNOTPEN, R2_WHITE, R2_MERGEPEN};
    for (int i = 0; i < 6; i++) {
        SetROP2(p->dc, rops[i]);
        with_pen(p, CreatePen(PS_SOLID, i & 1, palette[i]), rays, i * 3);
    }
    IntersectClipRect(p->dc, 10, 10, 45, 35);
    ExcludeClipRect(p->dc, 20, 12, 28, 30);
    SetROP2(p->dc, R2_COPYPEN);
    with_pen(p, CreatePen(PS_SOLID, 0, RGB(99, 150, 255)), rays, -2);
    POINT zigzag[] = {{-100, 5}, {200, 38}, {3, 3}, {60, 41}, {60, -90}};
    Polyline(p->dc, zigzag, 5);
}

static void dashes(struct picture *p) {
    for (int i = PS_DASH; i <= PS_DASHDOTDOT; i++) {
        SetBkMode(p->dc, i & 1 ? OPAQUE : TRANSPARENT);
        SetBkColor(p->dc, RGB(20, 200, 220));
        with_pen(p, CreatePen(i, 1, palette[i]), rays, i * 2);
    }
    LOGBRUSH brush = {BS_SOLID, RGB(255, 200, 0), 0};
    DWORD lengths[] = {5, 2, 1};
    with_pen(p, ExtCreatePen(PS_COSMETIC | PS_USERSTYLE, 1, &brush, 3, lengths), rays, 7);
    with_pen(p, ExtCreatePen(PS_COSMETIC | PS_ALTERNATE, 1, &brush, 0, NULL), rays, 12);
}

static void figure(struct picture *p, int i) {
    HBRUSH brush = i & 1 ? CreateHatchBrush(HS_CROSS, RGB(80, 90, 255)) : CreateSolidBrush(RGB(60, 190, 80));
    HGDIOBJ old = SelectObject(p->dc, brush);
    int x = i % 4 * 15, y = i / 4 * 21;
    switch (i) {
    case 0: Rectangle(p->dc, x + 1, y + 1, x + 13, y + 18); break;
    case 1: Ellipse(p->dc, x + 1, y + 1, x + 14, y + 19); break;
    case 2: RoundRect(p->dc, x + 1, y + 1, x + 15, y + 18, 7, 9); break;
    case 3: Pie(p->dc, x + 1, y + 1, x + 15, y + 20, x + 15, y + 2, x, y + 12); break;
    case 4: Chord(p->dc, x + 1, y + 1, x + 14, y + 19, x + 5, y - 9, x + 30, y + 30); break;
    case 5: Arc(p->dc, x + 1, y + 1, x + 14, y + 19, x + 20, y + 30, x - 5, y + 9); break;
    case 6: {
        POINT star[] = {{x + 2, y + 18}, {x + 7, y + 1}, {x + 13, y + 19}, {x, y + 6}, {x + 15, y + 7}};
        SetPolyFillMode(p->dc, ALTERNATE);
        Polygon(p->dc, star, 5);
        break;
    }
    case 7: {
        POINT both[] = {{x, y}, {x + 12, y + 3}, {x + 6, y + 20}, {x + 3, y + 3}, {x + 14, y + 10}, {x + 2, y + 14}};
        int counts[] = {3, 3};
        SetPolyFillMode(p->dc, WINDING);
        PolyPolygon(p->dc, both, counts, 2);
        break;
    }
    }
    SelectObject(p->dc, old);
    DeleteObject(brush);
}

static void figures(struct picture *p) {
    for (int i = 0; i < 8; i++) with_pen(p, CreatePen(i == 3 ? PS_NULL : PS_SOLID, 1, palette[i % 4]), figure, i);
}

static void wide(struct picture *p) {
    static const int kinds[] = {PS_SOLID, PS_INSIDEFRAME};
    for (int i = 0; i < 8; i++) with_pen(p, CreatePen(kinds[i & 1], 2 + i % 3, palette[(i + 1) % 4]), figure, i);
}

static void corner(struct picture *p, int i) {
    POINT points[] = {{5 + i * 17, 5}, {15 + i * 17, 12}, {6 + i * 17, 22}, {18 + i * 17, 22}, {18 + i * 17, 38}, {4 + i * 17, 38}};
    Polyline(p->dc, points, i == 2 ? 5 : 6);
}

static void joins(struct picture *p) {
    static const DWORD styles[] = {PS_ENDCAP_ROUND | PS_JOIN_ROUND, PS_ENDCAP_SQUARE | PS_JOIN_BEVEL, PS_ENDCAP_FLAT | PS_JOIN_MITER};
    for (int i = 0; i < 3; i++) {
        LOGBRUSH brush = {i ? BS_SOLID : BS_HATCHED, palette[i + 1], HS_FDIAGONAL};
        with_pen(p, ExtCreatePen(PS_GEOMETRIC | PS_SOLID | styles[i], 3 + (DWORD)i, &brush, 0, NULL), corner, i);
    }
    for (int i = 0; i < 3; i++) {
        LOGBRUSH brush = {BS_SOLID, RGB(200, 100, 50), 0};
        with_pen(p, ExtCreatePen(PS_GEOMETRIC | PS_SOLID | styles[i], 1, &brush, 0, NULL), corner, i);
    }
}

static void curves(struct picture *p) {
    POINT points[] = {{2, 40}, {10, -20}, {50, 60}, {58, 3}, {60, 20}, {30, 42}, {5, 5}};
    with_pen(p, CreatePen(PS_SOLID, 1, RGB(220, 30, 90)), rays, 90);
    PolyBezier(p->dc, points, 7);
    MoveToEx(p->dc, 30, 20, NULL);
    PolyBezierTo(p->dc, points, 3);
    PolylineTo(p->dc, points + 3, 2);
    ArcTo(p->dc, 20, 10, 50, 40, 60, 12, 10, 35);
    LineTo(p->dc, 1, 1);
    SetArcDirection(p->dc, AD_CLOCKWISE);
    Arc(p->dc, 5, 5, 30, 26, 40, 10, 2, 20);
    Rectangle(p->dc, 40, 5, 50, 12);
}

static void blends(struct picture *p) {
    struct picture from;
    noise(p, 1234, WIDTH);
    if (make(&from, &formats[0], 20, 20)) {
        for (int y = 0; y < 20; y++)
            for (int x = 0; x < 20; x++) {
                DWORD alpha = (DWORD)(x * 13 + y) & 0xff;
                ((DWORD *)from.bits)[y * 20 + x] = alpha << 24 | alpha * (DWORD)y / 20 << 16 | alpha * (DWORD)x / 20 << 8 | alpha / 2;
            }
        BLENDFUNCTION own = {AC_SRC_OVER, 0, 255, AC_SRC_ALPHA}, both = {AC_SRC_OVER, 0, 140, AC_SRC_ALPHA}, all = {AC_SRC_OVER, 0, 77, 0};
        printf("blend %d", GdiAlphaBlend(p->dc, 1, 1, 20, 20, from.dc, 0, 0, 20, 20, own));
        printf(" %d", GdiAlphaBlend(p->dc, 22, 1, 30, 17, from.dc, 3, 2, 11, 13, both));
        printf(" %d", GdiAlphaBlend(p->dc, 5, 22, 20, 20, from.dc, 0, 0, 20, 20, all));
        printf(" %d\n", GdiAlphaBlend(p->dc, 5, 22, 20, 20, from.dc, 5, 0, 20, 20, all));
        drop(&from);
    }
    if (make(&from, &formats[6], 20, 20)) {
        BLENDFUNCTION all = {AC_SRC_OVER, 0, 99, 0};
        noise(&from, 2, 20);
        printf("blend %d\n", GdiAlphaBlend(p->dc, 30, 22, 20, 18, from.dc, 0, 0, 20, 18, all));
        drop(&from);
    }
}

static void transparent(struct picture *p) {
    for (int i = 0; i < 8; i += 2) {
        struct picture from;
        if (!make(&from, &formats[i], 20, 20)) continue;
        PatBlt(from.dc, 0, 0, 20, 20, WHITENESS);
        PatBlt(from.dc, 3, 4, 9, 9, BLACKNESS);
        SetPixel(from.dc, 15, 15, RGB(255, 0, 0));
        PatBlt(p->dc, i * 7, 0, 7, 43, i & 2 ? WHITENESS : BLACKNESS);
        GdiTransparentBlt(p->dc, i * 7, 2, 20, 20, from.dc, 0, 0, 20, 20, GetPixel(from.dc, 0, 0));
        /* Larger alone: what falls together is another matter in Wine than it says. */
        GdiTransparentBlt(p->dc, i * 7, 23, 14, 18, from.dc, 0, 0, 13, 14, GetPixel(from.dc, 5, 5));
        drop(&from);
    }
}

static void gradients(struct picture *p) {
    TRIVERTEX corners[] = {
        {1, 1, 0xff00, 0x1000, 0, 0x8000}, {29, 20, 0, 0xf000, 0x8000, 0}, {31, 1, 0x2000, 0, 0xff00, 0}, {60, 20, 0xff00, 0xff00, 0x3000, 0xff00},
        {5, 41, 0, 0, 0, 0}, {30, 22, 0xff00, 0xff00, 0xff00, 0}, {58, 40, 0xff00, 0, 0x8000, 0x4000}};
    GRADIENT_RECT across = {0, 1}, down = {3, 2};
    GRADIENT_TRIANGLE triangle = {4, 5, 6};
    GdiGradientFill(p->dc, corners, 7, &across, 1, GRADIENT_FILL_RECT_H);
    GdiGradientFill(p->dc, corners, 7, &down, 1, GRADIENT_FILL_RECT_V);
    GdiGradientFill(p->dc, corners, 7, &triangle, 1, GRADIENT_FILL_TRIANGLE);
}

static const struct {
    const char *name;
    scene *draw;
} scenes[] = {
    {"fills", fills}, {"patterns", patterns}, {"bitmap_brushes", bitmap_brushes}, {"copies", copies}, {"all_rops", all_rops},
    {"overlaps", overlaps}, {"mono", mono}, {"stretches", stretches}, {"clipped", clipped}, {"pixels", pixels},
    {"set_bits", set_bits}, {"other_bits", other_bits}, {"mapped", mapped},
    {"lines", lines}, {"dashes", dashes}, {"figures", figures}, {"wide", wide}, {"joins", joins}, {"curves", curves}, {"blends", blends},
    {"transparent", transparent}, {"gradients", gradients},
};

int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        if (argc > 1 && strcmp(argv[1], scenes[i].name)) continue;
        for (int f = 0; f < FORMATS; f++) {
            if (argc > 2 && atoi(argv[2]) != f) continue;
            struct picture picture;
            current = &formats[f];
            if (!make(&picture, current, WIDTH, HEIGHT)) {
                printf("%s %s: no bitmap\n", scenes[i].name, current->name);
                continue;
            }
            scenes[i].draw(&picture);
            GdiFlush();
            printf("%s %s: %08x\n", scenes[i].name, current->name, hash_of(&picture));
            for (int y = 0; argc > 2 && y < HEIGHT; y++) {
                int row = current->top_down ? y : HEIGHT - 1 - y;
                for (int x = 0; x < picture.stride; x++) printf("%02x", picture.bits[row * picture.stride + x]);
                printf("\n");
            }
            drop(&picture);
        }
    }
    return 0;
}
