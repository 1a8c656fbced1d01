/* Tells the metrics of fonts, and draws text: what stock Wine tells is the same, and its pictures are or look alike. With "metrics"
   or with the number of a scene, whose picture it tells as lightness, two digits a pixel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define WIDTH 420
#define HEIGHT 220

static const WCHAR text[] = L"The quick brown fox, 0123 WAVE \x00e9\x00fc";
#define LENGTH (int)(sizeof text / sizeof *text - 1)

static HDC dc;
static BYTE *bits;

static void font(const WCHAR *name, int height, int width, int weight, int italic, int lines, int angle, int quality) {
    SelectObject(dc, CreateFontW(height, width, angle, angle, weight, italic, lines, lines == 2, DEFAULT_CHARSET, 0, 0, quality, 0, name));
}

static void begin(COLORREF back) {
    BITMAPINFO info;
    RECT all = {0, 0, WIDTH, HEIGHT};
    memset(&info, 0, sizeof info);
    info.bmiHeader.biSize = sizeof info.bmiHeader;
    info.bmiHeader.biWidth = WIDTH;
    info.bmiHeader.biHeight = -HEIGHT;
    info.bmiHeader.biPlanes = 1;
    info.bmiHeader.biBitCount = 32;
    dc = CreateCompatibleDC(NULL);
    SelectObject(dc, CreateDIBSection(dc, &info, 0, (void **)&bits, NULL, 0));
    FillRect(dc, &all, CreateSolidBrush(back));
}

static void lines_of(const WCHAR *name, int weight, int italic, int quality) {
    static const int heights[] = {-8, -11, -12, -13, -16, -20, -28};
    int y = 0;
    for (int i = 0; i < 7; i++) {
        font(name, heights[i], 0, weight, italic, 0, 0, quality);
        TextOutW(dc, 3, y, text, LENGTH);
        y += -heights[i] * 5 / 3;
    }
}

static void scene(int number) {
    static const WCHAR *bitmaps[] = {L"System", L"MS Sans Serif", L"Courier", L"Fixedsys", L"Small Fonts", L"Symbol", L"Wingdings"};
    int steps[2 * LENGTH];
    RECT box = {20, 50, 200, 80};
    SetBkMode(dc, TRANSPARENT);
    switch (number) {
    case 0: lines_of(L"Tahoma", 400, 0, DEFAULT_QUALITY); break;
    case 1:
        font(L"Tahoma", -18, 0, 400, 0, 2, 0, 0);
        SetBkMode(dc, OPAQUE);
        SetBkColor(dc, RGB(255, 255, 128));
        TextOutW(dc, 10, 10, text, LENGTH);
        ExtTextOutW(dc, 25, 55, ETO_OPAQUE | ETO_CLIPPED, &box, text, LENGTH, NULL);
        for (int i = 0; i < 2 * LENGTH; i++) steps[i] = 10 + i % 3;
        ExtTextOutW(dc, 5, 90, 0, NULL, text, LENGTH, steps);
        for (int i = 0; i < 2 * LENGTH; i++) steps[i] = i % 2 ? i % 5 - 2 : 11;
        ExtTextOutW(dc, 5, 130, ETO_PDY, NULL, text, LENGTH, steps);
        SetTextCharacterExtra(dc, 3);
        TextOutW(dc, 5, 170, text, LENGTH);
        break;
    case 2:
        font(L"Tahoma", -16, 0, 400, 0, 0, 0, ANTIALIASED_QUALITY);
        SetTextAlign(dc, TA_RIGHT | TA_BASELINE);
        TextOutW(dc, 210, 30, text, 20);
        SetTextAlign(dc, TA_CENTER | TA_BOTTOM);
        TextOutW(dc, 210, 60, text, 20);
        SetTextAlign(dc, TA_UPDATECP);
        MoveToEx(dc, 20, 80, NULL);
        TextOutW(dc, 0, 0, text, 9);
        TextOutW(dc, 0, 0, text, 9);
        LineTo(dc, 400, 120);
        SetTextAlign(dc, 0);
        SetTextJustification(dc, 50, 4);
        TextOutW(dc, 20, 140, text, 20);
        SetTextJustification(dc, 0, 0);
        font(L"Tahoma", -20, 20, 400, 0, 0, 0, ANTIALIASED_QUALITY);
        TextOutW(dc, 20, 170, text, 12);
        break;
    case 3:
        SetTextColor(dc, RGB(200, 0, 60));
        lines_of(L"Tahoma", 700, 0, ANTIALIASED_QUALITY);
        break;
    case 4:
        SetTextColor(dc, RGB(0, 90, 255));
        lines_of(L"Tahoma", 400, 1, ANTIALIASED_QUALITY);
        break;
    case 5: lines_of(L"Tahoma", 400, 0, NONANTIALIASED_QUALITY); break;
    case 6:
        for (int i = 0; i < 7; i++) {
            font(bitmaps[i], 16, 0, 400, 0, 0, 0, 0);
            TextOutW(dc, 3, i * 24, text, LENGTH);
        }
        break;
    case 7:
        for (int angle = 0; angle < 3600; angle += 450) {
            font(L"Tahoma", -14, 0, 400, 0, 1, angle, ANTIALIASED_QUALITY);
            TextOutW(dc, 210, 110, L"Turning round", 13);
        }
        break;
    default: {
        XFORM turn = {1.5f, 0.3f, -0.4f, 1.2f, 60, 10};
        SetGraphicsMode(dc, GM_ADVANCED);
        SetWorldTransform(dc, &turn);
        font(L"Tahoma", -16, 0, 400, 0, 1, 0, ANTIALIASED_QUALITY);
        SetBkMode(dc, OPAQUE);
        TextOutW(dc, 10, 10, text, 20);
        font(L"Tahoma", -16, 0, 700, 1, 0, 200, ANTIALIASED_QUALITY);
        TextOutW(dc, 30, 90, text, 12);
    }
    }
}

static void metrics(const char *what) {
    TEXTMETRICW tm;
    WCHAR face[64];
    SIZE size;
    ABC abc[95];
    WORD glyphs[5];
    int widths[95];
    UINT length;
    BOOL outlines;
    GetTextMetricsW(dc, &tm);
    GetTextFaceW(dc, 64, face);
    outlines = (tm.tmPitchAndFamily & TMPF_VECTOR) != 0;
    printf("%s: %ls %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %x %x %x %x %d %d %d %x %d\n", what, face, tm.tmHeight, tm.tmAscent,
           tm.tmDescent, tm.tmInternalLeading, tm.tmExternalLeading, tm.tmAveCharWidth, tm.tmMaxCharWidth, tm.tmWeight, tm.tmOverhang,
           tm.tmDigitizedAspectX, tm.tmDigitizedAspectY, tm.tmFirstChar, tm.tmLastChar, tm.tmDefaultChar, tm.tmBreakChar, tm.tmItalic,
           tm.tmUnderlined, tm.tmStruckOut, tm.tmPitchAndFamily, tm.tmCharSet);
    GetTextExtentPoint32W(dc, text, LENGTH, &size);
    printf("  %ld,%ld", size.cx, size.cy);
    GetCharWidth32W(dc, 32, 126, widths);
    for (int i = 0; i < 95; i += 2) printf(" %d", widths[i]);
    memset(abc, 0, sizeof abc);
    /* Wine 8 has none for bitmaps, later ones have. */
    if (outlines) GetCharABCWidthsW(dc, 32, 126, abc);
    for (int i = 0; i < 95; i += 3) printf(" %d,%u,%d", abc[i].abcA, abc[i].abcB, abc[i].abcC);
    GetGlyphIndicesW(dc, L"A\x00e9\x4e00z", 4, glyphs, GGI_MARK_NONEXISTING_GLYPHS);
    printf("\n  %x %x %x %x kern %lu ranges %lu file %lu head %lu", glyphs[0], glyphs[1], glyphs[2], glyphs[3], GetKerningPairsW(dc, 0, NULL),
           GetFontUnicodeRanges(dc, NULL), GetFontData(dc, 0, 0, NULL, 0), GetFontData(dc, 0x64616568, 0, NULL, 0));
    length = GetOutlineTextMetricsW(dc, 0, NULL);
    printf(" %u\n", length);
    if (length) {
        OUTLINETEXTMETRICW *otm = malloc(length);
        GetOutlineTextMetricsW(dc, length, otm);
        printf("  %x %x %u %d %d %u %u %u %ld,%ld,%ld,%ld %d %d %u", otm->otmfsSelection, otm->otmfsType, otm->otmEMSquare, otm->otmAscent,
               otm->otmDescent, otm->otmLineGap, otm->otmsCapEmHeight, otm->otmsXHeight, otm->otmrcFontBox.left, otm->otmrcFontBox.top,
               otm->otmrcFontBox.right, otm->otmrcFontBox.bottom, otm->otmMacAscent, otm->otmMacDescent, otm->otmMacLineGap);
        printf(" %ld,%ld %ld,%ld %u %d %d %d %ls|%ls|%ls\n", otm->otmptSubscriptSize.x, otm->otmptSubscriptSize.y,
               otm->otmptSuperscriptOffset.x, otm->otmptSuperscriptOffset.y, otm->otmsStrikeoutSize, otm->otmsStrikeoutPosition,
               otm->otmsUnderscoreSize, otm->otmsUnderscorePosition, (WCHAR *)((char *)otm + (size_t)otm->otmpFamilyName),
               (WCHAR *)((char *)otm + (size_t)otm->otmpStyleName), (WCHAR *)((char *)otm + (size_t)otm->otmpFullName));
        free(otm);
    }
    for (int format = 0; format < 3; format++) {
        static const MAT2 same = {{0, 1}, {0, 0}, {0, 0}, {0, 1}};
        static const UINT formats[] = {GGO_METRICS, GGO_BITMAP, GGO_GRAY4_BITMAP};
        GLYPHMETRICS glyph;
        DWORD size_of = GetGlyphOutlineW(dc, 'g', formats[format], &glyph, 0, NULL, &same);
        printf("  %lu: %u,%u %ld,%ld %d,%d\n", size_of, glyph.gmBlackBoxX, glyph.gmBlackBoxY, glyph.gmptGlyphOrigin.x,
               glyph.gmptGlyphOrigin.y, glyph.gmCellIncX, glyph.gmCellIncY);
    }
}

