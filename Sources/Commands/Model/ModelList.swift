internal import ArgumentParser
package import Control

struct ModelList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the models and what they have served.",
        discussion: """
            SOURCE is `catalog` for a model of the configuration and `seen` for one that requests named on their way to \
            an address they dialled. TTFB is the time to the first byte of the answer's body, as estimated from a histogram.

            Example:
              modelbroker model list -j | jq '.[] | select(.source == "seen") | .name'
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let models = try global.client.ask(.models, for: [ModelReport].self)
        try global.output.show(models, table: ModelReport.table)
    }
}

extension ModelReport {
    /// What `modelbroker model list` prints.
    package static func table(_ models: [ModelReport], width: Int?) -> String {
        var table = Table([
            .init("model", shrinks: true), .init("source"), .init("endpoints", .right), .init("requests", .right),
            .init("active", .right), .init("2xx", .right), .init("3xx", .right), .init("4xx", .right), .init("5xx", .right),
            .init("broken", .right), .init("cancelled", .right), .init("in", .right), .init("out", .right),
            .init("ttfb p50", .right), .init("p99", .right),
        ])
        for model in models {
            table.add([
                model.name, model.source.rawValue, "\(model.endpoints.count)", "\(model.requests)", "\(model.active)",
                "\(model.status2xx)", "\(model.status3xx)", "\(model.status4xx)", "\(model.status5xx)", "\(model.broken)",
                "\(model.cancelled)", Units.bytes(model.bytesIn), Units.bytes(model.bytesOut),
                Units.latency(microseconds: model.firstByte.p50Microseconds),
                Units.latency(microseconds: model.firstByte.p99Microseconds),
            ])
        }
        return table.rendered(width: width)
    }
}
