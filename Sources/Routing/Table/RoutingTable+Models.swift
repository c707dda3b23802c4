/// A model's own targets by their turn, for callers that choose among them without a router.
extension RoutingTable {
    package func targetCount(_ model: Int) -> Int { resolved(model).count }

    package func target(_ model: Int, _ index: Int) -> Target { targets[resolved(model)[index]] }

    private func resolved(_ model: Int) -> [Int] {
        routes[routeOfModel[model]].candidates.filter { !targets[$0].isUnresolved }
    }
}

/// Takes turns over the targets of each model; one event loop's share of the turns.
package struct RoundRobin: Sendable {
    private var next: [Int]

    package init(modelCount: Int) {
        next = Array(repeating: 0, count: modelCount)
    }

    /// Whose turn it is among the `count` targets of `model`; `count` must be above 0.
    package mutating func take(_ model: Int, of count: Int) -> Int {
        let turn = next[model] % count
        next[model] = turn + 1
        return turn
    }
}
