internal import BPF

extension PlaneInspector {
    /// Our maps.
    package func maps() throws(KernelPlaneError) -> [MapInfo] {
        var found: [MapInfo] = []
        for map in PlaneMap.allCases {
            found.append(try inPlane { () throws(BPFError) in try describe(map) })
        }
        return found
    }

    private func describe(_ map: PlaneMap) throws(BPFError) -> MapInfo {
        let descriptor = kernelMaps.rawDescriptor(of: map)
        let facts = try MapFacts(descriptor: descriptor, object: map.rawValue)
        return MapInfo(
            name: map.rawValue, id: facts.id, type: facts.shape.typeName, keySize: facts.shape.keySize,
            valueSize: facts.shape.valueSize, maxEntries: facts.shape.maxEntries, entries: try entries(in: map),
            bytes: MapFacts.memory(descriptor: descriptor))
    }

    private func entries(in map: PlaneMap) throws(BPFError) -> Int? {
        switch map {
        case .settings: 1
        case .counters: CounterNames.all.count
        case .ruleCounters: Int(kernelMaps.ruleCounters.facts.shape.maxEntries)
        case .rules4: try kernelMaps.rules4.keys().count
        case .rules6: try kernelMaps.rules6.keys().count
        case .workloads: try kernelMaps.workloads.keys().count
        case .flowOrigins: try kernelMaps.flowOrigins.keys().count
        case .listeners: try listening()
        case .models: try modelsInUse().count
        case .buckets: Int(kernelMaps.buckets.facts.shape.maxEntries)
        case .modelState: Int(kernelMaps.modelState.facts.shape.maxEntries)
        case .refusals: try kernelMaps.refusals.keys().count
        case .access: try kernelMaps.access.keys().count
        case .endpointSets: try kernelMaps.endpointSets.keys().count
        case .endpointState: Int(kernelMaps.endpointState.facts.shape.maxEntries)
        case .meters: try kernelMaps.meters.keys().count
        case .origins, .events, .sockets, .meterFlows: nil
        }
    }

    private func listening() throws(BPFError) -> Int {
        var count = 0
        for slot in ListenerSlot.allCases where try kernelMaps.listeners.lookup(UInt32(slot.rawValue)) != nil { count += 1 }
        return count
    }
}
