import Catalog
import Reactor

/// Kept-alive connections of one event loop, the latest used first: it is the least likely to be closed.
struct UpstreamPool {
    /// Idle connections kept for one address.
    static let limit = 256

    /// What connections must have in common to stand in for each other. Terms of TLS that are the same mean the same
    /// name proved to the same authorities; without them a connection is plain, and never taken for one with them.
    private struct Key: Hashable {
        var address: SocketAddress
        var tls: UInt16
    }

    /// An object that every connection knows its own of, so that giving it back costs no look-up.
    final class IdleList {
        fileprivate var upstreams: [Upstream] = []
        /// Nobody will look here any more.
        fileprivate var isAbandoned = false
    }

    private var lists: [Key: IdleList] = [:]

    /// Where connections to `address` under these terms belong.
    mutating func home(_ address: SocketAddress, tls: UInt16) -> IdleList {
        let key = Key(address: address, tls: tls)
        if let list = lists[key] { return list }
        let list = IdleList()
        lists[key] = list
        return list
    }

    func take(_ list: IdleList) -> Upstream? { list.upstreams.popLast() }

    /// False when there are enough already, or nobody would look for it.
    func put(_ upstream: Upstream) -> Bool {
        guard let list = upstream.home, !list.isAbandoned, list.upstreams.count < Self.limit else { return false }
        list.upstreams.append(upstream)
        return true
    }

    func remove(_ upstream: Upstream) {
        upstream.home?.upstreams.removeAll { $0 === upstream }
    }

    /// Takes out the connections under terms that are in force no more.
    mutating func takeAll(under tls: UInt16) -> [Upstream] {
        var taken: [Upstream] = []
        for (key, list) in lists where key.tls == tls {
            taken += list.upstreams
            abandon(list, key)
        }
        return taken
    }

    /// Forgets addresses that nothing waits for. Connections to them that are in use are closed when they are let go.
    mutating func prune() {
        for (key, list) in lists where list.upstreams.isEmpty { abandon(list, key) }
    }

    private mutating func abandon(_ list: IdleList, _ key: Key) {
        list.isAbandoned = true
        list.upstreams = []
        lists[key] = nil
    }
}
