package import Admission

/// How long prompts and answers are together, in tokens.
package enum SimTokens: Sendable {
    case fixed(UInt64)
    case uniform(ClosedRange<UInt64>)
    /// Mostly the first, and one in so many the second.
    case mixed(UInt64, UInt64, oneIn: Int)

    mutating func draw(_ random: inout SimRandom) -> UInt64 {
        switch self {
        case .fixed(let tokens): tokens
        case .uniform(let range): range.lowerBound + random.next() % (range.upperBound - range.lowerBound + 1)
        case .mixed(let usual, let rare, let oneIn): random.below(oneIn) == 0 ? rare : usual
        }
    }
}

/// When requests come.
package enum SimArrivals: Sendable {
    /// So many wait always.
    case saturating(Int)
    /// Per second, at random.
    case poisson(Double)
}

/// A group and what it asks for. Times are nanoseconds.
package struct SimGroup: Sendable {
    package var terms: GroupTerms
    package var arrivals: SimArrivals
    package var tokens: SimTokens
    /// What is estimated, relative to what it comes to.
    package var estimate = 1.0
    package var patience: UInt64 = 30_000_000_000
    /// When it wants something.
    package var active: [Range<UInt64>] = [0..<UInt64.max]
    /// Endpoints that its requests accept; nil: all.
    package var endpoints: [Int]?

    package init(_ terms: GroupTerms, _ arrivals: SimArrivals, _ tokens: SimTokens = .fixed(100)) {
        self.terms = terms
        self.arrivals = arrivals
        self.tokens = tokens
    }
}

/// Endpoints of one model with slots of their own, and the groups that want them.
package struct SimSetup: Sendable {
    package var groups: [SimGroup]
    package var model = QueueTerms(number: 0, name: "m")
    /// Slots of each endpoint.
    package var endpoints: [UInt64] = [8]
    /// Nanoseconds that a request takes, and what each of its tokens adds.
    package var base: Double = 0
    package var perToken: Double = 1_000_000
    /// Nanoseconds from the first arrival; what is under way then is not counted.
    package var duration: UInt64 = 10_000_000_000
    package var seed: UInt64 = 1

    package init(_ groups: [SimGroup]) { self.groups = groups }
}
