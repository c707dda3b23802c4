package import Catalog

/// One server at one address, whichever models it has.
package struct EndpointKey: Hashable, Sendable {
    package var url: String
    package var address: SocketAddress

    package init(url: String, address: SocketAddress) {
        self.url = url
        self.address = address
    }
}

/// What the agent knows of a server and the proxy does not: what its probes found, and what people said.
package struct EndpointStanding: Hashable, Sendable {
    package var key: EndpointKey
    /// Why the last probes failed; empty: they did not, or there were none.
    package var fault: String
    /// Somebody took it out by hand: no new requests.
    package var isDrained: Bool
    /// End of the maintenance window under way, milliseconds since 1970; 0: none.
    package var maintenanceUntil: UInt64
    /// Of an endpoint on demand: whether its server runs.
    package var phase: EnginePhase
    /// When a server that failed is tried again, milliseconds since 1970; 0: not known.
    package var retryAt: UInt64
    /// Requests that the engine itself counts, running and waiting, whoever sent them; nil: it does not say, or not lately.
    package var load: UInt32?
    /// Which of its readings that is: the next one may say the same and mean something else, as there are other requests.
    package var reading: UInt32

    package init(
        key: EndpointKey, fault: String = "", isDrained: Bool = false, maintenanceUntil: UInt64 = 0,
        phase: EnginePhase = .always, retryAt: UInt64 = 0, load: UInt32? = nil, reading: UInt32 = 0
    ) {
        self.key = key
        self.fault = fault
        self.isDrained = isDrained
        self.maintenanceUntil = maintenanceUntil
        self.phase = phase
        self.retryAt = retryAt
        self.load = load
        self.reading = reading
    }
}

/// Where the server of an endpoint stands that is started on demand.
package enum EnginePhase: UInt8, Hashable, Sendable, CaseIterable {
    /// Nobody starts or stops it.
    case always = 0
    case asleep = 1
    case starting = 2
    case ready = 3
    /// It gets no new requests, and ends when the last one under way has.
    case stopping = 4
    /// It did not start, or crashed again and again; it is left alone for a while.
    case failed = 5

    package var text: String {
        switch self {
        case .always: "always"
        case .asleep: "asleep"
        case .starting: "starting"
        case .ready: "ready"
        case .stopping: "stopping"
        case .failed: "failed"
        }
    }
}

/// Why an endpoint gets no requests; in the order in which the reasons count.
package enum StandbyReason: UInt8, Hashable, Sendable, CaseIterable {
    case maintenance = 1
    /// Taken out with `endpoint drain`.
    case drained = 2
    /// `pool rotate` moved away from it.
    case rotated = 3
    /// The agent's probes fail.
    case probe = 4
    /// The endpoint refuses the broker's credentials: everything of the provider is out.
    case authentication = 5
    /// The circuit breaker is open.
    case breaker = 6
    /// It asked to be left alone for a while (429 or 503 with Retry-After), or its limits are used up.
    case cooldown = 7
    /// Its name does not resolve.
    case unresolved = 8
    /// Its server is not running: asleep, on its way, or failed.
    case engine = 9

    package var text: String {
        switch self {
        case .maintenance: "maintenance"
        case .drained: "drained"
        case .rotated: "rotated"
        case .probe: "probe"
        case .authentication: "authentication"
        case .breaker: "breaker"
        case .cooldown: "cooldown"
        case .unresolved: "unresolved"
        case .engine: "engine"
        }
    }
}

/// The circuit breaker of an endpoint.
package enum BreakerState: UInt8, Hashable, Sendable, CaseIterable { case closed = 1, open = 2, halfOpen = 3 }

