/// Numbers for names, found by bytes without making a String: open addressing over an FNV-1a hash.
package struct NameTable: Sendable {
    private var slots: [Int32]
    private var hashes: [UInt64] = []
    private var starts: [Int] = [0]
    private var bytes: [UInt8] = []

    package init() {
        slots = Array(repeating: -1, count: 64)
    }

    package init(_ names: some Sequence<String>) {
        self.init()
        for name in names {
            let utf8 = Array(name.utf8)
            _ = insert(utf8.span)
        }
    }

    package var count: Int { hashes.count }

    package func name(_ index: Int) -> String {
        String(decoding: bytes[starts[index]..<starts[index + 1]], as: UTF8.self)
    }

    /// The number of `name`; nil if it is not there.
    package func find(_ name: Span<UInt8>) -> Int? {
        let hash = Self.hash(name)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] >= 0 {
            let index = Int(slots[slot])
            if hashes[index] == hash, equals(index, name) { return index }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// The number of `name`, which is added if it is not there; numbers count up from 0.
    package mutating func insert(_ name: Span<UInt8>) -> Int {
        if let index = find(name) { return index }
        if (hashes.count + 1) * 2 > slots.count { grow() }
        hashes.append(Self.hash(name))
        for index in name.indices { bytes.append(name[index]) }
        starts.append(bytes.count)
        place(hashes.count - 1)
        return hashes.count - 1
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: slots.count * 2)
        for index in hashes.indices { place(index) }
    }

    private mutating func place(_ index: Int) {
        var slot = Int(truncatingIfNeeded: hashes[index]) & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(index)
    }

    private func equals(_ index: Int, _ name: Span<UInt8>) -> Bool {
        let start = starts[index]
        guard starts[index + 1] - start == name.count else { return false }
        for offset in name.indices where bytes[start + offset] != name[offset] { return false }
        return true
    }

    private static func hash(_ name: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in name.indices { hash = (hash ^ UInt64(name[index])) &* 0x100_0000_01B3 }
        return hash
    }
}
