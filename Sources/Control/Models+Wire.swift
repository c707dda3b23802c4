import Catalog

extension Endpoint: WireCoded {
    static var wireMinimum: Int { 36 }

    func write(to writer: inout WireWriter) {
        writer.write(host)
        writer.write(port)
        writer.write(authority)
        writer.write(pathPrefix)
        writer.write(addresses)
        writer.write(weight)
        writer.write(caseOf: engine)
        writer.write(tls)
        writer.write(upstreamModel)
        writer.write(labels.sorted { $0.key < $1.key }.map(Label.init))
        writer.write(cost.map(Wide.init))
        writer.write(provider)
        writer.write(key?.reveal)
        writer.write(forwardsCredentials)
        writer.write(maxInFlight)
        writer.write(isOnDemand)
    }

    /// What the agent alone deals with (health, maintenance, discovery, metrics, activation) stays with it.
    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            host: try reader.text(), port: try reader.integer(), authority: try reader.text(), pathPrefix: try reader.text(),
            addresses: try reader.list(), weight: try reader.integer(), engine: try reader.caseOf(),
            tls: try reader.optional(), upstreamModel: try reader.optional(), labels: try Label.dictionary(from: &reader),
            cost: try reader.optional(Wide.self)?.value, provider: try reader.text(),
            key: try reader.optional(String.self).map(Secret.init), forwardsCredentials: try reader.boolean(),
            maxInFlight: try reader.optional(), isOnDemand: try reader.boolean())
    }
}

extension EndpointTLS: WireCoded {
    static var wireMinimum: Int { 5 }

    func write(to writer: inout WireWriter) {
        writer.write(serverName)
        writer.write(caFile)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(serverName: try reader.text(), caFile: try reader.optional())
    }
}

/// Without its QoS: what is in force of that stands in the kernel plane's maps, where it can change at any time.
extension Model: WireCoded {
    static var wireMinimum: Int { 21 + RoutingPolicy.wireMinimum + Allowance.wireMinimum + QueuePolicy.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(endpoints)
        writer.write(caseOf: access)
        writer.write(capabilities)
        writer.write(fallback)
        writer.write(routing)
        writer.write(allowance)
        writer.write(price)
        writer.write(contextLength.map(Wide.init))
        writer.write(asksStreamUsage)
        writer.write(maxInFlight)
        writer.write(queue)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.text(), endpoints: try reader.list(), access: try reader.caseOf(),
            capabilities: try reader.list(), fallback: try reader.list(), routing: try reader.value(),
            allowance: try reader.value(), price: try reader.optional(),
            contextLength: try reader.optional(Wide.self)?.value, asksStreamUsage: try reader.boolean(),
            maxInFlight: try reader.optional(), queue: try reader.value())
    }
}

extension Pool: WireCoded {
    static var wireMinimum: Int { 18 + RoutingPolicy.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(models)
        writer.write(capability)
        writer.write(selector.sorted { $0.key < $1.key }.map(Label.init))
        writer.write(routing)
        writer.write(fallback)
        writer.write(mirror)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.text(), models: try reader.list(), capability: try reader.optional(),
            selector: try Label.dictionary(from: &reader), routing: try reader.value(), fallback: try reader.list(),
            mirror: try reader.optional())
    }
}

extension Pool.Member: WireCoded {
    static var wireMinimum: Int { 6 }

    func write(to writer: inout WireWriter) {
        writer.write(model)
        writer.write(weight)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(model: try reader.text(), weight: try reader.integer())
    }
}

extension Mirror: WireCoded {
    static var wireMinimum: Int { 12 }

    func write(to writer: inout WireWriter) {
        writer.write(model)
        writer.write(natural: percent)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(model: try reader.text(), percent: try reader.natural())
    }
}

/// A key and its value.
struct Label: WireCoded {
    let key: String
    let value: String

    init(_ pair: (key: String, value: String)) {
        key = pair.key
        value = pair.value
    }

    static var wireMinimum: Int { 8 }

    func write(to writer: inout WireWriter) {
        writer.write(key)
        writer.write(value)
    }

    init(from reader: inout WireReader) throws(WireError) {
        key = try reader.text()
        value = try reader.text()
    }

    /// A list of labels sorted by key, so that there is one form of it only, and no key stands twice.
    static func dictionary(from reader: inout WireReader) throws(WireError) -> [String: String] {
        var labels: [String: String] = [:]
        var last: String?
        for label in try reader.list(of: Label.self) {
            if let last, last >= label.key { throw .invalidValue }
            last = label.key
            labels[label.key] = label.value
        }
        return labels
    }
}

/// A 64-bit number that may be missing.
struct Wide: WireCoded {
    let value: UInt64

    init(_ value: UInt64) { self.value = value }

    static var wireMinimum: Int { 8 }

    func write(to writer: inout WireWriter) { writer.write(value) }

    init(from reader: inout WireReader) throws(WireError) { value = try reader.integer() }
}
