internal import BPF
import Glibc

/// What stood in the maps in which programs count when it was copied into maps of another layout.
///
/// It is pinned beside the former maps until what was counted there meanwhile has been brought over: an agent that is killed
/// before leaves it to the next one, or a model would have too many connections open for ever, or too few.
struct CopiedCounts: Hashable, Sendable {
    /// Values by key; those that were zero are missing.
    var maps: [PlaneMap: [[UInt8]: [UInt8]]]

    private static let name = "copied"

    /// nil: nothing is pinned there, or nothing of ours.
    static func read(_ pin: String) throws(BPFError) -> CopiedCounts? {
        try PinnedBytes.read(pin, name: name).flatMap { CopiedCounts($0) }
    }

    /// Nothing may be pinned there.
    func pin(_ path: String) throws(BPFError) { try PinnedBytes.pin(bytes, at: path, name: Self.name) }

    init(_ maps: [PlaneMap: [[UInt8]: [UInt8]]]) { self.maps = maps }

    /// Of each map its name behind the name's length, the sizes of keys and values, the number of entries, and these. A length of
    /// zero ends it.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for (map, entries) in maps.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard let (key, value) = entries.first else { continue }
            bytes.append(UInt8(map.rawValue.utf8.count))
            bytes += map.rawValue.utf8
            for number in [key.count, value.count, entries.count] { bytes += Self.bytes(UInt32(number)) }
            for (key, value) in entries { bytes += key + value }
        }
        return bytes + [0]
    }

    /// nil: they say something else, or end too early.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        maps = [:]
        while let length = rest.popFirst(), length > 0 {
            guard let name = Self.take(Int(length), of: &rest),
                let map = PlaneMap(rawValue: String(decoding: name, as: UTF8.self)),
                let keySize = Self.number(&rest), let valueSize = Self.number(&rest), let count = Self.number(&rest),
                keySize > 0, valueSize > 0, count <= rest.count / (keySize + valueSize)
            else { return nil }
            var entries: [[UInt8]: [UInt8]] = [:]
            for _ in 0..<count {
                guard let key = Self.take(keySize, of: &rest), let value = Self.take(valueSize, of: &rest) else { return nil }
                entries[Array(key)] = Array(value)
            }
            maps[map] = entries
        }
    }

    private static func bytes(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32(8 * $0)) } }

    private static func take(_ count: Int, of rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard count <= rest.count else { return nil }
        defer { rest.removeFirst(count) }
        return rest.prefix(count)
    }

    private static func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
        take(4, of: &rest).map { $0.reversed().reduce(0) { $0 << 8 | Int($1) } }
    }
}
