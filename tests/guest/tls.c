/* TLS through SSPI, client and server in one process: handshake by buffers, data both ways, what was agreed on, the end. */
#include "check.h"
#define SECURITY_WIN32
#include <wincrypt.h>
#include <security.h>
#include <schannel.h>

#define OK(call) CHECK_EQ(#call, (ULONG)(call), 0)
#define REQUEST_CLIENT (ISC_REQ_SEQUENCE_DETECT | ISC_REQ_REPLAY_DETECT | ISC_REQ_CONFIDENTIALITY | ISC_REQ_ALLOCATE_MEMORY | ISC_REQ_STREAM | ISC_REQ_MANUAL_CRED_VALIDATION)
#define REQUEST_SERVER (ASC_REQ_SEQUENCE_DETECT | ASC_REQ_REPLAY_DETECT | ASC_REQ_CONFIDENTIALITY | ASC_REQ_ALLOCATE_MEMORY | ASC_REQ_STREAM)

static WCHAR container[] = L"Portcullis TLS test";

static PCCERT_CONTEXT certificate(DWORD bits) {
    HCRYPTPROV provider = 0;
    HCRYPTKEY key = 0;
    CryptAcquireContextW(&provider, container, MS_ENH_RSA_AES_PROV_W, PROV_RSA_AES, CRYPT_DELETEKEYSET);
    CHECK("key container", CryptAcquireContextW(&provider, container, MS_ENH_RSA_AES_PROV_W, PROV_RSA_AES, CRYPT_NEWKEYSET));
    CHECK("RSA key", CryptGenKey(provider, AT_KEYEXCHANGE, bits << 16 | CRYPT_EXPORTABLE, &key));
    BYTE name[128];
    DWORD size = sizeof name;
    CHECK("name", CertStrToNameW(X509_ASN_ENCODING, L"CN=localhost", CERT_X500_NAME_STR, NULL, name, &size, NULL));
    CERT_NAME_BLOB subject = {size, name};
    CRYPT_KEY_PROV_INFO info = {container, MS_ENH_RSA_AES_PROV_W, PROV_RSA_AES, 0, 0, NULL, AT_KEYEXCHANGE};
    CRYPT_ALGORITHM_IDENTIFIER algorithm = {szOID_RSA_SHA256RSA, {0, NULL}};
    PCCERT_CONTEXT made = CertCreateSelfSignCertificate(provider, &subject, 0, &info, &algorithm, NULL, NULL, NULL);
    CHECK("certificate of one's own", made != NULL);
    CryptDestroyKey(key);
    CryptReleaseContext(provider, 0);
    return made;
}

/* Bytes on their way from one end to the other. */
struct wire {
    BYTE bytes[70000];
    DWORD length;
};

static void put(struct wire *w, const void *bytes, DWORD n) {
    memcpy(w->bytes + w->length, bytes, n);
    w->length += n;
}

static void taken(struct wire *w, DWORD n) {
    memmove(w->bytes, w->bytes + n, w->length - n);
    w->length -= n;
}

static SECURITY_STATUS step(int server, CredHandle *credentials, CtxtHandle *context, int first, struct wire *in, struct wire *out, SecBuffer *extra) {
    SecBuffer input[3] = {{in->length, SECBUFFER_TOKEN, in->bytes}, {0, SECBUFFER_EMPTY, NULL}, {0, SECBUFFER_EMPTY, NULL}}, output[1] = {{0, SECBUFFER_TOKEN, NULL}};
    SecBufferDesc inputs = {SECBUFFER_VERSION, 2, input}, outputs = {SECBUFFER_VERSION, 1, output};
    ULONG attributes = 0;
    SECURITY_STATUS status;
    if (extra) {
        input[server ? 2 : 0] = *extra;
        inputs.cBuffers = server ? 3 : 1;
    }
    if (server) status = AcceptSecurityContext(credentials, first ? NULL : context, &inputs, REQUEST_SERVER, 0, context, &outputs, &attributes, NULL);
    else status = InitializeSecurityContextA(credentials, first ? NULL : context, "localhost", REQUEST_CLIENT, 0, 0, first ? (extra ? &inputs : NULL) : &inputs, 0, context, &outputs, &attributes, NULL);
    if (status == SEC_E_INCOMPLETE_MESSAGE) return status;
    DWORD left = 0;
    if (!(first && !server)) {
        for (int i = 0; i < 2; i++) if (input[i].BufferType == SECBUFFER_EXTRA) left = input[i].cbBuffer;
        taken(in, in->length - left);
    }
    if (output[0].cbBuffer && output[0].pvBuffer) {
        put(out, output[0].pvBuffer, output[0].cbBuffer);
        FreeContextBuffer(output[0].pvBuffer);
    }
    return status;
}

