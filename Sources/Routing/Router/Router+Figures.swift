import Catalog

/// What is shown of endpoints.
extension Router {
    /// Each endpoint of the table once.
    package func endpointFigures(_ table: RoutingTable, now: UInt64) -> [EndpointFigures] {
        var isSeen = Array(repeating: false, count: states.count)
        var figures: [EndpointFigures] = []
        for (index, target) in table.targets.enumerated() where !isSeen[Int(target.number)] {
            isSeen[Int(target.number)] = true
            figures.append(self.figures(index, target, table, now))
        }
        return figures
    }

    private func figures(_ index: Int, _ target: Target, _ table: RoutingTable, _ now: UInt64) -> EndpointFigures {
        let state = states[Int(target.number)]
        var figures = EndpointFigures(target: index, number: target.number)
        figures.breaker = state.breaker.phase(now: now)
        figures.inFlight = shared.inFlight(target.number)
        figures.requests = state.requests
        figures.failures = state.failures
        figures.fallbacks = state.fallbacks
        figures.firstByteMean = state.firstByte.measured
        figures.latencyMean = state.latency.measured
        figures.limitUse = state.limitUse(now: now)
        let limit = shared.endpointLimit(target.number)
        if limit > 0 { figures.limit = limit }
        if case .adaptive = target.maxInFlight { figures.isAdaptive = true }
        if target.isOnDemand { figures.isReady = !state.isAsleep }
        figures.hasFailed = now < state.failedUntil
        figures.detail = faults[Int(target.number)]
        if let (cause, until) = standby(target, table, now) {
            figures.standby = cause
            figures.remaining = until == .max || until < now ? 0 : until - now
            if figures.detail.isEmpty { figures.detail = Self.detail(cause, state) }
        }
        return figures
    }

    /// Why the endpoint gets no requests, and until when; nil: it gets them.
    func standby(_ target: Target, _ table: RoutingTable, _ now: UInt64) -> (StandbyCause, until: UInt64)? {
        if target.isUnresolved { return (.unresolved, .max) }
        let state = states[Int(target.number)]
        let policy = breakers[Int(routes[table.routeOfModel[target.model]].breaker)]
        var standby: (StandbyCause, until: UInt64)?
        if case .standby(let cause, let until) = state.availability(policy, now: now) { standby = (cause, until) }
        if standby == nil, state.isAsleep { standby = (.engine, .max) }
        guard state.isRotated(now: now) else { return standby }
        if let standby, standby.0.rawValue < StandbyCause.rotated.rawValue { return standby }
        return (.rotated, state.rotatedUntil)
    }

    private static func detail(_ cause: StandbyCause, _ state: EndpointState) -> String {
        switch cause {
        case .authentication: "the broker's key is refused"
        case .breaker, .cooldown: state.lastFailure?.text ?? ""
        case .maintenance, .drained, .rotated, .probe, .unresolved, .engine: ""
        }
    }
}
