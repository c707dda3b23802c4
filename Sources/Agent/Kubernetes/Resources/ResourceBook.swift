internal import Configuration
internal import Kubernetes

/// The custom resources as they were last known. Pure.
struct ResourceBook: Sendable {
    private var known: [ResourceKind: [Resource]] = [:]
    private var heard: Set<ResourceKind> = []

    /// All of them, sorted; nil: the API server has not been asked for each kind yet, and what is known from before stays.
    var resources: [Resource]? {
        guard heard.count == ResourceKind.allCases.count else { return nil }
        return known.values.joined().sorted { $0.key < $1.key }
    }

    /// Takes in what is known of a kind now.
    mutating func take(_ kind: ResourceKind, _ objects: [CustomObject], _ condition: ReflectorCondition) {
        guard condition != .starting else { return }
        known[kind] = objects.map { $0.resource(kind) }
        heard.insert(kind)
    }
}
