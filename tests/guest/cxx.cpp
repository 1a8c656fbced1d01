// C++ exceptions: unwinding over frames, rethrow, destructors, in threads, across a callback from a system DLL.
extern "C" {
#include "check.h"
}
#include <stdexcept>
#include <string>
#include <vector>

static int destroyed;
struct Counted {
    ~Counted() { destroyed++; }
};

static int deep(int n) {
    Counted c;
    if (n == 0) throw std::runtime_error("bottom");
    return deep(n - 1) + 1;
}

static int compare(const void *a, const void *b) {
    if (*(const int *)a == 7) throw 7;
    return *(const int *)a - *(const int *)b;
}

static DWORD WINAPI thrower(void *arg) {
    try {
        deep((int)(ULONG_PTR)arg);
    } catch (const std::exception &e) {
        return !strcmp(e.what(), "bottom");
    }
    return 0;
}

int main() {
    try {
        deep(50);
        CHECK("not reached", false);
    } catch (const std::runtime_error &e) {
        CHECK("caught by type", !strcmp(e.what(), "bottom"));
    }
    CHECK_EQ("51 destructors ran", destroyed, 51);
    try {
        try {
            throw std::string("inner");
        } catch (int) {
            CHECK("wrong handler", false);
        } catch (...) {
            throw;
        }
    } catch (const std::string &s) {
        CHECK("rethrown", s == "inner");
    }
    int good = 0;
    for (int i = 0; i < 1000; i++) {
        try {
            throw i;
        } catch (int n) {
            good += n == i;
        }
    }
    CHECK_EQ("1000 throws", good, 1000);
    int values[] = {3, 7, 1};
    int caught = 0;
    try {
        qsort(values, 3, sizeof *values, compare);
    } catch (int n) {
        caught = n;
    }
    CHECK_EQ("through a callback of the C library's DLL", caught, 7);
    HANDLE threads[4];
    for (int i = 0; i < 4; i++) threads[i] = CreateThread(nullptr, 0, thrower, (void *)(ULONG_PTR)(i * 10), 0, nullptr);
    WaitForMultipleObjects(4, threads, TRUE, INFINITE);
    for (int i = 0; i < 4; i++) {
        DWORD code = 0;
        GetExitCodeThread(threads[i], &code);
        CHECK_EQ("caught in its thread", code, 1);
    }
    try {
        (void)std::vector<int>().at(5);
    } catch (const std::out_of_range &) {
        CHECK("library's own exception", true);
    }
    try {
        // More than any address space holds.
        volatile size_t size = (size_t)1 << 62;
        char *volatile block = new char[size];
        delete[] block;
        CHECK("not allocated", false);
    } catch (const std::bad_alloc &) {
        CHECK("bad_alloc", true);
    }
    return finish();
}
