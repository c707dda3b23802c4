internal import ArgumentParser
package import Control

struct ProxyList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the proxy, and those that have been replaced and drain.",
        discussion: """
            One that drains accepts nothing any more: requests under way go on to their ends, a connection that is kept \
            alive is closed with its next answer. It ends when its last connection has, and is killed when LEFT is over \
            (node.drain).

            Examples:
              modelbroker proxy list
              modelbroker proxy list -j | jq '.[] | select(.state == "draining")'
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let report = try global.client.ask(.status, for: StatusReport.self)
        try global.output.show(ProxyEntry.all(report.proxy)) { entries, width in ProxyEntry.table(entries, width: width) }
    }
}

/// A proxy as `modelbroker proxy list` shows it.
package struct ProxyEntry: Hashable, Sendable, Codable {
    package var pid: Int32?
    /// As in `StatusReport.Proxy.State`, or `draining`.
    package var state: String
    /// nil: it does not say.
    package var openConnections: UInt64?
    package var uptimeMilliseconds: UInt64?
    /// Of one that drains: until it ends at the latest.
    package var remainingMilliseconds: UInt64?

    /// The proxy first, then those that drain, the oldest first.
    package static func all(_ proxy: StatusReport.Proxy) -> [ProxyEntry] {
        let draining = (proxy.draining ?? []).map { one in
            ProxyEntry(
                pid: one.pid, state: "draining", openConnections: one.openConnections,
                remainingMilliseconds: one.remainingMilliseconds)
        }
        let open = proxy.openConnections.map { all in all - min(all, draining.reduce(0) { $0 + ($1.openConnections ?? 0) }) }
        return [
            ProxyEntry(
                pid: proxy.pid, state: proxy.state.rawValue, openConnections: open,
                uptimeMilliseconds: proxy.uptimeMilliseconds)
        ] + draining
    }

    package static func table(_ entries: [ProxyEntry], width: Int?) -> String {
        var table = Table([
            .init("pid", .right), .init("state"), .init("connections", .right), .init("up", .right), .init("left", .right),
        ])
        for entry in entries {
            table.add([
                entry.pid.map { "\($0)" } ?? "", entry.state, entry.openConnections.map { "\($0)" } ?? "",
                entry.uptimeMilliseconds.map { Units.duration(milliseconds: $0) } ?? "",
                entry.remainingMilliseconds.map { Units.duration(milliseconds: $0) } ?? "",
            ])
        }
        return table.rendered(width: width)
    }
}
