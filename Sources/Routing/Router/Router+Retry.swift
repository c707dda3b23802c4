package import Catalog

/// Second attempts.
extension Router {
    /// Whether a request of the route may be sent once more; it is counted as a retry.
    package mutating func takeRetry(_ route: Int, now: UInt64) -> Bool {
        guard takeBudget(route, now) else { return false }
        routes[route].figures.retries += 1
        return true
    }

    /// Whether a second attempt may run beside the first; it is counted as a hedge, out of the same budget.
    package mutating func takeHedge(_ route: Int, now: UInt64) -> Bool {
        guard takeBudget(route, now) else { return false }
        routes[route].figures.hedges += 1
        return true
    }

    /// Nanoseconds after which a second attempt is worth while, as 95 of 100 answers have begun by then; nil: too few are known.
    package func hedgeDelay(_ route: Int) -> UInt64? {
        route >= 0 && route < routes.count ? routes[route].firstBytes.quantile(95) : nil
    }

    /// Nanoseconds before the same endpoint is tried again: anything up to a bound that doubles, so that those who failed
    /// together do not come back together.
    ///
    /// - Parameter attempt: 1 for the first retry.
    package mutating func backoff(_ policy: RetryPolicy, attempt: Int) -> UInt64 {
        let longest = Breaker.nanoseconds(policy.maxBackoff)
        let doublings = UInt64(min(max(0, attempt - 1), 20))
        let (doubled, isTooLong) = Breaker.nanoseconds(policy.backoff).multipliedReportingOverflow(by: 1 << doublings)
        let bound = isTooLong ? longest : min(longest, doubled)
        return dice.below(bound + 1)
    }

    package mutating func note(_ event: RouteEvent, _ route: Int) {
        guard route >= 0, route < routes.count else { return }
        switch event {
        case .hedgeWon: routes[route].figures.hedgesWon += 1
        case .mirrored: routes[route].figures.mirrored += 1
        case .mirrorFailed: routes[route].figures.mirrorFailures += 1
        }
    }

    private mutating func takeBudget(_ route: Int, _ now: UInt64) -> Bool {
        guard route >= 0, route < routes.count else { return false }
        if routes[route].budget.take(percent: routes[route].budgetPercent, now: now) { return true }
        routes[route].figures.budgetDenied += 1
        return false
    }
}
