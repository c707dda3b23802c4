import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// The race of two endpoints for one request.
extension Flow {
    /// Bytes of an answer that tell its status: `HTTP/1.1 200`.
    private static let statusLength = 12

    /// Sets when a second endpoint is to get the request, should the first one still be silent.
    mutating func planHedge(_ plan: RoutePlan, _ context: FlowContext) {
        guard plan.hedges, isReplayable, exchange.hedge.isEmpty, exchange.sent == 1, requestBody.isComplete,
            let delay = context.router.hedgeDelay(exchange.ask.route)
        else { return }
        exchange.hedgeAt = context.now + max(1, delay)
    }

    /// The first endpoint is slower than most: a second one gets the request, if there is one and the budget allows it.
    mutating func startHedge(_ context: inout FlowContext, _ out: inout FlowOutput) {
        exchange.hedgeAt = 0
        guard exchange.version == context.routesVersion, let target = exchange.target, exchange.hedge.isEmpty,
            answer == nil, answerHead.isEmpty
        else { return }
        guard let index = rival(of: target, &context) else { return }
        let second = context.routes.target(index)
        // It has a free slot, or does not happen.
        var slot: HeldSlot?
        switch context.takeSlot(second, group: exchange.group) {
        case .none: return
        case .unneeded: break
        case .taken(let taken): slot = taken
        }
        guard context.router.takeHedge(exchange.ask.route, now: context.now) else {
            if let slot { context.release(slot, of: second.number) }
            return
        }
        let attempt = context.router.began(second, for: exchange.ask, isTrial: false, slot: slot, now: context.now)
        let tls = context.tls(ofTarget: index)
        exchange.hedge.set(Exchange.Hedge(target: second, tls: tls, attempt: attempt))
        if record.trace.isSampled { noteAttempt(second, isHedge: true, now: context.now) }
        out.add(.connectHedge(second.address, tls: tls))
    }

    /// Another endpoint of the same model, or else of one whose limits need not be charged as well; nil: there is none.
    private mutating func rival(of target: Target, _ context: inout FlowContext) -> Int? {
        var ask = exchange.ask
        ask.attempt = max(1, ask.attempt)
        ask.excluded.insert(target.number)
        ask.scope = .model(exchange.model)
        if case .target(let index, false) = context.pick(ask, client: identity.number, operation) { return index }
        ask.scope = .any
        guard case .target(let index, false) = context.pick(ask, client: identity.number, operation),
            !context.admission.isGoverned(client: identity.number, model: context.model(ofTarget: index))
        else { return nil }
        return index
    }

    /// The second connection is there; `reused` if it was kept alive.
    package mutating func hedgeConnected(reused: Bool, _ context: inout FlowContext, _ out: inout FlowOutput) {
        guard phase == .waiting, let hedge = exchange.hedge.value, !hedge.isConnected else { return out.add(.releaseHedge) }
        dropSpentInbox()
        exchange.hedge.change {
            $0.isConnected = true
            $0.isReused = reused
        }
        if wirePriority != 0 { out.add(.prioritize(.hedge, wirePriority)) }
        if slot != 0 { out.add(.tag(.hedge, model: slot, active: sharesBandwidth ? true : nil)) }
        sendRequest(to: hedge.target, renames: renames(to: hedge.target), .hedge, &out)
    }

    /// The second connection can't be had; `isOurs` for want of something here.
    package mutating func hedgeFailed(
        _ reason: String, isOurs: Bool = false, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        guard let hedge = exchange.hedge.value else { return }
        context.ledger.totals.upstreamConnectFailures += 1
        out.events.append(event(.endpointFailed, reason, address: hedge.target.address))
        dropHedge(isOurs ? .cancelled : .connectFailed, &context, &out)
    }

