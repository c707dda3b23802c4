internal import Glibc

/// Whom a server runs as that the agent starts.
struct EngineUser: Hashable, Sendable {
    let uid: uid_t
    let gid: gid_t
    /// Beside `gid`: devices often belong to a group.
    let groups: [gid_t]
    let home: String
    /// It is the agent's own: nothing is to be changed.
    let isOwn: Bool

    static var own: EngineUser { EngineUser(uid: geteuid(), gid: getegid(), groups: [], home: "/", isOwn: true) }

    /// - Parameter name: nil: the agent's own.
    static func find(_ name: String?) throws(AgentError) -> EngineUser {
        guard let name else { return own }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        let result = getpwnam_r(name, &entry, &buffer, buffer.count, &found)
        guard result == 0, found != nil else {
            throw AgentError("there is no user \(name) on this node; create it or name another in activate.user")
        }
        guard entry.pw_uid != geteuid() else { return own }
        var groups = [gid_t](repeating: 0, count: 256)
        var count = Int32(groups.count)
        guard getgrouplist(name, entry.pw_gid, &groups, &count) >= 0 else {
            throw AgentError("the user \(name) is in more than \(groups.count) groups")
        }
        let home = entry.pw_dir.map { String(cString: $0) } ?? "/"
        return EngineUser(
            uid: entry.pw_uid, gid: entry.pw_gid, groups: Array(groups.prefix(Int(count))), home: home.isEmpty ? "/" : home,
            isOwn: false)
    }
}
