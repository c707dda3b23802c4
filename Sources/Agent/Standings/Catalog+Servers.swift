internal import Catalog
internal import Control

/// An endpoint where it stands in a catalogue.
struct PlacedEndpoint: Sendable {
    let endpoint: Endpoint
    /// The model that it serves; for a pool's fallback, the name of the pool.
    let name: String
    /// It is one of a pool's own fallback.
    let isOfPool: Bool
    let isFallback: Bool

    /// One for each address that it has.
    var keys: [EndpointKey] { endpoint.addresses.map { EndpointKey(url: endpoint.url, address: $0) } }
}

extension Catalog {
    /// Every endpoint and fallback of models and pools, in the order of the configuration.
    var placedEndpoints: [PlacedEndpoint] {
        models.flatMap { model in
            model.endpoints.map { PlacedEndpoint(endpoint: $0, name: model.name, isOfPool: false, isFallback: false) }
                + model.fallback.map { PlacedEndpoint(endpoint: $0, name: model.name, isOfPool: false, isFallback: true) }
        }
            + pools.flatMap { pool in
                pool.fallback.map { PlacedEndpoint(endpoint: $0, name: pool.name, isOfPool: true, isFallback: true) }
            }
    }

    /// The catalogue with each endpoint changed, wherever it stands.
    func mapEndpoints(_ change: (Endpoint) -> Endpoint) -> Catalog {
        var result = self
        for index in result.models.indices {
            result.models[index].endpoints = result.models[index].endpoints.map(change)
            result.models[index].fallback = result.models[index].fallback.map(change)
        }
        for index in result.pools.indices { result.pools[index].fallback = result.pools[index].fallback.map(change) }
        return result
    }
}
