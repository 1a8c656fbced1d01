/* How long drawing takes on bitmaps: "name nanoseconds" for one call, the least of many short rounds, some of which nothing else
 * disturbs. No screen is needed. */
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { WIDTH = 640, HEIGHT = 480 };
static const char text[] = "The quick brown fox jumps over the lazy dog, and once more.";

static HDC canvas, source;
static HFONT grey, parts;
static HBRUSH red, hatched;

static double now(void) {
    LARGE_INTEGER count, rate;
    GdiFlush();
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&rate);
    return (double)count.QuadPart * 1e9 / (double)rate.QuadPart;
}

static HDC surface(void) {
    BITMAPINFO info = {{sizeof info.bmiHeader, WIDTH, -HEIGHT, 1, 32, BI_RGB, 0, 0, 0, 0, 0}, {{0, 0, 0, 0}}};
    void *bits;
    HDC dc = CreateCompatibleDC(NULL);
    SelectObject(dc, CreateDIBSection(dc, &info, DIB_RGB_COLORS, &bits, NULL, 0));
    PatBlt(dc, 0, 0, WIDTH, HEIGHT, WHITENESS);
    return dc;
}

static HFONT font(BYTE quality) {
    /* Of smaller sizes Tahoma has bitmaps of one bit. */
    return CreateFontA(-22, 0, 0, 0, FW_NORMAL, 0, 0, 0, ANSI_CHARSET, 0, 0, quality, 0, "Tahoma");
}

static void blit(void) { BitBlt(canvas, 16, 16, 512, 384, source, 0, 0, SRCCOPY); }
static void invert(void) { BitBlt(canvas, 16, 16, 512, 384, source, 0, 0, SRCINVERT); }
static void stretch(void) { StretchBlt(canvas, 0, 0, WIDTH, HEIGHT, source, 0, 0, 320, 240, SRCCOPY); }
static void scroll(void) { BitBlt(canvas, 0, 0, WIDTH, HEIGHT - 16, canvas, 0, 16, SRCCOPY); }
static void blend(void) {
    BLENDFUNCTION half = {AC_SRC_OVER, 0, 128, 0};
    GdiAlphaBlend(canvas, 16, 16, 256, 192, source, 0, 0, 256, 192, half);
}
static void fill(void) {
    RECT area = {16, 16, 528, 400};
    FillRect(canvas, &area, red);
}
static void pattern(void) {
    RECT area = {16, 16, 528, 400};
    FillRect(canvas, &area, hatched);
}
static void small(void) {
    RECT area = {16, 16, 32, 32};
    FillRect(canvas, &area, red);
}
static void written(HFONT with) {
    SelectObject(canvas, with);
    SetBkMode(canvas, TRANSPARENT);
    ExtTextOutA(canvas, 10, 100, 0, NULL, text, sizeof text - 1, NULL);
}
static void text_grey(void) { written(grey); }
static void text_parts(void) { written(parts); }
static void polygon(void) {
    static const POINT star[] = {{320, 10}, {420, 470}, {20, 160}, {620, 160}, {220, 470}};
    SelectObject(canvas, red);
    Polygon(canvas, star, 5);
}
static void ellipse(void) {
    SelectObject(canvas, red);
    Ellipse(canvas, 40, 40, 600, 440);
}
static void line(void) {
    MoveToEx(canvas, 5, 7, NULL);
    LineTo(canvas, 630, 430);
}

static void best(const char *name, void (*draw)(void), int n) {
    double least = 1e18;
    for (int round = 0; round < 60; round++) {
        double from = now();
        for (int at = 0; at < n; at++) draw();
        double taken = (now() - from) / n;
        if (taken < least) least = taken;
    }
    printf("%s %.1f\n", name, least);
    fflush(stdout);
}

int main(void) {
    canvas = surface(), source = surface();
    grey = font(ANTIALIASED_QUALITY), parts = font(CLEARTYPE_QUALITY);
    red = CreateSolidBrush(RGB(200, 30, 60)), hatched = CreateHatchBrush(HS_DIAGCROSS, RGB(0, 90, 30));
    best("bitblt", blit, 10);
    best("bitblt_invert", invert, 5);
    best("bitblt_scroll", scroll, 5);
    best("stretchblt", stretch, 4);
    best("alphablend", blend, 4);
    best("fillrect", fill, 10);
    best("fillrect_small", small, 250);
    best("fillrect_hatched", pattern, 5);
    best("text_grey", text_grey, 50);
    best("text_cleartype", text_parts, 50);
    best("polygon", polygon, 5);
    best("ellipse", ellipse, 5);
    best("line", line, 100);
    return 0;
}
