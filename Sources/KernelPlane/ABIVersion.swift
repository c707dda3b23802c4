internal import BPF
internal import CBPFShim

/// The version that pinned maps were written with.
enum ABIVersion {
    /// The first word of the settings, whatever the rest looks like; 0: never written.
    static func read(settings: borrowing Descriptor) throws(BPFError) -> UInt32 {
        let size = Int(try MapFacts(descriptor: settings.raw, object: PlaneMap.settings.rawValue).shape.valueSize)
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(8, size), alignment: 8)
        defer { buffer.deallocate() }
        buffer.initializeMemory(as: UInt8.self, repeating: 0, count: max(8, size))
        var key: UInt32 = 0
        _ = try BPFError.check(bpf_map_lookup_elem(settings.raw, &key, buffer), "read map", PlaneMap.settings.rawValue)
        return buffer.load(as: UInt32.self)
    }

    static func check(_ version: UInt32, pinDirectory: String) throws(KernelPlaneError) {
        guard version != 0, version != UInt32(MB_ABI_VERSION) else { return }
        throw KernelPlaneError(
            operation: "adopt", object: pinDirectory,
            hint: "its maps have layout version \(version), this program has \(MB_ABI_VERSION); "
                + "run `modelbroker detach` of the other version first")
    }
}
