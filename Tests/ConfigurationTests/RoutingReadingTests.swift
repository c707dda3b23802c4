import Catalog
import Configuration
import Testing

/// Strategies, retries, breakers, and what endpoints say of themselves.
@Suite struct RoutingReadingTests {
    private func model(_ keys: String, environment: [String: String] = [:]) throws -> Model {
        let yaml = "models:\n  m:\n    endpoints: [\"http://h\"]\n" + keys.split(separator: "\n").map { "    \($0)\n" }.joined()
        return try #require(try catalog(yaml, environment: environment).models.first)
    }

    private func endpoint(_ keys: String, environment: [String: String] = [:]) throws -> Endpoint {
        let yaml = "models: {m: {endpoints: [{\(keys)}]}}"
        return try #require(try catalog(yaml, environment: environment).models.first?.endpoints.first)
    }

    @Test(arguments: [
        ("", Strategy.roundRobin), ("strategy:", .roundRobin), ("strategy: priority", .priority),
        ("strategy: round-robin", .roundRobin),
        ("strategy: weighted", .weighted), ("strategy: least-inflight", .leastInFlight), ("strategy: power-of-two", .powerOfTwo),
        ("strategy: lowest-latency", .lowestLatency), ("strategy: {kind: cost-first}", .costFirst),
        ("strategy: session-sticky", .sessionSticky(SessionPolicy())),
        (
            "strategy: {kind: session-sticky, key: \"header:X-Chat\", affinity: strict, timeout: 5m}",
            .sessionSticky(SessionPolicy(key: .header("x-chat"), isStrict: true, timeout: 300_000))
        ),
        ("strategy: {kind: session-sticky, key: user}", .sessionSticky(SessionPolicy(key: .user))),
        (
            "strategy: {kind: session-sticky, key: client, affinity: fallback}", .sessionSticky(SessionPolicy(key: .client))
        ),
        ("strategy: prefix-affinity", .prefixAffinity(PrefixPolicy())),
        ("strategy: {kind: prefix-affinity, bytes: 4KiB, load: 150%}", .prefixAffinity(PrefixPolicy(bytes: 4_096, load: 150))),
        ("strategy: rate-limit-aware", .rateLimitAware(threshold: 80)),
        ("strategy: {kind: rate-limit-aware, threshold: 95%}", .rateLimitAware(threshold: 95)),
    ])
    func strategies(yaml: String, expected: Strategy) throws {
        #expect(try model(yaml).routing == RoutingPolicy(strategy: expected))
    }

