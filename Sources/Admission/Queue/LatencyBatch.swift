/// What became of the requests to one endpoint that ended in a short time, about 100 ms.
package struct LatencyBatch: Hashable, Sendable {
    /// Requests that were answered, with the sum and the least of their latencies in nanoseconds: to the first token for
    /// streams, to the end for others.
    package var count: UInt32
    package var sum: UInt64
    package var least: UInt64
    /// Requests that the engine refused (429, 503) or did not answer in time; not counted above.
    package var failures: UInt32
    /// Requests under way at once.
    package var mostInFlight: UInt32

    package init(count: UInt32 = 0, sum: UInt64 = 0, least: UInt64 = .max, failures: UInt32 = 0, mostInFlight: UInt32 = 0) {
        self.count = count
        self.sum = sum
        self.least = least
        self.failures = failures
        self.mostInFlight = mostInFlight
    }
}
