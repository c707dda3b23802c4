internal import Catalog
internal import Kubernetes

/// What is known of the services and pools that stand for endpoints, and where those are. Pure.
struct BackingBook: Sendable {
    /// Services and pools at most, since each is a watch of its own; those beyond have no addresses.
    static let maximumObjects = 128

    /// nil: not heard of yet.
    private struct Pool: Sendable {
        var pool: InferencePool??
        var pods: [ServingPod]?
    }

    let zone: String?
    /// Stands for what has not been heard of yet.
    private let former: Backings
    private var wanted: [Backing] = []
    private var services: [Backing: [EndpointSlice]] = [:]
    private var pools: [Backing: Pool] = [:]

    /// - Parameters:
    ///   - zone: the node's.
    ///   - former: what is known from before.
    init(zone: String?, former: Backings = Backings()) {
        self.zone = zone
        self.former = former
    }

    /// From now on these are wanted. What is known of those that stay is kept.
    mutating func adopt(_ wanted: [Backing]) {
        self.wanted = wanted
        let objects = Set(objects)
        services = services.filter { objects.contains($0.key) }
        pools = pools.filter { objects.contains($0.key) }
    }

    /// What to follow: each service once, whatever its ports.
    var objects: [Backing] { Array(all.prefix(Self.maximumObjects)) }

    /// Those that are one too many.
    var beyond: [Backing] { Array(all.dropFirst(Self.maximumObjects)) }

    private var all: [Backing] {
        var seen: Set<Backing> = []
        return wanted.map(\.withoutPort).filter { seen.insert($0).inserted }
    }

    mutating func take(_ service: Backing, slices: [EndpointSlice]) { services[service] = slices }

    mutating func take(_ object: Backing, pool: InferencePool?) { pools[object, default: Pool()].pool = pool }

    mutating func take(_ object: Backing, pods: [ServingPod]) { pools[object, default: Pool()].pods = pods }

    /// The pods that a pool selects; nil: it is not known, or selects nothing.
    func selector(of object: Backing) -> String? { pools[object]?.pool??.labelSelector }

    /// Those of which something is known.
    var backings: Backings {
        var backings = Backings()
        for backing in wanted { backings.addresses[backing] = addresses(of: backing) ?? former.addresses[backing] }
        return backings
    }

    private func addresses(of backing: Backing) -> [SocketAddress]? {
        let object = backing.withoutPort
        switch backing.kind {
        case .service:
            return services[object].map { ServiceAddresses.addresses($0, port: backing.port, zone: zone) }
        case .inferencePool:
            guard let known = pools[object], let pool = known.pool else { return nil }
            guard let pool, pool.labelSelector != nil else { return [] }
            return known.pods.map { PoolAddresses.addresses(pool, $0) }
        }
    }
}

extension Backing {
    /// The object, whichever of its ports is meant.
    var withoutPort: Backing { Backing(kind, namespace: namespace, name: name) }
}
