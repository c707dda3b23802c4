import Catalog
import Configuration
import Glibc
import Testing

/// What bad policies and endpoints are told.
@Suite struct RoutingFaultTests {
    private static let strategies =
        "priority, round-robin, weighted, least-inflight, power-of-two, lowest-latency, cost-first, session-sticky, "
        + "prefix-affinity, rate-limit-aware"

    @Test(arguments: [
        ("strategy: fastest", "strategy: \"fastest\" is not a strategy; there are \(strategies)"),
        ("strategy: roundrobin", "strategy: \"roundrobin\" is not a strategy; did you mean round-robin?"),
        (
            "strategy: [priority]",
            "strategy: must be a mapping of keys and values: kind, key, affinity, timeout, bytes, load, threshold; it is a list"
        ),
        ("strategy: {key: user}", "strategy: has no kind; write {kind: session-sticky, key: user}"),
        ("strategy: {kind: weighted, key: user}", "strategy.key: has no meaning with strategy weighted; leave it out"),
        (
            "strategy: {kind: session-sticky, bytes: 64}",
            "strategy.bytes: has no meaning with strategy session-sticky; leave it out"
        ),
        ("strategy: {kind: session-sticky, key: cookie}", "strategy.key: \"cookie\" is not header:NAME, user or client"),
        (
            "strategy: {kind: session-sticky, key: \"header:\"}",
            "strategy.key: \"header:\" has no name of a header behind header:"
        ),
        (
            "strategy: {kind: session-sticky, key: \"header:a b\"}",
            "strategy.key: \"header:a b\" has no name of a header behind header:"
        ),
        ("strategy: {kind: session-sticky, affinity: loose}", "strategy.affinity: \"loose\" is not strict or fallback"),
        ("strategy: {kind: session-sticky, timeout: 500ms}", "strategy.timeout: \"500ms\" is not from 1s to 24h"),
        ("strategy: {kind: prefix-affinity, bytes: 63}", "strategy.bytes: \"63\" is not from 64 bytes to 64KiB"),
        ("strategy: {kind: prefix-affinity, load: 99%}", "strategy.load: \"99%\" is not a percentage from 100% to 1000%"),
        (
            "strategy: {kind: rate-limit-aware, threshold: 101%}",
            "strategy.threshold: \"101%\" is not a percentage from 1% to 100%"
        ),
        ("strategy: {kind: rate-limit-aware, threshold: 0.8}", "strategy.threshold: \"0.8\" is not a percentage from 1% to 100%"),
        (
            "retry: on",
            "retry: \"on\" is not off and no mapping of attempts, statuses, backoff, maxBackoff, scope, budget, "
                + "firstByteTimeout, hedge, maxBody"
        ),
        ("retry: {attempts: 0}", "retry.attempts: \"0\" is not a whole number from 1 to 10"),
        (
            "retry: {statuses: [500, 404]}",
            "retry.statuses[1]: \"404\" is not a status that can be tried again: 429, or 500 to 599"
        ),
        ("retry: {statuses: 600}", "retry.statuses: \"600\" is not a status that can be tried again: 429, or 500 to 599"),
        ("retry: {backoff: 3s}", "retry.backoff: \"3s\" makes maxBackoff (2000ms) shorter than backoff (3000ms)"),
        (
            "retry: {backoff: 3s, maxBackoff: 1s}",
            "retry.maxBackoff: \"1s\" makes maxBackoff (1000ms) shorter than backoff (3000ms)"
        ),
        ("retry: {scope: pool}", "retry.scope: \"pool\" is not same-endpoint or same-model or any"),
        ("retry: {budget: 101%}", "retry.budget: \"101%\" is not a percentage from 0% to 100%"),
        ("retry: {budget: 20}", "retry.budget: \"20\" is not a percentage from 0% to 100%"),
        ("retry: {firstByteTimeout: 0s}", "retry.firstByteTimeout: \"0s\" is not from 1ms to 24h"),
        ("retry: {hedge: yes}", "retry.hedge: \"yes\" is not true or false"),
        ("retry: {maxBody: 33MiB}", "retry.maxBody: \"33MiB\" is not from 0 to 32MiB"),
        ("retry: {atempts: 1}", "retry.atempts: is not a known key; did you mean attempts?"),
        ("breaker: {failures: 0}", "breaker.failures: \"0\" is not a whole number from 1 to 1000"),
        ("breaker: {errorRate: -1%}", "breaker.errorRate: \"-1%\" is not a percentage from 0% to 100%"),
        ("breaker: {cooldown: 2h}", "breaker.cooldown: \"2h\" is not from 100ms to 1h"),
        ("breaker: {trials: 101}", "breaker.trials: \"101\" is not a whole number from 1 to 100"),
        (
            "breaker: off",
            "breaker: must be a mapping of keys and values: failures, errorRate, minimum, window, cooldown, trials, successes"
        ),
        ("engine: vllm", "engine: \"vllm\" is not openai or kserve-v2 or ollama or raw"),
        ("health: on", "health: \"on\" is not off and no mapping of path, period, timeout, failures, successes"),
        (
            "health: {path: health}",
            "health.path: \"health\" is not a path; write one that begins with /, as /health, or \"\" if a connection is enough"
        ),
        ("health: {period: 99ms}", "health.period: \"99ms\" is not from 100ms to 24h"),
        ("health: {timeout: 11m}", "health.timeout: \"11m\" is not from 10ms to 10m"),
        ("health: {failures: 0}", "health.failures: \"0\" is not a whole number from 1 to 100"),
        ("fallback: [\"http://h\"]", "fallback[0]: \"http://h\" is an endpoint already, models.m.endpoints[0] on line 3"),
        ("fallback: x", "fallback: must be a list"),
    ])
    func policies(yaml: String, expected: String) {
        #expect(faults("models:\n  m:\n    endpoints: [\"http://h\"]\n    \(yaml)\n") == ["line 4: models.m.\(expected)"])
    }

