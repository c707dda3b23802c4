internal import BPF
internal import CBPFShim
import Glibc

/// Bytes that stay under a path on a BPF file system: as a map, since nothing else can be there.
enum PinnedBytes {
    /// Bytes of one entry.
    static let chunk = 1 << 16
    /// Bytes that are taken at most.
    static let limit = 64 << 20

    /// What is pinned there, with zeros behind it; nil: nothing is, or something else.
    static func read(_ pin: String, name: String) throws(BPFError) -> [UInt8]? {
        guard let pinned = try Pin.open(pin) else { return nil }
        let map = try RawMap(pinned, name: name)
        let shape = map.shape
        guard shape.isArray, !shape.isPerCPU, shape.keySize == 4, shape.valueSize == UInt32(chunk),
            Int(shape.maxEntries) <= limit / chunk
        else { return nil }
        var bytes: [UInt8] = []
        for index in 0..<shape.maxEntries {
            guard let part = try map.lookup(key(index)) else { return nil }
            bytes += part
        }
        return bytes
    }

    /// Nothing may be pinned there. E2BIG: more than `limit`.
    static func pin(_ bytes: [UInt8], at path: String, name: String) throws(BPFError) {
        guard bytes.count <= limit else { throw BPFError(operation: "pin \(name) at", object: path, errno: E2BIG) }
        let count = UInt32(max(1, (bytes.count + chunk - 1) / chunk))
        let raw = bpf_map_create(BPF_MAP_TYPE_ARRAY, "mb_\(name)", 4, UInt32(chunk), count, nil)
        let made = Descriptor(owning: try BPFError.check(raw, "make map", "mb_\(name)"))
        let map = try RawMap(try Descriptor.duplicate(of: made.raw, for: path), name: name)
        for index in 0..<count {
            let part = bytes.dropFirst(Int(index) * chunk).prefix(chunk)
            try map.update(key(index), part + [UInt8](repeating: 0, count: chunk - part.count))
        }
        try Pin.make(made.raw, at: path)
    }

    private static func key(_ index: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: index >> UInt32(8 * $0)) } }
}
