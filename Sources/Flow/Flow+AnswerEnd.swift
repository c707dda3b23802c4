import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// How answers end, well or not.
extension Flow {
    /// The last byte of the answer came, or nothing but the end of the connection can follow.
    mutating func finishAnswer(leftover: Bool, _ context: inout FlowContext, _ out: inout FlowOutput) {
        record.end = record.isRelayed ? .relayed : .answered
        settleAttempt(answerOutcome(now: context.now), &context)
        settle(&context, &out)
        restLegs(&context, &out)
        let persists = answer.map { $0.keepAlive } == true && answerBody.framing != .close && requestBody.isComplete
        if course == .dialled {
            if persists, request.keepAlive, !leftover, !upstreamEnded { return nextRequest(&context, &out) }
            return closeAll(&out)
        }
        dropUpstream(reusable: persists && !leftover && !upstreamEnded, &out)
        course = .none
        if request.keepAlive, !endsWithConnection, requestBody.isComplete {
            nextRequest(&context, &out)
        } else {
            closeAll(&out)
        }
    }

    private mutating func answerOutcome(now: UInt64) -> Outcome {
        guard let answer, let attempt = exchange.attempt else { return .cancelled }
        if answer.status >= 400 {
            return .status(UInt16(answer.status), retryAfter: exchange.retryAfter, ofCaller: forwardsCredentials)
        }
        let firstByte = exchange.firstByteAt == 0 ? now : exchange.firstByteAt
        return .success(firstByte: firstByte - min(firstByte, attempt.start), total: now - attempt.start)
    }

    /// Makes ready for the next request; what the client sent ahead is read by `pump`.
    mutating func nextRequest(_ context: inout FlowContext, _ out: inout FlowOutput) {
        endRecord(&context)
        exchange.isBegun = false
        inboxIsSpent = false
        inbox.removeFirst(taken)
        // An idle connection must not hold the memory of its largest request.
        if inbox.isEmpty, inbox.capacity > Self.idleCapacity { context.buffers.give(&inbox) }
        taken = 0
        headScanner = HeadScanner()
        phase = .idle
        deadline = context.deadline(afterMilliseconds: context.keepAlive)
        if clientEnded, inbox.isEmpty { return closeAll(&out) }
    }

    /// What the address dialled says may break the rules of HTTP that are kept here; between it and the caller that was
    /// never the broker's affair.
    mutating func relayAsItIs(
        _ bytes: Span<UInt8>, from position: Int, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        record.end = .relayed
        settle(&context, &out)
        let held = answerHead
        answerHead = []
        if !held.isEmpty { out.compose(to: .client) { $0.append(contentsOf: held) } }
        bytesOut += UInt64(held.count)
        becomeTunnel(&out)
        forward(.client, bytes, position..<bytes.count, &out)
    }

    mutating func answerIsMalformed(_ fault: HeadFault, _ context: inout FlowContext, _ out: inout FlowOutput) {
        reportEndpoint("sent a malformed answer: \(fault.message)", &context, &out)
        if answerStarted { return breakAnswer("the endpoint's answer is malformed", &context, &out) }
        if tryAgain(after: .noAnswer, &context, &out) { return }
        refuse(.badAnswer("sent a malformed answer (\(fault.message))"), &context, &out)
    }

    /// An answer that has begun can't be completed: the client must not take what it has for the whole.
    mutating func breakAnswer(_ reason: String, _ context: inout FlowContext, _ out: inout FlowOutput) {
        out.events.append(event(.broken, reason, address: endpoint))
        record.end = .broken
        settleAttempt(.brokenStream, &context)
        settle(&context, &out) { $0.ledger[$1].broken += 1 }
        dropUpstream(reusable: false, &out)
        if course != .dialled, answerBody.acceptsErrorEvent(isReframed: reframing != nil) {
            let isChunked = reframing.map { $0 == .chunked } ?? (answerBody.framing == .chunked)
            let refusal = Refusal.badAnswer("broke the stream: \(reason)")
            out.compose(to: .client) { ErrorEvent.append(refusal, isChunked: isChunked, to: &$0) }
        }
        phase = .closing
        deadline = 0
        out.add(.abort(.client))
    }
}

/// The last event of a stream that broke.
enum ErrorEvent {
    static func append(_ refusal: Refusal, isChunked: Bool, to bytes: inout [UInt8]) {
        var event: [UInt8] = []
        event.append("data: ")
        refusal.appendBody(to: &event, isPlain: false)
        event.append("\n\n")
        if isChunked {
            bytes.append(contentsOf: String(event.count, radix: 16).utf8)
            bytes.append("\r\n")
        }
        bytes.append(contentsOf: event)
        if isChunked { bytes.append("\r\n") }
    }
}
