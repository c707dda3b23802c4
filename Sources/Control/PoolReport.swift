package import Catalog

/// A pool: what it stands for, how its requests are routed, and what became of them.
package struct PoolReport: Hashable, Sendable, Codable {
    package struct Member: Hashable, Sendable, Codable {
        package var model: String
        /// Its part of the requests under the strategy `weighted`.
        package var weight: UInt16
        /// URLs of its endpoints that belong to the pool.
        package var endpoints: [String]

        package init(model: String, weight: UInt16, endpoints: [String]) {
            self.model = model
            self.weight = weight
            self.endpoints = endpoints
        }
    }

    package struct Mirror: Hashable, Sendable, Codable {
        package var model: String
        package var percent: Int

        package init(model: String, percent: Int) {
            self.model = model
            self.percent = percent
        }
    }

    package var name: String
    /// Full path; nil, and an empty selector: the pool does not ask for it.
    package var capability: String?
    package var selector: [String: String]
    package var members: [Member]
    /// URLs that are used only when nothing else is.
    package var fallback: [String]
    package var mirror: Mirror?
    package var routing: RoutingReport
    /// Each candidate, those of `fallback` last.
    package var endpoints: [EndpointReport]
    package var counters: RouteCounters

    /// - Parameters:
    ///   - members: what `PoolMembers` of the same catalogue says of the pool.
    ///   - endpoints: of the candidates.
    package init(
        _ pool: Pool, members: [PoolMembers.Member], of catalog: Catalog, endpoints: [EndpointReport] = [],
        counters: RouteCounters = RouteCounters()
    ) {
        name = pool.name
        capability = pool.capability
        selector = pool.selector
        self.members = members.map { member in
            let model = catalog.models[member.model]
            return Member(model: model.name, weight: member.weight, endpoints: member.endpoints.map { model.endpoints[$0].url })
        }
        fallback = pool.fallback.map(\.url)
        mirror = pool.mirror.map { Mirror(model: $0.model, percent: $0.percent) }
        routing = RoutingReport(pool.routing)
        self.endpoints = endpoints
        self.counters = counters
    }
}

/// What became of the requests for one name since the proxy started.
package struct RouteCounters: Hashable, Sendable, Codable {
    package var requests: UInt64 = 0
    package var retries: UInt64 = 0
    package var hedges: UInt64 = 0
    package var hedgesWon: UInt64 = 0
    /// Retries and hedges that the budget did not allow.
    package var budgetDenied: UInt64 = 0
    /// Requests that went to a `fallback` endpoint.
    package var fallbacks: UInt64 = 0
    /// Requests answered 503 because nothing was usable.
    package var exhausted: UInt64 = 0
    package var mirrored: UInt64 = 0
    /// Mirror copies that were not sent, or not answered.
    package var mirrorFailures: UInt64 = 0
    /// Times that the preferred endpoint became another.
    package var rotations: UInt64 = 0

    package init() {}

    package init(_ record: RouteRecord) {
        requests = record.requests
        retries = record.retries
        hedges = record.hedges
        hedgesWon = record.hedgesWon
        budgetDenied = record.budgetDenied
        fallbacks = record.fallbacks
        exhausted = record.exhausted
        mirrored = record.mirrored
        mirrorFailures = record.mirrorFailures
        rotations = record.rotations
    }
}

/// Where a pool, or a model, moved to by hand.
package struct RotationReport: Hashable, Sendable, Codable {
    package var name: String
    /// URLs of the endpoint left and of the one preferred now; nil: there is none.
    package var from: String?
    package var to: String?

    package init(name: String, from: String?, to: String?) {
        self.name = name
        self.from = from
        self.to = to
    }
}
