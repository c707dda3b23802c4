package import Admission

/// What became of one group's requests.
package struct SimOutcome: Sendable {
    package var name: String
    package var arrived = 0
    package var completed = 0
    package var tokens: UInt64 = 0
    /// Tokens of what was completed in each tenth of a second.
    package var tokensByTenth: [UInt64] = []
    /// Tokens of what got a slot in each tenth of a second.
    package var grantedByTenth: [UInt64] = []
    /// Microseconds that each request waited which got a slot.
    package var waits: [UInt32] = []
    package var full = 0
    package var hopeless = 0
    package var shed = 0
    package var expired = 0
    /// Nanoseconds for which it had something waiting and got nothing, at most.
    package var longestDrought: UInt64 = 0
    var droughtSince: UInt64?

    /// Microseconds that `percent` of 100 did not wait longer than.
    package func wait(_ percent: Int) -> UInt32 {
        let sorted = waits.sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * percent / 100)]
    }

    mutating func endDrought(_ now: UInt64) {
        if let since = droughtSince { longestDrought = max(longestDrought, now - since) }
        droughtSince = nil
    }
}

package struct SimResult: Sendable {
    package var groups: [SimOutcome]
    package var requests = 0
    /// Times at which a slot stayed free though somebody who might have it waited.
    package var idleSlots = 0
    /// Tickets that got a slot twice, or none of anything by the end.
    package var faults: [String] = []
    /// Integral of slots in use over time, relative to all of them.
    package var utilisation = 0.0
    package var figures: [QueueFigures] = []

    /// A group's part of all completed tokens.
    package func share(_ group: Int) -> Double {
        let all = groups.reduce(0) { $0 + $1.tokens }
        return all == 0 ? 0 : Double(groups[group].tokens) / Double(all)
    }
}
