/* Ports of local procedure calls: a server and its clients, threads of one process. */
#include "check.h"
#include <winternl.h>

typedef struct {
    USHORT data, total, kind, ranges;
    HANDLE process, thread;
    ULONG id, pad;
    ULONGLONG view;
    char text[200];
} MESSAGE;

NTDLL(NTSTATUS, NtCreatePort, HANDLE *, OBJECT_ATTRIBUTES *, ULONG, ULONG, ULONG)
NTDLL(NTSTATUS, NtConnectPort, HANDLE *, UNICODE_STRING *, void *, void *, void *, ULONG *, void *, ULONG *)
NTDLL(NTSTATUS, NtListenPort, HANDLE, MESSAGE *)
NTDLL(NTSTATUS, NtAcceptConnectPort, HANDLE *, ULONG_PTR, MESSAGE *, BOOLEAN, void *, void *)
NTDLL(NTSTATUS, NtCompleteConnectPort, HANDLE)
NTDLL(NTSTATUS, NtReplyWaitReceivePort, HANDLE, ULONG_PTR *, MESSAGE *, MESSAGE *)
NTDLL(NTSTATUS, NtRequestWaitReplyPort, HANDLE, MESSAGE *, MESSAGE *)
NTDLL(NTSTATUS, NtRegisterThreadTerminatePort, HANDLE)

enum { REQUEST = 1, REPLY = 2, PORT_CLOSED = 5, CLIENT_DIED = 6, CONNECTION_REQUEST = 10, HEAD = 40 };
enum { NOT_FOUND = 0xc0000034, DISCONNECTED = 0xc0000037, REFUSED = 0xc0000041, WRONG_PORT = 0xc0000042, TOO_LONG = 0xc000002f, MISMATCH = 0xc000021f };

static UNICODE_STRING name;
static volatile LONG gone;

static MESSAGE *message(MESSAGE *of, const char *text) {
    memset(of, 0, sizeof *of);
    strcpy(of->text, text);
    of->data = (USHORT)(strlen(text) + 1);
    of->total = (USHORT)(HEAD + of->data);
    return of;
}

static NTSTATUS connect_saying(HANDLE *port, char *words, ULONG *longest) {
    SECURITY_QUALITY_OF_SERVICE quality = {sizeof quality, SecurityImpersonation, SECURITY_STATIC_TRACKING, TRUE};
    ULONG length = 100;
    return NtConnectPort_(port, &name, &quality, NULL, NULL, longest, words, &length);
}

static DWORD WINAPI client(void *arg) {
    char words[100] = "let me in", text[64];
    HANDLE port = NULL;
    ULONG longest = 0;
    MESSAGE out, in;
    int me = (int)(ULONG_PTR)arg;
    NTSTATUS status = connect_saying(&port, words, &longest);
    if (me == 9) {
        CHECK_EQ("turned away", (ULONG)status, REFUSED);
        return 0;
    }
    CHECK_EQ("connected", status, 0);
    CHECK("the server's words", !strcmp(words, "welcome") && longest == 300);
    if (me == 0) CHECK_EQ("to be told of the thread's end", NtRegisterThreadTerminatePort_(port), 0);
    int good = 0;
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "%d/%d", me, i);
        status = NtRequestWaitReplyPort_(port, message(&out, text), &in);
        strcat(text, "!");
        good += !status && in.kind == REPLY && !strcmp(in.text, text) && in.id;
    }
    CHECK_EQ("50 answers, each to its question", good, 50);
    message(&out, "x");
    out.data = 280;
    out.total = 320;
    CHECK_EQ("too long", (ULONG)NtRequestWaitReplyPort_(port, &out, &in), TOO_LONG);
    if (me == 1) {
        CHECK_EQ("the last words", (ULONG)NtRequestWaitReplyPort_(port, message(&out, "end"), &in), DISCONNECTED);
        CHECK_EQ("nobody is there any more", (ULONG)NtRequestWaitReplyPort_(port, message(&out, "more"), &in), DISCONNECTED);
    }
    if (me == 2) CHECK_EQ("a client receives nothing", (ULONG)NtReplyWaitReceivePort_(port, NULL, NULL, &in), WRONG_PORT);
    CloseHandle(port);
    return 0;
}

