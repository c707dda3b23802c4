import Catalog
import Configuration
import Testing

/// `node.remoteWrite`, `node.otlp` and `node.events`: who is told what happens.
@Suite struct ExportTests {
    private let environment = ["A": "Bearer hunter2", "B": " hunter2"]

    private func node(_ yaml: String) throws -> Node { try catalog("node: {\(yaml)}", environment: environment).node }

    @Test func nobodyIsToldByDefault() throws {
        let node = try node("remoteWrite: , otlp: , events: ")
        #expect(node.remoteWrite == nil && node.otlp == nil && node.events == nil)
    }

    @Test func remoteWrite() throws {
        #expect(
            try node("remoteWrite: {url: \"http://p.example/api/v1/write\"}").remoteWrite
                == RemoteWrite(target: WebTarget(url: "http://p.example/api/v1/write")))
        let yaml = """
            remoteWrite: {url: "https://p.example/w?x=1", interval: 15s, timeout: 3s, buffer: 1MiB,
              labels: {zone: b, cluster: "eu-1"}, headers: {Authorization: "${env:A}", X-Scope-OrgID: tenant}}
            """
        let headers = [
            WebTarget.Header(name: "Authorization", value: Secret("Bearer hunter2")),
            WebTarget.Header(name: "X-Scope-OrgID", value: Secret("tenant")),
        ]
        let target = WebTarget(url: "https://p.example/w?x=1", headers: headers, timeout: 3_000, buffer: 1 << 20)
        let labels = [NamedValue(name: "cluster", value: "eu-1"), NamedValue(name: "zone", value: "b")]
        #expect(try node(yaml).remoteWrite == RemoteWrite(target: target, interval: 15_000, labels: labels))
    }

    @Test func telemetry() throws {
        let target = WebTarget(url: "http://127.0.0.1:4318")
        #expect(
            try node("otlp: {endpoint: \"http://127.0.0.1:4318\", traces: {}}").otlp
                == TelemetryExport(target: target, traces: Tracing(sample: 10_000, followsParent: true)))
        #expect(
            try node("otlp: {endpoint: \"http://127.0.0.1:4318\", metrics: {interval: 10s}, attributes: {k8s.cluster.name: a}}")
                .otlp
                == TelemetryExport(
                    target: target, attributes: [NamedValue(name: "k8s.cluster.name", value: "a")], metrics: 10_000))
        for (text, sample) in [("0", 0), ("0.000001", 1), ("0.25", 250_000), ("1", 1_000_000), ("1.0", 1_000_000)] {
            let node = try node("otlp: {endpoint: \"http://h\", traces: {sample: \(text), parent: false}}")
            #expect(node.otlp?.traces == Tracing(sample: UInt64(sample), followsParent: false))
        }
    }

    @Test func events() throws {
        #expect(
            try node("events: {file: /v/e.jsonl, stdout: true}").events
                == EventSinks(file: EventSinks.File(path: "/v/e.jsonl"), standardOutput: true))
        let yaml = """
            events: {file: {path: /v/e, size: 1MiB, keep: 0}, webhook: {url: "https://c.example/e", batch: 7, wait: 250ms}}
            """
        #expect(
            try node(yaml).events
                == EventSinks(
                    file: EventSinks.File(path: "/v/e", size: 1 << 20, keep: 0),
                    webhook: EventSinks.Webhook(target: WebTarget(url: "https://c.example/e"), batch: 7, wait: 250)))
        #expect(try node("events: {stdout: false}").events == nil)
    }

    @Test(
        arguments: [
            ("remoteWrite: {}", ["remoteWrite: has no url; write url: "]),
            ("remoteWrite: on", ["remoteWrite: must be a mapping of keys and values: url, interval, "]),
            (
                "remoteWrite: {url: \"ftp://x\", interval: 1ms, timeout: 1h, buffer: 1KiB, retries: 3}",
                [
                    "remoteWrite.retries: is not a known key", "remoteWrite.url: ",
                    "remoteWrite.timeout: \"1h\" is not from 100ms to 2m",
                    "remoteWrite.buffer: \"1KiB\" is not from 64KiB to 1GiB",
                    "remoteWrite.interval: \"1ms\" is not from 1s to 1h",
                ]
            ),
            (
                "remoteWrite: {url: \"http://p.example/w\", headers: {Authorization: \"${env:A}\"}}",
                ["remoteWrite.url: \"http://p.example/w\" is not https, and headers would go there for all to read"]
            ),
            (
                "remoteWrite: {url: \"https://p\", headers: {X-Api-Key: hunter2, Host: a, \"a b\": c, X-A: \"${env:B}\"}}",
                [
                    "remoteWrite.headers.X-Api-Key: must be one reference, ",
                    "remoteWrite.headers.Host: is a header that the broker sets itself",
                    "remoteWrite.headers.\"a b\": \"a b\" is not the name of a header",
                    "remoteWrite.headers.X-A: \"${env:B}\" stands for a text with characters beyond ASCII or blanks at an end, ",
                ]
            ),
            (
                "remoteWrite: {url: \"https://p\", labels: {__a: b, 1a: b, a-b: c}}",
                [
                    "remoteWrite.labels.__a: \"__a\" begins with two underscores",
                    "remoteWrite.labels.1a: \"1a\" is not the name of a label",
                    "remoteWrite.labels.a-b: \"a-b\" is not the name of a label",
                ]
            ),
            ("otlp: {endpoint: \"http://h\"}", ["otlp: sends nothing; "]),
            (
                "otlp: {endpoint: \"http://h/?a=b\", traces: {sample: 1.1, parent: 1}}",
                [
                    "otlp.endpoint: has a query; ", "otlp.traces.sample: \"1.1\" is not a part from 0 to 1",
                    "otlp.traces.parent: \"1\" is not true or false",
                ]
            ),
            (
                "otlp: {endpoint: \"http://h\", metrics: {interval: 2h}, traces: {ratio: 1}, ca: /x}",
                [
                    "otlp.ca: \"/x\" cannot be opened", "otlp.ca: has no meaning with an http URL",
                    "otlp.traces.ratio: is not a known key",
                    "otlp.metrics.interval: \"2h\" is not from 1s to 1h",
                ]
            ),
            (
                "events: {file: x, stdout: maybe, webhook: {batch: 0, wait: 1ms}}",
                [
                    "events.file: \"x\" is not an absolute path", "events.stdout: \"maybe\" is not true or false",
                    "events.webhook: has no url; ",
                ]
            ),
            (
                "events: {webhook: {url: \"https://h\", batch: 0, wait: 1ms}}",
                [
                    "events.webhook.batch: \"0\" is not a whole number from 1 to 10000",
                    "events.webhook.wait: \"1ms\" is not from 10ms to 1m",
                ]
            ),
        ] as [(String, [String])])
    func faultsAreNamed(yaml: String, expected: [String]) {
        let found = faults("node: {\(yaml)}", environment: environment)
        #expect(found.count == expected.count, "\(found)")
        for (fault, beginning) in zip(found, expected) {
            #expect(fault.hasPrefix("line 1: node." + beginning), "\(fault) but not \(beginning)")
        }
        #expect(!found.contains { $0.contains("hunter2") })
    }
}
