/* What feeds the host, said once for each line read; and that wishes about its sleep are kept. */
#include "check.h"

NTDLL(LONG, NtPowerInformation, ULONG, void *, ULONG, void *, ULONG)

enum { system_power_capabilities = 4, system_battery_state = 5, system_execution_state = 16 };

int main(void) {
    char line[16];
    DWORD count;
    ULONG state = 0;
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
