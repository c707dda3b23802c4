package import Catalog

/// What a request can name, with all that may serve it.
package struct Route: Sendable {
    package enum Kind: String, Hashable, Sendable { case pool, model, capability }

    package struct Mirror: Hashable, Sendable {
        package var route: Int
        /// Of the requests, 1 to 100.
        package var percent: Int
    }

    /// A candidate's part of the route's requests: that of its model in the route, times its own among the model's targets.
    struct Share: Sendable {
        /// Candidates of the same model in the route have the same number.
        var member: Int
        var memberWeight: Double
        var weight: Double

        var isNothing: Bool { memberWeight * weight == 0 }
    }

    /// In full: a capability's path.
    package var name: String
    package var kind: Kind
    package var policy: RoutingPolicy
    /// The pool's number in the catalogue, by which access to it is judged; nil: it is none.
    package var pool: Int?
    /// Numbers of the catalogue's models that are reached through it, in order.
    package var models: [Int] = []
    /// Targets in the order of preference.
    package var candidates: [Int] = []
    /// Targets that are used only when none of `candidates` can be.
    package var fallbacks: [Int] = []
    package var mirror: Mirror?
    /// For each candidate, and then for each fallback.
    var shares: [Share] = []
    /// Of the name; the same in every catalogue.
    var salt: UInt64 = 0
}
