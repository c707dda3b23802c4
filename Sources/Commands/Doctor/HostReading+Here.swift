internal import Control
private import Glibc
internal import KernelPlane

extension HostReading {
    /// Reads this machine.
    package static func here(pinDirectory: String, client: ControlClient) -> HostReading {
        var reading = HostReading()
        reading.isRoot = geteuid() == 0
        reading.missingCapabilities = HostFacts.missingCapabilities()
        reading.kernelRelease = HostFacts.kernelRelease()
        reading.hasBTF = HostFacts.hasBTF()
        reading.cgroupMount = HostFacts.cgroup2Mount()
        reading.pinDirectory = pinDirectory
        reading.pinsOnBPFFileSystem = HostFacts.isOnBPFFileSystem(pinDirectory)
        reading.pinsCanBeMounted = HostFacts.takesPins(pinDirectory)
        reading.features = HostFacts.features()
        reading.unprivilegedBPFDisabled = sysctl("kernel/unprivileged_bpf_disabled")
        reading.plane = plane(pinDirectory)
        reading.agent = agent(client)
        reading.now = Int64(time(nil))
        return reading
    }

    private static func plane(_ pinDirectory: String) -> Plane {
        guard access(pinDirectory, F_OK) == 0 || errno == EACCES else { return .absent }
        do {
            let inspector = try PlaneInspector(pinDirectory: pinDirectory)
            return .pinned(
                programs: try inspector.programs(), targets: try inspector.settings().targets,
                listening: try inspector.listeners())
        } catch {
            return .unreadable(error.description)
        }
    }

    private static func agent(_ client: ControlClient) -> Agent {
        do {
            return .running(try client.ask(.status, for: StatusReport.self))
        } catch ClientError.notRunning {
            return .absent
        } catch {
            return .silent(error.description)
        }
    }

    private static func sysctl(_ name: String) -> Int? {
        guard let text = try? TextFile.read("/proc/sys/\(name)") else { return nil }
        return Int(text.prefix { $0 != "\n" })
    }
}
