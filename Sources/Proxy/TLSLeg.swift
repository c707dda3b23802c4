import Reactor
import TLS

/// TLS on a connection: what stands between its socket and its user.
final class TLSLeg {
    var client: TLSClient
    /// The terms that the server proved itself by.
    let context: TLSContext
    /// TCP's part is done.
    var isOpen = false
    /// The kernel has, or may have, ciphertext.
    var isReadable = false
    /// FIN or an error waits behind it.
    var isHungUp = false
    /// The server said that it will send no more, so the end of the connection is no accident.
    var hasFarewell = false

    init(_ context: TLSContext, _ sessions: TLSSessionSlot) throws(TLSError) {
        self.context = context
        client = try TLSClient(context, sessions: sessions)
    }
}
