/// How requests for one name (a pool, or a model with several endpoints) find an endpoint, and what happens when one fails.
package struct RoutingPolicy: Hashable, Sendable {
    package var strategy: Strategy
    package var retry: RetryPolicy
    package var breaker: BreakerPolicy

    package init(strategy: Strategy = .priority, retry: RetryPolicy = RetryPolicy(), breaker: BreakerPolicy = BreakerPolicy()) {
        self.strategy = strategy
        self.retry = retry
        self.breaker = breaker
    }
}

/// Which of the usable endpoints a request goes to.
package enum Strategy: Hashable, Sendable {
    /// The first usable one, in the order of the configuration; back to it as soon as it recovers.
    case priority
    case roundRobin
    /// By the weights of the endpoints, and of the models in a pool.
    case weighted
    /// The fewest requests under way in proportion to the weight.
    case leastInFlight
    /// The better of two taken at random, by the mean latency (EWMA) times the requests under way.
    case powerOfTwo
    /// The lowest mean latency: time to the first byte for streams, to the last one otherwise.
    case lowestLatency
    /// The cheapest; the fewest under way among equals.
    case costFirst
    case sessionSticky(SessionPolicy)
    case prefixAffinity(PrefixPolicy)
    /// The preferred one, until an upstream's own limits are used up to the threshold (percent).
    case rateLimitAware(threshold: UInt8)

    /// As the configuration spells it.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case priority
        case roundRobin = "round-robin"
        case weighted
        case leastInFlight = "least-inflight"
        case powerOfTwo = "power-of-two"
        case lowestLatency = "lowest-latency"
        case costFirst = "cost-first"
        case sessionSticky = "session-sticky"
        case prefixAffinity = "prefix-affinity"
        case rateLimitAware = "rate-limit-aware"
    }

    package var kind: Kind {
        switch self {
        case .priority: .priority
        case .roundRobin: .roundRobin
        case .weighted: .weighted
        case .leastInFlight: .leastInFlight
        case .powerOfTwo: .powerOfTwo
        case .lowestLatency: .lowestLatency
        case .costFirst: .costFirst
        case .sessionSticky: .sessionSticky
        case .prefixAffinity: .prefixAffinity
        case .rateLimitAware: .rateLimitAware
        }
    }
}

/// What makes a session, and how firmly it stays.
package struct SessionPolicy: Hashable, Sendable {
    package enum Key: Hashable, Sendable {
        /// A request header, in lower case.
        case header(String)
        /// The body's top-level `user`.
        case user
        /// The caller: its client's name, failing that its address.
        case client
    }

    package var key: Key
    /// Wait for the session's own endpoint (503 while it is not usable) rather than move to another.
    package var isStrict: Bool
    /// Milliseconds without a request after which a session is forgotten.
    package var timeout: Int

    package init(key: Key = .header("x-session-id"), isStrict: Bool = false, timeout: Int = 1_800_000) {
        self.key = key
        self.isStrict = isStrict
        self.timeout = timeout
    }
}

/// Requests whose prompts begin alike go to the endpoint that has that beginning in its cache, while it is not overloaded.
package struct PrefixPolicy: Hashable, Sendable {
    /// Bytes of the prompt that are compared: 64 to 65,536.
    package var bytes: Int
    /// An endpoint takes no more than this many percent of the mean load (consistent hashing with bounded loads,
    /// Mirrokni, Thorup and Zadimoghaddam, 2016).
    package var load: Int

    package init(bytes: Int = 1024, load: Int = 125) {
        self.bytes = bytes
        self.load = load
    }
}

/// What is tried again, before the first byte of an answer's body has gone to the caller; never after it.
package struct RetryPolicy: Hashable, Sendable {
    /// Which endpoints may take the request after the one that failed, the nearer ones first.
    package enum Scope: String, Hashable, Sendable, CaseIterable {
        case sameEndpoint = "same-endpoint"
        case sameModel = "same-model"
        case any
    }

    /// How often a request is sent in all; 1: never again.
    package var attempts: Int
    /// Statuses that are tried again: of 429 and 500 to 599.
    package var statuses: Set<UInt16>
    /// Milliseconds before the second attempt at the same endpoint; doubled each time, with jitter. Another endpoint is
    /// tried at once.
    package var backoff: Int
    /// The longest wait, in milliseconds; an endpoint that asks for more (Retry-After) is left.
    package var maxBackoff: Int
    package var scope: Scope
    /// Retries and hedges may be this many percent of requests, and ten in ten seconds in any case.
    package var budget: Int
    /// Milliseconds for the first byte of the answer's body; nil: as long as an answer may take.
    package var firstByteTimeout: Int?
    /// A second attempt elsewhere when the first is slower than 95 of 100 were.
    package var hedges: Bool
    /// Bytes of request body that are kept for it.
    package var bodyLimit: Int

    package init(
        attempts: Int = 3, statuses: Set<UInt16> = [429, 500, 502, 503, 504], backoff: Int = 50, maxBackoff: Int = 2_000,
        scope: Scope = .any, budget: Int = 20, firstByteTimeout: Int? = nil, hedges: Bool = false, bodyLimit: Int = 1 << 20
    ) {
        self.attempts = attempts
        self.statuses = statuses
        self.backoff = backoff
        self.maxBackoff = maxBackoff
        self.scope = scope
        self.budget = budget
        self.firstByteTimeout = firstByteTimeout
        self.hedges = hedges
        self.bodyLimit = bodyLimit
    }
}

/// When an endpoint that fails is left alone, and when it is tried again.
package struct BreakerPolicy: Hashable, Sendable {
    /// Failures one after the other.
    package var failures: Int
    /// Percent of the last `window` milliseconds' requests, once there were `minimum` of them; 0: not looked at.
    package var errorRate: Int
    package var minimum: Int
    package var window: Int
    /// Milliseconds until it is tried again; doubled each time that fails, up to eight times as long.
    package var cooldown: Int
    /// Requests that may try it at once then, and how many must succeed.
    package var trials: Int
    package var successes: Int

    package init(
        failures: Int = 3, errorRate: Int = 50, minimum: Int = 20, window: Int = 10_000, cooldown: Int = 10_000,
        trials: Int = 1, successes: Int = 1
    ) {
        self.failures = failures
        self.errorRate = errorRate
        self.minimum = minimum
        self.window = window
        self.cooldown = cooldown
        self.trials = trials
        self.successes = successes
    }
}
