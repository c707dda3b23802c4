internal import ArgumentParser
package import Control

struct ModelList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the models and what they have served.",
        discussion: """
            SOURCE is `catalog` for a model of the configuration, the resource for one that a custom resource of the cluster has \
            brought, and `seen` for one that requests named on their way to \
            an address they dialled. LIMITS are the rates, open connections, bandwidth and priority in force, with a star when one was set \
            live; `modelbroker qos show` says more. TTFB is the time to the first byte of the answer's body, as estimated from a histogram.

            Example:
              modelbroker model list -j | jq '.[] | select(.source == "seen") | .name'
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let models = try global.client.ask(.models, for: [ModelReport].self)
        let entries = QoSPlane.beside(global.pinDirectory) { plane in try plane.reports() } ?? []
        try global.output.show(ModelDetail.all(models, with: entries), table: ModelDetail.table)
    }
}

extension ModelDetail {
    /// Each with its entry, if it has one.
    package static func all(_ models: [ModelReport], with entries: [QoSReport]) -> [ModelDetail] {
        let entries = Dictionary(entries.map { ($0.model, $0) }) { first, _ in first }
        return models.map { ModelDetail($0, qos: entries[$0.name]) }
    }

    /// What `modelbroker model list` prints; the limits only if there are any, and only where they fit.
    package static func table(_ models: [ModelDetail], width: Int?) -> String {
        let withLimits = text(models, limits: true, width: width)
        let longest = withLimits.split(separator: "\n").reduce(0) { max($0, $1.count) }
        let fits = width.map { longest <= $0 } ?? true
        return fits && models.contains { $0.limits != nil } ? withLimits : text(models, limits: false, width: width)
    }

    private static func text(_ models: [ModelDetail], limits: Bool, width: Int?) -> String {
        var table = Table(
            [.init("model", shrinks: true), .init("source")] + (limits ? [.init("limits")] : []) + [
                .init("endpoints", .right), .init("requests", .right), .init("active", .right), .init("2xx", .right),
                .init("3xx", .right), .init("4xx", .right), .init("5xx", .right), .init("broken", .right),
                .init("cancelled", .right), .init("in", .right), .init("out", .right), .init("ttfb p50", .right),
                .init("p99", .right),
            ])
        for model in models {
            let report = model.report
            let source = report.resource ?? report.source.rawValue
            table.add([report.name, source] + (limits ? [model.limits ?? ""] : []) + report.cells)
        }
        return table.rendered(width: width)
    }

    private var limits: String? { qos?.short }
}

extension ModelReport {
    fileprivate var cells: [String] {
        [
            "\(endpoints.count)", "\(requests)", "\(active)", "\(status2xx)", "\(status3xx)", "\(status4xx)", "\(status5xx)",
            "\(broken)", "\(cancelled)", Units.bytes(bytesIn), Units.bytes(bytesOut),
            Units.latency(microseconds: firstByte.p50Microseconds), Units.latency(microseconds: firstByte.p99Microseconds),
        ]
    }
}
