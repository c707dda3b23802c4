extension Rate {
    /// Says that there is no limit, where a value of its own has to say so: a live override that takes the file's off.
    package static let unlimited = Rate(.max, per: .second)

    package var isUnlimited: Bool { self == .unlimited }
}

extension QoS {
    /// In `connections` and `bandwidth`, what `Rate.unlimited` is among rates.
    package static let unlimited: UInt64 = .max
}
