internal import BPF
internal import CBPFShim
import Catalog
import Glibc

/// Reads the pinned objects, with the agent up or down. Takes CAP_BPF (and, for paths of cgroups, CAP_DAC_READ_SEARCH).
package final class PlaneInspector: Sendable {
    let kernelMaps: PlaneMaps
    let pins: PinDirectory
    /// Paths that are known without asking the kernel, by cgroup id.
    let cgroupPaths: [UInt64: String]

    init(maps: consuming PlaneMaps, location: PlaneLocation) {
        self.kernelMaps = maps
        self.pins = PinDirectory(path: location.pinDirectory)
        let known = [location.captureCgroup, location.brokerCgroup].compactMap { path in
            HostFacts.cgroupID(path: path).map { ($0, path) }
        }
        self.cgroupPaths = Dictionary(known) { first, _ in first }
    }

    /// Opens what is pinned; an error if nothing is, if a part is missing or if it has another layout version.
    package init(pinDirectory: String) throws(KernelPlaneError) {
        let pins = PinDirectory(path: pinDirectory)
        try pins.checkReadable()
        self.kernelMaps = try inPlane { () throws(BPFError) in
            try PlaneMaps { (map) throws(BPFError) in try pins.open(map) }
        }
        self.pins = pins
        self.cgroupPaths = [:]
    }

    /// All of them by name (`connects`, `no_target`, ...) in the order of the ABI, summed over CPUs.
    package func counters() throws(KernelPlaneError) -> [(name: String, value: UInt64)] {
        var values: [(name: String, value: UInt64)] = []
        for (index, name) in CounterNames.all.enumerated() {
            let perCPU = try inPlane { () throws(BPFError) in try kernelMaps.counters.lookupPerCPU(UInt32(index)) }
            values.append((name, perCPU.reduce(0, &+)))
        }
        return values
    }

    /// Of the rule at this position in the configuration.
    package func ruleCounters(_ id: UInt32) throws(KernelPlaneError) -> RuleCounters {
        let counted = try inPlane { () throws(BPFError) in try kernelMaps.ruleCounters.lookup(id) } ?? mb_rule_counters()
        return RuleCounters(
            captured: counted.captured, denied: counted.denied, direct: counted.direct, refused: counted.refused)
    }

    /// The entries of both tries, by rule and then as written.
    package func rules() throws(KernelPlaneError) -> [KernelRule] {
        let table = try inPlane { () throws(BPFError) in try kernelMaps.ruleTable() }
        return table.entries.map {
            KernelRule(
                destination: $0.key, id: $0.value.id, path: $0.value.path, whenDown: $0.value.whenDown,
                model: $0.value.model)
        }.sorted { ($0.id, $0.destination.description) < ($1.id, $1.destination.description) }
    }

    /// Generation 0 and no targets: none were written yet.
    package func settings() throws(KernelPlaneError) -> PlaneSettings {
        let found = try inPlane { () throws(BPFError) in try kernelMaps.settings.lookup(0) }
        return (found ?? mb_settings()).plane
    }

    /// By cgroup id.
    package func workloads() throws(KernelPlaneError) -> [UInt64: WorkloadEntry] {
        let entries = try inPlane { () throws(BPFError) in try kernelMaps.workloads.entries() }
        return Dictionary(entries.map { ($0.key, WorkloadEntry($0.value)) }) { first, _ in first }
    }

    /// By `ListenerSlot`: does somebody listen?
    package func listeners() throws(KernelPlaneError) -> [Bool] {
        var alive: [Bool] = []
        for slot in ListenerSlot.allCases {
            let cookie = try inPlane { () throws(BPFError) in try kernelMaps.listeners.lookup(UInt32(slot.rawValue)) }
            alive.append(cookie != nil)
        }
        return alive
    }
}

extension WorkloadEntry {
    init(_ raw: mb_workload) {
        self.init(
            client: raw.client, exempt: raw.flags & UInt32(MB_WORKLOAD_EXEMPT) != 0,
            listed: raw.flags & UInt32(MB_WORKLOAD_LISTED) != 0)
    }
}

/// Names of `enum mb_counter`, by number.
enum CounterNames {
    static let all = [
        "connects", "exempt", "unmatched", "captured", "denied", "direct", "refused", "no_target", "no_settings",
        "storage_failed", "origin_full", "origin_missing", "event_lost", "retval_failed", "sockopt_short",
        "listener_missing", "limited_rate", "limited_connections", "limited_access", "endpoint_picked", "endpoint_none",
        "refusal_full", "meter_full", "socket_failed", "model_missing", "tags", "tag_invalid", "applied", "apply_failed",
        "contended",
    ]
}
