import Catalog
import Routing
import Testing

@Suite struct ExplainTests {
    static let strategies: [Strategy] = [
        .priority, .roundRobin, .weighted, .leastInFlight, .powerOfTwo, .lowestLatency, .costFirst,
        .sessionSticky(SessionPolicy(key: .user)), .prefixAffinity(PrefixPolicy()), .rateLimitAware(threshold: 80),
    ]

    /// What is explained is what is then done, a thousand times in ever other states.
    @Test(arguments: strategies)
    func agreesWithWhatIsDone(strategy: Strategy) {
        var ground = Ground(strategy, endpoints: 5)
        var random = Random(seed: 11)
        var open: [Attempt] = []
        for _ in 0..<1_000 {
            ground.wait(UInt64(random.below(2_000)))
            let ask = RouteAsk(route: 0, session: random.next() % 8, prefix: random.next() % 8)
            let decision = ground.router.explain(ask, ground.table, now: ground.now)
            let pick = ground.router.pick(ask, ground.table, now: ground.now)
            #expect(decision.pick == pick)
            #expect(decision.candidates.count == 5)
            guard case .target(let target, let isTrial) = pick else {
                #expect(decision.chosen == nil)
                continue
            }
            #expect(decision.chosen.map { decision.candidates[$0].target } == target)
            open.append(ground.router.began(ground.table.target(target), for: ask, isTrial: isTrial, now: ground.now))
            while open.count > 4 {
                let outcome: Outcome = random.below(4) == 0 ? .noAnswer : .success(firstByte: 1, total: random.next() % 1_000_000)
                ground.router.ended(open.remove(at: random.below(open.count)), outcome, now: ground.now)
            }
        }
    }

    @Test func saysWhyEachWasDropped() throws {
        let models = [
            Model(name: "a", endpoints: [Ground.endpoint(0), Ground.endpoint(1)], routing: RoutingPolicy()),
            Model(name: "b", endpoints: [Ground.endpoint(2)]),
            Model(name: "c", endpoints: [Ground.endpoint(3) { $0.engine = .kserveV2 }], fallback: [Ground.endpoint(4)]),
        ]
        var ground = Ground(Catalog(models: models, pools: [Pool(name: "p", models: models.map { .init(model: $0.name) })]))
        ground.stand([0: { $0.isDrained = true }])
        let ask = RouteAsk(route: 0)
        let decision = ground.router.explain(ask, ground.table, now: ground.now, mayCall: { $0 != 1 })
        #expect(decision.kind == .pool && decision.name == "p" && decision.strategy == .priority && decision.chosen == 1)
        #expect(
            decision.candidates.map(\.note) == [
                "drained", "order", "the client may not call it", "it has no such interface", "fallback, and others are usable",
            ])
        #expect(decision.candidates.map { $0.score == nil } == [true, false, true, true, true])
        #expect(decision.candidates.last?.isFallback == true && !decision.stages.isEmpty)
        let summary = ground.router.summary(ask, decision.pick, ground.table, now: ground.now)
        #expect(summary == "p -> a http://127.1.0.1:9001 (priority; 4 of 5 usable; a drained)")
    }
}
