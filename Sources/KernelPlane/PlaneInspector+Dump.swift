internal import BPF
internal import CBPFShim
import Catalog

/// One entry of a map: names and values of its fields, key first.
package typealias DumpedEntry = [(String, String)]

extension PlaneInspector {
    /// Every entry of a map, field by field. `rule_counters` shows the rules in force only. The names are those of
    /// `maps()`; an unknown one and the kinds of map that cannot be listed are errors.
    package func dump(map name: String) throws(KernelPlaneError) -> [DumpedEntry] {
        guard let map = PlaneMap(rawValue: name) else {
            let names = PlaneMap.allCases.map(\.rawValue).joined(separator: ", ")
            throw KernelPlaneError(operation: "dump", object: "map \(name)", hint: "the maps are \(names)")
        }
        switch map {
        case .settings: return dumped(try settings())
        case .rules4: return try rules().filter { $0.destination.network.address.family == .v4 }.map(dumped)
        case .rules6: return try rules().filter { $0.destination.network.address.family == .v6 }.map(dumped)
        case .ruleCounters: return try dumpRuleCounters()
        case .workloads: return try workloads().sorted { $0.key < $1.key }.map { dumped($0.key, $0.value) }
        case .counters: return try counters().map { [("counter", $0.name), ("value", "\($0.value)")] }
        case .listeners: return try dumpListeners()
        case .flowOrigins: return try dumpFlowOrigins()
        case .models: return try dumpModels()
        case .buckets: return try dumpBuckets()
        case .modelState: return try dumpModelState()
        case .refusals: return try dumpRefusals()
        case .access: return try dumpAccess()
        case .endpointSets: return try dumpEndpointSets()
        case .endpointState: return try dumpEndpointState()
        case .meters: return try dumpMeters()
        case .origins, .sockets, .meterFlows: throw unlisted(name, "socket storage belongs to the sockets and cannot be listed")
        case .events: throw unlisted(name, "records of a ring buffer can only be consumed; see `modelbroker events`")
        }
    }

    private func unlisted(_ name: String, _ why: String) -> KernelPlaneError {
        KernelPlaneError(operation: "dump", object: "map \(name)", hint: why)
    }

    private func dumped(_ settings: PlaneSettings) -> [DumpedEntry] {
        let targets = zip(ListenerSlot.allCases, settings.targets).map { slot, target in
            ("target \(slot)", target?.description ?? "none")
        }
        return [
            [("generation", "\(settings.generation)"), ("host_netns_cookie", "\(settings.hostNetnsCookie)")] + targets
        ]
    }

    private func dumped(_ rule: KernelRule) -> DumpedEntry {
        [
            ("destination", rule.destination.description), ("rule", "\(rule.id)"), ("path", rule.path.rawValue),
            ("when_down", rule.whenDown.rawValue), ("model", "\(rule.model)"),
        ]
    }

    private func dumped(_ cgroup: UInt64, _ entry: WorkloadEntry) -> DumpedEntry {
        let path = cgroupPaths[cgroup] ?? HostFacts.cgroupPath(id: cgroup) ?? "?"
        return [
            ("cgroup", "\(cgroup)"), ("path", path), ("client", "\(entry.client)"), ("exempt", entry.exempt ? "yes" : "no"),
            ("listed", entry.listed ? "yes" : "no"),
        ]
    }

    private func dumpRuleCounters() throws(KernelPlaneError) -> [DumpedEntry] {
        var entries: [DumpedEntry] = []
        for id in Set(try rules().map(\.id)).sorted() {
            let counted = try ruleCounters(id)
            entries.append([
                ("rule", "\(id)"), ("captured", "\(counted.captured)"), ("denied", "\(counted.denied)"),
                ("direct", "\(counted.direct)"), ("refused", "\(counted.refused)"),
            ])
        }
        return entries
    }

    private func dumpListeners() throws(KernelPlaneError) -> [DumpedEntry] {
        var entries: [DumpedEntry] = []
        for slot in ListenerSlot.allCases {
            let cookie = try inPlane { () throws(BPFError) in try kernelMaps.listeners.lookup(UInt32(slot.rawValue)) }
            entries.append([("slot", "\(slot)"), ("socket_cookie", cookie.map { "\($0)" } ?? "none")])
        }
        return entries
    }

    private func dumpFlowOrigins() throws(KernelPlaneError) -> [DumpedEntry] {
        let found = try inPlane { () throws(BPFError) in try kernelMaps.flowOrigins.entries() }
        return found.compactMap { key, value in
            guard let ends = key.ends, let origin = Origin(value.origin) else { return nil }
            return [("caller", ends.remote.description), ("listener", ends.local.description)]
                + [("established", value.established != 0 ? "yes" : "no")] + dumped(origin)
        }
    }

    private func dumped(_ origin: Origin) -> DumpedEntry {
        [
            ("dialled", origin.dialled.description), ("mapped", origin.mapped ? "yes" : "no"), ("rule", "\(origin.rule)"),
            ("client", "\(origin.client)"), ("pid", "\(origin.pid)"), ("uid", "\(origin.uid)"),
            ("command", origin.command), ("cgroup", "\(origin.cgroup)"), ("workload", "\(origin.workload)"),
            ("netns_cookie", "\(origin.netnsCookie)"), ("foreign_netns", origin.foreignNetns ? "yes" : "no"),
            ("socket_cookie", "\(origin.socketCookie)"), ("time_ns", "\(origin.timeNanoseconds)"),
            ("model", "\(origin.model)"), ("endpoint", "\(origin.endpoint)"), ("direct", origin.direct ? "yes" : "no"),
        ]
    }
}

extension mb_tuple {
    /// The caller's end and the proxy's; nil: not an entry that we have written.
    var ends: (remote: SocketAddress, local: SocketAddress)? {
        guard let family = IPAddress.Family(kernel: family) else { return nil }
        let remote = withUnsafeBytes(of: remote_be) { IPAddress(family: family, bytes: $0) }
        let local = withUnsafeBytes(of: local_be) { IPAddress(family: family, bytes: $0) }
        return (
            SocketAddress(ip: remote, port: UInt16(bigEndian: remote_port_be)),
            SocketAddress(ip: local, port: UInt16(bigEndian: local_port_be))
        )
    }
}
