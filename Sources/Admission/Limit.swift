internal import CBrokerABI

/// One limit in force: so many units in a window of time, and how many may come at once.
package struct Limit: Hashable, Sendable {
    /// The longest that one charge may stand for, in nanoseconds (more than a year): sums of them can't overflow.
    static let longestCost: UInt64 = 1 << 55

    /// What one unit costs, in nanoseconds.
    let period: UInt64
    /// How far ahead of now the bucket may run, in nanoseconds.
    let tolerance: UInt64
    let units: UInt64
    let window: UInt64
    /// Units that may come at once: the bucket's capacity.
    package let burst: UInt64

    /// nil for an entry that limits nothing.
    init?(_ limit: mb_limit) {
        guard limit.period_ns != 0 else { return nil }
        period = limit.period_ns
        tolerance = limit.tolerance_ns
        units = limit.units
        window = limit.window_ns
        burst = limit.burst
    }

    /// Nothing passes.
    package var isNever: Bool { period == MB_PERIOD_NEVER || units == 0 }

    /// What `count` units cost in nanoseconds, exact but for the fraction: a period rounded to nanoseconds and multiplied
    /// would be off by as much as the count.
    func cost(_ count: UInt64) -> UInt64 {
        guard units > 0 else { return Self.longestCost }
        let product = count.multipliedFullWidth(by: window)
        guard product.high < units else { return Self.longestCost }
        return min(units.dividingFullWidth(product).quotient, Self.longestCost)
    }

    /// Units that stand for a time, any fraction counted as a whole one.
    func count(_ nanoseconds: UInt64) -> UInt64 {
        guard window > 0 else { return 0 }
        let product = nanoseconds.multipliedFullWidth(by: units)
        guard product.high < window else { return .max }
        let (quotient, remainder) = window.dividingFullWidth(product)
        return remainder > 0 ? quotient + 1 : quotient
    }
}
