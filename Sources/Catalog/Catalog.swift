/// Everything that a configuration says, as one value: what the kernel plane, the proxy and the CLI work from.
package struct Catalog: Hashable, Sendable {
    package var node: Node
    package var rules: [CaptureRule]
    package var models: [Model]
    package var clients: [Client]

    package init(node: Node = Node(), rules: [CaptureRule] = [], models: [Model] = [], clients: [Client] = []) {
        self.node = node
        self.rules = rules
        self.models = models
        self.clients = clients
    }
}

/// What a request names: `"model":"llama-70b"`.
package struct Model: Hashable, Sendable {
    /// Who may call it: every client that does not deny it, or only those whose `allow` names it.
    package enum Access: String, Hashable, Sendable, CaseIterable { case `public`, `private` }

    package var name: String
    package var endpoints: [Endpoint]
    package var access: Access
    package var qos: QoS

    package init(name: String, endpoints: [Endpoint], access: Access = .public, qos: QoS = QoS()) {
        self.name = name
        self.endpoints = endpoints
        self.access = access
        self.qos = qos
    }
}

/// One server that serves a model.
package struct Endpoint: Hashable, Sendable {
    /// Host name or literal address, without brackets.
    package var host: String
    package var port: UInt16
    /// What requests to it carry as `Host`: `10.1.2.3:8000`; without the port where that is 80.
    package var authority: String
    /// Goes before the path of a request; empty, or `/prefix` without a slash at its end.
    package var pathPrefix: String
    /// Where it can be reached: the literal address, or what the name resolved to. Empty: unresolved.
    package var addresses: [SocketAddress]
    /// Its part of the model's connections on the path `direct`, relative to the others'.
    package var weight: UInt16

    package init(
        host: String, port: UInt16, authority: String, pathPrefix: String = "", addresses: [SocketAddress] = [],
        weight: UInt16 = 1
    ) {
        self.host = host
        self.port = port
        self.authority = authority
        self.pathPrefix = pathPrefix
        self.addresses = addresses
        self.weight = weight
    }

    package var url: String { "http://\(authority)\(pathPrefix)" }
}

/// The configured identity of a caller.
package struct Client: Hashable, Sendable {
    package var name: String
    /// Cgroup path patterns below the cgroup v2 mount: `*` within a name, `**` across names. A match covers the subtree.
    package var workloads: [String]
    /// Names of the models that it may call; nil: every public one.
    package var allow: [String]?
    /// Names of models that it may not call.
    package var deny: [String]

    package init(name: String, workloads: [String] = [], allow: [String]? = nil, deny: [String] = []) {
        self.name = name
        self.workloads = workloads
        self.allow = allow
        self.deny = deny
    }
}
