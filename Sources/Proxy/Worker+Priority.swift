import Flow
import Reactor

/// Requests that come behind all others, or before them.
extension Worker {
    /// SO_PRIORITY of what may wait: the lowest band of the kernel's own queueing disciplines.
    static let lowPriority: Int32 = 1

    /// Gives one of the sockets another priority until the upstream connection is released. What a model's entry has set is
    /// more than being urgent, and less than being behind all others.
    func prioritize(_ connection: Connection, _ leg: Leg, _ priority: Int32) {
        if leg == .client {
            guard connection.priority == nil else { return }
            connection.priority = exchange(connection.client.number, priority)
        } else if let upstream = connection.side(leg), upstream.priority == nil {
            upstream.priority = exchange(upstream.descriptor.number, priority)
        }
    }

    /// The priority before; nil: it stays.
    private func exchange(_ number: Int32, _ priority: Int32) -> Int32? {
        let before = Socket.priority(number)
        guard priority == Self.lowPriority || before == 0 else { return nil }
        Socket.setPriority(number, priority)
        return before
    }

    func isDeprioritized(_ connection: Connection, _ leg: Leg) -> Bool {
        guard (leg == .client ? connection.priority : connection.side(leg)?.priority) != nil else { return false }
        return connection.flow.isBehindAll
    }

    /// Where it comes behind no more.
    func restorePriority(_ upstream: Upstream) {
        guard let priority = upstream.priority else { return }
        upstream.priority = nil
        Socket.setPriority(upstream.descriptor.number, priority)
    }

    func restorePriority(_ connection: Connection) {
        guard let priority = connection.priority else { return }
        connection.priority = nil
        Socket.setPriority(connection.client.number, priority)
    }
}
