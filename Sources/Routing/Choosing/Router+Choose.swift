import Catalog

/// Which of the usable endpoints it is.
extension Router {
    enum Choice {
        case none
        case place(Int)
        /// The session's own endpoint cannot be used, and no other may.
        case waits(until: UInt64, Shortage)
    }

    /// Chooses from `usable`, which is not empty, and leaves in `scores` what was compared.
    mutating func choose(_ ask: RouteAsk, _ table: RoutingTable, _ now: UInt64, _ mayCall: (Int) -> Bool) -> Choice {
        switch table.routes[ask.route].policy.strategy {
        case .sessionSticky(let policy) where ask.session != 0: return chooseForSession(policy, ask, table, now, mayCall)
        case .sessionSticky, .roundRobin: score { Score(first: $0.distance($1, ask.route)) }
        case .priority: score { Score(first: Double($1)) }
        case .weighted: scoreByWeight(ask.route, table)
        case .leastInFlight: scoreByLoad(ask.route, table)
        case .powerOfTwo: scoreTwo(ask, table, now)
        case .lowestLatency: scoreByLatency(ask, table, now)
        case .costFirst: score { router, place in router.cost(place, ask.route, table) }
        case .prefixAffinity(let policy) where ask.prefix != 0: scoreByPrefix(policy.load, ask, table)
        case .prefixAffinity: scoreByLoad(ask.route, table)
        case .rateLimitAware(let threshold):
            score { router, place in
                let use = router.states[router.number(place, ask.route, table)].limitUse(now: now) ?? 0
                return Score(first: Double(use < threshold ? place : table.routes[ask.route].shares.count + Int(use)))
            }
        }
        let place = usable[best()]
        routes[ask.route].turn = place + 1
        if case .weighted = table.routes[ask.route].policy.strategy { settle(place, ask.route) }
        return .place(place)
    }

    /// Index in `usable` of the lowest score, the first of equals.
    func best() -> Int {
        var best = 0
        for index in 1..<max(1, scores.count) where scores[index] < scores[best] { best = index }
        return best
    }

    mutating func score(_ score: (borrowing Router, Int) -> Score) {
        for index in usable.indices { scores.append(score(self, usable[index])) }
    }

    func number(_ place: Int, _ route: Int, _ table: RoutingTable) -> Int {
        Int(table.targets[table.index(of: place, in: route)].number)
    }

    func inFlight(_ place: Int, _ route: Int, _ table: RoutingTable) -> Double {
        Double(max(0, shared.inFlight(EndpointNumber(number(place, route, table)))))
    }

    /// How many places after the one whose turn it is.
    func distance(_ place: Int, _ route: Int) -> Double {
        let count = routes[route].credits.count
        return Double((place - routes[route].turn + count) % count)
    }

    /// Its part of the route's requests, in any unit. Where all parts are 0, all are alike.
    func weight(_ place: Int, _ route: Int, _ table: RoutingTable) -> Double {
        let share = table.routes[route].shares[place]
        return share.isNothing ? 1 : share.memberWeight * share.weight
    }

    private func cost(_ place: Int, _ route: Int, _ table: RoutingTable) -> Score {
        let cost = table.targets[table.index(of: place, in: route)].cost.map(Double.init) ?? .infinity
        return Score(first: cost, second: inFlight(place, route, table))
    }

    mutating func scoreByLoad(_ route: Int, _ table: RoutingTable) {
        score { router, place in
            let load = (router.inFlight(place, route, table) + 1) / router.weight(place, route, table)
            return Score(first: load, second: router.distance(place, route))
        }
    }
}
