import Catalog
import Routing
import Testing

/// What each strategy prefers.
@Suite struct StrategyTests {
    static let quick = Outcome.success(firstByte: 1_000_000, total: 10_000_000)
    static let slow = Outcome.success(firstByte: 900_000_000, total: 900_000_000)

    @Test func priorityReturnsToTheFirst() {
        var ground = Ground(.priority)
        #expect(ground.request() == 0)
        ground.stand([0: { $0.isDrained = true }])
        #expect((0..<5).map { _ in ground.request() } == [1, 1, 1, 1, 1])
        ground.stand([:])
        #expect(ground.request() == 0)
        #expect(ground.router.routeFigures()[0].rotations == 2)
    }

    @Test func roundRobinSkipsWhatIsOut() {
        var ground = Ground(.roundRobin)
        #expect((0..<6).map { _ in ground.request() } == [0, 1, 2, 0, 1, 2])
        ground.stand([1: { $0.fault = "refused" }])
        #expect((0..<4).map { _ in ground.request() } == [0, 2, 0, 2])
    }

    @Test func leastInFlightGoesByWeight() {
        let model = Model(
            name: "m", endpoints: [Ground.endpoint(0, weight: 3), Ground.endpoint(1)],
            routing: RoutingPolicy(strategy: .leastInFlight))
        var ground = Ground(Catalog(models: [model]))
        var counts = [0, 0]
        for _ in 0..<40 { counts[ground.begin().flatMap { ground.index(of: $0.number) } ?? 0] += 1 }
        #expect(counts == [30, 10])
    }

    @Test func twoChoicesPreferTheQuickOne() {
        var ground = Ground(.powerOfTwo)
        var counts = [0, 0, 0]
        for _ in 0..<600 {
            let attempt = ground.begin()
            guard let attempt, let index = ground.index(of: attempt.number) else { continue }
            counts[index] += 1
            ground.router.ended(attempt, index == 2 ? Self.slow : Self.quick, now: ground.now)
        }
        // It is drawn with another in any case, and loses once it is known.
        #expect(counts[2] < 20 && counts[0] > 200 && counts[1] > 200)
    }

    @Test func twoChoicesSpreadRequestsUnderWay() {
        var ground = Ground(.powerOfTwo)
        for _ in 0..<300 { _ = ground.begin() }
        for index in 0..<3 { #expect((ground.figures(index)?.inFlight ?? 0) > 85) }
    }

    @Test func lowestLatencyLooksAtTheFirstByteOfStreams() {
        var ground = Ground(.lowestLatency, endpoints: 2)
        // One begins soon and takes long, the other the reverse.
        let outcomes: [Outcome] = [.success(firstByte: 1, total: 9_000_000), .success(firstByte: 5_000_000, total: 5_000_000)]
        for _ in 0..<2 {
            guard let attempt = ground.begin(), let index = ground.index(of: attempt.number) else { continue }
            ground.router.ended(attempt, outcomes[index], now: ground.now)
        }
        #expect((0..<3).map { _ in ground.pick() } == [1, 1, 1])
        #expect(ground.pick(RouteAsk(route: 0, isStream: true)) == 0)
    }

    @Test func whatWasSlowLongAgoIsTriedAgain() {
        var ground = Ground(.lowestLatency, endpoints: 2)
        for _ in 0..<2 {
            guard let attempt = ground.begin() else { continue }
            let time: UInt64 = ground.index(of: attempt.number) == 0 ? 10_000_000 : 30_000_000
            ground.router.ended(attempt, .success(firstByte: time, total: time), now: ground.now)
        }
        #expect(ground.request(.success(firstByte: 1, total: 10_000_000)) == 0)
        ground.wait(50_000)
        _ = ground.request(.success(firstByte: 1, total: 10_000_000))
        ground.wait(20_000)
        #expect(ground.pick() == 1)
    }

    @Test func theUnknownIsTriedWithOneRequest() {
        var ground = Ground(.lowestLatency, endpoints: 2)
        _ = ground.request(.success(firstByte: 1, total: 1_000))
        _ = ground.request(.success(firstByte: 1, total: 1_000))
        var numbers = ground.numbers
        ground.table = RoutingTable(
            Catalog(
                models: [Model(name: "m", endpoints: (0..<3).map { Ground.endpoint($0) })],
                pools: [Pool(name: "p", models: [.init(model: "m")], routing: RoutingPolicy(strategy: .lowestLatency))]), &numbers
        )
        ground.router.adopt(ground.table, now: ground.now)
        let attempts = (0..<4).map { _ in ground.begin().flatMap { ground.index(of: $0.number) } }
        #expect(attempts[0] == 2 && !attempts.dropFirst().contains(2))
    }

    @Test func costFirstPutsUnknownPricesLast() {
        let costs: [UInt64?] = [nil, 7, 3, 3]
        let endpoints = costs.enumerated().map { index, cost in Ground.endpoint(index) { $0.cost = cost } }
        var ground = Ground(
            Catalog(models: [Model(name: "m", endpoints: endpoints, routing: RoutingPolicy(strategy: .costFirst))]))
        let picked = (0..<4).map { _ in ground.begin().flatMap { ground.index(of: $0.number) } }
        #expect(Set(picked.prefix(2)) == [2, 3] && Set(picked.suffix(2)) == [2, 3])
        ground.stand([2: { $0.isDrained = true }, 3: { $0.isDrained = true }])
        #expect(ground.pick() == 1)
        ground.stand([1: { $0.isDrained = true }, 2: { $0.isDrained = true }, 3: { $0.isDrained = true }])
        #expect(ground.pick() == 0)
    }

    @Test func limitsInUseMoveRequestsOn() {
        var ground = Ground(.rateLimitAware(threshold: 80))
        let use = { (ground: inout Ground, percent: UInt8) in
            guard let attempt = ground.begin() else { return }
            ground.router.noteLimits(attempt, use: percent, reset: 30 * Ground.second, now: ground.now)
            ground.router.ended(attempt, Self.quick, now: ground.now)
        }
        use(&ground, 79)
        #expect(ground.pick() == 0)
        use(&ground, 80)
        #expect(ground.pick() == 1)
        use(&ground, 95)
        #expect(ground.pick() == 2)
        use(&ground, 90)
        // All are beyond it: the one with most left.
        #expect(ground.pick() == 0)
        ground.wait(30_000)
        #expect(ground.pick() == 0 && ground.figures(0)?.limitUse == nil)
    }

    @Test func aRefusalWithoutATimeMovesOnForASecond() {
        var ground = Ground(.rateLimitAware(threshold: 80))
        #expect(ground.request(.status(429, retryAfter: nil)) == 0)
        #expect(ground.pick() == 1)
        ground.wait(1_000)
        #expect(ground.pick() == 0)
    }
}
