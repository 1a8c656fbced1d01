/* What needs no network: numeric addresses in every form, the machine's own names, and the tables of interfaces, addresses and
 * routes, of which the loopback interface is always one. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <iphlpapi.h>
#include <windns.h>
#include "check.h"

static void *function(const char *name) {
    static HMODULE module;
    if (!module) module = LoadLibraryA("iphlpapi.dll");
    return (void *)GetProcAddress(module, name);
}

static int error_of(const char *host, int flags) {
    struct addrinfo hints = {.ai_flags = flags}, *found = NULL;
    int error = getaddrinfo(host, "80", &hints, &found);
    if (!error) freeaddrinfo(found);
    return error;
}

static void numbers(void) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
    unsigned char raw[16];
    char text[64];
    CHECK_EQ("getaddrinfo of a number", getaddrinfo("10.1.2.3", "80", &hints, &found), 0);
    if (found) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)found->ai_addr;
        CHECK_EQ("its family", found->ai_family, AF_INET);
        CHECK_EQ("its address", ntohl(v4->sin_addr.s_addr), 0x0a010203);
        CHECK_EQ("its port", ntohs(v4->sin_port), 80);
        CHECK_EQ("its length", found->ai_addrlen, sizeof *v4);
        CHECK("one alone", !found->ai_next);
        freeaddrinfo(found);
    }
    found = NULL;
    CHECK_EQ("getaddrinfo of an IPv6 number", getaddrinfo("2001:db8::7", NULL, &hints, &found), 0);
    if (found) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)found->ai_addr;
        CHECK_EQ("its family", found->ai_family, AF_INET6);
        CHECK("its address", v6->sin6_addr.s6_addr[0] == 0x20 && v6->sin6_addr.s6_addr[15] == 7);
        freeaddrinfo(found);
    }
    CHECK_EQ("a number without AI_NUMERICHOST", error_of("192.168.7.7", 0), 0);
    CHECK_EQ("a mapped number", error_of("::ffff:10.0.0.1", 0), 0);
    CHECK_EQ("a name with AI_NUMERICHOST", error_of("localhost", AI_NUMERICHOST), WSAHOST_NOT_FOUND);
    CHECK_EQ("localhost", error_of("localhost", 0), 0);
    ADDRINFOW wide_hints = {.ai_flags = AI_NUMERICHOST}, *wide = NULL;
    CHECK_EQ("GetAddrInfoW of a number", GetAddrInfoW(L"127.0.0.1", L"1", &wide_hints, &wide), 0);
    if (wide) FreeAddrInfoW(wide);
    CHECK_EQ("inet_addr", ntohl(inet_addr("127.0.0.1")), 0x7f000001);
    CHECK_EQ("inet_addr of a name", inet_addr("host"), INADDR_NONE);
    CHECK_EQ("inet_pton", inet_pton(AF_INET, "1.2.3.4", raw), 1);
    CHECK_EQ("inet_pton of three parts", inet_pton(AF_INET, "1.2.3", raw), 0);
    CHECK_EQ("inet_pton, IPv6", inet_pton(AF_INET6, "fe80::1", raw), 1);
    CHECK("inet_ntop", inet_ntop(AF_INET6, raw, text, sizeof text) && !strcmp(text, "fe80::1"));
    struct sockaddr_in at;
    int length = sizeof at;
    CHECK_EQ("WSAStringToAddress", WSAStringToAddressA((char *)"1.2.3.4:80", AF_INET, NULL, (struct sockaddr *)&at, &length), 0);
    CHECK("its parts", ntohl(at.sin_addr.s_addr) == 0x01020304 && ntohs(at.sin_port) == 80);
    DWORD room = sizeof text;
    CHECK_EQ("WSAAddressToString", WSAAddressToStringA((struct sockaddr *)&at, sizeof at, NULL, text, &room), 0);
    CHECK("its text", !strcmp(text, "1.2.3.4:80"));
    struct hostent *host = gethostbyname("10.0.0.9");
    CHECK("gethostbyname of a number", host && host->h_addrtype == AF_INET && !memcmp(host->h_addr_list[0], "\x0a\0\0\x09", 4));
    CHECK_EQ("getnameinfo", getnameinfo((struct sockaddr *)&at, sizeof at, text, sizeof text, NULL, 0, NI_NUMERICHOST), 0);
    CHECK("its text", !strcmp(text, "1.2.3.4"));
    CHECK_EQ("gethostname", gethostname(text, sizeof text), 0);
    CHECK_EQ("the own name", error_of(text, 0), 0);
    CHECK_EQ("getaddrinfo of nobody", error_of("nobody.invalid", 0), WSAHOST_NOT_FOUND);
}

/* Whether a GetAdaptersAddresses answer has the loopback interface, with an address and a prefix. */
static int has_loopback(IP_ADAPTER_ADDRESSES *all, int family) {
    for (; all; all = all->Next) {
        if (all->IfType != IF_TYPE_SOFTWARE_LOOPBACK || all->OperStatus != IfOperStatusUp) continue;
        if (!all->FriendlyName || !*all->FriendlyName || !all->Mtu) continue;
        for (IP_ADAPTER_UNICAST_ADDRESS *one = all->FirstUnicastAddress; one; one = one->Next) {
            struct sockaddr *at = one->Address.lpSockaddr;
            if (at->sa_family != family) continue;
            if (family == AF_INET && ((struct sockaddr_in *)at)->sin_addr.s_addr == htonl(INADDR_LOOPBACK)) return one->OnLinkPrefixLength == 8;
            if (family == AF_INET6) return one->OnLinkPrefixLength == 128;
        }
    }
    return 0;
}

