internal import Catalog

/// Every API key of a configuration, found by its text.
struct KeyIndex: Sendable {
    private struct Entry {
        let id: [UInt8]
        let client: Int
        let key: APIKey
    }

    /// Sorted by id.
    private let entries: [Entry]
    /// Salts that keys share, each with the beginnings of its keys' digests, sorted, and the numbers of their entries.
    private let shared: [(salt: [UInt8], digests: [(beginning: UInt64, entry: Int)])]

    var isEmpty: Bool { entries.isEmpty }

    /// - Parameter keys: of two with the same id, or the same text, the first counts.
    init(_ keys: [(client: Int, key: APIKey)]) {
        var known: Set<String> = []
        let usable = keys.filter { $0.key.digest.count == KeyDigest.size && known.insert($0.key.id).inserted }
        let entries = usable.map { Entry(id: Array($0.key.id.utf8), client: $0.client, key: $0.key) }
            .sorted { $0.id.lexicographicallyPrecedes($1.id) }
        self.entries = entries
        let order = Dictionary(usable.enumerated().map { ($1.key.id, $0) }, uniquingKeysWith: { first, _ in first })
        let numbers = entries.indices.filter { entries[$0].key.salt.count != KeyDigest.ownSaltSize }
        shared = Dictionary(grouping: numbers) { entries[$0].key.salt }.map { salt, numbers in
            let first = numbers.sorted { (order[entries[$0].key.id] ?? 0) < (order[entries[$1].key.id] ?? 0) }
            var digests: [(beginning: UInt64, entry: Int)] = []
            for number in first {
                let beginning = Self.beginning(entries[number].key.digest)
                if !digests.contains(where: { $0.beginning == beginning }) { digests.append((beginning, number)) }
            }
            return (salt, digests.sorted { $0.beginning < $1.beginning })
        }
    }

    func id(_ index: Int) -> String { entries.indices.contains(index) ? entries[index].key.id : "" }

    /// - Parameter epoch: seconds since 1970.
    func find(_ key: Span<UInt8>, epoch: Int64) -> KeyFinding {
        guard key.count >= KeyText.minimumLength, key.count <= KeyText.maximumLength else { return .unknown }
        guard let index = made(key) ?? referred(key) else { return .unknown }
        let entry = entries[index]
        if let notBefore = entry.key.notBefore, epoch < notBefore { return .early(index) }
        if let expires = entry.key.expires, epoch >= expires { return .expired(index) }
        return .client(entry.client, keyIndex: index)
    }

    /// The key with the id that stands in `key`, if it is that key.
    private func made(_ key: Span<UInt8>) -> Int? {
        guard let id = KeyText.id(in: key), let index = entry(of: key.extracting(id)) else { return nil }
        let kept = entries[index].key
        let digest = KeyDigest.digest(salt: kept.salt.span, key: key)
        return KeyDigest.isEqual(digest, kept.digest) ? index : nil
    }

    /// The key with this text, of those that share a salt. The search tells by its time how far digests agree; without the
    /// salt nobody can make use of that.
    private func referred(_ key: Span<UInt8>) -> Int? {
        for group in shared {
            let salt = group.salt
            let digest = KeyDigest.digest(salt: salt.span, key: key)
            let wanted = Self.beginning(digest)
            let place = Self.firstIndex(group.digests.count) { group.digests[$0].beginning >= wanted }
            guard place < group.digests.count, group.digests[place].beginning == wanted else { continue }
            let index = group.digests[place].entry
            if KeyDigest.isEqual(digest, entries[index].key.digest) { return index }
        }
        return nil
    }

    private func entry(of id: Span<UInt8>) -> Int? {
        let place = Self.firstIndex(entries.count) { !Self.precedes(entries[$0].id, id) }
        guard place < entries.count else { return nil }
        let found = entries[place].id
        return KeyDigest.isEqual(found.span, id) ? place : nil
    }

    private static func precedes(_ left: [UInt8], _ right: Span<UInt8>) -> Bool {
        for index in 0..<min(left.count, right.count) where left[index] != right[index] { return left[index] < right[index] }
        return left.count < right.count
    }

    private static func beginning(_ digest: [UInt8]) -> UInt64 {
        digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func beginning(_ digest: KeyDigest.Value) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<8 { word = word << 8 | UInt64(digest[index]) }
        return word
    }

    /// The first of `count` places for which `holds`, which holds for all behind it, too.
    private static func firstIndex(_ count: Int, _ holds: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
