/* Blocking calls on sockets wait alertably: APCs run meanwhile, and the call goes on to its end; what is there already comes first. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include "check.h"

static HANDLE asked, self;
static volatile LONG ran;
static SOCKET far_end;
static struct sockaddr_in at;

/* The answer is another thread's: a call inside an APC would use the event that the outer one waits for. */
static void CALLBACK ask(ULONG_PTR times) {
    InterlockedIncrement(&ran);
    if (times > 1) QueueUserAPC(ask, GetCurrentThread(), times - 1);
    else SetEvent(asked);
}

static DWORD WINAPI send_when_asked(void *unused) {
    (void)unused;
    WaitForSingleObject(asked, 20000);
    return send(far_end, "late", 4, 0) != 4;
}

static DWORD WINAPI connect_when_asked(void *unused) {
    (void)unused;
    WaitForSingleObject(asked, under_oracle() ? 500 : 20000);
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    DWORD failed = connect(s, (struct sockaddr *)&at, sizeof at) != 0;
    closesocket(s);
    return failed;
}

/* Lets the main thread fall asleep in its call first. */
static DWORD WINAPI ask_later(void *unused) {
    (void)unused;
    Sleep(100);
    return !QueueUserAPC(ask, self, 1);
}

static DWORD WINAPI suspend_and_ask(void *unused) {
    (void)unused;
    Sleep(100);
    if (SuspendThread(self) == (DWORD)-1) return 1;
    Sleep(20);
    if (!QueueUserAPC(ask, self, 1)) return 2;
    Sleep(20);
    LONG early = ran;
    return ResumeThread(self) != 1 ? 3 : early ? 4 : 0;
}

static HANDLE begin(LPTHREAD_START_ROUTINE what) {
    ran = 0;
    return CreateThread(NULL, 0, what, NULL, 0, NULL);
}

static void ends(const char *name, HANDLE thread) {
    DWORD code = 99;
    WaitForSingleObject(thread, 20000);
    GetExitCodeThread(thread, &code);
    CHECK_EQ(name, code, 0);
    CloseHandle(thread);
}

static SOCKET listens(void) {
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    int length = sizeof at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ("bind", bind(s, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_EQ("listen", listen(s, 5), 0);
    getsockname(s, (struct sockaddr *)&at, &length);
    return s;
}

int main(void) {
    WSADATA data;
    char text[16];
    CHECK_EQ("WSAStartup", WSAStartup(0x202, &data), 0);
    asked = CreateEventA(NULL, FALSE, FALSE, NULL);
    DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &self, 0, FALSE, DUPLICATE_SAME_ACCESS);
    SOCKET listener = listens();
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ("connect", connect(s, (struct sockaddr *)&at, sizeof at), 0);
    far_end = accept(listener, NULL, NULL);

    /* What is there is received without a wait, also by who waited the last time. */
    for (int i = 0; i < 2; i++) {
        fd_set r;
        FD_ZERO(&r);
        FD_SET(s, &r);
        CHECK_EQ("send", send(far_end, "now", 3, 0), 3);
        CHECK_EQ("it is there", select(0, &r, NULL, NULL, NULL), 1);
        ran = 0;
        QueueUserAPC(ask, GetCurrentThread(), 1);
        CHECK_EQ("recv", recv(s, text, sizeof text, 0), 3);
        CHECK_EQ("without the APC", ran, 0);
        CHECK_EQ("which runs later", SleepEx(0, TRUE), WAIT_IO_COMPLETION);
        CHECK_EQ("once", ran, 1);
        WaitForSingleObject(asked, 0);

        HANDLE thread = begin(send_when_asked);
        QueueUserAPC(ask, GetCurrentThread(), 3);
        memset(text, 0, sizeof text);
        CHECK_EQ("recv that waits", recv(s, text, sizeof text, 0), 4);
        CHECK("its data", !strcmp(text, "late"));
        CHECK_EQ("APCs that were there, and theirs", ran, 3);
        ends("sent", thread);
    }

    HANDLE sender = begin(send_when_asked), asker = begin(ask_later);
    CHECK_EQ("recv that sleeps", recv(s, text, sizeof text, 0), 4);
    CHECK_EQ("its APC", ran, 1);
    ends("asked", asker);
    ends("sent", sender);

    sender = begin(send_when_asked), asker = begin(suspend_and_ask);
    CHECK_EQ("recv of a thread that is suspended", recv(s, text, sizeof text, 0), 4);
    CHECK_EQ("runs it afterwards", ran, 1);
    ends("suspended", asker);
    ends("sent", sender);

    for (int i = 0; i < 2; i++) {
        HANDLE client = begin(connect_when_asked);
        asker = NULL;
        if (i) asker = begin(ask_later);
        else QueueUserAPC(ask, GetCurrentThread(), 1);
        SOCKET taken = accept(listener, NULL, NULL);
        CHECK("accept", taken != INVALID_SOCKET);
        WINE8_DIFFERS(CHECK_EQ("the APC in it", ran, 1));
        SleepEx(0, TRUE);
        ResetEvent(asked);
        CHECK_EQ("a socket like others", recv(taken, text, sizeof text, 0), 0);
        closesocket(taken);
        ends("connected", client);
        if (asker) ends("asked", asker);
    }

    /* The time that a call may take is one, however often APCs come. */
    DWORD time = 200;
    CHECK_EQ("SO_RCVTIMEO", setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (char *)&time, sizeof time), 0);
    asker = begin(ask_later);
    ULONGLONG begun = GetTickCount64();
    CHECK_ERROR("nothing came", recv(s, text, sizeof text, 0) != SOCKET_ERROR, WSAETIMEDOUT);
    CHECK("in time", GetTickCount64() - begun < 10000);
    CHECK_EQ("the APC", ran, 1);
    ends("asked", asker);
    CHECK_EQ("send", send(far_end, "more", 4, 0), 4);
    CHECK_EQ("nobody took it", recv(s, text, sizeof text, 0), 4);

    closesocket(far_end);
    closesocket(listener);
    closesocket(s);
    CHECK_EQ("WSACleanup", WSACleanup(), 0);
    return finish();
}
