package import KernelPlane

/// One of the broker's maps, as `map list` shows it.
package struct MapReport: Hashable, Sendable, Codable {
    package var name: String
    package var id: UInt32
    package var type: String
    package var keySize: UInt32
    package var valueSize: UInt32
    package var maxEntries: UInt32
    /// nil: this type cannot be counted.
    package var entries: Int?
    package var bytes: UInt64

    package init(_ map: MapInfo) {
        name = map.name
        id = map.id
        type = map.type
        keySize = map.keySize
        valueSize = map.valueSize
        maxEntries = map.maxEntries
        entries = map.entries
        bytes = map.bytes
    }

    /// What `modelbroker map list` prints.
    package static func table(_ maps: [MapReport], width: Int?) -> String {
        var table = Table([
            .init("id", .right), .init("name"), .init("type"), .init("key", .right), .init("value", .right),
            .init("entries", .right), .init("max", .right), .init("memory", .right),
        ])
        for map in maps {
            table.add([
                "\(map.id)", map.name, map.type, "\(map.keySize) B", "\(map.valueSize) B", map.entries.map(String.init) ?? "",
                "\(map.maxEntries)", Units.bytes(map.bytes),
            ])
        }
        return table.rendered(width: width)
    }
}
