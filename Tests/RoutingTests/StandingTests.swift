import Catalog
import Routing
import Testing

/// What the agent, people and the catalogue say.
@Suite struct StandingTests {
    @Test func drainProbeAndMaintenance() {
        var ground = Ground(.priority, endpoints: 4)
        ground.stand([
            0: { $0.isDrained = true }, 1: { $0.fault = "status 500" }, 2: { $0.maintenanceUntil = 5_000_000 + 7_000 },
        ])
        #expect(ground.pick() == 3)
        #expect((0..<4).map { ground.figures($0)?.standby } == [.drained, .probe, .maintenance, nil])
        #expect(ground.figures(1)?.detail == "status 500" && ground.figures(2)?.remaining == 7 * Ground.second)
        ground.wait(7_000)
        #expect(ground.pick() == 2)
        ground.stand([:])
        #expect(ground.pick() == 0)
    }

    @Test func standingsHoldOverReloads() {
        var ground = Ground(.priority)
        ground.stand([0: { $0.isDrained = true }, 7: { $0.fault = "away" }])
        let model = Model(
            name: "m", endpoints: [Ground.endpoint(7), Ground.endpoint(0), Ground.endpoint(1)], routing: RoutingPolicy())
        var numbers = ground.numbers
        ground.table = RoutingTable(Catalog(models: [model]), &numbers)
        ground.router.adopt(ground.table, now: ground.now)
        #expect(ground.pick() == 1)
    }

    @Test func aProbeThatSucceedsShortensTheCooldown() {
        var ground = Ground(.priority, endpoints: 2)
        for _ in 0..<3 { ground.request(.connectFailed) }
        ground.stand([0: { $0.fault = "refused" }])
        #expect(ground.pick() == 1)
        ground.stand([:])
        #expect(ground.figures(0)?.breaker == .halfOpen && ground.request() == 0 && ground.figures(0)?.breaker == .closed)
    }

    @Test func unresolvedNamesAreShownAndNeverPicked() {
        let nowhere = Ground.endpoint(0) { $0.addresses = [] }
        var ground = Ground(Catalog(models: [Model(name: "m", endpoints: [nowhere, Ground.endpoint(1)])]))
        #expect((0..<3).map { _ in ground.request() } == [1, 1, 1])
        #expect(ground.figures(0)?.standby == .unresolved)
    }

    @Test func nothingUsableSaysWhenAndWhy() {
        var ground = Ground(.priority, endpoints: 2)
        let ask = RouteAsk(route: 0)
        ground.request(.status(429, retryAfter: 30 * Ground.second))
        ground.request(.status(429, retryAfter: 9 * Ground.second))
        #expect(
            ground.router.pick(ask, ground.table, now: ground.now)
                == .nothing(recoveryAt: ground.now + 9 * Ground.second, .standby))
        #expect(ground.router.routeFigures()[0].exhausted == 1 && ground.router.routeFigures()[0].requests == 3)
        let closed = ground.router.pick(ask, ground.table, now: ground.now, mayCall: { _ in false })
        #expect(closed == .nothing(recoveryAt: .max, .closed))
        let family = ground.router.pick(RouteAsk(route: 0, family: .v2), ground.table, now: ground.now)
        #expect(family == .nothing(recoveryAt: .max, .family))
        var tried = ask
        tried.excludedModels.insert(0)
        #expect(ground.router.pick(tried, ground.table, now: ground.now) == .nothing(recoveryAt: .max, .excluded))
        #expect(ground.router.pick(RouteAsk(route: 99), ground.table, now: ground.now) == .nothing(recoveryAt: .max, .empty))
    }

    @Test func scopeExclusionAndAccessNarrowTheChoice() {
        let models = (0..<3).map {
            Model(name: "m\($0)", endpoints: [Ground.endpoint(2 * $0), Ground.endpoint(2 * $0 + 1)], routing: RoutingPolicy())
        }
        var ground = Ground(Catalog(models: models, pools: [Pool(name: "p", models: models.map { .init(model: $0.name) })]))
        var ask = RouteAsk(route: 0)
        ask.excluded.insert(ground.table.target(0).number)
        #expect(ground.pick(ask) == 1)
        ask.excludedModels.insert(0)
        #expect(ground.pick(ask) == 2)
        ask.scope = .model(2)
        #expect(ground.pick(ask) == 4)
        ask.scope = .endpoint(ground.table.target(5).number)
        #expect(ground.pick(ask) == 5)
        let pick = ground.router.pick(RouteAsk(route: 0), ground.table, now: ground.now, mayCall: { $0 == 1 })
        #expect(pick == .target(2, isTrial: false))
    }

    @Test func aFallbackIsUsedWhenNothingElseIs() {
        let model = Model(name: "m", endpoints: [Ground.endpoint(0)], fallback: [Ground.endpoint(1)])
        var ground = Ground(Catalog(models: [model]))
        #expect((0..<5).map { _ in ground.request() } == [0, 0, 0, 0, 0])
        ground.stand([0: { $0.fault = "x" }])
        #expect(ground.request() == 1 && ground.figures(1)?.fallbacks == 1 && ground.router.routeFigures()[0].fallbacks == 1)
        ground.stand([:])
        #expect(ground.request() == 0)
    }

    @Test func rotatingMovesAwayAndComesRound() {
        var ground = Ground(.priority)
        let moves = (0..<4).map { _ in
            let (from, to) = ground.router.rotate(0, ground.table, now: ground.now)
            return [from, to].map { $0.map { ground.index($0) } }
        }
        #expect(moves == [[0, 1], [1, 2], [2, 0], [0, 1]])
        #expect(ground.figures(0)?.standby == .rotated && ground.pick() == 1)
        // It is no fault: better than nothing.
        ground.stand([1: { $0.isDrained = true }, 2: { $0.isDrained = true }])
        #expect(ground.pick() == 0)
        ground.stand([:])
        ground.wait(600_000)
        #expect(ground.pick() == 0 && ground.figures(0)?.standby == nil)
    }

    @Test func oneEndpointCannotBeRotated() {
        var ground = Ground(.priority, endpoints: 1)
        let (from, to) = ground.router.rotate(0, ground.table, now: ground.now)
        #expect(from == to && from != nil && ground.figures(0)?.standby == nil)
    }
}
