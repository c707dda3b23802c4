import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// The answer on its way to the client.
extension Flow {
    mutating func upstreamReceived(_ bytes: Span<UInt8>, _ context: inout FlowContext, _ out: inout FlowOutput) {
        switch phase {
        case .waiting, .streaming:
            var position = 0
            do throws(HeadFault) {
                try readAnswer(bytes, &position, &context, &out)
            } catch {
                if course == .dialled { return relayAsItIs(bytes, from: position, &context, &out) }
                answerIsMalformed(error, &context, &out)
            }
        case .tunnel: forward(.client, bytes, 0..<bytes.count, &out)
        // What the address dialled says between two answers (a 408 before it closes, say) goes on as it is.
        case .idle where course == .dialled: forward(.client, bytes, 0..<bytes.count, &out)
        default: break
        }
    }

    /// `position` is how far the bytes have been dealt with, also when it throws.
    private mutating func readAnswer(
        _ bytes: Span<UInt8>, _ position: inout Int, _ context: inout FlowContext, _ out: inout FlowOutput
    ) throws(HeadFault) {
        while position < bytes.count, phase == .waiting || phase == .streaming {
            guard answer != nil else {
                try readAnswerHead(bytes, &position, &context, &out)
                continue
            }
            let end = try answerBody.advance(bytes, from: position)
            passBody(bytes, position..<end, &context, &out)
            position = end
            if answerBody.isComplete { finishAnswer(leftover: position < bytes.count, &context, &out) }
        }
    }

    /// Reads the head, which may have begun in an earlier piece and end in a later one.
    private mutating func readAnswerHead(
        _ bytes: Span<UInt8>, _ position: inout Int, _ context: inout FlowContext, _ out: inout FlowOutput
    ) throws(HeadFault) {
        let rest = bytes.extracting(position..<bytes.count)
        if answerHead.isEmpty, let size = try answerScanner.end(in: rest) {
            try takeAnswerHead(rest.extracting(0..<size), bytes, position + size, &context, &out)
            position += size
            return
        }
        let isFirst = answerHead.isEmpty
        answerHead.append(rest)
        position = bytes.count
        let held = answerHead
        guard !isFirst, let size = try answerScanner.end(in: held.span) else { return }
        let bodyStart = bytes.count - (held.count - size)
        try takeAnswerHead(held.span.extracting(0..<size), bytes, bodyStart, &context, &out)
        answerHead = []
        position = bodyStart
    }

    private mutating func takeAnswerHead(
        _ head: Span<UInt8>, _ bytes: Span<UInt8>, _ bodyStart: Int, _ context: inout FlowContext, _ out: inout FlowOutput
    ) throws(HeadFault) {
        answerScanner = HeadScanner()
        var parsed = try ResponseHead(parsing: head, size: head.count)
        if parsed.status < 200 { return takeInterim(parsed, head, bytes, bodyStart, &context, &out) }
        answer = parsed
        answerBody = ResponseBody(
            parsed.bodyFraming(forHead: request.method == .head), isEventStream: parsed.isEventStream,
            readsUsage: grant != nil && grant?.limitsTokens == true && !parsed.isEncoded)
        if let row { context.ledger[row].count(status: parsed.status) }
        if course == .dialled {
            bytesOut += UInt64(head.count)
            answerStarted = true
            out.compose(to: .client) { $0.append(head) }
        } else {
            let levels = grant == nil ? LimitLevels() : announceLimits(&parsed, head, context)
            HeadComposer.response(
                parsed, head, requestID: requestID, persistence: persistence(after: parsed), levels: levels, into: &heldHead)
        }
        deadline = responseDeadline(context)
        if answerBody.isComplete {
            passBody(bytes, bodyStart..<bodyStart, &context, &out)
            finishAnswer(leftover: bodyStart < bytes.count, &context, &out)
        }
    }

    /// What a successful answer says of its model's limits, in the place of what the endpoint says of its own.
    private func announceLimits(_ head: inout ResponseHead, _ bytes: Span<UInt8>, _ context: FlowContext) -> LimitLevels {
        guard let grant, head.status < 400 else { return LimitLevels() }
        let levels = grant.levels(now: context.now)
        // A head with more lines to leave out than can be kept in mind says both; clients take the last.
        try? head.dropLimits(requests: levels.requests != nil, tokens: levels.tokens != nil, in: bytes)
        return levels
    }

    private func persistence(after head: ResponseHead) -> HeadComposer.Persistence {
        let persists = request.keepAlive && answerBody.framing != .close && requestBody.isComplete
        guard persists else { return .close }
        return request.isHTTP11 ? .keepAlive : .keepAliveHTTP10
    }

    /// 1xx: passed on, except a 100 that the client has from us already, and 101, which ends HTTP on this connection.
    private mutating func takeInterim(
        _ head: ResponseHead, _ bytes: Span<UInt8>, _ all: Span<UInt8>, _ rest: Int, _ context: inout FlowContext,
        _ out: inout FlowOutput
    ) {
        if head.status == 101 {
            guard course == .dialled, request.wantsUpgrade else {
                return refuse(.badAnswer("switched protocols unasked"), &context, &out)
            }
            out.compose(to: .client) { $0.append(bytes) }
            settle(&context)
            becomeTunnel(&out)
            return forward(.client, all, rest..<all.count, &out)
        }
        if head.status == 100, continued {
            continued = false
        } else if request.isHTTP11 {
            bytesOut += UInt64(bytes.count)
            out.compose(to: .client) { $0.append(bytes) }
        }
        deadline = responseDeadline(context)
    }

