import Catalog

/// `groups`: classes of clients, and what their requests get of a model that others want as well.
struct GroupsSection {
    private static let keys = KnownKeys(["priority", "weight", "reclaimable", "delivery", "queue"])

    private let reading: Reading

    static func read(_ field: Field, _ reading: Reading) -> [Group] {
        let entries = reading.entries(field, form: "names of groups, each with priority, weight, reclaimable, delivery or queue")
        guard entries.count <= Limits.groups else {
            reading.fault(field, "has \(entries.count) groups; at most \(Limits.groups) are possible")
            return []
        }
        let section = GroupsSection(reading: reading)
        return entries.map { entry in
            section.group(entry, Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value))
        }
    }

    private func group(_ entry: YAMLEntry, _ field: Field) -> Group {
        do throws(Refusal) {
            _ = try NameText.identifier(entry.key)
        } catch {
            reading.fault(field, "\(quoted(entry.key)) \(error.reason)")
        }
        let fields = reading.members(field, Self.keys)
        var group = Group(name: entry.key)
        reading.set(&group.weight, fields["weight"]) { text throws(Refusal) in
            UInt32(clamping: try NumberText.integer(text, in: 1...1_000_000))
        }
        reading.set(&group.isReclaimable, fields["reclaimable"], NameText.truth)
        reading.set(&group.delivery, fields["delivery"]) { text throws(Refusal) in
            try NameText.word(text, of: Group.Delivery.self)
        }
        readPriority(&group, fields["priority"])
        if let field = fields["queue"] { group.queue = QueueSection.readIfGiven(field, reading) }
        return group
    }

    private func readPriority(_ group: inout Group, _ field: Field?) {
        guard let field else { return }
        reading.set(&group.priority, field) { text throws(Refusal) in
            Int32(clamping: try NumberText.signed(text, in: -1_000...1_000))
        }
        guard group.delivery == .batch else { return }
        reading.fault(field, "has no meaning with delivery batch, which comes behind every priority; leave it out")
    }
}
