internal import ArgumentParser
package import Control

struct QueueList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the queues: of each model, by group, what waits, what is under way, and what became of the rest.",
        discussion: """
            WAITING requests hold BYTES in the proxy, and the first of them has waited for OLDEST. IN FLIGHT is how many are \
            under way, of the slots that the model has; ENTITLED is the group's part of these by its weight among the groups \
            that want some now, BORROWED what it has beyond that, SHARE its part of the tokens of late. AT ONCE requests \
            found a free slot, QUEUED ones waited for it, half of them no longer than P50. The others waited in vain: \
            the queue was FULL (429), their time was over or would have been (EXPIRED, 503), they gave way to more urgent ones \
            (SHED, 503), or the client LEFT.

            Examples:
              modelbroker queue list llama-70b
              modelbroker queue list -j | jq '.[] | select(.waiting > 0) | {model, group, waiting, oldestMilliseconds}'
            """)

    @Argument(help: "Only those of this model.")
    var model: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        var queues = try global.client.ask(.queues, for: [QueueReport].self)
        if let model {
            queues.removeAll { $0.model != model }
            // Nobody may have called it yet; a name that nothing has is an error.
            if queues.isEmpty { _ = try global.client.ask(.model(name: model), for: ModelReport.self) }
        }
        try global.output.show(queues) { queues, width in QueueReport.table(queues, of: .everything, width: width) }
    }
}

extension QueueReport {
    /// What a table of queues is about.
    package enum Scope: Sendable {
        case everything
        /// The models of one group.
        case models
    }

    /// What `modelbroker queue list` and `modelbroker group show` print.
    package static func table(_ queues: [QueueReport], of scope: Scope, width: Int?) -> String {
        let named: [Table.Column] =
            scope == .models
            ? [.init("model", shrinks: true)]
            : [.init("model", shrinks: true), .init("group", shrinks: true), .init("priority", .right), .init("weight", .right)]
        let counted = [
            "waiting", "bytes", "oldest", "in flight", "entitled", "borrowed", "share", "tokens/s", "at once", "queued", "p50",
            "p90", "p99", "full", "expired", "shed", "left",
        ]
        var table = Table(named + counted.map { .init($0, .right) })
        for queue in queues { table.add(queue.names(scope) + queue.load + queue.outcome) }
        return table.rendered(width: width)
    }

    private func names(_ scope: Scope) -> [String] {
        scope == .models ? [model] : [model, group, delivery == "batch" ? "batch" : "\(priority)", "\(weight)"]
    }

    private var load: [String] {
        [
            "\(waiting)", Units.bytes(bytes), waiting == 0 ? "" : Units.duration(milliseconds: oldestMilliseconds),
            "\(inFlight)" + (limit.map { "/\($0)" } ?? ""), entitlement.map { Units.tenths($0) } ?? "",
            borrowed.map { Units.tenths($0) } ?? "",
            share.map { "\(Units.tenths(100 * $0))%" } ?? "", Units.tenths(tokensPerSecond),
        ]
    }

    private var outcome: [String] {
        [
            "\(immediate)", "\(granted)", Self.wait(waitP50Milliseconds), Self.wait(waitP90Milliseconds),
            Self.wait(waitP99Milliseconds), "\(full)", "\(expired)", "\(shed)", "\(left)",
        ]
    }

    private static func wait(_ milliseconds: Double?) -> String {
        guard let milliseconds, milliseconds.isFinite, milliseconds >= 0, milliseconds < 1e12 else { return "" }
        return Units.latency(microseconds: UInt64(milliseconds * 1000))
    }
}
