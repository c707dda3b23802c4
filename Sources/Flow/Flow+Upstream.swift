import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// The upstream's side: connecting, and how that and what follows may fail.
extension Flow {
    /// The connection asked for is there; `reused` if it was kept alive.
    package mutating func connected(reused: Bool, _ context: inout FlowContext, _ out: inout FlowOutput) {
        guard phase == .connecting else { return }
        dropSpentInbox()
        hasUpstream = true
        isReused = reused
        upstreamEnded = false
        if context.admission.isPresent { tagLegs(&context, &out) }
        if wirePriority != 0 {
            out.add(.prioritize(.client, wirePriority))
            out.add(.prioritize(.upstream, wirePriority))
        }
        guard !isOpaque else { return beginTunnel(&out) }
        phase = .waiting
        forgetAnswer()
        if course == .endpoint { sendToEndpoint(&out) } else { sendAsItIs(&out) }
        waitForAnswer(&context, &out)
        // Read on: for the rest of the body, or to notice that the client goes away.
        resume(&out)
        if clientEnded, requestBody.isComplete { out.add(.shutdownWrite(.upstream)) }
    }

    /// The connection asked for can't be had; `isOurs` for want of something here, which says nothing of the endpoint and would
    /// not be better at another.
    package mutating func connectFailed(
        _ reason: String, isOurs: Bool = false, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        guard phase == .connecting else { return }
        dropSpentInbox()
        if isOurs, course == .endpoint {
            context.ledger.totals.upstreamConnectFailures += 1
            reportEndpoint(reason, &context, &out)
            settleAttempt(.cancelled, &context)
            dropHedge(.cancelled, &context, &out)
            refuse(.exhausted(reason), &context, &out)
        } else {
            giveUpConnect(reason, &context, &out)
        }
        pump(&context, &out)
    }

    /// Tries another target, or refuses.
    mutating func giveUpConnect(_ reason: String, _ context: inout FlowContext, _ out: inout FlowOutput) {
        context.ledger.totals.upstreamConnectFailures += 1
        reportEndpoint(reason, &context, &out)
        guard course == .endpoint else {
            out.add(.releaseUpstream(reusable: false))
            if isOpaque {
                phase = .closing
                return out.add(.abort(.client))
            }
            return refuse(.dialledUnreachable(caller.dialled.description, reason), &context, &out)
        }
        if !tryAgain(after: .connect, &context, &out) { refuse(.unreachable(model), &context, &out) }
    }

    /// Begins to wait: for the rest of the request, or once it is whole for its answer.
    mutating func waitForAnswer(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard requestBody.isComplete else {
            return deadline = context.deadline(afterMilliseconds: context.timeouts.bodyIdle)
        }
        guard course == .endpoint else { return deadline = 0 }
        exchange.answerBy = responseDeadline(context)
        if exchange.version == context.routesVersion {
            let plan = context.plans[exchange.ask.route]
            if plan.firstByte > 0 { exchange.firstByteBy = context.now + plan.firstByte }
            if plan.hedges { planHedge(plan, context) }
            if plan.mirror >= 0, !exchange.isMirrored { mirror(plan, &context, &out) }
        }
        deadline = exchange.waitingDeadline
    }

    /// A time-out while no byte of the answer's body has come.
    mutating func waitedTooLong(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard requestBody.isComplete else { return refuse(.bodyTimeout, &context, &out) }
        if exchange.hedgeAt != 0, exchange.hedgeAt <= context.now { startHedge(&context, &out) }
        let isLate = exchange.firstByteBy != 0 && exchange.firstByteBy <= context.now
        guard isLate || exchange.answerBy <= context.now else { return deadline = exchange.waitingDeadline }
        reportEndpoint("did not answer in time", &context, &out)
        exchange.firstByteBy = 0
        if isLate, tryAgain(after: .timedOut, &context, &out) { return }
        settleAttempt(.timedOut, &context)
        refuse(.endpointTimeout, &context, &out)
    }

