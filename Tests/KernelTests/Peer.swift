/// A Python process that opens sockets on command, in a cgroup and network namespace of its own: the hooks act on the
/// caller's cgroup, so the test process itself cannot be the caller.
final class Peer {
    static let python = "/usr/bin/python3"

    private let child: ChildProcess

    /// Joins the cgroup first, then the namespace, then becomes the script.
    init(cgroup: String, namespace: String? = nil) throws {
        var command = [Self.python, "-u", "-c", peerScript]
        if let namespace { command = [Requirements.ip ?? "ip", "netns", "exec", namespace] + command }
        let launcher = "echo $$ > \"$0\"/cgroup.procs && exec \"$@\""
        child = try ChildProcess(["/bin/sh", "-c", launcher, cgroup] + command)
        let greeting = try child.readLine()
        guard greeting == "ready" else { throw Failure("peer in \(cgroup) says \(greeting)") }
    }

    var pid: UInt32 { UInt32(child.pid) }

    /// Evaluates an expression of the script's functions; what it gives, as text.
    @discardableResult
    func callAsFunction(_ expression: String) throws -> String {
        try start(expression)
        return try answer()
    }

    /// Has it begin on an expression; `answer` waits for what it gives.
    func start(_ expression: String) throws { try child.write(line: expression) }

    func answer() throws -> String { try child.readLine() }

    /// `answer` would not wait.
    var hasAnswered: Bool { child.hasOutput }

    /// Listens on a free port.
    func listen(_ key: String, _ host: String) throws -> UInt16 {
        let answer = try self("listen('\(key)', '\(host)')")
        guard let port = UInt16(answer) else { throw Failure("listen on \(host): \(answer)") }
        return port
    }

    func connect(_ key: String, _ host: String, _ port: UInt16) throws -> String {
        try self("connect('\(key)', '\(host)', \(port))")
    }

    /// The origin record of an accepted socket by field name.
    func origin(_ key: String) throws -> [String: String] {
        let answer = try self("origin('\(key)')")
        let pairs = answer.split(separator: " ").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        return Dictionary(pairs.map { ($0[0], $0.count > 1 ? $0[1] : "") }) { first, _ in first }
    }

    func stop() { child.stop() }
}
