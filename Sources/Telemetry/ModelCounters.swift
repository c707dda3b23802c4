/// What one model has served: plain numbers, kept by one event loop and summed when somebody asks.
package struct ModelCounters: Hashable, Sendable {
    package var requests: UInt64 = 0
    /// Answers by class: 1xx (never counted as an answer), 2xx, 3xx, 4xx, 5xx.
    package var status2xx: UInt64 = 0
    package var status3xx: UInt64 = 0
    package var status4xx: UInt64 = 0
    package var status5xx: UInt64 = 0
    /// Exchanges that broke after the first byte of the answer, whoever broke them.
    package var broken: UInt64 = 0
    /// Exchanges that the caller gave up.
    package var cancelled: UInt64 = 0
    /// Bytes of requests and of answers, heads included, as the caller sent and received them.
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// Requests under way now.
    package var active: UInt64 = 0
    /// Requests answered 429: over the limit of requests, over that of tokens.
    package var rateLimited: UInt64 = 0
    package var tokenLimited: UInt64 = 0
    /// Requests answered 403: the client may not call the model.
    package var accessRefused: UInt64 = 0
    /// Tokens used, prompts and answers, while something limits, prices or audits them: else nobody counts them.
    package var tokens: UInt64 = 0
    /// The same for prompts and for answers alone.
    package var inputTokens: UInt64 = 0
    package var outputTokens: UInt64 = 0
    /// Time to the first byte of the answer's body, from the end of the request's head.
    package var firstByte = Histogram()
    /// From the end of a request's head to that of its answer, of requests whose answer began; on the scale `request`.
    package var duration = Histogram()
    /// From the end of a request's head until the endpoint that answered got it; on the scale `firstToken`.
    package var dispatch = Histogram()
    /// Between two tokens of a stream, where tokens are counted; on the scale `outputToken`.
    package var tokenTime = Histogram()
    /// Tokens of each prompt and of each answer, where they are counted; on the scale `tokens`.
    package var inputUse = Histogram()
    package var outputUse = Histogram()

    package init() {}

    /// Wraps round rather than traps: the agent adds what other processes say.
    package static func += (sum: inout ModelCounters, other: ModelCounters) {
        sum.requests &+= other.requests
        sum.status2xx &+= other.status2xx
        sum.status3xx &+= other.status3xx
        sum.status4xx &+= other.status4xx
        sum.status5xx &+= other.status5xx
        sum.broken &+= other.broken
        sum.cancelled &+= other.cancelled
        sum.bytesIn &+= other.bytesIn
        sum.bytesOut &+= other.bytesOut
        sum.active &+= other.active
        sum.rateLimited &+= other.rateLimited
        sum.tokenLimited &+= other.tokenLimited
        sum.accessRefused &+= other.accessRefused
        sum.tokens &+= other.tokens
        sum.inputTokens &+= other.inputTokens
        sum.outputTokens &+= other.outputTokens
        sum.firstByte += other.firstByte
        sum.duration += other.duration
        sum.dispatch += other.dispatch
        sum.tokenTime += other.tokenTime
        sum.inputUse += other.inputUse
        sum.outputUse += other.outputUse
    }

    /// Counts an answer by its status code.
    package mutating func count(status: Int) {
        switch status {
        case 200..<300: status2xx += 1
        case 300..<400: status3xx += 1
        case 400..<500: status4xx += 1
        default: status5xx += 1
        }
    }
}
