import Catalog
import Configuration
import FoundationEssentials
import Testing

/// The sample that is installed, as it is and with every example in it switched on.
@Suite struct SampleTests {
    private static let path: String = {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(root)/deploy/modelbroker.yaml"
    }()

    /// The sample with what stands behind a `#` without a space switched on.
    private static func everything() throws -> String {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let rest = line.drop { $0 == " " }
            guard rest.hasPrefix("#"), let next = rest.dropFirst().first, next != " " else { return String(line) }
            return String(line.prefix { $0 == " " } + rest.dropFirst())
        }
        return lines.joined(separator: "\n")
    }

    @Test func parsesAsInstalled() throws {
        let catalog = try Configuration.load(path: Self.path)
        #expect(catalog.node == Node())
        #expect(catalog.rules == [CaptureRule(name: "watch", to: [try destination("10.0.0.0", 8, 8000)])])
        #expect(catalog.models.isEmpty)
        #expect(catalog.clients.isEmpty)
    }

    @Test func parsesWithEveryExample() throws {
        let parsed = try catalog(try Self.everything(), environment: ["EXAMPLE_KEY": "k"])
        var node = Node()
        node.brokerCgroup = "/modelbroker"
        node.podAddresses = [IPAddress(v4: 169, 254, 77, 1)]
        node.gateway = [try socketAddress("127.0.0.1:8080")]
        node.qdisc = Qdisc(device: "eth0", rate: 1_250_000_000)
        #expect(parsed.node == node, "the values shown are the defaults")
        #expect(parsed.rules.map(\.name) == ["watch", "llm", "blocked", "embed"])
        #expect(parsed.rules.map(\.model) == [nil, nil, nil, "minilm"])
        #expect(parsed.models.map(\.name) == ["llama-70b", "meta/llama-8b", "minilm"])
        #expect(parsed.models.map { $0.endpoints.map(\.weight) } == [[2, 1], [1], [1, 2]])
        #expect(parsed.models.map(\.access) == [.private, .public, .public])
        #expect(parsed.models.first?.qos.bandwidth == 50 << 20)
        #expect(parsed.models.first?.qos.service == .guaranteed)
        let model = try #require(parsed.models.first)
        #expect(model.routing.retry == RetryPolicy(firstByteTimeout: 30_000), "the values shown are the defaults")
        #expect(model.routing.breaker == BreakerPolicy())
        #expect(model.endpoints.map(\.health) == [HealthCheck(path: "/health"), HealthCheck(path: "/health")])
        #expect(model.endpoints.first?.discovery == Discovery())
        #expect(model.fallback.map(\.url) == ["https://api.example.com"])
        #expect(parsed.pools.map(\.name) == ["chat", "gpu"])
        #expect(parsed.capabilities == ["generation.text-generation.sql-generation"])
        let client = Client(
            name: "checkout", workloads: ["/kubepods.slice/**/checkout*"], allow: ["chat", "llama-70b", "minilm"],
            deny: ["meta/llama-8b"]
        )
        #expect(parsed.clients == [client])
    }

    @Test func documentsEveryKey() throws {
        let lines = try Self.everything().split(separator: "\n").map { $0.drop { " -{".contains($0) } }
        let keys = [
            "node", "cgroup", "brokerCgroup", "listen", "podAddress", "gateway", "admin", "proxy", "user", "workers",
            "timeouts", "head", "bodyIdle", "keepAlive", "connect", "response", "upstreamIdle", "sniff", "maxBody",
            "qdisc", "weight", "access", "qos", "requests", "burst", "tokens", "tokenBurst", "connects", "connectBurst",
            "connections", "bandwidth", "priority", "dscp", "mode", "class", "allow", "deny",
            "labels", "upstreamModel", "maintenance", "discover", "fallback", "cost", "provider", "key", "tls", "engine",
            "capabilities", "strategy", "retry", "breaker", "health", "pools", "mirror",
            "capture", "name", "to", "path", "whenProxyDown", "unknown", "opaque", "models", "endpoints", "url", "clients",
            "workloads",
        ]
        for key in keys { #expect(lines.contains { $0.hasPrefix("\(key):") }, "\(key)") }
    }
}
