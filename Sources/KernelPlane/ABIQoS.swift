internal import CBPFShim
internal import Catalog

/// Limits that are kept in buckets; raw values are those of `enum mb_limit_kind`.
package enum LimitKind: UInt32, Hashable, Sendable, CaseIterable {
    case requests = 0
    case tokens = 1
    case connects = 2
}

extension mb_limit {
    /// As far ahead of the clock as a bucket may run: 146 years. What a longer burst would allow cannot be told from it.
    static let longest: UInt64 = 1 << 62

    /// The largest number stands for no limit. `burst` nil: `tenths` tenths of a second's worth, at least one unit.
    init(_ rate: Rate, burst: UInt64?, tenths: UInt64) {
        self.init()
        units = rate.units
        window_ns = rate.window.nanoseconds
        guard rate.units != .max else {
            self.burst = burst ?? 0
            return
        }
        self.burst = burst ?? max(1, scaled(rate.units, by: tenths * 100_000_000, over: window_ns))
        guard rate.units > 0 else {
            period_ns = .max
            return
        }
        // To the nearest nanosecond, so that up to 10 million units a second the rate is right within half a percent.
        period_ns = max(1, (window_ns + rate.units / 2) / rate.units)
        tolerance_ns = min(Self.longest, scaled(self.burst, by: period_ns, over: 1))
    }

    /// The largest: MB_PERIOD_NEVER, nothing passes.
    var isNever: Bool { period_ns == .max }

    var rate: Rate? {
        Rate.Window.allCases.first { $0.nanoseconds == window_ns }.map { Rate(units, per: $0) }
    }
}

/// `value * factor / divisor`, at most the largest number there is.
func scaled(_ value: UInt64, by factor: UInt64, over divisor: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: factor)
    guard product.high < divisor else { return .max }
    return divisor.dividingFullWidth(product).quotient
}

extension QoS {
    /// These with the fields that `other` has over them.
    func overlaid(by other: QoS) -> QoS {
        var merged = self
        merged.requests = other.requests ?? requests
        merged.burst = other.burst ?? burst
        merged.tokens = other.tokens ?? tokens
        merged.tokenBurst = other.tokenBurst ?? tokenBurst
        merged.connects = other.connects ?? connects
        merged.connectBurst = other.connectBurst ?? connectBurst
        merged.connections = other.connections ?? connections
        merged.bandwidth = other.bandwidth ?? bandwidth
        merged.priority = other.priority ?? priority
        merged.dscp = other.dscp ?? dscp
        merged.mode = other.mode ?? mode
        merged.service = other.service ?? service
        return merged
    }

    /// What no socket takes, whoever wrote it.
    func check(_ name: String) throws(KernelPlaneError) {
        func refuse(_ what: String) -> KernelPlaneError {
            KernelPlaneError(operation: "set the QoS of model", object: name, hint: what)
        }
        if bandwidth == 0 { throw refuse("a bandwidth of 0 would stall what is open; to stop a model, set its connects to 0/s") }
        if let priority, priority > 7 { throw refuse("priorities are 0 to 7, not \(priority)") }
        if let dscp, dscp > 63 { throw refuse("DSCP values are 0 to 63, not \(dscp)") }
    }
}

extension mb_qos {
    /// Unsent bytes at which the kernel holds a writer of an interactive model back, so that what waits waits where it
    /// can still be put in order.
    private static let interactiveUnsent: UInt32 = 16384
    private static let interactivePriority: UInt8 = 6

