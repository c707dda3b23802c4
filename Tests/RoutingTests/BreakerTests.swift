import Catalog
import Routing
import Testing

/// When an endpoint that fails is left, and when it is back.
@Suite struct BreakerTests {
    static let failed = Outcome.status(500, retryAfter: nil)

    @Test(arguments: [
        Outcome.connectFailed, .noAnswer, .timedOut, .brokenStream, .status(500, retryAfter: nil), .status(502, retryAfter: nil),
        .status(503, retryAfter: nil), .status(504, retryAfter: nil),
    ])
    func threeFailuresOpenIt(outcome: Outcome) {
        var ground = Ground(.priority, endpoints: 2)
        #expect((0..<3).map { _ in ground.request(outcome) } == [0, 0, 0])
        #expect(ground.request() == 1)
        #expect(ground.figures(0)?.breaker == .open && ground.figures(0)?.standby == .breaker)
        #expect(ground.figures(0)?.remaining == 10 * Ground.second && ground.figures(0)?.failures == 3)
        #expect(ground.figures(0)?.detail.isEmpty == false)
    }

    @Test(arguments: [
        Outcome.cancelled, .status(400, retryAfter: nil), .status(401, retryAfter: nil), .status(404, retryAfter: nil),
        .status(429, retryAfter: nil), .status(501, retryAfter: nil), .success(firstByte: 1, total: 1),
    ])
    func whatIsNotItsFaultDoesNot(outcome: Outcome) {
        var ground = Ground(.priority, endpoints: 2)
        for _ in 0..<50 { #expect(ground.request(outcome) == 0) }
    }

    @Test func aSuccessBetweenStartsAnew() {
        var ground = Ground(.priority, endpoints: 2) { $0.breaker.errorRate = 0 }
        for _ in 0..<20 {
            #expect(ground.request(Self.failed) == 0 && ground.request(Self.failed) == 0 && ground.request() == 0)
        }
    }

    @Test func theErrorRateOpensIt() {
        var ground = Ground(.priority, endpoints: 2) {
            $0.breaker.failures = 1_000
            $0.breaker.minimum = 10
        }
        for _ in 0..<5 { #expect(ground.request() == 0) }
        for _ in 0..<4 { #expect(ground.request(Self.failed) == 0) }
        #expect(ground.figures(0)?.breaker == .closed)
        _ = ground.request(Self.failed)
        #expect(ground.figures(0)?.breaker == .open)
    }

    @Test func oldFailuresAreForgotten() {
        var ground = Ground(.priority, endpoints: 2) {
            $0.breaker.failures = 1_000
            $0.breaker.minimum = 10
        }
        for _ in 0..<9 { _ = ground.request(Self.failed) }
        ground.wait(11_000)
        for _ in 0..<9 { #expect(ground.request(Self.failed) == 0) }
        _ = ground.request(Self.failed)
        #expect(ground.pick() == 1)
    }

    @Test func oneTrialDecides() {
        var ground = Ground(.priority, endpoints: 2)
        for _ in 0..<3 { ground.request(Self.failed) }
        ground.wait(9_999)
        #expect(ground.pick() == 1)
        ground.wait(1)
        #expect(ground.figures(0)?.breaker == .halfOpen && ground.figures(0)?.standby == nil)
        guard let trial = ground.begin() else {
            Issue.record("no trial")
            return
        }
        #expect(ground.index(of: trial.number) == 0 && trial.isTrial)
        // One at a time.
        #expect(ground.pick() == 1)
        ground.router.ended(trial, .success(firstByte: 1, total: 1), now: ground.now)
        #expect(ground.figures(0)?.breaker == .closed && ground.pick() == 0)
    }

    @Test func eachTrialThatFailsDoublesTheCooldown() {
        var ground = Ground(.priority, endpoints: 2)
        for _ in 0..<3 { ground.request(Self.failed) }
        for seconds in [10, 20, 40, 80, 80] as [UInt64] {
            #expect(ground.figures(0)?.remaining == seconds * Ground.second)
            ground.wait(seconds * 1_000 - 1)
            #expect(ground.pick() == 1)
            ground.wait(1)
            #expect(ground.request(Self.failed) == 0)
        }
        ground.wait(80_000)
        #expect(ground.request() == 0)
        for _ in 0..<3 { ground.request(Self.failed) }
        #expect(ground.figures(0)?.remaining == 10 * Ground.second)
    }

    @Test func asManyTrialsAndSuccessesAsConfigured() {
        var ground = Ground(.priority, endpoints: 2) {
            $0.breaker.trials = 2
            $0.breaker.successes = 3
        }
        for _ in 0..<3 { ground.request(Self.failed) }
        ground.wait(10_000)
        guard let first = ground.begin(), let second = ground.begin() else {
            Issue.record("no trials")
            return
        }
        #expect(first.isTrial && second.isTrial && ground.pick() == 1)
        ground.router.ended(first, .success(firstByte: 1, total: 1), now: ground.now)
        ground.router.ended(second, .cancelled, now: ground.now)
        #expect(ground.figures(0)?.breaker == .halfOpen)
        for _ in 0..<2 { #expect(ground.request() == 0) }
        #expect(ground.figures(0)?.breaker == .closed)
    }

    @Test func aLongStreamIsASuccessAtItsFirstByte() {
        var ground = Ground(.priority, endpoints: 2)
        for _ in 0..<3 { ground.request(Self.failed) }
        ground.wait(10_000)
        guard var trial = ground.begin(RouteAsk(route: 0, isStream: true)) else {
            Issue.record("no trial")
            return
        }
        ground.router.answered(&trial, now: ground.now)
        #expect(ground.figures(0)?.breaker == .closed && ground.pick() == 0)
        ground.router.ended(trial, .brokenStream, now: ground.now)
        #expect(ground.figures(0)?.breaker == .closed && ground.figures(0)?.inFlight == 0)
    }

    @Test func whatBeganBeforeSaysNothing() {
        var ground = Ground(.priority, endpoints: 2)
        let early = (0..<5).compactMap { _ in ground.begin() }
        for attempt in early.prefix(3) { ground.router.ended(attempt, Self.failed, now: ground.now) }
        let remaining = ground.figures(0)?.remaining
        ground.router.ended(early[3], .success(firstByte: 1, total: 1), now: ground.now)
        ground.router.ended(early[4], Self.failed, now: ground.now)
        #expect(ground.figures(0)?.breaker == .open && ground.figures(0)?.remaining == remaining)
        #expect(ground.figures(0)?.inFlight == 0)
    }

    @Test func aServerThatTakesNoConnectionFailsForAllItsModels() {
        let models = ["a", "b"].map {
            Model(name: $0, endpoints: [Ground.endpoint(0), Ground.endpoint($0 == "a" ? 1 : 2)], routing: RoutingPolicy())
        }
        var ground = Ground(Catalog(models: models))
        for _ in 0..<3 { #expect(ground.request(.connectFailed, RouteAsk(route: 0)) == 0) }
        #expect(ground.pick(RouteAsk(route: 1)) == 2)
        #expect(ground.router.takeNotices().count == 2 && ground.router.takeNotices().isEmpty)
    }

    @Test(arguments: [UInt16(429), 503])
    func isLeftAloneForAsLongAsItAsks(status: UInt16) {
        var ground = Ground(.priority, endpoints: 2)
        ground.request(.status(status, retryAfter: 3 * Ground.second))
        #expect(ground.figures(0)?.standby == .cooldown && ground.figures(0)?.remaining == 3 * Ground.second)
        ground.wait(2_999)
        #expect(ground.pick() == 1)
        ground.wait(1)
        #expect(ground.pick() == 0)
        _ = ground.router.takeNotices()
        ground.request()
        #expect(ground.router.takeNotices().map(\.change) == [.active(.cooldown)])
        ground.request(.status(status, retryAfter: .max))
        #expect(ground.figures(0)?.remaining == 120 * Ground.second)
    }

    @Test(arguments: [UInt16(429), 503])
    func whatTheCallersOwnCredentialsMayNotHasNoCooldown(status: UInt16) {
        var ground = Ground(.rateLimitAware(threshold: 80), endpoints: 2)
        #expect(ground.request(.status(status, retryAfter: 30 * Ground.second, ofCaller: true)) == 0)
        #expect(ground.request(.status(status, retryAfter: nil, ofCaller: true)) == 0)
        #expect(ground.figures(0)?.standby == nil && ground.figures(0)?.limitUse == nil && ground.pick() == 0)
        #expect(ground.router.takeNotices().isEmpty)
    }

    @Test func aServerThatIsNotLeftAloneIsJudged() {
        for outcome in [Outcome.status(503, retryAfter: Ground.second, ofCaller: true), .status(503, retryAfter: 0)] {
            var ground = Ground(.priority, endpoints: 2)
            for _ in 0..<3 { #expect(ground.request(outcome) == 0) }
            #expect(ground.figures(0)?.standby == .breaker && ground.pick() == 1)
        }
    }

    @Test func aTrialCountsOnce() {
        var ground = Ground(.priority, endpoints: 2) { $0.breaker.successes = 3 }
        for _ in 0..<3 { ground.request(Self.failed) }
        ground.wait(10_000)
        for end in [Outcome.success(firstByte: 1, total: 2), .cancelled] {
            guard var trial = ground.begin() else {
                Issue.record("no trial")
                return
            }
            ground.router.answered(&trial, now: ground.now)
            ground.router.ended(trial, end, now: ground.now)
        }
        #expect(ground.figures(0)?.breaker == .halfOpen)
        let last = ground.begin()
        #expect(last?.isTrial == true && ground.pick() == 1, "one at a time")
    }

    @Test func whatSeveralLoopsFindAtOnceCountsOnce() {
        var ground = Ground(.priority, endpoints: 2)
        let notice = { (ground: Ground) in
            let until = ground.now + 10 * Ground.second
            return RoutingNotice(number: 0, change: .standby(.breaker, until: until))
        }
        for _ in 0..<3 { ground.request(Self.failed) }
        for _ in 0..<3 { ground.router.take(notice(ground), now: ground.now) }
        ground.wait(10_000)
        #expect(ground.request(Self.failed) == 0)
        #expect(ground.figures(0)?.remaining == 20 * Ground.second)
        // The trial of another loop failed.
        ground.wait(20_000)
        ground.router.take(notice(ground), now: ground.now)
        ground.wait(10_000)
        #expect(ground.request(Self.failed) == 0)
        #expect(ground.figures(0)?.remaining == 80 * Ground.second)
    }

    @Test func aRefusedKeyTakesTheProviderOut() {
        let own = { (endpoint: inout Endpoint) in
            endpoint.provider = "acme"
            endpoint.key = Secret("k")
        }
        let model = Model(
            name: "m", endpoints: [Ground.endpoint(0, own), Ground.endpoint(1, own), Ground.endpoint(2)], routing: RoutingPolicy()
        )
        var ground = Ground(Catalog(models: [model]))
        ground.request(.status(401, retryAfter: nil))
        #expect(ground.figures(0)?.failures == 1 && ground.figures(1)?.detail.isEmpty == false)
        #expect(ground.figures(0)?.standby == .authentication && ground.figures(1)?.standby == .authentication)
        #expect(ground.request(.status(401, retryAfter: nil)) == 2)
        // The caller's own key is its own business.
        #expect(ground.pick() == 2)
        ground.wait(60_000)
        #expect(ground.request(.status(401, retryAfter: nil)) == 0)
        #expect(ground.pick() == 2)
        ground.wait(60_000)
        #expect(ground.request() == 0)
        #expect(ground.figures(1)?.breaker == .closed && ground.figures(0)?.standby == nil)
    }

    @Test func failuresOfAllLoopsCountTogether() {
        var ground = Ground(.priority, endpoints: 2)
        var other = Router(seed: 2, shared: ground.shared)
        other.adopt(ground.table, now: ground.now)
        let fail = { (router: inout Router) in
            let attempt = router.began(ground.table.target(0), for: RouteAsk(route: 0), isTrial: false, now: ground.now)
            router.ended(attempt, Self.failed, now: ground.now)
        }
        fail(&ground.router)
        fail(&other)
        #expect(ground.router.takeNotices().isEmpty && other.takeNotices().isEmpty)
        fail(&ground.router)
        #expect(ground.router.takeNotices().count == 1)
        // A success in between counts for all as well.
        var fresh = Ground(.priority, endpoints: 2)
        var second = Router(seed: 3, shared: fresh.shared)
        second.adopt(fresh.table, now: fresh.now)
        for _ in 0..<2 { fail(&fresh.router) }
        let attempt = second.began(fresh.table.target(0), for: RouteAsk(route: 0), isTrial: false, now: fresh.now)
        second.ended(attempt, .success(firstByte: 1, total: 1), now: fresh.now)
        for _ in 0..<2 { fail(&fresh.router) }
        #expect(fresh.router.takeNotices().isEmpty)
    }

    @Test func loopsLearnFromEachOther() {
        var ground = Ground(.priority, endpoints: 2)
        var other = Router(seed: 2, shared: ground.shared)
        other.adopt(ground.table, now: ground.now)
        let pass = { (ground: inout Ground, other: inout Router) in
            for notice in ground.router.takeNotices() { other.take(notice, now: ground.now) }
        }
        for _ in 0..<3 { ground.request(Self.failed) }
        pass(&ground, &other)
        #expect(other.pick(RouteAsk(route: 0), ground.table, now: ground.now) == .target(1, isTrial: false))
        ground.wait(10_000)
        #expect(other.pick(RouteAsk(route: 0), ground.table, now: ground.now) == .target(0, isTrial: true))
        ground.request()
        pass(&ground, &other)
        #expect(other.pick(RouteAsk(route: 0), ground.table, now: ground.now) == .target(0, isTrial: false))
        #expect(other.takeNotices().isEmpty)
    }
}
