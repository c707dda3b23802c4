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

    /// With the files that the examples name, in a directory of the test's own.
    private static func everything(in scratch: Scratch) throws -> Catalog {
        for name in ["tls.crt", "tls.key", "ca.crt", "jwks.json"] { try scratch.write("x", to: name) }
        try scratch.write("a-key-for-the-checkout\n", to: "checkout.key")
        try scratch.write("Bearer x\n", to: "remote-write.token")
        try scratch.write(String(repeating: "s", count: 40), to: "hs256.secret")
        let yaml = try everything().replacing("/etc/modelbroker/", with: scratch.path + "/")
        return try catalog(
            yaml, environment: ["EXAMPLE_KEY": "k", "CHECKOUT_KEY": "another-key-of-checkout", "EVENTS_TOKEN": "e"])
    }

    @Test func parsesAsInstalled() throws {
        let catalog = try Configuration.load(path: Self.path)
        #expect(catalog.node == Node())
        #expect(catalog.rules == [CaptureRule(name: "watch", to: [try destination("10.0.0.0", 8, 8000)])])
        #expect(catalog.models.isEmpty)
        #expect(catalog.clients.isEmpty)
    }

    @Test func parsesWithEveryExample() throws {
        try Scratch.with { scratch in try check(try Self.everything(in: scratch), scratch) }
    }

    private func check(_ parsed: Catalog, _ scratch: Scratch) throws {
        var node = Node()
        node.brokerCgroup = "/modelbroker"
        node.podAddresses = [IPAddress(v4: 169, 254, 77, 1)]
        node.gateway = [try socketAddress("127.0.0.1:8080")]
        node.secureGateway = [
            SecureListener(
                address: try socketAddress("127.0.0.1:8443"), certificateFile: scratch.path + "/tls.crt",
                keyFile: scratch.path + "/tls.key", clientAuthorityFile: scratch.path + "/ca.crt", clientCertificates: .optional)
        ]
        node.qdisc = Qdisc(device: "eth0", rate: 1_250_000_000)
        let account = "/var/run/secrets/kubernetes.io/serviceaccount"
        node.kubernetes = Cluster(
            server: "https://10.96.0.1:443", tokenFile: account + "/token", caFile: account + "/ca.crt", node: "node-1",
            followsResources: true, zone: "eu-1a")
        node.remoteWrite = RemoteWrite(
            target: WebTarget(
                url: "https://prometheus.example/api/v1/write",
                headers: [WebTarget.Header(name: "Authorization", value: Secret("Bearer x"))]),
            labels: [NamedValue(name: "cluster", value: "eu-1")])
        node.otlp = TelemetryExport(
            target: WebTarget(url: "http://127.0.0.1:4318"),
            attributes: [NamedValue(name: "deployment.environment.name", value: "production")], traces: Tracing(), metrics: 60_000
        )
        node.events = EventSinks(
            file: EventSinks.File(path: "/var/log/modelbroker/events.jsonl"),
            webhook: EventSinks.Webhook(
                target: WebTarget(
                    url: "https://collector.example/events",
                    headers: [WebTarget.Header(name: "Authorization", value: Secret("e"))])))
        #expect(parsed.node == node, "the values shown are the defaults")
        #expect(
            parsed.clients.flatMap(\.pods) == [
                PodMatch(namespaces: ["shop"], serviceAccounts: ["checkout"], labels: ["app": "checkout"])
            ])
        #expect(parsed.rules.map(\.name) == ["watch", "llm", "blocked", "embed"])
        #expect(parsed.rules.map(\.model) == [nil, nil, nil, "minilm"])
        #expect(parsed.models.map(\.name) == ["llama-70b", "meta/llama-8b", "minilm", "qwen"])
        #expect(parsed.models.map { $0.endpoints.map(\.weight) } == [[2, 1, 1, 1], [1], [1, 2], [1]])
        #expect(parsed.models.map(\.access) == [.private, .public, .public, .public])
        #expect(parsed.models.first?.qos.bandwidth == 50 << 20)
        #expect(parsed.models.first?.qos.service == .guaranteed)
        let model = try #require(parsed.models.first)
        #expect(model.routing.retry == RetryPolicy(firstByteTimeout: 30_000), "the values shown are the defaults")
        #expect(model.routing.breaker == BreakerPolicy())
        #expect(model.endpoints.allSatisfy { $0.health == HealthCheck(path: "/health") })
        #expect(model.endpoints.dropFirst(2).map(\.url) == ["service://shop/llama:http", "inferencepool://shop/llama-pool"])
        #expect(model.endpoints.first?.discovery == Discovery())
        #expect(model.fallback.map(\.url) == ["https://api.example.com"])
        #expect(parsed.pools.map(\.name) == ["chat", "gpu"])
        try checkShares(parsed)
        #expect(parsed.capabilities == ["generation.text-generation.sql-generation"])
        let client = try #require(parsed.clients.first)
        #expect(parsed.clients.count == 1 && client.workloads == ["/kubepods.slice/**/checkout*"])
        #expect(client.keys.map(\.id) == ["checkout/1", "ci"])
        #expect(client.allow?.map(\.names) == [["chat", "llama-70b", "minilm"], ["meta/*"]])
        #expect(client.deny.map(\.name) == ["", "no-night-batch"])
        #expect(client.allowance.concurrent == 20 && client.allowance.quotas.count == 4)
        #expect(client.modelAllowances.keys.sorted() == ["llama-70b"])
        #expect(client.perSession?.lifetimeRequests == 500 && client.perAddress?.concurrent == 4)
        #expect(client.tokens.map(\.issuer) == ["corp"] && client.certificates.count == 2)
        #expect(parsed.authentication.anonymous == .deny)
        #expect(parsed.authentication.issuers.map(\.name) == ["corp", "ci", "tests"])
        #expect(parsed.authentication.issuers.map(\.leeway) == [30, 30, 30], "the value shown is the default")
        #expect(model.price == Price(input: 2_500_000, output: 10_000_000) && model.asksStreamUsage)
        #expect(parsed.firewall.map(\.name) == ["no-files", "small"])
        #expect(
            parsed.audit == Audit(sink: .file("/var/log/modelbroker/audit.jsonl", size: 100 << 20, keep: 5)),
            "the values shown are the defaults")
    }

    private func checkShares(_ parsed: Catalog) throws {
        let model = try #require(parsed.models.first)
        #expect(model.maxInFlight == 64 && model.queue == QueuePolicy(), "the values shown are the defaults")
        #expect(
            model.endpoints.prefix(2).map(\.maxInFlight) == [.adaptive(AdaptiveLimit()), nil], "the values shown are the defaults"
        )
        #expect(model.endpoints.first?.metrics == EngineMetrics(), "the values shown are the defaults")
        let activation = try #require(parsed.models.last?.endpoints.first?.activation)
        let program = EngineProgram(
            command: ["/usr/bin/vllm", "serve", "Qwen/Qwen3-32B", "--port", "9105"], user: "vllm",
            environment: ["CUDA_VISIBLE_DEVICES": "0"], directory: "/srv")
        #expect(activation == Activation(method: .exec(program), idleAfter: 600_000, oneOf: "gpu0"), "the times are the defaults")
        #expect(parsed.groups.map(\.name) == ["gold", "night", "default"])
        #expect(parsed.groups.map(\.delivery) == [.interactive, .batch, .interactive])
        #expect(parsed.groups.first?.queue == QueuePolicy(length: 100, wait: 10_000, order: .lifoUnderOverload))
        #expect(parsed.groups.last == Group(name: "default"), "the value shown is the default")
        #expect(parsed.clients.map(\.group) == ["gold"])
    }

    @Test func documentsEveryKey() throws {
        let lines = try Self.everything().split(separator: "\n").map { $0.drop { " -{".contains($0) } }
        let keys = [
            "node", "cgroup", "brokerCgroup", "listen", "podAddress", "gateway", "admin", "proxy", "user", "workers",
            "timeouts", "head", "bodyIdle", "keepAlive", "connect", "response", "upstreamIdle", "sniff", "drain", "maxBody",
            "qdisc", "weight", "access", "qos", "requests", "burst", "tokens", "tokenBurst", "connects", "connectBurst",
            "connections", "bandwidth", "priority", "dscp", "mode", "class", "allow", "deny",
            "labels", "upstreamModel", "maintenance", "discover", "fallback", "cost", "provider", "key", "tls", "engine",
            "capabilities", "strategy", "retry", "breaker", "health", "pools", "mirror",
            "capture", "name", "to", "path", "whenProxyDown", "unknown", "opaque", "models", "endpoints", "url", "clients",
            "workloads", "anonymous", "issuers", "issuer", "audience", "algorithms", "keys", "leeway", "tokens", "certificates",
            "limits", "quotas", "perSession", "perAddress", "price", "contextLength", "streamUsage", "forwardCredentials",
            "maxInFlight", "metrics", "activate", "exec", "user", "env", "directory", "readyTimeout", "idleAfter", "stopTimeout",
            "oneOf", "queue", "groups", "group", "priority", "reclaimable", "delivery",
            "onConflict", "firewall", "audit", "level", "file", "maxBody", "day", "month",
        ]
        for key in keys { #expect(lines.contains { $0.hasPrefix("\(key):") }, "\(key)") }
    }
}