    /// `classID`: of the model's HTB class, where there is such a tree; it takes the place of the priority on sockets.
    init(_ qos: QoS, classID: UInt32? = nil) {
        self.init()
        if let rate = qos.requests {
            limits.0 = mb_limit(rate, burst: qos.burst, tenths: 1)
        } else {
            limits.0.burst = qos.burst ?? 0
        }
        if let rate = qos.tokens {
            limits.1 = mb_limit(rate, burst: qos.tokenBurst, tenths: 10)
        } else {
            limits.1.burst = qos.tokenBurst ?? 0
        }
        if let rate = qos.connects {
            limits.2 = mb_limit(rate, burst: qos.connectBurst, tenths: 1)
        } else {
            limits.2.burst = qos.connectBurst ?? 0
        }
        bandwidth = qos.bandwidth == .max ? 0 : qos.bandwidth ?? 0
        connections = qos.connections ?? 0
        fields = Self.fields(of: qos)
        priority = qos.priority ?? 0
        sk_priority = classID ?? UInt32(priority)
        notsent_lowat = priority >= Self.interactivePriority ? Self.interactiveUnsent : 0
        dscp = qos.dscp ?? 0
        mode = UInt8((qos.mode == .observe ? MB_MODE_OBSERVE : MB_MODE_ENFORCE).rawValue)
        service = UInt8((classID == nil ? qos.service ?? .bestEffort : qos.effectiveService).kernel.rawValue)
    }

    private static func fields(of qos: QoS) -> UInt32 {
        var fields: UInt32 = 0
        if qos.requests != nil { fields |= UInt32(MB_QOS_REQUESTS) }
        if qos.burst != nil { fields |= UInt32(MB_QOS_BURST) }
        if qos.tokens != nil { fields |= UInt32(MB_QOS_TOKENS) }
        if qos.tokenBurst != nil { fields |= UInt32(MB_QOS_TOKEN_BURST) }
        if qos.connects != nil { fields |= UInt32(MB_QOS_CONNECTS) }
        if qos.connectBurst != nil { fields |= UInt32(MB_QOS_CONNECT_BURST) }
        if qos.connections != nil { fields |= UInt32(MB_QOS_CONNECTIONS) }
        if qos.bandwidth != nil { fields |= UInt32(MB_QOS_BANDWIDTH) }
        if qos.priority != nil { fields |= UInt32(MB_QOS_PRIORITY) }
        if qos.dscp != nil { fields |= UInt32(MB_QOS_DSCP) }
        if qos.mode != nil { fields |= UInt32(MB_QOS_MODE) }
        if qos.service != nil { fields |= UInt32(MB_QOS_CLASS) }
        return fields
    }

    /// As it was written.
    var qos: QoS {
        func has(_ field: UInt32) -> Bool { fields & field != 0 }
        var qos = QoS()
        if has(UInt32(MB_QOS_REQUESTS)) { qos.requests = limits.0.rate }
        if has(UInt32(MB_QOS_BURST)) { qos.burst = limits.0.burst }
        if has(UInt32(MB_QOS_TOKENS)) { qos.tokens = limits.1.rate }
        if has(UInt32(MB_QOS_TOKEN_BURST)) { qos.tokenBurst = limits.1.burst }
        if has(UInt32(MB_QOS_CONNECTS)) { qos.connects = limits.2.rate }
        if has(UInt32(MB_QOS_CONNECT_BURST)) { qos.connectBurst = limits.2.burst }
        if has(UInt32(MB_QOS_CONNECTIONS)) { qos.connections = connections }
        if has(UInt32(MB_QOS_BANDWIDTH)) { qos.bandwidth = bandwidth == 0 ? .max : bandwidth }
        if has(UInt32(MB_QOS_PRIORITY)) { qos.priority = priority }
        if has(UInt32(MB_QOS_DSCP)) { qos.dscp = dscp }
        if has(UInt32(MB_QOS_MODE)) { qos.mode = mode == UInt8(MB_MODE_OBSERVE.rawValue) ? .observe : .enforce }
        if has(UInt32(MB_QOS_CLASS)) { qos.service = QoS.Service.allCases.first { UInt8($0.kernel.rawValue) == service } }
        return qos
    }

    func limit(_ kind: LimitKind) -> mb_limit {
        switch kind {
        case .requests: limits.0
        case .tokens: limits.1
        case .connects: limits.2
        }
    }

    func isSame(as other: mb_qos) -> Bool {
        withUnsafeBytes(of: self) { mine in withUnsafeBytes(of: other) { mine.elementsEqual($0) } }
    }
}

extension QoS.Service {
    fileprivate var kernel: mb_qos_class {
        switch self {
        case .bestEffort: MB_CLASS_BEST_EFFORT
        case .burstable: MB_CLASS_BURSTABLE
        case .guaranteed: MB_CLASS_GUARANTEED
        }
    }
}
