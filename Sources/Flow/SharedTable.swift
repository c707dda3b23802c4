import HTTPWire
import Routing

/// A routing table behind one reference: a table is many arrays, and to lend it would take hold of each.
final class SharedTable: Sendable {
    let routes: RoutingTable

    init(_ routes: RoutingTable) { self.routes = routes }

    func route(named name: Span<UInt8>) -> Int? { routes.route(named: name) }

    func target(_ index: Int) -> Target { routes.target(index) }

    func pick(
        _ router: inout Router, _ ask: borrowing RouteAsk, now: UInt64, mayCall: (Int) -> Bool = { _ in true }
    ) -> Pick {
        router.pick(copy ask, routes, now: now, mayCall: mayCall)
    }
}
