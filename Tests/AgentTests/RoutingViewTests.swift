import Catalog
import Control
import KernelPlane
import Telemetry
import Testing

@testable import Agent

private func address(_ last: UInt8) -> SocketAddress { SocketAddress(ip: IPAddress(v4: 10, 0, 0, last), port: 80) }

private func key(_ name: String, _ last: UInt8) -> EndpointKey { EndpointKey(url: "http://\(name)", address: address(last)) }

private func endpoint(_ name: String, _ last: [UInt8]) -> Endpoint {
    Endpoint(host: name, port: 80, authority: name, addresses: last.map(address))
}

@Suite struct RoutingViewTests {
    private let catalog = Catalog(
        models: [
            Model(name: "big", endpoints: [endpoint("x", [1, 2])], fallback: [endpoint("z", [9])]),
            Model(name: "small", endpoints: [endpoint("gone", [])]),
        ],
        pools: [
            Pool(
                name: "chat", models: [.init(model: "small"), .init(model: "big", weight: 5)], fallback: [endpoint("cloud", [7])])
        ])

    private func view(
        _ records: [EndpointRecord]? = nil, _ routes: [RouteRecord] = [], _ standings: [EndpointStanding] = []
    ) -> RoutingView {
        RoutingView(
            catalog, standings: Dictionary(uniqueKeysWithValues: standings.map { ($0.key, $0) }),
            proxy: records.map { ($0, routes) }, now: 1000)
    }

    private func lines(_ reports: [EndpointReport]) -> [String] {
        reports.map { report in
            let place = report.isFallback ? report.pool.map { "fallback of \($0)" } ?? "fallback" : "own"
            return "\(report.model) \(report.address ?? "-") \(place) \(report.state.rawValue) \(report.reason ?? "")"
        }
    }

