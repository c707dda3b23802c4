internal import CLinux
internal import Glibc

/// The unprivileged user that the proxy runs as.
struct Account: Hashable, Sendable {
    let name: String
    let uid: uid_t
    let gid: gid_t

    /// Looks a user up. Root is refused: the proxy must not run as root.
    static func find(_ name: String) throws(AgentError) -> Account {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        let result = getpwnam_r(name, &entry, &buffer, buffer.count, &found)
        guard result == 0, found != nil else {
            throw AgentError("node.user: there is no user \(name) on this node; create it or name another")
        }
        guard entry.pw_uid != 0 else { throw AgentError("node.user: \(name) is root; name an unprivileged user") }
        return Account(name: name, uid: entry.pw_uid, gid: entry.pw_gid)
    }

    /// The first directory on the way to a path that the user may not enter; nil when the way is open.
    func barrier(to path: String) -> String? {
        var directory = ""
        for part in File.directory(of: path).split(separator: "/") {
            directory += "/" + part
            var facts = clinux_file()
            guard clinux_look_at_file(directory, &facts) == 0 else { return directory }
            let needed: mode_t = facts.uid == uid ? 0o100 : facts.gid == gid ? 0o010 : 0o001
            if facts.mode & needed == 0 { return directory }
        }
        return nil
    }
}