    func responseDeadline(_ context: FlowContext) -> UInt64 {
        // How long an answer from the address dialled may take is the caller's own business.
        course == .dialled ? 0 : context.deadline(afterMilliseconds: context.timeouts.response)
    }

    func reportEndpoint(_ reason: String, _ context: inout FlowContext, _ out: inout FlowOutput) {
        out.events.append(event(.endpointFailed, reason, address: endpoint))
    }

    mutating func forgetAnswer() {
        answerScanner = HeadScanner()
        answerHead.removeAll(keepingCapacity: true)
        heldHead.removeAll(keepingCapacity: true)
        answer = nil
        rewriter.remove()
        reframing = nil
        plainEventsPass = false
        answerStarted = false
        exchange.firstByteAt = 0
    }

    private mutating func beginTunnel(_ out: inout FlowOutput) {
        phase = .tunnel
        deadline = 0
        if !inbox.isEmpty { out.add(.write(.upstream, Slice(.inbox, 0..<inbox.count))) }
        inboxIsSpent = true
        resume(&out)
        if clientEnded { out.add(.shutdownWrite(.upstream)) }
    }

    /// Takes what is no longer needed out of the inbox; slices of it were carried out when the last call returned.
    mutating func dropSpentInbox() {
        guard inboxIsSpent else { return }
        inboxIsSpent = false
        inbox.removeFirst(phase == .tunnel ? inbox.count : taken)
        taken = 0
    }

    // MARK: - The end of the upstream's side

    mutating func upstreamFinished(_ context: inout FlowContext, _ out: inout FlowOutput) {
        upstreamEnded = true
        switch phase {
        case .waiting, .streaming:
            if answer != nil, answerBody.framing == .close, !answerBody.isComplete {
                endAnswerWithConnection(&context, &out)
                finishAnswer(leftover: false, &context, &out)
            } else {
                upstreamBroke("closed the connection", isReset: false, &context, &out)
            }
        case .tunnel:
            if clientEnded { closeAll(&out) } else { out.add(.shutdownWrite(.client)) }
        case .draining: endDrain(&context, &out)
        case .idle where hasUpstream: closeAll(&out)
        case .connecting: giveUpConnect("closed the connection", &context, &out)
        default: dropUpstream(reusable: false, &out)
        }
    }

    mutating func upstreamFailed(_ context: inout FlowContext, _ out: inout FlowOutput) {
        upstreamEnded = true
        switch phase {
        case .waiting, .streaming: upstreamBroke("reset the connection", isReset: true, &context, &out)
        case .tunnel:
            dropUpstream(reusable: false, &out)
            phase = .closing
            out.add(.abort(.client))
        case .draining: endDrain(&context, &out)
        case .idle where hasUpstream: closeAll(&out)
        case .connecting: giveUpConnect("connection reset", &context, &out)
        default: dropUpstream(reusable: false, &out)
        }
    }

    /// The upstream went away before its answer was complete.
    private mutating func upstreamBroke(
        _ how: String, isReset: Bool, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        let isUntouched = answer == nil && answerHead.isEmpty
        if course == .dialled {
            // What the caller would have seen without a broker: the same end at the same place.
            record.end = .broken
            settle(&context, &out) { $0.ledger[$1].broken += 1 }
            dropUpstream(reusable: false, &out)
            phase = .closing
            return out.add(isReset ? .abort(.client) : .close(.client))
        }
        if isUntouched, isReused, isReplayable {
            context.ledger.totals.staleRetries += 1
            // Nobody has had it: that was no attempt.
            exchange.sent -= 1
            dropHedge(.cancelled, &context, &out)
            dropUpstream(reusable: false, &out)
            return connectToTarget(.fresh, &context, &out)
        }
        reportEndpoint(isUntouched ? "\(how) without an answer" : "\(how) in the middle of its answer", &context, &out)
        if answerStarted { return breakAnswer("the endpoint \(how)", &context, &out) }
        if tryAgain(after: .noAnswer, &context, &out) { return }
        refuse(.badAnswer(isUntouched ? "\(how) without an answer" : "\(how) before its answer was complete"), &context, &out)
    }
}
