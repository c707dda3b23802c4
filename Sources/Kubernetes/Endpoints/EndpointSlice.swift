/// A part of the addresses behind a service: discovery.k8s.io/v1, reduced to what the broker reads of it.
package struct EndpointSlice: KubernetesObject {
    package struct Port: Codable, Hashable, Sendable {
        /// Empty or nil: the service's only port.
        package var name: String?
        /// At the pods; nil: all of them.
        package var port: Int?
        /// nil: TCP.
        package var `protocol`: String?
    }

    package struct Member: Codable, Hashable, Sendable {
        package struct Conditions: Codable, Hashable, Sendable {
            /// nil counts as true.
            package var ready: Bool?
            /// Ready, whether or not it is about to end; nil: as `ready`.
            package var serving: Bool?
            package var terminating: Bool?
        }

        package struct Hints: Codable, Hashable, Sendable {
            package struct Zone: Codable, Hashable, Sendable {
                package var name: String
            }

            package var forZones: [Zone]?
        }

        package struct Target: Codable, Hashable, Sendable {
            package var uid: String?
        }

        /// All of them lead to the same.
        package var addresses: [String]
        package var conditions: Conditions?
        package var hints: Hints?
        package var targetRef: Target?
    }

    package var metadata: ObjectMeta
    /// `IPv4`, `IPv6` or `FQDN`.
    package var addressType: String
    /// nil, as the API server writes an empty list: none.
    package var endpoints: [Member]?
    package var ports: [Port]?
}
