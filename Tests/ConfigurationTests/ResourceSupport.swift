import Catalog
import Configuration
import Foundation
import Testing

/// A resource with a `spec` in JSON; `created` orders resources by age.
func resource(_ kind: ResourceKind, _ name: String, _ spec: String, created: Int = 0) throws -> Resource {
    let value = try JSONDecoder().decode(ResourceValue.self, from: Data(spec.utf8))
    return Resource(ResourceKey(kind, name), created: "2026-01-01T00:00:0\(created)Z", spec: value)
}

/// What comes of resources over a file.
struct Overlaid {
    var catalog: Catalog
    var verdicts: [ResourceKey: ResourceVerdict]

    /// - Parameter yaml: the file, but for its `node`.
    init(_ yaml: String = "", _ resources: [Resource], at location: SourceLocation = #_sourceLocation) throws {
        do {
            (catalog, verdicts) = try Configuration.parse(yaml + Self.node, resources: resources)
        } catch {
            Issue.record("\(error)", sourceLocation: location)
            throw error
        }
    }

    static let node = "node: {kubernetes: {server: \"http://127.0.0.1:1\", node: n, resources: true}}\n"

    func isAccepted(_ kind: ResourceKind, _ name: String) -> Bool { verdicts[ResourceKey(kind, name)] == .accepted }

    /// `Invalid: spec.…`; nil: it is accepted, or there is none.
    func refusal(_ kind: ResourceKind, _ name: String) -> String? {
        guard case .refused(let reason, let message) = verdicts[ResourceKey(kind, name)] else { return nil }
        return "\(reason.rawValue): \(message)"
    }

    var models: [String] { catalog.models.map(\.name) }
}
