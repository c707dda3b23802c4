/// What one client of the configuration has asked for: plain numbers, kept by one event loop and summed when somebody asks.
package struct ClientCounters: Hashable, Sendable {
    package var requests: UInt64 = 0
    /// Requests under way now.
    package var active: UInt64 = 0
    /// Requests refused: it may not call that; over a rate of requests, of tokens; too many at once; a quota is used up;
    /// anything else that is wrong with the request.
    package var accessRefused: UInt64 = 0
    package var rateRefused: UInt64 = 0
    package var tokenRefused: UInt64 = 0
    package var concurrencyRefused: UInt64 = 0
    package var quotaRefused: UInt64 = 0
    package var otherRefused: UInt64 = 0
    package var inputTokens: UInt64 = 0
    package var outputTokens: UInt64 = 0
    /// Millionths of the currency, of models that have a price.
    package var cost: UInt64 = 0

    package init() {}

    /// Wraps round rather than traps: the agent adds what other processes say.
    package static func += (sum: inout ClientCounters, other: ClientCounters) {
        sum.requests &+= other.requests
        sum.active &+= other.active
        sum.accessRefused &+= other.accessRefused
        sum.rateRefused &+= other.rateRefused
        sum.tokenRefused &+= other.tokenRefused
        sum.concurrencyRefused &+= other.concurrencyRefused
        sum.quotaRefused &+= other.quotaRefused
        sum.otherRefused &+= other.otherRefused
        sum.inputTokens &+= other.inputTokens
        sum.outputTokens &+= other.outputTokens
        sum.cost &+= other.cost
    }
}
