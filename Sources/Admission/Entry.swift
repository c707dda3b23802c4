internal import CBrokerABI

/// What is in force for one model at layer 7.
struct Entry: Sendable {
    /// Of the memory that it was read from.
    var version: UInt64
    var requests: Limit?
    var tokens: Limit?
    /// What is over a limit is counted and let pass.
    var isObserving = false
    /// Sockets under it share a bandwidth, so the kernel must know which are at work.
    var hasBandwidth = false

    /// One that governs nothing.
    init(version: UInt64) { self.version = version }

    init(_ qos: mb_qos, version: UInt64) {
        self.version = version
        if qos.fields & MB_QOS_REQUESTS != 0 { requests = Limit(qos.limits.0) }
        if qos.fields & MB_QOS_TOKENS != 0 { tokens = Limit(qos.limits.1) }
        isObserving = UInt32(qos.mode) == MB_MODE_OBSERVE.rawValue
        hasBandwidth = qos.fields & MB_QOS_BANDWIDTH != 0 && qos.bandwidth > 0
    }

    func limit(_ kind: LimitKind) -> Limit? { kind == .requests ? requests : tokens }
}
