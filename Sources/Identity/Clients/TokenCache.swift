internal import Crypto

/// What tokens turned out to be, so that each is checked once in a while and not with each request. Bounded: a set-associative
/// table, of whose places each token has four.
package struct TokenCache: Sendable {
    /// What stands for a token: its SHA-256.
    package struct Key: Hashable, Sendable {
        fileprivate let words: InlineArray<4, UInt64>

        package init(_ token: Span<UInt8>) {
            var hash = SHA256()
            token.withUnsafeBytes { hash.update(bufferPointer: $0) }
            words = hash.finalize().withUnsafeBytes { bytes in
                InlineArray { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
            }
        }

        package static func == (left: Key, right: Key) -> Bool {
            (0..<4).allSatisfy { left.words[$0] == right.words[$0] }
        }

        package func hash(into hasher: inout Hasher) { hasher.combine(words[0]) }
    }

    private struct Place {
        var key: Key
        var finding: TokenFinding
        /// Seconds since 1970 at which it was found. It does not hold earlier: a clock that was ahead, and is set back, was wrong.
        var start: Int64
        /// At this time it no longer holds.
        var end: Int64

        func holds(at epoch: Int64) -> Bool { start <= epoch && epoch < end }
    }

    /// Seconds for which a finding holds.
    package static let lifetime: Int64 = 300
    package static let faultLifetime: Int64 = 5
    private static let ways = 4

    private var places: [Place?]

    /// - Parameter limit: findings that it holds; rounded up to a power of two.
    package init(limit: Int = 4_096) {
        var count = Self.ways
        while count < limit { count *= 2 }
        places = Array(repeating: nil, count: count)
    }

    /// nil: it has to be checked.
    /// - Parameter epoch: seconds since 1970.
    package func find(_ key: Key, epoch: Int64) -> TokenFinding? {
        for index in set(key) {
            if let place = places[index], place.key == key { return place.holds(at: epoch) ? place.finding : nil }
        }
        return nil
    }

    /// Remembers what was found at `epoch`. Where there is no room, what no longer holds goes first, then a token that was
    /// refused, and one that was not goes only for another such.
    package mutating func insert(_ key: Key, _ finding: TokenFinding, epoch: Int64) {
        let place = Place(key: key, finding: finding, start: epoch, end: Self.end(finding, epoch))
        let own = set(key).first { places[$0]?.key == key }
        guard let index = own ?? set(key).min(by: { worth($0, epoch) < worth($1, epoch) }) else { return }
        guard own != nil || worth(index, epoch).rank <= Self.rank(finding) else { return }
        places[index] = place.end > epoch ? place : nil
    }

    private func worth(_ index: Int, _ epoch: Int64) -> (rank: Int, end: Int64) {
        guard let place = places[index], place.holds(at: epoch) else { return (0, 0) }
        return (Self.rank(place.finding), place.end)
    }

    private static func rank(_ finding: TokenFinding) -> Int {
        if case .refused = finding { return 1 }
        return 2
    }

    package mutating func clear() {
        for index in places.indices { places[index] = nil }
    }

    private func set(_ key: Key) -> Range<Int> {
        let first = Int(truncatingIfNeeded: key.words[0]) & (places.count - 1) & ~(Self.ways - 1)
        return first..<first + Self.ways
    }

    private static func end(_ finding: TokenFinding, _ epoch: Int64) -> Int64 {
        switch finding {
        case .client(_, let until): min(until, epoch + lifetime)
        case .refused: epoch + faultLifetime
        }
    }
}
