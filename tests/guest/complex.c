/* Complex functions of the C runtime that Wine's ucrtbase names and does not have. */
#include "check.h"
#include <math.h>

typedef struct { double re, im; } pair;
typedef struct { float re, im; } floats;
typedef pair (*one)(pair);
typedef pair (*two)(pair, pair);
typedef double (*real)(pair);
typedef floats (*one_f)(floats);
typedef floats (*two_f)(floats, floats);
typedef float (*real_f)(floats);

static HMODULE runtime;

static void *get(const char *name) {
    void *found = (void *)(uintptr_t)GetProcAddress(runtime, name);
    if (!CHECK(name, found)) ExitProcess(1);
    return found;
}

static int close_to(double a, double b) {
    return fabs(a - b) <= 1e-14 * fmax(1, fabs(b));
}

static void doubles(void) {
    /* As Python's cmath has them, of 0.5+1.25i. */
    static const struct { const char *name; pair want; } ones[] = {
        {"cacos", {1.262814955222778, -1.0855765577207785}}, {"cacosh", {1.0855765577207785, 1.262814955222778}},
        {"casin", {0.30798137157211863, 1.0855765577207785}}, {"casinh", {0.8988936293694824, 1.0611857724687428}},
        {"catan", {1.1265564408348223, 0.708303336014054}}, {"catanh", {0.1858945085467093, 0.9425141129396175}},
        {"ccos", {1.6572478640539148, -0.7680009178735728}}, {"ccosh", {0.355565683247121, 0.49451143013196674}},
        {"cexp", {0.5198786860084937, 1.5646111274988195}}, {"clog", {0.2973535538733464, 1.1902899496825317}},
        {"clog10", {0.12913900762151564, 0.5169363570120227}}, {"conj", {0.5, -1.25}}, {"cproj", {0.5, 1.25}},
        {"csin", {0.9053586344209573, 1.4058162504314684}}, {"csinh", {0.16431300276137265, 1.0700996973668526}},
        {"csqrt", {0.9608046632337985, 0.6504964265019547}}, {"ctan", {0.1261085664842344, 0.906724804319431}},
        {"ctanh", {1.5839635482844239, 0.8066346988510739}},
    };
    static const pair z = {0.5, 1.25}, w = {-2, 0.75};
    char name[16];
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
        pair got = ((one)get(ones[i].name))(z);
        if (!CHECK("value", close_to(got.re, ones[i].want.re) && close_to(got.im, ones[i].want.im)))
            say("%s: %.17g %.17g", ones[i].name, got.re, got.im);
        snprintf(name, sizeof name, "%sl", ones[i].name);
        pair same = ((one)get(name))(z);
        CHECK("value of long doubles", !memcmp(&same, &got, sizeof got));
        snprintf(name, sizeof name, "%sf", ones[i].name);
        floats less = ((one_f)get(name))((floats){0.5f, 1.25f});
        CHECK("value of floats", fabs(less.re - got.re) < 1e-6 && fabs(less.im - got.im) < 1e-6);
    }
    pair power = ((two)get("cpow"))(z, w);
    CHECK("power", close_to(power.re, -0.12510450623698133) && close_to(power.im, -0.18815950180442373));
    pair product = ((two)get("_Cmulcc"))(z, w);
    CHECK("product", product.re == -1.9375 && product.im == -2.125);
    floats less = ((two_f)get("_FCmulcc"))((floats){0.5f, 1.25f}, (floats){-2, 0.75f});
    CHECK("product of floats", less.re == -1.9375f && less.im == -2.125f);
}

static void parts(void) {
    static const pair z = {-3, 4};
    static const floats f = {-3, 4};
    CHECK("creal", ((real)get("creal"))(z) == -3 && ((real)get("creall"))(z) == -3 && ((real_f)get("crealf"))(f) == -3);
    CHECK("cimag", ((real)get("cimag"))(z) == 4 && ((real)get("cimagl"))(z) == 4 && ((real_f)get("cimagf"))(f) == 4);
    CHECK("cabs", ((real)get("cabs"))(z) == 5 && ((real_f)get("cabsf"))(f) == 5);
    CHECK("norm", ((real)get("norm"))(z) == 25 && ((real_f)get("normf"))(f) == 25);
    CHECK("carg", close_to(((real)get("carg"))(z), 2.214297435588181));
    floats made = ((floats(*)(float, float))get("_FCbuild"))(1.5f, -2);
    CHECK("floats made", made.re == 1.5f && made.im == -2);
    pair both = ((pair(*)(double, double))get("_LCbuild"))(1.5, -2);
    CHECK("doubles made", both.re == 1.5 && both.im == -2);
}

int main(void) {
    runtime = LoadLibraryA("ucrtbase.dll");
    if (under_oracle()) {
        /* It ends with an exception there. */
        CHECK("the oracle has the names", GetProcAddress(runtime, "csqrt"));
        return finish();
    }
    parts();
    doubles();
    return finish();
}
