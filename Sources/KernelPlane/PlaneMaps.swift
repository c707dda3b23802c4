internal import BPF
internal import CBPFShim
internal import Catalog

/// Our maps with their types.
struct PlaneMaps: ~Copyable, Sendable {
    let settings: BPFMap<UInt32, mb_settings>
    let rules4: BPFMap<mb_rule_key4, mb_rule>
    let rules6: BPFMap<mb_rule_key6, mb_rule>
    let ruleCounters: BPFMap<UInt32, mb_rule_counters>
    let workloads: BPFMap<UInt64, mb_workload>
    let flowOrigins: BPFMap<mb_tuple, mb_flow>
    /// Read by userspace: the socket's cookie.
    let listeners: BPFMap<UInt32, UInt64>
    let counters: BPFMap<UInt32, UInt64>
    let origins: Descriptor
    let events: Descriptor
    let models: BPFMap<UInt32, mb_model>
    let buckets: BPFMap<UInt32, mb_bucket>
    let modelState: BPFMap<UInt32, mb_model_state>
    let refusals: BPFMap<mb_refusal_key, UInt64>
    let access: BPFMap<mb_access_key, UInt32>
    let sockets: Descriptor
    let endpointSets: BPFMap<UInt32, mb_endpoint_set>
    let endpointState: BPFMap<UInt32, mb_endpoint_state>
    let meters: BPFMap<mb_meter_key, mb_meter>
    let meterFlows: Descriptor

    /// All that throws comes before the first stored property: a noncopyable value cannot be half made.
    init(_ open: (PlaneMap) throws(BPFError) -> Descriptor) throws(BPFError) {
        let settings = try BPFMap<UInt32, mb_settings>(try open(.settings), name: PlaneMap.settings.rawValue)
        let rules4 = try BPFMap<mb_rule_key4, mb_rule>(try open(.rules4), name: PlaneMap.rules4.rawValue)
        let rules6 = try BPFMap<mb_rule_key6, mb_rule>(try open(.rules6), name: PlaneMap.rules6.rawValue)
        let ruleCounters = try BPFMap<UInt32, mb_rule_counters>(try open(.ruleCounters), name: PlaneMap.ruleCounters.rawValue)
        let workloads = try BPFMap<UInt64, mb_workload>(try open(.workloads), name: PlaneMap.workloads.rawValue)
        let flowOrigins = try BPFMap<mb_tuple, mb_flow>(try open(.flowOrigins), name: PlaneMap.flowOrigins.rawValue)
        let listeners = try BPFMap<UInt32, UInt64>(try open(.listeners), name: PlaneMap.listeners.rawValue)
        let counters = try BPFMap<UInt32, UInt64>(try open(.counters), name: PlaneMap.counters.rawValue)
        let origins = try open(.origins)
        let events = try open(.events)
        let models = try BPFMap<UInt32, mb_model>(try open(.models), name: PlaneMap.models.rawValue)
        let buckets = try BPFMap<UInt32, mb_bucket>(try open(.buckets), name: PlaneMap.buckets.rawValue)
        let modelState = try BPFMap<UInt32, mb_model_state>(try open(.modelState), name: PlaneMap.modelState.rawValue)
        let refusals = try BPFMap<mb_refusal_key, UInt64>(try open(.refusals), name: PlaneMap.refusals.rawValue)
        let access = try BPFMap<mb_access_key, UInt32>(try open(.access), name: PlaneMap.access.rawValue)
        let sockets = try open(.sockets)
        let endpointSets = try BPFMap<UInt32, mb_endpoint_set>(try open(.endpointSets), name: PlaneMap.endpointSets.rawValue)
        let endpointState = try BPFMap<UInt32, mb_endpoint_state>(
            try open(.endpointState), name: PlaneMap.endpointState.rawValue)
        let meters = try BPFMap<mb_meter_key, mb_meter>(try open(.meters), name: PlaneMap.meters.rawValue)
        let meterFlows = try open(.meterFlows)
        self.settings = settings
        self.rules4 = rules4
        self.rules6 = rules6
        self.ruleCounters = ruleCounters
        self.workloads = workloads
        self.flowOrigins = flowOrigins
        self.listeners = listeners
        self.counters = counters
        self.origins = origins
        self.events = events
        self.models = models
        self.buckets = buckets
        self.modelState = modelState
        self.refusals = refusals
        self.access = access
        self.sockets = sockets
        self.endpointSets = endpointSets
        self.endpointState = endpointState
        self.meters = meters
        self.meterFlows = meterFlows
    }

    func rawDescriptor(of map: PlaneMap) -> Int32 {
        switch map {
        case .settings: settings.rawDescriptor
        case .rules4: rules4.rawDescriptor
        case .rules6: rules6.rawDescriptor
        case .ruleCounters: ruleCounters.rawDescriptor
        case .workloads: workloads.rawDescriptor
        case .flowOrigins: flowOrigins.rawDescriptor
        case .listeners: listeners.rawDescriptor
        case .counters: counters.rawDescriptor
        case .origins: origins.raw
        case .events: events.raw
        case .models: models.rawDescriptor
        case .buckets: buckets.rawDescriptor
        case .modelState: modelState.rawDescriptor
        case .refusals: refusals.rawDescriptor
        case .access: access.rawDescriptor
        case .sockets: sockets.raw
        case .endpointSets: endpointSets.rawDescriptor
        case .endpointState: endpointState.rawDescriptor
        case .meters: meters.rawDescriptor
        case .meterFlows: meterFlows.raw
        }
    }

    /// The rules in force.
    func ruleTable() throws(BPFError) -> RuleTable {
        var entries: [Destination: RuleVerdict] = [:]
        for (key, rule) in try rules4.entries() {
            if let destination = key.destination { entries[destination] = rule.verdict }
        }
        for (key, rule) in try rules6.entries() {
            if let destination = key.destination { entries[destination] = rule.verdict }
        }
        return RuleTable(entries: entries)
    }

    func set(_ destination: Destination, _ verdict: RuleVerdict) throws(BPFError) {
        switch destination.network.address.family {
        case .v4: try rules4.update(mb_rule_key4(destination), mb_rule(verdict))
        case .v6: try rules6.update(mb_rule_key6(destination), mb_rule(verdict))
        }
    }

    func remove(_ destination: Destination) throws(BPFError) {
        switch destination.network.address.family {
        case .v4: try rules4.remove(mb_rule_key4(destination))
        case .v6: try rules6.remove(mb_rule_key6(destination))
        }
    }
}
