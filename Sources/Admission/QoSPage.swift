internal import CBrokerABI

/// The kernel plane's maps `models` and `buckets` as memory: what is in force for each model, and the buckets that every
/// event loop, the kernel programs and other processes charge together.
///
/// Sendable without the compiler's check because the memory is shared with the kernel and other processes to begin with:
/// every access is an atomic operation of gcra.h and bucket.h, or a copy whose version is looked at again afterwards, and
/// `owner` keeps the memory for as long as any copy of this value lives.
package struct QoSPage: @unchecked Sendable {
    /// Slots that the maps have; slot 0 is no model.
    package static let slotCount = Int(MB_MAX_MODELS) + 1
    /// Bytes of each map.
    package static let modelsSize = slotCount * modelSize
    package static let bucketsSize = slotCount * bucketsOfModelSize
    /// Bytes of one slot in each map.
    package static let modelSize = MemoryLayout<mb_model>.stride
    package static let bucketsOfModelSize = Int(MB_BUCKETS_PER_MODEL) * MemoryLayout<mb_bucket>.stride

    /// Slots that are there in memory, from slot 0; nothing is read or charged beyond.
    package let reach: Int
    private let models: UnsafeRawPointer
    private let buckets: UnsafeMutableRawPointer
    private let owner: any AnyObject & Sendable

    /// - Parameters:
    ///   - models: the first `reach` entries, read only.
    ///   - buckets: the buckets of these; both on the boundary of a page or of a cache line.
    ///   - reach: at least 1, since slot 0 counts the changes of all.
    ///   - owner: gives the memory back when it goes.
    package init(
        models: UnsafeRawPointer, buckets: UnsafeMutableRawPointer, reach: Int = slotCount, owner: any AnyObject & Sendable
    ) {
        precondition((1...Self.slotCount).contains(reach), "slots that no map has")
        self.reach = reach
        self.models = models
        self.buckets = buckets
        self.owner = owner
    }

    /// Rises with every change of the slot's entry.
    func version(_ slot: UInt32) -> UInt64 { mb_model_version(model(slot)) }

    /// What is in force for the model `name` in `slot`; a slot that is free, or another model's by now, governs nothing.
    func entry(_ slot: UInt32, named name: String) -> Entry {
        var qos = mb_qos()
        let version = mb_model_read(model(slot), &qos)
        guard model(slot).pointee.flags & MB_MODEL_IN_USE != 0, holds(slot, name) else { return Entry(version: version) }
        return Entry(qos, version: version)
    }

    func hasBandwidth(_ slot: UInt32) -> Bool {
        var qos = mb_qos()
        _ = mb_model_read(model(slot), &qos)
        return model(slot).pointee.flags & MB_MODEL_IN_USE != 0 && Entry(qos, version: 0).hasBandwidth
    }

    /// The bucket of one limit of a model.
    func bucket(_ slot: UInt32, _ kind: LimitKind) -> Bucket {
        let index = Int(slot) * Int(MB_BUCKETS_PER_MODEL) + Int(kind.rawValue)
        return Bucket(memory: (buckets + index * MemoryLayout<mb_bucket>.stride).assumingMemoryBound(to: mb_bucket.self))
    }

    /// Whether a model can have this slot, and what it says there can be read.
    func reaches(_ slot: UInt32) -> Bool { slot > 0 && slot < reach }

    private func model(_ slot: UInt32) -> UnsafePointer<mb_model> {
        (models + Int(slot) * MemoryLayout<mb_model>.stride).assumingMemoryBound(to: mb_model.self)
    }

    private func holds(_ slot: UInt32, _ name: String) -> Bool {
        let limit = Int(MB_MODEL_NAME)
        let held = UnsafeRawPointer(model(slot)) + (MemoryLayout<mb_model>.offset(of: \.name) ?? 0)
        let bytes = UnsafeRawBufferPointer(start: held, count: limit)
        let wanted = name.utf8Span.span
        guard wanted.count <= limit else { return false }
        for index in wanted.indices where bytes[index] != wanted[index] { return false }
        return wanted.count == limit || bytes[wanted.count] == 0
    }
}

/// The limits that layer 7 holds callers to.
package enum LimitKind: UInt32, Hashable, Sendable, CaseIterable {
    case requests = 0
    case tokens = 1
}
