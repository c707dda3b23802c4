internal import BPF
internal import CBPFShim

/// The content of one map on its way into another that has its place.
final class MapCarriage {
    /// What became more in the old map after it was copied.
    struct Change: Hashable, Sendable {
        /// Of the new map.
        var key: [UInt8]
        /// Which eight bytes of the value.
        var word: Int
        /// In two's complement.
        var amount: UInt64
        /// There shall be no less than the amount, rather than so much more.
        var raises: Bool
    }

    private let from: RawMap
    private let to: RawMap
    private let key: LayoutConversion
    private let value: LayoutConversion
    /// What was copied of a map in which counts go on for a while, by key; those that were zero are missing.
    private(set) var copied: [[UInt8]: [UInt8]]

    /// - Parameter copied: what an agent before this one has copied already.
    init(
        from: consuming RawMap, to: consuming RawMap, key: LayoutConversion, value: LayoutConversion,
        copied: [[UInt8]: [UInt8]] = [:]
    ) {
        self.copied = copied
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
        let wide = RawMap.stride(of: Int(to.shape.valueSize))
        var result: [UInt8] = []
        for start in starts(bytes) {
            let one = value.convert(Array(bytes[start..<min(start + stride, bytes.count)]))
            result += one + [UInt8](repeating: 0, count: wide - one.count)
        }
        return result
    }

    private var stride: Int { RawMap.stride(of: Int(from.shape.valueSize)) }

    /// Where the value of each processor begins; of a map that has one for all, where that does.
    private func starts(_ bytes: [UInt8]) -> StrideTo<Int> {
        Swift.stride(from: 0, to: from.shape.isPerCPU ? bytes.count : 1, by: stride)
    }

    /// What was counted in the old map since it was copied; to be asked for when no program counts there any more.
    ///
    /// - Parameter rising: the parts that are no counts, and only grow.
    func changes(rising: Set<String>) throws(BPFError) -> [Change] {
        var changes: [Change] = []
        for place in try from.keys() {
            guard let found = try from.lookup(place) else { continue }
            let before = copied[place] ?? [UInt8](repeating: 0, count: found.count)
            guard found != before else { continue }
            for move in value.moves where move.size == 8 {
                let (now, then) = (words(found, move.from), words(before, move.from))
                guard now != then else { continue }
                let raises = rising.contains(move.path)
                let amount = raises ? now.max() ?? 0 : now.reduce(0, &+) &- then.reduce(0, &+)
                if amount != 0 {
                    changes.append(Change(key: key.convert(place), word: move.to / 8, amount: amount, raises: raises))
                }
            }
        }
        return changes
    }

    /// One for each processor.
    private func words(_ bytes: [UInt8], _ offset: Int) -> [UInt64] { starts(bytes).map { Self.word(bytes, $0 + offset) } }

    /// What is missing at the end counts as zero.
    static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | (offset + $1 < bytes.count ? UInt64(bytes[offset + $1]) << UInt64(8 * $1) : 0) }
    }
}

extension MapCarriage {
    /// Brings what was counted since it was copied, while programs count in the new map already.
    ///
    /// - Parameter program: mb_carry() of the object that the new map is of.
    func settle(_ map: PlaneMap, by program: borrowing BPFProgram) throws(BPFError) {
        guard let number = map.carried else { return }
        for change in try changes(rising: map.rising) {
            // What the new map has no room for is lost, as it would have been without the other one.
            _ = try program.run(
                mb_carriage(
                    map: number.rawValue, raises: change.raises ? 1 : 0,
                    key: (Self.word(change.key, 0), Self.word(change.key, 8)), word: UInt64(change.word), amount: change.amount))
        }
    }
}
