import Glibc

/// What runs left that were killed before they could take it away: grounds that bear the number of a process that is no more.
enum Leftovers {
    /// - Parameter mount: of cgroup v2.
    static func remove(below mount: String) {
        for name in entries(of: "/tmp") where isOrphan(name) {
            _ = try? ChildProcess.run("/bin/umount", "/tmp/\(name)")
            rmdir("/tmp/\(name)")
        }
        for name in entries(of: mount) where isOrphan(name) { removeTree("\(mount)/\(name)") }
    }

    /// `mbkernel-PID-NUMBER…` of a process that has ended.
    static func isOrphan(_ name: String) -> Bool {
        let parts = name.split(separator: "-")
        guard parts.count >= 3, parts[0] == "mbkernel", let pid = Int32(parts[1]), pid > 0 else { return false }
        return kill(pid, 0) != 0 && errno == ESRCH
    }

    /// Cgroups are removed from the leaves on; one with a process in it stays.
    private static func removeTree(_ directory: String) {
        for name in entries(of: directory) {
            let path = "\(directory)/\(name)"
            var facts = stat()
            if lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR { removeTree(path) }
        }
        rmdir(directory)
    }

    private static func entries(of directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