    /// The second endpoint's first bytes: with a good status it has won.
    mutating func hedgeReceived(_ bytes: Span<UInt8>, _ context: inout FlowContext, _ out: inout FlowOutput) {
        guard phase == .waiting, exchange.hedge.value?.isConnected == true else { return }
        let missing = Self.statusLength - (exchange.hedge.value?.head.count ?? 0)
        let taken = min(missing, bytes.count)
        exchange.hedge.change { $0.head.append(bytes, 0..<taken) }
        guard let head = exchange.hedge.value?.head, head.count == Self.statusLength else { return }
        guard Self.isGood(head.span) else { return dropHedge(outcome(ofHedge: head.span), &context, &out) }
        settleAttempt(.cancelled, &context)
        _ = promoteHedge(&context, &out)
        context.router.note(.hedgeWon, exchange.ask.route)
        receiveUpstream(bytes, from: taken, &context, &out)
    }

    /// A status of 2xx, 3xx or 4xx other than 429.
    private static func isGood(_ head: Span<UInt8>) -> Bool {
        guard head.equals(0..<7, "HTTP/1."), head[8] == 0x20, head[9] >= 0x32, head[9] <= 0x34 else { return false }
        return !head.equals(9..<12, "429")
    }

    /// What a status that has not won says of the second endpoint; the fields behind it are never read.
    private func outcome(ofHedge head: Span<UInt8>) -> Outcome {
        guard head.equals(0..<7, "HTTP/1."), head[8] == 0x20, (9..<12).allSatisfy({ head[$0] &- 0x30 < 10 }) else {
            return .noAnswer
        }
        let status = (9..<12).reduce(UInt16(0)) { $0 * 10 + UInt16(head[$1] &- 0x30) }
        // An interim answer is not one yet.
        if status < 200 { return .cancelled }
        let ofCaller = exchange.hedge.value.map { forwardsCredentials(to: $0.target) } ?? false
        return .status(status, retryAfter: nil, ofCaller: ofCaller)
    }

    /// The second connection has ended, or broke.
    mutating func hedgeEnded(_ context: inout FlowContext, _ out: inout FlowOutput) {
        // A kept-alive connection that had closed says nothing of its endpoint.
        dropHedge(exchange.hedge.value?.isReused == true ? .cancelled : .noAnswer, &context, &out)
    }

    /// Puts the second connection in the place of the first, whose attempt has been settled; false: there is none.
    mutating func promoteHedge(_ context: inout FlowContext, _ out: inout FlowOutput) -> Bool {
        guard let hedge = exchange.hedge.value, hedge.isConnected, phase == .waiting else { return false }
        exchange.hedge.remove()
        if record.trace.isSampled { noteHedgeWon() }
        exchange.hedgeAt = 0
        exchange.target = hedge.target
        exchange.tls = hedge.tls
        exchange.attempt = hedge.attempt
        exchange.sent += 1
        exchange.renames = renames(to: hedge.target)
        isReused = hedge.isReused
        upstreamEnded = false
        hasUpstream = true
        endpoint = hedge.target.address
        forgetAnswer()
        // What was held begins the head; the next piece goes on behind it.
        answerHead = hedge.head
        out.add(.promoteHedge)
        if exchange.version == context.routesVersion, hedge.target.model != exchange.model {
            open(hedge.target.model, &context)
            if context.admission.isPresent { tagLegs(&context, &out) }
        }
        exchange.answerBy = responseDeadline(context)
        deadline = exchange.waitingDeadline
        return true
    }

    /// Ends the race: the first connection goes on alone.
    mutating func dropHedge(_ outcome: Outcome, _ context: inout FlowContext, _ out: inout FlowOutput) {
        exchange.hedgeAt = 0
        guard let hedge = exchange.hedge.value else { return }
        exchange.hedge.remove()
        if record.trace.isSampled { noteAttemptEnd(outcome, isHedge: true, now: context.now) }
        context.ended(hedge.attempt, outcome)
        out.add(.releaseHedge)
    }
}
