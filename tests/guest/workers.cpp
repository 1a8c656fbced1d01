/* One C++ program that does everything at once: workers in a job share memory and locks with their parent, which hears them by
   pipes and sockets on one completion port; made code that exceptions pass through; hashes and ciphers; files and the library. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include "check.h"
#include <bcrypt.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace {

constexpr int WORKERS = 3, ROUNDS = 200;
constexpr DWORD LONG_TIME = 60000;

struct Handle {
    HANDLE value = nullptr;
    explicit Handle(HANDLE handle = nullptr) : value(handle == INVALID_HANDLE_VALUE ? nullptr : handle) {}
    Handle(Handle &&other) noexcept : value(std::exchange(other.value, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept { std::swap(value, other.value); return *this; }
    ~Handle() { if (value) CloseHandle(value); }
    operator HANDLE() const { return value; }
};

/* What all processes see. */
struct Shared {
    std::atomic<long> added;
    long locked;
    std::atomic<long> ready;
    unsigned short port;
};

template <typename T> struct Mapped {
    T *at;
    explicit Mapped(HANDLE section) : at(static_cast<T *>(MapViewOfFile(section, FILE_MAP_ALL_ACCESS, 0, 0, sizeof(T)))) {
        if (!at) throw std::runtime_error("not mapped");
    }
    ~Mapped() { UnmapViewOfFile(at); }
    T *operator->() const { return at; }
};

std::string name_of(const char *what, DWORD owner) {
    std::ostringstream text;
    text << "workers " << what << ' ' << owner;
    return text.str();
}

/* SHA-256, as hexadecimal digits. */
std::string hash(const std::string &bytes) {
    BCRYPT_ALG_HANDLE algorithm = nullptr;
    UCHAR digest[32] = {};
    if (BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, nullptr, 0)) throw std::runtime_error("no SHA-256");
    BCRYPT_HASH_HANDLE state = nullptr;
    BCryptCreateHash(algorithm, &state, nullptr, 0, nullptr, 0, 0);
    BCryptHashData(state, reinterpret_cast<UCHAR *>(const_cast<char *>(bytes.data())), (ULONG)bytes.size(), 0);
    BCryptFinishHash(state, digest, sizeof digest, 0);
    BCryptDestroyHash(state);
    BCryptCloseAlgorithmProvider(algorithm, 0);
    std::ostringstream text;
    for (unsigned byte : digest) text << std::hex << std::setw(2) << std::setfill('0') << byte;
    return text.str();
}

std::string job(int worker, int round) {
    return std::string(100 + worker * 50 + round, static_cast<char>('a' + round % 26));
}

/* A worker: adds, locks, and says what it found by a pipe and by a socket. */
int work(DWORD parent, int number, HANDLE section, HANDLE go) {
    Mapped<Shared> shared(section);
    Handle mutex(OpenMutexA(SYNCHRONIZE | MUTEX_MODIFY_STATE, FALSE, name_of("mutex", parent).c_str()));
    Handle ready(OpenSemaphoreA(SEMAPHORE_ALL_ACCESS, FALSE, name_of("ready", parent).c_str()));
    if (!mutex.value || !ready.value || !ReleaseSemaphore(ready, 1, nullptr)) return 101;
    if (WaitForSingleObject(go, LONG_TIME) != WAIT_OBJECT_0) return 102;
    for (int i = 0; i < ROUNDS; i++) {
        shared->added++;
        if (WaitForSingleObject(mutex, LONG_TIME) != WAIT_OBJECT_0) return 103;
        long before = shared->locked;
        if (i % 50 == 0) Sleep(1);
        shared->locked = before + 1;
        ReleaseMutex(mutex);
    }
    std::string pipe = "\\\\.\\pipe\\" + name_of("pipe", parent);
    WSADATA data;
    if (WSAStartup(MAKEWORD(2, 2), &data)) return 104;
    for (int i = 0; i < 20; i++) {
        std::string message = std::to_string(number) + " " + hash(job(number, i));
        char answer[100];
        DWORD count = 0;
        // Another worker may come first between the wait for a free instance and its opening.
        while (!CallNamedPipeA(pipe.c_str(), message.data(), (DWORD)message.size(), answer, sizeof answer, &count, LONG_TIME))
            if (GetLastError() != ERROR_PIPE_BUSY) return 105;
        if (std::string(answer, count) != "heard " + std::to_string(message.size())) return 106;
        SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in to = {};
        to.sin_family = AF_INET;
        to.sin_port = shared->port;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(s, reinterpret_cast<sockaddr *>(&to), sizeof to)) return 107;
        send(s, message.data(), (int)message.size(), 0);
        shutdown(s, SD_SEND);
        int got = recv(s, answer, sizeof answer, 0);
        closesocket(s);
        if (got <= 0 || std::string(answer, got) != "heard " + std::to_string(message.size())) return 108;
    }
    return 10 + number;
}

