import Catalog

/// `models.NAME.endpoints`: the servers that have the model.
enum EndpointsSection {
    private static let keys = KnownKeys(["url", "weight"], later: ["labels", "maxInFlight", "upstreamModel"])

    static func read(_ list: Field, _ reading: Reading) -> [Endpoint] {
        let elements = reading.elements(list)
        if list.isNull || list.isEmptyList { reading.fault(list, "names no endpoint") }
        var seen: [String: Field] = [:]
        return elements.compactMap { element in
            guard let endpoint = endpoint(element, reading) else { return nil }
            if let first = seen[endpoint.value.url] {
                reading.fault(endpoint.field, "\(endpoint.shown) is an endpoint already, \(first.key) on line \(first.line)")
            }
            seen[endpoint.value.url] = seen[endpoint.value.url] ?? endpoint.field
            return endpoint.value
        }
    }

    /// An endpoint is a URL by itself or a mapping that has one.
    private static func endpoint(_ element: Field, _ reading: Reading) -> Located<Endpoint>? {
        guard case .mapping = element.value.content else { return reading.value(element, EndpointText.endpoint) }
        let fields = reading.members(element, keys)
        var weight: UInt16 = 1
        reading.set(&weight, fields["weight"]) { text throws(Refusal) in
            UInt16(clamping: try NumberText.integer(text, in: 1...65_535))
        }
        guard let url = fields["url"] else {
            reading.fault(element, "has no url; write {url: \"http://HOST:PORT\"}")
            return nil
        }
        guard let located = reading.value(url, EndpointText.endpoint) else { return nil }
        var endpoint = located.value
        endpoint.weight = weight
        return Located(value: endpoint, field: located.field, shown: located.shown)
    }
}
