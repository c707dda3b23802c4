import Catalog
import Routing
import Testing

@Suite struct AffinityTests {
    static func sticky(strict: Bool = false, endpoints: Int = 5) -> Ground {
        Ground(.sessionSticky(SessionPolicy(key: .user, isStrict: strict, timeout: 60_000)), endpoints: endpoints)
    }

    static func ask(_ session: UInt64) -> RouteAsk { RouteAsk(route: 0, session: Hash.text("s\(session)")) }

    @Test func sessionsStayAndAreSpread() {
        var ground = Self.sticky()
        let first = (0..<500).map { ground.request(.success(firstByte: 1, total: 1), Self.ask($0)) }
        for index in 0..<5 { #expect(first.count { $0 == index } > 60) }
        for _ in 0..<3 {
            ground.wait(40_000)
            #expect((0..<500).map { ground.request(.success(firstByte: 1, total: 1), Self.ask($0)) } == first)
        }
    }

    @Test func aSessionThatMovedStaysWhereItWent() throws {
        var ground = Self.sticky()
        let ownFound = ground.request(.success(firstByte: 1, total: 1), Self.ask(1))
        let own = try #require(ownFound)
        ground.stand([own: { $0.isDrained = true }])
        let nextFound = ground.request(.success(firstByte: 1, total: 1), Self.ask(1))
        let next = try #require(nextFound)
        #expect(next != own)
        ground.stand([:])
        #expect(ground.request(.success(firstByte: 1, total: 1), Self.ask(1)) == next)
        // Forgotten, it goes by its own order again.
        ground.wait(62_000)
        #expect(ground.request(.success(firstByte: 1, total: 1), Self.ask(1)) == own)
    }

    @Test func aSecondAttemptDoesNotMoveASession() throws {
        var ground = Self.sticky()
        let attemptFound = ground.begin(Self.ask(1))
        let attempt = try #require(attemptFound)
        let own = ground.index(of: attempt.number)
        ground.router.ended(attempt, .status(500, retryAfter: nil), now: ground.now)
        var again = Self.ask(1)
        again.attempt = 1
        again.excluded.insert(attempt.number)
        #expect(ground.request(.success(firstByte: 1, total: 1), again) != own)
        #expect(ground.request(.success(firstByte: 1, total: 1), Self.ask(1)) == own)
    }

    @Test func aStrictSessionWaits() throws {
        var ground = Self.sticky(strict: true)
        let ownFound = ground.request(.success(firstByte: 1, total: 1), Self.ask(1))
        let own = try #require(ownFound)
        let attemptFound = ground.begin(Self.ask(1))
        let attempt = try #require(attemptFound)
        ground.router.ended(attempt, .status(503, retryAfter: 7 * Ground.second), now: ground.now)
        let pick = ground.router.pick(Self.ask(1), ground.table, now: ground.now)
        #expect(pick == .nothing(recoveryAt: ground.now + 7 * Ground.second, .standby))
        ground.wait(7_000)
        #expect(ground.request(.success(firstByte: 1, total: 1), Self.ask(1)) == own)
    }

    @Test func sessionsAreSharedByLoopsAndOutliveReloads() throws {
        var ground = Self.sticky()
        ground.stand([0: { $0.isDrained = true }, 1: { $0.isDrained = true }])
        let had = (0..<50).map { ground.request(.success(firstByte: 1, total: 1), Self.ask($0)) }
        var other = Router(seed: 9, shared: ground.shared)
        other.adopt(ground.table, now: ground.now)
        for session in 0..<50 {
            guard case .target(let target, _) = other.pick(Self.ask(UInt64(session)), ground.table, now: ground.now) else {
                Issue.record("nothing to pick")
                continue
            }
            #expect(ground.index(target) == had[session])
        }
        ground.stand([:])
        ground.router.adopt(ground.table, now: ground.now)
        #expect((0..<50).map { ground.request(.success(firstByte: 1, total: 1), Self.ask($0)) } == had)
    }

    @Test func aSessionDoesNotKeepAFallback() throws {
        let policy = RoutingPolicy(strategy: .sessionSticky(SessionPolicy(key: .user)))
        let model = Model(name: "m", endpoints: [Ground.endpoint(0)], fallback: [Ground.endpoint(1)], routing: policy)
        var ground = Ground(Catalog(models: [model]))
        ground.stand([0: { $0.isDrained = true }])
        #expect(ground.request(.success(firstByte: 1, total: 1), Self.ask(1)) == 1)
        ground.stand([:])
        #expect(ground.request(.success(firstByte: 1, total: 1), Self.ask(1)) == 0)
    }

    @Test func explainingRemembersNothing() throws {
        var ground = Self.sticky()
        guard case .target(let target, _) = ground.router.explain(Self.ask(1), ground.table, now: ground.now).pick else {
            Issue.record("nothing to pick")
            return
        }
        let own = ground.index(target)
        ground.stand([own: { $0.isDrained = true }])
        #expect(ground.router.explain(Self.ask(1), ground.table, now: ground.now).chosen != own)
        ground.stand([:])
        #expect(ground.pick(Self.ask(1)) == own)
    }

    static func prefixAsk(_ prefix: UInt64) -> RouteAsk { RouteAsk(route: 0, prefix: Hash.text("p\(prefix)")) }

    @Test func promptsWithTheSameHeadMeet() {
        var ground = Ground(.prefixAffinity(PrefixPolicy()), endpoints: 4)
        let first = (0..<400).map { ground.request(.success(firstByte: 1, total: 1), Self.prefixAsk($0)) }
        for index in 0..<4 { #expect(first.count { $0 == index } > 60) }
        #expect((0..<400).map { ground.request(.success(firstByte: 1, total: 1), Self.prefixAsk($0)) } == first)
        // Only what was at the one that goes moves.
        ground.stand([2: { $0.isDrained = true }])
        for (prefix, had) in first.enumerated() {
            let has = ground.request(.success(firstByte: 1, total: 1), Self.prefixAsk(UInt64(prefix)))
            #expect(had == 2 ? has != 2 : has == had)
        }
    }

    @Test func loadIsBounded() {
        var ground = Ground(.prefixAffinity(PrefixPolicy(bytes: 1024, load: 125)), endpoints: 4)
        for count in 1...100 {
            _ = ground.begin(Self.prefixAsk(1))
            let bound = Int((Double(count) * 1.25 / 4).rounded(.up))
            for index in 0..<4 { #expect((ground.figures(index)?.inFlight ?? 0) <= bound) }
        }
    }
}
