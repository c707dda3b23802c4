package import Catalog

/// Who dialled what, as the kernel attests it (`struct mb_origin`).
package struct Origin: Hashable, Sendable {
    /// The address dialled; one dialled in v4-mapped form appears as IPv4.
    package var dialled: SocketAddress
    package var mapped: Bool
    /// Position of the matched capture rule in the configuration.
    package var rule: UInt32
    /// 0: no client; else 1 + position in the configuration.
    package var client: UInt32
    /// Process (thread group) id in the initial pid namespace.
    package var pid: UInt32
    package var uid: UInt32
    /// Cgroup id of the calling process.
    package var cgroup: UInt64
    /// Cgroup id of the matched workload entry (the caller's own or an ancestor's), or 0.
    package var workload: UInt64
    package var netnsCookie: UInt64
    package var foreignNetns: Bool
    package var socketCookie: UInt64
    /// CLOCK_MONOTONIC, nanoseconds.
    package var timeNanoseconds: UInt64
    /// Command name, for display only.
    package var command: String
    /// Slot of the model that the destination is dedicated to, or 0.
    package var model: UInt32
    /// Slot of the endpoint picked (path `direct`), or 0.
    package var endpoint: UInt32
    /// It went to an endpoint, not to the proxy.
    package var direct: Bool

    package init(
        dialled: SocketAddress, mapped: Bool, rule: UInt32, client: UInt32, pid: UInt32, uid: UInt32, cgroup: UInt64,
        workload: UInt64, netnsCookie: UInt64, foreignNetns: Bool, socketCookie: UInt64, timeNanoseconds: UInt64,
        command: String, model: UInt32 = 0, endpoint: UInt32 = 0, direct: Bool = false
    ) {
        self.dialled = dialled
        self.mapped = mapped
        self.rule = rule
        self.client = client
        self.pid = pid
        self.uid = uid
        self.cgroup = cgroup
        self.workload = workload
        self.netnsCookie = netnsCookie
        self.foreignNetns = foreignNetns
        self.socketCookie = socketCookie
        self.timeNanoseconds = timeNanoseconds
        self.command = command
        self.model = model
        self.endpoint = endpoint
        self.direct = direct
    }
}

/// What a model's entry refuses for; raw values are those of `enum mb_reason`.
package enum LimitReason: UInt32, Hashable, Sendable, CaseIterable {
    /// Connects per second.
    case rate = 1
    /// Open connections.
    case connections = 2
    /// The caller may not call the model.
    case access = 3
    /// Path `direct`: no usable endpoint.
    case noEndpoint = 4
    /// At layer 7, requests per second.
    case requests = 5
    /// At layer 7, tokens per second.
    case tokens = 6
}

extension LimitReason {
    /// As JSON, events and metrics name it.
    package var text: String {
        switch self {
        case .rate: "connect-rate"
        case .connections: "connections"
        case .access: "access"
        case .noEndpoint: "no-endpoint"
        case .requests: "requests"
        case .tokens: "tokens"
        }
    }
}

/// A connect that did not go where its rule would have sent it, or that met a limit of its model.
package struct KernelEvent: Hashable, Sendable {
    package enum Kind: UInt32, Hashable, Sendable, CaseIterable {
        /// The rule's path is `deny`.
        case denied = 1
        /// No proxy listens and the rule says `refuse`.
        case refused = 2
        /// No proxy listens and the rule says `direct`.
        case direct = 3
        /// The model's entry; `reason` says which part of it.
        case limited = 4
    }

    package var kind: Kind
    package var origin: Origin
    /// Of `.limited`, else nil.
    package var reason: LimitReason?
    /// The entry only observes: the connect was let pass.
    package var observed: Bool

    package init(kind: Kind, origin: Origin, reason: LimitReason? = nil, observed: Bool = false) {
        self.kind = kind
        self.origin = origin
        self.reason = reason
        self.observed = observed
    }
}
