internal import Catalog

/// What the names in access rules mean.
struct AccessNames {
    private let models: [Model]
    private let pools: [String]
    private let tree: CapabilityTree

    var modelCount: Int { models.count }
    var poolCount: Int { pools.count }

    init(models: [Model], pools: [Pool], tree: CapabilityTree) {
        self.models = models
        self.pools = pools.map(\.name)
        self.tree = tree
    }

    /// Models of this name, or whose names the pattern matches; and those that have the capability that it is a path or an
    /// alias of. A pattern is one of capabilities only if it has a dot, as `generation.*`: `chat-*` shall not open whatever
    /// can do `chat-completion`.
    func models(meantBy name: String) -> [Int] {
        let glob = TextGlob(name)
        let capabilities = capabilities(meantBy: name, glob)
        return models.indices.filter { index in
            if glob.matches(models[index].name) { return true }
            guard !capabilities.isEmpty else { return false }
            return models[index].capabilities.contains { has in
                capabilities.contains { CapabilityTree.satisfies(has, $0) }
            }
        }
    }

    func pools(meantBy name: String) -> [Int] {
        let glob = TextGlob(name)
        return pools.indices.filter { glob.matches(pools[$0]) }
    }

    private func capabilities(meantBy name: String, _ glob: TextGlob) -> [String] {
        if glob.isLiteral { return tree.path(name).map { [$0] } ?? [] }
        guard name.utf8.contains(0x2E) else { return [] }
        return tree.paths.filter { glob.matches($0) }
    }
}
