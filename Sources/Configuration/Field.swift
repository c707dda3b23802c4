/// A value of the configuration with its place.
struct Field {
    /// `capture[0].to[1]`
    let key: String
    let line: Int
    let value: YAMLValue

    var isNull: Bool {
        if case .null = value.content { true } else { false }
    }

    var isEmptyList: Bool {
        if case .list(let values) = value.content { values.isEmpty } else { false }
    }
}

/// What a field was read as, kept with the field for checks that look at several of them.
struct Located<Value> {
    let value: Value
    let field: Field
    /// As messages show it: the file's own text, never what a reference resolved to.
    let shown: String
}

/// The keys that a mapping takes.
struct KnownKeys {
    let accepted: [String]

    init(_ accepted: [String]) { self.accepted = accepted }

    /// What to say of a key that is not accepted.
    func refusal(of key: String) -> String {
        if let near = NearMiss.nearest(to: key, among: accepted) { return "is not a known key; did you mean \(near)?" }
        return "is not a known key; accepted here: \(accepted.joined(separator: ", "))"
    }
}