/* What the parent hears on one completion port. */
class Ear {
    struct Request : OVERLAPPED {
        enum { CONNECTED, READ, WRITTEN, ACCEPTED, RECEIVED } state;
        HANDLE pipe = nullptr;
        SOCKET client = INVALID_SOCKET;
        char bytes[256];
        std::string said;
    };
    Handle port{CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 2)};
    std::vector<std::unique_ptr<Request>> requests;
    std::vector<Handle> pipes;
    SOCKET listener = INVALID_SOCKET;
    LPFN_ACCEPTEX accept_ex = nullptr;

    static void clear(Request *request) { static_cast<OVERLAPPED &>(*request) = OVERLAPPED(); }

    void wait_for_client(Request *request) {
        clear(request);
        request->state = Request::CONNECTED;
        if (ConnectNamedPipe(request->pipe, request)) throw std::runtime_error("ConnectNamedPipe");
        DWORD error = GetLastError();
        if (error == ERROR_PIPE_CONNECTED) PostQueuedCompletionStatus(port, 0, 1, request);
        else if (error != ERROR_IO_PENDING) throw std::runtime_error("ConnectNamedPipe failed");
    }

    void accept(Request *request) {
        clear(request);
        request->state = Request::ACCEPTED;
        request->said.clear();
        request->client = socket(AF_INET, SOCK_STREAM, 0);
        DWORD count;
        if (!accept_ex(listener, request->client, request->bytes, 0, 32, 32, &count, request) && WSAGetLastError() != ERROR_IO_PENDING)
            throw std::runtime_error("AcceptEx");
    }

    void receive(Request *request) {
        clear(request);
        request->state = Request::RECEIVED;
        WSABUF buffer = {sizeof request->bytes, request->bytes};
        DWORD flags = 0;
        if (WSARecv(request->client, &buffer, 1, nullptr, &flags, request, nullptr) && WSAGetLastError() != WSA_IO_PENDING)
            throw std::runtime_error("WSARecv");
    }

