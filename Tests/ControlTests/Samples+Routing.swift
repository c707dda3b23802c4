import Catalog
import Control

extension Samples {
    static var routing: RoutingPolicy {
        RoutingPolicy(
            strategy: .sessionSticky(SessionPolicy(key: .header("x-chat"), isStrict: true, timeout: 5)),
            retry: RetryPolicy(
                attempts: 1, statuses: [504, 429, 500], backoff: 2, maxBackoff: 3, scope: .sameModel, budget: 4,
                firstByteTimeout: 0, hedges: true, bodyLimit: 6),
            breaker: BreakerPolicy(
                failures: 7, errorRate: 8, minimum: 9, window: 10, cooldown: 11, trials: 12, successes: 13))
    }

    static let strategies: [Strategy] = [
        .priority, .roundRobin, .weighted, .leastInFlight, .powerOfTwo, .lowestLatency, .costFirst,
        .sessionSticky(SessionPolicy(key: .user)), .sessionSticky(SessionPolicy(key: .client, timeout: 0)),
        .prefixAffinity(PrefixPolicy(bytes: 64, load: 200)), .rateLimitAware(threshold: 80),
    ]

    /// One of each strategy, with and without everything that may be missing.
    static var pools: [Pool] {
        strategies.enumerated().map { index, strategy in
            Pool(name: "pool-\(index)", routing: RoutingPolicy(strategy: strategy, retry: RetryPolicy(statuses: [])))
        }
    }

    static var mirroredPool: Pool {
        Pool(
            name: "", models: [.init(model: "llama", weight: 95), .init(model: "x", weight: 0)], capability: "generation",
            selector: ["tier": "gpu", "area": "b"], routing: routing, fallback: endpoints,
            mirror: Mirror(model: "next", percent: 10))
    }

    static let key = EndpointKey(url: "https://h:1/p", address: v4)

    static var standings: [EndpointStanding] {
        [
            EndpointStanding(
                key: key, fault: "status 500", isDrained: true, maintenanceUntil: .max, phase: .failed, retryAt: 1, load: 2,
                reading: .max),
            EndpointStanding(key: EndpointKey(url: "", address: v6)),
        ] + EnginePhase.allCases.map { EndpointStanding(key: EndpointKey(url: "", address: v4), phase: $0, load: 0) }
    }

    static var explainQuery: ExplainQuery {
        ExplainQuery(
            model: "chat", client: "c", headers: [.init(name: "x-session-id", value: "1"), .init(name: "", value: "")], user: "u",
            prompt: "once")
    }

    static var endpointRecords: [EndpointRecord] {
        var records = StandbyReason.allCases.map { EndpointRecord(model: "m", key: key, standby: $0, detail: $0.text) }
        records += BreakerState.allCases.map { EndpointRecord(model: "", key: key, breaker: $0) }
        records.append(
            EndpointRecord(
                model: "m", key: key, standby: .breaker, detail: "d", remaining: 1, breaker: .open, inFlight: 2, requests: 3,
                failures: 4, firstByteMean: 5, latencyMean: 6, fallbacks: 7, limitUse: 0, limit: 8, isAdaptive: true,
                phase: .stopping))
        records += EnginePhase.allCases.map { EndpointRecord(model: "", key: key, limit: 0, phase: $0) }
        records.append(EndpointRecord(model: "m", key: key, limitUse: 100))
        return records
    }

    static var routeRecords: [RouteRecord] {
        var record = RouteRecord(name: "chat")
        record.requests = 1
        record.retries = 2
        record.hedges = 3
        record.hedgesWon = 4
        record.budgetDenied = 5
        record.fallbacks = 6
        record.exhausted = 7
        record.mirrored = 8
        record.mirrorFailures = 9
        record.rotations = .max
        return [record, RouteRecord(name: "")]
    }

    static var decision: RouteDecision {
        var decision = RouteDecision(kind: "pool", name: "chat", strategy: "priority")
        decision.stages = ["name: a pool", ""]
        decision.candidates = [
            .init(model: "m", key: key, score: nil, note: "drained"),
            .init(model: "n", key: EndpointKey(url: "u", address: v6), score: -0.5, note: "1 under way", isFallback: true),
        ]
        decision.chosen = 1
        return decision
    }

    static var waitingDecision: RouteDecision {
        var decision = RouteDecision(kind: "model", name: "m", strategy: "priority")
        decision.candidates = [.init(model: "m", key: key, score: nil, note: "no slot is free")]
        decision.line = .init(model: "m", group: "gold", place: 7, wait: 1_250)
        return decision
    }

    static var refusedDecision: RouteDecision {
        var decision = RouteDecision(name: "nobody")
        decision.status = 404
        decision.refusal = "the model does not exist"
        return decision
    }
}
