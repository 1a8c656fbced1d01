/* ICU's converters: Windows has them in icuuc.dll, stock Wine has none. What is wanted is what ICU documents. */
#include "check.h"

typedef struct converter converter;
typedef struct { uint16_t size; int8_t flush; converter *of; const char *source, *end; WCHAR *target; const WCHAR *limit; int *offsets; } read_args;
typedef struct { uint16_t size; int8_t flush; converter *of; const WCHAR *source, *end; char *target; const char *limit; int *offsets; } write_args;
typedef void (*reads)(const void *, read_args *, const char *, int, int, int *);
typedef void (*writes)(const void *, write_args *, const WCHAR *, int, int, int, int *);
enum { FILE_ACCESS = 4, ILLEGAL_ARGUMENT = 1, INVALID = 10, TRUNCATED = 11, ILLEGAL = 12, FULL = 15 };

static HMODULE dll;
static converter *(*open_)(const char *, int *);
static void (*close_)(converter *), (*reset)(converter *);
static const char *(*name_of)(converter *, int *), *(*available)(int), *(*standard)(const char *, const char *, int *);
static int (*count)(void), (*pending)(converter *, int *), (*pending_units)(converter *, int *), (*compare)(const char *, const char *);
static int8_t (*most)(converter *);
static void (*to_unicode)(converter *, WCHAR **, const WCHAR *, const char **, const char *, int *, int8_t, int *);
static void (*from_unicode)(converter *, char **, const char *, const WCHAR **, const WCHAR *, int *, int8_t, int *);
static void (*set_reads)(converter *, reads, const void *, reads *, const void **, int *);
static void (*set_writes)(converter *, writes, const void *, writes *, const void **, int *);
static void (*get_reads)(converter *, reads *, const void **);
static void (*put_units)(read_args *, const WCHAR *, int, int, int *);
static void (*put_text)(write_args *, const WCHAR **, const WCHAR *, int, int *);
static reads substitute_read;
static writes substitute_written;

static void *get(const char *name) {
    void *found = (void *)(uintptr_t)GetProcAddress(dll, name);
    if (!CHECK(name, found)) ExitProcess(1);
    return found;
}

/* What was done last: the error, how much was taken, what was written. */
static int error, taken, made, offsets[64];
static WCHAR units[64];
static char bytes[64];

static int reading(converter *of, const char *text, int length, int room, int flush, const WCHAR *want) {
    const char *source = text;
    WCHAR *target = units;
    error = 0;
    to_unicode(of, &target, units + room, &source, text + length, offsets, flush, &error);
    taken = source - text;
    made = target - units;
    return made == lstrlenW(want) && !memcmp(units, want, made * sizeof *want);
}

static int writing(converter *of, const WCHAR *text, int room, int flush, const char *want) {
    const WCHAR *source = text, *end = text + lstrlenW(text);
    char *target = bytes;
    error = 0;
    from_unicode(of, &target, bytes + room, &source, end, offsets, flush, &error);
    taken = source - text;
    made = target - bytes;
    return made == (int)strlen(want) && !memcmp(bytes, want, made);
}

/* What a function was told. */
static int told_error, told_length, told_reason, told_code;
static const void *told_context;

static void read_instead(const void *context, read_args *args, const char *what, int length, int reason, int *status) {
    told_context = context, told_error = *status, told_length = length, told_reason = reason, told_code = (uint8_t)*what;
    if (reason > 2) return;
    *status = 0;
    put_units(args, L"<>", 2, 0, status);
}

static void read_as_ever(const void *context, read_args *args, const char *what, int length, int reason, int *status) {
    told_context = context;
    substitute_read(NULL, args, what, length, reason, status);
}

static void write_instead(const void *context, write_args *args, const WCHAR *what, int length, int code, int reason, int *status) {
    static const WCHAR instead[] = L"{}";
    const WCHAR *source = instead;
    told_context = context, told_error = *status, told_length = length, told_reason = reason, told_code = code + (*what & 0);
    if (reason > 2) return;
    *status = 0;
    put_text(args, &source, source + 2, 0, status);
}

static void write_as_ever(const void *context, write_args *args, const WCHAR *what, int length, int code, int reason, int *status) {
    told_context = context;
    substitute_written(NULL, args, what, length, code, reason, status);
}

static void names(void) {
    int status = 0;
    converter *one = open_("no such encoding", &status);
    CHECK_EQ("none", one, NULL);
    CHECK_EQ("its error", status, FILE_ACCESS);
    CHECK_EQ("nothing after an error", open_("UTF-8", &status), NULL);
    status = 0;
    CHECK("the system's own", one = open_(NULL, &status));
    CHECK("has a name", name_of(one, &status));
    close_(one);
    CHECK("many", count() > 30);
    int good = 0;
    for (int i = 0; i < count(); i++) {
        status = 0;
        one = open_(available(i), &status);
        good += one && !strcmp(name_of(one, &status), available(i));
        close_(one);
    }
    CHECK_EQ("each by its name", good, count());
    CHECK_EQ("no more", available(count()), NULL);
    status = 0;
    CHECK("for MIME", !strcmp(standard("latin1", "MIME", &status), "ISO-8859-1"));
    CHECK("for IANA", !strcmp(standard("cp1252", "IANA", &status), "windows-1252"));
    CHECK("however it is written", !compare("ISO_8859-01", "iso8859 1") && compare("utf-8", "utf-16"));
}

