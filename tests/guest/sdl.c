/* A rectangle on a surface of SDL 2, drawn by its software renderer: `sdl LIBRARY`. Arrow keys move it, a click puts it elsewhere, Escape ends the program.
   What happens is told line by line. */
#include <windows.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    int x, y, w, h;
} Rect;

/* The name is SDL's here. */
#undef CreateWindow

/* SDL.h and its kin, as far as they are used here: the library alone is at hand. */
#define CALLS(call)                                                          \
    call(int, Init, (uint32_t))                                              \
    call(void, Quit, (void))                                                 \
    call(const char *, GetError, (void))                                     \
    call(const char *, GetCurrentVideoDriver, (void))                        \
    call(void *, CreateWindow, (const char *, int, int, int, int, uint32_t)) \
    call(void *, CreateRenderer, (void *, int, uint32_t))                    \
    call(int, SetRenderDrawColor, (void *, uint8_t, uint8_t, uint8_t, uint8_t)) \
    call(int, RenderClear, (void *))                                         \
    call(int, RenderFillRect, (void *, const Rect *))                        \
    call(int, RenderDrawLine, (void *, int, int, int, int))                  \
    call(void, RenderPresent, (void *))                                      \
    call(int, WaitEvent, (void *))                                           \
    call(const char *, GetKeyName, (int))

#define DECLARE(result, name, arguments) static result(*name) arguments;
CALLS(DECLARE)

enum { INIT_VIDEO = 0x20, WINDOW_SHOWN = 4, RENDERER_SOFTWARE = 1 };
enum { EVENT_QUIT = 0x100, EVENT_KEY_DOWN = 0x300, EVENT_TEXT = 0x303, EVENT_BUTTON_DOWN = 0x401 };
enum { KEY_ESCAPE = 27, KEY_RIGHT = 0x4000004f, KEY_DOWN = 0x40000051 };

static int load(const char *path) {
    HMODULE library = LoadLibraryA(path);
    if (!library) {
        printf("%s: error %lu\n", path, GetLastError());
        return 0;
    }
#define FIND(result, name, arguments)                                        \
    FARPROC found_##name = GetProcAddress(library, "SDL_" #name);            \
    if (!found_##name) {                                                     \
        printf("no SDL_" #name "\n");                                        \
        return 0;                                                            \
    }                                                                        \
    memcpy(&name, &found_##name, sizeof name);
    CALLS(FIND)
    return 1;
}

int main(int count, char **words) {
    setvbuf(stdout, NULL, _IONBF, 0);
    if (count < 2 || !load(words[1])) return 2;
    void *window = NULL, *renderer = NULL;
    if (Init(INIT_VIDEO) || !(window = CreateWindow("SDL two", 100, 100, 400, 300, WINDOW_SHOWN)) ||
        !(renderer = CreateRenderer(window, -1, RENDERER_SOFTWARE))) {
        printf("%s\n", GetError());
        return 1;
    }
    printf("driver %s\n", GetCurrentVideoDriver());
    int x = 50, y = 50, goes_on = 1;
    while (goes_on) {
        Rect rect = {x, y, 60, 40};
        SetRenderDrawColor(renderer, 0, 0, 64, 255);
        RenderClear(renderer);
        SetRenderDrawColor(renderer, 255, 200, 0, 255);
        RenderFillRect(renderer, &rect);
        SetRenderDrawColor(renderer, 0, 255, 0, 255);
        RenderDrawLine(renderer, 0, 299, 399, 299);
        RenderPresent(renderer);
        /* SDL_Event has 56 bytes; what is looked at lies at the same places in all its kinds that are. */
        uint32_t event[32] = {0};
        WaitEvent(event);
        switch (event[0]) {
        case EVENT_QUIT:
            goes_on = 0;
            break;
        case EVENT_KEY_DOWN:
            printf("key %s\n", GetKeyName((int)event[5]));
            if (event[5] == KEY_RIGHT) x += 20;
            if (event[5] == KEY_DOWN) y += 20;
            if (event[5] == KEY_ESCAPE) goes_on = 0;
            break;
        case EVENT_TEXT:
            printf("text %s\n", (char *)&event[3]);
            break;
        case EVENT_BUTTON_DOWN:
            x = (int)event[5];
            y = (int)event[6];
            printf("click %d %d\n", x, y);
            break;
        }
    }
    Quit();
    printf("end\n");
    return 0;
}
