import TLS

/// TLS on a caller's connection: what stands between its socket and its flow.
final class SecureClient {
    enum State {
        /// The flow hears of nothing yet.
        case shaking
        case open
        /// The handshake failed, or the caller speaks something else: there is nobody to encrypt for.
        case broken
    }

    /// Bytes that answer the protocol rather than a request, and that the caller may leave unread.
    static let unaskedLimit = 64 << 10

    var server: TLSServer
    var state = State.shaking
    /// When the handshake must be over.
    let deadline: UInt64
    /// The kernel has, or may have, ciphertext.
    var isReadable = true
    /// Its first byte was that of a TLS record.
    var hasSpoken = false
    /// Bytes of alerts and key updates since the queue was last empty.
    var unasked = 0
    /// The caller was told that no more will be sent.
    var hasSaidFarewell = false

    init(_ context: TLSServerContext, deadline: UInt64) throws(TLSError) {
        server = try TLSServer(context)
        self.deadline = deadline
    }
}

/// Lets a few reports of one kind through in a second, and counts the others.
struct ReportBrake {
    private static let limit = 5
    private static let window: UInt64 = 1_000_000_000

    private var windowStart: UInt64 = 0
    private var made = 0
    private var leftOut: UInt64 = 0

    /// How many were left out since the last that was let through; nil: this one is, too.
    mutating func pass(now: UInt64) -> UInt64? {
        if now &- windowStart >= Self.window { (windowStart, made) = (now, 0) }
        guard made < Self.limit else {
            leftOut += 1
            return nil
        }
        made += 1
        defer { leftOut = 0 }
        return leftOut
    }
}
