import Catalog
import Control
import Telemetry
import Testing

/// Messages with every field set to something of its own, so that no two can be mixed up unnoticed.
enum Samples {
    static let v4 = SocketAddress(ip: IPAddress(v4: 127, 64, 0, 10), port: 8000)
    static let v6 = SocketAddress(
        ip: IPAddress(family: .v6, high: 0x2001_0DB8_0000_0001, low: 0xFFEE_DDCC_BBAA_9988), port: 65_535)

    static var node: Node {
        Node(
            cgroup: "/workloads.slice", brokerCgroup: "/broker", listen: [v4, v6], podAddresses: [v6.ip, v4.ip],
            gateway: [v6], admin: v4, proxy: .external, user: "nübody", workers: 256,
            timeouts: Timeouts(head: 1, bodyIdle: 2, keepAlive: 3, connect: 4, response: 5, upstreamIdle: 6, sniff: 7),
            maxBody: .max)
    }

    static var rules: [CaptureRule] {
        let blocks = [CIDR(address: IPAddress(v4: 10, 0, 0, 0), prefixLength: 8), CIDR(address: v6.ip, prefixLength: 128)]
        let destinations = blocks.enumerated().compactMap { index, block in
            block.map { Destination(network: $0, port: UInt16(index * 443)) }
        }
        return [
            CaptureRule(name: "a", to: destinations, path: .deny, whenProxyDown: .refuse, unknown: .relay, opaque: .refuse),
            CaptureRule(name: "d", to: destinations, path: .direct, model: "llama"),
            CaptureRule(name: "", to: [], path: .proxy, whenProxyDown: .direct, unknown: .refuse, opaque: .relay),
        ]
    }

    static var catalog: Catalog {
        Catalog(
            node: node, rules: rules,
            models: [
                Model(
                    name: "llama", endpoints: endpoints, access: .private, capabilities: ["generation", "x.y"],
                    fallback: [endpoints[1]], routing: routing),
                Model(name: "", endpoints: []),
            ],
            clients: [
                Client(name: "c", workloads: ["/a", "/b/**"], allow: ["llama", "x"], deny: ["y"]), Client(name: "d", allow: []),
                Client(name: "e"),
            ],
            pools: pools, capabilities: ["generation.sql", "x.y"])
    }

