internal import Configuration

/// Which status is written when. Pure: times are nanoseconds of any steady clock.
///
/// Only what is not written yet is, the longest waiting first, one at a time and not more often than the pace; what cannot be
/// written is tried again after ever longer waits. Where only the use has changed it waits until the last writing of that
/// resource is so long ago as it should be.
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
        var writtenAt: UInt64 = 0
        var failures = 0
        /// When it may be tried.
        var next: UInt64

        /// It has been said how it stands; at most the use is another.
        var hasVerdict: Bool {
            var settled = written
            settled?.use = wanted.use
            return settled == wanted
        }
    }

    private var entries: [ResourceKey: Entry] = [:]
    private var underWay: (key: ResourceKey, status: ResourceStatus)?
    private var nextAtAll: UInt64 = 0
    /// Between two writings of one resource where nothing but its use changes.
    private var interval: UInt64 = 60_000_000_000
    private var random: SplitMix

    init(seed: UInt64 = SystemRandomNumberGenerator.seed) { random = SplitMix(state: seed) }

    /// From now on these are the verdicts. What has not changed since it was written stays as it is.
    ///
    /// - Parameters:
    ///   - spread: the first writing of each waits for half of it up to all of it, by chance: all nodes hear of a resource at
    ///     once, and what is heard first may not be all.
    ///   - time: RFC 3339.
    mutating func adopt(
        _ verdicts: [(key: ResourceKey, verdict: ResourceVerdict, generation: Int64)], spread: UInt64, time: String, now: UInt64
    ) {
        var next: [ResourceKey: Entry] = [:]
        for (key, verdict, generation) in verdicts {
            guard var entry = entries[key] else {
                next[key] = Entry(
                    wanted: .init(verdict: verdict, generation: generation, since: time), next: now + delay(spread))
                continue
            }
            let isTurn = entry.wanted.verdict.isAccepted != verdict.isAccepted
            let since = isTurn ? time : entry.wanted.since
            let use = verdict.isAccepted ? entry.wanted.use : nil
            let status = ResourceStatus(verdict: verdict, generation: generation, since: since, use: use)
            if status != entry.wanted {
                entry.wanted = status
                entry.failures = 0
                entry.next = now + delay(spread)
            }
            next[key] = entry
        }
        entries = next
    }

    private mutating func delay(_ spread: UInt64) -> UInt64 {
        spread == 0 ? 0 : spread / 2 + random.next() % (spread - spread / 2)
    }

    /// From now on this is the use that is made of the resources; of those that are missing it is not known.
    ///
    /// - Parameter interval: between two writings of one resource for that.
    mutating func observe(_ uses: [ResourceKey: ResourceUse], interval: UInt64) {
        self.interval = interval
        for (key, use) in uses {
            guard var entry = entries[key], entry.wanted.verdict.isAccepted, entry.wanted.use != use else { continue }
            // That nobody has used it yet goes without saying.
            guard !use.isNothing || entry.wanted.use != nil else { continue }
            let isSettled = entry.wanted == entry.written
            entry.wanted.use = use
            if isSettled { entry.next = entry.writtenAt + interval }
            entries[key] = entry
        }
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
            (entry.written, entry.writtenAt) = (status, now)
            entry.failures = 0
            if entry.hasVerdict { entry.next = now + interval }
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
