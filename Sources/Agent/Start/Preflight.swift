private import Glibc
internal import KernelPlane

/// What must be there before anything is made. Each fault is one sentence that says what is missing and what to do.
enum Preflight {
    /// Capabilities that the start takes, beside those of the kernel plane: to own the proxy's socket, to start it as
    /// another user, to shrink the bounding set.
    static let startCapabilities: [Capability] = [.chown, .setuid, .setgid, .setpcap]

    /// - Returns: where cgroup v2 is mounted.
    static func check(pinDirectory: String) throws(AgentError) -> String {
        guard geteuid() == 0 else { throw AgentError("modelbrokerd must start as root; run it with sudo or as a system service") }
        let missing = HostFacts.missingCapabilities(Capability.plane + startCapabilities)
        guard missing.isEmpty else {
            throw AgentError(
                "\(missing.map(\.name).joined(separator: ", ")) is missing; "
                    + "grant it to the service or the container (AmbientCapabilities=, securityContext.capabilities.add)")
        }
        guard HostFacts.hasBTF() else {
            throw AgentError(
                "the kernel has no BTF (/sys/kernel/btf/vmlinux); run a kernel built with CONFIG_DEBUG_INFO_BTF=y, "
                    + "and mount the host's /sys into the container")
        }
        guard let mount = HostFacts.cgroup2Mount() else {
            throw AgentError("cgroup v2 is not mounted; run mount -t cgroup2 none /sys/fs/cgroup, or boot with it")
        }
        guard HostFacts.takesPins(pinDirectory) else {
            throw AgentError("\(pinDirectory) is not on a BPF file system; run mount -t bpf bpf /sys/fs/bpf, or change --pin-dir")
        }
        return mount
    }
}
