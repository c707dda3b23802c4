import Catalog

/// `node.remoteWrite`: metrics for a receiver of Prometheus' remote write.
enum RemoteWriteSection {
    private static let keys = KnownKeys(["url", "interval", "labels"] + WebTargetReader.keys)

    /// nil: none, or after a fault.
    static func read(_ field: Field, _ reading: Reading) -> RemoteWrite? {
        guard !field.isNull else { return nil }
        let fields = reading.members(field, keys)
        guard case .mapping = field.value.content else { return nil }
        let target = WebTargetReader.read(
            field, fields, urlKey: "url", example: "https://prometheus.example/api/v1/write", reading)
        var interval = 60_000
        reading.set(&interval, fields["interval"], ExportText.interval)
        let labels = fields["labels"].map { ExportText.values($0, reading, ExportText.metricLabel) } ?? []
        return target.map { RemoteWrite(target: $0, interval: interval, labels: labels) }
    }
}

/// What sections of receivers have in common.
enum ExportText {
    static func interval(_ text: String) throws(Refusal) -> Int {
        try NumberText.milliseconds(text, in: 1_000...3_600_000, "from 1s to 1h")
    }

    /// The name of a label as Prometheus has them.
    static func metricLabel(_ text: String) throws(Refusal) -> String {
        let isWord = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
        }
        guard isWord, let first = text.utf8.first, !(0x30...0x39).contains(first), text.utf8.count <= 128 else {
            throw Refusal("is not the name of a label: letters, digits and underscores, and no digit first")
        }
        guard !text.hasPrefix("__") else { throw Refusal("begins with two underscores, as only Prometheus' own labels do") }
        return text
    }

    /// The name of an attribute of OpenTelemetry.
    static func attribute(_ text: String) throws(Refusal) -> String {
        guard !text.isEmpty, text.utf8.count <= 128, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Refusal("is not the name of an attribute, as deployment.environment.name")
        }
        return text
    }

    /// Names with texts, by name.
    static func values(
        _ field: Field, _ reading: Reading, _ name: (String) throws(Refusal) -> String
    ) -> [NamedValue] {
        let entries = reading.entries(field, form: "names and texts, as {cluster: eu-1}")
        guard entries.count <= Limits.exportLabels else {
            reading.fault(field, "has \(entries.count) names; at most \(Limits.exportLabels) are possible")
            return []
        }
        var values: [NamedValue] = []
        for entry in entries {
            let member = Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value)
            do throws(Refusal) {
                _ = try name(entry.key)
            } catch {
                reading.fault(member, "\(quoted(entry.key)) \(error.reason)")
            }
            if let value = reading.value(member, NameText.labelValue)?.value {
                values.append(NamedValue(name: entry.key, value: value))
            }
        }
        return values.sorted { $0.name < $1.name }
    }
}
