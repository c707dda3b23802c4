import COpenSSL
package import TLS

/// A client of whatever manners that servers are tried with: the machine that the server uses, at the other end. It trusts
/// everybody.
package final class TestClient {
    private let context: OpaquePointer
    private let identity: TestAuthority.Identity?
    /// The session to resume with; the latest one given.
    private var session: OpaquePointer?

    /// - Parameters:
    ///   - identity: what it shows when it is asked.
    ///   - protocols: what it offers by ALPN; empty: it offers nothing.
    package init(
        _ identity: TestAuthority.Identity? = nil, protocols: [String] = [], maxVersion: Int32 = TLS1_3_VERSION,
        minVersion: Int32 = 0
    ) throws {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw TestAuthority.Failure() }
        self.context = context
        self.identity = identity
        SSL_CTX_set_security_level(context, 0)
        guard copenssl_set_max_version(context, maxVersion) == 1, copenssl_set_min_version(context, minVersion) == 1 else {
            throw TestAuthority.Failure()
        }
        if let identity {
            guard SSL_CTX_use_certificate(context, identity.certificate) == 1,
                SSL_CTX_use_PrivateKey(context, identity.key) == 1
            else { throw TestAuthority.Failure() }
        }
        let list = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        if !list.isEmpty { SSL_CTX_set_alpn_protos(context, list, UInt32(list.count)) }
        copenssl_set_session_cache(context, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE))
        SSL_CTX_sess_set_new_cb(context) { connection, session in
            guard let connection, let session, let place = SSL_get_ex_data(connection, 0) else { return 0 }
            Unmanaged<TestClient>.fromOpaque(place).takeUnretainedValue().keep(session)
            return 1
        }
    }

    deinit {
        SSL_SESSION_free(session)
        SSL_CTX_free(context)
    }

    private func keep(_ new: OpaquePointer) {
        SSL_SESSION_free(session)
        session = new
    }

    /// A new connection, which takes up the session of the one before. It must not outlive this.
    package func connect() throws -> TLSMachine {
        guard let connection = SSL_new(context) else { throw TestAuthority.Failure() }
        SSL_set_connect_state(connection)
        _ = copenssl_set_server_name(connection, "broker.example")
        SSL_set_ex_data(connection, 0, Unmanaged.passUnretained(self).toOpaque())
        if let session { SSL_set_session(connection, session) }
        return try TLSMachine(owning: connection, serverName: "")
    }
}
