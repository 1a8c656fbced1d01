/* Threads with registers and a stack that their maker made (NtCreateThread), here and in another process; and what is refused to
 * a user by name. Stock Wine has neither call. */
#include "family.h"

typedef struct { HANDLE Process, Thread; } CLIENT;
typedef struct { PVOID FixedBase, FixedLimit, Base, Limit, Bottom; } STACK;
NTDLL(LONG, NtCreateThread, HANDLE *, ULONG, PVOID, HANDLE, CLIENT *, CONTEXT *, STACK *, BOOLEAN)
NTDLL(LONG, NtTraceControl, ULONG, PVOID, ULONG, PVOID, ULONG, ULONG *)
NTDLL(void, RtlExitUserThread, ULONG)

static volatile ULONG_PTR seen_argument, seen_stack, seen_rbx;
static volatile NT_TIB tib;

__attribute__((used)) static void body(ULONG_PTR argument, ULONG_PTR rbx) {
    seen_argument = argument;
    seen_rbx = rbx;
    seen_stack = (ULONG_PTR)__builtin_frame_address(0);
    tib.StackBase = ((NT_TIB *)NtCurrentTeb())->StackBase;
    tib.StackLimit = ((NT_TIB *)NtCurrentTeb())->StackLimit;
    RtlExitUserThread_(17);
}

/* The register that no calling convention passes. */
__asm__(".globl raw_entry\nraw_entry:\n\tmov %rbx, %rdx\n\tcall body\n");
void raw_entry(void);

static DWORD exit_of(HANDLE thread) {
    DWORD code = 0xdead;
    if (WaitForSingleObject(thread, 30000) == WAIT_OBJECT_0) GetExitCodeThread(thread, &code);
    CloseHandle(thread);
    return code;
}

static STACK stack_in(HANDLE process) {
    STACK stack = {0};
    stack.Bottom = VirtualAllocEx(process, NULL, 0x20000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    stack.Limit = stack.Bottom;
    stack.Base = (char *)stack.Bottom + 0x20000;
    return stack;
}

static void here(void) {
    HANDLE thread = NULL;
    CLIENT id = {0};
    STACK stack = stack_in(GetCurrentProcess());
    CONTEXT context = {.ContextFlags = CONTEXT_FULL};
    MEMORY_BASIC_INFORMATION left;
    GetThreadContext(GetCurrentThread(), &context);
    context.Rip = (ULONG_PTR)raw_entry;
    context.Rsp = (ULONG_PTR)stack.Base - 0x100;
    context.Rcx = 4711;
    context.Rbx = 4712;
    CHECK_EQ("no registers", (ULONG)NtCreateThread_(&thread, THREAD_ALL_ACCESS, NULL, GetCurrentProcess(), &id, NULL, &stack, TRUE), 0xc000000d);
    CHECK_EQ("made", NtCreateThread_(&thread, THREAD_ALL_ACCESS, NULL, GetCurrentProcess(), &id, &context, &stack, TRUE), 0);
    CHECK_EQ("its number", GetThreadId(thread), number(id.Thread));
    CHECK_EQ("its process", number(id.Process), GetCurrentProcessId());
    CHECK_EQ("is suspended", WaitForSingleObject(thread, 50), WAIT_TIMEOUT);
    CONTEXT shown = {.ContextFlags = CONTEXT_FULL};
    CHECK("shows its registers", GetThreadContext(thread, &shown) && shown.Rip == context.Rip && shown.Rbx == 4712);
    CHECK_EQ("resumed", ResumeThread(thread), 1);
    CHECK_EQ("ends with its code", exit_of(thread), 17);
    CHECK("had its argument", seen_argument == 4711 && seen_rbx == 4712);
    CHECK("ran on that stack", seen_stack > number(stack.Limit) && seen_stack < number(stack.Base));
    CHECK("knew it", tib.StackBase == stack.Base && tib.StackLimit == stack.Limit);
    CHECK("which is gone with it", VirtualQuery(stack.Bottom, &left, sizeof left) && left.State == MEM_FREE);
}

static void there(void) {
    /* lea eax, [rcx + 7]; ret */
    static const unsigned char add[] = {0x8d, 0x41, 0x07, 0xc3};
    PROCESS_INFORMATION made;
    HANDLE thread = NULL, done = inheritable(CreateEventA(NULL, TRUE, FALSE, NULL));
    CLIENT id = {0};
    CONTEXT context = {.ContextFlags = CONTEXT_FULL};
    CHECK("another process", start(&made, 0, TRUE, "wait %llu", number(done)));
    STACK stack = stack_in(made.hProcess);
    char *code = VirtualAllocEx(made.hProcess, NULL, 0x1000, MEM_COMMIT, PAGE_EXECUTE_READWRITE);
    CHECK("its code", code && WriteProcessMemory(made.hProcess, code, add, sizeof add, NULL));
    GetThreadContext(GetCurrentThread(), &context);
    context.Rip = (ULONG_PTR)GetProcAddress(GetModuleHandleA("ntdll"), "RtlUserThreadStart");
    context.Rsp = (ULONG_PTR)stack.Base - 0x28;
    context.Rcx = (ULONG_PTR)code;
    context.Rdx = 35;
    CHECK_EQ("made there", NtCreateThread_(&thread, THREAD_ALL_ACCESS, NULL, made.hProcess, &id, &context, &stack, FALSE), 0);
    CHECK_EQ("its process", number(id.Process), made.dwProcessId);
    CHECK_EQ("ends with what it made of its argument", exit_of(thread), 42);
    SetEvent(done);
    CHECK_EQ("the process ends", ended(&made), 0);
    CloseHandle(done);
}

int main(int argc, char **argv) {
    GetModuleFileNameA(NULL, self, sizeof self);
    if (argc > 2) return WaitForSingleObject(handle_of(argv[2]), 60000) == WAIT_OBJECT_0 ? 0 : 1;
    if (under_oracle()) {
        say("differs: stock Wine has no NtCreateThread");
    } else {
        here();
        there();
        CHECK_EQ("tracing sessions are an administrator's", (ULONG)NtTraceControl_(1, NULL, 0, NULL, 0, NULL), 0xc0000022);
    }
    CHECK("goes on", TRUE);
    return finish();
}
