import Catalog

/// What comes from elsewhere: the other event loops, the agent, people.
extension Router {
    /// How long a route keeps away from where it was moved from; nanoseconds.
    private static var rotationTime: UInt64 { 600_000_000_000 }

    /// What the other event loops and the agent should know; the list is empty after it.
    package mutating func takeNotices() -> [RoutingNotice] {
        guard !notices.isEmpty else { return [] }
        defer { notices = [] }
        return notices
    }

    /// Takes up what another event loop found.
    package mutating func take(_ notice: RoutingNotice, now: UInt64) {
        let number = Int(notice.number)
        guard states.indices.contains(number) else { return }
        switch notice.change {
        case .standby(.cooldown, let until): states[number].cooldownUntil = max(states[number].cooldownUntil, until)
        case .standby(.rotated, let until): states[number].rotatedUntil = until
        case .standby(let cause, let until) where cause == .breaker || cause == .authentication:
            states[number].breaker.follow(cause, until: until, now: now)
        // It may have asked this loop for more time since.
        case .active(.cooldown): if now >= states[number].cooldownUntil { states[number].cooldownUntil = 0 }
        case .active(.rotated): states[number].rotatedUntil = 0
        case .active(let cause) where cause == .breaker || cause == .authentication:
            if states[number].breaker.isTripped, states[number].breaker.cause == cause { states[number].breaker.close() }
        // The agent says the rest itself.
        case .standby, .active: break
        }
    }

    /// Takes up what the agent knows of servers: all of it, each time.
    ///
    /// - Parameter epochMilliseconds: the same moment as `now`, since 1970.
    package mutating func take(_ standings: [Standing], _ table: RoutingTable, now: UInt64, epochMilliseconds: UInt64) {
        self.standings = standings.map { standing in
            var standing = standing
            let left = standing.maintenanceUntil > epochMilliseconds ? standing.maintenanceUntil - epochMilliseconds : 0
            standing.maintenanceUntil = left == 0 ? 0 : now + Breaker.nanoseconds(Int(clamping: left))
            let failed = standing.retryAt > epochMilliseconds ? standing.retryAt - epochMilliseconds : 0
            standing.retryAt = failed == 0 ? 0 : now + Breaker.nanoseconds(Int(clamping: failed))
            return standing
        }
        apply(self.standings, table, now: now)
    }

    /// - Parameter standings: with times of the router's own clock.
    mutating func apply(_ standings: [Standing], _ table: RoutingTable, now: UInt64) {
        struct Key: Hashable {
            var url: String
            var address: SocketAddress
        }
        let known = Dictionary(
            standings.map { (Key(url: $0.url, address: $0.address), $0) }, uniquingKeysWith: { _, last in last })
        for target in table.targets {
            let number = Int(target.number)
            let standing = known[Key(url: target.url, address: target.address)]
            let fault = standing?.fault ?? ""
            // Probes found it well again: there is nothing to wait for.
            if states[number].hasFault, fault.isEmpty { states[number].breaker.hasten(now: now) }
            states[number].hasFault = !fault.isEmpty
            faults[number] = fault
            states[number].isDrained = standing?.isDrained ?? false
            states[number].maintenanceUntil = standing?.maintenanceUntil ?? 0
            let wasAsleep = states[number].isAsleep
            states[number].isAsleep = target.isOnDemand && standing?.isReady != true
            states[number].failedUntil = states[number].isAsleep ? standing?.retryAt ?? 0 : 0
            // What was found of the server before it was stopped does not hold for the one that runs now.
            if wasAsleep, !states[number].isAsleep { states[number].breaker.hasten(now: now) }
        }
    }

    /// Has the route move away from the endpoint that it prefers, for ten minutes or until it is moved again and nothing else
    /// is left: the target that it preferred, and the one that it prefers then.
    package mutating func rotate(_ route: Int, _ table: RoutingTable, now: UInt64) -> (from: Int?, to: Int?) {
        guard let from = preferred(route, table, now) else { return (nil, nil) }
        let number = table.targets[from].number
        states[Int(number)].rotatedUntil = now + Self.rotationTime
        let change = RoutingNotice.Change.standby(.rotated, until: now + Self.rotationTime)
        notices.append(RoutingNotice(number: number, change: change))
        if let next = preferred(route, table, now), states[Int(table.targets[next].number)].isRotated(now: now) {
            returnAll(route, but: number, table, now)
        }
        let to = preferred(route, table, now)
        if to != from { routes[route].figures.rotations += 1 }
        if let to { routes[route].preferred = table.targets[to].number }
        return (from, to)
    }

    /// What a request without anything particular would get.
    private func preferred(_ route: Int, _ table: RoutingTable, _ now: UInt64) -> Int? {
        var copy = self
        copy.isDryRun = true
        guard case .target(let target, _) = copy.pick(RouteAsk(route: route, family: .other), table, now: now) else { return nil }
        return target
    }

    private mutating func returnAll(_ route: Int, but number: EndpointNumber, _ table: RoutingTable, _ now: UInt64) {
        let isAlone = table.routes[route].candidates.allSatisfy { table.targets[$0].number == number }
        for candidate in table.routes[route].candidates {
            let other = table.targets[candidate].number
            guard other != number || isAlone, states[Int(other)].isRotated(now: now) else { continue }
            states[Int(other)].rotatedUntil = 0
            notices.append(RoutingNotice(number: other, change: .active(.rotated)))
        }
    }
}
