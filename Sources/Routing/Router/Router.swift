import Catalog

/// Chooses endpoints for one event loop, and keeps what it must know of them for that. A value: what a copy decides leaves
/// the original as it was. Times are nanoseconds of one monotonic clock that never goes back.
package struct Router: Sendable {
    let shared: RoutingShared
    var dice: Dice
    /// By the endpoint's number.
    var states: [EndpointState] = []
    /// What probes found, by the endpoint's number.
    var faults: [String] = []
    /// By the route's index in the table.
    var routes: [RouteState] = []
    /// Routes that went with an earlier catalogue, by name.
    private var gone: [String: RouteState] = [:]
    /// Every breaker policy that there was.
    private(set) var breakers: [BreakerPolicy] = []
    /// Counts the tables.
    private(set) var version: UInt32 = 0
    private(set) var peers = Peers()
    var standings: [Standing] = []
    var notices: [RoutingNotice] = []
    /// Places in the route asked for that can be picked, and what the strategy compares of them; room that is used again.
    var usable: [Int] = []
    var scores: [Score] = []
    /// Endpoints whose last slot went to another while this request was looking; empty between requests.
    var shut: [EndpointNumber] = []
    /// Nothing that is shared is changed.
    var isDryRun = false

    /// - Parameter seed: makes this loop's throws of the dice differ from any other's.
    package init(seed: UInt64, shared: RoutingShared) {
        self.shared = shared
        dice = Dice(seed: seed)
    }

    /// Takes up a table; what is known of endpoints and routes that were there before stays.
    package mutating func adopt(_ table: RoutingTable, now: UInt64) {
        version &+= 1
        let count = max(states.count, Int(table.targets.map(\.number).max() ?? -1) + 1)
        states += Array(repeating: EndpointState(), count: count - states.count)
        faults += Array(repeating: "", count: count - faults.count)
        peers = Peers(table, count: count)
        for state in routes where !state.figures.name.isEmpty { gone[state.figures.name] = state }
        routes = table.routes.map { route in
            var state = gone.removeValue(forKey: route.name) ?? RouteState()
            state.adopt(route)
            state.breaker = breaker(route.policy.breaker)
            return state
        }
        gone = gone.filter { $0.value.figures.requests > 0 }
        apply(standings, table, now: now)
    }

    /// One event loop's figures of the table's routes, and of those before it that had requests.
    package func routeFigures() -> [RouteFigures] {
        routes.map(\.figures) + gone.values.map(\.figures).sorted { $0.name < $1.name }
    }

    private mutating func breaker(_ policy: BreakerPolicy) -> Int32 {
        if let index = breakers.firstIndex(of: policy) { return Int32(index) }
        breakers.append(policy)
        return Int32(breakers.count - 1)
    }
}

/// What a strategy compares: the first number, and between equals the second; lower is better.
struct Score: Sendable {
    var first: Double
    var second = 0.0

    static func < (left: Self, right: Self) -> Bool {
        left.first != right.first ? left.first < right.first : left.second < right.second
    }
}
