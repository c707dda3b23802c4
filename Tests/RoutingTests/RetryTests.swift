import Catalog
import Routing
import Testing

@Suite struct RetryTests {
    @Test func theBudgetIsAPartOfRequestsAndAFloor() {
        var ground = Ground(.roundRobin)
        #expect((0..<20).count { _ in ground.router.takeRetry(0, now: ground.now) } == 10)
        ground.wait(10_000)
        for _ in 0..<500 { ground.request() }
        #expect((0..<200).count { _ in ground.router.takeRetry(0, now: ground.now) } == 100)
        #expect(ground.router.takeHedge(0, now: ground.now) == false)
        let figures = ground.router.routeFigures()[0]
        #expect(figures.retries == 110 && figures.budgetDenied == 111 && figures.hedges == 0)
        ground.wait(9_000)
        #expect(ground.router.takeRetry(0, now: ground.now) == false)
        ground.wait(1_000)
        #expect(ground.router.takeHedge(0, now: ground.now) && ground.router.routeFigures()[0].hedges == 1)
    }

    @Test func theBudgetSlides() {
        var ground = Ground(.roundRobin)
        var retries = 0
        for _ in 0..<600 {
            for _ in 0..<10 { ground.request() }
            for _ in 0..<10 where ground.router.takeRetry(0, now: ground.now) { retries += 1 }
            ground.wait(100)
        }
        #expect(retries <= 6_000 * 20 / 100 + 10 && retries > 1_100)
    }

    @Test func anUnknownRouteHasNoBudget() {
        var ground = Ground(.roundRobin)
        #expect(ground.router.takeRetry(-1, now: ground.now) == false)
        #expect(ground.router.takeRetry(99, now: ground.now) == false)
        #expect(ground.router.hedgeDelay(99) == nil)
        ground.router.note(.mirrored, 99)
    }

    @Test func backoffGrowsWithFullJitter() {
        var ground = Ground(.roundRobin)
        let policy = RetryPolicy(backoff: 50, maxBackoff: 300)
        for (attempt, bound) in [(1, 50), (2, 100), (3, 200), (4, 300), (60, 300)] as [(Int, UInt64)] {
            let waits = (0..<400).map { _ in ground.router.backoff(policy, attempt: attempt) }
            #expect(waits.allSatisfy { $0 <= bound * 1_000_000 })
            let mean = Double(waits.reduce(0, +)) / 400
            #expect(abs(mean / (Double(bound) * 500_000) - 1) < 0.15)
        }
    }

    @Test func absurdWaitsAreBounded() {
        var ground = Ground(.roundRobin)
        let policy = RetryPolicy(backoff: .max, maxBackoff: 1_000)
        #expect((0..<100).allSatisfy { ground.router.backoff(policy, attempt: $0) <= Ground.second })
        #expect(ground.router.backoff(RetryPolicy(backoff: -5, maxBackoff: -1), attempt: -3) == 0)
    }

    @Test func hedgesWaitForTheSlowestTwentieth() {
        var ground = Ground(.roundRobin)
        let answer = { (ground: inout Ground, milliseconds: UInt64) in
            _ = ground.request(.success(firstByte: milliseconds * 1_000_000, total: milliseconds * 1_000_000))
        }
        for _ in 0..<49 { answer(&ground, 10) }
        #expect(ground.router.hedgeDelay(0) == nil)
        for _ in 0..<46 { answer(&ground, 10) }
        for _ in 0..<5 { answer(&ground, 5_000) }
        let delay = ground.router.hedgeDelay(0) ?? 0
        #expect(delay >= 10_000_000 && delay <= 12_500_000)
        for _ in 0..<20 { answer(&ground, 5_000) }
        #expect((ground.router.hedgeDelay(0) ?? 0) >= 5_000_000_000)
        // What was slow once fades.
        for _ in 0..<4_000 { answer(&ground, 20) }
        #expect((ground.router.hedgeDelay(0) ?? .max) <= 25_000_000)
    }

    @Test func countsHoldOverReloads() {
        var ground = Ground(.roundRobin)
        let attempt = ground.begin()
        ground.router.note(.hedgeWon, 0)
        ground.table = RoutingTable([Model(name: "other", endpoints: [Ground.endpoint(5)])])
        ground.router.adopt(ground.table, now: ground.now)
        #expect(ground.router.routeFigures().contains { $0.name == "p" && $0.requests == 1 && $0.hedgesWon == 1 })
        // What was under way ends after it.
        if let attempt {
            ground.router.ended(attempt, .success(firstByte: 1, total: 1), now: ground.now)
            #expect(ground.shared.inFlight(attempt.number) == 0)
        }
        var numbers = ground.numbers
        let model = Model(name: "m", endpoints: [Ground.endpoint(0)])
        ground.table = RoutingTable(Catalog(models: [model], pools: [Pool(name: "p", models: [.init(model: "m")])]), &numbers)
        ground.router.adopt(ground.table, now: ground.now)
        #expect(ground.router.routeFigures()[0].requests == 1)
    }
}
