import Admission
import Catalog
import Control
import Flow
import Identity
import Reactor
import Routing
import Tokens

/// What the link to the agent gives an event loop to do.
enum WorkerMessage: Sendable {
    case configure(ProxyConfiguration, Acknowledgement)
    case listen(Listener)
    /// By id.
    case unlisten(Int)
    case report(ReportCollector)
    /// What the check of a token found.
    case tokenChecked(TokenTicket, TokenVerdict)
    /// The other loops: comes before any configuration but the first.
    case meet(LoopPeers)
    /// What another loop found of an endpoint.
    case notice(RoutingNotice)
    case standings([Standing])
    case watchDecisions(Bool)
    /// Something became of a ticket of the connection in the slot.
    case call(Int, RoomCall)
    /// Whether audit lines are to be made.
    case takeAudit(Bool)
    /// Which cgroups are pods'.
    case pods([UInt64: PodName])
    /// Close idle connections, let the others end, and say when none is left. `isReplaced`: another process has the
    /// listeners, so idle connections may stay for a little while, to be told of the end with their next answer.
    case drain(DrainCounter, isReplaced: Bool)
}

/// One event loop: it owns its listeners' shares, its connections from accept to close, and its upstream connections.
/// Only its own thread touches anything here but the mailbox.
final class Worker {
    static let bufferSize = 64 << 10
    /// Bytes that one read of a request takes whose model is not known yet, while somebody waits for one.
    static let gatedRead = 8 << 10
    /// How long the close of an answered connection waits for the client's FIN, in nanoseconds.
    static let lingerTime: UInt64 = 2_000_000_000
    /// How long a listener rests when accept(2) fails, in nanoseconds.
    static let acceptRest: UInt64 = 50_000_000
    /// Milliseconds by which the wall clock differs from what it would be, to count as set.
    private static let clockStep: Int64 = 500
    /// Reads of one connection before the others get their turn.
    static let readsPerTurn = 16

