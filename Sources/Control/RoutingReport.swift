package import Catalog

/// A routing policy, with every default filled in.
package struct RoutingReport: Hashable, Sendable, Codable {
    package struct Strategy: Hashable, Sendable, Codable {
        /// As the configuration spells it.
        package var kind: String
        /// Of `session-sticky`: `header:x-session-id`, `user` or `client`; nil, here and below: another strategy.
        package var key: String?
        /// `strict` or `fallback`.
        package var affinity: String?
        package var timeoutMilliseconds: Int?
        /// Of `prefix-affinity`.
        package var bytes: Int?
        package var loadPercent: Int?
        /// Of `rate-limit-aware`.
        package var thresholdPercent: UInt8?
    }

    package struct Retry: Hashable, Sendable, Codable {
        /// How often a request is sent in all.
        package var attempts: Int
        package var statuses: [UInt16]
        package var backoffMilliseconds: Int
        package var maxBackoffMilliseconds: Int
        package var scope: String
        package var budgetPercent: Int
        /// nil: as long as an answer may take.
        package var firstByteTimeoutMilliseconds: Int?
        package var hedge: Bool
        package var maxBodyBytes: Int
    }

    package struct Breaker: Hashable, Sendable, Codable {
        package var failures: Int
        /// 0: it is not looked at.
        package var errorRatePercent: Int
        package var minimum: Int
        package var windowMilliseconds: Int
        package var cooldownMilliseconds: Int
        package var trials: Int
        package var successes: Int
    }

    package var strategy: Strategy
    package var retry: Retry
    package var breaker: Breaker

    package init(_ policy: RoutingPolicy) {
        strategy = Strategy(policy.strategy)
        retry = Retry(policy.retry)
        breaker = Breaker(policy.breaker)
    }
}

extension RoutingReport.Strategy {
    fileprivate init(_ strategy: Strategy) {
        kind = strategy.kind.rawValue
        switch strategy {
        case .sessionSticky(let session):
            key = session.key.text
            affinity = session.isStrict ? "strict" : "fallback"
            timeoutMilliseconds = session.timeout
        case .prefixAffinity(let prefix):
            bytes = prefix.bytes
            loadPercent = prefix.load
        case .rateLimitAware(let threshold): thresholdPercent = threshold
        case .priority, .roundRobin, .weighted, .leastInFlight, .powerOfTwo, .lowestLatency, .costFirst: break
        }
    }
}

extension SessionPolicy.Key {
    /// As the configuration spells it.
    fileprivate var text: String {
        switch self {
        case .header(let name): "header:\(name)"
        case .user: "user"
        case .client: "client"
        }
    }
}

extension RoutingReport.Retry {
    fileprivate init(_ policy: RetryPolicy) {
        attempts = policy.attempts
        statuses = policy.statuses.sorted()
        backoffMilliseconds = policy.backoff
        maxBackoffMilliseconds = policy.maxBackoff
        scope = policy.scope.rawValue
        budgetPercent = policy.budget
        firstByteTimeoutMilliseconds = policy.firstByteTimeout
        hedge = policy.hedges
        maxBodyBytes = policy.bodyLimit
    }
}

extension RoutingReport.Breaker {
    fileprivate init(_ policy: BreakerPolicy) {
        failures = policy.failures
        errorRatePercent = policy.errorRate
        minimum = policy.minimum
        windowMilliseconds = policy.window
        cooldownMilliseconds = policy.cooldown
        trials = policy.trials
        successes = policy.successes
    }
}
