/// How much there was of something per second, over the last four seconds of whatever clock it is told.
struct RateMeter: Sendable {
    private static let span: UInt64 = 500_000_000
    private static let spans: UInt64 = 8

    private var sums = InlineArray<8, Double>(repeating: 0)
    private var start: UInt64?
    /// Number of the span that is being filled.
    private var current: UInt64 = 0

    mutating func note(_ amount: Double, at time: UInt64) {
        roll(to: time)
        sums[Int(current % Self.spans)] += amount
    }

    /// Per second; 0: nothing in all that time, or less than a quarter of a second of it has been seen.
    mutating func rate(at time: UInt64) -> Double {
        roll(to: time)
        guard let start else { return 0 }
        var total = 0.0
        for index in sums.indices { total += sums[index] }
        let first = max(start, current >= Self.spans - 1 ? (current - (Self.spans - 1)) * Self.span : 0)
        let seen = time > first ? time - first : 0
        return seen < Self.span / 2 ? 0 : total / (Double(seen) / 1e9)
    }

    private mutating func roll(to time: UInt64) {
        let number = time / Self.span
        guard start != nil else {
            (start, current) = (time, number)
            return
        }
        guard number > current else { return }
        if number - current >= Self.spans {
            sums = InlineArray(repeating: 0)
        } else {
            for span in current + 1...number { sums[Int(span % Self.spans)] = 0 }
        }
        current = number
    }
}

/// How fast a model's queue empties, measured only while somebody stands in it.
struct DrainMeter: Sendable {
    private static let second: UInt64 = 1_000_000_000

    private var grants = RateMeter()
    private var busy: UInt64 = 0
    private var busySince: UInt64?
    private var lastGrant: UInt64 = 0

    mutating func begin(_ now: UInt64) {
        if busySince == nil { busySince = now }
    }

    mutating func end(_ now: UInt64) {
        busy = time(now)
        busySince = nil
    }

    mutating func grant(_ now: UInt64) {
        lastGrant = time(now)
        grants.note(1, at: lastGrant)
    }

    /// Per second; nil: nothing is known, as when nothing has been granted for long. An engine that is loading is no slow one.
    mutating func rate(_ now: UInt64) -> Double? {
        let rate = grants.rate(at: lastGrant)
        guard rate > 0 else { return nil }
        let time = time(now)
        return Double(time - min(time, lastGrant)) / 1e9 > max(1, 8 / rate) ? nil : rate
    }

    private func time(_ now: UInt64) -> UInt64 {
        busySince.map { busy + (now > $0 ? now - $0 : 0) } ?? busy
    }
}
