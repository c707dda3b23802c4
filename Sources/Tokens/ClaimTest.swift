internal import Catalog
internal import Identity

/// What a client asks of the claims of an issuer's tokens.
struct ClaimTest: Sendable {
    private let claims: [(name: String, patterns: [TextGlob])]

    /// nil: it asks nothing, which would be everybody.
    init?(_ match: TokenMatch) {
        guard !match.claims.isEmpty else { return nil }
        claims = match.claims.map { ($0.key, $0.value.map { TextGlob($0) }) }
    }

    func holds(for token: JSONValue) -> Bool {
        claims.allSatisfy { claim in
            guard let value = Self.value(claim.name[...], in: token) else { return false }
            return (value.list ?? [value]).contains { element in
                guard let text = Self.text(element) else { return false }
                return claim.patterns.contains { $0.matches(text) }
            }
        }
    }

    /// Names with dots go into objects; those that have dots of their own, as URLs, come first.
    private static func value(_ name: Substring, in value: JSONValue) -> JSONValue? {
        if let member = value[String(name)] { return member }
        for dot in name.indices where name[dot] == "." {
            guard let inner = value[String(name[..<dot])] else { continue }
            if let found = Self.value(name[name.index(after: dot)...], in: inner) { return found }
        }
        return nil
    }

    /// What patterns are held against: text, whole numbers as their digits, and `true` and `false`.
    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .text(let text): text
        case .bool(let value): value ? "true" : "false"
        case .number(let number): Int64(exactly: number).map { String($0) }
        case .null, .list, .object: nil
        }
    }
}
