import Catalog

/// Which endpoints can be picked at all.
extension Router {
    /// How good a usable candidate is; only the best rank that there is gets requests.
    enum Rank: Int, Comparable {
        case regular
        /// It may be tried, but the request failed once already.
        case doubtful
        /// Its part of the requests is 0.
        case weightless
        /// Somebody had the route move away from it.
        case rotated

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    enum Verdict {
        case dropped(Shortage)
        case standby(StandbyCause, until: UInt64)
        /// It has all the requests that it may have, or does not run.
        case full
        case usable(Rank)
    }

    /// Chooses a target. Nothing is under way to it before `began`.
    ///
    /// - Parameter mayCall: whether the caller may call the model with this number.
    package mutating func pick(
        _ ask: RouteAsk, _ table: RoutingTable, now: UInt64, mayCall: (Int) -> Bool = { _ in true }
    ) -> Pick {
        guard ask.route >= 0, ask.route < routes.count else { return .nothing(recoveryAt: .max, .empty) }
        let isFirst = ask.attempt == 0 && ask.excluded.count == 0 && ask.excludedModels.count == 0
        if isFirst {
            routes[ask.route].noteRequest(now: now)
        }
        var (shortage, recoveryAt) = gather(ask, table, now, mayCall)
        let choice = usable.isEmpty ? .none : choose(ask, table, now, mayCall)
        guard case .place(let place) = choice else {
            if case .waits(let until, let why) = choice { (shortage, recoveryAt) = (why, until) }
            if isFirst, shortage == .standby { routes[ask.route].figures.exhausted += 1 }
            return .nothing(recoveryAt: recoveryAt, shortage)
        }
        let target = table.index(of: place, in: ask.route)
        let isTrial = states[Int(table.targets[target].number)].breaker.isTripped
        if isFirst, !isTrial { notePreferred(ask.route, table, table.targets[target].number) }
        return .target(target, isTrial: isTrial)
    }

    /// Fills `usable`; what is missing, and when that ends, if it stays empty.
    private mutating func gather(
        _ ask: RouteAsk, _ table: RoutingTable, _ now: UInt64, _ mayCall: (Int) -> Bool
    ) -> (Shortage, recoveryAt: UInt64) {
        usable.removeAll(keepingCapacity: true)
        scores.removeAll(keepingCapacity: true)
        var found = (Shortage.empty, recoveryAt: UInt64.max)
        let own = table.routes[ask.route].candidates.count
        consider(0..<own, ask, table, now, mayCall, &found)
        // What is full is waited for before what is only to be fallen back to.
        if usable.isEmpty, found.0 != .full {
            consider(own..<table.routes[ask.route].shares.count, ask, table, now, mayCall, &found)
        }
        return found
    }

    private mutating func consider(
        _ places: Range<Int>, _ ask: RouteAsk, _ table: RoutingTable, _ now: UInt64, _ mayCall: (Int) -> Bool,
        _ found: inout (Shortage, recoveryAt: UInt64)
    ) {
        var best = Rank.rotated
        for place in places {
            switch verdict(place, ask, table, now, mayCall) {
            case .usable(let rank):
                if rank < best {
                    if !usable.isEmpty { usable.removeAll(keepingCapacity: true) }
                    best = rank
                }
                if rank == best { usable.append(place) }
            case .full: found.0 = .full
            case .standby(_, let until):
                found.0 = max(found.0, .standby)
                found.recoveryAt = min(found.recoveryAt, until)
            case .dropped(let shortage):
                found.0 = max(found.0, shortage)
            }
        }
    }

    func verdict(_ place: Int, _ ask: RouteAsk, _ table: RoutingTable, _ now: UInt64, _ mayCall: (Int) -> Bool) -> Verdict {
        let fitness = fitness(place, ask, table, now, mayCall)
        guard case .usable = fitness else { return fitness }
        let target = table.targets[table.index(of: place, in: ask.route)]
        guard target.isGoverned else { return fitness }
        return isFull(target) ? .full : fitness
    }

    private func isFull(_ target: Target) -> Bool {
        states[Int(target.number)].isAsleep || shared.passage(target.number, target.slot) == .full
            || (!shut.isEmpty && shut.contains(target.number))
    }

    /// What can be said of a candidate, were all slots free.
    func fitness(_ place: Int, _ ask: RouteAsk, _ table: RoutingTable, _ now: UInt64, _ mayCall: (Int) -> Bool) -> Verdict {
        let target = table.index(of: place, in: ask.route)
        let number = table.targets[target].number
        let model = table.targets[target].model
        guard mayCall(model) else { return .dropped(.closed) }
        guard table.targets[target].engine.serves(ask.family) else { return .dropped(.family) }
        guard !ask.excluded.contains(number), !ask.excludedModels.contains(Int32(truncatingIfNeeded: model)),
            ask.scope.contains(model, number)
        else { return .dropped(.excluded) }
        if table.targets[target].isUnresolved { return .standby(.unresolved, until: .max) }
        let policy = breakers[Int(routes[ask.route].breaker)]
        switch states[Int(number)].availability(policy, now: now) {
        case .standby(let cause, let until): return .standby(cause, until: until)
        case .trial where ask.attempt > 0: return .usable(max(.doubtful, rank(place, ask.route, number, table, now)))
        case .active, .trial: return .usable(rank(place, ask.route, number, table, now))
        }
    }

    private func rank(_ place: Int, _ route: Int, _ number: EndpointNumber, _ table: RoutingTable, _ now: UInt64) -> Rank {
        if states[Int(number)].isRotated(now: now) { return .rotated }
        return table.routes[route].shares[place].isNothing ? .weightless : .regular
    }

    /// Counts when a route with an order of preference turns to another endpoint.
    private mutating func notePreferred(_ route: Int, _ table: RoutingTable, _ number: EndpointNumber) {
        switch table.routes[route].policy.strategy {
        case .priority, .costFirst, .rateLimitAware: break
        default: return
        }
        let before = routes[route].preferred
        if before >= 0, before != number { routes[route].figures.rotations += 1 }
        routes[route].preferred = number
    }
}

extension RouteAsk.Scope {
    func contains(_ model: Int, _ number: EndpointNumber) -> Bool {
        switch self {
        case .any: true
        case .model(let wanted): model == wanted
        case .endpoint(let wanted): number == wanted
        }
    }
}

extension RoutingTable {
    /// The target at a place in a route: the candidates first, then the fallbacks.
    func index(of place: Int, in route: Int) -> Int {
        let own = routes[route].candidates.count
        return place < own ? routes[route].candidates[place] : routes[route].fallbacks[place - own]
    }
}
