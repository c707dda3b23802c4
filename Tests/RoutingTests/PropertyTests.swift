import Catalog
import Routing
import Testing

/// A hundred thousand random sequences of events, evenly over the strategies.
@Suite struct PropertyTests {
    static let strategies: [Strategy] = [
        .priority, .roundRobin, .weighted, .leastInFlight, .powerOfTwo, .lowestLatency, .costFirst,
        .sessionSticky(SessionPolicy(key: .user)), .sessionSticky(SessionPolicy(key: .user, isStrict: true)),
        .prefixAffinity(PrefixPolicy()), .rateLimitAware(threshold: 80),
    ]

    @Test(arguments: strategies)
    func nothingOnStandbyIsPickedAndNoCountLeaks(strategy: Strategy) {
        let breaker = BreakerPolicy(failures: 2, errorRate: 0, cooldown: 3_000, trials: 2)
        let routing = RoutingPolicy(strategy: strategy, breaker: breaker)
        // The second server has both models, and the others are one provider's.
        let models = (0..<2).map { model in
            Model(
                name: "m\(model)",
                endpoints: [model * 2, 1].map { index in
                    Ground.endpoint(index, weight: UInt16(1 + index)) { endpoint in
                        endpoint.cost = 5
                        guard index != 1 else { return }
                        endpoint.provider = "acme"
                        endpoint.key = Secret("k")
                    }
                })
        }
        let pool = Pool(
            name: "p", models: models.map { .init(model: $0.name) }, routing: routing, fallback: [Ground.endpoint(4)])
        let catalog = Catalog(models: models, pools: [pool])
        let ground = Ground(catalog)
        var (picks, standbys, trials, fallbacks) = (0, 0, 0, 0)
        let sequences = 100_000 / Self.strategies.count + 1
        for seed in 0..<sequences {
            var sequence = Sequence(catalog, ground.table, ground.router, ground.shared, seed: UInt64(seed))
            sequence.run(events: seed % 50 == 0 ? 200 : 5 + seed % 6)
            if let fault = sequence.faults.first {
                Issue.record("sequence \(seed): \(fault)")
                return
            }
            picks += sequence.picks
            standbys += sequence.standbys
            trials += sequence.trials
            fallbacks += sequence.fallbacks
        }
        // They went where it matters.
        let counts = "\(picks) picks, \(standbys) standbys, \(trials) trials, \(fallbacks) to fall back to"
        #expect(
            picks > 2 * sequences && standbys > sequences / 4 && trials > sequences / 10 && fallbacks > sequences / 100,
            "\(counts)")
    }
}
