internal import Catalog
internal import Configuration
internal import Kubernetes

/// What was last known of the cluster, in files of the state directory: an agent that starts while the API server is away
/// goes on with it.
struct ClusterFiles: Sendable {
    /// Bytes of one file at most, and objects that are taken from it.
    private static let limit = 64 << 20
    private static let maximumObjects = 4_096

    /// Root's alone.
    let directory: String

    func resources(_ kind: ResourceKind) -> String { "\(directory)/kubernetes-\(kind.plural).json" }

    /// Names of a cluster have neither slashes nor two dots in a row.
    func slices(_ service: Backing) -> String { "\(directory)/kubernetes-service-\(service.namespace)-\(service.name).json" }
    func pools(_ pool: Backing) -> String { "\(directory)/kubernetes-pool-\(pool.namespace)-\(pool.name).json" }
    func pods(_ pool: Backing) -> String { "\(directory)/kubernetes-pods-\(pool.namespace)-\(pool.name).json" }

    /// The custom resources that were there. Nothing is said of files that cannot be read: whoever follows the cluster does.
    var knownResources: [Resource] {
        ResourceKind.allCases.flatMap { kind in
            objects(resources(kind), of: CustomObject.self).map { $0.resource(kind) }
        }.sorted { $0.key < $1.key }
    }

    /// Where the endpoints of a catalogue were.
    func knownBackings(of catalog: Catalog) -> Backings {
        var book = BackingBook(zone: catalog.node.kubernetes?.zone)
        book.adopt(catalog.backings)
        for object in book.objects {
            switch object.kind {
            case .service: book.take(object, slices: objects(slices(object), of: EndpointSlice.self))
            case .inferencePool:
                book.take(object, pool: objects(pools(object), of: InferencePool.self).first)
                book.take(object, pods: objects(pods(object), of: ServingPod.self))
            }
        }
        return book.backings
    }

    private func objects<Object: KubernetesObject>(_ path: String, of type: Object.Type) -> [Object] {
        guard File.exists(path), let bytes = try? File.read(path, limit: Self.limit) else { return [] }
        return (try? ResourceStore<Object>(maximumObjects: Self.maximumObjects, snapshot: bytes))?.sorted ?? []
    }
}
