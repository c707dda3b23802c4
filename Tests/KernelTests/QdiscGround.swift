import Glibc

/// Two network namespaces joined by a veth pair, `a` in the one and `b` in the other, and ways to act in them.
final class QdiscGround {
    let sender: String
    let receiver: String
    let device = "mba"
    private static let ipPath = Requirements.ip ?? "/usr/sbin/ip"
    private static let tcPath: String = ["/usr/sbin/tc", "/sbin/tc"].first { access($0, X_OK) == 0 } ?? "tc"

    /// Makes them, runs the test, takes them away however that ends.
    static func with(_ body: (QdiscGround) throws -> Void) throws {
        let ground = QdiscGround()
        defer { ground.clean() }
        try ground.make()
        try body(ground)
    }

    private init() {
        sender = "mbqa\(getpid())"
        receiver = "mbqb\(getpid())"
    }

    private func make() throws {
        for name in [sender, receiver] { try ChildProcess.run(Self.ipPath, "netns", "add", name) }
        try ChildProcess.run(
            Self.ipPath, "-n", sender, "link", "add", "mba", "type", "veth", "peer", "name", "mbb", "netns", receiver)
        try ChildProcess.run(Self.ipPath, "-n", sender, "address", "add", "10.9.8.1/24", "dev", "mba")
        try ChildProcess.run(Self.ipPath, "-n", receiver, "address", "add", "10.9.8.2/24", "dev", "mbb")
        for (name, device) in [(sender, "mba"), (receiver, "mbb"), (sender, "lo"), (receiver, "lo")] {
            try ChildProcess.run(Self.ipPath, "-n", name, "link", "set", device, "up")
        }
    }

    private func clean() {
        // The pair goes with the first of them.
        for name in [sender, receiver] {
            try? ChildProcess.run("/bin/sh", "-c", "\(Self.ipPath) netns del \(name) 2>/dev/null; true")
        }
    }

    /// `ip` and `tc` in the sender's namespace.
    func ip(_ arguments: String...) throws { try run([Self.ipPath, "-n", sender] + arguments) }
    func tc(_ arguments: [String]) throws { try run([Self.ipPath, "netns", "exec", sender, Self.tcPath] + arguments) }

    private func run(_ command: [String]) throws {
        let child = try ChildProcess(["/bin/sh", "-c", "\"$@\"; echo $?", "sh"] + command)
        let status = try child.readLine()
        guard status == "0" else { throw Failure("\(command.joined(separator: " ")): \(status)") }
    }

    /// What `tc` prints, a line each; with an empty one at the end that says it has ended.
    func tcLines(_ arguments: String...) throws -> [String] {
        let command = [Self.ipPath, "netns", "exec", sender, Self.tcPath] + arguments
        let child = try ChildProcess(["/bin/sh", "-c", "\"$@\"; echo END", "sh"] + command)
        var lines: [String] = []
        while true {
            let line = try child.readLine()
            if line == "END" { return lines }
            lines.append(line)
        }
    }

    /// The device's outermost qdisc as tc shows it: `tbf 8001: root refcnt 2 rate 1Mbit …`.
    func root() throws -> String {
        let line = try tcLines("qdisc", "show", "dev", device).first { $0.contains(" root ") }
        return line.map { String($0.dropFirst("qdisc ".count)) } ?? "none"
    }

    /// Runs Python in one of the namespaces.
    func python(_ namespace: String, _ script: String) throws -> ChildProcess {
        try ChildProcess([Self.ipPath, "netns", "exec", namespace, Peer.python, "-u", "-c", script])
    }

    /// Runs `body` on a thread of its own in the sender's namespace: netlink sockets belong to that of who makes them.
    @discardableResult
    func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let namespace = open("/var/run/netns/\(sender)", O_RDONLY | O_CLOEXEC)
        guard namespace >= 0 else { throw Failure("no namespace \(sender)") }
        defer { close(namespace) }
        return try OtherThread.run {
            try enter(namespace)
            return try body()
        }
    }
}

/// setns(2) of the calling thread, which Swift's Glibc module lacks.
private func enter(_ namespace: Int32) throws {
    typealias Call = @convention(c) (Int32, Int32) -> Int32
    let newNetwork: Int32 = 0x4000_0000
    guard let symbol = dlsym(nil, "setns") else { throw Failure("no setns in this libc") }
    guard unsafeBitCast(symbol, to: Call.self)(namespace, newNetwork) == 0 else { throw Failure("setns: errno \(errno)") }
}

/// A thread that does one thing and ends.
private enum OtherThread {
    /// Handed to the thread, which alone touches it until it is joined.
    private final class Work {
        let body: () throws -> any Sendable
        var result: Result<any Sendable, any Error> = .failure(Failure("the thread did not run"))

        init(_ body: @escaping () throws -> any Sendable) { self.body = body }
    }

    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let work = Work(body)
        var thread = pthread_t()
        let started = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                let work = Unmanaged<Work>.fromOpaque(pointer).takeUnretainedValue()
                work.result = Result { try work.body() }
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        guard started == 0 else { throw Failure("no thread: errno \(started)") }
        pthread_join(thread, nil)
        guard let value = try work.result.get() as? Value else { throw Failure("the thread gave something else") }
        return value
    }
}
