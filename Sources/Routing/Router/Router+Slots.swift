import Catalog

/// A slot that was taken for a request.
package struct HeldSlot: Hashable, Sendable {
    /// The model's number over reloads.
    package var model: Int32
    package var group: Int16
    package var isBooked: Bool

    package init(model: Int32, group: Int, isBooked: Bool) {
        self.model = model
        self.group = Int16(clamping: group)
        self.isBooked = isBooked
    }
}

/// Endpoints that have all that they may have.
extension Router {
    /// The endpoint's last slot went to another: it counts as full until the request has found its place.
    package mutating func shutOut(_ number: EndpointNumber) { shut.append(number) }

    package mutating func openAgain() { if !shut.isEmpty { shut.removeAll(keepingCapacity: true) } }

    /// Targets that a request may wait for: those of the candidates, or else of the fallbacks, that are full or do not run, in
    /// their order.
    package func fullTargets(
        _ ask: RouteAsk, _ table: RoutingTable, now: UInt64, mayCall: (Int) -> Bool = { _ in true }
    ) -> [Int] {
        guard ask.route >= 0, ask.route < routes.count else { return [] }
        let own = table.routes[ask.route].candidates.count
        let only = strictEndpoint(ask, table, now)
        for places in [0..<own, own..<table.routes[ask.route].shares.count] {
            let full = places.filter { place in
                guard case .full = verdict(place, ask, table, now, mayCall) else { return false }
                return only == nil || EndpointNumber(number(place, ask.route, table)) == only
            }
            if !full.isEmpty { return full.map { table.index(of: $0, in: ask.route) } }
        }
        return []
    }

    /// The only endpoint that a session may have; nil: any.
    private func strictEndpoint(_ ask: RouteAsk, _ table: RoutingTable, _ now: UInt64) -> EndpointNumber? {
        guard case .sessionSticky(let policy) = table.routes[ask.route].policy.strategy, policy.isStrict, ask.session != 0 else {
            return nil
        }
        let session = Hash.mix(ask.session, table.routes[ask.route].salt)
        return shared.sessions.find(session, timeout: Breaker.nanoseconds(policy.timeout), now: now)
    }

    /// The target of the route with this endpoint, for which a slot was granted; nil: it can't be used now.
    package func granted(
        _ number: EndpointNumber, _ ask: RouteAsk, _ table: RoutingTable, now: UInt64, mayCall: (Int) -> Bool = { _ in true }
    ) -> (target: Int, isTrial: Bool)? {
        guard ask.route >= 0, ask.route < routes.count, Int(number) < states.count, !isAsleep(number) else {
            return nil
        }
        for place in table.routes[ask.route].shares.indices where self.number(place, ask.route, table) == Int(number) {
            guard case .usable = fitness(place, ask, table, now, mayCall) else { continue }
            return (table.index(of: place, in: ask.route), states[Int(number)].breaker.isTripped)
        }
        return nil
    }

    /// When the first of the route's servers that failed is tried again; nil: none did.
    package func engineRetry(_ route: Int, _ table: RoutingTable, now: UInt64) -> UInt64? {
        let all = table.routes[route].candidates + table.routes[route].fallbacks
        return all.map { states[Int(table.targets[$0].number)].failedUntil }.filter { $0 > now }.min()
    }

    /// Whether the server of an endpoint on demand is not running, or seems not to.
    package func isAsleep(_ number: EndpointNumber) -> Bool {
        states.indices.contains(Int(number)) && (states[Int(number)].isAsleep || shared.isAsleep(number))
    }
}
