internal import ArgumentParser
package import Control

struct ClientShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one client: its proofs, its access, its limits and what is left of them.",
        discussion: """
            What is denied goes before what is allowed. LEFT is how much may come at once now; a dash where every session or \
            address has its own, or where nothing is counted. Money is in the currency of the price table.

            Example:
              modelbroker client show checkout
            """)

    @Argument(help: "The client's name.")
    var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let report = try global.client.ask(.client(name: name), for: ClientReport.self)
        try global.output.show(report) { client, width in client.text(width: width) }
    }
}

extension ClientReport {
    /// What `modelbroker client show` prints.
    package func text(width: Int?) -> String {
        var parts = [facts.rendered()]
        if let table = accessTable { parts.append(table.rendered(width: width)) }
        if !keys.isEmpty { parts.append(KeyReport.table(keys, width: width)) }
        if !limits.isEmpty { parts.append(LimitReport.table(limits, width: width)) }
        if !quotas.isEmpty { parts.append(QuotaReport.table(quotas, width: width)) }
        return parts.joined(separator: "\n")
    }

    private var facts: Facts {
        var facts = Facts()
        facts.add("client", name)
        facts.add("anonymous", isAnonymous ? "whoever proves nothing is this client" : nil)
        facts.add("workloads", Self.list(workloads))
        facts.add("pods", Self.list(pods ?? [], separator: "; or "))
        facts.add("tokens of", Self.list(issuers))
        facts.add("certificates", Self.list(certificates, separator: " or "))
        facts.add("may call", accessText)
        facts.add("group", group)
        guard let activity else { return facts }
        facts.add("requests", "\(activity.requests), \(activity.active) under way")
        facts.add("refused", activity.refusedLine)
        facts.add("tokens", "\(activity.inputTokens) in, \(activity.outputTokens) out")
        if activity.cost > 0 { facts.add("cost", Units.money(millionths: activity.cost)) }
        return facts
    }

    /// nil: there is nothing in it.
    private static func list(_ items: [String], separator: String = ", ") -> String? {
        items.isEmpty ? nil : items.joined(separator: separator)
    }

    /// nil: names alone say it all.
    private var accessTable: Table? {
        let rules = (allow ?? []).map { ("allow", $0) } + deny.map { ("deny", $0) }
        guard !rules.isEmpty else { return nil }
        var table = Table([
            .init("rule"), .init("names", shrinks: true), .init("operations"), .init("times", shrinks: true), .init("name"),
        ])
        for (kind, rule) in rules {
            table.add([
                kind, rule.names.joined(separator: ", "), rule.operations.joined(separator: ", "),
                rule.times.joined(separator: "; "), rule.rule ?? "",
            ])
        }
        return table
    }
}

extension ClientReport.Activity {
    /// `3: 2 access, 1 quota`.
    fileprivate var refusedLine: String {
        let reasons = refused.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        guard !reasons.isEmpty else { return "0" }
        return "\(refusedInAll): " + reasons.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}

extension LimitReport {
    /// What `modelbroker client show` prints of limits.
    package static func table(_ limits: [LimitReport], width: Int?) -> String {
        var table = Table([
            .init("limit"), .init("of model", shrinks: true), .init("is", .right), .init("left", .right),
            .init("admitted", .right),
            .init("refused", .right),
        ])
        for limit in limits {
            table.add([
                limit.kind, limit.model ?? "", limit.limit, limit.left.map { "\($0)" } ?? "",
                limit.admitted.map { "\($0)" } ?? "", limit.refused.map { "\($0)" } ?? "",
            ])
        }
        return table.rendered(width: width)
    }
}
