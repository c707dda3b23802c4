import Catalog

/// `capture`: which connections the broker takes.
struct CaptureSection {
    private static let keys = KnownKeys(["name", "to", "path", "model", "whenProxyDown", "unknown", "opaque", "onConflict"])

    private let reading: Reading
    private let models: ModelIndex
    private var rules: [CaptureRule] = []
    private var names: [String: Field] = [:]
    /// The first rule that takes a destination.
    private var takers: [Destination: (rule: String, field: Field)] = [:]
    private var destinations: [IPAddress.Family: Int] = [:]

    private init(_ models: ModelIndex, _ reading: Reading) {
        self.models = models
        self.reading = reading
    }

    static func read(_ field: Field, _ models: ModelIndex, _ reading: Reading) -> [CaptureRule] {
        var section = CaptureSection(models, reading)
        let elements = reading.elements(field)
        guard elements.count <= Limits.rules else {
            reading.fault(field, "has \(elements.count) rules; at most \(Limits.rules) are possible")
            return []
        }
        for element in elements { section.readRule(element) }
        for (family, count) in section.destinations where count > Limits.destinations {
            let name = family == .v4 ? "IPv4" : "IPv6"
            reading.fault(field, "has \(count) \(name) destinations; at most \(Limits.destinations) are possible")
        }
        return section.rules
    }

    private mutating func readRule(_ field: Field) {
        guard !field.isNull else { return reading.fault(field, "is empty; a rule needs name and to") }
        let fields = reading.members(field, Self.keys)
        guard case .mapping = field.value.content else { return }
        let name = readName(field, fields["name"])
        var rule = CaptureRule(name: name?.value ?? "", to: [])
        rule.to = readDestinations(field, fields["to"], rule: name?.shown ?? field.key)
        reading.set(&rule.path, fields["path"]) { text throws(Refusal) in
            try NameText.word(text, of: CaptureRule.Path.self)
        }
        reading.set(&rule.whenProxyDown, fields["whenProxyDown"]) { text throws(Refusal) in
            try NameText.word(text, of: CaptureRule.WhenProxyDown.self)
        }
        for (key, path) in [("unknown", \CaptureRule.unknown), ("opaque", \CaptureRule.opaque)] {
            reading.set(&rule[keyPath: path], fields[key]) { text throws(Refusal) in
                try NameText.word(text, of: CaptureRule.Ungoverned.self)
            }
        }
        reading.set(&rule.onConflict, fields["onConflict"]) { text throws(Refusal) in
            try NameText.word(text, of: CaptureRule.Conflict.self)
        }
        if let field = fields["model"] {
            rule.model = reading.value(field) { text throws(Refusal) in try models.name(text) }?.value
        }
        DedicationCheck(rule: rule, fields: fields, models: models, reading: reading).run(field)
        rules.append(rule)
    }

    private mutating func readName(_ rule: Field, _ field: Field?) -> Located<String>? {
        guard let field else {
            reading.fault(rule, "has no name; every rule needs one")
            return nil
        }
        guard let name = reading.value(field, NameText.identifier) else { return nil }
        if let first = names[name.value] {
            reading.fault(field, "\(name.shown) is the name of another rule, \(first.key) on line \(first.line)")
        } else {
            names[name.value] = field
        }
        return name
    }

    private mutating func readDestinations(_ rule: Field, _ field: Field?, rule name: String) -> [Destination] {
        guard let field else {
            reading.fault(rule, "has no destinations; every rule needs to")
            return []
        }
        let elements = reading.oneOrMore(field)
        if elements.isEmpty { reading.fault(field, "names no destination") }
        return elements.compactMap { element in
            guard let destination = reading.value(element, DestinationText.destination) else { return nil }
            take(destination, rule: name)
            return destination.value
        }
    }

    private mutating func take(_ destination: Located<Destination>, rule: String) {
        let value = destination.value
        if let first = takers[value] {
            let place = "\(first.field.key) on line \(first.field.line), rule \(first.rule)"
            reading.fault(destination.field, "\(destination.shown) of rule \(rule) is taken already by \(place)")
            return
        }
        takers[value] = (rule, destination.field)
        destinations[value.network.address.family, default: 0] += 1
    }
}
