/// How much somebody may use; nil: as much as they like.
package struct Allowance: Hashable, Sendable {
    package var requests: Rate?
    /// Requests that may come at once; nil: a tenth of a second's worth, at least one.
    package var burst: UInt64?
    /// Tokens of prompts and answers together, of prompts, of answers. What may come at once is one second's worth; of a
    /// rate by the minute or longer, one minute's.
    package var tokens: Rate?
    package var inputTokens: Rate?
    package var outputTokens: Rate?
    /// Requests under way at once.
    package var concurrent: UInt64?
    /// Bytes of one request's body.
    package var requestBytes: UInt64?
    /// Tokens of one request: those expected of the prompt and those it allows for the answer.
    package var tokensPerRequest: UInt64?
    package var quotas: [Quota]

    package init(quotas: [Quota] = []) { self.quotas = quotas }

    package var isEmpty: Bool { self == Allowance() }
}

/// How much somebody may use in a day, or a month, by the calendar in UTC.
package struct Quota: Hashable, Sendable {
    package enum Period: UInt8, Hashable, Sendable, CaseIterable { case day = 0, month = 1 }
    package enum Unit: UInt8, Hashable, Sendable, CaseIterable { case requests = 0, tokens = 1, cost = 2 }
    package enum Exhausted: String, Hashable, Sendable, CaseIterable {
        case reject
        /// Another model of the pool gets the request, where there is one whose quota is not used up.
        case rotate
        /// The request goes on, behind all others.
        case lowPriority
    }

    package var period: Period
    package var unit: Unit
    /// For `cost` millionths of the currency.
    package var limit: UInt64
    /// Percent of the limit at which there is an event.
    package var alertAt: UInt8
    package var onExhausted: Exhausted

    package init(_ limit: UInt64, _ unit: Unit, per period: Period, alertAt: UInt8 = 80, onExhausted: Exhausted = .reject) {
        self.period = period
        self.unit = unit
        self.limit = limit
        self.alertAt = alertAt
        self.onExhausted = onExhausted
    }
}

/// What each session of a client may use.
package struct SessionAllowance: Hashable, Sendable {
    /// What makes the session.
    package var key: SessionPolicy.Key
    package var allowance: Allowance
    /// Requests in a session's whole life; a session is forgotten when it has been silent for half an hour.
    package var lifetimeRequests: UInt64?

    package init(key: SessionPolicy.Key, allowance: Allowance, lifetimeRequests: UInt64? = nil) {
        self.key = key
        self.allowance = allowance
        self.lifetimeRequests = lifetimeRequests
    }
}

/// What a million tokens cost, in millionths of the currency.
package struct Price: Hashable, Sendable {
    package var input: UInt64
    package var output: UInt64

    package init(input: UInt64, output: UInt64) {
        self.input = input
        self.output = output
    }

    /// Millionths of the currency, rounded up: many small requests must not be free.
    package func cost(input: UInt64, output: UInt64) -> UInt64 {
        let (first, second) = (Self.product(input, self.input), Self.product(output, self.output))
        let (sum, isTooLarge) = first.addingReportingOverflow(second)
        let whole = isTooLarge ? UInt64.max : sum
        return whole / 1_000_000 + (whole % 1_000_000 == 0 ? 0 : 1)
    }

    private static func product(_ tokens: UInt64, _ price: UInt64) -> UInt64 {
        let (product, isTooLarge) = tokens.multipliedReportingOverflow(by: price)
        return isTooLarge ? .max : product
    }
}