    private mutating func becomeTunnel(_ out: inout FlowOutput) {
        phase = .tunnel
        deadline = 0
        if taken < inbox.count { out.add(.write(.upstream, Slice(.inbox, taken..<inbox.count))) }
        inboxIsSpent = true
        resume(&out)
    }

    /// Passes on a piece of the body, and before the first one the head that was held for it.
    private mutating func passBody(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        if phase == .waiting {
            guard !range.isEmpty || answerBody.isComplete else { return }
            phase = .streaming
            answerStarted = true
            if let row {
                context.ledger[row].firstByte.record(microseconds: (context.now - requestStart) / 1000)
                context.ledger[row].bytesOut += UInt64(heldHead.count)
            }
            bytesOut += UInt64(heldHead.count)
            if !heldHead.isEmpty {
                let held = heldHead
                out.compose(to: .client) { $0.append(contentsOf: held) }
                heldHead.removeAll(keepingCapacity: true)
            }
        }
        if let row { context.ledger[row].bytesOut += UInt64(range.count) }
        deadline = responseDeadline(context)
        forward(.client, bytes, range, &out)
    }

    mutating func finishAnswer(leftover: Bool, _ context: inout FlowContext, _ out: inout FlowOutput) {
        settle(&context)
        restLegs(&context, &out)
        let persists = answer.map { $0.keepAlive } == true && answerBody.framing != .close && requestBody.isComplete
        if course == .dialled {
            if persists, request.keepAlive, !leftover, !upstreamEnded { return nextRequest(&context, &out) }
            return closeAll(&out)
        }
        dropUpstream(reusable: persists && !leftover && !upstreamEnded, &out)
        course = .none
        if request.keepAlive, answerBody.framing != .close, requestBody.isComplete {
            nextRequest(&context, &out)
        } else {
            closeAll(&out)
        }
    }

    /// Makes ready for the next request; what the client sent ahead is read by `pump`.
    mutating func nextRequest(_ context: inout FlowContext, _ out: inout FlowOutput) {
        inboxIsSpent = false
        inbox.removeFirst(taken)
        // An idle connection must not hold the memory of its largest request.
        if inbox.isEmpty, inbox.capacity > Self.idleCapacity { context.buffers.give(&inbox) }
        taken = 0
        headScanner = HeadScanner()
        phase = .idle
        deadline = context.deadline(afterMilliseconds: context.timeouts.keepAlive)
        if clientEnded, inbox.isEmpty { return closeAll(&out) }
    }

    /// What the address dialled says may break the rules of HTTP that are kept here; between it and the caller that was
    /// never the broker's affair.
    private mutating func relayAsItIs(
        _ bytes: Span<UInt8>, from position: Int, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        settle(&context)
        let held = answerHead
        answerHead = []
        if !held.isEmpty { out.compose(to: .client) { $0.append(contentsOf: held) } }
        bytesOut += UInt64(held.count)
        becomeTunnel(&out)
        forward(.client, bytes, position..<bytes.count, &out)
    }

    private mutating func answerIsMalformed(_ fault: HeadFault, _ context: inout FlowContext, _ out: inout FlowOutput) {
        reportEndpoint("sent a malformed answer: \(fault.message)", &context, &out)
        if answerStarted { return breakAnswer("the endpoint's answer is malformed", &context, &out) }
        refuse(.badAnswer("sent a malformed answer (\(fault.message))"), &context, &out)
    }

    /// An answer that has begun can't be completed: the client must not take what it has for the whole.
    mutating func breakAnswer(_ reason: String, _ context: inout FlowContext, _ out: inout FlowOutput) {
        out.events.append(event(.broken, reason, address: endpoint))
        settle(&context) { $0.ledger[$1].broken += 1 }
        dropUpstream(reusable: false, &out)
        if course != .dialled, answerBody.acceptsErrorEvent {
            let isChunked = answerBody.framing == .chunked
            out.compose(to: .client) { ErrorEvent.append(reason, isChunked: isChunked, to: &$0) }
        }
        phase = .closing
        deadline = 0
        out.add(.abort(.client))
    }
}

/// The last event of a stream that broke.
enum ErrorEvent {
    static func append(_ reason: String, isChunked: Bool, to bytes: inout [UInt8]) {
        var event: [UInt8] = []
        event.append("data: ")
        Refusal.badAnswer("broke the stream: \(reason)").appendBody(to: &event, isKServe: false)
        event.append("\n\n")
        if isChunked {
            bytes.append(contentsOf: String(event.count, radix: 16).utf8)
            bytes.append("\r\n")
        }
        bytes.append(contentsOf: event)
        if isChunked { bytes.append("\r\n") }
    }
}
