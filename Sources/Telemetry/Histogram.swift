/// Where the buckets of a histogram end.
package struct HistogramScale: Sendable {
    package enum Unit: Sendable {
        /// Written as seconds.
        case microseconds
        case tokens
    }

    /// Upper bounds, ascending, at most `Histogram.maximumBounds`; the last bucket has none.
    package let bounds: [UInt64]
    package let unit: Unit

    private init(_ unit: Unit, _ bounds: [UInt64]) {
        self.unit = unit
        self.bounds = bounds
    }

    // The bounds are those that the OpenTelemetry conventions for generative AI name.

    /// Times to the first token, and other short waits.
    package static let firstToken = HistogramScale(
        .microseconds,
        [
            1_000, 5_000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 250_000, 500_000, 750_000, 1_000_000,
            2_500_000, 5_000_000, 7_500_000, 10_000_000,
        ])
    /// Whole requests: doubling from 10 ms.
    package static let request = HistogramScale(.microseconds, (0..<14).map { 10_000 << UInt64($0) })
    /// From one token of an answer to the next.
    package static let outputToken = HistogramScale(
        .microseconds,
        [
            10_000, 25_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000, 400_000, 500_000, 750_000, 1_000_000,
            2_500_000,
        ])
    /// Tokens of a prompt or an answer: the powers of four.
    package static let tokens = HistogramScale(.tokens, (0..<14).map { 1 << UInt64(2 * $0) })
}

/// Counts of values in buckets, and their sum. Which scale it goes by is its owner's knowledge.
package struct Histogram: Hashable, Sendable {
    package static let maximumBounds = 16

    /// Not cumulative; one more than the scale has bounds, the others stay zero.
    package var counts: InlineArray<17, UInt64> = .init(repeating: 0)
    /// Of all values, in the unit of the scale.
    package var sum: UInt64 = 0

    package init() {}

    /// How many values were recorded.
    package var count: UInt64 { counts.indices.reduce(0) { $0 &+ counts[$1] } }

    package mutating func record(_ value: UInt64, on scale: HistogramScale) {
        var bucket = 0
        while bucket < scale.bounds.count, value > scale.bounds[bucket] { bucket += 1 }
        counts[bucket] &+= 1
        sum &+= value
    }

    package static func += (sum: inout Histogram, other: Histogram) {
        for index in sum.counts.indices { sum.counts[index] &+= other.counts[index] }
        sum.sum &+= other.sum
    }

    package static func == (left: Histogram, right: Histogram) -> Bool {
        left.sum == right.sum && left.counts.indices.allSatisfy { left.counts[$0] == right.counts[$0] }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(sum)
        for index in counts.indices { hasher.combine(counts[index]) }
    }
}
