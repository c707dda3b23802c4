private import CLinux
private import Glibc

/// Where supervised servers run: a cgroup for each below the broker's, and in the run directory what they write and who they
/// are. Each has a number as long as it runs.
struct EnginePlace: Sendable {
    /// Absolute path of the cgroup that theirs are in.
    let cgroup: String
    /// `<run-dir>/engines`
    let directory: String

    init(brokerCgroup: String, runDirectory: String) {
        cgroup = brokerCgroup + "/" + EngineCgroup.name
        directory = runDirectory + "/engines"
    }

    var notesPath: String { directory + "/notes.json" }

    func cgroup(_ number: Int) -> String { "\(cgroup)/\(number)" }
    func output(_ number: Int) -> String { "\(directory)/\(number).out" }

    func processes(_ number: Int) -> [Int32] { BrokerCgroup.processes(in: cgroup(number)) }

    /// Of what the server at a URL wrote. Two URLs have never the same name but by an accident of one in 2^64.
    func log(_ url: String) -> String { "\(directory)/\(Fingerprint.of([url])).log" }

    /// Removes what was kept of others.
    func removeLogs(except urls: Set<String>) {
        let kept = Set(urls.map(log))
        for name in Self.names(in: directory) where name.hasSuffix(".log") {
            let path = "\(directory)/\(name)"
            if !kept.contains(path) { unlink(path) }
        }
    }

    private static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }

    /// Makes what one needs to start.
    func prepare(_ number: Int) throws(SystemError) {
        for (path, mode) in [(directory, mode_t(0o700)), (cgroup, 0o755), (cgroup(number), 0o755)] {
            if mkdir(path, mode) != 0, errno != EEXIST { throw SystemError("make", path) }
        }
    }

    /// Starts a program. Returns its pid, which is also the number of its process group.
    ///
    /// - Parameter output: becomes its standard output and error.
    func spawn(
        _ command: [String], in number: Int, as user: EngineUser, environment: [String: String], directory: String?,
        output: Int32
    ) throws(AgentError) -> Int32 {
        guard let path = command.first else { throw AgentError("there is no program to start") }
        var variables = PassedVariables.all + ["HOME=\(user.home)"]
        variables = variables.filter { variable in !environment.keys.contains { variable.hasPrefix($0 + "=") } }
        variables += environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        var stage = CLINUX_SPAWN_FORK
        let result = CStrings.with(command) { argv in
            CStrings.with(variables) { envp in
                path.withCString { path in
                    (cgroup(number) + "/cgroup.procs").withCString { procs in
                        (directory ?? "/").withCString { directory in
                            user.groups.withUnsafeBufferPointer { groups in
                                var program = clinux_program(
                                    path: path, argv: argv, envp: envp, cgroup_procs: procs, directory: directory,
                                    output: output, keeps_user: user.isOwn ? 1 : 0, uid: user.uid, gid: user.gid,
                                    groups: groups.baseAddress, group_count: groups.count)
                                return clinux_spawn(&program, &stage)
                            }
                        }
                    }
                }
            }
        }
        guard result > 0 else {
            let hint =
                stage == CLINUX_SPAWN_USER && result == -EPERM
                ? "; the agent has given up that right, which it keeps if an engine has a user when it starts: restart it" : ""
            throw AgentError("\(path): cannot \(stage.words): \(SystemError.text(-result))\(hint)")
        }
        return result
    }

    /// Asks a process group to end. False when that cannot be.
    func terminate(_ leader: Int32, in number: Int, uid: UInt32, gid: UInt32) -> Bool {
        // The number may be somebody else's by now.
        guard processes(number).contains(leader) else { return false }
        return clinux_signal_group(leader, uid, gid, SIGTERM) == 0
    }

    /// Kills every process in its cgroup: the agent needs no right to signal another user's process for that.
    func kill(_ number: Int) { try? File.write("1", into: cgroup(number) + "/cgroup.kill") }

    /// Kills what is left and takes its cgroup and its output's name away. Blocks while processes end; false: they did not in
    /// time.
    @discardableResult
    func clear(_ number: Int, within milliseconds: Int = 5000) -> Bool {
        var left = milliseconds
        if !processes(number).isEmpty { kill(number) }
        unlink(output(number))
        while rmdir(cgroup(number)) != 0, errno != ENOENT {
            guard left > 0 else { return false }
            kill(number)
            Clocks.pause(milliseconds: 2)
            left -= 2
        }
        return true
    }

    /// The numbers that have a cgroup.
    var numbers: [Int] { Self.names(in: cgroup).compactMap { Int($0) }.filter { $0 > 0 }.sorted() }

    /// Takes away what none of them needs any more.
    func leave() {
        unlink(notesPath)
        removeLogs(except: [])
        rmdir(directory)
        rmdir(cgroup)
    }
}

/// The cgroup below the broker's that holds those of the servers.
enum EngineCgroup {
    static let name = "engines"
}
