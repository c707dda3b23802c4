internal import Control
internal import KernelPlane

/// What `doctor` makes of a reading: pure, so that every verdict can be tested.
package enum Diagnosis {
    /// The checks in the order in which they are printed.
    package static func checks(of reading: HostReading) -> [Check] {
        [privileges(reading), kernel(reading.kernelRelease), types(reading.hasBTF), cgroup(reading.cgroupMount)]
            + [pinsPlace(reading)] + features(reading) + [unprivileged(reading.unprivilegedBPFDisabled)]
            + plane(reading) + [agent(reading.agent, pinned: reading.isPinned)]
            + certificates(reading)
    }

    private static func privileges(_ reading: HostReading) -> Check {
        guard !reading.missingCapabilities.isEmpty else {
            return .ok("privileges", "\(reading.isRoot ? "root" : "not root, but") with every capability that the agent needs")
        }
        let missing = reading.missingCapabilities.map(\.name).joined(separator: ", ")
        return reading.isRoot
            ? .fail("privileges", "root, but without \(missing)", "give the container or unit these capabilities")
            : .fail("privileges", "not root, without \(missing)", "run this as root")
    }

    package static func kernel(_ release: String) -> Check {
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else {
            return .warn("kernel", "cannot tell the version of \"\(release)\"", "5.15 or later is needed")
        }
        let version = (numbers[0], numbers[1])
        if version < (5, 15) { return .fail("kernel", "\(release)", "capture needs 5.15 or later") }
        if version < (6, 1) { return .warn("kernel", "\(release)", "capture works; everything else needs 6.1 or later") }
        return .ok("kernel", "\(release)")
    }

    private static func types(_ present: Bool) -> Check {
        present
            ? .ok("BTF", "/sys/kernel/btf/vmlinux is there")
            : .fail("BTF", "/sys/kernel/btf/vmlinux is missing", "use a kernel with CONFIG_DEBUG_INFO_BTF=y")
    }

    private static func cgroup(_ mount: String?) -> Check {
        switch mount {
        case nil:
            .fail(
                "cgroup v2", "not mounted",
                "mount -t cgroup2 none /sys/fs/cgroup/unified, or boot with systemd.unified_cgroup_hierarchy=1")
        case "/sys/fs/cgroup"?: .ok("cgroup v2", "/sys/fs/cgroup")
        case let path?: .ok("cgroup v2", "\(path), beside v1 controllers (hybrid)")
        }
    }

    private static func pinsPlace(_ reading: HostReading) -> Check {
        if reading.pinsOnBPFFileSystem { return .ok("bpffs", "\(reading.pinDirectory) is on a BPF file system") }
        let what = "\(reading.pinDirectory) is not on a BPF file system"
        return reading.pinsCanBeMounted
            ? .warn("bpffs", what, "modelbrokerd mounts one there if it has CAP_SYS_ADMIN; or mount -t bpf bpf /sys/fs/bpf")
            : .fail("bpffs", what, "mount -t bpf bpf /sys/fs/bpf")
    }

    /// Probing takes what loading takes; without that every feature would seem to be missing.
    private static func features(_ reading: HostReading) -> [Check] {
        guard reading.missingCapabilities.isEmpty else {
            return [.warn("kernel features", "cannot be probed without these capabilities", "run this as root")]
        }
        return reading.features.map(feature)
    }

    private static func feature(_ feature: HostFeature) -> Check {
        if feature.available { return .ok("kernel feature", "\(feature.name)") }
        let finding = "\(feature.name) is missing"
        let advice = feature.note.isEmpty ? "use a kernel that has it, as Debian's 6.1 does" : feature.note
        return feature.required ? .fail("kernel feature", finding, advice) : .warn("kernel feature", finding, advice)
    }

    private static func unprivileged(_ disabled: Int?) -> Check {
        switch disabled {
        case 0?:
            .warn("unprivileged BPF", "every user may load programs", "sysctl -w kernel.unprivileged_bpf_disabled=1")
        case nil: .ok("unprivileged BPF", "not in this kernel")
        case _?: .ok("unprivileged BPF", "disabled")
        }
    }

    private static func agent(_ agent: HostReading.Agent, pinned: Bool) -> Check {
        switch agent {
        case .running(let status): .ok("agent", "running, pid \(status.agent.pid), version \(status.agent.version)")
        case .silent(let reason): .fail("agent", "\(reason)", "look at its log, and restart it")
        case .absent:
            .warn(
                "agent", pinned ? "not running; what is pinned goes on without it" : "not running",
                "modelbrokerd --config /etc/modelbroker/modelbroker.yaml")
        }
    }
}

extension HostReading {
    fileprivate var isPinned: Bool {
        if case .absent = plane { false } else { true }
    }
}
