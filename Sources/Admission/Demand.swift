package import Catalog

/// What one request asks for, whichever model gets it.
package struct Demand: Hashable, Sendable {
    /// Position in the catalogue's clients; -1: it has none.
    package var client: Int
    /// Tokens that the prompt is expected to have, and the answer: what the request allows for it, or an estimate.
    package var prompt: UInt64
    package var answer: UInt64
    /// The request itself says how many tokens the answer may have.
    package var statesAnswer: Bool
    /// Bytes of the request's body.
    package var size: UInt64
    /// A hash of what makes the session; 0: it is of none.
    package var session: UInt64
    package var address: IPAddress
    /// It uses tokens; otherwise none are expected, whatever `prompt` and `answer` say.
    package var isInference: Bool
    /// Nanoseconds of CLOCK_MONOTONIC.
    package var now: UInt64
    /// Seconds since 1970, UTC.
    package var epoch: Int64

    package init(
        client: Int = -1, prompt: UInt64 = 0, answer: UInt64 = 0, statesAnswer: Bool = false, size: UInt64 = 0,
        session: UInt64 = 0, address: IPAddress = IPAddress(family: .v4, high: 0, low: 0), isInference: Bool = true,
        now: UInt64, epoch: Int64 = 0
    ) {
        self.client = client
        self.prompt = prompt
        self.answer = answer
        self.statesAnswer = statesAnswer
        self.size = size
        self.session = session
        self.address = address
        self.isInference = isInference
        self.now = now
        self.epoch = epoch
    }

    /// Prompt and answer together.
    package var tokens: UInt64 { Self.sum(prompt, answer) }

    static func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let (sum, isTooLarge) = first.addingReportingOverflow(second)
        return isTooLarge ? .max : sum
    }
}

/// Tokens that a request has used.
package struct TokenUse: Hashable, Sendable {
    package var input: UInt64
    package var output: UInt64
    /// The endpoint said so; otherwise it is what was seen.
    package var isExact: Bool

    package init(input: UInt64 = 0, output: UInt64 = 0, isExact: Bool = true) {
        self.input = input
        self.output = output
        self.isExact = isExact
    }

    package var total: UInt64 { Demand.sum(input, output) }
}

/// What is wrong with a request itself, so that it can never pass as it is.
package enum RequestFault: Hashable, Sendable {
    /// Tokens of prompt and answer that are allowed.
    case tokensPerRequest(UInt64)
    /// Bytes.
    case bodyTooLarge(UInt64)
    /// Tokens that the model's context has.
    case contextTooLong(UInt64)
}