public:
    std::multiset<std::string> by_pipe, by_socket;
    unsigned short at = 0;

    explicit Ear(DWORD owner) {
        for (int i = 0; i < 2; i++) {
            std::string name = "\\\\.\\pipe\\" + name_of("pipe", owner);
            pipes.emplace_back(CreateNamedPipeA(name.c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
                                                PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, 2, 512, 512, 0, nullptr));
            if (!pipes.back().value || !CreateIoCompletionPort(pipes.back(), port, 1, 0)) throw std::runtime_error("pipe");
            requests.push_back(std::make_unique<Request>());
            requests.back()->pipe = pipes.back();
            wait_for_client(requests.back().get());
        }
        listener = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in own = {};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int length = sizeof own;
        bind(listener, reinterpret_cast<sockaddr *>(&own), length);
        listen(listener, 10);
        getsockname(listener, reinterpret_cast<sockaddr *>(&own), &length);
        at = own.sin_port;
        GUID which = WSAID_ACCEPTEX;
        DWORD count;
        if (WSAIoctl(listener, SIO_GET_EXTENSION_FUNCTION_POINTER, &which, sizeof which, &accept_ex, sizeof accept_ex, &count, nullptr, nullptr))
            throw std::runtime_error("no AcceptEx");
        if (!CreateIoCompletionPort(reinterpret_cast<HANDLE>(listener), port, 2, 0)) throw std::runtime_error("socket");
        for (int i = 0; i < 2; i++) {
            requests.push_back(std::make_unique<Request>());
            accept(requests.back().get());
        }
    }

    ~Ear() {
        closesocket(listener);
        for (auto &request : requests)
            if (request->client != INVALID_SOCKET) closesocket(request->client);
        pipes.clear();
        // What was cancelled comes before the memory goes.
        DWORD count;
        ULONG_PTR key;
        OVERLAPPED *done;
        for (size_t i = 0; i < requests.size(); i++)
            if (!GetQueuedCompletionStatus(port, &count, &key, &done, 2000) && !done) break;
    }

    void hear(size_t many) {
        while (by_pipe.size() < many || by_socket.size() < many) {
            DWORD count = 0;
            ULONG_PTR key = 0;
            OVERLAPPED *done = nullptr;
            BOOL good = GetQueuedCompletionStatus(port, &count, &key, &done, LONG_TIME);
            if (!done) throw std::runtime_error("nothing came");
            auto *request = static_cast<Request *>(done);
            switch (request->state) {
            case Request::CONNECTED:
                if (!good) throw std::runtime_error("no client");
                clear(request);
                request->state = Request::READ;
                if (!ReadFile(request->pipe, request->bytes, sizeof request->bytes, nullptr, request) && GetLastError() != ERROR_IO_PENDING)
                    throw std::runtime_error("ReadFile");
                break;
            case Request::READ: {
                if (!good) throw std::runtime_error("not read");
                by_pipe.emplace(request->bytes, count);
                std::string answer = "heard " + std::to_string(count);
                std::copy(answer.begin(), answer.end(), request->bytes);
                clear(request);
                request->state = Request::WRITTEN;
                if (!WriteFile(request->pipe, request->bytes, (DWORD)answer.size(), nullptr, request) && GetLastError() != ERROR_IO_PENDING)
                    throw std::runtime_error("WriteFile");
                break;
            }
            case Request::WRITTEN:
                FlushFileBuffers(request->pipe);
                DisconnectNamedPipe(request->pipe);
                wait_for_client(request);
                break;
            case Request::ACCEPTED:
                if (!good) throw std::runtime_error("not accepted");
                setsockopt(request->client, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, reinterpret_cast<char *>(&listener), sizeof listener);
                CreateIoCompletionPort(reinterpret_cast<HANDLE>(request->client), port, 3, 0);
                receive(request);
                break;
            case Request::RECEIVED:
                if (good && count) {
                    request->said.append(request->bytes, count);
                    receive(request);
                    break;
                }
                by_socket.insert(request->said);
                std::string answer = "heard " + std::to_string(request->said.size());
                send(request->client, answer.data(), (int)answer.size(), 0);
                closesocket(request->client);
                accept(request);
                break;
            }
        }
    }
};

struct Process {
    Handle process, thread;
    DWORD number = 0;
};

/* Starts this program again with nothing inherited but the handles given. */
Process start(const std::string &arguments, std::vector<HANDLE> inherited, DWORD flags) {
    char own[MAX_PATH];
    GetModuleFileNameA(nullptr, own, sizeof own);
    std::string line = "\"" + std::string(own) + "\" " + arguments;
    SIZE_T size = 0;
    InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
    std::vector<char> room(size);
    auto *list = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(room.data());
    InitializeProcThreadAttributeList(list, 1, 0, &size);
    UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, inherited.data(), inherited.size() * sizeof(HANDLE), nullptr, nullptr);
    STARTUPINFOEXA info = {};
    info.StartupInfo.cb = sizeof info;
    info.lpAttributeList = list;
    PROCESS_INFORMATION made;
    BOOL good = CreateProcessA(nullptr, line.data(), nullptr, nullptr, TRUE, flags | EXTENDED_STARTUPINFO_PRESENT, nullptr, nullptr, &info.StartupInfo, &made);
    DeleteProcThreadAttributeList(list);
    if (!good) throw std::runtime_error("CreateProcess");
    return {Handle(made.hProcess), Handle(made.hThread), made.dwProcessId};
}

