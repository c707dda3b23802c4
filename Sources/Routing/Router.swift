package import Catalog

/// Chooses endpoints for one event loop, and keeps what it must know of them for that. A value: what a copy decides leaves
/// the original as it was.
package struct Router: Sendable {
    let shared: RoutingShared
    var dice: Dice
    var turns: [Int] = []

    package init(seed: UInt64, shared: RoutingShared) {
        self.shared = shared
        dice = Dice(seed: seed)
    }

    /// Takes up a table; what is known of endpoints and routes that were there before stays.
    package mutating func adopt(_ table: RoutingTable, now: UInt64) {
        turns = Array(repeating: 0, count: table.routeCount)
    }

    /// Chooses a target. Nothing is under way to it before `began`.
    ///
    /// - Parameter mayCall: whether the caller may call the model with this number.
    package mutating func pick(
        _ ask: RouteAsk, _ table: RoutingTable, now: UInt64, mayCall: (Int) -> Bool = { _ in true }
    ) -> Pick {
        let candidates = table.routes[ask.route].candidates
        for step in candidates.indices {
            let index = (turns[ask.route] + step) % candidates.count
            let target = candidates[index]
            guard !table.targets[target].isUnresolved, mayCall(table.targets[target].model),
                !ask.excluded.contains(table.targets[target].number)
            else { continue }
            turns[ask.route] = index + 1
            return .target(target, isTrial: false)
        }
        return .nothing(recoveryAt: .max, candidates.isEmpty ? .empty : .excluded)
    }

    /// A request sets out to `target`, which was picked for `ask`.
    package mutating func began(_ target: Target, for ask: RouteAsk, isTrial: Bool, now: UInt64) -> Attempt {
        shared.begin(target.number)
        return Attempt(
            number: target.number, start: now, isTrial: isTrial, isStream: ask.isStream, isFallback: target.isFallback,
            hasBrokerKey: !target.authorization.isEmpty, policy: 0, route: Int32(ask.route), version: 0, epoch: 0)
    }

    /// The first byte of a good answer came: a trial has succeeded, however long the rest takes. Need not be called.
    package mutating func answered(_ attempt: inout Attempt, now: UInt64) {}

    /// Exactly once for each `began`.
    package mutating func ended(_ attempt: Attempt, _ outcome: Outcome, now: UInt64) { shared.end(attempt.number) }

    /// What an answer says of the upstream's own limits: percent in use, nanoseconds until they are whole again.
    package mutating func noteLimits(_ attempt: Attempt, use: UInt8, reset: UInt64, now: UInt64) {}

    /// Whether a request of the route may be sent once more; it is counted as a retry.
    package mutating func takeRetry(_ route: Int, now: UInt64) -> Bool { true }

    /// Whether a second attempt may run beside the first; it is counted as a hedge, out of the same budget.
    package mutating func takeHedge(_ route: Int, now: UInt64) -> Bool { true }

    /// Nanoseconds after which a second attempt is worth while; nil: not enough is known.
    package func hedgeDelay(_ route: Int) -> UInt64? { nil }

    /// Nanoseconds before the same endpoint is tried again.
    ///
    /// - Parameter attempt: 1 for the first retry.
    package mutating func backoff(_ policy: RetryPolicy, attempt: Int) -> UInt64 { 0 }

    package mutating func note(_ event: RouteEvent, _ route: Int) {}

    /// What the other event loops and the agent should know; the list is empty after it.
    package mutating func takeNotices() -> [RoutingNotice] { [] }

    /// Takes up what another event loop found.
    package mutating func take(_ notice: RoutingNotice, now: UInt64) {}

    /// Takes up what the agent knows of servers: all of it, each time.
    ///
    /// - Parameter epochMilliseconds: the same moment as `now`, since 1970.
    package mutating func take(_ standings: [Standing], _ table: RoutingTable, now: UInt64, epochMilliseconds: UInt64) {}

    /// Has the route move away from the endpoint that it prefers: its target, and the one that is preferred then.
    package mutating func rotate(_ route: Int, _ table: RoutingTable, now: UInt64) -> (from: Int?, to: Int?) { (nil, nil) }

    /// What `pick` would do, and why.
    package func explain(
        _ ask: RouteAsk, _ table: RoutingTable, now: UInt64, mayCall: (Int) -> Bool = { _ in true }
    ) -> Decision {
        var copy = self
        let route = table.routes[ask.route]
        return Decision(
            kind: route.kind, name: route.name, strategy: route.policy.strategy.kind,
            pick: copy.pick(ask, table, now: now, mayCall: mayCall))
    }

    /// Each endpoint of the table once.
    package func endpointFigures(_ table: RoutingTable, now: UInt64) -> [EndpointFigures] { [] }

    /// The routes of the table, and those before it that had requests.
    package func routeFigures() -> [RouteFigures] { [] }
}
