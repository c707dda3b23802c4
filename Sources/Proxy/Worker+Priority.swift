import Flow
import Reactor

/// Requests that come behind all others.
extension Worker {
    /// SO_PRIORITY of what may wait: the lowest band of the kernel's own queueing disciplines.
    static let lowPriority: Int32 = 1

    /// Puts one of the sockets behind all others until the upstream connection is released.
    func deprioritize(_ connection: Connection, _ leg: Leg) {
        if leg == .client {
            guard connection.priority == nil else { return }
            connection.priority = Socket.priority(connection.client.number)
            Socket.setPriority(connection.client.number, Self.lowPriority)
        } else if let upstream = connection.side(leg), upstream.priority == nil {
            upstream.priority = Socket.priority(upstream.descriptor.number)
            Socket.setPriority(upstream.descriptor.number, Self.lowPriority)
        }
    }

    func isDeprioritized(_ connection: Connection, _ leg: Leg) -> Bool {
        (leg == .client ? connection.priority : connection.side(leg)?.priority) != nil
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
