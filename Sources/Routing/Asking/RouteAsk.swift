/// What the choice of an endpoint depends on, beside the state of the endpoints.
package struct RouteAsk: Sendable {
    /// Which candidates are looked at.
    package enum Scope: Hashable, Sendable {
        case any
        /// Those of the model with this number in the catalogue.
        case model(Int)
        case endpoint(EndpointNumber)
    }

    /// Index in the table.
    package var route: Int
    package var family: APIFamily
    /// The answer comes as a stream: what counts is its first byte.
    package var isStream: Bool
    /// Hash of what makes the session; 0: there is none.
    package var session: UInt64
    /// Hash of the prompt's head; 0: there is none.
    package var prefix: UInt64
    /// 0 for the first attempt of a request, which is counted as the request.
    package var attempt: Int
    package var scope: Scope
    /// Endpoints (by their number) that had the request already.
    package var excluded: SmallSet
    /// Models (by their number in the catalogue) whose limits refused it.
    package var excludedModels: SmallSet

    package init(
        route: Int, family: APIFamily = .v1, isStream: Bool = false, session: UInt64 = 0, prefix: UInt64 = 0, attempt: Int = 0,
        scope: Scope = .any
    ) {
        self.route = route
        self.family = family
        self.isStream = isStream
        self.session = session
        self.prefix = prefix
        self.attempt = attempt
        self.scope = scope
        excluded = SmallSet()
        excludedModels = SmallSet()
    }

    /// Becomes that of another request, without a session and a prefix, in its place.
    package mutating func begin(_ route: Int, _ family: APIFamily, isStream: Bool) {
        self.route = route
        self.family = family
        self.isStream = isStream
        (session, prefix, attempt) = (0, 0, 0)
        scope = .any
        excluded.removeAll()
        excludedModels.removeAll()
    }
}

package enum Pick: Hashable, Sendable {
    /// Index in the table. A trial's success or failure decides whether the endpoint is used again.
    case target(Int, isTrial: Bool)
    /// - recoveryAt: when one of those that may be called is tried again at the soonest, nanoseconds; `.max`: not known.
    case nothing(recoveryAt: UInt64, Shortage)
}

/// Why there is nothing to pick; what is farther down got farther.
package enum Shortage: UInt8, Hashable, Sendable, Comparable {
    /// The route has no candidates at all.
    case empty
    /// None that the caller may call.
    case closed
    /// None that has the interface asked for.
    case family
    /// All that are left were excluded, or are beyond the scope.
    case excluded
    /// All that are left are on standby.
    case standby
    /// All that are left have all the requests that they may have, or are not running yet: they may be waited for.
    case full

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
