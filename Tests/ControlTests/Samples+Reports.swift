import Catalog
import Control
import Telemetry

extension Samples {
    static var statistics: ProxyStatistics {
        var histogram = Histogram()
        for bucket in histogram.counts.indices { histogram.counts[bucket] = UInt64(1_000 + bucket) }
        histogram.sum = .max
        var counters = ModelCounters()
        counters.requests = 1
        counters.status2xx = 2
        counters.status3xx = 3
        counters.status4xx = 4
        counters.status5xx = 5
        counters.broken = 6
        counters.cancelled = 7
        counters.bytesIn = 8
        counters.bytesOut = 9
        counters.active = 10
        counters.rateLimited = 25
        counters.tokenLimited = 26
        counters.accessRefused = 27
        counters.tokens = 28
        counters.inputTokens = 30
        counters.outputTokens = 31
        counters.firstByte = histogram
        for (index, path) in [\ModelCounters.duration, \.dispatch, \.tokenTime, \.inputUse, \.outputUse].enumerated() {
            counters[keyPath: path].counts[index] = UInt64(40 + index)
            counters[keyPath: path].sum = UInt64(50 + index)
        }
        var statistics = ProxyStatistics()
        statistics.models = [
            .init(name: "llama", inCatalog: true, counters: counters),
            .init(name: "é", inCatalog: false, counters: ModelCounters()),
        ]
        statistics.clients = [
            .init(name: "c", counters: clientCounters), .init(name: "", counters: ClientCounters()),
        ]
        statistics.acceptedCaptured = 11
        statistics.acceptedGateway = 12
        statistics.openConnections = 13
        statistics.withoutOrigin = 14
        statistics.opaque = 15
        statistics.unnamed = 16
        statistics.refused = 17
        statistics.upstreamConnects = 18
        statistics.upstreamReuses = 19
        statistics.upstreamConnectFailures = 20
        statistics.staleRetries = 21
        statistics.acceptFailures = 22
        statistics.residentBytes = 23
        statistics.descriptors = 24
        statistics.uptimeMilliseconds = .max
        statistics.tagFailures = 29
        statistics.unauthenticated = 32
        statistics.identityConflicts = 33
        statistics.tokensChecked = 34
        statistics.auditLines = 35
        statistics.auditDropped = 36
        statistics.tlsHandshakes = 37
        statistics.tlsHandshakeFailures = 38
        statistics.processorMicroseconds = 39
        statistics.spans = 40
        statistics.spansDropped = 41
        return statistics
    }

    static var clientCounters: ClientCounters {
        var counters = ClientCounters()
        counters.requests = 1
        counters.active = 2
        counters.accessRefused = 3
        counters.rateRefused = 4
        counters.tokenRefused = 5
        counters.concurrencyRefused = 6
        counters.quotaRefused = 7
        counters.otherRefused = 8
        counters.inputTokens = 9
        counters.outputTokens = 10
        counters.cost = .max
        return counters
    }

    static var flows: [FlowRecord] {
        var flows = FlowRecord.State.allCases.map {
            FlowRecord(id: UInt64($0.rawValue), entrance: .gateway, state: $0, caller: v6, dialled: v4)
        }
        flows.append(
            FlowRecord(
                id: .max, entrance: .capture, state: .streaming, pid: 1, uid: 2, command: "curl", cgroup: 3, netnsCookie: 4,
                caller: v4, dialled: v6, rule: 5, client: "c", model: "m", endpoint: v4, requests: 6, bytesIn: 7, bytesOut: 8,
                ageMilliseconds: 9))
        return flows
    }

    static var event: ProxyEvent {
        ProxyEvent(
            kind: .identityConflict, model: "m", client: "c", pid: 1, cgroup: 2, address: v6, reason: "tokens",
            detail: "tls sni=example.internal", leftOut: 1 << 40)
    }
}
