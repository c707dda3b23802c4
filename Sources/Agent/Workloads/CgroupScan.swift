private import CLinux
internal import Catalog
private import Glibc

/// Reads cgroups from the file system.
enum CgroupScan {
    /// What workloads are looked for in: the broker's cgroup, the captured one with everything below it, and those above
    /// it, up to the bounds of `CgroupTree`.
    ///
    /// - Parameter mount: where cgroup v2 is mounted.
    static func tree(mount: String, node: Node) -> CgroupTree {
        var tree = fixed(mount: mount, node: node)
        var open = [node.cgroup]
        while let path = open.popLast() { open.append(contentsOf: insert(path, mount: mount, into: &tree)) }
        return tree
    }

    /// The part that does not come and go: the broker's cgroup, first of all so that no number of others crowds it out,
    /// and those above the captured one.
    static func fixed(mount: String, node: Node) -> CgroupTree {
        var tree = CgroupTree()
        let broker = node.effectiveBrokerCgroup
        if let id = id(Groundwork.absolute(broker, mount: mount)) { tree.insert(broker, id: id) }
        var path = CgroupTree.parent(of: node.cgroup)
        while let above = path {
            if let id = id(Groundwork.absolute(above, mount: mount)) { tree.insert(above, id: id) }
            path = CgroupTree.parent(of: above)
        }
        return tree
    }

    /// Adds one cgroup. Returns the paths of those below it, none if it is gone or the bounds are reached.
    static func insert(_ path: String, mount: String, into tree: inout CgroupTree) -> [String] {
        let directory = Groundwork.absolute(path, mount: mount)
        guard let id = id(directory), tree.insert(path, id: id) else { return [] }
        guard CgroupTree.depth(of: path) < CgroupTree.maximumDepth else { return [] }
        return children(directory).map { CgroupTree.join(path, $0) }
    }

    /// A cgroup's id is the inode number of its directory.
    static func id(_ directory: String) -> UInt64? {
        var facts = clinux_file()
        guard clinux_look_at_file(directory, &facts) == 0, facts.mode & S_IFMT == S_IFDIR else { return nil }
        return facts.inode
    }

    private static func children(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
