/// What the pools of a catalogue stand for.
package struct PoolMembers: Sendable {
    /// A model of a pool, with those of its endpoints that belong to it.
    package struct Member: Hashable, Sendable {
        /// Positions in the catalogue's models, and in that model's endpoints: in their order, and at least one.
        package var model: Int
        package var endpoints: [Int]
        package var weight: UInt16
    }

    private let models: [Model]
    private let numbers: [String: Int]
    /// Models by each capability that they have, and by every node above it.
    private let holders: [String: [Int]]

    package init(_ models: [Model]) {
        self.models = models
        numbers = Dictionary(models.indices.map { (models[$0].name, $0) }) { first, _ in first }
        holders = Self.holders(models)
    }

    /// The models that a pool names, in its order, then those that have its capability, in the catalogue's; of each the
    /// endpoints that carry the selector's labels. A pool that has nothing but a selector looks at all models.
    package func of(_ pool: Pool) -> [Member] {
        var weights: [Int: UInt16] = [:]
        var order: [Int] = []
        for member in pool.models {
            guard let number = numbers[member.model], weights.updateValue(member.weight, forKey: number) == nil else { continue }
            order.append(number)
        }
        for number in others(pool) where weights.updateValue(1, forKey: number) == nil { order.append(number) }
        return order.compactMap { number in
            let fitting = models[number].endpoints.indices.filter { models[number].endpoints[$0].carries(pool.selector) }
            return fitting.isEmpty ? nil : Member(model: number, endpoints: fitting, weight: weights[number] ?? 1)
        }
    }

    /// Models that have a capability, or one below it, in the catalogue's order.
    package func having(_ capability: String) -> [Int] { holders[capability] ?? [] }

    private func others(_ pool: Pool) -> [Int] {
        if let capability = pool.capability {
            // Models named by hand keep the weight that they were given.
            let named = Set(pool.models.map(\.model))
            return having(capability).filter { !named.contains(models[$0].name) }
        }
        return pool.models.isEmpty ? Array(models.indices) : []
    }

    private static func holders(_ models: [Model]) -> [String: [Int]] {
        var holders: [String: [Int]] = [:]
        for (number, model) in models.enumerated() {
            var nodes: Set<String> = []
            for capability in model.capabilities {
                var path = Substring(capability)
                while nodes.insert(String(path)).inserted, let dot = path.lastIndex(of: ".") { path = path[..<dot] }
            }
            for node in nodes { holders[node, default: []].append(number) }
        }
        return holders
    }
}

extension Endpoint {
    /// Whether it has all of these labels with these values.
    package func carries(_ selector: [String: String]) -> Bool {
        selector.allSatisfy { labels[$0.key] == $0.value }
    }
}
