import Catalog

/// `labels` of an endpoint, and `selector` of a pool.
enum LabelsSection {
    static func read(_ field: Field, _ reading: Reading) -> [String: String] {
        let entries = reading.entries(field, form: "labels, as {tier: gpu}")
        guard entries.count <= Limits.labels else {
            reading.fault(field, "has \(entries.count) labels; at most \(Limits.labels) are possible")
            return [:]
        }
        var labels: [String: String] = [:]
        for entry in entries {
            let member = Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value)
            do throws(Refusal) {
                _ = try NameText.label(entry.key)
            } catch {
                reading.fault(member, "\(quoted(entry.key)) \(error.reason)")
            }
            labels[entry.key] = reading.value(member, NameText.labelValue)?.value
        }
        return labels
    }
}
