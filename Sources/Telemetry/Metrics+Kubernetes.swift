extension Metrics.Label {
    package static let resource = "resource"
}

extension Metrics {
    /// What the agent knows of the cluster; absent without `node.kubernetes`.
    package enum Kubernetes {
        package static let synced = Metric(
            "modelbroker_kubernetes_synced", .gauge,
            "Whether what is known of the cluster is what its API server says; 0: the server is away, or has not been heard yet.")
        package static let changed = Metric(
            "modelbroker_kubernetes_changed_timestamp_seconds", .gauge,
            "Since when it is as modelbroker_kubernetes_synced says; with 0: of when what is in force was known.")
        package static let watchSynced = Metric(
            "modelbroker_kubernetes_watch_synced", .gauge, "The same of each resource that is followed.")
        package static let resources = Metric(
            "modelbroker_kubernetes_resources", .gauge,
            "Custom resources by kind and by what became of them: accepted, refused; absent without node.kubernetes.resources.")
        package static let objects = Metric(
            "modelbroker_kubernetes_objects", .gauge, "Objects of the cluster that are known, by resource.")
    }
}
