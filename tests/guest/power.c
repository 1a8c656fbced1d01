/* What feeds the host, said once for each line read; and that wishes about its sleep are kept. With an argument: what windows are told of it. */
#include "check.h"

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
    SYSTEM_POWER_STATUS status;
    if (message == WM_POWERBROADCAST) {
        GetSystemPowerStatus(&status);
        say("told %d line %d", (int)wparam, status.ACLineStatus);
        PostQuitMessage(0);
        return TRUE;
    }
    if (message == WM_TIMER) {
        KillTimer(window, wparam);
        say("waits");
    }
    return DefWindowProcA(window, message, wparam, lparam);
}

static int be_told(void) {
    WNDCLASSA class = {.lpfnWndProc = procedure, .lpszClassName = "told"};
    MSG message;
    RegisterClassA(&class);
    /* What feeds the host is looked at first after a second. */
    SetTimer(CreateWindowA("told", "", WS_OVERLAPPEDWINDOW, 0, 0, 100, 100, NULL, NULL, NULL, NULL), 1, 3000, NULL);
    while (GetMessageA(&message, NULL, 0, 0) > 0) DispatchMessageA(&message);
    return finish();
}

NTDLL(LONG, NtPowerInformation, ULONG, void *, ULONG, void *, ULONG)

enum { system_power_capabilities = 4, system_battery_state = 5, system_execution_state = 16 };

int main(int argc, char **argv) {
    char line[16];
    DWORD count;
    ULONG state = 0;
    (void)argv;
    if (argc > 1) return be_told();
    CHECK_EQ("nothing was wished", SetThreadExecutionState(ES_CONTINUOUS | ES_SYSTEM_REQUIRED), ES_CONTINUOUS);
    CHECK_EQ("a wish is kept", SetThreadExecutionState(ES_CONTINUOUS | ES_DISPLAY_REQUIRED), (DWORD)(ES_CONTINUOUS | ES_SYSTEM_REQUIRED));
    CHECK_EQ("and told", NtPowerInformation_(system_execution_state, NULL, 0, &state, sizeof state), 0);
    CHECK("as it is", state & ES_DISPLAY_REQUIRED);
    SetThreadExecutionState(ES_CONTINUOUS);
    do {
        SYSTEM_POWER_STATUS status;
        SYSTEM_BATTERY_STATE battery;
        SYSTEM_POWER_CAPABILITIES can;
        if (!GetSystemPowerStatus(&status)) say("FAIL GetSystemPowerStatus");
        if (NtPowerInformation_(system_battery_state, NULL, 0, &battery, sizeof battery)) say("FAIL SystemBatteryState");
        if (NtPowerInformation_(system_power_capabilities, NULL, 0, &can, sizeof can)) say("FAIL SystemPowerCapabilities");
        say("line %d flags %d percent %d seconds %ld of %lu rate %ld batteries %d", status.ACLineStatus, status.BatteryFlag,
            status.BatteryLifePercent, (long)status.BatteryLifeTime, battery.MaxCapacity, (long)battery.Rate, can.SystemBatteriesPresent);
    } while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), line, sizeof line, &count, NULL) && count);
    return finish();
}
