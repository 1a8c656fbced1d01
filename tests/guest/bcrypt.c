/* bcrypt: ciphers by known answers, public keys by known answers and round trips, blobs, paddings, refusals. */
#include "check.h"
#include <bcrypt.h>

#define OK(call) CHECK_EQ(#call, (ULONG)(call), 0)
#define SAME(name, a, b, n) CHECK(name, !memcmp(a, b, n))

static ULONG unhex(const char *text, UCHAR *into) {
    ULONG n = 0;
    for (; text[0] && text[1]; text += 2, n++) {
        unsigned v;
        char pair[3] = {text[0], text[1], 0};
        sscanf(pair, "%2x", &v);
        into[n] = (UCHAR)v;
    }
    return n;
}

static BCRYPT_ALG_HANDLE open_algorithm(const WCHAR *name, const WCHAR *mode) {
    BCRYPT_ALG_HANDLE a = NULL;
    CHECK_EQ("BCryptOpenAlgorithmProvider", (ULONG)BCryptOpenAlgorithmProvider(&a, name, NULL, 0), 0);
    if (mode) CHECK_EQ("chaining mode", (ULONG)BCryptSetProperty(a, BCRYPT_CHAINING_MODE, (UCHAR *)mode, (ULONG)(wcslen(mode) + 1) * 2, 0), 0);
    return a;
}

static void cipher(const char *name, const WCHAR *algorithm, const WCHAR *mode, const char *key_, const char *iv_, const char *plain_, const char *text_) {
    UCHAR key[64], iv[16], used[16], plain[256], text[256], out[256];
    ULONG keys = unhex(key_, key), ivs = unhex(iv_, iv), n = unhex(plain_, plain), done = 0;
    unhex(text_, text);
    BCRYPT_ALG_HANDLE a = open_algorithm(algorithm, mode);
    BCRYPT_KEY_HANDLE k = NULL, copy = NULL;
    OK(BCryptGenerateSymmetricKey(a, &k, NULL, 0, key, keys, 0));
    memcpy(used, iv, sizeof iv);
    OK(BCryptEncrypt(k, plain, n, NULL, ivs ? used : NULL, ivs, out, sizeof out, &done, 0));
    CHECK_EQ("as long", done, n);
    SAME(name, out, text, n);
    if (ivs) WINE8_DIFFERS(SAME("the vector goes on", used, text + n - ivs, ivs));
    OK(BCryptDuplicateKey(k, &copy, NULL, 0, 0));
    memcpy(used, iv, sizeof iv);
    memset(out, 0, sizeof out);
    OK(BCryptDecrypt(copy, text, n, NULL, ivs ? used : NULL, ivs, out, sizeof out, &done, 0));
    SAME("and back, by a copy of the key", out, plain, n);
    if (ivs && !under_oracle()) {
        /* In two calls that share the vector. */
        memcpy(used, iv, sizeof iv);
        OK(BCryptEncrypt(k, plain, ivs, NULL, used, ivs, out, sizeof out, &done, 0));
        OK(BCryptEncrypt(k, plain + ivs, n - ivs, NULL, used, ivs, out + ivs, sizeof out, &done, 0));
        SAME("in parts", out, text, n);
    }
    OK(BCryptDestroyKey(copy));
    OK(BCryptDestroyKey(k));
    OK(BCryptCloseAlgorithmProvider(a, 0));
}

