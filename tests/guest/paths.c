/* Records paths of all that draws lines, and tells their points, and a hash of what is drawn with them: stock Wine's are the same. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define WIDTH 200
#define HEIGHT 160

static BYTE *bits;
static HDC dc;
static HBITMAP bitmap;

static unsigned hash(const void *bytes, int count) {
    const BYTE *at = bytes;
    unsigned sum = 2166136261u;
    while (count-- > 0) sum = (sum ^ *at++) * 16777619u;
    return sum;
}

static void begin(void) {
    BITMAPINFO info;
    memset(&info, 0, sizeof info);
    info.bmiHeader.biSize = sizeof info.bmiHeader;
    info.bmiHeader.biWidth = WIDTH;
    info.bmiHeader.biHeight = -HEIGHT;
    info.bmiHeader.biPlanes = 1;
    info.bmiHeader.biBitCount = 32;
    dc = CreateCompatibleDC(NULL);
    bitmap = CreateDIBSection(dc, &info, 0, (void **)&bits, NULL, 0);
    SelectObject(dc, bitmap);
    memset(bits, 0xff, WIDTH * HEIGHT * 4);
}

static void end(void) {
    DeleteDC(dc);
    DeleteObject(bitmap);
}

static void tell(const char *name) {
    static POINT points[1024];
    static BYTE kinds[1024];
    int count = GetPath(dc, NULL, NULL, 0);
    printf("%s path %d error %lu", name, count, count < 0 ? GetLastError() : 0);
    if (count > 0 && count <= 1024) {
        GetPath(dc, points, kinds, 1024);
        printf(" %08x %08x", hash(points, count * (int)sizeof *points), hash(kinds, count));
        for (int i = 0; i < count && i < 24; i++) printf(" %ld,%ld:%d", points[i].x, points[i].y, kinds[i]);
    }
    printf("\n");
}

static void shape(int number) {
    POINT points[] = {{10, 10}, {60, 90}, {110, 10}, {160, 120}, {30, 140}, {90, 60}, {120, 130}};
    BYTE kinds[] = {PT_MOVETO,   PT_LINETO, PT_BEZIERTO, PT_BEZIERTO, PT_BEZIERTO | PT_CLOSEFIGURE,
                    PT_LINETO, PT_LINETO};
    DWORD lines[] = {3, 4};
    INT polygons[] = {3, 4};
    switch (number) {
    case 0:
        MoveToEx(dc, 10, 10, NULL);
        LineTo(dc, 100, 20);
        LineTo(dc, 60, 90);
        CloseFigure(dc);
        LineTo(dc, 150, 150);
        break;
    case 1:
        Rectangle(dc, 20, 20, 150, 120);
        Ellipse(dc, 40, 30, 180, 140);
        RoundRect(dc, 5, 5, 100, 80, 30, 20);
        break;
    case 2:
        PolyBezier(dc, points, 7);
        PolyBezierTo(dc, points, 3);
        break;
    case 3: PolyDraw(dc, points, kinds, 7); break;
    case 4:
        Arc(dc, 10, 10, 100, 80, 90, 10, 20, 70);
        ArcTo(dc, 60, 60, 180, 150, 60, 60, 170, 100);
        Chord(dc, 20, 90, 90, 150, 30, 90, 80, 150);
        Pie(dc, 100, 5, 190, 70, 190, 20, 110, 60);
        break;
    case 5:
        AngleArc(dc, 90, 80, 50, 30.0f, 200.0f);
        AngleArc(dc, 90, 80, 30, 10.0f, -270.0f);
        break;
    case 6:
        PolyPolyline(dc, points, lines, 2);
        PolyPolygon(dc, points, polygons, 2);
        PolylineTo(dc, points, 3);
        break;
    case 7:
        SetArcDirection(dc, AD_CLOCKWISE);
        Rectangle(dc, 20, 20, 150, 120);
        Arc(dc, 10, 10, 100, 80, 90, 10, 20, 70);
        Ellipse(dc, 40, 30, 180, 140);
        break;
    case 8:
        SelectObject(dc, CreateFontW(-60, 0, 0, 0, 400, 0, 1, 0, 0, 0, 0, 0, 0, L"Tahoma"));
        SetBkMode(dc, TRANSPARENT);
        TextOutW(dc, 10, 20, L"Path", 4);
        break;
    default:
        SetMapMode(dc, MM_ANISOTROPIC);
        SetWindowExtEx(dc, 100, 100, NULL);
        SetViewportExtEx(dc, 130, 70, NULL);
        Rectangle(dc, 20, 20, 150, 120);
        MoveToEx(dc, 3, 3, NULL);
        LineTo(dc, 90, 100);
        Arc(dc, 10, 10, 100, 80, 90, 10, 20, 70);
    }
}

/* Draws without a path. */
static void directly(const char *name, int number) {
    POINT at;
    MoveToEx(dc, 7, 9, NULL);
    shape(number);
    GetCurrentPositionEx(dc, &at);
    printf("%s drawn %08x at %ld,%ld\n", name, hash(bits, WIDTH * HEIGHT * 4), at.x, at.y);
}

