import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// Streams that wait: the client gets the head of one, and comments, so that nothing between it and the broker takes the
/// connection for dead.
extension Flow {
    mutating func comment(_ context: FlowContext, _ out: inout FlowOutput) {
        guard requestBody.isStream == true else {
            // As far as is known it wants none.
            _ = exchange.wait.change { $0.commentAt = 0 }
            return
        }
        _ = exchange.wait.change { $0.commentAt = context.now + $0.commentPeriod }
        let start = out.composed.count
        out.compose(to: .client) { bytes in
            if !exchange.isBegun { appendStreamHead(to: &bytes) }
            bytes.append("b\r\n: loading\n\n\r\n")
        }
        exchange.isBegun = true
        bytesOut += UInt64(out.composed.count - start)
    }

    private func appendStreamHead(to bytes: inout [UInt8]) {
        bytes.append("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n")
        requestID.appendField(to: &bytes)
        HeadComposer.appendPersistence(request.keepAlive ? .keepAlive : .close, into: &bytes)
        bytes.append("Transfer-Encoding: chunked\r\n\r\n")
    }

    /// Ends a stream of which the client has no more than the head and comments.
    mutating func breakBegun(_ refusal: Refusal, _ context: inout FlowContext, _ out: inout FlowOutput) {
        restLegs(&context, &out)
        dropUpstream(reusable: false, &out)
        course = .none
        if let row { context.ledger[row].count(status: refusal.status) } else { context.ledger.totals.refused += 1 }
        let key = RefusalReports.Key(row: row ?? -1, status: refusal.status, kind: refusal.kind, client: refusedClient)
        note(refusal, &context)
        settle(&context, &out)
        context.refusals.add(key, now: context.now, to: &out.events) {
            event(refusal.event, "\(refusal.status) \(refusal.message)", reason: refusal.reason.description)
        }
        let start = out.composed.count
        out.compose(to: .client) { ErrorEvent.append(refusal, isChunked: true, to: &$0) }
        bytesOut += UInt64(out.composed.count - start)
        phase = .closing
        deadline = 0
        out.add(.abort(.client))
    }

    /// Whether an answer can go on where the comments ended; false: the client was told that it can't.
    mutating func continuesStream(
        _ head: ResponseHead, _ context: inout FlowContext, _ out: inout FlowOutput
    ) -> Bool {
        guard head.status < 400 else {
            let status = UInt16(truncatingIfNeeded: head.status)
            settleAttempt(.status(status, retryAfter: exchange.retryAfter, ofCaller: forwardsCredentials), &context)
            refuse(.badAnswer("answered with the status \(status)"), &context, &out)
            return false
        }
        guard head.isEventStream, !head.isEncoded else {
            settleAttempt(.cancelled, &context)
            refuse(.badAnswer("did not answer with a stream"), &context, &out)
            return false
        }
        return true
    }
}
