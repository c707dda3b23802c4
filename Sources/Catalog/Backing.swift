/// What a cluster has that stands for an endpoint's addresses: they come and go with it.
package struct Backing: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The addresses are those of its EndpointSlices that are ready.
        case service
        /// The addresses are those of the pods that it selects, at each of its ports.
        case inferencePool
    }

    package var kind: Kind
    package var namespace: String
    package var name: String
    /// Of a service: the name of one of its ports, or the number at its pods; empty: the only one that it has.
    package var port: String

    package init(_ kind: Kind, namespace: String, name: String, port: String = "") {
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.port = port
    }

    /// `NAMESPACE/NAME`
    package var object: String { "\(namespace)/\(name)" }

    /// What an endpoint has as its host: `service://shop/llama:http`.
    package var host: String { "\(kind.rawValue.lowercased())://\(object)" + (port.isEmpty ? "" : ":\(port)") }
}
