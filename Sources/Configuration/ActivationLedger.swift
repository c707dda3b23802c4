import Catalog

/// How each server is started, whichever models it has: it can be started in one way only.
struct ActivationLedger {
    private var servers: [String: (activation: Activation, field: Field)] = [:]
    private var units: [String: (url: String, field: Field)] = [:]

    /// What is wrong with one more endpoint of that URL.
    mutating func take(_ activation: Activation, of url: String, _ field: Field) -> String? {
        if let first = servers[url] {
            guard first.activation != activation else { return nil }
            return "is not what the same server has, \(first.field.key) on line \(first.field.line); it may be given once"
        }
        servers[url] = (activation, field)
        guard case .unit(let name) = activation.method else { return nil }
        if let first = units[name] {
            return "has the unit of another server, \(first.field.key) on line \(first.field.line)"
        }
        units[name] = (url, field)
        return nil
    }

    /// Endpoints that do not say how their server is started get it from the one that does.
    func spread(over catalog: inout Catalog) {
        guard !servers.isEmpty else { return }
        for model in catalog.models.indices {
            spread(&catalog.models[model].endpoints)
            spread(&catalog.models[model].fallback)
        }
        for pool in catalog.pools.indices { spread(&catalog.pools[pool].fallback) }
    }

    private func spread(_ endpoints: inout [Endpoint]) {
        for index in endpoints.indices where endpoints[index].activation == nil {
            guard let server = servers[endpoints[index].url] else { continue }
            endpoints[index].activation = server.activation
            endpoints[index].isOnDemand = true
        }
    }
}
