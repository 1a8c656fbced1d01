/* Dialogs in a thread of their own whose owner is another thread's window, as Qt's file dialogs are: once one is gone, the owner is active again. */
#include "family.h"

enum ends { BY_END_DIALOG, BY_DESTRUCTION, BY_HIDING };

static HWND owner;
static HWND volatile dialog;
static enum ends how;


static void pump_for(HANDLE until) {
    MSG message;
    for (int i = 0; i < 20; i++) {
        while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageA(&message);
        /* Whoever waits for that looks at it in vain; what is posted has come by then. */
        if (MsgWaitForMultipleObjects(until ? 1 : 0, &until, FALSE, 10, QS_ALLINPUT) == WAIT_OBJECT_0 && until) return;
    }
}

static void pump_until(HWND active) {
    for (int i = 0; i < 250 && !(GetForegroundWindow() == active && GetActiveWindow() == (active == owner ? owner : NULL)); i++) pump_for(NULL);
}

static INT_PTR CALLBACK answer(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    (void)wparam, (void)lparam;
    if (message == WM_INITDIALOG) dialog = window;
    if (message == WM_CLOSE) EndDialog(window, 1);
    return message == WM_INITDIALOG || message == WM_CLOSE;
}

static DWORD CALLBACK asks(void *unused) {
    (void)unused;
    struct {
        DLGTEMPLATE template;
        WORD menu, class, title;
    } box = {.template = {.style = WS_POPUP | WS_CAPTION | WS_SYSMENU | WS_VISIBLE | DS_MODALFRAME, .x = 10, .y = 10, .cx = 100, .cy = 60}};
    if (how == BY_END_DIALOG) return (DWORD)DialogBoxIndirectParamA(GetModuleHandleA(NULL), &box.template, owner, answer, 0);
    MSG message;
    HWND made = CreateWindowA("Static", "dialog", WS_POPUP | WS_CAPTION | WS_VISIBLE, 50, 50, 200, 100, owner, NULL, NULL, NULL);
    EnableWindow(owner, FALSE);
    SetForegroundWindow(made);
    dialog = made;
    while (GetMessageA(&message, NULL, 0, 0) > 0 && message.message != WM_CLOSE) DispatchMessageA(&message);
    EnableWindow(owner, TRUE);
    if (how == BY_HIDING) ShowWindow(made, SW_HIDE);
    while (how == BY_HIDING && GetMessageA(&message, NULL, 0, 0) > 0 && message.message != WM_CLOSE) DispatchMessageA(&message);
    return DestroyWindow(made);
}

static void asked(const char *name, enum ends ending, BOOL own) {
    say("# %s", name);
    how = ending, dialog = NULL;
    SetForegroundWindow(owner);
    pump_until(owner);
    /* Qt keeps its window from being used itself, beside what the dialog does. */
    if (own) EnableWindow(owner, FALSE);
    HANDLE thread = CreateThread(NULL, 0, asks, NULL, 0, NULL);
    for (int i = 0; i < 250 && !dialog; i++) pump_for(thread);
    pump_until(dialog);
    CHECK("the dialog is in front", GetForegroundWindow() == dialog && GetActiveWindow() == NULL);
    CHECK("its owner cannot be used", !IsWindowEnabled(owner));
    PostMessageA(dialog, WM_CLOSE, 0, 0);
    if (ending == BY_HIDING) {
        for (int i = 0; i < 250 && IsWindowVisible(dialog); i++) pump_for(NULL);
    } else {
        for (int i = 0; i < 250 && WaitForSingleObject(thread, 0); i++) pump_for(thread);
    }
    if (own) EnableWindow(owner, TRUE);
    pump_until(owner);
    CHECK("its owner is in front", GetForegroundWindow() == owner);
    CHECK("and active", GetActiveWindow() == owner && GetFocus() == owner);
    if (ending == BY_HIDING) PostMessageA(dialog, WM_CLOSE, 0, 0);
    for (int i = 0; i < 250 && WaitForSingleObject(thread, 0); i++) pump_for(thread);
    CHECK("the thread is over", WaitForSingleObject(thread, 0) == WAIT_OBJECT_0 && !IsWindow(dialog));
    CloseHandle(thread);
}

/* Tk shows its windows without making them active, but for the first one. */
static void nobody_in_front(void) {
    DestroyWindow(owner);
    SetForegroundWindow(GetDesktopWindow());
    CHECK("nothing is active", GetActiveWindow() == NULL);
    HWND shown = CreateWindowA("Static", "shown", WS_OVERLAPPEDWINDOW, 100, 100, 200, 200, NULL, NULL, NULL, NULL);
    ShowWindow(shown, SW_SHOWNOACTIVATE);
    CHECK("nor is what is shown so", GetActiveWindow() == NULL);
    SetActiveWindow(shown);
    CHECK("it is when it is made so", GetActiveWindow() == shown);
    WINE8_DIFFERS(CHECK("and comes to the front", GetForegroundWindow() == shown));
    DestroyWindow(shown);
}

int main(void) {
    owner = CreateWindowA("Static", "owner", WS_OVERLAPPEDWINDOW | WS_VISIBLE, 300, 300, 300, 200, NULL, NULL, NULL, NULL);
    asked("a dialog that ends", BY_END_DIALOG, FALSE);
    asked("the same, its owner kept from use by both", BY_END_DIALOG, TRUE);
    asked("a window that is destroyed", BY_DESTRUCTION, FALSE);
    asked("a window that is hidden", BY_HIDING, FALSE);
    nobody_in_front();
    return finish();
}
