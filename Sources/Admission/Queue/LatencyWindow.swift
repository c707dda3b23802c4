/// The latencies of some time at one limit.
struct LatencyWindow: Sendable {
    private static let least: UInt64 = 150_000_000
    private static let longest: UInt64 = 1_200_000_000

    private var start: UInt64?
    private var batches = 0.0
    private var count = 0.0
    private var sum = 0.0
    private var squares = 0.0
    private var inFlightSum = 0.0

    mutating func add(_ batch: LatencyBatch, now: UInt64) {
        if start == nil { start = now }
        let (weight, total) = (Double(batch.count), Double(batch.sum))
        batches += 1
        count += weight
        sum += total
        squares += total * total / weight
        inFlightSum += Double(batch.mostInFlight) * weight
    }

    /// Nanoseconds.
    var mean: Double { count > 0 ? sum / count : 0 }

    /// Requests under way at once.
    var inFlight: Double { count > 0 ? inFlightSum / count : 0 }

    /// Of the mean, relative to it: from how the means of the batches differ.
    var error: Double {
        guard batches > 1, mean > 0 else { return 1 }
        let variance = max(0, squares - count * mean * mean) / (batches - 1)
        return (variance / count).squareRoot() / mean
    }

    /// Whether it says enough of a limit.
    ///
    /// - Parameters:
    ///   - precision: relative error of the mean that is good enough.
    ///   - reference: a mean that is so far away from a much higher one that less precision will do; 0: none.
    func isComplete(_ limit: UInt32, precision: Double, reference: Double = 0, now: UInt64) -> Bool {
        guard let start, batches >= 3, now > start, now - start >= Self.least, count >= Double(min(max(limit, 8), 16)) else {
            return false
        }
        let error = error
        return error < precision || reference > 0 && mean > reference * (1.1 + 4 * error)
            || now - start >= Self.longest || count >= 2000
    }
}
