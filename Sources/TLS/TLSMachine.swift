import COpenSSL

/// What reading brought.
package enum TLSRead: Hashable, Sendable {
    case bytes(Int)
    /// More has to come in first.
    case needsMore
    /// The peer has said that it will send no more.
    case end
}

/// One end of a TLS connection without I/O, client or server: ciphertext goes in and comes out, plaintext too.
package struct TLSMachine: ~Copyable {
    /// Bytes of a buffer that stay allocated while it is empty.
    private static var bufferKept: Int { 8 << 10 }

    let connection: OpaquePointer
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    private let serverName: String

    /// - Parameter connection: fresh; it becomes this machine's.
    package init(owning connection: OpaquePointer, serverName: String) throws(TLSError) {
        guard let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem()) else {
            SSL_free(connection)
            throw .last(.local, "no memory")
        }
        copenssl_never_ends(incoming)
        SSL_set_bio(connection, incoming, outgoing)
        self.connection = connection
        self.incoming = incoming
        self.outgoing = outgoing
        self.serverName = serverName
    }

    deinit {
        // OpenSSL never resumes the session of a connection that is freed without a word of farewell; whether the peer
        // got one is of no matter to the next connection.
        SSL_set_shutdown(connection, SSL_SENT_SHUTDOWN | SSL_get_shutdown(connection))
        SSL_free(connection)
    }

    package var isResumed: Bool { SSL_session_reused(connection) == 1 }
    package var version: String { String(cString: SSL_get_version(connection)) }
    /// What ALPN agreed on; empty: nothing.
    package var applicationProtocol: String {
        var bytes: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(connection, &bytes, &count)
        return String(decoding: UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : Int(count)), as: UTF8.self)
    }

    /// Ciphertext from the peer.
    package mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        var written = 0
        guard BIO_write_ex(incoming, base, bytes.count, &written) == 1, written == bytes.count else {
            throw .last(.local, "no memory")
        }
    }

    /// Goes on with the handshake; true: it is over. There may be something to send either way, also when it throws.
    package mutating func handshake() throws(TLSError) -> Bool {
        ERR_clear_error()
        let result = SSL_do_handshake(connection)
        if result == 1 { return true }
        guard SSL_get_error(connection, result) == SSL_ERROR_WANT_READ else { throw .of(connection, serverName: serverName) }
        return false
    }

    /// Reads plaintext. There may be something to send afterwards.
    package mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TLSError) -> TLSRead {
        ERR_clear_error()
        var count = 0
        let result = SSL_read_ex(connection, buffer.baseAddress, buffer.count, &count)
        if result == 1 { return .bytes(count) }
        switch SSL_get_error(connection, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            copenssl_trim(incoming, Self.bufferKept)
            return .needsMore
        case SSL_ERROR_ZERO_RETURN: return .end
        default: throw .of(connection, serverName: serverName)
        }
    }

    /// Encrypts all of it, for `withOutput` to bring.
    package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        ERR_clear_error()
        var count = 0
        guard SSL_write_ex(connection, base, bytes.count, &count) == 1, count == bytes.count else {
            throw .of(connection, serverName: serverName)
        }
    }

    /// Tells the peer that no more will be sent.
    package mutating func close() {
        ERR_clear_error()
        // An unfinished handshake has nothing to close.
        guard SSL_is_init_finished(connection) == 1 else { return }
        _ = SSL_shutdown(connection)
        ERR_clear_error()
    }

    /// Something was fed that has not been read.
    package var hasInput: Bool { SSL_has_pending(connection) == 1 || BIO_ctrl_pending(incoming) > 0 }

    package var hasOutput: Bool { BIO_ctrl_pending(outgoing) > 0 }

    /// Lends the ciphertext that is to be sent, which is gone from here afterwards.
    package mutating func withOutput(_ body: (UnsafeRawBufferPointer) -> Void) {
        var start: UnsafePointer<CChar>?
        let count = copenssl_pending(outgoing, &start)
        guard count > 0 else { return }
        body(UnsafeRawBufferPointer(start: start, count: count))
        copenssl_clear(outgoing)
        copenssl_trim(outgoing, Self.bufferKept)
    }
}
