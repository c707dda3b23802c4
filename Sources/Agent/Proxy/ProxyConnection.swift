internal import Control
private import Synchronization

/// A proxy that has said hello.
final class ProxyConnection: Sendable {
    /// What became of a configuration.
    enum Outcome: Hashable, Sendable {
        case applied
        case rejected(String)
        /// No answer in time, or the link broke.
        case silent
    }

    /// As the kernel attests it.
    let pid: Int32
    let hello: ProxyHello
    private let socket: LinkSocket
    private let outcomes = ReplyTable<UInt64, Outcome>()
    private let reports = ReplyTable<UInt32, ProxyReport>()
    private let nextQuery = Atomic<UInt32>(1)
    private let open = Atomic<Bool>(true)

    init(pid: Int32, hello: ProxyHello, socket: LinkSocket) {
        self.pid = pid
        self.hello = hello
        self.socket = socket
    }

    var isOpen: Bool { open.load(ordering: .acquiring) }

    /// Sends the first configuration, with descriptors of the kernel's maps `listeners`, `models` and `buckets` and of the
    /// accounts, which stay the caller's.
    ///
    /// - Parameter behind: sends what is to follow at once.
    func welcome(
        _ settings: ProxySettings, maps: [Int32], atMost limit: Duration, behind: @Sendable () -> Void = {}
    ) async -> Outcome {
        await outcomes.wait(for: settings.generation, atMost: limit) { [socket] in
            socket.send(AgentMessage.welcome(settings).encoded(), descriptors: maps)
            behind()
        } ?? .silent
    }

    func configure(_ settings: ProxySettings, atMost limit: Duration, behind: @Sendable () -> Void = {}) async -> Outcome {
        await outcomes.wait(for: settings.generation, atMost: limit) { [socket] in
            socket.send(AgentMessage.configure(settings).encoded())
            behind()
        } ?? .silent
    }

    /// nil: no answer in time, or the link broke.
    func query(_ query: ProxyQuery, atMost limit: Duration = .seconds(1)) async -> ProxyReport? {
        let id = nextQuery.wrappingAdd(1, ordering: .relaxed).oldValue
        return await reports.wait(for: id, atMost: limit) { [socket] in
            socket.send(AgentMessage.query(id: id, query).encoded())
        }
    }

    /// Sends what needs no answer.
    func send(_ message: AgentMessage) { socket.send(message.encoded()) }

    /// Where audit lines go from now on; nil: nowhere.
    func send(audit sink: AuditDescriptor?) {
        let message = AgentMessage.auditSink(sink != nil).encoded()
        socket.send(message, descriptors: sink.map { [$0.raw] } ?? [], owner: sink)
    }

    /// Asks the proxy to close its listeners, let streams end until the deadline, and exit.
    func stop(deadline: Duration) {
        let milliseconds = deadline / .milliseconds(1)
        socket.send(AgentMessage.stop(deadlineMilliseconds: UInt32(max(0, milliseconds))).encoded())
    }

    /// Ends the link; the proxy will try to connect again.
    func finish() { socket.finish() }

    /// Takes a message of the proxy's. False for one that does not belong here.
    func take(_ message: ProxyMessage) -> Bool {
        switch message {
        case .applied(let generation): outcomes.answer(generation, .applied)
        case .rejected(let generation, let reason): outcomes.answer(generation, .rejected(reason))
        case .report(let id, let report): reports.answer(id, report)
        case .event, .wanted: break
        case .hello: return false
        }
        return true
    }

    /// The link is gone: nobody will answer any more.
    func closed() {
        open.store(false, ordering: .releasing)
        outcomes.close()
        reports.close()
    }
}
