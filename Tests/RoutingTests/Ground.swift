import Catalog
import Routing

/// A catalogue, a router for it, and a clock moved by hand.
struct Ground {
    static let second: UInt64 = 1_000_000_000

    var numbers = EndpointNumbers()
    var table: RoutingTable
    var router: Router
    let shared: RoutingShared
    /// Nanoseconds.
    var now: UInt64 = 1_000 * second

    init(_ catalog: Catalog, seed: UInt64 = 1, shared: RoutingShared = RoutingShared()) {
        self.shared = shared
        table = RoutingTable(catalog, &numbers)
        router = Router(seed: seed, shared: shared)
        router.adopt(table, now: now)
    }

    /// A pool `p` of one model with so many endpoints.
    init(_ strategy: Strategy, endpoints: Int = 3, _ change: (inout RoutingPolicy) -> Void = { _ in }) {
        var policy = RoutingPolicy(strategy: strategy)
        change(&policy)
        let model = Model(name: "m", endpoints: (0..<endpoints).map { Self.endpoint($0) })
        self.init(Catalog(models: [model], pools: [Pool(name: "p", models: [.init(model: "m")], routing: policy)]))
    }

    static func endpoint(_ index: Int, weight: UInt16 = 1, _ change: (inout Endpoint) -> Void = { _ in }) -> Endpoint {
        let address = SocketAddress(ip: IPAddress(v4: 127, 1, 0, 1), port: UInt16(9000 + index))
        var endpoint = Endpoint(
            host: "127.1.0.1", port: address.port, authority: address.description, addresses: [address], weight: weight)
        change(&endpoint)
        return endpoint
    }

    func route(_ name: String) -> Int? {
        let bytes = Array(name.utf8)
        return table.route(named: bytes.span)
    }

    /// Port less 9000 of what is picked for `ask`; nil: nothing.
    mutating func pick(_ ask: RouteAsk = RouteAsk(route: 0)) -> Int? {
        guard case .target(let target, _) = router.pick(ask, table, now: now) else { return nil }
        return index(target)
    }

    func index(_ target: Int) -> Int { Int(table.target(target).address.port) - 9000 }

    /// Begins a request; nil: nothing can be picked.
    mutating func begin(_ ask: RouteAsk = RouteAsk(route: 0)) -> Attempt? {
        guard case .target(let target, let isTrial) = router.pick(ask, table, now: now) else { return nil }
        return router.began(table.target(target), for: ask, isTrial: isTrial, now: now)
    }

    /// A request from its beginning to its end; which endpoint had it.
    @discardableResult
    mutating func request(_ outcome: Outcome = .success(firstByte: 1_000, total: 2_000), _ ask: RouteAsk = RouteAsk(route: 0))
        -> Int?
    {
        guard let attempt = begin(ask) else { return nil }
        router.ended(attempt, outcome, now: now)
        return index(of: attempt.number)
    }

    func index(of number: EndpointNumber) -> Int? {
        (0..<table.targetCount).first { table.target($0).number == number }.map { index($0) }
    }

    func figures(_ index: Int) -> EndpointFigures? {
        router.endpointFigures(table, now: now).first { self.index($0.target) == index }
    }

    mutating func stand(_ standings: [Int: (inout Standing) -> Void]) {
        var list: [Standing] = []
        for (index, change) in standings {
            let endpoint = Self.endpoint(index)
            var standing = Standing(url: endpoint.url, address: endpoint.addresses[0])
            change(&standing)
            list.append(standing)
        }
        router.take(list, table, now: now, epochMilliseconds: 5_000_000)
    }

    mutating func wait(_ milliseconds: UInt64) { now += milliseconds * 1_000_000 }
}

/// Random numbers that are the same in each run.
struct Random: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
