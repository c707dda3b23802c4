import BPF
import CBPFShim

@testable import KernelPlane

/// Puts as many keys into `refusals` as it takes.
func fillRefusals(_ ground: TestGround) throws {
    guard let pin = try Pin.open(ground.location.pinDirectory + "/maps/refusals") else { throw Failure("no refusals") }
    let map = try BPFMap<mb_refusal_key, UInt64>(pin, name: "refusals")
    for client in 0..<UInt32(MB_MAX_REFUSALS) {
        try map.update(mb_refusal_key(model: 4000, client: client, reason: 1), 1)
    }
}

extension RawMap {
    /// Values that an entry has: of a per-CPU map one for each processor.
    var processors: Int { get throws { try lookupSize() / Self.stride(of: Int(shape.valueSize)) } }

    /// Makes each part of an entry `base` and its place among `parts`, on each processor.
    func fill(_ key: [UInt8], _ base: UInt64, _ layout: MapLayout, _ parts: [String]) throws {
        var bytes = [UInt8](repeating: 0, count: try lookupSize())
        for start in starts(bytes) {
            for leaf in layout.value {
                guard let place = parts.firstIndex(of: leaf.path) else { continue }
                let amount = base + UInt64(place)
                for byte in 0..<8 { bytes[start + leaf.offset + byte] = UInt8(truncatingIfNeeded: amount >> UInt64(8 * byte)) }
            }
        }
        try update(key, bytes)
    }

    /// The parts of an entry by their names, each added up over the processors.
    func sums(_ key: [UInt8], _ layout: MapLayout) throws -> [String: UInt64] {
        guard let bytes = try lookup(key) else { throw Failure("\(name) has no entry \(key)") }
        let sums = layout.value.map { leaf in
            (leaf.path, starts(bytes).reduce(0) { $0 + MapCarriage.word(bytes, $1 + leaf.offset) })
        }
        return Dictionary(uniqueKeysWithValues: sums)
    }

    private func starts(_ bytes: [UInt8]) -> StrideTo<Int> {
        Swift.stride(from: 0, to: bytes.count, by: Self.stride(of: Int(shape.valueSize)))
    }
}
