/// What is used of a quota, and in which period, as one word: it changes as a whole or not at all.
package struct QuotaWord: RawRepresentable, Hashable, Sendable, Comparable {
    /// The most that can be counted in one period.
    package static let most: UInt64 = 1 << 48 - 1

    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// `used` beyond `most` is taken for it.
    package init(period: UInt16, used: UInt64) { rawValue = UInt64(period) << 48 | min(used, Self.most) }

    package var period: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 48) }
    package var used: UInt64 { rawValue & Self.most }

    /// What is used in `period`. A word of a later one stands for it: clocks are set back, use is not.
    package func used(in period: UInt16) -> UInt64 { self.period < period ? 0 : used }

    /// With `count` more, which are used in `period`.
    package func adding(_ count: UInt64, in period: UInt16) -> QuotaWord {
        let base = self.period < period ? QuotaWord(period: period, used: 0) : self
        return QuotaWord(period: base.period, used: base.used + min(count, Self.most))
    }

    /// Later periods are larger; in the same one, more use.
    package static func < (first: QuotaWord, second: QuotaWord) -> Bool { first.rawValue < second.rawValue }
}
