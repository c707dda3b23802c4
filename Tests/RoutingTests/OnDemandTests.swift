import Catalog
import Routing
import Testing

/// Servers that the agent starts and watches over: what their crash means to the loops, before the agent has said so.
@Suite struct OnDemandTests {
    private static let catalog = Catalog(models: [Model(name: "m", endpoints: [Ground.endpoint(0) { $0.isOnDemand = true }])])

    private func ground(_ shared: RoutingShared = RoutingShared()) -> Ground {
        var ground = Ground(Self.catalog, shared: shared)
        ground.stand([0: { $0.isReady = true }])
        return ground
    }

    private func shortage(_ ground: inout Ground) -> Shortage? {
        guard case .nothing(_, let shortage) = ground.router.pick(RouteAsk(route: 0), ground.table, now: ground.now) else {
            return nil
        }
        return shortage
    }

    @Test func whereNobodyListensAllLoopsWait() {
        var first = ground()
        var second = ground(first.shared)
        #expect(second.pick() == 0 && second.request(.connectFailed) == 0)
        #expect(shortage(&first) == .full && shortage(&second) == .full)
        #expect(first.router.fullTargets(RouteAsk(route: 0), first.table, now: first.now) == [0])
        #expect(first.router.isAsleep(0) && second.router.isAsleep(0))
        #expect(first.router.granted(0, RouteAsk(route: 0), first.table, now: first.now) == nil)
        first.shared.setAsleep(0, false)
        #expect(first.pick() == 0 && second.pick() == 0 && second.figures(0)?.breaker == .closed)
    }

    @Test func refusedConnectionsOpenNoBreaker() {
        var ground = ground()
        for _ in 0..<50 {
            ground.request(.connectFailed)
            ground.shared.setAsleep(0, false)
        }
        #expect(ground.pick() == 0 && ground.figures(0)?.breaker == .closed && ground.figures(0)?.failures == 50)
    }

    /// Elsewhere one that takes no connection is left alone.
    @Test func aServerOfSomebodyElsesIsNotAsleep() {
        var ground = Ground(.priority, endpoints: 2)
        #expect((0..<3).map { _ in ground.request(.connectFailed) } == [0, 0, 0])
        #expect(ground.request() == 1 && !ground.router.isAsleep(0))
    }

    @Test(arguments: [Outcome.noAnswer, .brokenStream])
    func whatACrashEndsCountsOnce(outcome: Outcome) {
        var ground = ground()
        for _ in 0..<2 {
            let attempts = (0..<20).compactMap { _ in ground.begin() }
            ground.wait(5)
            for attempt in attempts { ground.router.ended(attempt, outcome, now: ground.now) }
            #expect(attempts.count == 20 && ground.pick() == 0 && ground.figures(0)?.breaker == .closed)
            ground.wait(100)
        }
    }

    /// One that runs and is ill is left alone all the same.
    @Test(arguments: [Outcome.noAnswer, .brokenStream, .timedOut, .status(500, retryAfter: nil)])
    func failuresOneAfterAnotherOpenIt(outcome: Outcome) {
        var ground = ground()
        for _ in 0..<3 {
            guard let attempt = ground.begin() else { break }
            ground.wait(5)
            ground.router.ended(attempt, outcome, now: ground.now)
            ground.wait(5)
        }
        #expect(ground.figures(0)?.breaker == .open && ground.pick() == nil)
    }

    @Test func theNextServerIsTriedAtOnce() {
        var ground = ground()
        for _ in 0..<3 { ground.request(BreakerTests.failed) }
        #expect(ground.pick() == nil)
        ground.stand([0: { $0.isReady = false }])
        ground.stand([0: { $0.isReady = true }])
        #expect(ground.request() == 0)
    }
}
