internal import BPF
internal import CBPFShim
package import Catalog
import Synchronization

/// Our programs and maps in the kernel. They are pinned: they outlive this object and its process.
package final class KernelPlane: Sendable {
    /// True if the connect programs were attached already and only updated.
    package let adopted: Bool
    /// The layout version of pinned maps whose content was carried over into those of this version; nil: there were none.
    package let formerVersion: UInt32?

    let reader: PlaneInspector
    let models: ModelTable
    private let broker: UInt64
    /// Writers take turns, so that what one writes another does not take for stale.
    private let writing = Mutex<Void>(())
    private let events: Mutex<RingBuffer>

    /// Loads the programs; adopts what is pinned (the maps with their content, the links updated in place), or makes and
    /// pins it. On failure nothing new is left behind, and what was there before goes on.
    package static func open(_ location: PlaneLocation) throws(KernelPlaneError) -> KernelPlane {
        try open(location, hasIterator: BPFProbe.hasTCPIterator())
    }

    /// `hasIterator` false: as on a kernel without iter/tcp.
    package static func open(_ location: PlaneLocation, hasIterator: Bool) throws(KernelPlaneError) -> KernelPlane {
        let object = try inPlane { () throws(BPFError) in try BPFObject.capture() }
        let plane = try PlaneAssembly(location, hasIterator: hasIterator).assemble(object)
        let maps = try inPlane { () throws(BPFError) in
            try PlaneMaps { (map) throws(BPFError) in try plane.object.descriptor(ofMap: map.rawValue) }
        }
        let ring = try inPlane { () throws(BPFError) in
            try RingBuffer(map: maps.events.raw, name: PlaneMap.events.rawValue)
        }
        let models = try ModelTable(PinDirectory(path: location.pinDirectory))
        models.shorten()
        return KernelPlane(
            maps, adopted: plane.adopted, formerVersion: plane.formerVersion, models: models, ring: ring, location: location)
    }

    private init(
        _ maps: consuming PlaneMaps, adopted: Bool, formerVersion: UInt32?, models: ModelTable,
        ring: consuming sending RingBuffer, location: PlaneLocation
    ) {
        self.models = models
        self.adopted = adopted
        self.formerVersion = formerVersion
        reader = PlaneInspector(maps: maps, location: location)
        broker = HostFacts.cgroupID(path: location.brokerCgroup) ?? 0
        events = Mutex(ring)
    }

    /// Of the `listeners` map, to pass to the proxy; owned by the plane.
    package var listenersDescriptor: Int32 { reader.kernelMaps.listeners.rawDescriptor }

    /// Reads what this plane writes.
    package func inspector() -> PlaneInspector { reader }

    /// Puts a configuration in force: new and changed entries first, stale ones removed after, so that no destination is
    /// without a rule meanwhile. The broker's cgroup is exempt whatever `workloads` says. `slots`: what `apply(models:)`
    /// has given; a rule's model without one governs nothing.
    package func apply(
        settings: PlaneSettings, rules: [CaptureRule], workloads: [UInt64: WorkloadEntry], slots: [String: UInt32] = [:]
    ) throws(KernelPlaneError) {
        let table = try RuleTable(rules, slots: slots)
        let wanted = workloads.merging([broker: .broker]) { $1 }
        guard wanted.count <= Int(MB_MAX_WORKLOADS) else {
            throw KernelPlaneError(
                operation: "apply", object: "\(wanted.count) workloads", hint: "\(MB_MAX_WORKLOADS) is the limit")
        }
        try settings.check()
        try locked { () throws(BPFError) in
            let old = try reader.kernelMaps.ruleTable()
            let known = try reader.kernelMaps.workloads.keys()
            for id in table.reusedIDs(from: old) { try reader.kernelMaps.ruleCounters.update(id, mb_rule_counters()) }
            for (destination, verdict) in table.changes(from: old) { try reader.kernelMaps.set(destination, verdict) }
            for (cgroup, entry) in wanted { try reader.kernelMaps.workloads.update(cgroup, mb_workload(entry)) }
            try write(settings)
            for destination in table.stale(in: old) { try reader.kernelMaps.remove(destination) }
            for cgroup in known where wanted[cgroup] == nil { try reader.kernelMaps.workloads.remove(cgroup) }
        }
    }

    package func setWorkload(_ cgroup: UInt64, _ entry: WorkloadEntry) throws(KernelPlaneError) {
        let entry = cgroup == broker ? .broker : entry
        try locked { () throws(BPFError) in try reader.kernelMaps.workloads.update(cgroup, mb_workload(entry)) }
    }

    /// No entry: nothing happens.
    package func removeWorkload(_ cgroup: UInt64) throws(KernelPlaneError) {
        guard cgroup != broker else { return }
        try locked { () throws(BPFError) in try reader.kernelMaps.workloads.remove(cgroup) }
    }

    /// Waits for events at most so long (-1: for ever) and hands each over; a signal ends the wait without an error. One
    /// caller at a time.
    package func pollEvents(timeoutMilliseconds: Int32, _ body: (KernelEvent) -> Void) throws(KernelPlaneError) {
        let found = try events.withLock { (ring) throws(KernelPlaneError) in
            try Self.take(from: &ring, timeoutMilliseconds)
        }
        for event in found { body(event) }
    }

    private static func take(from ring: inout RingBuffer, _ timeout: Int32) throws(KernelPlaneError) -> [KernelEvent] {
        var found: [KernelEvent] = []
        do {
            try ring.poll(timeoutMilliseconds: timeout) { record in
                if let event = KernelEvent(record) { found.append(event) }
            }
        } catch {
            throw KernelPlaneError(error)
        }
        return found
    }

    /// A program may read while the kernel copies, so what stays the same is not written again.
    private func write(_ settings: PlaneSettings) throws(BPFError) {
        let raw = mb_settings(settings)
        if let old = try reader.kernelMaps.settings.lookup(0), old.abi_version == raw.abi_version, old.plane == raw.plane {
            return
        }
        try reader.kernelMaps.settings.update(0, raw)
    }

    @discardableResult
    func locked<Result>(_ body: () throws(BPFError) -> Result) throws(KernelPlaneError) -> Result {
        try inPlane { () throws(BPFError) in
            try writing.withLock { (_) throws(BPFError) in return try body() }
        }
    }
}

extension WorkloadEntry {
    /// What the broker's own cgroup always is.
    static let broker = WorkloadEntry(client: 0, exempt: true)
}

extension mb_workload {
    init(_ entry: WorkloadEntry) {
        self.init(
            client: entry.client,
            flags: (entry.exempt ? UInt32(MB_WORKLOAD_EXEMPT) : 0) | (entry.listed ? UInt32(MB_WORKLOAD_LISTED) : 0))
    }
}

extension PlaneSettings {
    /// A target of the wrong family would send callers nowhere.
    func check() throws(KernelPlaneError) {
        guard targets.count <= ListenerSlot.allCases.count else {
            throw KernelPlaneError(operation: "apply", object: "\(targets.count) targets", hint: "four is the limit")
        }
        for (slot, target) in zip(ListenerSlot.allCases, targets) {
            guard let target, target.ip.family != slot.family || target.port == 0 else { continue }
            throw KernelPlaneError(operation: "apply", object: "target \(target)", hint: "it does not fit slot \(slot)")
        }
    }
}
