internal import Catalog

/// Where the endpoints are reached for which something of the cluster stands.
struct Backings: Hashable, Sendable {
    var addresses: [Backing: [SocketAddress]] = [:]

    /// The catalogue with each of these endpoints at its addresses; one of which nothing is known has none.
    func applied(to catalog: Catalog) -> Catalog {
        guard !addresses.isEmpty else { return catalog }
        return catalog.mapEndpoints { endpoint in
            guard let backing = endpoint.backing else { return endpoint }
            var placed = endpoint
            placed.addresses = addresses[backing] ?? []
            return placed
        }
    }
}

extension Catalog {
    /// What stands for endpoints, each once, in the order of the configuration.
    var backings: [Backing] {
        var seen: Set<Backing> = []
        return placedEndpoints.compactMap(\.endpoint.backing).filter { seen.insert($0).inserted }
    }
}
