import Catalog

/// `health`: how an endpoint is asked whether it is well, or `off`.
enum HealthSection {
    private static let keys = KnownKeys(["path", "period", "timeout", "failures", "successes"])

    /// - Parameter defaults: what holds for keys that are left out.
    static func read(_ field: Field, over defaults: HealthCheck, _ reading: Reading) -> HealthCheck {
        var health = defaults
        switch field.value.content {
        case .null: return defaults
        case .scalar:
            reading.set(&health.period, field) { text throws(Refusal) in
                guard text == "off" else {
                    throw Refusal("is not off and no mapping of \(keys.accepted.joined(separator: ", "))")
                }
                return 0
            }
            return health
        case .list, .mapping: break
        }
        // Under a model whose endpoints are not asked, whoever says how is.
        if health.period == 0 { health.period = HealthCheck().period }
        let fields = reading.members(field, keys)
        if let field = fields["path"] { health.path = reading.value(field, path)?.value }
        reading.set(&health.period, fields["period"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 100...86_400_000, "from 100ms to 24h")
        }
        reading.set(&health.timeout, fields["timeout"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 10...600_000, "from 10ms to 10m")
        }
        for (key, path) in [("failures", \HealthCheck.failures), ("successes", \.successes)] {
            reading.set(&health[keyPath: path], fields[key]) { text throws(Refusal) in
                try NumberText.integer(text, in: 1...100)
            }
        }
        return health
    }

    /// Of a request; empty: a connection is enough.
    private static func path(_ text: String) throws(Refusal) -> String {
        guard !text.isEmpty else { return text }
        let isPath = text.hasPrefix("/") && text.utf8.count <= 1_024 && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isPath, !text.contains("#") else {
            throw Refusal("is not a path; write one that begins with /, as /health, or \"\" if a connection is enough")
        }
        return text
    }
}
