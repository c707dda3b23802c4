internal import ArgumentParser
package import Control

struct PoolShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one pool: its models, its policy, its endpoints and what became of its requests.",
        discussion: """
            WEIGHT matters for strategy weighted. What the endpoints' columns mean is in `modelbroker endpoint list --help`.

            Example:
              modelbroker pool show chat
            """)

    @Argument(help: "The pool's name.")
    var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let report = try global.client.ask(.pool(name: name), for: PoolReport.self)
        try global.output.show(report) { pool, width in pool.text(width: width) }
    }
}

extension PoolReport {
    /// What `modelbroker pool show` prints.
    package func text(width: Int?) -> String {
        var parts = [facts.rendered(), memberTable.rendered(width: width)]
        if !endpoints.isEmpty { parts.append(EndpointReport.table(endpoints, width: width)) }
        return parts.joined(separator: "\n")
    }

    private var facts: Facts {
        var facts = Facts()
        facts.add("pool", name)
        facts.add("capability", capability)
        if !selector.isEmpty {
            facts.add("selector", selector.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", "))
        }
        routing.add(to: &facts)
        if !fallback.isEmpty { facts.add("fallback", fallback.joined(separator: ", ")) }
        facts.add("mirror", mirror.map { "\($0.percent)% to \($0.model)" })
        facts.add("requests", requestsLine)
        facts.add("retries", "\(counters.retries), \(counters.budgetDenied) not within the budget")
        if routing.retry.hedge { facts.add("hedges", "\(counters.hedges), \(counters.hedgesWon) of them faster") }
        if mirror != nil { facts.add("mirrored", "\(counters.mirrored), \(counters.mirrorFailures) not answered") }
        facts.add("rotations", "\(counters.rotations)")
        return facts
    }

    private var requestsLine: String {
        "\(counters.requests), \(counters.fallbacks) to the fallback, \(counters.exhausted) with nothing usable"
    }

    private var memberTable: Table {
        var table = Table([.init("model", shrinks: true), .init("weight", .right), .init("endpoints", shrinks: true)])
        for member in members { table.add([member.model, "\(member.weight)", member.endpoints.joined(separator: ",")]) }
        return table
    }
}