static void through_path(const char *name, int number, int way, HBRUSH brush) {
    RECT box = {0, 0, WIDTH, HEIGHT};
    POINT at;
    HRGN region;
    MoveToEx(dc, 7, 9, NULL);
    BeginPath(dc);
    shape(number);
    SaveDC(dc);
    if (way == 0) {
        GetCurrentPositionEx(dc, &at);
        printf("%s at %ld,%ld fills %d\n", name, at.x, at.y, FillPath(dc));
    }
    EndPath(dc);
    if (way == 0) {
        tell(name);
        FlattenPath(dc);
        tell(name);
    }
    switch (way) {
    case 0:
        region = PathToRegion(dc);
        printf("%s region %d", name, region ? GetRgnBox(region, &box) : -1);
        printf(" %ld,%ld,%ld,%ld\n", box.left, box.top, box.right, box.bottom);
        break;
    case 1:
    case 2: StrokePath(dc); break;
    case 3:
    case 5: StrokeAndFillPath(dc); break;
    case 4: FillPath(dc); break;
    case 6:
        SelectClipPath(dc, RGN_COPY);
        FillRect(dc, &box, brush);
        break;
    default:
        WidenPath(dc);
        tell(name);
        StrokePath(dc);
    }
    printf("%s %08x, then %d\n", name, hash(bits, WIDTH * HEIGHT * 4), GetPath(dc, NULL, NULL, 0));
    printf("%s restores %d\n", name, RestoreDC(dc, -1));
    tell(name);
}

int main(void) {
    for (int number = 0; number < 10; number++) {
        for (int way = 0; way < 9; way++) {
            char name[32];
            LOGBRUSH solid = {BS_SOLID, RGB(0, 100, 200), 0};
            DWORD style = way & 4 ? PS_ENDCAP_FLAT | PS_JOIN_MITER : PS_JOIN_BEVEL | PS_ENDCAP_SQUARE;
            HBRUSH brush = CreateSolidBrush(RGB(255, 120, 0));
            HPEN thin = CreatePen(way == 2 ? PS_DASH : PS_SOLID, 1, RGB(200, 0, 0));
            if (number == 8 && way == 8) continue;
            begin();
            sprintf(name, "%d-%d", number, way);
            SelectObject(dc, way & 1 ? ExtCreatePen(PS_GEOMETRIC | style, 9, &solid, 0, NULL) : thin);
            SelectObject(dc, brush);
            if (way == 4) SetPolyFillMode(dc, WINDING);
            if (way == 8) directly(name, number);
            else through_path(name, number, way, brush);
            end();
        }
    }
    begin();
    printf("nothing ends: %d %lu\n", EndPath(dc), GetLastError());
    printf("nothing fills: %d %lu\n", FillPath(dc), GetLastError());
    end();
    return 0;
}
