import Glibc
import NIOCore

/// One connection: reads a request, answers it, reads the next.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum State { case reading, answering, tunnel, closed }

    private let shared: EngineState
    private let routes: Routes
    private var assembler = RequestAssembler()
    private var state = State.reading
    private var head: RequestHead?
    private var body: [UInt8] = []
    private var seq = 0
    private var connection = 0
    private var served = 0
    private var writer: AnswerWriter?
    private var timer: Scheduled<Void>?
    /// The answer under way has a place, or waits for one.
    private var claim: Int?
    /// Its number in the log of those that are served.
    private var entry: Int?

    private var options: EngineOptions { shared.options }
    private var log: RequestLog { shared.log }

    init(_ shared: EngineState) {
        self.shared = shared
        routes = Routes(shared: shared)
    }

    /// The broker's own questions: answered like any other, faults included, and not recorded, since they come when they like.
    private static func isProbe(_ head: RequestHead) -> Bool {
        head.values("user-agent").contains { $0.hasPrefix("modelbroker/") }
    }

    func channelActive(context: ChannelHandlerContext) {
        connection = log.opened()
        guard let delay = options.slowAccept else { return }
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(delay))) {
            context.channel.setOption(.autoRead, value: true).whenComplete { _ in }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = Self.unwrapInboundIn(data)
        if state == .tunnel {
            context.writeAndFlush(NIOAny(buffer), promise: nil)
        } else {
            assembler.append(buffer.readableBytesView)
            read(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if state == .answering { finish(cancelled: true) }
        state = .closed
        timer?.cancel()
        log.closed()
        context.fireChannelInactive()
    }

    /// The peer has said its last, and will read no more answers: an engine stops at once. What was written still goes out.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent, state != .closed else {
            return context.fireUserInboundEventTriggered(event)
        }
        if state == .answering { finish(cancelled: true) }
        state = .closed
        timer?.cancel()
        let channel = context.channel
        // A peer that reads nothing must not keep it for ever.
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(5)) { channel.close(promise: nil) }
        let flushed = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(NIOAny(context.channel.allocator.buffer(capacity: 0)), promise: flushed)
        flushed.futureResult.whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func read(_ context: ChannelHandlerContext) {
        while state == .reading, let event = assembler.event() {
            switch event {
            case .head(let head): begin(head, context)
            case .body(let piece): body += piece
            case .end: answer(context)
            case .malformed(let reason):
                seq = log.begin(connection: connection, peer: context.peer, head: nil, malformed: reason)
                head = RequestHead(raw: [], method: "", target: "", minorVersion: 0, fields: [])
                send(.error(400, "malformed \(reason)"), context)
            }
        }
    }

    private func begin(_ head: RequestHead, _ context: ChannelHandlerContext) {
        (self.head, body, seq) = (head, [], 0)
        if !Routes.isOwn(head), !Self.isProbe(head) { seq = log.begin(connection: connection, peer: context.peer, head: head) }
        if let limit = options.staleAfter, served >= limit, !Routes.isOwn(head) { return abort(context) }
        if head.path == "/ws", !head.values("upgrade").isEmpty { return upgrade(head, context) }
        if head.has("expect", "100-continue") { context.write("HTTP/1.1 100 Continue\r\n\r\n") }
        if head.path == "/early-hints" { context.write("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n") }
    }

    private func upgrade(_ head: RequestHead, _ context: ChannelHandlerContext) {
        let name = head.values("upgrade").first ?? ""
        context.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: \(name)\r\n\r\n")
        log.update(seq) { $0.status = 101 }
        state = .tunnel
        let rest = assembler.takeRest()
        if !rest.isEmpty { context.writeAndFlush(NIOAny(context.channel.allocator.buffer(bytes: rest)), promise: nil) }
    }

    private func answer(_ context: ChannelHandlerContext) {
        guard let head else { return }
        var digest = SHA256()
        digest.update(body)
        log.update(seq) { record in
            record.complete = true
            record.bodyBytes = digest.count
            record.bodySha256 = digest.hexadecimal
        }
        let own = Routes.isOwn(head)
        if hangs(head, own: own) {
            state = .answering
            return
        }
        let failure = own ? metricsFailure(head) : routes.failure(seq: max(1, seq))
        let answer = failure ?? routes.answer(head, body: body, seq: seq)
        if answer.bill != nil || head.path.hasSuffix("/infer") { serve(answer, context) } else { send(answer, context) }
    }

    private func hangs(_ head: RequestHead, own: Bool) -> Bool {
        let faults = shared.faults.now
        return own ? head.path == "/metrics" && faults.metrics == "hang" : options.hang || faults.hang
    }

    private func metricsFailure(_ head: RequestHead) -> Answer? {
        guard head.path == "/metrics", let status = shared.faults.now.metrics.flatMap({ Int($0) }) else { return nil }
        return .error(status, "no metrics, as told")
    }

    /// As soon as there is a place for it.
    private func serve(_ answer: Answer, _ context: ChannelHandlerContext) {
        state = .answering
        let arrived = AnswerWriter.monotonic()
        let claim = shared.slots.take(on: context.eventLoop)
        self.claim = claim.number
        claim.granted.assumeIsolated().whenSuccess { [self] in
            guard self.claim == claim.number else { return }
            let tokens = answer.bill.map { $0.promptTokens + $0.completionTokens } ?? 0
            entry = shared.served.begin(
                ServiceLog.Entry(
                    id: answer.id, seq: seq, model: answer.bill?.model ?? "", tokens: tokens, arrived: arrived,
                    began: AnswerWriter.monotonic()))
            send(answer, context)
        }
    }

    /// What was served has ended, or waits no more.
    private func leave(cancelled: Bool) {
        if let entry { shared.served.end(entry, at: AnswerWriter.monotonic(), cancelled: cancelled) }
        if let claim { shared.slots.giveBack(claim) }
        (claim, entry) = (nil, nil)
    }

    private func send(_ answer: Answer, _ context: ChannelHandlerContext) {
        guard let head else { return }
        state = .answering
        writer = AnswerWriter(options: options, answer: answer, head: head, faultless: Routes.isOwn(head))
        log.update(seq) { $0.status = answer.status }
        var delay = answer.delayNanoseconds
        if let ttft = shared.faults.now.ttft, !Routes.isOwn(head) { delay = ttft.nanoseconds }
        schedule(.nanoseconds(delay), context)
    }

    private func schedule(_ delay: TimeAmount, _ context: ChannelHandlerContext) {
        guard delay.nanoseconds > 0 else { return step(context) }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.step(context) }
    }

    private func step(_ context: ChannelHandlerContext) {
        guard state == .answering, let step = writer?.step() else { return }
        // Whoever has read the end may ask at once what was sent.
        if step.isLast { noteSent(cancelled: false) }
        context.write(step.bytes, segment: options.segmentBytes)
        // A failed write may have ended the connection, and the answer with it.
        guard state == .answering else { return }
        switch step.next {
        case .more(let delay): schedule(delay, context)
        case .drop:
            finish(cancelled: false)
            abort(context)
        case .done(let close): done(close: close, context)
        }
    }

    private func done(close: Bool, _ context: ChannelHandlerContext) {
        finish(cancelled: false)
        served += 1
        guard close || served == options.closeAfter else {
            state = .reading
            assembler.next()
            return read(context)
        }
        state = .closed
        context.close(promise: nil)
    }

    private func finish(cancelled: Bool) {
        noteSent(cancelled: cancelled)
        if seq > 0, let (bill, isWhole) = writer?.bill { shared.ledger.charge(bill, isWhole: isWhole) }
        writer = nil
        leave(cancelled: cancelled)
    }

    private func noteSent(cancelled: Bool) {
        let digest = writer?.digest ?? SHA256()
        log.update(seq) { record in
            record.cancelled = cancelled
            record.sentBytes = digest.count
            record.sentSha256 = digest.hexadecimal
        }
    }

    /// Ends the connection in the middle: a reset, or a polite end that comes too early.
    private func abort(_ context: ChannelHandlerContext) {
        state = .closed
        guard options.dropMode == .reset, let provider = context.channel as? any SocketOptionProvider else {
            return context.close(promise: nil)
        }
        // With no time to linger the kernel sends RST instead of FIN.
        provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}
