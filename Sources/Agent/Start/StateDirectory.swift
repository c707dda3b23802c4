private import CLinux
private import Glibc

/// The directory with what must outlive the run directory, and the machine's being switched off: root's alone.
struct StateDirectory: Sendable {
    let path: String

    /// What has been used, as it was written down last.
    var journalPath: String { path + "/journal" }
    /// The keys that were made by hand.
    var keysPath: String { path + "/keys.json" }

    /// Makes the directory and what leads to it, or takes one that is there if it is root's alone.
    static func prepare(_ path: String) throws(AgentError) -> StateDirectory {
        var made = ""
        for part in path.split(separator: "/").dropLast() {
            made += "/" + part
            if mkdir(made, 0o755) != 0, errno != EEXIST { throw AgentError(SystemError("make the directory", made)) }
        }
        if mkdir(path, 0o700) == 0 {
            // What is made to last in it is of no use without its own name.
            do throws(SystemError) { try File.synchronize(directory: File.directory(of: path)) } catch { throw AgentError(error) }
            return StateDirectory(path: path)
        }
        guard errno == EEXIST else { throw AgentError(SystemError("make the state directory", path)) }
        var facts = clinux_file()
        guard clinux_look_at_file(path, &facts) == 0 else { throw AgentError(SystemError("look at", path)) }
        guard facts.mode & S_IFMT == S_IFDIR else {
            throw AgentError("\(path) is not a directory; name another --state-dir")
        }
        guard facts.uid == geteuid() else { throw AgentError("\(path) is not root's; name another --state-dir") }
        // Who made it meant well, but what is in it is for nobody else.
        if facts.mode & 0o077 != 0, chmod(path, 0o700) != 0 { throw AgentError(SystemError("close", path)) }
        return StateDirectory(path: path)
    }
}
