package import Control

extension EndpointReport {
    /// An endpoint as the kernel alone knows it.
    package init(model: String, address: String, direct: Direct) {
        self.init(model: model, url: nil, address: address, state: direct.usable ? .active : .standby, direct: direct)
    }

    /// The agent's reports with the kernel's readings beside them; those that the agent does not know stand at the end.
    package static func joined(_ reports: [EndpointReport], with kernel: [EndpointReport]) -> [EndpointReport] {
        func key(_ report: EndpointReport) -> [String] { [report.model, report.address ?? ""] }
        var rest = Dictionary(kernel.map { (key($0), $0) }) { first, _ in first }
        // A model's fallback is nothing that connect() chooses.
        let known = reports.map { report in
            guard !report.isFallback, let reading = rest.removeValue(forKey: key(report)) else { return report }
            var joined = report
            joined.direct = reading.direct
            return joined
        }
        return known + kernel.filter { rest[key($0)] != nil }
    }

    /// What `modelbroker endpoint list` prints; phases and the kernel's columns only if there is something
    /// in them.
    package static func table(_ endpoints: [EndpointReport], width: Int?) -> String {
        let hasDirect = endpoints.contains { $0.direct != nil }
        let hasPhase = endpoints.contains { $0.phase != nil }
        var table = Table(
            [
                .init("model", shrinks: true), .init("url", shrinks: true), .init("address"), .init("state"),
                .init("reason", shrinks: true), .init("retry in", .right), .init("breaker"), .init("in flight", .right),
                .init("requests", .right), .init("failures", .right), .init("ttfb", .right),
            ] + (hasPhase ? [.init("phase")] : []) + (hasDirect ? directColumns : []))
        for endpoint in endpoints {
            table.add(endpoint.cells + (hasPhase ? [endpoint.phase ?? ""] : []) + (hasDirect ? endpoint.directCells : []))
        }
        return table.rendered(width: width)
    }

    private static var directColumns: [Table.Column] {
        [
            .init("weight", .right), .init("usable"), .init("open", .right), .init("picked", .right), .init("failed", .right),
            .init("last failure"),
        ]
    }

    private var cells: [String] {
        [
            pool.map { "\($0) (pool)" } ?? model, (url ?? "") + (isFallback ? " *" : ""), address ?? "unresolved",
            state == .standby ? "STANDBY" : state.rawValue, [reason, detail].compactMap(\.self).joined(separator: ": "),
            remainingMilliseconds.map(Units.duration(milliseconds:)) ?? "", breaker ?? "",
            breaker == nil ? "" : "\(inFlight)\(limitText)",
            breaker == nil ? "" : "\(requests)", breaker == nil ? "" : "\(failures)",
            Units.latency(microseconds: firstByteMeanMicroseconds),
        ]
    }

    /// `/32`, `/~12` for one that is found.
    private var limitText: String { limit.map { "/\(isAdaptive == true ? "~" : "")\($0)" } ?? "" }

    private var directCells: [String] {
        guard let direct else { return [] }
        return [
            "\(direct.weight)", direct.usable ? "yes" : "NO", "\(direct.open)", "\(direct.picked)", "\(direct.failed)",
            direct.failedMillisecondsAgo.map { Units.duration(milliseconds: $0) + " ago" } ?? "",
        ]
    }
}
