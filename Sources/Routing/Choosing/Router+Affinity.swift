import Catalog

/// Strategies that keep what belongs together at one endpoint.
extension Router {
    /// The prompt's own order of the endpoints, without those that have more than their part of the load.
    ///
    /// - Parameter bound: percent of the mean load, in proportion to the weights.
    mutating func scoreByPrefix(_ bound: Int, _ ask: RouteAsk, _ table: RoutingTable) {
        var load = 1.0
        var weights = 0.0
        for place in usable {
            load += inFlight(place, ask.route, table)
            weights += weight(place, ask.route, table)
        }
        let salt = table.routes[ask.route].salt
        let perWeight = load * Double(max(100, bound)) / 100 / weights
        score { router, place in
            let weight = router.weight(place, ask.route, table)
            let inFlight = router.inFlight(place, ask.route, table)
            guard inFlight + 1 <= (perWeight * weight).rounded(.up) else { return Score(first: .infinity, second: inFlight) }
            let number = EndpointNumber(router.number(place, ask.route, table))
            return Score(first: Rendezvous.score(Hash.mix(ask.prefix, salt), number, weight: weight))
        }
    }

    /// The endpoint that the session had, failing that one by its own order of them, which it then has.
    mutating func chooseForSession(
        _ policy: SessionPolicy, _ ask: RouteAsk, _ table: RoutingTable, _ now: UInt64, _ mayCall: (Int) -> Bool
    ) -> Choice {
        let session = Hash.mix(ask.session, table.routes[ask.route].salt)
        score { router, place in
            let number = EndpointNumber(router.number(place, ask.route, table))
            return Score(first: Rendezvous.score(session, number, weight: router.weight(place, ask.route, table)))
        }
        let timeout = Breaker.nanoseconds(policy.timeout)
        let had = shared.sessions.find(session, timeout: timeout, now: now).flatMap { place(of: $0, ask.route, table) }
        guard let had else { return .place(keep(usable[best()], session, ask.route, table, now)) }
        if let index = usable.firstIndex(of: had) {
            scores[index].first = -1
            return .place(keep(had, session, ask.route, table, now))
        }
        switch verdict(had, ask, table, now, mayCall) {
        case .usable where policy.isStrict: return .place(keep(had, session, ask.route, table, now))
        case .standby(_, let until) where policy.isStrict: return .waits(until: until, .standby)
        case .full where policy.isStrict: return .waits(until: .max, .full)
        case .dropped(let shortage) where policy.isStrict: return .waits(until: .max, shortage)
        // People moved away from it, or it is out: so does the session.
        case .usable, .standby: return .place(keep(usable[best()], session, ask.route, table, now))
        // It is well, only not for this request: the session stays with it.
        case .dropped, .full: return .place(usable[best()])
        }
    }

    /// Remembers the session's endpoint; the one that it has, if another event loop was quicker.
    private mutating func keep(_ place: Int, _ session: UInt64, _ route: Int, _ table: RoutingTable, _ now: UInt64) -> Int {
        // What it gets for want of anything else it need not keep.
        guard place < table.routes[route].candidates.count, !isDryRun else { return place }
        let number = EndpointNumber(number(place, route, table))
        let kept = shared.sessions.remember(session, number, now: now)
        guard kept != number else { return place }
        return usable.first { self.number($0, route, table) == Int(kept) } ?? place
    }

    private func place(of number: EndpointNumber, _ route: Int, _ table: RoutingTable) -> Int? {
        for place in table.routes[route].candidates.indices where self.number(place, route, table) == Int(number) { return place }
        return nil
    }
}
