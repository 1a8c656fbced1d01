__declspec(dllexport) int count(const char *text) {
    int words = 0;
    for (int in = 0; *text; text++) {
        if (*text != ' ' && !in) words++;
        in = *text != ' ';
    }
    return words;
}
int DllMainCRTStartup(void *module, unsigned reason, void *reserved) { return 1; }
