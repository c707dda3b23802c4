private import CLinux
private import Glibc

/// The proxy as a program that can be started, and the cgroup in which it runs.
struct ProxyProgram: Sendable {
    let path: String
    let runDirectory: String
    let account: Account
    /// Absolute path of the proxy's cgroup.
    let cgroup: String

    /// Variables that the proxy gets of the agent's; others may hold secrets that are none of its business.
    private static let passedVariables = ["PATH", "TZ", "LANG", "LC_ALL", "LD_LIBRARY_PATH"]

    /// Starts the proxy. Returns its pid.
    func spawn() throws(AgentError) -> Int32 {
        let variables = Self.passedVariables.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
        var stage = CLINUX_SPAWN_FORK
        let result = Self.withStrings([path, "--run-dir", runDirectory]) { argv in
            Self.withStrings(variables + ["HOME=/"]) { envp in
                path.withCString { path in
                    (cgroup + "/cgroup.procs").withCString { procs in
                        var program = clinux_program(
                            path: path, argv: argv, envp: envp, cgroup_procs: procs, uid: account.uid, gid: account.gid)
                        return clinux_spawn(&program, &stage)
                    }
                }
            }
        }
        guard result > 0 else { throw AgentError("\(path): cannot \(Self.words(stage)): \(SystemError.text(-result))") }
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

    private static func words(_ stage: clinux_spawn_stage) -> String {
        switch stage {
        case CLINUX_SPAWN_CGROUP: "join its cgroup"
        case CLINUX_SPAWN_DESCRIPTORS: "arrange its descriptors"
        case CLINUX_SPAWN_USER: "become its user"
        case CLINUX_SPAWN_PRIVILEGES: "give up its privileges"
        case CLINUX_SPAWN_EXEC: "be executed"
        default: "start a process"
        }
    }

    /// A null-terminated array of C strings.
    private static func withStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { view in
            guard let base = view.baseAddress else { preconditionFailure("the array has its terminator") }
            return body(base)
        }
    }
}