int main(void) {
    OBJECT_ATTRIBUTES attributes;
    HANDLE port = NULL, ends[4] = {0}, threads[3], other;
    MESSAGE in, out;
    ULONG_PTR context = 0;
    int requests = 0, closed = 0, died = 0, context_good = 0, accepted = 0;
    if (under_oracle()) { /* Wine has no servers */
        CHECK("no oracle", 1);
        return finish();
    }
    RtlInitUnicodeString(&name, L"\\Ports of a test");
    CHECK_EQ("no server yet", (ULONG)connect_saying(&other, NULL, NULL), NOT_FOUND);
    InitializeObjectAttributes(&attributes, &name, 0, NULL, NULL);
    CHECK_EQ("a server's port", NtCreatePort_(&port, &attributes, 100, 300, 0), 0);
    CHECK_EQ("a name is taken", (ULONG)NtCreatePort_(&other, &attributes, 100, 300, 0), 0xc0000035);
    HANDLE away = CreateThread(NULL, 0, client, (void *)9, 0, NULL);
    CHECK_EQ("listens", NtListenPort_(port, &in), 0);
    CHECK("a client's words", in.kind == CONNECTION_REQUEST && !strcmp(in.text, "let me in") && (ULONG_PTR)in.process == GetCurrentProcessId());
    CHECK_EQ("refused", NtAcceptConnectPort_(&other, 0, &in, FALSE, NULL, NULL), 0);
    CHECK_EQ("only once", (ULONG)NtAcceptConnectPort_(&other, 0, &in, FALSE, NULL, NULL), 0xc000000b);
    WaitForSingleObject(away, 20000);
    for (int i = 0; i < 3; i++) threads[i] = CreateThread(NULL, 0, client, (void *)(ULONG_PTR)i, 0, NULL);
    MESSAGE *reply = NULL;
    /* All of the first and the third, and the second's last words. */
    for (int ended = 0; ended < 4;) {
        NTSTATUS status = NtReplyWaitReceivePort_(port, &context, reply, &in);
        reply = NULL;
        if (status) {
            CHECK_EQ("receives", (ULONG)status, 0);
            break;
        }
        switch (in.kind) {
        case CONNECTION_REQUEST:
            message(&out, "welcome");
            out.id = in.id;
            out.process = in.process;
            out.thread = in.thread;
            status = NtAcceptConnectPort_(&ends[accepted], 0x100 + accepted, &out, TRUE, NULL, NULL);
            CHECK("accepted", !status && !NtCompleteConnectPort_(ends[accepted]));
            accepted++;
            break;
        case REQUEST:
            requests++;
            context_good += context >= 0x100 && context < 0x103;
            if (!strcmp(in.text, "end")) {
                CloseHandle(ends[context - 0x100]);
                ends[context - 0x100] = NULL;
                ended++;
                break;
            }
            reply = &out;
            out = in;
            strcat(out.text, "!");
            out.data++;
            out.total++;
            break;
        case PORT_CLOSED: closed++; ended++; break;
        case CLIENT_DIED: died++; break;
        }
    }
    CHECK_EQ("all requests", requests, 151);
    CHECK_EQ("with their connections' context", context_good, 151);
    CHECK_EQ("clients that went", closed, 3);
    WaitForMultipleObjects(3, threads, TRUE, 20000);
    CHECK_EQ("an end that was to be told", died || (!NtReplyWaitReceivePort_(port, NULL, NULL, &in) && in.kind == CLIENT_DIED), 1);
    CHECK_EQ("nobody waits for that", (ULONG)NtReplyWaitReceivePort_(port, NULL, message(&out, "x"), &in), MISMATCH);
    CloseHandle(port);
    CHECK_EQ("the name goes with it", (ULONG)connect_saying(&other, NULL, NULL), NOT_FOUND);
    return finish();
}
