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

    package init(
        dialled: SocketAddress, mapped: Bool, rule: UInt32, client: UInt32, pid: UInt32, uid: UInt32, cgroup: UInt64,
        workload: UInt64, netnsCookie: UInt64, foreignNetns: Bool, socketCookie: UInt64, timeNanoseconds: UInt64,
        command: String
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
    }
}

/// A connect that did not go to the proxy although a rule matched it.
package struct KernelEvent: Hashable, Sendable {
    package enum Kind: UInt32, Hashable, Sendable, CaseIterable {
        /// The rule's path is `deny`.
        case denied = 1
        /// No proxy listens and the rule says `refuse`.
        case refused = 2
        /// No proxy listens and the rule says `direct`.
        case direct = 3
    }

    package var kind: Kind
    package var origin: Origin

    package init(kind: Kind, origin: Origin) {
        self.kind = kind
        self.origin = origin
    }
}
