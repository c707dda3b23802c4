internal import Configuration
internal import ControlCoding
internal import Kubernetes

/// What this node has to say of a resource, and how that is written into the resource's status.
struct ResourceStatus: Hashable, Sendable {
    var verdict: ResourceVerdict
    /// Of the resource that the verdict is about.
    var generation: Int64
    /// When the verdict came to be, RFC 3339.
    var since: String
    /// nil: nothing is to be said of that.
    var use: ResourceUse?

    /// The body of a server-side apply: this node's entry and nothing else, which a later one of the same manager replaces.
    ///
    /// - Parameter node: the node's name.
    func patch(_ key: ResourceKey, node: String) throws(ControlLineError) -> [UInt8] {
        let condition = Condition(
            type: "Accepted", status: verdict.isAccepted ? "True" : "False", reason: verdict.reason, message: verdict.message,
            observedGeneration: generation, lastTransitionTime: since)
        return try ControlLine.encode(
            Patch(
                apiVersion: ResourceKind.apiVersion, kind: key.kind.rawValue, metadata: .init(name: key.name),
                status: .init(
                    nodes: [
                        .init(
                            name: node, observedGeneration: generation, conditions: [condition], observed: use.map(Observed.init))
                    ])))
    }

    /// Path and query of the request. Each node is a manager of its own, and its entry nobody else's: it is taken by force.
    static func target(_ key: ResourceKey, node: String) -> String {
        let path = key.kind.query.path(of: ObjectKey(namespace: "", name: key.name))
        return "\(path)/status?fieldManager=\(ResourceQuery.escaped(manager(node)))&force=true"
    }

    /// 128 bytes at most.
    static func manager(_ node: String) -> String { "modelbroker-" + String(node.prefix(100)) }

    static let contentType = "application/apply-patch+yaml"

    private struct Patch: Encodable {
        struct Metadata: Encodable {
            var name: String
        }

        struct Status: Encodable {
            var nodes: [Node]
        }

        struct Node: Encodable {
            var name: String
            var observedGeneration: Int64
            var conditions: [Condition]
            var observed: Observed?
        }

        var apiVersion: String
        var kind: String
        var metadata: Metadata
        var status: Status
    }

    /// Numbers of the API have a sign.
    private struct Observed: Encodable {
        var requests: Int64
        var tokens: Int64?
        var refused: Int64

        init(_ use: ResourceUse) {
            (requests, refused) = (Int64(clamping: use.requests), Int64(clamping: use.refused))
            tokens = use.tokens.map { Int64(clamping: $0) }
        }
    }

    private struct Condition: Encodable {
        var type: String
        var status: String
        var reason: String
        var message: String
        var observedGeneration: Int64
        var lastTransitionTime: String
    }
}

extension ResourceVerdict {
    /// One word, as conditions have it.
    var reason: String {
        switch self {
        case .accepted: "Accepted"
        case .refused(let reason, _): reason.rawValue
        }
    }

    /// Empty: there is nothing to say.
    var message: String {
        switch self {
        case .accepted: ""
        case .refused(_, let message): message
        }
    }
}
