/// When which host name is looked up again. Pure: time is nanoseconds of any steady clock.
///
/// getaddrinfo(3) does not tell how long an answer holds, and a name may come from a file as well as from a server, so every
/// name is asked for again after 30 s, and after 5 s while nobody answers; a tenth of jitter keeps the names apart.
struct NameSchedule: Sendable {
    static let period: UInt64 = 30_000_000_000
    static let retry: UInt64 = 5_000_000_000

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
    mutating func finished(_ name: String, succeeded: Bool, now: UInt64) {
        let wait = succeeded ? Self.period : Self.retry
        underWay.remove(name)
        next[name] = now + wait - wait / 10 + random.next() % (wait / 5)
    }
}
