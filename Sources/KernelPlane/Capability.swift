/// The Linux capabilities that the broker has to do with; raw values are the kernel's numbers.
package enum Capability: Int32, Hashable, Sendable, CaseIterable {
    case chown = 0
    case dacOverride = 1
    case dacReadSearch = 2
    case kill = 5
    case setgid = 6
    case setuid = 7
    case setpcap = 8
    case netBindService = 10
    case netAdmin = 12
    case sysAdmin = 21
    case sysResource = 24
    case perfmon = 38
    case bpf = 39

    /// As capabilities(7) spells it.
    package var name: String {
        switch self {
        case .chown: "CAP_CHOWN"
        case .dacOverride: "CAP_DAC_OVERRIDE"
        case .dacReadSearch: "CAP_DAC_READ_SEARCH"
        case .kill: "CAP_KILL"
        case .setgid: "CAP_SETGID"
        case .setuid: "CAP_SETUID"
        case .setpcap: "CAP_SETPCAP"
        case .netBindService: "CAP_NET_BIND_SERVICE"
        case .netAdmin: "CAP_NET_ADMIN"
        case .sysAdmin: "CAP_SYS_ADMIN"
        case .sysResource: "CAP_SYS_RESOURCE"
        case .perfmon: "CAP_PERFMON"
        case .bpf: "CAP_BPF"
        }
    }

    /// What loading, attaching and running the plane takes.
    package static let plane: [Capability] = [.bpf, .netAdmin, .perfmon]
}