    static var endpoints: [Endpoint] {
        [
            Endpoint(
                host: "h", port: 1, authority: "h:1", pathPrefix: "/p", addresses: [v4, v6], weight: 65_535, engine: .ollama,
                tls: EndpointTLS(serverName: "h.example", caFile: "/ca.pem"), upstreamModel: "meta/llama",
                labels: ["tier": "gpu", "area": "b", "": ""], cost: .max, provider: "acme", key: Secret("sk-1")),
            Endpoint(host: "::1", port: 80, authority: "[::1]"),
            Endpoint(host: "t", port: 443, authority: "t", engine: .kserveV2, tls: EndpointTLS(serverName: "t"), cost: 0),
        ]
    }

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
        var pools = strategies.enumerated().map { index, strategy in
            Pool(name: "pool-\(index)", routing: RoutingPolicy(strategy: strategy, retry: RetryPolicy(statuses: [])))
        }
        pools.append(
            Pool(
                name: "", models: [.init(model: "llama", weight: 95), .init(model: "x", weight: 0)], capability: "generation",
                selector: ["tier": "gpu", "area": "b"], routing: routing, fallback: endpoints,
                mirror: Mirror(model: "next", percent: 10)))
        return pools
    }

    static let key = EndpointKey(url: "https://h:1/p", address: v4)

    static var standings: [EndpointStanding] {
        [
            EndpointStanding(key: key, fault: "status 500", isDrained: true, maintenanceUntil: .max),
            EndpointStanding(key: EndpointKey(url: "", address: v6)),
        ]
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
                failures: 4, firstByteMean: 5, latencyMean: 6, fallbacks: 7, limitUse: 0))
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

    static var refusedDecision: RouteDecision {
        var decision = RouteDecision(name: "nobody")
        decision.status = 404
        decision.refusal = "the model does not exist"
        return decision
    }

    static var settings: ProxySettings {
        ProxySettings(generation: .max, catalog: catalog, hostNetnsCookie: 4_026_531_840, slots: [4096, 0])
    }

    static var statistics: ProxyStatistics {
        var histogram = LatencyHistogram()
        for bucket in histogram.counts.indices { histogram.counts[bucket] = UInt64(1_000 + bucket) }
        histogram.sumMicroseconds = .max
        var counters = ModelCounters()
        counters.requests = 1
        counters.status2xx = 2
        counters.status3xx = 3
        counters.status4xx = 4
        counters.status5xx = 5
        counters.broken = 6
        counters.cancelled = 7
        counters.bytesIn = 8
        counters.bytesOut = 9
        counters.active = 10
        counters.rateLimited = 25
        counters.tokenLimited = 26
        counters.accessRefused = 27
        counters.tokens = 28
        counters.firstByte = histogram
        var statistics = ProxyStatistics()
        statistics.models = [
            .init(name: "llama", inCatalog: true, counters: counters),
            .init(name: "é", inCatalog: false, counters: ModelCounters()),
        ]
        statistics.acceptedCaptured = 11
        statistics.acceptedGateway = 12
        statistics.openConnections = 13
        statistics.withoutOrigin = 14
        statistics.opaque = 15
        statistics.unnamed = 16
        statistics.refused = 17
        statistics.upstreamConnects = 18
        statistics.upstreamReuses = 19
        statistics.upstreamConnectFailures = 20
        statistics.staleRetries = 21
        statistics.acceptFailures = 22
        statistics.residentBytes = 23
        statistics.descriptors = 24
        statistics.uptimeMilliseconds = .max
        statistics.tagFailures = 29
        return statistics
    }

    static var flows: [FlowRecord] {
        var flows = FlowRecord.State.allCases.map {
            FlowRecord(id: UInt64($0.rawValue), entrance: .gateway, state: $0, caller: v6, dialled: v4)
        }
        flows.append(
            FlowRecord(
                id: .max, entrance: .capture, state: .streaming, pid: 1, uid: 2, command: "curl", cgroup: 3, netnsCookie: 4,
                caller: v4, dialled: v6, rule: 5, client: "c", model: "m", endpoint: v4, requests: 6, bytesIn: 7, bytesOut: 8,
                ageMilliseconds: 9))
        return flows
    }

    static var agentMessages: [AgentMessage] {
        [
            .welcome(settings), .configure(ProxySettings(generation: 0, catalog: Catalog(), hostNetnsCookie: 0)),
            .query(id: 0xFFFF_FFFE, .statistics), .query(id: 1, .flows), .stop(deadlineMilliseconds: 30_000),
            .query(id: 2, .routing), .query(id: 3, .explain(explainQuery)), .query(id: 4, .explain(ExplainQuery(model: ""))),
            .query(id: 5, .rotate("chat")), .standings(standings), .standings([]), .watchDecisions(true), .watchDecisions(false),
        ]
    }

    static var proxyMessages: [ProxyMessage] {
        let events = ProxyEvent.Kind.allCases.map { ProxyMessage.event(ProxyEvent(kind: $0)) }
        let full = ProxyEvent(
            kind: .opaque, model: "m", client: "c", pid: 1, cgroup: 2, address: v6, detail: "tls sni=example.internal")
        return events + [
            .event(full), .hello(ProxyHello(pid: -1, version: "0.1.0", abi: 1, generation: 7)), .applied(generation: 3),
            .rejected(generation: 4, reason: "127.0.0.1:15001: address in use"), .report(id: 5, .statistics(statistics)),
            .report(id: 6, .flows(flows)), .report(id: 7, .flows([])), .report(id: 8, .statistics(ProxyStatistics())),
            .report(id: 9, .routing(endpointRecords, routeRecords)), .report(id: 10, .routing([], [])),
            .report(id: 11, .explanation(decision)), .report(id: 12, .explanation(refusedDecision)),
            .report(id: 13, .rotated(from: key, to: EndpointKey(url: "u", address: v6))),
            .report(id: 14, .rotated(from: nil, to: nil)),
        ]
    }
}
