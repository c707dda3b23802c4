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
    /// What all its callers together may use, beside what `qos` says.
    package var allowance: Allowance
    package var price: Price?
    /// Tokens that fit into its context, prompt and answer together; nil: not known.
    package var contextLength: UInt64?
    /// Whether an endpoint is asked for the usage of a stream whose caller did not ask for it, where tokens count.
    package var asksStreamUsage: Bool
    /// Requests for it under way at once, at all its endpoints together; nil: any number.
    package var maxInFlight: UInt32?
    /// What bounds the requests that wait for it, of each group that has no bounds of its own.
    package var queue: QueuePolicy

    package init(
        name: String, endpoints: [Endpoint], access: Access = .public, qos: QoS = QoS(), capabilities: [String] = [],
        fallback: [Endpoint] = [],
        routing: RoutingPolicy = RoutingPolicy(strategy: .roundRobin), allowance: Allowance = Allowance(), price: Price? = nil,
        contextLength: UInt64? = nil, asksStreamUsage: Bool = true, maxInFlight: UInt32? = nil,
        queue: QueuePolicy = QueuePolicy()
    ) {
        self.name = name
        self.endpoints = endpoints
        self.access = access
        self.qos = qos
        self.capabilities = capabilities
        self.fallback = fallback
        self.routing = routing
        self.allowance = allowance
        self.price = price
        self.contextLength = contextLength
        self.asksStreamUsage = asksStreamUsage
        self.maxInFlight = maxInFlight
        self.queue = queue
    }
}
