import COpenSSL

/// What the TLS connections to one server have in common: whom to trust, and the name that must be proved.
///
/// Sendable because it is not changed after its construction; OpenSSL counts references to it atomically.
package final class TLSContext: @unchecked Sendable {
    let raw: OpaquePointer
    /// The name, or literal address, that the server's certificate must be for.
    package let serverName: String
    /// A literal address is not sent as SNI (RFC 6066 section 3).
    let isAddress: Bool

    /// - Parameter serverName: a DNS name, or a literal address without brackets.
    package init(serverName: String, authorities: TLSAuthorities) throws(TLSError) {
        ERR_clear_error()
        guard let raw = SSL_CTX_new(TLS_client_method()) else { throw .last(.local, "no memory") }
        self.raw = raw
        self.serverName = serverName
        let parameters = SSL_CTX_get0_param(raw)
        isAddress = X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName) == 1
        ERR_clear_error()
        SSL_CTX_set1_cert_store(raw, authorities.store)
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
        if !isAddress {
            X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            // An empty name would mean that any is right.
            guard !serverName.isEmpty, X509_VERIFY_PARAM_set1_host(parameters, serverName, 0) == 1 else {
                throw TLSError(.local, "no server can prove the name \"\(serverName)\"")
            }
        }
        try configure()
    }

    deinit { SSL_CTX_free(raw) }

    private func configure() throws(TLSError) {
        copenssl_forbid_renegotiation(raw)
        // Buffers of an idle connection are given back.
        copenssl_set_mode(raw, Int(SSL_MODE_RELEASE_BUFFERS))
        copenssl_set_session_cache(raw, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE))
        SSL_CTX_sess_set_new_cb(raw) { connection, session in
            guard let connection, let session, let place = SSL_get_ex_data(connection, 0) else { return 0 }
            Unmanaged<TLSSessionSlot>.fromOpaque(place).takeUnretainedValue().keep(session)
            return 1
        }
        let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
        guard copenssl_set_min_version(raw, TLS1_2_VERSION) == 1,
            SSL_CTX_set_alpn_protos(raw, protocols, UInt32(protocols.count)) == 0
        else { throw .last(.local, "no memory") }
    }
}

/// The session to resume the next connection with: the latest that the server gave. For the connections of one context
/// to one address, and for one thread.
package final class TLSSessionSlot {
    private(set) var session: OpaquePointer?

    package init() {}

    deinit { if let session { SSL_SESSION_free(session) } }

    package var isEmpty: Bool { session == nil }

    /// Takes over a reference.
    func keep(_ new: OpaquePointer) {
        if let session { SSL_SESSION_free(session) }
        session = new
    }

    package func forget() {
        if let session { SSL_SESSION_free(session) }
        session = nil
    }
}
