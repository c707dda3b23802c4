private import CLinux
private import Glibc
internal import KernelPlane

/// The cgroup namespace of this process: where it begins in the node's hierarchy, and how paths in /proc are to be read.
///
/// Container runtimes give one to each container that is not privileged where there is cgroup v2 alone. /proc/PID/cgroup then
/// tells paths from the namespace's root, and the kernel may refuse to move a process across it.
struct CgroupNamespace: Hashable, Sendable {
    /// Path of its root below the cgroup v2 mount; "/" in the node's own.
    let root: String

    /// This process's. The first use looks for the process in the hierarchy, so it has to come before it joins another cgroup.
    static let current = find(mount: HostFacts.cgroup2Mount() ?? "")

    /// The node's own namespace has this inode number on every kernel.
    private static let nodes: ino_t = 0xEFFF_FFFB

    init(root: String) { self.root = root }

    /// - Parameters:
    ///   - path: of a process, below the cgroup v2 mount.
    ///   - told: what /proc says of the same process.
    init?(path: String, told: String) {
        guard path.hasSuffix(told) || told == "/" else { return nil }
        let above = told == "/" ? path : String(path.dropLast(told.count))
        self.init(root: above.isEmpty ? "/" : above)
    }

    /// Where the broker's cgroup has to be when the configuration does not say; nil: anywhere.
    var home: String? { root == "/" ? nil : root + "/modelbroker" }

    /// The path below the mount for one that /proc tells, which may lead out of the namespace: `/../other`.
    func absolute(_ told: String) -> String {
        var parts: [Substring] = []
        for part in (root + told).split(separator: "/") {
            if part == ".." {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    private static func find(mount: String) -> CgroupNamespace {
        let node = CgroupNamespace(root: "/")
        var facts = clinux_file()
        guard clinux_look_at_file("/proc/self/ns/cgroup", &facts) == 0, facts.inode != nodes,
            let told = BrokerCgroup.told(of: "self"), let path = holder(of: getpid(), in: mount, depth: 0)
        else { return node }
        let below = path.dropFirst(mount.count)
        return CgroupNamespace(path: below.isEmpty ? "/" : String(below), told: told) ?? node
    }

    /// The directory of the cgroup that a process is in, at or below this one.
    private static func holder(of pid: Int32, in directory: String, depth: Int) -> String? {
        if BrokerCgroup.processes(in: directory).contains(pid) { return directory }
        guard depth < CgroupTree.maximumDepth, let entries = opendir(directory) else { return nil }
        defer { closedir(entries) }
        while let entry = readdir(entries) {
            guard Int32(entry.pointee.d_type) == Int32(DT_DIR) else { continue }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard name != ".", name != ".." else { continue }
            if let found = holder(of: pid, in: directory + "/" + name, depth: depth + 1) { return found }
        }
        return nil
    }
}
