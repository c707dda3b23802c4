/// How requests were admitted before they had clients.
extension AdmissionTable {
    /// Takes a request, and the tokens that it is expected to use, out of the model's buckets: both or none.
    ///
    /// - Parameters:
    ///   - tokens: the estimate; 0: it will use none.
    ///   - prompt: of that, what the prompt is expected to have.
    ///   - now: nanoseconds of CLOCK_MONOTONIC.
    package mutating func admit(_ model: Int, tokens: UInt64, prompt: UInt64, now: UInt64) -> Admission {
        admit(model, Demand(prompt: min(prompt, tokens), answer: tokens - min(prompt, tokens), now: now))
    }
}

extension Grant {
    package var limitsTokens: Bool { countsTokens }

    /// Puts what was used in the place of the estimate.
    package func settle(used: UInt64, now: UInt64) {
        var grant = self
        grant.settle(TokenUse(input: used), answered: true, now: now, epoch: 0)
    }
}
