import Catalog
import Configuration
import Testing

/// What good configurations become.
@Suite struct CatalogReadingTests {
    @Test(arguments: [
        "", "\n", "# nothing\n", "---\n", "---\n...\n", "{}", "~", "node:\ncapture:\nmodels:\nclients:\n", "\u{FEFF}# mark\n",
        "node: {}\ncapture: []\nmodels: {}\nclients: ~\n",
    ])
    func nothingIsAConfiguration(yaml: String) throws {
        #expect(try catalog(yaml) == Catalog())
    }

    @Test func oneRuleIsEnough() throws {
        let parsed = try catalog("capture:\n- name: watch\n  to: 10.0.0.0/8:8000\n")
        #expect(parsed == Catalog(rules: [CaptureRule(name: "watch", to: [try destination("10.0.0.0", 8, 8000)])]))
    }

    @Test func everyKeyOfNode() throws {
        let node = try catalog(
            """
            node:
              cgroup: /workloads.slice/
              brokerCgroup: /workloads.slice/broker
              listen: ["127.0.0.2:15001", '[::1]:15002']
              podAddress: [169.254.77.1, "fd00::77"]
              gateway: [0.0.0.0:8080, "[::]:8080"]
              admin: 127.0.0.1:9
              proxy: external
              user: modelbroker
              workers: 3
              timeouts: {head: 500ms, bodyIdle: 10s, keepAlive: 5m, connect: 1h, response: 24h, upstreamIdle: 1ms, sniff: 2s}
              drain: 90s
              maxBody: 500KB
            """
        ).node
        #expect(node.cgroup == "/workloads.slice")
        #expect(node.effectiveBrokerCgroup == "/workloads.slice/broker")
        #expect(node.listen == [try socketAddress("127.0.0.2:15001"), try socketAddress("[::1]:15002")])
        #expect(node.podAddresses.map(\.description) == ["169.254.77.1", "fd00::77"])
        #expect(node.gateway.map(\.description) == ["0.0.0.0:8080", "[::]:8080"])
        #expect(node.admin.description == "127.0.0.1:9")
        #expect(node.proxy == .external)
        #expect(node.user == "modelbroker")
        #expect(node.workers == 3)
        #expect(
            node.timeouts
                == Timeouts(
                    head: 500, bodyIdle: 10_000, keepAlive: 300_000, connect: 3_600_000, response: 86_400_000,
                    upstreamIdle: 1, sniff: 2_000))
        #expect(node.drain == 90_000)
        #expect(node.maxBody == 500_000)
    }

    @Test func everyKeyOfCapture() throws {
        let rules = try catalog(
            """
            capture:
              - {name: a.b_c-1, to: ["127.64.0.0/16:8000", "10.1.2.3:*", "[fd00::/8]:443", "[::1]:80", "0.0.0.0/0:9"], path: proxy,
                 whenProxyDown: refuse, unknown: refuse, opaque: refuse}
              - {name: no, to: 192.0.2.1:443, path: deny, whenProxyDown: direct, unknown: relay, opaque: relay}
            """
        ).rules
        let destinations = try [
            destination("127.64.0.0", 16, 8000), destination("10.1.2.3", 32, 0), destination("fd00::", 8, 443),
            destination("::1", 128, 80), destination("0.0.0.0", 0, 9),
        ]
        let first = CaptureRule(
            name: "a.b_c-1", to: destinations, path: .proxy, whenProxyDown: .refuse, unknown: .refuse, opaque: .refuse)
        #expect(rules == [first, CaptureRule(name: "no", to: [try destination("192.0.2.1", 32, 443)], path: .deny)])
    }

    @Test(arguments: [
        ("http://10.1.2.3:8000", Endpoint(host: "10.1.2.3", port: 8000, authority: "10.1.2.3:8000"), "10.1.2.3:8000"),
        ("http://10.1.2.3", Endpoint(host: "10.1.2.3", port: 80, authority: "10.1.2.3"), "10.1.2.3:80"),
        ("HTTP://[FD00:0::8]:80/", Endpoint(host: "fd00::8", port: 80, authority: "[fd00::8]"), "[fd00::8]:80"),
        (
            "http://[::1]:9101/v1/x%20y/",
            Endpoint(host: "::1", port: 9101, authority: "[::1]:9101", pathPrefix: "/v1/x%20y"), "[::1]:9101"
        ),
    ])
    func endpointsWithLiteralAddresses(url: String, expected: Endpoint, address: String) throws {
        var expected = expected
        expected.addresses = [try socketAddress(address)]
        #expect(try catalog("models: {m: {endpoints: [{url: \"\(url)\"}]}}").models == [Model(name: "m", endpoints: [expected])])
        #expect(try catalog("models: {m: {endpoints: [\"\(url)\"]}}").models == [Model(name: "m", endpoints: [expected])])
    }

    @Test func endpointsWithNamesHaveNoAddresses() throws {
        let models = try catalog("models:\n  m:\n    endpoints:\n      - http://LLM_1.Example.internal.:8000/engine\n").models
        let expected = Endpoint(
            host: "llm_1.example.internal.", port: 8000, authority: "llm_1.example.internal.:8000", pathPrefix: "/engine")
        #expect(models == [Model(name: "m", endpoints: [expected])])
        #expect(models.first?.endpoints.first?.url == "http://llm_1.example.internal.:8000/engine")
    }

    @Test func modelNamesAreAlmostFree() throws {
        let long = String(repeating: "x", count: 256)
        let names = ["meta/llama-3.1:70b", "ein Modell", "é", "true", "7", long]
        let lines = names.map { "  \"\($0)\": {endpoints: [http://h]}" }
        #expect(try catalog("models:\n" + lines.joined(separator: "\n")).models.map(\.name) == names)
        #expect(
            try catalog("models: {7: {endpoints: [http://h]}, true: {endpoints: [http://h]}}").models.map(\.name) == [
                "7", "true",
            ])
    }

    @Test func clientsKeepTheirPatterns() throws {
        let clients = try catalog(
            """
            clients:
              checkout: {workloads: ["/kubepods.slice/**/checkout*", /a/b]}
              one: {workloads: /c/?}
              later: {}
              nothing:
            """
        ).clients
        #expect(
            clients == [
                Client(name: "checkout", workloads: ["/kubepods.slice/**/checkout*", "/a/b"]),
                Client(name: "one", workloads: ["/c/?"]), Client(name: "later"), Client(name: "nothing"),
            ])
    }

    @Test(arguments: [
        ("1024", 1024), ("1KiB", 1024), ("1073741824", 1 << 30), ("1GiB", 1 << 30), ("32MiB", 32 << 20), ("2KB", 2000),
        ("3MB", 3_000_000), ("1GB", 1_000_000_000), ("4096B", 4096),
    ])
    func sizes(text: String, bytes: Int) throws {
        #expect(try catalog("node: {maxBody: \(text)}").node.maxBody == bytes)
    }

    @Test func windowsLineEndsAndOneLineAreYAML() throws {
        let rule = CaptureRule(name: "w", to: [try destination("10.0.0.1", 32, 80)], path: .deny)
        #expect(try catalog("capture:\r\n  - name: w\r\n    to: 10.0.0.1:80\r\n    path: deny\r\n").rules == [rule])
        #expect(try catalog("{\"capture\": [{\"name\": \"w\", \"to\": [\"10.0.0.1:80\"], \"path\": \"deny\"}]}").rules == [rule])
    }
}
