import Catalog

/// `maxInFlight`: how many requests may be under way at once.
enum ConcurrencyReader {
    private static let keys = KnownKeys(["adaptive", "min", "max", "initial"])
    private static let highest = 1_000_000
    private static let form = "write a number, or {adaptive: true, min: 1, max: 256}"

    /// Of a model: a number.
    static func fixed(_ field: Field, _ reading: Reading) -> UInt32? {
        reading.value(field, number)?.value
    }

    /// Of an endpoint: a number, or the bounds of one that is found. nil after a fault.
    static func read(_ field: Field, _ reading: Reading) -> Concurrency? {
        switch field.value.content {
        case .scalar:
            let limit = reading.value(field) { text throws(Refusal) in
                guard text != "adaptive" else { throw Refusal("is not a number; \(form)") }
                return try number(text)
            }
            return limit.map { .fixed($0.value) }
        case .null, .list:
            reading.fault(field, "is neither a number nor a mapping; \(form)")
            return nil
        case .mapping:
            return adaptive(field, reading).map(Concurrency.adaptive)
        }
    }

    private static func adaptive(_ field: Field, _ reading: Reading) -> AdaptiveLimit? {
        let fields = reading.members(field, keys)
        guard let switched = fields["adaptive"] else {
            reading.fault(field, "has no adaptive; \(form)")
            return nil
        }
        var isOn = true
        reading.set(&isOn, switched, NameText.truth)
        if !isOn { reading.fault(switched, "leaves nothing to find; for a limit that stays write a number") }
        let given = [fields["min"], fields["max"], fields["initial"]].map { field in
            field.flatMap { reading.value($0, number) }
        }
        var limit = AdaptiveLimit()
        limit.least = given[0]?.value ?? min(limit.least, given[1]?.value ?? limit.least)
        limit.most = given[1]?.value ?? max(limit.most, limit.least)
        guard limit.least <= limit.most else {
            if let least = given[0] { reading.fault(least.field, "\(least.shown) is more than max, \(limit.most)") }
            return nil
        }
        limit.initial = given[2]?.value ?? min(max(limit.initial, limit.least), limit.most)
        if let initial = given[2], !(limit.least...limit.most).contains(initial.value) {
            reading.fault(initial.field, "\(initial.shown) is not between min and max, \(limit.least) and \(limit.most)")
        }
        return limit
    }

    private static func number(_ text: String) throws(Refusal) -> UInt32 {
        UInt32(clamping: try NumberText.integer(text, in: 1...highest))
    }
}
