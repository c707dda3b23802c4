package import Catalog

/// What is known of a pod.
package struct PodFacts: Hashable, Sendable {
    package var key: ObjectKey
    package var labels: [String: String]
    package var serviceAccount: String
    /// Whether it wants to be captured, or its namespace does; nil: neither says.
    package var wantsCapture: Bool?
    /// Names of its containers by the runtime's id of them.
    package var containers: [String: String]

    package func matches(_ match: PodMatch) -> Bool {
        (match.namespaces.isEmpty || match.namespaces.contains(key.namespace))
            && (match.serviceAccounts.isEmpty || match.serviceAccounts.contains(serviceAccount))
            && match.labels.allSatisfy { labels[$0.key] == $0.value }
    }
}

/// The node's pods by what their cgroups are called.
package struct PodTable: Hashable, Sendable {
    /// `enabled` or `disabled`, as a label or an annotation of a pod, or of its namespace.
    package static let captureKey = "modelbroker.io/capture"

    private var pods: [String: PodFacts] = [:]

    package init() {}

    package init(pods all: some Sequence<Pod>, namespaces: some Sequence<Namespace>) {
        let wishes = Dictionary(namespaces.map { ($0.metadata.name, Self.wish($0.metadata)) }) { first, _ in first }
        let sorted = all.sorted { $0.metadata.key < $1.metadata.key }
        for pod in sorted where !pod.metadata.uid.isEmpty { pods[pod.metadata.uid] = Self.facts(pod, wishes) }
        // A mirror says itself whose it is, and nobody becomes another that way.
        for pod in sorted where pods[pod.cgroupUID] == nil { pods[pod.cgroupUID] = Self.facts(pod, wishes) }
    }

    package var count: Int { Set(pods.values.map(\.key)).count }

    /// - Parameter uid: as in `PodCgroup`.
    package subscript(uid: String) -> PodFacts? { pods[uid] }

    private static func facts(_ pod: Pod, _ wishes: [String: Bool?]) -> PodFacts {
        PodFacts(
            key: pod.metadata.key, labels: pod.metadata.labels, serviceAccount: pod.serviceAccount,
            wantsCapture: wish(pod.metadata) ?? wishes[pod.metadata.namespace] ?? nil, containers: pod.containers)
    }

    /// nil: it says nothing, or nothing that is understood. Of a label and an annotation that differ, the label.
    private static func wish(_ metadata: ObjectMeta) -> Bool? {
        for text in [metadata.labels[captureKey], metadata.annotations[captureKey]] {
            switch text {
            case "enabled", "true": return true
            case "disabled", "false": return false
            default: continue
            }
        }
        return nil
    }
}

extension Cluster {
    /// Whether a pod is captured; nil: it is not known.
    package func captures(_ pod: PodFacts?) -> Bool { pod?.wantsCapture ?? (capture == .all) }
}
