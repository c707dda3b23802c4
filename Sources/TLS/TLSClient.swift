import COpenSSL

/// The client's end of a TLS connection without I/O: the caller moves the bytes. The server has proved its name when
/// `handshake` says that it is over. TLS 1.2 or later, HTTP/1.1 by ALPN.
///
///     feed(bytes from the socket), handshake() until true; then feed and read until `.needsMore`, and write;
///     after every call, withOutput { send it }
package struct TLSClient: ~Copyable {
    private var machine: TLSMachine
    /// Held as long as OpenSSL may put a session there.
    private let sessions: TLSSessionSlot?

    /// - Parameter sessions: a session there is resumed, and new ones are put there.
    package init(_ context: TLSContext, sessions: TLSSessionSlot? = nil) throws(TLSError) {
        ERR_clear_error()
        guard let connection = SSL_new(context.raw) else { throw .last(.local, "no memory") }
        SSL_set_connect_state(connection)
        if !context.isAddress { _ = copenssl_set_server_name(connection, context.serverName) }
        if let sessions {
            _ = SSL_set_ex_data(connection, 0, Unmanaged.passUnretained(sessions).toOpaque())
            if let session = sessions.session { _ = SSL_set_session(connection, session) }
        }
        let machine = try TLSMachine(owning: connection, serverName: context.serverName)
        self.machine = machine
        self.sessions = sessions
    }

    /// The server took up an earlier session.
    package var isResumed: Bool { machine.isResumed }
    /// `TLSv1.3`
    package var version: String { machine.version }
    /// What ALPN agreed on; empty: nothing, which means HTTP/1.1, too.
    package var applicationProtocol: String { machine.applicationProtocol }

    /// Ciphertext from the server; it is copied.
    package mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(TLSError) { try machine.feed(bytes) }

    /// Begins, or goes on with, the handshake; true: it is over. There may be something to send, also when it throws.
    package mutating func handshake() throws(TLSError) -> Bool { try machine.handshake() }

    /// Decrypts what was fed. What was fed stays until it is read.
    package mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TLSError) -> TLSRead {
        try machine.read(into: buffer)
    }

    /// Encrypts all of it, for `withOutput` to bring. Not before the handshake is over.
    package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(TLSError) { try machine.write(bytes) }

    /// Tells the server that no more will be sent.
    package mutating func close() { machine.close() }

    /// Something was fed that has not been read.
    package var hasInput: Bool { machine.hasInput }

    package var hasOutput: Bool { machine.hasOutput }

    /// Lends the ciphertext that is to be sent, which is gone from here afterwards.
    package mutating func withOutput(_ body: (UnsafeRawBufferPointer) -> Void) { machine.withOutput(body) }
}