    /// The number that the next connection gets: counting by the number of loops keeps it unique among them.
    var nextConnection: UInt64
    let loops: UInt64
    let loop: Int
    var peers = LoopPeers([])
    let mailbox: Mailbox<WorkerMessage>
    let outbox: Outbox
    let audit: AuditWriter
    /// This loop's lines on their way to it.
    let auditLines: AuditLines
    /// Lines of the flows that have been handed over.
    var auditHandedOver: UInt64 = 0
    let desk: TokenDesk
    /// Tokens that the desk has not answered for yet, whether their connections are still there or not.
    var tokensAtDesk = 0
    var poller: Poller
    var wheel: TimerWheel
    var context: FlowContext
    var out = FlowOutput()
    var configuration: ProxyConfiguration
    var listeners: [Listener] = []
    var connections = Slab<Connection>()
    var upstreams = Slab<Upstream>()
    var pool = UpstreamPool()
    var tls = TLSTable()
    /// Copies of requests under way, the bytes that they hold, and those that have more to read.
    var shadowCount = 0
    var shadowSize = 0
    var shadowsAgain: [Upstream] = []
    /// Connections with more to read than their turn allowed, or resumed.
    var again: [Connection] = []
    var draining: DrainCounter?
    /// It was said that none is left.
    var hasDrained = false
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 16)
    var gather = GatherList()
    /// Sockets that are at work until everything written has been delivered.
    var resting: [Token] = []
    var isWatchingEntries = false
    var isWatchingRefusals = false
    var isWatchingQueue = false
    /// Changes of entries up to the last sweep.
    var sweptChanges: UInt64 = 0
    var handshakeReports = ReportBrake()
    /// What the agent said of endpoints last; its times are the wall clock's.
    var standings: [Standing] = []
    /// The wall clock before the loop's own, in milliseconds, when these were taken up.
    var wallOffset: Int64 = 0
    /// Something changed that requests in line may have waited for.
    var looksAtQueue = false
    private var expired: [TimerWheel.Entry] = []

    init(_ start: WorkerThread.Start, seed: UInt64) throws(SystemError) {
        poller = try Poller()
        mailbox = start.mailbox
        outbox = start.outbox
        configuration = start.configuration
        nextConnection = UInt64(start.loop) + 1
        loops = UInt64(start.loops)
        loop = start.loop
        let now = MonotonicClock.now()
        wheel = TimerWheel(now: now)
        context = FlowContext(seed: seed, shared: start.shared, room: start.room)
        audit = start.audit
        auditLines = start.audit.channel()
        desk = start.desk
        tellTime()
        try poller.add(source: mailbox.descriptor, token: Token(.mailbox, slot: 0).raw)
        adopt(configuration)
    }

    deinit { buffer.deallocate() }

    /// Runs until the process ends.
    func run() -> Never {
        while true { turn() }
    }

    private func turn() {
        let wait = again.isEmpty && shadowsAgain.isEmpty ? wheel.waitMilliseconds(now: context.now) : 0
        let count = poller.wait(milliseconds: wait)
        tellTime()
        for index in 0..<count { dispatch(poller.ready(index)) }
        lookAgain()
        if !shadowsAgain.isEmpty { lookAgainAtShadows() }
        expire()
        watchRefusals()
        watchQueue()
        tellNotices()
        if looksAtQueue { lookAtQueue() }
        if !context.wanted.isEmpty { tellWanted() }
        handOverAudit()
        if context.spans.count > 0 { handOverSpans() }
    }

    private func tellTime() {
        context.now = MonotonicClock.now()
        context.epochMilliseconds = ProcessFacts.epochMilliseconds()
        let offset = context.epochMilliseconds - Int64(context.now / 1_000_000)
        if abs(offset - wallOffset) > Self.clockStep { wallClockSet(offset) }
    }

    private func dispatch(_ ready: Readiness) {
        let token = Token(raw: ready.token)
        switch token.kind {
        case .client:
            guard let connection = connections[token], connection.token == token else { return }
            clientReady(connection, ready)
        case .upstream:
            guard let upstream = upstreams[token], upstream.token == token else { return }
            upstreamReady(upstream, ready)
        case .listener: accept(token.slot)
        case .mailbox: for message in mailbox.takeAll() { take(message) }
        }
    }

    private func take(_ message: WorkerMessage) {
        switch message {
        case .configure(let configuration, let acknowledgement):
            adopt(configuration)
            acknowledgement.done()
        case .listen(let listener): open(listener)
        case .unlisten(let id): unlisten(id)
        case .report(let collector): report(to: collector)
        case .tokenChecked(let ticket, let verdict): tokenChecked(ticket, verdict)
        case .meet(let peers): self.peers = peers
        case .notice(let notice):
            context.router.take(notice, now: context.now)
            looksAtQueue = true
        case .call(let slot, let call): self.call(slot, call)
        case .standings(let standings):
            self.standings = standings
            take(standings)
        case .watchDecisions(let wanted): context.watchesDecisions = wanted
        case .takeAudit(let wanted): context.audit.isOpen = wanted
        case .pods(let pods): context.pods = pods
        case .drain(let counter, let isReplaced): drain(counter, isReplaced: isReplaced)
        }
    }

    func adopt(_ configuration: ProxyConfiguration) {
        forgetTags(of: context.admission.slotsLost(in: configuration.admission))
        self.configuration = configuration
        context.epochSeconds = ProcessFacts.epochSeconds()
        context.adopt(
            configuration.routes, configuration.catalog.node, admission: configuration.admission, access: configuration.access,
            directory: configuration.directory, firewall: firewall(configuration), audit: configuration.catalog.audit,
            shares: configuration.shares, tracing: configuration.tracing)
        looksAtQueue = true
        adoptTerms(configuration)
        watchEntries()
    }

    /// It was tried when the configuration was applied, so that only want of memory can fail it: better no loop than one
    /// without its firewall.
    private func firewall(_ configuration: ProxyConfiguration) -> Firewall? {
        do throws(FirewallFault) {
            return try configuration.firewall()
        } catch {
            fatalError("cannot use the firewall: \(error)")
        }
    }

    /// Connections that were made under terms that hold no more go out of the pool.
    private func adoptTerms(_ configuration: ProxyConfiguration) {
        let terms = context.tlsTerms.map { configuration.terms[$0] ?? .unusable("TLS to it is not configured any more") }
        for number in tls.adopt(terms) {
            for upstream in pool.takeAll(under: number) {
                sayFarewell(upstream)
                upstreams.remove(upstream.token)
            }
        }
        pool.prune()
    }

    private func lookAgain() {
        guard !again.isEmpty else { return }
        let turn = again
        again.removeAll(keepingCapacity: true)
        for connection in turn where !connection.isGone {
            connection.isQueued = false
            tellHedge(connection)
            readClient(connection)
            readUpstream(connection)
            readHedge(connection)
        }
    }

    /// The bytes as a span, for the length of the call that they are given to.
    @_lifetime(borrow bytes)
    func lend(_ bytes: UnsafeRawBufferPointer) -> Span<UInt8> {
        Span(_unsafeBytes: bytes)
    }

    func queue(_ connection: Connection) {
        guard !connection.isQueued else { return }
        connection.isQueued = true
        again.append(connection)
    }

    // MARK: - Time

    private func expire() {
        expired.removeAll(keepingCapacity: true)
        wheel.expire(now: context.now, into: &expired)
        for entry in expired {
            let token = Token(raw: entry.token)
            switch token.kind {
            case .upstream:
                guard let upstream = upstreams[token], upstream.token == token, upstream.armed == entry.deadline else { continue }
                upstream.armed = 0
                expire(upstream)
            case .client:
                guard let connection = connections[token], connection.token == token, connection.armed == entry.deadline
                else { continue }
                connection.armed = 0
                expire(connection)
            case .listener: acceptAgain(token.slot)
            case .mailbox: expire(own: token)
            }
        }
    }

    private func expire(_ connection: Connection) {
        let deadline = connection.deadline
        guard deadline != 0, deadline <= context.now else { return arm(connection) }
        if connection.isDraining { return drainExpired(connection) }
        if connection.ending != .none { return endingExpired(connection) }
        if let tls = connection.tls, tls.state == .shaking { return handshakeExpired(connection, tls) }
        connection.flow.timeout(&context, &out)
        execute(connection, received: nil)
    }

    private func expire(_ upstream: Upstream) {
        guard upstream.user == nil else { return }
        if upstream.idleDeadline <= context.now {
            if let shadow = upstream.shadow { return end(shadow, upstream, isAnswered: false) }
            pool.remove(upstream)
            sayFarewell(upstream)
            upstreams.remove(upstream.token)
        } else {
            arm(upstream)
        }
    }

    /// Sees to it that the wheel calls no later than the connection's deadline. A deadline that moved on needs nothing:
    /// that is found out when the old one fires.
    func arm(_ connection: Connection) {
        let deadline = connection.deadline
        guard deadline != 0, connection.armed == 0 || deadline < connection.armed else { return }
        connection.armed = deadline
        wheel.add(connection.token.raw, deadline: deadline)
    }

    func arm(_ upstream: Upstream) {
        guard upstream.armed == 0 || upstream.idleDeadline < upstream.armed else { return }
        upstream.armed = upstream.idleDeadline
        wheel.add(upstream.token.raw, deadline: upstream.idleDeadline)
    }
}
