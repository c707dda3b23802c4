internal import Control

/// Counts what health checks found, and decides who is well. Pure.
struct HealthTally: Sendable {
    /// Failures in a row that make a server unwell, successes in a row that make it well again.
    struct Thresholds: Hashable, Sendable {
        var failures: Int
        var successes: Int
    }

    /// What a finding has changed.
    enum Change: Hashable, Sendable {
        case none
        case fell
        case rose
        /// It is unwell as before, for another reason.
        case reworded
    }

    private struct Count: Sendable {
        var thresholds: Thresholds
        var run = 0
        /// Why it is unwell; empty: it is not.
        var fault = ""
    }

    private var counts: [EndpointKey: Count] = [:]

    /// From now on these are counted, no others. What is known of those that stay is kept; those that are new are well.
    mutating func watch(_ wanted: [EndpointKey: Thresholds]) {
        counts = Dictionary(
            uniqueKeysWithValues: wanted.map { key, thresholds in
                var count = counts[key] ?? Count(thresholds: thresholds)
                count.thresholds = thresholds
                return (key, count)
            })
    }

    /// - Parameter fault: nil: the check found nothing wrong.
    mutating func take(_ key: EndpointKey, fault: String?) -> Change {
        guard var count = counts[key] else { return .none }
        defer { counts[key] = count }
        let wasWell = count.fault.isEmpty
        guard wasWell == (fault != nil) else {
            // As before: whatever was counted towards the other side is void.
            count.run = 0
            guard let fault, fault != count.fault else { return .none }
            count.fault = fault
            return .reworded
        }
        count.run += 1
        guard count.run >= (wasWell ? count.thresholds.failures : count.thresholds.successes) else { return .none }
        count.run = 0
        count.fault = fault ?? ""
        return wasWell ? .fell : .rose
    }

    /// What was found of it is void: it is well until something else is found.
    mutating func forget(_ key: EndpointKey) {
        counts[key]?.run = 0
        counts[key]?.fault = ""
    }

    /// Why it is unwell; empty: it is not.
    func fault(of key: EndpointKey) -> String { counts[key]?.fault ?? "" }
}
