internal import BPF
internal import CBPFShim

/// A version of what programs and agents have in common.
struct ABIVersion: Hashable, Sendable {
    var number: UInt32
    /// The oldest version in which what has the same name means the same.
    var floor: UInt32

    static let own = ABIVersion(number: UInt32(MB_ABI_VERSION), floor: UInt32(MB_ABI_FLOOR))
    /// The last version that left no notes beside its maps. They differ from later ones in flags only.
    static let undescribed: UInt32 = 2

    /// The version that pinned maps were written with: the first word of the settings, whatever the rest looks like; 0: never
    /// written.
    static func read(settings: borrowing Descriptor) throws(BPFError) -> UInt32 {
        let size = Int(try MapFacts(descriptor: settings.raw, object: PlaneMap.settings.rawValue).shape.valueSize)
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(8, size), alignment: 8)
        defer { buffer.deallocate() }
        buffer.initializeMemory(as: UInt8.self, repeating: 0, count: max(8, size))
        var key: UInt32 = 0
        _ = try BPFError.check(bpf_map_lookup_elem(settings.raw, &key, buffer), "read map", PlaneMap.settings.rawValue)
        return buffer.load(as: UInt32.self)
    }

    /// Can maps of that version be taken over? Only those whose parts still mean what their names say.
    ///
    /// - Parameter notes: what lies beside the maps; nil: nothing.
    func checkAdoptable(_ version: UInt32, notes: LayoutNotes?, pinDirectory: String) throws(KernelPlaneError) {
        if version < number {
            if version >= floor, notes != nil || version == Self.undescribed { return }
        } else if version == number {
            return
        } else if let notes, notes.floor <= number {
            return
        }
        throw refusal("adopt", version, pinDirectory, "run `modelbroker detach` of the other version first")
    }

    /// Reading as it is takes the very same version.
    func checkReadable(_ version: UInt32, pinDirectory: String) throws(KernelPlaneError) {
        guard version != 0, version != number else { return }
        throw refusal("read", version, pinDirectory, "use the `modelbroker` that came with the agent that runs")
    }

    private func refusal(
        _ operation: String, _ version: UInt32, _ pinDirectory: String, _ advice: String
    ) -> KernelPlaneError {
        KernelPlaneError(
            operation: operation, object: pinDirectory,
            hint: "its maps have layout version \(version), this program has \(number); \(advice)")
    }
}
