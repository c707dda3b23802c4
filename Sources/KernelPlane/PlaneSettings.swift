package import Catalog

/// Which listener of the proxy: the slots of the `listeners` map, in order.
package enum ListenerSlot: Int, Hashable, Sendable, CaseIterable {
    /// Callers in the host's network namespace.
    case host4 = 0
    case host6 = 1
    /// Callers in any other network namespace.
    case pod4 = 2
    case pod6 = 3
}

/// What the programs need to know besides rules and workloads.
package struct PlaneSettings: Hashable, Sendable {
    /// Of the configuration in force.
    package var generation: UInt64
    package var hostNetnsCookie: UInt64
    /// Where captured connects go, by `ListenerSlot`; nil: no such listener, so callers of this kind cannot be captured.
    package var targets: [SocketAddress?]

    package init(generation: UInt64, hostNetnsCookie: UInt64, targets: [SocketAddress?]) {
        self.generation = generation
        self.hostNetnsCookie = hostNetnsCookie
        self.targets = targets
    }
}

/// What the plane knows about a cgroup and everything below it.
package struct WorkloadEntry: Hashable, Sendable {
    /// 0: no client; else 1 + position in the configuration.
    package var client: UInt32
    /// The broker itself: never captured, nor is anything below.
    package var exempt: Bool
    /// Its client has a list of models that it may call, and is held to it.
    package var listed: Bool

    package init(client: UInt32, exempt: Bool, listed: Bool = false) {
        self.client = client
        self.exempt = exempt
        self.listed = listed
    }
}
