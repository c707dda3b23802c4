import Catalog

/// What one event loop keeps of a route.
struct RouteState: Sendable {
    var figures = RouteFigures()
    var budget = RetryBudget()
    var budgetPercent = 0
    var firstBytes = LatencyHistogram()
    /// The place after the one chosen last.
    var turn = 0
    /// For each place, by how much of a request it is behind its part.
    var credits: [Double] = []
    /// Room for the sum of weights of each member, and of the route's own fallback in front.
    var sums: [Double] = []
    /// The endpoint preferred last; -1: none yet.
    var preferred: EndpointNumber = -1
    /// Index in the router's list of breaker policies.
    var breaker: Int32 = 0

    mutating func noteRequest(now: UInt64) {
        figures.requests += 1
        budget.noteRequest(now: now)
    }

    mutating func adopt(_ route: Route) {
        figures.name = route.name
        budgetPercent = route.policy.retry.budget
        turn = 0
        credits = Array(repeating: 0, count: route.shares.count)
        sums = Array(repeating: 0, count: (route.shares.map(\.member).max() ?? 0) + 2)
    }
}
