internal import Catalog

/// A server of one model, at one address, and how it fares.
package struct EndpointReport: Hashable, Sendable, Codable {
    package enum State: String, Hashable, Sendable, Codable {
        case active, standby
        /// The proxy does not say, and the agent knows nothing against it.
        case unknown
    }

    /// What the kernel's own choice on the path `direct` knows of it.
    package struct Direct: Hashable, Sendable, Codable {
        /// Its part of the model's connections, relative to the others'.
        package var weight: UInt16
        /// Connects may go there; false: the agent found it unreachable, or took it out.
        package var usable: Bool
        /// Connections now.
        package var open: UInt64
        /// Connects sent there, and of these those that were never established.
        package var picked: UInt64
        package var failed: UInt64
        /// Since the last of those; nil: there was a connection since, or no failure at all.
        package var failedMillisecondsAgo: UInt64?

        package init(
            weight: UInt16, usable: Bool, open: UInt64 = 0, picked: UInt64 = 0, failed: UInt64 = 0,
            failedMillisecondsAgo: UInt64? = nil
        ) {
            self.weight = weight
            self.usable = usable
            self.open = open
            self.picked = picked
            self.failed = failed
            self.failedMillisecondsAgo = failedMillisecondsAgo
        }
    }

    package var model: String
    /// nil: it was read from the kernel, which does not know it.
    package var url: String?
    /// nil: its name does not resolve.
    package var address: String?
    /// One of the `fallback` of its model, or of a pool: then `pool` has its name, and `model` is what is asked for there.
    package var isFallback: Bool
    package var pool: String?
    package var state: State
    /// Why it is on standby, as `StandbyReason.text` has it; nil: it is active.
    package var reason: String?
    /// What was found, in words.
    package var detail: String?
    /// Until it is tried again; nil: that is not known.
    package var remainingMilliseconds: UInt64?
    /// `closed`, `open` or `half-open`; nil: the proxy does not say.
    package var breaker: String?
    package var inFlight: UInt64
    package var requests: UInt64
    /// Attempts that failed: no connection, no answer, a status that is retried, a broken stream.
    package var failures: UInt64
    /// Means weighted to the latest; nil: nothing was measured.
    package var firstByteMeanMicroseconds: UInt64?
    package var latencyMeanMicroseconds: UInt64?
    /// Requests that came because nothing else was usable.
    package var fallbacks: UInt64
    /// Of the upstream's own limits, as its headers say.
    package var limitUsePercent: UInt8?
    /// nil: connect() does not choose it.
    package var direct: Direct?
    /// Requests under way at once that it may have now, and whether that was found rather than set; nil: any number.
    package var limit: UInt32?
    package var isAdaptive: Bool?
    /// Of an endpoint on demand, as `EnginePhase.text` has it; nil: it is none.
    package var phase: String?

    package init(
        model: String, url: String?, address: String?, isFallback: Bool = false, pool: String? = nil, state: State = .active,
        reason: String? = nil, detail: String? = nil, remainingMilliseconds: UInt64? = nil, breaker: String? = nil,
        inFlight: UInt64 = 0, requests: UInt64 = 0, failures: UInt64 = 0, firstByteMeanMicroseconds: UInt64? = nil,
        latencyMeanMicroseconds: UInt64? = nil, fallbacks: UInt64 = 0, limitUsePercent: UInt8? = nil, direct: Direct? = nil,
        limit: UInt32? = nil, isAdaptive: Bool? = nil, phase: String? = nil
    ) {
        self.model = model
        self.url = url
        self.address = address
        self.isFallback = isFallback
        self.pool = pool
        self.state = state
        self.reason = reason
        self.detail = detail
        self.remainingMilliseconds = remainingMilliseconds
        self.breaker = breaker
        self.inFlight = inFlight
        self.requests = requests
        self.failures = failures
        self.firstByteMeanMicroseconds = firstByteMeanMicroseconds
        self.latencyMeanMicroseconds = latencyMeanMicroseconds
        self.fallbacks = fallbacks
        self.limitUsePercent = limitUsePercent
        self.direct = direct
        self.limit = limit
        self.isAdaptive = isAdaptive
        self.phase = phase
    }

    /// What the proxy says of it.
    package init(_ record: EndpointRecord, isFallback: Bool = false, pool: String? = nil) {
        self.init(
            model: record.model, url: record.key.url,
            address: record.standby == .unresolved ? nil : record.key.address.description, isFallback: isFallback,
            pool: pool, state: record.standby == nil ? .active : .standby, reason: record.standby?.text,
            detail: record.detail.isEmpty ? nil : record.detail,
            remainingMilliseconds: record.remaining == 0 ? nil : record.remaining, breaker: record.breaker.text,
            inFlight: record.inFlight, requests: record.requests, failures: record.failures,
            firstByteMeanMicroseconds: record.firstByteMean == 0 ? nil : record.firstByteMean,
            latencyMeanMicroseconds: record.latencyMean == 0 ? nil : record.latencyMean, fallbacks: record.fallbacks,
            limitUsePercent: record.limitUse, limit: record.limit, isAdaptive: record.limit == nil ? nil : record.isAdaptive,
            phase: record.phase == .always ? nil : record.phase.text)
    }
}

extension BreakerState {
    package var text: String {
        switch self {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "half-open"
        }
    }
}

/// What became of a server that was drained or enabled by hand.
package struct DrainReport: Hashable, Sendable, Codable {
    package var url: String
    package var isDrained: Bool
    /// False: it was so already.
    package var isChanged: Bool
    /// The models that it serves.
    package var models: [String]
    /// Requests still under way there, as far as is known.
    package var inFlight: UInt64

    package init(url: String, isDrained: Bool, isChanged: Bool, models: [String], inFlight: UInt64 = 0) {
        self.url = url
        self.isDrained = isDrained
        self.isChanged = isChanged
        self.models = models
        self.inFlight = inFlight
    }
}
