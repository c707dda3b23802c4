import Admission
package import Catalog
package import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// One client connection as a state machine without I/O: bytes and events go in, actions come out. A driver owns the two
/// sockets, carries the actions out and calls back; nothing here knows of sockets, clocks or threads.
///
/// A request is held until its model is known, goes to an endpoint of that model (or, where the capture rule says so,
/// to the address dialled, unchanged), and its answer is passed on piece by piece as it comes.
package struct Flow: Sendable {
    enum Phase: Hashable {
        /// Captured, and not yet known to speak HTTP/1.x.
        case sniffing
        /// Between requests.
        case idle
        case head
        /// Collecting the body until the model is known.
        case body
        /// The token that came with the request is being checked.
        case proving
        case connecting
        /// An attempt failed, and another one follows after a pause.
        case resting
        /// All that may have the request have enough to do, or are not running: it stands in line.
        case queued
        /// Connected; no byte of the answer's body has come.
        case waiting
        case streaming
        /// Bytes go both ways as they are.
        case tunnel
        /// The client has gone; what its answer used is still read.
        case draining
        /// What was written has yet to go out.
        case closing
    }

    /// Where the request under way goes.
    enum Course: Hashable {
        case none
        /// To a target of the catalogue; `exchange` has which.
        case endpoint
        /// To the address dialled.
        case dialled
    }

    /// A request that holds more than this is passed on as soon as its model is known.
    static let holdLimit = 64 << 10
    /// The same while somebody waits for a model: the request may have to, too.
    static let gatedHold = 7 << 10
    /// A request up to this size is kept until the first byte of the answer, to be sent again if the kept-alive
    /// connection it went out on turns out to be closed.
    static let replayLimit = 1 << 20

    /// Bytes of buffer that an idle connection may keep.
    static let idleCapacity = 8 << 10

    package internal(set) var caller: Caller
    /// What the driver knows it by: comes back with the calls for its tickets.
    package var owner: UInt64 = 0
    var phase: Phase
    /// What the client sent and is still needed: the request under way, and what it sent ahead.
    package internal(set) var inbox: [UInt8] = []
    /// What of the inbox belongs to the request under way, as far as it has been gone through.
    var taken = 0
    /// When a connection must have shown what it speaks, however slowly its bytes come.
    var sniffLimit: UInt64 = 0
    var headScanner = HeadScanner()
    var request = RequestHead()
    var requestBody = RequestBody(.none, inspect: false)
    var requestID = RequestID()
    var path = RequestPath.other
    var family = APIFamily.other
    var operation = Operation.other
    /// Who sent the request under way.
    var identity = Sender()
    /// What is known of the caller without looking at a request.
    var standing = Standing()
    /// The name of `identity`; empty: nobody that is known.
    package internal(set) var client = ""
    /// What is said of the request under way when it has come to its end.
    var record = RequestRecord()
    var tokenAsk = Rare<TokenAsk>()
    /// What the firewall has to judge again as the body grows.
    var watched = Rare<FirewallSubject>()
    /// The model's name where the path has it, as it is without percent-encoding.
    var pathName: [UInt8] = []
    /// 100 Continue went to the client, so one from upstream is not passed on.
    var continued = false
    /// The whole request is in the inbox and could be sent again.
    var isReplayable = false
    /// The connection in use was kept alive: it may turn out to be closed.
    var isReused = false
    var course = Course.none
    var exchange = Exchange()
    var hasUpstream = false
    /// The connection is passed on as it is: no HTTP is read in it.
    var isOpaque = false
    /// What the inbox holds of the request is not needed after this call.
    var inboxIsSpent = false
    /// Row of the model in the ledger while the request is under way.
    var row: Int?
    package internal(set) var model = ""
    var lastRow = -1
    /// What the request under way took out of its model's limits; nil: the model has none.
    var grant: Grant?
    /// The entry that both connections are under; they count as at work in the division of its bandwidth.
    var slot: UInt32 = 0
    var sharesBandwidth = false
    var requestStart: UInt64 = 0
    /// Bytes of the answer's head that came without its end.
    var answerHead: [UInt8] = []
    var answerScanner = HeadScanner()
    var answer: ResponseHead?
    var answerBody = ResponseBody(.none)
    /// The answer's head, composed, until the first byte of its body.
    var heldHead: [UInt8] = []
    var answerStarted = false
    /// Renames the model in the answer's body.
    var rewriter = Rare<AnswerRewriter>()
    /// The framing of the answer's body, where it is the broker's own.
    var reframing: AnswerRewriter.Framing?
    /// Though the answer's body is read or rewritten, whole chunks of plain events go on as they are.
    var plainEventsPass = false
    /// The client sent FIN; the upstream did, in a tunnel.
    var clientEnded = false
    var upstreamEnded = false
    var clientPaused = false

    /// When `timeout` is to be called, on the clock of `FlowContext.now`; 0: never.
    package internal(set) var deadline: UInt64 = 0
    package internal(set) var requests: UInt64 = 0
    package internal(set) var bytesIn: UInt64 = 0
    package internal(set) var bytesOut: UInt64 = 0
    package internal(set) var endpoint: SocketAddress?

    package init(_ caller: Caller, _ context: inout FlowContext) {
        self.caller = caller
        client = caller.client
        if caller.entrance == .capture {
            phase = .sniffing
            sniffLimit = context.deadline(afterMilliseconds: context.timeouts.head)
            deadline = context.deadline(afterMilliseconds: context.timeouts.sniff)
        } else {
            phase = .idle
            deadline = context.deadline(afterMilliseconds: context.timeouts.head)
        }
    }

    /// Governed strictly: what the catalogue does not know is refused.
    var isStrict: Bool { caller.unknown == .refuse }

    package var state: FlowRecord.State {
        switch phase {
        case .sniffing: .new
        case .idle: .idle
        case .head: .head
        case .body, .proving: .body
        case .connecting, .resting: .connecting
        case .queued: .queued
        case .waiting: .waiting
        case .streaming: .streaming
        case .tunnel: .opaque
        case .draining, .closing: .closing
        }
    }

    /// Whether nothing is under way: the driver may take its buffers back.
    package var isQuiet: Bool { phase == .idle && inbox.isEmpty }

    /// Makes an idle connection end soon, unless it is used.
    package mutating func retire(_ context: FlowContext) {
        guard phase == .idle || phase == .sniffing else { return }
        deadline = min(deadline, context.deadline(afterMilliseconds: context.keepAlive))
    }

    /// Whether something is being sent, or about to be, on either connection.
    package var isAtWork: Bool {
        switch phase {
        case .connecting, .resting, .waiting, .streaming, .tunnel: true
        case .sniffing, .idle, .head, .body, .proving, .queued, .draining, .closing: false
        }
    }

    // MARK: - Inputs

    /// Bytes from one leg; they are lent for the call.
    package mutating func received(
        _ leg: Leg, _ bytes: Span<UInt8>, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        dropSpentInbox()
        switch leg {
        case .client:
            bytesIn += UInt64(bytes.count)
            clientReceived(bytes, &context, &out)
        case .upstream: upstreamReceived(bytes, &context, &out)
        case .hedge: hedgeReceived(bytes, &context, &out)
        }
        pump(&context, &out)
    }

    /// The peer of one leg will send no more (FIN), all that it sent having been received.
    package mutating func ended(_ leg: Leg, _ context: inout FlowContext, _ out: inout FlowOutput) {
        dropSpentInbox()
        switch leg {
        case .client: clientFinished(&context, &out)
        case .upstream: upstreamFinished(&context, &out)
        case .hedge: hedgeEnded(&context, &out)
        }
        pump(&context, &out)
    }

    /// The client sent FIN while reading from it is paused, so what it sent before may be unread.
    package mutating func clientHungUp(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard course == .endpoint || phase == .proving else { return }
        dropSpentInbox()
        clientFinished(&context, &out)
        conclude(&context)
    }

    /// One leg broke (reset, or its host is gone).
    package mutating func failed(_ leg: Leg, _ context: inout FlowContext, _ out: inout FlowOutput) {
        dropSpentInbox()
        switch leg {
        case .client: clientFailed(&context, &out)
        case .upstream: upstreamFailed(&context, &out)
        case .hedge: hedgeEnded(&context, &out)
        }
        pump(&context, &out)
    }

    /// What the deadline allowed for has not happened.
    package mutating func timeout(_ context: inout FlowContext, _ out: inout FlowOutput) {
        dropSpentInbox()
        deadline = 0
        switch phase {
        case .sniffing: becomeOpaque(.silent, &context, &out)
        case .idle: closeAll(&out)
        case .head: refuse(.headTimeout, &context, &out)
        case .body: refuse(.bodyTimeout, &context, &out)
        case .proving: checkIsOverdue(&context, &out)
        case .connecting: giveUpConnect("timed out", &context, &out)
        case .resting: endRest(&context, &out)
        case .queued: waitOn(&context, &out)
        case .waiting: waitedTooLong(&context, &out)
        case .streaming: breakAnswer("the endpoint fell silent", &context, &out)
        case .tunnel: break
        case .draining: endDrain(&context, &out)
        case .closing: out.add(.abort(.client))
        }
        pump(&context, &out)
    }

    /// Reads on in what the client sent ahead, request by request, until one has to wait. Every input ends here.
    mutating func pump(_ context: inout FlowContext, _ out: inout FlowOutput) {
        while phase == .idle, !inbox.isEmpty { collect(&context, &out) }
        conclude(&context)
        if phase == .idle || phase == .head || phase == .body { resume(&out) }
    }

    /// The driver lets go of the connection, whatever is under way on it; nothing else may be called any more.
    package mutating func abandon(_ context: inout FlowContext, _ out: inout FlowOutput) {
        let isCounted = isDraining
        settle(&context, &out) { if !isCounted { $0.ledger[$1].cancelled += 1 } }
        phase = .closing
        conclude(&context)
        out.clear()
    }

    // MARK: - Common ends

    /// Lets the upstream go and closes the client's side once all has gone out.
    mutating func closeAll(_ out: inout FlowOutput) {
        dropUpstream(reusable: false, &out)
        phase = .closing
        deadline = 0
        out.add(.close(.client))
    }

    mutating func dropUpstream(reusable: Bool, _ out: inout FlowOutput) {
        guard hasUpstream || phase == .connecting else { return }
        hasUpstream = false
        out.add(.releaseUpstream(reusable: reusable))
    }

    /// Settles all that the request under way has open: its attempts, its race, its books. What is known of how it ended
    /// was said before.
    mutating func settle(
        _ context: inout FlowContext, _ out: inout FlowOutput, _ note: (inout FlowContext, Int) -> Void = { _, _ in }
    ) {
        leaveQueue(&context)
        dropHeld(context)
        settleAttempt(.cancelled, &context)
        dropHedge(.cancelled, &context, &out)
        guard let row else { return }
        note(&context, row)
        closeBooks(row, &context)
    }
}
