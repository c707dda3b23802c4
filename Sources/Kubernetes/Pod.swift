/// What matters of a pod: whose it is, and which containers it has.
package struct Pod: KubernetesObject {
    package struct Spec: Codable, Hashable, Sendable {
        package var nodeName: String?
        package var serviceAccountName: String?

        package init(nodeName: String? = nil, serviceAccountName: String? = nil) {
            self.nodeName = nodeName
            self.serviceAccountName = serviceAccountName
        }
    }

    package struct Status: Codable, Hashable, Sendable {
        package var phase: String?
        package var containerStatuses: [Container]?
        package var initContainerStatuses: [Container]?
        package var ephemeralContainerStatuses: [Container]?

        package init(phase: String? = nil, containerStatuses: [Container]? = nil) {
            self.phase = phase
            self.containerStatuses = containerStatuses
        }
    }

    package struct Container: Codable, Hashable, Sendable {
        package var name: String
        /// `containerd://ID`; absent before it is made.
        package var containerID: String?

        package init(name: String, containerID: String? = nil) {
            self.name = name
            self.containerID = containerID
        }
    }

    package var metadata: ObjectMeta
    package var spec: Spec?
    package var status: Status?

    package init(metadata: ObjectMeta, spec: Spec? = nil, status: Status? = nil) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    /// As it was admitted: the API server fills in the default.
    package var serviceAccount: String { spec?.serviceAccountName ?? "" }

    /// All its containers will never run again.
    package var isOver: Bool { status?.phase == "Succeeded" || status?.phase == "Failed" }

    /// By the runtime's id of it.
    package var containers: [String: String] {
        let all = [status?.containerStatuses, status?.initContainerStatuses, status?.ephemeralContainerStatuses]
        let ids = all.compactMap { $0 }.joined().compactMap { container -> (String, String)? in
            guard let id = container.containerID?.split(separator: "/").last else { return nil }
            return (String(id), container.name)
        }
        return Dictionary(ids) { first, _ in first }
    }

    /// What its cgroup is called by: of a pod that the kubelet runs by itself (a static pod) the API server knows but a
    /// mirror, with a UID of its own.
    package var cgroupUID: String {
        guard metadata.annotations["kubernetes.io/config.mirror"] != nil,
            let hash = metadata.annotations["kubernetes.io/config.hash"], !hash.isEmpty
        else { return metadata.uid }
        return hash
    }

    /// The pods of one node.
    package static func query(node: String) -> ResourceQuery {
        ResourceQuery(group: "", version: "v1", plural: "pods", fieldSelector: "spec.nodeName=\(node)")
    }
}

/// What matters of a namespace: its labels.
package struct Namespace: KubernetesObject {
    package var metadata: ObjectMeta

    package init(metadata: ObjectMeta) { self.metadata = metadata }

    package static let query = ResourceQuery(group: "", version: "v1", plural: "namespaces")
}
