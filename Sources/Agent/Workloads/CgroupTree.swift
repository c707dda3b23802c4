/// The cgroups that were found, by path below the cgroup v2 mount: `/`, `/a`, `/a/b`.
struct CgroupTree: Hashable, Sendable {
    /// Cgroups beyond this many are not looked at: the kernel's map holds no more.
    static let maximumCgroups = 65_536
    /// Levels below the root that are looked at.
    static let maximumDepth = 32

    private(set) var ids: [String: UInt64] = [:]

    var count: Int { ids.count }

    /// Whether there is room for the cgroup; a path that is there already gets its new id.
    @discardableResult
    mutating func insert(_ path: String, id: UInt64) -> Bool {
        guard ids[path] != nil || ids.count < Self.maximumCgroups else { return false }
        ids[path] = id
        return true
    }

    /// Takes out a cgroup and everything below it.
    mutating func remove(_ path: String) {
        ids[path] = nil
        let below = path == "/" ? "/" : path + "/"
        for key in ids.keys where key.hasPrefix(below) { ids[key] = nil }
    }

    /// `/a/b` for `/a` and `b`.
    static func join(_ parent: String, _ name: String) -> String { parent == "/" ? "/" + name : parent + "/" + name }

    /// `/a` for `/a/b`; nil for the root.
    static func parent(of path: String) -> String? {
        guard path != "/", let slash = path.lastIndex(of: "/") else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The path itself, or one above it.
    static func isAncestor(_ ancestor: String, ofOrEqual path: String) -> Bool {
        ancestor == "/" || path == ancestor || path.hasPrefix(ancestor + "/")
    }

    static func depth(of path: String) -> Int { path == "/" ? 0 : path.utf8.count { $0 == UInt8(ascii: "/") } }
}
