import Catalog
import Control
import Flow
import Routing
import Testing

/// The interfaces of other engines: where the model's name stands, and what the broker answers itself.
@Suite struct EngineTests {
    static let catalog: Catalog = {
        var catalog = FlowDriver.single { $0.engine = .kserveV2 }
        catalog.models[0].name = "org/net"
        catalog.models[0].endpoints[0].upstreamModel = "net 2"
        catalog.models.append(
            Model(
                name: "llama", endpoints: [FlowDriver.endpoint(FlowDriver.second) { $0.engine = .ollama }],
                routing: FlowDriver.policy()))
        return catalog
    }()

    static func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" }

    @Test func aModelInThePathIsFoundAndRenamed() {
        var driver = FlowDriver(Self.catalog)
        driver.client(
            "POST /v2/models/org%2Fnet/versions/3/infer?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\u{1}\u{2}\u{3}\u{4}")
        #expect(driver.connect() == FlowDriver.engine)
        driver.connected()
        let sent = driver.takeUpstream()
        #expect(sent.hasPrefix("POST /v2/models/net%202/versions/3/infer?x=1 HTTP/1.1\r\nHost: e:9101\r\n"))
        #expect(sent.contains("Content-Length: 4\r\n") && sent.hasSuffix("\r\n\r\n\u{1}\u{2}\u{3}\u{4}"))
        driver.upstream(Text.json(#"{"model_name":"net 2","model":"net 2"}"#))
        #expect(driver.takeClient().hasSuffix(#"{"model_name":"org/net","model":"net 2"}"#))
    }

    @Test func binaryTensorsAreLeftAlone() {
        var driver = FlowDriver(Self.catalog)
        driver.client(Self.get("/v2/models/org%2Fnet"))
        driver.connected()
        let body = #"{"model_name":"net 2"}"# + "\u{0}\u{1}"
        driver.upstream(Text.json(body, fields: "Inference-Header-Content-Length: 22\r\n"))
        #expect(driver.takeClient().hasSuffix("\r\n\r\n" + body))
    }

    @Test(arguments: [
        ("/v2", #"{"name":"modelbroker","version":"#), ("/v2/health/live", "Content-Length: 0"), ("/v2/health/ready", "200 OK"),
        ("/api/tags", #"{"models":[{"name":"llama","model":"llama"}]}"#), ("/api/version", #"{"version":""#),
    ]) func theBrokerAnswersForItself(path: String, text: String) {
        var driver = FlowDriver(Self.catalog)
        driver.client(Self.get(path))
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.contains(text), "\(answer)")
        #expect(driver.flow.state == .idle)
    }

    @Test func theIndexListsWhatCanBeCalled() {
        var driver = FlowDriver(Self.catalog)
        driver.client("POST /v2/repository/index HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
        #expect(driver.takeClient().isEmpty)
        driver.client("{}")
        #expect(driver.takeClient().hasSuffix(#"[{"name":"org/net","state":"READY","reason":""}]"#))
        #expect(driver.flow.state == .idle)
    }

    @Test func nothingUsableIsNotReady() {
        var catalog = Self.catalog
        catalog.models.removeFirst()
        var driver = FlowDriver(catalog)
        driver.client(Self.get("/v2/health/ready"))
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 503 "))
    }

    @Test func capturedRequestsForAnythingElseGoWhereTheyWereSent() {
        var driver = FlowDriver(Self.catalog, .capture)
        for path in ["/v2", "/v2/health/ready", "/api/tags", "/v2/models/unknown/infer"] {
            driver.client(Self.get(path))
            #expect(driver.connect() == FlowDriver.dialled || driver.flow.state == .waiting, "\(path)")
            driver.connected()
            #expect(driver.takeUpstream() == Self.get(path))
            driver.upstream(Text.answer)
            #expect(driver.takeClient() == Text.answer)
        }
    }

    @Test func anInterfaceThatTheModelLacksIsSaid() {
        var driver = FlowDriver(Self.catalog)
        driver.client(Text.post(#"{"model":"org/net"}"#))
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 404 "))
        driver.client(Self.get("/v2/models/llama"))
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 404 ") && answer.contains(#"{"error":"The model 'llama' has no endpoint"#))
    }

    @Test func ollamaLinesAreStreamedAndRenamed() {
        var catalog = Self.catalog
        catalog.models[1].endpoints[0].upstreamModel = "llama3:8b"
        var driver = FlowDriver(catalog)
        driver.client(Text.post(#"{"model":"llama"}"#, path: "/api/chat"))
        driver.connected()
        #expect(driver.takeUpstream().hasSuffix(#"{"model":"llama3:8b"}"#))
        driver.upstream("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
        driver.upstream(Text.chunk("{\"model\":\"llama3:8b\",\"done\":false}\n"))
        #expect(driver.takeClient().hasSuffix("{\"model\":\"llama\",\"done\":false}\n\r\n"))
        driver.upstream(Text.chunk("{\"model\":\"llama3:8b\",\"done\":true}\n") + "0\r\n\r\n")
        #expect(driver.takeClient().hasSuffix("{\"model\":\"llama\",\"done\":true}\n\r\n0\r\n\r\n") && driver.flow.state == .idle)
        driver.client(Text.post("{}", path: "/api/chat"))
        #expect(driver.takeClient().contains(#"{"error":"You must provide a 'model'"#))
    }

    @Test func aPathMayNotSmuggleAnything() {
        for path in ["/v2/models/", "/v2/models//infer", "/v2/models/%", "/v2/models/%2", "/v2/models/%zz/infer", "/v2/modelsx"] {
            var driver = FlowDriver(Self.catalog)
            driver.client(Self.get(path))
            #expect(driver.takeClient().hasPrefix("HTTP/1.1 404 "), "\(path)")
        }
    }
}
