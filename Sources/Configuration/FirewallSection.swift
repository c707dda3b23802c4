import Catalog
import Identity

/// `firewall`: requests that are refused whoever sends them.
struct FirewallSection {
    private static let keys = KnownKeys(["name", "method", "path", "model", "bodyAbove", "clients"])
    private static let conditions = keys.accepted.filter { $0 != "name" }

    private let clients: NameList
    private let reading: Reading
    private var names: [String: Field] = [:]

    private init(_ clients: NameList, _ reading: Reading) {
        self.clients = clients
        self.reading = reading
    }

    static func read(_ field: Field, clients: NameList, _ reading: Reading) -> [FirewallRule] {
        var section = FirewallSection(clients, reading)
        let elements = reading.elements(field)
        guard elements.count <= Limits.firewallRules else {
            reading.fault(field, "has \(elements.count) rules; at most \(Limits.firewallRules) are possible")
            return []
        }
        return elements.compactMap { section.rule($0) }
    }

    private mutating func rule(_ element: Field) -> FirewallRule? {
        guard !element.isNull else {
            reading.fault(element, "is empty; a rule needs name and what it refuses")
            return nil
        }
        let fields = reading.members(element, Self.keys)
        guard case .mapping = element.value.content else { return nil }
        var rule = FirewallRule(name: name(element, fields["name"]) ?? "")
        if !Self.conditions.contains(where: { fields[$0] != nil }) {
            reading.fault(
                element, "would refuse every request; give it one or more of \(Self.conditions.joined(separator: ", "))")
        }
        rule.method = fields["method"].flatMap { reading.value($0, Self.pattern)?.value }
        rule.path = fields["path"].flatMap { reading.value($0, Self.pattern)?.value }
        rule.model = fields["model"].flatMap { reading.value($0, Self.pattern)?.value }
        rule.bodyAbove = fields["bodyAbove"].flatMap { field in
            reading.value(field) { text throws(Refusal) in
                UInt64(try NumberText.bytes(text, in: 0...1 << 30, "from 0 to 1GiB"))
            }?.value
        }
        if let field = fields["clients"] {
            if field.isNull || field.isEmptyList { reading.fault(field, "names no client; leave it out for every caller") }
            rule.clients = reading.values(field) { text throws(Refusal) in try clients.name(text) }.map(\.value)
        }
        return rule
    }

    private mutating func name(_ rule: Field, _ field: Field?) -> String? {
        guard let field else {
            reading.fault(rule, "has no name; refusals tell it to the caller")
            return nil
        }
        guard let name = reading.value(field, NameText.identifier) else { return nil }
        if let first = names[name.value] {
            reading.fault(field, "\(name.shown) is the name of another rule, \(first.key) on line \(first.line)")
        }
        names[name.value] = names[name.value] ?? field
        return name.value
    }

    private static func pattern(_ text: String) throws(Refusal) -> String {
        if let fault = Firewall.check(pattern: text) { throw Refusal(fault) }
        return text
    }
}
