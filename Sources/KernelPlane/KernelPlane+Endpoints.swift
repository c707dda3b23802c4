internal import BPF
internal import CBPFShim
package import Catalog

extension KernelPlane {
    /// The most endpoints that a model can have on the path direct.
    package static var endpointLimit: Int { mb_endpoint_set.capacity }

    /// Brings the sets among which connect() chooses to these, by slot of the model: new and changed ones first, stale ones
    /// removed after. Each is replaced as a whole. An endpoint that stays with its model keeps what is counted for it, also
    /// over a restart of the agent. All is checked before anything is written.
    package func apply(endpointSets sets: [UInt32: [DirectEndpoint]]) throws(KernelPlaneError) {
        for (model, endpoints) in sets { try Self.check(endpoints, of: model) }
        let missing = try locked { () throws(BPFError) in try write(sets) }
        guard missing == 0 else {
            throw KernelPlaneError(
                operation: "apply", object: "\(sets.values.joined().count) endpoints",
                hint: "\(missing) too many; those removed count as long as they have connections")
        }
    }

    /// Of an endpoint of the model in the slot. Nothing happens if there is no such endpoint.
    package func setUsable(_ usable: Bool, _ address: SocketAddress, model: UInt32) throws(KernelPlaneError) {
        try locked { () throws(BPFError) in
            guard let set = try reader.kernelMaps.endpointSets.lookup(model) else { return }
            var members = set.members
            guard let index = members.firstIndex(where: { $0.endpoint?.address == address }) else { return }
            guard (members[index].usable != 0) != usable else { return }
            members[index].usable = usable ? 1 : 0
            try reader.kernelMaps.endpointSets.update(model, mb_endpoint_set(members))
        }
    }

    private static func check(_ endpoints: [DirectEndpoint], of model: UInt32) throws(KernelPlaneError) {
        func fault(_ hint: String) -> KernelPlaneError {
            KernelPlaneError(operation: "apply", object: "endpoints of the model in slot \(model)", hint: hint)
        }
        guard ModelTable.slots.contains(model) else { throw fault("there is no such slot") }
        guard endpoints.count <= endpointLimit else { throw fault("\(endpointLimit) is the limit") }
        guard Set(endpoints.map(\.address)).count == endpoints.count else { throw fault("an address is there twice") }
        for endpoint in endpoints where endpoint.weight == 0 || endpoint.address.port == 0 {
            throw fault("\(endpoint.address) has weight or port zero")
        }
    }

    /// How many endpoints have found no slot to be counted in; then nothing was written.
    private func write(_ sets: [UInt32: [DirectEndpoint]]) throws(BPFError) -> Int {
        let plan = EndpointPlan(sets, held: try heldStates())
        let free = try freeStates(plan.waiting.count)
        guard free.count == plan.waiting.count else { return plan.waiting.count - free.count }
        for state in free { try reader.kernelMaps.endpointState.update(state, mb_endpoint_state()) }
        let states = plan.given(free)
        for (model, endpoints) in sets {
            let members = endpoints.compactMap { endpoint in
                states[.init(model: model, address: endpoint.address)].map { mb_endpoint(endpoint, state: $0) }
            }
            try reader.kernelMaps.endpointSets.update(model, mb_endpoint_set(members))
        }
        for model in try reader.kernelMaps.endpointSets.keys() where sets[model] == nil {
            try reader.kernelMaps.endpointSets.remove(model)
        }
        return 0
    }

    private func heldStates() throws(BPFError) -> [EndpointPlan.Key: UInt32] {
        var held: [EndpointPlan.Key: UInt32] = [:]
        for (model, set) in try reader.kernelMaps.endpointSets.entries() {
            for member in set.members {
                if let address = member.endpoint?.address { held[.init(model: model, address: address)] = member.state }
            }
        }
        return held
    }

    /// Up to so many slots that no set refers to and no connection is counted in: its end must not be taken off another's.
    private func freeStates(_ count: Int) throws(BPFError) -> [UInt32] {
        guard count > 0 else { return [] }
        let taken = Set(try heldStates().values)
        var free: [UInt32] = []
        for state in 1..<UInt32(MB_MAX_ENDPOINTS) where !taken.contains(state) && free.count < count {
            if try reader.kernelMaps.endpointState.lookup(state)?.open == 0 { free.append(state) }
        }
        return free
    }
}
