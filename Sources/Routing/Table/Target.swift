package import Catalog

/// One way to reach an endpoint: an address and what a request to it must say. It never changes, and is kept by reference:
/// requests take hold of it, and a copy would take hold of each of its parts.
package final class Target: Sendable {
    /// What its health is kept by.
    package let number: EndpointNumber
    /// The model that governs requests to it: its number in the catalogue.
    package let model: Int
    /// What the server calls the model.
    package let modelName: [UInt8]
    /// Of no use where `isUnresolved`.
    package let address: SocketAddress
    /// The endpoint's `Host`, as bytes.
    package let authority: [UInt8]
    package let pathPrefix: [UInt8]
    package let engine: Engine
    package let tls: EndpointTLS?
    /// The value of `Authorization` that the broker sends, `Bearer …`; empty: none of its own.
    package let authorization: [UInt8]
    /// The caller's own credentials go on to it, where the broker has none for it.
    package let forwardsCredentials: Bool
    /// The endpoint's, before it is shared out among its addresses and multiplied by a pool's.
    package let weight: UInt16
    /// Price of a million tokens, times a million; nil: unknown.
    package let cost: UInt64?
    /// Targets of the same provider have the same number here, within one table.
    package let provider: Int
    package let url: String
    package let isFallback: Bool
    /// The endpoint's name has no address: it is there to be shown, and never picked.
    package let isUnresolved: Bool
    /// It is asked for the usage of a stream whose caller did not ask for it, where tokens count.
    package let asksStreamUsage: Bool
    /// The model's number over reloads.
    package let slot: Int32
    /// A request needs a slot for it: it, or its model, has a limit, or it is started on demand.
    package let isGoverned: Bool
    package let maxInFlight: Concurrency?
    /// Its server is started when it is needed.
    package let isOnDemand: Bool

    init(
        number: EndpointNumber, model: Int, modelName: [UInt8], address: SocketAddress, authority: [UInt8], pathPrefix: [UInt8],
        engine: Engine, tls: EndpointTLS?, authorization: [UInt8], forwardsCredentials: Bool, weight: UInt16, cost: UInt64?,
        provider: Int, url: String, isFallback: Bool, isUnresolved: Bool, asksStreamUsage: Bool, slot: Int32?,
        isGoverned: Bool, maxInFlight: Concurrency?, isOnDemand: Bool
    ) {
        self.slot = slot ?? -1
        self.isGoverned = isGoverned && slot != nil
        self.maxInFlight = maxInFlight
        self.isOnDemand = isOnDemand
        self.number = number
        self.model = model
        self.modelName = modelName
        self.address = address
        self.authority = authority
        self.pathPrefix = pathPrefix
        self.engine = engine
        self.tls = tls
        self.authorization = authorization
        self.forwardsCredentials = forwardsCredentials && authorization.isEmpty
        self.weight = weight
        self.cost = cost
        self.provider = provider
        self.url = url
        self.isFallback = isFallback
        self.isUnresolved = isUnresolved
        self.asksStreamUsage = asksStreamUsage
    }
}

/// Which of the interfaces that engines have a request is made for.
package enum APIFamily: UInt8, Hashable, Sendable, CaseIterable {
    /// `/v1/...`
    case v1
    /// `/v2/...`
    case v2
    /// `/api/...`
    case ollama
    /// Any other path.
    case other
}

extension Engine {
    /// Whether a server of this kind has it. No interface is translated to another.
    package func serves(_ family: APIFamily) -> Bool {
        switch (self, family) {
        case (.raw, _), (_, .other): true
        case (.openai, .v1), (.ollama, .v1), (.ollama, .ollama), (.kserveV2, .v2): true
        default: false
        }
    }
}
