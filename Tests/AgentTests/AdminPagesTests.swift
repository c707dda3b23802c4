import Control
import Telemetry
import Testing

@testable import Agent

@Suite struct AdminPagesTests {
    private func pages(_ readiness: Readiness = Readiness(), _ page: MetricsPage = MetricsPage()) -> AdminPages {
        AdminPages(readiness: { readiness }, metrics: { page })
    }

    private func text(_ answer: AdminAnswer) -> String { String(decoding: answer.body, as: UTF8.self) }

    @Test(arguments: ["GET", "HEAD"]) func isHealthy(method: String) async {
        let answer = await pages().answer(method: method, target: "/healthz?probe=1")
        #expect(answer.status == 200)
        #expect(text(answer) == "ok\n")
    }

    @Test func readinessTellsTheReason() async {
        let answer = await pages().answer(method: "GET", target: "/readyz")
        #expect(answer.status == 503)
        #expect(text(answer) == "the BPF programs are not attached\n")
        let ready = Readiness(attached: true, generation: 1, proxyConnected: true, proxyGeneration: 1)
        #expect(await pages(ready).answer(method: "GET", target: "/readyz").status == 200)
    }

    @Test(arguments: ["/", "", "/metrics/", "/healthz/x", "//metrics", "/../metrics", "http://x/metrics"])
    func hasNoOtherPages(target: String) async {
        #expect(await pages().answer(method: "GET", target: target).status == 404)
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "get", ""])
    func takesNoOtherMethods(method: String) async {
        let answer = await pages().answer(method: method, target: "/metrics")
        #expect(answer.status == 405)
        #expect(answer.allow == "GET, HEAD")
    }

    @Test func metricsOfASilentProxySaySo() async {
        let answer = await pages().answer(method: "GET", target: "/metrics")
        #expect(answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(text(answer).contains("modelbroker_proxy_up 0\n"))
        #expect(!text(answer).contains("modelbroker_proxy_open_connections"))
    }

    @Test func metricsOfModels() {
        var counters = ModelCounters()
        counters.requests = 3
        counters.status5xx = 1
        counters.firstByte.record(microseconds: 900)
        var page = MetricsPage()
        page.statistics = ProxyStatistics()
        page.models = ["llama\"70b": counters]
        let text = page.render().text
        #expect(text.contains("modelbroker_proxy_up 1\n"))
        #expect(text.contains("modelbroker_model_requests_total{model=\"llama\\\"70b\"} 3\n"))
        #expect(text.contains("modelbroker_model_responses_total{model=\"llama\\\"70b\",class=\"5xx\"} 1\n"))
        #expect(text.contains("gen_ai_server_time_to_first_token_seconds_bucket{model=\"llama\\\"70b\",le=\"0.001\"} 1\n"))
    }

    /// Every family is opened once and its samples follow it: what the format asks for.
    @Test func familiesStandTogether() {
        var page = MetricsPage()
        page.statistics = ProxyStatistics()
        page.models = ["a": ModelCounters(), "b": ModelCounters()]
        page.kernelCounters = [("connects", 1), ("captured", 2)]
        page.rules = [("llm", CaptureReport.Counters())]
        page.listeners = [("host4", true)]
        page.governed = GovernedMetricsTests.page
        var opened: Set<String> = []
        var current = ""
        for line in page.render().text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") {
                current = String(words[2])
                #expect(opened.insert(current).inserted, "\(current) is opened twice")
            } else if !line.hasPrefix("#") {
                #expect(line.hasPrefix(current), "\(line) is not of \(current)")
                #expect(UInt64(words[words.count - 1]) != nil || line.contains("_sum"))
            }
        }
        #expect(opened.count > 20)
    }
}
