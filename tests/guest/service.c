/* The service control manager, which nobody started before this program asks for it: a service of our own from its making to its
   end, what services do to their caller's eyes, and many processes that ask at the same time. */
#include "family.h"
#include <tlhelp32.h>

#define NAME "portcullis-test"

/* The service's side. */

static SERVICE_STATUS_HANDLE service;
static HANDLE wanted;
static SERVICE_STATUS now = {.dwServiceType = SERVICE_WIN32_OWN_PROCESS};
static DWORD controls;

static void tell(DWORD state, DWORD accepts) {
    now.dwCurrentState = state;
    now.dwControlsAccepted = accepts;
    now.dwCheckPoint = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING ? now.dwCheckPoint + 1 : 0;
    SetServiceStatus(service, &now);
}

static DWORD WINAPI control(DWORD code, DWORD type, void *data, void *context) {
    (void)type, (void)data;
    if (context != &controls) return ERROR_INVALID_DATA;
    switch (code) {
    case SERVICE_CONTROL_INTERROGATE: return NO_ERROR;
    case SERVICE_CONTROL_PAUSE: tell(SERVICE_PAUSED, SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PAUSE_CONTINUE); return NO_ERROR;
    case SERVICE_CONTROL_CONTINUE: tell(SERVICE_RUNNING, SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PAUSE_CONTINUE); return NO_ERROR;
    case SERVICE_CONTROL_STOP:
        tell(SERVICE_STOP_PENDING, 0);
        SetEvent(wanted);
        return NO_ERROR;
    default:
        if (code < 128) return ERROR_CALL_NOT_IMPLEMENTED;
        now.dwServiceSpecificExitCode += code;
        return NO_ERROR;
    }
}

