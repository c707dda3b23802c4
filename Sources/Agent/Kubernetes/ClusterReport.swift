internal import Control
internal import Kubernetes
internal import Telemetry

extension StatusReport.Kubernetes {
    init(_ state: ClusterState) {
        self.init()
        server = state.server
        node = state.node
        (self.state, reason) = Self.words(state.condition)
        since = Timestamp.text(seconds: Int(state.since / 1000), milliseconds: Int(state.since % 1000))
        resources = state.resources.map { resource in
            let (word, reason) = Self.words(resource.condition)
            return StatusReport.Kubernetes.Resource(name: resource.name, state: word, objects: resource.objects, reason: reason)
        }
    }

    private static func words(_ condition: ReflectorCondition) -> (State, String?) {
        switch condition {
        case .starting: (.starting, nil)
        case .synced: (.synced, nil)
        case .away(let reason): (.away, reason)
        }
    }
}

extension ClusterState {
    /// What `/metrics` shows.
    ///
    /// - Parameter state: nil: there is no cluster.
    static func render(_ state: ClusterState?, _ text: inout some MetricSink) {
        text.family(Metrics.Kubernetes.synced)
        if let state { text.sample(Metrics.Kubernetes.synced, [], state.condition == .synced ? 1 : 0) }
        text.family(Metrics.Kubernetes.objects)
        for resource in state?.resources ?? [] {
            text.sample(Metrics.Kubernetes.objects, [(Metrics.Label.resource, resource.name)], UInt64(resource.objects))
        }
    }
}
