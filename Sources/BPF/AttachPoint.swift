internal import CBPFShim

/// Where in a cgroup a program runs.
package enum AttachPoint: String, Hashable, Sendable, CaseIterable {
    case connect4 = "cgroup/connect4"
    case connect6 = "cgroup/connect6"
    case getpeername4 = "cgroup/getpeername4"
    case getpeername6 = "cgroup/getpeername6"
    case sockops = "sockops"
    case getsockopt = "cgroup/getsockopt"
    case setsockopt = "cgroup/setsockopt"
    case sockRelease = "cgroup/sock_release"
    case ingress = "cgroup_skb/ingress"
    case egress = "cgroup_skb/egress"

    var kernelType: bpf_attach_type {
        switch self {
        case .connect4: BPF_CGROUP_INET4_CONNECT
        case .connect6: BPF_CGROUP_INET6_CONNECT
        case .getpeername4: BPF_CGROUP_INET4_GETPEERNAME
        case .getpeername6: BPF_CGROUP_INET6_GETPEERNAME
        case .sockops: BPF_CGROUP_SOCK_OPS
        case .getsockopt: BPF_CGROUP_GETSOCKOPT
        case .setsockopt: BPF_CGROUP_SETSOCKOPT
        case .sockRelease: BPF_CGROUP_INET_SOCK_RELEASE
        case .ingress: BPF_CGROUP_INET_INGRESS
        case .egress: BPF_CGROUP_INET_EGRESS
        }
    }

    init?(kernelType: UInt32) {
        guard let point = Self.allCases.first(where: { $0.kernelType.rawValue == kernelType }) else { return nil }
        self = point
    }

    /// Ids of the programs attached there, in the order in which they run. `effective`: also those of the cgroup's
    /// ancestors that run for it.
    package func programs(cgroup: Int32, effective: Bool) throws(BPFError) -> [UInt32] {
        var ids = [UInt32](repeating: 0, count: 128)
        var count = UInt32(ids.count)
        let flags: UInt32 = effective ? UInt32(BPF_F_QUERY_EFFECTIVE) : 0
        let result = bpf_prog_query(cgroup, kernelType, flags, nil, &ids, &count)
        _ = try BPFError.check(result, "list the programs at", rawValue)
        return Array(ids.prefix(Int(count)))
    }
}
