internal import BPF
internal import CBPFShim
internal import Catalog

/// The path direct, as the kernel has it.
extension PlaneInspector {
    /// The endpoints of the model in a slot, of all models without one; by slot, then as the agent gave them.
    package func endpoints(model: UInt32? = nil) throws(KernelPlaneError) -> [EndpointReading] {
        let now = ModelTable.now()
        return try inPlane { () throws(BPFError) in
            var found: [EndpointReading] = []
            for (slot, set) in try sets(model).sorted(by: { $0.0 < $1.0 }) {
                for member in set.members {
                    let counted = try kernelMaps.endpointState.lookup(member.state) ?? mb_endpoint_state()
                    if let reading = EndpointReading(slot, member, counted, now: now) { found.append(reading) }
                }
            }
            return found
        }
    }

    /// What the direct flows of the model in a slot did, of all models without one; by slot and client.
    package func meters(model: UInt32? = nil) throws(KernelPlaneError) -> [MeterReading] {
        try inPlane { () throws(BPFError) in
            var found: [MeterReading] = []
            for key in try kernelMaps.meters.keys() where model == nil || key.model == model {
                let perCPU = try kernelMaps.meters.lookupPerCPU(key)
                if !perCPU.isEmpty { found.append(MeterReading(key, perCPU)) }
            }
            return found.sorted { ($0.model, $0.client) < ($1.model, $1.client) }
        }
    }

    private func sets(_ model: UInt32?) throws(BPFError) -> [(UInt32, mb_endpoint_set)] {
        guard let model else { return try kernelMaps.endpointSets.entries().map { ($0.key, $0.value) } }
        return try kernelMaps.endpointSets.lookup(model).map { [(model, $0)] } ?? []
    }

    func dumpEndpointSets() throws(KernelPlaneError) -> [DumpedEntry] {
        let found = try inPlane { () throws(BPFError) in try sets(nil) }
        return found.sorted { $0.0 < $1.0 }.flatMap { model, set in
            set.members.map { member in
                [
                    ("model", "\(model)"), ("address", member.endpoint?.address.description ?? "?"),
                    ("weight", "\(member.weight)"), ("usable", member.usable != 0 ? "yes" : "no"),
                    ("state", "\(member.state)"),
                ]
            }
        }
    }

    /// Slots that a set refers to, or that still count a connection.
    func dumpEndpointState() throws(KernelPlaneError) -> [DumpedEntry] {
        let found = try inPlane { () throws(BPFError) in try usedStates() }
        return found.map { state, counted in
            [
                ("state", "\(state)"), ("open", "\(counted.open)"), ("picked", "\(counted.picked)"),
                ("failed", "\(counted.failed)"), ("failed_ns", "\(counted.failed_ns)"),
            ]
        }
    }

    private func usedStates() throws(BPFError) -> [(UInt32, mb_endpoint_state)] {
        let referred = Set(try sets(nil).flatMap { $0.1.members.map(\.state) })
        var found: [(UInt32, mb_endpoint_state)] = []
        for state in 1..<UInt32(MB_MAX_ENDPOINTS) {
            guard let counted = try kernelMaps.endpointState.lookup(state) else { continue }
            if counted.open != 0 || referred.contains(state) { found.append((state, counted)) }
        }
        return found
    }

    func dumpMeters() throws(KernelPlaneError) -> [DumpedEntry] {
        try meters().map { meter in
            [
                ("model", "\(meter.model)"), ("client", "\(meter.client)"), ("connections", "\(meter.connections)"),
                ("requests", "\(meter.requests)"), ("responses", "\(meter.responses)"),
            ]
                + zip(["other", "1xx", "2xx", "3xx", "4xx", "5xx"], meter.statuses).map { ($0, "\($1)") } + [
                    ("bytes_sent", "\(meter.bytesSent)"), ("bytes_received", "\(meter.bytesReceived)"),
                    ("first_byte_ns", "\(meter.firstByteNanoseconds)"), ("first_bytes", "\(meter.firstBytes)"),
                    ("first_byte_max_ns", "\(meter.firstByteMaximum)"), ("unfollowed", "\(meter.unfollowed)"),
                ]
        }
    }
}

extension EndpointReading {
    fileprivate init?(_ model: UInt32, _ member: mb_endpoint, _ counted: mb_endpoint_state, now: UInt64) {
        guard let endpoint = member.endpoint else { return nil }
        self.init(
            model: model, address: endpoint.address, weight: endpoint.weight, usable: endpoint.usable, open: counted.open,
            picked: counted.picked, failed: counted.failed,
            nanosecondsSinceFailure: counted.failed_ns == 0 ? nil : now > counted.failed_ns ? now - counted.failed_ns : 0)
    }
}
