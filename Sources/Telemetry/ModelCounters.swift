/// What one model has served: plain numbers, kept by one event loop and summed when somebody asks.
package struct ModelCounters: Hashable, Sendable {
    package var requests: UInt64 = 0
    /// Answers by class: 1xx (never counted as an answer), 2xx, 3xx, 4xx, 5xx.
    package var status2xx: UInt64 = 0
    package var status3xx: UInt64 = 0
    package var status4xx: UInt64 = 0
    package var status5xx: UInt64 = 0
    /// Exchanges that broke after the first byte of the answer, whoever broke them.
    package var broken: UInt64 = 0
    /// Exchanges that the caller gave up.
    package var cancelled: UInt64 = 0
    /// Bytes of requests and of answers, heads included, as the caller sent and received them.
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// Requests under way now.
    package var active: UInt64 = 0
    /// Requests answered 429: over the limit of requests, over that of tokens.
    package var rateLimited: UInt64 = 0
    package var tokenLimited: UInt64 = 0
    /// Requests answered 403: the client may not call the model.
    package var accessRefused: UInt64 = 0
    /// Tokens used, prompts and answers, while something limits, prices or audits them: else nobody counts them.
    package var tokens: UInt64 = 0
    /// The same for prompts and for answers alone.
    package var inputTokens: UInt64 = 0
    package var outputTokens: UInt64 = 0
    /// Time to the first byte of the answer's body, from the end of the request's head.
    package var firstByte = LatencyHistogram()

    package init() {}

    package static func += (sum: inout ModelCounters, other: ModelCounters) {
        sum.requests += other.requests
        sum.status2xx += other.status2xx
        sum.status3xx += other.status3xx
        sum.status4xx += other.status4xx
        sum.status5xx += other.status5xx
        sum.broken += other.broken
        sum.cancelled += other.cancelled
        sum.bytesIn += other.bytesIn
        sum.bytesOut += other.bytesOut
        sum.active += other.active
        sum.rateLimited += other.rateLimited
        sum.tokenLimited += other.tokenLimited
        sum.accessRefused += other.accessRefused
        sum.tokens += other.tokens
        sum.inputTokens += other.inputTokens
        sum.outputTokens += other.outputTokens
        sum.firstByte += other.firstByte
    }

    /// Counts an answer by its status code.
    package mutating func count(status: Int) {
        switch status {
        case 200..<300: status2xx += 1
        case 300..<400: status3xx += 1
        case 400..<500: status4xx += 1
        default: status5xx += 1
        }
    }
}

/// Counts of latencies in the buckets that the OpenTelemetry GenAI conventions name for time to first token.
package struct LatencyHistogram: Hashable, Sendable {
    /// Upper bounds in microseconds; the last bucket has none.
    package static let bounds: [UInt64] = [
        1_000, 5_000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 250_000, 500_000, 750_000, 1_000_000,
        2_500_000, 5_000_000, 7_500_000, 10_000_000,
    ]

    /// Not cumulative; one more than there are bounds.
    package var counts: InlineArray<17, UInt64> = .init(repeating: 0)
    package var sumMicroseconds: UInt64 = 0

    package init() {}

    package mutating func record(microseconds: UInt64) {
        var bucket = 0
        while bucket < Self.bounds.count, microseconds > Self.bounds[bucket] { bucket += 1 }
        counts[bucket] += 1
        sumMicroseconds += microseconds
    }

    package static func += (sum: inout LatencyHistogram, other: LatencyHistogram) {
        for index in sum.counts.indices { sum.counts[index] += other.counts[index] }
        sum.sumMicroseconds += other.sumMicroseconds
    }

    package static func == (left: LatencyHistogram, right: LatencyHistogram) -> Bool {
        left.sumMicroseconds == right.sumMicroseconds && left.counts.indices.allSatisfy { left.counts[$0] == right.counts[$0] }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(sumMicroseconds)
        for index in counts.indices { hasher.combine(counts[index]) }
    }
}
