internal import ArgumentParser
package import Control

struct KeyList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the API keys, without the keys: whose they are, where they come from, from when and to when they hold.",
        discussion: """
            SOURCE is `configuration`, or `managed` for those made with `modelbroker key new`. STATE is active, early, expired, \
            or orphaned: the configuration has no such client any more, and nobody gets in with it.

            Example:
              modelbroker key list -j | jq '.[] | select(.state != "active") | .id'
            """)

    @Argument(help: "Only those of this client.")
    var client: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let keys = try global.client.ask(.keys, for: [KeyReport].self)
        guard let client else { return try global.output.show(keys, table: KeyReport.table) }
        let chosen = keys.filter { $0.client == client }
        guard !chosen.isEmpty else { throw UnknownName.error("a client with a key", client, among: keys.map(\.client)) }
        try global.output.show(chosen, table: KeyReport.table)
    }
}

extension KeyReport {
    /// What `modelbroker key list` prints.
    package static func table(_ keys: [KeyReport], width: Int?) -> String {
        var table = Table([
            .init("key", shrinks: true), .init("client", shrinks: true), .init("source"), .init("state"), .init("not before"),
            .init("expires"),
        ])
        for key in keys {
            let state = key.state == "active" ? key.state : key.state.uppercased()
            table.add([key.id, key.client, key.source, state, key.notBefore ?? "", key.expires ?? ""])
        }
        return table.rendered(width: width)
    }
}
