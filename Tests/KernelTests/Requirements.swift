import Glibc
import KernelPlane
import Testing

/// What the kernel tests need of the machine. Under `CI=true` they run and fail where they cannot pass; elsewhere they
/// are skipped with the reason.
enum Requirements {
    /// nil: everything is there.
    static let missing: String? = {
        if geteuid() != 0 { return "kernel tests need root" }
        let capabilities = HostFacts.missingCapabilities(Capability.plane + [.sysAdmin])
        if !capabilities.isEmpty { return "kernel tests need " + capabilities.map(\.name).joined(separator: ", ") }
        if !HostFacts.hasBTF() { return "kernel tests need a kernel with BTF" }
        if HostFacts.cgroup2Mount() == nil { return "kernel tests need a cgroup v2 hierarchy" }
        for tool in [Peer.python, "/bin/mount", "/bin/umount"] where access(tool, X_OK) < 0 { return "kernel tests need \(tool)" }
        return nil
    }()

    static let mustRun = getenv("CI").map { String(cString: $0) } == "true"

    /// iproute2, for tests in network namespaces.
    static let ip: String? = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].first { access($0, X_OK) == 0 }
}

extension Trait where Self == ConditionTrait {
    static var onThisKernel: Self {
        .enabled(if: Requirements.missing == nil || Requirements.mustRun, "\(Requirements.missing ?? "")")
    }

    static var withNamespaces: Self {
        .enabled(if: Requirements.ip != nil || Requirements.mustRun, "this test needs iproute2")
    }
}
