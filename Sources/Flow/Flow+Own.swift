import Catalog
import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// What the broker answers itself.
extension Flow {
    /// Refuses the request; the connection stays only where the request was read to its end.
    ///
    /// - Parameter persists: false: the connection ends with it in any case.
    mutating func refuse(
        _ refusal: Refusal, persists mayPersist: Bool = true, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        // The head of an answer from the address dialled has gone out before its body.
        if answerStarted, phase == .waiting || phase == .streaming {
            return breakAnswer(refusal.message.description, &context, &out)
        }
        if exchange.isBegun { return breakBegun(refusal, &context, &out) }
        let hasHead = phase != .head && phase != .idle && request.size > 0
        let persists = mayPersist && hasHead && requestBody.isComplete && request.keepAlive
        restLegs(&context, &out)
        dropUpstream(reusable: false, &out)
        course = .none
        if let row { context.ledger[row].count(status: refusal.status) } else { context.ledger.totals.refused += 1 }
        let key = RefusalReports.Key(
            row: row ?? -1, status: refusal.status, kind: refusal.kind, client: refusedClient)
        note(refusal, &context)
        settle(&context, &out)
        context.refusals.add(key, now: context.now, to: &out.events) {
            event(refusal.event, "\(refusal.status) \(refusal.message)", reason: refusal.reason.description)
        }
        var body: [UInt8] = []
        swap(&body, &out.scratch)
        body.removeAll(keepingCapacity: true)
        refusal.appendBody(to: &body, isPlain: hasHead && (family == .v2 || family == .ollama))
        respond(refusal.status, body, persists: persists, hasHead: hasHead, &context, &out) {
            if let allow = refusal.allow {
                $0.append("Allow: ")
                $0.append(allow)
                $0.append("\r\n")
            }
            if let seconds = refusal.retryAfter {
                $0.append("Retry-After: ")
                $0.append(decimal: seconds)
                $0.append("\r\n")
            }
            if let milliseconds = refusal.retryAfterMilliseconds {
                $0.append("retry-after-ms: ")
                $0.append(decimal: milliseconds)
                $0.append("\r\n")
            }
            if let challenge = refusal.challenge {
                $0.append("WWW-Authenticate: ")
                $0.append(challenge)
                $0.append("\r\n")
            }
            if refusal.isFinal { $0.append("x-should-retry: false\r\n") }
            LimitFields.append(refusal.levels, to: &$0)
        }
        swap(&body, &out.scratch)
    }

    /// Who was refused, for telling refusals apart: the client that the request is of, or of the workload.
    var refusedClient: UInt32 {
        identity.isKnown && identity.client >= 0 ? UInt32(identity.client) + 1 : caller.clientNumber
    }

    /// Takes down what the request under way is refused for.
    mutating func note(_ refusal: Refusal, _ context: inout FlowContext) {
        if !record.isOpen { beginRecord(&context) }
        record.end = refusal.isOfBroker ? .failed : .refused
        record.status = UInt16(refusal.status)
        if record.isNoted { record.rule = refusal.rule.isEmpty ? refusal.reason.description : refusal.rule }
        guard record.clientRow >= 0 else { return }
        context.ledger[client: record.clientRow].count(refusal)
    }

    mutating func respond(
        _ status: Int, _ body: [UInt8], persists: Bool, hasHead: Bool, _ context: inout FlowContext,
        _ out: inout FlowOutput, fields: (inout [UInt8]) -> Void = { _ in }
    ) {
        let start = out.composed.count
        out.composed.append("HTTP/1.1 ")
        out.composed.append(decimal: status)
        out.composed.append(" ")
        out.composed.append(Refusal.reason(status))
        out.composed.append("\r\nContent-Type: application/json\r\nContent-Length: ")
        out.composed.append(decimal: body.count)
        out.composed.append("\r\n")
        if hasHead { requestID.appendField(to: &out.composed) }
        fields(&out.composed)
        let persists = persists && !context.isRetiring
        let persistence: HeadComposer.Persistence = persists ? (request.isHTTP11 ? .keepAlive : .keepAliveHTTP10) : .close
        HeadComposer.appendPersistence(persistence, into: &out.composed)
        out.composed.append("\r\n")
        if !hasHead || request.method != .head { out.composed.append(contentsOf: body) }
        bytesOut += UInt64(out.composed.count - start)
        out.add(.write(.client, Slice(.composed, start..<out.composed.count)))
        if persists { nextRequest(&context, &out) } else { closeAll(&out) }
    }
}

extension Refusal {
    /// Nothing is wrong with the request.
    fileprivate var isOfBroker: Bool { status >= 500 && status != 505 && kind == .other }

    var event: ProxyEvent.Kind {
        switch kind {
        case .identity: .authenticationFailed
        case .conflict: .identityConflict
        default: .refused
        }
    }
}

extension ClientCounters {
    fileprivate mutating func count(_ refusal: Refusal) {
        switch refusal.kind {
        case .access, .conflict, .identity: accessRefused += 1
        case .requests: rateRefused += 1
        case .tokens: tokenRefused += 1
        case .concurrency: concurrencyRefused += 1
        case .quota: quotaRefused += 1
        case .other: if refusal.status < 500 { otherRefused += 1 }
        }
    }
}
