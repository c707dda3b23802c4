internal import CBrokerABI
internal import Catalog
internal import Synchronization

/// The sessions, and the addresses, that this process has seen lately, each with its rates, its requests under way and how
/// many it had in all: two tables of a fixed size, shared by the event loops. What has been silent for half an hour is
/// forgotten; where there is no room, what has been silent longest. What has requests under way is never forgotten.
package final class SessionBook: Sendable {
    let sessions: SessionShelf
    let addresses: SessionShelf

    /// - Parameters:
    ///   - entries: of each table; a power of two, at least 8.
    ///   - seed: makes it impossible to choose names that meet in one place.
    package init(entries: Int = 1 << 16, seed: UInt64 = .random(in: 1 ... .max)) {
        sessions = SessionShelf(entries: entries, seed: seed)
        addresses = SessionShelf(entries: entries, seed: seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// No request is under way.
    package var isIdle: Bool { sessions.isIdle && addresses.isIdle }
}

/// One table: sets of eight entries, each one cache line of words.
final class SessionShelf: Sendable {
    /// Nanoseconds after which a silent session is forgotten.
    static let lifetime: UInt64 = 1_800_000_000_000
    private static let ways = 8
    private static let words = 8
    /// Requests under way have the lower 16 bits of an entry's first word; who it is has the others.
    private static let active: UInt64 = 0xFFFF
    /// Requests that one entry can have under way.
    static let mostActive: UInt64 = 0xFFFF

    /// Words of an entry: who and how many under way; when it was last seen; requests in all; four rates.
    private static let seen = 1
    private static let total = 2
    private static let rates = 3

    private let memory: ZeroedMemory
    private let setMask: UInt64
    private let seed: UInt64
    /// Held while an entry changes hands, which happens once in a session's life.
    private let changing = Mutex(())

    init(entries: Int, seed: UInt64) {
        precondition(entries >= Self.ways && entries & (entries - 1) == 0, "no power of two")
        memory = ZeroedMemory(size: entries * Self.words * 8)
        setMask = UInt64(entries / Self.ways - 1)
        self.seed = seed
    }

    var isIdle: Bool {
        (0..<Int(setMask + 1) * Self.ways).allSatisfy { load($0, 0) & Self.active == 0 }
    }

    // MARK: - Entries

    /// A name of 64 bits for what a client's and two more words name.
    func key(_ client: UInt64, _ first: UInt64, _ second: UInt64 = 0) -> UInt64 {
        var key = Self.mixed(seed ^ client)
        key = Self.mixed(key ^ first)
        return Self.mixed(key &+ second)
    }

    enum Entry: Hashable {
        /// Where it is, with one request more under way now, so that it stays.
        case entered(Int)
        /// As many as may be are under way.
        case full
        /// Everybody who could make room has requests under way.
        case noRoom
    }

    func key(_ client: UInt64, _ address: IPAddress) -> UInt64 {
        key(client &+ UInt64(address.family.rawValue), address.high, address.low)
    }

    /// Lets one request in under this name, if no more than `limit` are then under way.
    func enter(_ key: UInt64, upTo limit: UInt64, now: UInt64) -> Entry {
        if let entry = join(key, limit, now) { return entry }
        return changing.withLock { _ in join(key, limit, now) ?? open(key, limit, now) }
    }

    /// The request that entered is over.
    func leave(_ index: Int, now: UInt64) {
        store(index, Self.seen, max(load(index, Self.seen), now))
        _ = mb_word_add(word(index, 0), UInt64(bitPattern: -1))
    }

    /// Without entering; nil: it is not there.
    func find(_ key: UInt64, now: UInt64) -> Int? {
        let tag = Self.tag(key)
        for index in ways(of: key) where load(index, 0) & ~Self.active == tag { return isStale(index, now) ? nil : index }
        return nil
    }

    /// nil: there is no entry, or it is stale.
    private func join(_ key: UInt64, _ limit: UInt64, _ now: UInt64) -> Entry? {
        let tag = Self.tag(key)
        for index in ways(of: key) {
            var old = load(index, 0)
            while old & ~Self.active == tag {
                let active = old & Self.active
                if active == 0, isStale(index, now) { return nil }
                guard active < min(limit, Self.active) else { return .full }
                if mb_word_swap(word(index, 0), old, old + 1) != 0 {
                    store(index, Self.seen, max(load(index, Self.seen), now))
                    return .entered(index)
                }
                old = load(index, 0)
            }
        }
        return nil
    }

    /// Makes an entry for the name, in the place of its own stale one or of another's. Only ever by one thread at a time.
    private func open(_ key: UInt64, _ limit: UInt64, _ now: UInt64) -> Entry {
        guard limit > 0 else { return .full }
        let tag = Self.tag(key)
        while let (index, old) = victim(of: key, tag) {
            // An entry that somebody has joined meanwhile stays his.
            guard mb_word_swap(word(index, 0), old, 0) != 0 else { continue }
            for place in Self.seen..<Self.words { store(index, place, 0) }
            store(index, Self.seen, now)
            store(index, 0, tag | 1)
            return .entered(index)
        }
        return .noRoom
    }

    /// Its own stale entry, an empty one, or the one that has been silent longest.
    private func victim(of key: UInt64, _ tag: UInt64) -> (index: Int, old: UInt64)? {
        var best: (index: Int, old: UInt64, seen: UInt64)?
        for index in ways(of: key) {
            let old = load(index, 0)
            guard old & Self.active == 0 else { continue }
            if old == tag { return (index, old) }
            let seen = old == 0 ? 0 : load(index, Self.seen)
            if best.map({ seen < $0.seen }) ?? true { best = (index, old, seen) }
        }
        return best.map { ($0.index, $0.old) }
    }

    private func isStale(_ index: Int, _ now: UInt64) -> Bool {
        let seen = load(index, Self.seen)
        return now > seen && now - seen > Self.lifetime
    }

    // MARK: - What an entry counts

    /// The rate of one measure.
    func rate(_ index: Int, _ measure: SessionMeasure) -> RateCell {
        RateCell(memory: word(index, Self.rates + measure.rawValue))
    }

    /// Counts one more request in the session's life, if that makes no more than `limit`.
    func count(_ index: Int, upTo limit: UInt64) -> Bool {
        while true {
            let old = load(index, Self.total)
            guard old < limit else { return false }
            if mb_word_swap(word(index, Self.total), old, old + 1) != 0 { return true }
        }
    }

    /// One less: it did not come about.
    func uncount(_ index: Int) {
        _ = mb_word_add(word(index, Self.total), UInt64(bitPattern: -1))
    }

    // MARK: - Words

    private func ways(of key: UInt64) -> Range<Int> {
        let set = Int(key & setMask)
        return set * Self.ways..<(set + 1) * Self.ways
    }

    /// Never 0, which is nobody.
    private static func tag(_ key: UInt64) -> UInt64 { key & ~active == 0 ? active + 1 : key & ~active }

    private func word(_ index: Int, _ place: Int) -> UnsafeMutablePointer<UInt64> {
        (memory.start + (index * Self.words + place) * 8).assumingMemoryBound(to: UInt64.self)
    }

    private func load(_ index: Int, _ place: Int) -> UInt64 { mb_word_load(word(index, place)) }

    private func store(_ index: Int, _ place: Int, _ value: UInt64) { mb_word_store(word(index, place), value) }

    /// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// The rates that a session or an address has.
enum SessionMeasure: Int, CaseIterable {
    case requests = 0
    case tokens = 1
    case inputTokens = 2
    case outputTokens = 3
}
