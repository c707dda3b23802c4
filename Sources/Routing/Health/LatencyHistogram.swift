/// Times to the first byte, in buckets a quarter of a power of two wide, from 64 microseconds to 19 hours; older ones fade.
struct LatencyHistogram: Sendable {
    private static let buckets = 120
    /// Nanoseconds to the power of two at which the buckets begin.
    private static let lowest = 16
    private static let enough: UInt32 = 50
    private static let most: UInt32 = 2_000

    private var counts = [UInt32](repeating: 0, count: buckets)
    private var total: UInt32 = 0

    /// - Parameter time: nanoseconds.
    mutating func note(_ time: UInt64) {
        counts[Self.bucket(time)] += 1
        total += 1
        if total >= Self.most { fade() }
    }

    /// The time, in nanoseconds, that `percent` of 100 were not slower than, up to a fifth more; nil: too few are known.
    func quantile(_ percent: Int) -> UInt64? {
        guard total >= Self.enough else { return nil }
        var left = (UInt64(total) * UInt64(percent) + 99) / 100
        for bucket in 0..<Self.buckets {
            if UInt64(counts[bucket]) >= left { return Self.upperBound(bucket) }
            left -= UInt64(counts[bucket])
        }
        return nil
    }

    private mutating func fade() {
        total = 0
        for bucket in 0..<Self.buckets {
            counts[bucket] /= 2
            total += counts[bucket]
        }
    }

    private static func bucket(_ time: UInt64) -> Int {
        let bounded = max(time, 1 << UInt64(lowest))
        let power = 63 - bounded.leadingZeroBitCount
        let quarter = Int(truncatingIfNeeded: bounded >> UInt64(power - 2)) & 3
        return min(buckets - 1, (power - lowest) * 4 + quarter)
    }

    private static func upperBound(_ bucket: Int) -> UInt64 {
        let power = bucket / 4 + lowest
        return (1 << UInt64(power)) + UInt64(bucket % 4 + 1) << UInt64(power - 2)
    }
}
