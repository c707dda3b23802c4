import Admission
import Catalog
import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// What a request takes out of its model's limits, and which sockets are at work for it.
extension Flow {
    /// Tokens of an answer whose request states no limit.
    private static let defaultAnswer: UInt64 = 256
    /// The most tokens that a request, or an answer, is believed to have.
    private static let tokenLimit: UInt64 = 1 << 40

    /// Tokens that the request is expected to use, and of these the prompt's: a quarter of the body's bytes. What is no
    /// JSON uses none.
    mutating func estimate() -> (tokens: UInt64, prompt: UInt64) {
        let size = requestBody.announced ?? requestBody.leastSize
        guard requestBody.isInspected, size > 0 else { return (0, 0) }
        let prompt = min(size / 4, Self.tokenLimit)
        return (min(prompt + (requestBody.maxTokens ?? Self.defaultAnswer), Self.tokenLimit), prompt)
    }

    /// Puts what the answer used in the place of what was reserved for it.
    mutating func settleGrant(_ row: Int, _ context: inout FlowContext) {
        guard let grant else { return }
        self.grant = nil
        guard grant.limitsTokens else { return }
        let used = tokensUsed(grant)
        context.ledger[row].tokens &+= used
        grant.settle(used: used, now: context.now)
    }

    /// What the answer says; failing that, what was seen of it. An answer that never began used nothing.
    private mutating func tokensUsed(_ grant: Grant) -> UInt64 {
        guard answerStarted, let answer else { return 0 }
        if let tokens = answerBody.usage.tokens { return min(tokens, Self.tokenLimit) }
        if answer.status >= 400 { return 0 }
        guard answerBody.readsUsage else { return grant.reserved }
        if answer.isEventStream { return grant.prompt + answerBody.usage.objects }
        return min(grant.reserved, grant.prompt + answerBody.usage.size / 4)
    }

    // MARK: - Sockets

    /// Puts both connections under the entry of the request's model. Where that has a bandwidth they are at work from now
    /// on, and share it.
    mutating func tagLegs(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard let model = taggedModel(context) else {
            slot = 0
            out.add(.tag(.client, model: 0, active: nil))
            return
        }
        slot = context.admission.slot(model)
        sharesBandwidth = context.admission.hasBandwidth(model)
        let active = sharesBandwidth ? true : nil
        out.add(.tag(.client, model: slot, active: active))
        out.add(.tag(.upstream, model: slot, active: active))
    }

    /// The model whose entry governs what is sent now; nil: none's.
    private mutating func taggedModel(_ context: FlowContext) -> Int? {
        if isOpaque { return dedicatedModel(context) }
        guard course == .endpoint, exchange.model >= 0, exchange.version == context.routesVersion else { return nil }
        return exchange.model
    }

    /// Nothing is being sent any more: others may have this connection's part of the bandwidth.
    mutating func restLegs(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard slot != 0 else { return }
        if !sharesBandwidth {
            // It may have got one while the request was under way.
            guard let model = taggedModel(context), !isOpaque, context.admission.hasBandwidth(model) else { return }
        }
        sharesBandwidth = false
        out.add(.tag(.client, model: slot, active: false))
        if hasUpstream { out.add(.tag(.upstream, model: slot, active: false)) }
    }

    /// These slots are other models' by now, and what the kernel had under them it has let go.
    package mutating func leave(_ slots: Set<UInt32>) {
        guard slots.contains(slot) else { return }
        slot = 0
        sharesBandwidth = false
    }

    /// The model that the address dialled is dedicated to.
    func dedicatedModel(_ context: FlowContext) -> Int? {
        guard !caller.model.isEmpty else { return nil }
        return context.routes.model(named: caller.model.utf8Span.span)
    }
}
