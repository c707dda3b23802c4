import Catalog

/// Strategies that go by how quick endpoints were.
extension Router {
    /// Two are drawn, and the better one has it; the others count as infinitely bad.
    mutating func scoreTwo(_ ask: RouteAsk, _ table: RoutingTable, _ now: UInt64) {
        let count = UInt64(usable.count)
        let first = Int(dice.below(count))
        let second = count == 1 ? first : (first + 1 + Int(dice.below(count - 1))) % usable.count
        let means = (mean(usable[first], ask, table, now), mean(usable[second], ask, table, now))
        let isKnown = means.0 != nil && means.1 != nil
        for index in usable.indices {
            guard index == first || index == second else {
                scores.append(Score(first: .infinity))
                continue
            }
            let load = inFlight(usable[index], ask.route, table) + 1
            let mean = (index == first ? means.0 : means.1) ?? 1
            let isTrial = states[number(usable[index], ask.route, table)].breaker.isTripped
            scores.append(Score(first: isTrial ? 0 : isKnown ? mean * load : load, second: index == first ? 0 : 1))
        }
    }

    /// One of which nothing is known is tried with one request at a time.
    mutating func scoreByLatency(_ ask: RouteAsk, _ table: RoutingTable, _ now: UInt64) {
        score { router, place in
            let inFlight = router.inFlight(place, ask.route, table)
            let isTrial = router.states[router.number(place, ask.route, table)].breaker.isTripped
            let mean = isTrial ? 0 : router.mean(place, ask, table, now) ?? (inFlight == 0 ? 0 : .infinity)
            return Score(first: mean, second: inFlight)
        }
    }

    /// Nanoseconds: to the first byte for streams, to the last one otherwise; nil: not known.
    private func mean(_ place: Int, _ ask: RouteAsk, _ table: RoutingTable, _ now: UInt64) -> Double? {
        let number = number(place, ask.route, table)
        return ask.isStream ? states[number].firstByte.estimate(now: now) : states[number].latency.estimate(now: now)
    }
}
