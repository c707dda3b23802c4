package import Catalog

/// One way to reach an endpoint: an address and what a request to it must say.
package struct Target: Sendable {
    /// What its health is kept by.
    package var number: EndpointNumber
    /// The model that governs requests to it: its number in the catalogue.
    package var model: Int
    /// What the server calls the model.
    package var modelName: [UInt8]
    /// Of no use where `isUnresolved`.
    package var address: SocketAddress
    /// The endpoint's `Host`, as bytes.
    package var authority: [UInt8]
    package var pathPrefix: [UInt8]
    package var engine: Engine
    package var tls: EndpointTLS?
    /// The value of `Authorization` that the broker sends, `Bearer …`; empty: none of its own.
    package var authorization: [UInt8]
    /// The endpoint's, before it is shared out among its addresses and multiplied by a pool's.
    package var weight: UInt16
    /// Price of a million tokens, times a million; nil: unknown.
    package var cost: UInt64?
    /// Targets of the same provider have the same number here, within one table.
    package var provider: Int
    package var url: String
    package var isFallback: Bool
    /// The endpoint's name has no address: it is there to be shown, and never picked.
    package var isUnresolved: Bool
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
