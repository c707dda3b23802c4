import Catalog

/// `models`: what requests name, and the endpoints that serve it.
struct ModelsSection {
    private static let keys = KnownKeys(
        ["endpoints", "access", "qos"] + ModelUseSection.keys + ["engine", "capabilities"] + RoutingSection.keys
            + ["health", "fallback", "forwardCredentials", "maxInFlight", "queue"])

    private let capabilities: CapabilityIndex
    private let reading: Reading

    static func read(_ field: Field, _ capabilities: CapabilityIndex, _ reading: Reading) -> [Model] {
        let entries = reading.entries(field, form: "model names, each with its endpoints")
        guard entries.count <= Limits.models else {
            reading.fault(field, "has \(entries.count) models; at most \(Limits.models) are possible")
            return []
        }
        let section = ModelsSection(capabilities: capabilities, reading: reading)
        return entries.compactMap { entry in
            section.model(entry, Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value))
        }
    }

    private func model(_ entry: YAMLEntry, _ field: Field) -> Model? {
        do throws(Refusal) {
            try capabilities.checkFree(try NameText.model(entry.key))
        } catch {
            reading.fault(field, "\(quoted(entry.key)) \(error.reason)")
        }
        let fields = reading.members(field, Self.keys)
        switch field.value.content {
        case .null, .mapping: break
        case .list, .scalar: return nil
        }
        var model = Model(name: entry.key, endpoints: [])
        reading.set(&model.access, fields["access"]) { text throws(Refusal) in
            try NameText.word(text, of: Model.Access.self)
        }
        if let qos = fields["qos"] { model.qos = QoSSection.read(qos, reading) }
        ModelUseSection.read(&model, fields, reading)
        if let list = fields["capabilities"] { model.capabilities = paths(list) }
        model.routing = RoutingSection.read(fields, over: model.routing, reading)
        if let limit = fields["maxInFlight"] { model.maxInFlight = ConcurrencyReader.fixed(limit, reading) }
        if let queue = fields["queue"] { model.queue = QueueSection.read(queue, reading) }
        readEndpoints(&model, field, fields)
        return model
    }

    private func readEndpoints(_ model: inout Model, _ field: Field, _ fields: [String: Field]) {
        var defaults = EndpointsSection.Defaults()
        reading.set(&defaults.engine, fields["engine"]) { text throws(Refusal) in
            try NameText.word(text, of: Engine.self)
        }
        if let field = fields["health"] { defaults.health = HealthSection.read(field, over: defaults.health, reading) }
        if let field = fields["forwardCredentials"], !reading.refusesForeign(field) {
            reading.set(&defaults.forwardsCredentials, field, NameText.truth)
        }
        var section = EndpointsSection(defaults, reading)
        if let list = fields["endpoints"] {
            model.endpoints = section.read(list)
        } else {
            reading.fault(field, "has no endpoints; write {endpoints: [{url: \"http://HOST:PORT\"}]}")
        }
        if let list = fields["fallback"] { model.fallback = section.readIfAny(list) }
    }

    /// Full paths, each once.
    private func paths(_ list: Field) -> [String] {
        var seen: [String: Field] = [:]
        return reading.values(list) { text throws(Refusal) in try capabilities.path(text) }.compactMap { located in
            if let first = seen[located.value] {
                reading.fault(located.field, "\(located.shown) is given already, \(first.key) on line \(first.line)")
                return nil
            }
            seen[located.value] = located.field
            return located.value
        }
    }
}