/// An endpoint of one model as the proxy sees it, its event loops taken together.
package struct EndpointRecord: Hashable, Sendable {
    package var model: String
    package var key: EndpointKey
    /// nil: active.
    package var standby: StandbyReason?
    /// What was found, in words; empty: nothing.
    package var detail: String
    /// Milliseconds until it is tried again; 0: not known.
    package var remaining: UInt64
    package var breaker: BreakerState
    package var inFlight: UInt64
    package var requests: UInt64
    /// Attempts that failed: no connection, no answer, a status that is retried, a broken stream.
    package var failures: UInt64
    /// Mean time to the first byte and to the last one, microseconds, weighted to the latest (EWMA); 0: not known.
    package var firstByteMean: UInt64
    package var latencyMean: UInt64
    /// Requests that came because nothing else was usable.
    package var fallbacks: UInt64
    /// Percent of the upstream's own limits in use, as its headers say; nil: they do not.
    package var limitUse: UInt8?
    /// Requests under way at once that it may have now; nil: any number.
    package var limit: UInt32?
    /// The limit is found, not set.
    package var isAdaptive: Bool
    package var phase: EnginePhase

    package init(
        model: String, key: EndpointKey, standby: StandbyReason? = nil, detail: String = "", remaining: UInt64 = 0,
        breaker: BreakerState = .closed, inFlight: UInt64 = 0, requests: UInt64 = 0, failures: UInt64 = 0,
        firstByteMean: UInt64 = 0, latencyMean: UInt64 = 0, fallbacks: UInt64 = 0, limitUse: UInt8? = nil,
        limit: UInt32? = nil, isAdaptive: Bool = false, phase: EnginePhase = .always
    ) {
        self.model = model
        self.key = key
        self.standby = standby
        self.detail = detail
        self.remaining = remaining
        self.breaker = breaker
        self.inFlight = inFlight
        self.requests = requests
        self.failures = failures
        self.firstByteMean = firstByteMean
        self.latencyMean = latencyMean
        self.fallbacks = fallbacks
        self.limitUse = limitUse
        self.limit = limit
        self.isAdaptive = isAdaptive
        self.phase = phase
    }
}

/// What became of the requests for one name that a routing policy governs: a pool, a model, a capability.
package struct RouteRecord: Hashable, Sendable {
    package var name: String
    package var requests: UInt64
    package var retries: UInt64
    package var hedges: UInt64
    package var hedgesWon: UInt64
    /// Retries and hedges that the budget did not allow.
    package var budgetDenied: UInt64
    /// Requests that went to a `fallback` endpoint.
    package var fallbacks: UInt64
    /// Requests answered 503 because nothing was usable.
    package var exhausted: UInt64
    package var mirrored: UInt64
    /// Mirror copies that were not sent, or not answered.
    package var mirrorFailures: UInt64
    /// Times that the preferred endpoint became another.
    package var rotations: UInt64

    package init(name: String) {
        self.name = name
        requests = 0
        retries = 0
        hedges = 0
        hedgesWon = 0
        budgetDenied = 0
        fallbacks = 0
        exhausted = 0
        mirrored = 0
        mirrorFailures = 0
        rotations = 0
    }
}

/// A request that is asked about and not made.
package struct ExplainQuery: Hashable, Sendable {
    package var model: String
    package var client: String
    /// Lower-case names.
    package var headers: [ExplainHeader]
    /// The body's `user` and the beginning of its prompt, for the strategies that look at them.
    package var user: String
    package var prompt: String

    package init(model: String, client: String = "", headers: [ExplainHeader] = [], user: String = "", prompt: String = "") {
        self.model = model
        self.client = client
        self.headers = headers
        self.user = user
        self.prompt = prompt
    }
}

package struct ExplainHeader: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// How a name is resolved and an endpoint chosen, stage by stage.
package struct RouteDecision: Hashable, Sendable {
    package struct Candidate: Hashable, Sendable {
        package var model: String
        package var key: EndpointKey
        /// What the strategy compared; lower is better. nil: it was dropped before.
        package var score: Double?
        /// What the score means, or why it was dropped.
        package var note: String
        package var isFallback: Bool

        package init(model: String, key: EndpointKey, score: Double?, note: String, isFallback: Bool = false) {
            self.model = model
            self.key = key
            self.score = score
            self.note = note
            self.isFallback = isFallback
        }
    }

    /// Where a request would wait.
    package struct Line: Hashable, Sendable {
        package var model: String
        package var group: String
        /// Among the requests of the group; 1: it would be the next of them.
        package var place: UInt32
        /// Milliseconds until it would have a slot; nil: nobody knows.
        package var wait: UInt64?

        package init(model: String, group: String, place: UInt32, wait: UInt64? = nil) {
            self.model = model
            self.group = group
            self.place = place
            self.wait = wait
        }
    }

    /// What the name was: `pool`, `model`, `capability`; empty: nothing of that name.
    package var kind: String
    /// The full name that it was resolved to (an alias's path, say).
    package var name: String
    package var strategy: String
    /// `stage: what came of it`, in order.
    package var stages: [String]
    package var candidates: [Candidate]
    /// Index of the chosen one; nil: the request waits, or is refused.
    package var chosen: Int?
    /// nil: it does not wait.
    package var line: Line?
    /// Status and reason of the refusal.
    package var status: UInt16
    package var refusal: String

    package init(kind: String = "", name: String, strategy: String = "") {
        self.kind = kind
        self.name = name
        self.strategy = strategy
        stages = []
        candidates = []
        chosen = nil
        line = nil
        status = 0
        refusal = ""
    }
}