struct ends {
    CtxtHandle client, server;
    struct wire to_client, to_server;
};

static int handshake(struct ends *e, CredHandle *client, CredHandle *server, SecBuffer *client_extra, SecBuffer *server_extra) {
    SECURITY_STATUS c, s = SEC_I_CONTINUE_NEEDED;
    int first = 1;
    memset(e, 0, sizeof *e);
    c = step(0, client, &e->client, 1, &e->to_client, &e->to_server, client_extra);
    CHECK_EQ("the client begins", (ULONG)c, SEC_I_CONTINUE_NEEDED);
    CHECK("with a handshake record", e->to_server.length > 5 && e->to_server.bytes[0] == 22 && e->to_server.bytes[1] == 3);
    for (int i = 0; i < 10 && (c == SEC_I_CONTINUE_NEEDED || s == SEC_I_CONTINUE_NEEDED); i++) {
        if (e->to_server.length && s == SEC_I_CONTINUE_NEEDED) {
            s = step(1, server, &e->server, first, &e->to_server, &e->to_client, first ? server_extra : NULL);
            first = 0;
        }
        if (e->to_client.length && c == SEC_I_CONTINUE_NEEDED) c = step(0, client, &e->client, 0, &e->to_client, &e->to_server, NULL);
        if (c < 0 || s < 0) break;
    }
    return CHECK_EQ("client's handshake", (ULONG)c, 0) & CHECK_EQ("server's handshake", (ULONG)s, 0);
}

