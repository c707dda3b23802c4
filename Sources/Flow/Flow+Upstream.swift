import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// The upstream's side: connecting, sending the request, and how that may fail.
extension Flow {
    /// The connection asked for is there; `reused` if it was kept alive.
    package mutating func connected(reused: Bool, _ context: inout FlowContext, _ out: inout FlowOutput) {
        guard phase == .connecting else { return }
        dropSpentInbox()
        hasUpstream = true
        isReused = reused
        upstreamEnded = false
        if context.admission.isPresent { tagLegs(&context, &out) }
        guard !isOpaque else { return beginTunnel(&out) }
        phase = .waiting
        forgetAnswer()
        sendRequest(&out)
        deadline =
            requestBody.isComplete
            ? responseDeadline(context) : context.deadline(afterMilliseconds: context.timeouts.bodyIdle)
        // Read on: for the rest of the body, or to notice that the client goes away.
        resume(&out)
        if clientEnded, requestBody.isComplete { out.add(.shutdownWrite(.upstream)) }
    }

    /// The connection asked for can't be had.
    package mutating func connectFailed(_ reason: String, _ context: inout FlowContext, _ out: inout FlowOutput) {
        guard phase == .connecting else { return }
        dropSpentInbox()
        giveUpConnect(reason, &context, &out)
        pump(&context, &out)
    }

    /// Tries the next target, or refuses.
    mutating func giveUpConnect(_ reason: String, _ context: inout FlowContext, _ out: inout FlowOutput) {
        context.ledger.totals.upstreamConnectFailures += 1
        out.add(.releaseUpstream(reusable: false))
        reportEndpoint(reason, &context, &out)
        guard case .endpoint(let model, let index, let tried) = course else {
            if isOpaque {
                phase = .closing
                return out.add(.abort(.client))
            }
            return refuse(.dialledUnreachable(caller.dialled.description, reason), &context, &out)
        }
        let count = routesVersion == context.routesVersion ? context.routes.targetCount(model) : 0
        guard tried + 1 < count else { return refuse(.noEndpoint(self.model), &context, &out) }
        // Nothing was sent yet, so the next target in turn may have it.
        course = .endpoint(model: model, index: (index + 1) % count, tried: tried + 1)
        connectToTarget(isReplayable ? .pooled : .fresh, &context, &out)
    }

    func responseDeadline(_ context: FlowContext) -> UInt64 {
        // How long an answer from the address dialled may take is the caller's own business.
        course == .dialled ? 0 : context.deadline(afterMilliseconds: context.timeouts.response)
    }

    func reportEndpoint(_ reason: String, _ context: inout FlowContext, _ out: inout FlowOutput) {
        out.events.append(event(.endpointFailed, reason, address: endpoint))
    }

    private mutating func forgetAnswer() {
        answerScanner = HeadScanner()
        answerHead.removeAll(keepingCapacity: true)
        heldHead.removeAll(keepingCapacity: true)
        answer = nil
        answerStarted = false
    }

    private mutating func sendRequest(_ out: inout FlowOutput) {
        if let target, course != .dialled {
            let (head, id, client) = (request, requestID, caller.client)
            out.compose(to: .upstream) {
                HeadComposer.request(head, inbox.span, to: target, client: client, requestID: id, into: &$0)
            }
            if taken > head.size { out.add(.write(.upstream, Slice(.inbox, head.size..<taken))) }
        } else {
            out.add(.write(.upstream, Slice(.inbox, 0..<taken)))
        }
        inboxIsSpent = !isReplayable
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
                finishAnswer(leftover: false, &context, &out)
            } else {
                upstreamBroke("closed the connection", isReset: false, &context, &out)
            }
        case .tunnel:
            if clientEnded { closeAll(&out) } else { out.add(.shutdownWrite(.client)) }
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
            settle(&context) { $0.ledger[$1].broken += 1 }
            dropUpstream(reusable: false, &out)
            phase = .closing
            return out.add(isReset ? .abort(.client) : .close(.client))
        }
        if isUntouched, isReused, isReplayable {
            context.ledger.totals.staleRetries += 1
            dropUpstream(reusable: false, &out)
            return connectToTarget(.fresh, &context, &out)
        }
        reportEndpoint(isUntouched ? "\(how) without an answer" : "\(how) in the middle of its answer", &context, &out)
        if answerStarted { return breakAnswer("the endpoint \(how)", &context, &out) }
        refuse(.badAnswer(isUntouched ? "\(how) without an answer" : "\(how) before its answer was complete"), &context, &out)
    }
}
