import Catalog

/// `models`: what requests name, and the endpoints that serve it.
enum ModelsSection {
    private static let keys = KnownKeys(["endpoints", "access", "qos"], later: ["capabilities"])

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
        var model = Model(name: entry.key, endpoints: [])
        reading.set(&model.access, fields["access"]) { text throws(Refusal) in
            try NameText.word(text, of: Model.Access.self)
        }
        if let qos = fields["qos"] { model.qos = QoSSection.read(qos, reading) }
        if let list = fields["endpoints"] {
            model.endpoints = EndpointsSection.read(list, reading)
        } else {
            reading.fault(field, "has no endpoints; write {endpoints: [{url: \"http://HOST:PORT\"}]}")
        }
        return model
    }
}
