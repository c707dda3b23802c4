import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// Reading on after the client has gone: engines stop when their connection is half closed, and what they have sent until
/// then, with what they say that it used, is what they account for themselves.
extension Flow {
    /// The longest that an endpoint is read from after its client has gone.
    private static let drainMilliseconds = 1000
    private static let drainLimit: UInt64 = 1 << 20

    /// The driver keeps the upstream connection although the client's side is closed.
    package var isDraining: Bool { phase == .draining }

    /// What the answer used is to be known, and the endpoint may still say it.
    var isWorthDraining: Bool {
        guard countsTokens, course == .endpoint, hasUpstream, !upstreamEnded, requestBody.isComplete else { return false }
        guard phase == .waiting || phase == .streaming else { return false }
        return answer?.isEncoded != true
    }

    /// Closes the client's side and half of the endpoint's; the books stay open until the endpoint has said all, for a
    /// second at most.
    mutating func drain(_ context: inout FlowContext, _ out: inout FlowOutput) {
        settleAttempt(.cancelled, &context)
        dropHedge(.cancelled, &context, &out)
        if let row { context.ledger[row].cancelled += 1 }
        restLegs(&context, &out)
        rewriter.remove()
        phase = .draining
        exchange.drained = 0
        deadline = context.deadline(afterMilliseconds: Self.drainMilliseconds)
        out.add(.drainUpstream)
        out.add(.close(.client))
    }

    mutating func readDrained(
        _ bytes: Span<UInt8>, from start: Int, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        exchange.drained += UInt64(bytes.count - start)
        do throws(HeadFault) {
            var position = start
            while position < bytes.count, answer == nil { try readDrainedHead(bytes, &position) }
            if answer != nil, position < bytes.count {
                _ = try answerBody.advance(bytes, from: position)
                answerStarted = true
            }
        } catch {
            return endDrain(&context, &out)
        }
        if answer != nil && answerBody.isComplete || exchange.drained >= Self.drainLimit { endDrain(&context, &out) }
    }

    /// Reads a head as `readAnswerHead` does, for nobody.
    private mutating func readDrainedHead(_ bytes: Span<UInt8>, _ position: inout Int) throws(HeadFault) {
        let before = answerHead.count
        answerHead.append(bytes.extracting(position..<bytes.count))
        let held = answerHead
        guard let size = try answerScanner.end(in: held.span) else { return position = bytes.count }
        let head = held.span.extracting(0..<size)
        answerScanner = HeadScanner()
        answerHead.removeAll(keepingCapacity: true)
        position += size - before
        let parsed = try ResponseHead(parsing: head, size: size)
        guard parsed.status >= 200 else { return }
        answer = parsed
        answerBody = ResponseBody(
            parsed.bodyFraming(forHead: request.method == .head), form(parsed, head), readsUsage: !parsed.isEncoded)
    }

    /// Nothing more is to be known.
    mutating func endDrain(_ context: inout FlowContext, _ out: inout FlowOutput) {
        settle(&context, &out)
        dropUpstream(reusable: false, &out)
        phase = .closing
        deadline = 0
    }
}