    @Test func withoutAProxyTheStateIsUnknown() {
        let standing = EndpointStanding(key: key("x", 2), fault: "status 503")
        #expect(
            lines(view(nil, [], [standing]).endpoints) == [
                "big 10.0.0.1:80 own unknown ", "big 10.0.0.2:80 own standby probe", "big 10.0.0.9:80 fallback unknown ",
                "small - own standby unresolved", "small 10.0.0.7:80 fallback of chat unknown ",
            ])
    }

    @Test func theProxysNumbersAreThere() {
        let records = [
            EndpointRecord(model: "big", key: key("x", 1), inFlight: 3, requests: 10, failures: 1),
            EndpointRecord(
                model: "big", key: key("x", 2), standby: .breaker, detail: "open", remaining: 4000, breaker: .open),
            EndpointRecord(model: "big", key: key("cloud", 7), fallbacks: 2),
        ]
        let reports = view(records).endpoints
        #expect(reports[0].state == .active && reports[0].inFlight == 3 && reports[0].requests == 10)
        #expect(reports[1].reason == "breaker" && reports[1].breaker == "open" && reports[1].remainingMilliseconds == 4000)
        #expect(reports[2].state == .unknown, "the proxy does not have it yet")
        #expect(reports[4].fallbacks == 2 && reports[4].model == "small" && reports[4].pool == "chat")
    }

    /// A drain that has not reached the proxy's answer is shown; of two reasons the weightier one.
    @Test func whatTheAgentKnowsIsAdded() {
        let records = [
            EndpointRecord(model: "big", key: key("x", 1)),
            EndpointRecord(model: "big", key: key("x", 2), standby: .breaker, detail: "open"),
            EndpointRecord(model: "big", key: key("z", 9), standby: .rotated),
        ]
        let standings = [
            EndpointStanding(key: key("x", 1), isDrained: true), EndpointStanding(key: key("x", 2), maintenanceUntil: 61_000),
            EndpointStanding(key: key("z", 9), fault: "refused"),
        ]
        let reports = view(records, [], standings).endpoints
        #expect(reports[0].state == .standby && reports[0].reason == "drained" && reports[0].detail == "by hand")
        #expect(reports[1].reason == "maintenance" && reports[1].remainingMilliseconds == 60_000)
        #expect(reports[1].detail == "until 1970-01-01T00:01:01.000Z")
        #expect(reports[2].reason == "rotated")
    }

    /// The proxy knows whether a server runs, the agent also that it is about to.
    @Test(arguments: [EnginePhase.asleep, .starting, .ready, .stopping, .failed]) func theAgentKnowsThePhase(phase: EnginePhase) {
        for known in [EnginePhase.asleep, .ready, .failed] {
            let records = [EndpointRecord(model: "big", key: key("x", 1), phase: known)]
            let view = view(records, [], [EndpointStanding(key: key("x", 1), phase: phase)])
            #expect(view.endpoints[0].phase == phase.text && view.endpoints[1].phase == nil)
            #expect((view.endpoints[0].state == .standby) == (phase != .ready))
            #expect(view.endpoints[0].detail == (phase == .ready ? nil : phase.text))
            #expect(view.pools[0].endpoints.first { $0.url == "http://x" }?.phase == phase.text)
        }
        let record = EndpointRecord(model: "big", key: key("x", 1), phase: .asleep)
        #expect(view([record], []).endpoints[0].phase == "asleep")
    }

    @Test func poolsHaveTheirCandidatesInOrder() {
        var route = RouteRecord(name: "chat")
        route.requests = 7
        let pool = view([], [route]).pools[0]
        #expect(pool.counters.requests == 7)
        #expect(
            lines(pool.endpoints) == [
                "small - own standby unresolved", "big 10.0.0.1:80 own unknown ", "big 10.0.0.2:80 own unknown ",
                "big 10.0.0.9:80 fallback unknown ", "small 10.0.0.7:80 fallback of chat unknown ",
            ])
        #expect(pool.members.map(\.model) == ["small", "big"])
        #expect(view().pools[0].counters == RouteCounters())
    }

    @Test func theKernelsChoiceIsAdded() {
        let reading = EndpointReading(
            model: 4, address: address(1), weight: 3, usable: false, open: 2, picked: 9, failed: 1,
            nanosecondsSinceFailure: 5_000_000)
        let view = RoutingView(catalog, direct: ["big": [reading]], now: 0)
        #expect(
            view.endpoints[0].direct
                == .init(weight: 3, usable: false, open: 2, picked: 9, failed: 1, failedMillisecondsAgo: 5))
        #expect(view.endpoints[1].direct == nil)
    }

    @Test func metrics() {
        var chat = RouteRecord(name: "chat")
        chat.requests = 5
        chat.exhausted = 1
        let records = [
            EndpointRecord(model: "big", key: key("x", 1), inFlight: 2, requests: 10, failures: 3),
            EndpointRecord(model: "big", key: key("x", 2), standby: .breaker),
        ]
        var page = MetricsPage()
        page.routing = RoutingPage(
            view(records), routes: [chat, RouteRecord(name: "big"), RouteRecord(name: "small"), RouteRecord(name: "retrieval")]
        ) { $0 == "small" ? LabelLimit.other : $0 }
        let lines = page.render().text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
        for line in [
            "modelbroker_route_requests_total{route=\"chat\",kind=\"pool\"} 5",
            "modelbroker_route_exhausted_total{route=\"chat\",kind=\"pool\"} 1",
            "modelbroker_route_retries_total{route=\"big\",kind=\"model\"} 0",
            "modelbroker_endpoint_up{model=\"big\",endpoint=\"10.0.0.1:80\",url=\"http://x\",reason=\"\"} 1",
            "modelbroker_endpoint_up{model=\"big\",endpoint=\"10.0.0.2:80\",url=\"http://x\",reason=\"breaker\"} 0",
            "modelbroker_endpoint_active_requests{model=\"big\",endpoint=\"10.0.0.1:80\",url=\"http://x\"} 2",
            "modelbroker_endpoint_request_failures_total{model=\"big\",endpoint=\"10.0.0.1:80\",url=\"http://x\"} 3",
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(!lines.contains { $0.contains("retrieval") || $0.contains("small") })
        #expect(MetricsPage().render().text.contains("modelbroker_endpoint_up") == false)
    }
}
