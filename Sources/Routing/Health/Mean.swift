/// A mean of times, weighted to the latest (EWMA). What was measured long ago counts as ever less, so that what was slow once is
/// tried again.
struct Mean: Sendable {
    private static let newest = 0.25
    /// Nanoseconds without a measurement after which it is taken for half as much.
    private static let halfLife: UInt64 = 30_000_000_000

    private var value = 0.0
    private var at: UInt64 = 0
    private var isKnown = false

    /// - Parameter sample: nanoseconds.
    mutating func note(_ sample: UInt64, now: UInt64) {
        value = isKnown ? value + Self.newest * (Double(sample) - value) : Double(sample)
        at = now
        isKnown = true
    }

    /// Nanoseconds as measured; 0: nothing was.
    var measured: UInt64 { UInt64(value) }

    /// Nanoseconds to reckon with; nil: not known.
    func estimate(now: UInt64) -> Double? {
        guard isKnown else { return nil }
        let halvings = now > at ? min((now - at) / Self.halfLife, 32) : 0
        return value / Double(UInt64(1) << halvings)
    }
}
