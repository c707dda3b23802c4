import Catalog
import Reactor

/// A connection to an endpoint, or to an address that a caller dialled.
final class Upstream {
    let token: Token
    let descriptor: Descriptor
    let address: SocketAddress
    /// Belongs to one caller alone and never goes to the pool.
    let isOwn: Bool
    /// Who uses it; nil: it waits in the pool. Each holds the other until `dropUpstream` parts them, since a weak
    /// reference would cost every event a visit to a side table.
    var user: Connection?
    var isConnected = false
    var queue = ByteQueue()
    var tag = SocketTag()
    var isReadable = false
    var isHungUp = false
    var hasEnded = false
    var finishWrites = false
    /// When it leaves the pool, and the deadline under which it stands in the timer wheel.
    var idleDeadline: UInt64 = 0
    var armed: UInt64 = 0

    init(token: Token, descriptor: consuming Descriptor, address: SocketAddress, isOwn: Bool) {
        self.token = token
        self.descriptor = descriptor
        self.address = address
        self.isOwn = isOwn
    }
}

/// Kept-alive connections of one event loop, the latest used first: it is the least likely to be closed.
struct UpstreamPool {
    /// Idle connections kept for one address.
    static let limit = 256

    /// An object, since changing an array inside a dictionary allocates.
    private final class IdleList {
        var upstreams: [Upstream] = []
    }

    private var idle: [SocketAddress: IdleList] = [:]

    func take(_ address: SocketAddress) -> Upstream? {
        idle[address]?.upstreams.popLast()
    }

    /// False when there are enough already.
    mutating func put(_ upstream: Upstream) -> Bool {
        let list: IdleList
        if let known = idle[upstream.address] {
            list = known
        } else {
            list = IdleList()
            idle[upstream.address] = list
        }
        guard list.upstreams.count < Self.limit else { return false }
        list.upstreams.append(upstream)
        return true
    }

    mutating func remove(_ upstream: Upstream) {
        guard let list = idle[upstream.address] else { return }
        list.upstreams.removeAll { $0 === upstream }
        if list.upstreams.isEmpty { idle[upstream.address] = nil }
    }
}