    @Test(arguments: [
        ("weight: 65536", "weight: \"65536\" is not a whole number from 0 to 65535"),
        ("labels: [gpu]", "labels: must be a mapping of labels, as {tier: gpu}; it is a list"),
        (
            "labels: {\"/x\": 1}",
            "labels./x: \"/x\" is not a label: letters, digits, dots, underscores or hyphens, and one slash at most"
        ),
        ("upstreamModel: \"\"", "upstreamModel: \"\" is not a model name: 1 to 256 bytes"),
        ("engine: tgi", "engine: \"tgi\" is not openai or kserve-v2 or ollama or raw"),
        ("cost: -1", "cost: \"-1\" is not a number from 0 to 1000000000 with at most six decimals, as 2.5"),
        ("cost: 1.2345678", "cost: \"1.2345678\" is not a number from 0 to 1000000000 with at most six decimals, as 2.5"),
        ("cost: 1e3", "cost: \"1e3\" is not a number from 0 to 1000000000 with at most six decimals, as 2.5"),
        ("cost: .5", "cost: \".5\" is not a number from 0 to 1000000000 with at most six decimals, as 2.5"),
        ("provider: \"a b\"", "provider: \"a b\" is not a name: 1 to 63 letters, digits, dots, underscores or hyphens"),
        ("tls: {serverName: x}", "tls: has no meaning with an http URL: write https:// to have it encrypted"),
        (
            "maintenance: [{cron: \"0 25 * * *\", for: 1h}]",
            "maintenance[0].cron: \"0 25 * * *\" has a fault in the field hour: it has a value that is no number from 0 to 23"
        ),
        (
            "maintenance: {cron: daily, for: 1h}",
            "maintenance.cron: \"daily\" has 1 fields; a schedule has five: minute, hour, day of month, month, day of week"
        ),
        ("maintenance: [{cron: \"0 3 * * *\"}]", "maintenance[0]: has no for; write {cron: \"0 3 * * sun\", for: 30m}"),
        ("maintenance: [{for: 1h}]", "maintenance[0]: has no cron; write {cron: \"0 3 * * sun\", for: 30m}"),
        ("maintenance: [{cron: \"0 3 * * *\", for: 25h}]", "maintenance[0].for: \"25h\" is not from 1s to 24h"),
        ("maintenance: [~]", "maintenance[0]: is empty; write {cron: \"0 3 * * sun\", for: 30m}"),
        ("maintenance: \"0 3 * * *\"", "maintenance: must be a mapping of keys and values: cron, for"),
        ("discover: maybe", "discover: \"maybe\" is not true or false"),
        ("discover: {period: 1ms}", "discover.period: \"1ms\" is not from 1s to 24h"),
        ("discover: {onNew: add}", "discover.onNew: \"add\" is not register or notify or ignore"),
        ("engine: raw, discover: true", "discover: has no meaning with engine raw, which has no list of models"),
        ("key: ", "key: has no value"),
    ])
    func endpoints(yaml: String, expected: String) {
        #expect(
            faults("models:\n  m:\n    endpoints:\n    - {url: \"http://h\", \(yaml)}\n") == [
                "line 4: models.m.endpoints[0].\(expected)"
            ])
    }

    @Test func weightsThatAreAllZero() {
        let found = faults(
            "models:\n  m:\n    endpoints:\n      - {url: \"http://a\", weight: 0}\n      - {url: \"http://b\", weight: 0}\n")
        #expect(
            found == ["line 3: models.m.endpoints: gives weight 0 to every endpoint; at least one needs a weight from 1 to 65535"]
        )
    }

    @Test func thePathDirectCannotEncrypt() {
        let found = faults(
            "capture: [{name: e, to: \"10.0.0.1:443\", path: direct, model: m}]\nmodels: {m: {endpoints: [\"https://10.0.0.2\"]}}"
        )
        #expect(
            found == [
                "line 1: capture[0].model: \"m\" has an endpoint with https, and path direct sends what the caller sends: "
                    + "nobody would encrypt it"
            ])
    }

    @Test(arguments: [
        "sk-literal", "\"sk-${env:KEY}\"", "\"${env:KEY}-literal\"", "\"${env:KEY}${env:KEY}\"", "[sk-literal]",
        "{a: sk-literal}",
        "\"{env:KEY} literal\"",
    ])
    func keysThatAreNoReferences(key: String) {
        let found = faults("models: {m: {endpoints: [{url: \"http://h\", key: \(key)}]}}", environment: ["KEY": "sk-literal"])
        #expect(
            found == [
                "line 1: models.m.endpoints[0].key: must be one reference, ${file:/path} or ${env:NAME}: whoever reads this file "
                    + "would read the secret in it"
            ])
    }

    @Test func keysAreNeverShown() {
        for secret in ["sk-hidden secret", "sk-hidden\u{1}", "sk-hidden-é", "", String(repeating: "sk-hidden", count: 1_000)] {
            let found = faults(
                "models: {m: {endpoints: [{url: \"http://h\", key: \"${env:KEY}\"}]}}", environment: ["KEY": secret])
            #expect(
                found.count == 1 && found.first?.hasPrefix("line 1: models.m.endpoints[0].key: \"${env:KEY}\" ") == true,
                "\(found)")
            #expect(found.first?.contains("hidden") == false)
        }
        #expect("\(Secret("sk-hidden"))" == "(secret)")
    }

    @Test func certificates() throws {
        var template = Array("/tmp/modelbroker-certificate-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        try #require(file >= 0)
        let path = try #require(String(validating: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        defer {
            close(file)
            unlink(path)
        }
        func read(_ tls: String) -> String { "models: {m: {endpoints: [{url: \"https://h\", tls: {\(tls)}}]}}" }
        let place = "line 1: models.m.endpoints[0].tls"
        #expect(faults(read("ca: \(path)")) == ["\(place).ca: \"\(path)\" has no certificate in PEM"])
        let text = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
        #expect(text.withCString { write(file, $0, text.utf8.count) } == text.utf8.count)
        #expect(try catalog(read("ca: \(path)")).models.first?.endpoints.first?.tls == EndpointTLS(serverName: "h", caFile: path))
        #expect(faults(read("ca: ca.pem")) == ["\(place).ca: \"ca.pem\" is not an absolute path"])
        #expect(
            faults(read("ca: /nonexistent/ca.pem")) == [
                "\(place).ca: \"/nonexistent/ca.pem\" cannot be opened: No such file or directory"
            ])
        #expect(
            faults(read("serverName: \"a b\"")) == [
                "\(place).serverName: \"a b\" has a host that is neither an address nor a name"
            ])
        #expect(try catalog(read("serverName: \"::1\"")).models.first?.endpoints.first?.tls?.serverName == "::1")
    }

    @Test func countsAreBounded() {
        let labels = (0...64).map { "l\($0): x" }.joined(separator: ", ")
        #expect(
            faults("models: {m: {endpoints: [{url: \"http://h\", labels: {\(labels)}}]}}") == [
                "line 1: models.m.endpoints[0].labels: has 65 labels; at most 64 are possible"
            ])
        let urls = (0...65_536).map { "http://h:\($0 % 65_535 + 1)/\($0)" }.joined(separator: ", ")
        #expect(
            faults("models: {m: {endpoints: [\(urls)]}}") == [
                "line 1: models: with all pools has 65537 endpoints; at most 65536 are possible"
            ])
    }
}
