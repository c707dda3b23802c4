private import CLinux
private import Glibc

/// Starts and stops systemd units.
struct Systemctl: Sendable {
    /// Directories, as in `PATH`.
    var path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"

    private static let outputLimit = 4 << 10

    enum Verb: String, Sendable { case start, stop }

    /// Runs to the end; blocks.
    ///
    /// - Parameter limit: milliseconds.
    /// - Throws: what systemctl said, or that there is none.
    func run(_ verb: Verb, _ unit: String, limit: Int) throws(AgentError) {
        let programs: [String] = path.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/systemctl" }
        guard let program = programs.first(where: { access($0, X_OK) == 0 }) else {
            throw AgentError("there is no systemctl on this node: the unit \(unit) cannot be \(verb.past)")
        }
        guard !unit.hasPrefix("-") else { throw AgentError("\(unit) is not the name of a unit") }
        let result = try Self.run([program, "--no-ask-password", verb.rawValue, unit], limit: limit)
        guard result.status != "exit 0" else { return }
        let said = result.output.isEmpty ? result.status : result.output
        throw AgentError("systemctl \(verb.rawValue) \(unit): \(said)")
    }

    private static func run(_ command: [String], limit: Int) throws(AgentError) -> (status: String, output: String) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw AgentError(SystemError("make", "a pipe")) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let pid = try spawn(command, output: ends[1])
        let deadline = Clocks.monotonic() + UInt64(max(0, limit)) * 1_000_000
        let output = read(ends[0], until: deadline)
        return (try wait(pid, until: deadline), output)
    }

    /// - Parameter output: taken over.
    private static func spawn(_ command: [String], output: Int32) throws(AgentError) -> Int32 {
        defer { close(output) }
        var stage = CLINUX_SPAWN_FORK
        let result = CStrings.with(command) { argv in
            CStrings.with(PassedVariables.all) { envp in
                command[0].withCString { path in
                    var program = clinux_program(
                        path: path, argv: argv, envp: envp, cgroup_procs: nil, directory: nil, output: output, keeps_user: 1,
                        uid: 0, gid: 0, groups: nil, group_count: 0)
                    return clinux_spawn(&program, &stage)
                }
            }
        }
        guard result > 0 else { throw AgentError("\(command[0]): cannot \(stage.words): \(SystemError.text(-result))") }
        return result
    }

    /// The first bytes, on one line.
    private static func read(_ descriptor: Int32, until deadline: UInt64) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let now = Clocks.monotonic()
            guard now < deadline else { break }
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1)) > 0 else { continue }
            let got = Glibc.read(descriptor, &chunk, chunk.count)
            guard got > 0 else { break }
            if bytes.count < outputLimit { bytes += chunk[..<got] }
        }
        let lines = String(decoding: bytes.prefix(outputLimit), as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.joined(separator: "; ")
    }

    private static func wait(_ pid: Int32, until deadline: UInt64) throws(AgentError) -> String {
        var status: Int32 = 0
        while true {
            let result = clinux_reap(pid, &status)
            if result == 1 { break }
            guard result == 0 else { throw AgentError("systemctl has vanished: \(SystemError.text(-result))") }
            if Clocks.monotonic() >= deadline {
                // Our own child, under our own user, and not reaped yet: the number is its.
                kill(pid, SIGKILL)
                waitpid(pid, &status, 0)
                throw AgentError("systemctl did not end in time")
            }
            Clocks.pause(milliseconds: 10)
        }
        let signal = status & 0x7F
        return signal == 0 ? "exit \(status >> 8 & 0xFF)" : "signal \(signal)"
    }
}

extension Systemctl.Verb {
    fileprivate var past: String { self == .start ? "started" : "stopped" }
}
