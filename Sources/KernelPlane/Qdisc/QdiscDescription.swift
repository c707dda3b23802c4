internal import CBPFShim

/// A qdisc as the kernel describes it.
struct QdiscDescription: Hashable {
    var handle: UInt32
    var parent: UInt32
    var kind: String
    var options: [UInt8]
    /// Its options could not be read as a whole, or it has a size table, which the kernel does not tell.
    var isOpaque: Bool
    /// Of an HTB qdisc: where unclassified packets go.
    var defaultClass: UInt32?

    var isRoot: Bool { parent == MB_TC_ROOT }
    /// ingress or clsact, beside the root.
    var isIngress: Bool { parent == MB_TC_INGRESS }

    init(
        handle: UInt32, parent: UInt32 = MB_TC_ROOT, kind: String, options: [UInt8] = [], isOpaque: Bool = false,
        defaultClass: UInt32? = nil
    ) {
        self.handle = handle
        self.parent = parent
        self.kind = kind
        self.options = options
        self.isOpaque = isOpaque
        self.defaultClass = defaultClass
    }

    init(_ entry: mb_tc) {
        self.init(
            handle: entry.handle, parent: entry.parent, kind: entry.kindText, options: entry.optionBytes,
            isOpaque: entry.flags & (MB_TC_HAS_STAB | MB_TC_OPTIONS_CUT) != 0,
            defaultClass: entry.flags & MB_TC_HAS_HTB_ROOT != 0 ? entry.default_class : nil)
    }

    /// The limit of a pfifo; nil: it is none.
    var packetLimit: UInt32? {
        guard kind == LeafKind.pfifo.rawValue, options.count >= 4 else { return nil }
        return options.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
    }
}

/// A class of an HTB qdisc as the kernel describes it.
struct ClassDescription: Hashable {
    /// Parent of a class that stands directly below the qdisc.
    static let outermost = MB_TC_ROOT

    var parent: UInt32
    /// Handle of the qdisc in it.
    var leaf: UInt32
    var reading: QdiscClassReading

    init(_ entry: mb_tc) {
        parent = entry.parent
        leaf = entry.info
        reading = QdiscClassReading(
            form: QdiscClass(
                minor: entry.handle & 0xffff, rate: entry.htb.rate, ceil: entry.htb.ceil, priority: entry.htb.prio,
                quantum: entry.htb.quantum, buffer: entry.htb.buffer, ceilBuffer: entry.htb.cbuffer),
            bytes: entry.bytes, packets: entry.packets, drops: UInt64(entry.drops), overlimits: UInt64(entry.overlimits),
            backlog: UInt64(entry.backlog), queued: UInt64(entry.queued))
    }
}

extension mb_tc {
    fileprivate var kindText: String {
        withUnsafeBytes(of: kind) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    fileprivate var optionBytes: [UInt8] {
        withUnsafeBytes(of: options) { Array($0.prefix(Int(options_length))) }
    }
}
