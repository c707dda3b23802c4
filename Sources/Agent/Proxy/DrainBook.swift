/// The proxies that have been replaced and drain: until when each may. Pure.
struct DrainBook: Sendable {
    typealias Instant = ContinuousClock.Instant

    struct Entry: Hashable, Sendable {
        let pid: Int32
        /// When it ends by itself at the latest.
        var until: Instant
        /// It was killed; its end is awaited.
        var isKilled = false
    }

    /// So many drain at once. By hand no more are made; when one more has to come nevertheless, the oldest is killed.
    static let limit = 8
    /// How long one may take to end by itself after its deadline.
    static let grace = Duration.seconds(2)

    /// The oldest first.
    private(set) var entries: [Entry] = []

    /// When `overdue` has something to say; nil: not before an event.
    var deadline: Instant? { entries.filter { !$0.isKilled }.map { $0.until + Self.grace }.min() }

    var isFull: Bool { entries.count { !$0.isKilled } >= Self.limit }

    func contains(_ pid: Int32) -> Bool { entries.contains { $0.pid == pid } }

    /// Takes one in, or learns of one that is known until when it drains.
    ///
    /// - Returns: those that are to be killed for it.
    mutating func add(_ pid: Int32, until: Instant) -> [Int32] {
        if let index = entries.firstIndex(where: { $0.pid == pid }) {
            if !entries[index].isKilled { entries[index].until = until }
            return []
        }
        entries.append(Entry(pid: pid, until: until))
        let alive = entries.filter { !$0.isKilled }
        return killed(alive.dropLast(Self.limit).map(\.pid))
    }

    mutating func remove(_ pid: Int32) { entries.removeAll { $0.pid == pid } }

    /// Those that have not ended in time, and are to be killed.
    mutating func overdue(now: Instant) -> [Int32] {
        killed(entries.filter { !$0.isKilled && now >= $0.until + Self.grace }.map(\.pid))
    }

    private mutating func killed(_ pids: [Int32]) -> [Int32] {
        for index in entries.indices where pids.contains(entries[index].pid) { entries[index].isKilled = true }
        return pids
    }
}
