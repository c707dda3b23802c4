internal import ArgumentParser
package import Control

struct CapabilityList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the capability tree, and who has what.",
        discussion: """
            A request may name the path, an alias, or the last part of the path if no other path ends with it; it goes to any model \
            that has the capability or one below it. A star marks what the configuration added.

            Example:
              modelbroker capability list -j | jq '.[] | select(.models | length > 0) | .path'
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try global.output.show(try CapabilityCommand.all(global), table: CapabilityReport.table)
    }
}

struct CapabilitySearch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Find capabilities by a part of their names.",
        discussion: """
            Example:
              modelbroker capability search image
            """)

    @Argument(help: "Words that must stand in the path or in one of its aliases, in any case.")
    var text: [String]

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let all = try CapabilityCommand.all(global)
        let found = CapabilityReport.matching(text.joined(separator: " "), in: all)
        guard !found.isEmpty else {
            throw UnknownName.error(
                "a capability like", text.joined(separator: " "), among: all.flatMap { [$0.lastPart] + $0.aliases })
        }
        try global.output.show(found, table: CapabilityReport.table)
    }
}

extension CapabilityReport {
    /// What `modelbroker capability list` prints.
    package static func table(_ capabilities: [CapabilityReport], width: Int?) -> String {
        var table = Table([
            .init("capability", shrinks: true), .init("alias", shrinks: true), .init("models", shrinks: true),
            .init("pools", shrinks: true),
        ])
        for capability in capabilities {
            table.add([
                capability.path + (capability.isCustom ? " *" : ""), capability.aliases.joined(separator: ","),
                capability.models.joined(separator: ","), capability.pools.joined(separator: ","),
            ])
        }
        return table.rendered(width: width)
    }

    /// Those that have every word of `text` in their path or in one alias; first the one that is called just that.
    package static func matching(_ text: String, in capabilities: [CapabilityReport]) -> [CapabilityReport] {
        let words = text.lowercased().split(separator: " ")
        guard !words.isEmpty else { return [] }
        let found = capabilities.filter { capability in
            ([capability.path] + capability.aliases).contains { name in words.allSatisfy { name.lowercased().contains($0) } }
        }
        let called = found.filter { $0.lastPart == text.lowercased() || $0.aliases.contains(text.lowercased()) }
        return called + found.filter { !called.contains($0) }
    }

    fileprivate var lastPart: String { path.split(separator: ".").last.map(String.init) ?? path }
}