    @Test func retriesAndBreakers() throws {
        let policy = try model(
            """
            retry: {attempts: 5, statuses: [429, 503], backoff: 10ms, maxBackoff: 1s, scope: same-model, budget: 7%, firstByteTimeout: 10s, hedge: true, maxBody: 32MiB}
            breaker: {failures: 7, errorRate: 0%, minimum: 9, window: 20s, cooldown: 3s, trials: 2, successes: 3}
            """
        ).routing
        #expect(
            policy.retry
                == RetryPolicy(
                    attempts: 5, statuses: [429, 503], backoff: 10, maxBackoff: 1_000, scope: .sameModel, budget: 7,
                    firstByteTimeout: 10_000, hedges: true, bodyLimit: 32 << 20))
        #expect(
            policy.breaker
                == BreakerPolicy(failures: 7, errorRate: 0, minimum: 9, window: 20_000, cooldown: 3_000, trials: 2, successes: 3))
        #expect(try model("retry: off").routing.retry.attempts == 1)
        #expect(try model("retry: {statuses: []}").routing.retry.statuses.isEmpty)
        #expect(try model("retry: {statuses: 500}").routing.retry.statuses == [500])
        #expect(try model("retry:\nbreaker: {}").routing == RoutingPolicy(strategy: .roundRobin))
    }

    @Test func everyKeyOfAnEndpoint() throws {
        let read = try endpoint(
            """
            url: "https://api.example.com/v1x", weight: 0, labels: {tier: gpu, topology.kubernetes.io/zone: "", n: 7},
            upstreamModel: meta/llama-70b, engine: ollama, cost: 2.5, provider: acme, key: "${env:KEY}",
            tls: {serverName: Other.Example.com}, health: {path: "/up?x=1", period: 1s, timeout: 500ms, failures: 3, successes: 2},
            maintenance: [{cron: "0 3 * * 0", for: 30m}, {cron: "*/5 * * * *", for: 1s}], discover: {period: 2m, onNew: register}}, {url: "http://h"
            """, environment: ["KEY": "sk-1"])
        let expected = Endpoint(
            host: "api.example.com", port: 443, authority: "api.example.com", pathPrefix: "/v1x", weight: 0, engine: .ollama,
            tls: EndpointTLS(serverName: "other.example.com"), upstreamModel: "meta/llama-70b",
            labels: ["tier": "gpu", "topology.kubernetes.io/zone": "", "n": "7"], cost: 2_500_000, provider: "acme",
            key: Secret("sk-1"), health: HealthCheck(path: "/up?x=1", period: 1_000, timeout: 500, failures: 3, successes: 2),
            maintenance: [
                MaintenanceWindow(cron: "0 3 * * 0", duration: 1_800_000),
                MaintenanceWindow(cron: "*/5 * * * *", duration: 1_000),
            ], discovery: Discovery(period: 120_000, onNew: .register))
        #expect(read == expected)
        #expect(read.url == "https://api.example.com/v1x")
    }

    @Test(arguments: [
        ("https://h", "h", 443, "https://h"), ("https://h:443/", "h", 443, "https://h"),
        ("https://h:80", "h", 80, "https://h:80"),
        ("HTTPS://[::1]:8443/x", "::1", 8443, "https://[::1]:8443/x"), ("https://10.0.0.1", "10.0.0.1", 443, "https://10.0.0.1"),
    ])
    func httpsHasItsOwnPort(url: String, name: String, port: UInt16, shown: String) throws {
        let read = try endpoint("url: \"\(url)\"")
        #expect(read.tls == EndpointTLS(serverName: name) && read.port == port && read.url == shown)
        #expect(read.addresses.allSatisfy { $0.port == port })
        #expect(try catalog("models: {m: {endpoints: [\"\(url)\"]}}").models.first?.endpoints == [read])
    }

    @Test(
        arguments: [
            ("0", 0), ("3", 3_000_000), ("0.000001", 1), ("2.50", 2_500_000), ("1000000000", 1_000_000_000_000_000),
        ] as [(String, UInt64)])
    func costs(text: String, millionths: UInt64) throws {
        #expect(try endpoint("url: \"http://h\", cost: \(text)").cost == millionths)
    }

    @Test func defaultsOfAModelHoldForItsEndpoints() throws {
        let read = try #require(
            try catalog(
                """
                models:
                  m:
                    engine: kserve-v2
                    health: {period: 1s, failures: 4}
                    endpoints: ["http://a", {url: "http://b", engine: raw, health: {path: "", failures: 1}}, {url: "http://c", health: off}]
                    fallback: ["https://d", {url: "http://e"}]
                """
            ).models.first)
        let all = read.endpoints + read.fallback
        #expect(all.map(\.engine) == [.kserveV2, .raw, .kserveV2, .kserveV2, .kserveV2])
        #expect(all.map(\.health.period) == [1_000, 1_000, 0, 1_000, 1_000])
        #expect(all.map(\.health.failures) == [4, 1, 4, 4, 4])
        #expect(all.map(\.health.path) == [nil, "", nil, nil, nil])
        let off = try #require(
            try catalog("models: {m: {health: off, endpoints: [\"http://a\", {url: \"http://b\", health: {timeout: 1s}}]}}")
                .models.first)
        #expect(off.endpoints.map(\.health.period) == [0, 5_000])
        #expect(off.endpoints.map(\.health.timeout) == [5_000, 1_000])
    }

    @Test func discovery() throws {
        #expect(try endpoint("url: \"http://h\", discover: true").discovery == Discovery())
        #expect(try endpoint("url: \"http://h\", discover: false").discovery == nil)
        #expect(try endpoint("url: \"http://h\", discover: ").discovery == nil)
        #expect(try endpoint("url: \"http://h\", discover: {onNew: ignore}").discovery == Discovery(onNew: .ignore))
        #expect(try endpoint("url: \"http://h\", engine: raw, discover: false").discovery == nil)
    }

    @Test func weightZeroBesideAnother() throws {
        let models = try catalog("models: {m: {endpoints: [{url: \"http://a\", weight: 0}, \"http://b\"]}}").models
        #expect(models.first?.endpoints.map(\.weight) == [0, 1])
    }
}
