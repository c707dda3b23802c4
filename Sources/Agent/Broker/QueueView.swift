internal import Catalog
internal import Control
internal import Telemetry

/// Groups and queues of a catalogue with what the proxy says of them. Pure.
struct QueueView: Sendable {
    private let catalog: Catalog
    private let groups: [String: Group]
    private let models: [String: QueuePolicy]

    /// - Parameter catalog: as it is in force.
    init(_ catalog: Catalog) {
        self.catalog = catalog
        groups = Dictionary(catalog.allGroups.map { ($0.name, $0) }) { first, _ in first }
        models = Dictionary(catalog.models.map { ($0.name, $0.queue) }) { first, _ in first }
    }

    /// Ordered by model, and within one by group, most urgent first.
    func queues(_ records: [QueueRecord]) -> [QueueReport] {
        var rates: [String: UInt64] = [:]
        for record in records { rates[record.model, default: 0] += record.tokenRate }
        let order = Dictionary(catalog.allGroups.enumerated().map { ($1.name, $0) }) { first, _ in first }
        let reports = records.map { report($0, tokenRate: rates[$0.model] ?? 0) }
        return reports.sorted { left, right in
            if left.model != right.model { return left.model < right.model }
            let levels = (level(left), level(right))
            if levels.0 != levels.1 { return levels.0 > levels.1 }
            return (order[left.group] ?? .max, left.group) < (order[right.group] ?? .max, right.group)
        }
    }

    /// In the catalogue's order, the default one first.
    func groups(_ records: [QueueRecord]) -> [GroupReport] {
        let queues = Dictionary(grouping: queues(records), by: \.group)
        return catalog.allGroups.map { group in
            GroupReport(
                name: group.name, priority: group.priority, weight: group.weight, isReclaimable: group.isReclaimable,
                delivery: group.delivery.rawValue, clients: catalog.clients.filter { $0.group == group.name }.map(\.name),
                queues: queues[group.name] ?? [])
        }
    }

    /// Batch comes behind all that is interactive.
    private func level(_ report: QueueReport) -> Int32 {
        groups[report.group]?.delivery == .batch ? .min : report.priority
    }

    private func report(_ record: QueueRecord, tokenRate: UInt64) -> QueueReport {
        let group = groups[record.group]
        var report = QueueReport(
            record, priority: group?.priority ?? 0, weight: group?.weight ?? 1, tokenRate: tokenRate,
            delivery: group?.delivery.rawValue)
        // Nobody waits longer than that.
        let longest = UInt64(max(0, (group?.queue ?? models[record.model])?.wait ?? 0)) * 1000
        let percentile = { (part: UInt64) in
            record.waits.bound(of: part, longest: longest).map { Double($0) / 1000 }
        }
        report.waitP50Milliseconds = percentile(50)
        report.waitP90Milliseconds = percentile(90)
        report.waitP99Milliseconds = percentile(99)
        return report
    }
}

extension Histogram {
    /// An upper bound, in microseconds, of what so many of a hundred took at most; nil: nothing was recorded.
    ///
    /// - Parameter longest: what nothing takes longer than, for those beyond the last bound.
    func bound(of part: UInt64, longest: UInt64) -> UInt64? {
        let total = count
        guard total > 0 else { return nil }
        let bounds = HistogramScale.firstToken.bounds
        // At least so many; without running over, whatever a proxy says.
        let (whole, rest) = total.quotientAndRemainder(dividingBy: 100)
        let wanted = max(1, whole * part + (rest * part + 99) / 100)
        var seen: UInt64 = 0
        for (index, bound) in bounds.enumerated() {
            seen &+= counts[index]
            if seen >= wanted { return bound }
        }
        return max(longest, bounds.last ?? 0)
    }
}
