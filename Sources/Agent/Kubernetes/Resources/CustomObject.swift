internal import Configuration
internal import Kubernetes

/// A custom resource of any of the broker's kinds. What other nodes write into its status is none of ours, and no change.
struct CustomObject: KubernetesObject {
    var metadata: ObjectMeta
    var created: String
    var spec: ResourceValue

    private enum Keys: String, CodingKey { case metadata, created, spec }

    private struct Birth: Decodable {
        var creationTimestamp: String?
    }

    init(metadata: ObjectMeta, created: String, spec: ResourceValue) {
        self.metadata = metadata
        self.created = created
        self.spec = spec
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Keys.self)
        let birth = try fields.decode(Birth.self, forKey: .metadata).creationTimestamp
        self.init(
            metadata: try fields.decode(ObjectMeta.self, forKey: .metadata),
            created: try birth ?? fields.decodeIfPresent(String.self, forKey: .created) ?? "",
            spec: try fields.decodeIfPresent(ResourceValue.self, forKey: .spec) ?? .mapping([:]))
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Keys.self)
        try fields.encode(metadata, forKey: .metadata)
        try fields.encode(created, forKey: .created)
        try fields.encode(spec, forKey: .spec)
    }

    func resource(_ kind: ResourceKind) -> Resource {
        Resource(
            ResourceKey(kind, metadata.name), created: String(created.prefix(40)), generation: metadata.generation, spec: spec)
    }
}

extension ResourceKind {
    var query: ResourceQuery { ResourceQuery(group: Self.group, version: Self.version, plural: plural) }
}
