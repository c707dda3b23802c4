import COpenSSL

/// What the TLS connections that one listener accepts have in common: the certificate shown, and whose certificates prove a
/// caller. TLS 1.2 or later, HTTP/1.1 by ALPN, sessions resumed by tickets, no renegotiation.
///
/// Sendable because it is not changed after its construction; OpenSSL counts references to it atomically, and locks the
/// keys of its tickets for itself.
package final class TLSServerContext: @unchecked Sendable {
    /// Whether callers are asked for certificates.
    package enum Verification: Hashable, Sendable {
        case off
        /// One that is shown must be good.
        case optional
        case required
    }

    let raw: OpaquePointer
    package let verification: Verification

    /// - Parameters:
    ///   - chain: PEM: the certificate, then those that lead to its root.
    ///   - key: its private key in PEM, without a passphrase.
    ///   - clientAuthorities: PEM: whose certificates prove a caller; needed unless `verification` is `.off`.
    /// - Throws: when anything of it can't be read, or the key is another certificate's.
    package init(
        chain: String, key: String, clientAuthorities: String? = nil, verification: Verification = .off
    ) throws(TLSError) {
        ERR_clear_error()
        guard let raw = SSL_CTX_new(TLS_server_method()) else { throw .last(.local, "no memory") }
        self.raw = raw
        self.verification = verification
        try show(chain)
        try use(key)
        if verification != .off { try ask(clientAuthorities ?? "") }
        try configure()
    }

    deinit { SSL_CTX_free(raw) }

    private func show(_ chain: String) throws(TLSError) {
        var certificates = try PEM.certificates(chain, "the certificate")
        defer { PEM.free(certificates) }
        guard SSL_CTX_use_certificate(raw, certificates[0]) == 1 else {
            throw TLSError(.local, "cannot use the certificate: \(TLSError.last(.local, "it is not accepted"))")
        }
        while certificates.count > 1 {
            guard copenssl_add_chain(raw, certificates[1]) == 1 else { throw .last(.local, "no memory") }
            certificates.remove(at: 1)
        }
    }

    private func use(_ text: String) throws(TLSError) {
        let key = try PEM.key(text)
        defer { EVP_PKEY_free(key) }
        guard SSL_CTX_use_PrivateKey(raw, key) == 1, SSL_CTX_check_private_key(raw) == 1 else {
            ERR_clear_error()
            throw TLSError(.local, "the private key is not the certificate's")
        }
    }

    private func ask(_ authorities: String) throws(TLSError) {
        let certificates = try PEM.certificates(authorities, "the authorities of callers")
        defer { PEM.free(certificates) }
        guard let store = X509_STORE_new() else { throw .last(.local, "no memory") }
        // What is given is trusted, also where it is not a root.
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        SSL_CTX_set_cert_store(raw, store)
        for certificate in certificates {
            guard X509_STORE_add_cert(store, certificate) == 1, SSL_CTX_add_client_CA(raw, certificate) == 1 else {
                throw .last(.local, "no memory")
            }
        }
        let strictness = verification == .required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | strictness, nil)
    }

    private func configure() throws(TLSError) {
        copenssl_forbid_renegotiation(raw)
        copenssl_set_server_options(raw)
        copenssl_set_mode(raw, Int(SSL_MODE_RELEASE_BUFFERS))
        // Nothing is kept here of sessions: all is in the tickets, sealed with keys that go with this context, so none
        // outlives the authorities that its certificate was checked against.
        copenssl_set_session_cache(raw, Int(SSL_SESS_CACHE_OFF))
        let name = Array("modelbroker".utf8)
        guard copenssl_set_min_version(raw, TLS1_2_VERSION) == 1,
            SSL_CTX_set_session_id_context(raw, name, UInt32(name.count)) == 1
        else { throw .last(.local, "no memory") }
        SSL_CTX_set_timeout(raw, 3600)
        SSL_CTX_set_alpn_select_cb(
            raw,
            { _, selected, count, offered, offeredCount, _ in
                guard let offered,
                    let place = TLSServerContext.http1(in: UnsafeBufferPointer(start: offered, count: Int(offeredCount)))
                else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                selected?.pointee = offered + place
                count?.pointee = 8
                return SSL_TLSEXT_ERR_OK
            }, nil)
    }

    /// Where the name `http/1.1` stands in a list of names, each behind its length.
    private static func http1(in offered: UnsafeBufferPointer<UInt8>) -> Int? {
        var start = 0
        while start < offered.count {
            let (first, end) = (start + 1, start + 1 + Int(offered[start]))
            guard end <= offered.count else { return nil }
            if offered[first..<end].elementsEqual("http/1.1".utf8) { return first }
            start = end
        }
        return nil
    }
}
