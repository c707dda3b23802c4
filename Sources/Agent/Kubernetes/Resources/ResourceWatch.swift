internal import Catalog
internal import Configuration
internal import Kubernetes
internal import Logging
private import Synchronization

/// Follows the custom resources and says when they are others than before.
final class ResourceWatch: Sendable {
    private struct State {
        var book = ResourceBook()
        /// As they were last told.
        var told: [Resource]?
        var isFollowing = false
    }

    private let state = Mutex(State())
    private let changed: @Sendable ([Resource]) -> Void
    private let watch: ClusterWatch

    /// - Parameter changed: called on the thread that follows, and when the cluster is left.
    init(files: ClusterFiles, logger: Logger, changed: @escaping @Sendable ([Resource]) -> Void) {
        self.changed = changed
        var logger = logger
        logger[metadataKey: "of"] = "custom resources"
        let ours = logger
        let relay = WeakRelay<ResourceWatch>()
        watch = ClusterWatch(
            logger: ours, resources: { _ in relay.target?.followed(files, ours) ?? [] }, told: { _, _ in })
        relay.target = self
    }

    /// What runs it.
    var service: ClusterWatch { watch }

    /// From now on the resources of this cluster are followed, if it has any; nil: of none.
    func adopt(_ cluster: Cluster?) {
        let cluster = cluster?.followsResources == true ? cluster : nil
        watch.adopt(cluster)
        let hasLeft = state.withLock { state in
            defer { state.isFollowing = cluster != nil }
            return state.isFollowing && cluster == nil
        }
        if hasLeft { tell([]) }
    }

    private func followed(_ files: ClusterFiles, _ logger: Logger) -> [any Followed] {
        state.withLock { $0.book = ResourceBook() }
        return ResourceKind.allCases.map { kind in
            var settings = ReflectorSettings(query: kind.query)
            settings.maybeUnknown = true
            return Following<CustomObject>(kind.plural, settings, file: files.resources(kind), logger: logger) { [self] known in
                take(kind, known)
            }
        }
    }

    private func take(_ kind: ResourceKind, _ known: Known<CustomObject>) {
        let resources = state.withLock { state in
            state.book.take(kind, known.store.sorted, known.condition)
            return state.book.resources
        }
        if let resources { tell(resources) }
    }

    private func tell(_ resources: [Resource]) {
        let isNew = state.withLock { state in
            defer { state.told = resources }
            return state.told != resources
        }
        if isNew { changed(resources) }
    }
}