static void tables(void) {
    static char buffer[0x10000];
    ULONG (WINAPI *addresses)(ULONG, ULONG, void *, IP_ADAPTER_ADDRESSES *, ULONG *) = function("GetAdaptersAddresses");
    ULONG length = 0;
    CHECK_EQ("GetAdaptersAddresses without room", addresses(AF_UNSPEC, 0, NULL, NULL, &length), ERROR_BUFFER_OVERFLOW);
    CHECK("how much it wants", length > sizeof(IP_ADAPTER_ADDRESSES) && length < sizeof buffer);
    /* Wine fails for a family without name servers. */
    for (ULONG family = 0; !under_oracle() || family != AF_INET6; family = family == 0 ? AF_INET : AF_INET6) {
        IP_ADAPTER_ADDRESSES *all = (IP_ADAPTER_ADDRESSES *)buffer;
        length = sizeof buffer;
        /* Wine 10 where there are no name servers at all. */
        WINE8_DIFFERS(CHECK_EQ("GetAdaptersAddresses", addresses(family, GAA_FLAG_INCLUDE_PREFIX, NULL, all, &length), 0));
        if (family != AF_INET6) WINE8_DIFFERS(CHECK("the loopback interface", has_loopback(all, AF_INET)));
        if (family == AF_INET6) break;
    }
    ULONG (WINAPI *interfaces)(MIB_IFTABLE *, ULONG *, BOOL) = function("GetIfTable");
    MIB_IFTABLE *rows = (MIB_IFTABLE *)buffer;
    length = sizeof buffer;
    CHECK_EQ("GetIfTable", interfaces(rows, &length, TRUE), 0);
    int found = 0;
    for (DWORD i = 0; i < rows->dwNumEntries; i++) found |= rows->table[i].dwType == IF_TYPE_SOFTWARE_LOOPBACK;
    CHECK("the loopback interface among them", found);
    DWORD first = rows->table[0].dwIndex, count = 0;
    DWORD (WINAPI *number)(DWORD *) = function("GetNumberOfInterfaces");
    CHECK_EQ("GetNumberOfInterfaces", number(&count), 0);
    CHECK_EQ("as many", count, rows->dwNumEntries);
    MIB_IFROW row = {.dwIndex = first};
    DWORD (WINAPI *one)(MIB_IFROW *) = function("GetIfEntry");
    CHECK_EQ("GetIfEntry", one(&row), 0);
    row.dwIndex = 0x7777;
    CHECK("GetIfEntry of none", one(&row) != 0);
    NET_LUID luid;
    DWORD (WINAPI *to_luid)(DWORD, NET_LUID *) = function("ConvertInterfaceIndexToLuid");
    CHECK_EQ("ConvertInterfaceIndexToLuid", to_luid(first, &luid), 0);
    DWORD (WINAPI *to_index)(const NET_LUID *, DWORD *) = function("ConvertInterfaceLuidToIndex"), index = 0;
    CHECK_EQ("ConvertInterfaceLuidToIndex", to_index(&luid, &index), 0);
    CHECK_EQ("and back", index, first);
    DWORD (WINAPI *ips)(MIB_IPADDRTABLE *, ULONG *, BOOL) = function("GetIpAddrTable");
    MIB_IPADDRTABLE *ip = (MIB_IPADDRTABLE *)buffer;
    length = sizeof buffer;
    CHECK_EQ("GetIpAddrTable", ips(ip, &length, TRUE), 0);
    found = 0;
    for (DWORD i = 0; i < ip->dwNumEntries; i++) found |= ip->table[i].dwAddr == htonl(INADDR_LOOPBACK);
    CHECK("127.0.0.1 among them", found);
    DWORD (WINAPI *routes)(void *, ULONG *, BOOL) = function("GetIpForwardTable");
    length = sizeof buffer;
    CHECK_EQ("GetIpForwardTable", routes(buffer, &length, TRUE), 0);
    DWORD (WINAPI *connections)(void *, ULONG *, BOOL) = function("GetTcpTable");
    length = sizeof buffer;
    CHECK_EQ("GetTcpTable", connections(buffer, &length, TRUE), 0);
    ULONG (WINAPI *adapters)(IP_ADAPTER_INFO *, ULONG *) = function("GetAdaptersInfo");
    length = sizeof buffer;
    ULONG error = adapters((IP_ADAPTER_INFO *)buffer, &length);
    /* It leaves the loopback interface out. */
    CHECK("GetAdaptersInfo", error == ERROR_SUCCESS || error == ERROR_NO_DATA);
    DWORD (WINAPI *parameters)(void *, ULONG *) = function("GetNetworkParams");
    length = 0;
    CHECK_EQ("GetNetworkParams without room", parameters(NULL, &length), ERROR_BUFFER_OVERFLOW);
    length = sizeof buffer;
    CHECK_EQ("GetNetworkParams", parameters(buffer, &length), 0);
}

