private import Glibc

/// The broker's own cgroup with `agent` and `proxy` below it, as absolute paths.
struct BrokerCgroup: Sendable {
    let path: String
    /// What this start made, parents first.
    let made: [String]
    /// Where this process was before it joined.
    let former: String

    var agent: String { path + "/agent" }
    var proxy: String { path + "/proxy" }
    var all: [String] { [path, agent, proxy] }

    /// Makes what is missing of the three cgroups and moves this process into `agent`. Leaves nothing behind on an error.
    ///
    /// - Parameter mount: where cgroup v2 is mounted.
    static func join(_ path: String, mount: String) throws(AgentError) -> BrokerCgroup {
        var made: [String] = []
        let former = mount + (currentPath() ?? "/")
        do {
            for directory in [path, path + "/agent", path + "/proxy"] {
                if mkdir(directory, 0o755) == 0 {
                    made.append(directory)
                } else if errno != EEXIST {
                    throw SystemError("make the cgroup", directory)
                }
            }
            try File.write("0", into: path + "/agent/cgroup.procs")
        } catch {
            for directory in made.reversed() { rmdir(directory) }
            throw AgentError("\(error)")
        }
        return BrokerCgroup(path: path, made: made, former: former)
    }

    /// Moves this process out: to the parent of the broker's cgroup, or where it was, or to the root, whichever takes it
    /// (a cgroup that hands out controllers takes no processes).
    func leave(mount: String) {
        for directory in [File.directory(of: path), former, mount] where !directory.hasPrefix(path + "/") {
            if (try? File.write("0", into: directory + "/cgroup.procs")) != nil { return }
        }
    }

    /// Removes cgroups, the last one first, as far as nobody is in them. Returns what is left.
    static func remove(_ directories: [String]) -> [String] {
        directories.reversed().filter { rmdir($0) != 0 && errno != ENOENT }
    }

    /// A process's cgroup below the cgroup v2 mount; nil when there is no such process.
    static func currentPath(of process: String = "self") -> String? {
        told(of: process).map(CgroupNamespace.current.absolute)
    }

    /// The same as /proc tells it: from the root of this process's cgroup namespace.
    static func told(of process: String) -> String? {
        guard let lines = try? File.text("/proc/\(process)/cgroup") else { return nil }
        return lines.split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
    }

    /// The processes in a cgroup, not below it.
    static func processes(in directory: String) -> [Int32] {
        guard let text = try? File.text(directory + "/cgroup.procs") else { return [] }
        return text.split(separator: "\n").compactMap { Int32($0) }.filter { $0 > 0 }
    }
}
