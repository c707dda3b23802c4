package import Control

extension RoutingReport {
    /// What `model show` and `pool show` print of a policy.
    package func add(to facts: inout Facts) {
        facts.add("strategy", strategyLine)
        facts.add("retry", retryLine)
        facts.add("breaker", breakerLine)
    }

    package var strategyLine: String {
        var parts = [strategy.kind]
        if let key = strategy.key { parts.append("by \(key)") }
        if let affinity = strategy.affinity { parts.append(affinity) }
        if let timeout = strategy.timeoutMilliseconds { parts.append("for \(Self.duration(timeout))") }
        if let bytes = strategy.bytes { parts.append("over \(Units.bytes(UInt64(max(0, bytes))))") }
        if let load = strategy.loadPercent { parts.append("up to \(load)% of the mean load") }
        if let threshold = strategy.thresholdPercent { parts.append("up to \(threshold)% of the upstream's limits") }
        return parts.joined(separator: ", ")
    }

    private var retryLine: String {
        guard retry.attempts > 1 || retry.hedge else { return "off" }
        var parts = [
            "\(retry.attempts) attempts", retry.scope, "\(retry.budgetPercent)% of requests",
            "\(Self.duration(retry.backoffMilliseconds)) to \(Self.duration(retry.maxBackoffMilliseconds)) between them",
            "bodies up to \(Units.bytes(UInt64(max(0, retry.maxBodyBytes))))",
        ]
        if !retry.statuses.isEmpty {
            parts.insert("also after " + retry.statuses.map { "\($0)" }.joined(separator: ", "), at: 1)
        }
        if let timeout = retry.firstByteTimeoutMilliseconds { parts.append("first byte within \(Self.duration(timeout))") }
        if retry.hedge { parts.append("hedged") }
        return parts.joined(separator: "; ")
    }

    private var breakerLine: String {
        var opens = "\(breaker.failures) failures in a row"
        if breaker.errorRatePercent > 0 {
            opens +=
                ", or \(breaker.errorRatePercent)% of \(breaker.minimum) or more in \(Self.duration(breaker.windowMilliseconds))"
        }
        return "\(opens); tried again after \(Self.duration(breaker.cooldownMilliseconds))"
            + " by \(breaker.trials) at once, back after \(breaker.successes)"
    }

    private static func duration(_ milliseconds: Int) -> String { Units.duration(milliseconds: UInt64(max(0, milliseconds))) }
}
