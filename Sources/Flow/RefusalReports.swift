package import Control

/// Which refusals are reported one by one: a few of each kind in a second. The others are only counted, before anything is
/// written about them, and told of with the next report or when they stop: a storm of refusals costs little more than its
/// answers. One event loop's.
package struct RefusalReports: Sendable {
    /// Reports of one kind in one window; the agent lets no more of them through.
    static let perKey = 5
    /// In nanoseconds.
    package static let window: UInt64 = 1_000_000_000
    /// Kinds told apart at a time; what comes beyond is told apart by its status only.
    static let keyLimit = 1024

    /// What makes two refusals alike.
    struct Key: Hashable, Sendable {
        /// Row of the model in the ledger; -1: none.
        var row: Int
        var status: Int
        var kind: Refusal.Kind
        /// The client's number.
        var client: UInt32
    }

    fileprivate struct Count: Sendable {
        var windowStart: UInt64
        var reported = 0
        var leftOut: UInt64 = 0
        /// The last that was reported.
        var sample: ProxyEvent?
    }

    private var counts: [Key: Count] = [:]

    /// Nothing is remembered, so there is nothing to sweep.
    package var isEmpty: Bool { counts.isEmpty }

    /// Reports a refusal, or counts it: `event` is made only if it is reported.
    mutating func add(_ key: Key, now: UInt64, to events: inout [ProxyEvent], _ event: () -> ProxyEvent) {
        var key = key
        if counts[key] == nil, counts.count >= Self.keyLimit { (key.row, key.client) = (-1, 0) }
        if let event = counts[key, default: Count(windowStart: now)].add(now, event) { events.append(event) }
    }

    /// Forgets kinds that were quiet for a window; of those with refusals that were left out there is one event more, which
    /// stands for the last of them and says how many others there were.
    package mutating func sweep(now: UInt64) -> [ProxyEvent] {
        let quiet = counts.filter { $0.value.isOver(now) }
        for key in quiet.keys { counts[key] = nil }
        return quiet.values.compactMap(\.summary)
    }
}

extension RefusalReports.Count {
    fileprivate func isOver(_ now: UInt64) -> Bool { now &- windowStart >= RefusalReports.window }

    fileprivate mutating func add(_ now: UInt64, _ event: () -> ProxyEvent) -> ProxyEvent? {
        if isOver(now) { (windowStart, reported) = (now, 0) }
        guard reported < RefusalReports.perKey else {
            leftOut += 1
            return nil
        }
        var made = event()
        sample = made
        made.leftOut = leftOut
        reported += 1
        leftOut = 0
        return made
    }

    /// Who was refused in particular is not known any more.
    fileprivate var summary: ProxyEvent? {
        guard leftOut > 0, var event = sample else { return nil }
        event.pid = 0
        event.cgroup = 0
        event.address = nil
        event.leftOut = leftOut - 1
        return event
    }
}
