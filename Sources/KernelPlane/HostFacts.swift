/// What this machine offers to the plane.
package enum HostFacts {
    /// Mount point of the cgroup v2 hierarchy: `/sys/fs/cgroup`, else `/sys/fs/cgroup/unified`, else the first found.
    package static func cgroup2Mount() -> String? { nil }
    /// Id of the cgroup at an absolute path; nil if there is none.
    package static func cgroupID(path: String) -> UInt64? { nil }
    /// Absolute path of a cgroup; nil if it vanished or cannot be told (takes CAP_DAC_READ_SEARCH).
    package static func cgroupPath(id: UInt64) -> String? { nil }
    /// Cookie of this process's network namespace (the agent runs in the host's).
    package static func hostNetnsCookie() -> UInt64? { nil }
    package static func kernelRelease() -> String { "" }
    /// Does the kernel describe its own types (/sys/kernel/btf/vmlinux)?
    package static func hasBTF() -> Bool { false }
    /// Is this path, or the nearest parent that exists, on a BPF file system?
    package static func isOnBPFFileSystem(_ path: String) -> Bool { false }
    /// Those of the given capabilities that this process lacks.
    package static func missingCapabilities(_ wanted: [Capability] = Capability.plane) -> [Capability] { [] }
    /// What the plane uses and whether this kernel lets this process have it.
    package static func features() -> [HostFeature] { [] }
}

/// A kernel feature that the plane uses.
package struct HostFeature: Hashable, Sendable {
    package var name: String
    package var available: Bool
    /// False: the plane works without it, as `note` tells.
    package var required: Bool
    package var note: String

    package init(name: String, available: Bool, required: Bool, note: String) {
        self.name = name
        self.available = available
        self.required = required
        self.note = note
    }
}
