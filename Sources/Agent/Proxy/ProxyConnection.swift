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
    /// The version of the link's format that it speaks. With another one than ours it understands what lasts, no more.
    let wire: UInt8
    private let socket: LinkSocket
    private let handOver = Mutex<HandOver?>(nil)
    private let handOvers = ReplyTable<UInt32, Result<HandedSockets, AgentError>>()
    private let words = Mutex(ProxyTotals())
    private let outcomes = ReplyTable<UInt64, Outcome>()
    private let reports = ReplyTable<UInt32, ProxyReport>()
    private let ends = ReplyTable<UInt8, Never>()
    private let nextQuery = Atomic<UInt32>(1)
    private let open = Atomic<Bool>(true)

    init(pid: Int32, hello: ProxyHello, wire: UInt8 = Wire.version, socket: LinkSocket) {
        self.pid = pid
        self.hello = hello
        self.wire = wire
        self.socket = socket
    }

    var isOpen: Bool { open.load(ordering: .acquiring) }
    /// Whether it can hand its listeners over, and be told to retire.
    var handsOver: Bool { wire >= Wire.handingOver }
    private var isOurs: Bool { wire == Wire.version }
    /// What it said last of all that it has counted; what it did not say is zero.
    var lastWords: ProxyTotals { words.withLock { $0 } }

    /// Sends the first configuration, with descriptors of the kernel's maps `listeners`, `models` and `buckets` and of the
    /// accounts, which stay the caller's.
    ///
    /// - Parameters:
    ///   - handed: the listening sockets of the proxy before it.
    ///   - behind: sends what is to follow at once.
    func welcome(
        _ settings: ProxySettings, maps: [Int32], handed: HandedSockets? = nil, atMost limit: Duration,
        behind: @Sendable () -> Void = {}
    ) async -> Outcome {
        await outcomes.wait(for: settings.generation, atMost: limit) { [socket] in
            for portion in handed?.portions ?? [] {
                let message = AgentMessage.listener(portion.listener).encoded()
                socket.send(message, descriptors: portion.descriptors.numbers, owner: portion.descriptors)
            }
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
        guard isOurs else { return nil }
        let id = nextQuery.wrappingAdd(1, ordering: .relaxed).oldValue
        return await reports.wait(for: id, atMost: limit) { [socket] in
            socket.send(AgentMessage.query(id: id, query).encoded())
        }
    }

    /// Asks for all listening sockets; the proxy goes on accepting on them.
    ///
    /// - Parameter netnsCookie: of the network namespace that they have to be of.
    /// - Throws: why they can't be had.
    func handOver(netnsCookie: UInt64, atMost limit: Duration) async throws(AgentError) -> HandedSockets {
        handOver.withLock { $0 = HandOver(netnsCookie: netnsCookie) }
        defer { handOver.withLock { $0 = nil } }
        let answer = await handOvers.wait(for: 0, atMost: limit) { [socket, wire] in
            socket.send(AgentMessage.handOver.encoded(for: wire))
        }
        guard let answer else { throw AgentError("it does not hand its listeners over") }
        return try answer.get()
    }

    /// Sends what needs no answer.
    func send(_ message: AgentMessage) {
        if isOurs { socket.send(message.encoded()) }
    }

    /// Where audit lines go from now on; nil: nowhere.
    func send(audit sink: AuditDescriptor?) {
        guard isOurs else { return }
        let message = AgentMessage.auditSink(sink != nil).encoded()
        socket.send(message, descriptors: sink.map { [$0.raw] } ?? [], owner: sink)
    }

    /// Asks the proxy to close its listeners, let streams end until the deadline, and exit.
    func stop(deadline: Duration) {
        socket.send(AgentMessage.stop(deadlineMilliseconds: Self.milliseconds(deadline)).encoded(for: wire))
    }

    /// Asks the proxy to let go of its listeners, which another one has, and to end when all under way has, at the deadline
    /// at the latest.
    func retire(deadline: Duration) {
        socket.send(AgentMessage.retire(deadlineMilliseconds: Self.milliseconds(deadline)).encoded(for: wire))
    }

    private static func milliseconds(_ duration: Duration) -> UInt32 { UInt32(clamping: Int64(duration / .milliseconds(1))) }

    /// Returns once the proxy has ended the link, or after the limit.
    func end(atMost limit: Duration) async { _ = await ends.wait(for: 0, atMost: limit) {} }

    /// Ends the link; the proxy will try to connect again.
    func finish() { socket.finish() }

    /// Takes a message of the proxy's, with what came beside it. False for one that does not belong here.
    func take(_ message: ProxyMessage, _ passed: PassedDescriptors = PassedDescriptors()) -> Bool {
        switch message {
        case .report(ProxyReport.lastWords, let report): take(lastWords: report)
        case .listener(let listener): handOver.withLock { $0?.take(listener, passed) }
        case .handedOver(let count): finishHandOver(count)
        case .applied(let generation): outcomes.answer(generation, .applied)
        case .rejected(let generation, let reason): outcomes.answer(generation, .rejected(reason))
        case .report(let id, let report): reports.answer(id, report)
        case .event, .wanted, .spans: break
        case .hello: return false
        }
        return true
    }

    private func take(lastWords report: ProxyReport) {
        words.withLock { words in
            switch report {
            case .statistics(let statistics): words.statistics = statistics
            case .routing(let endpoints, let routes): (words.endpoints, words.routes) = (endpoints, routes)
            default: break
            }
        }
    }

    private func finishHandOver(_ count: UInt32) {
        let gathered = handOver.withLock { gathering in
            defer { gathering = nil }
            return gathering
        }
        guard let gathered else { return }
        handOvers.answer(0, Result { () throws(AgentError) in try gathered.finish(count) })
    }

    /// Remembers what it said of what it has counted, in case that these are its last words.
    func note(statistics: ProxyStatistics) { take(lastWords: .statistics(statistics)) }
    func note(_ endpoints: [EndpointRecord], _ routes: [RouteRecord]) { take(lastWords: .routing(endpoints, routes)) }

    /// The link is gone: nobody will answer any more.
    func closed() {
        open.store(false, ordering: .releasing)
        outcomes.close()
        reports.close()
        handOvers.close()
        ends.close()
    }
}
