import CLinux
package import Catalog

/// What a socket is that listens for TCP connections.
package struct ListeningSocket: Hashable, Sendable {
    package let address: SocketAddress
    /// Tells it from all other sockets of the machine.
    package let cookie: UInt64
    /// The cookie of its network namespace; 0: not known.
    package let netnsCookie: UInt64

    /// nil: the descriptor is anything else.
    package init?(_ number: Int32) {
        var facts = clinux_listener()
        guard clinux_look_at_listener(number, &facts) == 0 else { return nil }
        address = SocketAddress(localOf: number)
        cookie = facts.cookie
        netnsCookie = facts.netns
    }
}
