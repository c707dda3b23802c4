import COpenSSL

/// The server's end of a TLS connection without I/O: the caller moves the bytes.
///
///     feed(bytes from the socket), handshake() until true; then feed and read until `.needsMore`, and write;
///     after every call, withOutput { send it }
package struct TLSServer: ~Copyable {
    private var machine: TLSMachine

    package init(_ context: TLSServerContext) throws(TLSError) {
        ERR_clear_error()
        guard let connection = SSL_new(context.raw) else { throw .last(.local, "no memory") }
        SSL_set_accept_state(connection)
        machine = try TLSMachine(owning: connection, serverName: "")
    }

    /// The client took up an earlier session.
    package var isResumed: Bool { machine.isResumed }
    /// `TLSv1.3`
    package var version: String { machine.version }
    /// What ALPN agreed on; empty: nothing, which means HTTP/1.1, too.
    package var applicationProtocol: String { machine.applicationProtocol }

    /// What the client's certificate says of it; nil: it showed none. Once the handshake is over.
    ///
    /// - Throws: when the certificate can't be believed, though its signatures are good.
    package func peer() throws(TLSError) -> TLSPeer? { try TLSPeer(of: machine.connection) }

    /// Ciphertext from the client; it is copied.
    package mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(TLSError) { try machine.feed(bytes) }

    /// Goes on with the handshake; true: it is over. There may be something to send, also when it throws.
    package mutating func handshake() throws(TLSError) -> Bool { try machine.handshake() }

    /// Decrypts what was fed. What was fed stays until it is read.
    package mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TLSError) -> TLSRead {
        try machine.read(into: buffer)
    }

    /// Encrypts all of it, for `withOutput` to bring. Not before the handshake is over.
    package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(TLSError) { try machine.write(bytes) }

    /// Tells the client that no more will be sent.
    package mutating func close() { machine.close() }

    /// Something was fed that has not been read.
    package var hasInput: Bool { machine.hasInput }

    package var hasOutput: Bool { machine.hasOutput }

    /// Lends the ciphertext that is to be sent, which is gone from here afterwards.
    package mutating func withOutput(_ body: (UnsafeRawBufferPointer) -> Void) { machine.withOutput(body) }
}
