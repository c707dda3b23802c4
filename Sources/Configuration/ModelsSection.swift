import Catalog

/// `models`: what requests name, and the endpoints that serve it.
enum ModelsSection {
    private static let keys = KnownKeys(["endpoints"], later: ["capabilities", "access", "qos"])
    private static let endpointKeys = KnownKeys(["url"], later: ["weight", "labels", "maxInFlight", "upstreamModel"])

    static func read(_ field: Field, _ reading: Reading) -> [Model] {
        let entries = reading.entries(field, form: "model names, each with its endpoints")
        guard entries.count <= Limits.models else {
            reading.fault(field, "has \(entries.count) models; at most \(Limits.models) are possible")
            return []
        }
        return entries.compactMap { entry in
            model(entry, Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value), reading)
        }
    }

    private static func model(_ entry: YAMLEntry, _ field: Field, _ reading: Reading) -> Model? {
        do throws(Refusal) {
            _ = try NameText.model(entry.key)
        } catch {
            reading.fault(field, "\(quoted(entry.key)) \(error.reason)")
        }
        let fields = reading.members(field, keys)
        switch field.value.content {
        case .null, .mapping: break
        case .list, .scalar: return nil
        }
        guard let list = fields["endpoints"] else {
            reading.fault(field, "has no endpoints; write {endpoints: [{url: \"http://HOST:PORT\"}]}")
            return nil
        }
        return Model(name: entry.key, endpoints: endpoints(list, reading))
    }

    private static func endpoints(_ list: Field, _ reading: Reading) -> [Endpoint] {
        let elements = reading.elements(list)
        if list.isNull || list.isEmptyList { reading.fault(list, "names no endpoint") }
        var seen: [String: Field] = [:]
        return elements.compactMap { element in
            guard let endpoint = url(element, reading).flatMap({ reading.value($0, EndpointText.endpoint) }) else { return nil }
            if let first = seen[endpoint.value.url] {
                reading.fault(endpoint.field, "\(endpoint.shown) is an endpoint already, \(first.key) on line \(first.line)")
            }
            seen[endpoint.value.url] = seen[endpoint.value.url] ?? endpoint.field
            return endpoint.value
        }
    }

    /// An endpoint is a URL by itself or a mapping that has one.
    private static func url(_ element: Field, _ reading: Reading) -> Field? {
        guard case .mapping = element.value.content else { return element }
        let fields = reading.members(element, endpointKeys)
        if fields["url"] == nil { reading.fault(element, "has no url; write {url: \"http://HOST:PORT\"}") }
        return fields["url"]
    }
}
