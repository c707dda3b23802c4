internal import Kubernetes

/// How the agent gets on with the API server.
struct ClusterState: Hashable, Sendable {
    struct Resource: Hashable, Sendable {
        var name: String
        var condition: ReflectorCondition
        var objects: Int
    }

    var server: String
    var node: String
    var resources: [Resource]
    /// Milliseconds since 1970: how long it has been so, all in all.
    var since: UInt64

    /// Away if one is, synced if all are.
    var condition: ReflectorCondition {
        for resource in resources { if case .away(let reason) = resource.condition { return .away(reason: reason) } }
        return resources.allSatisfy { $0.condition == .synced } ? .synced : .starting
    }
}

extension ReflectorCondition {
    var isAway: Bool {
        if case .away = self { true } else { false }
    }
}
