internal import ArgumentParser
package import Control

struct ClientList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the clients: how they prove themselves, what they may call, and what became of it.",
        discussion: """
            PROOFS are how many patterns of workloads, matches of pods, API keys, issuers of tokens and patterns of certificates are a client's; \
            of keys those that hold now. The client with a star is whoever proves nothing. QUOTA is the one of which most is \
            used. Counts are the proxy's, since it started.

            Example:
              modelbroker client list -j | jq '.[] | {name, refused: .activity.refused}'
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try global.output.show(try global.client.ask(.clients, for: [ClientReport].self), table: ClientReport.table)
    }
}

extension ClientReport {
    /// What `modelbroker client list` prints.
    package static func table(_ clients: [ClientReport], width: Int?) -> String {
        var table = Table([
            .init("client", shrinks: true), .init("proofs", shrinks: true), .init("access", shrinks: true),
            .init("requests", .right), .init("refused", .right), .init("in flight", .right), .init("quota", shrinks: true),
        ])
        for client in clients {
            table.add([
                client.name + (client.isAnonymous ? " *" : ""), client.proofsText, client.accessText,
                client.activity.map { "\($0.requests)" } ?? "", client.activity.map { "\($0.refusedInAll)" } ?? "",
                client.activity.map { "\($0.active)" } ?? "", client.quotas.fullest?.useText ?? "",
            ])
        }
        return table.rendered(width: width)
    }

    /// `1 workload, 2 keys`; empty: nobody can be this client.
    package var proofsText: String {
        let counts = [
            (workloads.count, "workload"), (pods?.count ?? 0, "match"), (keys.count { $0.state == "active" }, "key"),
            (issuers.count, "issuer"),
            (certificates.count, "certificate"),
        ]
        return counts.filter { $0.0 > 0 }.map { Units.count($0.0, $0.1) }.joined(separator: ", ")
    }

    /// `all public`, `llama-*, chat`, `nothing`, each with `not x` behind it if need be.
    package var accessText: String {
        let opened = allow.map { Self.names($0) } ?? "all public"
        let closed = Self.names(deny)
        return (opened.isEmpty ? "nothing" : opened) + (closed.isEmpty ? "" : ", not \(closed)")
    }

    private static func names(_ rules: [Access]) -> String {
        let names = rules.flatMap(\.names)
        return names.count > 4
            ? names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more" : names.joined(separator: ", ")
    }
}

extension ClientReport.Activity {
    package var refusedInAll: UInt64 { refused.values.reduce(0) { $0.addingReportingOverflow($1).partialValue } }
}
