/* Time, system information, environment, locale, code pages, tokens, security descriptors, command line. */
#include "check.h"
#include <sddl.h>
#include <tlhelp32.h>

NTDLL(NTSTATUS, NtQuerySystemInformation, int, void *, ULONG, ULONG *)
NTDLL(NTSTATUS, NtQueryPerformanceCounter, LARGE_INTEGER *, LARGE_INTEGER *)
NTDLL(NTSTATUS, NtQuerySystemTime, LARGE_INTEGER *)
NTDLL(NTSTATUS, RtlQueryTimeZoneInformation, TIME_ZONE_INFORMATION *)

static ULONGLONG as_number(FILETIME t) { return ((ULONGLONG)t.dwHighDateTime << 32) | t.dwLowDateTime; }

static void times(void) {
    FILETIME a, b;
    LARGE_INTEGER system, c1, c2, f;
    GetSystemTimeAsFileTime(&a);
    NtQuerySystemTime_(&system);
    CHECK("system time from the page and from the kernel agree", (ULONGLONG)system.QuadPart - as_number(a) + 10000000 < 20000000);
    SYSTEMTIME st;
    GetSystemTime(&st);
    CHECK("a year of this century", st.wYear >= 2024 && st.wYear < 2100);
    ULONGLONG t1 = GetTickCount64();
    QueryPerformanceFrequency(&f);
    QueryPerformanceCounter(&c1);
    Sleep(50);
    QueryPerformanceCounter(&c2);
    ULONGLONG t2 = GetTickCount64(), ms = (ULONGLONG)(c2.QuadPart - c1.QuadPart) * 1000 / (ULONGLONG)f.QuadPart;
    CHECK("frequency", f.QuadPart >= 1000000);
    CHECK("50 ms by the counter", ms >= 45 && ms < 3000);
    CHECK("50 ms by ticks", t2 - t1 >= 30 && t2 - t1 < 3000);
    GetSystemTimePreciseAsFileTime(&b);
    CHECK("precise time moves on", as_number(b) > as_number(a));
    int forward = 1;
    LARGE_INTEGER last = {.QuadPart = 0};
    for (int i = 0; i < 10000; i++) {
        QueryPerformanceCounter(&c1);
        forward &= c1.QuadPart >= last.QuadPart;
        last = c1;
    }
    CHECK("never backwards", forward);
    TIME_ZONE_INFORMATION z;
    DWORD kind = GetTimeZoneInformation(&z);
    CHECK("time zone", kind <= 2 && z.Bias > -900 && z.Bias < 900);
    TIME_ZONE_INFORMATION indirect;
    CHECK_EQ("RtlQueryTimeZoneInformation", (ULONG)RtlQueryTimeZoneInformation_(&indirect), 0);
    CHECK("its names refer to resources", indirect.StandardName[0] == '@' && indirect.DaylightName[0] == '@');
    CHECK("those for programs do not", z.StandardName[0] != '@' && z.DaylightName[0] != '@');
    SYSTEMTIME local;
    GetLocalTime(&local);
    FILETIME lf, uf;
    SystemTimeToFileTime(&local, &lf);
    SystemTimeToFileTime(&st, &uf);
    LONGLONG bias = z.Bias + (kind == 2 ? z.DaylightBias : z.StandardBias);
    LONGLONG difference = (LONGLONG)(as_number(uf) - as_number(lf)) / 600000000;
    CHECK("local time is that far from UTC", difference - bias <= 1 && bias - difference <= 1);
    FILETIME create, exit, kernel, user;
    for (volatile int i = 0; i < 50000000; i++) {}
    CHECK("process times", GetProcessTimes(GetCurrentProcess(), &create, &exit, &kernel, &user) && as_number(create) <= as_number(a) && as_number(user) > 0);
    CHECK("started a short while ago", as_number(a) - as_number(create) < 600000000);
    CHECK_EQ("NtQueryPerformanceCounter, bad pointer", (ULONG)NtQueryPerformanceCounter_((LARGE_INTEGER *)8, NULL), 0xc0000005);
    FILETIME idle;
    CHECK("system times", GetSystemTimes(&idle, &kernel, &user));
}

