/* OpenSSL 3, as Debian's libssl-dev has it, and what of it is macros that Swift does not see. */
#include <openssl/bio.h>
#include <openssl/err.h>
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

static inline void copenssl_clear(BIO *memory) { (void)BIO_reset(memory); }

/* Reading from an empty memory BIO means that more is to come, not that it is the end. */
static inline void copenssl_never_ends(BIO *memory) { BIO_set_mem_eof_return(memory, -1); }
