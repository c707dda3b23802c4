internal import BPF
internal import CBPFShim
package import Catalog
import Glibc

/// The models' entries: read, and changed by hand. Works on the pins, with the agent up or down.
package struct QoSTable: Sendable {
    let table: ModelTable

    /// An error if nothing is pinned there, or something of another layout version.
    package init(pinDirectory: String) throws(KernelPlaneError) {
        let pins = PinDirectory(path: pinDirectory)
        try pins.checkReadable()
        table = try ModelTable(pins)
    }

    init(_ table: ModelTable) { self.table = table }

    /// All that have a slot, by name.
    package func models() throws(KernelPlaneError) -> [ModelQoS] {
        let lock = try table.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let refusals = try refusals()
        var found: [ModelQoS] = []
        for (name, slot) in table.names() { found.append(try read(slot, name, refusals[slot] ?? [])) }
        return found.sorted { $0.name < $1.name }
    }

    /// nil: it has no slot.
    package func model(_ name: String) throws(KernelPlaneError) -> ModelQoS? {
        let lock = try table.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        guard let slot = table.slot(named: name) else { return nil }
        return try read(slot, name, try refusals()[slot] ?? [])
    }

    /// Sets by hand the fields that `change` has; they stay over what is configured until `reset`. All of it is in force
    /// when this returns, or nothing has changed. `reapply` brings it to open connections at once.
    ///
    /// - Parameter fault: what is wrong with the entry that would be in force, for which nothing is changed; nil: nothing.
    package func set(
        _ name: String, _ change: QoS, by uid: UInt32, fault: (QoS) -> String? = { _ in nil }
    ) throws(KernelPlaneError) -> QoSChange {
        try edit(name, by: uid, fault: fault) { $0.overlaid(by: change) }
    }

    /// Ends what was set by hand.
    package func reset(_ name: String, by uid: UInt32) throws(KernelPlaneError) -> QoSChange {
        try edit(name, by: uid) { _ in QoS() }
    }

    /// False on a kernel without iter/tcp: a change reaches open connections with their next round trip.
    package var canReapply: Bool { table.canReapply }

    /// Puts the entries in force on the live sockets of this network namespace; how many that changed, 0 where that
    /// cannot be done at once.
    package func reapply() throws(KernelPlaneError) -> Int { try table.reapply() }

    private func edit(
        _ name: String, by uid: UInt32, fault: (QoS) -> String? = { _ in nil }, _ change: (QoS) -> QoS
    ) throws(KernelPlaneError) -> QoSChange {
        let lock = try table.lock(.exclusive)
        defer { withExtendedLifetime(lock) {} }
        guard let slot = table.slot(named: name) else {
            throw KernelPlaneError(
                operation: "set the QoS of model", object: name, errno: ENOENT, hint: "it has no entry in the kernel")
        }
        let model = table.model(slot)
        let configured = model.pointee.file.qos
        let before = table.inForce(slot).qos
        let live = change(model.pointee.live.qos)
        let merged = configured.overlaid(by: live)
        try merged.check(name)
        if let fault = fault(merged) {
            throw KernelPlaneError(operation: "set the QoS of model", object: name, hint: fault)
        }
        table.publish(
            slot, file: configured, live: live, isPrivate: model.pointee.flags & UInt32(MB_MODEL_PRIVATE) != 0)
        model.pointee.changed_ns = ModelTable.nanoseconds(CLOCK_REALTIME)
        model.pointee.changed_uid = uid
        return QoSChange(
            name: name, slot: slot, version: table.version(slot), before: before, inForce: table.inForce(slot).qos,
            configured: configured, live: live)
    }

    private func refusals() throws(KernelPlaneError) -> [UInt32: [ModelQoS.Refusals]] {
        let entries = try inPlane { () throws(BPFError) in try table.refusals.entries() }
        var found: [UInt32: [ModelQoS.Refusals]] = [:]
        for (key, count) in entries {
            guard let reason = LimitReason(rawValue: key.reason) else { continue }
            found[key.model, default: []].append(.init(client: key.client, reason: reason, count: count))
        }
        return found.mapValues { $0.sorted { ($0.client, $0.reason.rawValue) < ($1.client, $1.reason.rawValue) } }
    }

    private func read(_ slot: UInt32, _ name: String, _ refusals: [ModelQoS.Refusals]) throws(KernelPlaneError) -> ModelQoS {
        let raw = table.model(slot).pointee
        let inForce = table.inForce(slot)
        let counted = try table.counted(slot)
        let now = ModelTable.now()
        let buckets = LimitKind.allCases.map { kind in
            (kind, BucketReading(table.bucket(slot, kind).pointee, inForce.limit(kind), now: now))
        }
        return ModelQoS(
            name: name, slot: slot, version: table.version(slot), configured: raw.file.qos, live: raw.live.qos,
            inForce: inForce.qos,
            changed: raw.changed_ns == 0 ? nil : .init(timeNanoseconds: raw.changed_ns, uid: raw.changed_uid),
            isPrivate: raw.flags & UInt32(MB_MODEL_PRIVATE) != 0, buckets: Dictionary(uniqueKeysWithValues: buckets),
            open: counted.open, active: .init(responses: counted.active.0, requests: counted.active.1),
            share: inForce.share(active: counted.active), tagged: counted.tagged, connects: counted.connects,
            observedConnections: counted.observed_connections, applied: counted.applied, applyFailed: counted.apply_failed,
            refusals: refusals)
    }
}

extension BucketReading {
    init(_ bucket: mb_bucket, _ limit: mb_limit, now: UInt64) {
        self.init(
            level: nil, capacity: nil, owed: 0, admitted: bucket.admitted, refused: bucket.refused, observed: bucket.observed,
            contended: bucket.contended)
        guard limit.period_ns != 0 else { return }
        level = 0
        capacity = 0
        guard !limit.isNever else { return }
        let ahead = bucket.tat_ns > now ? bucket.tat_ns - now : 0
        capacity = limit.burst
        level = ahead >= limit.tolerance_ns ? 0 : (limit.tolerance_ns - ahead) / limit.period_ns
        owed = ahead <= limit.tolerance_ns ? 0 : (ahead - limit.tolerance_ns) / limit.period_ns
    }
}

extension mb_qos {
    /// As mb_share() reckons it.
    fileprivate func share(active: (UInt64, UInt64)) -> ModelQoS.Legs? {
        guard let bandwidth = qos.pacing(classed: sk_priority >= QdiscTree.classID(slot: 0)) else { return nil }
        return .init(responses: max(1, bandwidth / max(1, active.0)), requests: max(1, bandwidth / max(1, active.1)))
    }
}
