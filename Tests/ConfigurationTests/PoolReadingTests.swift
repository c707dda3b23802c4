import Catalog
import Configuration
import Glibc
import Testing

/// What good pools become.
@Suite struct PoolReadingTests {
    private static let models = """
        models:
          a: {endpoints: [{url: "http://a", labels: {tier: gpu}}], capabilities: chat-completion}
          b: {endpoints: [{url: "http://b", labels: {tier: cpu}}], capabilities: [text-generation]}
          c: {endpoints: [{url: "http://c", labels: {tier: gpu}}]}
          d: {endpoints: ["http://d"]}

        """

    private func pools(_ yaml: String) throws -> [Pool] { try catalog(Self.models + "pools:\n" + yaml).pools }

    private func weights(_ yaml: String, of name: String = "p") throws -> [String] {
        let pool = try #require(try pools(yaml).first { $0.name == name })
        return pool.models.map { "\($0.model)=\($0.weight)" }
    }

    @Test func everyKey() throws {
        let pool = try #require(
            try pools(
                """
                  chat:
                    models: {a: 95, b: 5}
                    capability: text-generation
                    selector: {tier: gpu}
                    strategy: weighted
                    retry: {attempts: 2}
                    breaker: {failures: 5}
                    fallback: ["https://api.example.com/v1x", {url: "http://10.0.0.9", upstreamModel: big}]
                    mirror: {model: d, percent: 10%}
                """
            ).first)
        var expected = Pool(
            name: "chat", models: [.init(model: "a", weight: 95), .init(model: "b", weight: 5)],
            capability: "generation.text-generation", selector: ["tier": "gpu"], mirror: Mirror(model: "d", percent: 10))
        expected.routing.strategy = .weighted
        expected.routing.retry.attempts = 2
        expected.routing.breaker.failures = 5
        expected.fallback = [
            Endpoint(
                host: "api.example.com", port: 443, authority: "api.example.com", pathPrefix: "/v1x",
                tls: EndpointTLS(serverName: "api.example.com")),
            Endpoint(
                host: "10.0.0.9", port: 80, authority: "10.0.0.9", addresses: [try socketAddress("10.0.0.9:80")],
                upstreamModel: "big"),
        ]
        #expect(pool == expected)
    }

    @Test(arguments: [
        ("  p: {models: a}", ["a=1"]), ("  p: {models: [b, a]}", ["b=1", "a=1"]),
        ("  p: {models: {a: 0, b: 7}}", ["a=0", "b=7"]),
        ("  p: {selector: {tier: gpu}}", []), ("  p: {capability: chat-completion}", []),
        ("  p: {models: [q, d]}\n  q: {models: [a, b]}", ["a=1", "b=1", "d=2"]),
        ("  p: {models: {q: 90, d: 10}}\n  q: {models: [a, b]}", ["a=9", "b=9", "d=2"]),
        ("  p: {models: {q: 90, d: 10}}\n  q: {models: {a: 95, b: 5}}", ["a=171", "b=9", "d=20"]),
        ("  q: {models: [a, b, c]}\n  p: {models: [q, a]}", ["a=4", "b=1", "c=1"]),
        ("  p: {models: [q, r]}\n  q: {models: [a, s]}\n  r: {models: [b, s]}\n  s: {models: c}", ["a=1", "c=2", "b=1"]),
        ("  p: {models: {q: 0, d: 1}}\n  q: {models: [a, b]}", ["a=0", "b=0", "d=1"]),
        ("  p: {models: [q, d]}\n  q: {capability: text-generation}", ["a=1", "b=1", "d=2"]),
        ("  p: {models: q, selector: {tier: gpu}}\n  q: {selector: {tier: gpu}}", ["a=1", "c=1"]),
        ("  p: {models: {q: 60000, d: 60001}}\n  q: {models: {a: 65535, b: 1}}", ["a=65533", "b=1", "d=65535"]),
    ])
    func poolsInPoolsAreFlattened(yaml: String, expected: [String]) throws {
        #expect(try weights(yaml) == expected)
    }

    @Test func fallbackOfAnInnerPoolComesBehind() throws {
        let yaml = """
              p: {models: [q, d], fallback: ["http://x", "http://y"]}
              q: {models: a, fallback: ["http://z", "http://x"], strategy: weighted, mirror: b}
            """
        let pools = try pools(yaml)
        #expect(pools.map { $0.fallback.map(\.url) } == [["http://x", "http://y", "http://z"], ["http://z", "http://x"]])
        #expect(pools.map(\.routing.strategy) == [.priority, .weighted])
        #expect(pools.map(\.mirror) == [nil, Mirror(model: "b", percent: 100)])
    }

    @Test func clientsMayNamePools() throws {
        let clients = try catalog(
            Self.models + "pools: {p: {models: [a, b]}}\nclients: {x: {allow: [p, c], deny: d}, y: {deny: p}}"
        ).clients
        #expect(clients.map(\.allow) == [[AccessRule(names: ["p", "c"])], nil] && clients.map(\.deny) == [["d"], ["p"]])
    }

    @Test func capabilitiesAreFullPaths() throws {
        let parsed = try catalog(
            """
            capabilities: [generation.text-generation.sql-generation, vision-2]
            models:
              m: {endpoints: ["http://m"], capabilities: [sql-generation, rag, vision-2, "text-to-image", evaluation]}
              ocr: {endpoints: ["http://o"]}
            pools: {sql: {capability: generation.text-generation.sql-generation}}
            """)
        #expect(parsed.capabilities == ["generation.text-generation.sql-generation", "vision-2"])
        #expect(
            parsed.models.first?.capabilities == [
                "generation.text-generation.sql-generation", "retrieval.rag", "vision-2",
                "generation.image-generation.text-to-image", "evaluation",
            ])
        #expect(parsed.pools.first?.capability == "generation.text-generation.sql-generation")
    }

    @Test func largestCountsAreReadSoon() throws {
        let names = (0..<2_000).map { "m\($0)" }
        let models = "models:\n" + names.map { "  \($0): {endpoints: [http://h]}\n" }.joined()
        let pools = (0..<100).map { "  p\($0): {models: [\(names.joined(separator: ", "))]}\n" }.joined()
        let before = try Self.secondsOfThisThread()
        #expect(try catalog(models + "pools:\n" + pools).pools.count == 100)
        #expect(try Self.secondsOfThisThread() - before < 30)
    }

    /// Of computing: that others compute, too, is not the reader's doing.
    private static func secondsOfThisThread() throws -> Int {
        var time = timespec()
        try #require(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0)
        return time.tv_sec
    }
}
