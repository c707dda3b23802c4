private import Glibc

/// Ends the processes of a cgroup and removes it with everything below.
package enum CgroupTree {
    package struct Failure: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// How long killed processes may take to be gone, in milliseconds.
    private static let patience = 5_000

    /// - Parameters:
    ///   - mount: of cgroup v2; nothing outside of it, nor itself, is ever touched.
    ///   - own: the cgroup of this process, which must not be below.
    /// - Returns: what was removed, in words.
    package static func remove(_ path: String, mount: String?, own: String?) throws(Failure) -> [String] {
        guard let mount, path.hasPrefix(mount + "/"), path.count > mount.count + 1, !path.split(separator: "/").contains("..")
        else {
            throw Failure(description: "\(path) is not a cgroup below \(mount ?? "a cgroup v2 mount"); it is left alone")
        }
        if let own, "\(mount)\(own)/".hasPrefix(path + "/") {
            throw Failure(description: "this process runs in \(path); run detach from another cgroup")
        }
        var removed: [String] = []
        if isPopulated(path) {
            try write("1", to: "\(path)/cgroup.kill")
            try awaitEmpty(path, by: Deadline(afterMilliseconds: patience))
            removed.append("processes of \(path)")
        }
        for directory in bottomUp(path) {
            guard rmdir(directory) == 0 || errno == ENOENT else {
                throw Failure(description: "cannot remove \(directory): \(errorText(errno))")
            }
            removed.append("cgroup \(directory)")
        }
        return removed
    }

    /// This process's own cgroup (v2), below the mount; nil when it cannot be told.
    package static func own() -> String? {
        let lines = (try? TextFile.read("/proc/self/cgroup"))?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
    }

    /// Names of the cgroups directly below.
    package static func children(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            guard Int32(entry.pointee.d_type) == Int32(DT_DIR) else { continue }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func bottomUp(_ path: String) -> [String] {
        children(of: path).flatMap { bottomUp("\(path)/\($0)") } + [path]
    }

    private static func isPopulated(_ path: String) -> Bool {
        guard let text = try? TextFile.read("\(path)/cgroup.events") else { return false }
        return text.split(separator: "\n").contains("populated 1")
    }

    /// The kernel reports a change of cgroup.events as POLLPRI.
    private static func awaitEmpty(_ path: String, by deadline: Deadline) throws(Failure) {
        let events = open("\(path)/cgroup.events", O_RDONLY | O_CLOEXEC)
        defer { if events >= 0 { _ = close(events) } }
        while isPopulated(path) {
            guard !deadline.isOver else { throw Failure(description: "processes of \(path) do not end") }
            // A change between look and wait is not reported again, so a wait is short.
            var entry = pollfd(fd: events, events: Int16(POLLPRI), revents: 0)
            _ = poll(&entry, 1, min(deadline.remainingMilliseconds, 100))
        }
    }

    private static func write(_ text: String, to path: String) throws(Failure) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(description: "cannot open \(path): \(errorText(errno))") }
        defer { _ = close(descriptor) }
        guard Glibc::write(descriptor, text, text.utf8.count) == text.utf8.count else {
            throw Failure(description: "cannot write \(path): \(errorText(errno))")
        }
    }
}