static int CALLBACK tell(const LOGFONTW *font, const TEXTMETRICW *tm, DWORD type, LPARAM unused) {
    const ENUMLOGFONTEXW *more = (const ENUMLOGFONTEXW *)font;
    const NEWTEXTMETRICEXW *metric = (const NEWTEXTMETRICEXW *)tm;
    (void)unused;
    printf("%ls|%ls|%ls|%ls %ld %ld %ld %d %d %x %lx %ld %ld %ld %ld %lx %u %u %u %lx\n", font->lfFaceName, more->elfFullName, more->elfStyle,
           more->elfScript, font->lfHeight, font->lfWidth, font->lfWeight, font->lfItalic, font->lfCharSet, font->lfPitchAndFamily, type,
           tm->tmAscent, tm->tmDescent, tm->tmInternalLeading, tm->tmMaxCharWidth, metric->ntmTm.ntmFlags, metric->ntmTm.ntmSizeEM,
           metric->ntmTm.ntmCellHeight, metric->ntmTm.ntmAvgWidth, metric->ntmFontSig.fsCsb[0]);
    return 1;
}

static void all_metrics(void) {
    static const WCHAR *names[] = {L"Tahoma", L"System",   L"MS Sans Serif", L"MS Shell Dlg", L"Courier", L"Fixedsys", L"Small Fonts",
                                   L"Symbol", L"Wingdings", L"Marlett",       L"Webdings",     L"Arial",   L"Nonesuch", L"Tahoma Bold"};
    static const int heights[] = {-11, -12, -13, -16, -24, 13, 16, 20, 40, 0, -100};
    LOGFONTW asked;
    char what[64];
    dc = CreateCompatibleDC(NULL);
    metrics("a new DC");
    for (int stock = OEM_FIXED_FONT; stock <= DEFAULT_GUI_FONT; stock++) {
        if (stock == DEFAULT_PALETTE) continue;
        SelectObject(dc, GetStockObject(stock));
        sprintf(what, "stock %d", stock);
        metrics(what);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t j = 0; j < sizeof heights / sizeof *heights; j++) {
            for (int style = 0; style < 5; style++) {
                if (style && j != 2 && j != 4) break;
                font(names[i], heights[j], style == 3 ? 12 : 0, style == 1 || style == 2 ? 700 : 400, style == 2, 0, style == 4 ? 300 : 0, 0);
                sprintf(what, "%ls %d %d", names[i], heights[j], style);
                metrics(what);
            }
        }
    }
    memset(&asked, 0, sizeof asked);
    asked.lfCharSet = DEFAULT_CHARSET;
    EnumFontFamiliesExW(dc, &asked, tell, 0, 0);
    lstrcpyW(asked.lfFaceName, L"Tahoma");
    EnumFontFamiliesExW(dc, &asked, tell, 0, 0);
    lstrcpyW(asked.lfFaceName, L"System");
    asked.lfCharSet = ANSI_CHARSET;
    EnumFontFamiliesExW(dc, &asked, tell, 0, 0);
}

int main(int count, char **values) {
    if (count > 1 && !strcmp(values[1], "metrics")) {
        all_metrics();
        return 0;
    }
    begin(RGB(255, 255, 255));
    scene(count > 1 ? atoi(values[1]) : 0);
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            const BYTE *pixel = bits + (y * WIDTH + x) * 4;
            printf("%02x", (pixel[0] + pixel[1] * 2 + pixel[2]) / 4);
        }
        printf("\n");
    }
    return 0;
}
