internal import CBPFShim

/// What this kernel lets this process have.
package enum BPFProbe {
    /// Program types that the plane uses.
    package enum ProgramType: String, Sendable, CaseIterable {
        case cgroupSockAddr = "cgroup_sock_addr"
        case sockOps = "sock_ops"
        /// getsockopt and setsockopt.
        case cgroupSockopt = "cgroup_sockopt"
        case cgroupSock = "cgroup_sock"
        case cgroupSKB = "cgroup_skb"

        var kernelType: bpf_prog_type {
            switch self {
            case .cgroupSockAddr: BPF_PROG_TYPE_CGROUP_SOCK_ADDR
            case .sockOps: BPF_PROG_TYPE_SOCK_OPS
            case .cgroupSockopt: BPF_PROG_TYPE_CGROUP_SOCKOPT
            case .cgroupSock: BPF_PROG_TYPE_CGROUP_SOCK
            case .cgroupSKB: BPF_PROG_TYPE_CGROUP_SKB
            }
        }
    }

    /// Map types that the plane uses.
    package enum MapType: String, Sendable, CaseIterable {
        case skStorage = "sk_storage"
        case sockmap = "sockmap"
        case lpmTrie = "lpm_trie"
        case ringbuf = "ringbuf"
        case lruHash = "lru_hash"

        var kernelType: bpf_map_type {
            switch self {
            case .skStorage: BPF_MAP_TYPE_SK_STORAGE
            case .sockmap: BPF_MAP_TYPE_SOCKMAP
            case .lpmTrie: BPF_MAP_TYPE_LPM_TRIE
            case .ringbuf: BPF_MAP_TYPE_RINGBUF
            case .lruHash: BPF_MAP_TYPE_LRU_HASH
            }
        }
    }

    package static func has(_ type: ProgramType) -> Bool {
        LogCapture.run { libbpf_probe_bpf_prog_type(type.kernelType, nil) }.result == 1
    }

    package static func has(_ type: MapType) -> Bool {
        LogCapture.run { libbpf_probe_bpf_map_type(type.kernelType, nil) }.result == 1
    }

    /// bpf_set_retval in connect programs (5.18): without it a refused caller sees EPERM instead of ECONNREFUSED.
    package static func hasConnectErrno() -> Bool {
        LogCapture.run {
            libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_set_retval, nil)
        }.result == 1
    }

    /// Iterators over TCP sockets (5.8): a changed entry reaches open connections at once.
    package static func hasTCPIterator() -> Bool {
        LogCapture.run { libbpf_find_vmlinux_btf_id("tcp", BPF_TRACE_ITER) }.result > 0
    }
}