void workers() {
    DWORD me = GetCurrentProcessId();
    SECURITY_ATTRIBUTES inherits = {sizeof inherits, nullptr, TRUE};
    Handle section(CreateFileMappingA(INVALID_HANDLE_VALUE, &inherits, PAGE_READWRITE, 0, sizeof(Shared), nullptr));
    Handle go(CreateEventA(&inherits, TRUE, FALSE, nullptr));
    Handle mutex(CreateMutexA(nullptr, FALSE, name_of("mutex", me).c_str()));
    Handle ready(CreateSemaphoreA(nullptr, 0, 100, name_of("ready", me).c_str()));
    Mapped<Shared> shared(section);
    Ear ear(me);
    shared->port = ear.at;
    Handle job_object(CreateJobObjectA(nullptr, nullptr));
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {};
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    CHECK("job", SetInformationJobObject(job_object, JobObjectExtendedLimitInformation, &limits, sizeof limits));
    auto arguments = [&](const char *what, int number) {
        std::ostringstream text;
        text << what << ' ' << me << ' ' << number << ' ' << (ULONG_PTR)section.value << ' ' << (ULONG_PTR)go.value;
        return text.str();
    };
    std::vector<Process> all;
    for (int i = 0; i < WORKERS; i++) {
        all.push_back(start(arguments("work", i), {section, go}, CREATE_SUSPENDED));
        AssignProcessToJobObject(job_object, all.back().process);
        ResumeThread(all.back().thread);
    }
    for (int i = 0; i < WORKERS; i++) CHECK_EQ("a worker is ready", WaitForSingleObject(ready, LONG_TIME), WAIT_OBJECT_0);
    SetEvent(go);
    ear.hear(WORKERS * 20);
    std::multiset<std::string> want;
    for (int worker = 0; worker < WORKERS; worker++)
        for (int round = 0; round < 20; round++) want.insert(std::to_string(worker) + " " + hash(job(worker, round)));
    CHECK("all heard by pipes", ear.by_pipe == want);
    CHECK("all heard by sockets", ear.by_socket == want);
    for (int i = 0; i < WORKERS; i++) {
        DWORD code = 0;
        CHECK_EQ("it ends", WaitForSingleObject(all[i].process, LONG_TIME), WAIT_OBJECT_0);
        GetExitCodeProcess(all[i].process, &code);
        CHECK_EQ("as it said", code, 10 + i);
    }
    CHECK_EQ("atomic", shared->added.load(), WORKERS * ROUNDS);
    CHECK_EQ("under the mutex", shared->locked, WORKERS * ROUNDS);

    // One that dies with the lock, by its own memory's being read and written from here.
    Process holder = start(arguments("hold", 0), {section, go}, 0);
    AssignProcessToJobObject(job_object, holder.process);
    while (!shared->ready) Sleep(1);
    CHECK_EQ("held", WaitForSingleObject(mutex, 0), WAIT_TIMEOUT);
    auto *room = static_cast<long *>(VirtualAllocEx(holder.process, nullptr, 4096, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE));
    long value = 42, back = 0;
    SIZE_T count = 0;
    CHECK("written", WriteProcessMemory(holder.process, room, &value, sizeof value, &count) && count == sizeof value);
    CHECK("read", ReadProcessMemory(holder.process, room, &back, sizeof back, &count) && back == 42);
    job_object = Handle();
    CHECK_EQ("killed with its job", WaitForSingleObject(holder.process, LONG_TIME), WAIT_OBJECT_0);
    CHECK_EQ("abandoned", WaitForSingleObject(mutex, LONG_TIME), WAIT_ABANDONED);
    ReleaseMutex(mutex);
}

/* Code made at run time: sub rsp,40; call rcx; add rsp,40; ret; and what unwinds it. */
void made_code() {
    static const unsigned char code[] = {0x48, 0x83, 0xec, 0x28, 0xff, 0xd1, 0x48, 0x83, 0xc4, 0x28, 0xc3};
    static const unsigned char unwind[] = {1, 4, 1, 0, 4, 0x42, 0, 0};
    auto *page = static_cast<unsigned char *>(VirtualAlloc(nullptr, 0x1000, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE));
    std::copy(std::begin(code), std::end(code), page);
    std::copy(std::begin(unwind), std::end(unwind), page + 0x100);
    RUNTIME_FUNCTION function = {0, sizeof code, {0x100}};
    DWORD old;
    CHECK("made executable", VirtualProtect(page, 0x1000, PAGE_EXECUTE_READ, &old) && old == PAGE_READWRITE);
    FlushInstructionCache(GetCurrentProcess(), page, sizeof code);
    CHECK("table", RtlAddFunctionTable(&function, 1, (DWORD64)page));
    using Call = int (*)(int (*)());
    auto call = reinterpret_cast<Call>(reinterpret_cast<void *>(page));
    CHECK_EQ("called", call([] { return 7; }), 7);
    int caught = 0;
    for (int i = 0; i < 100; i++) {
        try {
            call([]() -> int { throw std::out_of_range("through made code"); });
        } catch (const std::exception &error) {
            caught += std::string(error.what()) == "through made code" && typeid(error) == typeid(std::out_of_range);
        }
    }
    CHECK_EQ("exceptions pass", caught, 100);
    VirtualProtect(page, 0x1000, PAGE_READWRITE, &old);
    page[5] = 0xd2; // call rdx
    VirtualProtect(page, 0x1000, PAGE_EXECUTE_READ, &old);
    FlushInstructionCache(GetCurrentProcess(), page, sizeof code);
    using Second = int (*)(int, int (*)(int));
    CHECK_EQ("changed", reinterpret_cast<Second>(reinterpret_cast<void *>(page))(5, [](int n) { return n * n; }), 25);
    RtlDeleteFunctionTable(&function);
    VirtualFree(page, 0, MEM_RELEASE);
}

