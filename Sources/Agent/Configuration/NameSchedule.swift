/// When which host name is looked up again. Pure: time is nanoseconds of any steady clock.
///
/// A name is asked for again when what the name server said of it has run out, between 1 s and an hour; after 30 s where
/// nobody said so (it may come from a file), and 1 s after nobody answered, which takes a few. A tenth of jitter keeps the names apart.
struct NameSchedule: Sendable {
    static let period: UInt64 = 30_000_000_000
    static let retry: UInt64 = 1_000_000_000
    static let lifetimes: ClosedRange<UInt64> = 1_000_000_000...3_600_000_000_000

    private var next: [String: UInt64] = [:]
    private var underWay: Set<String> = []
    private var random: SplitMix

    init(seed: UInt64 = SystemRandomNumberGenerator.seed) { random = SplitMix(state: seed) }

    /// Of these names, each once, those to look up now; each is then still to be `finished`. The others are forgotten.
    mutating func due(_ names: [String], now: UInt64) -> [String] {
        let wanted = Set(names)
        next = next.filter { wanted.contains($0.key) }
        let due = names.filter { !underWay.contains($0) && next[$0] ?? 0 <= now }
        underWay.formUnion(due)
        return due
    }

    /// A name was looked up, by whomever.
    ///
    /// - Parameter seconds: for so long the answer holds; nil: nobody said.
    mutating func finished(_ name: String, succeeded: Bool, seconds: UInt32? = nil, now: UInt64) {
        let lifetime = seconds.map { min(max(UInt64($0) * 1_000_000_000, Self.lifetimes.lowerBound), Self.lifetimes.upperBound) }
        let wait = succeeded ? lifetime ?? Self.period : Self.retry
        underWay.remove(name)
        next[name] = now + wait - wait / 10 + random.next() % (wait / 5)
    }
}