static void talk(CtxtHandle *from, CtxtHandle *to, struct wire *w, const char *what, DWORD n) {
    SecPkgContext_StreamSizes sizes;
    OK(QueryContextAttributesA(from, SECPKG_ATTR_STREAM_SIZES, &sizes));
    CHECK("sizes", sizes.cbHeader == 5 && sizes.cbTrailer >= 24 && sizes.cbMaximumMessage == 16384);
    BYTE *buffer = malloc(sizes.cbHeader + n + sizes.cbTrailer), *data = malloc(n);
    for (DWORD i = 0; i < n; i++) data[i] = (BYTE)what[i % strlen(what)];
    memcpy(buffer + sizes.cbHeader, data, n);
    SecBuffer out[4] = {{sizes.cbHeader, SECBUFFER_STREAM_HEADER, buffer}, {n, SECBUFFER_DATA, buffer + sizes.cbHeader}, {sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, buffer + sizes.cbHeader + n}, {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc description = {SECBUFFER_VERSION, 4, out};
    OK(EncryptMessage(from, 0, &description, 0));
    for (int i = 0; i < 3; i++) put(w, out[i].pvBuffer, out[i].cbBuffer);
    CHECK("nothing readable on the way", w->length > n && memcmp(w->bytes + 13, data, n));
    /* A record that is not all there. */
    SecBuffer in[4] = {{w->length - 1, SECBUFFER_DATA, w->bytes}, {0, SECBUFFER_EMPTY, NULL}, {0, SECBUFFER_EMPTY, NULL}, {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc inputs = {SECBUFFER_VERSION, 4, in};
    CHECK_EQ("incomplete", (ULONG)DecryptMessage(to, &inputs, 0, NULL), (ULONG)SEC_E_INCOMPLETE_MESSAGE);
    SecBuffer whole[4] = {{w->length, SECBUFFER_DATA, w->bytes}, {0, SECBUFFER_EMPTY, NULL}, {0, SECBUFFER_EMPTY, NULL}, {0, SECBUFFER_EMPTY, NULL}};
    memcpy(in, whole, sizeof in);
    OK(DecryptMessage(to, &inputs, 0, NULL));
    CHECK("what was said", in[1].BufferType == SECBUFFER_DATA && in[1].cbBuffer == n && !memcmp(in[1].pvBuffer, data, n));
    w->length = 0;
    free(buffer), free(data);
}

static void agreed(struct ends *e, PCCERT_CONTEXT own) {
    SecPkgContext_ConnectionInfo info;
    OK(QueryContextAttributesA(&e->client, SECPKG_ATTR_CONNECTION_INFO, &info));
    CHECK_EQ("TLS 1.2", info.dwProtocol, SP_PROT_TLS1_2_CLIENT);
    CHECK("AES", info.aiCipher == CALG_AES_256 || info.aiCipher == CALG_AES_128);
    CHECK_EQ("ECDHE", info.aiExch, 0xae06);
    PCCERT_CONTEXT peer = NULL;
    OK(QueryContextAttributesA(&e->client, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &peer));
    CHECK("the server's certificate", peer && peer->cbCertEncoded == own->cbCertEncoded && !memcmp(peer->pbCertEncoded, own->pbCertEncoded, own->cbCertEncoded));
    CertFreeCertificateContext(peer);
    SecPkgContext_KeyInfoA key;
    OK(QueryContextAttributesA(&e->client, SECPKG_ATTR_KEY_INFO, &key));
    CHECK_EQ("signed by RSA", key.SignatureAlgorithm, CALG_RSA_SIGN);
    SecPkgContext_Bindings c = {0}, s = {0};
    OK(QueryContextAttributesA(&e->client, SECPKG_ATTR_UNIQUE_BINDINGS, &c));
    OK(QueryContextAttributesA(&e->server, SECPKG_ATTR_UNIQUE_BINDINGS, &s));
    CHECK("tls-unique is alike at both ends", c.BindingsLength > 40 && c.BindingsLength == s.BindingsLength && !memcmp(c.Bindings, s.Bindings, c.BindingsLength));
    CHECK("and no zeros", memcmp((BYTE *)c.Bindings + c.BindingsLength - 12, "\0\0\0\0\0\0\0\0\0\0\0", 12));
    FreeContextBuffer(c.Bindings), FreeContextBuffer(s.Bindings);
    OK(QueryContextAttributesA(&e->client, SECPKG_ATTR_ENDPOINT_BINDINGS, &c));
    FreeContextBuffer(c.Bindings);
}

static void shut(struct ends *e, CredHandle *client) {
    DWORD token = SCHANNEL_SHUTDOWN;
    SecBuffer tokens[1] = {{sizeof token, SECBUFFER_TOKEN, &token}}, out[1] = {{0, SECBUFFER_TOKEN, NULL}};
    SecBufferDesc description = {SECBUFFER_VERSION, 1, tokens}, outputs = {SECBUFFER_VERSION, 1, out};
    ULONG attributes;
    OK(ApplyControlToken(&e->client, &description));
    OK(InitializeSecurityContextA(client, &e->client, NULL, REQUEST_CLIENT, 0, 0, NULL, 0, &e->client, &outputs, &attributes, NULL));
    CHECK("an alert record", out[0].cbBuffer > 5 && ((BYTE *)out[0].pvBuffer)[0] == 21);
    SecBuffer in[4] = {{out[0].cbBuffer, SECBUFFER_DATA, out[0].pvBuffer}, {0, SECBUFFER_EMPTY, NULL}, {0, SECBUFFER_EMPTY, NULL}, {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc inputs = {SECBUFFER_VERSION, 4, in};
    WINE8_DIFFERS(CHECK_EQ("the other end sees the end", (ULONG)DecryptMessage(&e->server, &inputs, 0, NULL), SEC_I_CONTEXT_EXPIRED));
    FreeContextBuffer(out[0].pvBuffer);
}

int main(void) {
    static struct ends e;
    PCCERT_CONTEXT own = certificate(2048);
    if (!own) return finish();
    SCHANNEL_CRED server_credentials = {.dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = &own, .grbitEnabledProtocols = SP_PROT_TLS1_2_SERVER};
    SCHANNEL_CRED client_credentials = {.dwVersion = SCHANNEL_CRED_VERSION, .grbitEnabledProtocols = SP_PROT_TLS1_2_CLIENT, .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION | SCH_CRED_NO_DEFAULT_CREDS};
    CredHandle client, server;
    TimeStamp expiry;
    OK(AcquireCredentialsHandleA(NULL, UNISP_NAME_A, SECPKG_CRED_OUTBOUND, NULL, &client_credentials, NULL, NULL, &client, &expiry));
    OK(AcquireCredentialsHandleA(NULL, UNISP_NAME_A, SECPKG_CRED_INBOUND, NULL, &server_credentials, NULL, NULL, &server, &expiry));
    SecPkgCred_SupportedProtocols protocols;
    OK(QueryCredentialsAttributesA(&client, SECPKG_ATTR_SUPPORTED_PROTOCOLS, &protocols));
    CHECK_EQ("protocols as asked for", protocols.grbitProtocol, SP_PROT_TLS1_2_CLIENT);

    /* Wine 8 accepts no connection: AcceptSecurityContext is not supported there. */
    if (under_oracle()) {
        CHECK_EQ("the client begins", (ULONG)step(0, &client, &e.client, 1, &e.to_client, &e.to_server, NULL), SEC_I_CONTINUE_NEEDED);
        CHECK("with a handshake record", e.to_server.length > 5 && e.to_server.bytes[0] == 22 && e.to_server.bytes[1] == 3);
        return finish();
    }
    if (handshake(&e, &client, &server, NULL, NULL)) {
        agreed(&e, own);
        talk(&e.client, &e.server, &e.to_server, "GET / HTTP/1.1", 200);
        talk(&e.server, &e.client, &e.to_client, "HTTP/1.1 200 OK", 16384);
        talk(&e.client, &e.server, &e.to_server, "x", 1);
        shut(&e, &client);
    }
    OK(DeleteSecurityContext(&e.client));
    OK(DeleteSecurityContext(&e.server));

    /* Application protocols: the server's order decides. */
    BYTE wanted[] = {16, 0, 0, 0, 2, 0, 0, 0, 12, 0, 8, 'h', 't', 't', 'p', '/', '1', '.', '1', 2, 'h', '2'};
    SecBuffer alpn = {sizeof wanted, SECBUFFER_APPLICATION_PROTOCOLS, wanted};
    SecPkgContext_ApplicationProtocol chosen = {0};
    if (handshake(&e, &client, &server, &alpn, &alpn)) {
        OK(QueryContextAttributesA(&e.client, SECPKG_ATTR_APPLICATION_PROTOCOL, &chosen));
        CHECK("http/1.1", chosen.ProtoNegoStatus == SecApplicationProtocolNegotiationStatus_Success && chosen.ProtocolIdSize == 8 && !memcmp(chosen.ProtocolId, "http/1.1", 8));
    }
    DeleteSecurityContext(&e.client), DeleteSecurityContext(&e.server);

    /* A byte changed on the way, and no TLS at all. */
    if (handshake(&e, &client, &server, NULL, NULL)) {
        char header[5], data[16] = "changed", trailer[300];
        SecBuffer out[4] = {{5, SECBUFFER_STREAM_HEADER, header}, {16, SECBUFFER_DATA, data}, {280, SECBUFFER_STREAM_TRAILER, trailer}, {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc description = {SECBUFFER_VERSION, 4, out};
        OK(EncryptMessage(&e.client, 0, &description, 0));
        e.to_server.length = 0;
        for (int i = 0; i < 3; i++) put(&e.to_server, out[i].pvBuffer, out[i].cbBuffer);
        e.to_server.bytes[20] ^= 1;
        SecBuffer in[4] = {{e.to_server.length, SECBUFFER_DATA, e.to_server.bytes}, {0, SECBUFFER_EMPTY, NULL}, {0, SECBUFFER_EMPTY, NULL}, {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc inputs = {SECBUFFER_VERSION, 4, in};
        CHECK("a changed record is refused", DecryptMessage(&e.server, &inputs, 0, NULL) < 0);
    }
    DeleteSecurityContext(&e.client), DeleteSecurityContext(&e.server);
    CtxtHandle context;
    struct wire *noise = calloc(1, sizeof *noise), *answer = calloc(1, sizeof *answer);
    put(noise, "\x16\x03\x01\x00\x08nonsense", 13);
    CHECK("no TLS", step(1, &server, &context, 1, noise, answer, NULL) < 0);
    DeleteSecurityContext(&context);
    OK(FreeCredentialsHandle(&client));
    OK(FreeCredentialsHandle(&server));
    CertFreeCertificateContext(own);
    free(noise), free(answer);
    HCRYPTPROV provider;
    CHECK("container gone", CryptAcquireContextW(&provider, container, MS_ENH_RSA_AES_PROV_W, PROV_RSA_AES, CRYPT_DELETEKEYSET));
    return finish();
}
