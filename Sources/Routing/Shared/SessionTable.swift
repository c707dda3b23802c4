/// Which endpoint a session had last. Eight places for each of 8,192 groups of sessions: a new one takes a free place, or
/// that of the one not seen for longest. One word says all of a session, so no reader sees half of one:
/// 24 bits of its hash (never 0), 24 bits of seconds (when it was seen), 16 bits of the endpoint's number.
struct SessionTable: Sendable {
    private static let ways = 8
    private static let groups = 8_192
    private static let secondsMask: UInt64 = 0xFF_FFFF

    private let words = AtomicWords(count: ways * groups)

    func deallocate() { words.deallocate() }

    /// The endpoint of the session, if it was seen in the last `timeout` nanoseconds.
    func find(_ session: UInt64, timeout: UInt64, now: UInt64) -> EndpointNumber? {
        let first = Self.group(session)
        for index in first..<first + Self.ways {
            let word = words.load(index)
            guard Self.tag(word) == Self.tag(of: session) else { continue }
            return Self.age(word, now) * 1_000_000_000 <= timeout ? Self.number(word) : nil
        }
        return nil
    }

    /// Remembers it, as seen now. Returns the endpoint that it has: another, if another event loop was quicker with a new session.
    @discardableResult
    func remember(_ session: UInt64, _ number: EndpointNumber, now: UInt64) -> EndpointNumber {
        let first = Self.group(session)
        let wanted = Self.word(session, number, now)
        for _ in 0..<Self.ways {
            let index = place(of: session, now)
            let word = words.load(index)
            if word == wanted { return number }
            guard words.exchange(index, word, wanted) else { continue }
            return settle(session, first, index, wanted)
        }
        return number
    }

    /// Two loops may have put the same session in two places; the lower one counts.
    private func settle(_ session: UInt64, _ first: Int, _ index: Int, _ wanted: UInt64) -> EndpointNumber {
        for other in first..<index {
            let word = words.load(other)
            guard Self.tag(word) == Self.tag(of: session) else { continue }
            _ = words.exchange(index, wanted, 0)
            return Self.number(word)
        }
        return Self.number(wanted)
    }

    /// Where the session stands, or a free place, or that of the oldest.
    private func place(of session: UInt64, _ now: UInt64) -> Int {
        let first = Self.group(session)
        var best = first
        var bestAge: UInt64 = 0
        for index in first..<first + Self.ways {
            let word = words.load(index)
            if Self.tag(word) == Self.tag(of: session) { return index }
            let age = word == 0 ? .max : Self.age(word, now) + 1
            if age > bestAge { (best, bestAge) = (index, age) }
        }
        return best
    }

    private static func group(_ session: UInt64) -> Int { Int(session % UInt64(groups)) * ways }

    private static func tag(of session: UInt64) -> UInt64 { max(1, session >> 40) }

    private static func tag(_ word: UInt64) -> UInt64 { word >> 40 }

    private static func number(_ word: UInt64) -> EndpointNumber { EndpointNumber(word & 0xFFFF) }

    private static func seconds(_ now: UInt64) -> UInt64 { now / 1_000_000_000 & secondsMask }

    /// Seconds since it was seen; a clock a little behind another loop's is no age at all.
    private static func age(_ word: UInt64, _ now: UInt64) -> UInt64 {
        let age = (seconds(now) &- (word >> 16)) & secondsMask
        return age > secondsMask / 2 ? 0 : age
    }

    private static func word(_ session: UInt64, _ number: EndpointNumber, _ now: UInt64) -> UInt64 {
        tag(of: session) << 40 | seconds(now) << 16 | UInt64(UInt16(truncatingIfNeeded: number))
    }
}