void crypto() {
    CHECK("SHA-256", hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    BCRYPT_ALG_HANDLE algorithm;
    BCRYPT_KEY_HANDLE key;
    UCHAR secret[16] = {1, 2, 3}, nonce[12] = {}, tag[16] = {}, text[40] = "text that nobody else reads", sealed[40], open[40];
    BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_AES_ALGORITHM, nullptr, 0);
    BCryptSetProperty(algorithm, BCRYPT_CHAINING_MODE, (PUCHAR)BCRYPT_CHAIN_MODE_GCM, sizeof BCRYPT_CHAIN_MODE_GCM, 0);
    CHECK_EQ("key", BCryptGenerateSymmetricKey(algorithm, &key, nullptr, 0, secret, sizeof secret, 0), 0);
    BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO info;
    BCRYPT_INIT_AUTH_MODE_INFO(info);
    info.pbNonce = nonce;
    info.cbNonce = sizeof nonce;
    info.pbTag = tag;
    info.cbTag = sizeof tag;
    ULONG count = 0;
    CHECK_EQ("sealed", BCryptEncrypt(key, text, sizeof text, &info, nullptr, 0, sealed, sizeof sealed, &count, 0), 0);
    CHECK_EQ("opened", BCryptDecrypt(key, sealed, sizeof sealed, &info, nullptr, 0, open, sizeof open, &count, 0), 0);
    CHECK("the same", std::equal(std::begin(text), std::end(text), std::begin(open)) && !std::equal(std::begin(text), std::end(text), std::begin(sealed)));
    sealed[3] ^= 1;
    CHECK_EQ("tampered with", (NTSTATUS)BCryptDecrypt(key, sealed, sizeof sealed, &info, nullptr, 0, open, sizeof open, &count, 0), (NTSTATUS)0xc000a002);
    BCryptDestroyKey(key);
    BCryptCloseAlgorithmProvider(algorithm, 0);
}

