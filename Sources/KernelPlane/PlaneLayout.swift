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
}

/// Our programs; raw values are their names in the object and below `links/`. The order is that of attaching: what
/// captures comes last, so that no connect is captured before the rest can deal with it. Detaching goes backwards.
enum PlaneProgram: String, CaseIterable {
    case getsockopt = "mb_getsockopt"
    case passive = "mb_passive"
    case active = "mb_active"
    case getpeername4 = "mb_getpeername4"
    case getpeername6 = "mb_getpeername6"
    case connect4 = "mb_connect4"
    case connect6 = "mb_connect6"

    var point: AttachPoint {
        switch self {
        case .getsockopt: .getsockopt
        case .passive, .active: .sockops
        case .getpeername4: .getpeername4
        case .getpeername6: .getpeername6
        case .connect4: .connect4
        case .connect6: .connect6
        }
    }

    /// True: for the proxy's sockets only; false: for everybody's in the captured cgroup.
    var isBrokers: Bool { self == .getsockopt || self == .passive }

    func cgroup(_ location: PlaneLocation) -> String {
        isBrokers ? location.brokerCgroup : location.captureCgroup
    }
}
