import Admission
import Catalog
import HTTPWire
import Identity
import Routing

/// What a request asks for, and whether it is of a size that is allowed.
extension Flow {
    /// A quota is used up that lets its client's requests go on behind all others.
    var isLowPriority: Bool { grant?.isLowPriority == true }

    /// What is sent for the request comes behind all else.
    package var isBehindAll: Bool { wirePriority == 1 }

    /// SO_PRIORITY of what is sent for the request; 0: that of everything else.
    var wirePriority: UInt8 {
        if isLowPriority { return 1 }
        guard course == .endpoint, exchange.level != 0 else { return 0 }
        return exchange.level > 0 ? 6 : 1
    }

    /// What the request under way asks for, whichever model gets it.
    mutating func demand(_ context: inout FlowContext) -> Demand {
        let (tokens, prompt) = estimate()
        return Demand(
            client: identity.number, prompt: prompt, answer: tokens - prompt, statesAnswer: requestBody.maxTokens != nil,
            size: requestBody.announced ?? requestBody.leastSize, session: limitedSession(&context), address: caller.address.ip,
            isInference: isInference, now: context.now, epoch: context.epoch)
    }

    private var isInference: Bool { operation != .list && operation != .admin }

    /// The hash of the session whose limits the client has set; 0: there is none.
    private mutating func limitedSession(_ context: inout FlowContext) -> UInt64 {
        guard let key = context.sessionKey(client: identity.number) else { return 0 }
        switch key.kind {
        case .user: return requestBody.userHash
        case .client: return Explanation.session(client: client, caller.address.ip)
        case .header:
            let held = inbox
            return Self.session(key.header, held.span, request)
        }
    }

    /// Whether the request's size is allowed; false: it was refused.
    ///
    /// - Parameter model: the one that it is charged to; -1: it is not known yet.
    mutating func isAdmissible(model: Int = -1, _ context: inout FlowContext, _ out: inout FlowOutput) -> Bool {
        guard context.admission.allowances.isPresent else { return true }
        let size = requestBody.announced ?? requestBody.leastSize
        var demand = Demand(client: identity.number, size: size, isInference: false, now: context.now, epoch: context.epoch)
        if model >= 0, requestBody.isComplete {
            // The limit on the answer may have stood behind what the request was passed on by.
            let (tokens, prompt) = estimate()
            (demand.prompt, demand.answer, demand.statesAnswer) = (prompt, tokens - prompt, requestBody.maxTokens != nil)
            (demand.session, demand.isInference) = (exchange.session, isInference)
        }
        guard let fault = context.admission.check(model, demand) else { return true }
        refuse(.excessive(fault, self.model), &context, &out)
        return false
    }
}
