internal import ArgumentParser
package import Control

struct PoolList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the pools, and what became of their requests.",
        discussion: """
            ACTIVE is how many endpoints are used, of how many. RETRIES were attempts after the first, HEDGES second attempts \
            beside a slow first one. FALLBACK requests went to endpoints that are there for when nothing else is usable, NONE \
            were answered 503 since not even these were.

            Example:
              modelbroker pool list -j | jq '.[] | {name, counters}'
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try global.output.show(try global.client.ask(.pools, for: [PoolReport].self), table: PoolReport.table)
    }
}

extension PoolReport {
    /// What `modelbroker pool list` prints.
    package static func table(_ pools: [PoolReport], width: Int?) -> String {
        var table = Table([
            .init("pool", shrinks: true), .init("strategy"), .init("models", shrinks: true), .init("active", .right),
            .init("requests", .right), .init("retries", .right), .init("hedges", .right), .init("fallback", .right),
            .init("none", .right), .init("mirrored", .right),
        ])
        for pool in pools {
            let counters = pool.counters
            table.add([
                pool.name, pool.routing.strategy.kind, pool.members.map(\.model).joined(separator: ","), pool.activeText,
                "\(counters.requests)", "\(counters.retries)", "\(counters.hedges)", "\(counters.fallbacks)",
                "\(counters.exhausted)", "\(counters.mirrored)",
            ])
        }
        return table.rendered(width: width)
    }

    private var activeText: String {
        let own = endpoints.filter { !$0.isFallback }
        return own.isEmpty ? "" : "\(own.count { $0.state == .active })/\(own.count)"
    }
}
