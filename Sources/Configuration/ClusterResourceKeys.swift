import Catalog

/// What `node.kubernetes` says of custom resources and of the zone.
enum ClusterResourceKeys {
    static let keys = ["resources", "status", "usage", "zone"]

    static func read(_ cluster: inout Cluster, _ fields: [String: Field], _ reading: Reading) {
        reading.set(&cluster.followsResources, fields["resources"], NameText.truth)
        reading.set(&cluster.status, fields["status"]) { text throws(Refusal) in
            try NameText.word(text, of: Cluster.Telling.self)
        }
        reading.set(&cluster.usage, fields["usage"], usage)
        if let field = fields["zone"] { cluster.zone = reading.value(field, NameText.identifier)?.value }
    }

    private static func usage(_ text: String) throws(Refusal) -> Int? {
        guard text != "off" else { return nil }
        return try NumberText.milliseconds(text, in: 5_000...86_400_000, "from 5s to 24h, nor off")
    }
}
