import Catalog

/// `endpoints` and `fallback`: the servers that have a model.
struct EndpointsSection {
    /// What an endpoint has that does not say otherwise.
    struct Defaults {
        var engine = Engine.openai
        var health = HealthCheck()
        var forwardsCredentials = false
    }

    private let defaults: Defaults
    private let reading: Reading
    private var seen: [String: Field] = [:]

    init(_ defaults: Defaults, _ reading: Reading) {
        self.defaults = defaults
        self.reading = reading
    }

    /// Reads a list in which there must be something. No URL may stand in two of the lists that one section reads.
    mutating func read(_ list: Field) -> [Endpoint] {
        if list.isNull || list.isEmptyList { reading.fault(list, "names no endpoint") }
        return readIfAny(list)
    }

    /// Reads a list that may be empty.
    mutating func readIfAny(_ list: Field) -> [Endpoint] {
        let elements = reading.elements(list)
        var endpoints: [Endpoint] = []
        for element in elements {
            guard let endpoint = EndpointReader(defaults, reading).read(element) else { continue }
            if let first = seen[endpoint.value.url] {
                reading.fault(endpoint.field, "\(endpoint.shown) is an endpoint already, \(first.key) on line \(first.line)")
            }
            seen[endpoint.value.url] = seen[endpoint.value.url] ?? endpoint.field
            endpoints.append(endpoint.value)
        }
        if !endpoints.isEmpty, endpoints.count == elements.count, endpoints.allSatisfy({ $0.weight == 0 }) {
            reading.fault(list, "gives weight 0 to every endpoint; at least one needs a weight from 1 to 65535")
        }
        return endpoints
    }
}
