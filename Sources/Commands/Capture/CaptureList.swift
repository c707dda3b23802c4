internal import ArgumentParser
internal import Catalog
package import Control
package import KernelPlane

struct CaptureList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the capture rules with what the kernel did for each.",
        discussion: """
            Without an agent the rules are read from the pinned maps, which know a rule's number but not its name, nor \
            what the proxy does with unknown models and other protocols.

            CAPTURED connections went to the proxy, or on the path direct to an endpoint; DENIED ones were refused by the \
            rule. DIRECT and REFUSED is what became of those made while no proxy listened, or no endpoint was usable. What \
            the limits of MODEL refused is in `modelbroker qos show`.
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try global.output.show(rules(), table: CaptureReport.table)
    }

    private func rules() throws -> [CaptureReport] {
        do {
            return try global.client.ask(.captures, for: [CaptureReport].self)
        } catch ClientError.notRunning {
            return try pinned()
        } catch {
            Terminal.complain("\(error); showing what the pinned maps hold")
            return try pinned()
        }
    }

    private func pinned() throws -> [CaptureReport] {
        let plane = try PinnedPlane.open(global.pinDirectory)
        let names = try QoSPlane(pinDirectory: global.pinDirectory).names()
        return try CaptureReport.grouped(plane.rules(), models: names) { id in try plane.ruleCounters(id) }
    }
}

extension CaptureReport {
    /// The kernel keeps one entry for each destination; here the entries of a rule come together again.
    ///
    /// - Parameter models: names by slot.
    package static func grouped(
        _ entries: [KernelRule], models: [UInt32: String] = [:], counters: (UInt32) throws -> RuleCounters
    ) rethrows -> [CaptureReport] {
        try Dictionary(grouping: entries, by: \.id).sorted { $0.key < $1.key }.compactMap { id, entries in
            guard let first = entries.first else { return nil }
            let counters = try counters(id)
            return CaptureReport(
                id: id, name: nil, destinations: entries.map(\.destination.description).sorted(), path: first.path.rawValue,
                model: first.model == 0 ? nil : models[first.model] ?? "slot \(first.model)",
                whenProxyDown: first.whenDown.rawValue,
                counters: Counters(
                    captured: counters.captured, denied: counters.denied, direct: counters.direct, refused: counters.refused))
        }
    }

    /// What `modelbroker capture list` prints.
    package static func table(_ rules: [CaptureReport], width: Int?) -> String {
        var table = Table([
            .init("id", .right), .init("rule"), .init("destinations", shrinks: true), .init("path"),
            .init("model", shrinks: true),
            .init("proxy down"),
            .init("unknown"), .init("opaque"), .init("captured", .right), .init("denied", .right), .init("direct", .right),
            .init("refused", .right),
        ])
        for rule in rules {
            table.add([
                "\(rule.id)", rule.name ?? "", rule.destinations.joined(separator: ","), rule.path, rule.model ?? "",
                rule.whenProxyDown,
                rule.unknown ?? "", rule.opaque ?? "", "\(rule.counters.captured)", "\(rule.counters.denied)",
                "\(rule.counters.direct)", "\(rule.counters.refused)",
            ])
        }
        return table.rendered(width: width)
    }
}
