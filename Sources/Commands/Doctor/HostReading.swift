package import Catalog
package import Control
package import KernelPlane

/// What `doctor` found on this machine, before it is judged.
package struct HostReading: Sendable {
    package enum Plane: Sendable {
        /// Nothing is pinned.
        case absent
        case unreadable(String)
        case pinned(programs: [ProgramInfo], targets: [SocketAddress?], listening: [Bool])
    }

    package enum Agent: Sendable {
        case running(StatusReport)
        case absent
        case silent(String)
    }

    package var isRoot = false
    package var missingCapabilities: [Capability] = []
    package var kernelRelease = ""
    package var hasBTF = false
    package var cgroupMount: String?
    package var pinDirectory = ""
    package var pinsOnBPFFileSystem = false
    /// The agent mounts the file system for the pins itself.
    package var pinsCanBeMounted = false
    package var features: [HostFeature] = []
    /// The sysctl `kernel.unprivileged_bpf_disabled`; nil: this kernel has none.
    package var unprivilegedBPFDisabled: Int?
    package var plane = Plane.absent
    package var agent = Agent.absent
    /// Seconds since 1970, by this machine's clock.
    package var now: Int64 = 0

    package init() {}
}