void library() {
    namespace fs = std::filesystem;
    fs::path top = fs::current_path() / fs::u8path("größe ж");
    fs::create_directories(top / "a/b");
    std::ofstream(top / "a/b/x.txt") << "one two three\n" << std::setprecision(3) << 2.71828 << '\n';
    std::ifstream in(top / "a/b/x.txt");
    std::vector<std::string> words{std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
    in.close();
    CHECK("streams", words == (std::vector<std::string>{"one", "two", "three", "2.72"}));
    fs::copy_file(top / "a/b/x.txt", top / "y.txt");
    fs::last_write_time(top / "y.txt", fs::file_time_type::clock::now() - std::chrono::hours(24));
    std::set<std::wstring> seen;
    for (const auto &entry : fs::recursive_directory_iterator(top)) seen.insert(entry.path().filename().wstring());
    CHECK("walked", seen == (std::set<std::wstring>{L"a", L"b", L"x.txt", L"y.txt"}));
    CHECK("older", fs::last_write_time(top / "y.txt") < fs::last_write_time(top / "a/b/x.txt"));
    std::error_code error;
    CHECK("not removed", !fs::remove(top, error) && error);
    CHECK_EQ("all removed", fs::remove_all(top), 5);
    std::regex pattern("(\\w+)@(\\w+)\\.org");
    CHECK("regex", std::regex_replace("me@here.org", pattern, "$2 $1") == "here me");
    std::mt19937_64 numbers;
    std::vector<unsigned long long> many(10000);
    std::generate(many.begin(), many.end(), std::ref(numbers));
    // The standard names the ten thousandth.
    CHECK_EQ("numbers", many.back(), 9981545732273789042ull);
    auto last = many.back();
    std::sort(many.begin(), many.end());
    CHECK("sorted", std::is_sorted(many.begin(), many.end()) && std::binary_search(many.begin(), many.end(), last));
    std::unordered_map<std::string, std::variant<int, std::string>> table{{"n", 4}, {"s", "text"}};
    CHECK("variant", std::get<int>(table["n"]) == 4 && std::get<std::string>(table.at("s")).size() == 4);
    std::string nested;
    try {
        try {
            throw std::logic_error("inner");
        } catch (...) {
            std::throw_with_nested(std::runtime_error("outer"));
        }
    } catch (const std::exception &outer) {
        nested = outer.what();
        try {
            std::rethrow_if_nested(outer);
        } catch (const std::exception &inner) {
            nested += std::string(" ") + inner.what();
        }
    }
    CHECK("nested", nested == "outer inner");
    auto start = std::chrono::steady_clock::now();
    Sleep(20);
    CHECK("clocks", std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(15)
                        && std::chrono::system_clock::now() > std::chrono::system_clock::from_time_t(1700000000));
    std::ostringstream money;
    money.imbue(std::locale::classic());
    money << std::fixed << std::setprecision(2) << 1234567.891 << std::boolalpha << true;
    CHECK("locale", money.str() == "1234567.89true");
}

thread_local std::string mine = "fresh";

void threads() {
    static std::atomic<int> good{0};
    static SRWLOCK lock = SRWLOCK_INIT;
    static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
    static int turn = 0;
    std::vector<Handle> all;
    for (int i = 0; i < 4; i++) {
        all.emplace_back(CreateThread(nullptr, 0, [](void *argument) -> DWORD {
            int me = (int)(ULONG_PTR)argument;
            bool was_fresh = mine == "fresh";
            mine = std::to_string(me);
            for (int round = 0; round < 100; round++) {
                AcquireSRWLockExclusive(&lock);
                while (turn % 4 != me) SleepConditionVariableSRW(&changed, &lock, INFINITE, 0);
                turn++;
                ReleaseSRWLockExclusive(&lock);
                WakeAllConditionVariable(&changed);
            }
            good += was_fresh && mine == std::to_string(me);
            return 0;
        }, (void *)(ULONG_PTR)i, 0, nullptr));
    }
    std::vector<HANDLE> handles(all.begin(), all.end());
    CHECK_EQ("threads end", WaitForMultipleObjects(4, handles.data(), TRUE, LONG_TIME), WAIT_OBJECT_0);
    CHECK_EQ("each with its own", good.load(), 4);
    CHECK_EQ("in turns", turn, 400);
    static std::atomic<long> sum{0};
    std::vector<PTP_WORK> works;
    for (int i = 0; i < 16; i++) {
        works.push_back(CreateThreadpoolWork([](PTP_CALLBACK_INSTANCE, void *argument, PTP_WORK) { sum += (long)(ULONG_PTR)argument; }, (void *)(ULONG_PTR)i, nullptr));
        for (int again = 0; again < 10; again++) SubmitThreadpoolWork(works.back());
    }
    for (auto work : works) {
        WaitForThreadpoolWorkCallbacks(work, FALSE);
        CloseThreadpoolWork(work);
    }
    CHECK_EQ("thread pool", sum.load(), 1200);
}

} // namespace

int main(int count, char **words) {
    try {
        if (count == 6) {
            auto handle = [&](int at) { return (HANDLE)(ULONG_PTR)std::stoull(words[at]); };
            DWORD parent = std::stoul(words[2]);
            if (std::string(words[1]) == "work") return work(parent, std::stoi(words[3]), handle(4), handle(5));
            Mapped<Shared> shared(handle(4));
            Handle mutex(OpenMutexA(SYNCHRONIZE, FALSE, name_of("mutex", parent).c_str()));
            WaitForSingleObject(mutex, LONG_TIME);
            shared->ready = 1;
            Sleep(INFINITE);
        }
        WSADATA data;
        WSAStartup(MAKEWORD(2, 2), &data);
        library();
        threads();
        made_code();
        crypto();
        workers();
    } catch (const std::exception &error) {
        say("FAIL %s (last error %lu)", error.what(), GetLastError());
        return 1;
    }
    return finish();
}
