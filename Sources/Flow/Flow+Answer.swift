import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// The answer on its way to the client.
extension Flow {
    mutating func upstreamReceived(_ bytes: Span<UInt8>, _ context: inout FlowContext, _ out: inout FlowOutput) {
        // The first byte decides a race.
        if !exchange.hedge.isEmpty { dropHedge(.cancelled, &context, &out) }
        exchange.hedgeAt = 0
        receiveUpstream(bytes, from: 0, &context, &out)
    }

    mutating func receiveUpstream(
        _ bytes: Span<UInt8>, from start: Int, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        switch phase {
        case .waiting, .streaming:
            var position = start
            do throws(HeadFault) {
                try readAnswer(bytes, &position, &context, &out)
            } catch {
                if course == .dialled { return relayAsItIs(bytes, from: position, &context, &out) }
                answerIsMalformed(error, &context, &out)
            }
        case .tunnel: forward(.client, bytes, start..<bytes.count, &out)
        case .draining: readDrained(bytes, from: start, &context, &out)
        // What the address dialled says between two answers (a 408 before it closes, say) goes on as it is.
        case .idle where course == .dialled: forward(.client, bytes, start..<bytes.count, &out)
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
            let start = position
            if plainEventsPass { position = answerBody.passPlainEvents(bytes, from: position) }
            if position > start {
                passBody(bytes, start..<position, &context, &out)
            } else if reframing != nil {
                try rewriteBody(bytes, &position, &context, &out)
            } else {
                let end = try answerBody.advance(bytes, from: position)
                passBody(bytes, position..<end, &context, &out)
                position = end
            }
            if !record.bodies.isEmpty { record.bodies.change { $0.answer?.take(bytes, start..<position) } }
            if answerBody.isComplete { finishAnswer(leftover: position < bytes.count, &context, &out) }
        }
    }

    /// Passes on a piece of the body, and before the first one the head that was held for it.
    mutating func passBody(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        if phase == .waiting {
            guard !range.isEmpty || answerBody.isComplete else { return }
            startAnswer(&context, &out)
        }
        if let row { context.ledger[row].bytesOut += UInt64(range.count) }
        deadline = responseDeadline(context)
        forward(.client, bytes, range, &out)
    }

    /// Puts the caller's name in the place of the endpoint's in a piece of the body.
    private mutating func rewriteBody(
        _ bytes: Span<UInt8>, _ position: inout Int, _ context: inout FlowContext, _ out: inout FlowOutput
    ) throws(HeadFault) {
        while position < bytes.count, !answerBody.isComplete {
            switch try answerBody.step(bytes, from: position) {
            case .data(let count):
                let piece = position..<position + count
                rewriter.change { $0.take(bytes, piece) }
                position += count
                noteFirstByte(now: context.now)
            case .framing(let count), .end(let count): position += count
            }
        }
        passRewritten(&context, &out)
    }

    /// Passes on what has been rewritten, once the answer's framing allows for it.
    private mutating func passRewritten(_ context: inout FlowContext, _ out: inout FlowOutput) {
        let isLast = answerBody.isComplete
        if isLast { rewriter.change { $0.finish() } }
        let ready = rewriter.change { $0.body.count } ?? 0
        guard isLast || (ready > 0 && reframing != .whole) else {
            exchange.answerBy = responseDeadline(context)
            return deadline = phase == .waiting ? exchange.waitingDeadline : exchange.answerBy
        }
        if phase == .waiting {
            if reframing == .whole { HeadComposer.appendLength(ready, into: &heldHead) }
            startAnswer(&context, &out)
        }
        let start = out.composed.count
        rewriter.change {
            $0.append(to: &out.composed, isLast: isLast)
            $0.clear()
        }
        let count = out.composed.count - start
        if count > 0 { out.add(.write(.client, Slice(.composed, start..<start + count))) }
        bytesOut += UInt64(count)
        if let row { context.ledger[row].bytesOut += UInt64(count) }
        deadline = responseDeadline(context)
    }

    /// The end of the connection is that of the body, which may have been empty: the head goes out now at the latest.
    mutating func endAnswerWithConnection(_ context: inout FlowContext, _ out: inout FlowOutput) {
        answerBody.close()
        if reframing != nil { return passRewritten(&context, &out) }
        if phase == .waiting { startAnswer(&context, &out) }
    }

    /// The first byte of the body has come: the endpoint is fast enough.
    private mutating func noteFirstByte(now: UInt64) {
        guard exchange.firstByteAt == 0 else { return }
        exchange.firstByteAt = now
        exchange.firstByteBy = 0
    }

    /// The first byte goes to the caller: from here on the answer is this endpoint's.
    private mutating func startAnswer(_ context: inout FlowContext, _ out: inout FlowOutput) {
        phase = .streaming
        answerStarted = true
        noteFirstByte(now: context.now)
        if let row {
            context.ledger[row].firstByte.record((exchange.firstByteAt - requestStart) / 1000, on: .firstToken)
            if let attempt = exchange.attempt {
                context.ledger[row].dispatch.record((attempt.start - min(requestStart, attempt.start)) / 1000, on: .firstToken)
            }
            context.ledger[row].bytesOut += UInt64(heldHead.count)
        }
        if let status = answer?.status, status < 400, exchange.attempt?.isTrial == true { proveTrial(&context) }
        bytesOut += UInt64(heldHead.count)
        guard !heldHead.isEmpty else { return }
        let held = heldHead
        out.compose(to: .client) { $0.append(contentsOf: held) }
        heldHead.removeAll(keepingCapacity: true)
    }

    private mutating func proveTrial(_ context: inout FlowContext) {
        guard var attempt = exchange.attempt else { return }
        context.router.answered(&attempt, now: context.now)
        exchange.attempt = attempt
    }
}
