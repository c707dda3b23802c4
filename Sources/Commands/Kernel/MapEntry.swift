/// One entry of a map: its fields by name, in the order of the kernel's struct.
package struct MapEntry: Encodable {
    package var fields: [(name: String, value: String)]

    package init(fields: [(String, String)]) { self.fields = fields.map { (name: $0.0, value: $0.1) } }

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// An object with the fields as its members; whole numbers are numbers.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        for field in fields {
            let key = Key(stringValue: field.name)
            if let number = UInt64(field.value) {
                try object.encode(number, forKey: key)
            } else {
                try object.encode(field.value, forKey: key)
            }
        }
    }

    /// What `modelbroker map dump` prints: a column for each field.
    package static func table(_ entries: [MapEntry], width: Int?) -> String {
        var names: [String] = []
        for entry in entries {
            for field in entry.fields where !names.contains(field.name) { names.append(field.name) }
        }
        guard !names.isEmpty else { return "no entries\n" }
        let rows = entries.map { entry in names.map { name in entry.fields.first { $0.name == name }?.value ?? "" } }
        let numeric = names.indices.map { column in rows.allSatisfy { UInt64($0[column]) != nil } }
        var table = Table(
            names.indices.map { Table.Column(names[$0], numeric[$0] ? .right : .left, shrinks: !numeric[$0]) })
        for row in rows { table.add(row) }
        return table.rendered(width: width)
    }
}
