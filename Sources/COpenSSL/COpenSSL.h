/* OpenSSL 3, as Debian's libssl-dev has it, and what of it is macros that Swift does not see. */
#include <openssl/bio.h>
#include <openssl/buffer.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline int copenssl_set_min_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline int copenssl_set_max_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_max_proto_version(context, version);
}

static inline void copenssl_forbid_renegotiation(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

static inline void copenssl_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline void copenssl_set_session_cache(SSL_CTX *context, long mode) { SSL_CTX_set_session_cache_mode(context, mode); }

static inline int copenssl_set_server_name(SSL *connection, const char *name) {
    return (int)SSL_set_tlsext_host_name(connection, name);
}

/* What a memory BIO holds, without taking it out. */
static inline size_t copenssl_pending(BIO *memory, const char **bytes) {
    char *start = NULL;
    long count = BIO_get_mem_data(memory, &start);
    *bytes = start;
    return count > 0 ? (size_t)count : 0;
}

/* Gives back what an empty memory BIO holds beyond `keep` bytes: it never shrinks by itself. */
static inline void copenssl_trim(BIO *memory, size_t keep) {
    BUF_MEM *buffer = NULL;
    (void)BIO_get_mem_ptr(memory, &buffer);
    if (!buffer || buffer->max <= keep || BIO_ctrl_pending(memory) > 0)
        return;
    buffer = BUF_MEM_new();
    if (buffer)
        (void)BIO_set_mem_buf(memory, buffer, BIO_CLOSE);
}

static inline void copenssl_clear(BIO *memory) { (void)BIO_reset(memory); }

/* Reading from an empty memory BIO means that more is to come, not that it is the end. */
static inline void copenssl_never_ends(BIO *memory) { BIO_set_mem_eof_return(memory, -1); }

static inline void copenssl_set_server_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}

/* Takes over a reference to `certificate`. */
static inline int copenssl_add_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add0_chain_cert(context, certificate);
}

static inline int copenssl_error_library(unsigned long code) { return ERR_GET_LIB(code); }
static inline int copenssl_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

/* RFC 4514, letters beyond ASCII as they are. */
static inline int copenssl_print_subject(BIO *memory, X509 *certificate) {
    unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    return X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, flags);
}

/* A subject alternative name: its GEN_* type and, for DNS, URI, e-mail and IP, its bytes; other types have none. */
static inline int copenssl_name_at(GENERAL_NAMES *names, int index, const unsigned char **bytes, int *count) {
    int type = 0;
    GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    *bytes = NULL;
    *count = 0;
    if (type == GEN_DNS || type == GEN_URI || type == GEN_EMAIL || type == GEN_IPADD) {
        *bytes = ASN1_STRING_get0_data(value);
        *count = ASN1_STRING_length(value);
    }
    return type;
}

static inline int copenssl_name_count(GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
