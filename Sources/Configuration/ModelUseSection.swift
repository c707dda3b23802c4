import Catalog

/// What a model's callers together may use of it, and what that costs.
enum ModelUseSection {
    static let keys = ["limits", "quotas", "price", "contextLength", "streamUsage"]
    private static let priceKeys = KnownKeys(["input", "output"])

    private enum StreamUsage: String, CaseIterable { case ask, leave }

    static func read(_ model: inout Model, _ fields: [String: Field], _ reading: Reading) {
        model.allowance = AllowanceSection.read(limits: fields["limits"], quotas: fields["quotas"], reading)
        if let field = fields["price"] { model.price = price(field, reading) }
        model.contextLength = fields["contextLength"].flatMap { field in
            reading.value(field) { text throws(Refusal) in UInt64(try NumberText.integer(text, in: 1...1_000_000_000)) }?.value
        }
        reading.set(&model.asksStreamUsage, fields["streamUsage"]) { text throws(Refusal) in
            try NameText.word(text, of: StreamUsage.self) == .ask
        }
    }

    private static func price(_ field: Field, _ reading: Reading) -> Price? {
        guard !field.isNull else { return nil }
        let fields = reading.members(field, priceKeys)
        guard case .mapping = field.value.content else { return nil }
        for key in priceKeys.accepted where fields[key] == nil {
            reading.fault(field, "has no \(key); write {input: 2.5, output: 10}, of a million tokens")
        }
        let input = fields["input"].flatMap { reading.value($0, NumberText.millionths) }
        let output = fields["output"].flatMap { reading.value($0, NumberText.millionths) }
        guard let input, let output else { return nil }
        return Price(input: input.value, output: output.value)
    }
}
