/// How many requests may be under way to an endpoint, or for a model, at once.
package enum Concurrency: Hashable, Sendable {
    case fixed(UInt32)
    case adaptive(AdaptiveLimit)

    /// What it may never be above.
    package var highest: UInt32 {
        switch self {
        case .fixed(let limit): limit
        case .adaptive(let limit): limit.most
        }
    }
}

/// A limit that is found from how fast the endpoint answers, and stays between two bounds.
package struct AdaptiveLimit: Hashable, Sendable {
    /// At least 1.
    package var least: UInt32
    package var most: UInt32
    package var initial: UInt32

    package init(least: UInt32 = 1, most: UInt32 = 256, initial: UInt32 = 8) {
        self.least = least
        self.most = most
        self.initial = initial
    }
}

/// Where an engine tells how busy it is, in Prometheus text with the names of vLLM, SGLang or Triton.
package struct EngineMetrics: Hashable, Sendable {
    package var path: String
    /// Milliseconds between two readings.
    package var period: Int
    /// Milliseconds after which a reading says nothing any more.
    package var staleAfter: Int

    package init(path: String = "/metrics", period: Int = 1000, staleAfter: Int = 5000) {
        self.path = path
        self.period = period
        self.staleAfter = staleAfter
    }
}
