import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// The head of an answer: what it decides, and what the client gets of it.
extension Flow {
    /// Reads the head, which may have begun in an earlier piece and end in a later one.
    mutating func readAnswerHead(
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
        if course == .endpoint, exchange.attempt != nil {
            noteLimits(parsed, head, &context)
            if parsed.status >= 400, let failure = failure(parsed, head, context), tryAgain(after: failure, &context, &out) {
                return
            }
        }
        if exchange.isBegun, !continuesStream(parsed, &context, &out) { return }
        answer = parsed
        answerBody = ResponseBody(
            parsed.bodyFraming(forHead: request.method == .head), form(parsed, head),
            readsUsage: countsTokens && !parsed.isEncoded)
        if let row { context.ledger[row].count(status: parsed.status) }
        record.status = UInt16(truncatingIfNeeded: parsed.status)
        if record.isAudited { keepAnswer(parsed, context) }
        if context.isRetiring { request.keepAlive = false }
        if course == .dialled {
            bytesOut += UInt64(head.count)
            answerStarted = true
            out.compose(to: .client) { output in
                guard context.isRetiring else { return output.append(head) }
                output.append(head, 0..<head.count - 2)
                HeadComposer.appendPersistence(.close, into: &output)
                output.append("\r\n")
            }
        } else {
            composeAnswerHead(&parsed, head, now: context.now)
        }
        exchange.answerBy = responseDeadline(context)
        deadline = exchange.waitingDeadline
        if answerBody.isComplete {
            passBody(bytes, bodyStart..<bodyStart, &context, &out)
            finishAnswer(leftover: bodyStart < bytes.count, &context, &out)
        }
    }

    /// How the body holds its JSON, as far as that matters here.
    mutating func form(_ parsed: ResponseHead, _ head: Span<UInt8>) -> BodyForm? {
        if family == .ollama, course == .endpoint { return parsed.form(in: head) }
        return parsed.isEventStream ? .eventStream : nil
    }

    /// What of an answer with a status of 400 or above makes another endpoint worth trying.
    private mutating func failure(_ head: ResponseHead, _ bytes: Span<UInt8>, _ context: FlowContext) -> AttemptFailure? {
        let status = UInt16(head.status)
        exchange.retryAfter = head.retryAfter(in: bytes)
        let failure = AttemptFailure.status(status, retryAfter: exchange.retryAfter)
        // The broker's own credentials were refused: that is no fault of the caller's. A 403 may well be (what it asked for).
        if status == 401 { return exchange.target?.authorization.isEmpty == false ? failure : nil }
        guard status == 429 || status >= 500, followReload(context) else { return nil }
        return context.routes.route(exchange.ask.route).policy.retry.statuses.contains(status) ? failure : nil
    }

    /// Reads what the endpoint says of limits of its own, where the route goes by that; those of the caller's own
    /// credentials are no concern of others.
    private mutating func noteLimits(_ head: ResponseHead, _ bytes: Span<UInt8>, _ context: inout FlowContext) {
        guard exchange.version == context.routesVersion, context.plans[exchange.ask.route].readsLimits, !forwardsCredentials,
            let attempt = exchange.attempt, let level = head.limits(in: bytes).fullest
        else { return }
        context.router.noteLimits(attempt, use: level.percentUsed, reset: level.reset ?? 0, now: context.now)
    }

    private mutating func composeAnswerHead(_ parsed: inout ResponseHead, _ head: Span<UInt8>, now: UInt64) {
        let levels = grant == nil ? LimitLevels() : announceLimits(&parsed, head, now: now)
        plainEventsPass = answerBody.readsUsage
        if let made = makeRewriter(parsed, head) {
            reframing = made.framing
            plainEventsPass = made.passesPlainEvents
            rewriter.set(made)
        }
        if exchange.isBegun { return }
        HeadComposer.response(
            parsed, head, requestID: requestID, persistence: persistence(after: parsed), levels: levels,
            framing: reframing, into: &heldHead)
    }

    /// What a successful answer says of its model's limits, in the place of what the endpoint says of its own.
    private mutating func announceLimits(_ head: inout ResponseHead, _ bytes: Span<UInt8>, now: UInt64) -> LimitLevels {
        guard let grant, head.status < 400 else { return LimitLevels() }
        let levels = grant.levels(now: now)
        // A head with more lines to leave out than can be kept in mind says both; clients take the last.
        try? head.dropLimits(requests: levels.requests != nil, tokens: levels.tokens != nil, in: bytes)
        return levels
    }

    private mutating func persistence(after head: ResponseHead) -> HeadComposer.Persistence {
        let persists = request.keepAlive && !endsWithConnection && requestBody.isComplete
        guard persists else { return .close }
        return request.isHTTP11 ? .keepAlive : .keepAliveHTTP10
    }

    /// The client learns of the answer's end by the end of its connection.
    var endsWithConnection: Bool {
        if let reframing { return reframing == .close }
        return answerBody.framing == .close
    }

    /// 1xx: passed on, except a 100 that the client has from us already, and 101, which ends HTTP on this connection.
    private mutating func takeInterim(
        _ head: ResponseHead, _ bytes: Span<UInt8>, _ all: Span<UInt8>, _ rest: Int, _ context: inout FlowContext,
        _ out: inout FlowOutput
    ) {
        if head.status == 101 {
            guard course == .dialled, request.wantsUpgrade else {
                settleAttempt(.noAnswer, &context)
                return refuse(.badAnswer("switched protocols unasked"), &context, &out)
            }
            out.compose(to: .client) { $0.append(bytes) }
            record.end = .relayed
            record.status = 101
            settle(&context, &out)
            becomeTunnel(&out)
            return forward(.client, all, rest..<all.count, &out)
        }
        if head.status == 100, continued {
            continued = false
        } else if request.isHTTP11, !exchange.isBegun {
            bytesOut += UInt64(bytes.count)
            out.compose(to: .client) { $0.append(bytes) }
        }
        exchange.answerBy = responseDeadline(context)
        deadline = exchange.waitingDeadline
    }

    mutating func becomeTunnel(_ out: inout FlowOutput) {
        phase = .tunnel
        deadline = 0
        if taken < inbox.count { out.add(.write(.upstream, Slice(.inbox, taken..<inbox.count))) }
        inboxIsSpent = true
        resume(&out)
    }
}
