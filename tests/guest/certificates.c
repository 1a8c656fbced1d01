/* crypt32: keys and certificates out of PKCS #12 files, and the root certificates of the host. */
#include "check.h"
#include <wincrypt.h>
#include "pfx.h"

static BOOL decode(const char *text, CRYPT_DATA_BLOB *blob) {
    blob->cbData = 0;
    CryptStringToBinaryA(text, 0, CRYPT_STRING_BASE64, NULL, &blob->cbData, NULL, NULL);
    blob->pbData = malloc(blob->cbData);
    return CryptStringToBinaryA(text, 0, CRYPT_STRING_BASE64, blob->pbData, &blob->cbData, NULL, NULL);
}

static void pfx(const char *name, const char *text) {
    CRYPT_DATA_BLOB blob;
    say("%s", name);
    CHECK("base64", decode(text, &blob));
    HCERTSTORE store = PFXImportCertStore(&blob, L"wrong", CRYPT_EXPORTABLE | PKCS12_NO_PERSIST_KEY);
    CHECK("a wrong password", store == NULL);
    store = PFXImportCertStore(&blob, L"secret", CRYPT_EXPORTABLE | PKCS12_NO_PERSIST_KEY);
    if (!CHECK("PFXImportCertStore", store != NULL)) return;
    PCCERT_CONTEXT certificate = CertEnumCertificatesInStore(store, NULL);
    CHECK("a certificate", certificate != NULL);
    char subject[64] = "";
    CertGetNameStringA(certificate, CERT_NAME_SIMPLE_DISPLAY_TYPE, 0, NULL, subject, sizeof subject);
    CHECK("its name", !strcmp(subject, "Portcullis PFX"));
    CERT_KEY_CONTEXT key = {0};
    DWORD size = sizeof key, length = 0;
    CHECK("its key", CertGetCertificateContextProperty(certificate, CERT_KEY_CONTEXT_PROP_ID, &key, &size) && key.hCryptProv);
    /* What the file's key signs, the certificate's key must find good. */
    HCRYPTHASH hash = 0;
    HCRYPTKEY public_key = 0;
    BYTE signature[256];
    CHECK("hash", CryptCreateHash(key.hCryptProv, CALG_SHA1, 0, 0, &hash) && CryptHashData(hash, (const BYTE *)"data", 4, 0));
    length = sizeof signature;
    CHECK("sign", CryptSignHashW(hash, AT_KEYEXCHANGE, NULL, 0, signature, &length) && length == 256);
    CHECK("public key", CryptImportPublicKeyInfo(key.hCryptProv, X509_ASN_ENCODING, &certificate->pCertInfo->SubjectPublicKeyInfo, &public_key));
    CHECK("verify", CryptVerifySignatureW(hash, signature, length, public_key, NULL, 0));
    signature[9] ^= 1;
    CHECK("verify what was changed", !CryptVerifySignatureW(hash, signature, length, public_key, NULL, 0));
    CryptDestroyHash(hash);
    CryptDestroyKey(public_key);
    CHECK("no other certificate", CertEnumCertificatesInStore(store, certificate) == NULL);
    CertCloseStore(store, 0);
    blob.pbData[40] ^= 0xff;
    WINE8_DIFFERS(CHECK("a damaged file", PFXImportCertStore(&blob, L"secret", 0) == NULL));
    blob.cbData = 10;
    CHECK("a piece of a file", PFXImportCertStore(&blob, L"secret", 0) == NULL);
    free(blob.pbData);
}

static void roots(void) {
    HCERTSTORE store = CertOpenSystemStoreA(0, "ROOT");
    PCCERT_CONTEXT certificate = NULL;
    unsigned count = 0, own = 0;
    CHECK("root store", store != NULL);
    while ((certificate = CertEnumCertificatesInStore(store, certificate))) {
        count++;
        own += CertCompareCertificateName(X509_ASN_ENCODING, &certificate->pCertInfo->Subject, &certificate->pCertInfo->Issuer);
    }
    CHECK("root certificates", count > 0);
    CHECK("that vouch for themselves", own == count);
    say("%u roots", count);
    CertCloseStore(store, 0);
}

/* What asks for chains, in each size that the structure has had: dwExclusiveFlags came with Windows 8. */
static void engines(void) {
    struct { CERT_CHAIN_ENGINE_CONFIG config; BYTE more[64]; } of = {0};
    static const DWORD sizes[] = {0x40, 0x50, 0x58};
    HCERTSTORE own = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    for (int i = 0; i < 3; i++) {
        HCERTCHAINENGINE engine = NULL;
        of.config.cbSize = sizes[i];
        if (sizes[i] > 0x40) memcpy((BYTE *)&of + 0x40, &own, sizeof own); /* hExclusiveRoot */
        BOOL made = CertCreateCertificateChainEngine(&of.config, &engine);
        if (sizes[i] < 0x58 || !under_oracle()) CHECK("an engine", made && engine);
        if (made) CertFreeCertificateChainEngine(engine);
    }
    of.config.cbSize = 0x60;
    CHECK_ERROR("of no known size", CertCreateCertificateChainEngine(&of.config, &(HCERTCHAINENGINE){0}), 0x80070057);
    CertCloseStore(own, 0);
}

int main(void) {
    engines();
    pfx("AES-256, PBKDF2", pfx_modern);
    pfx("RC2, 3DES", pfx_legacy);
    roots();
    return finish();
}
