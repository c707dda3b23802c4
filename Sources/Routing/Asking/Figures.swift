/// One event loop's figures of an endpoint of a model.
package struct EndpointFigures: Sendable {
    /// Index in the table of a target that has this number.
    package var target: Int
    package var number: EndpointNumber
    /// nil: active.
    package var standby: StandbyCause?
    /// What was found, in words; empty: nothing.
    package var detail = ""
    /// Nanoseconds until it is tried again; 0: not known, or active.
    package var remaining: UInt64 = 0
    package var breaker = BreakerPhase.closed
    /// Of all event loops together.
    package var inFlight: Int = 0
    package var requests: UInt64 = 0
    package var failures: UInt64 = 0
    package var fallbacks: UInt64 = 0
    /// Nanoseconds; 0: not known.
    package var firstByteMean: UInt64 = 0
    package var latencyMean: UInt64 = 0
    /// Percent of the upstream's own limits in use; nil: it does not say.
    package var limitUse: UInt8?
    /// Slots; nil: any number.
    package var limit: UInt32?
    package var isAdaptive = false
    /// Of an endpoint on demand: its server runs; nil: it is none.
    package var isReady: Bool?
    /// Its server failed, and is left alone.
    package var hasFailed = false
}

/// One event loop's figures of a route.
package struct RouteFigures: Hashable, Sendable {
    package var name = ""
    package var requests: UInt64 = 0
    package var retries: UInt64 = 0
    package var hedges: UInt64 = 0
    package var hedgesWon: UInt64 = 0
    package var budgetDenied: UInt64 = 0
    package var fallbacks: UInt64 = 0
    package var exhausted: UInt64 = 0
    package var mirrored: UInt64 = 0
    package var mirrorFailures: UInt64 = 0
    package var rotations: UInt64 = 0

    package init() {}
}

/// What a flow alone knows of a route.
package enum RouteEvent: Hashable, Sendable { case hedgeWon, mirrored, mirrorFailed }

/// The raw values are those of the wire.
package enum BreakerPhase: UInt8, Hashable, Sendable { case closed = 1, open = 2, halfOpen = 3 }
