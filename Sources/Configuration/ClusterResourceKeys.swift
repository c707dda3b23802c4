import Catalog

/// What `node.kubernetes` says of custom resources and of the zone.
enum ClusterResourceKeys {
    static let keys = ["resources", "status", "zone"]

    static func read(_ cluster: inout Cluster, _ fields: [String: Field], _ reading: Reading) {
        reading.set(&cluster.followsResources, fields["resources"], NameText.truth)
        reading.set(&cluster.status, fields["status"]) { text throws(Refusal) in
            try NameText.word(text, of: Cluster.Telling.self)
        }
        if let field = fields["zone"] { cluster.zone = reading.value(field, NameText.identifier)?.value }
    }
}
