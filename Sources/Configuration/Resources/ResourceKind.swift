/// The custom resources that add to a configuration: `modelbroker.io/v1alpha1`, cluster-scoped, as the configuration's own
/// names are.
package enum ResourceKind: String, Hashable, Sendable, CaseIterable {
    /// What stands below `models`.
    case model = "Model"
    /// What stands below `pools`.
    case pool = "Pool"
    /// Limits of a model or a client that something else defines.
    case qosClaim = "QoSClaim"
    /// A client, or what one of the file may call.
    case accessControl = "AccessControl"

    package static let group = "modelbroker.io"
    package static let version = "v1alpha1"
    package static var apiVersion: String { "\(group)/\(version)" }

    /// As paths of the API have it.
    package var plural: String { rawValue.lowercased() + "s" }

    /// Those that others refer to come first.
    var rank: Int {
        switch self {
        case .model: 0
        case .pool: 1
        case .qosClaim: 2
        case .accessControl: 3
        }
    }
}

/// A custom resource by its kind and name.
package struct ResourceKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var kind: ResourceKind
    package var name: String

    package init(_ kind: ResourceKind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    /// `Model/llama-70b`
    package var description: String { "\(kind.rawValue)/\(printable(name))" }

    package static func < (first: ResourceKey, second: ResourceKey) -> Bool {
        (first.kind.rank, first.name) < (second.kind.rank, second.name)
    }
}
