import Catalog
import Control
import ControlCoding
import Synchronization
import Telemetry
import Testing

@testable import Agent

/// What the live page's data are, and how often anybody is asked for them.
@Suite struct LiveFeedTests {
    private static func report(models: Int = 0, flows: Int? = nil) -> LiveReport {
        let address = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 80)
        let record = FlowRecord(id: 1, entrance: .gateway, state: .idle, caller: address, dialled: address)
        return LiveReport(
            time: 1, obstacle: nil, status: StatusReport(),
            models: (0..<models).map { number in
                var counters = ModelCounters()
                counters.requests = UInt64(number)
                return ModelReport(name: "m\(number)", source: .seen, counters: counters)
            }, pools: [], endpoints: [], queues: [], clients: [], captures: [],
            flows: flows.map { Array(repeating: FlowReport(record, workload: "", rule: nil), count: $0) })
    }

    /// Names come from callers, connections from anywhere: no list grows without an end, and the busiest stay.
    @Test func listsAreCut() {
        let report = Self.report(models: 2_000, flows: 4_000)
        #expect(report.models.count == LiveReport.most && report.models.first?.name == "m1999")
        #expect(report.flows?.count == LiveReport.mostFlows)
        #expect(report.counts["models"] == 2_000 && report.counts["flows"] == 4_000)
    }

    @Test func aClientIsShownWithoutItsKeys() throws {
        let client = ClientReport(
            Client(name: "c"), number: 1, keys: [KeyReport(id: "k3v9", client: "c", source: "managed", state: "active")])
        let text = String(decoding: try ControlLine.json([LiveReport.Client(client)], pretty: false), as: UTF8.self)
        #expect(text.contains(#""name":"c""#) && !text.contains("k3v9") && !text.contains("keys"))
    }

    @Test func manyWhoLookAskOnce() async {
        let asked = Mutex(0)
        let feed = LiveFeed {
            asked.withLock { $0 += 1 }
            return Self.report(models: 1)
        }
        await withTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<50 { group.addTask { await feed.json() } }
            for await answer in group { #expect(String(decoding: answer, as: UTF8.self).contains(#""m0""#)) }
        }
        // A slow machine may take more than one period for all of them.
        #expect(asked.withLock { $0 } < 10)
    }
}
