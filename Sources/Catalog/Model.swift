/// What a request names: `"model":"llama-70b"`.
package struct Model: Hashable, Sendable {
    /// Who may call it: every client that does not deny it, or only those whose `allow` names it.
    package enum Access: String, Hashable, Sendable, CaseIterable { case `public`, `private` }

    package var name: String
    package var endpoints: [Endpoint]
    package var access: Access
    package var qos: QoS
    /// Full paths of the capability tree that it has, `generation.text-generation.chat-completion`.
    package var capabilities: [String]
    /// Used only when none of `endpoints` is usable, and counted apart.
    package var fallback: [Endpoint]
    /// How a request that names this model itself is routed among its endpoints. They are taken to be alike, so that they
    /// have turns; in a pool the first comes first.
    package var routing: RoutingPolicy

    package init(
        name: String, endpoints: [Endpoint], access: Access = .public, qos: QoS = QoS(), capabilities: [String] = [],
        fallback: [Endpoint] = [],
        routing: RoutingPolicy = RoutingPolicy(strategy: .roundRobin)
    ) {
        self.name = name
        self.endpoints = endpoints
        self.access = access
        self.qos = qos
        self.capabilities = capabilities
        self.fallback = fallback
        self.routing = routing
    }
}
