internal import CBrokerABI
package import Catalog

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

    /// `rate` as an account has it, with `burst` units, at least one, that may come at once; nil for one without a limit.
    init?(_ rate: Rate, burst: UInt64) {
        guard !rate.isUnlimited else { return nil }
        (units, window) = (rate.units, rate.window.nanoseconds)
        guard units > 0 else {
            (period, tolerance, self.burst) = (MB_PERIOD_NEVER, 0, 0)
            return
        }
        self.burst = max(1, burst)
        // Rounded down, so that a burst taken one by one fits.
        period = max(1, window / units)
        let product = self.burst.multipliedFullWidth(by: window)
        tolerance = product.high < units ? min(units.dividingFullWidth(product).quotient, 1 << 62) : 1 << 62
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

    /// What taking `count` units costs: one costs what the kernel's programs take for it.
    func charge(_ count: UInt64) -> UInt64 { count == 1 ? min(period, Self.longestCost) : cost(count) }

    /// Units that stand for a time, any fraction counted as a whole one.
    func count(_ nanoseconds: UInt64) -> UInt64 {
        guard window > 0 else { return 0 }
        let product = nanoseconds.multipliedFullWidth(by: units)
        guard product.high < window else { return .max }
        let (quotient, remainder) = window.dividingFullWidth(product)
        return remainder > 0 ? quotient + 1 : quotient
    }
}

extension Limit {
    /// The limit that an allowance sets on a rate; nil: none, or a measure that is no rate.
    package init?(_ measure: AccountKey.Measure, of allowance: Allowance) {
        switch measure {
        case .requests: self.init(allowance.requests) { allowance.burst ?? Self.share($0, of: 100_000_000) }
        case .tokens: self.init(allowance.tokens, Self.tokenBurst)
        case .inputTokens: self.init(allowance.inputTokens, Self.tokenBurst)
        case .outputTokens: self.init(allowance.outputTokens, Self.tokenBurst)
        case .quota: return nil
        }
    }

    private init?(_ rate: Rate?, _ burst: (Rate) -> UInt64) {
        guard let rate else { return nil }
        self.init(rate, burst: burst(rate))
    }

    /// A second's worth; of a rate by the minute or longer a minute's.
    private static func tokenBurst(_ rate: Rate) -> UInt64 {
        share(rate, of: rate.window == .second ? 1_000_000_000 : 60_000_000_000)
    }

    /// Units of `time` nanoseconds.
    private static func share(_ rate: Rate, of time: UInt64) -> UInt64 {
        let product = rate.units.multipliedFullWidth(by: time)
        guard product.high < rate.window.nanoseconds else { return .max }
        return rate.window.nanoseconds.dividingFullWidth(product).quotient
    }
}
