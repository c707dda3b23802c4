/// Pods that serve the same models: inference.networking.k8s.io/v1, reduced to what the broker reads of it.
package struct InferencePool: KubernetesObject {
    package struct Spec: Codable, Hashable, Sendable {
        package struct Selector: Codable, Hashable, Sendable {
            package var matchLabels: [String: String]
        }

        package struct Port: Codable, Hashable, Sendable {
            package var number: Int
        }

        package var selector: Selector
        package var targetPorts: [Port]
    }

    package var metadata: ObjectMeta
    package var spec: Spec

    /// As a query has it, `app=vllm,tier=gpu`; nil: it selects nothing, or with words that no label has.
    package var labelSelector: String? {
        let labels = spec.selector.matchLabels
        guard !labels.isEmpty, labels.allSatisfy({ Self.isWord($0.key, "/") && ($0.value.isEmpty || Self.isWord($0.value, "")) })
        else { return nil }
        return labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    private static func isWord(_ text: String, _ more: String) -> Bool {
        (1...317).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "-_.\(more)".utf8.contains(byte)
                }
            }
    }
}

/// A pod behind an InferencePool, reduced to where and whether it can be reached.
package struct ServingPod: KubernetesObject {
    package struct Status: Codable, Hashable, Sendable {
        package struct Condition: Codable, Hashable, Sendable {
            package var type: String
            package var status: String
        }

        package var phase: String?
        package var podIP: String?
        package var conditions: [Condition]?
    }

    package var metadata: ObjectMeta
    package var status: Status?

    package var isReady: Bool {
        !metadata.isEnding && status?.phase == "Running"
            && (status?.conditions ?? []).contains { $0.type == "Ready" && $0.status == "True" }
    }
}
