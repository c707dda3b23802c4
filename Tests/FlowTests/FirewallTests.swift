import Catalog
import Control
import Flow
import Identity
import Routing
import Telemetry
import Testing

/// Requests that are refused whoever sends them.
@Suite struct FirewallTests {
    private func driver(
        _ rules: [FirewallRule], _ entrance: FlowRecord.Entrance = .gateway, workload: String = "shop"
    ) -> FlowDriver {
        FlowDriver(gate: Gate.catalog { $0.firewall = rules }, entrance, workload: workload)
    }

    private func isDenied(_ driver: inout FlowDriver, _ request: String, by rule: String? = nil) -> Bool {
        driver.client(request)
        let answer = driver.takeClient()
        guard answer.hasPrefix("HTTP/1.1 403 ") else { return false }
        return answer.contains("\"code\":\"request_denied\"") && rule.map { answer.contains("the rule '\($0)'") } ?? true
    }

    @Test(arguments: [
        "/v1/files", "/v1/files/x", "/v1/%66iles", "/v1//files", "/v1/./files", "/v1/models/../files", "/v1/fil%65s?a=b",
    ])
    func pathsAreJudgedHoweverTheyAreSpelt(path: String) {
        var driver = driver([FirewallRule(name: "no-files", path: "^/v1/files")])
        #expect(isDenied(&driver, "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n", by: "no-files"))
        #expect(driver.events.first?.reason == "request_denied" && driver.clients["shop"]?.counters.requests == 0)
    }

    @Test func allThatIsGivenMustBeSo() {
        let rules = [FirewallRule(name: "a", method: "^PUT$", path: "chat"), FirewallRule(name: "b", path: "chat", model: "^m$")]
        var driver = driver(rules)
        #expect(isDenied(&driver, Text.post(), by: "b"))
        #expect(!isDenied(&driver, Text.post(#"{"model":"mm"}"#)))
    }

    @Test func itComesBeforeTheQuestionWhoSends() {
        var driver = driver([FirewallRule(name: "a", path: "chat")], workload: "")
        #expect(isDenied(&driver, Text.post(fields: IdentityTests.bearer(Gate.token))) && driver.tokenToCheck() == nil)
    }

    @Test func whatIsRelayedIsJudgedToo() {
        var driver = driver([FirewallRule(name: "a", model: "else")], .capture)
        #expect(isDenied(&driver, Text.post(#"{"model":"elsewhere"}"#)) && driver.connect() == nil)
        driver = self.driver([FirewallRule(name: "a", model: "else", clients: ["shop"])], .capture)
        #expect(isDenied(&driver, Text.post(#"{"model":"elsewhere"}"#)))
        driver = self.driver([FirewallRule(name: "a", model: "else", clients: ["batch"])], .capture)
        #expect(!isDenied(&driver, Text.post(#"{"model":"elsewhere"}"#)) && driver.connect() == FlowDriver.dialled)
    }

    @Test func rulesOfClientsGoByWhoItIs() {
        let rules = [FirewallRule(name: "a", path: "chat", clients: ["checkout"])]
        for entrance in [FlowRecord.Entrance.gateway, .capture] {
            var driver = driver(rules, entrance, workload: "")
            #expect(isDenied(&driver, Text.post(fields: IdentityTests.bearer(Gate.checkout)), by: "a"))
            #expect(!isDenied(&driver, Text.post(fields: IdentityTests.bearer(Gate.batch))))
        }
    }

    @Test func bodiesAreMeasuredByWhatIsAnnouncedAndByWhatComes() {
        let rules = [FirewallRule(name: "big", path: "chat", bodyAbove: 100_000)]
        var driver = driver(rules)
        driver.client("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n")
        #expect(driver.takeClient().contains("request_denied"))
        driver = self.driver(rules)
        driver.client(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        let start = #"{"model":"m","prompt":""#
        driver.client(Text.chunk(start))
        let piece = Text.chunk(String(repeating: "x", count: 10_000))
        for _ in 0..<7 { driver.client(piece) }
        #expect(driver.connect() == FlowDriver.engine)
        driver.connected()
        for _ in 0..<2 { driver.client(piece) }
        #expect(driver.takeClient().isEmpty)
        driver.client(piece)
        driver.client(piece)
        #expect(driver.takeClient().contains("request_denied"))
    }
}
