import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// What a request takes out of its model's limits, and what is put in that place once its answer is known.
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
        let answer = min(requestBody.maxTokens ?? Self.defaultAnswer, Self.tokenLimit) * (requestBody.answers ?? 1)
        return (min(prompt + answer, Self.tokenLimit), prompt)
    }

    /// What the request uses is to be known.
    var countsTokens: Bool { exchange.countsTokens }

    /// Puts what the answer used in the place of what was reserved for it, and counts it.
    mutating func settleGrant(_ row: Int, _ context: inout FlowContext) {
        var use: TokenUse?
        if exchange.countsTokens {
            exchange.countsTokens = false
            let (tokens, prompt) = grant.map { ($0.reserved, $0.prompt) } ?? estimate()
            let used = tokensUsed(prompt: prompt, answer: tokens - min(prompt, tokens))
            use = used
            settleShare(used.total, &context)
            count(used, row, &context)
        }
        grant?.settle(use, answered: answer != nil, now: context.now, epoch: context.epoch)
        grant = nil
    }

    private mutating func count(_ use: TokenUse, _ row: Int, _ context: inout FlowContext) {
        guard use.total > 0 else { return }
        let isCurrent = exchange.version == context.routesVersion && exchange.model >= 0
        let cost = isCurrent ? context.admission.allowances.cost(use, model: exchange.model) : 0
        context.ledger[row].tokens &+= use.total
        context.ledger[row].inputTokens &+= use.input
        context.ledger[row].outputTokens &+= use.output
        measure(use, row, &context)
        record.add(use, cost: cost)
        guard record.clientRow >= 0 else { return }
        context.ledger[client: record.clientRow].inputTokens &+= use.input
        context.ledger[client: record.clientRow].outputTokens &+= use.output
        context.ledger[client: record.clientRow].cost &+= cost
    }

    /// Only a stream's tokens come one after the other; of the first one the caller knows when it came.
    private func measure(_ use: TokenUse, _ row: Int, _ context: inout FlowContext) {
        context.ledger[row].inputUse.record(use.input, on: .tokens)
        context.ledger[row].outputUse.record(use.output, on: .tokens)
        let start = exchange.firstByteAt
        guard use.output > 1, start > 0, context.now >= start, answer?.isEventStream == true else { return }
        context.ledger[row].tokenTime.record((context.now - start) / 1000 / (use.output - 1), on: .outputToken)
    }

    /// What the answer says that it used; failing that, what was seen of it. An answer that never began used nothing.
    ///
    /// - Parameters:
    ///   - prompt: what the prompt was expected to have.
    ///   - answer: what the answer was.
    private mutating func tokensUsed(prompt: UInt64, answer expected: UInt64) -> TokenUse {
        guard answerStarted, let answer else { return TokenUse() }
        if let use = answerBody.usage.use(prompt: prompt) {
            let input = min(use.input, Self.tokenLimit)
            return TokenUse(input: input, output: min(use.output, Self.tokenLimit - input))
        }
        if answer.status >= 400 { return TokenUse() }
        guard answerBody.readsUsage else { return TokenUse(input: prompt, output: expected, isExact: false) }
        if answer.isEventStream { return TokenUse(input: prompt, output: answerBody.usage.objects, isExact: false) }
        return TokenUse(input: prompt, output: min(expected, answerBody.usage.size / 4), isExact: false)
    }
}
