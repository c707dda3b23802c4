internal import CBPFShim
import Glibc

/// A map with keys and values of fixed C layouts. (Imported C structures do not conform to BitwiseCopyable and cannot be
/// made to, so `init` checks that both types are plain bytes.)
package struct BPFMap<Key, Value>: ~Copyable, Sendable {
    /// What `update` does about an entry that exists or does not.
    package enum UpdateMode: UInt64, Sendable { case any = 0, create = 1, replace = 2 }

    package let name: String
    package let facts: MapFacts
    private let descriptor: Descriptor

    /// Takes over a map's descriptor; EINVAL if keys or values have other sizes than `Key` and `Value`.
    package init(_ descriptor: consuming Descriptor, name: String) throws(BPFError) {
        precondition(_isPOD(Key.self) && _isPOD(Value.self), "map entries are plain bytes")
        let facts = try MapFacts(descriptor: descriptor.raw, object: name)
        guard
            Int(facts.shape.keySize) == MemoryLayout<Key>.size, Int(facts.shape.valueSize) == MemoryLayout<Value>.size
        else { throw BPFError(operation: "use map", object: "\(name) (\(facts.shape))", errno: EINVAL) }
        self.name = name
        self.facts = facts
        self.descriptor = descriptor
    }

    /// For handing to other processes; the map owns it.
    package var rawDescriptor: Int32 { descriptor.raw }

    /// nil: no such entry.
    package func lookup(_ key: Key) throws(BPFError) -> Value? {
        precondition(!facts.shape.isPerCPU, "a per-CPU map has many values for a key")
        let buffer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        defer { buffer.deallocate() }
        let raw = descriptor.raw
        let found = try call("look up in map", key) { bpf_map_lookup_elem(raw, $0, buffer) }
        return found ? buffer.pointee : nil
    }

    /// One value for each possible CPU; empty: no such entry.
    package func lookupPerCPU(_ key: Key) throws(BPFError) -> [Value] {
        let (cpus, stride) = try perCPULayout()
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: cpus * stride, alignment: 8)
        defer { buffer.deallocate() }
        let raw = descriptor.raw
        guard try call("look up in map", key, { bpf_map_lookup_elem(raw, $0, buffer) }) else { return [] }
        return (0..<cpus).map { (buffer + $0 * stride).load(as: Value.self) }
    }

    package func update(_ key: Key, _ value: Value, mode: UpdateMode = .any) throws(BPFError) {
        let raw = descriptor.raw
        let (result, errno) = withUnsafeBytes(of: value) { value in
            Self.run(key) { bpf_map_update_elem(raw, $0, value.baseAddress, mode.rawValue) }
        }
        guard result < 0 else { return }
        throw BPFError(operation: "update map", object: name, errno: errno)
    }

    /// Sets the same value on every CPU.
    package func updatePerCPU(_ key: Key, _ value: Value) throws(BPFError) {
        let (cpus, stride) = try perCPULayout()
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: cpus * stride, alignment: 8)
        defer { buffer.deallocate() }
        for cpu in 0..<cpus { (buffer + cpu * stride).storeBytes(of: value, as: Value.self) }
        let raw = descriptor.raw
        let (result, errno) = Self.run(key) { bpf_map_update_elem(raw, $0, buffer, 0) }
        guard result < 0 else { return }
        throw BPFError(operation: "update map", object: name, errno: errno)
    }

    /// True if the entry was there.
    @discardableResult
    package func remove(_ key: Key) throws(BPFError) -> Bool {
        let raw = descriptor.raw
        return try call("remove from map", key) { bpf_map_delete_elem(raw, $0) }
    }

    /// The keys there are. The walk starts over when its place is deleted meanwhile, so its length is bounded and a map
    /// that changes may yield a key twice or miss one.
    package func keys() throws(BPFError) -> [Key] {
        var keys: [Key] = []
        try forEachKey { keys.append($0) }
        return keys
    }

    /// The entries there are; see `keys`.
    package func entries() throws(BPFError) -> [(key: Key, value: Value)] {
        var entries: [(key: Key, value: Value)] = []
        for key in try keys() {
            if let value = try lookup(key) { entries.append((key, value)) }
        }
        return entries
    }

    private func forEachKey(_ body: (Key) -> Void) throws(BPFError) {
        let keys = UnsafeMutablePointer<Key>.allocate(capacity: 2)
        defer { keys.deallocate() }
        var previous: UnsafeMutablePointer<Key>?
        for _ in 0..<max(1, facts.shape.maxEntries) {
            let result = bpf_map_get_next_key(descriptor.raw, previous, keys + 1)
            let errno = Glibc::errno
            if result < 0 && errno == ENOENT { return }
            if result < 0 { throw BPFError(operation: "list the keys of map", object: name, errno: errno) }
            keys[0] = keys[1]
            previous = keys
            body(keys[0])
        }
    }

    private func perCPULayout() throws(BPFError) -> (cpus: Int, stride: Int) {
        precondition(facts.shape.isPerCPU, "only a per-CPU map has many values for a key")
        let cpus = try BPFError.check(libbpf_num_possible_cpus(), "count CPUs for", name)
        return (Int(cpus), (MemoryLayout<Value>.size + 7) & ~7)
    }

    /// Runs a call on the key; false: no such entry.
    private func call(_ operation: String, _ key: Key, _ body: (UnsafeRawPointer?) -> Int32) throws(BPFError) -> Bool {
        let (result, errno) = Self.run(key, body)
        if result >= 0 { return true }
        if errno == ENOENT { return false }
        throw BPFError(operation: operation, object: name, errno: errno)
    }

    private static func run(_ key: Key, _ body: (UnsafeRawPointer?) -> Int32) -> (result: Int32, errno: Int32) {
        withUnsafeBytes(of: key) { bytes in
            let result = body(bytes.baseAddress)
            return (result, Glibc::errno)
        }
    }
}
