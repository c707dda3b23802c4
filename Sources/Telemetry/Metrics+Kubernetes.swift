extension Metrics.Label {
    package static let resource = "resource"
}

extension Metrics {
    /// What the agent knows of the cluster; absent without `node.kubernetes`.
    package enum Kubernetes {
        package static let synced = Metric(
            "modelbroker_kubernetes_synced", .gauge,
            "Whether what is known of the cluster is what its API server says; 0: the server is away, or has not been heard yet.")
        package static let objects = Metric(
            "modelbroker_kubernetes_objects", .gauge, "Objects of the cluster that are known, by resource.")
    }
}
