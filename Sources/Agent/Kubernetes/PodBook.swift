internal import Catalog
internal import Control
internal import Kubernetes
internal import Logging
private import Synchronization

/// The pods of this node and the namespaces of the cluster, as they were last known, joined.
final class PodBook: Sendable {
    /// Pods that one node can have, with those that are over; and namespaces of a cluster.
    private static let maximumPods = 4_096
    private static let maximumNamespaces = 20_000

    /// nil: nothing has been heard of them, now or before.
    private struct State {
        var pods: [Pod]?
        var namespaces: [Namespace]?
    }

    private let state = Mutex(State())
    private let run: RunDirectory
    private let logger: Logger
    private let changed: @Sendable (PodTable) -> Void

    /// - Parameter changed: the node's pods are others than before; called on any thread.
    init(run: RunDirectory, logger: Logger, changed: @escaping @Sendable (PodTable) -> Void) {
        self.run = run
        self.logger = logger
        self.changed = changed
    }

    /// What is followed of a cluster.
    func resources(_ cluster: Cluster) -> [any Followed] {
        var pods = ReflectorSettings(query: Pod.query(node: cluster.node))
        pods.maximumObjects = Self.maximumPods
        var namespaces = ReflectorSettings(query: Namespace.query)
        namespaces.maximumObjects = Self.maximumNamespaces
        return [
            Following<Pod>("pods", pods, file: run.podsPath, logger: logger) { known in
                self.update { $0.pods = known.isHeard ? known.store.sorted : nil }
            },
            Following<Namespace>("namespaces", namespaces, file: run.namespacesPath, logger: logger) { known in
                self.update { $0.namespaces = known.isHeard ? known.store.sorted : nil }
            },
        ]
    }

    /// Tells of pods when there is something to tell of both: a pod whose namespace is not known yet would be captured though
    /// that opts out.
    private func update(_ body: (inout State) -> Void) {
        let table = state.withLock { state -> PodTable? in
            body(&state)
            guard let pods = state.pods, let namespaces = state.namespaces else { return nil }
            return PodTable(pods: pods, namespaces: namespaces)
        }
        if let table { changed(table) }
    }

    /// What an agent before this one knew, if anything of it can be used.
    static func kept(_ run: RunDirectory) -> PodTable {
        PodTable(pods: read(run.podsPath, maximumPods), namespaces: read(run.namespacesPath, maximumNamespaces))
    }

    private static func read<Object: KubernetesObject>(_ path: String, _ limit: Int) -> [Object] {
        guard let bytes = try? File.read(path, limit: 64 << 20) else { return [] }
        return (try? ResourceStore<Object>(maximumObjects: limit, snapshot: bytes))?.sorted ?? []
    }
}

extension Known {
    /// There is something to go by: what the server said, what it said to an agent before, or that it says nothing.
    fileprivate var isHeard: Bool { condition != .starting || !store.objects.isEmpty }
}

/// Says when the API server goes away and comes back.
struct ClusterNews: Sendable {
    let hub: EventHub

    func tell(_ news: ClusterState, _ before: ClusterState?) {
        switch (news.condition, before?.condition) {
        case (.synced, .synced?): break
        case (.synced, _):
            let counts = news.resources.map { "\($0.objects) \($0.name)" }.joined(separator: ", ")
            publish(.kubernetesSynced, news, counts)
        case (.away, .away?): break
        case (.away(let reason), _): publish(.kubernetesAway, news, "\(reason); what was last known stays in force")
        case (.starting, _): break
        }
    }

    private func publish(_ kind: EventReport.Kind, _ state: ClusterState, _ detail: String) {
        hub.publish(EventReport(time: Timestamp.now(), kind: kind, reason: state.server, detail: detail))
    }
}
