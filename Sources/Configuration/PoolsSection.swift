import Catalog

/// `pools`: names that stand for several models.
struct PoolsSection {
    private static let keys = KnownKeys(["models", "capability", "selector"] + RoutingSection.keys + ["fallback", "mirror"])
    private static let mirrorKeys = KnownKeys(["model", "percent"])

    private let models: ModelIndex
    private let capabilities: CapabilityIndex
    private let reading: Reading

    static func read(
        _ field: Field, _ models: [Model], _ capabilities: CapabilityIndex, _ reading: Reading
    ) -> [Pool] {
        let entries = reading.entries(field, form: "pool names, each with what it stands for")
        guard entries.count <= Limits.pools else {
            reading.fault(field, "has \(entries.count) pools; at most \(Limits.pools) are possible")
            return []
        }
        let section = PoolsSection(
            models: ModelIndex(models, pools: entries.map(\.key)), capabilities: capabilities, reading: reading)
        let drafts = entries.map { entry in
            section.draft(entry, Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value))
        }
        let members = PoolMembers(models)
        let pools = PoolFlattening.run(drafts, members, models, reading)
        PoolCheck(models: models, members: members, reading: reading).run(drafts, pools, field)
        return pools
    }

    private func draft(_ entry: YAMLEntry, _ field: Field) -> PoolDraft {
        do throws(Refusal) {
            let name = try NameText.model(entry.key)
            if models[name] != nil { throw Refusal("is the name of a model; requests could mean either") }
            try capabilities.checkFree(name)
        } catch {
            reading.fault(field, "\(quoted(entry.key)) \(error.reason)")
        }
        let fields = reading.members(field, Self.keys)
        var draft = PoolDraft(pool: Pool(name: entry.key), field: field, fields: fields)
        if let list = fields["models"] { draft.parts = parts(list) }
        if let field = fields["capability"] {
            draft.pool.capability = reading.value(field) { text throws(Refusal) in try capabilities.path(text) }?.value
        }
        if let field = fields["selector"] {
            draft.pool.selector = LabelsSection.read(field, reading)
            if case .mapping(let entries) = field.value.content, entries.isEmpty { reading.fault(field, "names no label") }
        }
        draft.pool.routing = RoutingSection.read(fields, over: draft.pool.routing, reading)
        var section = EndpointsSection(EndpointsSection.Defaults(), reading)
        if let list = fields["fallback"] { draft.pool.fallback = section.readIfAny(list) }
        if let field = fields["mirror"], !field.isNull { draft.pool.mirror = mirror(field) }
        if ["models", "capability", "selector"].allSatisfy({ fields[$0]?.isNull ?? true }), !isOther(field) {
            reading.fault(field, "stands for nothing; it needs models, capability or selector")
        }
        return draft
    }

    /// Whether it is no mapping, which is a fault of its own.
    private func isOther(_ field: Field) -> Bool {
        switch field.value.content {
        case .null, .mapping: false
        case .list, .scalar: true
        }
    }

    /// Names, or names with weights.
    private func parts(_ field: Field) -> [PoolDraft.Part] {
        var seen: [String: Field] = [:]
        let named: [(name: Located<String>, weight: UInt16)]
        if case .mapping(let entries) = field.value.content {
            named = entries.compactMap { entry in weighted(entry, field) }
        } else {
            if field.isEmptyList { reading.fault(field, "names no model") }
            named = reading.values(field) { text throws(Refusal) in try models.callable(text) }.map { ($0, 1) }
        }
        return named.compactMap { name, weight in
            if let first = seen[name.value] {
                reading.fault(name.field, "\(name.shown) is given twice; the first is on line \(first.line)")
                return nil
            }
            seen[name.value] = name.field
            return PoolDraft.Part(name: name.value, weight: weight, field: name.field)
        }
    }

    private func weighted(_ entry: YAMLEntry, _ parent: Field) -> (Located<String>, UInt16)? {
        let field = Field(key: KeyPath.member(entry.key, of: parent.key), line: entry.line, value: entry.value)
        var weight: UInt16 = 1
        reading.set(&weight, field) { text throws(Refusal) in
            UInt16(clamping: try NumberText.integer(text, in: 0...65_535))
        }
        do throws(Refusal) {
            return (Located(value: try models.callable(entry.key), field: field, shown: quoted(entry.key)), weight)
        } catch {
            reading.fault(field, "\(quoted(entry.key)) \(error.reason)")
            return nil
        }
    }

    /// A model, or a mapping with one.
    private func mirror(_ field: Field) -> Mirror? {
        if case .scalar = field.value.content {
            return reading.value(field) { text throws(Refusal) in try models.name(text) }.map { Mirror(model: $0.value) }
        }
        let fields = reading.members(field, Self.mirrorKeys)
        var percent = 100
        reading.set(&percent, fields["percent"]) { text throws(Refusal) in try NumberText.percent(text, in: 1...100) }
        guard case .mapping = field.value.content else { return nil }
        guard let given = fields["model"] else {
            reading.fault(field, "has no model; write {model: NAME, percent: 10%}")
            return nil
        }
        return reading.value(given) { text throws(Refusal) in try models.name(text) }.map {
            Mirror(model: $0.value, percent: percent)
        }
    }
}

/// A pool as it was written, before the pools in it are replaced by what they stand for.
struct PoolDraft {
    struct Part {
        var name: String
        var weight: UInt16
        var field: Field
    }

    var pool: Pool
    var field: Field
    var fields: [String: Field]
    var parts: [Part] = []
}
