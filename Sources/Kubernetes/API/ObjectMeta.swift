/// What every object of the API server has: the part of `metadata` that matters here.
package struct ObjectMeta: Hashable, Sendable {
    package var name: String
    /// Empty: the object belongs to no namespace.
    package var namespace: String
    package var uid: String
    /// Empty in a `ResourceStore`: two versions that say the same are the same.
    package var resourceVersion: String
    /// Counts changes of what is asked for, not of what is so; 0: the resource has none.
    package var generation: Int64
    package var labels: [String: String]
    /// Only those that mean something to the broker: others can be as long as the object that they are at.
    package var annotations: [String: String]
    /// The object is about to go.
    package var isEnding: Bool

    package init(
        name: String, namespace: String = "", uid: String = "", resourceVersion: String = "", generation: Int64 = 0,
        labels: [String: String] = [:], annotations: [String: String] = [:], isEnding: Bool = false
    ) {
        self.name = name
        self.namespace = namespace
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.generation = generation
        self.labels = labels
        self.annotations = annotations
        self.isEnding = isEnding
    }

    package var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }
}

extension ObjectMeta: Codable {
    private enum Keys: String, CodingKey {
        case name, namespace, uid, resourceVersion, generation, labels, annotations, deletionTimestamp
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Keys.self)
        let annotations = try fields.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:]
        self.init(
            name: try fields.decodeIfPresent(String.self, forKey: .name) ?? "",
            namespace: try fields.decodeIfPresent(String.self, forKey: .namespace) ?? "",
            uid: try fields.decodeIfPresent(String.self, forKey: .uid) ?? "",
            resourceVersion: try fields.decodeIfPresent(String.self, forKey: .resourceVersion) ?? "",
            generation: try fields.decodeIfPresent(Int64.self, forKey: .generation) ?? 0,
            labels: try fields.decodeIfPresent([String: String].self, forKey: .labels) ?? [:],
            annotations: annotations.filter { Self.isKept($0.key) },
            isEnding: try fields.decodeIfPresent(String.self, forKey: .deletionTimestamp) != nil)
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Keys.self)
        try fields.encode(name, forKey: .name)
        if !namespace.isEmpty { try fields.encode(namespace, forKey: .namespace) }
        if !uid.isEmpty { try fields.encode(uid, forKey: .uid) }
        if !resourceVersion.isEmpty { try fields.encode(resourceVersion, forKey: .resourceVersion) }
        if generation != 0 { try fields.encode(generation, forKey: .generation) }
        if !labels.isEmpty { try fields.encode(labels, forKey: .labels) }
        if !annotations.isEmpty { try fields.encode(annotations, forKey: .annotations) }
        if isEnding { try fields.encode("", forKey: .deletionTimestamp) }
    }

    private static func isKept(_ annotation: String) -> Bool {
        annotation.hasPrefix("modelbroker.io/") || annotation.hasPrefix("kubernetes.io/config.")
    }
}

/// What tells one object from all others of its resource at one time.
package struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Empty: the object belongs to no namespace.
    package var namespace: String
    package var name: String

    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    package static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }

    /// `namespace/name`.
    package var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
}
