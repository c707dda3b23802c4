import Control
import Telemetry
import Testing

@testable import Agent

@Suite struct AdminPagesTests {
    private func pages(_ readiness: Readiness = Readiness(), _ page: MetricsPage = MetricsPage()) -> AdminPages {
        AdminPages(readiness: { readiness }, metrics: { page }, live: { Array("{}".utf8) })
    }

    private func text(_ answer: AdminAnswer) -> String { String(decoding: answer.body, as: UTF8.self) }

    @Test(arguments: ["GET", "HEAD"]) func isHealthy(method: String) async {
        let answer = await pages().answer(method: method, target: "/healthz?probe=1", hosts: [])
        #expect(answer.status == 200)
        #expect(text(answer) == "ok\n")
    }

    @Test func readinessTellsTheReason() async {
        let answer = await pages().answer(method: "GET", target: "/readyz", hosts: [])
        #expect(answer.status == 503)
        #expect(text(answer) == "the BPF programs are not attached\n")
        let ready = Readiness(attached: true, generation: 1, proxyConnected: true, proxyGeneration: 1)
        #expect(await pages(ready).answer(method: "GET", target: "/readyz", hosts: []).status == 200)
    }

    @Test(arguments: [
        "//", "", "/metrics/", "/index.html", "/api", "/api/live/", "/healthz/x", "//metrics", "/../metrics", "http://x/metrics",
    ])
    func hasNoOtherPages(target: String) async {
        #expect(await pages().answer(method: "GET", target: target, hosts: []).status == 404)
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "get", ""])
    func takesNoOtherMethods(method: String) async {
        let answer = await pages().answer(method: method, target: "/metrics", hosts: [])
        #expect(answer.status == 405)
        #expect(answer.allow == "GET, HEAD")
    }

    /// Another site's name may lead to this address, and only it is in the Host field then.
    @Test(arguments: [
        [], ["evil.example"], ["evil.example:15020"], ["127.0.0.1.evil.example"], ["127.0.0.1", "127.0.0.1"], ["localhost.evil"],
        ["127.0.0.1:15020:80"], ["[::1"], ["[localhost]"], [""], ["127.0.0.1:" + "x"], ["127.0.0.1@evil.example"],
    ])
    func browsersMustNameTheAddress(hosts: [String]) async {
        for target in ["/", "/api/live"] {
            #expect(await pages().answer(method: "GET", target: target, hosts: hosts).status == 421)
        }
        #expect(await pages().answer(method: "GET", target: "/metrics", hosts: hosts).status == 200)
    }

    @Test(arguments: ["127.0.0.1:15020", "127.0.0.1", "localhost:15020", "LocalHost", "[::1]:15020", "10.1.2.3:1"])
    func addressesAndLocalhostAreTrusted(host: String) async {
        #expect(await pages().answer(method: "GET", target: "/api/live?x=1", hosts: [host]).status == 200)
    }

    /// Whatever a name on the page holds, no script runs but the page's own, and nothing is loaded.
    @Test func thePageMayLoadNothing() async {
        let answer = await pages().answer(method: "GET", target: "/", hosts: ["localhost"])
        #expect(answer.status == 200 && answer.contentType == "text/html; charset=utf-8")
        let nonce = answer.contentPolicy.split(separator: "'").first { $0.hasPrefix("nonce-") }?.dropFirst(6) ?? ""
        #expect(nonce.count == 26)
        let text = text(answer)
        #expect(text.contains("<script nonce=\"\(nonce)\">") && text.contains("<style nonce=\"\(nonce)\">"))
        #expect(text.components(of: "<script") == 1 && text.components(of: "<style") == 1 && !text.contains("@NONCE@"))
        for outside in ["http://", "https://", "src=", "@import", "innerHTML", "eval("] {
            #expect(
                !text.contains(outside)
                    || outside == "http://" && text.components(of: outside) == text.components(of: "http://www.w3.org/2000/svg"),
                "\(outside)")
        }
        #expect(answer.contentPolicy.hasPrefix("default-src 'none'; ") && !answer.contentPolicy.contains("unsafe"))
        let other = await pages().answer(method: "GET", target: "/", hosts: ["localhost"])
        #expect(other.contentPolicy != answer.contentPolicy, "a nonce is used once")
    }

    @Test func metricsOfASilentProxySaySo() async {
        let answer = await pages().answer(method: "GET", target: "/metrics", hosts: [])
        #expect(answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(text(answer).contains("modelbroker_proxy_up 0\n"))
        #expect(!text(answer).contains("modelbroker_proxy_open_connections"))
    }

    @Test func metricsOfModels() {
        var counters = ModelCounters()
        counters.requests = 3
        counters.status5xx = 1
        counters.firstByte.record(900, on: .firstToken)
        var page = MetricsPage()
        page.statistics = ProxyStatistics()
        page.models = ["llama\"70b": counters]
        let text = page.render().text
        #expect(text.contains("modelbroker_proxy_up 1\n"))
        #expect(text.contains("modelbroker_model_requests_total{model=\"llama\\\"70b\"} 3\n"))
        #expect(text.contains("modelbroker_model_responses_total{model=\"llama\\\"70b\",class=\"5xx\"} 1\n"))
        #expect(text.contains("gen_ai_server_time_to_first_token_seconds_bucket{model=\"llama\\\"70b\",le=\"0.001\"} 1\n"))
    }

    /// The names, the buckets and the label are those of the OpenTelemetry conventions.
    @Test(arguments: [
        "gen_ai_server_request_duration_seconds_bucket{model=\"m\",le=\"0.01\"} 0",
        "gen_ai_server_request_duration_seconds_bucket{model=\"m\",le=\"0.02\"} 1",
        "gen_ai_server_request_duration_seconds_bucket{model=\"m\",le=\"81.92\"} 1",
        "gen_ai_server_request_duration_seconds_sum{model=\"m\"} 0.015",
        "gen_ai_server_time_per_output_token_seconds_bucket{model=\"m\",le=\"0.025\"} 1",
        "gen_ai_server_time_per_output_token_seconds_bucket{model=\"m\",le=\"2.5\"} 1",
        "modelbroker_model_dispatch_seconds_bucket{model=\"m\",le=\"0.001\"} 1",
        "gen_ai_client_token_usage_bucket{model=\"m\",gen_ai_token_type=\"input\",le=\"4\"} 0",
        "gen_ai_client_token_usage_bucket{model=\"m\",gen_ai_token_type=\"input\",le=\"16\"} 1",
        "gen_ai_client_token_usage_bucket{model=\"m\",gen_ai_token_type=\"output\",le=\"67108864\"} 1",
        "gen_ai_client_token_usage_sum{model=\"m\",gen_ai_token_type=\"output\"} 300",
        "modelbroker_model_tokens_total{model=\"m\",gen_ai_token_type=\"input\"} 7",
        "modelbroker_proxy_cpu_seconds_total 1.5",
    ])
    func measures(line: String) {
        var counters = ModelCounters()
        counters.duration.record(15_000, on: .request)
        counters.dispatch.record(1, on: .firstToken)
        counters.tokenTime.record(20_000, on: .outputToken)
        counters.inputUse.record(7, on: .tokens)
        counters.outputUse.record(300, on: .tokens)
        counters.inputTokens = 7
        var page = MetricsPage()
        var statistics = ProxyStatistics()
        statistics.processorMicroseconds = 1_500_000
        page.statistics = statistics
        page.models = ["m": counters]
        #expect(page.render().text.split(separator: "\n").contains { $0 == line })
    }

    /// A thousand models that were seen once must not make a page of a hundred thousand lines.
    @Test func leavesOutWhatNothingWasMeasuredFor() {
        var page = MetricsPage()
        page.statistics = ProxyStatistics()
        page.models = ["m": ModelCounters()]
        #expect(!page.render().text.contains("_bucket{"))
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
                #expect(UInt64(words[words.count - 1]) != nil || current.contains("_seconds"))
            }
        }
        #expect(opened.count > 20)
    }
}

extension String {
    /// How often a text stands in it.
    fileprivate func components(of text: String) -> Int {
        var count = 0
        var rest = self[...]
        while let at = rest.firstRange(of: text) {
            count += 1
            rest = rest[at.upperBound...]
        }
        return count
    }
}
