internal import Configuration
internal import Kubernetes
internal import Telemetry

/// What `/metrics` shows of the cluster; nothing without one.
struct ClusterPage: Sendable {
    /// How those get on that follow something of it: pods, custom resources, what stands for endpoints.
    var states: [ClusterState] = []
    /// What became of the custom resources; nil: they are not asked for.
    var verdicts: [ResourceKey: ResourceVerdict]?

    func render(_ text: inout some MetricSink) {
        let isSynced = states.allSatisfy { $0.condition == .synced }
        text.family(Metrics.Kubernetes.synced)
        if !states.isEmpty { text.sample(Metrics.Kubernetes.synced, [], isSynced ? 1 : 0) }
        text.family(Metrics.Kubernetes.changed)
        if let since { text.sample(Metrics.Kubernetes.changed, [], since / 1000) }
        let resources = states.flatMap(\.resources)
        let ofResources: [(Metric, (ClusterState.Resource) -> UInt64)] = [
            (Metrics.Kubernetes.watchSynced, { $0.condition == .synced ? 1 : 0 }),
            (Metrics.Kubernetes.objects, { UInt64($0.objects) }),
        ]
        for (metric, value) in ofResources {
            text.family(metric)
            for resource in resources { text.sample(metric, [(Metrics.Label.resource, resource.name)], value(resource)) }
        }
        text.family(Metrics.Kubernetes.resources)
        for kind in ResourceKind.allCases {
            guard let ours = verdicts?.filter({ $0.key.kind == kind }).values else { continue }
            let accepted = ours.count(where: \.isAccepted)
            for (outcome, count) in [("accepted", accepted), ("refused", ours.count - accepted)] {
                let labels = [(Metrics.Label.kind, kind.rawValue), (Metrics.Label.outcome, outcome)]
                text.sample(Metrics.Kubernetes.resources, labels, UInt64(count))
            }
        }
    }

    /// Since when all are synced, or the first of them is not; milliseconds since 1970.
    private var since: UInt64? {
        let others = states.filter { $0.condition != .synced }
        return others.isEmpty ? states.map(\.since).max() : others.map(\.since).min()
    }
}
