internal import Catalog
private import Synchronization

/// How often each endpoint failed, by address, since the agent started.
final class EndpointFailures: Sendable {
    /// Addresses remembered; endpoints come from the configuration, so this is far away.
    private static let maximum = 65_536

    private let counts = Mutex<[SocketAddress: UInt64]>([:])

    func count(_ address: SocketAddress) {
        counts.withLock { counts in
            guard counts[address] != nil || counts.count < Self.maximum else { return }
            counts[address, default: 0] += 1
        }
    }

    var all: [SocketAddress: UInt64] { counts.withLock { $0 } }
}
