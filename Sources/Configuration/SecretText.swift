import Catalog

/// Values that must be one reference, `${file:/path}` or `${env:NAME}`, and nothing else. No message has what stands there
/// instead, nor what a reference stands for.
enum SecretText {
    static let refusal =
        "must be one reference, ${file:/path} or ${env:NAME}: whoever reads this file would read the secret in it"

    /// - Parameter parse: of what the reference stands for; its refusal continues a sentence that begins with the reference.
    static func read(
        _ field: Field, _ reading: Reading, _ parse: (String) throws(Refusal) -> Secret
    ) -> Secret? {
        guard !reading.refusesForeign(field) else { return nil }
        guard case .scalar(let raw) = field.value.content, References.isWhole(raw) else {
            reading.fault(field, field.isNull ? "has no value" : refusal)
            return nil
        }
        return reading.value(field, parse)?.value
    }

    /// What goes into a header behind `Bearer`: printable ASCII without blanks.
    static func token(_ text: String) throws(Refusal) -> Secret {
        try check(text, "key")
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Refusal("stands for a text with blanks or characters beyond ASCII, which no key has")
        }
        return Secret(text)
    }

    /// The value of a header.
    static func header(_ text: String) throws(Refusal) -> Secret {
        try check(text, "value of a header")
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), text.first != " ", text.last != " " else {
            throw Refusal("stands for a text with characters beyond ASCII or blanks at an end, which is no value of a header")
        }
        return Secret(text)
    }

    /// What HS256 signs with. RFC 7518, section 3.2: not shorter than the hash.
    static func signing(_ text: String) throws(Refusal) -> Secret {
        try check(text, "key")
        guard text.utf8.count >= 32 else {
            throw Refusal("stands for a text shorter than 32 bytes, with which HS256 is not safe")
        }
        return Secret(text)
    }

    private static func check(_ text: String, _ what: String) throws(Refusal) {
        guard !text.isEmpty else { throw Refusal("stands for an empty text, which is no \(what)") }
        guard text.utf8.count <= Limits.keyBytes else {
            throw Refusal("stands for a text longer than \(Limits.keyBytes >> 10) KiB, which is no \(what)")
        }
    }
}
