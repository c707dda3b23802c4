import Glibc

/// A child process with pipes to its standard input and from its standard output; ended and reaped by `stop`.
final class ChildProcess {
    private(set) var pid: pid_t = 0
    private var input: Int32 = -1
    private var output: Int32 = -1
    private var pending: [UInt8] = []

    init(_ arguments: [String]) throws {
        let toChild = try Self.pipe()
        let fromChild = try Self.pipe()
        defer {
            close(toChild.read)
            close(fromChild.write)
        }
        input = toChild.write
        output = fromChild.read
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild.read, 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild.write, 1)
        var vector: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { vector.forEach { free($0) } }
        let error = posix_spawn(&pid, arguments[0], &actions, nil, &vector, environ)
        guard error == 0 else { throw Failure("could not start \(arguments[0]): errno \(error)") }
    }

    deinit { stop() }

    /// Runs a program to its end; an error if it fails.
    static func run(_ arguments: String...) throws {
        let child = try ChildProcess(arguments)
        let status = child.finish()
        guard status == 0 else { throw Failure("\(arguments.joined(separator: " ")) ended with status \(status)") }
    }

    func write(line: String) throws {
        let bytes = Array((line + "\n").utf8)
        guard Glibc.write(input, bytes, bytes.count) == bytes.count else { throw Failure("child \(pid) takes no input") }
    }

    /// The next line of output.
    func readLine(withinMilliseconds limit: Int32 = 60_000) throws -> String {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeSubrange(...end)
                return line
            }
            var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, limit) > 0 else { throw Failure("child \(pid) says nothing") }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = read(output, &chunk, chunk.count)
            guard count > 0 else { throw Failure("child \(pid) has ended") }
            pending += chunk.prefix(count)
        }
    }

    /// Is there output to read?
    var hasOutput: Bool {
        var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        return !pending.isEmpty || poll(&waiting, 1, 0) > 0
    }

    func stop() {
        guard pid > 0 else { return }
        kill(pid, SIGKILL)
        _ = finish()
    }

    /// Waits for the end and closes the pipes; the exit status.
    private func finish() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        pid = 0
        close(input)
        close(output)
        return status
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc::pipe(&ends) == 0 else { throw Failure("no pipe: errno \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}
