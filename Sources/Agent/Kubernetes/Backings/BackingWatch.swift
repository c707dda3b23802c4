internal import Catalog
internal import Kubernetes
internal import Logging
private import Synchronization

/// Follows the services and pools that stand for endpoints, and says when those are elsewhere than before.
final class BackingWatch: Sendable {
    fileprivate struct State {
        var book = BackingBook(zone: nil)
        /// The objects and selectors that are followed.
        var followed: [Backing: String] = [:]
        var told = Backings()
        var beyond: [Backing] = []
    }

    private let state = Mutex(State())
    private let files: ClusterFiles
    private let logger: Logger
    private let changed: @Sendable (Backings) -> Void
    private let watch: ClusterWatch

    /// - Parameters:
    ///   - known: from before.
    ///   - changed: called on the thread that follows.
    init(files: ClusterFiles, known: Backings, logger: Logger, changed: @escaping @Sendable (Backings) -> Void) {
        self.files = files
        var logger = logger
        logger[metadataKey: "of"] = "endpoints"
        self.logger = logger
        self.changed = changed
        let relay = WeakRelay<BackingWatch>()
        watch = ClusterWatch(
            logger: logger, resources: { cluster in relay.target?.follow(cluster) ?? [] }, told: { _, _ in })
        state.withLock { state in
            state.book = BackingBook(zone: nil, former: known)
            state.told = known
        }
        relay.target = self
    }

    /// What runs it.
    var service: ClusterWatch { watch }

    /// From now on these are wanted of that cluster; nil: of none.
    func adopt(_ cluster: Cluster?, _ wanted: [Backing]) {
        let (isOther, beyond) = state.withLock { state in
            if state.book.zone != cluster?.zone { state.book = BackingBook(zone: cluster?.zone, former: state.told) }
            state.book.adopt(wanted)
            let isOther = state.plan != state.followed
            let beyond = state.book.beyond
            defer { state.beyond = beyond }
            return (isOther, beyond == state.beyond ? [] : beyond)
        }
        if !beyond.isEmpty {
            logger.error(
                "too many services and pools stand for endpoints; those beyond have no addresses",
                metadata: ["limit": "\(BackingBook.maximumObjects)", "first": "\(beyond[0].host)"])
        }
        watch.adopt(wanted.isEmpty ? nil : cluster)
        if isOther { watch.refresh() }
    }

    private func follow(_ cluster: Cluster) -> [any Followed] {
        let (objects, selectors) = state.withLock { state in
            state.followed = state.plan
            return (state.book.objects, state.followed)
        }
        return objects.flatMap { object -> [any Followed] in
            switch object.kind {
            case .service: return [slices(object)]
            case .inferencePool:
                let selector = selectors[object] ?? ""
                return selector.isEmpty ? [pool(object)] : [pool(object), pods(object, selector)]
            }
        }
    }

    private func slices(_ object: Backing) -> any Followed {
        let query = ResourceQuery(
            group: "discovery.k8s.io", version: "v1", plural: "endpointslices", namespace: object.namespace,
            labelSelector: "kubernetes.io/service-name=\(object.name)")
        return Following<EndpointSlice>(
            "endpointslices of \(object.object)", ReflectorSettings(query: query), file: files.slices(object), logger: logger
        ) { [self] known in
            update(known.condition) { $0.take(object, slices: known.store.sorted) }
        }
    }

    private func pool(_ object: Backing) -> any Followed {
        let query = ResourceQuery(
            group: "inference.networking.k8s.io", version: "v1", plural: "inferencepools", namespace: object.namespace,
            fieldSelector: "metadata.name=\(object.name)")
        var settings = ReflectorSettings(query: query)
        settings.maybeUnknown = true
        return Following<InferencePool>(
            "inferencepool \(object.object)", settings, file: files.pools(object), logger: logger
        ) { [self] known in
            update(known.condition) { book in
                book.take(object, pool: known.store.sorted.first { $0.metadata.name == object.name })
            }
        }
    }

    private func pods(_ object: Backing, _ selector: String) -> any Followed {
        let query = ResourceQuery(
            group: "", version: "v1", plural: "pods", namespace: object.namespace, labelSelector: selector)
        return Following<ServingPod>(
            "pods of \(object.object)", ReflectorSettings(query: query), file: files.pods(object), logger: logger
        ) { [self] known in
            update(known.condition) { $0.take(object, pods: known.store.sorted) }
        }
    }

    /// Until the server is heard, or turns out to be away, what is in force stays.
    private func update(_ condition: ReflectorCondition, _ change: (inout BackingBook) -> Void) {
        guard condition != .starting else { return }
        let (isOther, news) = state.withLock { state in
            change(&state.book)
            let backings = state.book.backings
            defer { state.told = backings }
            return (state.plan != state.followed, backings == state.told ? nil : backings)
        }
        if let news { changed(news) }
        if isOther { watch.refresh() }
    }
}

extension BackingWatch.State {
    /// What should be followed: of pools with what they select.
    fileprivate var plan: [Backing: String] {
        Dictionary(uniqueKeysWithValues: book.objects.map { ($0, book.selector(of: $0) ?? "") })
    }
}
