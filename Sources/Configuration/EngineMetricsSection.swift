import Catalog

/// `metrics` of an endpoint: where it tells how busy it is. `true`, `false`, or how.
enum EngineMetricsSection {
    private static let keys = KnownKeys(["path", "period", "staleAfter"])

    static func read(_ field: Field, _ reading: Reading) -> EngineMetrics? {
        switch field.value.content {
        case .null: return nil
        case .scalar: return reading.value(field, NameText.truth)?.value == true ? EngineMetrics() : nil
        case .list, .mapping: break
        }
        let fields = reading.members(field, keys)
        var metrics = EngineMetrics()
        reading.set(&metrics.path, fields["path"], path)
        reading.set(&metrics.period, fields["period"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 100...3_600_000, "from 100ms to 1h")
        }
        let staleAfter = fields["staleAfter"].flatMap { field in
            reading.value(field) { text throws(Refusal) in
                try NumberText.milliseconds(text, in: 100...86_400_000, "from 100ms to 24h")
            }
        }
        // One reading that is late is no reason to have none.
        metrics.staleAfter = staleAfter?.value ?? max(metrics.staleAfter, 3 * metrics.period)
        if let staleAfter, staleAfter.value < metrics.period {
            reading.fault(staleAfter.field, "\(staleAfter.shown) is shorter than period (\(metrics.period)ms)")
        }
        return metrics
    }

    private static func path(_ text: String) throws(Refusal) -> String {
        let isPath = text.hasPrefix("/") && text.utf8.count <= 1_024 && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isPath, !text.contains("#") else { throw Refusal("is not a path; write one that begins with /, as /metrics") }
        return text
    }
}
