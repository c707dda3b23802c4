import Catalog
import Control
import Telemetry
import Testing

@testable import Agent

@Suite struct QueueViewTests {
    private let catalog = Catalog(
        models: [Model(name: "m", endpoints: [])],
        clients: [Client(name: "a", group: "gold"), Client(name: "b"), Client(name: "c", group: "night")],
        groups: [
            Group(name: "night", delivery: .batch), Group(name: "gold", priority: 10, weight: 3, isReclaimable: false),
        ])

    private func record(_ model: String, _ group: String, rate: UInt64 = 0, waits: [UInt64] = []) -> QueueRecord {
        var record = QueueRecord(model: model, group: group)
        record.tokenRate = rate
        record.limit = 8
        record.inFlight = 5
        record.entitlement = 2500
        for wait in waits { record.waits.record(wait, on: .firstToken) }
        return record
    }

    @Test func groupsHaveTheirClientsAndQueues() {
        let groups = QueueView(catalog).groups([
            record("m", "gold", rate: 3000), record("m", "default", rate: 1000), record("z", "gold"),
        ])
        #expect(groups.map(\.name) == ["default", "night", "gold"])
        #expect(groups.map(\.clients) == [["b"], ["c"], ["a"]])
        #expect(groups.map(\.delivery) == ["interactive", "batch", "interactive"])
        #expect(groups[2].queues.map(\.model) == ["m", "z"])
        let gold = groups[2].queues[0]
        #expect(gold.priority == 10 && gold.weight == 3)
        #expect(gold.share == 0.75 && gold.tokensPerSecond == 3)
        #expect(gold.entitlement == 2.5 && gold.borrowed == 2.5)
        #expect(groups[2].queues[1].share == nil)
        #expect(QueueView(catalog).groups([]).count == 3)
    }

    @Test func theMostUrgentComesFirst() {
        let queues = QueueView(catalog).queues([
            record("m", "unknown"), record("m", "night"), record("m", "default"), record("m", "gold"), record("a", "night"),
        ])
        #expect(queues.map { "\($0.model) \($0.group)" } == ["a night", "m gold", "m default", "m unknown", "m night"])
    }

    @Test func percentilesAreUpperBounds() throws {
        let waits =
            [UInt64](repeating: 900, count: 50) + [UInt64](repeating: 30_000, count: 45) + [7_000_000, 7_000_000]
            + [UInt64](repeating: 20_000_000, count: 3)
        let queue = try #require(QueueView(catalog).queues([record("m", "default", waits: waits)]).first)
        #expect(queue.waitP50Milliseconds == 1)
        #expect(queue.waitP90Milliseconds == 40)
        #expect(queue.waitP99Milliseconds == 30_000, "nobody waits longer than the queue lets them")
        #expect(QueueView(catalog).queues([record("m", "default")]).first?.waitP50Milliseconds == nil)
    }

    @Test func countsThatAreAbsurdAreNoFault() {
        var histogram = Histogram()
        histogram.counts[0] = .max
        #expect(histogram.bound(of: 99, longest: 1) == 1000)
        histogram.counts[3] = 7
        #expect(histogram.bound(of: 50, longest: 1) != nil)
    }
}

@Suite struct SharingPageTests {
    @Test func showsQueuesAndEngines() {
        var record = QueueRecord(model: "m\"", group: "gold")
        record.waiting = 3
        record.limit = 8
        record.entitlement = 2500
        record.full = 4
        record.waits.record(2000, on: .firstToken)
        var other = QueueRecord(model: "m\"", group: "night")
        other.limit = 8
        var page = SharingPage(queues: [record, other])
        page.engines = [
            EngineReport(url: "http://a", models: ["m"], phase: "ready", method: "exec", starts: 2, crashes: 1)
        ]
        let address = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 1)
        page.loads = [.init(key: EndpointKey(url: "http://a", address: address), value: 7)]
        var text = PrometheusText()
        page.render(&text)
        let lines = text.text.split(separator: "\n").map(String.init)
        for line in [
            "modelbroker_queue_waiting_requests{model=\"m\\\"\",group=\"gold\"} 3",
            "modelbroker_queue_slots{model=\"m\\\"\"} 8",
            "modelbroker_queue_entitlement_thousandths{model=\"m\\\"\",group=\"gold\"} 2500",
            "modelbroker_queue_refused_total{model=\"m\\\"\",group=\"gold\",reason=\"full\"} 4",
            "modelbroker_queue_wait_seconds_count{model=\"m\\\"\",group=\"gold\"} 1",
            "modelbroker_engine_phase{url=\"http://a\",phase=\"ready\"} 1",
            "modelbroker_engine_starts_total{url=\"http://a\"} 2", "modelbroker_engine_crashes_total{url=\"http://a\"} 1",
            "modelbroker_endpoint_engine_requests{endpoint=\"127.0.0.1:1\",url=\"http://a\"} 7",
        ] { #expect(lines.contains(line)) }
        #expect(lines.count { $0.hasPrefix("modelbroker_queue_slots{") } == 1)
        let families = lines.filter { $0.hasPrefix("# TYPE ") }
        #expect(Set(families).count == families.count)
    }

    @Test func isBounded() {
        let page = SharingPage(maximumQueues: 3, queues: (0..<50).map { QueueRecord(model: "m\($0)", group: "g") })
        var text = PrometheusText()
        page.render(&text)
        #expect(text.text.split(separator: "\n").count { $0.hasPrefix("modelbroker_queue_bytes{") } == 3)
    }
}