/* dnsapi, of which nothing but what a number says is there without a network. */
static void records(void) {
    HMODULE module = LoadLibraryA("dnsapi.dll");
    LONG (WINAPI *query)(const char *, WORD, DWORD, void *, DNS_RECORDA **, void *) = (void *)GetProcAddress(module, "DnsQuery_A");
    DNS_RECORDA *found = NULL;
    LONG error = query("10.1.2.3", DNS_TYPE_A, DNS_QUERY_STANDARD, NULL, &found, NULL);
    WINE8_DIFFERS(CHECK_EQ("DnsQuery of a number", error, 0));
    WINE8_DIFFERS(CHECK("its address", found && found->wType == DNS_TYPE_A && found->Data.A.IpAddress == htonl(0x0a010203)));
    found = NULL;
    CHECK("DnsQuery of nobody", query("nobody.invalid", DNS_TYPE_A, DNS_QUERY_STANDARD, NULL, &found, NULL) != 0 && !found);
    if (!under_oracle()) {
        CHECK_EQ("DnsQuery of localhost", query("localhost", DNS_TYPE_A, DNS_QUERY_STANDARD, NULL, &found, NULL), 0);
        CHECK("its address", found && found->wType == DNS_TYPE_A && found->Data.A.IpAddress == htonl(INADDR_LOOPBACK));
        found = NULL;
        CHECK_EQ("DnsQuery, IPv6", query("localhost", DNS_TYPE_AAAA, DNS_QUERY_STANDARD, NULL, &found, NULL), 0);
        CHECK("its address", found && found->wType == DNS_TYPE_AAAA && found->Data.AAAA.Ip6Address.IP6Byte[15] == 1);
        found = NULL;
        CHECK_EQ("DnsQuery of another kind", query("localhost", DNS_TYPE_MX, DNS_QUERY_STANDARD, NULL, &found, NULL), DNS_ERROR_RCODE_REFUSED);
    }
}

int main(void) {
    WSADATA data;
    CHECK_EQ("WSAStartup", WSAStartup(MAKEWORD(2, 2), &data), 0);
    numbers();
    tables();
    records();
    WSACleanup();
    return finish();
}
