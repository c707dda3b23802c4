internal import BPF
internal import CBPFShim
package import Catalog

/// A model as the configuration has it.
package struct ModelEntry: Hashable, Sendable {
    package var name: String
    package var qos: QoS
    package var isPrivate: Bool

    package init(name: String, qos: QoS = QoS(), isPrivate: Bool = false) {
        self.name = name
        self.qos = qos
        self.isPrivate = isPrivate
    }
}

/// What became of a list of models.
package struct ModelSlots: Hashable, Sendable {
    package var byName: [String: UInt32]
    /// Models that had a slot and are no longer configured.
    package var released: [String]
    /// Of these, those that had values set by hand, which went with them.
    package var droppedOverrides: [String]
    /// Models for which no slot was left: nothing governs them in the kernel.
    package var without: [String]

    package init(
        byName: [String: UInt32] = [:], released: [String] = [], droppedOverrides: [String] = [], without: [String] = []
    ) {
        self.byName = byName
        self.released = released
        self.droppedOverrides = droppedOverrides
        self.without = without
    }
}

/// Whether a client may call a model.
package struct AccessEntry: Hashable, Sendable {
    package enum Verdict: UInt32, Hashable, Sendable { case allow = 1, deny = 2 }

    /// The model's slot.
    package var model: UInt32
    /// 1 + position in the configuration; 0: callers without a client.
    package var client: UInt32
    package var verdict: Verdict

    package init(model: UInt32, client: UInt32, verdict: Verdict) {
        self.model = model
        self.client = client
        self.verdict = verdict
    }
}

extension KernelPlane {
    /// The most models that can have a slot.
    package static var modelLimit: Int { Int(MB_MAX_MODELS) }

    /// Brings `models` to this list, the first in it first where slots run out. Models that stay keep their slots, values
    /// set by hand and debts; those that went give theirs up once no socket counts for them. Live sockets of this network
    /// namespace have the new entries when it returns. All entries are checked before anything is written.
    /// `classed`: sk_priority is the model's class in the HTB tree.
    package func apply(models entries: [ModelEntry], classed: Bool = false) throws(KernelPlaneError) -> ModelSlots {
        for entry in entries {
            try entry.qos.check(entry.name)
            guard (1...Int(MB_MODEL_NAME)).contains(entry.name.utf8.count) else {
                throw KernelPlaneError(
                    operation: "apply", object: "model \(entry.name)", hint: "names have 1 to \(MB_MODEL_NAME) bytes")
            }
        }
        let lock = try models.lock(.exclusive)
        defer { withExtendedLifetime(lock) {} }
        models.setClassed(classed)
        let plan = SlotPlan(wanted: entries.map(\.name), held: models.names())
        let dropped = plan.stale.filter { models.model($0.value).pointee.live.fields != 0 }.keys.sorted()
        for slot in plan.stale.values { try models.release(slot) }
        if !plan.stale.isEmpty { try models.reapply() }
        let given = plan.given(from: try models.free(plan.waiting.count, sparing: Set(plan.stale.values)))
        if let last = given.slots.values.max() { try models.extend(to: last) }
        for (name, slot) in given.slots { try models.claim(slot, name) }
        let slots = plan.kept.merging(given.slots) { kept, _ in kept }
        if models.publish(entries, slots) { try models.reapply() }
        return ModelSlots(
            byName: slots, released: plan.stale.keys.sorted(), droppedOverrides: dropped, without: given.without)
    }

    /// Brings `access` to this list: new and changed entries first, stale ones removed after. A denial wins over an allowance
    /// of the same client.
    package func apply(access entries: [AccessEntry]) throws(KernelPlaneError) {
        guard entries.count <= Int(MB_MAX_ACCESS) else {
            throw KernelPlaneError(
                operation: "apply", object: "\(entries.count) access entries", hint: "\(MB_MAX_ACCESS) is the limit")
        }
        var wanted: [AccessKey: UInt32] = [:]
        for entry in entries {
            let key = AccessKey(model: entry.model, client: entry.client)
            wanted[key] = max(wanted[key] ?? 0, entry.verdict.rawValue)
        }
        try locked { () throws(BPFError) in
            for (key, verdict) in wanted { try reader.kernelMaps.access.update(key.raw, verdict) }
            for key in try reader.kernelMaps.access.keys() where wanted[AccessKey(key)] == nil {
                try reader.kernelMaps.access.remove(key)
            }
        }
    }

    /// Of the `models` map, to pass to the proxy; owned by the plane. The kernel maps no read-only descriptors, so this one
    /// can write, too: what the proxy maps it must map read-only itself.
    package var modelsDescriptor: Int32 { reader.kernelMaps.models.rawDescriptor }

    /// Of the `buckets` map, to pass to the proxy, which charges them; owned by the plane.
    package var bucketsDescriptor: Int32 { reader.kernelMaps.buckets.rawDescriptor }

    /// Reads and changes entries as the CLI does.
    package var qos: QoSTable { QoSTable(models) }
}

extension ModelTable {
    /// Up to so many slots, the lowest first, that nobody has and nothing counts for; those just released only if there are no others: for a
    /// moment the proxy may still use them for the models that had them.
    fileprivate func free(_ count: Int, sparing released: Set<UInt32>) throws(KernelPlaneError) -> [UInt32] {
        var free: [UInt32] = []
        for slot in Self.slots.filter({ !released.contains($0) }) + released.sorted() where free.count < count {
            guard !isInUse(slot) else { continue }
            if try isIdle(slot) { free.append(slot) }
        }
        return free
    }

    /// The configuration's part of each entry; values set by hand stay over it. True if anything changed.
    fileprivate func publish(_ entries: [ModelEntry], _ slots: [String: UInt32]) -> Bool {
        var changed = false
        var seen: Set<UInt32> = []
        for entry in entries {
            guard let slot = slots[entry.name], seen.insert(slot).inserted else { continue }
            let live = model(slot).pointee.live.qos
            if publish(slot, file: entry.qos, live: live, isPrivate: entry.isPrivate) { changed = true }
        }
        return changed
    }
}

/// `struct mb_access_key` with equality.
private struct AccessKey: Hashable {
    var model: UInt32
    var client: UInt32

    init(model: UInt32, client: UInt32) {
        self.model = model
        self.client = client
    }

    init(_ raw: mb_access_key) { self.init(model: raw.model, client: raw.client) }

    var raw: mb_access_key { mb_access_key(model: model, client: client) }
}
