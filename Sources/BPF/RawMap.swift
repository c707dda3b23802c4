internal import CBPFShim
import Glibc

/// A map as bytes, for what does not depend on what they mean.
package struct RawMap: ~Copyable, Sendable {
    package let name: String
    package let shape: MapShape
    private let descriptor: Descriptor

    package init(_ descriptor: consuming Descriptor, name: String) throws(BPFError) {
        shape = try MapFacts(descriptor: descriptor.raw, object: name).shape
        self.name = name
        self.descriptor = descriptor
    }

    /// Bytes that a look-up yields: of a per-CPU map the values of all possible CPUs, each in a multiple of eight bytes.
    package func lookupSize() throws(BPFError) -> Int {
        let size = Int(shape.valueSize)
        guard shape.isPerCPU else { return size }
        let cpus = try BPFError.check(libbpf_num_possible_cpus(), "count CPUs for", name)
        return Int(cpus) * Self.stride(of: size)
    }

    package static func stride(of size: Int) -> Int { (size + 7) & ~7 }

    /// nil: no such entry.
    package func lookup(_ key: [UInt8]) throws(BPFError) -> [UInt8]? {
        precondition(key.count == Int(shape.keySize), "a key of the map's size")
        var value = [UInt8](repeating: 0, count: try lookupSize())
        let result = bpf_map_lookup_elem(descriptor.raw, key, &value)
        let errno = Glibc::errno
        if result >= 0 { return value }
        if errno == ENOENT { return nil }
        throw BPFError(operation: "look up in map", object: name, errno: errno)
    }

    package func update(_ key: [UInt8], _ value: [UInt8]) throws(BPFError) {
        precondition(key.count == Int(shape.keySize), "a key of the map's size")
        let wanted = try lookupSize()
        precondition(value.count == wanted, "a value of the map's size")
        _ = try BPFError.check(bpf_map_update_elem(descriptor.raw, key, value, 0), "update map", name)
    }

    /// The keys there are: of a map that changes meanwhile perhaps one twice, or one not.
    package func keys() throws(BPFError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        var next = [UInt8](repeating: 0, count: Int(shape.keySize))
        for _ in 0..<max(1, shape.maxEntries) {
            let result = bpf_map_get_next_key(descriptor.raw, keys.last, &next)
            let errno = Glibc::errno
            if result < 0, errno == ENOENT { break }
            if result < 0 { throw BPFError(operation: "list the keys of map", object: name, errno: errno) }
            keys.append(next)
        }
        return keys
    }
}
