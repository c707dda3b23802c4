package import Catalog

/// A node of the capability tree, and who has it.
package struct CapabilityReport: Hashable, Sendable, Codable {
    /// `generation.text-generation.chat-completion`.
    package var path: String
    /// Short names that callers may use instead.
    package var aliases: [String]
    /// The configuration added it.
    package var isCustom: Bool
    /// Models that have it or one below it.
    package var models: [String]
    /// Pools that ask for it or for one below it.
    package var pools: [String]

    package init(path: String, aliases: [String] = [], isCustom: Bool = false, models: [String] = [], pools: [String] = []) {
        self.path = path
        self.aliases = aliases
        self.isCustom = isCustom
        self.models = models
        self.pools = pools
    }

    /// Every node of a catalogue's tree, inner ones included, sorted by path.
    package static func all(of catalog: Catalog) -> [CapabilityReport] {
        let builtIn = Set(CapabilityTree().paths)
        let tree = CapabilityTree(custom: catalog.capabilities)
        let members = PoolMembers(catalog.models)
        return tree.paths.map { path in
            CapabilityReport(
                path: path, aliases: tree.aliases(of: path), isCustom: !builtIn.contains(path),
                models: members.having(path).map { catalog.models[$0].name },
                pools: catalog.pools.filter { pool in
                    pool.capability.map { CapabilityTree.satisfies($0, path) } ?? false
                }.map(\.name))
        }
    }
}
