import Catalog

/// `allow` and `deny` of a client.
struct AccessSection {
    private static let keys = KnownKeys(["names", "operations", "times", "name"])
    private static let form = "write {names: [\"llama-*\"], operations: [chat], times: [\"mon-fri 08:00-18:00\"]}"

    let models: ModelIndex
    let capabilities: CapabilityIndex
    let reading: Reading

    /// Names, patterns of names, or mappings that say more. All plain names make one rule, which is the first.
    func rules(_ field: Field) -> [AccessRule] {
        var seen: [String: Field] = [:]
        var plain: [String] = []
        var detailed: [Field] = []
        for element in reading.oneOrMore(field) {
            if case .mapping = element.value.content {
                detailed.append(element)
            } else if let name = reading.value(element, { text throws(Refusal) in try name(text) }), isNew(name, &seen) {
                plain.append(name.value)
            }
        }
        if detailed.count > Limits.detailedRules {
            let message = "has \(detailed.count) rules beside names; at most \(Limits.detailedRules) are possible"
            reading.fault(field, message)
        }
        return (plain.isEmpty ? [] : [AccessRule(names: plain)]) + detailed.compactMap(rule)
    }

    /// nil where a rule that allows would allow something else than was meant.
    private func rule(_ element: Field) -> AccessRule? {
        let fields = reading.members(element, Self.keys)
        guard let given = fields["names"] else {
            reading.fault(element, "has no names; \(Self.form)")
            return nil
        }
        if given.isNull || given.isEmptyList { reading.fault(given, "names nothing; \"*\" is every model and pool") }
        var seen: [String: Field] = [:]
        let names = reading.values(given) { text throws(Refusal) in try name(text) }.filter { isNew($0, &seen) }
        var rule = AccessRule(names: names.map(\.value))
        if let field = fields["operations"] {
            if field.isNull || field.isEmptyList { reading.fault(field, "names no operation; leave it out for all but admin") }
            rule.operations = Operations(reading.values(field, Self.operation).map(\.value))
        }
        if let field = fields["times"] {
            if field.isNull || field.isEmptyList { reading.fault(field, "names no time; leave it out for all times") }
            let times = reading.values(field, TimeText.window).map(\.value)
            if times.count > Limits.times {
                reading.fault(field, "has \(times.count) times; at most \(Limits.times) are possible")
            }
            rule.times = times
        }
        reading.set(&rule.name, fields["name"], NameText.identifier)
        return rule
    }

    private func isNew(_ located: Located<String>, _ seen: inout [String: Field]) -> Bool {
        if let first = seen[located.value] {
            reading.fault(located.field, "\(located.shown) is given twice; the first is on line \(first.line)")
            return false
        }
        seen[located.value] = located.field
        return true
    }

    /// A model, a pool, a capability by its full path, or a pattern, which may match nothing now.
    private func name(_ text: String) throws(Refusal) -> String {
        if models[text] != nil || models.isPool(text) { return text }
        if text.contains(where: { $0 == "*" || $0 == "?" }) {
            guard text.utf8.count <= 256 else { throw Refusal("is longer than 256 bytes") }
            return text
        }
        if let path = capabilities.known(text) { return path }
        return try models.callable(text)
    }

    private static func operation(_ text: String) throws(Refusal) -> Operation {
        if let operation = Operation.allCases.first(where: { $0.text == text }) { return operation }
        let known = Operation.allCases.map(\.text)
        if let near = NearMiss.nearest(to: text, among: known) { throw Refusal("is not an operation; did you mean \(near)?") }
        throw Refusal("is not an operation; there are \(known.joined(separator: ", "))")
    }
}