/* Answers "argc first-argument in-session" into a file of the caller's choice. */
static void WINAPI serve(DWORD argc, char **argv) {
    char text[512];
    DWORD written, session = 99;
    wanted = CreateEventA(NULL, FALSE, FALSE, NULL);
    service = RegisterServiceCtrlHandlerExA(NAME, control, &controls);
    if (!service) return;
    tell(SERVICE_START_PENDING, 0);
    ProcessIdToSessionId(GetCurrentProcessId(), &session);
    if (argc > 1) {
        HANDLE file = CreateFileA(argv[1], GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
        int length = snprintf(text, sizeof text, "%lu %s %s %d", argc, argv[0], argc > 2 ? argv[2] : "-", GetConsoleWindow() != NULL);
        WriteFile(file, text, (DWORD)length, &written, NULL);
        CloseHandle(file);
    }
    tell(SERVICE_RUNNING, SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PAUSE_CONTINUE);
    WaitForSingleObject(wanted, INFINITE);
    now.dwWin32ExitCode = now.dwServiceSpecificExitCode ? ERROR_SERVICE_SPECIFIC_ERROR : NO_ERROR;
    tell(SERVICE_STOPPED, 0);
}

static int be_service(void) {
    SERVICE_TABLE_ENTRYA table[] = {{(char *)NAME, serve}, {NULL, NULL}};
    return StartServiceCtrlDispatcherA(table) ? 0 : (int)GetLastError();
}

/* The caller's side. */

static DWORD state_of(SC_HANDLE of) {
    SERVICE_STATUS_PROCESS status = {0};
    DWORD needed;
    if (!QueryServiceStatusEx(of, SC_STATUS_PROCESS_INFO, (BYTE *)&status, sizeof status, &needed)) return 0;
    return status.dwCurrentState;
}

static DWORD process_of(SC_HANDLE of) {
    SERVICE_STATUS_PROCESS status = {0};
    DWORD needed;
    QueryServiceStatusEx(of, SC_STATUS_PROCESS_INFO, (BYTE *)&status, sizeof status, &needed);
    return status.dwProcessId;
}

static BOOL becomes(SC_HANDLE of, DWORD state) {
    for (int tries = 0; tries < 1500; tries++) {
        if (state_of(of) == state) return TRUE;
        Sleep(10);
    }
    return FALSE;
}

static SC_HANDLE make(SC_HANDLE manager) {
    char line[MAX_PATH + 32];
    snprintf(line, sizeof line, "\"%s\" service", self);
    return CreateServiceA(manager, NAME, "A service of the tests", SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                          SERVICE_DEMAND_START, SERVICE_ERROR_IGNORE, line, NULL, NULL, NULL, NULL, NULL);
}

static void manager_itself(SC_HANDLE manager) {
    SC_HANDLE other;
    SERVICE_STATUS status;
    CHECK_ERROR("no such database", OpenSCManagerA(NULL, "NoSuch", SC_MANAGER_CONNECT), ERROR_INVALID_NAME);
    CHECK("the active one", (other = OpenSCManagerA(NULL, SERVICES_ACTIVE_DATABASEA, SC_MANAGER_CONNECT)) != NULL);
    CHECK_ERROR("no right to make one", CreateServiceA(other, NAME "2", NULL, 0, SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START, 0, "x", NULL, NULL, NULL, NULL, NULL), ERROR_ACCESS_DENIED);
    CHECK("closed", CloseServiceHandle(other));
    CHECK_ERROR("no such service", OpenServiceA(manager, NAME "-no", SERVICE_ALL_ACCESS), ERROR_SERVICE_DOES_NOT_EXIST);
    CHECK_ERROR("no name", OpenServiceA(manager, "a/b", SERVICE_ALL_ACCESS), ERROR_INVALID_NAME);
    CHECK_ERROR("the manager is no service", QueryServiceStatus(manager, &status), ERROR_INVALID_HANDLE);
}

static void listed(SC_HANDLE manager) {
    static BYTE room[65536];
    ENUM_SERVICE_STATUS_PROCESSA *list = (void *)room;
    DWORD needed, count = 0, from = 0, ours = 0, running = 0;
    CHECK("listed", EnumServicesStatusExA(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32, SERVICE_STATE_ALL, room, sizeof room, &needed, &count, &from, NULL));
    for (DWORD index = 0; index < count; index++) {
        ours += !strcmp(list[index].lpServiceName, NAME);
        running += !_stricmp(list[index].lpServiceName, "PlugPlay") && list[index].ServiceStatusProcess.dwCurrentState == SERVICE_RUNNING;
    }
    CHECK_EQ("ours is", ours, 1);
    CHECK_EQ("what starts by itself did", running, 1);
    from = 0;
    CHECK_ERROR("too little room", EnumServicesStatusExA(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32, SERVICE_STATE_ALL, room, 8, &needed, &count, &from, NULL), ERROR_MORE_DATA);
}

static void life(SC_HANDLE manager) {
    char file[MAX_PATH], text[512] = "";
    const char *arguments[2] = {file, "second"};
    SERVICE_STATUS status = {0};
    DWORD read, process;
    SC_HANDLE made = make(manager), again;
    CHECK("made", made != NULL);
    if (!made) return;
    CHECK_ERROR("once", make(manager), ERROR_SERVICE_EXISTS);
    CHECK_EQ("stopped at first", state_of(made), SERVICE_STOPPED);
    listed(manager);
    CHECK_ERROR("nothing to control", ControlService(made, SERVICE_CONTROL_INTERROGATE, &status), ERROR_SERVICE_NOT_ACTIVE);
    GetFullPathNameA(scratch("service.txt"), MAX_PATH, file, NULL);
    CHECK("started", StartServiceA(made, 2, arguments));
    CHECK("runs", becomes(made, SERVICE_RUNNING));
    CHECK_ERROR("once at a time", StartServiceA(made, 0, NULL), ERROR_SERVICE_ALREADY_RUNNING);
    process = process_of(made);
    CHECK("in a process of its own", process != 0 && process != GetCurrentProcessId());
    HANDLE opened = OpenProcess(SYNCHRONIZE, FALSE, process);
    CHECK("which runs", opened && WaitForSingleObject(opened, 0) == WAIT_TIMEOUT);
    HANDLE told = CreateFileA(file, GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    CHECK("it wrote", ReadFile(told, text, sizeof text - 1, &read, NULL));
    CloseHandle(told);
    CHECK("its arguments", !strcmp(text, "3 " NAME " second 0"));
    CHECK("asked", ControlService(made, SERVICE_CONTROL_INTERROGATE, &status) && status.dwCurrentState == SERVICE_RUNNING);
    CHECK("paused", ControlService(made, SERVICE_CONTROL_PAUSE, &status));
    CHECK_EQ("it says so", state_of(made), SERVICE_PAUSED);
    CHECK("continued", ControlService(made, SERVICE_CONTROL_CONTINUE, &status));
    CHECK_EQ("it runs", state_of(made), SERVICE_RUNNING);
    CHECK("a code of its own", ControlService(made, 130, &status));
    CHECK_ERROR("one that it does not take", ControlService(made, SERVICE_CONTROL_NETBINDADD, &status), ERROR_INVALID_SERVICE_CONTROL);
    again = OpenServiceA(manager, NAME, SERVICE_QUERY_STATUS);
    CHECK_ERROR("without the right", ControlService(again, SERVICE_CONTROL_STOP, &status), ERROR_ACCESS_DENIED);
    CloseServiceHandle(again);
    CHECK("told to stop", ControlService(made, SERVICE_CONTROL_STOP, &status));
    CHECK("stops", becomes(made, SERVICE_STOPPED));
    CHECK("with the status it gave", QueryServiceStatus(made, &status));
    CHECK_EQ("so", status.dwServiceSpecificExitCode, 130);
    CHECK_EQ("its process ends", WaitForSingleObject(opened, 30000), WAIT_OBJECT_0);
    CloseHandle(opened);
    /* Once more, and killed this time. */
    CHECK("started again", StartServiceA(made, 0, NULL) && becomes(made, SERVICE_RUNNING));
    opened = OpenProcess(PROCESS_TERMINATE, FALSE, process_of(made));
    CHECK("killed", TerminateProcess(opened, 0xdeadbeef));
    CloseHandle(opened);
    /* Wine 8 goes on to call it running. */
    if (!under_oracle()) CHECK("which is noticed", becomes(made, SERVICE_STOPPED));
    CHECK("gone", DeleteService(made));
    CHECK("closed", CloseServiceHandle(made));
    CHECK_ERROR("gone it is", OpenServiceA(manager, NAME, SERVICE_QUERY_STATUS), ERROR_SERVICE_DOES_NOT_EXIST);
}

static void configuration(SC_HANDLE manager) {
    static BYTE room[8192];
    QUERY_SERVICE_CONFIGA *config = (void *)room;
    SERVICE_DESCRIPTIONA text = {(char *)"what it is for"}, *told = (void *)room;
    DWORD needed;
    SC_HANDLE made = make(manager);
    HKEY key;
    CHECK("made", made != NULL);
    if (!made) return;
    CHECK("asked", QueryServiceConfigA(made, config, sizeof room, &needed));
    CHECK("as it was made", config->dwServiceType == SERVICE_WIN32_OWN_PROCESS && config->dwStartType == SERVICE_DEMAND_START
          && !strcmp(config->lpDisplayName, "A service of the tests") && strstr(config->lpBinaryPathName, "\" service"));
    CHECK("changed", ChangeServiceConfigA(made, SERVICE_NO_CHANGE, SERVICE_DISABLED, SERVICE_NO_CHANGE, NULL, NULL, NULL, NULL, NULL, NULL, "another name"));
    CHECK("asked again", QueryServiceConfigA(made, config, sizeof room, &needed));
    CHECK("as changed", config->dwStartType == SERVICE_DISABLED && !strcmp(config->lpDisplayName, "another name"));
    CHECK_ERROR("a disabled one does not start", StartServiceA(made, 0, NULL), ERROR_SERVICE_DISABLED);
    CHECK("a description", ChangeServiceConfig2A(made, SERVICE_CONFIG_DESCRIPTION, &text));
    CHECK("is kept", QueryServiceConfig2A(made, SERVICE_CONFIG_DESCRIPTION, room, sizeof room, &needed) && !strcmp(told->lpDescription, "what it is for"));
    CHECK_EQ("in the registry", RegOpenKeyA(HKEY_LOCAL_MACHINE, "System\\CurrentControlSet\\Services\\" NAME, &key), ERROR_SUCCESS);
    DWORD start = 0, size = sizeof start;
    RegQueryValueExA(key, "Start", NULL, NULL, (BYTE *)&start, &size);
    CHECK_EQ("which says so", start, SERVICE_DISABLED);
    RegCloseKey(key);
    CHECK("gone", DeleteService(made) && CloseServiceHandle(made));
    CHECK_EQ("from there too", RegOpenKeyA(HKEY_LOCAL_MACHINE, "System\\CurrentControlSet\\Services\\" NAME, &key), ERROR_FILE_NOT_FOUND);
}

/* The first words of all of these go to a manager that does not run yet: one is started, and all are answered by it. */
static void all_at_once(void) {
    PROCESS_INFORMATION made[8];
    HANDLE begin = CreateEventA(NULL, TRUE, FALSE, NULL);
    inheritable(begin);
    for (int child = 0; child < 8; child++) CHECK("a child", start(&made[child], 0, TRUE, "ask %llu", number(begin)));
    SetEvent(begin);
    DWORD first = 0;
    for (int child = 0; child < 8; child++) {
        DWORD process = ended(&made[child]);
        if (!child) first = process;
        CHECK_EQ("all see the same", process, first);
    }
    CHECK("which runs", first > 4);
    CloseHandle(begin);
}

/* The process that a service of the manager's own runs in. */
static int ask(HANDLE begin) {
    WaitForSingleObject(begin, INFINITE);
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE opened = manager ? OpenServiceA(manager, "PlugPlay", SERVICE_QUERY_STATUS) : NULL;
    if (!opened) return 1;
    return becomes(opened, SERVICE_RUNNING) ? (int)process_of(opened) : 2;
}

/* A manager that somebody ended is started anew by who asks next. */
static void anew(void) {
    PROCESSENTRY32 entry = {.dwSize = sizeof entry};
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0), opened = NULL;
    DWORD before = 0;
    for (BOOL more = Process32First(all, &entry); more; more = Process32Next(all, &entry))
        if (!_stricmp(entry.szExeFile, "services.exe")) opened = OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, FALSE, before = entry.th32ProcessID);
    CloseHandle(all);
    CHECK("its process", opened != NULL);
    CHECK("is ended", TerminateProcess(opened, 1) && WaitForSingleObject(opened, 30000) == WAIT_OBJECT_0);
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    CHECK("another answers", manager != NULL);
    CHECK_ERROR("as the first did", OpenServiceA(manager, NAME "-no", SERVICE_ALL_ACCESS), ERROR_SERVICE_DOES_NOT_EXIST);
    CloseServiceHandle(manager);
    CloseHandle(opened);
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 1 && !strcmp(argv[1], "service")) return be_service();
    if (argc > 2 && !strcmp(argv[1], "ask")) return ask(handle_of(argv[2]));
    all_at_once();
    CHECK_EQ("no service ourselves", be_service(), ERROR_FAILED_SERVICE_CONTROLLER_CONNECT);
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    CHECK("the manager", manager != NULL);
    if (!manager) return finish();
    manager_itself(manager);
    life(manager);
    configuration(manager);
    CHECK("closed", CloseServiceHandle(manager));
    CHECK_ERROR("once", CloseServiceHandle(manager), ERROR_INVALID_HANDLE);
    if (!under_oracle()) anew();
    return finish();
}
