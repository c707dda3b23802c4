import Catalog
import Control
import Testing

@testable import Agent

@Suite struct HealthRuleTests {
    private func rule(_ engine: Engine, path: String? = nil, tls: Bool = false) -> HealthRule {
        HealthRule(
            Endpoint(
                host: "e", port: 1, authority: "e", engine: engine, tls: tls ? EndpointTLS(serverName: "e") : nil,
                health: HealthCheck(path: path)))
    }

    @Test(arguments: [
        (Engine.openai, nil as String?, [200, 204, 301, 401, 403, 404], [429, 500, 502, 503]),
        (.kserveV2, nil, [200], [204, 301, 400, 401, 404, 429, 503]), (.ollama, nil, [200], [401, 404, 503]),
        (.openai, "/health", [200, 204, 307, 399], [400, 401, 404, 429, 500]), (.raw, "/up", [200], [404]),
    ])
    func statuses(engine: Engine, path: String?, well: [Int], unwell: [Int]) {
        let rule = rule(engine, path: path)
        for status in well { #expect(rule.fault(status: status) == nil, "\(status)") }
        for status in unwell { #expect(rule.fault(status: status) == "status \(status)") }
    }

    @Test func aConnectionIsEnoughWhereNothingIsAsked() {
        #expect(rule(.raw) == .connection)
        #expect(rule(.openai, path: "") == .connection)
        #expect(rule(.openai, tls: true) == .own(.openai))
        #expect(rule(.openai, path: "/health", tls: true) == .configured)
    }
}

@Suite struct HealthTallyTests {
    private let key = EndpointKey(url: "http://e", address: SocketAddress(ip: IPAddress(v4: 10, 0, 0, 1), port: 80))

    @Test func thresholdsAreOfFindingsInARow() {
        var tally = HealthTally()
        tally.watch([key: .init(failures: 3, successes: 2)])
        let findings: [(String?, HealthTally.Change)] = [
            ("a", .none), ("a", .none), (nil, .none), ("a", .none), ("a", .none), ("b", .fell), ("b", .none),
            ("c", .reworded), (nil, .none), ("c", .none), (nil, .none), (nil, .rose), (nil, .none), ("a", .none),
        ]
        for (index, (fault, change)) in findings.enumerated() {
            #expect(tally.take(key, fault: fault) == change, "\(index)")
        }
        #expect(tally.fault(of: key) == "")
    }

    @Test func keepsWhatItKnowsOfThoseThatStay() {
        var tally = HealthTally()
        #expect(tally.take(key, fault: "x") == .none, "nobody asked")
        tally.watch([key: .init(failures: 1, successes: 1)])
        #expect(tally.take(key, fault: "x") == .fell)
        tally.watch([key: .init(failures: 5, successes: 2)])
        #expect(tally.fault(of: key) == "x")
        #expect(tally.take(key, fault: nil) == .none)
        #expect(tally.take(key, fault: nil) == .rose)
        tally.watch([:])
        #expect(tally.fault(of: key) == "")
    }
}

@Suite struct ErrandTests {
    private let one = SocketAddress(ip: IPAddress(v4: 10, 0, 0, 1), port: 80)
    private let two = SocketAddress(ip: IPAddress(v4: 10, 0, 0, 2), port: 80)

    @Test func eachServerIsAskedOnceAtEachAddress() {
        let server = Endpoint(host: "e", port: 80, authority: "e", addresses: [one, two])
        var slow = server
        slow.health.period = 60_000
        let spare = Endpoint(host: "f", port: 80, authority: "f", addresses: [one])
        let catalog = Catalog(
            models: [
                Model(name: "a", endpoints: [server], fallback: [spare]), Model(name: "b", endpoints: [slow]),
            ],
            pools: [Pool(name: "p", fallback: [Endpoint(host: "g", port: 80, authority: "g", addresses: [two])])])
        let errands = catalog.healthErrands
        #expect(
            errands.map { "\($0.errand.url) \($0.plan.addresses[0])" } == [
                "http://e 10.0.0.1:80", "http://e 10.0.0.2:80", "http://f 10.0.0.1:80", "http://g 10.0.0.2:80",
            ])
        #expect(errands[0].plan.period == 5_000_000_000 && errands[0].plan.timeout == 5_000_000_000)
    }

    @Test func whoIsNotToBeAskedIsNot() {
        let off = Endpoint(host: "e", port: 80, authority: "e", addresses: [one], health: HealthCheck(period: 0))
        let tls = Endpoint(
            host: "t", port: 443, authority: "t", addresses: [one], tls: EndpointTLS(serverName: "t"), discovery: Discovery())
        let catalog = Catalog(models: [Model(name: "a", endpoints: [off, tls])])
        #expect(catalog.healthErrands.map(\.errand.url) == ["https://t"])
        #expect(catalog.healthErrands[0].plan.tls == EndpointTLS(serverName: "t"))
        let twice = Catalog(models: [Model(name: "a", endpoints: [tls, tls])])
        #expect(twice.discoveryErrands.count == 1)
        #expect(twice.discoveryErrands.first?.plan.bodyLimit == 4 << 20)
        #expect(twice.discoveryErrands.first?.plan.tls == EndpointTLS(serverName: "t"))
    }
}
