/// A virtual model: a name that callers use, which stands for endpoints of several models.
package struct Pool: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        package var model: String
        /// Its part of the pool's requests under the strategy `weighted` (a canary's 5 beside 95); 0: none, as long as
        /// another is usable.
        package var weight: UInt16

        package init(model: String, weight: UInt16 = 1) {
            self.model = model
            self.weight = weight
        }
    }

    package var name: String
    /// Models named by hand, the preferred ones first.
    package var models: [Member]
    /// A full path of the capability tree: models that have it, or one below it, belong to the pool, too.
    package var capability: String?
    /// Endpoints must carry these labels. Without `models` and `capability`: of all models.
    package var selector: [String: String]
    package var routing: RoutingPolicy
    /// Used only when nothing else is usable, and counted apart.
    package var fallback: [Endpoint]
    package var mirror: Mirror?

    package init(
        name: String, models: [Member] = [], capability: String? = nil, selector: [String: String] = [:],
        routing: RoutingPolicy = RoutingPolicy(), fallback: [Endpoint] = [], mirror: Mirror? = nil
    ) {
        self.name = name
        self.models = models
        self.capability = capability
        self.selector = selector
        self.routing = routing
        self.fallback = fallback
        self.mirror = mirror
    }
}

/// A copy of a pool's requests for a model on trial, whose answers nobody sees.
package struct Mirror: Hashable, Sendable {
    package var model: String
    /// Of the requests, 1 to 100.
    package var percent: Int

    package init(model: String, percent: Int = 100) {
        self.model = model
        self.percent = percent
    }
}
