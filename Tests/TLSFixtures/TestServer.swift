import COpenSSL
package import TLS

/// The server that clients are tried against: the machine that the client uses, at the other end.
package final class TestServer {
    private let context: OpaquePointer
    private let identity: TestAuthority.Identity

    package init(_ identity: TestAuthority.Identity, maxVersion: Int32 = TLS1_3_VERSION, minVersion: Int32 = 0) throws {
        guard let context = SSL_CTX_new(TLS_server_method()) else { throw TestAuthority.Failure() }
        self.context = context
        self.identity = identity
        guard copenssl_set_max_version(context, maxVersion) == 1, copenssl_set_min_version(context, minVersion) == 1,
            SSL_CTX_use_certificate(context, identity.certificate) == 1, SSL_CTX_use_PrivateKey(context, identity.key) == 1
        else { throw TestAuthority.Failure() }
        SSL_CTX_set_session_id_context(context, [1], 1)
        SSL_CTX_set_security_level(context, 0)
        SSL_CTX_set_alpn_select_cb(
            context,
            { _, selected, count, offered, offeredCount, _ in
                // The first that is offered, as it stands there: its length, then its name.
                guard let offered, offeredCount > 1 else { return SSL_TLSEXT_ERR_NOACK }
                selected?.pointee = offered + 1
                count?.pointee = offered[0]
                return SSL_TLSEXT_ERR_OK
            }, nil)
    }

    deinit { SSL_CTX_free(context) }

    /// A connection that has just come in.
    package func accept() throws -> TLSMachine {
        guard let connection = SSL_new(context) else { throw TestAuthority.Failure() }
        SSL_set_accept_state(connection)
        return try TLSMachine(owning: connection, serverName: "")
    }
}