static void ciphers(void) {
    static const char key[] = "2b7e151628aed2a6abf7158809cf4f3c", iv[] = "000102030405060708090a0b0c0d0e0f",
        plain[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";
    cipher("AES-128 ECB", BCRYPT_AES_ALGORITHM, BCRYPT_CHAIN_MODE_ECB, key, "", plain, "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf");
    cipher("AES-128 CBC", BCRYPT_AES_ALGORITHM, BCRYPT_CHAIN_MODE_CBC, key, iv, plain, "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
    cipher("AES-192 CBC", BCRYPT_AES_ALGORITHM, BCRYPT_CHAIN_MODE_CBC, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", iv, plain, "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a");
    cipher("AES-256 CBC", BCRYPT_AES_ALGORITHM, BCRYPT_CHAIN_MODE_CBC, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", iv, plain, "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d");
    cipher("3DES CBC", BCRYPT_3DES_ALGORITHM, BCRYPT_CHAIN_MODE_CBC, "0123456789abcdef0123456789abcdef0123456789abcdef", "1234567890abcdef", "4e6f77206973207468652074696d6520", "e5c7cdde872bf27c43e934008c389c0f");

    UCHAR k[32] = {1}, iv16[16] = {2}, text[64], back[64], data[40] = "padding fills up what is no whole block";
    ULONG n, m;
    BCRYPT_ALG_HANDLE a = open_algorithm(BCRYPT_AES_ALGORITHM, BCRYPT_CHAIN_MODE_CBC);
    BCRYPT_KEY_HANDLE h;
    OK(BCryptGenerateSymmetricKey(a, &h, NULL, 0, k, sizeof k, 0));
    OK(BCryptEncrypt(h, data, sizeof data, NULL, iv16, 16, NULL, 0, &n, BCRYPT_BLOCK_PADDING));
    CHECK_EQ("length with padding", n, 48);
    OK(BCryptEncrypt(h, data, sizeof data, NULL, iv16, 16, text, sizeof text, &n, BCRYPT_BLOCK_PADDING));
    memset(iv16, 0, 16);
    iv16[0] = 2;
    OK(BCryptDecrypt(h, text, n, NULL, iv16, 16, back, sizeof back, &m, BCRYPT_BLOCK_PADDING));
    CHECK_EQ("length without", m, sizeof data);
    SAME("padding and back", back, data, sizeof data);
    CHECK_EQ("no whole block", (ULONG)BCryptEncrypt(h, data, 15, NULL, iv16, 16, text, sizeof text, &n, 0), 0xc0000206);
    BCryptDestroyKey(h);
    BCryptCloseAlgorithmProvider(a, 0);
}

static void gcm(void) {
    UCHAR key[16], nonce[12], aad[20], plain[60], text[60], tag[16], want[60], out[60], got[16];
    unhex("feffe9928665731c6d6a8f9467308308", key);
    unhex("cafebabefacedbaddecaf888", nonce);
    unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);
    unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39", plain);
    unhex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091", want);
    unhex("5bc94fbc3221a5db94fae95ae7121a47", tag);
    BCRYPT_ALG_HANDLE a = open_algorithm(BCRYPT_AES_ALGORITHM, BCRYPT_CHAIN_MODE_GCM);
    BCRYPT_KEY_HANDLE k;
    ULONG n;
    OK(BCryptGenerateSymmetricKey(a, &k, NULL, 0, key, sizeof key, 0));
    BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO info;
    BCRYPT_INIT_AUTH_MODE_INFO(info);
    info.pbNonce = nonce, info.cbNonce = sizeof nonce;
    info.pbAuthData = aad, info.cbAuthData = sizeof aad;
    info.pbTag = got, info.cbTag = sizeof got;
    OK(BCryptEncrypt(k, plain, sizeof plain, &info, NULL, 0, text, sizeof text, &n, 0));
    SAME("GCM text", text, want, sizeof want);
    SAME("GCM tag", got, tag, sizeof tag);
    OK(BCryptDecrypt(k, text, sizeof text, &info, NULL, 0, out, sizeof out, &n, 0));
    SAME("GCM back", out, plain, sizeof plain);
    got[3] ^= 1;
    CHECK_EQ("a wrong tag", (ULONG)BCryptDecrypt(k, text, sizeof text, &info, NULL, 0, out, sizeof out, &n, 0), 0xc000a002);
    /* Much at once, and in place. */
    ULONG big = 300000;
    UCHAR *buffer = malloc(big), *copy = malloc(big);
    for (ULONG i = 0; i < big; i++) copy[i] = buffer[i] = (UCHAR)(i * 7);
    OK(BCryptEncrypt(k, buffer, big, &info, NULL, 0, buffer, big, &n, 0));
    CHECK("changed", memcmp(buffer, copy, big));
    OK(BCryptDecrypt(k, buffer, big, &info, NULL, 0, buffer, big, &n, 0));
    SAME("300000 bytes in place", buffer, copy, big);
    free(buffer), free(copy);
    BCryptDestroyKey(k);
    BCryptCloseAlgorithmProvider(a, 0);
}

/* Exports a key's blob and makes a key of it. */
static BCRYPT_KEY_HANDLE again(BCRYPT_ALG_HANDLE a, BCRYPT_KEY_HANDLE k, const WCHAR *type) {
    ULONG n = 0, m = 0;
    BCRYPT_KEY_HANDLE made = NULL;
    OK(BCryptExportKey(k, NULL, type, NULL, 0, &n, 0));
    UCHAR *blob = malloc(n), *second = malloc(n);
    OK(BCryptExportKey(k, NULL, type, blob, n, &n, 0));
    OK(BCryptImportKeyPair(a, NULL, type, &made, blob, n, 0));
    OK(BCryptExportKey(made, NULL, type, second, n, &m, 0));
    /* Wine 8 loses leading zeros now and then. */
    WINE8_DIFFERS(CHECK("the same blob again", n == m && !memcmp(blob, second, n)));
    free(blob), free(second);
    return made;
}

static void signatures(const WCHAR *algorithm, ULONG bits, const WCHAR *private_type, const WCHAR *public_type, ULONG hash_size, void *padding, ULONG flags) {
    BCRYPT_ALG_HANDLE a = open_algorithm(algorithm, NULL);
    BCRYPT_KEY_HANDLE k, private_key, public_key;
    UCHAR hash[64], signature[1024];
    ULONG n = 0;
    for (ULONG i = 0; i < sizeof hash; i++) hash[i] = (UCHAR)(i * 37 + 1);
    OK(BCryptGenerateKeyPair(a, &k, bits, 0));
    OK(BCryptFinalizeKeyPair(k, 0));
    private_key = private_type ? again(a, k, private_type) : k;
    public_key = again(a, k, public_type);
    OK(BCryptSignHash(private_key, padding, hash, hash_size, signature, sizeof signature, &n, flags));
    OK(BCryptVerifySignature(public_key, padding, hash, hash_size, signature, n, flags));
    hash[2] ^= 4;
    CHECK_EQ("another hash", (ULONG)BCryptVerifySignature(public_key, padding, hash, hash_size, signature, n, flags), 0xc000a000);
    hash[2] ^= 4;
    signature[n / 2 + 3] ^= 1;
    CHECK_EQ("another signature", (ULONG)BCryptVerifySignature(public_key, padding, hash, hash_size, signature, n, flags), 0xc000a000);
    CHECK("a public key signs nothing", BCryptSignHash(public_key, padding, hash, hash_size, signature, sizeof signature, &n, flags));
    if (private_key != k) BCryptDestroyKey(private_key);
    BCryptDestroyKey(public_key);
    BCryptDestroyKey(k);
    BCryptCloseAlgorithmProvider(a, 0);
}

static void rsa_messages(void) {
    BCRYPT_ALG_HANDLE a = open_algorithm(BCRYPT_RSA_ALGORITHM, NULL);
    BCRYPT_KEY_HANDLE k;
    UCHAR text[256], out[256];
    ULONG n = 0, m = 0;
    OK(BCryptGenerateKeyPair(a, &k, 1024, 0));
    OK(BCryptFinalizeKeyPair(k, 0));
    OK(BCryptEncrypt(k, (UCHAR *)"message", 7, NULL, NULL, 0, NULL, 0, &n, BCRYPT_PAD_PKCS1));
    CHECK_EQ("size of an encrypted message", n, 128);
    OK(BCryptEncrypt(k, (UCHAR *)"message", 7, NULL, NULL, 0, text, sizeof text, &n, BCRYPT_PAD_PKCS1));
    OK(BCryptDecrypt(k, text, n, NULL, NULL, 0, out, sizeof out, &m, BCRYPT_PAD_PKCS1));
    CHECK("PKCS #1", m == 7 && !memcmp(out, "message", 7));
    BCRYPT_OAEP_PADDING_INFO oaep = {BCRYPT_SHA256_ALGORITHM, (UCHAR *)"label", 5}, other = {BCRYPT_SHA256_ALGORITHM, (UCHAR *)"lapel", 5};
    /* Wine 8 knows no OAEP. */
    if (!under_oracle()) {
        OK(BCryptEncrypt(k, (UCHAR *)"message", 7, &oaep, NULL, 0, text, sizeof text, &n, BCRYPT_PAD_OAEP));
        OK(BCryptDecrypt(k, text, n, &oaep, NULL, 0, out, sizeof out, &m, BCRYPT_PAD_OAEP));
        CHECK("OAEP", m == 7 && !memcmp(out, "message", 7));
        CHECK("OAEP with another label", BCryptDecrypt(k, text, n, &other, NULL, 0, out, sizeof out, &m, BCRYPT_PAD_OAEP));
    }
    BCryptDestroyKey(k);
    BCryptCloseAlgorithmProvider(a, 0);
}

static void agreement(const WCHAR *algorithm, ULONG bits, const WCHAR *private_type, const WCHAR *public_type) {
    BCRYPT_ALG_HANDLE a = open_algorithm(algorithm, NULL);
    BCRYPT_KEY_HANDLE ours, theirs, ours_again, theirs_public;
    BCRYPT_SECRET_HANDLE s1, s2;
    UCHAR d1[32] = {1}, d2[32] = {2};
    ULONG n = 0, m = 0;
    WCHAR name[] = BCRYPT_SHA256_ALGORITHM;
    BCryptBuffer buffer = {sizeof name, KDF_HASH_ALGORITHM, name};
    BCryptBufferDesc description = {BCRYPTBUFFER_VERSION, 1, &buffer};
    OK(BCryptGenerateKeyPair(a, &ours, bits, 0));
    OK(BCryptFinalizeKeyPair(ours, 0));
    OK(BCryptGenerateKeyPair(a, &theirs, bits, 0));
    if (algorithm[0] == 'D') {
        /* Both in one group. */
        UCHAR group[1100];
        OK(BCryptGetProperty(ours, BCRYPT_DH_PARAMETERS, group, sizeof group, &n, 0));
        OK(BCryptSetProperty(theirs, BCRYPT_DH_PARAMETERS, group, n, 0));
    }
    OK(BCryptFinalizeKeyPair(theirs, 0));
    ours_again = again(a, ours, private_type);
    theirs_public = again(a, theirs, public_type);
    OK(BCryptSecretAgreement(ours_again, theirs_public, &s1, 0));
    OK(BCryptSecretAgreement(theirs, ours, &s2, 0));
    /* Debian's Wine 8 stands on a GnuTLS that derives nothing. */
    if (!under_oracle()) {
        OK(BCryptDeriveKey(s1, BCRYPT_KDF_HASH, &description, d1, sizeof d1, &n, 0));
        OK(BCryptDeriveKey(s2, BCRYPT_KDF_HASH, &description, d2, sizeof d2, &m, 0));
        CHECK("both have the same secret", n == 32 && m == 32 && !memcmp(d1, d2, 32));
    }
    BCryptDestroySecret(s1), BCryptDestroySecret(s2);
    BCryptDestroyKey(ours), BCryptDestroyKey(theirs), BCryptDestroyKey(ours_again), BCryptDestroyKey(theirs_public);
    BCryptCloseAlgorithmProvider(a, 0);
}

/* What others computed: RFC 6979's key on P-256 and its signature of "sample", and RFC 5903's agreement. */
static void known_keys(void) {
    UCHAR blob[8 + 96], hash[32], signature[64];
    BCRYPT_ALG_HANDLE a = open_algorithm(BCRYPT_ECDSA_P256_ALGORITHM, NULL);
    BCRYPT_KEY_HANDLE k = NULL;
    *(ULONG *)blob = BCRYPT_ECDSA_PUBLIC_P256_MAGIC, *(ULONG *)(blob + 4) = 32;
    unhex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB67903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299", blob + 8);
    unhex("AF2BDBE1AA9B6EC1E2ADE1D694F41FC71A831D0268E9891562113D8A62ADD1BF", hash);
    unhex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8", signature);
    OK(BCryptImportKeyPair(a, NULL, BCRYPT_ECCPUBLIC_BLOB, &k, blob, 72, 0));
    OK(BCryptVerifySignature(k, NULL, hash, 32, signature, 64, 0));
    BCryptDestroyKey(k);
    blob[9] ^= 1;
    WINE8_DIFFERS(CHECK("a point off the curve", BCryptImportKeyPair(a, NULL, BCRYPT_ECCPUBLIC_BLOB, &k, blob, 72, 0)));
    BCryptCloseAlgorithmProvider(a, 0);

    UCHAR raw[32], want[32];
    BCRYPT_KEY_HANDLE ours, theirs;
    BCRYPT_SECRET_HANDLE secret;
    ULONG n = 0;
    a = open_algorithm(BCRYPT_ECDH_P256_ALGORITHM, NULL);
    *(ULONG *)blob = BCRYPT_ECDH_PRIVATE_P256_MAGIC;
    unhex("DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C37725811805271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3"
          "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433", blob + 8);
    OK(BCryptImportKeyPair(a, NULL, BCRYPT_ECCPRIVATE_BLOB, &ours, blob, 104, 0));
    *(ULONG *)blob = BCRYPT_ECDH_PUBLIC_P256_MAGIC;
    unhex("D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF6356FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB", blob + 8);
    OK(BCryptImportKeyPair(a, NULL, BCRYPT_ECCPUBLIC_BLOB, &theirs, blob, 72, 0));
    OK(BCryptSecretAgreement(ours, theirs, &secret, 0));
    WINE8_DIFFERS(OK(BCryptDeriveKey(secret, BCRYPT_KDF_RAW_SECRET, NULL, raw, sizeof raw, &n, 0)));
    unhex("D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE", want);
    int little = 1;
    for (int i = 0; i < 32; i++) little &= raw[i] == want[31 - i];
    WINE8_DIFFERS(CHECK("RFC 5903's secret, little-endian", n == 32 && little));
    BCryptDestroySecret(secret), BCryptDestroyKey(ours), BCryptDestroyKey(theirs);
    BCryptCloseAlgorithmProvider(a, 0);
}

/* A handle's memory is the program's: whatever it writes there, the kernel must not fall over it. */
static void forged(void) {
    BCRYPT_ALG_HANDLE a = open_algorithm(BCRYPT_RSA_ALGORITHM, NULL);
    BCRYPT_KEY_HANDLE k;
    UCHAR signature[256], hash[32] = {0};
    ULONG n;
    BCRYPT_PKCS1_PADDING_INFO padding = {BCRYPT_SHA256_ALGORITHM};
    OK(BCryptGenerateKeyPair(a, &k, 1024, 0));
    OK(BCryptFinalizeKeyPair(k, 0));
    UINT64 *words = (UINT64 *)((UCHAR *)k + 8), saved = words[0];
    UINT64 wrong[] = {0, saved + 1000, ~0ull, 0x7fff00000000ull, (UINT64)k};
    for (int i = 0; i < 5; i++) {
        words[0] = wrong[i];
        CHECK("a forged key signs nothing", BCryptSignHash(k, &padding, hash, 32, signature, sizeof signature, &n, BCRYPT_PAD_PKCS1));
    }
    words[0] = saved;
    OK(BCryptSignHash(k, &padding, hash, 32, signature, sizeof signature, &n, BCRYPT_PAD_PKCS1));
    UCHAR blob[24] = {0};
    *(ULONG *)blob = BCRYPT_RSAPUBLIC_MAGIC;
    ((ULONG *)blob)[2] = 0x10000, ((ULONG *)blob)[3] = 0xffff0000;
    BCRYPT_KEY_HANDLE bad;
    CHECK("a blob that claims more than it holds", BCryptImportKeyPair(a, NULL, BCRYPT_RSAPUBLIC_BLOB, &bad, blob, sizeof blob, 0));
    BCryptDestroyKey(k);
    BCryptCloseAlgorithmProvider(a, 0);
}

int main(void) {
    ciphers();
    gcm();
    BCRYPT_PKCS1_PADDING_INFO pkcs1 = {BCRYPT_SHA256_ALGORITHM}, sha1 = {BCRYPT_SHA1_ALGORITHM}, plain = {NULL};
    BCRYPT_PSS_PADDING_INFO pss = {BCRYPT_SHA384_ALGORITHM, 48};
    signatures(BCRYPT_RSA_ALGORITHM, 2048, BCRYPT_RSAFULLPRIVATE_BLOB, BCRYPT_RSAPUBLIC_BLOB, 32, &pkcs1, BCRYPT_PAD_PKCS1);
    signatures(BCRYPT_RSA_ALGORITHM, 1024, BCRYPT_RSAPRIVATE_BLOB, BCRYPT_RSAPUBLIC_BLOB, 20, &sha1, BCRYPT_PAD_PKCS1);
    signatures(BCRYPT_RSA_ALGORITHM, 1024, BCRYPT_RSAPRIVATE_BLOB, BCRYPT_RSAPUBLIC_BLOB, 48, &pss, BCRYPT_PAD_PSS);
    if (!under_oracle()) signatures(BCRYPT_RSA_ALGORITHM, 1024, BCRYPT_RSAPRIVATE_BLOB, BCRYPT_RSAPUBLIC_BLOB, 36, &plain, BCRYPT_PAD_PKCS1);
    signatures(BCRYPT_ECDSA_P256_ALGORITHM, 256, BCRYPT_ECCPRIVATE_BLOB, BCRYPT_ECCPUBLIC_BLOB, 32, NULL, 0);
    signatures(BCRYPT_ECDSA_P256_ALGORITHM, 256, BCRYPT_ECCPRIVATE_BLOB, BCRYPT_ECCPUBLIC_BLOB, 20, NULL, 0);
    /* Wine's own import takes no private blob on P-384 for signatures. */
    signatures(BCRYPT_ECDSA_P384_ALGORITHM, 384, NULL, BCRYPT_ECCPUBLIC_BLOB, 48, NULL, 0);
    signatures(BCRYPT_DSA_ALGORITHM, 1024, NULL, BCRYPT_DSA_PUBLIC_BLOB, 20, NULL, 0);
    rsa_messages();
    agreement(BCRYPT_ECDH_P256_ALGORITHM, 256, BCRYPT_ECCPRIVATE_BLOB, BCRYPT_ECCPUBLIC_BLOB);
    agreement(BCRYPT_ECDH_P384_ALGORITHM, 384, BCRYPT_ECCPRIVATE_BLOB, BCRYPT_ECCPUBLIC_BLOB);
    /* Wine 8 has no Diffie-Hellman. */
    if (!under_oracle()) agreement(BCRYPT_DH_ALGORITHM, 2048, BCRYPT_DH_PRIVATE_BLOB, BCRYPT_DH_PUBLIC_BLOB);
    known_keys();
    forged();
    return finish();
}
