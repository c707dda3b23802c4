private import CLinux
private import Glibc

/// The proxy as a program that can be started, and the cgroup in which it runs.
struct ProxyProgram: Sendable {
    let path: String
    let runDirectory: String
    let account: Account
    /// Absolute path of the proxy's cgroup.
    let cgroup: String

    /// Starts the proxy. Returns its pid.
    func spawn() throws(AgentError) -> Int32 {
        let variables = PassedVariables.all
        var stage = CLINUX_SPAWN_FORK
        let result = CStrings.with([path, "--run-dir", runDirectory]) { argv in
            CStrings.with(variables + ["HOME=/"]) { envp in
                path.withCString { path in
                    (cgroup + "/cgroup.procs").withCString { procs in
                        var program = clinux_program(
                            path: path, argv: argv, envp: envp, cgroup_procs: procs, directory: nil, output: -1,
                            keeps_user: 0, uid: account.uid, gid: account.gid, groups: nil, group_count: 0)
                        return clinux_spawn(&program, &stage)
                    }
                }
            }
        }
        guard result > 0 else { throw AgentError("\(path): cannot \(stage.words): \(SystemError.text(-result))") }
        return result
    }

    /// The processes that run in the proxy's cgroup.
    var processes: [Int32] { BrokerCgroup.processes(in: cgroup) }

    /// Kills every process in the proxy's cgroup. The agent needs no right to signal another user's process for that.
    func kill() throws(AgentError) {
        do {
            try File.write("1", into: cgroup + "/cgroup.kill")
        } catch {
            throw AgentError(error)
        }
    }
}
