package import Catalog

/// One way to reach an endpoint: an address and what a request to it must say.
package struct Target: Sendable {
    package var address: SocketAddress
    /// The endpoint's `Host`, as bytes.
    package var authority: [UInt8]
    package var pathPrefix: [UInt8]
}

/// The catalogue's models as the data path needs them: found by the bytes of their name, endpoints flattened to addresses.
package struct RoutingTable: Sendable {
    private let names: NameTable
    /// For each model, where it can be reached.
    private let targets: [[Target]]

    package init(_ models: [Model] = []) {
        names = NameTable(models.lazy.map(\.name))
        targets = models.map { model in
            model.endpoints.flatMap { endpoint in
                endpoint.addresses.map {
                    Target(address: $0, authority: Array(endpoint.authority.utf8), pathPrefix: Array(endpoint.pathPrefix.utf8))
                }
            }
        }
    }

    package var modelCount: Int { names.count }

    package func name(_ model: Int) -> String { names.name(model) }

    /// The number of the model with this name; nil if the catalogue does not have it.
    package func model(named name: Span<UInt8>) -> Int? { names.find(name) }

    package func targetCount(_ model: Int) -> Int { targets[model].count }

    package func target(_ model: Int, _ index: Int) -> Target { targets[model][index] }
}

/// Takes turns over the targets of each model; one event loop's share of the turns.
package struct RoundRobin: Sendable {
    private var next: [Int]

    package init(modelCount: Int) {
        next = Array(repeating: 0, count: modelCount)
    }

    /// Whose turn it is among the `count` targets of `model`; `count` must be above 0.
    package mutating func take(_ model: Int, of count: Int) -> Int {
        let turn = next[model] % count
        next[model] = turn + 1
        return turn
    }
}
