import Catalog

/// Choices in words. What is said comes from a copy that chooses.
extension Router {
    /// What `pick` would do, and why.
    package func explain(
        _ ask: RouteAsk, _ table: RoutingTable, now: UInt64, mayCall: (Int) -> Bool = { _ in true }
    ) -> Decision {
        var copy = self
        copy.isDryRun = true
        let pick = copy.pick(ask, table, now: now, mayCall: mayCall)
        let route = table.routes[ask.route]
        var decision = Decision(kind: route.kind, name: route.name, strategy: route.policy.strategy.kind, pick: pick)
        for place in route.shares.indices {
            let target = table.index(of: place, in: ask.route)
            var candidate = Decision.Candidate(
                target: target, score: nil, note: "", isFallback: place >= route.candidates.count)
            if let index = copy.usable.firstIndex(of: place) {
                candidate.score = index < copy.scores.count ? copy.scores[index].first : nil
                candidate.note = copy.note(place, ask, table)
            } else {
                candidate.note = note(verdict(place, ask, table, now, mayCall), candidate.isFallback)
            }
            if case .target(target, _) = pick { decision.chosen = decision.candidates.count }
            decision.candidates.append(candidate)
        }
        decision.stages = stages(copy, ask, table, pick, now)
        return decision
    }

    /// One line: what was asked for, what was picked, and what could not be.
    package func summary(_ ask: RouteAsk, _ pick: Pick, _ table: RoutingTable, now: UInt64) -> String {
        let route = table.routes[ask.route]
        let targets = (route.candidates + route.fallbacks).map { table.targets[$0] }
        var parts = ["\(targets.count - targets.count { standby($0, table, now) != nil }) of \(targets.count) usable"]
        for target in targets {
            guard let (cause, until) = standby(target, table, now) else { continue }
            parts.append("\(table.name(target.model)) \(cause.text)\(Self.time(until, now))")
        }
        var place = "nothing"
        if case .target(let index, _) = pick {
            let target = table.targets[index]
            place = "\(table.name(target.model)) \(target.url)\(target.isFallback ? " (fallback)" : "")"
        }
        return "\(route.name) -> \(place) (\(route.policy.strategy.kind.rawValue); \(parts.joined(separator: "; ")))"
    }

    private func stages(_ copy: Router, _ ask: RouteAsk, _ table: RoutingTable, _ pick: Pick, _ now: UInt64) -> [String] {
        let route = table.routes[ask.route]
        var stages = ["resolve: \(route.kind.rawValue) \(route.name)"]
        stages.append("candidates: \(route.candidates.count), \(route.fallbacks.count) to fall back to")
        stages.append("usable: \(copy.usable.count)")
        switch pick {
        case .target(let index, let isTrial):
            stages.append("strategy: \(route.policy.strategy.kind.rawValue)")
            stages.append("endpoint: \(table.targets[index].url)\(isTrial ? ", as a trial" : "")")
        case .nothing(let recoveryAt, let shortage):
            stages.append("endpoint: none, \(shortage.text)\(Self.time(recoveryAt, now))")
        }
        return stages
    }

    private func note(_ place: Int, _ ask: RouteAsk, _ table: RoutingTable) -> String {
        let number = number(place, ask.route, table)
        let trial = states[number].breaker.isTripped ? ", on trial" : ""
        switch table.routes[ask.route].policy.strategy {
        case .priority: return "order" + trial
        case .roundRobin: return "turns until it has its own" + trial
        case .weighted: return "requests that it is ahead of its part" + trial
        case .leastInFlight: return "requests under way by weight" + trial
        case .powerOfTwo: return "mean time by requests under way, of two that were drawn" + trial
        case .lowestLatency: return "mean time in nanoseconds" + trial
        case .costFirst: return "cost" + trial
        case .sessionSticky: return (ask.session == 0 ? "turns, as there is no session" : "order of the session") + trial
        case .prefixAffinity: return (ask.prefix == 0 ? "requests under way by weight" : "order of the prompt's head") + trial
        case .rateLimitAware: return "order; behind it those whose limits are used up" + trial
        }
    }

    private func note(_ verdict: Verdict, _ isFallback: Bool) -> String {
        switch verdict {
        case .dropped(let shortage): shortage.text
        case .standby(let cause, _): cause.text
        case .full: "no slot is free, or it is not running"
        case .usable(.weightless): "weight 0, and others are usable"
        case .usable(.rotated): "rotated"
        case .usable(.doubtful): "on trial, and others are usable"
        case .usable(.regular): isFallback ? "fallback, and others are usable" : "not looked at"
        }
    }

    private static func time(_ until: UInt64, _ now: UInt64) -> String {
        guard until != .max, until > now else { return "" }
        let tenths = (until - now + 50_000_000) / 100_000_000
        return " \(tenths / 10).\(tenths % 10)s"
    }
}

extension Shortage {
    var text: String {
        switch self {
        case .empty: "there are no endpoints"
        case .closed: "the client may not call it"
        case .family: "it has no such interface"
        case .excluded: "it was tried, or its model's limits refused"
        case .standby: "on standby"
        case .full: "all slots are taken; it would wait"
        }
    }
}
