internal import Configuration

/// Which status is written when. Pure: times are nanoseconds of any steady clock.
///
/// Only what is not written yet is, the longest waiting first, one at a time and not more often than the pace; what cannot be
/// written is tried again after ever longer waits.
struct StatusSchedule: Sendable {
    /// Between two requests, so that a hundred nodes with a hundred resources are no burden.
    static let pace: UInt64 = 100_000_000
    static let firstWait: UInt64 = 1_000_000_000
    static let longestWait: UInt64 = 300_000_000_000

    /// What became of a request.
    enum Outcome: Sendable {
        case written
        /// There is no such resource any more.
        case gone
        case failed
    }

    private struct Entry: Sendable {
        var wanted: ResourceStatus
        var written: ResourceStatus?
        var failures = 0
        /// When it may be tried.
        var next: UInt64
    }

    private var entries: [ResourceKey: Entry] = [:]
    private var underWay: (key: ResourceKey, status: ResourceStatus)?
    private var nextAtAll: UInt64 = 0
    private var random: SplitMix

    init(seed: UInt64 = SystemRandomNumberGenerator.seed) { random = SplitMix(state: seed) }

    /// From now on these are the verdicts. What has not changed since it was written stays as it is.
    ///
    /// - Parameters:
    ///   - spread: the first writing of each waits for up to so long by chance: all nodes hear of a resource at once.
    ///   - time: RFC 3339.
    mutating func adopt(
        _ verdicts: [(key: ResourceKey, verdict: ResourceVerdict, generation: Int64)], spread: UInt64, time: String, now: UInt64
    ) {
        var next: [ResourceKey: Entry] = [:]
        for (key, verdict, generation) in verdicts {
            guard var entry = entries[key] else {
                let start = now + (spread == 0 ? 0 : random.next() % spread)
                next[key] = Entry(wanted: .init(verdict: verdict, generation: generation, since: time), next: start)
                continue
            }
            let isTurn = entry.wanted.verdict.isAccepted != verdict.isAccepted
            let since = isTurn ? time : entry.wanted.since
            let status = ResourceStatus(verdict: verdict, generation: generation, since: since)
            if status != entry.wanted {
                entry.wanted = status
                entry.failures = 0
                entry.next = now + (spread == 0 ? 0 : random.next() % spread)
            }
            next[key] = entry
        }
        entries = next
    }

    /// The next to write; nil: none now. It is then still to be `finished`.
    mutating func begin(now: UInt64) -> (key: ResourceKey, status: ResourceStatus)? {
        guard underWay == nil, nextAtAll <= now else { return nil }
        let due = entries.filter { $0.value.written != $0.value.wanted && $0.value.next <= now }
        guard let (key, entry) = due.min(by: { ($0.value.next, $0.key) < ($1.value.next, $1.key) }) else { return nil }
        underWay = (key, entry.wanted)
        return underWay
    }

    mutating func finished(_ outcome: Outcome, now: UInt64) {
        guard let (key, status) = underWay else { return }
        underWay = nil
        nextAtAll = now + Self.pace
        guard var entry = entries[key] else { return }
        switch outcome {
        case .written:
            entry.written = status
            entry.failures = 0
        // The watch will say so, too.
        case .gone: entry.written = entry.wanted
        case .failed:
            entry.failures += 1
            let whole = min(Self.longestWait, Self.firstWait << UInt64(min(entry.failures - 1, 12)))
            entry.next = now + whole / 2 + random.next() % (whole / 2 + 1)
        }
        entries[key] = entry
    }

    /// When there may be something to do; nil: there is nothing.
    var wake: UInt64? {
        guard underWay == nil else { return nil }
        return entries.values.filter { $0.written != $0.wanted }.map { max($0.next, nextAtAll) }.min()
    }
}
