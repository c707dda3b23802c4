/// Why an endpoint gets no requests, in the order in which the reasons count. The raw values are those of the wire.
package enum StandbyCause: UInt8, Hashable, Sendable, CaseIterable {
    case maintenance = 1
    case drained = 2
    /// Somebody had the route move away from it.
    case rotated = 3
    /// Probes fail.
    case probe = 4
    /// The broker's credentials are refused.
    case authentication = 5
    /// The circuit breaker is open.
    case breaker = 6
    /// It asked to be left alone for a while.
    case cooldown = 7
    case unresolved = 8
    /// Its server is not running: asleep, on its way, or failed.
    case engine = 9

    package var text: String {
        switch self {
        case .maintenance: "maintenance"
        case .drained: "drained"
        case .rotated: "rotated"
        case .probe: "probe"
        case .authentication: "authentication"
        case .breaker: "breaker"
        case .cooldown: "cooldown"
        case .unresolved: "unresolved"
        case .engine: "engine"
        }
    }
}

/// What one event loop found out of an endpoint and the others, and the agent, should know.
package struct RoutingNotice: Hashable, Sendable {
    package enum Change: Hashable, Sendable {
        /// Until then, nanoseconds; then it is tried (breaker, authentication) or used.
        case standby(StandbyCause, until: UInt64)
        /// What the cause had kept from it comes to it again.
        case active(StandbyCause)
    }

    package var number: EndpointNumber
    package var change: Change

    package init(number: EndpointNumber, change: Change) {
        self.number = number
        self.change = change
    }
}