static void machine(void) {
    SYSTEM_INFO s;
    GetNativeSystemInfo(&s);
    CHECK("x64, 4 KB pages, 64 KB granularity", s.wProcessorArchitecture == PROCESSOR_ARCHITECTURE_AMD64 && s.dwPageSize == 4096 && s.dwAllocationGranularity == 65536);
    CHECK("processors", s.dwNumberOfProcessors >= 1 && s.dwNumberOfProcessors <= 1024);
    CHECK_EQ("highest address", (ULONG_PTR)s.lpMaximumApplicationAddress, 0x7ffffffeffff);
    CHECK("features: SSE2, CMPXCHG16B", IsProcessorFeaturePresent(PF_XMMI64_INSTRUCTIONS_AVAILABLE) && IsProcessorFeaturePresent(PF_COMPARE_EXCHANGE128));
    OSVERSIONINFOEXW v = {.dwOSVersionInfoSize = sizeof v};
    typedef LONG(WINAPI * version_t)(void *);
    ((version_t)(void *)GetProcAddress(GetModuleHandleA("ntdll"), "RtlGetVersion"))(&v);
    CHECK("a version of NT", v.dwMajorVersion >= 6 && v.dwBuildNumber >= 7601);
    WINE8_DIFFERS(CHECK("Windows 10 or later", v.dwMajorVersion == 10 && v.dwBuildNumber >= 17763));
    char name[MAX_COMPUTERNAME_LENGTH + 1], user[256];
    DWORD n = sizeof name, m = sizeof user;
    CHECK("computer name", GetComputerNameA(name, &n) && n > 0);
    CHECK("user name", GetUserNameA(user, &m) && m > 1);
    char path[MAX_PATH];
    CHECK("C:\\windows", GetWindowsDirectoryA(path, MAX_PATH) && !_stricmp(path, "C:\\windows"));
    CHECK("C:\\windows\\system32", GetSystemDirectoryA(path, MAX_PATH) && !_stricmp(path, "C:\\windows\\system32"));
    CHECK("which holds kernel32.dll", GetFileAttributesA("C:\\windows\\system32\\kernel32.dll") != INVALID_FILE_ATTRIBUTES);
    HANDLE f = CreateFileA("C:\\windows\\system32\\ntdll.dll", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    char mz[2] = {0};
    DWORD got;
    CHECK("whose files are read as files", f != INVALID_HANDLE_VALUE && ReadFile(f, mz, 2, &got, NULL) && !memcmp(mz, "MZ", 2));
    CloseHandle(f);
    BYTE buffer[0x10000];
    ULONG size = 0;
    CHECK_EQ("SystemBasicInformation", NtQuerySystemInformation_(0, buffer, 0x40, &size) || size != 0x40, 0);
    CHECK_EQ("wrong length", (ULONG)NtQuerySystemInformation_(0, buffer, 4, &size), 0xc0000004);
    CHECK_EQ("no such class", (ULONG)NtQuerySystemInformation_(0x7777, buffer, 4, &size), 0xc0000003);
    n = 0;
    GetLogicalProcessorInformationEx(RelationAll, NULL, &n);
    SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX *info = malloc(n + 1);
    CHECK("processor topology", n > 0 && GetLogicalProcessorInformationEx(RelationAll, info, &n));
    free(info);
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS | TH32CS_SNAPTHREAD, 0);
    PROCESSENTRY32 p = {.dwSize = sizeof p};
    int found = 0;
    if (Process32First(snapshot, &p)) do found |= p.th32ProcessID == GetCurrentProcessId(); while (Process32Next(snapshot, &p));
    CHECK("the list of processes holds this one", found);
    CloseHandle(snapshot);
    snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, GetCurrentProcessId());
    MODULEENTRY32 module = {.dwSize = sizeof module};
    CHECK("the list of modules begins with the program", Module32First(snapshot, &module) && module.modBaseAddr == (BYTE *)GetModuleHandleA(NULL));
    CloseHandle(snapshot);
}

