import Catalog

/// `strategy`: a word, or a mapping with `kind` and what that kind takes.
enum StrategySection {
    private static let keys = KnownKeys(["kind", "key", "affinity", "timeout", "bytes", "load", "threshold"])

    private enum Affinity: String, CaseIterable { case strict, fallback }

    /// nil after a fault in its kind.
    static func read(_ field: Field, _ reading: Reading) -> Strategy? {
        switch field.value.content {
        case .null: return nil
        case .scalar: return reading.value(field, kind).map { strategy($0.value, [:], reading) }
        case .list, .mapping: break
        }
        let fields = reading.members(field, keys)
        guard case .mapping = field.value.content else { return nil }
        guard let given = fields["kind"] else {
            reading.fault(field, "has no kind; write {kind: session-sticky, key: user}")
            return nil
        }
        guard let kind = reading.value(given, kind) else { return nil }
        let taken = ["kind"] + parameters(of: kind.value)
        for (key, field) in fields where !taken.contains(key) {
            reading.fault(field, "has no meaning with strategy \(kind.value.rawValue); leave it out")
        }
        return strategy(kind.value, fields, reading)
    }

    private static func kind(_ text: String) throws(Refusal) -> Strategy.Kind {
        if let kind = Strategy.Kind(rawValue: text) { return kind }
        let kinds = Strategy.Kind.allCases.map(\.rawValue)
        if let near = NearMiss.nearest(to: text, among: kinds) { throw Refusal("is not a strategy; did you mean \(near)?") }
        throw Refusal("is not a strategy; there are \(kinds.joined(separator: ", "))")
    }

    private static func parameters(of kind: Strategy.Kind) -> [String] {
        switch kind {
        case .sessionSticky: ["key", "affinity", "timeout"]
        case .prefixAffinity: ["bytes", "load"]
        case .rateLimitAware: ["threshold"]
        case .priority, .roundRobin, .weighted, .leastInFlight, .powerOfTwo, .lowestLatency, .costFirst: []
        }
    }

    private static func strategy(_ kind: Strategy.Kind, _ fields: [String: Field], _ reading: Reading) -> Strategy {
        switch kind {
        case .priority: .priority
        case .roundRobin: .roundRobin
        case .weighted: .weighted
        case .leastInFlight: .leastInFlight
        case .powerOfTwo: .powerOfTwo
        case .lowestLatency: .lowestLatency
        case .costFirst: .costFirst
        case .sessionSticky: .sessionSticky(session(fields, reading))
        case .prefixAffinity: .prefixAffinity(prefix(fields, reading))
        case .rateLimitAware: .rateLimitAware(threshold: threshold(fields, reading))
        }
    }

    private static func session(_ fields: [String: Field], _ reading: Reading) -> SessionPolicy {
        var session = SessionPolicy()
        reading.set(&session.key, fields["key"], sessionKey)
        reading.set(&session.isStrict, fields["affinity"]) { text throws(Refusal) in
            try NameText.word(text, of: Affinity.self) == .strict
        }
        reading.set(&session.timeout, fields["timeout"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 1_000...86_400_000, "from 1s to 24h")
        }
        return session
    }

    static func sessionKey(_ text: String) throws(Refusal) -> SessionPolicy.Key {
        switch text {
        case "user": return .user
        case "client": return .client
        default:
            guard text.hasPrefix("header:") else { throw Refusal("is not header:NAME, user or client") }
            return .header(try NameText.header(text.dropFirst("header:".count)))
        }
    }

    private static func prefix(_ fields: [String: Field], _ reading: Reading) -> PrefixPolicy {
        var prefix = PrefixPolicy()
        reading.set(&prefix.bytes, fields["bytes"]) { text throws(Refusal) in
            try NumberText.bytes(text, in: 64...65_536, "from 64 bytes to 64KiB")
        }
        reading.set(&prefix.load, fields["load"]) { text throws(Refusal) in
            try NumberText.percent(text, in: 100...1_000)
        }
        return prefix
    }

    private static func threshold(_ fields: [String: Field], _ reading: Reading) -> UInt8 {
        var threshold: UInt8 = 80
        reading.set(&threshold, fields["threshold"]) { text throws(Refusal) in
            UInt8(try NumberText.percent(text, in: 1...100))
        }
        return threshold
    }
}
