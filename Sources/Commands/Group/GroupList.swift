internal import ArgumentParser
package import Control

struct GroupList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the groups: who is in them, who goes first, and what they have under way and waiting.",
        discussion: """
            A group of higher PRIORITY goes first; among those of the same one slots go by WEIGHT. `batch` comes behind every \
            priority. RESERVED: others do not get what the group leaves. OLDEST is how long the first in line has waited, \
            REFUSED how many waited in vain, or were not let in to wait. Sums over all models; `modelbroker group show` has each.

            Example:
              modelbroker group list -j | jq '.[] | {name, waiting: ([.queues[].waiting] | add)}'
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try global.output.show(try global.client.ask(.groups, for: [GroupReport].self), table: GroupReport.table)
    }
}

extension GroupReport {
    /// What `modelbroker group list` prints.
    package static func table(_ groups: [GroupReport], width: Int?) -> String {
        var table = Table([
            .init("group", shrinks: true), .init("priority", .right), .init("weight", .right), .init("reserved"),
            .init("clients", shrinks: true), .init("in flight", .right), .init("tokens/s", .right), .init("waiting", .right),
            .init("oldest", .right), .init("refused", .right),
        ])
        for group in groups {
            let waiting = group.sum(\.waiting)
            table.add([
                group.name, group.priorityText, "\(group.weight)", group.isReclaimable ? "no" : "yes", group.clientsText,
                "\(group.sum(\.inFlight))", Units.tenths(group.queues.reduce(0) { $0 + $1.tokensPerSecond }),
                "\(waiting)",
                waiting == 0 ? "" : Units.duration(milliseconds: group.queues.reduce(0) { max($0, $1.oldestMilliseconds) }),
                "\(group.sum(\.refused))",
            ])
        }
        return table.rendered(width: width)
    }

    /// A number, or `batch`.
    package var priorityText: String { delivery == "batch" ? delivery : "\(priority)" }

    private var clientsText: String {
        clients.count > 4
            ? clients.prefix(3).joined(separator: ", ") + " and \(clients.count - 3) more" : clients.joined(separator: ", ")
    }

    private func sum(_ count: KeyPath<QueueReport, UInt64>) -> UInt64 {
        queues.reduce(0) { $0.addingReportingOverflow($1[keyPath: count]).partialValue }
    }
}

extension QueueReport {
    /// Requests that did not get a slot, whatever the reason; those that left by themselves are not among them.
    package var refused: UInt64 { [full, expired, shed].reduce(0) { $0.addingReportingOverflow($1).partialValue } }
}
