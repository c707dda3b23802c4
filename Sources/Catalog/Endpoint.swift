/// One server that serves a model.
package struct Endpoint: Hashable, Sendable {
    /// Host name or literal address, without brackets; or, where something of a cluster stands for its addresses, that:
    /// `service://shop/llama:http`.
    package var host: String
    package var port: UInt16
    /// What requests to it carry as `Host`: `10.1.2.3:8000`; without the port where that is the scheme's own.
    package var authority: String
    /// Goes before the path of a request; empty, or `/prefix` without a slash at its end.
    package var pathPrefix: String
    /// Where it can be reached: the literal address, or what the name resolved to. Empty: unresolved.
    package var addresses: [SocketAddress]
    /// Its part of the model's traffic relative to the others': connections on the path `direct`, requests under the
    /// strategy `weighted`. 0: none, at layer 7, as long as another is usable.
    package var weight: UInt16
    package var engine: Engine
    /// TLS to it; nil: plain HTTP.
    package var tls: EndpointTLS?
    /// What the server calls the model; nil: as the catalogue does.
    package var upstreamModel: String?
    /// What a pool's selector looks at.
    package var labels: [String: String]
    /// Price of a million tokens, in any one currency, times a million; nil: unknown, which `cost-first` puts last.
    package var cost: UInt64?
    /// Who runs it: endpoints of the same provider go down and come back together. Empty: the server is its own.
    package var provider: String
    /// Sent as `Authorization: Bearer`; nil: nothing of the broker's.
    package var key: Secret?
    /// The caller's own credentials go on to it, where it gets none of the broker's.
    package var forwardsCredentials: Bool
    package var health: HealthCheck
    package var maintenance: [MaintenanceWindow]
    /// Ask it which models it has; nil: no.
    package var discovery: Discovery?
    /// Requests under way to it at once; nil: any number.
    package var maxInFlight: Concurrency?
    /// nil: it is not asked how busy it is.
    package var metrics: EngineMetrics?
    /// nil: it runs, or does not, without the broker's doing.
    package var activation: Activation?
    /// It has an activation: requests for it wait until the agent says that it is ready.
    package var isOnDemand: Bool
    /// Where the addresses come from; nil: the host is a name that is looked up, or an address.
    package var backing: Backing?

    package init(
        host: String, port: UInt16, authority: String, pathPrefix: String = "", addresses: [SocketAddress] = [],
        weight: UInt16 = 1, engine: Engine = .openai, tls: EndpointTLS? = nil, upstreamModel: String? = nil,
        labels: [String: String] = [:], cost: UInt64? = nil, provider: String = "",
        key: Secret? = nil, forwardsCredentials: Bool = false, health: HealthCheck = HealthCheck(),
        maintenance: [MaintenanceWindow] = [],
        discovery: Discovery? = nil, maxInFlight: Concurrency? = nil, metrics: EngineMetrics? = nil,
        activation: Activation? = nil, isOnDemand: Bool = false, backing: Backing? = nil
    ) {
        self.host = host
        self.port = port
        self.authority = authority
        self.pathPrefix = pathPrefix
        self.addresses = addresses
        self.weight = weight
        self.engine = engine
        self.tls = tls
        self.upstreamModel = upstreamModel
        self.labels = labels
        self.cost = cost
        self.provider = provider
        self.key = key
        self.forwardsCredentials = forwardsCredentials
        self.health = health
        self.maintenance = maintenance
        self.discovery = discovery
        self.maxInFlight = maxInFlight
        self.metrics = metrics
        self.activation = activation
        self.isOnDemand = isOnDemand || activation != nil
        self.backing = backing
    }

    /// What it is known by: `http://10.1.2.3:8000`, `service://shop/llama:http`.
    package var url: String {
        if host.contains("://") { return host + pathPrefix }
        return "\(tls == nil ? "http" : "https")://\(authority)\(pathPrefix)"
    }

    /// The name that has to be looked up for its addresses; nil: none has.
    package var lookedUpName: String? { backing == nil && IPAddress(host) == nil ? host : nil }

    /// `provider`, or what stands for it: the server itself.
    package var effectiveProvider: String { provider.isEmpty ? authority : provider }
}

/// What a server speaks: its paths, where the model's name stands in a request, and where its usage stands in an answer.
package enum Engine: String, Hashable, Sendable, CaseIterable {
    /// `/v1/...`, the model in the body.
    case openai
    /// Open Inference Protocol v2 over REST: `/v2/models/NAME/...`, the model in the path.
    case kserveV2 = "kserve-v2"
    /// `/api/...` and `/v1/...`, the model in the body, streams of JSON lines.
    case ollama
    /// Any HTTP; the model is known from a capture rule, a path prefix, or the body.
    case raw
}

/// How a server that is reached by https proves itself.
package struct EndpointTLS: Hashable, Sendable {
    /// The name that its certificate must have, and that is sent as SNI (a literal address is not sent).
    package var serverName: String
    /// A PEM file of authorities; nil: the system's.
    package var caFile: String?

    package init(serverName: String, caFile: String? = nil) {
        self.serverName = serverName
        self.caFile = caFile
    }
}

/// A value that must not be shown. Its description never says it.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package let reveal: String

    package init(_ value: String) { reveal = value }

    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
}
