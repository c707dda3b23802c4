import Catalog
import Identity

/// `keys` of a client: references to keys, which are digested here and now, or digests of keys. No message has a key in it,
/// wherever it stands.
struct ClientKeysReader {
    private static let keys = KnownKeys(["key", "id", "notBefore", "expires"])
    private static let form =
        "must be ${file:/path}, ${env:NAME} or the stored form, mbk1:…, that `modelbroker key new --offline` prints: "
        + "whoever reads this file would read a key in it"

    let client: String
    let reading: Reading

    func read(_ field: Field?, _ ledger: inout ClientLedger) -> [APIKey] {
        let elements = reading.oneOrMore(field)
        ledger.keys += elements.count
        // The section says so, once.
        guard ledger.keys <= Limits.keys else { return [] }
        return elements.enumerated().compactMap { key($1, position: $0 + 1, &ledger) }
    }

    private func key(_ element: Field, position: Int, _ ledger: inout ClientLedger) -> APIKey? {
        guard case .mapping = element.value.content else { return read(element, nil, position, [:], &ledger) }
        let fields = reading.members(element, Self.keys, hidingUnknown: true)
        guard let value = fields["key"] else {
            reading.fault(element, "has no key; write {key: \"${file:/path}\", expires: 2027-01-01}")
            return nil
        }
        return read(value, fields["id"], position, fields, &ledger)
    }

    private func read(
        _ field: Field, _ idField: Field?, _ position: Int, _ fields: [String: Field], _ ledger: inout ClientLedger
    ) -> APIKey? {
        let id = idField.flatMap { reading.value($0, NameText.identifier) }
        let notBefore = fields["notBefore"].flatMap { reading.value($0, Self.moment) }
        let expires = fields["expires"].flatMap { reading.value($0, Self.moment) }
        if let notBefore, let expires, expires.value <= notBefore.value {
            reading.fault(expires.field, "\(expires.shown) is not after notBefore, \(notBefore.shown)")
        }
        guard var key = digested(field) else { return nil }
        if key.id.isEmpty {
            key.id = id?.value ?? "\(client)/\(position)"
        } else if let id, id.value != key.id {
            reading.fault(id.field, "\(id.shown) is another id than the one that the key has itself; leave it out")
        }
        key.notBefore = notBefore?.value
        key.expires = expires?.value
        return isNew(key, field, &ledger) ? key : nil
    }

    /// The key without its id, unless it has one of its own; nil after a fault.
    private func digested(_ field: Field) -> APIKey? {
        guard case .scalar(let raw) = field.value.content else {
            reading.fault(field, field.isNull ? "has no value" : Self.form)
            return nil
        }
        if raw.hasPrefix("mbk1:") { return stored(raw, field) }
        guard References.isWhole(raw) else {
            reading.fault(field, Self.form)
            return nil
        }
        return reading.value(field, Self.referred)?.value
    }

    private func stored(_ text: String, _ field: Field) -> APIKey? {
        guard let key = KeyDigest.parse(stored: text) else {
            reading.fault(field, "is no stored key; it is mbk1:ID:SALT:DIGEST, as `modelbroker key new --offline` prints it")
            return nil
        }
        return key
    }

    private static func referred(_ text: String) throws(Refusal) -> APIKey {
        if text.hasPrefix("mbk1:") {
            guard let key = KeyDigest.parse(stored: text) else { throw Refusal("stands for something that is no stored key") }
            return key
        }
        if let fault = KeyText.fault(of: text) { throw Refusal("stands for a text that \(fault)") }
        let bytes = Array(text.utf8)
        // One that the broker made is known by the id inside it.
        let id = KeyText.id(in: bytes.span).map { String(decoding: bytes[$0], as: UTF8.self) }
        return KeyDigest.shared(id: id ?? "", key: text)
    }

    private static func moment(_ text: String) throws(Refusal) -> Int64 {
        guard let seconds = DateText.seconds(text) else { throw Refusal("is not \(DateText.form)") }
        return seconds
    }

    private func isNew(_ key: APIKey, _ field: Field, _ ledger: inout ClientLedger) -> Bool {
        // Keys of references have one salt, so that the same key has the same digest.
        if let first = ledger.take(keyDigest: key.digest, field) {
            reading.fault(field, "stands for the same key as \(first.key) on line \(first.line); a key belongs to one client")
            return false
        }
        if let first = ledger.take(keyID: key.id, field) {
            reading.fault(field, "has the id \(quoted(key.id)), as \(first.key) on line \(first.line) has; ids are unique")
            return false
        }
        return true
    }
}
