import Catalog

/// What one event loop knows of an endpoint.
struct EndpointState: Sendable {
    enum Availability: Hashable {
        case active
        /// It may be tried.
        case trial
        /// - until: nanoseconds; `.max`: not known.
        case standby(StandbyCause, until: UInt64)
    }

    /// How long to wait for what has no time of its own: the next answer to a trial, the next probes; nanoseconds.
    private static let trialTime: UInt64 = 1_000_000_000
    private static let probeTime: UInt64 = 5_000_000_000

    var breaker = Breaker()
    var isDrained = false
    var hasFault = false
    /// Its server does not run: it can only be waited for.
    var isAsleep = false
    /// When a server that failed is tried again; nanoseconds.
    var failedUntil: UInt64 = 0
    /// Nanoseconds, as all that follows.
    var maintenanceUntil: UInt64 = 0
    var rotatedUntil: UInt64 = 0
    var cooldownUntil: UInt64 = 0
    var limitUse: UInt8 = 0
    /// When `limitUse` holds no longer; 0: it never did.
    var limitReset: UInt64 = 0
    var firstByte = Mean()
    var latency = Mean()
    var requests: UInt64 = 0
    var failures: UInt64 = 0
    var fallbacks: UInt64 = 0
    var lastFailure: Outcome?

    func isRotated(now: UInt64) -> Bool { now < rotatedUntil }

    /// Whether it gets requests, were it not for a rotation: that only puts it behind the others.
    func availability(_ policy: BreakerPolicy, now: UInt64) -> Availability {
        if now < maintenanceUntil { return .standby(.maintenance, until: maintenanceUntil) }
        if isDrained { return .standby(.drained, until: .max) }
        if now < failedUntil { return .standby(.engine, until: failedUntil) }
        // Nobody probes it, and what it did before it was stopped does not count.
        if isAsleep { return .active }
        if hasFault { return .standby(.probe, until: now + Self.probeTime) }
        if breaker.isTripped {
            let until = max(breaker.until, cooldownUntil)
            if now < breaker.until { return .standby(breaker.cause, until: until) }
            if now < cooldownUntil { return .standby(.cooldown, until: cooldownUntil) }
            let isFree = breaker.admitsTrial(policy, now: now)
            return isFree ? .trial : .standby(breaker.cause, until: now + Self.trialTime)
        }
        return now < cooldownUntil ? .standby(.cooldown, until: cooldownUntil) : .active
    }

    /// Percent of the upstream's own limits in use; nil: not known, or not any more.
    func limitUse(now: UInt64) -> UInt8? { now < limitReset ? limitUse : nil }
}