static void environment(void) {
    char text[2048];
    CHECK("SystemRoot", GetEnvironmentVariableA("systemroot", text, sizeof text) && !_stricmp(text, "C:\\windows"));
    CHECK("PATH has system32", GetEnvironmentVariableA("PATH", text, sizeof text) && (strstr(text, "system32") || strstr(text, "System32")));
    CHECK("USERPROFILE is a folder", GetEnvironmentVariableA("USERPROFILE", text, sizeof text) && (GetFileAttributesA(text) & FILE_ATTRIBUTE_DIRECTORY));
    CHECK("TEMP is a folder", GetEnvironmentVariableA("TEMP", text, sizeof text) && GetFileAttributesA(text) != INVALID_FILE_ATTRIBUTES && (GetFileAttributesA(text) & FILE_ATTRIBUTE_DIRECTORY));
    CHECK("ComSpec, NUMBER_OF_PROCESSORS", GetEnvironmentVariableA("ComSpec", text, sizeof text) && GetEnvironmentVariableA("NUMBER_OF_PROCESSORS", text, sizeof text));
    CHECK("set and read", SetEnvironmentVariableA("PORTCULLIS_X", "1=2") && GetEnvironmentVariableA("portcullis_x", text, sizeof text) == 3 && !strcmp(text, "1=2"));
    CHECK("expanded", ExpandEnvironmentStringsA("<%PORTCULLIS_X%>", text, sizeof text) && !strcmp(text, "<1=2>"));
    CHECK("removed", SetEnvironmentVariableA("PORTCULLIS_X", NULL));
    CHECK_ERROR("gone", GetEnvironmentVariableA("PORTCULLIS_X", text, sizeof text), ERROR_ENVVAR_NOT_FOUND);
    CHECK_EQ("needed size", (SetEnvironmentVariableA("PORTCULLIS_X", "12345"), GetEnvironmentVariableA("PORTCULLIS_X", text, 2)), 6);
}

static void locale(void) {
    WCHAR name[LOCALE_NAME_MAX_LENGTH];
    CHECK("locale name", GetUserDefaultLocaleName(name, LOCALE_NAME_MAX_LENGTH) >= 5);
    UINT acp = GetACP();
    CHECK("code pages", acp && GetOEMCP() && IsValidCodePage(acp) && IsValidCodePage(65001));
    char narrow[64];
    WCHAR wide[64];
    CHECK_EQ("UTF-8 to UTF-16", MultiByteToWideChar(CP_UTF8, 0, "\xc3\xa4\xe4\xb8\x96\xf0\x9f\x98\x80", -1, wide, 64), 5);
    CHECK("right", wide[0] == 0xe4 && wide[1] == 0x4e16 && wide[2] == 0xd83d && wide[3] == 0xde00);
    CHECK_EQ("and back", WideCharToMultiByte(CP_UTF8, 0, wide, -1, narrow, 64, NULL, NULL), 10);
    CHECK_EQ("code page 437", MultiByteToWideChar(437, 0, "\x84", 1, wide, 64) == 1 ? wide[0] : 0, 0xe4);
    CHECK_EQ("code page 1252", MultiByteToWideChar(1252, 0, "\x80", 1, wide, 64) == 1 ? wide[0] : 0, 0x20ac);
    CHECK_EQ("code page 932", MultiByteToWideChar(932, 0, "\x93\xfa", 2, wide, 64) == 1 ? wide[0] : 0, 0x65e5);
    CHECK_EQ("compare without case", CompareStringW(LOCALE_INVARIANT, NORM_IGNORECASE, L"\x00c4Z", -1, L"\x00e4z", -1), CSTR_EQUAL);
    CHECK_EQ("upper case", LCMapStringW(LOCALE_INVARIANT, LCMAP_UPPERCASE, L"stra\x00df" L"e \x00e9\x0436", -1, wide, 64) && wide[7] == 0xc9 && wide[8] == 0x416, 1);
    CHECK("date in words", GetDateFormatW(0x409, DATE_LONGDATE, &(SYSTEMTIME){2020, 2, 6, 29, 0, 0, 0, 0}, NULL, wide, 64) && wcsstr(wide, L"February") && wcsstr(wide, L"2020"));
    WINE8_DIFFERS(CHECK("number", GetNumberFormatW(0x409, 0, L"1234567.891", NULL, wide, 64) && !wcscmp(wide, L"1,234,567.89")));
    CHECK("error text", FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, 2, 0x409, narrow, sizeof narrow, NULL) > 5);
}

