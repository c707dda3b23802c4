import Catalog

/// Smooth weighted turns: each choice gives every usable endpoint its part of a request and takes a whole one from the
/// endpoint chosen, so each has its part at any time, to within a request. A member's part is divided among its usable endpoints.
extension Router {
    /// No endpoint is owed more requests than this, however the others came and went.
    private static var mostCredit: Double { 16 }

    mutating func scoreByWeight(_ route: Int, _ table: RoutingTable) {
        let total = sumMembers(route, table)
        for index in usable.indices {
            let place = usable[index]
            let part = part(place, route, table) / total
            routes[route].credits[place] = min(Self.mostCredit, routes[route].credits[place]) + part
            scores.append(Score(first: -routes[route].credits[place]))
        }
    }

    /// Takes the request from the one that was chosen.
    mutating func settle(_ place: Int, _ route: Int) { routes[route].credits[place] -= 1 }

    /// Fills in the sum of weights of each member; the sum of the parts of all.
    private mutating func sumMembers(_ route: Int, _ table: RoutingTable) -> Double {
        for index in routes[route].sums.indices { routes[route].sums[index] = 0 }
        for place in usable {
            let share = table.routes[route].shares[place]
            routes[route].sums[share.member + 1] += share.isNothing ? 1 : share.weight
        }
        var total = 0.0
        for place in usable { total += part(place, route, table) }
        return total
    }

    private func part(_ place: Int, _ route: Int, _ table: RoutingTable) -> Double {
        let share = table.routes[route].shares[place]
        let sum = routes[route].sums[share.member + 1]
        return share.isNothing ? 1 / sum : share.memberWeight * share.weight / sum
    }
}
