internal import Control
internal import Telemetry

/// Makes rates of what was counted: it keeps the snapshot before, and the rates of the last while for their trends.
package struct TopMeter: Sendable {
    /// Rates that a trend has, and snapshots over which quantiles are taken.
    static let kept = 60
    private static let window = 15

    /// Ends of counters, by a name for each.
    private var former: [String: UInt64] = [:]
    private var formerSeconds: Double?
    private var current: [String: UInt64] = [:]
    private var histories: [String: [Double]] = [:]
    /// Counts of times to the first token by model, the latest last.
    private var latencies: [[String: [UInt64]]] = []
    private var elapsed = 0.0

    package init() {}

    package mutating func measure(_ snapshot: TopSnapshot) -> TopReport {
        elapsed = formerSeconds.map { max(0.001, snapshot.seconds - $0) } ?? 0
        current = [:]
        noteLatencies(snapshot)
        var report = TopReport()
        report.seconds = formerSeconds == nil ? nil : elapsed
        report.rows[.models] = models(snapshot, &report.totals)
        report.rows[.clients] = snapshot.clients.map { client($0) }
        report.rows[.endpoints] = snapshot.endpoints.map { endpoint($0) }
        report.rows[.groups] = snapshot.groups.flatMap { group in group.queues.map { queue($0, of: group) } }
        report.rows[.flows] = snapshot.flows?.map(Self.flow)
        report.totals.proxy = snapshot.status.proxy.state.rawValue
        report.totals.uptimeMilliseconds = snapshot.status.agent.uptimeMilliseconds
        report.totals.connections = snapshot.status.proxy.openConnections
        former = current
        formerSeconds = snapshot.seconds
        // What is gone for good must not be kept for ever.
        histories = histories.filter { current[$0.key] != nil }
        return report
    }

    /// What a counter grew by each second; 0 the first time, and when it began anew with its process.
    mutating func rate(_ name: String, _ value: UInt64) -> Double {
        current[name] = value
        guard elapsed > 0, let before = former[name], value >= before else { return 0 }
        return Double(value - before) / elapsed
    }

    /// The rate of a counter with those before it.
    mutating func trend(_ name: String, _ value: UInt64) -> (rate: Double, history: [Double]) {
        let now = rate(name, value)
        guard formerSeconds != nil else { return (now, []) }
        var history = histories[name] ?? []
        history.append(now)
        if history.count > Self.kept { history.removeFirst(history.count - Self.kept) }
        histories[name] = history
        return (now, history)
    }

    private mutating func noteLatencies(_ snapshot: TopSnapshot) {
        latencies.append(Dictionary(snapshot.models.map { ($0.name, $0.firstByte.counts ?? []) }) { first, _ in first })
        if latencies.count > Self.window { latencies.removeFirst() }
    }

    /// Of the answers within the window; where there are none, of all.
    func quantiles(_ model: ModelReport) -> (p50: UInt64?, p95: UInt64?) {
        let before = latencies.first?[model.name] ?? []
        let now = model.firstByte.counts ?? []
        let whole = (model.firstByte.p50Microseconds, model.firstByte.p95Microseconds)
        guard before.count == now.count, zip(now, before).allSatisfy({ $0 >= $1 }) else { return whole }
        var recent = Histogram()
        for index in recent.counts.indices where index < now.count { recent.counts[index] = now[index] - before[index] }
        guard recent.count > 0 else { return whole }
        let report = LatencyReport(recent)
        return (report.p50Microseconds, report.p95Microseconds)
    }
}
