private import CLinux
private import Control
private import Glibc

/// The directory with the agent's sockets, lock and state: traversable by all, writable by root alone.
struct RunDirectory: Sendable {
    let path: String
    /// This start made it.
    let isNew: Bool

    var lockPath: String { path + "/agent.lock" }
    var statePath: String { path + "/state.json" }
    /// Servers taken out by hand, kept over restarts.
    var drainedPath: String { path + "/" + BrokerState.drainedFileName }
    /// The page of accounts, which every proxy maps.
    var accountsPath: String { path + "/accounts" }
    /// What was last known of the cluster.
    var podsPath: String { path + "/pods.json" }
    var namespacesPath: String { path + "/namespaces.json" }
    var proxySocketPath: String { path + "/proxy.sock" }
    var controlSocketPath: String { path + "/control.sock" }

    /// Makes the directory, or takes one that is there if nobody but root can write to it.
    static func prepare(_ path: String) throws(AgentError) -> RunDirectory {
        if mkdir(path, 0o755) == 0 {
            chmod(path, 0o755)
            return RunDirectory(path: path, isNew: true)
        }
        guard errno == EEXIST else { throw AgentError(SystemError("make the run directory", path)) }
        var facts = clinux_file()
        guard clinux_look_at_file(path, &facts) == 0 else { throw AgentError(SystemError("look at", path)) }
        guard facts.mode & S_IFMT == S_IFDIR else { throw AgentError("\(path) is not a directory; name another --run-dir") }
        guard facts.uid == 0, facts.mode & 0o022 == 0 else {
            throw AgentError("others than root can write to \(path); name a --run-dir that only root can write to")
        }
        // The proxy's user has to get through to proxy.sock.
        if facts.mode & 0o755 != 0o755, chmod(path, 0o755) != 0 { throw AgentError(SystemError("open up", path)) }
        return RunDirectory(path: path, isNew: false)
    }

    /// Takes away what an agent leaves here, and the directory itself if nothing else is in it.
    func clear() {
        let files = [
            controlSocketPath, proxySocketPath, statePath, drainedPath, accountsPath, podsPath, namespacesPath, lockPath,
        ]
        for file in files { unlink(file) }
        rmdir(path)
    }
}
