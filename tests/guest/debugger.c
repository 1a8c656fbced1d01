/* One process debugs another: what it is told, in what order, what it can change, and what becomes of both. */
#include "family.h"

NTDLL(LONG, NtQueryInformationProcess, HANDLE, ULONG, PVOID, ULONG, ULONG *)
NTDLL(LONG, NtCreateDebugObject, HANDLE *, ACCESS_MASK, void *, ULONG)
NTDLL(LONG, NtDebugActiveProcess, HANDLE, HANDLE)
NTDLL(LONG, NtRemoveProcessDebug, HANDLE, HANDLE)
NTDLL(LONG, NtDebugContinue, HANDLE, void *, LONG)

#ifndef CONTEXT_XSTATE
#define CONTEXT_XSTATE (CONTEXT_AMD64 | 0x40)
#endif
#ifndef XSTATE_AVX
#define XSTATE_AVX 2
#endif

enum { LONGEST = 30000 };

/* ---- the debugged one ---- */

static DWORD WINAPI short_thread(void *argument) {
    return (DWORD)(ULONG_PTR)argument;
}

static volatile LONG caught;

static LONG WINAPI catches(EXCEPTION_POINTERS *at) {
    if (at->ExceptionRecord->ExceptionCode != 0xe0001234) return EXCEPTION_CONTINUE_SEARCH;
    caught++;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static LONG WINAPI survives(EXCEPTION_POINTERS *at) {
    (void)at;
    ExitProcess(5);
}

static int other(int count, char **arguments) {
    if (!strcmp(arguments[1], "grand")) return 6;
    if (!strcmp(arguments[1], "acts")) {
        ULONG_PTR numbers[2] = {11, 22};
        if (!IsDebuggerPresent()) return 1;
        OutputDebugStringA("a word");
        HANDLE thread = CreateThread(NULL, 0, short_thread, (void *)77, 0, NULL);
        WaitForSingleObject(thread, LONGEST);
        HMODULE library = LoadLibraryA("winmm.dll");
        FreeLibrary(library);
        AddVectoredExceptionHandler(1, catches);
        RaiseException(0xe0001234, 0, 2, numbers); /* the debugger handles it */
        if (caught) return 2;
        RaiseException(0xe0001234, 0, 2, numbers); /* and leaves this one to us */
        if (caught != 1) return 3;
        volatile LONG value = 5;
        /* The debugger makes 42 of it. */
        __asm__ volatile("mov $5, %%eax; int3; mov %%eax, %0" : "=m"(value) : : "eax", "memory");
        return value;
    }
    if (!strcmp(arguments[1], "closes")) {
        /* Each is an exception that the debugger sees, and then the call's answer. */
        if (CloseHandle((HANDLE)(ULONG_PTR)0xdeadbeec) || GetLastError() != ERROR_INVALID_HANDLE) return 1;
        if (!CloseHandle(GetCurrentProcess()) || CloseHandle(NULL)) return 2;
        if (!(GetEnabledXStateFeatures() & 4)) return 6;
        ULONG_PTR upper[4] = {1, 2, 3, 4};
        __asm__ volatile("vmovdqu %0, %%ymm7; int3; vmovdqu %%ymm7, %0; vzeroupper" : "+m"(upper) : : "xmm7", "memory");
        return upper[2] == 33 && upper[3] == 4 ? 6 : 3;
    }
    if (!strcmp(arguments[1], "gives-up")) {
        SetUnhandledExceptionFilter(survives);
        AddVectoredExceptionHandler(1, survives);
        __asm__ volatile("int $0x29" : : "c"(7));
        return 1;
    }
    if (!strcmp(arguments[1], "crashes")) {
        *(volatile int *)(ULONG_PTR)0x10 = 1;
        return 1;
    }
    if (!strcmp(arguments[1], "starts")) {
        PROCESS_INFORMATION made;
        GetModuleFileNameA(NULL, self, sizeof self);
        return start(&made, 0, FALSE, "grand") ? (int)ended(&made) : 1;
    }
    if (!strcmp(arguments[1], "waits")) {
        HANDLE go = OpenEventA(EVENT_ALL_ACCESS, FALSE, "debugger-go");
        SetEvent(OpenEventA(EVENT_ALL_ACCESS, FALSE, "debugger-ready"));
        DWORD got = WaitForSingleObject(go, LONGEST);
        return got == WAIT_OBJECT_0 ? 40 + IsDebuggerPresent() : 1;
    }
    if (!strcmp(arguments[1], "debugs") && count > 2) {
        DEBUG_EVENT event;
        if (!DebugActiveProcess((DWORD)atoi(arguments[2]))) return 1;
        if (count > 3) DebugSetProcessKillOnExit(FALSE);
        while (WaitForDebugEvent(&event, LONGEST)) {
            BOOL last = event.dwDebugEventCode == EXCEPTION_DEBUG_EVENT;
            ContinueDebugEvent(event.dwProcessId, event.dwThreadId, DBG_CONTINUE);
            if (last) break;
        }
        return 0;
    }
    return 100;
}

/* ---- the debugger ---- */

static PROCESS_INFORMATION made;
static DEBUG_EVENT event;

static BOOL next_event(void) {
    memset(&event, 0, sizeof event);
    return WaitForDebugEvent(&event, LONGEST);
}

static void go_on(DWORD how) {
    if (!ContinueDebugEvent(event.dwProcessId, event.dwThreadId, how)) CHECK("goes on", 0);
}

/* The file behind a handle has a program's first bytes. */
static int is_image(HANDLE file) {
    char head[2] = "";
    DWORD bytes = 0;
    OVERLAPPED at = {0};
    int good = file && ReadFile(file, head, 2, &bytes, &at) && bytes == 2 && head[0] == 'M' && head[1] == 'Z';
    if (file) CloseHandle(file);
    return good;
}

static void all_of_it(void) {
    int processes = 0, threads = 0, ends = 0, loads = 0, unloads = 0, words = 0, breaks = 0, raised = 0, files = 0, before = 1;
    DWORD code = 0, thread_code = 0;
    char text[64] = "";
    SIZE_T read;
    CHECK("one to debug", start(&made, DEBUG_ONLY_THIS_PROCESS, FALSE, "acts"));
    CHECK("first of all", next_event() && event.dwDebugEventCode == CREATE_PROCESS_DEBUG_EVENT);
    HANDLE thread = event.u.CreateProcessInfo.hThread;
    BYTE *base = event.u.CreateProcessInfo.lpBaseOfImage;
    CHECK_EQ("its process", event.dwProcessId, made.dwProcessId);
    CHECK_EQ("its thread", event.dwThreadId, made.dwThreadId);
    CHECK_EQ("the process's handle", GetProcessId(event.u.CreateProcessInfo.hProcess), made.dwProcessId);
    CHECK_EQ("the thread's", GetThreadId(thread), made.dwThreadId);
    CHECK("its file", is_image(event.u.CreateProcessInfo.hFile));
    CHECK("where it starts", (BYTE *)event.u.CreateProcessInfo.lpStartAddress > base);
    /* Code of a DLL and of the program itself. */
    BYTE *code_there = (BYTE *)(ULONG_PTR)GetProcAddress(GetModuleHandleA("ntdll.dll"), "DbgUserBreakPoint"), kept = 0, trap = 0xcc;
    CHECK("code", ReadProcessMemory(made.hProcess, code_there, &kept, 1, NULL));
    CHECK("a breakpoint in it", WriteProcessMemory(made.hProcess, code_there, &trap, 1, NULL));
    CHECK("is there", ReadProcessMemory(made.hProcess, code_there, text, 1, NULL) && (BYTE)text[0] == 0xcc);
    CHECK("and taken back", WriteProcessMemory(made.hProcess, code_there, &kept, 1, NULL));
    CHECK("its memory", ReadProcessMemory(made.hProcess, base, text, 2, &read) && text[0] == 'M' && text[1] == 'Z');
    BOOL present = FALSE;
    CHECK("it is being debugged", CheckRemoteDebuggerPresent(made.hProcess, &present) && present);
    go_on(DBG_CONTINUE);
    for (;;) {
        if (!next_event()) { CHECK("another event", 0); break; }
        if (event.dwDebugEventCode == EXIT_PROCESS_DEBUG_EVENT) break;
        DWORD how = DBG_EXCEPTION_NOT_HANDLED;
        switch (event.dwDebugEventCode) {
        case CREATE_PROCESS_DEBUG_EVENT: processes++; break;
        case CREATE_THREAD_DEBUG_EVENT:
            threads++;
            CHECK_EQ("a thread's handle", GetThreadId(event.u.CreateThread.hThread), event.dwThreadId);
            CHECK("and its begin", event.u.CreateThread.lpStartAddress != NULL);
            break;
        case EXIT_THREAD_DEBUG_EVENT: ends++; thread_code = event.u.ExitThread.dwExitCode; break;
        case LOAD_DLL_DEBUG_EVENT:
            loads++;
            files += is_image(event.u.LoadDll.hFile);
            CHECK("where it is", event.u.LoadDll.lpBaseOfDll != NULL);
            break;
        case UNLOAD_DLL_DEBUG_EVENT: unloads++; break;
        case OUTPUT_DEBUG_STRING_EVENT:
            words++;
            ReadProcessMemory(made.hProcess, event.u.DebugString.lpDebugStringData, text, event.u.DebugString.nDebugStringLength, &read);
            CHECK("what it says", !strcmp(text, "a word"));
            how = DBG_CONTINUE;
            break;
        case EXCEPTION_DEBUG_EVENT: {
            EXCEPTION_RECORD *record = &event.u.Exception.ExceptionRecord;
            CHECK("first chance", event.u.Exception.dwFirstChance);
            if (record->ExceptionCode == EXCEPTION_BREAKPOINT) {
                how = DBG_CONTINUE;
                if (breaks++ == 0) { CHECK("before the program runs", loads >= 2 && !words); break; }
                CONTEXT context = {.ContextFlags = CONTEXT_FULL};
                CHECK("its registers", GetThreadContext(thread, &context) && context.Rax == 5);
                CHECK_EQ("behind the breakpoint", context.Rip, (ULONG_PTR)record->ExceptionAddress + 1);
                CHECK_EQ("it was not suspended", SuspendThread(thread), 0);
                CHECK_EQ("nor is it now", ResumeThread(thread), 1);
                context.Rax = 42;
                CHECK("are changed", SetThreadContext(thread, &context));
            } else if (record->ExceptionCode == 0xe0001234) {
                CHECK("with its numbers", record->NumberParameters == 2 && record->ExceptionInformation[1] == 22);
                how = raised++ ? DBG_EXCEPTION_NOT_HANDLED : DBG_CONTINUE;
                if (how == DBG_EXCEPTION_NOT_HANDLED) {
                    CONTEXT context = {.ContextFlags = CONTEXT_CONTROL};
                    CHECK("registers", GetThreadContext(thread, &context));
                    context.Rip = 0x10;
                    CHECK("that its own handlers do not hear of", SetThreadContext(thread, &context));
                }
            }
            break;
        }
        }
        before &= WaitForSingleObject(made.hProcess, 0) == WAIT_TIMEOUT;
        go_on(how);
    }
    CHECK_EQ("one process", processes, 0);
    CHECK("a thread", threads >= 1);
    CHECK("its end", ends >= 1 && thread_code == 77);
    CHECK("DLLs", loads >= 3 && files == loads);
    CHECK("one went", unloads >= 1);
    CHECK_EQ("it said a word", words, 1);
    CHECK_EQ("two breakpoints", breaks, 2);
    CHECK_EQ("raised twice", raised, 2);
    CHECK("it ran all the time", before);
    CHECK_EQ("its end", event.u.ExitProcess.dwExitCode, 42);
    CHECK_EQ("of the process", event.dwProcessId, made.dwProcessId);
    go_on(DBG_CONTINUE);
    CHECK_EQ("it ended", WaitForSingleObject(made.hProcess, LONGEST), WAIT_OBJECT_0);
    CHECK("so", GetExitCodeProcess(made.hProcess, &code) && code == 42);
    CHECK_ERROR("nothing more", WaitForDebugEvent(&event, 0), ERROR_SEM_TIMEOUT);
    WINE8_DIFFERS(CHECK_ERROR("nothing to answer", ContinueDebugEvent(made.dwProcessId, made.dwThreadId, DBG_CONTINUE), ERROR_INVALID_PARAMETER));
    CloseHandle(made.hProcess);
    CloseHandle(made.hThread);
}

static void crash(void) {
    int first = 0, second = 0;
    CHECK("one that crashes", start(&made, DEBUG_PROCESS, FALSE, "crashes"));
    while (next_event() && event.dwDebugEventCode != EXIT_PROCESS_DEBUG_EVENT) {
        DWORD how = DBG_CONTINUE;
        if (event.dwDebugEventCode == EXCEPTION_DEBUG_EVENT && event.u.Exception.ExceptionRecord.ExceptionCode == EXCEPTION_ACCESS_VIOLATION) {
            if (event.u.Exception.dwFirstChance) first++; else second++;
            CHECK("where", event.u.Exception.ExceptionRecord.ExceptionInformation[1] == 0x10);
            how = DBG_EXCEPTION_NOT_HANDLED;
        }
        go_on(how);
    }
    CHECK_EQ("told once", first, 1);
    CHECK_EQ("and once more", second, 1);
    CHECK_EQ("its end", event.u.ExitProcess.dwExitCode, 0xc0000005);
    go_on(DBG_CONTINUE);
    CHECK_EQ("ended so", ended(&made), 0xc0000005);
}

/* What CONTEXT_EXCEPTION_REQUEST tells of the thread that the event is of: CONTEXT_SERVICE_ACTIVE, CONTEXT_EXCEPTION_ACTIVE. */
static DWORD activity(void) {
    CONTEXT context = {.ContextFlags = CONTEXT_CONTROL | 0x40000000};
    CHECK("its context", GetThreadContext(made.hThread, &context) && context.ContextFlags & 0x80000000);
    return context.ContextFlags & 0x18000000;
}

static void handles_and_halves(void) {
    int breaks = 0, closed = 0;
    CHECK("one that closes what is not open", start(&made, DEBUG_PROCESS, FALSE, "closes"));
    while (next_event() && event.dwDebugEventCode != EXIT_PROCESS_DEBUG_EVENT) {
        EXCEPTION_RECORD *record = &event.u.Exception.ExceptionRecord;
        if (event.dwDebugEventCode == EXCEPTION_DEBUG_EVENT && record->ExceptionCode == 0xc0000008) {
            closed += record->NumberParameters == 0;
            CHECK_EQ("raised by a call", activity(), 0x10000000);
        } else if (event.dwDebugEventCode == EXCEPTION_DEBUG_EVENT && record->ExceptionCode == EXCEPTION_BREAKPOINT && breaks++ == 1) {
            DWORD length = 0, part = 0;
            CONTEXT *context;
            CHECK_EQ("raised by the processor", activity(), 0x08000000);
            InitializeContext(NULL, CONTEXT_ALL | CONTEXT_XSTATE, NULL, &length);
            void *room = calloc(1, length);
            InitializeContext(room, CONTEXT_ALL | CONTEXT_XSTATE, &context, &length);
            SetXStateFeaturesMask(context, 1 << XSTATE_AVX);
            CHECK("the upper halves of its registers", GetThreadContext(made.hThread, context));
            M128A *upper = LocateXStateFeature(context, XSTATE_AVX, &part);
            if (CHECK("are there", upper && part == 256 && upper[7].Low == 3 && upper[7].High == 4)) upper[7].Low = 33;
            CHECK("and set", SetThreadContext(made.hThread, context));
            free(room);
        }
        go_on(DBG_CONTINUE);
    }
    go_on(DBG_CONTINUE);
    CHECK_EQ("told once", closed, 1);
    CHECK_EQ("all was well", ended(&made), 6);
}

/* A program that gives up asks none of its own handlers. */
static void gives_up(void) {
    int first = 0, second = 0;
    CHECK("one that gives up", start(&made, DEBUG_PROCESS, FALSE, "gives-up"));
    while (next_event() && event.dwDebugEventCode != EXIT_PROCESS_DEBUG_EVENT) {
        DWORD how = DBG_CONTINUE;
        if (event.dwDebugEventCode == EXCEPTION_DEBUG_EVENT && event.u.Exception.ExceptionRecord.ExceptionCode == 0xc0000409) {
            if (event.u.Exception.dwFirstChance) first++; else second++;
            CHECK("why", event.u.Exception.ExceptionRecord.ExceptionInformation[0] == 7);
            how = DBG_EXCEPTION_NOT_HANDLED;
        }
        go_on(how);
    }
    go_on(DBG_CONTINUE);
    CHECK_EQ("no first chance", first, 0);
    CHECK_EQ("but a second", second, 1);
    CHECK_EQ("its end", ended(&made), 0xc0000409);
    CHECK("without a debugger", start(&made, 0, FALSE, "gives-up"));
    CHECK_EQ("ends so too", ended(&made), 0xc0000409);
}

static void family(BOOL all) {
    int processes = 0, ends = 0;
    DWORD ids[2] = {0, 0};
    CHECK("one that starts another", start(&made, all ? DEBUG_PROCESS : DEBUG_ONLY_THIS_PROCESS, FALSE, "starts"));
    while (ends < (all ? 2 : 1) && next_event()) {
        if (event.dwDebugEventCode == CREATE_PROCESS_DEBUG_EVENT && processes < 2) {
            ids[processes++] = event.dwProcessId;
            CloseHandle(event.u.CreateProcessInfo.hFile);
        }
        ends += event.dwDebugEventCode == EXIT_PROCESS_DEBUG_EVENT;
        go_on(DBG_CONTINUE);
    }
    CHECK_EQ("processes", processes, all ? 2 : 1);
    CHECK("are two", ids[0] == made.dwProcessId && ids[1] != ids[0]);
    CHECK_EQ("ended", ended(&made), 6);
}

static void attached(void) {
    HANDLE ready = CreateEventA(NULL, FALSE, FALSE, "debugger-ready"), go = CreateEventA(NULL, TRUE, FALSE, "debugger-go"), debug = NULL;
    PROCESS_INFORMATION by;
    int processes = 0, loads = 0;
    BOOL present = TRUE;
    CHECK("one that runs", start(&made, 0, FALSE, "waits"));
    CHECK_EQ("already", WaitForSingleObject(ready, LONGEST), WAIT_OBJECT_0);
    CHECK("nobody debugs it", CheckRemoteDebuggerPresent(made.hProcess, &present) && !present);
    CHECK("attached", DebugActiveProcess(made.dwProcessId));
    CHECK("it is debugged", CheckRemoteDebuggerPresent(made.hProcess, &present) && present);
    CHECK_EQ("a debug object", NtCreateDebugObject_(&debug, 0x1f000f, NULL, 0), 0);
    WINE8_DIFFERS(CHECK_EQ("another debugger", (ULONG)NtDebugActiveProcess_(made.hProcess, debug), 0xc0000048));
    WINE8_DIFFERS(CHECK_EQ("is not its", (ULONG)NtRemoveProcessDebug_(made.hProcess, debug), 0xc0000353));
    CHECK_EQ("nor is this itself", (ULONG)NtDebugActiveProcess_(GetCurrentProcess(), debug), 0xc0000022);
    while (next_event() && event.dwDebugEventCode != EXCEPTION_DEBUG_EVENT) {
        processes += event.dwDebugEventCode == CREATE_PROCESS_DEBUG_EVENT;
        loads += event.dwDebugEventCode == LOAD_DLL_DEBUG_EVENT;
        go_on(DBG_CONTINUE);
    }
    CHECK_EQ("told of the process", processes, 1);
    CHECK("and of its DLLs", loads >= 3);
    CHECK_EQ("then it breaks", event.u.Exception.ExceptionRecord.ExceptionCode, EXCEPTION_BREAKPOINT);
    SetEvent(go);
    CHECK_EQ("it stands still", WaitForSingleObject(made.hProcess, 100), WAIT_TIMEOUT);
    ResetEvent(go);
    go_on(DBG_CONTINUE);
    CHECK("detached", DebugActiveProcessStop(made.dwProcessId));
    CHECK("nobody debugs it", CheckRemoteDebuggerPresent(made.hProcess, &present) && !present);
    CHECK("attached again", DebugActiveProcess(made.dwProcessId));
    CHECK("detached with all untold", DebugActiveProcessStop(made.dwProcessId));

    /* A debugger's end is that of what it debugs, unless it says otherwise. */
    CHECK("one that debugs it, and spares it", start(&by, 0, FALSE, "debugs %lu spare", made.dwProcessId));
    CHECK_EQ("and is gone", ended(&by), 0);
    CHECK_EQ("it runs", WaitForSingleObject(made.hProcess, 50), WAIT_TIMEOUT);
    SetEvent(go);
    DWORD code = ended(&made);
    WINE8_DIFFERS(CHECK_EQ("and sees no debugger", code, 40));
    ResetEvent(go);
    CHECK("another", start(&made, 0, FALSE, "waits"));
    WaitForSingleObject(ready, LONGEST);
    CHECK("one that does not", start(&by, 0, FALSE, "debugs %lu", made.dwProcessId));
    CHECK_EQ("is gone", ended(&by), 0);
    CHECK_EQ("as is the other", WaitForSingleObject(made.hProcess, LONGEST), WAIT_OBJECT_0);
    ended(&made);

    /* Killed while it waits for an answer. */
    CHECK("one to kill", start(&made, DEBUG_ONLY_THIS_PROCESS, FALSE, "acts"));
    CHECK("begins", next_event() && event.dwDebugEventCode == CREATE_PROCESS_DEBUG_EVENT);
    CloseHandle(event.u.CreateProcessInfo.hFile);
    TerminateProcess(made.hProcess, 9);
    go_on(DBG_CONTINUE);
    while (next_event() && event.dwDebugEventCode != EXIT_PROCESS_DEBUG_EVENT) go_on(DBG_CONTINUE);
    CHECK_EQ("its end is told", event.u.ExitProcess.dwExitCode, 9);
    go_on(DBG_CONTINUE);
    CHECK_EQ("ended so", ended(&made), 9);
    CloseHandle(debug);
    CloseHandle(ready);
    CloseHandle(go);
}

int main(int count, char **arguments) {
    if (count > 1) return other(count, arguments);
    GetModuleFileNameA(NULL, self, sizeof self);
    all_of_it();
    crash();
    WINE8_DIFFERS(handles_and_halves());
    gives_up();
    family(TRUE);
    family(FALSE);
    attached();
    return finish();
}
