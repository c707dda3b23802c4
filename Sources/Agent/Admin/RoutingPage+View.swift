internal import Catalog
internal import Control

extension RoutingPage {
    /// At most so many endpoints have series of their own, those of the configuration's first ones.
    private static let maximumEndpoints = 4096
    private static let maximumPools = 1000

    /// - Parameters:
    ///   - routes: what the proxy counted.
    ///   - label: what stands for a model's name; a model that shares its label with others is left out.
    init(_ view: RoutingView, routes counted: [RouteRecord], label: (String) -> String) {
        let pools = Set(view.catalog.pools.map(\.name))
        let models = Set(view.catalog.models.map(\.name))
        routes = counted.compactMap { record in
            if pools.contains(record.name) { return Route(name: record.name, kind: "pool", record: record) }
            if models.contains(record.name) {
                return label(record.name) == record.name ? Route(name: record.name, kind: "model", record: record) : nil
            }
            // The tree is large, and most of it nobody asks for.
            return record.requests == 0 ? nil : Route(name: record.name, kind: "capability", record: record)
        }
        self.pools = view.pools.prefix(Self.maximumPools).map { pool in
            let states = pool.endpoints.filter { !$0.isFallback }.map { ($0.state, UInt64(1)) }
            return Pool(name: pool.name, states: Dictionary(states, uniquingKeysWith: +))
        }
        var seen: Set<[String]> = []
        endpoints = Array(
            view.endpoints.filter { endpoint in
                endpoint.state != .unknown && label(endpoint.model) == endpoint.model
                    && seen.insert([endpoint.model, endpoint.url ?? "", endpoint.address ?? ""]).inserted
            }.prefix(Self.maximumEndpoints))
    }
}
