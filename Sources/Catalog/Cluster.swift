/// The Kubernetes cluster that the node belongs to, and how its API server is asked.
package struct Cluster: Hashable, Sendable {
    /// Which pods are captured, among those below `node.cgroup`.
    package enum Capture: String, Hashable, Sendable, CaseIterable {
        /// All but those that opt out.
        case all
        /// Only those that opt in.
        case labelled
    }

    /// Of which custom resources the status says what this node has made of them.
    package enum Telling: String, Hashable, Sendable, CaseIterable { case all, refusals, off }

    /// Where pods usually are: with the kubelet's drivers systemd and cgroupfs, and in kind.
    package static let usualCgroups = [
        "/kubepods.slice", "/kubepods", "/kubelet.slice/kubelet-kubepods.slice", "/kubelet/kubepods",
    ]

    /// `https://10.96.0.1:443`, without a path.
    package var server: String
    /// The service account's token, which is read again when the file changes; nil: none is sent.
    package var tokenFile: String?
    /// PEM authorities that the server's certificate is checked with; nil: the system's.
    package var caFile: String?
    /// The node's name in the cluster.
    package var node: String
    package var capture: Capture
    /// Cgroups in which the kubelet keeps pods, below the cgroup v2 mount. What looks like a pod elsewhere is none: whoever
    /// may make cgroups of his own could pretend to be any.
    package var cgroups: [String]
    /// Whether custom resources of the cluster add to the configuration.
    package var followsResources: Bool
    package var status: Telling
    /// Milliseconds between two writings of what use is made of a resource, at least; nil: nobody is told. Only where
    /// `status` is `all`.
    package var usage: Int?
    /// The node's, for services that keep to zones; nil: it has none.
    package var zone: String?

    package init(
        server: String, tokenFile: String? = nil, caFile: String? = nil, node: String, capture: Capture = .all,
        cgroups: [String] = usualCgroups, followsResources: Bool = false, status: Telling = .all,
        usage: Int? = 60_000, zone: String? = nil
    ) {
        self.server = server
        self.tokenFile = tokenFile
        self.caFile = caFile
        self.node = node
        self.capture = capture
        self.cgroups = cgroups
        self.followsResources = followsResources
        self.status = status
        self.usage = usage
        self.zone = zone
    }
}