static void security(void) {
    HANDLE token = NULL;
    CHECK("own token", OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE, &token));
    BYTE buffer[2048];
    DWORD n = 0;
    CHECK("user", GetTokenInformation(token, TokenUser, buffer, sizeof buffer, &n));
    PSID sid = ((TOKEN_USER *)buffer)->User.Sid;
    char *text = NULL;
    CHECK("its SID is valid", IsValidSid(sid) && ConvertSidToStringSidA(sid, &text) && !strncmp(text, "S-1-5-", 6));
    LocalFree(text);
    CHECK("groups", GetTokenInformation(token, TokenGroups, buffer, sizeof buffer, &n) && ((TOKEN_GROUPS *)buffer)->GroupCount > 1);
    CHECK("integrity level", GetTokenInformation(token, TokenIntegrityLevel, buffer, sizeof buffer, &n));
    CHECK("type is primary", GetTokenInformation(token, TokenType, buffer, sizeof buffer, &n) && *(int *)buffer == TokenPrimary);
    CHECK("elevation", GetTokenInformation(token, TokenElevation, buffer, sizeof buffer, &n));
    CHECK_ERROR("short buffer", GetTokenInformation(token, TokenUser, buffer, 2, &n), ERROR_INSUFFICIENT_BUFFER);
    HANDLE copy = NULL;
    CHECK("duplicate", DuplicateTokenEx(token, TOKEN_ALL_ACCESS, NULL, SecurityImpersonation, TokenImpersonation, &copy));
    CloseHandle(copy);
    CloseHandle(token);
    CHECK_ERROR("no thread token", OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token), ERROR_NO_TOKEN);
    PSECURITY_DESCRIPTOR sd = NULL;
    CHECK("descriptor from text", ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;;GA;;;WD)", 1, &sd, NULL) && IsValidSecurityDescriptor(sd));
    SECURITY_ATTRIBUTES sa = {sizeof sa, sd, FALSE};
    HANDLE e = CreateEventA(&sa, TRUE, FALSE, NULL);
    CHECK("object with a descriptor", e != NULL);
    CHECK("descriptor read", GetKernelObjectSecurity(e, DACL_SECURITY_INFORMATION, buffer, sizeof buffer, &n) && IsValidSecurityDescriptor(buffer));
    CloseHandle(e);
    LocalFree(sd);
    HANDLE f = CreateFileA(scratch("secure"), GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    CHECK("file's descriptor", GetKernelObjectSecurity(f, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, buffer, sizeof buffer, &n) && IsValidSecurityDescriptor(buffer));
    CloseHandle(f);
    LUID luid;
    CHECK("privilege name", LookupPrivilegeValueA(NULL, "SeDebugPrivilege", &luid) && luid.LowPart == 20);
    HMODULE random = LoadLibraryA("advapi32");
    typedef BOOLEAN(WINAPI * random_t)(void *, ULONG);
    random_t generate = (random_t)(void *)GetProcAddress(random, "SystemFunction036");
    ULONGLONG r1[4] = {0}, r2[4] = {0};
    CHECK("random numbers differ", generate && generate(r1, sizeof r1) && generate(r2, sizeof r2) && memcmp(r1, r2, sizeof r1));
}

int main(int argc, char **argv) {
    times();
    machine();
    environment();
    locale();
    security();
    CHECK("command line", argc >= 1 && argv[0][0] && wcslen(GetCommandLineW()) > 3);
    char path[MAX_PATH];
    CHECK("module name is absolute", GetModuleFileNameA(NULL, path, MAX_PATH) && path[1] == ':');
    return finish();
}
