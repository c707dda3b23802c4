internal import BPF
internal import CBPFShim
internal import Catalog

/// The maps of the models: only slots in use are shown.
extension PlaneInspector {
    func modelsInUse() throws(BPFError) -> [(slot: UInt32, model: mb_model)] {
        var found: [(slot: UInt32, model: mb_model)] = []
        for slot in ModelTable.slots {
            guard let model = try kernelMaps.models.lookup(slot), model.flags & UInt32(MB_MODEL_IN_USE) != 0 else { continue }
            found.append((slot, model))
        }
        return found
    }

    private func used() throws(KernelPlaneError) -> [(slot: UInt32, model: mb_model)] {
        try inPlane { () throws(BPFError) in try modelsInUse() }
    }

    func dumpModels() throws(KernelPlaneError) -> [DumpedEntry] {
        try used().map { slot, model in
            let inForce = model.version & 1 == 1 ? model.qos.1 : model.qos.0
            return [
                ("slot", "\(slot)"), ("name", printable(model.name)), ("version", "\(model.version)"),
                ("private", model.flags & UInt32(MB_MODEL_PRIVATE) != 0 ? "yes" : "no"),
            ] + dumped(inForce) + [
                ("file_fields", "\(model.file.fields)"), ("live_fields", "\(model.live.fields)"),
                ("changed_ns", "\(model.changed_ns)"), ("changed_uid", "\(model.changed_uid)"),
            ]
        }
    }

    private func dumped(_ qos: mb_qos) -> DumpedEntry {
        LimitKind.allCases.flatMap { kind in
            let limit = qos.limit(kind)
            let period = limit.isNever ? "never" : "\(limit.period_ns)"
            return [("\(kind)_period_ns", period), ("\(kind)_tolerance_ns", "\(limit.tolerance_ns)")]
        } + [
            ("bandwidth", "\(qos.bandwidth)"), ("connections", qos.qos.connections.map { "\($0)" } ?? "unlimited"),
            ("priority", "\(qos.priority)"), ("sk_priority", "0x" + String(qos.sk_priority, radix: 16)),
            ("notsent_lowat", "\(qos.notsent_lowat)"), ("dscp", "\(qos.dscp)"), ("mode", (qos.qos.mode ?? .enforce).rawValue),
            ("class", (qos.qos.service ?? .bestEffort).rawValue),
        ]
    }

    func dumpBuckets() throws(KernelPlaneError) -> [DumpedEntry] {
        var entries: [DumpedEntry] = []
        for (slot, model) in try used() {
            for kind in LimitKind.allCases {
                let index = slot * UInt32(MB_BUCKETS_PER_MODEL) + kind.rawValue
                let bucket = try inPlane { () throws(BPFError) in try kernelMaps.buckets.lookup(index) } ?? mb_bucket()
                entries.append([
                    ("bucket", "\(index)"), ("slot", "\(slot)"), ("name", printable(model.name)), ("kind", "\(kind)"),
                    ("tat_ns", "\(bucket.tat_ns)"), ("admitted", "\(bucket.admitted)"), ("refused", "\(bucket.refused)"),
                    ("observed", "\(bucket.observed)"), ("contended", "\(bucket.contended)"),
                ])
            }
        }
        return entries
    }

    func dumpModelState() throws(KernelPlaneError) -> [DumpedEntry] {
        var entries: [DumpedEntry] = []
        for (slot, model) in try used() {
            let state = try inPlane { () throws(BPFError) in try kernelMaps.modelState.lookup(slot) } ?? mb_model_state()
            entries.append([
                ("slot", "\(slot)"), ("name", printable(model.name)), ("open", "\(state.open)"),
                ("active_responses", "\(state.active.0)"), ("active_requests", "\(state.active.1)"),
                ("tagged", "\(state.tagged)"), ("connects", "\(state.connects)"),
                ("observed_connections", "\(state.observed_connections)"), ("applied", "\(state.applied)"),
                ("apply_failed", "\(state.apply_failed)"),
            ])
        }
        return entries
    }

    func dumpRefusals() throws(KernelPlaneError) -> [DumpedEntry] {
        let entries = try inPlane { () throws(BPFError) in try kernelMaps.refusals.entries() }
        return entries.sorted { ($0.key.model, $0.key.client, $0.key.reason) < ($1.key.model, $1.key.client, $1.key.reason) }
            .map { key, count in
                [
                    ("model", "\(key.model)"), ("client", "\(key.client)"),
                    ("reason", LimitReason(rawValue: key.reason).map { "\($0)" } ?? "\(key.reason)"), ("count", "\(count)"),
                ]
            }
    }

    func dumpAccess() throws(KernelPlaneError) -> [DumpedEntry] {
        let entries = try inPlane { () throws(BPFError) in try kernelMaps.access.entries() }
        return entries.sorted { ($0.key.model, $0.key.client) < ($1.key.model, $1.key.client) }.map { key, verdict in
            [
                ("model", "\(key.model)"), ("client", "\(key.client)"),
                ("access", AccessEntry.Verdict(rawValue: verdict).map { "\($0)" } ?? "\(verdict)"),
            ]
        }
    }
}
