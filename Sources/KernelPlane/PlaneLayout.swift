internal import BPF

/// Our maps; raw values are their names in the object and below `maps/`.
enum PlaneMap: String, CaseIterable {
    case settings
    case rules4
    case rules6
    case ruleCounters = "rule_counters"
    case workloads
    case origins
    case flowOrigins = "flow_origins"
    case listeners
    case counters
    case events
    case models
    case buckets
    case modelState = "model_state"
    case refusals
    case access
    case sockets
    case endpointSets = "endpoint_sets"
    case endpointState = "endpoint_state"
    case meters
    case meterFlows = "meter_flows"
}

/// Our programs; raw values are their names in the object and below `links/`. The order is that of attaching: what
/// captures comes last, so that no connect is captured before the rest can deal with it. Detaching goes backwards.
enum PlaneProgram: String, CaseIterable {
    case reapply = "mb_reapply"
    case setsockopt = "mb_setsockopt"
    case sockRelease = "mb_sock_release"
    case meterIngress = "mb_meter_ingress"
    case meterEgress = "mb_meter_egress"
    case getsockopt = "mb_getsockopt"
    case passive = "mb_passive"
    case active = "mb_active"
    case getpeername4 = "mb_getpeername4"
    case getpeername6 = "mb_getpeername6"
    case connect4 = "mb_connect4"
    case connect6 = "mb_connect6"

    /// nil: an iterator, which belongs to no cgroup.
    var point: AttachPoint? {
        switch self {
        case .reapply: nil
        case .setsockopt: .setsockopt
        case .sockRelease: .sockRelease
        case .meterIngress: .ingress
        case .meterEgress: .egress
        case .getsockopt: .getsockopt
        case .passive, .active: .sockops
        case .getpeername4: .getpeername4
        case .getpeername6: .getpeername6
        case .connect4: .connect4
        case .connect6: .connect6
        }
    }

    /// True: for the proxy's sockets only; false: for everybody's in the captured cgroup.
    var isBrokers: Bool { self == .getsockopt || self == .setsockopt || self == .passive }

    /// As `prog list` shows it.
    var hook: String { point?.rawValue ?? "iter/tcp" }

    func cgroup(_ location: PlaneLocation) -> String {
        isBrokers ? location.brokerCgroup : location.captureCgroup
    }
}
