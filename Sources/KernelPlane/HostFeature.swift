internal import BPF
internal import CBPFShim

/// A kernel feature that the plane uses.
package struct HostFeature: Hashable, Sendable {
    package var name: String
    package var available: Bool
    /// False: the plane works without it, as `note` tells.
    package var required: Bool
    package var note: String

    package init(name: String, available: Bool, required: Bool = true, note: String = "") {
        self.name = name
        self.available = available
        self.required = required
        self.note = note
    }
}

extension HostFacts {
    /// What the plane uses and whether this kernel lets this process have it; takes CAP_BPF and CAP_NET_ADMIN.
    package static func features() -> [HostFeature] {
        let programs = BPFProbe.ProgramType.allCases.map {
            HostFeature(name: "program type \($0.rawValue)", available: BPFProbe.has($0))
        }
        let maps = BPFProbe.MapType.allCases.map {
            HostFeature(name: "map type \($0.rawValue)", available: BPFProbe.has($0))
        }
        let errno = HostFeature(
            name: "helper bpf_set_retval", available: BPFProbe.hasConnectErrno(), required: false,
            note: "without it (before 5.18) a refused caller sees EPERM instead of ECONNREFUSED")
        let iterator = HostFeature(
            name: "iter/tcp", available: BPFProbe.hasTCPIterator(), required: false,
            note: "without it (before 5.11) changes reach open connections with their next round trip, not at once")
        return programs + maps + [iterator, errno] + [htb()].compactMap(\.self)
    }

    /// nil: cannot be told, which takes CAP_SYS_ADMIN.
    private static func htb() -> HostFeature? {
        let found = mb_htb_probe()
        guard found >= 0 else { return nil }
        return HostFeature(
            name: "HTB qdisc", available: found == 1, required: false,
            note: "node.qdisc cannot be used; pacing, priority and DSCP work without it")
    }
}
