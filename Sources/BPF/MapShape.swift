internal import CBPFShim

/// What decides whether a map can serve a program.
package struct MapShape: Hashable, Sendable, CustomStringConvertible {
    package var type: UInt32
    package var keySize: UInt32
    package var valueSize: UInt32
    package var maxEntries: UInt32
    package var flags: UInt32

    package init(type: UInt32, keySize: UInt32, valueSize: UInt32, maxEntries: UInt32, flags: UInt32) {
        self.type = type
        self.keySize = keySize
        self.valueSize = valueSize
        self.maxEntries = maxEntries
        self.flags = flags
    }

    /// As bpftool names it: `lpm_trie`, ...
    package var typeName: String {
        guard let text = libbpf_bpf_map_type_str(bpf_map_type(type)) else { return "type \(type)" }
        return String(cString: text)
    }

    package var isPerCPU: Bool {
        [BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH].contains { $0.rawValue == type }
    }

    package var isArray: Bool { [BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY].contains { $0.rawValue == type } }

    /// Can userspace walk its keys?
    package var isIterable: Bool {
        ![BPF_MAP_TYPE_SK_STORAGE, BPF_MAP_TYPE_RINGBUF].contains { $0.rawValue == type }
    }

    package var description: String {
        "\(typeName), key \(keySize), value \(valueSize), \(maxEntries) entries, flags \(flags)"
    }
}
