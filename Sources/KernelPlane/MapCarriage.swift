internal import BPF
internal import CBPFShim

/// The content of one map on its way into another that has its place.
final class MapCarriage {
    private let from: RawMap
    private let to: RawMap
    private let key: LayoutConversion
    private let value: LayoutConversion
    /// What was copied of a map whose counts go on in the old one for a while, by key; those that were zero are missing.
    private var copied: [[UInt8]: [UInt8]] = [:]

    init(from: consuming RawMap, to: consuming RawMap, key: LayoutConversion, value: LayoutConversion) {
        self.from = from
        self.to = to
        self.key = key
        self.value = value
    }

    /// Copies everything there is. E2BIG and others: the kernel's, of the new map.
    func copy(remembering: Bool) throws(BPFError) {
        for place in try from.keys() {
            guard let found = try from.lookup(place) else { continue }
            // An array's entries are zero from the beginning.
            if from.shape.isArray, found.allSatisfy({ $0 == 0 }) { continue }
            try to.update(key.convert(place), converted(found))
            if remembering { copied[place] = found }
        }
    }

    /// Of a per-CPU map each processor's value by itself.
    private func converted(_ bytes: [UInt8]) -> [UInt8] {
        guard from.shape.isPerCPU else { return value.convert(bytes) }
        let stride = RawMap.stride(of: Int(from.shape.valueSize))
        let wide = RawMap.stride(of: Int(to.shape.valueSize))
        var result: [UInt8] = []
        for start in Swift.stride(from: 0, to: bytes.count, by: stride) {
            let one = value.convert(Array(bytes[start..<min(start + stride, bytes.count)]))
            result += one + [UInt8](repeating: 0, count: wide - one.count)
        }
        return result
    }

    /// What was counted in the old map since it was copied, for each place in the new one that it belongs to; to be asked for
    /// when no program counts in the old one any more.
    ///
    /// - Parameter add: element, offset in it, and what to add, in two's complement.
    func settle(_ add: (_ index: Int, _ offset: Int, _ amount: UInt64) -> Void) throws(BPFError) {
        for place in try from.keys() {
            guard let found = try from.lookup(place) else { continue }
            let before = copied[place] ?? [UInt8](repeating: 0, count: found.count)
            guard found != before else { continue }
            for move in value.moves where move.size == 8 && !move.path.hasSuffix("_ns") {
                let amount = Self.word(found, move.from) &- Self.word(before, move.from)
                if amount != 0 { add(Int(Self.index(place)), move.to, amount) }
            }
        }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    private static func index(_ key: [UInt8]) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(key[$1]) << UInt32(8 * $1) }
    }
}
