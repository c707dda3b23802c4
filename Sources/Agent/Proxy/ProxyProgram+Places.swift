private import Glibc

/// The cgroups of proxies that have been set aside: `retired-PID` beside the proxy's own. The process moves; its sockets
/// stay what they are, since all of them are below the broker's cgroup.
extension ProxyProgram {
    private static let prefix = "retired-"

    private var parent: String { File.directory(of: cgroup) }

    private func place(of pid: Int32) -> String { "\(parent)/\(Self.prefix)\(pid)" }

    /// Puts a process into a cgroup of its own.
    func setAside(_ pid: Int32) throws(AgentError) {
        let place = place(of: pid)
        guard mkdir(place, 0o755) == 0 || errno == EEXIST else { throw AgentError(SystemError("make the cgroup", place)) }
        do {
            try move(pid, place)
        } catch {
            rmdir(place)
            throw error
        }
    }

    /// Puts a process that was set aside back into the proxy's cgroup.
    func bringBack(_ pid: Int32) throws(AgentError) {
        try move(pid, cgroup)
        rmdir(place(of: pid))
    }

    /// Kills one that was set aside.
    func killAside(_ pid: Int32) {
        // It may have gone by itself.
        try? File.write("1", into: place(of: pid) + "/cgroup.kill")
    }

    /// Removes the cgroups of those that have ended.
    func clearPlaces() {
        for place in places where BrokerCgroup.processes(in: place).isEmpty { rmdir(place) }
    }

    /// The processes that were set aside.
    var processesAside: [Int32] { places.flatMap { BrokerCgroup.processes(in: $0) } }

    /// Kills everything that was set aside.
    func killAllAside() {
        for place in places { try? File.write("1", into: place + "/cgroup.kill") }
    }

    /// Absolute paths of the cgroups of those that were set aside.
    var places: [String] { Self.places(below: parent) }

    /// The cgroups of proxies that have been set aside, as absolute paths.
    static func places(below broker: String) -> [String] {
        guard let directory = opendir(broker) else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasPrefix(prefix) { found.append("\(broker)/\(name)") }
        }
        return found.sorted()
    }

    private func move(_ pid: Int32, _ place: String) throws(AgentError) {
        do {
            try File.write(String(pid), into: place + "/cgroup.procs")
        } catch {
            throw AgentError(error)
        }
    }
}
