internal import Control
private import Glibc
internal import Logging
private import Synchronization

/// Serves `<run-dir>/proxy.sock`. Each connection has a thread of its own, at most `maximumConnections` at a time.
final class ProxyLinkServer: Sendable {
    /// What the link tells the rest of the agent, from its own threads.
    struct Handler: Sendable {
        var connected: @Sendable (ProxyConnection) -> Void
        var disconnected: @Sendable (ProxyConnection) -> Void
        var event: @Sendable (ProxyEvent) -> Void
        /// Requests wait for endpoints whose servers do not run.
        var wanted: @Sendable ([EndpointKey]) -> Void = { _ in }
        /// Spans of requests, and how many.
        var spans: @Sendable ([UInt8], UInt32) -> Void = { _, _ in }
        /// A link broke, or never came to be, for a reason.
        var refused: @Sendable (String) -> Void
    }

    private static let maximumConnections = 16
    private static let helloLimit = 5
    private static let complaintInterval: UInt64 = 60_000_000_000

    private let listener: Int32
    private let admission: ProxyAdmission
    private let handler: Handler
    private let logger: Logger
    private let lastComplaint = Mutex<(reason: String, time: UInt64)>(("", 0))
    private let connections = Mutex<[ObjectIdentifier: LinkSocket]>([:])

    /// - Parameter listener: a listening Unix socket, taken over.
    init(listener: Int32, admission: ProxyAdmission, handler: Handler, logger: Logger) {
        self.listener = listener
        self.admission = admission
        self.handler = handler
        self.logger = logger
    }

    func start() throws(SystemError) {
        try BackgroundThread.start("proxy-link") { self.acceptAll() }
    }

    /// Stops listening and ends all connections.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        for socket in connections.withLock({ Array($0.values) }) { socket.finish() }
    }

    private func acceptAll() {
        defer { close(listener) }
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor >= 0 {
                admit(descriptor)
            } else if errno == EINVAL || errno == EBADF {
                return
            } else if errno == EMFILE || errno == ENFILE {
                // Nothing to accept with: the caller stays in the queue, so wait for somebody to close something.
                poll(nil, 0, 100)
            }
        }
    }

    private func admit(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let socket = LinkSocket(descriptor)
        let admitted = connections.withLock { connections in
            guard connections.count < Self.maximumConnections else { return false }
            connections[ObjectIdentifier(socket)] = socket
            return true
        }
        guard admitted else { return socket.close() }
        do {
            try BackgroundThread.start("proxy-link-peer") { self.serve(socket) }
        } catch {
            logger.error("cannot serve the proxy's connection", metadata: ["reason": "\(error)"])
            forget(socket)
        }
    }

    private func forget(_ socket: LinkSocket) {
        _ = connections.withLock { $0.removeValue(forKey: ObjectIdentifier(socket)) }
        socket.close()
    }

    private func serve(_ socket: LinkSocket) {
        defer { forget(socket) }
        do {
            let connection = try greet(socket)
            handler.connected(connection)
            defer {
                connection.closed()
                handler.disconnected(connection)
            }
            try readAll(socket, connection)
        } catch {
            complain("\(error)")
        }
    }

    /// One that is turned away comes again and again: the same reason is logged once a minute.
    private func complain(_ reason: String) {
        let now = Clocks.monotonic()
        let isNew = lastComplaint.withLock { last in
            guard last.reason != reason || now - last.time > Self.complaintInterval else { return false }
            last = (reason, now)
            return true
        }
        if isNew { logger.warning("the proxy's link broke", metadata: ["reason": "\(reason)"]) }
        handler.refused(reason)
    }

    private func greet(_ socket: LinkSocket) throws -> ProxyConnection {
        let peer = try socket.peer()
        try admission.check(pid: peer.pid, uid: peer.uid)
        socket.setReadLimit(seconds: Self.helloLimit)
        guard let first = try socket.receive(),
            case (.hello(let hello)?, let wire) = try ProxyMessage.fromPeer(first.payload)
        else {
            throw AgentError("the process with pid \(peer.pid) did not begin with hello")
        }
        socket.setReadLimit(seconds: 0)
        return ProxyConnection(pid: peer.pid, hello: hello, wire: wire, socket: socket)
    }

    private func readAll(_ socket: LinkSocket, _ connection: ProxyConnection) throws {
        while let (payload, passed) = try socket.receive() {
            // What a proxy of another version says beside what lasts is not for us.
            guard let message = try ProxyMessage.fromPeer(payload).message else { continue }
            switch message {
            case .event(let event): handler.event(event)
            case .wanted(let keys): handler.wanted(keys)
            case .spans(let bytes, let count): handler.spans(bytes, count)
            default: break
            }
            guard connection.take(message, passed) else { throw AgentError("the proxy said hello twice") }
        }
    }
}