static void texts(void) {
    static const char context[] = "its own";
    int status = 0;
    reads before;
    const void *with;
    converter *jis = open_("Shift_JIS", &status);
    CHECK_EQ("bytes at most", most(jis), 2);
    CHECK("read", reading(jis, "a\x93\xfa\x81 b", 6, 10, 0, L"a\x65e5\xfffd b") && !error && taken == 6);
    CHECK("from where", offsets[0] == 0 && offsets[1] == 1 && offsets[2] == 3 && offsets[3] == 4);
    CHECK("half a character", reading(jis, "\x93", 1, 10, 0, L"") && pending(jis, &status) == 1);
    CHECK("the other half", reading(jis, "\xfax", 2, 1, 0, L"\x65e5") && error == FULL && offsets[0] == -1);
    CHECK("begins anew", reading(jis, "\x93", 1, 10, 0, L"") && (reset(jis), reading(jis, "x", 1, 1, 1, L"x")));
    CHECK("cut off", reading(jis, "x\x93", 2, 10, 1, L"x\xfffd") && !error);
    get_reads(jis, &before, &with);
    CHECK("the usual function", before == substitute_read && !with);
    set_reads(jis, read_instead, context, &before, &with, &status);
    CHECK("was that", before == substitute_read && !with && !status);
    CHECK("another", reading(jis, "ab\x81 c", 5, 10, 0, L"ab<> c") && !error);
    CHECK("told", told_context == context && told_error == ILLEGAL && told_length == 1 && told_reason == 1 && told_code == 0x81);
    CHECK("offsets of what it writes", offsets[2] == 2 && offsets[3] == 2 && offsets[4] == 3);
    CHECK("at the end", reading(jis, "a\x93", 2, 10, 1, L"a<>") && told_error == TRUNCATED && told_code == 0x93);
    CHECK("has no room", reading(jis, "\x81 b", 3, 1, 0, L"<") && error == FULL);
    CHECK("later", reading(jis, " b", 2, 9, 0, L"> b") && !error);
    set_reads(jis, read_as_ever, NULL, &before, &with, &status);
    CHECK("that was it", before == read_instead && with == context);
    CHECK("as ever", reading(jis, "\x81 b", 3, 9, 1, L"\xfffd b") && !told_context);

    CHECK("written", writing(jis, L"a\x65e5\x20ac z", 20, 1, "a\x93\xfa? z") && !error && taken == 5);
    CHECK("from where", offsets[2] == 1 && offsets[3] == 2 && offsets[4] == 3);
    set_writes(jis, write_instead, context, NULL, NULL, &status);
    CHECK("another", writing(jis, L"a\x20ac z", 20, 1, "a{} z") && told_error == INVALID && told_reason == 0 && told_code == 0x20ac);
    CHECK("half a pair", writing(jis, L"\xd83dz", 20, 1, "{}z") && told_error == ILLEGAL && told_length == 1 && told_code == 0xd83d);
    CHECK("kept", writing(jis, L"\xd83d", 20, 0, "") && pending_units(jis, &status) == 1);
    CHECK("a whole one", writing(jis, L"\xde00", 20, 1, "{}") && told_length == 2 && told_code == 0x1f600);
    CHECK("no room", writing(jis, L"\x20acz", 1, 0, "{") && error == FULL && writing(jis, L"z", 9, 1, "}z"));
    set_writes(jis, write_as_ever, NULL, NULL, NULL, &status);
    CHECK("as ever, less what is not seen", writing(jis, L"a\x20ac\x200b", 20, 1, "a?"));
    close_(jis);

    converter *kana = open_("iso-2022-jp", &status);
    CHECK("shifted", writing(kana, L"a\x65e5z", 20, 1, "a\x1b$BF|\x1b(Bz") && reading(kana, bytes, made, 10, 1, L"a\x65e5z"));
    close_(kana);
    converter *wide = open_("UTF-16BE", &status);
    CHECK("wide", reading(wide, "\0a\xd8\x3d\xde\0", 6, 10, 1, L"a\xd83d\xde00"));
    close_(wide);
    status = 0;
    CHECK_EQ("of none", pending(wide, &status), -1);
    CHECK_EQ("its error", status, ILLEGAL_ARGUMENT);
}

int main(void) {
    dll = LoadLibraryA("icuuc.dll");
    CHECK("there", dll || under_oracle());
    if (!dll) return finish();
    open_ = get("ucnv_open"), close_ = get("ucnv_close"), reset = get("ucnv_reset"), name_of = get("ucnv_getName");
    available = get("ucnv_getAvailableName"), standard = get("ucnv_getStandardName"), count = get("ucnv_countAvailable");
    pending = get("ucnv_toUCountPending"), pending_units = get("ucnv_fromUCountPending"), compare = get("ucnv_compareNames");
    most = get("ucnv_getMaxCharSize"), to_unicode = get("ucnv_toUnicode"), from_unicode = get("ucnv_fromUnicode");
    set_reads = get("ucnv_setToUCallBack"), set_writes = get("ucnv_setFromUCallBack"), get_reads = get("ucnv_getToUCallBack");
    put_units = get("ucnv_cbToUWriteUChars"), put_text = get("ucnv_cbFromUWriteUChars");
    substitute_read = get("UCNV_TO_U_CALLBACK_SUBSTITUTE"), substitute_written = get("UCNV_FROM_U_CALLBACK_SUBSTITUTE");
    names();
    texts();
    return finish();
}
